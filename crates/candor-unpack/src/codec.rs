//! Decompressors, as readers over bytes: one function a method, shared by the formats that use it.
//!
//! Each reads as far as somebody asks, so the sink bounds what comes out. What a stream may ask for before
//! a byte came out is bounded here: a dictionary that nobody writes is refused, as not supported.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read};

use bzip2::bufread::BzDecoder;
use candor_model::Budget;
use candor_model::flags::triples;
use zlib_rs::{InflateFlush, Status};

use crate::bits::Stepped;
use crate::inflate::{self, Dialect};
use crate::lzma::{self, Lzma, Lzma2, Properties};
use crate::pace::{Asked, Marked, Pace, Paced};
use crate::reader::Reader;
use crate::work::{Price, RangeCoder};
use crate::zstd::Frame;

/// Largest dictionary or window: what `zstd --ultra --long=27` needs; `xz -9` takes half of it.
pub(crate) const DICTIONARY: u32 = 128 << 20;

/// A decoder over borrowed bytes.
pub(crate) type Decoder<'a> = Box<dyn Read + 'a>;

/// What each time costs that a decoder of Zstandard asks its source, which it does two or three times a block; and a block
/// of bzip2. In the units of [`Pace`].
const ZSTD: u64 = 500;
const BZIP2: u64 = 1000;

/// A deflate stream without a header.
pub(crate) fn deflate<'a>(source: impl BufRead + 'a) -> Decoder<'a> {
    Box::new(Inflating { source, inflate: Inflate::new(false) })
}

/// A deflate stream with zlib's header.
pub(crate) fn zlib<'a>(source: impl BufRead + 'a) -> Decoder<'a> {
    Box::new(Inflating { source, inflate: Inflate::new(true) })
}

/// A stream of Deflate64.
pub(crate) fn deflate64<'a>(source: impl BufRead + 'a) -> Decoder<'a> {
    inflate(source, Dialect::Deflate64)
}

/// A stream that is nearly deflate.
pub(crate) fn inflate<'a>(source: impl BufRead + 'a, dialect: Dialect) -> Decoder<'a> {
    let pace = Pace::new();
    let steps = inflate::Inflate::new(source, dialect, pace.clone());
    Box::new(Paced::new(Stepped::new(steps), pace))
}

/// A stream of LZMA2, with what pays for its decisions.
pub(crate) fn lzma2<'a>(source: impl BufRead + 'a, dictionary: u32, pace: &Pace) -> Decoder<'a> {
    Box::new(Lzma2::new(source, dictionary, pace.clone()))
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
            Self::Xz => 300,
            Self::Lzip => 800,
            Self::Zstd => 300,
        }
    }
}

/// What a byte costs that comes out of bzip2 beside being looked at, in the same units: it sorts what it packs.
pub(crate) const SORTED: Price = Price::of(1);
/// And what LZMA may cost where a library does not tell of its decisions: nine of them a byte, or four, of a fiftieth of a bit and of
/// five nanoseconds each.
pub(crate) const RANGES: RangeCoder = RangeCoder { byte: 6, packed: 280 };

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
pub(crate) fn bzip2<'a>(bytes: &'a [u8], pace: &Pace) -> Decoder<'a> {
    streams(
        (bytes, pace),
        |rest, pace| {
            let rest = behind_zeros(rest);
            let is_next = rest.starts_with(b"BZh");
            is_next.then(|| Ok(BzDecoder::new(Marked::new(rest, BZIP2, bzip2_blocks, pace.clone()))))
        },
        |decoder| decoder.get_ref().source,
    )
}

/// One stream of bzip2.
pub(crate) fn bzip2_stream<'a>(source: impl BufRead + 'a) -> Decoder<'a> {
    let pace = Pace::new();
    let decoder = BzDecoder::new(Marked::new(source, BZIP2, bzip2_blocks, pace.clone()));
    ending(Paced::new(decoder, pace))
}

