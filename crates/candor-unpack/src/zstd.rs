//! Frames of Zstandard, the damaged ones too: the library keeps back as many bytes as its window holds until a frame ends,
//! and gives none of them when it does not.

use std::io::{self, ErrorKind, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::codec::DICTIONARY;
use crate::pace::Pace;
use crate::work::units;

/// What ends a frame: a last block of nothing, and a checksum that nobody looks at.
const END: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// How many bytes are decoded at a time at least, so that it is known that as many were.
const STEP: usize = 32 << 10;
/// What a sequence costs beyond one for each byte of its block, in the units of [`Pace`]. Their codes may be of no bits, so that
/// a dozen bytes hold 43,690 of them.
const SEQUENCE: u64 = 64;

/// A decoder of one frame.
pub(crate) struct Frame<'a, S> {
    pub(crate) source: S,
    /// What is left of the source, when it stands in memory.
    left: fn(&S) -> &'a [u8],
    decoder: FrameDecoder,
    /// The account of its blocks. What fills the window comes out late, and pays when it is decoded.
    pace: Pace,
    place: Place,
    has_begun: bool,
    /// What is wrong with the frame; it is said behind what was decoded.
    error: Option<io::Error>,
    has_failed: bool,
}

impl<'a, S: Read> Frame<'a, S> {
    /// At the start of the frame at the start of `source`.
    ///
    /// # Errors
    /// It has no header, or one that asks for too much.
    pub(crate) fn new(mut source: S, left: fn(&S) -> &'a [u8], pace: Pace) -> io::Result<Self> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(u64::from(DICTIONARY));
        let started = decoder.init(&mut source);
        started.map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
        Ok(Self {
            source,
            left,
            decoder,
            pace,
            place: Place::default(),
            has_begun: false,
            error: None,
            has_failed: false,
        })
    }

    /// Whether what came out of all of it is what its checksum says, if it has one.
    pub(crate) fn is_sound(&self) -> bool {
        let said = self.decoder.get_checksum_from_data();
        self.has_failed || said.is_none() || said == self.decoder.get_calculated_checksum()
    }

    /// Decodes some blocks. A frame that is damaged ends in front of the one that is, so that what was decoded comes out.
    fn step(&mut self) {
        let start = (self.left)(&self.source);
        let before = self.decoder.blocks_decoded();
        let some = BlockDecodingStrategy::UptoBytes(STEP);
        let watched = Watched { source: &mut self.source, place: &mut self.place, pace: &self.pace };
        let error = match self.decoder.decode_blocks(watched, some) {
            Ok(is_last) => {
                if !self.has_begun && !is_last {
                    self.pace.passed(STEP);
                }
                return;
            }
            Err(error) => error,
        };
        let sound = self.decoder.blocks_decoded().saturating_sub(before);
        self.error = Some(io::Error::other(error));
        self.has_failed = true;
        for block in [stored_part(start, sound).as_deref().unwrap_or_default(), &END] {
            // What is not there is not given.
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let _ = self.decoder.decode_blocks(block, one);
        }
    }
}

/// Where a decoder is among the blocks of a frame.
#[derive(Debug, Default)]
struct Place {
    /// The first bytes of a block's header, or of its content.
    start: Vec<u8>,
    /// Whether the content is compressed, how long it is, and how much of it was passed.
    is_packed: bool,
    size: usize,
    at: usize,
    /// Where it is told how many sequences there are, and the bytes that tell it.
    told_at: Option<usize>,
    told: Vec<u8>,
}

/// Bytes of a block's header, of its content that tell where the sequences begin, and of their number.
const HEADER: usize = 3;
const START: usize = 8;
const TOLD: usize = 3;

impl Place {
    /// Passes over bytes of blocks; how many sequences there are in them beyond one for each byte of their block.
    fn pass(&mut self, mut bytes: &[u8]) -> u64 {
        let mut excess = 0_u64;
        while !bytes.is_empty() {
            if self.at < self.size {
                let length = self.size.saturating_sub(self.at).min(bytes.len());
                let (content, behind) = bytes.split_at(length);
                excess = excess.saturating_add(self.content(content));
                bytes = behind;
            } else {
                let (header, behind) =
                    bytes.split_at(HEADER.saturating_sub(self.start.len()).min(bytes.len()));
                self.start.extend_from_slice(header);
                bytes = behind;
                if let Some((kind, size)) = self.start.first_chunk().and_then(|header| kind_and_size(*header))
                {
                    // One that repeats a byte has that byte alone.
                    let size = if kind == 1 { 1 } else { size };
                    *self = Self { is_packed: kind == 2, size, ..Self::default() };
                }
            }
        }
        excess
    }

