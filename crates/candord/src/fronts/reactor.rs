//! The thread that has the sockets of all fronts. It is to them what [`crate::reactor`] is to clamd's protocol.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::connection::{Connection, Sent};
use super::icap::Icap;
use super::metrics::Metrics;
use super::milter::Milter;
use super::{Front, Host, Judged, Kind, Scan};
use crate::daemon::Shared;
use crate::jobs::{About, Asker, Job, Origin};
use crate::listen::Listener;
use crate::log::Weight;
use crate::reactor::{ACCEPTED, BUFFER, GRACE, MAILBOX, PAUSE, TURN};
use crate::socket::Socket;

/// Where the numbers of listeners begin.
const LISTENERS: usize = 1;

/// Where those of connections begin; none is given twice.
const CONNECTIONS: usize = 4096;

/// All that the thread has.
#[derive(Debug)]
pub struct Fronts {
    shared: Arc<Shared>,
    poll: Poll,
    listeners: Vec<(Kind, Listener)>,
    connections: BTreeMap<usize, Connection>,
    next: usize,
    deadlines: BTreeSet<(Instant, usize)>,
    /// Connections that have more to say or to send than they had a turn for.
    ready: VecDeque<usize>,
    /// Connections that wait for room in the queue, in the order in which they came.
    parked: VecDeque<usize>,
    paused: Option<Instant>,
    buffer: Vec<u8>,
    /// Since when it is to end.
    ending: Option<Instant>,
}

