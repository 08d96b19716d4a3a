//! Mail: what `clamav-milter` does, without a second daemon. A message is put together again from what the mail
//! server tells of it, and is scanned as a stream is; what becomes of it says `clamav-milter.conf`.

use std::time::Duration;

use candor::clamav::Said;
use candor_protocol::milter::{
    Address, Decoder, Event, LONGEST, OLDEST, Offer, Reply, VERSION, action, step,
};

use super::{Front, Host, Judged, Scan};
use crate::log::Weight;
use crate::settings::milter::{Action, Detail, Headers, Milter as Settings};
use crate::stream::{Bounds, Incoming};

/// The headers that say that mail was scanned.
const SCANNED: &str = "X-Virus-Scanned";
const STATUS: &str = "X-Virus-Status";

/// Headers of one name that are taken out; mail servers bound them by the length of all headers.
const REPLACED: u32 = 10_000;

/// How long a mail server may be silent; that is what libmilter says.
const PATIENCE: Duration = Duration::from_secs(7210);

/// What stands for what is not told.
const UNKNOWN: &[u8] = b"UNKNOWN";

/// Recipients of a message that are told of; a mail server bounds them by itself.
const RECIPIENTS: usize = 10_000;

/// A conversation with a mail server.
#[derive(Debug, Default)]
pub(super) struct Milter {
    /// Whether the server can be told that the rest of a body is not needed.
    can_skip: bool,
    is_agreed: bool,
    /// The name by which the client said who it is.
    user: Option<Vec<u8>>,
    /// The number of the message.
    queue: Vec<u8>,
    mail: Option<Mail>,
}

/// A message, as far as it has come.
#[derive(Debug)]
struct Mail {
    from: Vec<u8>,
    to: Vec<Vec<u8>>,
    /// All recipients so far want it as it is.
    is_allowed: bool,
    stream: Option<Incoming>,
    has_body: bool,
    /// It is longer than what is scanned.
    is_cut: bool,
    subject: Option<Vec<u8>>,
    message: Option<Vec<u8>>,
    date: Option<Vec<u8>>,
    /// How many headers of the names of ours it has.
    scanned: u32,
    status: u32,
}

/// What is to be said of a message.
struct Outcome<'a> {
    action: Action,
    /// What the header says.
    status: String,
    found: Option<&'a str>,
}

impl Front for Milter {
    fn take(&mut self, input: &[u8], host: &mut Host<'_>) -> usize {
        let Some(settings) = &host.shared.settings.fronts.milter else {
            host.close = true;
            return input.len();
        };
        match Decoder.next(input) {
            Ok(None) => 0,
            Ok(Some((used, event))) => {
                self.event(event, settings, host);
                used
            }
            Err(broken) => {
                host.shared
                    .log
                    .say(Weight::Warning, &format!("milter: what came is not of the protocol: {broken:?}"));
                host.close = true;
                input.len()
            }
        }
    }

    fn judged(&mut self, judged: Judged, host: &mut Host<'_>) {
        let Some(settings) = &host.shared.settings.fronts.milter else { return };
        let Some(mail) = self.mail.take() else { return };
        let mut missed = judged.missed;
        if mail.is_cut && !missed.contains(&"file-size") {
            missed.push("file-size");
        }
        let outcome = match &judged.said {
            Said::Found(names) => {
                let name = names.first().map_or("UNKNOWN", String::as_str);
                Outcome { action: settings.infected, status: format!("Infected ({name})"), found: Some(name) }
            }
            Said::Error(why) => {
                Outcome { action: settings.fail, status: format!("Not scanned ({why})"), found: None }
            }
            Said::Ok if missed.is_empty() => {
                Outcome { action: settings.clean, status: String::from("Clean"), found: None }
            }
            Said::Ok => {
                let status = format!("Not fully scanned ({})", missed.join(", "));
                Outcome { action: settings.clean, status, found: None }
            }
        };
        self.tell(&mail, &outcome, settings, host);
        if settings.headers != Headers::No {
            let scanned = format!("Candor {} at {}", env!("CARGO_PKG_VERSION"), settings.hostname);
            headers(&mail, settings.headers, [(SCANNED, &scanned), (STATUS, &outcome.status)], host.out);
        }
        let reply = match outcome.action {
            Action::Accept => Reply::Accept,
            Action::Blackhole => Reply::Discard,
            Action::Defer => Reply::Defer,
            Action::Quarantine => {
                Reply::Quarantine("quarantined by clamav-milter").write(host.out);
                Reply::Accept
            }
            Action::Reject => match (outcome.found, &settings.reject) {
                (Some(name), Some(text)) => {
                    Reply::Code("550 5.7.1", &text.replace("%v", name)).write(host.out);
                    return;
                }
                _ => Reply::Reject,
            },
        };
        reply.write(host.out);
    }

