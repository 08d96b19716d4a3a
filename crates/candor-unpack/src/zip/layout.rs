//! The records of a ZIP archive.

use std::collections::VecDeque;

use memchr::memmem;

use super::crypto::Aes;
use crate::reader::{Reader, clipped};

/// How a local header starts.
pub(super) const LOCAL: &[u8] = b"PK\x03\x04";

/// How a row of the central directory starts.
const ROW: &[u8] = b"PK\x01\x02";

/// What a header says about a member.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    /// Time of the last change, as MS-DOS writes it: a wrong password shows in it.
    pub(super) time: u16,
    /// Set for members that are encrypted with AES.
    pub(super) aes: Option<Aes>,
    pub(super) is_encrypted: bool,
    /// Whether sizes and checksum come behind the data.
    pub(super) has_descriptor: bool,
    pub(super) crc32: u32,
    pub(super) compressed: u64,
    pub(super) real: u64,
    /// Where the local header stands, counted from the start of the archive in the central directory and
    /// from the start of the file in the local header itself.
    pub(super) header: u64,
    /// Where the data stands in the file; 0 in the central directory.
    pub(super) data: u64,
}

impl Entry {
    /// The next row of the central directory.
    pub(super) fn central(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.take(4)? != ROW {
            return None;
        }
        reader.skip(4)?;
        let mut entry = Self::common(reader)?;
        let (name, extra, comment) = (reader.u16()?, reader.u16()?, reader.u16()?);
        reader.skip(8)?;
        entry.header = u64::from(reader.u32()?);
        entry.name = reader.take(u64::from(name))?.to_vec();
        // A cut extra field or comment must not hide the row.
        let extra_field = clipped(reader.rest(), 0, u64::from(extra));
        entry.widen(extra_field);
        reader.skip(u64::from(extra).saturating_add(u64::from(comment)));
        Some(entry)
    }

    /// The local header at `reader`.
    pub(super) fn local(mut reader: Reader<'_>) -> Option<Self> {
        let header = u64::try_from(reader.position()).ok()?;
        if reader.take(4)? != LOCAL {
            return None;
        }
        reader.skip(2)?;
        let mut entry = Self { header, ..Self::common(&mut reader)? };
        let (name, extra) = (reader.u16()?, reader.u16()?);
        entry.name = clipped(reader.rest(), 0, u64::from(name)).to_vec();
        let behind = u64::from(name).saturating_add(u64::from(extra));
        entry.widen(clipped(reader.rest(), u64::from(name), u64::from(extra)));
        entry.data = u64::try_from(reader.position()).ok()?.checked_add(behind)?;
        Some(entry)
    }

    /// What the checksum of the content should be, where the header says it: one that leaves it to a descriptor does not, nor
    /// one under the second version of AES, nor one that is masked.
    pub(super) fn checksum(&self) -> Option<u32> {
        let is_left_out = self.crc32 == 0 && (self.has_descriptor || self.aes.is_some());
        (!is_left_out && self.flags & 0x2000 == 0).then_some(self.crc32)
    }

    /// From the flags to the real size: the part that both headers share.
    fn common(reader: &mut Reader<'_>) -> Option<Self> {
        let flags = reader.u16()?;
        let method = reader.u16()?;
        let time = reader.u16()?;
        reader.skip(2)?;
        Some(Self {
            name: Vec::new(),
            method,
            flags,
            time,
            aes: None,
            is_encrypted: flags & 1 != 0,
            has_descriptor: flags & 8 != 0,
            crc32: reader.u32()?,
            compressed: u64::from(reader.u32()?),
            real: u64::from(reader.u32()?),
            header: 0,
            data: 0,
        })
    }

    /// Takes the numbers that do not fit their fields from the Zip64 extra field.
    fn widen(&mut self, extra: &[u8]) {
        self.aes = Aes::find(extra);
        let full = u64::from(u32::MAX);
        let mut reader = Reader::little(extra);
        while let (Some(kind), Some(length)) = (reader.u16(), reader.u16()) {
            let Some(body) = reader.take(u64::from(length)) else { return };
            if kind != 1 {
                continue;
            }
            let mut numbers = Reader::little(body);
            for field in [&mut self.real, &mut self.compressed, &mut self.header] {
                if *field == full
                    && let Some(wide) = numbers.u64()
                {
                    *field = wide;
                }
            }
            return;
        }
    }

