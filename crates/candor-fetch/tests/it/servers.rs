//! Servers, good ones and bad ones.

use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use candor_update::source::fetch::{FailureKind, FileWish, Job, Wish};

use crate::place::{Place, Server, job, short, wish};

const ABC: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\nabc";

#[test]
fn a_file_comes_with_its_digest_and_time() {
    let place = Place::new();
    let server = Server::saying(ABC);
    let (answer, bytes) = place.fetch(wish(&format!("{}/x", server.url)), short());
    assert_eq!((answer.status, bytes.as_slice(), answer.failure), (Some(200), &b"abc"[..], None));
    assert_eq!(answer.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(answer.modified, Some(1_700_000_000));
}

#[test]
fn a_request_tells_who_asks_and_nothing_else() {
    let place = Place::new();
    let server = Server::saying(ABC);
    let url = format!("{}/x?y=1", server.url);
    place.fetch(FileWish { first: Some(512), since: Some(0), ..wish(&url) }, short());
    let head = server.heads.lock().unwrap().pop().unwrap();
    let mut lines: Vec<String> = head.trim_end().lines().map(str::to_ascii_lowercase).collect();
    assert_eq!(lines.remove(0), "get /x?y=1 http/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", url.trim_start_matches("http://").split('/').next().unwrap());
    let mut expected = vec![
        "accept-encoding: identity",
        "accept: */*",
        "if-modified-since: thu, 01 jan 1970 00:00:00 gmt",
        "range: bytes=0-511",
        "user-agent: candor/test",
        &host,
    ];
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn a_start_is_taken_also_from_a_server_that_knows_no_ranges() {
    let place = Place::new();
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    let (answer, bytes) = place.fetch(FileWish { first: Some(4), most: 4, ..wish(&server.url) }, short());
    assert_eq!((answer.failure, bytes.as_slice()), (None, &b"0123"[..]));
}

#[test]
fn statuses_are_told_and_their_bodies_are_not_taken() {
    for (text, status, retry) in [
        ("HTTP/1.1 304 Not Modified\r\n\r\n", 304, None),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403, None),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, None),
        ("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n", 429, Some(100)),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", 500, None),
    ] {
        let place = Place::new();
        let server = Server::saying(text);
        let (answer, bytes) = place.fetch(wish(&server.url), short());
        assert_eq!((answer.status, answer.retry_after, answer.failure), (Some(status), retry, None));
        assert!(bytes.is_empty());
    }
}

/// What becomes of one wish at this server.
fn failure(server: &Server) -> FailureKind {
    let (answer, _) = Place::new().fetch(FileWish { most: 1000, ..wish(&server.url) }, short());
    answer.failure.unwrap().kind
}

#[test]
fn connections_that_end_too_early_are_told() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "",
    ] {
        let kind = failure(&Server::saying(text));
        assert!(
            matches!(kind, FailureKind::Cut | FailureKind::Protocol | FailureKind::Connect),
            "{text}: {kind:?}"
        );
    }
}

#[test]
fn what_is_too_long_is_not_taken() {
    assert_eq!(
        failure(&Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")),
        FailureKind::TooLong
    );
    let endless = Server::new(|stream, _| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert_eq!(failure(&endless), FailureKind::TooLong);
    let heads = Server::new(|stream, _| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n"));
        while stream.write_all(b"X-More: and more and more and more and more\r\n").is_ok() {}
    });
    let kind = failure(&heads);
    assert!(matches!(kind, FailureKind::Protocol | FailureKind::TooLong | FailureKind::Cut), "{kind:?}");
}

#[test]
fn slow_servers_end_in_time() {
    let drips = |head: &'static [u8], pause| {
        Server::new(move |stream, _| {
            drop(stream.write_all(head));
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(pause));
            }
        })
    };
    let began = Instant::now();
    for server in [
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 30_000),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 100),
        drips(b"HTTP/1.1 200 OK\r\nX-Header: ", 100),
        Server::new(|_, _| std::thread::sleep(Duration::from_secs(30))),
    ] {
        assert_eq!(failure(&server), FailureKind::Slow);
    }
    // Each has a second, or two when it sends as slowly as it can; the margin is for a busy machine.
    assert!(began.elapsed() < Duration::from_secs(90));
}

