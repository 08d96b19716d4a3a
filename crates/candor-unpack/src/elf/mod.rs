//! ELF: entry point and sections.
//!
//! Layout: <https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>; 32 and 64 bits, both orders.
//!
//! As ClamAV reads it: the first program header of any kind whose memory holds the entry point maps it to
//! the file; without program headers, or with an entry point of zero, it is the start of the file.
//! Hostile files point their tables outside of the file or claim thousands of rows: what is there is read.
//! When such a file counts as broken was settled by running clamscan: a table whose rows have another length than
//! they must or do not lie in the file, more than 128 program headers, or an entry point that none of them maps; but
//! not a header that is cut short, nor section headers of which there are more than 2,048.

#[cfg(test)]
mod tests;

use candor_model::{Anomaly, Executable, ExecutableFormat, Facts, Flow, Section, Sink};

use crate::behind;
use crate::reader::{Order, Reader, clipped, until_nul};

/// Rows of a table that are read; tables of real files stay below, those of large core dumps apart.
const ROWS: u16 = 32_768;

/// Program headers of a file that is not broken, and section headers that count for it.
const SEGMENTS: u16 = 128;
const SECTIONS: u16 = 2048;

/// Kinds of sections without bytes in the file: none, and memory that begins as zeros.
const UNFILED: [u32; 2] = [0, 8];

/// Facts of an ELF file. Children are what a packed one unpacks to, and what stands behind its end.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(header) = Header::read(bytes) else {
        // A file that is cut in its header is no program; one of a class that there is not is none that works.
        if !matches!((bytes.get(4), bytes.get(5)), (Some(1 | 2), Some(1 | 2)) | (None, _) | (_, None)) {
            sink.anomaly(Anomaly::BrokenExecutable);
        }
        return;
    };
    if header.is_broken() {
        sink.anomaly(Anomaly::BrokenExecutable);
    }
    let executable = header.executable();
    // A program that does not say where its constants are may have them anywhere.
    let constants = executable.sections.iter().filter(|section| section.name == b".rodata");
    let mut constants: Vec<_> = constants.map(|section| (section.raw_offset, section.raw_size)).collect();
    if constants.is_empty() {
        constants.push((0, u64::MAX));
    }
    sink.facts(Facts { executable: Some(executable), ..Facts::default() });
    if crate::packed::unpack_elf(bytes, sink) == Flow::Continue
        && crate::pyinstaller::unpack(bytes, u64::MAX, sink) == Flow::Continue
        && crate::nuitka::unpack(bytes, &constants, sink) == Flow::Continue
    {
        behind::overlay(bytes, header.end(), sink);
    }
}

/// Whether a file is one of 64 bits, and the order of its bytes; `None` where it says neither of what there is.
pub(crate) fn class_and_order(bytes: &[u8]) -> Option<(bool, Order)> {
    let is_64_bit = match bytes.get(4)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let order = match bytes.get(5)? {
        1 => Order::Little,
        2 => Order::Big,
        _ => return None,
    };
    Some((is_64_bit, order))
}

/// What the header says.
struct Header<'a> {
    start: Reader<'a>,
    is_64_bit: bool,
    entry: u64,
    segments: Table,
    sections: Table,
    /// Number of the section with the names of sections.
    names: u16,
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (is_64_bit, order) = class_and_order(bytes)?;
        let start = Reader::new(bytes, order);
        let mut header = start.at(24)?;
        let entry = header.word(is_64_bit)?;
        let segments = Table { offset: header.word(is_64_bit)?, ..Table::default() };
        let sections = Table { offset: header.word(is_64_bit)?, ..Table::default() };
        header.skip(6)?;
        let segments = Table { row: header.u16()?, count: header.u16()?, ..segments };
        let sections = Table { row: header.u16()?, count: header.u16()?, ..sections };
        let names = header.u16()?;
        Some(Self { start, is_64_bit, entry, segments, sections, names })
    }

    fn executable(&self) -> Executable {
        let entry_point =
            if self.entry == 0 || self.segments.count == 0 { Some(0) } else { self.mapped_entry() };
        let length = u64::try_from(self.start.rest().len()).unwrap_or(u64::MAX);
        Executable {
            format: ExecutableFormat::Elf,
            is_64_bit: self.is_64_bit,
            entry_point: entry_point.filter(|&offset| offset < length),
            sections: read_sections(self.start, &self.sections, self.names, self.is_64_bit),
            version_strings: Vec::new(),
            imports: None,
        }
    }

    /// Where in the file the entry point is, which may be outside of it.
    fn mapped_entry(&self) -> Option<u64> {
        self.segments.rows(self.start).find_map(|row| mapped(row, self.entry, self.is_64_bit))
    }

    /// Where the last of the segments, sections and tables ends, which may be behind the file.
    fn end(&self) -> u64 {
        let is_wide = self.is_64_bit;
        let end_of_segment = |mut row: Reader<'_>| {
            row.skip(if is_wide { 8 } else { 4 })?;
            let offset = row.word(is_wide)?;
            row.skip(if is_wide { 16 } else { 8 })?;
            Some(offset.saturating_add(row.word(is_wide)?))
        };
        let end_of_section = |mut row: Reader<'_>| {
            row.skip(4)?;
            let kind = row.u32()?;
            row.skip(if is_wide { 16 } else { 8 })?;
            let (offset, size) = (row.word(is_wide)?, row.word(is_wide)?);
            (!UNFILED.contains(&kind)).then(|| offset.saturating_add(size))
        };
        let segments = self.segments.rows(self.start).filter_map(end_of_segment);
        let sections = self.sections.rows(self.start).filter_map(end_of_section);
        let tables = [self.segments.end(), self.sections.end(), if is_wide { 64 } else { 52 }];
        segments.chain(sections).chain(tables).max().unwrap_or(0)
    }

    fn is_broken(&self) -> bool {
        let (segment, section) = if self.is_64_bit { (56, 64) } else { (32, 40) };
        let segments = self.segments;
        let has_bad_segments = segments.count > 0
            && (segments.count > SEGMENTS
                || !segments.is_whole(self.start, segment)
                || (self.entry != 0 && self.mapped_entry().is_none()));
        let has_bad_sections =
            self.sections.count <= SECTIONS && !self.sections.is_whole(self.start, section);
        has_bad_segments || has_bad_sections
    }
}

