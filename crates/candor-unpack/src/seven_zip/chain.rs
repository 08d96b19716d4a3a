//! Blocks whose methods the library does not know all of: their methods, one behind the other.
//!
//! Method numbers: `Methods.txt` of 7-Zip's public notes; those from `04 f7 11 01` on are of its relatives.

use std::io::{self, BufReader, ErrorKind, Read};

use candor_model::{Budget, Reason};
use flate2::Crc;
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;
use ppmd_rust::Ppmd7Decoder;
use sevenz_rust2::{Archive, Block, Coder, Password};
use sha2::{Digest as _, Sha256};

use super::{AES, MEMORY};
use crate::codec::{self, Decoder, Method};
use crate::lz4::Lz4;
use crate::pace::Pace;
use crate::ppmd::{self, Growing};
use crate::reader::{Reader, clipped};
use crate::work::Price;
use crate::{brotli, cipher};

/// Methods that are read here alone. Of LZ4, the library gives a block whole or not at all; to PPMd, it gives all the
/// memory that is asked for; of others, it reads blocks that hold nothing for as long as there are any, and of LZMA it does not
/// tell how much there is of it.
const OWN: [&[u8]; 11] = [
    LZMA,
    LZMA2,
    BZIP2,
    &[4, 1, 8],
    &[4, 1, 9],
    &[4, 0xf7, 0x11, 1],
    &[4, 0xf7, 0x11, 2],
    &[4, 0xf7, 0x11, 4],
    &[2, 3, 2],
    &[2, 3, 4],
    PPMD,
];
/// PPMd, variant H.
pub(super) const PPMD: &[u8] = &[3, 4, 1];
const BZIP2: &[u8] = &[4, 2, 2];
const ZSTD: &[u8] = &[4, 0xf7, 0x11, 1];
const LZMA: &[u8] = &[3, 1, 1];
const LZMA2: &[u8] = &[0x21];
const COPY: &[u8] = &[0];
const DELTA: &[u8] = &[3];
/// Where the archive's first byte of packed data is counted from.
const START: u64 = 32;
/// Rounds of the hash that makes a key, as a power of two. 7-Zip writes 19.
const ROUNDS: u8 = 22;
/// The power that stands for a key which is the password itself.
const PLAIN_KEY: u8 = 0x3f;

/// Whether a block is a chain of methods that only this can undo.
pub(super) fn is_for(block: &Block) -> bool {
    let chain = || block.ordered_coder_iter().map(|(_, coder)| coder);
    // The library's filters count from the start.
    let starts_elsewhere =
        |coder: &Coder| filter(coder).is_some() && coder.properties().iter().any(|byte| *byte != 0);
    chain().count() == block.coders.len()
        && chain().any(|coder| OWN.contains(&coder.encoder_method_id()) || starts_elsewhere(coder))
}

/// The packed bytes of a block.
pub(super) fn packed<'a>(archive: &Archive, block: usize, bytes: &'a [u8]) -> &'a [u8] {
    let streams = &archive.stream_map;
    let place = || {
        let stream = *streams.block_first_pack_stream_index().get(block)?;
        let offset = streams.pack_stream_offsets().get(stream)?.checked_add(archive.pack_pos())?;
        Some((offset.checked_add(START)?, *archive.pack_sizes().get(stream)?))
    };
    place().map_or(&[], |(offset, length)| clipped(bytes, offset, length))
}

/// How many streams are packed for a block, and how many bytes they have.
pub(super) fn packed_lengths(archive: &Archive, block: usize) -> (usize, u64) {
    let starts = archive.stream_map.block_first_pack_stream_index();
    let start = starts.get(block).copied().unwrap_or(0);
    let end = block.checked_add(1).and_then(|next| starts.get(next).copied());
    let lengths = archive.pack_sizes().get(start..end.unwrap_or(archive.pack_sizes().len()));
    let lengths = lengths.unwrap_or_default();
    (lengths.len(), lengths.iter().copied().fold(0, u64::saturating_add))
}

/// What a block says of its encryption, which has to be undone first.
struct Encryption<'a> {
    index: usize,
    power: u8,
    salt: &'a [u8],
    vector: &'a [u8],
}

