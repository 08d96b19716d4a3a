//! The tree of resources, as a list of its leaves, and the strings of the versions among them.

use candor_model::ModuleValue;

use super::header::Header;
use crate::module::fields::Fields;
use crate::reader::{Reader, clipped};

/// Resources that are listed, as libyara does, and rows of directories at all levels together.
const RESOURCES: usize = 65_536;
const ROWS: u32 = 131_072;
/// Rows of one kind in a directory; what says that it has more is none.
const ROWS_OF_KIND: u16 = 32_768;
/// Bytes of texts of all resources together.
const TEXTS: usize = 4 << 20;
/// Type number of versions.
const VERSION: u32 = 16;

/// Strings of versions that are kept, blocks that are looked at for them, and how long keys and values can be.
const STRINGS: usize = 1024;
const BLOCKS: usize = 65_536;
const KEY: usize = 63;
const VALUE: usize = 255;

/// Adds both.
pub(crate) fn tell(file: &Header<'_>, mut fields: Fields) -> Fields {
    let mut found = Leaves::default();
    let (address, _) = file.directory(2);
    let base = if address == 0 { None } else { file.offset_of(address) };
    let root = base.and_then(|base| Some((base, file.at(base)?.take(16)?)));
    if let Some((base, root)) = root {
        let mut root = Reader::little(root);
        let mut head = || Some((root.skip(4)?, root.u32()?, root.u16()?, root.u16()?));
        if let Some(((), timestamp, major, minor)) = head() {
            let version = Fields::default().integer("major", major).integer("minor", minor);
            fields = fields.integer("resource_timestamp", timestamp).with("resource_version", version);
        }
        let tree = Reader::little(clipped(file.bytes, base, u64::MAX));
        let _ = found.walk(tree, 0, 0, [Label::None; 3]);
    }
    let mut strings = Strings { found: Vec::new(), blocks: BLOCKS };
    for leaf in &found.leaves {
        if matches!(leaf.labels, [Label::Number(VERSION), ..])
            && let Some(at) = file.offset_of(leaf.address)
        {
            let _ = strings.read(clipped(file.bytes, at, u64::MAX));
        }
    }
    let resources: Vec<ModuleValue> = found.leaves.iter().map(|leaf| leaf.value(file)).collect();
    fields = fields.count("number_of_resources", resources.len()).array("resources", resources);
    tell_strings(strings.found, fields)
}

/// Adds strings of versions; of several with one key the last counts.
fn tell_strings(strings: Vec<(Vec<u8>, Vec<u8>)>, fields: Fields) -> Fields {
    let list = strings.iter().map(|(key, value)| {
        Fields::default().text("key", key.as_slice()).text("value", value.as_slice()).into()
    });
    let list = list.collect();
    let count = strings.len();
    let mut by_key: std::collections::BTreeMap<Vec<u8>, Vec<u8>> = std::collections::BTreeMap::new();
    by_key.extend(strings);
    let by_key = by_key.into_iter().map(|(key, value)| (key, ModuleValue::Text(value))).collect();
    fields
        .count("number_of_version_infos", count)
        .array("version_info_list", list)
        .with("version_info", ModuleValue::Dictionary(by_key))
}

/// What a level of the tree says of a resource: its type, its name, its language.
#[derive(Clone, Copy, Debug, Default)]
enum Label<'a> {
    #[default]
    None,
    Number(u32),
    Text(&'a [u8]),
}

impl Label<'_> {
    fn length(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Leaf<'a> {
    labels: [Label<'a>; 3],
    address: u32,
    length: u32,
}

impl Leaf<'_> {
    fn value(&self, file: &Header<'_>) -> ModuleValue {
        let mut fields = Fields::default()
            .integer("rva", self.address)
            .integer_if("offset", file.offset_of(self.address))
            .integer("length", self.length);
        let names = [("type", "type_string"), ("id", "name_string"), ("language", "language_string")];
        for (label, (number, text)) in self.labels.iter().zip(names) {
            fields = match *label {
                Label::None => fields.integer(number, -1),
                Label::Number(value) => fields.integer(number, value),
                Label::Text(value) => fields.text(text, value),
            };
        }
        fields.into()
    }
}

#[derive(Debug, Default)]
struct Leaves<'a> {
    leaves: Vec<Leaf<'a>>,
    rows: u32,
    texts: usize,
}

/// Whether there may be more.
type More = Option<()>;

