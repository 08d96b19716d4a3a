//! Requests and answers of ICAP, whole, in pieces and damaged.

use super::*;

/// What is told of a conversation that comes in pieces of this size; a client that waits is told to go on.
fn events(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::default();
    let (mut waiting, mut told) = (Vec::new(), Vec::new());
    let mut body = Vec::new();
    for piece in bytes.chunks(piece) {
        waiting.extend_from_slice(piece);
        loop {
            let Step { used, event } = decoder.next(&waiting);
            let mut is_end = false;
            match event {
                Event::More => is_end = true,
                Event::Nothing => (),
                Event::Request(request) => told.push(format!(
                    "{:?} {} {} {} {:?}",
                    request.method,
                    request.target,
                    String::from_utf8_lossy(&request.request),
                    String::from_utf8_lossy(&request.response),
                    (request.allows_no_content, request.preview, request.keep_alive, request.has_body)
                )),
                Event::Body(data) => body.extend_from_slice(data),
                Event::Preview => {
                    told.push(format!("preview {}", String::from_utf8_lossy(&body)));
                    decoder.go_on();
                }
                Event::End(in_preview) => {
                    told.push(format!("end {} {in_preview}", String::from_utf8_lossy(&body)));
                    body.clear();
                }
                Event::Refused(refusal) => {
                    told.push(format!("{refusal:?}"));
                    return told;
                }
            }
            waiting.drain(..used);
            if is_end {
                break;
            }
        }
    }
    told
}

const RESPMOD: &str = "RESPMOD icap://s/avscan ICAP/1.0\r\nHost: s\r\nAllow: 204, 206\r\nPreview: 4\r\nEncapsulated: req-hdr=0, res-hdr=6, res-body=13\r\n\r\nGET x\nHTTP y\n";

#[test]
fn a_conversation_is_told_the_same_however_it_is_cut() {
    let text = [
        "OPTIONS icap://s/avscan ICAP/1.0\r\nHost: s\r\n\r\n".to_owned(),
        RESPMOD.to_owned(),
        "4\r\nabcd\r\n0\r\n\r\n2; x=y\r\nef\r\n0\r\nTrailer: z\r\n\r\n\r\n".to_owned(),
        "REQMOD icap://s/x ICAP/1.0\r\nPreview: 9\r\nConnection: close\r\nEncapsulated: req-hdr=0, req-body=3\r\n\r\nABC2\r\nhi\r\n0; ieof\r\n\r\n".to_owned(),
        "REQMOD icap://s/x ICAP/1.0\r\nEncapsulated: req-hdr=0, null-body=3\r\n\r\nABC".to_owned(),
    ]
    .concat();
    let wanted = [
        "Options icap://s/avscan   (false, None, true, false)",
        "end  true",
        "Respmod icap://s/avscan GET x\n HTTP y\n (true, Some(4), true, true)",
        "preview abcd",
        "end abcdef false",
        "Reqmod icap://s/x ABC  (false, Some(9), false, true)",
        "end hi true",
        "Reqmod icap://s/x ABC  (false, None, true, false)",
        "end  true",
    ];
    for piece in [1, 2, 3, 7, 4096] {
        assert_eq!(events(text.as_bytes(), piece), wanted, "{piece}");
    }
}

