//! One connection of a front: what came, what is to go, and until when.

use std::time::{Duration, Instant};

use super::Front;
use crate::jobs::Job;
use crate::socket::Socket;

/// Bytes that may lie there before nothing more is received.
const BACKLOG: usize = 256 << 10;

/// How long a client may leave what is sent to it lying.
const SENDING: Duration = Duration::from_secs(60);

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) front: Box<dyn Front>,
    pub(super) input: Vec<u8>,
    pub(super) output: Vec<u8>,
    pub(super) sent: usize,
    /// Something of it is being scanned.
    pub(super) is_scanning: bool,
    /// That waits for room in the queue.
    pub(super) parked: Option<Job>,
    pub(super) is_readable: bool,
    /// The other side has said all that it will.
    pub(super) is_over: bool,
    /// Nothing more is taken from it.
    pub(super) is_closing: bool,
    /// The front has more to send than there was room for.
    pub(super) has_more: bool,
    /// What was received may not have been looked at to its end.
    pub(super) is_held: bool,
    pub(super) since: Instant,
    pub(super) deadline: Option<Instant>,
}

/// What sending came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    Waits,
    Gone,
}

impl Connection {
    pub(super) fn new(socket: Socket, front: Box<dyn Front>) -> Self {
        Self {
            socket,
            front,
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            is_scanning: false,
            parked: None,
            is_readable: true,
            is_over: false,
            is_closing: false,
            has_more: false,
            is_held: false,
            since: Instant::now(),
            deadline: None,
        }
    }

    /// Whether more may be taken from it.
    pub(super) const fn may_go_on(&self) -> bool {
        !self.is_closing
            && !self.is_scanning
            && !self.has_more
            && self.output.len().saturating_sub(self.sent) < BACKLOG
    }

    /// Sends what lies there.
    pub(super) fn send(&mut self) -> Sent {
        while let Some(rest) = self.output.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.socket.send(rest) {
                Ok(Some(sent)) => {
                    self.sent = self.sent.saturating_add(sent);
                    self.since = Instant::now();
                }
                Ok(None) => {
                    if self.sent > BACKLOG {
                        self.output.drain(..self.sent);
                        self.sent = 0;
                    }
                    return Sent::Waits;
                }
                Err(_) => return Sent::Gone,
            }
        }
        // Room for a small answer is kept, that for a large one is not.
        self.output.clear();
        self.output.shrink_to(4096);
        self.sent = 0;
        match self.socket.flush() {
            Ok(true) => Sent::All,
            Ok(false) => Sent::Waits,
            Err(_) => Sent::Gone,
        }
    }

    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty() || self.socket.has_output()
    }

    /// Whether it is of no more use to anybody.
    pub(super) fn is_done(&self) -> bool {
        let may_say_more = self.is_held && !self.input.is_empty();
        (self.is_closing || (self.is_over && !may_say_more))
            && !self.is_scanning
            && !self.has_more
            && !self.has_output()
    }

    /// Whether nothing of it is under way.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_scanning && !self.has_more && !self.has_output() && self.input.is_empty()
    }

    /// Until when the other side must have done what is waited for.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.has_output() {
            return self.since.checked_add(SENDING);
        }
        if self.is_scanning {
            return None;
        }
        self.since.checked_add(self.front.patience())
    }
}
