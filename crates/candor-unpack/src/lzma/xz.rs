//! Streams of xz: blocks of LZMA2, which filters may stand behind, and a list of them.

use std::cell::Cell;
use std::io::{self, BufRead, ErrorKind, Read};
use std::rc::Rc;

use crc64fast::Digest as Crc64;
use flate2::Crc;
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;
use sha2::{Digest as _, Sha256};

use super::Lzma2;
use crate::codec::Decoder;
use crate::pace::Pace;
use crate::reader::Reader;
use crate::work::units;

/// What every stream begins with, and ends with.
const MAGIC: &[u8] = b"\xfd7zXZ\0";
const END: [u8; 2] = *b"YZ";

/// What beginning and ending a block costs, in the units of [`Pace`].
const BLOCK: u64 = 300;
/// Filters of a block, at most.
const FILTERS: usize = 4;

/// Bytes that are left of a file, for those who read it in turn.
#[derive(Clone, Debug)]
struct Shared<'a>(Rc<Cell<&'a [u8]>>);

impl<'a> Shared<'a> {
    /// The next bytes.
    fn next(&self, count: u64) -> io::Result<&'a [u8]> {
        let mut reader = Reader::little(self.0.get());
        let taken = reader.take(count).ok_or(ErrorKind::UnexpectedEof)?;
        self.0.set(reader.rest());
        Ok(taken)
    }
}

impl Read for Shared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.0.get();
        let read = bytes.read(buffer)?;
        self.0.set(bytes);
        Ok(read)
    }
}

impl BufRead for Shared<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.0.get())
    }

    fn consume(&mut self, count: usize) {
        self.0.set(self.0.get().get(count..).unwrap_or_default());
    }
}

/// The checksum of a block.
enum Sum {
    Crc32(Crc),
    Crc64(Crc64),
    Sha256(Box<Sha256>),
    /// None, or one that nobody has described.
    Unknown,
}

impl Sum {
    fn of(kind: u8) -> Self {
        match kind {
            1 => Self::Crc32(Crc::new()),
            4 => Self::Crc64(Crc64::new()),
            10 => Self::Sha256(Box::default()),
            _ => Self::Unknown,
        }
    }

    /// How many bytes one of this kind has.
    const fn length(kind: u8) -> u64 {
        match kind {
            0 => 0,
            1..=3 => 4,
            4..=6 => 8,
            7..=9 => 16,
            10..=12 => 32,
            _ => 64,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(sum) => sum.update(bytes),
            Self::Crc64(sum) => sum.write(bytes),
            Self::Sha256(sum) => sum.update(bytes),
            Self::Unknown => {}
        }
    }

    /// Whether it is what stands behind the block.
    fn is(self, told: &[u8]) -> bool {
        match self {
            Self::Crc32(sum) => sum.sum().to_le_bytes() == told,
            Self::Crc64(sum) => sum.sum64().to_le_bytes() == told,
            Self::Sha256(sum) => sum.finalize().as_slice() == told,
            Self::Unknown => true,
        }
    }
}

/// A block that is read.
struct Block<'a> {
    decoder: Decoder<'a>,
    sum: Sum,
    made: u64,
    /// What was left of the file in front of it, and how long its header is.
    start: &'a [u8],
    header: u64,
    /// What the header says of its lengths, packed and not.
    packed: Option<u64>,
    unpacked: Option<u64>,
}

impl<'a> Block<'a> {
    /// What stands behind its data, when its header says how much these are, and they are there.
    fn end(&self) -> Option<&'a [u8]> {
        let mut reader = Reader::little(self.start);
        reader.skip(self.header)?;
        reader.skip(self.packed?)?;
        Some(reader.rest())
    }
}

/// One stream of xz.
pub(crate) struct Xz<'a> {
    rest: Shared<'a>,
    /// What the header says, when it was read; the second byte is the kind of the checksums of blocks.
    flags: Option<[u8; 2]>,
    block: Option<Block<'a>>,
    /// Of the lengths of blocks, and how many there were.
    lengths: Crc,
    blocks: u64,
    /// Whether a block was not what its checksum says.
    is_wrong: bool,
    pace: Pace,
}

