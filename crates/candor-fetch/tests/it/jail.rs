//! The fetcher at work, as the kernel sees it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::time::Duration;

use candor_update::source::fetch::{Answer, FailureKind, FileWish, Times, Wish};

use crate::place::{Place, Server, job, short, wish};

#[test]
fn it_is_in_its_jail_before_the_first_byte_arrives() {
    let place = Place::new();
    let (send, receive) = std::sync::mpsc::channel::<()>();
    let (asked, was_asked) = std::sync::mpsc::channel::<()>();
    let receive = std::sync::Mutex::new(receive);
    let server = Server::new(move |stream, _| {
        asked.send(()).unwrap();
        let _ = receive.lock().unwrap().recv_timeout(Duration::from_secs(20));
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    });
    let times = Times { connect: 20, stall: 20, total: 40, slowest: 1 };
    let mut child = place.start(&job(vec![Wish::File(wish(&server.url))], times).write().unwrap());
    was_asked.recv_timeout(Duration::from_secs(20)).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let field = |name: &str| value(&status, name).unwrap();
    assert_eq!((field("Seccomp").as_str(), field("NoNewPrivs").as_str()), ("2", "1"));
    // One filter more than whoever started it has; kernels before 5.9 do not count them.
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let filters = |status| value(status, "Seccomp_filters").map(|count| count.parse::<u32>().unwrap());
    assert!(filters(&status).is_none_or(|count| Some(count) > filters(&own)));
    assert_eq!(field("CapEff"), "0000000000000000");
    assert_eq!(field("Threads"), "1");
    // As root it has become somebody who owns nothing.
    if std::fs::metadata("/proc/self").is_ok_and(|_| is_root()) {
        assert!(!field("Uid").starts_with("0\t"), "{}", field("Uid"));
    }
    send.send(()).unwrap();
    let mut line = Vec::new();
    BufReader::new(child.stdout.take().unwrap()).read_until(b'\n', &mut line).unwrap();
    assert_eq!(Answer::read(&line, 0).unwrap().status, Some(200));
    assert!(child.wait().unwrap().success());
}

/// A line of what the kernel says of a process.
fn value(status: &str, name: &str) -> Option<String> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|state| state.uid() == 0)
}

#[test]
fn a_file_cannot_become_longer_than_what_was_wished_even_by_a_flaw() {
    // The kernel's limit is that of the longest wish; a shorter one is bounded by the program.
    let place = Place::new();
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n");
    let (answer, bytes) = place.fetch(FileWish { most: 100, ..wish(&server.url) }, short());
    assert_eq!((answer.failure.unwrap().kind, bytes.len()), (FailureKind::TooLong, 0));
}
