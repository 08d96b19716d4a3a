//! Each command, to the letter.

use std::io::Write as _;
use std::os::fd::AsFd as _;

use crate::run::{
    Daemon, MARKER, NAME, chunk, fildes, open, read_all, read_reply, scan_file, send_with, stream,
    without_number,
};

const NAMES: &str = "SCAN QUIT RELOAD PING CONTSCAN VERSIONCOMMANDS VERSION END SHUTDOWN MULTISCAN FILDES STATS IDSESSION INSTREAM DETSTATSCLEAR DETSTATS ALLMATCHSCAN SELFCHECK";

#[test]
fn short_commands_are_answered_as_they_were_framed() {
    let daemon = Daemon::start("");
    let commands = format!("ClamAV 1.4.6| COMMANDS: {NAMES}\0");
    for (asked, answered) in [
        (&b"zPING\0"[..], "PONG\0"),
        (b"nPING\n", "PONG\n"),
        (b"PING", "PONG\n"),
        (b"PING\n", "PONG\n"),
        (b"PING\r\n", "PONG\n"),
        (b"zPING\0zVERSION\0", "PONG\0"),
        (b"zVERSION\0", "ClamAV 1.4.6\0"),
        (b"zVERSIONCOMMANDS\0", commands.as_str()),
        (b"zDETSTATS\0", ""),
        (b"zDETSTATSCLEAR\0", ""),
        (b"zEND\0", "UNKNOWN COMMAND\0"),
        (b"zFOO\0", "UNKNOWN COMMAND\0"),
        (b"z\0", "UNKNOWN COMMAND\0"),
        (b"zPING x\0", "UNKNOWN COMMAND\0"),
        (b"zSCAN\0", "UNKNOWN COMMAND\0"),
        (b"STATS", "UNKNOWN COMMAND\n"),
    ] {
        assert_eq!(daemon.ask(asked), answered, "{}", String::from_utf8_lossy(asked));
        assert_eq!(daemon.ask_tcp(asked), answered, "{}", String::from_utf8_lossy(asked));
    }
}

#[test]
fn stats_have_the_lines_that_monitors_take_apart() {
    let mut daemon = Daemon::start("");
    // It may be asked before its threads came to where they wait.
    daemon.wait_until("threads that wait", |daemon| daemon.ask(b"zSTATS\0").contains(" idle 3 "));
    let text = daemon.ask(b"zSTATS\0");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["POOLS: 1", "", "STATE: VALID PRIMARY"]);
    assert_eq!(lines[3], "THREADS: live 3  idle 3 max 3 idle-timeout 30");
    assert_eq!(lines[4], "QUEUE: 0 items");
    assert!(lines.iter().any(|line| line.starts_with("MEMSTATS: heap N/A ")), "{text}");
    assert!(text.ends_with("\nEND\0"), "{text}");
}

#[test]
fn streams_of_every_cut_are_scanned() {
    let daemon = Daemon::start("");
    let found = format!("stream: {NAME} FOUND\0");
    let mut long = vec![b'.'; 3 << 20];
    long.extend_from_slice(MARKER);
    for (bytes, answered) in
        [(&b""[..], "stream: OK\0"), (b"hello", "stream: OK\0"), (MARKER, &found), (&long, &found)]
    {
        for step in [7, 4096, 1 << 20] {
            if bytes.len() / step > 10_000 {
                continue;
            }
            assert_eq!(daemon.ask(&stream(bytes, step)), answered, "{} in {step}", bytes.len());
            assert_eq!(daemon.ask_tcp(&stream(bytes, step)), answered, "{} in {step}", bytes.len());
        }
    }
}

#[test]
fn a_stream_may_be_as_long_as_allowed_and_not_a_byte_longer() {
    let daemon = Daemon::start("StreamMaxLength 1000\n");
    assert_eq!(daemon.ask(&stream(&[b'a'; 1000], 600)), "stream: OK\0");
    for over in [stream(&[b'a'; 1001], 600), [&b"zINSTREAM\0"[..], &[0xff; 4], b"abc"].concat()] {
        assert_eq!(daemon.ask(&over), "INSTREAM size limit exceeded. ERROR\0");
        assert_eq!(daemon.ask_tcp(&over).split('<').next(), Some("INSTREAM size limit exceeded. ERROR\0"));
        let in_session = [b"zIDSESSION\0", &over[..]].concat();
        assert_eq!(daemon.ask(&in_session), "1: INSTREAM size limit exceeded. ERROR\0");
    }
}

