//! What a service has to do with the system around it: signals, systemd, users, the file with its number.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use mio::{Interest, Registry, Token};
use rustix::fs::{Gid, Uid};
use rustix::process::{PidfdFlags, PidfdGetfdFlags};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR2};

/// The first descriptor that systemd hands over.
const FIRST: i32 = 3;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// To finish and end.
    End,
    /// To read the signatures again.
    Reload,
    /// To open the log, and to read certificates, again.
    Reopen,
}

/// Signals, as something that a reactor can wait for.
#[derive(Debug)]
pub struct Signals(Vec<(Signal, mio::net::UnixStream)>);

impl Signals {
    /// Catches them.
    ///
    /// # Errors
    /// They cannot be caught.
    pub fn catch() -> io::Result<Self> {
        let wanted = [
            (SIGTERM, Signal::End),
            (SIGINT, Signal::End),
            (SIGUSR2, Signal::Reload),
            (SIGHUP, Signal::Reopen),
        ];
        let mut signals = Vec::new();
        for (number, signal) in wanted {
            let (ours, theirs) = UnixStream::pair()?;
            signal_hook::low_level::pipe::register(number, theirs)?;
            ours.set_nonblocking(true)?;
            signals.push((signal, mio::net::UnixStream::from_std(ours)));
        }
        Ok(Self(signals))
    }

    pub(crate) fn register(&mut self, registry: &Registry, first: usize) -> io::Result<()> {
        for (number, (_, stream)) in self.0.iter_mut().enumerate() {
            registry.register(stream, Token(first.saturating_add(number)), Interest::READABLE)?;
        }
        Ok(())
    }

    /// The signal of this number, if it came.
    pub(crate) fn received(&mut self, number: usize) -> Option<Signal> {
        let (signal, stream) = self.0.get_mut(number)?;
        let mut came = false;
        let mut buffer = [0; 64];
        while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
            came = true;
        }
        came.then_some(*signal)
    }
}

/// The sockets that systemd hands over: `sd_listen_fds(3)`.
///
/// # Errors
/// What it says is not so.
pub fn inherited() -> anyhow::Result<Vec<OwnedFd>> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<i32>().ok();
    let own = rustix::process::getpid();
    if number("LISTEN_PID") != Some(own.as_raw_nonzero().get()) {
        return Ok(Vec::new());
    }
    let count = number("LISTEN_FDS").unwrap_or(0).clamp(0, 64);
    // They belong to nobody in this program yet. A copy by way of the process itself needs no promise about that.
    let this = rustix::process::pidfd_open(own, PidfdFlags::empty()).context("LISTEN_FDS")?;
    (FIRST..FIRST.saturating_add(count))
        .map(|place| {
            let copy = rustix::process::pidfd_getfd(&this, place, PidfdGetfdFlags::empty())
                .with_context(|| format!("LISTEN_FDS: descriptor {place}"))?;
            candor_sandbox::keep_from_programs(place)
                .with_context(|| format!("LISTEN_FDS: descriptor {place}"))?;
            Ok(copy)
        })
        .collect()
}

/// Tells systemd something, if it wants to know: `sd_notify(3)`.
pub fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    let sent = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            std::os::unix::net::SocketAddr::from_abstract_name(name)
                .and_then(|address| socket.send_to_addr(state.as_bytes(), &address))
        }
        None => socket.send_to(state.as_bytes(), &path),
    };
    drop(sent);
}

/// The file with the number of the process; it goes when this does.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("PidFile {}", path.display());
        // One that was left behind is replaced, whatever it is.
        drop(fs::remove_file(path));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(path).with_context(name)?;
        writeln!(file, "{}", std::process::id()).with_context(name)?;
        Ok(Self(path.to_path_buf()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// The number of a group in `/etc/group`.
#[must_use]
pub fn group(name: &str) -> Option<u32> {
    let text = fs::read_to_string("/etc/group").ok()?;
    let line = text.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(name));
    line?.nth(2)?.parse().ok()
}

/// Becomes another user, for good. To be called while this program has one thread.
///
/// # Errors
/// There is no such user, or this program may not.
pub fn become_user(name: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let user: u32 = fields.nth(1)?.parse().ok()?;
        let group: u32 = fields.next()?.parse().ok()?;
        Some((user, group))
    });
    let (user, group) = found.with_context(|| format!("User {name}: unknown"))?;
    if rustix::process::geteuid().as_raw() == user {
        return Ok(());
    }
    ensure!(rustix::process::geteuid().is_root(), "User {name}: only root can become somebody else");
    let more = fs::read_to_string("/etc/group").unwrap_or_default();
    let mut groups = vec![Gid::from_raw(group)];
    groups.extend(more.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let number: u32 = fields.nth(2)?.parse().ok()?;
        fields.next()?.split(',').any(|member| member == name).then_some(Gid::from_raw(number))
    }));
    let wrong = || format!("User {name}: not allowed");
    rustix::thread::set_thread_groups(&groups).with_context(wrong)?;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    rustix::thread::set_thread_res_gid(group, group, group).with_context(wrong)?;
    rustix::thread::set_thread_res_uid(user, user, user).with_context(wrong)?;
    Ok(())
}

/// Allows as many open files as the system lets this process have.
pub fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const WANTED: u64 = 1 << 17;
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(WANTED).min(WANTED);
    if limit.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}
