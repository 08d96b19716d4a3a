//! The server's side of a connection: bytes in, events out.

use super::{Command, Framing, Tag};

/// Bytes of a command with its argument; a client that sends a longer one is hung up on, without a word, as
/// clamd does. Paths have 4,096 bytes at most on the systems that Candor runs on.
pub const LONGEST_COMMAND: usize = 8192;

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'b> {
    /// Bytes of the input that are done with.
    pub used: usize,
    /// What they mean.
    pub event: Event<'b>,
}

/// What was received.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'b> {
    /// Nothing as yet: more must be received.
    More,
    /// A command. What belongs to it follows as further events.
    Command(Tag, Command),
    /// Bytes of the stream that is being received.
    Data(&'b [u8]),
    /// The stream of this command is complete.
    StreamEnd(Tag),
    /// The byte that carries the descriptor of this command.
    Descriptor(Tag),
    /// The connection is of no more use: this is said, where there is something to say, and it is closed.
    Failed(Option<Tag>, Failure),
    /// Nothing more is expected: the connection is closed when all replies are sent.
    Over,
}

/// Why a connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No command, or one that may not be given so.
    UnknownCommand,
    /// A command that may not be given inside a session.
    NotInSession,
    /// A command without a frame inside a session.
    BareInSession,
    /// A stream is longer than allowed.
    StreamSize,
    /// A command is longer than [`LONGEST_COMMAND`].
    CommandLength,
}

impl Failure {
    /// What the client is told; `None` for nothing.
    #[must_use]
    pub const fn text(self) -> Option<&'static str> {
        match self {
            Self::UnknownCommand => Some("UNKNOWN COMMAND"),
            Self::NotInSession => Some("Command invalid inside IDSESSION. ERROR"),
            Self::BareInSession => Some("Only nCMDS\\n and zCMDS\\0 are accepted inside IDSESSION. ERROR"),
            Self::StreamSize => Some("INSTREAM size limit exceeded. ERROR"),
            Self::CommandLength => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Command,
    Descriptor(Tag),
    ChunkLength(Tag, u64),
    Chunk(Tag, u64, u32),
    Over,
}

/// One connection, as its server sees it.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// Number of the last command of the session.
    session: Option<u32>,
    stream_max: u64,
}

impl Decoder {
    /// A connection on which nothing was received; `stream_max` is the most bytes of one stream.
    #[must_use]
    pub const fn new(stream_max: u64) -> Self {
        Self { state: State::Command, session: None, stream_max }
    }

    /// Whether a session was begun and not ended.
    #[must_use]
    pub const fn in_session(&self) -> bool {
        self.session.is_some()
    }

    /// Whether the client is in the middle of something: a command that has begun to come, a stream,
    /// or a descriptor that is to follow. `waiting` is how many bytes were received and not used.
    #[must_use]
    pub fn is_within(&self, waiting: usize) -> bool {
        match self.state {
            State::Command => waiting > 0,
            State::Descriptor(_) | State::ChunkLength(..) | State::Chunk(..) => true,
            State::Over => false,
        }
    }

    /// Takes the next event from what was received and not used so far.
    ///
    /// What is over ends with [`Event::Failed`] or [`Event::Over`], whatever more there is.
    pub fn next<'b>(&mut self, input: &'b [u8]) -> Step<'b> {
        match self.state {
            State::Command => self.command(input),
            State::Descriptor(_) if input.is_empty() => Step { used: 0, event: Event::More },
            State::Descriptor(tag) => {
                self.go_on();
                Step { used: 1, event: Event::Descriptor(tag) }
            }
            State::ChunkLength(tag, total) => self.chunk_length(input, tag, total),
            State::Chunk(tag, total, left) => {
                let wanted = usize::try_from(left).unwrap_or(usize::MAX);
                let data = input.get(..wanted.min(input.len())).unwrap_or_default();
                if data.is_empty() {
                    return Step { used: 0, event: Event::More };
                }
                let left = left.saturating_sub(u32::try_from(data.len()).unwrap_or(u32::MAX));
                self.state =
                    if left == 0 { State::ChunkLength(tag, total) } else { State::Chunk(tag, total, left) };
                Step { used: data.len(), event: Event::Data(data) }
            }
            State::Over => Step { used: input.len(), event: Event::Over },
        }
    }

    /// After a command: the next one, if there may be one.
    fn go_on(&mut self) {
        self.state = if self.session.is_some() { State::Command } else { State::Over };
    }

    fn fail<'b>(&mut self, tag: Option<Tag>, failure: Failure, used: usize) -> Step<'b> {
        self.state = State::Over;
        Step { used, event: Event::Failed(tag, failure) }
    }

    fn command<'b>(&mut self, input: &'b [u8]) -> Step<'b> {
        let Some(first) = input.first() else { return Step { used: 0, event: Event::More } };
        let framing = match first {
            b'z' => Framing::Nul,
            b'n' => Framing::Newline,
            _ => Framing::Packet,
        };
        let (words, used) = if framing == Framing::Packet {
            let line = memchr::memchr2(b'\r', b'\n', input).unwrap_or(input.len());
            (input.get(..line).unwrap_or_default(), input.len())
        } else {
            let rest = input.get(1..).unwrap_or_default();
            match memchr::memchr(
                framing.end(),
                rest.get(..rest.len().min(LONGEST_COMMAND)).unwrap_or_default(),
            ) {
                Some(end) => (rest.get(..end).unwrap_or_default(), end.saturating_add(2)),
                None if rest.len() >= LONGEST_COMMAND => {
                    return self.fail(None, Failure::CommandLength, input.len());
                }
                None => return Step { used: 0, event: Event::More },
            }
        };
        let id = self.session.map(|last| last.saturating_add(1));
        let tag = Tag { framing, id };
        if words.len() > LONGEST_COMMAND && id.is_none() {
            // Only one without a frame can be: it is what came, and clamd calls that no command.
            return self.fail(Some(tag), Failure::UnknownCommand, used);
        }
        if id.is_some() {
            self.session = id;
            if framing == Framing::Packet {
                return self.fail(Some(tag), Failure::BareInSession, used);
            }
        }
        let command = Command::parse(words).filter(|command| match id {
            Some(_) => command.may_be_in_session(),
            None => *command != Command::EndSession && (framing != Framing::Packet || command.may_be_bare()),
        });
        let Some(command) = command else {
            let failure = if id.is_some() { Failure::NotInSession } else { Failure::UnknownCommand };
            return self.fail(Some(tag), failure, used);
        };
        match command {
            Command::Stream => self.state = State::ChunkLength(tag, 0),
            Command::Descriptor => self.state = State::Descriptor(tag),
            Command::BeginSession => self.session = Some(0),
            Command::EndSession => {
                self.session = None;
                self.state = State::Over;
            }
            _ => self.go_on(),
        }
        Step { used, event: Event::Command(tag, command) }
    }

    fn chunk_length<'b>(&mut self, input: &'b [u8], tag: Tag, total: u64) -> Step<'b> {
        let Some(length) = input.first_chunk::<4>().copied().map(u32::from_be_bytes) else {
            return Step { used: 0, event: Event::More };
        };
        if length == 0 {
            self.go_on();
            return Step { used: 4, event: Event::StreamEnd(tag) };
        }
        let total = total.saturating_add(u64::from(length));
        if total > self.stream_max {
            return self.fail(Some(tag), Failure::StreamSize, 4);
        }
        self.state = State::Chunk(tag, total, length);
        let Step { used, event } = self.next(input.get(4..).unwrap_or_default());
        Step { used: used.saturating_add(4), event }
    }
}
