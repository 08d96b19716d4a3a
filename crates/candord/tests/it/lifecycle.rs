//! Coming up, reloading, ending.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::run::{Daemon, MARKER, NAME, chunk, read_all, signatures, stream};

const NEW: &str = "stream: Test.New.UNOFFICIAL FOUND\0";

#[test]
fn reload_changes_the_signatures_and_loses_no_reply() {
    let mut daemon = Daemon::start("");
    let over = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicU64::new(0));
    let old = format!("stream: {NAME} FOUND\0");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // Some are remembered, and some are not.
                    let number = asked.load(Ordering::Relaxed) / 8;
                    let answered = daemon.ask(&stream(&[MARKER, &number.to_le_bytes()].concat(), 4096));
                    assert!(
                        answered == old || answered == NEW || answered.contains("Generation"),
                        "{answered:?}"
                    );
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 0..5 {
            let name = format!("Test.Generation{number}");
            fs::write(daemon.path("db/test.ndb"), signatures(&name)).unwrap();
            assert_eq!(daemon.ask(b"zRELOAD\0"), "RELOADING\0");
            let expected = format!("stream: {name}.UNOFFICIAL FOUND\0");
            while daemon.ask(&stream(MARKER, 4096)) != expected {
                assert!(!daemon.log().contains("Reload failed"), "{}", daemon.log());
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 10);
    // The old templates and workers go away.
    daemon.wait_until("old templates are gone", |daemon| processes(daemon, "candor-template").len() == 1);
}

/// A process: its number, that of its parent, and its name.
type Process = (u32, u32, String);

