//! `clamd` and `clamav-milter` by name: in the background and not, by file and command line, used by clients.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::Place;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A place with the commands by their names.
fn place() -> Place {
    let place = Place::new();
    for name in ["clamd", "clamav-milter", "clamdscan"] {
        symlink(env!("CARGO_BIN_EXE_candor-clamav"), place.path("bin").join(name)).unwrap();
    }
    // What this machine has of its own does not count.
    place.file("candord.toml", format!("cache = '{}'\n", place.path("cache").display()).as_bytes());
    place
}

fn conf(place: &Place, more: &str) {
    let (socket, db) = (place.path("socket"), place.path("db"));
    let text = format!("LocalSocket {}\nDatabaseDirectory {}\n{more}", socket.display(), db.display());
    place.file("clamd.conf", text.as_bytes());
}

fn clamd(place: &Place, arguments: &[&str]) -> (i32, String, String) {
    let all = [&["-c", "clamd.conf", "--candor-config=candord.toml"], arguments].concat();
    let said = place.run(&place.path("bin/clamd"), &all, b"");
    (said.code, said.stdout, said.stderr)
}

fn asked(socket: &Path, command: &str) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(format!("n{command}\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A daemon in the background, ended by its number.
struct Background(String);

impl Drop for Background {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(&self.0).status());
        let gone = format!("/proc/{}/fd/0", self.0);
        let began = Instant::now();
        while fs::symlink_metadata(&gone).is_ok() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

struct Foreground(Child);

impl Drop for Foreground {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

#[test]
fn clamd_goes_to_the_background_and_is_ready_when_its_command_ends() {
    let place = place();
    conf(&place, &format!("PidFile {}\n", place.path("pid").display()));
    let (code, stdout, stderr) = clamd(&place, &[]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    // Nothing is waited for: it was ready before the command ended.
    let number = fs::read_to_string(place.path("pid")).unwrap().trim().to_owned();
    let daemon = Background(number.clone());
    assert_eq!(asked(&place.path("socket"), "PING").as_deref(), Some("PONG\n"));
    let status = fs::read_to_string(format!("/proc/{number}/stat")).unwrap();
    let session = status.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap().to_owned();
    assert_eq!(session, number, "it has a session of its own");
    let said = place.run(
        &place.path("bin/clamdscan"),
        &["-c", "clamd.conf", "--no-summary", "--fdpass", "d/a.txt"],
        b"",
    );
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.ends_with("d/a.txt: Test.Marker.UNOFFICIAL FOUND\n"), "{said:?}");
    assert_eq!(asked(&place.path("socket"), "SHUTDOWN").as_deref(), Some(""));
    until("it ends", || !Path::new(&format!("/proc/{number}/fd/0")).is_symlink());
    assert!(!place.path("pid").exists());
    drop(daemon);
}

#[test]
fn the_command_line_counts_more_than_the_file() {
    let place = place();
    place.file("other/other.ndb", b"Other.Marker:0:*:636c65616e\n");
    conf(&place, "Foreground no\nLogFile /nowhere/at/all\n");
    let (other, log) = (place.path("other"), place.path("log"));
    let mut command = Command::new(place.path("bin/clamd"));
    command.current_dir(place.path("")).args(["-c", "clamd.conf", "--candor-config=candord.toml", "-F"]);
    command.arg("--datadir").arg(&other).arg("-l").arg(&log).arg("--bytecode-timeout=7");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut daemon = Foreground(child);
    let log = || fs::read_to_string(&log).unwrap_or_default();
    until(&log(), || asked(&place.path("socket"), "PING").is_some());
    assert!(daemon.0.try_wait().unwrap().is_none(), "it stays");
    let scanned =
        |name: &str| asked(&place.path("socket"), &format!("SCAN {}", place.path(name).display())).unwrap();
    assert!(
        scanned("d/b.txt").ends_with("d/b.txt: Other.Marker.UNOFFICIAL FOUND\n"),
        "{}",
        scanned("d/b.txt")
    );
    assert!(scanned("d/sub/c.txt").ends_with(": OK\n"));
    assert!(log().contains("command line:4: BytecodeTimeout has no effect"), "{}", log());
    assert!(!log().contains("Foreground"), "{}", log());
}

#[test]
fn what_cannot_be_started_is_told_and_has_clamds_status() {
    let place = place();
    conf(&place, "");
    let last = |told: (i32, String, String)| (told.0, told.2.lines().last().unwrap_or_default().to_owned());
    assert_eq!(
        last(clamd(&place, &["--bogus"])),
        (1, String::from("ERROR: Can't parse command line options"))
    );
    let told = clamd(&place, &["-c", "/nowhere"]);
    assert_eq!(last(told), (1, String::from("ERROR: Can't open/parse the config file /nowhere")));
    let told = clamd(&place, &["--fail-if-cvd-older-than=1"]);
    assert_eq!(last(told), (1, String::from("ERROR: Virus database is older than 1 days!")));
    // What fails when the daemon is started is told, too, though that is another process.
    let (code, _, stderr) = clamd(&place, &["--log=/nowhere/at/all"]);
    assert!(
        code == 1 && stderr.contains("/nowhere/at/all") && stderr.contains("the daemon has ended"),
        "{stderr}"
    );
    assert!(!place.path("socket").exists());
    place.file("clamd.conf", b"MaxThreads 2\n");
    let told = clamd(&place, &[]);
    assert_eq!(last(told), (1, String::from("ERROR: Please define server type (local and/or TCP).")));
    place.file("clamd.conf", b"NoSuchKey 2\n");
    let (code, _, stderr) = clamd(&place, &[]);
    assert!(code == 1 && stderr.contains("clamd.conf:1: unknown key NoSuchKey"), "{stderr}");
}

#[test]
fn errors_are_those_of_clamav() {
    let theirs = Path::new("/usr/sbin/clamd");
    if !theirs.exists() {
        assert!(std::env::var_os("CI").is_none(), "install clamav-daemon");
        return;
    }
    let place = place();
    place.file("clamd.conf", b"MaxThreads 2\nForeground yes\n");
    for arguments in [
        &["--bogus"][..],
        &["--max-filesize=1Q"],
        &["--foreground=maybe"],
        &["-c", "clamd.conf"],
        &["--version"],
        &["--recursive"],
    ] {
        let told = |program: &Path| {
            let said = place.run(program, arguments, b"");
            let name = program.display().to_string();
            (said.code, said.stdout, said.stderr.replace(&format!("{name}:"), "clamd:"))
        };
        let (theirs, ours) = (told(theirs), told(&place.path("bin/clamd")));
        // What it says of its limits before it finds out is its own affair.
        let end = |text: &str| text.lines().last().unwrap_or_default().to_owned();
        assert_eq!((theirs.0, end(&theirs.2)), (ours.0, end(&ours.2)), "{arguments:?}");
        if arguments == ["--version"] {
            assert_eq!(theirs.1, ours.1);
        }
    }
}

/// A mail server that hands one mail over; the last answer.
fn handed_over(socket: &Path, body: &[u8]) -> u8 {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut send = |command: u8, data: &[u8]| {
        let length = u32::try_from(data.len() + 1).unwrap().to_be_bytes();
        stream.write_all(&[&length[..], &[command], data].concat()).unwrap();
    };
    // Version 6, all actions, and every step to be answered.
    send(b'O', &[[0, 0, 0, 6], [0, 0, 1, 0xff], [0, 0, 0, 0]].concat());
    send(b'C', b"client.example.org\x004\x12\x67192.0.2.7\0");
    send(b'M', b"<from@example.org>\0");
    send(b'R', b"<to@example.org>\0");
    send(b'L', b"Subject\0a mail\0");
    send(b'N', b"");
    send(b'B', body);
    send(b'E', b"");
    let mut receive = || {
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut data = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        stream.read_exact(&mut data).unwrap();
        data[0]
    };
    // The answer to the last of them is the first that is not `continue` or a change.
    for _ in 0..20 {
        let answer = receive();
        if !b"Oc+-hmibq".contains(&answer) {
            return answer;
        }
    }
    panic!("no answer");
}

#[test]
fn clamav_milter_serves_mail_servers_without_a_clamd() {
    let place = place();
    conf(&place, "VirusEvent /nowhere/at/all\n");
    let (socket, pid) = (place.path("milter"), place.path("pid"));
    let text = format!(
        "MilterSocket unix:{}\nClamdSocket unix:/nowhere\nOnInfected Reject\nOnClean Accept\nPidFile {}\nScanPE yes\n",
        socket.display(),
        pid.display()
    );
    place.file("milter.conf", text.as_bytes());
    let arguments = ["-c", "milter.conf", "--candor-clamd-conf=clamd.conf"];
    let said = place.run(&place.path("bin/clamav-milter"), &arguments, b"");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("ScanPE has no effect"), "{said:?}");
    let _daemon = Background(fs::read_to_string(pid).unwrap().trim().to_owned());
    assert_eq!(handed_over(&socket, b"a clean mail\r\n"), b'a');
    assert_eq!(handed_over(&socket, b"a MARKER in it\r\n"), b'r');
    // Clients of clamd are not served.
    assert!(!place.path("socket").exists());
    place.file("milter.conf", b"ClamdSocket unix:/nowhere\n");
    let said = place.run(&place.path("bin/clamav-milter"), &arguments, b"");
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (1, "ERROR: Please configure the MilterSocket directive\n")
    );
}
