//! gzip: one child with the content of all members, one after another.
//!
//! Layout: RFC 1952. Each member is a header (`1f 8b`, method, flags, time, level, system; then, as the
//! flags say, extra field, name, comment, header checksum), a deflate stream, CRC-32 and length.
//!
//! Bytes behind the last member are allowed, as by gzip itself. A checksum that does not hold is no reason
//! to hide the content: what was decoded is given, and nothing is said about it.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use candor_model::{ChildKind, Content, Member, Reason, Sink};
use flate2::{FlushDecompress, Status};

use crate::codec::{self, Inflate, Method};
use crate::name::decoded;
use crate::reader::{Reader, until_nul};

/// Gives the content.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some((name, header)) = header(bytes) else {
        sink.incomplete(Reason::Malformed("gzip header".to_owned()));
        return;
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let member = Member { name: decoded(name), compressed_size: Some(length), ..Member::default() };
    let mut stream = codec::paid(bytes, Method::Gzip, sink.budget(), |bytes| {
        Box::new(Members { rest: bytes.get(header..).unwrap_or_default(), state: State::default() })
    });
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream));
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
}

#[derive(Debug)]
enum State {
    Inside(Inflate),
    Ended,
}

impl Default for State {
    fn default() -> Self {
        Self::Inside(Inflate::new(false))
    }
}

impl Members<'_> {
    /// Moves to the next member; `false` when there is none.
    fn next(&mut self) -> bool {
        let behind = self.rest.get(8..).unwrap_or_default();
        let Some((_, header)) = header(behind) else { return false };
        self.rest = behind.get(header..).unwrap_or_default();
        self.state = State::default();
        true
    }
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let State::Inside(inflate) = &mut self.state else { return Ok(0) };
            let inflate = inflate.state();
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(self.rest, buffer, FlushDecompress::None);
            let read = usize::try_from(inflate.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
            let written = usize::try_from(inflate.total_out().saturating_sub(written)).unwrap_or(0);
            self.rest = self.rest.get(read..).unwrap_or_default();
            match status {
                Ok(Status::StreamEnd) => {
                    if !self.next() {
                        self.state = State::Ended;
                    }
                }
                Ok(_) if read == 0 && written == 0 => {
                    self.state = State::Ended;
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the deflate stream is cut short",
                    ));
                }
                Ok(_) => {}
                Err(error) if written == 0 => {
                    self.state = State::Ended;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
                // The error comes again at the next read.
                Err(_) => {}
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}