#[test]
fn paths_are_answered_as_clamd_answers() {
    let daemon = Daemon::start("");
    let bad = daemon.file("files/bad", MARKER);
    let good = daemon.file("files/sub/good", b"hello");
    let empty = daemon.file("files/empty", b"");
    let other = daemon.file("files/sub/bad", &[b"xx ", MARKER].concat());
    let clean = good.parent().unwrap().join("clean");
    std::fs::create_dir(&clean).unwrap();
    std::fs::write(clean.join("file"), "x").unwrap();
    std::os::unix::fs::symlink(&bad, clean.join("link")).unwrap();
    let folder = bad.parent().unwrap();
    let ask = |command: &str, path: &std::path::Path| {
        daemon.ask(format!("z{command} {}\0", path.display()).as_bytes())
    };
    let found = |path: &std::path::Path| format!("{}: {NAME} FOUND", path.display());
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(ask("SCAN", &good), format!("{}: OK\0", good.display()));
    assert_eq!(ask("SCAN", &empty), format!("{}: OK\0", empty.display()));
    assert_eq!(ask("SCAN", &bad), found(&bad) + "\0");
    assert_eq!(sorted(ask("SCAN", folder)).len(), 1);
    assert_eq!(sorted(ask("CONTSCAN", folder)), [found(&bad), found(&other)]);
    assert_eq!(sorted(ask("MULTISCAN", folder)), [found(&bad), found(&other)]);
    let both =
        |path: &std::path::Path| [found(path), format!("{}: Test.Other.UNOFFICIAL FOUND", path.display())];
    assert_eq!(sorted(ask("ALLMATCHSCAN", &bad)), both(&bad));
    assert_eq!(ask("CONTSCAN", &clean), format!("{}: OK\0", clean.display()));
    // A link that is named is followed, one that is come across is not.
    assert_eq!(ask("CONTSCAN", &clean.join("link")), found(&clean.join("link")) + "\0");
    let nowhere = std::path::Path::new("/nonexistent");
    let missing = "File path check failure: No such file or directory. ERROR\0";
    assert_eq!(ask("SCAN", nowhere), format!("/nonexistent: {missing}"));
    assert_eq!(daemon.ask(b"zSCAN relative\0"), format!("relative: {missing}"));
    assert_eq!(ask("SCAN", std::path::Path::new("/dev/null")), "/dev/null: Not supported file type ERROR\0");
}

#[test]
fn what_is_left_out_is_not_scanned() {
    let daemon = Daemon::start("ExcludePath /skip$\nExcludePath \\.txt$\nMaxDirectoryRecursion 2\n");
    daemon.file("files/skip/bad", MARKER);
    daemon.file("files/bad.txt", MARKER);
    daemon.file("files/one/two/bad", MARKER);
    let root = daemon.path("files");
    let ask = |path: &std::path::Path| daemon.ask(format!("zCONTSCAN {}\0", path.display()).as_bytes());
    assert_eq!(ask(&root), format!("{}: OK\0", root.display()));
    assert_eq!(ask(&root.join("skip")), format!("{}: Excluded\0", root.join("skip").display()));
    assert!(ask(&root.join("one")).ends_with("FOUND\0"));
}

#[test]
fn descriptors_are_scanned_if_they_are_files() {
    let daemon = Daemon::start("");
    let bad = daemon.file("bad", MARKER);
    let good = daemon.file("good", b"hello");
    assert_eq!(scan_file(&daemon, &bad), format!("fd[N]: {NAME} FOUND\0"));
    assert_eq!(scan_file(&daemon, &good), "fd[N]: OK\0");
    for path in [daemon.folder.path(), std::path::Path::new("/dev/null")] {
        assert_eq!(scan_file(&daemon, path), "fd[N]: Not a regular file ERROR\0");
    }
    let (reader, _writer) = std::io::pipe().unwrap();
    assert_eq!(fildes(&daemon, reader.as_fd()), "fd[N]: Not a regular file ERROR\0");
    // Descriptors that cannot be read from by themselves.
    for flags in [rustix::fs::OFlags::PATH, rustix::fs::OFlags::WRONLY] {
        let file = rustix::fs::open(&bad, flags, rustix::fs::Mode::empty()).unwrap();
        assert_eq!(fildes(&daemon, file.as_fd()), format!("fd[N]: {NAME} FOUND\0"), "{flags:?}");
    }
    // What comes with the command itself counts, too; so does a place in the middle of the file.
    let file = std::fs::File::open(&bad).unwrap();
    std::io::Seek::seek(&mut &file, std::io::SeekFrom::End(0)).unwrap();
    let socket = daemon.local();
    send_with(&socket, b"zFILDES\0x", &[file.as_fd()]);
    assert_eq!(without_number(&read_all(socket)), format!("fd[N]: {NAME} FOUND\0"));
}

