//! The reactor: one thread that has all sockets, and parses nothing but the protocol. It never waits for a
//! client, a file or a worker; whatever takes time is done by the threads behind the queues.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use candor_protocol::clamd::{Command, Event, Failure, Memory, NAMES, Reply, STREAM, Stats, Tag};
use mio::{Events, Poll, Token};

use crate::daemon::Shared;
use crate::jobs::{About, Asker, Job, Origin, Ticket};
use crate::listen::Listener;
use crate::log::Weight;
use crate::service::{Signal, Signals};
use crate::session::{Parked, Sent, Session};
use crate::signatures::Wish;
use crate::socket::Socket;
use crate::stream::{Bounds, Incoming};
use crate::walk::{Flow, Request};

/// What the mailbox wakes with.
pub const MAILBOX: Token = Token(0);

/// Where the numbers of signals begin.
const SIGNALS: usize = 1;

/// Where those of listeners begin.
const LISTENERS: usize = 16;

/// Where those of sessions begin; none is given twice.
const SESSIONS: usize = 4096;

/// Bytes that are received at once, and what one session may have before the next one has its turn.
pub(crate) const BUFFER: usize = 64 << 10;
pub(crate) const TURN: usize = 256 << 10;

/// Connections of one listener that are taken before anything else has its turn.
pub(crate) const ACCEPTED: usize = 64;

/// How long no connection is taken when there are too many.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// How long what runs may take when the daemon is to end.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// All that the thread has.
#[derive(Debug)]
pub struct Reactor {
    shared: Arc<Shared>,
    poll: Poll,
    listeners: Vec<Listener>,
    signals: Signals,
    sessions: BTreeMap<usize, Session>,
    next: usize,
    deadlines: BTreeSet<(Instant, usize)>,
    /// Sessions that have more to say than they had a turn for.
    ready: VecDeque<usize>,
    /// Sessions that wait for room in a queue, in the order in which they came.
    parked: VecDeque<usize>,
    /// No connection is taken until then.
    paused: Option<Instant>,
    buffer: Vec<u8>,
    /// Since when it is to end.
    ending: Option<Instant>,
}