/// How many blocks of bzip2 begin in a piece of a stream, at any bit; it may be one too many in some megabytes.
fn bzip2_blocks(piece: &[u8]) -> usize {
    /// The second to fourth byte of each in which a mark begins with its first bit, its second and so on.
    const MARKS: [[u8; 3]; 8] = {
        let mut marks = [[0; 3]; 8];
        let mut bits = 0;
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where it is an error")]
        while bits < 8 {
            let [_, first, second, third, ..] = ((0x3141_5926_5359_u64 << 16) >> bits).to_be_bytes();
            marks[bits] = [first, second, third];
            bits += 1;
        }
        marks
    };
    let is_mark = |first: u8, second: u8, third: u8| {
        MARKS
            .iter()
            .fold(false, |any, mark| any | ((first == mark[0]) & (second == mark[1]) & (third == mark[2])))
    };
    triples(piece, is_mark).count()
}

/// All streams of xz, with the zeros that may stand between them.
pub(crate) fn xz<'a>(bytes: &'a [u8], pace: &Pace) -> Decoder<'a> {
    Box::new(Streams {
        is_sound: lzma::Xz::is_sound,
        earns: false,
        ..Streams::new((bytes, pace), next_xz, lzma::Xz::rest)
    })
}

fn next_xz<'a>(rest: &'a [u8], pace: &Pace) -> Option<io::Result<lzma::Xz<'a>>> {
    let rest = Some(behind_zeros(rest)).filter(|rest| rest.starts_with(b"\xfd7zXZ\0"))?;
    Some(Ok(lzma::Xz::new(rest, pace.clone())))
}

/// LZMA with the header of `.lzma`: properties, dictionary size, length.
pub(crate) fn lzma_alone<'a>(bytes: &'a [u8], pace: &Pace) -> Decoder<'a> {
    let mut reader = Reader::little(bytes);
    let header = || Some((reader.u8()?, reader.u32()?, reader.u64()?, reader.rest()));
    let Some((properties, dictionary, length, data)) = { header }() else {
        return failed(ErrorKind::UnexpectedEof, "the header of LZMA is cut short");
    };
    lzma(data, properties, dictionary, length, pace)
}

/// LZMA without a header, with what pays for its decisions. A length of `u64::MAX` means that the stream says itself where it ends.
pub(crate) fn lzma<'a>(
    source: impl BufRead + 'a,
    properties: u8,
    dictionary: u32,
    length: u64,
    pace: &Pace,
) -> Decoder<'a> {
    let Some(properties) = Properties::of(properties) else {
        return failed(ErrorKind::InvalidData, "the properties of LZMA");
    };
    let length = Some(length).filter(|length| *length != u64::MAX);
    match Lzma::new(source, properties, dictionary, length, pace.clone()) {
        Ok(decoder) => Box::new(decoder),
        Err(error) => Box::new(Failed(Some(error))),
    }
}

/// All members of lzip.
pub(crate) fn lzip<'a>(bytes: &'a [u8], pace: &Pace) -> Decoder<'a> {
    let next = |rest: &'a [u8], pace: &Pace| {
        rest.starts_with(lzma::LZIP).then(|| lzma::Member::new(rest, pace.clone()))
    };
    Box::new(Streams {
        is_sound: lzma::Member::is_sound,
        earns: false,
        ..Streams::new((bytes, pace), next, lzma::Member::rest)
    })
}

/// All frames of Zstandard; those to be skipped are.
pub(crate) fn zstd<'a>(bytes: &'a [u8], pace: &Pace) -> Decoder<'a> {
    let next = |rest, pace: &Pace| {
        let rest = behind_skippable(behind_zeros(rest));
        let source = || Asked::new(rest, ZSTD, pace.clone());
        rest.starts_with(b"\x28\xb5\x2f\xfd")
            .then(|| Frame::new(source(), |source| source.source, pace.clone()))
    };
    Box::new(Streams {
        is_sound: Frame::is_sound,
        ..Streams::new((bytes, pace), next, |decoder| decoder.source.source)
    })
}

/// One frame of Zstandard, from what gives its bytes one after another.
pub(crate) fn zstd_frame<'a>(source: impl Read + 'a) -> Decoder<'a> {
    let pace = Pace::new();
    match Frame::new(Asked::new(source, ZSTD, pace.clone()), |_| &[], pace.clone()) {
        Ok(decoder) => ending(Paced::new(decoder, pace)),
        Err(error) => Box::new(Failed(Some(error))),
    }
}

