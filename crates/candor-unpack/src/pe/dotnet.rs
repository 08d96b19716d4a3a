//! Programs for .NET: the name of the assembly, the version of the runtime, the texts of the program, which
//! stand in one heap, and the files that it carries.
//!
//! Layout: ECMA-335 II.24 and II.25.
//!
//! ```text
//! directory 14: length 4 | versions 4 | address and length of the metadata | flags 4 | entry point 4 | those of resources …
//! metadata: BSJB | versions 4 | 0 4 | length 4, version | flags 2 | streams 2 | offset 4, length 4, name …
//! resource: length 4 | data
//! #~: 0 4 | versions 2 | widths of heap indices 1 | 1 | tables that are there 8 | sorted 8 | rows of each | rows
//! ```
//!
//! Obfuscators give streams twice, or lengths that reach outside: the first stream of a name counts, as far as
//! it is there.

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use super::image::PortableExecutable;
use super::parts::{self, GIVEN};
use crate::reader::{Reader, clipped, until_nul};
use crate::work::Work;

/// Longest text of all texts together.
const TEXT: usize = 16 << 20;

/// Tells names, and gives the texts as one text with a line for each, and what is carried.
pub(super) fn give(file: &PortableExecutable<'_>, sink: &mut dyn Sink) -> Flow {
    let Some(metadata) = Metadata::read(file) else { return Flow::Continue };
    sink.detail("dotnet-runtime", metadata.version.clone());
    if let Some(name) = metadata.assembly() {
        sink.detail("dotnet-assembly", name);
    }
    let (text, is_whole) = metadata.texts();
    if !is_whole {
        sink.incomplete(Reason::Unsupported(format!("texts behind the first {} MiB", TEXT >> 20)));
    }
    let real_size = u64::try_from(text.len()).ok();
    let member = Member { name: "user strings".to_owned(), real_size, ..Member::default() };
    if !text.is_empty()
        && sink.child(ChildKind::Extracted, &member, Content::Bytes(text.as_bytes())) == Flow::Stop
    {
        return Flow::Stop;
    }
    let mut work = Work::of(file.bytes);
    let mut resources = metadata.resources();
    for (name, place) in resources.by_ref().take(GIVEN) {
        let Some(place) = metadata.carried.and_then(|start| start.checked_add(place)) else { break };
        let length = Reader::little(file.bytes).at(place).and_then(|mut at| at.u32());
        let (Some(length), Some(offset)) = (length, place.checked_add(4)) else { continue };
        let Some(bytes) = parts::content(file, offset, u64::from(length), &mut work, sink) else { continue };
        if parts::part(&format!("resource {name}"), offset, bytes, sink) == Flow::Stop {
            return Flow::Stop;
        }
    }
    if resources.next().is_some() {
        sink.incomplete(Reason::Children);
    }
    Flow::Continue
}

struct Metadata<'a> {
    version: String,
    tables: &'a [u8],
    names: &'a [u8],
    texts: &'a [u8],
    /// Where resources begin in the file.
    carried: Option<u64>,
}

impl<'a> Metadata<'a> {
    fn read(file: &PortableExecutable<'a>) -> Option<Self> {
        let (address, _) = file.directory(14)?;
        let mut header = file.reader_at(address)?;
        header.skip(8)?;
        let (address, length) = (header.u32()?, header.u32()?);
        let root = clipped(file.bytes, file.offset_of(address)?, u64::from(length));
        let carried = header.skip(8).and_then(|()| header.u32()).and_then(|address| file.offset_of(address));
        let mut reader = Reader::little(root);
        if reader.take(4)? != b"BSJB" {
            return None;
        }
        reader.skip(8)?;
        let length = reader.u32()?;
        let version =
            String::from_utf8_lossy(until_nul(reader.take(u64::from(length).min(256))?)).into_owned();
        reader.skip(2)?;
        let count = reader.u16()?;
        let mut found = Self { version, tables: &[], names: &[], texts: &[], carried };
        for _ in 0..count {
            let (Some(offset), Some(length)) = (reader.u32(), reader.u32()) else { break };
            let name = until_nul(clipped(reader.rest(), 0, 32));
            let padded = u64::try_from(name.len()).ok()?.checked_add(1)?.checked_next_multiple_of(4)?;
            if reader.skip(padded).is_none() {
                break;
            }
            let slot = match name {
                b"#~" | b"#-" => &mut found.tables,
                b"#Strings" => &mut found.names,
                b"#US" => &mut found.texts,
                _ => continue,
            };
            if slot.is_empty() {
                *slot = clipped(root, u64::from(offset), u64::from(length));
            }
        }
        Some(found)
    }