impl<'a> Xz<'a> {
    /// The one at the start of `bytes`. What it decides is paid for on `pace`.
    pub(crate) fn new(bytes: &'a [u8], pace: Pace) -> Self {
        Self {
            rest: Shared(Rc::new(Cell::new(bytes))),
            flags: None,
            block: None,
            lengths: Crc::new(),
            blocks: 0,
            is_wrong: false,
            pace,
        }
    }

    /// What stands behind what was read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest.0.get()
    }

    /// Whether a stream that ended was what its checksums say.
    pub(crate) const fn is_sound(&self) -> bool {
        !self.is_wrong
    }

    /// Reads the header of the stream.
    fn begin(&mut self) -> io::Result<[u8; 2]> {
        let header = self.rest.next(12)?;
        let Some(([_, _, _, _, _, _, first, second], sum)) = header.split_first_chunk() else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        if !header.starts_with(MAGIC) || *first != 0 || second >> 4 != 0 {
            return Err(damaged("the header of a stream"));
        }
        let flags = [*first, *second];
        self.is_wrong |= !is_sum_of(&flags, sum);
        self.flags = Some(flags);
        Ok(flags)
    }

    /// Begins the next block; `false` when there is none.
    fn next(&mut self, kind: u8) -> io::Result<bool> {
        self.pace.pay(BLOCK)?;
        let start = self.rest();
        let &[first, ..] = self.rest() else { return Err(ErrorKind::UnexpectedEof.into()) };
        if first == 0 {
            return self.end().map(|()| false);
        }
        let length = u64::from(first).saturating_add(1).saturating_mul(4);
        let header = self.rest.next(length)?;
        let Some((header, sum)) = header.split_last_chunk::<4>() else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        if !is_sum_of(header, sum) {
            return Err(damaged("the header of a block"));
        }
        let mut reader = Reader::little(header);
        let wrong = || damaged("the header of a block");
        let flags = reader.skip(1).and_then(|()| reader.u8()).ok_or_else(wrong)?;
        let mut length_if = |flag: u8| (flags & flag != 0).then(|| number(&mut reader)).transpose();
        let (packed, unpacked) = (length_if(0x40)?, length_if(0x80)?);
        let count = usize::from(flags & 3).saturating_add(1);
        let mut filters = Vec::with_capacity(FILTERS);
        for _ in 0..count {
            let (id, length) = (number(&mut reader)?, number(&mut reader)?);
            filters.push((id, reader.take(length).ok_or_else(wrong)?));
        }
        let mut decoder: Option<Decoder<'a>> = None;
        for (id, properties) in filters.into_iter().rev() {
            let source = decoder.take();
            decoder = Some(match source {
                None => self.lzma2(id, properties)?,
                Some(source) => filter(id, properties, source)?,
            });
        }
        let decoder = decoder.ok_or_else(wrong)?;
        let sum = Sum::of(kind);
        self.block = Some(Block { decoder, sum, made: 0, start, header: length, packed, unpacked });
        Ok(true)
    }

    fn lzma2(&self, id: u64, properties: &[u8]) -> io::Result<Decoder<'a>> {
        let dictionary = match (id, properties) {
            (0x21, [bits @ 0..=39]) => (2 | u32::from(bits & 1)) << (bits / 2).saturating_add(11),
            (0x21, [40]) => u32::MAX,
            (0x21, _) => return Err(damaged("the properties of a filter")),
            _ => return Err(unsupported(id)),
        };
        Ok(Box::new(Lzma2::new(self.rest.clone(), dictionary, self.pace.clone())))
    }

    /// Reads what stands behind the content of a block.
    fn leave(&mut self, kind: u8) -> io::Result<()> {
        let Some(block) = self.block.take() else { return Ok(()) };
        let packed = units(block.start.len().saturating_sub(self.rest().len())).saturating_sub(block.header);
        let padding = packed.wrapping_neg() & 3;
        let padding = self.rest.next(padding)?;
        let length = Sum::length(kind);
        let sum = self.rest.next(length)?;
        let is_as_told = block.packed.is_none_or(|told| told == packed)
            && block.unpacked.is_none_or(|told| told == block.made);
        self.is_wrong |= !block.sum.is(sum) || !is_as_told || padding.iter().any(|byte| *byte != 0);
        let unpadded = block.header.saturating_add(packed).saturating_add(length);
        self.add([unpadded, block.made]);
        Ok(())
    }

    fn add(&mut self, lengths: [u64; 2]) {
        self.blocks = self.blocks.saturating_add(1);
        for length in lengths {
            self.lengths.update(&length.to_le_bytes());
        }
    }

    /// Reads the list of blocks and the end of the stream.
    fn end(&mut self) -> io::Result<()> {
        let whole = self.rest();
        let mut reader = Reader::little(whole);
        let cut = || io::Error::from(ErrorKind::UnexpectedEof);
        reader.skip(1).ok_or_else(cut)?;
        let count = number(&mut reader)?;
        let mut told = Crc::new();
        // Each takes two bytes at least.
        for _ in 0..count {
            for _ in 0..2 {
                told.update(&number(&mut reader)?.to_le_bytes());
            }
        }
        let taken = units(whole.len().saturating_sub(reader.rest().len()));
        reader.take(taken.wrapping_neg() & 3).ok_or_else(cut)?;
        let list = whole.get(..whole.len().saturating_sub(reader.rest().len())).unwrap_or_default();
        let sum = reader.take(4).ok_or_else(cut)?;
        self.is_wrong |= !is_sum_of(list, sum) || count != self.blocks || told.sum() != self.lengths.sum();
        let footer = reader.take(12).ok_or_else(cut)?;
        let Some((sum, [size @ .., first, second, y, z])) = footer.split_first_chunk::<4>() else {
            return Err(cut());
        };
        let length = units(list.len()).saturating_add(4) / 4;
        let told = Reader::little(size).u32().map_or(0, |told| u64::from(told).saturating_add(1));
        let said = footer.get(4..10).unwrap_or_default();
        let is_end = self.flags == Some([*first, *second]) && [*y, *z] == END && told == length;
        self.is_wrong |= !is_sum_of(said, sum) || !is_end;
        self.rest.0.set(reader.rest());
        Ok(())
    }
}

