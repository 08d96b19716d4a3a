//! Keys of `clamd.conf`: with each the daemon answers or says something else than without it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use candor_fixtures::document;
use candor_fixtures::zip::{self, Member};

use crate::run::{Daemon, MARKER, NAME, stream};

fn archive(encrypted: bool, members: &[(&str, &[u8])]) -> Vec<u8> {
    let member = |(name, bytes): &(&str, &[u8])| Member {
        name: (*name).to_owned(),
        bytes: bytes.to_vec(),
        // So that what is in it is not in the archive as it stands.
        deflate: !encrypted,
        encrypted,
    };
    zip::build(&members.iter().map(member).collect::<Vec<_>>())
}

/// What a daemon with these lines says of each of these streams.
fn said<'a>(lines: &str, streams: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let daemon = Daemon::start(lines);
    let answer = |bytes| {
        let answer = daemon.ask(&stream(bytes, 4096));
        let answer = answer.strip_prefix("stream: ").and_then(|answer| answer.strip_suffix('\0'));
        answer.unwrap().trim_end_matches(" FOUND").to_owned()
    };
    streams.into_iter().map(answer).collect()
}

const CARDS: &[u8] = b"cards: 4111111111111111, 5500-0000-0000-0004 and 378282246310005\n";
const CARD: &[u8] = b"one card: 4111111111111111\n";
const NUMBERS: &[u8] = b"numbers: 123-45-6789, 234-56-7890 and 345-67-8901\n";
const NUMBER: &[u8] = b"one number: 123-45-6789\n";
const PLAIN: &[u8] = b"numbers: 123456789, 234567890 and 345678901\n";
const CARD_FOUND: &str = "Heuristics.Structured.CreditCardNumber";
const NUMBER_FOUND: &str = "Heuristics.Structured.SSN";

#[test]
fn numbers_of_cards_and_of_people_are_told_as_it_is_asked() {
    let all = [CARDS, CARD, NUMBERS, NUMBER, PLAIN];
    let (card, number) = (CARD_FOUND, NUMBER_FOUND);
    for (lines, expected) in [
        ("", ["OK", "OK", "OK", "OK", "OK"]),
        ("StructuredDataDetection yes\n", [card, "OK", number, "OK", "OK"]),
        ("StructuredDataDetection yes\nStructuredMinCreditCardCount 1\n", [card, card, number, "OK", "OK"]),
        ("StructuredDataDetection yes\nStructuredMinSSNCount 1\n", [card, "OK", number, number, "OK"]),
        (
            "StructuredDataDetection yes\nStructuredSSNFormatStripped yes\n",
            [card, "OK", number, "OK", number],
        ),
        ("StructuredDataDetection yes\nStructuredSSNFormatNormal no\n", [card, "OK", "OK", "OK", "OK"]),
        ("StructuredDataDetection yes\nStructuredCCOnly yes\n", [card, "OK", "OK", "OK", "OK"]),
    ] {
        assert_eq!(said(lines, all), expected, "{lines}");
    }
}

#[test]
fn what_is_odd_is_told_as_it_is_asked() {
    let encrypted = archive(true, &[("a", b"as if it were encrypted, and long enough")]);
    let broken = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    let macros = document::compound(
        "VBA",
        &[
            ("dir", document::vba_directory("Module1", 0)),
            ("Module1", document::vba(b"Sub AutoOpen()\nEnd Sub\n")),
        ],
    );
    let all = [&encrypted[..], broken, &macros];
    let zip = "Heuristics.Encrypted.Zip";
    let png = "Heuristics.Broken.Media.PNG.EOFReadingChunk";
    let vba = "Heuristics.OLE2.ContainsMacros.VBA";
    for (lines, expected) in [
        ("", ["OK", "OK", "OK"]),
        ("AlertEncrypted yes\n", [zip, "OK", "OK"]),
        ("AlertEncryptedArchive yes\n", [zip, "OK", "OK"]),
        ("AlertEncryptedDoc yes\n", ["OK", "OK", "OK"]),
        ("AlertBrokenMedia yes\n", ["OK", png, "OK"]),
        ("AlertOLE2Macros yes\n", ["OK", "OK", vba]),
        ("AlertEncrypted yes\nAlertOLE2Macros yes\nHeuristicAlerts no\n", ["OK", "OK", "OK"]),
    ] {
        assert_eq!(said(lines, all), expected, "{lines}");
    }
}

