//! The library's decoders as readers.

use std::io::{self, ErrorKind, Read};

use delharc::decode::{Decoder as _, DecoderAny};
use delharc::header::CompressionMethod;

use crate::codec::Decoder;

/// Bytes that are asked for at a time: a decoder gives all of them or none.
const STEP: usize = 64;

/// A method of LHA, or `None` for those that are not known.
pub(crate) struct Method(Option<CompressionMethod>);

impl Method {
    /// The method of this name.
    pub(crate) fn named(name: &[u8; 5]) -> Self {
        Self(Some(match name {
            b"-lh0-" | b"-lz4-" | b"-pm0-" => CompressionMethod::Lh0,
            b"-lh1-" => CompressionMethod::Lh1,
            b"-lh4-" => CompressionMethod::Lh4,
            b"-lh5-" => CompressionMethod::Lh5,
            b"-lh6-" => CompressionMethod::Lh6,
            b"-lh7-" => CompressionMethod::Lh7,
            b"-lhx-" => CompressionMethod::Lhx,
            b"-lzs-" => CompressionMethod::Lzs,
            b"-lz5-" => CompressionMethod::Lz5,
            _ => return Self(None),
        }))
    }
}

/// A decoder for `real` bytes; `None` for methods that are not known.
pub(crate) fn decoder(method: Method, data: &[u8], real: u64) -> Option<Decoder<'_>> {
    let decoder = DecoderAny::new_from_compression(method.0?, data);
    Some(Box::new(Lha { decoder, left: real }))
}

struct Lha<'a> {
    decoder: DecoderAny<&'a [u8]>,
    left: u64,
}

impl Read for Lha<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = buffer.len().min(left).min(STEP);
        let Some(slot) = buffer.get_mut(..length) else { return Ok(0) };
        if slot.is_empty() {
            return Ok(0);
        }
        if self.decoder.fill_buffer(slot).is_err() {
            self.left = 0;
            return Err(io::Error::new(ErrorKind::InvalidData, "the data of LHA is damaged or cut short"));
        }
        self.left = self.left.saturating_sub(u64::try_from(length).unwrap_or(0));
        Ok(length)
    }
}
