//! Decompressors, as readers over bytes: one function a method, shared by the formats that use it.
//!
//! Each reads as far as somebody asks, so the sink bounds what comes out. What a stream may ask for before
//! a byte came out is bounded here: a dictionary that nobody writes is refused, as not supported.

use std::cell::Cell;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read};

use bzip2::bufread::BzDecoder;
use candor_model::Budget;
use deflate64::InflaterManaged;
use flate2::{Decompress, FlushDecompress, Status};
use lzma_rust2::{LzipReader, LzmaReader, XzReader};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::reader::Reader;

/// Largest dictionary or window: what `zstd --ultra --long=27` needs; `xz -9` takes half of it.
const DICTIONARY: u32 = 128 << 20;

/// A decoder over borrowed bytes.
pub(crate) type Decoder<'a> = Box<dyn Read + 'a>;

/// A deflate stream without a header.
pub(crate) fn deflate(bytes: &[u8]) -> Decoder<'_> {
    Box::new(Inflating { rest: bytes, inflate: Inflate::new(false) })
}

/// A deflate stream with zlib's header.
pub(crate) fn zlib(bytes: &[u8]) -> Decoder<'_> {
    Box::new(Inflating { rest: bytes, inflate: Inflate::new(true) })
}

/// A stream of Deflate64.
pub(crate) fn deflate64<'a>(source: impl Read + 'a) -> Decoder<'a> {
    Box::new(Inflating64 { source: BufReader::new(source), inflater: Box::new(InflaterManaged::new()) })
}

/// A method of which a file may hold many streams, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Gzip,
    Bzip2,
    Xz,
    Lzip,
    Zstd,
}

/// Streams that are begun for nothing.
const FREE: usize = 16;

impl Method {
    /// What each stream begins with.
    const fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b\x08",
            Self::Bzip2 => b"BZh",
            Self::Xz => b"\xfd7zXZ\0",
            Self::Lzip => b"LZIP",
            Self::Zstd => b"\x28\xb5\x2f\xfd",
        }
    }

    /// What beginning one costs, in the units of [`Budget::pay_work`]: tables are made, for bzip2 in as many megabytes as it says.
    const fn price(self) -> u64 {
        match self {
            Self::Gzip => 40,
            Self::Bzip2 => 30_000,
            Self::Xz => 60,
            Self::Lzip => 800,
            Self::Zstd => 120,
        }
    }
}

/// As much of `bytes` as can be paid for, which is everything in files that hold something, and whether that is all: streams
/// of nothing cost what beginning them costs, and give nothing that is counted.
pub(crate) fn affordable<'a>(bytes: &'a [u8], method: Method, budget: &mut Budget) -> (&'a [u8], bool) {
    let mut starts = memchr::memmem::find_iter(bytes, method.magic()).skip(FREE);
    match starts.find(|_| !budget.pay_work(method.price())) {
        Some(start) => (bytes.get(..start).unwrap_or_default(), false),
        None => (bytes, true),
    }
}

/// What a decoder gives of what was affordable.
pub(crate) fn paid<'a>(
    bytes: &'a [u8],
    method: Method,
    budget: &mut Budget,
    decoder: impl FnOnce(&'a [u8]) -> Decoder<'a>,
) -> Decoder<'a> {
    let (bytes, is_all) = affordable(bytes, method, budget);
    let decoder = decoder(bytes);
    if is_all { decoder } else { unpaid(decoder) }
}

/// A decoder behind whose content it is told that more could not be paid for.
pub(crate) fn unpaid(decoder: Decoder<'_>) -> Decoder<'_> {
    Box::new(decoder.chain(failed(ErrorKind::QuotaExceeded, "streams of nothing")))
}

/// All streams of bzip2, one after another.
pub(crate) fn bzip2(bytes: &[u8]) -> Decoder<'_> {
    streams(
        bytes,
        |rest| rest.starts_with(b"BZh").then(|| Ok(BzDecoder::new(rest))),
        |decoder| decoder.get_ref(),
    )
}

