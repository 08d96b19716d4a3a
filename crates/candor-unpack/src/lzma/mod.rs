//! LZMA, LZMA2, and what they come in: `.lzma`, xz and lzip.
//!
//! Layouts: the LZMA specification that stands in the public domain, <https://tukaani.org/xz/xz-file-format.txt>,
//! <https://www.nongnu.org/lzip/manual/lzip_manual.html>.
//!
//! What libraries of it do not tell is how many decisions they took: a literal that is foreseen takes nine and a fifth of a bit, so that a megabyte
//! may take as long as some hundred others. Here they are counted, and paid for on a [`Pace`]. And what comes in front of damage is given,
//! as everything comes out as soon as it was decoded.

mod coder;
mod lzip;
mod lzma2;
mod xz;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, ErrorKind, Read};
use std::mem;

use coder::{Coder, LONGEST, Stop, Window};

pub(crate) use coder::Properties;
pub(crate) use lzip::{MAGIC as LZIP, Member};
pub(crate) use lzma2::Lzma2;
pub(crate) use xz::Xz;

use crate::codec::DICTIONARY;
use crate::pace::Pace;
use crate::work::units;

/// What a decision costs, in the units of [`Pace`].
const DECISION: u64 = 2;
/// How many chances are written for one of these units.
const CHANCES: u64 = 8;

/// Bytes that come out between two payments.
const STEP: usize = 1 << 15;

/// Pays for chances that are written.
fn pay_for(properties: Properties, pace: &Pace) -> io::Result<()> {
    pace.pay(Coder::chances(properties) / CHANCES)
}

/// The start of a symbol whose end was not there yet.
#[derive(Debug)]
struct Held {
    bytes: [u8; 2 * LONGEST],
    length: usize,
}

impl Held {
    const NOTHING: Self = Self { bytes: [0; 2 * LONGEST], length: 0 };
}

/// Decodes one step out of `source`, of which at most `left` bytes may be taken, with those that are held: how many were, how many came
/// out, and why it stopped.
fn step(
    (coder, window, held): (&mut Coder, &mut Window, &mut Held),
    source: &mut impl BufRead,
    left: usize,
    most: usize,
) -> io::Result<(usize, usize, Stop)> {
    let more = source.fill_buf()?;
    let length = more.len().min(left.saturating_sub(held.length));
    let more = more.get(..length).unwrap_or_default();
    if held.length == 0 && (length >= LONGEST || length == left) {
        let (taken, made, stop) = coder.decode(window, more, length == left, most);
        source.consume(taken);
        return Ok((taken, made, stop));
    }
    // As much as makes what is held whole; what is behind that is left where it is.
    let before = held.length;
    let slot = held.bytes.get_mut(before..).unwrap_or_default();
    let added = slot.len().min(length);
    if let (Some(slot), Some(more)) = (slot.get_mut(..added), more.get(..added)) {
        slot.copy_from_slice(more);
    }
    let end = before.saturating_add(added);
    let is_all = more.is_empty() || end == left;
    let (taken, made, stop) = coder.decode(window, held.bytes.get(..end).unwrap_or_default(), is_all, most);
    let (kept, consumed) = match taken.checked_sub(before) {
        Some(beyond) if stop != Stop::Hungry || length.saturating_sub(beyond) >= LONGEST => (0..0, beyond),
        None if stop != Stop::Hungry => (taken..before, 0),
        _ => (taken..end, added),
    };
    source.consume(consumed);
    held.length = kept.len();
    held.bytes.copy_within(kept, 0);
    Ok((taken, made, stop))
}

/// What is said of a decoder that stopped for good.
fn trouble(stop: Stop) -> io::Error {
    match stop {
        Stop::Far => io::Error::new(ErrorKind::Unsupported, "a dictionary of this size"),
        Stop::Short => io::Error::new(ErrorKind::UnexpectedEof, "a stream of LZMA is cut short"),
        Stop::Full | Stop::Hungry | Stop::End | Stop::Damaged => {
            io::Error::new(ErrorKind::InvalidData, "damaged LZMA")
        }
    }
}

