//! Proxies, by ICAP: requests and responses of HTTP are scanned before they go on.
//!
//! A body is received as a stream of clamd's protocol is, and is scanned when it is whole; then the client hears that it
//! may go on as it is, gets it back when it did not keep it (of 206 the headers alone), or gets a page in its place. What could not be looked at as
//! a whole goes the way that the settings say, and the answer says that it was so.

mod http;
mod page;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use candor::clamav::Said;
use candor_protocol::icap::{
    Decoder, Event, HTTP_LONGEST, LONGEST, Method, Reply, Request, Step, chunk, last_chunk,
    last_chunk_and_original,
};

use super::{Front, Host, Judged, Scan};
use crate::log::Weight;
use crate::settings::icap::{Deed, Icap as Settings};
use crate::stream::{Bounds, Incoming, Share};

/// How long a proxy may be silent.
const PATIENCE: Duration = Duration::from_secs(300);

/// Bytes of a body that are sent back at once.
const PIECE: usize = 64 << 10;

/// Bytes before which a client may stop and ask; all are needed in the end.
const PREVIEW: &str = "4096";

/// What is missed when the server encoded a body in a way that is not known here.
const ENCODING: &str = "content-encoding";

/// What is missed when a part of a file was asked for by itself.
const RANGE: &str = "range";

/// A conversation with a proxy.
#[derive(Debug, Default)]
pub(super) struct Icap {
    decoder: Decoder,
    transaction: Option<Transaction>,
    /// A body that is being sent back.
    echo: Option<Echo>,
}

/// A request that is not answered yet.
#[derive(Debug)]
struct Transaction {
    request: Box<Request>,
    stream: Option<Incoming>,
    /// A copy of what is scanned, to be sent back.
    copy: Option<Echo>,
    /// Bytes of the stream that were not in the body.
    ahead: u64,
    /// The client was told to go on after a preview.
    has_gone_on: bool,
    /// It is longer than what is scanned.
    is_cut: bool,
    missed: Vec<&'static str>,
}

#[derive(Debug)]
struct Echo {
    file: OwnedFd,
    place: u64,
    length: u64,
    /// What it takes of the memory for all streams.
    _share: Arc<Share>,
}

/// What is answered.
enum Answer {
    Pass,
    Block { kind: u8, why: String, name: String },
    Fail,
}

impl Front for Icap {
    fn take(&mut self, input: &[u8], host: &mut Host<'_>) -> usize {
        let Some(settings) = &host.shared.settings.fronts.icap else {
            host.close = true;
            return input.len();
        };
        let mut used = 0_usize;
        loop {
            let Step { used: taken, event } = self.decoder.next(input.get(used..).unwrap_or_default());
            used = used.saturating_add(taken);
            match event {
                Event::More => return used,
                Event::Nothing => (),
                Event::Request(request) => self.begin(request, host),
                Event::Body(bytes) => self.body(bytes, settings, host),
                Event::Preview => {
                    if let Some(transaction) = &mut self.transaction {
                        transaction.has_gone_on = true;
                    }
                    host.out.extend_from_slice(b"ICAP/1.0 100 Continue\r\n\r\n");
                    self.decoder.go_on();
                }
                Event::End(_) => self.end(settings, host),
                Event::Refused(refusal) => {
                    reply(refusal.status(), &[], "", false, host);
                    host.close = true;
                }
            }
            if host.close || host.scan.is_some() || self.echo.is_some() {
                return used;
            }
        }
    }

    fn judged(&mut self, judged: Judged, host: &mut Host<'_>) {
        let Some(settings) = &host.shared.settings.fronts.icap else { return };
        let Some(mut transaction) = self.transaction.take() else { return };
        transaction.missed.extend(judged.missed);
        let answer = match judged.said {
            Said::Found(names) => {
                let name = names.into_iter().next().unwrap_or_else(|| String::from("UNKNOWN"));
                Answer::Block { kind: 0, why: format!("{name} was found in it."), name }
            }
            Said::Error(why) => {
                transaction.missed.push("error");
                incomplete(&transaction.missed, why, settings.incomplete)
            }
            Said::Ok => {
                let by_range = transaction.missed == [RANGE];
                let deed = if by_range { settings.ranges } else { settings.incomplete };
                if transaction.missed.is_empty() {
                    Answer::Pass
                } else {
                    incomplete(&transaction.missed, "not all of it could be looked at", deed)
                }
            }
        };
        self.answer(transaction, answer, settings, host);
    }

