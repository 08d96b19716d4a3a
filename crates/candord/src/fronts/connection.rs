//! One connection of a front.

use std::time::{Duration, Instant};

use super::Front;
use crate::event_loop::Client;
use crate::line::Line;
use crate::socket::Socket;

/// How long a client may leave what is sent to it lying.
const SENDING: Duration = Duration::from_secs(60);

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) line: Line,
    pub(crate) front: Box<dyn Front>,
    /// Something of it is being scanned, or waits for that.
    pub(crate) is_scanning: bool,
    /// The front has more to send than there was room for.
    pub(crate) has_more: bool,
}

impl Client for Connection {
    fn line(&mut self) -> &mut Line {
        &mut self.line
    }
}

impl Connection {
    pub(crate) fn new(socket: Socket, front: Box<dyn Front>) -> Self {
        Self { line: Line::new(socket), front, is_scanning: false, has_more: false }
    }

    /// Whether more may be taken from it.
    pub(crate) const fn may_go_on(&self) -> bool {
        self.line.may_go_on() && !self.is_scanning && !self.has_more
    }

    /// Whether it is of no more use to anybody.
    pub(crate) fn is_done(&self) -> bool {
        let may_say_more = self.line.is_held && !self.line.input.is_empty();
        (self.line.is_closing || (self.line.is_over && !may_say_more))
            && !self.is_scanning
            && !self.has_more
            && !self.line.has_output()
    }

    /// Whether nothing of it is under way.
    pub(crate) fn is_idle(&self) -> bool {
        !self.is_scanning && !self.has_more && !self.line.has_output() && self.line.input.is_empty()
    }

    /// Until when the other side must have done what is waited for.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.line.has_output() {
            return self.line.due(SENDING);
        }
        if self.is_scanning {
            return None;
        }
        self.line.due(self.front.patience())
    }
}
