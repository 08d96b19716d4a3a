//! Frames of Zstandard, the damaged ones too: the library keeps back as many bytes as its window holds until a frame ends,
//! and gives none of them when it does not.

use std::io::{self, ErrorKind, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::codec::DICTIONARY;
use crate::pace::Pace;

/// What ends a frame: a last block of nothing, and a checksum that nobody looks at.
const END: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// How many bytes are decoded at a time at least, so that it is known that as many were.
const STEP: usize = 16 << 10;

/// A decoder of one frame.
pub(crate) struct Frame<'a, S> {
    pub(crate) source: S,
    /// What is left of the source, when it stands in memory.
    left: fn(&S) -> &'a [u8],
    decoder: FrameDecoder,
    /// The account of its blocks. What fills the window comes out late, and pays when it is decoded.
    pace: Pace,
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
        Ok(Self { source, left, decoder, pace, has_begun: false, error: None, has_failed: false })
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
        let error = match self.decoder.decode_blocks(&mut self.source, some) {
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

/// A block of what there is of the one behind so many that are sound, when it is not compressed and cut short: what there is
/// need not be lost.
fn stored_part(mut rest: &[u8], sound: usize) -> Option<Vec<u8>> {
    let header = |[low, middle, high]: [u8; 3]| {
        let header = u32::from_le_bytes([low, middle, high, 0]);
        Some((header >> 1 & 3, usize::try_from(header >> 3).ok()?))
    };
    for _ in 0..sound {
        let (first, behind) = rest.split_first_chunk()?;
        // One that repeats a byte has that byte alone.
        rest = match header(*first)? {
            (1, _) => behind.get(1..)?,
            (_, size) => behind.get(size..)?,
        };
    }
    let (first, part) = rest.split_first_chunk()?;
    let (kind, size) = header(*first)?;
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