impl<'a> Encryption<'a> {
    fn of(block: &'a Block) -> Result<Self, Reason> {
        let read = || {
            let (index, coder) = block.ordered_coder_iter().next()?;
            let mut properties = Reader::little(coder.properties());
            let (first, second) = (properties.u8()?, properties.u8()?);
            let salt = properties.take(u64::from((first >> 7).saturating_add(second >> 4)))?;
            let vector = properties.take(u64::from((first >> 6 & 1).saturating_add(second & 15)))?;
            Some(Self { index, power: first & 0x3f, salt, vector })
        };
        read().ok_or_else(malformed_encryption)
    }
}

fn malformed_encryption() -> Reason {
    Reason::Malformed("7z: the properties of an encryption".to_owned())
}

/// The key that a password is for a block.
pub(super) fn key(block: &Block, password: &Password) -> Result<Vec<u8>, Reason> {
    let Encryption { power, salt, .. } = Encryption::of(block)?;
    Ok(match power {
        PLAIN_KEY => {
            let mut key: Vec<u8> = salt.iter().chain(password.as_slice()).copied().collect();
            key.resize(32, 0);
            key
        }
        0..=ROUNDS => {
            let mut hash = Sha256::new();
            for round in 0..1_u64 << power {
                hash.update(salt);
                hash.update(password.as_slice());
                hash.update(round.to_le_bytes());
            }
            hash.finalize().to_vec()
        }
        _ => return Err(Reason::Unsupported("7z: a key of so many rounds".to_owned())),
    })
}

/// What stands below the encryption of a block under a key.
pub(super) fn decrypted(block: &Block, packed: &[u8], key: &[u8]) -> Result<Vec<u8>, Reason> {
    let Encryption { index, vector, .. } = Encryption::of(block)?;
    let mut plain = cipher::aes_chained(key, vector, packed).ok_or_else(malformed_encryption)?;
    plain.truncate(usize::try_from(block.get_unpack_size_at_index(index)).unwrap_or(usize::MAX));
    Ok(plain)
}

/// What making the decoder costs when `most` bytes are decoded, in the units of [`candor_model::Budget::pay_work`].
pub(super) fn work(block: &Block, most: u64) -> u64 {
    let coders = block.ordered_coder_iter().skip_while(|(_, coder)| coder.encoder_method_id() == AES);
    coders
        .enumerate()
        .filter(|(_, (_, coder))| coder.encoder_method_id() == PPMD)
        .filter_map(|(place, (index, coder))| {
            let mut properties = Reader::little(coder.properties());
            let (order, asked) = (u32::from(properties.u8()?), properties.u32()?);
            // What another method gives is not had twice, so that the model cannot grow.
            let length = block.get_unpack_size_at_index(index).min(most);
            Some(if place == 0 { ppmd::work(order, asked, length) } else { ppmd::at_once(asked) })
        })
        .fold(0, u64::saturating_add)
}

/// As much of `plain` as can be paid for, and whether that is all.
pub(super) fn affordable<'a>(block: &Block, plain: &'a [u8], budget: &mut Budget) -> (&'a [u8], bool) {
    let is_zstd = block.ordered_coder_iter().any(|(_, coder)| coder.encoder_method_id() == ZSTD);
    if is_zstd { codec::affordable(plain, Method::Zstd, budget) } else { (plain, true) }
}

/// What the bytes of a block cost beside the decisions of LZMA.
pub(super) fn price(block: &Block) -> Price {
    match () {
        () if has(block, PPMD) => Price::of(ppmd::DECODING),
        () if has(block, BZIP2) => codec::SORTED,
        () => Price::of(0),
    }
}

/// What they cost where the library decodes them, which does not tell of decisions: of an archive in which so many are packed for
/// the block, in as many streams.
pub(super) fn library_price(block: &Block, (streams, packed): (usize, u64), budget: &mut Budget) -> Price {
    let is_packing = |coder: &&Coder| ![AES, COPY, DELTA].contains(&coder.encoder_method_id());
    let packing = block.coders.iter().filter(|coder| filter(coder).is_none()).filter(is_packing).count();
    match () {
        () if !is_coded(block) => price(block),
        // Of what another method gives nobody knows how much it is.
        () if packing > streams => Price::of(codec::RANGES.byte),
        () if has(block, PPMD) => price(block),
        () => Price::coded(codec::RANGES, packed, budget),
    }
}

