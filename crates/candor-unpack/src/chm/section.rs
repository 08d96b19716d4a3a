//! The packed section: frames of 32 KiB, whose places stand in a table, under LZX that is reset every few
//! of them.

use std::io::{self, ErrorKind, Read};

use crate::reader::{Reader, clipped};
use crate::wim::lzx::Frames;

/// Length of a frame.
const FRAME: u64 = 32 << 10;

pub(super) struct Section<'a> {
    content: &'a [u8],
    /// Where each frame stands, in numbers of eight bytes.
    places: &'a [[u8; 8]],
    length: u64,
    /// Frames from one reset to the next.
    interval: u64,
    /// Its window, as a power of two.
    window: u32,
    decoder: Option<Frames>,
    /// The frame that the decoder is in front of.
    next: u64,
    /// The frame before it, decoded.
    frame: Vec<u8>,
}

impl<'a> Section<'a> {
    /// The section, from what stands in the parts that describe it.
    pub(super) fn read(content: &'a [u8], control: &[u8], table: &'a [u8]) -> Option<Self> {
        let start = Reader::little(control);
        if start.at(4)?.take(4)? != b"LZXC" {
            return None;
        }
        let mut fields = start.at(8)?;
        let (version, interval, window) = (fields.u32()?, fields.u32()?, fields.u32()?);
        // Since version 2 both count frames, before that bytes.
        let frames = |value: u32| if version < 2 { u64::from(value) / FRAME } else { u64::from(value) };
        let window = match frames(window) {
            frames @ (1 | 2 | 4 | 8 | 16 | 32 | 64) => frames.trailing_zeros().saturating_add(15),
            _ => return None,
        };
        let start = Reader::little(table);
        let (count, first) = (start.at(4)?.u32()?, start.at(12)?.u32()?);
        let length = start.at(16)?.u64()?;
        let places = clipped(table, u64::from(first), u64::from(count).saturating_mul(8)).as_chunks().0;
        Some(Self {
            content,
            places,
            length,
            interval: frames(interval).max(1),
            window,
            decoder: None,
            next: 0,
            frame: Vec::new(),
        })
    }

    /// Bytes that must be decoded before the one at `offset`, and that nobody asked for.
    pub(super) fn skipped(&self, offset: u64) -> u64 {
        let wanted = offset / FRAME;
        if self.holds(wanted) {
            return 0;
        }
        wanted.saturating_sub(self.from(wanted)).saturating_mul(FRAME)
    }

    /// The bytes from `offset` on.
    pub(super) const fn stream<'s>(&'s mut self, offset: u64, length: u64) -> Stream<'s, 'a> {
        Stream { section: self, at: offset, left: length }
    }

    fn holds(&self, number: u64) -> bool {
        self.decoder.is_some() && !self.frame.is_empty() && self.next.checked_sub(1) == Some(number)
    }

    /// The frame that decoding must begin with to get at this one.
    const fn from(&self, number: u64) -> u64 {
        let past = match number.checked_rem(self.interval) {
            Some(past) => past,
            None => 0,
        };
        let reset = number.saturating_sub(past);
        if self.decoder.is_some() && self.next <= number && self.next >= reset { self.next } else { reset }
    }

    /// Decodes as far as a frame.
    fn decode(&mut self, wanted: u64) -> io::Result<()> {
        if self.holds(wanted) {
            return Ok(());
        }
        for number in self.from(wanted)..=wanted {
            let is_reset = number.checked_rem(self.interval) == Some(0);
            if is_reset || self.decoder.is_none() {
                self.decoder = Some(Frames::new(self.window));
            }
            self.frame.clear();
            let place = |number: u64| {
                let place = usize::try_from(number).ok().and_then(|number| self.places.get(number));
                place.map(|bytes| u64::from_le_bytes(*bytes))
            };
            let start = place(number).ok_or_else(|| invalid("a frame of CHM that is not there"))?;
            let end = place(number.saturating_add(1)).unwrap_or(u64::MAX);
            let packed = clipped(self.content, start, end.saturating_sub(start));
            let length = self.length.saturating_sub(number.saturating_mul(FRAME)).min(FRAME);
            let length = usize::try_from(length).unwrap_or(0);
            let decoder = self.decoder.as_mut();
            let decoded = decoder.map(|frames| frames.next(packed, length, &mut self.frame));
            if !matches!(decoded, Some(Ok(()))) {
                self.decoder = None;
                return Err(invalid("a frame of CHM"));
            }
            self.next = number.saturating_add(1);
        }
        Ok(())
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// A file in the section.
pub(super) struct Stream<'s, 'a> {
    section: &'s mut Section<'a>,
    at: u64,
    left: u64,
}

impl Read for Stream<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.left == 0 {
            return Ok(0);
        }
        self.section.decode(self.at / FRAME)?;
        let read = clipped(&self.section.frame, self.at % FRAME, self.left).read(buffer)?;
        if read == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the packed section of CHM ends"));
        }
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(count);
        self.left = self.left.saturating_sub(count);
        Ok(read)
    }
}
