//! `elf`: ELF files.
//!
//! Tables that do not lie in the file as a whole are none.

use candor_model::ModuleValue;

use super::fields::Fields;
use crate::elf::class_and_order;
use crate::reader::{Reader, clipped};

/// From the first on, and with the second, numbers of sections and of segments mean something else.
const SECTIONS: u16 = 0xff00;
const SEGMENTS: u16 = 0xffff;
/// Symbols of a table, and rows of the dynamic table, that are looked at.
const SYMBOLS: u64 = 65_536;
const DYNAMICS: u64 = 4096;
/// Longest name, and bytes of names of all symbols of a table together.
const NAME: u64 = 4096;
const NAMES: usize = 8 << 20;

const NO_BITS: u32 = 8;
const SYMBOL_TABLE: u32 = 2;
const DYNAMIC_SYMBOLS: u32 = 11;
const PROGRAM: u16 = 2;
const DYNAMIC: u32 = 2;

/// What the module offers; nothing of what is no such file.
pub(crate) fn value(bytes: &[u8]) -> ModuleValue {
    File::read(bytes).and_then(|file| file.tell()).unwrap_or_else(|| Fields::default().into())
}

#[derive(Clone, Copy, Debug)]
struct File<'a> {
    bytes: &'a [u8],
    start: Reader<'a>,
    is_wide: bool,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    virtual_address: u64,
    physical_address: u64,
    file_size: u64,
    memory_size: u64,
    alignment: u64,
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(b"\x7fELF") {
            return None;
        }
        let (is_wide, order) = class_and_order(bytes)?;
        let least = if is_wide { 64 } else { 52 };
        (bytes.len() > least).then(|| Self { bytes, start: Reader::new(bytes, order), is_wide })
    }

    fn tell(self) -> Option<ModuleValue> {
        let mut header = self.start.at(16)?;
        let (kind, machine) = (header.u16()?, header.u16()?);
        header.skip(4)?;
        let entry = header.word(self.is_wide)?;
        let segments_at = header.word(self.is_wide)?;
        let sections_at = header.word(self.is_wide)?;
        header.skip(6)?;
        let (segment_size, segment_count) = (header.u16()?, header.u16()?);
        let (section_size, section_count) = (header.u16()?, header.u16()?);
        let names = header.u16()?;
        // Where the section of names is none of them, nothing of them is believed.
        let sections =
            if names < section_count { self.sections(sections_at, section_count) } else { Vec::new() };
        let segments = self.segments(segments_at, segment_count);
        let mut fields = Fields::default()
            .integer("type", kind)
            .integer("machine", machine)
            .wide("sh_offset", sections_at)
            .integer("sh_entry_size", section_size)
            .integer("number_of_sections", section_count)
            .wide("ph_offset", segments_at)
            .integer("ph_entry_size", segment_size)
            .integer("number_of_segments", segment_count);
        if entry != 0 {
            let by_segment = || segments.iter().find_map(|segment| segment.offset_of(entry));
            let by_section = || sections.iter().find_map(|section| section.offset_of(entry));
            let place = if kind == PROGRAM { by_segment() } else { by_section() };
            fields = fields.integer_if("entry_point", place);
        }
        let names = sections.get(usize::from(names)).map(|section| section.offset);
        let told = sections.iter().map(|section| section.value(self, names)).collect();
        fields = fields.array("sections", told);
        fields = fields.array("segments", segments.iter().map(Segment::value).collect());
        for (kind, list, count) in
            [(SYMBOL_TABLE, "symtab", "symtab_entries"), (DYNAMIC_SYMBOLS, "dynsym", "dynsym_entries")]
        {
            // The last one counts.
            let tables = sections.iter().filter(|section| section.kind == kind);
            let texts = |table: &Section| sections.get(usize::try_from(table.link).ok()?).copied();
            let table = tables.filter_map(|table| Some((table, texts(table)?))).next_back();
            if let Some(symbols) = table.and_then(|(table, texts)| self.symbols(table, &texts)) {
                fields = fields.count(count, symbols.len()).array(list, symbols);
            }
        }
        if let Some(rows) = segments.iter().rev().find(|segment| segment.kind == DYNAMIC) {
            let rows = self.dynamic(rows.offset);
            fields = fields.count("dynamic_section_entries", rows.len()).array("dynamic", rows);
        }
        Some(fields.into())
    }

    fn length(self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    fn sections(self, at: u64, count: u16) -> Vec<Section> {
        let width: u64 = if self.is_wide { 64 } else { 40 };
        let end = u64::from(count).checked_mul(width).and_then(|size| at.checked_add(size));
        if count >= SECTIONS || end.is_none_or(|end| at >= self.length() || end > self.length()) {
            return Vec::new();
        }
        let Some(mut table) = self.start.at(at) else { return Vec::new() };
        (0..count).map_while(|_| Section::read(&mut table, self.is_wide)).collect()
    }

    fn segments(self, at: u64, count: u16) -> Vec<Segment> {
        let width: u64 = if self.is_wide { 56 } else { 32 };
        let end = u64::from(count).checked_mul(width).and_then(|size| at.checked_add(size));
        if count == SEGMENTS || end.is_none_or(|end| at >= self.length() || end > self.length()) {
            return Vec::new();
        }
        let Some(mut table) = self.start.at(at) else { return Vec::new() };
        (0..count).map_while(|_| Segment::read(&mut table, self.is_wide)).collect()
    }

    /// A text with its end, at most up to `end`.
    fn text(self, at: u64, end: u64) -> Option<&'a [u8]> {
        let room = clipped(self.bytes, at, end.min(self.length()).checked_sub(at)?.min(NAME));
        memchr::memchr(0, room).and_then(|end| room.get(..end))
    }

    fn symbols(self, table: &Section, texts: &Section) -> Option<Vec<ModuleValue>> {
        let width: u64 = if self.is_wide { 24 } else { 16 };
        let is_inside = |section: &Section| {
            section.offset.checked_add(section.size).is_some_and(|end| end <= self.length())
        };
        if !is_inside(table) || !is_inside(texts) {
            return None;
        }
        let mut reader = self.start.at(table.offset)?;
        let count = table.size.checked_div(width)?.min(SYMBOLS);
        let end = texts.offset.checked_add(texts.size)?;
        let mut symbols = Vec::new();
        let mut left = NAMES;
        for _ in 0..count {
            let name = reader.u32()?;
            let (value, size, info, section);
            if self.is_wide {
                info = reader.u8()?;
                reader.skip(1)?;
                section = reader.u16()?;
                value = reader.u64()?;
                size = reader.u64()?;
            } else {
                value = u64::from(reader.u32()?);
                size = u64::from(reader.u32()?);
                info = reader.u8()?;
                reader.skip(1)?;
                section = reader.u16()?;
            }
            let name = if u64::from(name) < texts.size {
                self.text(texts.offset.checked_add(u64::from(name))?, end)
            } else {
                None
            };
            let Some(less) = left.checked_sub(name.map_or(0, <[u8]>::len)) else { break };
            left = less;
            symbols.push(
                Fields::default()
                    .text_if("name", name)
                    .integer("bind", info >> 4)
                    .integer("type", info & 0xf)
                    .integer("shndx", section)
                    .wide("value", value)
                    .wide("size", size)
                    .into(),
            );
        }
        Some(symbols)
    }

    /// The rows of the dynamic table, with the one that ends it.
    fn dynamic(self, at: u64) -> Vec<ModuleValue> {
        let mut rows = Vec::new();
        let Some(mut reader) = self.start.at(at) else { return rows };
        for _ in 0..DYNAMICS {
            let (Some(kind), Some(value)) = (reader.word(self.is_wide), reader.word(self.is_wide)) else {
                break;
            };
            rows.push(Fields::default().wide("type", kind).wide("val", value).into());
            if kind == 0 {
                break;
            }
        }
        rows
    }
}

