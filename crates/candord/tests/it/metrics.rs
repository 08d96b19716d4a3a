//! Metrics and health.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use crate::run::{Daemon, MARKER, chunk, read_all, stream};

fn daemon(more: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap().keep();
    let socket = folder.join("metrics");
    let own = format!("metrics = ['{}']\n{more}", socket.display());
    Daemon::start_with("", &own, &mut |_| ())
}

fn connect(daemon: &Daemon) -> UnixStream {
    let log = daemon.log();
    let (_, rest) = log.split_once("metrics: ").unwrap();
    UnixStream::connect(rest.lines().next().unwrap()).unwrap()
}

fn ask(daemon: &Daemon, request: &str) -> String {
    let mut socket = connect(daemon);
    socket.write_all(request.as_bytes()).unwrap();
    read_all(socket)
}

fn page(daemon: &Daemon) -> String {
    ask(daemon, "GET /metrics HTTP/1.0\r\n\r\n")
}

#[test]
fn answers_sessions_and_reloads_are_counted() {
    let mut daemon = daemon("");
    daemon.ask(&stream(MARKER, 4096));
    daemon.ask(&stream(b"hello", 4096));
    daemon.ask(&stream(b"hello", 4096));
    let text = page(&daemon);
    for line in [
        "candor_answers_total{command=\"INSTREAM\",verdict=\"infected\"} 1",
        "candor_answers_total{command=\"INSTREAM\",verdict=\"clean\"} 2",
        "candor_answers_total{command=\"SCAN\",verdict=\"clean\"} 0",
        "candor_answer_seconds_bucket{le=\"+Inf\"} 3",
        "candor_answer_seconds_count 3",
        "candor_bytes_total 25",
        "candor_queue_length 0",
        "candor_workers 3",
        "candor_signatures 2",
        "candor_generation 1",
        "candor_reloads_total{result=\"ok\"} 0",
        "candor_sessions 1",
        "candor_ready 1",
    ] {
        assert!(text.lines().any(|held| held == line), "{line}: {text}");
    }
    // Every line is one of the format, and every metric is told with its type once.
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{head}");
    let types: Vec<&str> =
        body.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = name.split('{').next().unwrap();
        let told = types.iter().filter(|known| {
            **known == name
                || ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(known))
        });
        assert_eq!(told.count(), 1, "{line}");
    }
    std::fs::write(daemon.path("db/test.ndb"), "nonsense\n").unwrap();
    daemon.ask(b"zRELOAD\0");
    daemon.wait_until("it is counted", |daemon| {
        page(daemon).contains("candor_reloads_total{result=\"failed\"} 1\n")
    });
}

#[test]
fn health_is_told_and_other_things_are_refused() {
    let daemon = daemon("");
    for (request, wanted) in [
        ("GET /health HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET /ready?x HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 404 Not Found"),
        ("DELETE /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"),
        ("POST /metrics HTTP/1.0\r\nContent-Length: 1000000000\r\n\r\n", "HTTP/1.1 413 Content Too Large"),
        ("zSHUTDOWN\0", "HTTP/1.1 400 Bad Request"),
    ] {
        let answer = ask(&daemon, request);
        assert_eq!(answer.lines().next(), Some(wanted), "{request:?}: {answer}");
    }
    let endless = format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000));
    assert!(ask(&daemon, &endless).starts_with("HTTP/1.1 431 "));
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
}

#[test]
fn a_connection_goes_on_and_a_head_has_no_body() {
    let daemon = daemon("");
    let mut socket = connect(&daemon);
    // In pieces, and two at once.
    for piece in ["HEAD /health HT", "TP/1.1\r\n\r\nGET /health HTTP/1.1\r\n\r\n"] {
        socket.write_all(piece.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    socket.write_all(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3, "{text}");
    assert_eq!(text.matches("\r\n\r\nok\n").count(), 2, "{text}");
}

#[test]
fn ready_says_no_while_it_ends() {
    let mut daemon = daemon("");
    let mut scan = daemon.local();
    // Far more than the kernel keeps: once it is sent the daemon has read most of it.
    scan.write_all(&[b"zINSTREAM\0", &chunk(&vec![b'x'; 8 << 20])[..]].concat()).unwrap();
    let mut socket = connect(&daemon);
    // Once the first request is answered, what came with it of the second one was read.
    socket.write_all(b"GET /ready HTTP/1.1\r\n\r\nGET /ready HT").unwrap();
    let mut first = Vec::new();
    while !first.ends_with(b"\r\n\r\nok\n") {
        let mut byte = [0];
        assert_eq!(socket.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&first));
        first.push(byte[0]);
    }
    daemon.signal(rustix::process::Signal::TERM);
    daemon
        .wait_until("it takes nobody any more", |daemon| UnixStream::connect(daemon.path("socket")).is_err());
    socket.write_all(b"TP/1.0\r\n\r\n").unwrap();
    assert!(read_all(socket).starts_with("HTTP/1.1 503 "));
    scan.write_all(&[0; 4]).unwrap();
    assert_eq!(read_all(scan), "stream: OK\0");
    assert!(daemon.ended().success());
}
