//! Streams of xz and lzip that are cut short or damaged. Their readers take a chunk whole, or fill a buffer, before anything
//! comes out; their decoders that are handed bytes give what they can of a part. The first are asked, as they are those whose
//! blocks are paid for, and the second when they failed: over the same bytes, once more.

use std::io::{self, ErrorKind, Read};

use lzma_rust2::{Action, LzipStream, StreamResult, XzStream};

use crate::codec::DICTIONARY;
use crate::pace::Pace;

/// A decoder that is handed its bytes.
type Push = Box<dyn FnMut(&[u8], &mut [u8], Action) -> io::Result<StreamResult>>;

/// One for a stream of xz.
pub(crate) fn xz() -> Push {
    let mut stream = XzStream::new_mem_limit(false, DICTIONARY >> 10);
    Box::new(move |input, output, action| stream.process(input, output, action))
}

/// One for all members of lzip.
pub(crate) fn lzip() -> Push {
    let mut stream = LzipStream::new(true);
    Box::new(move |input, output, action| stream.process(input, output, action))
}

/// A decoder, and another one for when it fails.
pub(crate) struct Salvaged<'a, D> {
    decoder: D,
    bytes: &'a [u8],
    given: u64,
    fallback: fn() -> Push,
    rest: Option<Rest<'a>>,
    error: Option<io::Error>,
    pace: Pace,
}

impl<'a, D: Read> Salvaged<'a, D> {
    /// A decoder of `bytes` and what its source pays on.
    pub(crate) const fn new(decoder: D, bytes: &'a [u8], fallback: fn() -> Push, pace: Pace) -> Self {
        Self { decoder, bytes, given: 0, fallback, rest: None, error: None, pace }
    }

    /// The decoder.
    pub(crate) const fn decoder(&self) -> &D {
        &self.decoder
    }
}

impl<D: Read> Read for Salvaged<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.rest.is_none() {
            let error = match self.decoder.read(buffer) {
                Ok(read) => {
                    self.given = self.given.saturating_add(u64::try_from(read).unwrap_or(0));
                    return Ok(read);
                }
                Err(error) => error,
            };
            // What could not be paid for or asks for too much is not begun again.
            let is_damage = !matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::Unsupported);
            if !is_damage || self.pace.checked(Ok(())).is_err() {
                return Err(error);
            }
            self.error = Some(error);
            let mut rest = Rest { push: (self.fallback)(), bytes: self.bytes, is_at_end: false };
            let known = io::copy(&mut (&mut rest).take(self.given), &mut io::sink());
            if known.is_ok_and(|known| known < self.given) {
                rest.bytes = &[];
            }
            self.rest = Some(rest);
        }
        let Some(rest) = &mut self.rest else { return Ok(0) };
        match rest.read(buffer) {
            Ok(read @ 1..) => Ok(read),
            _ => {
                rest.is_at_end = true;
                rest.bytes = &[];
                self.error.take().map_or(Ok(0), Err)
            }
        }
    }
}

/// What a decoder gives that is handed all there is.
struct Rest<'a> {
    push: Push,
    bytes: &'a [u8],
    /// Whether it was told that nothing more comes.
    is_at_end: bool,
}

/// Bytes that are asked for at a time: with an error, what came before it is lost.
const PIECE: usize = 512;

impl Read for Rest<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (most, action) = if self.is_at_end { (1, Action::Finish) } else { (PIECE, Action::Run) };
            let length = buffer.len().min(most);
            let slot = buffer.get_mut(..length).unwrap_or_default();
            let done = (self.push)(self.bytes, slot, action)?;
            self.bytes = self.bytes.get(done.bytes_consumed..).unwrap_or_default();
            if done.bytes_produced > 0 {
                return Ok(done.bytes_produced);
            }
            if done.bytes_consumed == 0 && std::mem::replace(&mut self.is_at_end, true) {
                return Ok(0);
            }
        }
    }
}