    fn has_more(&self) -> bool {
        self.echo.is_some()
    }

    fn refill(&mut self, host: &mut Host<'_>) {
        let Some(echo) = &mut self.echo else { return };
        let left = echo.length.saturating_sub(echo.place);
        let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
        match rustix::io::pread(&echo.file, &mut piece, echo.place) {
            Ok(0) if left > 0 => {
                // It would look like a whole one to the client.
                host.close = true;
                self.echo = None;
            }
            Ok(read) => {
                chunk(piece.get(..read).unwrap_or_default(), host.out);
                echo.place = echo.place.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                if echo.place >= echo.length {
                    last_chunk(host.out);
                    self.echo = None;
                }
            }
            Err(rustix::io::Errno::INTR) => (),
            Err(_) => {
                host.close = true;
                self.echo = None;
            }
        }
    }

    fn longest(&self) -> usize {
        LONGEST.saturating_add(HTTP_LONGEST)
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

impl Icap {
    fn begin(&mut self, request: Box<Request>, host: &Host<'_>) {
        let mut transaction = Transaction {
            stream: None,
            copy: None,
            ahead: 0,
            has_gone_on: false,
            is_cut: false,
            missed: Vec::new(),
            request,
        };
        if transaction.request.has_body && transaction.request.method != Method::Options {
            let headers = match transaction.request.method {
                Method::Respmod => &transaction.request.response,
                _ => &transaction.request.request,
            };
            if http::is_encoded(headers) {
                transaction.missed.push(ENCODING);
            }
            if http::is_part(headers) {
                transaction.missed.push(RANGE);
            }
            // Files in a form are parts of it, as those of a mail are.
            let ahead = http::parts(headers);
            let mut stream = Incoming::new(&host.shared.in_memory);
            match stream.add(&ahead, &bounds(host)) {
                Ok(()) => {
                    transaction.ahead = stream.length();
                    transaction.stream = Some(stream);
                }
                Err(error) => lose(&mut transaction, &error, host),
            }
        }
        self.transaction = Some(transaction);
    }

    fn body(&mut self, bytes: &[u8], settings: &Settings, host: &Host<'_>) {
        let Some(transaction) = &mut self.transaction else { return };
        let Some(stream) = &mut transaction.stream else { return };
        let room = usize::try_from(settings.most.saturating_sub(stream.length())).unwrap_or(usize::MAX);
        // The rest is passed over: a client that keeps it hears what to do with it at the end.
        transaction.is_cut |= bytes.len() > room;
        if let Err(error) = stream.add(bytes.get(..room).unwrap_or(bytes), &bounds(host)) {
            lose(transaction, &error, host);
        }
    }

    fn end(&mut self, settings: &Settings, host: &mut Host<'_>) {
        let Some(mut transaction) = self.transaction.take() else { return };
        if transaction.request.method == Method::Options {
            return options(transaction.request.keep_alive, settings, host);
        }
        if transaction.is_cut {
            transaction.missed.push("file-size");
        }
        let Some(stream) = transaction.stream.take() else {
            // Without a body there is nothing to be scanned; with one that was lost, nothing was.
            let answer = if transaction.request.has_body { Answer::Fail } else { Answer::Pass };
            return self.answer(transaction, answer, settings, host);
        };
        let received = stream.end().and_then(|received| {
            let copy = received.file.try_clone()?;
            Ok((received, copy))
        });
        match received {
            Ok((received, copy)) => {
                if !transaction.is_cut && !has_kept_it(&transaction) {
                    transaction.copy = Some(Echo {
                        file: copy,
                        place: transaction.ahead,
                        length: received.length,
                        _share: Arc::clone(&received.share),
                    });
                }
                let (address, name) = http::address(&transaction.request.request);
                let command =
                    if transaction.request.method == Method::Respmod { "RESPMOD" } else { "REQMOD" };
                host.scan = Some(Scan { received, subject: address.into_bytes(), name, command });
                self.transaction = Some(transaction);
            }
            Err(error) => {
                lose(&mut transaction, &error, host);
                self.answer(transaction, Answer::Fail, settings, host);
            }
        }
    }

    fn answer(&mut self, transaction: Transaction, answer: Answer, settings: &Settings, host: &mut Host<'_>) {
        let request = &transaction.request;
        let keep_alive = request.keep_alive;
        host.close |= !keep_alive;
        let missed = transaction.missed.join(", ");
        let mut headers: Vec<(&str, &str)> = Vec::new();
        if !missed.is_empty() {
            headers.push(("X-Candor-Incomplete", &missed));
        }
        match answer {
            Answer::Fail => reply("500 Server Error", &headers, "", keep_alive, host),
            Answer::Pass if may_say_no_content(&transaction) => {
                reply("204 No Content", &headers, "", keep_alive, host);
            }
            // It did not keep what was passed over.
            Answer::Pass if transaction.is_cut && !request.allows_partial => {
                reply("500 Server Error", &headers, "", keep_alive, host)
            }
            Answer::Pass => {
                let (name, body, bytes) = match request.method {
                    Method::Respmod => ("res-hdr", "res-body", &request.response),
                    _ => ("req-hdr", "req-body", &request.request),
                };
                let body = if request.has_body { body } else { "null-body" };
                let is_partial = request.has_body && request.allows_partial;
                let parts = if bytes.is_empty() {
                    format!("{body}=0")
                } else {
                    format!("{name}=0, {body}={}", bytes.len())
                };
                let status = if is_partial { "206 Partial Content" } else { "200 OK" };
                reply(status, &headers, &parts, keep_alive, host);
                host.out.extend_from_slice(bytes);
                if is_partial {
                    last_chunk_and_original(host.out);
                } else {
                    self.echo = transaction.copy;
                }
            }
            Answer::Block { kind, why, name } => {
                let (address, _) = http::address(&request.request);
                let shown = page::fill(&settings.page, &why, &address);
                let head = page::head(shown.len());
                let threat: String = name.chars().filter(|letter| *letter != ';').collect();
                let found = format!("Type={kind}; Resolution=2; Threat={threat};");
                headers.push(("X-Infection-Found", &found));
                headers.push(("X-Virus-ID", &threat));
                let parts = format!("res-hdr=0, res-body={}", head.len());
                reply("200 OK", &headers, &parts, keep_alive, host);
                host.out.extend_from_slice(head.as_bytes());
                chunk(shown.as_bytes(), host.out);
                last_chunk(host.out);
            }
        }
    }
}

/// Whether the client still has the message: it said so, or it is all in the preview.
fn may_say_no_content(transaction: &Transaction) -> bool {
    let request = &transaction.request;
    request.allows_no_content || (request.preview.is_some() && !transaction.has_gone_on)
}

/// Whether nothing of the body has to be sent back.
fn has_kept_it(transaction: &Transaction) -> bool {
    may_say_no_content(transaction) || transaction.request.allows_partial
}

fn incomplete(missed: &[&str], why: &str, deed: Deed) -> Answer {
    match deed {
        Deed::Pass => Answer::Pass,
        Deed::Block => {
            let missed = missed.join(", ");
            Answer::Block {
                kind: 2,
                why: format!("{why} ({missed})."),
                name: format!("Not fully scanned ({missed})"),
            }
        }
    }
}

/// How much of a body is in memory.
fn bounds<'a>(host: &Host<'a>) -> Bounds<'a> {
    let sessions = &host.shared.settings.sessions;
    Bounds { one: sessions.stream_memory, all: sessions.streams_memory, folder: &sessions.temporary }
}

