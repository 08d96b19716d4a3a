//! The resource tree: three levels of directories (type, name, language) with data at the leaves.
//!
//! A hostile tree leads back into itself or repeats one directory thousands of times, so the walk has a
//! fixed depth and an allowance of entries.

use super::image::PortableExecutable;
use crate::reader::{Reader, clipped};

/// Type numbers of the resources that are kept.
pub(crate) const ICON: u32 = 3;
pub(crate) const VERSION: u32 = 16;

/// Entries of directories that are looked at, at all levels together.
const ENTRIES: u32 = 16_384;

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
pub(crate) fn read(file: &PortableExecutable<'_>) -> Vec<Resource> {
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
            for (_, leaf) in entries(tree, languages, &mut left) {
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
