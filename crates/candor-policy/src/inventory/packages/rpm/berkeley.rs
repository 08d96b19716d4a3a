//! Berkeley DB, as rpm used it until 4.16: `Packages`, a hash table.
//!
//! ```text
//! page 0     magic 0x061561 at 12, size of a page at 20, last page at 32
//! page       number of the next at 16, entries at 20, bytes used (overflow) at 22, kind at 25; from 26 on
//!            u16 offsets: key, value, key, value, …
//! value      kind 1: the bytes; kind 3: page (at 4) and length (at 8) of a chain of overflow pages
//! ```

use super::Package;
use crate::inventory::Items;
use crate::inventory::bytes::{array, run, size};

/// The magic number in either order of bytes.
pub(super) const MAGICS: [[u8; 4]; 2] = [[0x61, 0x15, 0x06, 0], [0, 0x06, 0x15, 0x61]];

const HASH: u8 = 13;
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const ENTRIES: usize = 26;

/// Bytes of one header of a package.
const LONGEST: usize = 64 << 20;

struct File<'a> {
    bytes: &'a [u8],
    is_little: bool,
    page: usize,
}

impl<'a> File<'a> {
    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = array(bytes, at)?;
        Some(if self.is_little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) })
    }

    fn u16(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let raw = array(bytes, at)?;
        Some(usize::from(if self.is_little { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) }))
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        run(self.bytes, size(number).checked_mul(self.page)?, self.page)
    }

    /// The bytes of a chain of overflow pages.
    fn chain(&self, first: u32, length: usize) -> Option<Vec<u8>> {
        // What the file has not, nobody makes room for.
        if length > LONGEST || length > self.bytes.len() {
            return None;
        }
        let mut out = Vec::new();
        let mut next = first;
        // A chain that leads back into itself ends when there is enough.
        while out.len() < length {
            let page = self.page(next).filter(|page| page.get(25) == Some(&OVERFLOW))?;
            let part = run(page, ENTRIES, self.u16(page, 22)?).filter(|part| !part.is_empty())?;
            out.extend_from_slice(part);
            next = self.u32(page, 16)?;
        }
        out.truncate(length);
        Some(out)
    }
}

pub(super) fn read(bytes: &[u8], items: &mut Items<'_>, package: &mut Package<'_>) {
    let is_little = bytes.get(12..16) == Some(&MAGICS[0][..]);
    let mut file = File { bytes, is_little, page: 512 };
    file.page = file.u32(bytes, 20).map_or(0, size);
    if !(512..=65_536).contains(&file.page) || !file.page.is_power_of_two() {
        return items.unread("the size of its pages makes no sense");
    }
    let last = file.u32(bytes, 32).unwrap_or(0);
    // Chains may not be read without end even if each is short: all together are no longer than the file,
    // but for what is damaged.
    let mut left = bytes.len().saturating_mul(2);
    for number in 1..=last {
        if items.is_full() {
            return;
        }
        let Some(page) = file.page(number) else { return items.partly("it ends early") };
        if !matches!(page.get(25), Some(&HASH | &HASH_UNSORTED)) {
            continue;
        }
        let entries = file.u16(page, 20).unwrap_or(0).min(file.page / 2);
        for entry in (1..entries).step_by(2) {
            let place = entry.saturating_mul(2).saturating_add(ENTRIES);
            let value = || page.get(file.u16(page, place)?..);
            match value().and_then(|value| Some((value, *value.first()?))) {
                Some((value, 3)) => {
                    let chain = || {
                        let length = size(file.u32(value, 8)?);
                        left = left.checked_sub(length)?;
                        file.chain(file.u32(value, 4)?, length)
                    };
                    match { chain }() {
                        Some(blob) => package(&blob, items),
                        None => items.partly("a chain of pages is damaged"),
                    }
                }
                // A short value: the number of the next package, or one that is very small. It goes up to
                // where the entry before begins.
                Some((value, 1)) => {
                    let start = file.u16(page, place).unwrap_or(0);
                    let key = file.u16(page, place.saturating_sub(2)).unwrap_or(0);
                    let length = key.saturating_sub(start);
                    if let Some(blob) = value.get(1..length)
                        && blob.len() > 16
                    {
                        package(blob, items);
                    }
                }
                Some(_) => (),
                None => items.partly("an entry lies outside of its page"),
            }
        }
    }
}
