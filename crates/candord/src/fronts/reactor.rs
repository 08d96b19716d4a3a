//! The thread that has the sockets of all fronts. It is to them what [`crate::reactor`] is to clamd's protocol.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use mio::Poll;

use super::connection::Connection;
use super::icap::Icap;
use super::metrics::Metrics;
use super::milter::Milter;
use super::{Front, Host, Judged, Kind, Scan};
use crate::daemon::Shared;
use crate::event_loop::{self, EventLoop, Handler, TURN};
use crate::jobs::{About, Asker, Job, Origin, Parked, Stream};
use crate::line::Sent;
use crate::listen::Listener;
use crate::log::Weight;
use crate::socket::Socket;

/// All that the thread has.
#[derive(Debug)]
pub struct Fronts {
    shared: Arc<Shared>,
    events: EventLoop<Kind, Connection>,
}

impl Fronts {
    /// For these listeners.
    ///
    /// # Errors
    /// The kernel does not take one of them.
    pub fn new(shared: Arc<Shared>, poll: Poll, listeners: Vec<(Kind, Listener)>) -> io::Result<Self> {
        Ok(Self { events: EventLoop::new(Arc::clone(&shared), poll, listeners)?, shared })
    }

    /// Serves until the daemon is told to end, and what runs is done.
    pub fn run(&mut self) {
        if let Err(error) = event_loop::run(self) {
            let text = format!("the other protocols are not served any more: {error}");
            self.shared.log.say(Weight::Error, &text);
            // Whoever started this daemon is to start it again.
            self.shared.has_failed.store(true, Ordering::Relaxed);
            self.shared.mailbox.wake();
        }
    }

    /// Has the front take what was received, as far as it goes on.
    fn take(&mut self, number: usize) {
        let Some(connection) = self.events.clients.get_mut(&number) else { return };
        let mut input = std::mem::take(&mut connection.line.input);
        let mut used = 0_usize;
        let mut wanted = None;
        connection.line.is_held = false;
        loop {
            if !connection.may_go_on() {
                connection.line.is_held = true;
                break;
            }
            let rest = input.get(used..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let mut host =
                Host { shared: &self.shared, out: connection.line.out(), scan: None, close: false };
            let taken = connection.front.take(rest, &mut host);
            let (scan, close) = (host.scan, host.close);
            used = used.saturating_add(taken);
            connection.line.is_closing |= close;
            if taken > 0 {
                connection.line.since = Instant::now();
            }
            connection.has_more = connection.front.has_more();
            if let Some(scan) = scan {
                connection.is_scanning = true;
                wanted = Some(scan);
            } else if taken == 0 {
                // It would be asked for ever.
                connection.line.is_closing |= rest.len() > connection.front.longest();
                break;
            }
        }
        if used < input.len() {
            input.drain(..used);
            connection.line.input = input;
        }
        if let Some(scan) = wanted {
            self.events.hand_over(number, Parked::Job(job(number, scan)));
        }
    }

    fn judge(&mut self, number: usize, judged: Judged) {
        let Some(connection) = self.events.clients.get_mut(&number) else { return };
        connection.is_scanning = false;
        connection.line.is_held = true;
        connection.line.since = Instant::now();
        let mut host = Host { shared: &self.shared, out: connection.line.out(), scan: None, close: false };
        connection.front.judged(judged, &mut host);
        connection.line.is_closing |= host.close;
        connection.has_more = connection.front.has_more();
        self.serve(number);
    }
}

impl Handler for Fronts {
    type Kind = Kind;
    type Client = Connection;

    fn event_loop(&mut self) -> &mut EventLoop<Kind, Connection> {
        &mut self.events
    }

    fn welcome(&mut self, kind: Kind, socket: Socket) -> Connection {
        let front: Box<dyn Front> = match kind {
            Kind::Icap => Box::new(Icap::default()),
            Kind::Metrics => Box::new(Metrics),
            Kind::Milter => Box::new(Milter::default()),
        };
        Connection::new(socket, front)
    }

    fn serve(&mut self, number: usize) {
        let mut received = 0_usize;
        let mut buffer = std::mem::take(&mut self.events.buffer);
        if let Some(connection) = self.events.clients.get(&number)
            && connection.line.is_held
            && connection.may_go_on()
        {
            self.take(number);
        }
        while let Some(connection) = self.events.clients.get_mut(&number) {
            let line = &connection.line;
            if !line.is_readable || line.is_over || !connection.may_go_on() {
                break;
            }
            if received >= TURN {
                self.events.serve_later(number);
                break;
            }
            match connection.line.socket.receive(&mut buffer) {
                Ok(None) => connection.line.is_readable = false,
                Ok(Some(0)) => connection.line.is_over = true,
                Ok(Some(length)) => {
                    received = received.saturating_add(length);
                    connection.line.input.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    if connection.front.is_patient() {
                        connection.line.since = Instant::now();
                    }
                    self.take(number);
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
        let Some(connection) = self.events.clients.get_mut(&number) else { return };
        let (mut sent, mut wants_more) = (0_usize, false);
        loop {
            match connection.line.send() {
                Sent::Gone => return self.events.remove(number),
                Sent::Waits => break,
                Sent::All => (),
            }
            if !connection.has_more {
                break;
            }
            wants_more = sent > TURN;
            if wants_more {
                break;
            }
            let mut host =
                Host { shared: &self.shared, out: connection.line.out(), scan: None, close: false };
            connection.front.refill(&mut host);
            connection.line.is_closing |= host.close;
            connection.has_more = connection.front.has_more();
            // What came meanwhile may be looked at now.
            connection.line.is_held |= !connection.has_more;
            sent = sent.saturating_add(connection.line.backlog());
        }
        if is_ending && connection.is_idle() {
            connection.line.is_closing = true;
        }
        if connection.is_done() {
            return self.events.remove(number);
        }
        wants_more |= connection.line.is_held && connection.may_go_on() && !connection.line.input.is_empty();
        let due = connection.due();
        if wants_more {
            self.events.serve_later(number);
        }
        self.events.set_clock(number, due);
    }

    /// Hangs up.
    fn expire(&mut self, number: usize) {
        self.events.remove(number);
    }

    fn deliver(&mut self) {
        for (number, judged) in self.shared.fronts.take() {
            self.judge(number, judged);
        }
    }
}

fn job(number: usize, scan: Scan) -> Job {
    let Scan { received, subject, name, command } = scan;
    let stream = Stream { length: received.length, share: received.share, digest: None };
    let about = Box::new(About {
        origin: Origin::Stream(stream),
        subject,
        name,
        command,
        all: false,
        asker: Asker::Front(number),
        since: Instant::now(),
    });
    Job { file: received.file, about }
}
