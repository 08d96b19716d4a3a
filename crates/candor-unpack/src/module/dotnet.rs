//! `dotnet`: metadata of programs for .NET.
//!
//! Lengths of blobs are one less than they are, as libyara has them: the last byte of texts of the program is a flag,
//! and what other blobs lose by it, rules know by what is left.

use std::cell::Cell;

use candor_model::ModuleValue;

use super::fields::Fields;
use super::pe::Header;
use crate::pe::dotnet::{Widths, compressed};
use crate::reader::{Reader, clipped, until_nul};

/// GUIDs that are told, as libyara does.
const GUIDS: usize = 16;
/// Rows of a table, texts of the program, and bytes of these together; bytes of names and blobs of all tables together.
const ROWS: u32 = 65_536;
const TEXTS: usize = 65_536;
const TEXT_BYTES: usize = 16 << 20;
const TABLE_BYTES: usize = 8 << 20;
/// Longest name of a stream, and of anything else.
const STREAM: u64 = 32;
const NAME: u64 = 1024;

/// Length of the header, which it says itself.
const HEADER: u32 = 72;

const MODULE: usize = 0x00;
const TYPE_REFERENCE: usize = 0x01;
const MEMBER_REFERENCE: usize = 0x0a;
const CONSTANT: usize = 0x0b;
const ATTRIBUTE: usize = 0x0c;
const MODULE_REFERENCE: usize = 0x1a;
const FIELD_ADDRESS: usize = 0x1d;
const ASSEMBLY: usize = 0x20;
const ASSEMBLY_REFERENCE: usize = 0x23;
const RESOURCE: usize = 0x28;

/// What the module offers; nothing of what is no program, and that alone of one that is none for .NET.
pub(crate) fn value(bytes: &[u8]) -> ModuleValue {
    let Some(file) = Header::read(bytes) else { return Fields::default().into() };
    tell(&file).unwrap_or_else(|| Fields::default().integer("is_dotnet", 0)).into()
}

/// The places of the heaps.
#[derive(Clone, Copy, Debug, Default)]
struct Heaps<'a> {
    tables: Option<&'a [u8]>,
    names: Option<&'a [u8]>,
    blobs: Option<&'a [u8]>,
    guids: Option<&'a [u8]>,
    texts: Option<&'a [u8]>,
}

fn tell(file: &Header<'_>) -> Option<Fields> {
    let (address, _) = file.directory(14);
    if address == 0 {
        return None;
    }
    let mut header = Reader::little(file.reader_at(address)?.take(u64::from(HEADER))?);
    if header.u32()? != HEADER {
        return None;
    }
    header.skip(4)?;
    let metadata = header.u32()?;
    header.skip(12)?;
    let resources = file.offset_of(header.u32()?);
    let root = file.offset_of(metadata)?;
    let mut reader = file.at(root)?;
    if reader.take(4)? != b"BSJB" {
        return None;
    }
    reader.skip(8)?;
    let length = reader.u32()?;
    if !(1..=255).contains(&length) || length % 4 != 0 {
        return None;
    }
    let version = until_nul(reader.take(u64::from(length))?);
    reader.skip(2)?;
    let count = reader.u16()?;
    let (heaps, streams) = streams(file, root, reader, count);
    let mut fields = Fields::default()
        .integer("is_dotnet", 1)
        .text("version", version)
        .count("number_of_streams", streams.len())
        .array("streams", streams);
    if let Some(guids) = heaps.guids {
        let guids: Vec<ModuleValue> = guids
            .as_chunks::<16>()
            .0
            .iter()
            .take(GUIDS)
            .map(|guid| ModuleValue::Text(written(guid)))
            .collect();
        fields = fields.count("number_of_guids", guids.len()).array("guids", guids);
    }
    if let Some(tables) = heaps.tables.and_then(|tables| Tables::read(file, heaps, tables)) {
        fields = tables.tell(fields, resources);
    }
    if let Some(texts) = heaps.texts.and_then(texts) {
        fields = fields.count("number_of_user_strings", texts.len()).array("user_strings", texts);
    }
    Some(fields)
}

