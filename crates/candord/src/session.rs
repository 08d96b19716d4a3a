//! One connection: what has come, what is to go, and what is waited for. An idle one takes a few hundred bytes.

use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use candor_protocol::clamd::Decoder;
use mio::event::Event;
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use crate::event_loop::Client;
use crate::line::{Line, Sent};
use crate::settings;
use crate::socket::Socket;
use crate::stream::Incoming;
use crate::walk::Flow;

/// Commands of one session that may be under way at the same time.
pub const UNDER_WAY: usize = 64;

/// Descriptors that may lie there without a command for them.
const DESCRIPTORS: usize = UNDER_WAY;

/// A connection.
#[derive(Debug)]
pub struct Session {
    /// Its two directions.
    pub line: Line,
    /// What has come of the protocol.
    pub decoder: Decoder,
    /// The stream that is being received.
    pub stream: Option<Incoming>,
    /// Descriptors that came, and when the one who sent them did it otherwise than is allowed, none.
    pub descriptors: VecDeque<OwnedFd>,
    /// Commands that are not answered yet.
    pub under_way: usize,
    /// Walks of this session.
    pub flow: Option<Arc<Flow>>,
    /// The end of what the client says is there to be received.
    has_hung_up: bool,
    began: bool,
}

impl Client for Session {
    fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    fn notice(&mut self, event: &Event) {
        self.line.is_readable |= event.is_readable() || event.is_error();
        self.has_hung_up |= event.is_read_closed();
    }
}

impl Session {
    /// A connection on which nothing was received.
    #[must_use]
    pub fn new(socket: Socket, stream_max: u64) -> Self {
        Self {
            line: Line::new(socket),
            decoder: Decoder::new(stream_max),
            stream: None,
            descriptors: VecDeque::new(),
            under_way: 0,
            flow: None,
            has_hung_up: false,
            began: false,
        }
    }

    /// Whether it is of this machine.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.line.socket.is_local()
    }

    /// Whether commands may be taken from it.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        self.line.may_go_on() && self.line.parked.is_none() && self.under_way < UNDER_WAY
    }

    /// Receives into `buffer`. `None` when there is nothing at the moment; 0 when there will be nothing.
    ///
    /// # Errors
    /// The connection is broken, or more descriptors came than belong to any command.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Socket::Local(socket) = &self.line.socket else {
            let received = self.line.socket.receive(buffer)?;
            if let Some(received) = received {
                // What is left within TLS is not told by the kernel.
                let may_be_more = self.has_hung_up || matches!(self.line.socket, Socket::Tls(_));
                self.line.is_readable = may_be_more || received == buffer.len();
            }
            return Ok(received);
        };
        // Two fit, so that it shows when more than one was sent at once: that belongs to no command.
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let room = buffer.len();
        let parts = &mut [io::IoSliceMut::new(buffer)];
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = match rustix::net::recvmsg(socket, parts, &mut ancillary, flags) {
            Ok(received) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // When less came than there is room for, there is no more, and the kernel says so when there is; but what
        // comes with a descriptor ends there.
        let mut is_whole = received.bytes < room && !self.has_hung_up;
        for message in ancillary.drain() {
            is_whole = false;
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                let mut rights: Vec<OwnedFd> = rights.collect();
                if rights.len() == 1 {
                    self.descriptors.extend(rights.pop());
                }
            }
        }
        self.line.is_readable = !is_whole;
        if self.descriptors.len() > DESCRIPTORS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some(received.bytes))
    }

    /// Sends what there is, as far as the client takes it.
    pub fn send(&mut self) -> Sent {
        let sent = self.line.send();
        if let Some(flow) = &self.flow {
            flow.backlog.store(self.line.backlog(), Ordering::Relaxed);
        }
        sent
    }

    /// Notes that bytes came, for the clocks.
    pub fn note_input(&mut self) {
        // Bytes of a command do not win it any time; those of a stream do.
        if self.stream.is_some() {
            self.began = true;
            self.line.since = Instant::now();
        }
    }

    /// Notes that a command or a reply is complete.
    pub fn note_step(&mut self) {
        self.began = false;
        self.line.since = Instant::now();
    }

    /// Whether it is of no more use to anybody.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let silent = self.line.is_closing || (self.line.is_over && self.line.parked.is_none());
        silent && self.under_way == 0 && !self.line.has_output()
    }

    /// Until when the client must have done what is waited for.
    #[must_use]
    pub fn due(&self, settings: &settings::Sessions) -> Option<Instant> {
        let time = if self.line.has_output() {
            settings.send_timeout
        } else if self.line.parked.is_some() || (self.under_way > 0 && self.stream.is_none()) {
            return None;
        } else if self.stream.is_some() && self.began {
            settings.read_timeout
        } else {
            settings.command_timeout
        };
        self.line.due(time)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(flow) = &self.flow {
            flow.cancelled.store(true, Ordering::Relaxed);
        }
    }
}
