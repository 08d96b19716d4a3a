//! What a client says: bytes in, events out.

use super::Refusal;
use super::chunks::{Chunk, Chunks};
use super::head::{Head, Request};

/// Something that happens in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// More bytes are needed.
    More,
    /// Nothing to tell; more may be there.
    Nothing,
    /// A request has begun; its body follows.
    Request(Box<Request>),
    /// Bytes of the body.
    Body(&'a [u8]),
    /// The preview ends, and the client waits: [`Decoder::go_on`] when it is told to.
    Preview,
    /// The request has ended; whether all of its body was in the preview.
    End(bool),
    /// It cannot be taken; nothing that comes after it can be understood.
    Refused(Refusal),
}

/// An event, and how many bytes were used for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Bytes.
    pub used: usize,
    /// What happened.
    pub event: Event<'a>,
}

/// Takes the conversation of one connection apart.
#[derive(Clone, Debug, Default)]
pub struct Decoder(State);

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Head,
    /// The head is there, its headers of HTTP are not.
    Encapsulated(Box<Head>),
    /// There is no body.
    NoBody,
    /// In the body; whether a preview ends with it.
    Body(Chunks, bool),
    /// The client waits.
    Waiting,
    Over,
}

impl Decoder {
    /// The client, which waits, is told to go on.
    pub fn go_on(&mut self) {
        if matches!(self.0, State::Waiting) {
            self.0 = State::Body(Chunks::Length, false);
        }
    }

    /// Whether it is between two requests.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.0, State::Head)
    }

    /// The next event.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Step<'a> {
        match self.step(input) {
            Ok((used, event)) => Step { used, event },
            Err(refusal) => {
                self.0 = State::Over;
                Step { used: input.len(), event: Event::Refused(refusal) }
            }
        }
    }

    fn step<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Event<'a>), Refusal> {
        match &mut self.0 {
            State::Head => {
                // Blank lines between requests are passed over (RFC 9112, section 2.2).
                let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if blank > 0 {
                    return Ok((blank, Event::Nothing));
                }
                let Some((used, head)) = Head::parse(input)? else { return Ok((0, Event::More)) };
                self.0 = State::Encapsulated(Box::new(head));
                Ok((used, Event::Nothing))
            }
            State::Encapsulated(head) => {
                let length = head.length();
                let Some(bytes) = input.get(..length) else { return Ok((0, Event::More)) };
                let request = (**head).clone().complete(bytes);
                self.0 = if request.has_body {
                    State::Body(Chunks::Length, request.preview.is_some())
                } else {
                    State::NoBody
                };
                Ok((length, Event::Request(Box::new(request))))
            }
            State::NoBody => {
                self.0 = State::Head;
                Ok((0, Event::End(true)))
            }
            State::Body(chunks, is_preview) => {
                let (used, chunk) = chunks.next(input)?;
                let event = match chunk {
                    Chunk::More => Event::More,
                    Chunk::Nothing => Event::Nothing,
                    Chunk::Data(data) => Event::Body(data),
                    Chunk::End(is_all) if *is_preview && !is_all => {
                        self.0 = State::Waiting;
                        Event::Preview
                    }
                    Chunk::End(_) => {
                        let was_preview = *is_preview;
                        self.0 = State::Head;
                        Event::End(was_preview)
                    }
                };
                Ok((used, event))
            }
            State::Waiting | State::Over => Ok((0, Event::More)),
        }
    }
}
