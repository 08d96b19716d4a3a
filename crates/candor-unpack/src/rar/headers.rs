//! The blocks of an archive since version 1.5, as far as they are not encrypted: a header each, most with data behind it.
//!
//! ```text
//! 1.5: 0  checksum, kind, flags (2), length of the header (2), length of the data (4 where flags say so; 8)
//! 5:   0  checksum (4), length of what follows, kind, flags, length of records, length of the data; records last
//! ```

use std::ops::Range;

use memchr::memmem;

use super::HEADERS;
use crate::crc;
use crate::reader::{Reader, clipped};
use crate::work::units;

/// What archives since 1.5 begin with; a zero follows, and in version 5 a one before it.
const MARK: &[u8] = b"Rar!\x1a\x07";

/// With how many zeros a packed file goes on at most that is cut short.
const ZEROS: u64 = 15 << 20;

/// A header with what it says, and as much of its data as there is.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    pub(super) header: &'a [u8],
    /// What stands in the header of version 5 behind the lengths, without records, and its records.
    pub(super) fields: &'a [u8],
    pub(super) records: &'a [u8],
    pub(super) data: &'a [u8],
    /// How much data there should be, and where in the header that is said.
    length: u64,
    place: Range<usize>,
}

/// What a header says of a file.
struct File {
    /// Where its real length stands, and what it is.
    place: Range<usize>,
    length: u64,
    is_stored: bool,
}

impl Block<'_> {
    /// That of a file whose data are cut short.
    fn cut(&self, is_new: bool) -> Option<File> {
        let is_cut = self.kind == Kind::File && units(self.data.len()) < self.length;
        if is_cut && is_new {
            self.new_file()
        } else if is_cut {
            let length = u64::from(Reader::little(self.header.get(11..15)?).u32()?);
            let is_wide = self.place.len() > 4;
            let place = 11..if is_wide { 40 } else { 15 };
            Some(File { place, length, is_stored: self.header.get(25) == Some(&0x30) })
        } else {
            None
        }
    }

    fn new_file(&self) -> Option<File> {
        let mut fields = Reader::little(self.fields);
        let flags = number(&mut fields)?;
        let start = fields.position();
        let length = number(&mut fields)?;
        let end = fields.position();
        number(&mut fields)?;
        // A time, and a checksum.
        fields.skip((flags & 2).saturating_mul(2).saturating_add(flags & 4))?;
        let method = number(&mut fields)? >> 7 & 7;
        let before = self.place.end;
        let place = before.checked_add(start)?..before.checked_add(end)?;
        Some(File { place, length, is_stored: method == 0 })
    }
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The archive itself.
    Archive,
    File,
    /// A comment and the like.
    Service,
    /// How all that follows is encrypted.
    Encryption,
    End,
    Other,
}

/// The blocks of an archive, up to the first that is cut short, or from which on all are encrypted.
#[derive(Clone, Debug)]
pub(super) struct Blocks<'a> {
    reader: Reader<'a>,
    pub(super) is_new: bool,
    left: u64,
}

impl<'a> Blocks<'a> {
    /// Those of the first archive in `bytes`.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let start = memmem::find_iter(bytes, MARK).find_map(|start| {
            match bytes.get(start.checked_add(MARK.len())?..)? {
                [0, rest @ ..] => Some((rest, false)),
                [1, 0, rest @ ..] => Some((rest, true)),
                _ => None,
            }
        });
        start.map(|(rest, is_new)| Self { reader: Reader::little(rest), is_new, left: HEADERS })
    }

    fn old_block(&mut self) -> Option<Block<'a>> {
        /// Header flags: the header of the archive says that all others are encrypted; the length of the data follows; and
        /// has eight bytes in a header of a file.
        const ENCRYPTED: u16 = 0x80;
        const DATA: u16 = 0x8000;
        const LARGE: u16 = 0x100;
        let rest = self.reader.rest();
        let mut fields = Reader::little(rest);
        fields.skip(2)?;
        let (kind, flags, length) = (fields.u8()?, fields.u16()?, fields.u16()?);
        let header = self.reader.take(u64::from(length)).filter(|header| header.len() >= 7)?;
        let is_file = matches!(kind, 0x74 | 0x7a);
        let (low, high) = (header.get(7..11), header.get(32..36));
        let number =
            |bytes: Option<&[u8]>| bytes.and_then(|bytes| Reader::little(bytes).u32()).map(u64::from);
        let (length, place) = match (is_file || flags & DATA != 0, is_file && flags & LARGE != 0) {
            (false, _) => (0, 0..0),
            (true, false) => (number(low)?, 7..11),
            (true, true) => (number(low)? | number(high)? << 32, 7..36),
        };
        let kind = match kind {
            0x73 if flags & ENCRYPTED != 0 => Kind::Encryption,
            0x73 => Kind::Archive,
            0x74 => Kind::File,
            0x72 | 0x75..=0x7a => Kind::Service,
            0x7b => Kind::End,
            _ => return None,
        };
        Some(Block { kind, header, fields: &[], records: &[], data: &[], length, place })
    }

    fn new_block(&mut self) -> Option<Block<'a>> {
        let start = self.reader.rest();
        self.reader.skip(4)?;
        let length = number(&mut self.reader)?;
        let content = self.reader.take(length)?;
        let header = start.get(..start.len().checked_sub(self.reader.rest().len())?)?;
        let mut fields = Reader::little(content);
        let (kind, flags) = (number(&mut fields)?, number(&mut fields)?);
        let records = if flags & 1 == 0 { 0 } else { number(&mut fields)? };
        let before = header.len().checked_sub(fields.rest().len())?;
        let length = if flags & 2 == 0 { 0 } else { number(&mut fields)? };
        let place = before..header.len().checked_sub(fields.rest().len())?;
        let most = u64::try_from(fields.rest().len()).unwrap_or(u64::MAX);
        let records = usize::try_from(records.min(most)).unwrap_or(0);
        let (fields, records) = fields.rest().split_at_checked(fields.rest().len().checked_sub(records)?)?;
        let kind = match kind {
            1 => Kind::Archive,
            2 => Kind::File,
            3 => Kind::Service,
            4 => Kind::Encryption,
            5 => Kind::End,
            0 => return None,
            _ => Kind::Other,
        };
        Some(Block { kind, header, fields, records, data: &[], length, place })
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        self.left = self.left.checked_sub(1)?;
        let block = if self.is_new { self.new_block() } else { self.old_block() };
        let mut block = block.or_else(|| {
            self.left = 0;
            None
        })?;
        block.data = clipped(self.reader.rest(), 0, block.length);
        if self.reader.skip(block.length).is_none() || matches!(block.kind, Kind::Encryption | Kind::End) {
            self.left = 0;
        }
        Some(block)
    }
}