#[test]
fn each_limit_is_kept_and_told_when_so_wished() {
    let nested = archive(false, &[("b", &archive(false, &[("c", &archive(false, &[("d", MARKER)]))]))]);
    let many =
        archive(false, &[("a", b"1"), ("b", b"2"), ("c", b"3"), ("d", b"4"), ("e", b"5"), ("f", MARKER)]);
    // The marker is behind what is looked at.
    let long = [&[b'x'; 4000][..], MARKER].concat();
    let all = [&nested[..], &many, &long];
    let over = |limit: &str| format!("Heuristics.Limits.Exceeded.{limit}");
    for (lines, changed, limit) in [
        ("MaxRecursion 2\n", 0, "MaxRecursion"),
        ("MaxFiles 4\n", 1, "MaxFiles"),
        ("MaxFileSize 2K\n", 2, "MaxFileSize"),
        ("MaxScanSize 2K\n", 2, "MaxScanSize"),
    ] {
        let mut expected = [NAME; 3].map(str::to_owned);
        expected[changed] = String::from("OK");
        assert_eq!(said(lines, all), expected, "{lines}");
        expected[changed] = over(limit);
        assert_eq!(said(&format!("{lines}AlertExceedsMax yes\n"), all), expected, "{lines} with a word");
    }
}

#[test]
fn what_somebody_may_not_want_is_told_as_it_is_asked() {
    let tell = |lines: &str| {
        let daemon = Daemon::start_with(lines, "", &mut |command: &mut Command| {
            let configuration =
                command.get_args().map(PathBuf::from).find(|path| path.ends_with("clamd.conf"));
            let folder = configuration.unwrap().with_file_name("db");
            fs::write(
                folder.join("pua.ndu"),
                "PUA.Win.Tool:0:*:746f6f6c2d6f6e65\nPUA.Doc.Other:0:*:746f6f6c2d74776f\n",
            )
            .unwrap();
        });
        [&b"a tool-one"[..], b"a tool-two"].map(|bytes| daemon.ask(&stream(bytes, 100)))
    };
    let (win, doc) = ("stream: PUA.Win.Tool.UNOFFICIAL FOUND\0", "stream: PUA.Doc.Other.UNOFFICIAL FOUND\0");
    let ok = "stream: OK\0";
    assert_eq!(tell(""), [ok, ok]);
    assert_eq!(tell("DetectPUA yes\n"), [win, doc]);
    assert_eq!(tell("DetectPUA yes\nExcludePUA Win\n"), [ok, doc]);
    assert_eq!(tell("DetectPUA yes\nIncludePUA Win\n"), [win, ok]);
}

#[test]
fn links_are_followed_as_it_is_asked() {
    for (lines, file, folder) in [
        ("", false, false),
        ("FollowFileSymlinks yes\n", true, false),
        ("FollowDirectorySymlinks yes\n", false, true),
    ] {
        let daemon = Daemon::start(lines);
        let bad = daemon.file("elsewhere/bad", MARKER);
        for (name, target, is_followed) in
            [("files", bad.as_path(), file), ("folders", bad.parent().unwrap(), folder)]
        {
            let root = daemon.file(&format!("{name}/good"), b"good").parent().unwrap().to_owned();
            std::os::unix::fs::symlink(target, root.join("link")).unwrap();
            let answer = daemon.ask(format!("zCONTSCAN {}\0", root.display()).as_bytes());
            assert_eq!(answer.contains(&format!("{NAME} FOUND")), is_followed, "{lines}: {answer}");
        }
    }
}

