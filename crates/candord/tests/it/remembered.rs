//! Verdicts of streams that are remembered. Whether one was, the JSON log says.

use std::os::unix::fs::PermissionsExt as _;

use crate::run::{Daemon, MARKER, NAME, signatures, stream};

/// Asks, and says what came back, and whether it was remembered.
fn ask(daemon: &mut Daemon, bytes: &[u8]) -> (String, bool) {
    let before = daemon.json().lines().count();
    let said = daemon.ask(&stream(bytes, 10_000));
    daemon.wait_until("the log has it", |daemon| daemon.json().lines().count() > before);
    let json = daemon.json();
    (said, json.lines().last().unwrap().contains("\"remembered\":true"))
}

/// Lengths of streams that go three ways: short ones, longer ones in memory, and those that go to a file.
const LENGTHS: [usize; 3] = [300, 100_000, 1_500_000];

#[test]
fn what_was_scanned_is_not_scanned_again_and_one_other_byte_is() {
    let mut daemon = Daemon::start("");
    for length in LENGTHS {
        let mut body = vec![b'.'; length];
        let ok = |is_remembered| (String::from("stream: OK\0"), is_remembered);
        assert_eq!(ask(&mut daemon, &body), ok(false), "{length}");
        assert_eq!(ask(&mut daemon, &body), ok(true), "{length}");
        for place in [0, length / 2, length - 1] {
            body[place] = b',';
            assert_eq!(ask(&mut daemon, &body), ok(false), "{length}, {place}");
        }
        body.pop();
        assert_eq!(ask(&mut daemon, &body), ok(false), "{length}");
    }
}

#[test]
fn what_is_found_is_found_again_and_told_to_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::write(&program, "#!/bin/sh\necho \"$CLAM_VIRUSEVENT_VIRUSNAME\" >> \"$1\"\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let told = folder.path().join("told");
    let mut daemon = Daemon::start(&format!("VirusEvent {} {}\n", program.display(), told.display()));
    for (number, length) in LENGTHS.into_iter().enumerate() {
        let body = [vec![b'.'; length], MARKER.to_vec()].concat();
        for is_remembered in [false, true] {
            assert_eq!(ask(&mut daemon, &body), (format!("stream: {NAME} FOUND\0"), is_remembered));
        }
        let json = daemon.json();
        let last: Vec<&str> = json.lines().rev().take(2).collect();
        assert!(last.iter().all(|line| line.contains("\"infected\"") && line.contains("Test.Marker")));
        let times = 2 * (number + 1);
        daemon.wait_until("the log has both", |daemon| {
            daemon.log().matches(&format!("stream: {NAME} FOUND")).count() == times
        });
        daemon.wait_until("the program was told of both", |_| {
            std::fs::read_to_string(&told).is_ok_and(|text| text.lines().count() == times)
        });
    }
}

#[test]
fn nothing_survives_other_signatures() {
    let mut daemon = Daemon::start("");
    for length in LENGTHS {
        let clean = [vec![b'.'; length], b"clean-until-then".to_vec()].concat();
        let bad = [vec![b'.'; length], MARKER.to_vec()].concat();
        for body in [&clean, &bad] {
            ask(&mut daemon, body);
            assert!(ask(&mut daemon, body).1);
        }
        let more = "Test.Late:0:*:636c65616e2d756e74696c2d7468656e\n";
        std::fs::write(daemon.path("db/test.ndb"), format!("{}{more}", signatures("Test.New"))).unwrap();
        reload(&mut daemon);
        let found = |name: &str| (format!("stream: {name}.UNOFFICIAL FOUND\0"), false);
        assert_eq!(ask(&mut daemon, &clean), found("Test.Late"));
        assert_eq!(ask(&mut daemon, &bad), found("Test.New"));
        std::fs::write(daemon.path("db/test.ndb"), signatures("Test.Marker")).unwrap();
        reload(&mut daemon);
        assert_eq!(ask(&mut daemon, &clean), (String::from("stream: OK\0"), false));
    }
}

fn reload(daemon: &mut Daemon) {
    let done = |daemon: &Daemon| daemon.log().matches("Database correctly reloaded").count();
    let before = done(daemon);
    daemon.ask(b"zRELOAD\0");
    daemon.wait_until("they are in force", |daemon| done(daemon) > before);
}

#[test]
fn what_was_not_looked_at_as_a_whole_is_tried_again() {
    let mut daemon = Daemon::start("MaxFileSize 1000\n");
    for length in [2000, 100_000] {
        for _ in 0..3 {
            let said = ask(&mut daemon, &vec![b'.'; length]);
            assert_eq!(said, (String::from("stream: OK\0"), false));
        }
    }
    assert_eq!(daemon.json().matches("\"verdict\":\"incomplete\"").count(), 6);
}

#[test]
fn only_so_many_are_remembered_and_none_if_that_is_wanted() {
    let mut daemon = Daemon::start("CacheSize 2\n");
    for body in [&b"one"[..], b"two", b"three"] {
        assert!(!ask(&mut daemon, body).1);
    }
    assert!(ask(&mut daemon, b"three").1 && ask(&mut daemon, b"two").1);
    assert!(!ask(&mut daemon, b"one").1);
    let mut forgetful = Daemon::start("DisableCache yes\n");
    for length in LENGTHS {
        let body = vec![b'.'; length];
        assert!(!ask(&mut forgetful, &body).1 && !ask(&mut forgetful, &body).1);
    }
}

#[test]
fn in_a_session_each_command_has_its_answer_though_some_are_known() {
    let mut daemon = Daemon::start("");
    ask(&mut daemon, MARKER);
    ask(&mut daemon, b"clean");
    let known = stream(MARKER, 100);
    let clean = stream(b"clean", 100);
    let mut asked = b"zIDSESSION\0".to_vec();
    for number in 0..40_u32 {
        asked.extend(stream(&[MARKER, &number.to_le_bytes()].concat(), 100));
        asked.extend(&known);
        asked.extend(&clean);
    }
    asked.extend(b"zEND\0");
    let said = daemon.ask(&asked);
    let mut answers: Vec<(u32, &str)> = said
        .split_terminator('\0')
        .map(|line| line.split_once(": ").unwrap())
        .map(|(number, text)| (number.parse().unwrap(), text))
        .collect();
    answers.sort_unstable();
    assert_eq!(answers.len(), 120);
    let found = format!("stream: {NAME} FOUND");
    for (place, (number, text)) in answers.into_iter().enumerate() {
        assert_eq!(number as usize, place + 1);
        assert_eq!(text, if number % 3 == 0 { "stream: OK" } else { found.as_str() });
    }
}