/// The body cannot be kept.
fn lose(transaction: &mut Transaction, error: &std::io::Error, host: &Host<'_>) {
    transaction.stream = None;
    host.shared.log.say(Weight::Error, &format!("icap: a body cannot be kept: {error}"));
}

fn options(keep_alive: bool, settings: &Settings, host: &mut Host<'_>) {
    let most = host.shared.settings.sessions.most.to_string();
    let size = settings.most.to_string();
    let headers = [
        ("Methods", "RESPMOD, REQMOD"),
        ("Service", "Candor"),
        ("Service-ID", "avscan"),
        ("Max-Connections", &most),
        ("Options-TTL", "600"),
        ("Allow", "204, 206"),
        ("Preview", PREVIEW),
        ("Transfer-Preview", "*"),
        ("X-Candor-Max-Size", &size),
    ];
    reply("200 OK", &headers, "null-body=0", keep_alive, host);
    host.close |= !keep_alive;
}

fn reply(status: &str, headers: &[(&str, &str)], encapsulated: &str, keep_alive: bool, host: &mut Host<'_>) {
    let tag = format!("{:x}-{:x}", host.shared.counters.start(), host.shared.signatures.number());
    Reply { status, tag: &tag, headers, encapsulated, keep_alive }.write(host.out);
}
