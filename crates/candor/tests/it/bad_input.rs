//! What goes wrong on real machines: one clear line each, the right exit status, and the scan goes on.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use candor_fixtures::programs;
use rustix::fs::{CWD, FileType, Mode};

use crate::run::{Place, Said, database, eicar, is_root, wait_until_stuck};

/// Every run has one file beside the bad one that must be found all the same.
fn scan(place: &Place, arguments: &[&str]) -> Said {
    place.file("other/eicar.com", eicar());
    let mut all = vec!["scan"];
    all.extend(arguments);
    let alone = place.run(&all);
    all.push("other");
    let said = place.run(&all);
    assert_eq!(said.code, 1, "the scan goes on: {said:?}");
    assert!(said.stdout.contains("other/eicar.com: infected: Test.EICAR\n"), "the scan goes on: {said:?}");
    alone
}

/// The lines about files, without the summary.
fn lines(said: &Said) -> Vec<&str> {
    said.stdout.lines().take_while(|line| !line.is_empty()).collect()
}

#[track_caller]
fn check(said: &Said, expected: &[&str], code: i32) {
    let mut found = lines(said);
    found.sort_unstable();
    assert_eq!(found, expected, "{said:?}");
    assert_eq!(said.code, code, "{said:?}");
}

fn pipe(place: &Place, name: &str) {
    rustix::fs::mknodat(CWD, place.path(name), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

#[test]
fn a_missing_file() {
    let place = Place::new();
    let said = scan(&place, &["missing"]);
    check(&said, &["missing: incomplete: cannot be read: no such file or directory"], 2);
}

/// Runs the program as somebody who is not root: as a copy that he can read, in a place that he can enter.
fn as_ordinary_user(place: &Place, arguments: &[&str]) -> Said {
    if !is_root() {
        return place.run(arguments);
    }
    let top = place.root().parent().unwrap().to_path_buf();
    let copy = top.join("candor");
    programs::copy(env!("CARGO_BIN_EXE_candor"), &copy);
    for path in [top, place.root()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(&copy);
    command.args(arguments).current_dir(place.root()).env_clear().stdin(Stdio::null());
    Said::new(&command.uid(65534).gid(65534).output().unwrap())
}

#[test]
fn a_file_without_permission() {
    let place = Place::new();
    let path = place.file("secret", "x");
    place.file("eicar.com", eicar());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let said = as_ordinary_user(&place, &["scan", "secret"]);
    check(&said, &["secret: incomplete: cannot be read: permission denied"], 2);
    let said = as_ordinary_user(&place, &["scan", "."]);
    check(
        &said,
        &["./eicar.com: infected: Test.EICAR", "./secret: incomplete: cannot be read: permission denied"],
        1,
    );
    if is_root() {
        // Root may read it; what fails for root as well stands below.
        check(&scan(&place, &["secret"]), &[], 0);
    }
}

#[test]
fn a_directory_without_permission() {
    let place = Place::new();
    place.file("closed/inside", "x");
    place.file("eicar.com", eicar());
    fs::set_permissions(place.path("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let said = as_ordinary_user(&place, &["scan", "closed"]);
    let beside = as_ordinary_user(&place, &["scan", "."]);
    let as_root = is_root().then(|| scan(&place, &["closed"]));
    fs::set_permissions(place.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    check(&said, &["closed: incomplete: cannot be read: permission denied"], 2);
    check(
        &beside,
        &["./closed: incomplete: cannot be read: permission denied", "./eicar.com: infected: Test.EICAR"],
        1,
    );
    if let Some(said) = as_root {
        check(&said, &[], 0);
    }
}

#[test]
fn a_database_without_permission() {
    let place = Place::new();
    place.file("file", "x");
    let path = database(&place, "db/one.ndb");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let said = as_ordinary_user(&place, &["scan", "--no-cache", "-d", "db", "file"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(said.stderr.starts_with("error: ") && said.stderr.contains("db/one.ndb"), "{said:?}");
    assert!(said.stderr.to_lowercase().contains("permission denied"), "{said:?}");
}

#[test]
fn a_file_that_gives_an_error_when_it_is_read() {
    let place = Place::new();
    // Nothing is mapped at address 0, so that reading there fails, whoever reads.
    let said = scan(&place, &["/proc/self/mem"]);
    check(&said, &["/proc/self/mem: incomplete: cannot be read: input/output error"], 2);
}

#[test]
fn devices_sockets_and_pipes_that_are_named() {
    let place = Place::new();
    pipe(&place, "pipe");
    let _listener = UnixListener::bind(place.path("socket")).unwrap();
    let said = scan(&place, &["/dev/null", "socket", "pipe"]);
    check(
        &said,
        &[
            "/dev/null: incomplete: cannot be read: it is a character device, not a file",
            "pipe: incomplete: cannot be read: it is a named pipe, not a file",
            "socket: incomplete: cannot be read: it is a socket, not a file",
        ],
        2,
    );
}

#[test]
fn sockets_and_pipes_in_directories_are_counted() {
    let place = Place::new();
    place.file("mixed/file", "x");
    pipe(&place, "mixed/pipe");
    let _listener = UnixListener::bind(place.path("mixed/socket")).unwrap();
    let said = scan(&place, &["mixed"]);
    check(&said, &[], 0);
    assert!(said.stdout.contains("Scanned     1 file,"), "{said:?}");
    assert!(said.stdout.contains("Left out    2 special files\n"), "{said:?}");
}

#[test]
fn explaining_a_pipe_does_not_wait() {
    let place = Place::new();
    pipe(&place, "pipe");
    let said = place.run(&["explain", "pipe"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stdout.contains("it is a named pipe, not a file"), "{said:?}");
}

#[test]
fn a_loop_of_links() {
    let place = Place::new();
    place.file("tree/below/file", "x");
    std::os::unix::fs::symlink("..", place.path("tree/below/up")).unwrap();
    std::os::unix::fs::symlink("self", place.path("tree/self")).unwrap();
    check(&scan(&place, &["tree"]), &[], 0);
    check(
        &scan(&place, &["tree/self"]),
        &["tree/self: incomplete: cannot be read: too many levels of symbolic links"],
        2,
    );
    let said = scan(&place, &["--follow", "tree"]);
    check(&said, &[], 0);
    assert!(said.stdout.contains("Scanned     1 file,"), "{said:?}");
    let mut notes: Vec<&str> = said.stderr.lines().collect();
    notes.sort_unstable();
    assert_eq!(
        notes,
        [
            "note: tree/below/up: the link leads back to a directory that it is in, which is scanned once",
            "note: tree/self: the link leads round in a circle",
        ]
    );
}

#[test]
fn a_huge_file_with_nothing_in_it() {
    let place = Place::new();
    File::create(place.path("sparse")).unwrap().set_len(100 << 30).unwrap();
    let began = std::time::Instant::now();
    let said = scan(&place, &["sparse"]);
    check(&said, &["sparse: incomplete: larger than the file-size limit"], 2);
    assert!(began.elapsed() < std::time::Duration::from_secs(60));
    let object = place.run(&["scan", "--json", "sparse"]).json_of("sparse");
    assert_eq!(object["length"], 100_u64 << 30);
    assert_eq!(object["reasons"][0]["code"], "limit-file-size");
}

#[test]
fn names_that_are_not_utf8() {
    let place = Place::new();
    place.file(OsStr::from_bytes(b"odd/caf\xe9\x1b[31m.com"), eicar());
    let said = scan(&place, &["odd"]);
    check(&said, &["odd/caf\\xe9\\x1b[31m.com: infected: Test.EICAR"], 1);
    let object = place.run(&["scan", "--json", "odd"]).json_of("\u{1b}[31m.com");
    assert_eq!(object["path"], "odd/caf\u{fffd}\u{1b}[31m.com");
    assert_eq!(object["path_bytes"], "6f64642f636166e91b5b33316d2e636f6d");
    place.file("plain", "x");
    assert_eq!(place.run(&["scan", "--json", "plain"]).json_of("plain").get("path_bytes"), None);
}

#[test]
fn paths_longer_than_the_system_takes() {
    let place = Place::new();
    let name = "d".repeat(200);
    let mut directory = rustix::fs::open(place.root(), rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    // 30 times 200 bytes: more than the 4,096 that one call takes.
    for depth in 0..30 {
        let name = if depth == 0 { "deep" } else { &name };
        rustix::fs::mkdirat(&directory, name, Mode::RWXU).unwrap();
        directory = rustix::fs::openat(&directory, name, rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    }
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    let file = rustix::fs::openat(&directory, "eicar.com", flags, Mode::RUSR | Mode::WUSR).unwrap();
    rustix::io::write(&file, &eicar()).unwrap();
    let said = place.run(&["scan", "--only-findings", "deep"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.ends_with("/eicar.com: infected: Test.EICAR\n"), "{said:?}");
}

#[test]
fn files_that_the_kernel_makes_up() {
    let place = Place::new();
    // They say that they are empty, and are not.
    let object = place.run(&["scan", "--json", "/proc/self/status"]).json_of("status");
    assert_eq!(object["verdict"], "clean");
    assert!(object["bytes_scanned"].as_u64().unwrap() > 100, "{object}");
}

#[test]
fn what_the_kernel_makes_up_is_not_entered_from_above() {
    // Of the root directory everything is left out but `proc`.
    let said = Place::new().run(&["scan", "/", "--exclude", "/[!p]*", "--exclude", "/p[!r]*"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert!(said.stdout.contains("Scanned     0 files, 0 bytes"), "{said:?}");
    assert!(said.stdout.ends_with(", 1 other file system\n"), "{said:?}");
}

#[test]
fn an_empty_path_and_an_empty_directory() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).unwrap();
    check(&scan(&place, &["empty"]), &[], 0);
    let said = scan(&place, &[""]);
    check(&said, &[": incomplete: cannot be read: no such file or directory"], 2);
}

#[test]
fn a_file_list_that_is_missing() {
    let place = Place::new();
    let said = place.run(&["scan", "--file-list", "missing"]);
    assert_eq!(said.code, 2);
    assert_eq!(said.stderr, "error: file list missing: No such file or directory (os error 2)\n");
}

#[test]
fn files_that_vanish_during_the_scan() {
    let place = Place::new();
    for file in 0..3000 {
        place.file(format!("many/{file:04}-{}", "n".repeat(100)), "x");
    }
    // Nobody reads the output at first: the scan waits in the middle, with names that it has listed and not
    // opened yet.
    let mut child = place
        .command(&["scan", "--json", "--jobs", "1", "many"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_stuck(&child);
    assert_eq!(child.try_wait().unwrap(), None, "the output fills the pipe");
    fs::remove_dir_all(place.path("many")).unwrap();
    let said = Said::new(&child.wait_with_output().unwrap());
    assert_eq!((said.code, said.stderr.as_str()), (2, ""), "{}", said.stderr);
    let mut objects = said.json();
    let summary = objects.pop().unwrap();
    assert_eq!((&summary["type"], &summary["complete"]), (&"summary".into(), &true.into()));
    let (clean, gone): (Vec<_>, Vec<_>) = objects.iter().partition(|object| object["verdict"] == "clean");
    assert!(!clean.is_empty() && !gone.is_empty(), "{} and {}", clean.len(), gone.len());
    for object in &gone {
        assert_eq!(object["reasons"][0]["message"], "cannot be read: no such file or directory", "{object}");
    }
    assert_eq!(summary["unreadable"], gone.len());
}

#[test]
fn a_directory_that_changes_while_it_is_scanned() {
    let place = Place::new();
    for file in 0..500 {
        place.file(format!("busy/{file}"), "x");
    }
    let root = place.root();
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy = std::thread::spawn({
        let over = std::sync::Arc::clone(&over);
        move || {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                for file in 0..500 {
                    let path = root.join(format!("busy/{file}"));
                    drop(fs::remove_file(&path));
                    drop(fs::write(&path, "y"));
                }
            }
        }
    });
    for _ in 0..10 {
        let said = place.run(&["scan", "busy"]);
        assert!([0, 2].contains(&said.code), "{said:?}");
        for line in lines(&said) {
            assert!(line.ends_with(": incomplete: cannot be read: no such file or directory"), "{line}");
        }
        assert_eq!(said.code == 2, !lines(&said).is_empty(), "{said:?}");
        assert_eq!(said.stderr, "");
    }
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    busy.join().unwrap();
}

#[test]
fn output_that_cannot_be_written() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = place.command(&["scan", "eicar.com"]).stdout(full).output().unwrap();
    let said = Said::new(&output);
    assert_eq!(said.code, 2);
    assert_eq!(said.stderr, "error: the output cannot be written: No space left on device (os error 28)\n");
}