/// One stream of bzip2.
pub(crate) fn bzip2_stream(bytes: &[u8]) -> Decoder<'_> {
    ending(BzDecoder::new(bytes))
}

/// One stream of xz.
pub(crate) fn xz_stream(bytes: &[u8]) -> Decoder<'_> {
    limited(ending(XzReader::new_mem_limit(bytes, false, DICTIONARY >> 10)))
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
        Ok(decoder) => ending(decoder),
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

thread_local! {
    /// The state that was used last. It is aligned for vectors, and such memory the C library takes fresh each time
    /// rather than from what was given back: a process would grow with every member of an archive.
    static SPARE: Cell<Option<Decompress>> = const { Cell::new(None) };
}

/// The state of a deflate decoder. The next one of this thread takes it over.
#[derive(Debug)]
pub(crate) struct Inflate {
    state: Option<Decompress>,
    zlib_header: bool,
}

impl Inflate {
    /// At the start of a stream, which may have zlib's header.
    pub(crate) fn new(zlib_header: bool) -> Self {
        let mut state = SPARE.take();
        if let Some(spare) = &mut state {
            spare.reset(zlib_header);
        }
        Self { state, zlib_header }
    }

    /// The state.
    pub(crate) fn state(&mut self) -> &mut Decompress {
        self.state.get_or_insert_with(|| Decompress::new(self.zlib_header))
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            // A thread that ends has no next one.
            let _ = SPARE.try_with(|spare| spare.set(Some(state)));
        }
    }
}

/// A deflate stream.
struct Inflating<'a> {
    rest: &'a [u8],
    inflate: Inflate,
}

impl Read for Inflating<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.inflate.state();
        loop {
            let is_end = self.rest.is_empty();
            let flush = if is_end { FlushDecompress::Finish } else { FlushDecompress::None };
            let (read, written) = (state.total_in(), state.total_out());
            let status = state.decompress(self.rest, buffer, flush);
            let read = usize::try_from(state.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
            let written = usize::try_from(state.total_out().saturating_sub(written)).unwrap_or(0);
            self.rest = self.rest.get(read..).unwrap_or_default();
            return match status {
                Ok(Status::Ok | Status::BufError) if written == 0 && !buffer.is_empty() => {
                    if !is_end && read > 0 {
                        continue;
                    }
                    Err(io::Error::new(ErrorKind::UnexpectedEof, "incomplete deflate stream"))
                }
                Ok(_) => Ok(written),
                Err(_) => Err(io::Error::new(ErrorKind::InvalidInput, "corrupt deflate stream")),
            };
        }
    }
}

/// A stream of Deflate64. The library's reader loses what came out in front of a damage.
struct Inflating64<R> {
    source: BufReader<R>,
    inflater: Box<InflaterManaged>,
}

impl<R: Read> Read for Inflating64<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.source.fill_buf()?;
            let is_end = input.is_empty();
            let made = self.inflater.inflate(input, buffer);
            self.source.consume(made.bytes_consumed);
            if made.bytes_written > 0 {
                return Ok(made.bytes_written);
            }
            if made.data_error {
                return Err(io::Error::new(ErrorKind::InvalidData, "corrupt stream of Deflate64"));
            }
            if self.inflater.finished() {
                return Ok(0);
            }
            if is_end {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "incomplete stream of Deflate64"));
            }
        }
    }
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

/// A decoder that is asked for nothing more when it gave an error or came to its end: that of bzip2 panics then.
struct Ending<D>(Option<D>);

/// Makes a decoder one that can be asked again.
pub(crate) fn ending<'a>(decoder: impl Read + 'a) -> Decoder<'a> {
    Box::new(Ending(Some(decoder)))
}