    /// The local header at `reader`, where none is listed: `None` when it only looks like one. There may be one every few
    /// bytes, so nothing is copied before that is known.
    pub(super) fn unlisted(reader: Reader<'_>) -> Option<Self> {
        let start = reader.rest();
        let method = Reader::little(start).at(8)?.u16()?;
        let length = Reader::little(start).at(26)?.u16()?;
        let name = clipped(start, 30, u64::from(length));
        if method > 99 || name.is_empty() || name.contains(&0) {
            return None;
        }
        Self::local(reader)
    }
}

/// Marks of end records that are looked at.
const ENDS: usize = 100;

/// Whether the end record says that the archive has other parts, or the mark of the first of several stands at its
/// start and no end record is there.
pub(super) fn has_other_parts(bytes: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub(65_535 + 22);
    let Some(end) = bytes.get(tail..).and_then(|tail| memmem::rfind(tail, b"PK\x05\x06")) else {
        return bytes.starts_with(b"PK\x07\x08");
    };
    let record = bytes.get(tail.saturating_add(end)..).unwrap_or_default();
    // Number of this part; all ones when the Zip64 record has it.
    record.get(4..6).is_some_and(|part| part != [0, 0] && part != [0xff, 0xff])
}

/// Where the last end record begins that a directory can stand in front of.
pub(super) fn end_mark(bytes: &[u8]) -> Option<u64> {
    // Looking from the end on has no vectors, and takes ten times as long.
    let mut marks = VecDeque::with_capacity(ENDS);
    for mark in memmem::find_iter(bytes, b"PK\x05\x06") {
        if marks.len() >= ENDS {
            marks.pop_front();
        }
        marks.push_back(mark);
    }
    marks.into_iter().rev().find_map(|end| {
        let end = u64::try_from(end).ok()?;
        let (size, offset) = end_record(Reader::little(bytes), end).unwrap_or_default();
        (size.checked_add(offset)? <= end).then_some(end)
    })
}

/// Where an archive ends: behind the comment of the end record, or in front of it when it is no text.
pub(super) fn end(bytes: &[u8]) -> Option<u64> {
    let record = end_mark(bytes)?;
    let length = Reader::little(bytes).at(record.checked_add(20)?)?.u16()?;
    let start = record.checked_add(22)?;
    let comment = clipped(bytes, start, u64::from(length));
    let is_text = !comment.iter().any(|byte| matches!(byte, 0..=8 | 14..=31 | b'<' | b'{' | b'%'));
    if is_text { start.checked_add(u64::from(length)) } else { Some(start) }
}

/// Whether there is an end record, wherever it is: one that is not found may be behind other bytes than a comment.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    memmem::find(bytes, b"PK\x05\x06").is_some()
}

/// Where an archive begins whose end record is the last of the bytes; not, when they begin with it or it has no members.
pub(super) fn start_of_last(bytes: &[u8]) -> Option<usize> {
    let tail = bytes.len().saturating_sub(65_535 + 22);
    let mut ends = memmem::rfind_iter(bytes.get(tail..)?, b"PK\x05\x06");
    ends.find(|end| is_last(bytes, tail.saturating_add(*end)))?;
    let (mut directory, base) = directory(bytes)?;
    let mut first: Option<u64> = None;
    while let Some(entry) = Entry::central(&mut directory) {
        // What begins in another part is in front of all.
        let Some(start) = entry.header.checked_add_signed(base) else { continue };
        first = Some(first.map_or(start, |first| first.min(start)));
    }
    let start = usize::try_from(first?).ok()?;
    bytes.get(start..).is_some_and(|rest| start > 0 && rest.starts_with(LOCAL)).then_some(start)
}

