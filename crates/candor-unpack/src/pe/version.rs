//! The strings of version resources: what offsets of the form `VI` are anchored to.
//!
//! A resource is a tree of blocks: length, length of the value, type, a key in UTF-16LE that ends with
//! NUL, and then, each aligned to four bytes, the value and the blocks inside. The strings stand in
//! `VS_VERSION_INFO` / `StringFileInfo` / language / key.
//! <https://learn.microsoft.com/windows/win32/menuref/version-information>

use candor_model::VersionString;

use super::image::PortableExecutable;
use super::resources::{Resource, VERSION};
use crate::reader::{Reader, clipped};
use crate::work::{Allowance, units};

/// Strings kept of one file.
const STRINGS: usize = 1024;
/// Units of a key, and of a value, that are kept.
const UNITS: usize = 4096;
/// What a block costs, and a byte of its key, in the units of [`Allowance`].
const BLOCK: u64 = 64;
const BYTE: u64 = 4;

/// Every string of every version resource.
pub(crate) fn strings(
    file: &PortableExecutable<'_>,
    resources: &[Resource],
    work: &Allowance,
) -> Vec<VersionString> {
    let mut found = Vec::new();
    for resource in resources.iter().filter(|resource| resource.kind == VERSION) {
        let data = clipped(file.bytes, resource.offset, resource.length);
        let Some(root) = Block::read(data, 0) else { continue };
        if !root.pay(work) {
            return found;
        }
        for info in root.inside(data) {
            if !info.pay(work) {
                return found;
            }
            if info.key(data) != "StringFileInfo" {
                continue;
            }
            for table in info.inside(data) {
                if !table.pay(work) {
                    return found;
                }
                for string in table.inside(data) {
                    if found.len() >= STRINGS || !string.pay(work) {
                        return found;
                    }
                    let value = data.get(string.value..string.end).unwrap_or_default();
                    found.push(VersionString {
                        offset: resource.offset.saturating_add(u64::try_from(string.key).unwrap_or(0)),
                        key: string.key(data),
                        value: text(value),
                    });
                }
            }
        }
    }
    found
}

/// One block; its places are offsets in the resource.
#[derive(Clone, Copy, Debug)]
struct Block {
    key: usize,
    value: usize,
    value_length: usize,
    end: usize,
}

impl Block {
    fn read(data: &[u8], start: usize) -> Option<Self> {
        let mut reader = Reader::little(data).at(u64::try_from(start).ok()?)?;
        let length = usize::from(reader.u16()?);
        let value_length = usize::from(reader.u16()?);
        reader.skip(2)?;
        let key = reader.position();
        // A block holds at least its own header, or the walk would not move on.
        let end = start.checked_add(length.max(6))?.min(data.len());
        let units = data.get(key..end)?.as_chunks::<2>().0;
        let key_length = units.iter().position(|&unit| unit == [0, 0]).unwrap_or(units.len());
        let value = aligned(key.checked_add(key_length.checked_mul(2)?)?.checked_add(2)?)?.min(end);
        Some(Self { key, value, value_length, end })
    }

    /// Pays for it: any number of resources may be the same ones, and any number of keys the same letters.
    fn pay(self, work: &Allowance) -> bool {
        let length = units(self.end.saturating_sub(self.key).min(UNITS.saturating_mul(2)));
        let key = units(self.value.saturating_sub(self.key));
        work.pay(key.max(length / 8).saturating_mul(BYTE).saturating_add(BLOCK))
    }

    fn key(self, data: &[u8]) -> String {
        text(data.get(self.key..self.end).unwrap_or_default())
    }

    /// The blocks behind the value.
    fn inside(self, data: &[u8]) -> impl Iterator<Item = Self> {
        let mut next = self.value.checked_add(self.value_length).and_then(aligned);
        let data = data.get(..self.end).unwrap_or(data);
        std::iter::from_fn(move || {
            let block = Self::read(data, next?)?;
            next = aligned(block.end);
            Some(block)
        })
    }
}

const fn aligned(offset: usize) -> Option<usize> {
    offset.checked_next_multiple_of(4)
}

fn text(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|&unit| u16::from_le_bytes(unit));
    char::decode_utf16(units.take_while(|&unit| unit != 0).take(UNITS))
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
