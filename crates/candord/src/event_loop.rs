//! One thread that has many connections, whatever is spoken over them: it waits for the kernel's word, takes connections,
//! keeps their clocks and those that wait for room in a queue, and ends when nothing is under way. It never waits for a
//! client, a file or a worker. What is said is the business of its [`Handler`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::daemon::Shared;
use crate::jobs::Parked;
use crate::line::Line;
use crate::listen::Listener;
use crate::socket::Socket;

/// What a mailbox wakes with.
pub(crate) const MAILBOX: Token = Token(0);

/// Where the numbers of a handler's own events begin.
pub(crate) const OWN: usize = 1;

/// Where those of listeners begin.
const LISTENERS: usize = 16;

/// Where those of clients begin; none is given twice.
const CLIENTS: usize = 4096;

/// Bytes that are received at once, and what one client may have before the next one has its turn.
const BUFFER: usize = 64 << 10;
pub(crate) const TURN: usize = 256 << 10;

/// Connections of one listener that are taken before anything else has its turn.
const ACCEPTED: usize = 64;

/// How long no connection is taken when there are too many.
const PAUSE: Duration = Duration::from_millis(50);

/// How long what runs may take when the daemon is to end.
const GRACE: Duration = Duration::from_secs(60);

/// A connection, as far as the loop has to know it.
pub(crate) trait Client {
    /// Its two directions.
    fn line(&mut self) -> &mut Line;

    /// Something happened to it.
    fn notice(&mut self, event: &Event) {
        self.line().is_readable |= event.is_readable() || event.is_error();
    }
}

/// What is spoken over the connections.
pub(crate) trait Handler {
    /// What tells listeners apart.
    type Kind: Copy;
    /// A connection.
    type Client: Client;

    /// The loop that this one is the handler of.
    fn event_loop(&mut self) -> &mut EventLoop<Self::Kind, Self::Client>;

    /// Somebody came to a listener of this kind.
    fn welcome(&mut self, kind: Self::Kind, socket: Socket) -> Self::Client;

    /// Receives from a client and sends to it what can be.
    fn serve(&mut self, number: usize);

    /// Sends what there is, closes what is done, and sets the clock.
    fn settle(&mut self, number: usize);

    /// Deals with one that took too long.
    fn expire(&mut self, number: usize);

    /// Looks into the mailbox.
    fn deliver(&mut self);

    /// An event of its own, of this number.
    fn own_event(&mut self, _number: usize) {}
}

/// All that the loop has.
#[derive(Debug)]
pub(crate) struct EventLoop<K, C> {
    shared: Arc<Shared>,
    poll: Poll,
    listeners: Vec<(K, Listener)>,
    /// The connections.
    pub(crate) clients: BTreeMap<usize, C>,
    next: usize,
    deadlines: BTreeSet<(Instant, usize)>,
    /// Clients that have more to say than they had a turn for.
    ready: VecDeque<usize>,
    /// Clients that wait for room in a queue, in the order in which they came.
    parked: VecDeque<usize>,
    /// No connection is taken until then.
    paused: Option<Instant>,
    /// To receive into.
    pub(crate) buffer: Vec<u8>,
    /// Since when it is to end.
    ending: Option<Instant>,
}

impl<K, C: Client> EventLoop<K, C> {
    /// For these listeners.
    ///
    /// # Errors
    /// The kernel does not take one of them.
    pub(crate) fn new(
        shared: Arc<Shared>,
        poll: Poll,
        mut listeners: Vec<(K, Listener)>,
    ) -> io::Result<Self> {
        for (number, (_, listener)) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token(LISTENERS.saturating_add(number)))?;
        }
        Ok(Self {
            shared,
            poll,
            listeners,
            clients: BTreeMap::new(),
            next: CLIENTS,
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            parked: VecDeque::new(),
            paused: None,
            buffer: vec![0; BUFFER],
            ending: None,
        })
    }

    /// Whether what runs is finished and nothing else is begun.
    pub(crate) const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Serves a client again as soon as others had their turn.
    pub(crate) fn serve_later(&mut self, number: usize) {
        self.ready.push_back(number);
    }

    /// Puts something of a client into its queue, or has the client wait until there is room.
    pub(crate) fn hand_over(&mut self, number: usize, parked: Parked) {
        // Whoever came earlier and waits comes first.
        let turned_away = if self.parked.is_empty() { self.offer(parked) } else { Some(parked) };
        if let Some(parked) = turned_away
            && let Some(client) = self.clients.get_mut(&number)
        {
            client.line().parked = Some(Box::new(parked));
            self.parked.push_back(number);
        }
    }

    fn offer(&self, parked: Parked) -> Option<Parked> {
        match parked {
            Parked::Job(job) => self.shared.jobs.offer(job).err().map(Parked::Job),
            Parked::Walk(request) => self.shared.walks.offer(request).err().map(Parked::Walk),
        }
    }

    /// Has a client dealt with at this time, unless that changes before.
    pub(crate) fn set_clock(&mut self, number: usize, due: Option<Instant>) {
        let Some(client) = self.clients.get_mut(&number) else { return };
        let set = &mut client.line().deadline;
        if *set == due {
            return;
        }
        if let Some(old) = std::mem::replace(set, due) {
            self.deadlines.remove(&(old, number));
        }
        self.deadlines.extend(due.map(|due| (due, number)));
    }

    /// Hangs up.
    pub(crate) fn remove(&mut self, number: usize) {
        let Some(mut client) = self.clients.remove(&number) else { return };
        self.shared.counters.gone.count();
        if let Some(deadline) = client.line().deadline {
            self.deadlines.remove(&(deadline, number));
        }
    }

    /// How long to wait for events at most.
    fn timeout(&self) -> Option<Duration> {
        let comes = self.listeners.iter().any(|(_, listener)| listener.is_ready);
        if !self.ready.is_empty() || (comes && self.paused.is_none()) {
            return Some(Duration::ZERO);
        }
        let first = self.deadlines.first().map(|(deadline, _)| *deadline);
        let end = self.ending.and_then(|since| since.checked_add(GRACE));
        let next = [first, self.paused, end].into_iter().flatten().min()?;
        // The kernel counts in whole milliseconds and cuts the rest off.
        Some(next.saturating_duration_since(Instant::now()).saturating_add(Duration::from_millis(1)))
    }

    fn listener_is_ready(&mut self, number: usize) {
        if let Some((_, listener)) = self.listeners.get_mut(number) {
            listener.is_ready = true;
        }
    }

    fn is_at_the_end(&self) -> bool {
        self.ending.is_some_and(|since| self.clients.is_empty() || since.elapsed() > GRACE)
    }
}