impl Fronts {
    /// For these listeners.
    ///
    /// # Errors
    /// The kernel does not take one of them.
    pub fn new(shared: Arc<Shared>, poll: Poll, mut listeners: Vec<(Kind, Listener)>) -> io::Result<Self> {
        for (number, (_, listener)) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token(LISTENERS.saturating_add(number)))?;
        }
        Ok(Self {
            shared,
            poll,
            listeners,
            connections: BTreeMap::new(),
            next: CONNECTIONS,
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            parked: VecDeque::new(),
            paused: None,
            buffer: vec![0; BUFFER],
            ending: None,
        })
    }

    /// Serves until the daemon is told to end, and what runs is done.
    pub fn run(&mut self) {
        if let Err(error) = self.serve_all() {
            self.shared
                .log
                .say(Weight::Error, &format!("the other protocols are not served any more: {error}"));
            // Whoever started this daemon is to start it again.
            self.shared.has_failed.store(true, Ordering::Relaxed);
            self.shared.mailbox.wake();
        }
    }

    fn serve_all(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                other => other?,
            }
            for event in &events {
                match event.token() {
                    MAILBOX => (),
                    Token(number) if number < CONNECTIONS => {
                        if let Some((_, listener)) = self.listeners.get_mut(number.wrapping_sub(LISTENERS)) {
                            listener.is_ready = true;
                        }
                    }
                    Token(number) => {
                        if let Some(connection) = self.connections.get_mut(&number) {
                            connection.is_readable |= event.is_readable() || event.is_error();
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
            self.accept();
            if self.shared.is_ending.load(Ordering::Relaxed) {
                self.end();
            }
            let is_late = self.ending.is_some_and(|since| since.elapsed() > GRACE);
            if is_late || (self.ending.is_some() && self.connections.is_empty()) {
                return Ok(());
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        let more = self.ending.is_none() && self.listeners.iter().any(|(_, listener)| listener.is_ready);
        if !self.ready.is_empty() || (more && self.paused.is_none()) {
            return Some(Duration::ZERO);
        }
        // The queue says to the other reactor that there is room; here it is looked for.
        let room = (!self.parked.is_empty()).then(|| Instant::now().checked_add(PAUSE)).flatten();
        let first = self.deadlines.first().map(|(deadline, _)| *deadline);
        let end = self.ending.and_then(|since| since.checked_add(GRACE));
        let next = [first, self.paused, end, room].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()).saturating_add(Duration::from_millis(1)))
    }

    /// Takes no more connections, and closes those that are not at anything.
    fn end(&mut self) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(Instant::now());
        self.listeners.clear();
        let numbers: Vec<usize> = self.connections.keys().copied().collect();
        for number in numbers {
            self.settle(number);
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
                let Some((kind, listener)) = self.listeners.get_mut(place) else { break };
                if !listener.is_ready {
                    break;
                }
                if self.connections.len() >= self.shared.settings.sessions.most {
                    self.paused = Instant::now().checked_add(PAUSE);
                    return;
                }
                match listener.accept() {
                    Ok(Some(socket)) => {
                        let kind = *kind;
                        self.welcome(kind, socket);
                    }
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

    fn welcome(&mut self, kind: Kind, mut socket: Socket) {
        let number = self.next;
        self.next = self.next.wrapping_add(1).max(CONNECTIONS);
        if socket.register(self.poll.registry(), Token(number)).is_err() {
            return;
        }
        let front: Box<dyn Front> = match kind {
            Kind::Icap => Box::new(Icap::default()),
            Kind::Metrics => Box::new(Metrics),
            Kind::Milter => Box::new(Milter::default()),
        };
        self.shared.counters.sessions.count();
        self.connections.insert(number, Connection::new(socket, front));
        self.serve(number);
    }

    /// Receives and sends what can be.
    fn serve(&mut self, number: usize) {
        let mut received = 0_usize;
        let mut buffer = std::mem::take(&mut self.buffer);
        if self
            .connections
            .get(&number)
            .is_some_and(|connection| connection.is_held && connection.may_go_on())
        {
            self.take(number);
        }
        while let Some(connection) = self.connections.get_mut(&number) {
            if !connection.is_readable || connection.is_over || !connection.may_go_on() {
                break;
            }
            if received >= TURN {
                self.ready.push_back(number);
                break;
            }
            match connection.socket.receive(&mut buffer) {
                Ok(None) => connection.is_readable = false,
                Ok(Some(0)) => connection.is_over = true,
                Ok(Some(length)) => {
                    received = received.saturating_add(length);
                    connection.input.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    if connection.front.is_patient() {
                        connection.since = Instant::now();
                    }
                    self.take(number);
                }
                Err(_) => {
                    self.buffer = buffer;
                    return self.drop_connection(number);
                }
            }
        }
        self.buffer = buffer;
        self.settle(number);
    }

    /// Has the front take what was received, as far as it goes on.
    fn take(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let mut input = std::mem::take(&mut connection.input);
        let mut used = 0_usize;
        connection.is_held = false;
        loop {
            if !connection.may_go_on() {
                connection.is_held = true;
                break;
            }
            let rest = input.get(used..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let mut host =
                Host { shared: &self.shared, out: &mut connection.output, scan: None, close: false };
            let taken = connection.front.take(rest, &mut host);
            let (scan, close) = (host.scan, host.close);
            used = used.saturating_add(taken);
            connection.is_closing |= close;
            if taken > 0 {
                connection.since = Instant::now();
            }
            connection.has_more = connection.front.has_more();
            if let Some(scan) = scan {
                connection.is_scanning = true;
                let job = job(number, scan);
                // Whoever came earlier and waits comes first.
                let turned_away =
                    if self.parked.is_empty() { self.shared.jobs.offer(job).err() } else { Some(job) };
                if let Some(job) = turned_away {
                    connection.parked = Some(job);
                    self.parked.push_back(number);
                }
            } else if taken == 0 {
                // It would be asked for ever.
                connection.is_closing |= rest.len() > connection.front.longest();
                break;
            }
        }
        if used < input.len() {
            input.drain(..used);
            connection.input = input;
        }
    }

    /// Hands over what waited, as long as there is room.
    fn unpark(&mut self) {
        while let Some(number) = self.parked.front().copied() {
            let Some(connection) = self.connections.get_mut(&number) else {
                self.parked.pop_front();
                continue;
            };
            if let Some(job) = connection.parked.take()
                && let Err(job) = self.shared.jobs.offer(job)
            {
                connection.parked = Some(job);
                return;
            }
            self.parked.pop_front();
        }
    }

    /// Tells connections what came of their scans.
    fn deliver(&mut self) {
        for (number, judged) in self.shared.fronts.take() {
            self.judge(number, judged);
        }
    }

    fn judge(&mut self, number: usize, judged: Judged) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        connection.is_scanning = false;
        connection.is_held = true;
        connection.since = Instant::now();
        let mut host = Host { shared: &self.shared, out: &mut connection.output, scan: None, close: false };
        connection.front.judged(judged, &mut host);
        connection.is_closing |= host.close;
        connection.has_more = connection.front.has_more();
        self.serve(number);
    }

    /// Sends what there is, closes what is done, and sets the clock.
    fn settle(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let mut sent = 0_usize;
        loop {
            match connection.send() {
                Sent::Gone => return self.drop_connection(number),
                Sent::Waits => break,
                Sent::All => (),
            }
            if !connection.has_more {
                break;
            }
            if sent > TURN {
                self.ready.push_back(number);
                break;
            }
            let mut host =
                Host { shared: &self.shared, out: &mut connection.output, scan: None, close: false };
            connection.front.refill(&mut host);
            connection.is_closing |= host.close;
            connection.has_more = connection.front.has_more();
            // What came meanwhile may be looked at now.
            connection.is_held |= !connection.has_more;
            sent = sent.saturating_add(connection.output.len());
        }
        if self.ending.is_some() && connection.is_idle() {
            connection.is_closing = true;
        }
        if connection.is_done() {
            return self.drop_connection(number);
        }
        if connection.is_held && connection.may_go_on() && !connection.input.is_empty() {
            self.ready.push_back(number);
        }
        let due = connection.due();
        if due != connection.deadline {
            if let Some(old) = connection.deadline {
                self.deadlines.remove(&(old, number));
            }
            connection.deadline = due;
            self.deadlines.extend(due.map(|due| (due, number)));
        }
    }

    /// Hangs up on those that took too long.
    fn expire(&mut self) {
        let now = Instant::now();
        while let Some((_, number)) = self.deadlines.first().copied().filter(|(due, _)| *due <= now) {
            self.drop_connection(number);
        }
    }

    fn drop_connection(&mut self, number: usize) {
        let Some(connection) = self.connections.remove(&number) else { return };
        self.shared.counters.gone.count();
        if let Some(deadline) = connection.deadline {
            self.deadlines.remove(&(deadline, number));
        }
    }
}

fn job(number: usize, scan: Scan) -> Job {
    let Scan { received, subject, name, command } = scan;
    let about = Box::new(About {
        origin: Origin::Stream(received.length, received.share),
        subject,
        name,
        command,
        all: false,
        asker: Asker::Front(number),
        since: Instant::now(),
    });
    Job { file: received.file, about }
}