    /// Name and version of the assembly.
    fn assembly(&self) -> Option<String> {
        let (widths, rows) = Widths::read(self.tables)?;
        let (start, _) = widths.place(ASSEMBLY)?;
        let mut reader = Reader::little(rows).at(start)?;
        reader.skip(4)?;
        let version = (reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?);
        reader.skip(4)?;
        reader.skip(widths.column(b'b'))?;
        let name = reader.word_of(widths.column(b's'))?;
        let name = until_nul(clipped(self.names, name, 1024));
        let (major, minor, build, revision) = version;
        Some(format!("{} {major}.{minor}.{build}.{revision}", String::from_utf8_lossy(name)))
    }

    /// The files that it carries itself (II.22.24): their names, and where they begin among the resources.
    fn resources(&self) -> impl Iterator<Item = (String, u64)> {
        let table = Widths::read(self.tables).and_then(|(widths, rows)| {
            let (start, length) = widths.place(RESOURCES)?;
            let count = widths.rows(RESOURCES);
            Some((widths, clipped(rows, start, length.saturating_mul(u64::from(count))), length))
        });
        table.into_iter().flat_map(move |(widths, rows, length)| {
            let rows = rows.chunks_exact(usize::try_from(length).unwrap_or(usize::MAX).max(1));
            rows.filter_map(move |row| {
                let mut row = Reader::little(row);
                let place = u64::from(row.u32()?);
                row.skip(4)?;
                let name = row.word_of(widths.column(b's'))?;
                let elsewhere = row.word_of(widths.column(b'S'))?;
                let name = until_nul(clipped(self.names, name, 1024));
                (elsewhere == 0).then(|| (String::from_utf8_lossy(name).into_owned(), place))
            })
        })
    }

    /// The texts of the program, a line each, and whether there is room for all.
    fn texts(&self) -> (String, bool) {
        let mut out = String::new();
        let mut reader = Reader::little(self.texts);
        while let Some(length) = compressed(&mut reader) {
            if out.len() >= TEXT {
                return (out, false);
            }
            let bytes = clipped(reader.rest(), 0, length);
            let units = bytes.as_chunks::<2>().0.iter().map(|&unit| u16::from_le_bytes(unit));
            let before = out.len();
            out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
            if out.len() > before {
                out.push('\n');
            }
            if reader.skip(length).is_none() {
                break;
            }
        }
        (out, true)
    }
}

/// A length in one, two or four bytes.
pub(crate) fn compressed(reader: &mut Reader<'_>) -> Option<u64> {
    let first = u64::from(reader.u8()?);
    let more = |reader: &mut Reader<'_>| reader.u8().map(u64::from);
    Some(match first {
        0..=0x7f => first,
        0x80..=0xbf => (first & 0x3f) << 8 | more(reader)?,
        _ => (first & 0x1f) << 24 | more(reader)? << 16 | more(reader)? << 8 | more(reader)?,
    })
}

const ASSEMBLY: usize = 0x20;
const RESOURCES: usize = 0x28;

/// The columns of the tables up to that of resources, a character each: digits are widths, `s`, `g` and `b`
/// indices into heaps of names, identifiers and blobs; capitals stand for [`LINKS`].
const TABLES: [&str; 41] = [
    "2sggg",
    "Ass",
    "4ssBCD",
    "C",
    "2sb",
    "D",
    "422sbE",
    "E",
    "22s",
    "FB",
    "Gsb",
    "2Hb",
    "IJb",
    "Kb",
    "2Lb",
    "24F",
    "4C",
    "b",
    "FM",
    "M",
    "2sB",
    "FN",
    "N",
    "2sb",
    "2DO",
    "FPP",
    "s",
    "b",
    "2QsR",
    "4C",
    "44",
    "4",
    "422224bss",
    "4",
    "444",
    "22224bssb",
    "4T",
    "444T",
    "4sb",
    "44ssS",
    "44sS",
];

/// Where the columns with capitals lead: the bits that say to which table, and the tables.
const LINKS: [(u32, &[usize]); 20] = [
    (2, &[0x00, 0x1a, 0x23, 0x01]),
    (2, &[0x02, 0x01, 0x1b]),
    (0, &[0x04]),
    (0, &[0x06]),
    (0, &[0x08]),
    (0, &[0x02]),
    (3, &[0x02, 0x01, 0x1a, 0x06, 0x1b]),
    (2, &[0x04, 0x08, 0x17]),
    (
        5,
        &[
            0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23,
            0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b,
        ],
    ),
    (3, &[0x06, 0x0a]),
    (1, &[0x04, 0x08]),
    (2, &[0x02, 0x06, 0x20]),
    (0, &[0x14]),
    (0, &[0x17]),
    (1, &[0x14, 0x17]),
    (1, &[0x06, 0x0a]),
    (1, &[0x04, 0x06]),
    (0, &[0x1a]),
    (2, &[0x26, 0x23, 0x27]),
    (0, &[0x23]),
];

/// How many rows tables have, and how wide their columns are.
#[derive(Debug)]
pub(crate) struct Widths {
    heaps: u8,
    rows: [u32; 64],
}

