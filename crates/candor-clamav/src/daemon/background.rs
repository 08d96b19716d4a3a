//! Programs that end when their daemon is ready, which goes on without a terminal: what scripts for starting services wait for.
//!
//! Nothing is forked: the program starts itself once more, and waits for the word that daemons have for systemd. Until then
//! it repeats what the other one says on standard error.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::sigtool::hexadecimal;

/// How often it is looked whether the daemon has ended.
const SLICE: Duration = Duration::from_millis(50);

/// Starts this program once more as `name`, in the background; ends when that is ready.
pub(super) fn start(name: &str, arguments: &[OsString]) -> anyhow::Result<()> {
    let mut random = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random)).context("/dev/urandom")?;
    // A name that is in no folder: whoever the daemon becomes can speak to it. Whoever else does makes this command end early.
    let word = format!("candor-clamav-{}", hexadecimal(&random));
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&word)?)?;
    socket.set_read_timeout(Some(SLICE))?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name).arg("--candor-detached").args(arguments);
    command.env("NOTIFY_SOCKET", format!("@{word}"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().context("it cannot be started in the background")?;
    let mut said = child.stderr.take().context("nothing can be heard of it")?;
    rustix::io::ioctl_fionbio(&said, true)?;
    let mut buffer = [0; 64];
    loop {
        let word = match socket.recv(&mut buffer) {
            Ok(length) => buffer.get(..length).unwrap_or_default(),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                &[]
            }
            Err(error) => return Err(error).context("the daemon cannot be waited for"),
        };
        let is_ready = word.starts_with(b"READY=1");
        let ended = child.try_wait()?;
        // What it said before either is there by now.
        repeat(&mut said);
        if is_ready {
            return Ok(());
        }
        if let Some(status) = ended {
            bail!("the daemon has ended: {status}");
        }
    }
}

/// Says what another program has said so far.
fn repeat(said: &mut ChildStderr) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = said.read(&mut buffer) {
        drop(io::stderr().write_all(buffer.get(..length).unwrap_or_default()));
    }
}

/// Leaves the terminal, and whoever started this.
pub(super) fn detach() -> anyhow::Result<()> {
    rustix::process::setsid().context("the terminal cannot be left")?;
    Ok(())
}
