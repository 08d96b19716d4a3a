//! The resource tree: three levels of directories (type, name, language) with data at the leaves.
//!
//! A hostile tree leads back into itself or repeats one directory thousands of times, so the walk has a
//! fixed depth and an allowance of entries.

use super::image::PortableExecutable;
use crate::reader::{Reader, clipped};
use crate::work::Allowance;

/// Type numbers of the resources that are kept.
pub(crate) const ICON: u32 = 3;
pub(crate) const VERSION: u32 = 16;

/// Entries of directories that are looked at, at all levels together.
const ENTRIES: u32 = 16_384;
/// What an entry costs, and one whose name is made, in the units of [`Allowance`].
const ENTRY: u64 = 64;
pub(super) const NAMED: u64 = 512;

/// One resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    /// Its type.
    pub(crate) kind: u32,
    /// Where its data stands in the file.
    pub(crate) offset: u64,
    /// Length of the data, as the tree says.
    pub(crate) length: u64,
}

/// The icons and version resources of a file, in the order of the tree.
pub(crate) fn read(file: &PortableExecutable<'_>, work: &Allowance) -> Vec<Resource> {
    let mut found = Vec::new();
    let Some(base) = file.directory(2).and_then(|(address, _)| file.offset_of(address)) else { return found };
    // Offsets within the tree count from its start.
    let tree = Reader::little(clipped(file.bytes, base, u64::MAX));
    let mut left = ENTRIES;
    for (kind, names) in entries(tree, 0, &mut left) {
        if !matches!(kind, ICON | VERSION) {
            continue;
        }
        let Some(names) = subdirectory(names) else { continue };
        for (_, languages) in entries(tree, names, &mut left) {
            let Some(languages) = subdirectory(languages) else { continue };
            if !work.pay(ENTRY) {
                return found;
            }
            for (_, leaf) in entries(tree, languages, &mut left) {
                if !work.pay(ENTRY) {
                    return found;
                }
                let Some(mut leaf) = tree.at(u64::from(leaf)) else { continue };
                let (Some(address), Some(length)) = (leaf.u32(), leaf.u32()) else { continue };
                if let Some(offset) = file.offset_of(address) {
                    found.push(Resource { kind, offset, length: u64::from(length) });
                }
            }
        }
    }
    found
}

/// A resource with the path to it.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// Type, name and language.
    pub(crate) name: String,
    /// Where its data stands in the file.
    pub(crate) offset: u64,
    /// Length of the data.
    pub(crate) length: u64,
    /// Whether it is a file that somebody put in, as far as its type tells.
    pub(crate) is_foreign: bool,
}

/// Names of types, by number; see `RT_…` in `winuser.h`.
const TYPES: [&str; 25] = [
    "0",
    "cursor",
    "bitmap",
    "icon",
    "menu",
    "dialog",
    "strings",
    "font directory",
    "font",
    "accelerators",
    "data",
    "messages",
    "cursors",
    "13",
    "icons",
    "15",
    "version",
    "dialog include",
    "18",
    "plug and play",
    "driver",
    "animated cursor",
    "animated icon",
    "html",
    "manifest",
];

/// The resources of a file, in the order of the tree, and whether the allowance was enough for all of it.
pub(crate) fn data(file: &PortableExecutable<'_>) -> (Vec<Data>, bool) {
    let mut found = Vec::new();
    let Some(base) = file.directory(2).and_then(|(address, _)| file.offset_of(address)) else {
        return (found, true);
    };
    let tree = Reader::little(clipped(file.bytes, base, u64::MAX));
    // Of one more, nothing is left.
    let mut left = ENTRIES.saturating_add(1);
    for (kind, names) in entries(tree, 0, &mut left) {
        let number = (kind >> 31 == 0).then_some(kind);
        let known = number.and_then(|number| TYPES.get(usize::try_from(number).ok()?));
        let kind = known.map_or_else(|| label(tree, kind), |name| (*name).to_owned());
        let Some(names) = subdirectory(names) else { continue };
        for (name, languages) in entries(tree, names, &mut left) {
            let Some(languages) = subdirectory(languages) else { continue };
            for (language, leaf) in entries(tree, languages, &mut left) {
                let Some(mut leaf) = tree.at(u64::from(leaf)) else { continue };
                let (Some(address), Some(length)) = (leaf.u32(), leaf.u32()) else { continue };
                let Some(offset) = file.offset_of(address) else { continue };
                found.push(Data {
                    name: format!("{kind}/{}/{language}", label(tree, name)),
                    offset,
                    length: u64::from(length),
                    is_foreign: Data::is_file(number),
                });
            }
        }
    }
    (found, left > 0)
}

/// An identifier: a number, or a text in the tree.
fn label(tree: Reader<'_>, identifier: u32) -> String {
    let text = || {
        let place = subdirectory(identifier)?;
        let mut reader = tree.at(u64::from(place))?;
        let count = reader.u16()?.min(128);
        let units: Vec<u16> = (0..count).map_while(|_| reader.u16()).collect();
        Some(String::from_utf16_lossy(&units))
    };
    text().unwrap_or_else(|| identifier.to_string())
}

/// The entries of the directory at `offset`: identifier, and offset of what it names.
fn entries(tree: Reader<'_>, offset: u32, left: &mut u32) -> Vec<(u32, u32)> {
    let read = || {
        let mut reader = tree.at(u64::from(offset))?;
        reader.skip(12)?;
        Some((u32::from(reader.u16()?).saturating_add(u32::from(reader.u16()?)), reader))
    };
    let Some((count, mut reader)) = read() else { return Vec::new() };
    let count = count.min(*left);
    *left = left.saturating_sub(count);
    (0..count).map_while(|_| Some((reader.u32()?, reader.u32()?))).collect()
}

/// The offset of a directory; `None` for a leaf.
const fn subdirectory(offset: u32) -> Option<u32> {
    if offset >> 31 == 1 { Some(offset & 0x7fff_ffff) } else { None }
}
