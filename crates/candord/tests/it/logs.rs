//! What is said to logs of the system, by sockets that stand in for them.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::run::{Daemon, MARKER, NAME, stream};

/// A log of the system, at this path.
struct Heard(UnixDatagram, Vec<String>);

impl Heard {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self(socket, Vec::new())
    }

    /// Waits for a datagram that has these words.
    fn wait_for(&mut self, words: &str) -> String {
        let began = Instant::now();
        let mut buffer = [0; 8192];
        loop {
            while let Ok(length) = self.0.recv(&mut buffer) {
                self.1.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
            }
            if let Some(found) = self.1.iter().find(|datagram| datagram.contains(words)) {
                return found.clone();
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{words} is not among {:#?}", self.1);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn logs_of_the_system_hear_with_facility_and_severity() {
    let folder = tempfile::tempdir().unwrap();
    let (syslog, journal) = (folder.path().join("log"), folder.path().join("journal"));
    let (mut heard, mut fields) = (Heard::at(&syslog), Heard::at(&journal));
    let own = format!("syslog = '{}'\njournal = '{}'\n", syslog.display(), journal.display());
    // A warning comes of the key that is not honoured.
    let conf = "LogSyslog yes\nLogFacility LOG_MAIL\nScanPE no\n";
    let daemon = Daemon::start_with(conf, &own, &mut |_| ());
    let number = daemon.process.id();
    assert_eq!(daemon.ask(&stream(MARKER, 4096)), format!("stream: {NAME} FOUND\0"));
    // LOG_MAIL is 2; findings are of the severity 6, warnings 4.
    let found = heard.wait_for("FOUND");
    assert_eq!(found, format!("<22>candord[{number}]: stream: {NAME} FOUND"));
    let warning = heard.wait_for("ScanPE");
    assert!(warning.starts_with(&format!("<20>candord[{number}]: ")), "{warning}");
    let found = fields.wait_for("FOUND");
    assert_eq!(
        found,
        format!("MESSAGE=stream: {NAME} FOUND\nPRIORITY=6\nSYSLOG_IDENTIFIER=candord\nSYSLOG_PID={number}\n")
    );
    assert!(fields.wait_for("ScanPE").contains("\nPRIORITY=4\n"));
    // Both are started anew: what comes after that goes there.
    drop((heard, fields));
    for path in [&syslog, &journal] {
        std::fs::remove_file(path).unwrap();
    }
    let (mut heard, mut fields) = (Heard::at(&syslog), Heard::at(&journal));
    daemon.signal(rustix::process::Signal::HUP);
    heard.wait_for("SIGHUP");
    fields.wait_for("SIGHUP");
}

#[test]
fn a_log_of_the_system_that_is_not_there_is_told_and_keeps_nobody_from_being_served() {
    let daemon = Daemon::start_with("LogSyslog yes\n", "syslog = '/nowhere/log'\n", &mut |_| ());
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
    assert!(daemon.log().contains("/nowhere/log cannot be reached"), "{}", daemon.log());
}

#[test]
fn standard_error_has_severities_where_it_goes_to_the_journal() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stderr");
    let file = std::fs::File::create(&path).unwrap();
    let state = file.metadata().unwrap();
    let named = format!("{}:{}", state.dev(), state.ino());
    let _daemon = Daemon::start_with("ScanPE no\n", "", &mut |command| {
        command.stderr(file.try_clone().unwrap()).env("JOURNAL_STREAM", &named);
    });
    let said = std::fs::read_to_string(&path).unwrap();
    assert!(said.lines().any(|line| line.starts_with("<4>") && line.contains("ScanPE")), "{said}");
    assert!(said.lines().all(|line| line.starts_with('<')), "{said}");
}