fn streams<'a>(
    file: &Header<'a>,
    root: u64,
    mut reader: Reader<'a>,
    count: u16,
) -> (Heaps<'a>, Vec<ModuleValue>) {
    let mut heaps = Heaps::default();
    let mut streams = Vec::new();
    for _ in 0..count {
        let (Some(offset), Some(length)) = (reader.u32(), reader.u32()) else { break };
        let room = clipped(reader.rest(), 0, STREAM);
        let Some(end) = memchr::memchr(0, room) else { break };
        let name = room.get(..end).unwrap_or_default();
        let at = root.saturating_add(u64::from(offset));
        streams.push(Fields::default().text("name", name).wide("offset", at).integer("size", length).into());
        let slot = match name {
            _ if name.starts_with(b"#GUID") => Some(&mut heaps.guids),
            _ if name.starts_with(b"#~") || name.starts_with(b"#-") => Some(&mut heaps.tables),
            _ if name.starts_with(b"#Strings") => Some(&mut heaps.names),
            _ if name.starts_with(b"#Blob") => Some(&mut heaps.blobs),
            _ if name.starts_with(b"#US") => Some(&mut heaps.texts),
            _ => None,
        };
        if let Some(slot @ None) = slot {
            *slot = Some(clipped(file.bytes, at, u64::from(length)));
        }
        let padded = end.saturating_add(1).next_multiple_of(4);
        if u64::try_from(padded).ok().and_then(|padded| reader.skip(padded)).is_none() {
            break;
        }
    }
    (heaps, streams)
}

