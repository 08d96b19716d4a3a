//! The head of a request, and the headers of HTTP behind it.

use super::Refusal;

/// Bytes of a head.
pub const LONGEST: usize = 16 << 10;

/// Bytes of the headers of HTTP that a request has.
pub const HTTP_LONGEST: usize = 256 << 10;

/// Headers of a head.
const HEADERS: usize = 64;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To say what can be done.
    Options,
    /// To look at a request.
    Reqmod,
    /// To look at a response.
    Respmod,
}

/// A part of a request that is headers of HTTP or a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Headers of a request.
    RequestHeaders,
    /// Headers of a response.
    ResponseHeaders,
    /// The body of a request.
    RequestBody,
    /// The body of a response.
    ResponseBody,
    /// A body that goes with OPTIONS.
    OptionsBody,
    /// There is no body.
    NoBody,
}

/// A request, without the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// What it is about, as the client has it.
    pub target: String,
    /// Whether the client keeps the message, so that it need not be sent back.
    pub allows_no_content: bool,
    /// Whether it keeps the body and takes it as a part of an answer (206).
    pub allows_partial: bool,
    /// Bytes after which it waits.
    pub preview: Option<u64>,
    /// Whether the connection goes on.
    pub keep_alive: bool,
    /// Headers of a request of HTTP.
    pub request: Vec<u8>,
    /// Headers of a response of HTTP.
    pub response: Vec<u8>,
    /// Whether there is a body.
    pub has_body: bool,
}

/// What is known when the head has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) request: Request,
    /// Where each part begins, in their order.
    pub(super) parts: Vec<(Part, usize)>,
}

impl Head {
    /// Takes a head apart; says how many bytes it has. `None` when more are needed.
    pub(super) fn parse(input: &[u8]) -> Result<Option<(usize, Self)>, Refusal> {
        let bounded = input.get(..LONGEST).unwrap_or(input);
        let Some(line_end) = memchr::memchr(b'\n', bounded) else {
            // A line that cannot become one of this protocol is not waited for.
            return match (bounded.len() >= LONGEST, is_text(bounded)) {
                (_, false) => Err(Refusal::BadRequest),
                (true, _) => Err(Refusal::TooLarge),
                _ => Ok(None),
            };
        };
        let (line, rest) = bounded.split_at_checked(line_end).ok_or(Refusal::BadRequest)?;
        let rest = rest.get(1..).unwrap_or_default();
        if !is_text(line) {
            return Err(Refusal::BadRequest);
        }
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
        let line = line.map_err(|_| Refusal::BadRequest)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refusal::BadRequest);
        };
        match version {
            "ICAP/1.0" => (),
            other if other.starts_with("ICAP/") => return Err(Refusal::Version),
            _ => return Err(Refusal::BadRequest),
        }
        let method = match method {
            "OPTIONS" => Method::Options,
            "REQMOD" => Method::Reqmod,
            "RESPMOD" => Method::Respmod,
            _ => return Err(Refusal::MethodNotAllowed),
        };
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let (used, headers) = match httparse::parse_headers(rest, &mut headers) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) if input.len() < LONGEST => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Refusal::TooLarge);
            }
            Err(_) => return Err(Refusal::BadRequest),
        };
        let mut head = Self {
            request: Request {
                method,
                target: target.to_owned(),
                allows_no_content: false,
                allows_partial: false,
                preview: None,
                keep_alive: true,
                request: Vec::new(),
                response: Vec::new(),
                has_body: false,
            },
            parts: Vec::new(),
        };
        for header in headers.iter() {
            head.header(header.name, std::str::from_utf8(header.value).unwrap_or_default())?;
        }
        let last = head.parts.last().map(|(part, _)| *part);
        head.request.has_body =
            matches!(last, Some(Part::RequestBody | Part::ResponseBody | Part::OptionsBody));
        if last.is_none() && method != Method::Options {
            return Err(Refusal::BadRequest);
        }
        Ok(Some((line_end.saturating_add(1).saturating_add(used), head)))
    }

    fn header(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let mut list = value.split(',').map(str::trim);
        if name.eq_ignore_ascii_case("allow") {
            for word in list {
                self.request.allows_no_content |= word == "204";
                self.request.allows_partial |= word == "206";
            }
        } else if name.eq_ignore_ascii_case("preview") {
            self.request.preview = Some(value.trim().parse().map_err(|_| Refusal::BadRequest)?);
        } else if name.eq_ignore_ascii_case("connection") {
            self.request.keep_alive &= !list.any(|word| word.eq_ignore_ascii_case("close"));
        } else if name.eq_ignore_ascii_case("encapsulated") {
            if !self.parts.is_empty() {
                return Err(Refusal::BadRequest);
            }
            self.parts = parts(list)?;
        }
        Ok(())
    }

    /// Bytes of headers of HTTP that follow.
    pub(super) fn length(&self) -> usize {
        self.parts.last().map_or(0, |(_, place)| *place)
    }

    /// The request, with its headers of HTTP.
    pub(super) fn complete(self, bytes: &[u8]) -> Request {
        let Self { mut request, parts } = self;
        for (number, (part, begin)) in parts.iter().enumerate() {
            let end = parts.get(number.saturating_add(1)).map_or(*begin, |(_, place)| *place);
            let bytes = bytes.get(*begin..end).unwrap_or_default().to_vec();
            match part {
                Part::RequestHeaders => request.request = bytes,
                Part::ResponseHeaders => request.response = bytes,
                _ => (),
            }
        }
        request
    }
}

/// Whether it may be a line of a request, or the beginning of one.
fn is_text(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\t'))
}

/// The parts, each behind the one before; a body, or that there is none, comes last.
fn parts<'a>(list: impl Iterator<Item = &'a str>) -> Result<Vec<(Part, usize)>, Refusal> {
    let mut parts: Vec<(Part, usize)> = Vec::new();
    for word in list {
        let (name, place) = word.split_once('=').ok_or(Refusal::BadRequest)?;
        let part = match name.trim().to_ascii_lowercase().as_str() {
            "req-hdr" => Part::RequestHeaders,
            "res-hdr" => Part::ResponseHeaders,
            "req-body" => Part::RequestBody,
            "res-body" => Part::ResponseBody,
            "opt-body" => Part::OptionsBody,
            "null-body" => Part::NoBody,
            _ => return Err(Refusal::BadRequest),
        };
        let place: usize = place.trim().parse().map_err(|_| Refusal::BadRequest)?;
        if place > HTTP_LONGEST {
            return Err(Refusal::TooLarge);
        }
        let is_in_order = match parts.last() {
            None => place == 0,
            Some((Part::RequestHeaders | Part::ResponseHeaders, before)) => place > *before,
            Some(_) => false,
        };
        if !is_in_order || parts.iter().any(|(known, _)| *known == part) {
            return Err(Refusal::BadRequest);
        }
        parts.push((part, place));
    }
    match parts.last() {
        Some((Part::RequestHeaders | Part::ResponseHeaders, _)) | None => Err(Refusal::BadRequest),
        Some(_) => Ok(parts),
    }
}