impl Read for Xz<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let [_, kind] = match self.flags {
            Some(flags) => flags,
            None => self.begin()?,
        };
        loop {
            if let Some(block) = &mut self.block {
                let read = match block.decoder.read(buffer) {
                    // The next one is read where it is known to begin.
                    Err(error) if error.kind() != ErrorKind::QuotaExceeded => match block.end() {
                        Some(end) => {
                            self.is_wrong = true;
                            self.rest.0.set(end);
                            0
                        }
                        None => return Err(error),
                    },
                    read => read?,
                };
                if read > 0 {
                    block.sum.update(buffer.get(..read).unwrap_or_default());
                    block.made = block.made.saturating_add(units(read));
                    return Ok(read);
                }
                self.leave(kind)?;
            }
            if !self.next(kind)? {
                return Ok(0);
            }
        }
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("damaged xz: {what}"))
}

fn unsupported(id: u64) -> io::Error {
    io::Error::new(ErrorKind::Unsupported, format!("xz: the filter {id:x}"))
}

fn is_sum_of(bytes: &[u8], sum: &[u8]) -> bool {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes() == sum
}

/// A number in groups of seven bits, the lowest first.
fn number(reader: &mut Reader<'_>) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = reader.u8().ok_or(ErrorKind::UnexpectedEof)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(damaged("a number"))
}

/// What a filter makes of `source`.
fn filter<'a>(id: u64, properties: &[u8], source: Decoder<'a>) -> io::Result<Decoder<'a>> {
    let start = || match properties {
        [] => Some(0),
        properties => usize::try_from(Reader::little(properties).u32()?).ok(),
    };
    let make = match id {
        3 => {
            let &[distance] = properties else { return Err(damaged("the properties of a filter")) };
            return Ok(Box::new(DeltaReader::new(source, usize::from(distance).saturating_add(1))));
        }
        4 => BcjReader::new_x86,
        5 => BcjReader::new_ppc,
        6 => BcjReader::new_ia64,
        7 => BcjReader::new_arm,
        8 => BcjReader::new_arm_thumb,
        9 => BcjReader::new_sparc,
        10 => BcjReader::new_arm64,
        11 => BcjReader::new_riscv,
        _ => return Err(unsupported(id)),
    };
    let start = start().ok_or_else(|| damaged("the properties of a filter"))?;
    Ok(Box::new(make(source, start)))
}