fn all() -> Vec<Process> {
    let process = |entry: std::io::Result<fs::DirEntry>| {
        let stat = fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        let (head, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let parent = rest.split(' ').nth(1)?.parse().ok()?;
        Some((head.parse().ok()?, parent, name.to_owned()))
    };
    fs::read_dir("/proc").unwrap().filter_map(process).collect()
}

/// Whether a process comes from this one, whoever started it, or is it.
fn is_below(processes: &[Process], own: u32, mut process: u32) -> bool {
    for _ in 0..8 {
        if process == own {
            return true;
        }
        match processes.iter().find(|(number, ..)| *number == process) {
            Some((_, parent, _)) => process = *parent,
            None => return false,
        }
    }
    false
}

/// All processes of this daemon.
pub(crate) fn family(daemon: &Daemon) -> Vec<u32> {
    let (own, processes) = (daemon.process.id(), all());
    let numbers = processes.iter().map(|(number, ..)| *number);
    numbers.filter(|number| is_below(&processes, own, *number)).collect()
}

/// Processes of this name that come from this daemon, whoever started them.
fn processes(daemon: &Daemon, wanted: &str) -> Vec<u32> {
    let (own, processes) = (daemon.process.id(), all());
    // A process has the name of the one that it is a copy of until it takes its own.
    let named = |process: u32| {
        processes.iter().any(|(number, _, name)| *number == process && name.starts_with(wanted))
    };
    let is_wanted = |(number, parent, _): &&Process| {
        named(*number) && !named(*parent) && is_below(&processes, own, *number)
    };
    processes.iter().filter(is_wanted).map(|(number, ..)| *number).collect()
}

fn kill(process: u32) {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    // It may have ended by itself.
    let _ = rustix::process::kill_process(process, Signal::KILL);
}

#[test]
fn workers_that_are_killed_cost_no_reply() {
    let daemon = Daemon::start("");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                processes(&daemon, "candor-worker").into_iter().for_each(kill);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let clients: Vec<_> = (0..4_u8)
            .map(|client| {
                let daemon = &daemon;
                scope.spawn(move || {
                    for number in 0..100 {
                        // None of them is remembered.
                        let answered = daemon.ask(&stream(&[b'h', client, number], 4096));
                        // Whoever is killed twice in a row at the same file is said to be.
                        assert!(
                            answered == "stream: OK\0" || answered == "stream: Process aborted ERROR\0",
                            "{answered:?}"
                        );
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(daemon.ask(&stream(MARKER, 4096)), format!("stream: {NAME} FOUND\0"));
}

#[test]
fn a_template_that_is_killed_is_replaced() {
    let mut daemon = Daemon::start("");
    for number in 0..3_u8 {
        daemon.wait_until("one is there", |daemon| processes(daemon, "candor-template").len() == 1);
        processes(&daemon, "candor-template").into_iter().for_each(kill);
        std::thread::sleep(Duration::from_millis(50));
        // One that is not remembered, so that a worker is needed.
        let body = [MARKER, &[number]].concat();
        assert_eq!(daemon.ask(&stream(&body, 4096)), format!("stream: {NAME} FOUND\0"));
    }
}

#[test]
fn without_a_nursery_it_ends_so_that_it_is_started_again() {
    let mut daemon = Daemon::start("");
    let nurseries = processes(&daemon, "candor-nursery");
    assert_eq!(nurseries.len(), 2);
    nurseries.into_iter().for_each(kill);
    std::thread::sleep(Duration::from_millis(50));
    let _ = daemon.ask(&stream(MARKER, 4096));
    assert_eq!(daemon.ended().code(), Some(1));
}

#[test]
fn signatures_that_are_replaced_go_away_though_nobody_asks_anything() {
    let mut daemon = Daemon::start("");
    let old = processes(&daemon, "candor-template");
    fs::write(daemon.path("db/test.ndb"), signatures("Test.New")).unwrap();
    assert_eq!(daemon.ask(b"zRELOAD\0"), "RELOADING\0");
    daemon.wait_until("only the new ones are there", |daemon| {
        let now = processes(daemon, "candor-template");
        now.len() == 1 && now != old
    });
}

#[test]
fn a_database_that_cannot_be_used_changes_nothing() {
    let mut daemon = Daemon::start("");
    fs::write(daemon.path("db/test.ndb"), "nonsense\n").unwrap();
    assert_eq!(daemon.ask(b"zRELOAD\0"), "RELOADING\0");
    daemon.wait_until("it is said", |daemon| daemon.log().contains("Reload failed"));
    assert_eq!(daemon.ask(&stream(MARKER, 4096)), format!("stream: {NAME} FOUND\0"));
}

#[test]
fn self_check_reloads_only_what_changed() {
    let mut daemon = Daemon::start("");
    assert_eq!(daemon.ask(b"zSELFCHECK\0"), "DBUPTODATE\0");
    fs::write(daemon.path("db/test.ndb"), signatures("Test.New")).unwrap();
    assert_eq!(daemon.ask(b"zSELFCHECK\0"), "RELOADING\0");
    daemon.wait_until("they are in force", |daemon| daemon.ask(&stream(MARKER, 4096)) == NEW);
}

#[test]
fn self_check_happens_by_itself() {
    let mut daemon = Daemon::start("SelfCheck 1\n");
    fs::write(daemon.path("db/test.ndb"), signatures("Test.New")).unwrap();
    daemon.wait_until("they are in force", |daemon| daemon.ask(&stream(MARKER, 4096)) == NEW);
}

#[test]
fn usr2_reloads_and_hup_opens_the_log_again() {
    let mut daemon = Daemon::start("");
    fs::write(daemon.path("db/test.ndb"), signatures("Test.New")).unwrap();
    daemon.signal(Signal::USR2);
    daemon.wait_until("they are in force", |daemon| daemon.ask(&stream(MARKER, 4096)) == NEW);
    fs::rename(daemon.path("log"), daemon.path("log.1")).unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_until("the log is there again", |daemon| daemon.log().contains("SIGHUP"));
}

#[test]
fn term_finishes_what_runs() {
    let mut daemon = Daemon::start("");
    let mut stream = daemon.local();
    stream.write_all(b"zINSTREAM\0").unwrap();
    // Far more than the kernel keeps: once it is sent the daemon has read most of it.
    stream.write_all(&chunk(&[MARKER, &vec![b'x'; 8 << 20]].concat())).unwrap();
    let idle = daemon.local();
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
    daemon.signal(Signal::TERM);
    assert_eq!(read_all(idle), "");
    assert!(std::os::unix::net::UnixStream::connect(daemon.path("socket")).is_err());
    stream.write_all(&[0; 4]).unwrap();
    assert_eq!(read_all(stream), format!("stream: {NAME} FOUND\0"));
    assert!(daemon.ended().success());
    assert!(!daemon.path("socket").exists() && !daemon.path("pid").exists());
}

#[test]
fn shutdown_ends_it() {
    let mut daemon = Daemon::start("");
    assert_eq!(daemon.ask(b"zSHUTDOWN\0"), "");
    assert!(daemon.ended().success());
}

#[test]
fn the_socket_has_the_permissions_that_are_asked_for() {
    let daemon = Daemon::start("LocalSocketMode 640\n");
    let mode = fs::metadata(daemon.path("socket")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let number = fs::read_to_string(daemon.path("pid")).unwrap();
    assert_eq!(number.trim(), daemon.process.id().to_string());
}

#[test]
fn findings_are_logged_and_told_to_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let event = format!(
        "VirusEvent /bin/sh -c 'echo \"$1 $CLAM_VIRUSEVENT_FILENAME $CLAM_VIRUSEVENT_VIRUSNAME\" >> {}' x %v\n",
        told.display()
    );
    let mut daemon = Daemon::start(&event);
    let bad = daemon.file("bad", MARKER);
    daemon.ask(format!("zSCAN {}\0", bad.display()).as_bytes());
    let expected = format!("{NAME} {} {NAME}\n", bad.display());
    daemon.wait_until("it is told", |_| fs::read_to_string(&told).is_ok_and(|text| text == expected));
    assert!(daemon.log().contains(&format!("{}: {NAME} FOUND", bad.display())));
    let json = daemon.json();
    assert!(json.contains("\"verdict\":\"infected\"") && json.contains("\"command\":\"SCAN\""), "{json}");
}

#[test]
fn a_configuration_with_a_mistake_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.conf");
    for (text, wanted) in [
        ("LocalSocket /tmp/x\nNoSuchKey 1\n", "clamd.conf:2: unknown key NoSuchKey"),
        ("LogTime yes\n", "neither LocalSocket nor TCPSocket"),
    ] {
        fs::write(&path, text).unwrap();
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_candord")).arg("-c").arg(&path).output().unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(wanted), "{output:?}");
    }
}
