//! The daemon beside ClamAV's own: what both are asked, in good order or not, both answer alike, to the byte; but for what
//! is listed here with both answers.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::{Daemon, MARKER, NAME, chunk, open, read_all, send_with, stream, without_number};

const CLAMD: &str = "/usr/sbin/clamd";

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both, with the same signatures.
struct Both {
    ours: Daemon,
    clamd: Child,
    theirs: PathBuf,
}

impl Drop for Both {
    fn drop(&mut self) {
        drop(self.clamd.kill());
        drop(self.clamd.wait());
    }
}

impl Both {
    /// `None` where ClamAV's is not installed; where tests run unattended it must be.
    fn start(more: &str) -> Option<Self> {
        let is_there = Path::new(CLAMD).exists();
        assert!(is_there || std::env::var_os("CI").is_none(), "install clamav-daemon");
        if !is_there {
            return None;
        }
        let ours = Daemon::start(more);
        let theirs = ours.path("theirs");
        let conf = format!(
            "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nMaxThreads 3\n{more}",
            theirs.display(),
            ours.path("db").display()
        );
        let conf = ours.file("theirs.conf", conf.as_bytes());
        let mut command = Command::new(CLAMD);
        command.arg("-c").arg(conf).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut both = Self { clamd: command.spawn().unwrap(), ours, theirs };
        let began = Instant::now();
        while UnixStream::connect(&both.theirs).is_err() {
            assert!(both.clamd.try_wait().unwrap().is_none(), "ClamAV's daemon has ended");
            assert!(began.elapsed() < PATIENCE, "ClamAV's daemon does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(both)
    }

    fn path(&self, name: &str) -> String {
        self.ours.path(name).display().to_string()
    }

    /// What both say to what `ask` does with their sockets: theirs and ours.
    fn answers(&self, ask: &dyn Fn(UnixStream) -> String) -> [String; 2] {
        [&self.theirs, &self.ours.path("socket")].map(|path| {
            let socket = UnixStream::connect(path).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.set_write_timeout(Some(PATIENCE)).unwrap();
            let said = without_number(&ask(socket));
            // Whether the end comes as one or because something was not read is a matter of time.
            let said = said.strip_suffix("<ConnectionReset>").unwrap_or(&said);
            // Files of a folder come in any order.
            let mut lines: Vec<&str> = said.split_inclusive(['\n', '\0']).collect();
            lines.sort_unstable();
            lines.concat()
        })
    }

    fn alike(&self, what: &[u8], ask: &dyn Fn(UnixStream) -> String) {
        let [theirs, ours] = self.answers(ask);
        assert_eq!(theirs, ours, "{}", String::from_utf8_lossy(&what[..what.len().min(200)]));
    }

    fn asked(&self, bytes: &[u8]) -> [String; 2] {
        self.answers(&|socket| said(socket, bytes, false))
    }
}

/// What is said to these bytes, after which that direction may be closed.
fn said(mut socket: UnixStream, bytes: &[u8], closes: bool) -> String {
    // It may hang up while this is sent.
    let _ = socket.write_all(bytes);
    if closes {
        let _ = socket.shutdown(Shutdown::Write);
    }
    read_all(socket)
}

/// What is said to these bytes with these descriptors behind them.
fn handed(mut socket: UnixStream, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> String {
    socket.write_all(bytes).unwrap();
    if descriptors.is_empty() {
        socket.write_all(b"x").unwrap();
    } else {
        send_with(&socket, b"x", descriptors);
    }
    read_all(socket)
}

#[test]
fn commands_in_good_order_and_not_are_answered_as_by_clamd() {
    let Some(both) = Both::start("StreamMaxLength 1M\n") else { return };
    let files = [("bad", MARKER), ("empty", b""), ("clean", b"hello, this is clean")];
    for (name, bytes) in files {
        both.ours.file(&format!("files/{name}"), bytes);
        both.ours.file(&format!("files/folder/{name}"), bytes);
    }
    std::fs::create_dir(both.ours.path("files/none")).unwrap();
    let mut asked: Vec<Vec<u8>> = [
        &b"zPING\0"[..],
        b"nPING\n",
        b"PING\n",
        b"PING",
        b"PING\r\n",
        b"zVERSION\0",
        b"zRELOAD\0",
        b"zDETSTATS\0",
        b"zDETSTATSCLEAR\0",
        b"zEND\0",
        b"zNONSENSE\0",
        b"nNONSENSE\n",
        b"NONSENSE\n",
        b"zPINGX\0",
        b"zPING \0",
        b"zping\0",
        b"z\0",
        b"n\n",
        b"\n",
        b"\0",
        b"zSCAN\0",
        b"zSCAN \0",
        b"SCAN\n",
        b"nSCAN\n",
        b"zSCAN files\0",
        b"zSCAN /nowhere/x\0",
        b"VERSIONCOMMANDS\n",
        b"INSTREAM\n",
        b"STATS\n",
        b"IDSESSION\n",
        b"ALLMATCHSCAN /\n",
        b"zPING\0zPING\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"zIDSESSION\0zPING\0zVERSION\0zEND\0",
        b"nIDSESSION\nzPING\0nPING\nnEND\n",
        b"zIDSESSION\0zRELOAD\0",
        b"zIDSESSION\0zCONTSCAN /\0",
        b"zIDSESSION\0zNONSENSE\0",
        b"zIDSESSION\0zIDSESSION\0",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    for command in ["SCAN", "CONTSCAN", "MULTISCAN"] {
        for name in ["clean", "bad", "empty", "none"] {
            // Of an empty folder clamd says nothing then.
            if (command, name) == ("MULTISCAN", "none") {
                continue;
            }
            asked.push(format!("n{command} {}\n", both.path(&format!("files/{name}"))).into_bytes());
        }
    }
    asked.push(format!("zCONTSCAN {}\0", both.path("files")).into_bytes());
    asked.push(format!("zMULTISCAN {}\0", both.path("files")).into_bytes());
    asked.push(format!("zIDSESSION\0zSCAN {}\0zEND\0", both.path("files/folder/clean")).into_bytes());
    for bytes in [&b""[..], b"hello", MARKER, &[b'x'; 1 << 20], &[b'x'; (1 << 20) + 1]] {
        asked.push(stream(bytes, 600_000));
        asked.push([b"nINSTREAM\n", &stream(bytes, 600_000)[10..]].concat());
        asked.push([b"zIDSESSION\0", stream(bytes, 5 << 20).as_slice(), b"zEND\0"].concat());
    }
    for length in [u32::MAX, 1 << 31, (1 << 20) + 1] {
        asked.push([b"zINSTREAM\0", &length.to_be_bytes()[..], &[b'x'; 1000]].concat());
        asked.push([b"zIDSESSION\0zINSTREAM\0", &length.to_be_bytes()[..], &[b'x'; 1000]].concat());
    }
    for bytes in &asked {
        both.alike(bytes, &|socket| said(socket, bytes, false));
    }
    // Commands without end.
    for begin in [&b"z"[..], b"n", b""] {
        let long = [begin, &[b'A'; 200_000]].concat();
        both.alike(begin, &|socket| said(socket, &long, false));
    }
    // Whoever hangs up half way, or has said all.
    for bytes in [
        b"".to_vec(),
        b"zPIN".to_vec(),
        b"zINSTREAM\0".to_vec(),
        b"zINSTREAM\0\0\0".to_vec(),
        [b"zINSTREAM\0", &chunk(MARKER)[..]].concat(),
        stream(MARKER, 4096),
        b"zFILDES\0".to_vec(),
    ] {
        both.alike(&bytes, &|socket| said(socket, &bytes, true));
    }
}

#[test]
fn descriptors_of_every_kind_are_answered_as_by_clamd() {
    let Some(both) = Both::start("") else { return };
    let (bad, clean) = (both.ours.file("bad", MARKER), both.ours.file("clean", b"hello"));
    let pipe = both.ours.path("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let writing = |path: &Path| -> OwnedFd {
        std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap().into()
    };
    let socket: OwnedFd = UnixStream::pair().unwrap().0.into();
    let many = [open(&bad), open(&clean)];
    let kinds = [
        open(&bad),
        open(&clean),
        open(&both.ours.file("empty", b"")),
        open(both.ours.folder.path()),
        open(Path::new("/dev/null")),
        open(Path::new("/dev/zero")),
        writing(&pipe),
        socket,
    ];
    for kind in &kinds {
        both.alike(b"FILDES", &|socket| handed(socket, b"zFILDES\0", &[kind.as_fd()]));
        both.alike(b"FILDES", &|socket| handed(socket, b"nFILDES\n", &[kind.as_fd()]));
    }
    both.alike(b"none", &|socket| handed(socket, b"zFILDES\0", &[]));
    both.alike(b"two", &|socket| handed(socket, b"zFILDES\0", &[many[0].as_fd(), many[1].as_fd()]));
    both.alike(b"PING", &|socket| {
        send_with(&socket, b"zPING\0", &[many[0].as_fd()]);
        read_all(socket)
    });
    both.alike(b"in one packet", &|socket| {
        send_with(&socket, b"zFILDES\0x", &[many[0].as_fd()]);
        read_all(socket)
    });
    both.alike(b"in a session", &|socket| {
        send_with(&socket, b"zIDSESSION\0zFILDES\0x", &[many[0].as_fd()]);
        said(socket, b"zEND\0", false)
    });
}

#[test]
fn who_is_silent_hears_what_clamd_says() {
    let Some(both) = Both::start("CommandReadTimeout 1\nReadTimeout 1\n") else { return };
    // What has an answer is not among them: who is late with it would hear something else.
    let silent: [&[u8]; 6] =
        [b"", b"zPIN", b"zINSTREAM\0", b"zINSTREAM\0\0\0\0\x64abc", b"zFILDES\0", b"zIDSESSION\0"];
    // One beside the other: each takes its second.
    std::thread::scope(|scope| {
        for bytes in silent {
            let both = &both;
            scope.spawn(move || both.alike(bytes, &|socket| said(socket, bytes, false)));
        }
    });
}

#[test]
fn what_is_answered_otherwise_than_by_clamd_is_this() {
    let Some(both) = Both::start("") else { return };
    let [theirs, ours] = both.asked(b"zVERSIONCOMMANDS\0");
    assert_eq!(ours, theirs.replace('\0', " SELFCHECK\0"));
    assert_eq!(both.asked(b"zSELFCHECK\0"), ["UNKNOWN COMMAND\0", "DBUPTODATE\0"]);
    // What is no file is none, and not fine besides.
    let refused = "/dev/null: Not supported file type ERROR\0";
    assert_eq!(both.asked(b"zSCAN /dev/null\0"), [format!("{refused}/dev/null: OK\0"), refused.to_owned()]);
    // A link that is named is followed, and one that leads nowhere is an error.
    let bad = both.ours.file("files/bad", MARKER);
    let other = both.ours.file("files/folder/bad", MARKER);
    let (link, nowhere) = (both.ours.path("link"), both.ours.path("nowhere"));
    std::os::unix::fs::symlink(&bad, &link).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", &nowhere).unwrap();
    let found = |path: &Path| format!("{}: {NAME} FOUND\0", path.display());
    let ask = |command: &str, path: &Path| both.asked(format!("z{command} {}\0", path.display()).as_bytes());
    let fine = format!("{}: OK\0", link.display());
    assert_eq!(ask("SCAN", &link), [fine, found(&link)]);
    let missing =
        format!("{}: File path check failure: No such file or directory. ERROR\0", nowhere.display());
    assert_eq!(ask("SCAN", &nowhere), [format!("{}: OK\0", nowhere.display()), missing]);
    // All of a folder is looked at; clamd ends with its first finding.
    let [theirs, ours] = ask("ALLMATCHSCAN", &both.ours.path("files"));
    assert!(theirs.contains(&found(&bad)) != theirs.contains(&found(&other)), "{theirs:?}");
    assert!(ours.contains(&found(&bad)) && ours.contains(&found(&other)), "{ours:?}");
}
