//! ELF: entry point and sections.
//!
//! Layout: <https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>; 32 and 64 bits, both orders.
//!
//! As ClamAV reads it: the first program header of any kind whose memory holds the entry point maps it to
//! the file; without program headers, or with an entry point of zero, it is the start of the file.
//! Hostile files point their tables outside of the file or claim thousands of rows: what is there is read.

#[cfg(test)]
mod tests;

use candor_model::{Anomaly, Executable, ExecutableFormat, Facts, Flow, Section, Sink};

use crate::reader::{Order, Reader, clipped, until_nul};

/// Rows of a table that are read; tables of real files stay below, those of large core dumps apart.
const ROWS: u16 = 32_768;

/// Facts of an ELF file. Children are what a packed one unpacks to.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if let Some(executable) = executable(bytes) {
        sink.facts(Facts { executable: Some(executable), ..Facts::default() });
        if crate::packed::unpack_elf(bytes, sink) == Flow::Continue
            && crate::pyinstaller::unpack(bytes, sink) == Flow::Continue
        {
            let _ = crate::nuitka::unpack(bytes, false, sink);
        }
    } else {
        sink.anomaly(Anomaly::BrokenExecutable);
    }
}

fn executable(bytes: &[u8]) -> Option<Executable> {
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
    let start = Reader::new(bytes, order);
    let mut header = start.at(24)?;
    let entry = header.word(is_64_bit)?;
    let segments = Table { offset: header.word(is_64_bit)?, ..Table::default() };
    let sections = Table { offset: header.word(is_64_bit)?, ..Table::default() };
    header.skip(6)?;
    let segments = Table { row: header.u16()?, count: header.u16()?.min(ROWS), ..segments };
    let sections = Table { row: header.u16()?, count: header.u16()?.min(ROWS), ..sections };
    let names = header.u16()?;
    let sections = read_sections(start, &sections, names, is_64_bit);
    let entry_point = if entry == 0 || segments.count == 0 {
        Some(0)
    } else {
        segments.rows(start).find_map(|row| mapped(row, entry, is_64_bit))
    };
    let length = u64::try_from(bytes.len()).ok()?;
    Some(Executable {
        format: ExecutableFormat::Elf,
        is_64_bit,
        entry_point: entry_point.filter(|&offset| offset < length),
        sections,
        version_strings: Vec::new(),
        imports: None,
    })
}

/// Where a table of headers stands, and how long it and its rows are.
#[derive(Clone, Copy, Debug, Default)]
struct Table {
    offset: u64,
    row: u16,
    count: u16,
}

impl Table {
    /// The places of the rows that lie in the file.
    fn rows<'a>(self, start: Reader<'a>) -> impl Iterator<Item = Reader<'a>> {
        (0..u64::from(self.count))
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