    /// Passes over content of a block.
    fn content(&mut self, content: &[u8]) -> u64 {
        let before = self.at;
        self.at = before.saturating_add(content.len());
        if self.is_packed && self.told.len() < TOLD {
            let missing = START.saturating_sub(self.start.len()).min(content.len());
            self.start.extend_from_slice(content.get(..missing).unwrap_or_default());
            if self.told_at.is_none() && self.start.len() >= START.min(self.size) {
                self.told_at = sequences_at(&self.start);
            }
            while let Some(place) = self.told_at.and_then(|place| place.checked_add(self.told.len()))
                && self.told.len() < TOLD
            {
                let later = || content.get(place.checked_sub(before)?);
                let Some(byte) = self.start.get(place).or_else(later) else { break };
                self.told.push(*byte);
            }
            let is_end = self.at >= self.size;
            if self.told.len() == TOLD || is_end {
                let sequences = match *self.told {
                    [255, low, high, ..] => {
                        usize::from(u16::from_le_bytes([low, high])).saturating_add(0x7f00)
                    }
                    [high @ 128..=254, low, ..] => usize::from(u16::from_be_bytes([high & 0x7f, low])),
                    [count @ 0..=127, ..] => usize::from(count),
                    _ => 0,
                };
                self.told.resize(TOLD, 0);
                if is_end {
                    self.start.clear();
                }
                return units(sequences.saturating_sub(self.size));
            }
        }
        if self.at >= self.size {
            self.start.clear();
        }
        0
    }
}

/// The kind of a block and its size, as its header says.
fn kind_and_size([low, middle, high]: [u8; HEADER]) -> Option<(u32, usize)> {
    let header = u32::from_le_bytes([low, middle, high, 0]);
    Some((header >> 1 & 3, usize::try_from(header >> 3).ok()?))
}

/// Where the sequences of a block begin whose content begins like this: behind its literals.
fn sequences_at(start: &[u8]) -> Option<usize> {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(start) {
        *to = *from;
    }
    let word = u64::from_le_bytes(bytes);
    let format = word >> 2 & 3;
    let (header, literals) = match (word & 3, format) {
        (0, 0 | 2) => (1, word >> 3 & 0x1f),
        (0, 1) => (2, word >> 4 & 0xfff),
        (0, _) => (3, word >> 4 & 0xf_ffff),
        (1, 0 | 2) => (1, 1),
        (1, 1) => (2, 1),
        (1, _) => (3, 1),
        (_, 0 | 1) => (3, word >> 14 & 0x3ff),
        (_, 2) => (4, word >> 18 & 0x3fff),
        (..) => (5, word >> 22 & 0x3_ffff),
    };
    usize::try_from(literals).ok()?.checked_add(header)
}

/// What a decoder reads from, with a look at the sequences of its blocks.
struct Watched<'f, S> {
    source: &'f mut S,
    place: &'f mut Place,
    pace: &'f Pace,
}

impl<S: Read> Read for Watched<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let excess = self.place.pass(buffer.get(..read).unwrap_or_default());
        self.pace.pay(excess.saturating_mul(SEQUENCE))?;
        Ok(read)
    }
}

/// A block of what there is of the one behind so many that are sound, when it is not compressed and cut short: what there is
/// need not be lost.
fn stored_part(mut rest: &[u8], sound: usize) -> Option<Vec<u8>> {
    for _ in 0..sound {
        let (first, behind) = rest.split_first_chunk()?;
        // One that repeats a byte has that byte alone.
        rest = match kind_and_size(*first)? {
            (1, _) => behind.get(1..)?,
            (_, size) => behind.get(size..)?,
        };
    }
    let (first, part) = rest.split_first_chunk()?;
    let (kind, size) = kind_and_size(*first)?;
    let length = u32::try_from(part.len()).ok().filter(|_| kind == 0 && size > part.len())?;
    let [low, middle, high, _] = (length << 3).to_le_bytes();
    Some([&[low, middle, high][..], part].concat())
}

impl<S: Read> Read for Frame<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.has_failed && self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            self.step();
        }
        let read = self.decoder.read(buffer)?;
        self.has_begun |= read > 0;
        if read == 0
            && !buffer.is_empty()
            && let Some(error) = self.error.take()
        {
            return Err(error);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use candor_fixtures::nothing::Nothing;
    use candor_fixtures::stream;

    use super::Place;

    #[test]
    fn sequences_are_counted_in_whatever_pieces_blocks_are_read() {
        let blocks = Nothing::ZstdCopies.stream(1200);
        // Behind the header of the frame.
        let blocks = &blocks[6..];
        let count = blocks.len() as u64 / 12;
        for piece in [1, 2, 3, 5, 12, 100, blocks.len()] {
            let mut place = Place::default();
            let excess: u64 = blocks.chunks(piece).map(|piece| place.pass(piece)).sum();
            assert_eq!(excess, count * (43_690 - 9), "{piece}");
        }
    }

    #[test]
    fn what_others_write_has_no_more_sequences_than_bytes() {
        let words = ["lorem", "ipsum", "dolor", "sit", "amet"];
        let text: Vec<u8> =
            (0..40_000_usize).flat_map(|n| words[n * n / 7 % 5].bytes().chain([b' '])).collect();
        let packed = stream::zstd(&text);
        assert_eq!(Place::default().pass(&packed[6..]), 0);
    }
}