impl<'a> Leaves<'a> {
    fn walk(&mut self, tree: Reader<'a>, at: u32, level: usize, labels: [Label<'a>; 3]) -> More {
        let mut directory = tree.at(u64::from(at)).filter(|reader| reader.rest().len() >= 16)?;
        let characteristics = directory.u32()?;
        directory.skip(8)?;
        let (named, numbered) = (directory.u16()?, directory.u16()?);
        if characteristics != 0 || named > ROWS_OF_KIND || numbered > ROWS_OF_KIND {
            return None;
        }
        for _ in 0..u32::from(named).saturating_add(u32::from(numbered)) {
            let (name, place) = (directory.u32()?, directory.u32()?);
            self.rows = self.rows.saturating_add(1);
            if self.rows > ROWS {
                return None;
            }
            let mut labels = labels;
            if let Some(label) = labels.get_mut(level) {
                *label = text(tree, name).map_or(Label::Number(name), Label::Text);
            }
            if place >> 31 == 1 && level < 2 {
                self.walk(tree, place & 0x7fff_ffff, level.saturating_add(1), labels)?;
            } else {
                let mut leaf = tree.at(u64::from(place)).filter(|leaf| leaf.rest().len() >= 16)?;
                self.texts = self.texts.saturating_add(labels.iter().map(Label::length).sum());
                if self.leaves.len() >= RESOURCES || self.texts > TEXTS {
                    return None;
                }
                self.leaves.push(Leaf { labels, address: leaf.u32()?, length: leaf.u32()? });
            }
        }
        Some(())
    }
}

/// The text that a name leads to, when it is no number.
fn text(tree: Reader<'_>, name: u32) -> Option<&[u8]> {
    if name >> 31 == 0 {
        return None;
    }
    let mut reader = tree.at(u64::from(name & 0x7fff_ffff))?;
    let length = reader.u16()?;
    reader.take(u64::from(length).checked_mul(2)?)
}

/// The strings in version resources.
///
/// ```text
/// block: length 2 | length of the value 2 | kind 2 | key in UTF-16, to its zero | to a multiple of 4 | value | blocks
/// VS_VERSION_INFO (with a value of 52 bytes) > StringFileInfo > language > strings
/// ```
#[derive(Debug)]
struct Strings {
    found: Vec<(Vec<u8>, Vec<u8>)>,
    /// Blocks that may still be looked at.
    blocks: usize,
}

impl Strings {
    /// Those of one resource, as far as they can be read.
    fn read(&mut self, data: &[u8]) -> More {
        let root = self.block(data, 0).filter(|root| root.key(data) == b"VS_VERSION_INFO")?;
        let mut at = root.key_end.saturating_add(VALUE_OF_ROOT).next_multiple_of(4);
        loop {
            let info = self.block(data, at)?;
            let end = info.end(at);
            match info.key(data).as_slice() {
                b"StringFileInfo" => (),
                b"VarFileInfo" => {
                    at = end;
                    continue;
                }
                _ => return None,
            }
            let mut table_at = info.inside();
            while table_at < end {
                let table = self.block(data, table_at)?;
                self.table(data, &table, table.end(table_at))?;
                table_at = table.end(table_at);
            }
            at = end;
        }
    }

    fn table(&mut self, data: &[u8], table: &Block, end: usize) -> More {
        let mut at = table.inside();
        while at < end {
            let string = self.block(data, at)?;
            if string.value_length > 0
                && let Some(value) = units(data, string.inside())
            {
                if self.found.len() >= STRINGS {
                    return None;
                }
                self.found.push((cut(&string.key(data), KEY), cut(&value, VALUE)));
            }
            at = string.end(at);
        }
        Some(())
    }

    /// A block that has a length.
    fn block(&mut self, data: &[u8], at: usize) -> Option<Block> {
        self.blocks = self.blocks.checked_sub(1)?;
        Block::read(data, at).filter(|block| block.length > 0)
    }
}

/// Length of the value of the outermost block.
const VALUE_OF_ROOT: usize = 52;

#[derive(Clone, Copy, Debug)]
struct Block {
    length: usize,
    value_length: usize,
    key_at: usize,
    /// Behind the zero of the key.
    key_end: usize,
}

impl Block {
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let mut reader = Reader::little(data).at(u64::try_from(at).ok()?)?;
        let length = usize::from(reader.u16()?);
        let value_length = usize::from(reader.u16()?);
        reader.skip(2)?;
        let key_at = reader.position();
        let rest = data.get(key_at..)?;
        let units = rest.get(..2 * 256).unwrap_or(rest).as_chunks::<2>().0;
        let key_length = units.iter().position(|unit| *unit == [0, 0])?;
        let key_end = key_at.checked_add(key_length.checked_add(1)?.checked_mul(2)?)?;
        Some(Self { length, value_length, key_at, key_end })
    }

    /// The key; of each unit the lower byte.
    fn key(&self, data: &[u8]) -> Vec<u8> {
        units(data, self.key_at).unwrap_or_default()
    }

    /// Where what is in it begins.
    const fn inside(&self) -> usize {
        self.key_end.next_multiple_of(4)
    }

    /// Where the next block begins, of one that stands at `at`.
    const fn end(&self, at: usize) -> usize {
        at.saturating_add(self.length).next_multiple_of(4)
    }
}

/// The text at a place, to its zero; of each unit the lower byte.
fn units(data: &[u8], at: usize) -> Option<Vec<u8>> {
    let units = data.get(at..)?.as_chunks::<2>().0;
    let length = units.iter().take(0x8000).position(|unit| *unit == [0, 0])?;
    Some(units.iter().take(length).map(|unit| unit[0]).collect())
}

fn cut(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.get(..length).unwrap_or(bytes).to_vec()
}
