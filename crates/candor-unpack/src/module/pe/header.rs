//! The headers of a PE file, as they stand there.

use candor_model::ModuleValue;

use crate::module::fields::Fields;
use crate::reader::{Reader, clipped, without_nuls};

/// Sections that are looked at, as libyara does.
const SECTIONS: u16 = 96;

/// Where the number of the rows of the table of directories ends the part that every file must have.
const DIRECTORIES: u64 = 16;

/// The headers.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where `PE\0\0` stands.
    start: u64,
    /// Whether it is PE32+.
    pub(crate) is_wide: bool,
    pub(crate) sections: Vec<Section>,
}

/// A row of the table of sections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    name: [u8; 8],
    virtual_size: u32,
    virtual_address: u32,
    raw_size: u32,
    raw_offset: u32,
    relocations_at: u32,
    lines_at: u32,
    relocations: u16,
    lines: u16,
    characteristics: u32,
}

impl<'a> Header<'a> {
    /// Reads them; `None` for what is no such program.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let file = Reader::little(bytes);
        if !bytes.starts_with(b"MZ") {
            return None;
        }
        let start = u64::from(file.at(0x3c)?.u32()?);
        let mut reader = file.at(start)?;
        if reader.take(4)? != b"PE\0\0" {
            return None;
        }
        reader.skip(2)?;
        let section_count = reader.u16()?.min(SECTIONS);
        reader.skip(12)?;
        let optional_size = reader.u16()?;
        reader.skip(2)?;
        let is_wide = reader.u16()? == 0x20b;
        let needed = start.checked_add(if is_wide { 24 + 240 } else { 24 + 224 })?;
        if u64::try_from(bytes.len()).ok()? <= needed {
            return None;
        }
        let table = start.checked_add(24)?.checked_add(u64::from(optional_size))?;
        let mut sections = Vec::new();
        if let Some(mut reader) = file.at(table) {
            sections.extend((0..section_count).map_while(|_| Section::read(&mut reader)));
        }
        Some(Self { bytes, start, is_wide, sections })
    }

    /// Length of the file.
    pub(crate) fn length(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    /// A place in the file.
    pub(crate) fn at(&self, offset: u64) -> Option<Reader<'a>> {
        Reader::little(self.bytes).at(offset)
    }

    fn u16(&self, offset: u64) -> u16 {
        let reader = self.start.checked_add(offset).and_then(|offset| self.at(offset));
        reader.and_then(|mut reader| reader.u16()).unwrap_or(0)
    }

    fn u32(&self, offset: u64) -> u32 {
        let reader = self.start.checked_add(offset).and_then(|offset| self.at(offset));
        reader.and_then(|mut reader| reader.u32()).unwrap_or(0)
    }

    /// A number of the optional header that is eight bytes long in wide files; where it stands in these and in others.
    fn word(&self, wide: u64, narrow: u64) -> u64 {
        if !self.is_wide {
            return u64::from(self.u32(narrow));
        }
        let reader = self.start.checked_add(wide).and_then(|offset| self.at(offset));
        reader.and_then(|mut reader| reader.u64()).unwrap_or(0)
    }

    /// Address and size of a directory, whether or not the file says that it has so many.
    pub(crate) fn directory(&self, number: u64) -> (u32, u32) {
        let first = if self.is_wide { OPTIONAL + 112 } else { OPTIONAL + 96 };
        let at = first.saturating_add(number.saturating_mul(8));
        (self.u32(at), self.u32(at.saturating_add(4)))
    }

    /// Where in the file an address relative to the base stands.
    ///
    /// Of the sections that hold it in the file and in memory, the one with the highest address counts; its offset
    /// is rounded down. In front of all sections addresses are offsets.
    pub(crate) fn offset_of(&self, address: u32) -> Option<u64> {
        let lowest = self.sections.iter().map(|section| section.virtual_address).min().unwrap_or(u32::MAX);
        let result = if address < lowest {
            u64::from(address)
        } else {
            let inside = |section: &Section| address.checked_sub(section.virtual_address);
            let holds = |section: &&Section| {
                inside(section).is_some_and(|inside| inside < section.raw_size.min(section.virtual_size))
            };
            let section = self.sections.iter().filter(holds).max_by_key(|section| section.virtual_address)?;
            let (section_alignment, file_alignment) = (self.u32(OPTIONAL + 32), self.u32(OPTIONAL + 36));
            let rest = section.raw_offset.checked_rem(file_alignment.min(0x200)).unwrap_or(0);
            let mut offset = section.raw_offset.saturating_sub(rest);
            if section_alignment >= 0x1000 {
                offset &= !0x1ff;
            }
            u64::from(offset).checked_add(u64::from(inside(section)?))?
        };
        (result < self.length()).then_some(result)
    }

    /// The file from the place of an address on.
    pub(crate) fn reader_at(&self, address: u32) -> Option<Reader<'a>> {
        self.at(self.offset_of(address)?)
    }

    /// An absolute address of a 32-bit program, relative to where it wants to be loaded.
    pub(crate) fn relative(&self, address: u32) -> Option<u32> {
        let base = self.word(OPTIONAL + 24, OPTIONAL + 28);
        u64::from(address).checked_sub(base).and_then(|address| u32::try_from(address).ok())
    }

    /// Whether characteristics say that the file is a library.
    pub(crate) fn is_library(&self) -> bool {
        self.u16(22) & 0x2000 != 0
    }

    /// Where the checksum stands.
    pub(crate) const fn checksum_at(&self) -> u64 {
        self.start.saturating_add(OPTIONAL + 64)
    }

    /// Adds what the headers say.
    pub(crate) fn tell(&self, fields: Fields) -> Fields {
        let entry = self.u32(OPTIONAL + 16);
        let version =
            |major: i64, minor: i64| Fields::default().integer("major", major).integer("minor", minor);
        let pair = |at: u64| {
            let (major, minor) = (self.u16(at), self.u16(at.saturating_add(2)));
            version(i64::from(major), i64::from(minor))
        };
        let [minor, major] = self.u16(OPTIONAL + 2).to_be_bytes();
        let directory_count = self.u32(if self.is_wide { OPTIONAL + 108 } else { OPTIONAL + 92 });
        let fields = fields
            .integer("machine", self.u16(4))
            .integer("number_of_sections", self.u16(6))
            .integer("timestamp", self.u32(8))
            .integer("pointer_to_symbol_table", self.u32(12))
            .integer("number_of_symbols", self.u32(16))
            .integer("size_of_optional_header", self.u16(20))
            .integer("characteristics", self.u16(22))
            .integer("entry_point", self.offset_of(entry).and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
            .integer("entry_point_raw", entry)
            .wide("image_base", self.word(OPTIONAL + 24, OPTIONAL + 28))
            .integer("number_of_rva_and_sizes", directory_count)
            .integer("opthdr_magic", self.u16(OPTIONAL))
            .integer("size_of_code", self.u32(OPTIONAL + 4))
            .integer("size_of_initialized_data", self.u32(OPTIONAL + 8))
            .integer("size_of_uninitialized_data", self.u32(OPTIONAL + 12))
            .integer("base_of_code", self.u32(OPTIONAL + 20))
            .integer_if("base_of_data", (!self.is_wide).then(|| u64::from(self.u32(OPTIONAL + 24))))
            .integer("section_alignment", self.u32(OPTIONAL + 32))
            .integer("file_alignment", self.u32(OPTIONAL + 36))
            .with("linker_version", version(i64::from(major), i64::from(minor)))
            .with("os_version", pair(OPTIONAL + 40))
            .with("image_version", pair(OPTIONAL + 44))
            .with("subsystem_version", pair(OPTIONAL + 48))
            .integer("win32_version_value", self.u32(OPTIONAL + 52))
            .integer("size_of_image", self.u32(OPTIONAL + 56))
            .integer("size_of_headers", self.u32(OPTIONAL + 60))
            .integer("checksum", self.u32(OPTIONAL + 64))
            .integer("subsystem", self.u16(OPTIONAL + 68))
            .integer("dll_characteristics", self.u16(OPTIONAL + 70))
            .wide("size_of_stack_reserve", self.word(OPTIONAL + 72, OPTIONAL + 72))
            .wide("size_of_stack_commit", self.word(OPTIONAL + 80, OPTIONAL + 76))
            .wide("size_of_heap_reserve", self.word(OPTIONAL + 88, OPTIONAL + 80))
            .wide("size_of_heap_commit", self.word(OPTIONAL + 96, OPTIONAL + 84))
            .integer("loader_flags", self.u32(if self.is_wide { OPTIONAL + 104 } else { OPTIONAL + 88 }));
        let directories = (0..u64::from(directory_count).min(DIRECTORIES)).map(|number| {
            let (address, size) = self.directory(number);
            Fields::default().integer("virtual_address", address).integer("size", size).into()
        });
        let sections = self.sections.iter().map(|section| self.section(section)).collect();
        let fields = fields.array("data_directories", directories.collect()).array("sections", sections);
        fields.with("overlay", self.overlay())
    }

    fn section(&self, section: &Section) -> ModuleValue {
        let name = without_nuls(&section.name);
        Fields::default()
            .text("name", name)
            .text("full_name", self.full_name(name).unwrap_or(name))
            .integer("characteristics", section.characteristics)
            .integer("raw_data_size", section.raw_size)
            .integer("raw_data_offset", section.raw_offset)
            .integer("virtual_address", section.virtual_address)
            .integer("virtual_size", section.virtual_size)
            .integer("pointer_to_relocations", section.relocations_at)
            .integer("pointer_to_line_numbers", section.lines_at)
            .integer("number_of_relocations", section.relocations)
            .integer("number_of_line_numbers", section.lines)
            .into()
    }

    /// Names of more than eight bytes stand in the table of texts behind that of symbols.
    fn full_name(&self, name: &[u8]) -> Option<&'a [u8]> {
        let place: u64 = std::str::from_utf8(name.strip_prefix(b"/")?).ok()?.parse().ok()?;
        let (symbols, count) = (self.u32(12), self.u32(16));
        let texts = u64::from(symbols).checked_add(u64::from(count).checked_mul(18)?)?;
        let text = clipped(self.bytes, texts.checked_add(place)?, 256);
        memchr::memchr(0, text).and_then(|end| text.get(..end))
    }

    /// What stands behind all sections.
    fn overlay(&self) -> Fields {
        let end =
            |section: &Section| u64::from(section.raw_offset).saturating_add(u64::from(section.raw_size));
        let end = self.sections.iter().map(end).max().unwrap_or(0);
        let size = if end == 0 { 0 } else { self.length().saturating_sub(end) };
        let offset = if size == 0 { 0 } else { end };
        Fields::default().wide("offset", offset).wide("size", size)
    }
}

/// Where the optional header begins, from the signature on.
const OPTIONAL: u64 = 24;

impl Section {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut row = Reader::little(reader.take(40)?);
        Some(Self {
            name: *row.take(8)?.first_chunk()?,
            virtual_size: row.u32()?,
            virtual_address: row.u32()?,
            raw_size: row.u32()?,
            raw_offset: row.u32()?,
            relocations_at: row.u32()?,
            lines_at: row.u32()?,
            relocations: row.u16()?,
            lines: row.u16()?,
            characteristics: row.u32()?,
        })
    }
}
