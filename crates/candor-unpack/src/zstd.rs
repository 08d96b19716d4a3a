//! Frames of Zstandard, the damaged ones too: the library keeps back as many bytes as its window holds until a frame ends,
//! and gives none of them when it does not.

use std::io::{self, ErrorKind, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::codec::DICTIONARY;

/// What ends a frame: a last block of nothing, and a checksum that nobody looks at.
const END: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// A decoder of one frame.
pub(crate) struct Frame<S> {
    pub(crate) source: S,
    /// What is left of the source, when it stands in memory.
    left: fn(&S) -> &[u8],
    decoder: FrameDecoder,
    /// What is wrong with the frame; it is said behind what was decoded.
    error: Option<io::Error>,
    has_failed: bool,
}

impl<S: Read> Frame<S> {
    /// At the start of the frame at the start of `source`.
    ///
    /// # Errors
    /// It has no header, or one that asks for too much.
    pub(crate) fn new(mut source: S, left: fn(&S) -> &[u8]) -> io::Result<Self> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(u64::from(DICTIONARY));
        let started = decoder.init(&mut source);
        started.map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
        Ok(Self { source, left, decoder, error: None, has_failed: false })
    }

    /// Whether what came out of all of it is what its checksum says, if it has one.
    pub(crate) fn is_sound(&self) -> bool {
        let said = self.decoder.get_checksum_from_data();
        self.has_failed || said.is_none() || said == self.decoder.get_calculated_checksum()
    }

    /// Decodes a block. A frame that is damaged ends in front of it, so that what was decoded comes out.
    fn block(&mut self) {
        let start = (self.left)(&self.source);
        // What there is of a block that is not compressed need not be lost.
        let stored = start.split_first_chunk().and_then(|(&[low, middle, high], rest)| {
            let header = u32::from_le_bytes([low, middle, high, 0]);
            let is_cut =
                header >> 1 & 3 == 0 && usize::try_from(header >> 3).is_ok_and(|size| size > rest.len());
            let length = u32::try_from(rest.len()).ok().filter(|_| is_cut)?;
            let [low, middle, high, _] = (length << 3).to_le_bytes();
            Some([&[low, middle, high][..], rest].concat())
        });
        let one = BlockDecodingStrategy::UptoBlocks(1);
        let Err(error) = self.decoder.decode_blocks(&mut self.source, one) else { return };
        self.error = Some(io::Error::other(error));
        self.has_failed = true;
        for block in [stored.as_deref().unwrap_or_default(), &END] {
            // What is not there is not given.
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let _ = self.decoder.decode_blocks(block, one);
        }
    }
}

impl<S: Read> Read for Frame<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.has_failed && self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            self.block();
        }
        let read = self.decoder.read(buffer)?;
        if read == 0
            && !buffer.is_empty()
            && let Some(error) = self.error.take()
        {
            return Err(error);
        }
        Ok(read)
    }
}