/// What is said behind content that is not what its checksum says.
pub(crate) fn wrong_checksum() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the checksum is wrong")
}

/// A reader that gives nothing but this error.
pub(crate) fn failed<'a>(kind: ErrorKind, message: impl Into<String>) -> Decoder<'a> {
    Box::new(Failed(Some(io::Error::new(kind, message.into()))))
}

/// What follows the zeros that fill up a block behind a stream, as on tapes; another stream may.
pub(crate) fn behind_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
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
    static SPARE: Cell<Option<zlib_rs::Inflate>> = const { Cell::new(None) };
}

/// Largest window of deflate, in bits.
const WINDOW: u8 = 15;
/// What it costs to stop at the end of a block of deflate, a byte of what a block begins with, and all the tables of a block; in
/// the units of [`Pace`].
const STOP: u64 = 50;
const HEADER: u64 = 48;
const TABLES: u64 = 600;

/// The state of a deflate decoder. The next one of this thread takes it over.
pub(crate) struct Inflate {
    state: Option<zlib_rs::Inflate>,
    zlib_header: bool,
    pace: Pace,
}

/// What one step of a deflate decoder did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inflated {
    /// Bytes that went in, and that came out.
    pub(crate) read: usize,
    pub(crate) written: usize,
    /// Whether the stream is at its end.
    pub(crate) is_end: bool,
}

impl Inflate {
    /// At the start of a stream, which may have zlib's header.
    pub(crate) fn new(zlib_header: bool) -> Self {
        Self::paced(zlib_header, Pace::new())
    }

    /// The same with an account for its blocks.
    pub(crate) fn paced(zlib_header: bool, pace: Pace) -> Self {
        let mut state = SPARE.take();
        if let Some(spare) = &mut state {
            spare.reset(zlib_header);
        }
        Self { state, zlib_header, pace }
    }

    /// What copies at the start of a stream without a header may reach into, at most 32 KiB.
    ///
    /// # Errors
    /// It is no such start.
    pub(crate) fn set_history(&mut self, history: &[u8]) -> io::Result<()> {
        let state = self.state.get_or_insert_with(|| zlib_rs::Inflate::new(self.zlib_header, WINDOW));
        state.set_dictionary(history).map(drop).map_err(|_| ErrorKind::InvalidData.into())
    }

    /// Decodes until something came out, the stream ended or all of `input` was read. What was read before an error is lost.
    ///
    /// # Errors
    /// The data are damaged (`InvalidData`), or the blocks hold nothing.
    pub(crate) fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Inflated> {
        let state = self.state.get_or_insert_with(|| zlib_rs::Inflate::new(self.zlib_header, WINDOW));
        let mut rest = input;
        loop {
            // Behind the last byte nobody knows a stop from a stream that is cut short.
            let flush = if rest.is_empty() { InflateFlush::Finish } else { InflateFlush::Block };
            let (read, written) = (state.total_in(), state.total_out());
            let outcome = state.decompress(rest, output, flush);
            let read = usize::try_from(state.total_in().saturating_sub(read)).unwrap_or(usize::MAX);
            let written = usize::try_from(state.total_out().saturating_sub(written)).unwrap_or(0);
            let is_last = rest.is_empty();
            rest = rest.get(read..).unwrap_or_default();
            self.pace.passed(read.saturating_add(written));
            // It stopped for a block, or for want of bytes.
            if written < output.len() {
                let length = u64::try_from(read).unwrap_or(u64::MAX);
                self.pace.pay(length.saturating_mul(HEADER).min(TABLES).saturating_add(STOP))?;
            }
            let is_end = match outcome {
                Ok(status) => matches!(status, Status::StreamEnd),
                // It comes again at the next step.
                Err(_) if written > 0 => false,
                Err(_) => {
                    return Err(io::Error::new(ErrorKind::InvalidData, "corrupt deflate stream"));
                }
            };
            if written > 0 || is_end || is_last || output.is_empty() {
                let read = input.len().saturating_sub(rest.len());
                return Ok(Inflated { read, written, is_end });
            }
        }
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
struct Inflating<R> {
    source: R,
    inflate: Inflate,
}

impl<R: BufRead> Read for Inflating<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.source.fill_buf()?;
            let is_last = input.is_empty();
            let Inflated { read, written, is_end } = self.inflate.step(input, buffer)?;
            self.source.consume(read);
            if written > 0 || is_end {
                return Ok(written);
            }
            if is_last {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "incomplete deflate stream"));
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

/// Makes the next decoder of [`Streams`], if there is one.
type Next<'a, D> = fn(&'a [u8], &Pace) -> Option<io::Result<D>>;

