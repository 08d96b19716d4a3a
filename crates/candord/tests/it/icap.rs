//! Proxies: conversations as Squid and c-icap have them.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::run::{Daemon, MARKER, NAME};

fn daemon(more: &str) -> Daemon {
    daemon_with("", more)
}

fn daemon_with(conf: &str, more: &str) -> Daemon {
    let socket = tempfile::tempdir().unwrap().keep().join("icap");
    Daemon::start_with(conf, &format!("[icap]\nlisten = ['{}']\n{more}", socket.display()), &mut |_| ())
}

fn connect(daemon: &Daemon) -> UnixStream {
    let log = daemon.log();
    let (_, rest) = log.split_once("icap: ").unwrap();
    let socket = UnixStream::connect(rest.lines().next().unwrap()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

const GET: &str = "GET http://www.example/files/a.bin HTTP/1.1\r\nHost: www.example\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n";

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(1000) {
        out.extend(format!("{:X}\r\n", piece.len()).into_bytes());
        out.extend(piece);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n\r\n");
    out
}

/// A response that is to be looked at.
fn respmod(headers: &str, http: &str, body: &[u8]) -> Vec<u8> {
    let (one, two) = (GET.len(), GET.len() + http.len());
    let head = format!(
        "RESPMOD icap://scanner/avscan ICAP/1.0\r\nHost: scanner\r\n{headers}Encapsulated: req-hdr=0, res-hdr={one}, res-body={two}\r\n\r\n{GET}{http}"
    );
    [head.into_bytes(), chunked(body)].concat()
}

/// An answer, with what follows its head as the head says.
fn hear(socket: &mut UnixStream) -> (String, Vec<u8>) {
    let head = line_by_line(socket);
    let Some((_, parts)) = head.split_once("Encapsulated: ") else { return (head, Vec::new()) };
    let parts = parts.lines().next().unwrap();
    let last = parts.rsplit(", ").next().unwrap();
    let (kind, place) = last.split_once('=').unwrap();
    let mut http = vec![0; place.parse().unwrap()];
    socket.read_exact(&mut http).unwrap();
    if kind != "null-body" {
        loop {
            let line = one_line(socket);
            if line == "0; use-original-body=0\r\n" {
                assert_eq!(one_line(socket), "\r\n");
                http.extend(b"<as it was>");
                break;
            }
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut piece = vec![0; length + 2];
            socket.read_exact(&mut piece).unwrap();
            assert!(piece.ends_with(b"\r\n"));
            if length == 0 {
                break;
            }
            http.extend(&piece[..length]);
        }
    }
    (head, http)
}

fn one_line(socket: &mut UnixStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\n") && socket.read(&mut byte).unwrap() == 1 {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

fn line_by_line(socket: &mut UnixStream) -> String {
    let mut head = String::new();
    loop {
        let line = one_line(socket);
        head += &line;
        if line == "\r\n" || line.is_empty() {
            return head;
        }
    }
}

fn ask(daemon: &Daemon, request: &[u8]) -> (String, Vec<u8>) {
    let mut socket = connect(daemon);
    socket.write_all(request).unwrap();
    hear(&mut socket)
}

fn assert_blocked((head, http): &(String, Vec<u8>), threat: &str) {
    assert!(head.starts_with("ICAP/1.0 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("X-Virus-ID: {threat}\r\n")), "{head}");
    let text = String::from_utf8_lossy(http);
    assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{text}");
    assert!(text.contains("<code>http://www.example/files/a.bin</code>"), "{text}");
}

#[test]
fn options_say_what_can_be_done() {
    let daemon = daemon("");
    let (head, _) = ask(&daemon, b"OPTIONS icap://scanner/avscan ICAP/1.0\r\nHost: scanner\r\n\r\n");
    for line in [
        "ICAP/1.0 200 OK",
        "Methods: RESPMOD, REQMOD",
        "Allow: 204, 206",
        "Preview: 4096",
        "Encapsulated: null-body=0",
    ] {
        assert!(head.lines().any(|held| held == line), "{line}: {head}");
    }
    let tag = head.lines().find_map(|line| line.strip_prefix("ISTag: ")).unwrap();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() <= 34, "{tag}");
}

#[test]
fn the_tag_changes_with_the_signatures() {
    let mut daemon = daemon("");
    let tag = |daemon: &Daemon| {
        let (head, _) = ask(daemon, b"OPTIONS icap://s/x ICAP/1.0\r\n\r\n");
        head.lines().find_map(|line| line.strip_prefix("ISTag: ").map(str::to_owned)).unwrap()
    };
    let old = tag(&daemon);
    assert_eq!(tag(&daemon), old);
    daemon.ask(b"zRELOAD\0");
    daemon.wait_until("it has changed", |daemon| tag(daemon) != old);
}

#[test]
fn clean_responses_go_on_and_infected_ones_are_replaced() {
    let daemon = daemon("");
    let mut socket = connect(&daemon);
    for _ in 0..3 {
        socket.write_all(&respmod("Allow: 204\r\n", OK, b"hello")).unwrap();
        let (head, http) = hear(&mut socket);
        assert!(head.starts_with("ICAP/1.0 204 No Content\r\n") && http.is_empty(), "{head}");
        socket.write_all(&respmod("Allow: 204\r\n", OK, MARKER)).unwrap();
        let answer = hear(&mut socket);
        assert_blocked(&answer, NAME);
        assert!(answer.0.contains(&format!("X-Infection-Found: Type=0; Resolution=2; Threat={NAME};\r\n")));
    }
    assert!(daemon.json().contains(
        "\"command\":\"RESPMOD\",\"subject\":\"http://www.example/files/a.bin\",\"verdict\":\"infected\""
    ));
}

#[test]
fn who_did_not_keep_the_message_gets_it_back() {
    let daemon = daemon_with("", "");
    // Shorter than one piece, longer than what is kept in memory, and nothing at all.
    for length in [0, 5, 65_536, 3_000_000] {
        let body: Vec<u8> = (0..length).map(|number: u32| number.to_le_bytes()[1]).collect();
        let mut socket = connect(&daemon);
        let mut sender = socket.try_clone().unwrap();
        let request = respmod("Connection: close\r\n", OK, &body);
        let sending = std::thread::spawn(move || sender.write_all(&request).unwrap());
        let (head, http) = hear(&mut socket);
        sending.join().unwrap();
        assert!(head.starts_with("ICAP/1.0 200 OK\r\n"), "{head}");
        assert!(http == [OK.as_bytes(), &body].concat(), "{length}");
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn who_kept_the_body_and_wants_an_answer_gets_the_headers() {
    let daemon = daemon("max-size = 1000\nincomplete = 'pass'\n");
    let mut socket = connect(&daemon);
    for length in [0, 5, 900] {
        socket.write_all(&respmod("Allow: 206\r\n", OK, &vec![b'a'; length])).unwrap();
        let (head, http) = hear(&mut socket);
        assert!(head.starts_with("ICAP/1.0 206 Partial Content\r\n"), "{head}");
        assert_eq!(String::from_utf8(http).unwrap(), format!("{OK}<as it was>"));
        assert!(!head.contains("X-Candor-Incomplete"), "{head}");
    }
    // More than is scanned: it has it still.
    socket.write_all(&respmod("Allow: 206\r\n", OK, &[b'a'; 2000])).unwrap();
    let (head, http) = hear(&mut socket);
    assert!(head.starts_with("ICAP/1.0 206 ") && head.contains("X-Candor-Incomplete: file-size"), "{head}");
    assert!(http.ends_with(b"<as it was>"));
    // 204 is shorter, and what is found is replaced as ever.
    socket.write_all(&respmod("Allow: 204, 206\r\n", OK, b"hello")).unwrap();
    assert!(hear(&mut socket).0.starts_with("ICAP/1.0 204 "));
    socket.write_all(&respmod("Allow: 206\r\n", OK, MARKER)).unwrap();
    assert_blocked(&hear(&mut socket), NAME);
}

#[test]
fn requests_are_looked_at_too_and_one_without_a_body_goes_on() {
    let daemon = daemon("");
    let post = "POST http://www.example/files/a.bin HTTP/1.1\r\nHost: www.example\r\n\r\n";
    let head =
        |parts: &str| format!("REQMOD icap://s/avscan ICAP/1.0\r\nEncapsulated: {parts}\r\n\r\n{post}");
    let parts = format!("req-hdr=0, req-body={}", post.len());
    let with = |body: &[u8]| [head(&parts).into_bytes(), chunked(body)].concat();
    assert_blocked(&ask(&daemon, &with(MARKER)), NAME);
    let (said, http) = ask(&daemon, &with(b"hello"));
    assert!(said.contains(&format!("Encapsulated: req-hdr=0, req-body={}\r\n", post.len())), "{said}");
    assert_eq!(http, format!("{post}hello").into_bytes());
    let (said, http) = ask(&daemon, head(&format!("req-hdr=0, null-body={}", post.len())).as_bytes());
    assert!(said.starts_with("ICAP/1.0 200 OK\r\n") && http == post.as_bytes(), "{said}");
}

#[test]
fn a_preview_is_answered_at_once_when_it_is_all_there_is() {
    let daemon = daemon("");
    let begin = |body: &str| {
        let text = respmod("Preview: 4\r\n", OK, b"");
        let text = String::from_utf8(text).unwrap();
        text.strip_suffix("0\r\n\r\n").unwrap().to_owned() + body
    };
    let mut socket = connect(&daemon);
    // It need not be sent back, though nobody said that it was kept.
    socket.write_all(begin("3\r\nabc\r\n0; ieof\r\n\r\n").as_bytes()).unwrap();
    assert!(hear(&mut socket).0.starts_with("ICAP/1.0 204 "));
    let marker = std::str::from_utf8(MARKER).unwrap();
    socket.write_all(begin(&format!("{:x}\r\n{}\r\n0\r\n\r\n", 4, &marker[..4])).as_bytes()).unwrap();
    assert_eq!(line_by_line(&mut socket), "ICAP/1.0 100 Continue\r\n\r\n");
    socket.write_all(&chunked(&MARKER[4..])).unwrap();
    assert_blocked(&hear(&mut socket), NAME);
    // Behind the preview it has to be sent back.
    socket.write_all(begin("4\r\nabcd\r\n0\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(line_by_line(&mut socket), "ICAP/1.0 100 Continue\r\n\r\n");
    socket.write_all(b"0\r\n\r\n").unwrap();
    let (head, http) = hear(&mut socket);
    assert!(head.starts_with("ICAP/1.0 200 ") && http.ends_with(b"\r\n\r\nabcd"), "{head}");
}

#[test]
fn what_could_not_be_looked_at_as_a_whole_is_blocked_or_told() {
    let brotli = OK.replace("\r\n\r\n", "\r\nContent-Encoding: br\r\n\r\n");
    let part = OK
        .replace("200 OK", "206 Partial Content")
        .replace("\r\n\r\n", "\r\nContent-Range: bytes 0-4/9\r\n\r\n");
    let long = vec![b'x'; 3000];
    let cases: [(&str, &[u8], &str); 2] = [(&brotli, b"hello", "content-encoding"), (OK, &long, "file-size")];
    let (block, pass) =
        (daemon("max-size = 2000\n"), daemon("max-size = 2000\nincomplete = 'pass'\nranges = 'block'\n"));
    for (http, body, why) in cases {
        let request = respmod("Allow: 204\r\n", http, body);
        let answer = ask(&block, &request);
        assert_blocked(&answer, &format!("Not fully scanned ({why})"));
        assert!(answer.0.contains("X-Infection-Found: Type=2; "), "{}", answer.0);
        let (head, _) = ask(&pass, &request);
        assert!(head.starts_with("ICAP/1.0 204 "), "{head}");
        assert!(head.contains(&format!("X-Candor-Incomplete: {why}\r\n")), "{head}");
    }
    // It was passed over, so that it can neither be vouched for nor sent back.
    assert!(ask(&pass, &respmod("", OK, &long)).0.starts_with("ICAP/1.0 500 "));
    let request = respmod("Allow: 204\r\n", &part, b"hello");
    let (head, _) = ask(&block, &request);
    assert!(head.starts_with("ICAP/1.0 204 ") && head.contains("X-Candor-Incomplete: range\r\n"), "{head}");
    assert_blocked(&ask(&pass, &request), "Not fully scanned (range)");
    // What was found counts in any case.
    let found = [MARKER, &long].concat();
    assert_blocked(&ask(&pass, &respmod("Allow: 204\r\n", &brotli, &found)), NAME);
}

#[test]
fn files_in_a_form_are_taken_out_of_it() {
    let daemon = daemon("");
    // Encoded, so that it is not found unless the parts are taken apart.
    let body = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--xyz--\r\n",
        "Y2FuZG9yLW1hcmtlci0x"
    );
    let http = OK.replace("application/octet-stream", "multipart/form-data; boundary=xyz");
    assert_blocked(&ask(&daemon, &respmod("", &http, body.as_bytes())), NAME);
    let (_, back) = ask(&daemon, &respmod("", &http, body.replace("Y2Fu", "Z2Fu").as_bytes()));
    assert_eq!(back, [http.as_bytes(), body.replace("Y2Fu", "Z2Fu").as_bytes()].concat());
}

#[test]
fn a_page_of_ones_own_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page");
    std::fs::write(&page, "<p>%u</p><p>%v</p>").unwrap();
    let daemon = daemon(&format!("page = '{}'\n", page.display()));
    let (_, http) = ask(&daemon, &respmod("", OK, MARKER));
    let wanted = format!("\r\n\r\n<p>http://www.example/files/a.bin</p><p>{NAME} was found in it.</p>");
    assert!(http.ends_with(wanted.as_bytes()), "{}", String::from_utf8_lossy(&http));
}

#[test]
fn what_is_no_request_is_refused_and_harms_nobody() {
    let daemon = daemon("");
    let wrong = "REQMOD x ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\nzz\r\n";
    for (request, wanted) in [
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("zPING\0", "400 Bad Request"),
        ("DELETE x ICAP/1.0\r\n\r\n", "405 Method Not Allowed"),
        ("REQMOD x ICAP/9.0\r\n\r\n", "505 ICAP Version Not Supported"),
        (
            "REQMOD x ICAP/1.0\r\nEncapsulated: req-hdr=0, req-body=999999999\r\n\r\n",
            "413 Request Entity Too Large",
        ),
        (wrong, "400 Bad Request"),
    ] {
        let mut socket = connect(&daemon);
        socket.write_all(request.as_bytes()).unwrap();
        let head = line_by_line(&mut socket);
        assert!(head.starts_with(&format!("ICAP/1.0 {wanted}\r\n")), "{request:?}: {head}");
    }
    // One that says nothing, one that stops in the middle, one that hangs up, and one that never reads.
    let silent = connect(&daemon);
    let mut half = connect(&daemon);
    half.write_all(b"RESPMOD icap://s/x ICAP/1.0\r\nEncap").unwrap();
    let mut gone = connect(&daemon);
    let request = respmod("", OK, &vec![b'x'; 500_000]);
    gone.write_all(&request).unwrap();
    drop(gone);
    let mut deaf = connect(&daemon);
    deaf.write_all(&request).unwrap();
    assert_blocked(&ask(&daemon, &respmod("", OK, MARKER)), NAME);
    drop((silent, half, deaf));
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
}

#[test]
fn several_requests_at_once_are_answered_in_their_order() {
    let daemon = daemon("");
    let mut socket = connect(&daemon);
    let requests: Vec<u8> =
        (0..20).flat_map(|number| respmod("", OK, if number % 2 == 0 { b"hello" } else { MARKER })).collect();
    let mut sender = socket.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        sender.write_all(&requests).unwrap();
        sender.shutdown(std::net::Shutdown::Write).unwrap();
    });
    for number in 0..20 {
        let (_, http) = hear(&mut socket);
        assert_eq!(http.starts_with(b"HTTP/1.1 403 "), number % 2 == 1, "{number}");
    }
    sending.join().unwrap();
    assert_eq!(socket.read(&mut [0]).unwrap(), 0);
}
