//! What of its insides shows.

use std::time::Duration;

use crate::run::{Daemon, MARKER, NAME, open, read_all, scan_file, send_with, stream};

#[test]
fn each_answer_is_a_line_of_json() {
    let mut daemon = Daemon::start("");
    daemon.ask(&stream(MARKER, 4096));
    daemon.ask(&stream(b"hello", 4096));
    daemon.wait_until("the log has both", |daemon| daemon.json().lines().count() == 2);
    let json = daemon.json();
    let lines: Vec<&str> = json.lines().collect();
    assert!(
        lines[0].contains("\"verdict\":\"infected\"") && lines[0].contains("\"Test.Marker\""),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("\"verdict\":\"clean\"") && !lines[1].contains("findings"), "{}", lines[1]);
    assert!(lines[1].contains("\"length\":5") && lines[1].contains("\"generation\":1"), "{}", lines[1]);
}

#[test]
fn a_file_that_changed_is_scanned_again() {
    let daemon = Daemon::start("");
    let file = daemon.file("file", b"hello, this is it");
    for _ in 0..3 {
        assert_eq!(scan_file(&daemon, &file), "fd[N]: OK\0");
    }
    std::fs::write(&file, [MARKER, b"  "].concat()).unwrap();
    assert_eq!(scan_file(&daemon, &file), format!("fd[N]: {NAME} FOUND\0"));
}

#[test]
fn long_streams_leave_nothing_behind_in_the_temporary_folder() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_with(
        &format!("TemporaryDirectory {}\n", folder.path().display()),
        "stream-memory = 1000\n",
        &mut |_| (),
    );
    let mut long = vec![b'.'; 300_000];
    long.extend_from_slice(MARKER);
    assert_eq!(daemon.ask(&stream(&long, 10_000)), format!("stream: {NAME} FOUND\0"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn many_descriptors_in_one_session_each_get_their_answer() {
    use std::os::fd::AsFd as _;
    let daemon = Daemon::start("");
    let bad = open(&daemon.file("bad", MARKER));
    let good = open(&daemon.file("good", b"hello"));
    let socket = daemon.local();
    send_with(&socket, b"zIDSESSION\0zFILDES\0x", &[bad.as_fd()]);
    for _ in 0..50 {
        send_with(&socket, b"zFILDES\0x", &[good.as_fd()]);
        send_with(&socket, b"zFILDES\0x", &[bad.as_fd()]);
    }
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let text = read_all(socket);
    let mut found: Vec<u32> = text
        .split_terminator('\0')
        .filter(|line| line.ends_with("FOUND"))
        .map(|line| line.split(':').next().unwrap().parse().unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(text.split_terminator('\0').count(), 101);
    let expected: Vec<u32> = (1..=101).filter(|number| number % 2 == 1).collect();
    assert_eq!(found, expected);
}

#[test]
fn systemd_is_told_that_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let notified = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    notified.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _daemon = Daemon::start_with("", "", &mut |command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    let mut buffer = [0; 100];
    let length = notified.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"READY=1");
}

#[test]
fn sockets_that_systemd_hands_over_are_served_in_place_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("handed");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let event = "VirusEvent /bin/sh -c 'ls -l /proc/self/fd > $0; mv $0 $1' @/part @/fds\n";
    let daemon =
        Daemon::start_with(&event.replace('@', &folder.path().display().to_string()), "", &mut |command| {
            let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
            let mut shell = std::process::Command::new("/bin/sh");
            shell
                .args(["-c", "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\""])
                .arg(env!("CARGO_BIN_EXE_candord"))
                .args(arguments)
                .stdin(std::os::fd::OwnedFd::from(listener.try_clone().unwrap()))
                .stderr(std::process::Stdio::null());
            *command = shell;
        });
    let mut socket = std::os::unix::net::UnixStream::connect(&path).unwrap();
    std::io::Write::write_all(&mut socket, &stream(MARKER, 4096)).unwrap();
    assert_eq!(read_all(socket), format!("stream: {NAME} FOUND\0"));
    assert!(!daemon.path("socket").exists());
    assert!(daemon.log().contains(&format!("it listens on {}", path.display())), "{}", daemon.log());
    // A program that it starts has none of its sockets.
    let mut daemon = daemon;
    daemon.wait_until("the program ran", |_| folder.path().join("fds").exists());
    let fds = std::fs::read_to_string(folder.path().join("fds")).unwrap();
    assert!(fds.contains("/dev/null") && !fds.contains("socket:"), "{fds}");
}