#[test]
fn lines_of_the_log_have_times_and_tell_what_was_clean_and_asked_when_so_wished() {
    // As in `Thu Nov 26 14:20:37 2026 -> text`.
    let is_timed = |line: &str| {
        let Some((time, text)) = line.split_once(" -> ") else { return false };
        let shape: String = time
            .chars()
            .map(|letter| match letter {
                '0'..='9' => '9',
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                other => other,
            })
            .collect();
        !text.is_empty() && ["Aaa Aaa 99 99:99:99 9999", "Aaa Aaa  9 99:99:99 9999"].contains(&shape.as_str())
    };
    for (lines, timed, clean, asked) in [
        ("", false, false, false),
        ("LogTime yes\n", true, false, false),
        ("LogClean yes\n", false, true, false),
        ("LogVerbose yes\n", false, false, true),
    ] {
        let mut daemon = Daemon::start(lines);
        let (good, bad) = (daemon.file("good", b"good"), daemon.file("bad", MARKER));
        for path in [&good, &bad] {
            daemon.ask(format!("zSCAN {}\0", path.display()).as_bytes());
        }
        daemon.wait_until("the finding is told", |daemon| daemon.log().contains(" FOUND\n"));
        let log = daemon.log();
        assert!(log.lines().all(|line| is_timed(line) == timed), "{lines}: {log}");
        assert_eq!(log.contains(&format!("{}: OK\n", good.display())), clean, "{lines}: {log}");
        let question = format!("Asked by a local client: SCAN {}\n", good.display());
        assert_eq!(log.contains(&question), asked, "{lines}: {log}");
    }
}

#[test]
fn a_full_log_is_put_aside_when_so_wished() {
    let mut daemon = Daemon::start("LogFileMaxSize 2K\nLogRotate yes\n");
    let bad = daemon.file("a-rather-long-name-for-a-file-with-something-in-it", MARKER);
    let request = format!("zSCAN {}\0", bad.display());
    let is_old = |entry: std::io::Result<fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().starts_with("log-")
    };
    for _ in 0..60 {
        assert!(daemon.ask(request.as_bytes()).ends_with(" FOUND\0"));
    }
    daemon.wait_until("one was put aside", |daemon| fs::read_dir(daemon.folder.path()).unwrap().any(is_old));
    assert!(fs::metadata(daemon.path("log")).unwrap().len() <= 2048);
}

#[test]
fn a_socket_that_nobody_listens_on_is_replaced_unless_it_is_forbidden() {
    let stale = |command: &Command| {
        let configuration = command.get_args().map(PathBuf::from).find(|path| path.ends_with("clamd.conf"));
        drop(UnixListener::bind(configuration.unwrap().with_file_name("socket")).unwrap());
    };
    let daemon = Daemon::start_with("", "", &mut |command| stale(command));
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("db")).unwrap();
    fs::write(folder.path().join("db/test.ndb"), crate::run::signatures("Test.Marker")).unwrap();
    let configuration = folder.path().join("clamd.conf");
    let name = |name: &str| folder.path().join(name).display().to_string();
    let text =
        format!("LocalSocket {}\nDatabaseDirectory {}\nFixStaleSocket no\n", name("socket"), name("db"));
    fs::write(&configuration, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_candord"));
    command.args(["--config-file", &name("clamd.conf")]).stdin(Stdio::null());
    stale(&command);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("FixStaleSocket says no"), "{output:?}");
    assert!(folder.path().join("socket").exists());
}

#[test]
fn the_socket_belongs_to_the_group_that_is_asked_for() {
    // Whoever is not root may only give it to a group of their own.
    let wanted = if rustix::process::geteuid().is_root() { 1 } else { rustix::process::getegid().as_raw() };
    let groups = fs::read_to_string("/etc/group").unwrap();
    let group = groups.lines().find(|line| line.split(':').nth(2) == Some(wanted.to_string().as_str()));
    let name = group.and_then(|line| line.split(':').next()).unwrap();
    let daemon = Daemon::start(&format!("LocalSocketGroup {name}\n"));
    assert_eq!(fs::metadata(daemon.path("socket")).unwrap().gid(), wanted);
}
