//! Clients that do what they should not. Nobody else must notice.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::run::{Daemon, MARKER, NAME, PATIENCE, chunk, read_all, stream};

/// That another client is served.
fn is_alive(daemon: &Daemon) {
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
    assert_eq!(daemon.ask(&stream(MARKER, 4096)), format!("stream: {NAME} FOUND\0"));
}

#[test]
fn what_is_no_command_is_answered_and_hung_up_on() {
    let daemon = Daemon::start("");
    let garbage: Vec<u8> = (1..200).collect();
    for bytes in [&garbage[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PIN"] {
        assert_eq!(daemon.ask(bytes), "UNKNOWN COMMAND\n");
    }
    is_alive(&daemon);
}

#[test]
fn a_command_without_end_is_hung_up_on() {
    let daemon = Daemon::start("");
    for begin in [&b"z"[..], b"n", b"zIDSESSION\0z"] {
        let mut socket = daemon.local();
        let long = [begin, &[b'A'; 100_000][..]].concat();
        // It may hang up while this is sent.
        let _ = socket.write_all(&long);
        let mut bytes = Vec::new();
        let _ = socket.read_to_end(&mut bytes);
        assert_eq!(bytes, b"");
    }
    is_alive(&daemon);
}

#[test]
fn who_hangs_up_in_the_middle_is_forgotten() {
    let daemon = Daemon::start("");
    for bytes in [&b""[..], b"zPIN", b"zINSTREAM\0", b"zINSTREAM\0\0\0\0\x64abc", b"zIDSESSION\0"] {
        assert_eq!(daemon.ask_half(bytes), "");
    }
    let in_the_middle = [b"zINSTREAM\0", &chunk(MARKER)[..]].concat();
    assert_eq!(daemon.ask_half(&in_the_middle), "");
    for _ in 0..200 {
        let mut socket = daemon.local();
        socket.write_all(&stream(MARKER, 4096)).unwrap();
    }
    is_alive(&daemon);
}

#[test]
fn who_says_all_at_once_and_half_closes_is_answered() {
    let daemon = Daemon::start("");
    assert_eq!(daemon.ask_half(&stream(MARKER, 4096)), format!("stream: {NAME} FOUND\0"));
    assert_eq!(daemon.ask_half(b"zPING\0"), "PONG\0");
}

#[test]
fn who_says_nothing_is_told_that_time_is_up() {
    let daemon = Daemon::start("CommandReadTimeout 1\nReadTimeout 1\n");
    for bytes in [&b""[..], b"zPIN", b"zINSTREAM\0", b"zINSTREAM\0\0\0\0\x64abc", b"zFILDES\0"] {
        let began = Instant::now();
        assert_eq!(daemon.ask(bytes), "COMMAND READ TIMED OUT\n", "{}", String::from_utf8_lossy(bytes));
        assert!(began.elapsed() >= Duration::from_millis(900));
    }
    assert_eq!(daemon.ask(b"zIDSESSION\0zPING\0"), "1: PONG\0COMMAND READ TIMED OUT\n");
}

#[test]
fn who_drips_a_command_wins_no_time_by_it() {
    let daemon = Daemon::start("CommandReadTimeout 1\n");
    let mut socket = daemon.local();
    let began = Instant::now();
    // Were time won by it, this would never end.
    while socket.write_all(b"z").is_ok() {
        assert!(began.elapsed() < PATIENCE, "it may go on for ever");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_slow_stream_is_taken_and_holds_nobody_up() {
    // All of it takes longer than the daemon waits for one piece, and a piece far less.
    let daemon = Daemon::start("ReadTimeout 5\nCommandReadTimeout 5\nMaxThreads 1\n");
    let mut slow = daemon.local();
    slow.write_all(b"zINSTREAM\0").unwrap();
    for byte in MARKER {
        slow.write_all(&chunk(&[*byte])).unwrap();
        is_alive(&daemon);
        std::thread::sleep(Duration::from_millis(400));
    }
    slow.write_all(&[0; 4]).unwrap();
    assert_eq!(read_all(slow), format!("stream: {NAME} FOUND\0"));
}

#[test]
fn who_never_reads_is_hung_up_on_and_holds_nobody_up() {
    let daemon = Daemon::start("SendBufTimeout 300\n");
    for number in 0..3000 {
        daemon.file(&format!("many/{}{number}", "long-name-".repeat(20)), MARKER);
    }
    let mut deaf = daemon.local();
    deaf.write_all(format!("zCONTSCAN {}\0", daemon.path("many").display()).as_bytes()).unwrap();
    let mut session = daemon.local();
    // Its own writing is held up when it reads nothing; that must not be for ever, either.
    session.set_write_timeout(Some(2 * PATIENCE)).unwrap();
    session.write_all(b"zIDSESSION\0").unwrap();
    let pings = b"zVERSIONCOMMANDS\0".repeat(1000);
    let began = Instant::now();
    while session.write_all(&pings).is_ok() {
        assert!(began.elapsed() < PATIENCE, "it may send for ever without reading");
    }
    assert!(began.elapsed() < PATIENCE, "it was left waiting in place of being hung up on");
    is_alive(&daemon);
    // What came until it was hung up on is no more than the sockets hold.
    let mut watched = [PollFd::new(&deaf, PollFlags::empty())];
    let patience = Timespec { tv_sec: 300, tv_nsec: 0 };
    assert_eq!(poll(&mut watched, Some(&patience)).unwrap(), 1, "it is not hung up on");
    let received = read_all(deaf).matches("FOUND").count();
    assert!(received < 3000, "all of it waited for a client that did not read");
    is_alive(&daemon);
}

#[test]
fn more_clients_than_threads_and_queue_are_all_answered() {
    let daemon = Daemon::start("MaxThreads 2\nMaxQueue 2\n");
    let sockets: Vec<_> = (0..100)
        .map(|_| {
            let mut socket = daemon.local();
            socket.write_all(&stream(MARKER, 4096)).unwrap();
            socket
        })
        .collect();
    for socket in sockets {
        assert_eq!(read_all(socket), format!("stream: {NAME} FOUND\0"));
    }
}

#[test]
fn a_hundred_idle_clients_hold_nobody_up() {
    let daemon = Daemon::start("MaxThreads 1\n");
    let idle: Vec<_> = (0..100).map(|_| daemon.local()).collect();
    is_alive(&daemon);
    for mut socket in idle {
        socket.write_all(b"zPING\0").unwrap();
        assert_eq!(read_all(socket), "PONG\0");
    }
}

#[test]
fn what_is_incomplete_is_ok_for_clients_and_said_in_the_log() {
    let mut daemon = Daemon::start("MaxFileSize 1000\n");
    assert_eq!(daemon.ask(&stream(&[b'a'; 2000], 4096)), "stream: OK\0");
    daemon.wait_until("the log has it", |daemon| daemon.json().contains("\"verdict\":\"incomplete\""));
    assert!(daemon.json().contains("limit-file-size"), "{}", daemon.json());
    let daemon = Daemon::start("MaxFileSize 1000\nAlertExceedsMax yes\n");
    assert_eq!(
        daemon.ask(&stream(&[b'a'; 2000], 4096)),
        "stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0"
    );
}