/// What pays for the decisions of a block for which so many bytes are packed, and for blocks of other methods.
pub(super) fn pace(block: &Block, packed: u64, budget: &mut Budget) -> Pace {
    if is_coded(block) { Pace::coding(packed, budget) } else { Pace::on(budget) }
}

fn is_coded(block: &Block) -> bool {
    has(block, LZMA) || has(block, LZMA2)
}

fn has(block: &Block, wanted: &[u8]) -> bool {
    block.coders.iter().any(|coder| coder.encoder_method_id() == wanted)
}

/// What `plain`, that is not encrypted any more, unpacks to. What its blocks cost is on `pace` where a method does not tell.
pub(super) fn decoder<'a>(block: &Block, plain: &'a [u8], pace: &Pace) -> Result<Decoder<'a>, Reason> {
    // Dictionaries and models of all methods together.
    let mut memory = u64::try_from(MEMORY).unwrap_or(u64::MAX).saturating_mul(1024);
    let mut source = Source::Bytes(plain);
    for (place, (index, coder)) in block.ordered_coder_iter().enumerate() {
        if place == 0 && coder.encoder_method_id() == AES {
            continue;
        }
        let length = block.get_unpack_size_at_index(index);
        source = Source::Stream(undone(coder, length, source, &mut memory, pace)?);
    }
    Ok(source.stream())
}

enum Source<'a> {
    Bytes(&'a [u8]),
    Stream(Decoder<'a>),
}

impl<'a> Source<'a> {
    fn stream(self) -> Decoder<'a> {
        match self {
            Self::Bytes(bytes) => Box::new(bytes),
            Self::Stream(stream) => stream,
        }
    }

    fn lzma(self, properties: u8, dictionary: u32, length: u64, pace: &Pace) -> Decoder<'a> {
        match self {
            Self::Bytes(bytes) => codec::lzma(bytes, properties, dictionary, length, pace),
            Self::Stream(stream) => codec::lzma(BufReader::new(stream), properties, dictionary, length, pace),
        }
    }

    fn lzma2(self, dictionary: u32, pace: &Pace) -> Decoder<'a> {
        match self {
            Self::Bytes(bytes) => codec::lzma2(bytes, dictionary, pace),
            Self::Stream(stream) => codec::lzma2(BufReader::new(stream), dictionary, pace),
        }
    }
}

fn undone<'a>(
    coder: &Coder,
    length: u64,
    source: Source<'a>,
    memory: &mut u64,
    pace: &Pace,
) -> Result<Decoder<'a>, Reason> {
    if let Some(filter) = filter(coder) {
        let start = Reader::little(coder.properties()).u32().unwrap_or(0);
        return Ok(Box::new(filter(source.stream(), usize::try_from(start).unwrap_or(0))));
    }
    let malformed = || Reason::Malformed("7z: the properties of a method".to_owned());
    let mut afford = |bytes: u64| {
        *memory = memory
            .checked_sub(bytes)
            .ok_or_else(|| Reason::Unsupported("7z: a dictionary of this size".to_owned()))?;
        Ok(())
    };
    let mut properties = Reader::little(coder.properties());
    Ok(match coder.encoder_method_id() {
        COPY => source.stream(),
        DELTA => {
            let distance = usize::from(properties.u8().unwrap_or(0)).saturating_add(1);
            Box::new(DeltaReader::new(source.stream(), distance))
        }
        LZMA2 => {
            let dictionary = match properties.u8().ok_or_else(malformed)? {
                bits @ 0..=39 => (2 | u32::from(bits & 1)) << (bits / 2).saturating_add(11),
                _ => u32::MAX,
            };
            afford(u64::from(dictionary))?;
            source.lzma2(dictionary, pace)
        }
        LZMA => {
            let kind = properties.u8().ok_or_else(malformed)?;
            let dictionary = properties.u32().ok_or_else(malformed)?;
            afford(u64::from(dictionary))?;
            source.lzma(kind, dictionary, length, pace)
        }
        PPMD => {
            let order = u32::from(properties.u8().ok_or_else(malformed)?);
            let model = properties.u32().ok_or_else(malformed)?;
            afford(u64::from(model))?;
            let refused = |error| Reason::Malformed(format!("7z: {error}"));
            match source {
                Source::Bytes(bytes) => {
                    let make = move |memory| -> Result<Decoder<'a>, ppmd_rust::Error> {
                        Ok(Box::new(Ppmd7Decoder::new(bytes, order, memory)?))
                    };
                    Box::new(Growing::new(order, model, length, Box::new(make)).map_err(refused)?)
                }
                Source::Stream(stream) => {
                    Box::new(Ppmd7Decoder::new(stream, order, model).map_err(refused)?.take(length))
                }
            }
        }
        BZIP2 => codec::bzip2_stream(BufReader::new(source.stream())),
        [4, 1, 8] => codec::deflate(BufReader::new(source.stream())),
        [4, 1, 9] => codec::deflate64(BufReader::new(source.stream())),
        [2, 3, 2] => Box::new(Swapped::new(source.stream(), 2)),
        [2, 3, 4] => Box::new(Swapped::new(source.stream(), 4)),
        [4, 0xf7, 0x11, method @ (1 | 2 | 4)] => match (method, source) {
            (1, Source::Bytes(bytes)) => codec::zstd(bytes, pace),
            (1, Source::Stream(stream)) => codec::zstd_frame(stream),
            (2, Source::Bytes(bytes)) => brotli::frames(bytes, pace),
            (2, Source::Stream(stream)) => brotli::stream(stream, pace),
            (_, Source::Bytes(bytes)) => Box::new(Lz4::new(bytes)),
            (_, Source::Stream(_)) => {
                return Err(Reason::Unsupported("7z: LZ4 behind another method".to_owned()));
            }
        },
        other => {
            let digits: String = other.iter().map(|byte| format!("{byte:02x}")).collect();
            return Err(Reason::Unsupported(format!("7z: the method {digits}")));
        }
    })
}

