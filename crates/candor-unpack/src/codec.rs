//! Decompressors, as readers over bytes: one function a method, shared by the formats that use it.
//!
//! Each reads as far as somebody asks, so the sink bounds what comes out. What a stream may ask for before
//! a byte came out is bounded here: a dictionary that nobody writes is refused, as not supported.

use std::io::{self, ErrorKind, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};
use lzma_rust2::{LzipReader, LzmaReader, XzReader};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::reader::Reader;

/// Largest dictionary or window: what `zstd --ultra --long=27` needs; `xz -9` takes half of it.
const DICTIONARY: u32 = 128 << 20;

/// A decoder over borrowed bytes.
pub(crate) type Decoder<'a> = Box<dyn Read + 'a>;

/// A deflate stream without a header.
pub(crate) fn deflate(bytes: &[u8]) -> Decoder<'_> {
    Box::new(DeflateDecoder::new(bytes))
}

/// A deflate stream with zlib's header.
pub(crate) fn zlib(bytes: &[u8]) -> Decoder<'_> {
    Box::new(ZlibDecoder::new(bytes))
}

/// All streams of bzip2, one after another.
pub(crate) fn bzip2(bytes: &[u8]) -> Decoder<'_> {
    streams(
        bytes,
        |rest| rest.starts_with(b"BZh").then(|| Ok(BzDecoder::new(rest))),
        |decoder| decoder.get_ref(),
    )
}

/// All streams of xz, with the zeros that may stand between them.
pub(crate) fn xz(bytes: &[u8]) -> Decoder<'_> {
    limited(streams(bytes, next_xz, |decoder| decoder.inner()))
}

fn next_xz(rest: &[u8]) -> Option<io::Result<XzReader<&[u8]>>> {
    let padding = rest.iter().take_while(|&&byte| byte == 0).count();
    let rest = rest.get(padding..).filter(|rest| rest.starts_with(b"\xfd7zXZ\0"))?;
    Some(Ok(XzReader::new_mem_limit(rest, false, DICTIONARY >> 10)))
}

/// LZMA with the header of `.lzma`: properties, dictionary size, length.
pub(crate) fn lzma_alone(bytes: &[u8]) -> Decoder<'_> {
    let mut reader = Reader::little(bytes);
    let header = || Some((reader.u8()?, reader.u32()?, reader.u64()?, reader.rest()));
    let Some((properties, dictionary, length, data)) = { header }() else {
        return failed(ErrorKind::UnexpectedEof, "the header of LZMA is cut short");
    };
    lzma(data, properties, dictionary, length)
}

/// LZMA without a header. A length of `u64::MAX` means that the stream says itself where it ends.
pub(crate) fn lzma(data: &[u8], properties: u8, dictionary: u32, length: u64) -> Decoder<'_> {
    match LzmaReader::new_with_props(data, length, properties, dictionary.min(DICTIONARY), None) {
        Ok(decoder) => limited(Box::new(decoder)),
        Err(error) => Box::new(Failed(Some(error))),
    }
}

/// All members of lzip.
pub(crate) fn lzip(bytes: &[u8]) -> Decoder<'_> {
    limited(Box::new(LzipReader::new(bytes)))
}

/// All frames of Zstandard; those to be skipped are.
pub(crate) fn zstd(bytes: &[u8]) -> Decoder<'_> {
    let next = |rest| {
        let rest = behind_skippable(rest);
        rest.starts_with(b"\x28\xb5\x2f\xfd").then(|| {
            StreamingDecoder::<_, FrameDecoder>::new_with_max_window_size(rest, u64::from(DICTIONARY))
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))
        })
    };
    streams(bytes, next, |decoder| decoder.get_ref())
}

/// One frame of Zstandard, from what gives its bytes one after another.
pub(crate) fn zstd_frame<'a>(source: impl Read + 'a) -> Decoder<'a> {
    match StreamingDecoder::<_, FrameDecoder>::new_with_max_window_size(source, u64::from(DICTIONARY)) {
        Ok(decoder) => Box::new(decoder),
        Err(error) => failed(ErrorKind::InvalidData, error.to_string()),
    }
}

/// A reader that gives nothing but this error.
pub(crate) fn failed<'a>(kind: ErrorKind, message: impl Into<String>) -> Decoder<'a> {
    Box::new(Failed(Some(io::Error::new(kind, message.into()))))
}

/// What follows the frames at the start of `bytes` that decoders are told to skip.
pub(crate) fn behind_skippable(mut bytes: &[u8]) -> &[u8] {
    while let Some((&[kind, 0x2a, 0x4d, 0x18, a, b, c, d], rest)) = bytes.split_first_chunk() {
        if kind >> 4 != 5 {
            break;
        }
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        bytes = rest.get(length..).unwrap_or_default();
    }
    bytes
}

struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Says that a dictionary is too large in the words that the sink knows.
struct Limited<'a>(Decoder<'a>);

fn limited(decoder: Decoder<'_>) -> Decoder<'_> {
    Box::new(Limited(decoder))
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::OutOfMemory => io::Error::new(ErrorKind::Unsupported, "a dictionary of this size"),
            _ => error,
        })
    }
}

/// Decoders one after another, each over what the one before it left.
struct Streams<'a, D> {
    current: Option<D>,
    rest: &'a [u8],
    next: fn(&'a [u8]) -> Option<io::Result<D>>,
    left: for<'d> fn(&'d D) -> &'d &'a [u8],
}

fn streams<'a, D: Read + 'a>(
    bytes: &'a [u8],
    next: fn(&'a [u8]) -> Option<io::Result<D>>,
    left: for<'d> fn(&'d D) -> &'d &'a [u8],
) -> Decoder<'a> {
    Box::new(Streams { current: None, rest: bytes, next, left })
}

impl<D: Read> Read for Streams<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(decoder) = &mut self.current {
                match decoder.read(buffer) {
                    Ok(0) => {
                        let left = *(self.left)(decoder);
                        let is_stuck = left.len() >= self.rest.len();
                        self.rest = if is_stuck { &[] } else { left };
                        self.current = None;
                    }
                    Ok(read) => return Ok(read),
                    Err(error) => {
                        self.current = None;
                        self.rest = &[];
                        return Err(error);
                    }
                }
            }
            match (self.next)(self.rest) {
                Some(decoder) => self.current = Some(decoder?),
                None => return Ok(0),
            }
        }
    }
}
