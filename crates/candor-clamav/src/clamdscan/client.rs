//! What is said between `clamdscan` and the daemon: a connection for each command.

use std::fs;
use std::io::{self, BufRead as _, BufReader, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use candor_protocol::clamd::{Command, Framing};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

/// Bytes of a stream that are sent at once.
const CHUNK: usize = 64 << 10;

/// Bytes of one line of a reply at most: a path and a name.
const LONGEST: u64 = 64 << 10;

/// How long a connection may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the daemon listens.
#[derive(Debug, Default)]
pub(super) struct Daemon {
    local: Option<PathBuf>,
    addresses: Vec<String>,
    port: Option<u16>,
}

impl Daemon {
    /// As `clamd.conf` says.
    pub(super) fn read(conf: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(conf)
            .with_context(|| format!("Can't parse clamd configuration file {}", conf.display()))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut daemon = Self::default();
        for line in text.lines() {
            let Some((key, value)) = line.trim().split_once(char::is_whitespace) else { continue };
            let value = value.trim().trim_matches('"');
            match key {
                "LocalSocket" => daemon.local = Some(PathBuf::from(value)),
                "TCPSocket" => daemon.port = value.parse().ok(),
                "TCPAddr" => daemon.addresses.push(value.to_owned()),
                _ => (),
            }
        }
        if daemon.addresses.is_empty() {
            daemon.addresses.push(String::from("localhost"));
        }
        daemon
    }

    /// Whether it has a socket on this machine through which descriptors can be handed over.
    pub(super) const fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// Connects. The error is one line for each place that was tried.
    pub(super) fn connect(&self) -> Result<Connection, Vec<String>> {
        let mut tried = Vec::new();
        let words = |error: &io::Error| {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        };
        if let Some(path) = &self.local {
            match UnixStream::connect(path) {
                Ok(socket) => return Ok(Connection::Local(socket)),
                Err(error) => tried.push(format!(
                    "Could not connect to clamd on LocalSocket {}: {}",
                    path.display(),
                    words(&error)
                )),
            }
        }
        if let Some(port) = self.port {
            for address in &self.addresses {
                match dial(address, port) {
                    Ok(socket) => return Ok(Connection::Remote(socket)),
                    Err(error) => {
                        tried.push(format!("Could not connect to clamd on {address}: {}", words(&error)));
                    }
                }
            }
        }
        if tried.is_empty() {
            tried.push(String::from(
                "Clamd is not configured properly: there is no LocalSocket and no TCPSocket",
            ));
        }
        Err(tried)
    }
}

fn dial(address: &str, port: u16) -> io::Result<TcpStream> {
    use std::net::ToSocketAddrs as _;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for place in (address, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, PATIENCE) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A connection.
#[derive(Debug)]
pub(super) enum Connection {
    Local(UnixStream),
    Remote(TcpStream),
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(socket) => socket.read(buffer),
            Self::Remote(socket) => socket.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Local(socket) => socket.write(bytes),
            Self::Remote(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Connection {
    /// Sends a command, and gives each line of the reply to `take`.
    pub(super) fn ask(mut self, command: &Command, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.order(command)?;
        self.listen(take)
    }

    /// Has what `input` holds scanned.
    pub(super) fn stream(mut self, input: &mut dyn Read, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.order(&Command::Stream)?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = match input.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let chunk = buffer.get(..length).unwrap_or_default();
            let prefix = u32::try_from(length).unwrap_or_default().to_be_bytes();
            // A daemon that has had enough says so, and closes.
            if self.write_all(&prefix).and_then(|()| self.write_all(chunk)).is_err() || length == 0 {
                break;
            }
        }
        self.listen(take)
    }

    /// Has a file scanned that is handed over.
    pub(super) fn pass(mut self, file: BorrowedFd<'_>, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.order(&Command::Descriptor)?;
        let Self::Local(socket) = &self else {
            return Err(io::Error::other("descriptors can only be handed over on this machine"));
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let files = [file];
        if !ancillary.push(SendAncillaryMessage::ScmRights(&files)) {
            return Err(io::Error::other("no room for a descriptor"));
        }
        rustix::net::sendmsg(socket.as_fd(), &[IoSlice::new(&[0])], &mut ancillary, SendFlags::NOSIGNAL)?;
        self.listen(take)
    }

    fn order(&mut self, command: &Command) -> io::Result<()> {
        let mut bytes = Vec::new();
        command.write(Framing::Nul, &mut bytes);
        self.write_all(&bytes)
    }

    fn listen(self, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut reader = BufReader::new(self);
        loop {
            let mut line = Vec::new();
            let read = (&mut reader).take(LONGEST).read_until(0, &mut line)?;
            if read == 0 {
                return Ok(());
            }
            if line.pop_if(|byte| *byte == 0).is_none() {
                let why = "the reply of the daemon is cut off, or endless";
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            take(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_configuration() {
        let text =
            "# a comment\nLocalSocket /run/clamd\n  TCPSocket 3310\nTCPAddr 10.0.0.1\nUser x\nTCPAddr ::1\n";
        let daemon = Daemon::parse(text);
        assert_eq!(daemon.local, Some(PathBuf::from("/run/clamd")));
        assert_eq!(
            (daemon.port, daemon.addresses),
            (Some(3310), vec!["10.0.0.1".to_owned(), "::1".to_owned()])
        );
    }

    #[test]
    fn a_reply_that_does_not_end_is_an_error() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"a: OK\0b: O").unwrap();
        drop(theirs);
        let mut lines = Vec::new();
        let said = Connection::Local(ours).listen(&mut |line| lines.push(line.to_vec()));
        assert_eq!(lines, [b"a: OK"]);
        assert_eq!(said.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