/// Whether bytes end with the end record at `end` and its comment.
fn is_last(bytes: &[u8], end: usize) -> bool {
    let end = end.saturating_add(20);
    let length = bytes.get(end..).and_then(|rest| rest.first_chunk());
    length.is_some_and(|length| {
        end.saturating_add(2).saturating_add(usize::from(u16::from_le_bytes(*length))) == bytes.len()
    })
}

/// Whether bytes end with the directory of an archive of which no member begins in them.
pub(super) fn is_end_only(bytes: &[u8]) -> bool {
    let Some((mut rows, base)) = directory(bytes).filter(|(_, base)| *base < 0) else { return false };
    let start = Reader::little(bytes);
    let is_there = |entry: &Entry| {
        let place = entry.header.checked_add_signed(base);
        place.and_then(|place| Entry::local(start.at(place)?)).is_some()
    };
    !std::iter::from_fn(|| Entry::central(&mut rows)).any(|entry| is_there(&entry))
}

/// The central directory, and how many bytes stand before the archive: less than none, when it begins before the bytes.
pub(super) fn directory(bytes: &[u8]) -> Option<(Reader<'_>, i64)> {
    let start = Reader::little(bytes);
    // The end record is followed by a comment of at most 65,535 bytes.
    let tail = bytes.len().saturating_sub(65_535 + 22);
    let ends = memmem::rfind_iter(bytes.get(tail..)?, b"PK\x05\x06");
    for end in ends {
        let end = u64::try_from(tail.checked_add(end)?).ok()?;
        let Some((size, offset)) = end_record(start, end).or_else(|| wide_end_record(start, end)) else {
            continue;
        };
        let is_directory = |place: u64| start.at(place).filter(|reader| reader.rest().starts_with(ROW));
        let behind = end.checked_sub(size).and_then(|place| Some((place, place.checked_sub(offset)?)));
        if let Some((place, base)) = behind
            && let Some(found) = is_directory(place)
        {
            return Some((found, i64::try_from(base).ok()?));
        }
        if let Some(found) = is_directory(offset) {
            return Some((found, 0));
        }
        let last = of_last_part(bytes, end, size, offset);
        if last.is_some() {
            return last;
        }
    }
    None
}

/// The same for bytes that are the end of an archive only, the last of the parts that it was cut into: its directory, or what of
/// it is there.
fn of_last_part(bytes: &[u8], end: u64, size: u64, offset: u64) -> Option<(Reader<'_>, i64)> {
    let before = offset.checked_add(size)?.checked_sub(end).filter(|before| *before > 0)?;
    if !is_last(bytes, usize::try_from(end).ok()?) {
        return None;
    }
    let place = match end.checked_sub(size) {
        Some(place) => place,
        None => u64::try_from(memmem::find(bytes, ROW)?).ok()?,
    };
    let directory = Reader::little(bytes).at(place).filter(|reader| reader.rest().starts_with(ROW))?;
    Some((directory, i64::try_from(before).ok()?.checked_neg()?))
}

/// Size and offset of the directory; `None` when they stand in the Zip64 record.
fn end_record(start: Reader<'_>, end: u64) -> Option<(u64, u64)> {
    let mut reader = start.at(end.checked_add(12)?)?;
    let (size, offset) = (reader.u32()?, reader.u32()?);
    (size != u32::MAX && offset != u32::MAX).then_some((u64::from(size), u64::from(offset)))
}

/// The same from the Zip64 record, which a locator before the end record points to.
fn wide_end_record(start: Reader<'_>, end: u64) -> Option<(u64, u64)> {
    let mut locator = start.at(end.checked_sub(20)?)?;
    if locator.take(4)? != b"PK\x06\x07" {
        return None;
    }
    locator.skip(4)?;
    let mut record = start.at(locator.u64()?)?;
    if record.take(4)? != b"PK\x06\x06" {
        return None;
    }
    record.skip(36)?;
    let (size, offset) = (record.u64()?, record.u64()?);
    // Between the directory and the end record stand this record and its locator.
    Some((size.checked_add(76)?, offset))
}