impl Reactor {
    /// A reactor for these listeners.
    ///
    /// # Errors
    /// The kernel does not take one of them.
    pub fn new(
        shared: Arc<Shared>,
        poll: Poll,
        mut listeners: Vec<Listener>,
        mut signals: Signals,
    ) -> io::Result<Self> {
        for (number, listener) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token(LISTENERS.saturating_add(number)))?;
        }
        signals.register(poll.registry(), SIGNALS)?;
        Ok(Self {
            shared,
            poll,
            listeners,
            signals,
            sessions: BTreeMap::new(),
            next: SESSIONS,
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            parked: VecDeque::new(),
            paused: None,
            buffer: vec![0; BUFFER],
            ending: None,
        })
    }

    /// Serves until it is told to end, and what runs is done.
    ///
    /// # Errors
    /// The kernel fails.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                other => other?,
            }
            let mut is_accepting = false;
            for event in &events {
                match event.token() {
                    MAILBOX => (),
                    Token(number) if number < LISTENERS => self.signal(number),
                    Token(number) if number < SESSIONS => {
                        is_accepting = true;
                        if let Some(listener) = self.listeners.get_mut(number.wrapping_sub(LISTENERS)) {
                            listener.is_ready = true;
                        }
                    }
                    Token(number) => {
                        if let Some(session) = self.sessions.get_mut(&number) {
                            session.is_readable |= event.is_readable() || event.is_error();
                            session.has_hung_up |= event.is_read_closed();
                            self.serve(number);
                        }
                    }
                }
            }
            for _ in 0..self.ready.len() {
                if let Some(number) = self.ready.pop_front() {
                    self.serve(number);
                }
            }
            self.deliver();
            self.unpark();
            self.expire();
            if is_accepting
                || self.paused.is_some()
                || self.listeners.iter().any(|listener| listener.is_ready)
            {
                self.accept();
            }
            if self.is_at_the_end() || self.shared.has_failed.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let more = self.ending.is_none() && self.listeners.iter().any(|listener| listener.is_ready);
        if more && self.paused.is_none() {
            return Some(Duration::ZERO);
        }
        let first = self.deadlines.first().map(|(deadline, _)| *deadline);
        let end = self.ending.and_then(|since| since.checked_add(GRACE));
        let next = [first, self.paused, end].into_iter().flatten().min()?;
        // The kernel counts in whole milliseconds and cuts the rest off.
        Some(next.saturating_duration_since(Instant::now()).saturating_add(Duration::from_millis(1)))
    }

    fn is_at_the_end(&self) -> bool {
        let Some(since) = self.ending else { return false };
        if since.elapsed() > GRACE {
            return true;
        }
        self.sessions.is_empty()
    }

    /// Takes no more connections, and closes those that are not at anything.
    fn end(&mut self) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(Instant::now());
        self.shared.is_ending.store(true, Ordering::Relaxed);
        self.shared.fronts.wake();
        self.listeners.clear();
        let numbers: Vec<usize> = self.sessions.keys().copied().collect();
        for number in numbers {
            if let Some(session) = self.sessions.get_mut(&number) {
                // What the client has sent of a command by now is taken; nothing after it.
                let is_idle = session.stream.is_none() && session.under_way == 0 && session.parked.is_none();
                session.is_closing |= is_idle && session.input.is_empty();
            }
            self.settle(number);
        }
    }

    fn signal(&mut self, number: usize) {
        match self.signals.received(number.wrapping_sub(SIGNALS)) {
            Some(Signal::End) => self.end(),
            Some(Signal::Reload) => {
                let _ = self.shared.wishes.send(Wish::Reload);
            }
            Some(Signal::Reopen) => match self.shared.log.reopen() {
                Ok(()) => self.shared.log.say(Weight::Info, "SIGHUP caught: the log was opened again"),
                Err(error) => self.shared.log.say(Weight::Error, &format!("{error:#}")),
            },
            None => (),
        }
    }

    fn accept(&mut self) {
        if let Some(until) = self.paused {
            if Instant::now() < until {
                return;
            }
            self.paused = None;
        }
        for place in 0..self.listeners.len() {
            for _ in 0..ACCEPTED {
                if self.sessions.len() >= self.shared.settings.sessions.most {
                    self.paused = Instant::now().checked_add(PAUSE);
                    return;
                }
                let Some(listener) = self.listeners.get_mut(place) else { break };
                match listener.accept() {
                    Ok(Some(socket)) => self.welcome(socket),
                    Ok(None) => {
                        listener.is_ready = false;
                        break;
                    }
                    // Too many files are open, or there is no memory: others may go away meanwhile.
                    Err(_) => {
                        self.paused = Instant::now().checked_add(PAUSE);
                        return;
                    }
                }
            }
        }
    }

    fn welcome(&mut self, mut socket: Socket) {
        let number = self.next;
        self.next = self.next.wrapping_add(1).max(SESSIONS);
        if socket.register(self.poll.registry(), Token(number)).is_err() {
            return;
        }
        self.shared.counters.sessions.count();
        self.sessions.insert(number, Session::new(socket, self.shared.settings.sessions.stream_max));
        self.serve(number);
    }

    /// Receives and sends what can be.
    fn serve(&mut self, number: usize) {
        let mut received = 0_usize;
        let mut buffer = std::mem::take(&mut self.buffer);
        // What was kept because the session might not go on.
        if let Some(session) = self.sessions.get_mut(&number)
            && session.is_held
            && session.may_go_on()
        {
            session.is_held = false;
            let input = std::mem::take(&mut session.input);
            self.take(number, &input);
        }
        while let Some(session) = self.sessions.get_mut(&number) {
            if !session.is_readable || session.is_over || !session.may_go_on() {
                break;
            }
            if received >= TURN {
                self.ready.push_back(number);
                break;
            }
            match session.receive(&mut buffer) {
                Ok(None) => session.is_readable = false,
                Ok(Some(0)) => {
                    session.is_over = true;
                    // A stream that never ends is no file.
                    session.stream = None;
                    break;
                }
                Ok(Some(length)) => {
                    received = received.saturating_add(length);
                    session.note_input();
                    let bytes = buffer.get(..length).unwrap_or_default();
                    if session.input.is_empty() {
                        self.take(number, bytes);
                    } else {
                        let mut input = std::mem::take(&mut session.input);
                        input.extend_from_slice(bytes);
                        self.take(number, &input);
                    }
                }
                Err(_) => {
                    self.buffer = buffer;
                    return self.drop_session(number);
                }
            }
        }
        self.buffer = buffer;
        self.settle(number);
    }

    /// Takes what was received apart, as far as the session may go on; the rest is kept.
    fn take(&mut self, number: usize, input: &[u8]) {
        let mut rest = input;
        loop {
            let Some(session) = self.sessions.get_mut(&number) else { return };
            if !session.may_go_on() {
                session.is_held = true;
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
                    session.is_closing = true;
                    rest = &[];
                }
            }
        }
        if let Some(session) = self.sessions.get_mut(&number) {
            session.input = rest.to_vec();
            // A descriptor that no command is for, in a session that goes on.
            if !session.descriptors.is_empty()
                && session.input.is_empty()
                && session.may_go_on()
                && !session.decoder.is_within(0)
            {
                session.descriptors.clear();
                session.say(b"PROTOCOL ERROR: ancillary data sent without FILDES. ERROR\n");
                session.is_closing = true;
            }
        }
    }

    fn fail(&mut self, number: usize, tag: Option<Tag>, failure: Failure) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        session.stream = None;
        session.is_closing = true;
        if let (Some(tag), Some(text)) = (tag, failure.text()) {
            let mut out = Vec::new();
            tag.write(text.as_bytes(), &mut out);
            session.say(&out);
        }
    }

    fn command(&mut self, number: usize, tag: Tag, command: Command) {
        let settings = &self.shared.settings.sessions;
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let is_local = session.is_local();
        let may = |enabled: bool| enabled && (is_local || settings.tcp_control || !command.changes_state());
        let now = |session: &mut Session, reply: &Reply<'_>| {
            let mut out = Vec::new();
            reply.write(tag, &mut out);
            session.say(&out);
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
                session.say(&out);
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
                session.is_closing = true;
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
            Command::Stream => match Incoming::new(&self.shared.in_memory) {
                Ok(stream) => session.stream = Some(stream),
                Err(error) => self.no_room(number, tag, &error),
            },
            Command::Scan(_)
            | Command::ContinuousScan(_)
            | Command::MultiScan(_)
            | Command::AllMatchScan(_) => {
                let flow = Arc::clone(session.flow.get_or_insert_with(|| Arc::new(Flow::default())));
                session.under_way = session.under_way.saturating_add(1);
                let ticket = Ticket { session: number, tag };
                let request = Request { command, ticket, flow, since: Instant::now() };
                self.hand_over(number, Parked::Walk(request));
            }
        }
    }

    fn data(&mut self, number: usize, bytes: &[u8]) {
        let settings = &self.shared.settings.sessions;
        let bounds =
            Bounds { one: settings.stream_memory, all: settings.streams_memory, folder: &settings.temporary };
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let added = session.stream.as_mut().map_or(Ok(()), |stream| stream.add(bytes, &bounds));
        if let Err(error) = added {
            // Its number and framing are in the decoder; what is left is to hang up, with a word.
            session.stream = None;
            session.is_closing = true;
            session.say(b"Can't write to file ERROR\n");
            self.shared.log.say(Weight::Error, &format!("a stream cannot be kept: {error}"));
        }
    }

    fn no_room(&mut self, number: usize, tag: Tag, error: &io::Error) {
        self.shared.log.say(Weight::Error, &format!("a stream cannot be kept: {error}"));
        if let Some(session) = self.sessions.get_mut(&number) {
            let mut out = Vec::new();
            tag.write(b"Can't create temporary file ERROR", &mut out);
            session.say(&out);
            session.is_closing = true;
        }
    }

    fn stream_end(&mut self, number: usize, tag: Tag) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let Some(stream) = session.stream.take() else { return };
        session.note_step();
        let received = match stream.end() {
            Ok(received) => received,
            Err(error) => return self.no_room(number, tag, &error),
        };
        let origin = Origin::Stream(received.length, received.share);
        self.scan(number, tag, received.file, (origin, STREAM.to_vec(), "INSTREAM"));
    }

    fn descriptor(&mut self, number: usize, tag: Tag) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        session.note_step();
        let Some(file) = session.descriptors.pop_front() else {
            let mut out = Vec::new();
            Reply::NoDescriptor.write(tag, &mut out);
            session.say(&out);
            session.is_closing = true;
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
        let Some(session) = self.sessions.get_mut(&number) else { return };
        session.under_way = session.under_way.saturating_add(1);
        let about = Box::new(About {
            origin,
            subject,
            name: String::new(),
            command,
            all: false,
            asker: Asker::Session(Ticket { session: number, tag }),
            since: Instant::now(),
        });
        self.hand_over(number, Parked::Job(Job { file, about }));
    }

    /// Puts something into its queue, or has the session wait until there is room.
    fn hand_over(&mut self, number: usize, parked: Parked) {
        // Whoever came earlier and waits comes first.
        let turned_away = if self.parked.is_empty() { self.offer(parked) } else { Some(parked) };
        if let Some(parked) = turned_away
            && let Some(session) = self.sessions.get_mut(&number)
        {
            session.parked = Some(Box::new(parked));
            self.parked.push_back(number);
        }
    }

    fn offer(&self, parked: Parked) -> Option<Parked> {
        match parked {
            Parked::Job(job) => self.shared.jobs.offer(job).err().map(Parked::Job),
            Parked::Walk(request) => self.shared.walks.offer(request).err().map(Parked::Walk),
        }
    }

    /// Hands over what waited, as long as there is room.
    fn unpark(&mut self) {
        while let Some(number) = self.parked.front().copied() {
            let Some(parked) = self.sessions.get_mut(&number).and_then(|session| session.parked.take())
            else {
                self.parked.pop_front();
                continue;
            };
            if let Some(parked) = self.offer(*parked) {
                if let Some(session) = self.sessions.get_mut(&number) {
                    session.parked = Some(Box::new(parked));
                }
                return;
            }
            self.parked.pop_front();
            self.serve(number);
        }
    }

    /// Hands replies to their sessions.
    fn deliver(&mut self) {
        for message in self.shared.mailbox.take() {
            let number = message.session;
            let Some(session) = self.sessions.get_mut(&number) else { continue };
            session.say(&message.text);
            if message.last {
                session.under_way = session.under_way.saturating_sub(1);
                session.note_step();
            }
            // Where it was held up, it may go on now.
            self.serve(number);
        }
    }

    /// Sends what there is, closes what is done, and sets the clock.
    fn settle(&mut self, number: usize) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        if session.has_output() && session.send() == Sent::Gone {
            return self.drop_session(number);
        }
        if self.ending.is_some()
            && !session.has_output()
            && session.stream.is_none()
            && session.parked.is_none()
        {
            session.is_closing |= session.under_way == 0;
        }
        if session.is_done() {
            return self.drop_session(number);
        }
        let due = session.due(&self.shared.settings.sessions);
        if due != session.deadline {
            if let Some(old) = session.deadline {
                self.deadlines.remove(&(old, number));
            }
            session.deadline = due;
            self.deadlines.extend(due.map(|due| (due, number)));
        }
    }

    /// Deals with those that took too long.
    fn expire(&mut self) {
        let now = Instant::now();
        while let Some((deadline, number)) = self.deadlines.first().copied().filter(|(due, _)| *due <= now) {
            self.deadlines.remove(&(deadline, number));
            let Some(session) = self.sessions.get_mut(&number) else { continue };
            session.deadline = None;
            // One that does not read would not read that it is too late, either.
            if session.has_output() || session.is_closing {
                self.drop_session(number);
                continue;
            }
            session.stream = None;
            session.say(b"COMMAND READ TIMED OUT\n");
            session.is_closing = true;
            self.settle(number);
        }
    }

    fn drop_session(&mut self, number: usize) {
        let Some(session) = self.sessions.remove(&number) else { return };
        self.shared.counters.gone.count();
        if let Some(deadline) = session.deadline {
            self.deadlines.remove(&(deadline, number));
        }
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