    fn longest(&self) -> usize {
        LONGEST.saturating_add(4)
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

impl Milter {
    fn event(&mut self, event: Event<'_>, settings: &Settings, host: &mut Host<'_>) {
        if !self.is_agreed && !matches!(event, Event::Negotiate(..) | Event::Quit) {
            host.close = true;
            return;
        }
        match event {
            Event::Negotiate(version, actions, steps) => {
                self.negotiate((version, actions, steps), settings, host)
            }
            Event::Macros(_, values) => {
                for (name, value) in values {
                    match name {
                        b"i" => self.queue = value.to_vec(),
                        b"auth_authen" => self.user = Some(value.to_vec()),
                        _ => (),
                    }
                }
            }
            Event::Connect(_, address) => {
                let is_local = match address {
                    Address::Network(address) => settings.networks.iter().any(|network| network.has(address)),
                    Address::Local | Address::Unknown => settings.skips_local,
                };
                if is_local { Reply::Accept } else { Reply::Continue }.write(host.out);
            }
            Event::Mail(arguments) => self.begin(&arguments, settings, host),
            Event::Recipient(arguments) => {
                if let (Some(mail), Some(address)) = (&mut self.mail, arguments.first()) {
                    mail.is_allowed &= settings.recipients.is_match(address);
                    if mail.to.len() < RECIPIENTS {
                        mail.to.push(address.to_vec());
                    }
                }
                Reply::Continue.write(host.out);
            }
            Event::Helo | Event::Data | Event::EndOfHeaders | Event::Unknown => {
                Reply::Continue.write(host.out)
            }
            Event::Header(name, value) => self.header((name, value), settings, host),
            Event::Body(bytes) => self.body(bytes, settings, host),
            Event::EndOfMessage(bytes) => self.end(bytes, settings, host),
            Event::Abort => self.mail = None,
            Event::NextClient => *self = Self { can_skip: self.can_skip, is_agreed: true, ..Self::default() },
            Event::Quit => host.close = true,
        }
    }

    fn negotiate(
        &mut self,
        (version, actions, steps): (u32, u32, u32),
        settings: &Settings,
        host: &mut Host<'_>,
    ) {
        let quarantines = [settings.clean, settings.infected].contains(&Action::Quarantine);
        let wanted = if quarantines { action::QUARANTINE } else { 0 }
            | match settings.headers {
                Headers::No => 0,
                Headers::Add => action::ADD_HEADERS,
                Headers::Replace => action::ADD_HEADERS | action::CHANGE_HEADERS,
            };
        if version < OLDEST || actions & wanted != wanted {
            let text = format!(
                "milter: the mail server offers version {version} and actions {actions:#x}; {wanted:#x} are needed"
            );
            host.shared.log.say(Weight::Error, &text);
            host.close = true;
            return;
        }
        let steps =
            steps & (step::NO_HELO | step::NO_END_OF_HEADERS | step::NO_UNKNOWN | step::NO_DATA | step::SKIP);
        self.can_skip = steps & step::SKIP != 0;
        self.is_agreed = true;
        Reply::Negotiated(Offer { version: version.min(VERSION), actions: wanted, steps }).write(host.out);
    }

    fn begin(&mut self, arguments: &[&[u8]], settings: &Settings, host: &mut Host<'_>) {
        self.mail = None;
        let from = arguments.first().copied().unwrap_or_default();
        let is_known = self.user.take().is_some_and(|user| settings.authenticated.has(&user));
        if is_known || settings.senders.is_match(from) {
            return Reply::Accept.write(host.out);
        }
        self.mail = Some(Mail {
            from: from.to_vec(),
            to: Vec::new(),
            is_allowed: true,
            stream: Some(Incoming::new(&host.shared.in_memory)),
            has_body: false,
            is_cut: false,
            subject: None,
            message: None,
            date: None,
            scanned: 0,
            status: 0,
        });
        Reply::Continue.write(host.out);
    }

    fn header(&mut self, (name, value): (&[u8], &[u8]), settings: &Settings, host: &mut Host<'_>) {
        let Some(mail) = &mut self.mail else { return Reply::Continue.write(host.out) };
        if mail.is_allowed && !mail.to.is_empty() {
            self.mail = None;
            return Reply::Accept.write(host.out);
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("Subject") {
            mail.subject = Some(value.to_vec());
        } else if is("Message-ID") {
            mail.message = Some(value.to_vec());
        } else if is("Date") {
            mail.date = Some(value.to_vec());
        } else if is(SCANNED) {
            mail.scanned = mail.scanned.saturating_add(1);
        } else if is(STATUS) {
            mail.status = mail.status.saturating_add(1);
        }
        let line = [name, b": ", value, b"\r\n"].concat();
        match add(mail, &line, settings, host) {
            Ok(()) => Reply::Continue.write(host.out),
            Err(error) => self.fail(&error, settings, host),
        }
    }

    fn body(&mut self, bytes: &[u8], settings: &Settings, host: &mut Host<'_>) {
        let Some(mail) = &mut self.mail else { return Reply::Continue.write(host.out) };
        if let Err(error) = piece(mail, bytes, settings, host) {
            return self.fail(&error, settings, host);
        }
        if mail.is_cut && self.can_skip { Reply::Skip } else { Reply::Continue }.write(host.out);
    }

    fn end(&mut self, bytes: &[u8], settings: &Settings, host: &mut Host<'_>) {
        // A message that did not begin was not looked at, either.
        let Some(mail) = &mut self.mail else { return Reply::Defer.write(host.out) };
        let ended = piece(mail, bytes, settings, host).and_then(|()| {
            let stream = mail.stream.take().ok_or(std::io::ErrorKind::InvalidInput)?;
            stream.end()
        });
        match ended {
            Ok(received) => {
                let subject = if self.queue.is_empty() { b"mail".to_vec() } else { self.queue.clone() };
                host.scan = Some(Scan { received, subject, name: String::new(), command: "milter" });
            }
            Err(error) => self.fail(&error, settings, host),
        }
    }

    /// The message cannot be kept.
    fn fail(&mut self, error: &std::io::Error, settings: &Settings, host: &mut Host<'_>) {
        self.mail = None;
        host.shared.log.say(Weight::Error, &format!("milter: a message cannot be kept: {error}"));
        match settings.fail {
            Action::Accept => Reply::Accept,
            Action::Reject => Reply::Reject,
            Action::Blackhole | Action::Defer | Action::Quarantine => Reply::Defer,
        }
        .write(host.out);
    }

    /// Tells the log, and the program for infected mail.
    fn tell(&self, mail: &Mail, outcome: &Outcome<'_>, settings: &Settings, host: &Host<'_>) {
        let detail = if outcome.found.is_some() { settings.log_infected } else { settings.log_clean };
        let number = if settings.each_recipient { mail.to.len() } else { 1 };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let or_unknown = |bytes: &Option<Vec<u8>>| bytes.clone().unwrap_or_else(|| UNKNOWN.to_vec());
        let queue = if self.queue.is_empty() { UNKNOWN } else { &self.queue };
        for to in mail.to.iter().rev().take(number).rev() {
            if let (Some(name), true) = (outcome.found, settings.program.is_some()) {
                let arguments = vec![
                    name.as_bytes().to_vec(),
                    queue.to_vec(),
                    bare(&mail.from).to_vec(),
                    bare(to).to_vec(),
                    or_unknown(&mail.subject),
                    or_unknown(&mail.message),
                    or_unknown(&mail.date),
                ];
                host.shared.mail_events.found_with(queue, name, arguments);
            }
            if detail == Detail::Off {
                continue;
            }
            let begin = if outcome.status == "Clean" { "Clean message" } else { "Message" };
            let which = format!("from <{}> to <{}>", text(bare(&mail.from)), text(bare(to)));
            let more = if detail == Detail::Full {
                format!(
                    " with subject '{}' message-id '{}' date '{}'",
                    text(&or_unknown(&mail.subject)),
                    text(&or_unknown(&mail.message)),
                    text(&or_unknown(&mail.date))
                )
            } else {
                String::new()
            };
            let number = if detail == Detail::Full { format!("{} ", text(queue)) } else { String::new() };
            let end = match outcome.found {
                Some(name) => format!(" infected by {name}"),
                None if outcome.status == "Clean" => String::new(),
                None => format!(": {}", outcome.status),
            };
            host.shared.log.say(Weight::Info, &format!("{begin} {number}{which}{more}{end}"));
        }
    }
}

/// Adds a piece of the body, behind the blank line.
fn piece(mail: &mut Mail, bytes: &[u8], settings: &Settings, host: &Host<'_>) -> std::io::Result<()> {
    if !mail.has_body {
        mail.has_body = true;
        add(mail, b"\r\n", settings, host)?;
    }
    add(mail, bytes, settings, host)
}

/// Adds bytes, as far as they are scanned.
fn add(mail: &mut Mail, bytes: &[u8], settings: &Settings, host: &Host<'_>) -> std::io::Result<()> {
    let sessions = &host.shared.settings.sessions;
    let bounds =
        Bounds { one: sessions.stream_memory, all: sessions.streams_memory, folder: &sessions.temporary };
    let Some(stream) = &mut mail.stream else { return Ok(()) };
    let room = usize::try_from(settings.most.saturating_sub(stream.length())).unwrap_or(usize::MAX);
    mail.is_cut |= bytes.len() > room;
    stream.add(bytes.get(..room).unwrap_or(bytes), &bounds)
}

/// Says that the message was scanned. The last one of several headers goes first, so that numbers stay.
fn headers(mail: &Mail, how: Headers, ours: [(&str, &str); 2], out: &mut Vec<u8>) {
    if how == Headers::Replace {
        for (name, number) in [(SCANNED, mail.scanned), (STATUS, mail.status)] {
            (1..=number.min(REPLACED))
                .rev()
                .for_each(|number| Reply::ChangeHeader(number, name, "").write(out));
        }
    }
    for (name, value) in ours {
        match how {
            Headers::Add => Reply::InsertHeader(1, name, value),
            Headers::No | Headers::Replace => Reply::AddHeader(name, value),
        }
        .write(out);
    }
}

/// An address without the brackets around it.
fn bare(address: &[u8]) -> &[u8] {
    address.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">")).unwrap_or(address)
}
