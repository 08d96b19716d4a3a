//! The reactor: the thread that has the sockets of clamd's protocol and the signals, and parses nothing but the protocol.
//! Whatever takes time is done by the threads behind the queues.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use candor_protocol::clamd::{Command, Event, Failure, Memory, NAMES, Reply, STREAM, Stats, Tag};
use mio::Poll;

use crate::daemon::Shared;
use crate::event_loop::{self, EventLoop, Handler, OWN, TURN};
use crate::jobs::{About, Asker, Job, Origin, Parked, Stream, Ticket};
use crate::line::Sent;
use crate::listen::Listener;
use crate::log::Weight;
use crate::publish::{self, Subject};
use crate::service::{Signal, Signals};
use crate::session::Session;
use crate::signatures::Wish;
use crate::socket::Socket;
use crate::stream::{Bounds, Incoming};
use crate::walk::{Flow, Request};

/// All that the thread has.
#[derive(Debug)]
pub struct Reactor {
    shared: Arc<Shared>,
    events: EventLoop<(), Session>,
    signals: Signals,
}

impl Reactor {
    /// A reactor for these listeners.
    ///
    /// # Errors
    /// The kernel does not take one of them.
    pub fn new(
        shared: Arc<Shared>,
        poll: Poll,
        listeners: Vec<Listener>,
        mut signals: Signals,
    ) -> io::Result<Self> {
        signals.register(poll.registry(), OWN)?;
        let listeners = listeners.into_iter().map(|listener| ((), listener)).collect();
        Ok(Self { events: EventLoop::new(Arc::clone(&shared), poll, listeners)?, shared, signals })
    }

    /// Serves until it is told to end, and what runs is done.
    ///
    /// # Errors
    /// The kernel fails.
    pub fn run(&mut self) -> io::Result<()> {
        event_loop::run(self)
    }

    /// Has all threads end when what runs is done.
    fn end(&self) {
        self.shared.is_ending.store(true, Ordering::Relaxed);
        self.shared.fronts.wake();
    }

    fn signal(&mut self, number: usize) {
        match self.signals.received(number.wrapping_sub(OWN)) {
            Some(Signal::End) => self.end(),
            Some(Signal::Reload) => {
                let _ = self.shared.wishes.send(Wish::Reload);
            }
            Some(Signal::Reopen) => self.reopen(),
            None => (),
        }
    }

    /// Opens logs and reads certificates again, by their names; what cannot be had stays as it was.
    fn reopen(&self) {
        let log = &self.shared.log;
        match log.reopen() {
            Ok(()) => log.say(Weight::Info, "SIGHUP caught: the log was opened again"),
            Err(error) => log.say(Weight::Error, &format!("{error:#}")),
        }
        let certificates = self.shared.settings.fronts.tls.certificates.as_ref();
        match certificates.map(|certificates| certificates.read_again()) {
            None => (),
            Some(Ok(())) => log.say(Weight::Info, "SIGHUP caught: certificates were read again"),
            Some(Err(error)) => {
                let text = format!("Certificates cannot be used, the old ones stay in force: {error:#}");
                log.say(Weight::Error, &text);
            }
        }
    }

    /// Takes what was received apart, as far as the session may go on; the rest is kept.
    fn take(&mut self, number: usize, input: &[u8]) {
        let mut rest = input;
        loop {
            let Some(session) = self.events.clients.get_mut(&number) else { return };
            if !session.may_go_on() {
                session.line.is_held = true;
                break;
            }
            let step = session.decoder.next(rest);
            rest = rest.get(step.used..).unwrap_or_default();
            match step.event {
                Event::More => break,
                Event::Data(bytes) => self.data(number, bytes),
                Event::StreamEnd(tag) => self.stream_end(number, tag),
                Event::Descriptor(tag) => self.descriptor(number, tag),
                Event::Command(tag, command) => {
                    session.note_step();
                    self.command(number, tag, command);
                }
                Event::Failed(tag, failure) => {
                    self.fail(number, tag, failure);
                    rest = &[];
                }
                Event::Over => {
                    session.line.is_closing = true;
                    rest = &[];
                }
            }
        }
        if let Some(session) = self.events.clients.get_mut(&number) {
            session.line.input = rest.to_vec();
            // A descriptor that no command is for, in a session that goes on.
            if !session.descriptors.is_empty()
                && session.line.input.is_empty()
                && session.may_go_on()
                && !session.decoder.is_within(0)
            {
                session.descriptors.clear();
                session.line.say(b"PROTOCOL ERROR: ancillary data sent without FILDES. ERROR\n");
                session.line.is_closing = true;
            }
        }
    }

    fn fail(&mut self, number: usize, tag: Option<Tag>, failure: Failure) {
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        session.stream = None;
        session.line.is_closing = true;
        if let (Some(tag), Some(text)) = (tag, failure.text()) {
            let mut out = Vec::new();
            tag.write(text.as_bytes(), &mut out);
            session.line.say(&out);
        }
    }

