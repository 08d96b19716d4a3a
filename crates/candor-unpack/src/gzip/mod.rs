//! gzip: one child with the content of all members, one after another.
//!
//! Layout: RFC 1952. Each member is a header (`1f 8b`, method, flags, time, level, system; then, as the
//! flags say, extra field, name, comment, header checksum), a deflate stream, CRC-32 and length.
//!
//! Bytes behind the last member are allowed, as by gzip itself, and are a child of their own; so are zeros in front of another one. A checksum that
//! does not hold is no reason to hide the content: what was decoded is given, with that of all members, and then it is said.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use candor_model::{ChildKind, Content, Member, Reason, Sink};
use flate2::Crc;

use crate::behind;
use crate::codec::{self, Inflate, Inflated, Method};
use crate::name::decoded;
use crate::pace::Pace;
use crate::reader::{Reader, until_nul};

/// Gives the content.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some((name, header)) = header(bytes) else {
        sink.incomplete(Reason::Malformed("gzip header".to_owned()));
        return;
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let member = Member { name: decoded(name), compressed_size: Some(length), ..Member::default() };
    // Logs are written so that each line can be read at once.
    let pace = &Pace::on(sink.budget());
    let mut stream = codec::paid(bytes, Method::Gzip, sink.budget(), |bytes| {
        let state = State::begin(pace);
        let rest = bytes.get(header..).unwrap_or_default();
        Box::new(Members { rest, state, sum: Crc::new(), trouble: None, pace: pace.clone() })
    });
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream));
    pace.settle(sink.budget());
    behind::give_from(bytes, bytes.len().saturating_sub(pace.behind()), sink);
}

/// Name and length of the header at the start of `bytes`.
fn header(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut reader = Reader::little(bytes);
    if reader.take(3)? != b"\x1f\x8b\x08" {
        return None;
    }
    let flags = reader.u8()?;
    reader.skip(6)?;
    if flags & 4 != 0 {
        let extra = reader.u16()?;
        reader.skip(u64::from(extra))?;
    }
    let mut text = |is_present: bool| {
        let found = if is_present { until_nul(reader.rest()) } else { return Some(&b""[..]) };
        reader.skip(u64::try_from(found.len()).ok()?.checked_add(1)?)?;
        Some(found)
    };
    let name = text(flags & 8 != 0)?;
    text(flags & 16 != 0)?;
    if flags & 2 != 0 {
        reader.skip(2)?;
    }
    Some((name, reader.position()))
}

/// Decodes one member after another.
struct Members<'a> {
    rest: &'a [u8],
    state: State,
    /// Of what came out of this member.
    sum: Crc,
    /// What is said behind all of them.
    trouble: Option<io::Error>,
    pace: Pace,
}

enum State {
    Inside(Inflate),
    Ended,
}

impl State {
    fn begin(pace: &Pace) -> Self {
        Self::Inside(Inflate::paced(false, pace.clone()))
    }
}

impl Members<'_> {
    /// Moves to the next member; `false` when there is none.
    fn next(&mut self) -> bool {
        let sum = std::mem::take(&mut self.sum);
        let said = self.rest.first_chunk().map(|&[a, b, c, d, e, f, g, h]| {
            (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
        });
        let trouble = match said {
            Some(said) if said == (sum.sum(), sum.amount()) => None,
            Some(_) => Some(codec::wrong_checksum()),
            None => Some(io::Error::new(io::ErrorKind::UnexpectedEof, "the checksum is cut short")),
        };
        self.trouble = self.trouble.take().or(trouble);
        let behind = codec::behind_zeros(self.rest.get(8..).unwrap_or_default());
        let Some((_, header)) = header(behind) else {
            self.pace.leave(behind.len());
            return false;
        };
        self.rest = behind.get(header..).unwrap_or_default();
        self.pace.begin();
        self.state = State::begin(&self.pace);
        true
    }
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let State::Inside(inflate) = &mut self.state else {
                return self.trouble.take().map_or(Ok(0), Err);
            };
            let is_last = self.rest.is_empty();
            let outcome = inflate.step(self.rest, buffer);
            let Inflated { read, written, is_end } = outcome.inspect_err(|_| self.state = State::Ended)?;
            self.rest = self.rest.get(read..).unwrap_or_default();
            self.sum.update(buffer.get(..written).unwrap_or_default());
            if is_end {
                if !self.next() {
                    self.state = State::Ended;
                }
            } else if is_last && written == 0 {
                self.state = State::Ended;
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the deflate stream is cut short"));
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}