impl<D: Read> Read for Ending<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.0 else { return Ok(0) };
        let read = decoder.read(buffer);
        if !buffer.is_empty() && !matches!(&read, Ok(1..)) {
            self.0 = None;
        }
        read
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::{bzip2_stream, deflate, deflate64, ending, zlib};

    /// Damaged once, and then never to be asked again.
    struct Damaged(bool);

    impl Read for Damaged {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            assert!(!std::mem::replace(&mut self.0, true), "it was asked again");
            Err(std::io::ErrorKind::InvalidData.into())
        }
    }

    #[test]
    fn a_decoder_that_failed_is_not_asked_again() {
        let mut decoder = ending(Damaged(false));
        assert!(decoder.read(&mut [0]).is_err());
        assert_eq!(decoder.read(&mut [0]).unwrap(), 0);
        // The decoder of bzip2 panics.
        let damaged = candor_fixtures::stream::bzip2(&text(1));
        for cut in 0..damaged.len().min(200) {
            let mut decoder = bzip2_stream(&damaged[..cut]);
            let mut out = Vec::new();
            assert!(decoder.read_to_end(&mut out).is_err());
            assert_eq!(decoder.read(&mut [0]).unwrap(), 0);
        }
    }

    fn text(number: u8) -> Vec<u8> {
        (0..50_000_u32)
            .flat_map(|at| [number, b'a' + u8::try_from(at.wrapping_mul(at) % 23).unwrap()])
            .collect()
    }

    fn raw(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn with_header(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn all(mut decoder: impl Read) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let is_whole = decoder.read_to_end(&mut bytes).is_ok();
        (bytes, is_whole)
    }

    #[test]
    fn a_decoder_knows_nothing_of_the_stream_before() {
        for number in 0..4 {
            let text = text(number);
            assert_eq!(all(deflate(&raw(&text))), (text.clone(), true));
            assert_eq!(all(zlib(&with_header(&text))), (text.clone(), true));
            // One that is left in the middle, one that is damaged, and two at once.
            deflate(&raw(&text)).read_exact(&mut [0; 1000]).unwrap();
            let cut = raw(&text);
            let (start, is_whole) = all(deflate(&cut[..cut.len() / 2]));
            assert!(text.starts_with(&start) && !start.is_empty() && !is_whole);
            // A stored block of the length 1 whose complement is wrong, and a copy of what is before the start.
            assert_eq!(all(deflate(&[1, 1, 0, 0, 0, 7])), (Vec::new(), false));
            assert_eq!(all(deflate(&[3, 2, 0])), (Vec::new(), false));
            let (first, second) = (raw(&text), with_header(b"another"));
            let (mut first, mut start) = (deflate(&first), [0; 10]);
            first.read_exact(&mut start).unwrap();
            assert_eq!(all(zlib(&second)), (b"another".to_vec(), true));
            let (rest, is_whole) = all(first);
            assert!(is_whole && [&start[..], &rest].concat() == text);
        }
    }

    #[test]
    fn what_deflate64_had_before_the_damage_is_kept() {
        // Both share stored blocks and short codes; in front of what is damaged, there are 4,000 bytes of either.
        let stored = [&[0, 0xa0, 0x0f, 0x5f, 0xf0][..], &[b'a'; 4000]].concat();
        for damage in [&[7][..], &[0, 1, 0, 1, 0], &[]] {
            assert_eq!(all(deflate64(&[&stored[..], damage].concat()[..])), (vec![b'a'; 4000], false));
        }
        // Nine letters under the fixed code, and a distance that there is not.
        let (start, is_whole) =
            all(deflate64(&[0x4b, 0x4c, 0x4a, 0x4e, 0x49, 0x4d, 0x4b, 0xcf, 0xc8, 0xfc, 0xff][..]));
        assert!(start.starts_with(b"abcdefgh") && !is_whole);
        assert_eq!(all(deflate64(&[1, 1, 0, 0xfe, 0xff, b'x', b'y'][..])), (b"x".to_vec(), true));
    }

    #[test]
    fn what_is_behind_a_stream_is_not_read_and_nothing_is_no_stream() {
        let mut bytes = raw(b"the end");
        bytes.extend(b"more");
        assert_eq!(all(deflate(&bytes)), (b"the end".to_vec(), true));
        assert_eq!(all(deflate(b"")), (Vec::new(), false));
    }
}