    fn command(&mut self, number: usize, tag: Tag, command: Command) {
        let settings = &self.shared.settings.sessions;
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        let is_local = session.is_local();
        self.shared.log.detail(|| {
            let way = if is_local { "a local client" } else { "the network" };
            let path = String::from_utf8_lossy(command.path().unwrap_or_default());
            format!("Asked by {way}: {} {path}", command.name()).trim_end().to_owned()
        });
        let may = |enabled: bool| enabled && (is_local || settings.tcp_control || !command.changes_state());
        let now = |session: &mut Session, reply: &Reply<'_>| {
            let mut out = Vec::new();
            reply.write(tag, &mut out);
            session.line.say(&out);
        };
        match command {
            Command::Ping => now(session, &Reply::Pong),
            Command::Version if settings.version => {
                let generation = self.shared.signatures.current();
                now(session, &Reply::Version(&generation.version));
            }
            Command::VersionCommands if settings.version => {
                let generation = self.shared.signatures.current();
                now(session, &Reply::Commands(&generation.version, &NAMES));
            }
            Command::Stats if settings.stats => {
                let mut out = Vec::new();
                tag.write(stats(&self.shared).text().as_bytes(), &mut out);
                session.line.say(&out);
            }
            Command::Reload if may(settings.reload) => {
                let _ = self.shared.wishes.send(Wish::Reload);
                now(session, &Reply::Reloading);
            }
            Command::SelfCheck if may(settings.self_check) => {
                session.under_way = session.under_way.saturating_add(1);
                let _ = self.shared.wishes.send(Wish::Check(Ticket { session: number, tag }));
            }
            Command::Shutdown if may(settings.shutdown) => {
                session.line.is_closing = true;
                self.shared.log.say(Weight::Info, "SHUTDOWN was asked for");
                self.end();
            }
            Command::Version
            | Command::VersionCommands
            | Command::Stats
            | Command::Reload
            | Command::SelfCheck
            | Command::Shutdown => now(session, &Reply::Unavailable),
            Command::DetectionStats | Command::ClearDetectionStats | Command::EndSession => (),
            Command::BeginSession | Command::Descriptor => (),
            Command::Stream => session.stream = Some(Incoming::new(&self.shared.in_memory)),
            Command::Scan(_)
            | Command::ContinuousScan(_)
            | Command::MultiScan(_)
            | Command::AllMatchScan(_) => {
                let flow = Arc::clone(session.flow.get_or_insert_with(|| Arc::new(Flow::default())));
                session.under_way = session.under_way.saturating_add(1);
                let ticket = Ticket { session: number, tag };
                let request = Request { command, ticket, flow, since: Instant::now() };
                self.events.hand_over(number, Parked::Walk(request));
            }
        }
    }

    fn data(&mut self, number: usize, bytes: &[u8]) {
        let settings = &self.shared.settings.sessions;
        let bounds =
            Bounds { one: settings.stream_memory, all: settings.streams_memory, folder: &settings.temporary };
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        let added = session.stream.as_mut().map_or(Ok(()), |stream| stream.add(bytes, &bounds));
        if let Err(error) = added {
            // Its number and framing are in the decoder; what is left is to hang up, with a word.
            session.stream = None;
            session.line.is_closing = true;
            session.line.say(b"Can't write to file ERROR\n");
            self.shared.log.say(Weight::Error, &format!("a stream cannot be kept: {error}"));
        }
    }

    fn no_room(&mut self, number: usize, tag: Tag, error: &io::Error) {
        self.shared.log.say(Weight::Error, &format!("a stream cannot be kept: {error}"));
        if let Some(session) = self.events.clients.get_mut(&number) {
            let mut out = Vec::new();
            tag.write(b"Can't create temporary file ERROR", &mut out);
            session.line.say(&out);
            session.line.is_closing = true;
        }
    }

    fn stream_end(&mut self, number: usize, tag: Tag) {
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        let Some(stream) = session.stream.take() else { return };
        session.note_step();
        let shared = Arc::clone(&self.shared);
        let short = stream.short().filter(|_| shared.streams.is_on());
        let digest = short.map(|bytes| shared.digester.bytes(bytes, ""));
        let generation = shared.signatures.number();
        if let Some(known) = digest.and_then(|digest| shared.streams.find(&digest, generation)) {
            let length = stream.length();
            let origin = Origin::Opened;
            let about = about(origin, (STREAM.to_vec(), "INSTREAM"), Ticket { session: number, tag });
            publish::remembered(&shared, Subject { about: &about, length, generation }, &known);
            session.line.say(&publish::reply(&about, tag, &known.said));
            return;
        }
        let received = match stream.end() {
            Ok(received) => received,
            Err(error) => return self.no_room(number, tag, &error),
        };
        let origin = Origin::Stream(Stream { length: received.length, share: received.share, digest });
        self.scan(number, tag, received.file, (origin, STREAM.to_vec(), "INSTREAM"));
    }

    fn descriptor(&mut self, number: usize, tag: Tag) {
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        session.note_step();
        let Some(file) = session.descriptors.pop_front() else {
            let mut out = Vec::new();
            Reply::NoDescriptor.write(tag, &mut out);
            session.line.say(&out);
            session.line.is_closing = true;
            return;
        };
        let subject = format!("fd[{}]", file.as_raw_fd()).into_bytes();
        self.scan(number, tag, file, (Origin::Descriptor, subject, "FILDES"));
    }

    fn scan(
        &mut self,
        number: usize,
        tag: Tag,
        file: OwnedFd,
        (origin, subject, command): (Origin, Vec<u8>, &'static str),
    ) {
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        session.under_way = session.under_way.saturating_add(1);
        let about = Box::new(about(origin, (subject, command), Ticket { session: number, tag }));
        self.events.hand_over(number, Parked::Job(Job { file, about }));
    }
}

