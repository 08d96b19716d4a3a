//! Starts a daemon in a folder of its own, and speaks with it.

use std::fs;
use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

/// What the signatures of the tests match.
pub(crate) const MARKER: &[u8] = b"candor-marker-1";
/// The name of the first.
pub(crate) const NAME: &str = "Test.Marker.UNOFFICIAL";

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running daemon.
pub(crate) struct Daemon {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) process: Child,
    pub(crate) port: u16,
}

impl Daemon {
    /// Starts one; `more` is added to its `clamd.conf`.
    pub(crate) fn start(more: &str) -> Self {
        Self::start_with(more, "", &mut |_| ())
    }

    /// The same, with lines for `candord.toml` and changes of how it is started.
    pub(crate) fn start_with(more: &str, own: &str, change: &mut dyn FnMut(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db");
        fs::create_dir(&database).unwrap();
        fs::write(database.join("test.ndb"), signatures("Test.Marker")).unwrap();
        let name = |name: &str| folder.path().join(name).display().to_string();
        let conf = format!(
            "LocalSocket {}\nDatabaseDirectory {}\nLogFile {}\nPidFile {}\nMaxThreads 3\n{more}",
            name("socket"),
            database.display(),
            name("log"),
            name("pid"),
        );
        fs::write(folder.path().join("clamd.conf"), conf).unwrap();
        let own = format!(
            "cache = '{}'\njson-log = '{}'\naddresses = ['127.0.0.1:0']\n{own}",
            name("cache"),
            name("json")
        );
        fs::write(folder.path().join("candord.toml"), own).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_candord"));
        command.arg("--foreground").args([
            "--config-file",
            &name("clamd.conf"),
            "--config",
            &name("candord.toml"),
        ]);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        change(&mut command);
        let process = command.spawn().unwrap();
        let mut daemon = Self { folder, process, port: 0 };
        daemon.wait_until("it is ready", |daemon| daemon.log().contains("candord is ready"));
        // The kernel chose it.
        let port = daemon
            .log()
            .rsplit_once("127.0.0.1:")
            .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
        daemon.port = port.unwrap_or(0);
        daemon
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> String {
        fs::read_to_string(self.path("json")).unwrap_or_default()
    }

    pub(crate) fn wait_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none() || is_so(self), "{what}: it ended with {ended:?}: {}", self.log());
            assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn local(&self) -> UnixStream {
        let socket = UnixStream::connect(self.path("socket")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    pub(crate) fn tcp(&self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Sends bytes, and gives all that comes back until the daemon closes.
    pub(crate) fn ask(&self, bytes: &[u8]) -> String {
        let mut socket = self.local();
        socket.write_all(bytes).unwrap();
        read_all(socket)
    }

    pub(crate) fn ask_tcp(&self, bytes: &[u8]) -> String {
        let mut socket = self.tcp();
        socket.write_all(bytes).unwrap();
        read_all(socket)
    }

    /// Sends bytes and closes that direction.
    pub(crate) fn ask_half(&self, bytes: &[u8]) -> String {
        let mut socket = self.local();
        socket.write_all(bytes).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        read_all(socket)
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Waits until it has ended by itself; its status.
    pub(crate) fn ended(&mut self) -> std::process::ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A database that finds the marker under this name, and part of it under another.
pub(crate) fn signatures(name: &str) -> String {
    format!("{name}:0:*:63616e646f722d6d61726b65722d31\nTest.Other:0:*:63616e646f722d6d61726b6572\n")
}

/// A chunk of a stream.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend_from_slice(bytes);
    chunk
}

/// The command for a stream, in chunks of at most `step` bytes.
pub(crate) fn stream(bytes: &[u8], step: usize) -> Vec<u8> {
    let mut all = b"zINSTREAM\0".to_vec();
    bytes.chunks(step).for_each(|piece| all.extend(chunk(piece)));
    all.extend([0; 4]);
    all
}

/// Everything until the end; what goes wrong is part of it.
pub(crate) fn read_all(mut socket: impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    let went = socket.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match went {
        Ok(_) => text,
        Err(error) => format!("{text}<{:?}>", error.kind()),
    }
}

/// One reply.
pub(crate) fn read_reply(socket: &mut impl std::io::Read, end: u8) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while socket.read(&mut byte).unwrap() == 1 {
        if byte[0] == end {
            break;
        }
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

/// Sends bytes with descriptors.
pub(crate) fn send_with(socket: &UnixStream, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
    let parts = [std::io::IoSlice::new(bytes)];
    rustix::net::sendmsg(socket, &parts, &mut ancillary, SendFlags::empty()).unwrap();
}

/// Has a descriptor scanned.
pub(crate) fn fildes(daemon: &Daemon, descriptor: BorrowedFd<'_>) -> String {
    let mut socket = daemon.local();
    socket.write_all(b"zFILDES\0").unwrap();
    send_with(&socket, b"x", &[descriptor]);
    without_number(&read_all(socket))
}

/// The reply with the number of the descriptor taken out.
pub(crate) fn without_number(reply: &str) -> String {
    match (reply.find("fd["), reply.find(']')) {
        (Some(begin), Some(end)) => format!("{}fd[N{}", &reply[..begin], &reply[end..]),
        _ => reply.to_owned(),
    }
}

pub(crate) fn open(path: &Path) -> std::os::fd::OwnedFd {
    fs::File::open(path).unwrap().into()
}

pub(crate) fn scan_file(daemon: &Daemon, path: &Path) -> String {
    fildes(daemon, open(path).as_fd())
}