impl<K: Copy, C: Client> EventLoop<K, C> {
    /// The next one who came, if there is one.
    fn accept(&mut self, place: usize) -> Option<(K, usize, Socket)> {
        let (kind, listener) = self.listeners.get_mut(place)?;
        if !listener.is_ready {
            return None;
        }
        if self.clients.len() >= self.shared.settings.sessions.most {
            self.paused = Instant::now().checked_add(PAUSE);
            return None;
        }
        match listener.accept() {
            Ok(Some(socket)) => {
                let number = self.next;
                self.next = self.next.wrapping_add(1).max(CLIENTS);
                Some((*kind, number, socket))
            }
            Ok(None) => {
                listener.is_ready = false;
                None
            }
            // Too many files are open, or there is no memory: others may go away meanwhile.
            Err(_) => {
                self.paused = Instant::now().checked_add(PAUSE);
                None
            }
        }
    }
}

/// Serves until the daemon is told to end, and what runs is done.
///
/// # Errors
/// The kernel fails.
pub(crate) fn run<H: Handler>(handler: &mut H) -> io::Result<()> {
    let mut events = Events::with_capacity(1024);
    loop {
        let own = handler.event_loop();
        let timeout = own.timeout();
        match own.poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            other => other?,
        }
        for event in &events {
            match event.token() {
                MAILBOX => (),
                Token(number) if number < LISTENERS => handler.own_event(number),
                Token(number) if number < CLIENTS => {
                    handler.event_loop().listener_is_ready(number.wrapping_sub(LISTENERS));
                }
                Token(number) => {
                    if let Some(client) = handler.event_loop().clients.get_mut(&number) {
                        client.notice(event);
                        handler.serve(number);
                    }
                }
            }
        }
        for _ in 0..handler.event_loop().ready.len() {
            if let Some(number) = handler.event_loop().ready.pop_front() {
                handler.serve(number);
            }
        }
        handler.deliver();
        unpark(handler);
        expire(handler);
        accept(handler);
        // At the last: any of them may have been told to end.
        if handler.event_loop().shared.is_ending.load(Ordering::Relaxed) {
            end(handler);
        }
        let own = handler.event_loop();
        if own.is_at_the_end() || own.shared.has_failed.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

/// Takes no more connections, and closes those that are not at anything.
fn end(handler: &mut impl Handler) {
    let own = handler.event_loop();
    if own.ending.is_some() {
        return;
    }
    own.ending = Some(Instant::now());
    own.listeners.clear();
    let numbers: Vec<usize> = own.clients.keys().copied().collect();
    for number in numbers {
        handler.settle(number);
    }
}

fn accept(handler: &mut impl Handler) {
    let own = handler.event_loop();
    if let Some(until) = own.paused {
        if Instant::now() < until {
            return;
        }
        own.paused = None;
    }
    for place in 0..own.listeners.len() {
        for _ in 0..ACCEPTED {
            let own = handler.event_loop();
            let Some((kind, number, mut socket)) = own.accept(place) else { break };
            if socket.register(own.poll.registry(), Token(number)).is_err() {
                continue;
            }
            own.shared.counters.sessions.count();
            let client = handler.welcome(kind, socket);
            handler.event_loop().clients.insert(number, client);
            handler.serve(number);
        }
    }
}

/// Hands over what waited, as long as there is room.
fn unpark(handler: &mut impl Handler) {
    loop {
        let own = handler.event_loop();
        let Some(number) = own.parked.front().copied() else { return };
        let parked = own.clients.get_mut(&number).and_then(|client| client.line().parked.take());
        if let Some(parked) = parked
            && let Some(parked) = own.offer(*parked)
        {
            if let Some(client) = own.clients.get_mut(&number) {
                client.line().parked = Some(Box::new(parked));
            }
            return;
        }
        own.parked.pop_front();
        handler.serve(number);
    }
}

fn expire(handler: &mut impl Handler) {
    let now = Instant::now();
    loop {
        let own = handler.event_loop();
        let first = own.deadlines.first().copied().filter(|(due, _)| *due <= now);
        let Some((deadline, number)) = first else { return };
        own.deadlines.remove(&(deadline, number));
        if let Some(client) = own.clients.get_mut(&number) {
            client.line().deadline = None;
            handler.expire(number);
        }
    }
}
