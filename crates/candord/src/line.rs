//! What every connection has, whatever is spoken over it: a socket, what came and what is to go, and until when.

use std::time::{Duration, Instant};

use crate::jobs::Parked;
use crate::socket::Socket;

/// Bytes that may lie there to be sent before nothing more is taken from the other side.
pub const BACKLOG: usize = 256 << 10;

/// A connection's two directions.
#[derive(Debug)]
pub struct Line {
    /// The socket.
    pub socket: Socket,
    /// What was received and not used yet.
    pub input: Vec<u8>,
    /// What is to be sent, of which so many bytes are.
    output: Vec<u8>,
    sent: usize,
    /// Something of it that waits for room in a queue.
    pub parked: Option<Box<Parked>>,
    /// There may be more to be received.
    pub is_readable: bool,
    /// What was received was not looked at to its end, as the connection might not go on.
    pub is_held: bool,
    /// The other side has said all that it will.
    pub is_over: bool,
    /// Nothing more is taken from it.
    pub is_closing: bool,
    /// When what is waited for began to be waited for.
    pub since: Instant,
    /// The place of its deadline among all.
    pub deadline: Option<Instant>,
}

/// What sending came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// All is sent.
    All,
    /// The other side must read first.
    Waits,
    /// The other side is gone.
    Gone,
}

impl Line {
    /// A connection on which nothing was received.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self {
            socket,
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            parked: None,
            is_readable: true,
            is_held: false,
            is_over: false,
            is_closing: false,
            since: Instant::now(),
            deadline: None,
        }
    }

    /// Bytes that lie there to be sent.
    #[must_use]
    pub const fn backlog(&self) -> usize {
        self.output.len().saturating_sub(self.sent)
    }

    /// Whether more may be taken from it, as far as this goes.
    #[must_use]
    pub const fn may_go_on(&self) -> bool {
        !self.is_closing && self.backlog() < BACKLOG
    }

    /// Adds to what is to be sent.
    pub fn say(&mut self, text: &[u8]) {
        if self.output.is_empty() {
            self.since = Instant::now();
        }
        self.output.extend_from_slice(text);
    }

    /// What is to be sent, for who adds to it piece by piece; the clock is theirs.
    pub const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Whether the other side has something to read.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty() || self.socket.has_output()
    }

    /// Sends what there is, as far as the other side takes it.
    pub fn send(&mut self) -> Sent {
        while let Some(rest) = self.output.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.socket.send(rest) {
                Ok(Some(sent)) => {
                    self.sent = self.sent.saturating_add(sent);
                    self.since = Instant::now();
                }
                Ok(None) => {
                    // What is sent makes room from time to time, not with each write.
                    if self.sent > BACKLOG {
                        self.output.drain(..self.sent);
                        self.sent = 0;
                    }
                    return Sent::Waits;
                }
                Err(_) => return Sent::Gone,
            }
        }
        // An idle connection takes no memory for what it said.
        self.output = Vec::new();
        self.sent = 0;
        match self.socket.flush() {
            Ok(true) => Sent::All,
            Ok(false) => Sent::Waits,
            Err(_) => Sent::Gone,
        }
    }

    /// When something must have been done that may take so long from now on.
    #[must_use]
    pub fn due(&self, time: Duration) -> Option<Instant> {
        self.since.checked_add(time.max(Duration::from_millis(1)))
    }
}
