//! The data of a stream: chunks, each packed on its own if that is shorter.

use std::io::{self, ErrorKind, Read};

use super::{lzms, lzx, xpress};
use crate::reader::{Reader, clipped};

/// Compressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Lzms,
    Lzx,
    Stored,
    Xpress,
    Unknown(&'static str),
}

impl Method {
    /// Appends a chunk of `length` bytes, in a window of `window`.
    ///
    /// # Errors
    /// It is damaged, or nobody knows the compression; what came before the damage is appended.
    pub(super) fn unpack(
        self,
        packed: &[u8],
        out: &mut Vec<u8>,
        length: usize,
        window: u64,
    ) -> io::Result<()> {
        if let Some(plain) = packed.get(..length) {
            out.extend_from_slice(plain);
            return Ok(());
        }
        match self {
            Self::Lzms => lzms::unpack(packed, out, length),
            Self::Lzx => lzx::unpack(packed, out, length, window),
            Self::Xpress => xpress::unpack(packed, out, length),
            Self::Unknown(what) => Err(io::Error::new(ErrorKind::Unsupported, what)),
            Self::Stored => {
                out.extend_from_slice(packed);
                Err(ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

/// How it is known where chunks begin.
pub(super) enum Places<'a> {
    /// Places of all but the first stand in front, in eight bytes if the stream is long.
    InFront(Reader<'a>, bool),
    /// Each chunk has its length in front of it.
    Between,
    /// Nothing is packed.
    None,
}

/// The chunks of a stream, unpacked.
pub(super) struct Chunks<'a> {
    pub(super) method: Method,
    pub(super) places: Places<'a>,
    /// Chunks, from the first on.
    pub(super) data: &'a [u8],
    /// Bytes of a whole chunk.
    pub(super) chunk: u64,
    /// What is still to be unpacked.
    pub(super) left: u64,
    /// Where the next chunk begins.
    start: u64,
    out: Vec<u8>,
    at: usize,
}

impl<'a> Chunks<'a> {
    /// Chunks of a stream of `length` bytes, whose `data` also hold the places.
    pub(super) fn new(method: Method, chunk: u64, data: &'a [u8], length: u64, is_pipable: bool) -> Self {
        let (places, data) = match method {
            Method::Stored => (Places::None, data),
            _ if is_pipable => (Places::Between, data),
            _ => {
                // Places have four bytes in streams below four gigabytes.
                let is_wide = length >> 32 != 0;
                let count = length.div_ceil(chunk.max(1));
                let table = count.saturating_sub(1).saturating_mul(if is_wide { 8 } else { 4 });
                let places = Reader::little(clipped(data, 0, table));
                (Places::InFront(places, is_wide), clipped(data, table, u64::MAX))
            }
        };
        Self { method, places, data, chunk, left: length, start: 0, out: Vec::new(), at: 0 }
    }

    /// What the next chunk, of `length` bytes, is packed to.
    fn packed(&mut self, length: u64) -> Option<&'a [u8]> {
        let is_last = self.left <= self.chunk;
        let (begin, end) = match &mut self.places {
            Places::InFront(..) | Places::None if is_last => (self.start, u64::MAX),
            Places::InFront(places, is_wide) => (self.start, places.word(*is_wide)?),
            Places::Between => {
                let mut reader = Reader::little(self.data).at(self.start)?;
                let packed = reader.u32()?;
                let begin = self.start.checked_add(4)?;
                (begin, begin.checked_add(u64::from(packed))?)
            }
            Places::None => (self.start, self.start.checked_add(length)?),
        };
        let packed = clipped(self.data, begin, end.checked_sub(begin).filter(|length| *length > 0)?);
        self.start = end;
        Some(packed)
    }

    fn next(&mut self) -> io::Result<()> {
        self.out.clear();
        self.at = 0;
        let length = self.left.min(self.chunk);
        let packed = self.packed(length).ok_or(ErrorKind::UnexpectedEof)?;
        self.left = self.left.saturating_sub(length);
        let most = usize::try_from(length).unwrap_or(0);
        let outcome = self.method.unpack(packed, &mut self.out, most, self.chunk);
        if outcome.is_err() {
            if self.out.is_empty() {
                self.left = 0;
                return outcome;
            }
            // What came before the damage is kept, and nothing behind it.
            self.left = self.chunk.saturating_add(1);
            self.places = Places::InFront(Reader::little(&[]), false);
        }
        Ok(())
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.at >= self.out.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.next()?;
        }
        let read = self.out.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}
