//! Logs of the system: syslog(3), and journald by its own protocol. Both are datagrams to a socket that may not be there
//! yet, go away and come back. Nothing waits for it: a line that it does not take is lost, as the man page of syslog says.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::log::Weight;

/// A log of the system.
#[derive(Debug)]
pub(crate) struct SystemLog {
    path: PathBuf,
    kind: Kind,
    /// What lines are said to be from.
    name: String,
    socket: Mutex<Option<UnixDatagram>>,
}

/// What is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// RFC 3164, without the time, which who receives it knows; with this facility.
    Syslog(u8),
    /// Fields in lines.
    Journal,
}

impl SystemLog {
    /// One that listens at `path`.
    pub(crate) fn new(path: &Path, kind: Kind) -> Self {
        let name = std::env::args_os().next().map(PathBuf::from);
        let name = name.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| String::from("candord"));
        Self { path: path.to_path_buf(), kind, name, socket: Mutex::default() }
    }

    /// Says a line, which has no control characters.
    ///
    /// # Errors
    /// Nobody listens, or who does cannot keep up.
    pub(crate) fn say(&self, weight: Weight, text: &str) -> io::Result<()> {
        let (name, process, severity) = (&self.name, std::process::id(), weight as u32);
        let datagram = match self.kind {
            Kind::Syslog(facility) => {
                let priority = u32::from(facility).saturating_mul(8).saturating_add(severity);
                format!("<{priority}>{name}[{process}]: {text}")
            }
            Kind::Journal => {
                format!(
                    "MESSAGE={text}\nPRIORITY={severity}\nSYSLOG_IDENTIFIER={name}\nSYSLOG_PID={process}\n"
                )
            }
        };
        self.send(datagram.as_bytes())
    }

    /// What it is called, for people.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        let mut held = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = &*held {
            match socket.send(datagram) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // It was started anew since, and listens at another socket of the same name.
                Err(_) => *held = None,
            }
        }
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        socket.send(datagram)?;
        *held = Some(socket);
        Ok(())
    }
}

/// Whether standard error goes to journald, which takes a severity in front of each line there: `sd-daemon(3)`.
pub(crate) fn stderr_is_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    rustix::fs::fstat(io::stderr().as_fd()).is_ok_and(|state| is_stream(&named, state.st_dev, state.st_ino))
}

fn is_stream(named: &str, device: u64, inode: u64) -> bool {
    named
        .split_once(':')
        .is_some_and(|(first, second)| first.parse() == Ok(device) && second.parse() == Ok(inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn a_log_that_is_started_anew_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = SystemLog::new(&path, Kind::Syslog(22));
        assert!(log.say(Weight::Info, "nobody hears it").is_err());
        for round in ["first", "second"] {
            let socket = UnixDatagram::bind(&path).unwrap();
            log.say(Weight::Warning, round).unwrap();
            log.say(Weight::Error, "more").unwrap();
            let (name, process) = (&log.name, std::process::id());
            assert_eq!(received(&socket), format!("<180>{name}[{process}]: {round}"));
            assert_eq!(received(&socket), format!("<179>{name}[{process}]: more"));
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn who_does_not_keep_up_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let log = SystemLog::new(&path, Kind::Journal);
        let text = "x".repeat(1000);
        let lost = (0..100_000).find_map(|_| log.say(Weight::Info, &text).err());
        assert_eq!(lost.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
    }

    #[test]
    fn standard_error_is_told_by_the_numbers_that_systemd_names() {
        assert!(is_stream("8:123", 8, 123));
        for other in ["", "8", "8:124", "9:123", "8:123:1"] {
            assert!(!is_stream(other, 8, 123), "{other}");
        }
    }
}
