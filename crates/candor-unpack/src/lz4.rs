//! LZ4: blocks, frames, and the frames of the first format.
//!
//! Our own, because of damage: a library gives a block of up to 8 MiB whole or not at all. Checksums, of which a frame has up to
//! three kinds, are of the header, of each block as it is packed, and of the content; one that is wrong is told behind all there is.

use std::io::{self, ErrorKind, Read};

use xxhash_rust::xxh32::{Xxh32, xxh32};

use crate::codec::{behind_skippable, wrong_checksum};
use crate::pace::Pace;
use crate::reader::{Reader, clipped};

/// Most that a block of the first format holds.
const LEGACY_BLOCK: usize = 8 << 20;
/// How far back a match may reach.
const WINDOW: usize = 64 << 10;
/// What a block costs, and the header of a frame, in the units of [`Pace`].
const BLOCK: u64 = 25;
const FRAME: u64 = 50;

/// Decodes all frames; those to be skipped are.
pub(crate) struct Lz4<'a> {
    rest: &'a [u8],
    frame: Option<Frame>,
    /// What came out last, behind the window of what came before it.
    out: Vec<u8>,
    at: usize,
    is_damaged: bool,
    /// Of the content of this frame, when that has a checksum.
    sum: Xxh32,
    /// What is wrong though everything could be decoded.
    fault: Option<fn() -> io::Error>,
    pace: Pace,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    is_legacy: bool,
    largest: usize,
    is_linked: bool,
    has_block_checksums: bool,
    has_checksum: bool,
}

impl<'a> Lz4<'a> {
    /// A decoder for the frames that `bytes` start with.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            frame: None,
            out: Vec::new(),
            at: 0,
            is_damaged: false,
            sum: Xxh32::new(0),
            fault: None,
            pace: Pace::new(),
        }
    }

    /// Decodes the next block; `None` when there is none.
    fn block(&mut self) -> Option<()> {
        let frame = match self.frame {
            Some(frame) => frame,
            None => self.open()?,
        };
        let mut reader = Reader::little(self.rest);
        let length = reader.u32()?;
        if frame.is_legacy && length > 2 << 23 {
            // No block is this long: another frame begins.
            self.frame = None;
            return Some(());
        }
        if !frame.is_legacy && length == 0 {
            self.frame = None;
            if frame.has_checksum {
                self.check(reader.u32(), self.sum.digest());
            }
            self.rest = reader.rest();
            return Some(());
        }
        let is_stored = !frame.is_legacy && length >> 31 == 1;
        let length = u64::from(if frame.is_legacy { length } else { length & 0x7fff_ffff });
        let data = clipped(reader.rest(), 0, length);
        self.is_damaged = reader.skip(length).is_none();
        if frame.has_block_checksums && !self.is_damaged {
            self.check(reader.u32(), xxh32(data, 0));
        }
        self.rest = if self.is_damaged { &[] } else { reader.rest() };
        let kept = match self.out.len() {
            _ if !frame.is_linked => 0,
            // The window is moved when much came behind it, not for each block.
            length if length <= WINDOW.saturating_mul(8) => length,
            _ => WINDOW,
        };
        self.out.drain(..self.out.len().saturating_sub(kept));
        self.at = kept;
        let most = kept.saturating_add(frame.largest);
        if is_stored {
            self.out.extend_from_slice(data.get(..frame.largest).unwrap_or(data));
        } else if decode(data, &mut self.out, most).is_none() {
            self.is_damaged = true;
        }
        if frame.has_checksum {
            self.sum.update(self.out.get(kept..).unwrap_or_default());
        }
        Some(())
    }

    /// Notes when a checksum is not what it should be, or not there.
    fn check(&mut self, said: Option<u32>, found: u32) {
        let fault: fn() -> io::Error = if said.is_none() { cut_short } else { wrong_checksum };
        self.fault = self.fault.or((said != Some(found)).then_some(fault));
    }

    fn open(&mut self) -> Option<Frame> {
        let mut reader = Reader::little(behind_skippable(self.rest));
        let frame = match reader.take(4)? {
            b"\x02\x21\x4c\x18" => Frame {
                is_legacy: true,
                largest: LEGACY_BLOCK,
                is_linked: false,
                has_block_checksums: false,
                has_checksum: false,
            },
            b"\x04\x22\x4d\x18" => {
                let Some((frame, is_sound)) = Frame::read(&mut reader) else {
                    self.fault = self.fault.or(Some(cut_short));
                    return None;
                };
                self.fault = self.fault.or((!is_sound).then_some(wrong_checksum));
                frame
            }
            _ => return None,
        };
        self.rest = reader.rest();
        self.out.clear();
        self.at = 0;
        self.sum.reset(0);
        self.frame = Some(frame);
        Some(frame)
    }
}