impl Section {
    fn read(table: &mut Reader<'_>, is_wide: bool) -> Option<Self> {
        let section = Self {
            name: table.u32()?,
            kind: table.u32()?,
            flags: table.word(is_wide)?,
            address: table.word(is_wide)?,
            offset: table.word(is_wide)?,
            size: table.word(is_wide)?,
            link: table.u32()?,
        };
        table.skip(if is_wide { 20 } else { 12 })?;
        Some(section)
    }

    fn offset_of(&self, address: u64) -> Option<u64> {
        let inside = address.checked_sub(self.address)?;
        let has_bytes = self.kind != 0 && self.kind != NO_BITS;
        if has_bytes && inside < self.size { self.offset.checked_add(inside) } else { None }
    }

    fn value(&self, file: File<'_>, names: Option<u64>) -> ModuleValue {
        let name = names.and_then(|names| file.text(names.checked_add(u64::from(self.name))?, u64::MAX));
        Fields::default()
            .integer("type", self.kind)
            .wide("flags", self.flags)
            .wide("address", self.address)
            .text_if("name", name)
            .wide("size", self.size)
            .wide("offset", self.offset)
            .into()
    }
}

impl Segment {
    fn read(table: &mut Reader<'_>, is_wide: bool) -> Option<Self> {
        let kind = table.u32()?;
        let flags_first = if is_wide { Some(table.u32()?) } else { None };
        let offset = table.word(is_wide)?;
        let virtual_address = table.word(is_wide)?;
        let physical_address = table.word(is_wide)?;
        let file_size = table.word(is_wide)?;
        let memory_size = table.word(is_wide)?;
        let flags = match flags_first {
            Some(flags) => flags,
            None => table.u32()?,
        };
        let alignment = table.word(is_wide)?;
        Some(Self {
            kind,
            flags,
            offset,
            virtual_address,
            physical_address,
            file_size,
            memory_size,
            alignment,
        })
    }

    fn offset_of(&self, address: u64) -> Option<u64> {
        let inside = address.checked_sub(self.virtual_address)?;
        if inside < self.memory_size { self.offset.checked_add(inside) } else { None }
    }

    fn value(&self) -> ModuleValue {
        Fields::default()
            .integer("type", self.kind)
            .integer("flags", self.flags)
            .wide("offset", self.offset)
            .wide("virtual_address", self.virtual_address)
            .wide("physical_address", self.physical_address)
            .wide("file_size", self.file_size)
            .wide("memory_size", self.memory_size)
            .wide("alignment", self.alignment)
            .into()
    }
}