/// Where a table of headers stands, and how long it and its rows are.
#[derive(Clone, Copy, Debug, Default)]
struct Table {
    offset: u64,
    row: u16,
    count: u16,
}

impl Table {
    /// Whether its rows have this length and lie in the file.
    fn is_whole(self, start: Reader<'_>, row: u16) -> bool {
        let length = u64::from(self.count).saturating_mul(u64::from(row));
        self.row == row
            && (length == 0 || start.at(self.offset).is_some_and(|mut rows| rows.skip(length).is_some()))
    }

    fn end(self) -> u64 {
        self.offset.saturating_add(u64::from(self.count).saturating_mul(u64::from(self.row)))
    }

    /// The places of the rows that begin in the file.
    fn rows<'a>(self, start: Reader<'a>) -> impl Iterator<Item = Reader<'a>> {
        (0..u64::from(self.count.min(ROWS)))
            .map_while(move |row| start.at(self.offset.checked_add(row.checked_mul(u64::from(self.row))?)?))
    }
}

/// The offset of the address `entry`, if the program header at `row` maps it.
fn mapped(mut row: Reader<'_>, entry: u64, is_64_bit: bool) -> Option<u64> {
    row.skip(if is_64_bit { 8 } else { 4 })?;
    let offset = row.word(is_64_bit)?;
    let address = row.word(is_64_bit)?;
    row.word(is_64_bit)?;
    row.word(is_64_bit)?;
    let size = row.word(is_64_bit)?;
    let inside = entry.checked_sub(address)?;
    if inside < size { offset.checked_add(inside) } else { None }
}

fn read_sections(start: Reader<'_>, table: &Table, names: u16, is_64_bit: bool) -> Vec<Section> {
    let bytes = start.rest();
    let rows: Vec<(u32, Section)> =
        table.rows(start).map_while(|row| read_section(row, bytes, is_64_bit)).collect();
    let names = rows
        .get(usize::from(names))
        .map(|(_, section)| clipped(bytes, section.raw_offset, section.raw_size))
        .unwrap_or_default();
    rows.into_iter()
        .map(|(name, mut section)| {
            let name = usize::try_from(name).ok().and_then(|at| names.get(at..)).unwrap_or_default();
            // Longer names are nobody's; a table of 30,000 sections must not copy one string 30,000 times.
            section.name = until_nul(name.get(..256).unwrap_or(name)).to_vec();
            section
        })
        .collect()
}

fn read_section(mut row: Reader<'_>, bytes: &[u8], is_64_bit: bool) -> Option<(u32, Section)> {
    let name = row.u32()?;
    row.skip(4)?;
    row.word(is_64_bit)?;
    let virtual_address = row.word(is_64_bit)?;
    let raw_offset = row.word(is_64_bit)?;
    let virtual_size = row.word(is_64_bit)?;
    let raw_size = u64::try_from(clipped(bytes, raw_offset, virtual_size).len()).ok()?;
    Some((name, Section { name: Vec::new(), raw_offset, raw_size, virtual_address, virtual_size }))
}