impl Frame {
    /// The header behind the mark of a frame, and whether its checksum is right.
    fn read(reader: &mut Reader<'_>) -> Option<(Self, bool)> {
        let header = reader.rest();
        let (flags, sizes) = (reader.u8()?, reader.u8()?);
        // The length of the content, and the name of a dictionary.
        let (length, dictionary) = (u64::from(flags >> 3 & 1), u64::from(flags & 1));
        let more = length.saturating_mul(8).saturating_add(dictionary.saturating_mul(4));
        reader.skip(more)?;
        let [_, sum, ..] = xxh32(clipped(header, 0, more.saturating_add(2)), 0).to_le_bytes();
        let is_sound = reader.u8()? == sum;
        let frame = Self {
            is_legacy: false,
            // 64 KiB, 256 KiB, 1 MiB, 4 MiB.
            largest: match sizes >> 4 & 7 {
                ..=4 => 64 << 10,
                5 => 256 << 10,
                6 => 1 << 20,
                _ => 4 << 20,
            },
            is_linked: flags & 0x20 == 0,
            has_block_checksums: flags & 0x10 != 0,
            has_checksum: flags & 4 != 0,
        };
        Some((frame, is_sound))
    }
}

/// What is said behind content when a part of a frame that holds none is missing.
fn cut_short() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "a frame of LZ4 is cut short")
}

impl Read for Lz4<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.out.len() {
            if self.is_damaged {
                return Err(io::Error::new(ErrorKind::InvalidData, "a block of LZ4 is damaged"));
            }
            let (before, price) = (self.rest.len(), if self.frame.is_some() { BLOCK } else { FRAME });
            self.pace.pay(price)?;
            let block = self.block();
            self.pace.passed(before.saturating_sub(self.rest.len()));
            if block.is_none() {
                // The first format has no mark of its end.
                return match self.frame {
                    Some(frame) if !frame.is_legacy => Err(ErrorKind::UnexpectedEof.into()),
                    _ => self.fault.map_or(Ok(0), |fault| Err(fault())),
                };
            }
        }
        let read = self.out.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at = self.at.saturating_add(read);
        self.pace.passed(read);
        Ok(read)
    }
}

/// Appends what a block stands for to `out`, until that holds `most` bytes; `None` when that is not all.
pub(crate) fn decode(block: &[u8], out: &mut Vec<u8>, most: usize) -> Option<()> {
    let length = |start: u8, reader: &mut Reader<'_>| {
        let mut length = usize::from(start);
        let mut byte = if start == 15 { 255 } else { 0 };
        while byte == 255 {
            byte = reader.u8()?;
            length = length.saturating_add(usize::from(byte));
        }
        Some(length)
    };
    let mut reader = Reader::little(block);
    while let Some(token) = reader.u8() {
        let literals = length(token >> 4, &mut reader)?;
        let wanted = u64::try_from(literals).ok()?;
        let taken = clipped(reader.rest(), 0, wanted);
        let room = most.saturating_sub(out.len());
        out.extend_from_slice(taken.get(..room).unwrap_or(taken));
        if literals > room {
            return None;
        }
        reader.skip(wanted)?;
        if reader.rest().is_empty() {
            break;
        }
        let distance = usize::from(reader.u16()?);
        let count = length(token & 15, &mut reader)?.saturating_add(4);
        let start = out.len().checked_sub(distance).filter(|_| distance > 0)?;
        if out.len().saturating_add(count) > most {
            return None;
        }
        for at in (start..).take(count) {
            let byte = *out.get(at)?;
            out.push(byte);
        }
    }
    Some(())
}