#[test]
fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (answer, _) = Place::new().fetch(wish(&url), short());
    assert_eq!(answer.failure.unwrap().kind, FailureKind::Connect);
}

#[test]
fn a_place_that_is_not_encrypted_sends_nobody_on() {
    let text = "HTTP/1.1 302 Found\r\nLocation: https://example.org/\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(failure(&Server::saying(text)), FailureKind::Redirect);
    assert_eq!(failure(&Server::saying("HTTP/1.1 301 Moved\r\nLocation: /y\r\n\r\n")), FailureKind::Redirect);
}

#[test]
fn a_job_stops_at_its_first_failure_when_so_wished() {
    let server = Server::new(|stream, head| {
        let text =
            if head.starts_with("GET /b") { "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" } else { ABC };
        drop(stream.write_all(text.as_bytes()));
    });
    let wishes = ["a", "b", "c"].map(|file| Wish::File(wish(&format!("{}/{file}", server.url))));
    let all = job(wishes.to_vec(), short());
    let statuses = |job: &Job| {
        let (answers, _) = Place::new().run(job);
        answers.iter().map(|answer| answer.status.unwrap_or_else(|| panic!("{answer:?}"))).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&all), [200, 404, 200]);
    assert_eq!(statuses(&Job { stop_at_failure: true, ..all }), [200, 404]);
}

#[test]
fn what_is_no_job_is_refused() {
    let place = Place::new();
    for bytes in [&b""[..], b"{}", b"[1]"] {
        let output = place.start(bytes).wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("candor-fetch: "));
    }
}

#[test]
fn a_spool_that_is_not_empty_is_refused() {
    let place = Place::new();
    std::fs::write(place.path("0"), b"mine").unwrap();
    let (answers, said) = place.run(&job(vec![Wish::File(wish("http://127.0.0.1:1/"))], short()));
    assert!(answers.is_empty());
    assert!(said.contains("the spool cannot be written"), "{said}");
    assert_eq!(std::fs::read(place.path("0")).unwrap(), b"mine");
}

/// A name server that says this of every question about texts, and an address of every name.
fn name_server(text: &'static [u8]) -> std::net::SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let query = &buffer[..length];
            let kind = query[length - 3];
            let mut answer = query[..2].to_vec();
            answer.extend_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            answer.extend_from_slice(&query[12..]);
            let data = match kind {
                16 => [&[u8::try_from(text.len()).unwrap()][..], text].concat(),
                1 => vec![127, 0, 0, 1],
                _ => {
                    answer[7] = 0;
                    drop(socket.send_to(&answer, from));
                    continue;
                }
            };
            answer.extend_from_slice(&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0]);
            answer.push(u8::try_from(data.len()).unwrap());
            answer.extend_from_slice(&data);
            // Somebody who guesses comes first, and is not heard.
            drop(socket.send_to(&[b"\xff\xff", &answer[2..]].concat(), from));
            drop(socket.send_to(&answer, from));
        }
    });
    address
}

#[test]
fn texts_of_a_name_are_told() {
    let wishes = vec![Wish::Text { name: String::from("current.example.org") }];
    let mut job = job(wishes, short());
    job.name_servers = vec![name_server(b"1.4.6:62:27000")];
    let (answers, said) = Place::new().run(&job);
    assert_eq!((answers[0].texts.as_slice(), said.as_str()), (&[String::from("1.4.6:62:27000")][..], ""));
}

#[test]
fn names_of_servers_are_looked_up_without_the_c_library() {
    let server = Server::saying(ABC);
    let port = server.url.rsplit(':').next().unwrap();
    let mut job = job(vec![Wish::File(wish(&format!("http://mirror.example.org:{port}/x")))], short());
    job.name_servers = vec![name_server(b"")];
    let (answers, said) = Place::new().run(&job);
    assert_eq!((answers[0].status, said.as_str()), (Some(200), ""));
}

#[test]
fn name_servers_that_are_silent_or_wrong_are_told() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    for server in [silent.local_addr().unwrap(), "127.0.0.1:9".parse().unwrap()] {
        let mut job = job(vec![Wish::Text { name: String::from("x.example") }], short());
        job.name_servers = vec![server];
        let (answers, _) = Place::new().run(&job);
        let failure = answers[0].failure.clone().unwrap();
        assert!(matches!(failure.kind, FailureKind::Name | FailureKind::Slow), "{failure:?}");
    }
}