#[test]
fn what_is_no_request_is_refused_before_it_is_all_there() {
    let long = |begin: &str, filler: &str| format!("{begin}{}", filler.repeat(LONGEST));
    for (text, refusal) in [
        (String::from("\u{16}\u{3}\u{1}"), "BadRequest"),
        (String::from("GET / HTTP/1.1\r\n\r\n"), "BadRequest"),
        // The same whether it comes at once or a byte at a time.
        (String::from("DEL\u{1} x ICAP/1.0\r\n\r\n"), "BadRequest"),
        (String::from("OPTIONS x ICAP/2.0\r\n\r\n"), "Version"),
        (String::from("DELETE x ICAP/1.0\r\n\r\n"), "MethodNotAllowed"),
        (String::from("REQMOD x ICAP/1.0\r\n\r\n"), "BadRequest"),
        (String::from("REQMOD x ICAP/1.0\r\nPreview: -1\r\n\r\n"), "BadRequest"),
        (long("OPTIONS ", "x"), "TooLarge"),
        (long("OPTIONS x ICAP/1.0\r\nA: ", "x"), "TooLarge"),
        (long("OPTIONS x ICAP/1.0\r\n", "A: b\r\n"), "TooLarge"),
        (String::from("REQMOD x ICAP/1.0\r\nEncapsulated: req-hdr=0, req-body=99999999\r\n\r\n"), "TooLarge"),
    ] {
        for piece in [1, 4096] {
            assert_eq!(events(text.as_bytes(), piece).pop().as_deref(), Some(refusal), "{text:.60}");
        }
    }
    for parts in [
        "req-hdr=0",
        "req-hdr=1, req-body=2",
        "req-hdr=0, req-body=0",
        "req-hdr=5, res-hdr=3, res-body=9",
        "req-hdr=0, req-hdr=3, req-body=9",
        "req-body=0, req-hdr=3",
        "req-hdr=0, null-body=3, req-body=9",
        "what=0",
        "req-hdr",
        "",
    ] {
        let text = format!("REQMOD x ICAP/1.0\r\nEncapsulated: {parts}\r\n\r\n");
        assert_eq!(events(text.as_bytes(), 4096), ["BadRequest"], "{parts}");
    }
}

#[test]
fn chunks_that_are_none_are_refused() {
    let head = "REQMOD x ICAP/1.0\r\nEncapsulated: req-body=0\r\n\r\n";
    for (chunks, refusal) in [
        ("x\r\n", "BadRequest"),
        ("-1\r\n", "BadRequest"),
        ("+1\r\n", "BadRequest"),
        ("\r\n", "BadRequest"),
        ("1\r\nabc", "TooLarge"),
        ("10000000000000000\r\n", "TooLarge"),
    ] {
        let told = events(format!("{head}{chunks}").as_bytes(), 4096);
        assert_eq!(told.last().map(String::as_str), Some(refusal), "{chunks:?}");
    }
    let endless = format!("{head}{}", "1".repeat(600));
    assert_eq!(events(endless.as_bytes(), 64).pop().as_deref(), Some("TooLarge"));
    let trailers = format!("{head}0\r\n{}", "A: b\r\n".repeat(2000));
    assert_eq!(events(trailers.as_bytes(), 64).pop().as_deref(), Some("TooLarge"));
    // As long as can be said, and nothing is kept for it.
    let told = events(format!("{head}FFFFFFFFFFFFFFFF\r\nabc").as_bytes(), 4096);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn answers_are_lines_that_nobody_adds_to() {
    let mut out = Vec::new();
    let headers = [("X-Virus-ID", "A\r\nB: c")];
    let reply = Reply {
        status: "200 OK",
        tag: "t",
        headers: &headers,
        encapsulated: "null-body=0",
        keep_alive: false,
    };
    reply.write(&mut out);
    chunk(b"", &mut out);
    chunk(b"0123456789abcdefg", &mut out);
    last_chunk(&mut out);
    let text = String::from_utf8(out).unwrap();
    let wanted = format!(
        "ICAP/1.0 200 OK\r\nISTag: \"t\"\r\nServer: Candor/{}\r\nConnection: close\r\nX-Virus-ID: A??B: c\r\nEncapsulated: null-body=0\r\n\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(text, wanted);
}

#[test]
fn what_the_client_takes_is_told_from_what_it_does_not() {
    for (allow, wanted) in [
        ("", (false, false)),
        ("Allow: 204\r\n", (true, false)),
        ("Allow: 206\r\n", (false, true)),
        ("Allow: 206, 204, trailers\r\n", (true, true)),
        ("Allow: 2040, 20 6\r\n", (false, false)),
    ] {
        let text = format!("REQMOD icap://s/x ICAP/1.0\r\n{allow}Encapsulated: null-body=0\r\n\r\n");
        let mut decoder = Decoder::default();
        let mut rest = text.as_bytes();
        let request = loop {
            let Step { used, event } = decoder.next(rest);
            rest = &rest[used..];
            if let Event::Request(request) = event {
                break request;
            }
            assert!(event == Event::Nothing, "{event:?}");
        };
        assert_eq!((request.allows_no_content, request.allows_partial), wanted, "{allow}");
    }
}
