//! `clamdscan` beside ClamAV's own, both with ClamAV's daemon.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::place::{Place, Said};

const CLAMD: &str = "/usr/sbin/clamd";
const CLAMDSCAN: &str = "/usr/bin/clamdscan";

const CASES: &[&str] = &[
    "d",
    "d/sub/",
    "./d/a.txt",
    "d/a.txt d/missing",
    "d/empty d/tiny d/pipe",
    "d/nothing d/sub/deep",
    "--fdpass d",
    "--fdpass d/a.txt d/tiny d/pipe",
    "--fdpass d/nothing d/sub/deep",
    "--stream d",
    "--stream d/a.txt d/tiny",
    "-m --stream d",
    "-m d/sub",
    "-z d/sub",
    "-z -i d",
    "-z d/sub/c.txt",
    "--fdpass -z d/sub",
    "-i d",
    "-i d/sub/deep",
    "-v d/tiny",
    "--no-summary d",
    "--quiet d/a.txt",
    "--stdout d/pipe d/missing",
    "-f list",
    "-f list d/tiny",
    "--ping 3:1",
    "-w -p 2 d/tiny",
    "-V",
    "-r --exclude=x --max-filesize=1 --no-archive d/tiny",
    "--bogus",
    "--wait=x",
];

/// ClamAV's daemon, ended with the value.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A place with a daemon of ClamAV. `None` where it is not installed; where tests run unattended it must be.
fn served() -> Option<(Place, Daemon)> {
    let is_there = Path::new(CLAMD).exists() && Path::new(CLAMDSCAN).exists();
    assert!(is_there || std::env::var_os("CI").is_none(), "install clamav-daemon and clamdscan");
    if !is_there {
        return None;
    }
    let place = Place::new();
    let list = place.path("list");
    fs::write(list, "d/a.txt\nd/b.txt\nd/missing").unwrap();
    symlink(env!("CARGO_BIN_EXE_candor-clamav"), place.path("bin/clamdscan")).unwrap();
    let (socket, db) = (place.path("socket"), place.path("db"));
    let conf = format!(
        "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nMaxThreads 4\n",
        socket.display(),
        db.display()
    );
    place.file("clamd.conf", conf.as_bytes());
    let child = Command::new(CLAMD)
        .args(["-c", "clamd.conf"])
        .current_dir(place.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Daemon(child);
    for _ in 0..600 {
        if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            return Some((place, daemon));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("clamd does not come up");
}

fn ask(place: &Place, program: &Path, arguments: &[&str], input: &[u8]) -> (i32, Vec<String>, Vec<String>) {
    let Said { code, stdout, stderr } =
        place.run(program, &[&["-c", "clamd.conf"], arguments].concat(), input);
    let lines = |text: &str| {
        let differs =
            |line: &&str| ["Time:", "Start Date:", "End Date:"].iter().any(|start| line.starts_with(start));
        let name = |line: &str| match line.split_once("clamdscan: ") {
            Some((_, rest)) => format!("clamdscan: {rest}"),
            None => line.to_owned(),
        };
        let mut lines: Vec<String> = text.lines().filter(|line| !differs(line)).map(name).collect();
        // Its own daemon answers in no order.
        if arguments.contains(&"-m") {
            lines.sort();
        }
        lines
    };
    (code, lines(&stdout), lines(&stderr))
}

#[test]
fn lines_and_exit_status_are_those_of_clamav() {
    let Some((place, daemon)) = served() else { return };
    let mut wrong = Vec::new();
    let mut compare = |case: &str| {
        let arguments: Vec<&str> = case.split(' ').collect();
        let theirs = ask(&place, Path::new(CLAMDSCAN), &arguments, b"");
        let ours = ask(&place, &place.path("bin/clamdscan"), &arguments, b"");
        if theirs != ours {
            wrong.push(format!("clamdscan {case}\n  ClamAV: {theirs:?}\n  Candor: {ours:?}"));
        }
    };
    CASES.iter().for_each(|case| compare(case));
    drop(daemon);
    // Nobody is there any more.
    ["d/tiny", "--ping 1", "--reload", "-V"].into_iter().for_each(compare);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_found_is_moved_and_streams_are_scanned() {
    let Some((place, _daemon)) = served() else { return };
    let clamdscan = place.path("bin/clamdscan");
    let (code, lines, _) = ask(&place, &clamdscan, &["--no-summary", "-"], b"a MARKER on standard input");
    assert_eq!((code, lines), (1, vec![String::from("stream: Test.Marker.UNOFFICIAL FOUND")]));
    fs::create_dir(place.path("away")).unwrap();
    let (code, lines, _) = ask(&place, &clamdscan, &["--no-summary", "-i", "--move=away", "d"], b"");
    assert_eq!((code, lines.len()), (1, 4), "{lines:?}");
    assert!(place.path("away/a.txt").exists() && place.path("away/c.txt").exists());
    assert!(!place.path("d/a.txt").exists() && place.path("d/b.txt").exists());
    assert_eq!(ask(&place, &clamdscan, &["--reload"], b"").0, 0);
}
