//! One connection: what has come, what is to go, and what is waited for. An idle one takes a few hundred bytes.

use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use candor_protocol::clamd::Decoder;
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use crate::jobs::Job;
use crate::settings;
use crate::socket::Socket;
use crate::stream::Incoming;
use crate::walk::{Flow, Request};

/// Commands of one session that may be under way at the same time.
pub const UNDER_WAY: usize = 64;

/// Bytes of replies that may lie there before no more commands are taken.
pub const BACKLOG: usize = 256 << 10;

/// Descriptors that may lie there without a command for them.
const DESCRIPTORS: usize = UNDER_WAY;

/// What could not be put into a queue yet.
#[derive(Debug)]
pub enum Parked {
    /// A file.
    Job(Job),
    /// A path.
    Walk(Request),
}

/// A connection.
#[derive(Debug)]
pub struct Session {
    /// The socket.
    pub socket: Socket,
    /// What has come of the protocol.
    pub decoder: Decoder,
    /// What was received and not used yet.
    pub input: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    /// The stream that is being received.
    pub stream: Option<Incoming>,
    /// Descriptors that came, and when the one who sent them did it otherwise than is allowed, none.
    pub descriptors: VecDeque<OwnedFd>,
    /// Commands that are not answered yet.
    pub under_way: usize,
    /// A command that waits for room in a queue.
    pub parked: Option<Box<Parked>>,
    /// Walks of this session.
    pub flow: Option<Arc<Flow>>,
    /// There may be more to be received.
    pub is_readable: bool,
    /// What was received was not looked at to its end, as the session might not go on.
    pub is_held: bool,
    /// The end of what the client says is there to be received.
    pub has_hung_up: bool,
    /// The client has said all that it will.
    pub is_over: bool,
    /// Nothing more is taken from it.
    pub is_closing: bool,
    /// When what is waited for began to be waited for.
    pub since: Instant,
    /// The place of its deadline among all.
    pub deadline: Option<Instant>,
    began: bool,
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// All is sent.
    All,
    /// The client must read first.
    Waits,
    /// The client is gone.
    Gone,
}

impl Session {
    /// A connection on which nothing was received.
    #[must_use]
    pub fn new(socket: Socket, stream_max: u64) -> Self {
        Self {
            socket,
            decoder: Decoder::new(stream_max),
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            stream: None,
            descriptors: VecDeque::new(),
            under_way: 0,
            parked: None,
            flow: None,
            is_readable: true,
            is_held: false,
            has_hung_up: false,
            is_over: false,
            is_closing: false,
            since: Instant::now(),
            deadline: None,
            began: false,
        }
    }

    /// Whether it is of this machine.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.socket.is_local()
    }

    /// Whether commands may be taken from it.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        !self.is_closing
            && self.parked.is_none()
            && self.under_way < UNDER_WAY
            && self.output.len().saturating_sub(self.sent) < BACKLOG
    }

    /// Receives into `buffer`. `None` when there is nothing at the moment; 0 when there will be nothing.
    ///
    /// # Errors
    /// The connection is broken, or more descriptors came than belong to any command.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Socket::Local(socket) = &self.socket else {
            let received = self.socket.receive(buffer)?;
            if let Some(received) = received {
                // What is left within TLS is not told by the kernel.
                let may_be_more = self.has_hung_up || matches!(self.socket, Socket::Tls(_));
                self.is_readable = may_be_more || received == buffer.len();
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
        self.is_readable = !is_whole;
        if self.descriptors.len() > DESCRIPTORS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some(received.bytes))
    }

    /// Adds to what is to be sent.
    pub fn say(&mut self, text: &[u8]) {
        if self.output.is_empty() {
            self.since = Instant::now();
        }
        self.output.extend_from_slice(text);
    }

    /// Sends what there is, as far as the client takes it.
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
                    self.note_backlog();
                    return Sent::Waits;
                }
                Err(_) => return Sent::Gone,
            }
        }
        self.output = Vec::new();
        self.sent = 0;
        self.note_backlog();
        match self.socket.flush() {
            Ok(true) => Sent::All,
            Ok(false) => Sent::Waits,
            Err(_) => Sent::Gone,
        }
    }

    fn note_backlog(&self) {
        if let Some(flow) = &self.flow {
            flow.backlog.store(self.output.len().saturating_sub(self.sent), Ordering::Relaxed);
        }
    }

    /// Notes that bytes came, for the clocks.
    pub fn note_input(&mut self) {
        // Bytes of a command do not win it any time; those of a stream do.
        if self.stream.is_some() {
            self.began = true;
            self.since = Instant::now();
        }
    }

    /// Notes that a command or a reply is complete.
    pub fn note_step(&mut self) {
        self.began = false;
        self.since = Instant::now();
    }

    /// Whether the client has something to read.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty() || self.socket.has_output()
    }

    /// Whether it is of no more use to anybody.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let silent = self.is_closing || (self.is_over && self.parked.is_none());
        silent && self.under_way == 0 && !self.has_output()
    }

    /// Until when the client must have done what is waited for.
    #[must_use]
    pub fn due(&self, settings: &settings::Sessions) -> Option<Instant> {
        let time = if self.has_output() {
            settings.send_timeout
        } else if self.parked.is_some() || (self.under_way > 0 && self.stream.is_none()) {
            return None;
        } else if self.stream.is_some() && self.began {
            settings.read_timeout
        } else {
            settings.command_timeout
        };
        self.since.checked_add(time.max(Duration::from_millis(1)))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(flow) = &self.flow {
            flow.cancelled.store(true, Ordering::Relaxed);
        }
    }
}