impl Widths {
    /// What the stream of tables says of them, and the rows of all tables.
    pub(crate) fn read(tables: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::little(tables);
        reader.skip(6)?;
        let heaps = reader.u8()?;
        reader.skip(1)?;
        let present = reader.u64()?;
        reader.skip(8)?;
        let mut rows = [0_u32; 64];
        for (table, count) in rows.iter_mut().enumerate() {
            if present.wrapping_shr(u32::try_from(table).ok()?) & 1 != 0 {
                *count = reader.u32()?;
            }
        }
        Some((Self { heaps, rows }, reader.rest()))
    }

    /// Rows of a table.
    pub(crate) fn rows(&self, table: usize) -> u32 {
        self.rows.get(table).copied().unwrap_or(0)
    }

    /// Where the rows of a table begin among those of all, and the length of each; `None` when it has no row.
    pub(crate) fn place(&self, table: usize) -> Option<(u64, u64)> {
        let size = |table: usize| {
            let columns = TABLES.get(table)?.bytes();
            Some(columns.map(|column| self.column(column)).fold(0, u64::saturating_add))
        };
        if self.rows(table) == 0 {
            return None;
        }
        let mut start: u64 = 0;
        for before in 0..table {
            start = start.checked_add(u64::from(self.rows(before)).checked_mul(size(before)?)?)?;
        }
        Some((start, size(table)?))
    }

    /// The width of a column of this kind.
    pub(crate) fn column(&self, column: u8) -> u64 {
        let heap = |bit: u8| if self.heaps & bit == 0 { 2 } else { 4 };
        match column {
            b'2' => 2,
            b'4' => 4,
            b's' => heap(1),
            b'g' => heap(2),
            b'b' => heap(4),
            _ => {
                let link = usize::from(column.saturating_sub(b'A'));
                let Some((bits, tables)) = LINKS.get(link) else { return 0 };
                let most = tables.iter().map(|&table| self.rows(table)).max().unwrap_or(0);
                if u64::from(most) < 0x1_0000_u64.wrapping_shr(*bits) { 2 } else { 4 }
            }
        }
    }
}

impl Reader<'_> {
    /// A number of two or four bytes.
    pub(crate) fn word_of(&mut self, width: u64) -> Option<u64> {
        if width == 4 { self.u32().map(u64::from) } else { self.u16().map(u64::from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_lines() {
        let mut texts = vec![0, 7];
        texts.extend("abc".encode_utf16().flat_map(u16::to_le_bytes).chain([0]));
        texts.extend([0x80, 0x81]);
        texts.extend("x".repeat(64).encode_utf16().flat_map(u16::to_le_bytes).chain([0]));
        let metadata =
            Metadata { version: String::new(), tables: &[], names: &[], texts: &texts, carried: None };
        assert_eq!(metadata.texts().0, format!("abc\n{}\n", "x".repeat(64)));
        for end in 0..texts.len() {
            let cut = Metadata {
                version: String::new(),
                tables: &[],
                names: &[],
                texts: &texts[..end],
                carried: None,
            };
            assert!(cut.texts().0.len() <= 69);
        }
    }

    #[test]
    fn texts_that_there_is_no_room_for_are_missed() {
        // Three bytes for each of two.
        let long =
            "\u{4e00}".repeat(TEXT / 3 + 1).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let length = (0xc000_0000_u32 | u32::try_from(long.len()).unwrap()).to_be_bytes();
        let mut texts = [&[0][..], &length, &long].concat();
        let told = |texts: &[u8]| {
            let metadata = Metadata { version: String::new(), tables: &[], names: &[], texts, carried: None };
            metadata.texts().1
        };
        assert!(told(&texts));
        texts.extend(b"\x02a\0");
        assert!(!told(&texts));
    }

    #[test]
    fn the_assembly_is_found_behind_other_tables() {
        // One module, two type references, one method, one assembly; narrow heaps.
        let mut tables = vec![0, 0, 0, 0, 2, 0, 0, 1];
        tables.extend((1_u64 | 1 << 1 | 1 << 6 | 1 << 0x20).to_le_bytes());
        tables.extend([0; 8]);
        for rows in [1_u32, 2, 1, 1] {
            tables.extend(rows.to_le_bytes());
        }
        tables.extend([0xee; 10 + 2 * 6 + 14]);
        tables.extend([4, 0x80, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        let metadata = Metadata {
            version: String::new(),
            tables: &tables,
            names: b"\0Loader\0",
            texts: &[],
            carried: None,
        };
        assert_eq!(metadata.assembly().as_deref(), Some("Loader 1.2.3.4"));
        for end in 0..tables.len() - 2 {
            let cut = Metadata {
                version: String::new(),
                tables: &tables[..end],
                names: b"",
                texts: &[],
                carried: None,
            };
            assert_eq!(cut.assembly(), None);
        }
    }
}