/// A copy of an archive that the library refuses: with its headers as far as they can be read, whether their checksums are
/// right or not, and with lengths of data that there are. Nothing when what follows is encrypted.
///
/// The library gives nothing of a packed file before it has the whole, or of a block in version 5, so what is cut short goes
/// on with zeros, which unpack to something.
pub(super) fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let blocks = Blocks::of(bytes)?;
    let is_new = blocks.is_new;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend(MARK);
    out.extend(if is_new { &[1, 0][..] } else { &[0] });
    let mut has_files = false;
    for block in blocks {
        if block.kind == Kind::Encryption {
            return None;
        }
        has_files |= block.kind == Kind::File;
        let mut places = vec![block.place.clone()];
        let mut zeros = 0;
        match block.cut(is_new) {
            Some(file) if file.is_stored => places.push(file.place),
            Some(file) => {
                let missing = if is_new { missing(block.data) } else { file.length };
                zeros = usize::try_from(missing.min(ZEROS)).ok()?;
            }
            None => (),
        }
        let header = if is_new { new_header } else { old_header };
        out.extend(header(block.header, &places, block.data.len().checked_add(zeros)?)?);
        out.extend(block.data);
        out.resize(out.len().checked_add(zeros)?, 0);
    }
    has_files.then_some(out)
}

/// A block of packed data of version 5: whether it begins with tables, and how long it is behind its header: flags, a
/// checksum, the length.
pub(super) fn packed_block(reader: &mut Reader<'_>) -> Option<(bool, u64)> {
    let flags = reader.u8()?;
    reader.skip(1)?;
    let mut length = 0_u64;
    for shift in (0..=flags >> 3 & 3).map(|number| u32::from(number).wrapping_mul(8)) {
        length |= u64::from(reader.u8()?).wrapping_shl(shift);
    }
    Some((flags & 0x80 != 0, length))
}

/// How many bytes the last block of packed data lacks.
fn missing(data: &[u8]) -> u64 {
    let mut reader = Reader::little(data);
    while let Some((_, length)) = packed_block(&mut reader) {
        if reader.skip(length).is_none() {
            return length.saturating_sub(units(reader.rest().len()));
        }
    }
    0
}

/// A header of version 5 with another length at these places, one behind the other.
fn new_header(header: &[u8], places: &[Range<usize>], length: usize) -> Option<Vec<u8>> {
    let mut reader = Reader::little(header);
    reader.skip(4)?;
    number(&mut reader)?;
    let mut position = reader.position();
    let mut content = Vec::new();
    for place in places.iter().filter(|place| !place.is_empty()) {
        content.extend(header.get(position..place.start)?);
        content.extend(written(length));
        position = place.end;
    }
    content.extend(header.get(position..)?);
    let checked = [written(content.len()), content].concat();
    Some([crc::of_content(&checked).to_le_bytes().to_vec(), checked].concat())
}

/// A header of versions before 5 with another length at these places: in four bytes, or in the first and the last four.
fn old_header(header: &[u8], places: &[Range<usize>], length: usize) -> Option<Vec<u8>> {
    let mut header = header.to_vec();
    let [low, high] = [length & 0xffff_ffff, length.checked_shr(32).unwrap_or(0)]
        .map(|half| u32::try_from(half).unwrap_or(u32::MAX).to_le_bytes());
    for place in places.iter().filter(|place| !place.is_empty()) {
        let place = header.get_mut(place.clone())?;
        let is_wide = place.len() > 4;
        *place.first_chunk_mut()? = low;
        if is_wide {
            *place.last_chunk_mut()? = high;
        }
    }
    let (low, checked) = header.split_first_chunk_mut::<2>()?;
    [low[0], low[1], ..] = crc::of_content(checked).to_le_bytes();
    Some(header)
}

/// A number in as few groups of seven bits as it takes.
fn written(number: usize) -> Vec<u8> {
    let mut rest = number;
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        bytes.push(low & 0x7f | u8::from(rest > 0) << 7);
        if rest == 0 {
            return bytes;
        }
    }
}

/// A number in groups of seven bits, the lowest first.
pub(super) fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let byte = reader.u8()?;
        number |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