impl Handler for Reactor {
    type Kind = ();
    type Client = Session;

    fn event_loop(&mut self) -> &mut EventLoop<(), Session> {
        &mut self.events
    }

    fn welcome(&mut self, (): (), socket: Socket) -> Session {
        Session::new(socket, self.shared.settings.sessions.stream_max)
    }

    fn serve(&mut self, number: usize) {
        let mut received = 0_usize;
        let mut buffer = std::mem::take(&mut self.events.buffer);
        // What was kept because the session might not go on.
        if let Some(session) = self.events.clients.get_mut(&number)
            && session.line.is_held
            && session.may_go_on()
        {
            session.line.is_held = false;
            let input = std::mem::take(&mut session.line.input);
            self.take(number, &input);
        }
        while let Some(session) = self.events.clients.get_mut(&number) {
            if !session.line.is_readable || session.line.is_over || !session.may_go_on() {
                break;
            }
            if received >= TURN {
                self.events.serve_later(number);
                break;
            }
            match session.receive(&mut buffer) {
                Ok(None) => session.line.is_readable = false,
                Ok(Some(0)) => {
                    session.line.is_over = true;
                    // A stream that never ends is no file.
                    session.stream = None;
                    break;
                }
                Ok(Some(length)) => {
                    received = received.saturating_add(length);
                    session.note_input();
                    let bytes = buffer.get(..length).unwrap_or_default();
                    if session.line.input.is_empty() {
                        self.take(number, bytes);
                    } else {
                        let mut input = std::mem::take(&mut session.line.input);
                        input.extend_from_slice(bytes);
                        self.take(number, &input);
                    }
                }
                Err(_) => {
                    self.events.buffer = buffer;
                    return self.events.remove(number);
                }
            }
        }
        self.events.buffer = buffer;
        self.settle(number);
    }

    fn settle(&mut self, number: usize) {
        let is_ending = self.events.is_ending();
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        if session.line.has_output() && session.send() == Sent::Gone {
            return self.events.remove(number);
        }
        if is_ending
            && !session.line.has_output()
            && session.stream.is_none()
            && session.line.parked.is_none()
        {
            session.line.is_closing |= session.under_way == 0;
        }
        if session.is_done() {
            return self.events.remove(number);
        }
        let due = session.due(&self.shared.settings.sessions);
        self.events.set_clock(number, due);
    }

    fn expire(&mut self, number: usize) {
        let Some(session) = self.events.clients.get_mut(&number) else { return };
        // One that does not read would not read that it is too late, either.
        if session.line.has_output() || session.line.is_closing {
            return self.events.remove(number);
        }
        session.stream = None;
        session.line.say(b"COMMAND READ TIMED OUT\n");
        session.line.is_closing = true;
        self.settle(number);
    }

    fn deliver(&mut self) {
        for message in self.shared.mailbox.take() {
            let number = message.session;
            let Some(session) = self.events.clients.get_mut(&number) else { continue };
            session.line.say(&message.text);
            if message.last {
                session.under_way = session.under_way.saturating_sub(1);
                session.note_step();
            }
            // Where it was held up, it may go on now.
            self.serve(number);
        }
    }

    fn own_event(&mut self, number: usize) {
        self.signal(number);
    }
}

/// A request of a session.
fn about(origin: Origin, (subject, command): (Vec<u8>, &'static str), ticket: Ticket) -> About {
    About {
        origin,
        subject,
        name: String::new(),
        command,
        all: false,
        asker: Asker::Session(ticket),
        since: Instant::now(),
    }
}

fn stats(shared: &Shared) -> Stats {
    let (queue, idle) = shared.jobs.state();
    let generation = shared.signatures.current();
    let memory = Memory { pools_used: generation.length, pools_total: generation.length };
    let lanes = shared.settings.lanes;
    Stats {
        live: lanes,
        idle,
        max: lanes,
        idle_timeout: Duration::from_secs(30),
        queue,
        running: shared.board.running(),
        memory,
    }
}
