//! ARC archives (also ARK and PAK).
//!
//! Layout: the public description in `arc.doc` of its makers.
//!
//! ```text
//! 0   0x1a, method, name of 13 bytes, packed length, date, time, checksum, real length (not in method 1); data
//!     0x1a, 0 at the end
//! ```
//!
//! Folders are archives in the archive, as which they are given.

mod crunched;
mod squeezed;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::bits::Stepped;
use crate::codec::Decoder;
use crate::lzw::Lzw;
use crate::name::decoded;
use crate::reader::{Reader, clipped, until_nul};
use crunched::Crunched;

/// Files of an archive.
const FILES: u64 = 100_000;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut reader = Reader::little(bytes);
    for position in 1..=FILES {
        let Some(file) = File::read(&mut reader) else {
            sink.incomplete(Reason::Malformed("an ARC archive without an end".to_owned()));
            return;
        };
        let Some(file) = file else { return };
        let data = clipped(reader.rest(), 0, file.packed);
        let is_cut = reader.skip(file.packed).is_none();
        if is_cut {
            sink.incomplete(Reason::Malformed(format!("the file {} is cut short", file.name)));
        }
        let member = Member {
            name: file.name,
            position,
            compressed_size: Some(file.packed),
            real_size: Some(file.real),
            method: Some(u16::from(file.method)),
            ..Member::default()
        };
        if file.real == 0 {
            continue;
        }
        let decoder: Option<Decoder<'_>> = match (file.method, data) {
            // Folders are stored, too.
            (1 | 2 | 30, _) => Some(Box::new(data)),
            (3, _) => Some(Box::new(Runs::new(data))),
            (4, _) => Some(Box::new(Runs::new(Stepped::new(squeezed::Squeezed::new(data))))),
            (5, _) => Some(Box::new(Stepped::new(Crunched::new(data, false)))),
            (6 | 7, _) => Some(Box::new(Runs::new(Stepped::new(Crunched::new(data, file.method == 7))))),
            (8, [widest @ 9..=16, codes @ ..]) => Some(Box::new(Runs::new(Lzw::new(codes, *widest, true)))),
            (9, _) => Some(Box::new(Lzw::new(data, 13, true))),
            _ => None,
        };
        let flow = match decoder {
            Some(decoder) => {
                let mut stream = decoder.take(file.real);
                sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
            }
            None => {
                let reason = Reason::Unsupported(format!("method {} of ARC", file.method));
                sink.child(ChildKind::Extracted, &member, Content::Absent(reason))
            }
        };
        if flow == Flow::Stop || is_cut {
            return;
        }
    }
    sink.incomplete(Reason::Children);
}

/// Where the archive ends, when its end is there.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    let mut reader = Reader::little(bytes);
    for _ in 0..FILES {
        let Some(file) = File::read(&mut reader)? else { return u64::try_from(reader.position()).ok() };
        reader.skip(file.packed)?;
    }
    None
}

struct File {
    name: String,
    method: u8,
    packed: u64,
    real: u64,
}

impl File {
    /// The next header; nothing at the end of the archive.
    fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        if reader.u8()? != 0x1a {
            return None;
        }
        let method = reader.u8()?;
        if matches!(method, 0 | 31) {
            return Some(None);
        }
        let name = decoded(until_nul(reader.take(13)?));
        let packed = u64::from(reader.u32()?);
        reader.skip(6)?;
        let real = if method == 1 { packed } else { u64::from(reader.u32()?) };
        Some(Some(Self { name, method, packed, real }))
    }
}

/// Undoes runs: a byte, 0x90 and a number are so many of the byte; 0x90 and 0 are 0x90.
struct Runs<R> {
    source: R,
    last: u8,
    left: u8,
}

impl<R: Read> Runs<R> {
    const fn new(source: R) -> Self {
        Self { source, last: 0, left: 0 }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok(match self.source.read(&mut byte)? {
            0 => None,
            _ => Some(u8::from_le_bytes(byte)),
        })
    }
}

impl<R: Read> Read for Runs<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0_usize;
        for slot in buffer {
            while self.left == 0 {
                match self.byte() {
                    Ok(Some(0x90)) => match self.byte() {
                        Ok(Some(0)) => (self.last, self.left) = (0x90, 1),
                        // The first of the run was given already.
                        Ok(Some(count)) => self.left = count.saturating_sub(1),
                        Ok(None) => return Ok(written),
                        Err(error) => return if written > 0 { Ok(written) } else { Err(error) },
                    },
                    Ok(Some(byte)) => (self.last, self.left) = (byte, 1),
                    Ok(None) => return Ok(written),
                    Err(error) => return if written > 0 { Ok(written) } else { Err(error) },
                }
            }
            self.left = self.left.saturating_sub(1);
            *slot = self.last;
            written = written.saturating_add(1);
        }
        Ok(written)
    }
}