/// A GUID as it is written: three numbers, and eight bytes.
fn written(guid: &[u8; 16]) -> Vec<u8> {
    let mut reader = Reader::little(guid);
    let (first, second, third) = (reader.u32(), reader.u16(), reader.u16());
    let mut text = format!(
        "{:08x}-{:04x}-{:04x}-",
        first.unwrap_or_default(),
        second.unwrap_or_default(),
        third.unwrap_or_default()
    );
    for (place, byte) in reader.rest().iter().enumerate() {
        if place == 2 {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text.into_bytes()
}

/// The texts of the program, in UTF-16.
fn texts(heap: &[u8]) -> Option<Vec<ModuleValue>> {
    let rest = heap.strip_prefix(&[0])?;
    let mut reader = Reader::little(rest);
    let mut found = Vec::new();
    let mut left = TEXT_BYTES;
    while found.len() < TEXTS && !reader.rest().is_empty() {
        let Some(text) = blob(&mut reader) else { break };
        if !text.is_empty() {
            let Some(less) = left.checked_sub(text.len()) else { break };
            left = less;
            found.push(ModuleValue::Text(text.to_vec()));
        }
    }
    Some(found)
}

/// The next blob without its last byte, which is passed over as a blob of its own.
fn blob<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = compressed(reader)?;
    reader.take(length.saturating_sub(1))
}

/// The tables, and where they stand.
#[derive(Debug)]
struct Tables<'f, 'a> {
    file: &'f Header<'a>,
    names: &'a [u8],
    blobs: &'a [u8],
    widths: Widths,
    /// The rows, from the first table on.
    rows: &'a [u8],
    /// Bytes of names and blobs that may still be given.
    left: Cell<usize>,
}

/// One row, from which columns are read one after another.
struct Row<'t, 'a> {
    reader: Reader<'a>,
    widths: &'t Widths,
}

impl Row<'_, '_> {
    fn column(&mut self, kind: u8) -> Option<u64> {
        self.reader.word_of(self.widths.column(kind))
    }
}

impl<'f, 'a> Tables<'f, 'a> {
    fn read(file: &'f Header<'a>, heaps: Heaps<'a>, tables: &'a [u8]) -> Option<Self> {
        let (widths, rows) = Widths::read(tables)?;
        Some(Self {
            file,
            names: heaps.names?,
            blobs: heaps.blobs?,
            widths,
            rows,
            left: Cell::new(TABLE_BYTES),
        })
    }

    /// The rows of a table, at most as many as are looked at.
    fn table(&self, table: usize) -> impl Iterator<Item = Row<'_, 'a>> {
        let (start, size) = self.widths.place(table).unwrap_or_default();
        let count = self.widths.rows(table).min(ROWS);
        let rows = self.rows;
        (0..u64::from(count)).map_while(move |row| {
            let at = start.checked_add(row.checked_mul(size)?)?;
            let reader = Reader::little(clipped(rows, at, size));
            (u64::try_from(reader.rest().len()).ok()? == size).then_some(Row { reader, widths: &self.widths })
        })
    }

    /// One row, counted from 1.
    fn row(&self, table: usize, number: u64) -> Option<Row<'_, 'a>> {
        let (start, size) = self.widths.place(table)?;
        let number = number.checked_sub(1).filter(|number| *number < u64::from(self.widths.rows(table)))?;
        let reader = Reader::little(clipped(self.rows, start.checked_add(number.checked_mul(size)?)?, size));
        Some(Row { reader, widths: &self.widths })
    }

    fn name(&self, at: u64) -> Option<&'a [u8]> {
        let room = clipped(self.names, at, NAME);
        self.paid(memchr::memchr(0, room).and_then(|end| room.get(..end))?)
    }

    fn blob(&self, at: u64) -> Option<&'a [u8]> {
        self.paid(blob(&mut Reader::little(self.blobs).at(at)?)?)
    }

    /// Bytes that will be copied; `None` when too many were already.
    fn paid(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.left.set(self.left.get().checked_sub(bytes.len())?);
        Some(bytes)
    }

    fn has(&self, table: usize) -> bool {
        self.widths.rows(table) > 0
    }

    fn tell(&self, mut fields: Fields, resources: Option<u64>) -> Fields {
        let module = self.table(MODULE).next().and_then(|mut row| {
            row.column(b'2')?;
            self.name(row.column(b's')?)
        });
        fields = fields.text_if("module_name", module);
        if self.has(FIELD_ADDRESS) {
            let offsets: Vec<ModuleValue> = self
                .table(FIELD_ADDRESS)
                .filter_map(|mut row| self.file.offset_of(u32::try_from(row.column(b'4')?).ok()?))
                .map(|offset| ModuleValue::Integer(offset.cast_signed()))
                .collect();
            fields = fields.count("number_of_field_offsets", offsets.len()).array("field_offsets", offsets);
        }
        if self.has(MODULE_REFERENCE) {
            let names: Vec<ModuleValue> = self
                .table(MODULE_REFERENCE)
                .filter_map(|mut row| self.name(row.column(b's')?))
                .map(|name| ModuleValue::Text(name.to_vec()))
                .collect();
            fields = fields.count("number_of_modulerefs", names.len()).array("modulerefs", names);
        }
        if self.has(CONSTANT) {
            let constants: Vec<ModuleValue> = self
                .table(CONSTANT)
                .filter_map(|mut row| self.constant(&mut row))
                .map(|text| ModuleValue::Text(text.to_vec()))
                .collect();
            fields = fields.count("number_of_constants", constants.len()).array("constants", constants);
        }
        if self.has(ATTRIBUTE) {
            let library = self.table(ATTRIBUTE).filter_map(|mut row| self.library(&mut row)).last();
            fields = fields.text_if("typelib", library);
        }
        if let Some(assembly) = self.table(ASSEMBLY).last().and_then(|mut row| self.assembly(&mut row)) {
            fields = fields.with("assembly", assembly);
        }
        if self.has(ASSEMBLY_REFERENCE) {
            let references: Vec<ModuleValue> =
                self.table(ASSEMBLY_REFERENCE).filter_map(|mut row| self.reference(&mut row)).collect();
            fields =
                fields.count("number_of_assembly_refs", references.len()).array("assembly_refs", references);
        }
        if let Some(base) = resources.filter(|_| self.has(RESOURCE)) {
            let resources: Vec<ModuleValue> =
                self.table(RESOURCE).filter_map(|mut row| self.resource(&mut row, base)).collect();
            fields = fields.count("number_of_resources", resources.len()).array("resources", resources);
        }
        fields
    }

    /// A constant that is a text.
    fn constant(&self, row: &mut Row<'_, 'a>) -> Option<&'a [u8]> {
        const TEXT: u64 = 0x0e;
        let kind = row.column(b'2')?;
        row.column(b'H')?;
        let text = self.blob(row.column(b'b')?)?;
        (kind & 0xff == TEXT).then_some(text)
    }

    /// What an attribute says if it is the GUID of an assembly.
    fn library(&self, row: &mut Row<'_, 'a>) -> Option<&'a [u8]> {
        const OF_ASSEMBLY: u64 = 0x0e;
        const BY_MEMBER: u64 = 3;
        const OF_TYPE: u64 = 1;
        let (parent, kind, value) = (row.column(b'I')?, row.column(b'J')?, row.column(b'b')?);
        if parent & 0x1f != OF_ASSEMBLY || kind & 7 != BY_MEMBER {
            return None;
        }
        let class = self.row(MEMBER_REFERENCE, kind >> 3)?.column(b'G')?;
        if class & 7 != OF_TYPE {
            return None;
        }
        let mut reference = self.row(TYPE_REFERENCE, class >> 3)?;
        reference.column(b'A')?;
        if self.name(reference.column(b's')?)? != b"GuidAttribute" {
            return None;
        }
        let mut value = Reader::little(self.blob(value)?);
        if value.u16()? != 1 {
            return None;
        }
        let length = value.u8()?;
        let text = value.take(u64::from(length))?;
        (!matches!(text.first(), None | Some(0 | 0xff))).then_some(until_nul(text))
    }

    fn version(row: &mut Row<'_, 'a>) -> Option<Fields> {
        let mut fields = Fields::default();
        for name in ["major", "minor", "build_number", "revision_number"] {
            fields = fields.wide(name, row.column(b'2')?);
        }
        Some(fields)
    }

    fn assembly(&self, row: &mut Row<'_, 'a>) -> Option<Fields> {
        row.column(b'4')?;
        let fields = Fields::default().with("version", Self::version(row)?);
        row.column(b'4')?;
        row.column(b'b')?;
        let fields = fields.text_if("name", self.name(row.column(b's')?));
        let culture = self.name(row.column(b's')?).filter(|culture| !culture.is_empty());
        Some(fields.text_if("culture", culture))
    }

    fn reference(&self, row: &mut Row<'_, 'a>) -> Option<ModuleValue> {
        let fields = Fields::default().with("version", Self::version(row)?);
        row.column(b'4')?;
        let key = self.blob(row.column(b'b')?).filter(|key| !key.is_empty());
        let fields = fields.text_if("public_key_or_token", key);
        Some(fields.text_if("name", self.name(row.column(b's')?)).into())
    }

    /// A resource of this file.
    fn resource(&self, row: &mut Row<'_, 'a>, base: u64) -> Option<ModuleValue> {
        let offset = row.column(b'4')?;
        row.column(b'4')?;
        let name = self.name(row.column(b's')?);
        let at = base.checked_add(offset)?;
        let length = self.file.at(at)?.u32()?;
        Some(
            Fields::default()
                .wide("offset", at.checked_add(4)?)
                .integer("length", length)
                .text_if("name", name)
                .into(),
        )
    }
}
