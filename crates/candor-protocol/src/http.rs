//! As much of HTTP/1.1 as it takes to be read by a monitor: requests without a body, and short answers.
//!
//! Whatever is longer than a request of that kind can be is refused before it is all there.

/// Bytes of a request.
pub const LONGEST: usize = 8 << 10;

/// Headers of a request.
const HEADERS: usize = 64;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is to be done.
    pub method: &'a str,
    /// With what, without the query behind it.
    pub path: &'a str,
    /// Whether the connection goes on after the answer.
    pub keep_alive: bool,
}

/// What has come of the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// More are needed.
    More,
    /// A request, and how many bytes it has.
    Request(usize, Request<'a>),
    /// No request that is answered; this is what to say before hanging up.
    Refused(Status),
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Ok,
    /// It is no request.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// That cannot be done with it.
    MethodNotAllowed,
    /// It has a body.
    ContentTooLarge,
    /// It is too long.
    HeadersTooLarge,
    /// Not now.
    Unavailable,
}

impl Status {
    const fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::ContentTooLarge => "413 Content Too Large",
            Self::HeadersTooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

/// Takes a request apart.
#[must_use]
pub fn parse(input: &[u8]) -> Step<'_> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let used = match request.parse(input.get(..LONGEST).unwrap_or(input)) {
        Ok(httparse::Status::Complete(used)) => used,
        Ok(httparse::Status::Partial) if input.len() < LONGEST => return Step::More,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Step::Refused(Status::HeadersTooLarge);
        }
        Err(_) => return Step::Refused(Status::BadRequest),
    };
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Step::Refused(Status::BadRequest);
    };
    let mut keep_alive = request.version == Some(1);
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") && header.value != b"0"
            || header.name.eq_ignore_ascii_case("transfer-encoding")
        {
            return Step::Refused(Status::ContentTooLarge);
        }
        keep_alive &=
            !header.name.eq_ignore_ascii_case("connection") || !header.value.eq_ignore_ascii_case(b"close");
    }
    let path = target.split('?').next().unwrap_or_default();
    Step::Request(used, Request { method, path, keep_alive })
}

/// Appends an answer. Without its body where `is_head`.
pub fn respond(
    status: Status,
    kind: &str,
    body: &str,
    (is_head, keep_alive): (bool, bool),
    out: &mut Vec<u8>,
) {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let allow = if status == Status::MethodNotAllowed { "Allow: GET, HEAD\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{allow}Connection: {connection}\r\n\r\n",
        status.line(),
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    if !is_head {
        out.extend_from_slice(body.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_in_pieces_and_up_to_its_end() {
        let text = b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\nGET";
        for cut in 0..text.len() - 3 {
            assert_eq!(parse(&text[..cut]), Step::More, "{cut}");
        }
        let request = Request { method: "GET", path: "/metrics", keep_alive: true };
        assert_eq!(parse(text), Step::Request(text.len() - 3, request));
        for closing in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nconnection: Close\r\n\r\n"] {
            assert!(matches!(parse(closing.as_bytes()), Step::Request(_, Request { keep_alive: false, .. })));
        }
    }

    #[test]
    fn what_is_no_such_request_is_refused_before_it_is_all_there() {
        let endless = [b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'x'; LONGEST]].concat();
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(HEADERS + 1));
        for (text, status) in [
            (endless.as_slice(), Status::HeadersTooLarge),
            (many.as_bytes(), Status::HeadersTooLarge),
            (b"zPING\0", Status::BadRequest),
            (b"\x16\x03\x01\0\0", Status::BadRequest),
            (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", Status::ContentTooLarge),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Status::ContentTooLarge),
        ] {
            assert_eq!(parse(text), Step::Refused(status), "{}", String::from_utf8_lossy(text));
        }
    }
}