type Filter<'a> = fn(Decoder<'a>, usize) -> BcjReader<Decoder<'a>>;

/// The filter for programs that a coder is.
fn filter<'a>(coder: &Coder) -> Option<Filter<'a>> {
    Some(match coder.encoder_method_id() {
        [3, 3, 1, 3] => BcjReader::new_x86,
        [3, 3, 2, 5] => BcjReader::new_ppc,
        [3, 3, 4, 1] => BcjReader::new_ia64,
        [3, 3, 5, 1] => BcjReader::new_arm,
        [3, 3, 7, 1] => BcjReader::new_arm_thumb,
        [3, 3, 8, 5] => BcjReader::new_sparc,
        [10] => BcjReader::new_arm64,
        [11] => BcjReader::new_riscv,
        _ => return None,
    })
}

/// Words of two or four bytes with their bytes in the other order; what does not fill one at the end is as it was.
struct Swapped<'a> {
    source: Decoder<'a>,
    width: usize,
    held: Vec<u8>,
    at: usize,
}

impl<'a> Swapped<'a> {
    const fn new(source: Decoder<'a>, width: usize) -> Self {
        Self { source, width, held: Vec::new(), at: 0 }
    }
}

impl Read for Swapped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.held.len() {
            self.held.clear();
            self.at = 0;
            self.source.by_ref().take(8192).read_to_end(&mut self.held)?;
            self.held.chunks_exact_mut(self.width).for_each(<[u8]>::reverse);
        }
        let read = self.held.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}

/// A member of a block, which is in front of the next one.
pub(super) struct Part<'d, R> {
    source: &'d mut R,
    left: u64,
    sum: Crc,
    expected: Option<u32>,
    pub(super) has_ended: bool,
}

impl<'d, R: Read> Part<'d, R> {
    /// The next `length` bytes, and the checksum that they should have.
    pub(super) fn new(source: &'d mut R, length: u64, expected: Option<u32>) -> Self {
        Self { source, left: length, sum: Crc::new(), expected, has_ended: false }
    }
}

impl<R: Read> Read for Part<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.has_ended = true;
            return match self.expected.take().filter(|expected| *expected != self.sum.sum()) {
                Some(_) => Err(io::Error::new(ErrorKind::InvalidData, "the checksum of a member is wrong")),
                None => Ok(0),
            };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let slot = buffer.get_mut(..most).unwrap_or_default();
        let read = self.source.read(slot)?;
        if read == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "a member is cut short"));
        }
        self.sum.update(slot.get(..read).unwrap_or_default());
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}