#[test]
fn descriptors_without_a_command_and_commands_without_a_descriptor_are_errors() {
    let daemon = Daemon::start("");
    let file = open(&daemon.file("good", b"hello"));
    assert_eq!(daemon.ask(b"zFILDES\0x"), "No file descriptor received. ERROR\0");
    assert_eq!(daemon.ask_tcp(b"zFILDES\0x"), "No file descriptor received. ERROR\0");
    assert_eq!(daemon.ask_half(b"zFILDES\0"), "");
    let mut socket = daemon.local();
    socket.write_all(b"zFILDES\0").unwrap();
    send_with(&socket, b"x", &[file.as_fd(), file.as_fd()]);
    assert_eq!(read_all(socket), "No file descriptor received. ERROR\0");
    let socket = daemon.local();
    send_with(&socket, b"zIDSESSION\0zPING\0", &[file.as_fd()]);
    assert_eq!(read_all(socket), "1: PONG\0PROTOCOL ERROR: ancillary data sent without FILDES. ERROR\n");
}

#[test]
fn sessions_number_their_replies() {
    let daemon = Daemon::start("");
    let good = daemon.file("good", b"hello");
    let path = good.display();
    let asked = format!("nIDSESSION\nnPING\nnVERSION\nnSCAN {path}\nnEND\n");
    assert_eq!(daemon.ask(asked.as_bytes()), format!("1: PONG\n2: ClamAV 1.4.6\n3: {path}: OK\n"));
    // A client that has said all gets its answers.
    let asked = format!("nIDSESSION\nnSCAN {path}\nnPING\n");
    let mut lines: Vec<String> = daemon.ask_half(asked.as_bytes()).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, [format!("1: {path}: OK"), String::from("2: PONG")]);
    assert_eq!(
        daemon.ask(b"nIDSESSION\nnPING\nnRELOAD\n"),
        "1: PONG\n2: Command invalid inside IDSESSION. ERROR\n"
    );
    assert_eq!(
        daemon.ask(b"zIDSESSION\0PING\n"),
        "1: Only nCMDS\\n and zCMDS\\0 are accepted inside IDSESSION. ERROR\n"
    );
}

#[test]
fn a_session_has_everything_answered_once_however_much_it_asks_at_once() {
    let daemon = Daemon::start("MaxQueue 4\n");
    let mut asked = b"zIDSESSION\0".to_vec();
    let number = 500;
    for place in 0..number {
        let bytes: &[u8] = if place % 3 == 0 { MARKER } else { b"hello" };
        asked.extend(stream(bytes, 4096));
    }
    asked.extend(b"zEND\0");
    let mut socket = daemon.local();
    let mut writer = socket.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&asked));
    let mut seen = vec![false; number + 1];
    for _ in 0..number {
        let reply = read_reply(&mut socket, 0);
        let (id, rest) = reply.split_once(": ").unwrap();
        let id: usize = id.parse().unwrap();
        let found = rest == format!("stream: {NAME} FOUND");
        assert_eq!(found, (id - 1).is_multiple_of(3), "{reply}");
        assert!(!std::mem::replace(&mut seen[id], true), "{reply} came twice");
    }
    assert_eq!(read_all(socket), "");
    sender.join().unwrap().unwrap();
}

#[test]
fn what_is_turned_off_is_unavailable() {
    let daemon = Daemon::start(
        "EnableShutdownCommand no\nEnableReloadCommand no\nEnableStatsCommand no\nEnableVersionCommand no\nEnableSelfCheckCommand no\nAllowAllMatchScan no\n",
    );
    for command in ["SHUTDOWN", "QUIT", "RELOAD", "STATS", "VERSION", "VERSIONCOMMANDS", "SELFCHECK"] {
        assert_eq!(daemon.ask(format!("z{command}\0").as_bytes()), "COMMAND UNAVAILABLE\0", "{command}");
    }
    assert_eq!(
        daemon.ask(b"zALLMATCHSCAN /\0"),
        "/: ALLMATCHSCAN command disabled by clamd configuration. ERROR\0"
    );
}

#[test]
fn what_changes_the_daemon_is_refused_over_the_network() {
    let daemon = Daemon::start("");
    for command in ["SHUTDOWN", "RELOAD", "SELFCHECK"] {
        assert_eq!(daemon.ask_tcp(format!("z{command}\0").as_bytes()), "COMMAND UNAVAILABLE\0", "{command}");
    }
    assert_eq!(daemon.ask(b"zRELOAD\0"), "RELOADING\0");
    let daemon = Daemon::start_with("", "tcp-control = true\n", &mut |_| ());
    assert_eq!(daemon.ask_tcp(b"zRELOAD\0"), "RELOADING\0");
}

#[test]
fn one_thread_is_not_enough_for_many() {
    let daemon = Daemon::start("MaxThreads 1\n");
    assert_eq!(
        daemon.ask(b"zMULTISCAN /\0"),
        "/: Not enough threads for multiscan. Increase MaxThreads. ERROR\0"
    );
    assert_eq!(
        daemon.ask(&[b"zINSTREAM\0", &chunk(MARKER)[..], &[0; 4]].concat()),
        format!("stream: {NAME} FOUND\0")
    );
}