/// What came out of a decoder and was not given yet, and how it ended.
#[derive(Debug)]
struct Output {
    window: Window,
    ending: Option<io::Result<()>>,
}

impl Output {
    /// Of a stream that reaches back so far.
    fn new(dictionary: u32) -> Self {
        Self { window: Window::new(dictionary, DICTIONARY), ending: None }
    }
}

/// A decoder that fills a window.
trait Decode {
    fn output(&mut self) -> &mut Output;

    /// Decodes something, when all that came out was given; `false` at the end of the stream.
    ///
    /// # Errors
    /// The stream is damaged, or cannot be paid for. What came out before is given in front of that.
    fn decode(&mut self) -> io::Result<bool>;
}

/// Reads out of a decoder.
fn read(decoder: &mut impl Decode, buffer: &mut [u8]) -> io::Result<usize> {
    if buffer.is_empty() {
        return Ok(0);
    }
    loop {
        let Output { window, ending } = decoder.output();
        let given = window.give(buffer);
        if given > 0 {
            return Ok(given);
        }
        if let Some(ending) = ending {
            return mem::replace(ending, Ok(())).map(|()| 0);
        }
        let ending = match decoder.decode() {
            Ok(true) => None,
            Ok(false) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        };
        decoder.output().ending = ending;
    }
}

/// A stream of LZMA without a header.
pub(crate) struct Lzma<R> {
    source: R,
    coder: Coder,
    output: Output,
    held: Held,
    has_begun: bool,
    /// How much there is yet, if that is known, and how much came out.
    left: Option<u64>,
    made: u64,
    /// Bytes that were taken.
    taken: usize,
    pace: Pace,
}

impl<R: BufRead> Lzma<R> {
    /// One of so many bytes, or one that says itself where it ends. What it decides is paid for on `pace`.
    ///
    /// # Errors
    /// Its contexts cannot be paid for.
    pub(crate) fn new(
        source: R,
        properties: Properties,
        dictionary: u32,
        length: Option<u64>,
        pace: Pace,
    ) -> io::Result<Self> {
        pay_for(properties, &pace)?;
        Ok(Self {
            source,
            coder: Coder::new(properties),
            output: Output::new(dictionary),
            held: Held::NOTHING,
            has_begun: false,
            left: length,
            made: 0,
            taken: 0,
            pace,
        })
    }

    /// How many bytes were taken, and how many came out.
    pub(crate) const fn passed(&self) -> (usize, u64) {
        (self.taken, self.made)
    }
}

impl<R: BufRead> Decode for Lzma<R> {
    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn decode(&mut self) -> io::Result<bool> {
        if !self.has_begun {
            let mut start = [0; 5];
            self.source.read_exact(&mut start)?;
            self.taken = start.len();
            if !self.coder.begin(start) {
                return Err(trouble(Stop::Damaged));
            }
            self.has_begun = true;
        }
        let most = self.left.map_or(STEP, |left| usize::try_from(left).unwrap_or(STEP).min(STEP));
        if most == 0 {
            return Ok(false);
        }
        let Self { source, coder, output, held, .. } = self;
        let (taken, made, stop) = step((coder, &mut output.window, held), source, usize::MAX, most)?;
        self.taken = self.taken.saturating_add(taken);
        self.made = self.made.saturating_add(units(made));
        self.left = self.left.map(|left| left.saturating_sub(units(made)));
        self.pace.passed(made);
        self.pace.pay(self.coder.take_decisions().saturating_mul(DECISION))?;
        match stop {
            Stop::Full | Stop::Hungry => Ok(true),
            // It may say so, and the length too.
            Stop::End if self.left.is_none() => Ok(false),
            Stop::End => Err(trouble(Stop::Short)),
            stop => Err(trouble(stop)),
        }
    }
}

impl<R: BufRead> Read for Lzma<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(self, buffer)
    }
}