/// Decoders one after another, each over what the one before it left.
struct Streams<'a, D> {
    current: Option<D>,
    rest: &'a [u8],
    next: Next<'a, D>,
    left: fn(&D) -> &'a [u8],
    /// Whether a stream that ended was what its checksum says, when its decoder goes on all the same.
    is_sound: fn(&D) -> bool,
    was_wrong: bool,
    pace: Pace,
    /// Whether its bytes pay here for what they come out of, and not where they are decoded.
    earns: bool,
}

impl<'a, D> Streams<'a, D> {
    fn new((rest, pace): (&'a [u8], &Pace), next: Next<'a, D>, left: fn(&D) -> &'a [u8]) -> Self {
        let pace = pace.clone();
        Self { current: None, rest, next, left, is_sound: |_| true, was_wrong: false, pace, earns: true }
    }
}

fn streams<'a, D: Read + 'a>(
    source: (&'a [u8], &Pace),
    next: Next<'a, D>,
    left: fn(&D) -> &'a [u8],
) -> Decoder<'a> {
    Box::new(Streams::new(source, next, left))
}

impl<D: Read> Read for Streams<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(decoder) = &mut self.current {
                match self.pace.checked(decoder.read(buffer)) {
                    Ok(0) => {
                        let left = (self.left)(decoder);
                        self.was_wrong |= !(self.is_sound)(decoder);
                        let is_stuck = left.len() >= self.rest.len();
                        self.rest = if is_stuck { &[] } else { left };
                        self.current = None;
                    }
                    Ok(read) => {
                        if self.earns {
                            self.pace.passed(read);
                        }
                        return Ok(read);
                    }
                    Err(error) => {
                        self.current = None;
                        self.rest = &[];
                        return Err(error);
                    }
                }
            }
            self.pace.begin();
            match (self.next)(self.rest, &self.pace) {
                Some(decoder) => self.current = Some(self.pace.checked(decoder)?),
                None => {
                    self.pace.leave(self.rest.len());
                    let was_wrong = std::mem::take(&mut self.was_wrong);
                    return if was_wrong { Err(wrong_checksum()) } else { Ok(0) };
                }
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
            assert_eq!(all(deflate(&raw(&text)[..])), (text.clone(), true));
            assert_eq!(all(zlib(&with_header(&text)[..])), (text.clone(), true));
            // One that is left in the middle, one that is damaged, and two at once.
            deflate(&raw(&text)[..]).read_exact(&mut [0; 1000]).unwrap();
            let cut = raw(&text);
            let (start, is_whole) = all(deflate(&cut[..cut.len() / 2]));
            assert!(text.starts_with(&start) && !start.is_empty() && !is_whole);
            // A stored block of the length 1 whose complement is wrong, and a copy of what is before the start.
            assert_eq!(all(deflate(&[1, 1, 0, 0, 0, 7][..])), (Vec::new(), false));
            assert_eq!(all(deflate(&[3, 2, 0][..])), (Vec::new(), false));
            let (first, second) = (raw(&text), with_header(b"another"));
            let (mut first, mut start) = (deflate(&first[..]), [0; 10]);
            first.read_exact(&mut start).unwrap();
            assert_eq!(all(zlib(&second[..])), (b"another".to_vec(), true));
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
        assert_eq!(all(deflate(&bytes[..])), (b"the end".to_vec(), true));
        assert_eq!(all(deflate(&b""[..])), (Vec::new(), false));
    }
}
