//! `ndb`, rpm's own container, as SUSE uses it: `Packages.db`.
//!
//! ```text
//! 0    "RpmP", version 0, generation, number of slot pages (u32 each, little-endian)
//! 32   16 bytes a slot: "Slot", number of the package, where its block is (in units of 16), how many
//! then blocks: "BlbS", number of the package, generation, bytes; the header of the package; a tail
//! ```

use super::Package;
use crate::inventory::Items;
use crate::inventory::bytes::{le32, run, size};

const PAGE: usize = 4096;
const SLOT: usize = 16;

pub(super) fn read(bytes: &[u8], items: &mut Items<'_>, package: &mut Package<'_>) {
    let (Some(version), Some(pages)) = (le32(bytes, 4), le32(bytes, 12)) else {
        return items.unread("it ends within its header");
    };
    if version != 0 {
        return items.unread(&format!("it is of version {version}"));
    }
    let end = size(pages).saturating_mul(PAGE);
    if end > bytes.len() {
        items.partly("it ends within its slots");
    }
    let slots = bytes.get(2 * SLOT..end.min(bytes.len())).unwrap_or_default();
    // Slots that all lead to one place must not make one package many.
    let mut seen = std::collections::BTreeSet::new();
    for slot in slots.as_chunks::<SLOT>().0 {
        let slot = &slot[..];
        if items.is_full() {
            return;
        }
        let (Some(number), Some(place)) = (le32(slot, 4), le32(slot, 8)) else { continue };
        if !slot.starts_with(b"Slot") || number == 0 || !seen.insert(place) {
            continue;
        }
        let blob = || {
            let at = size(place).checked_mul(SLOT)?;
            let head = run(bytes, at, SLOT)?;
            let is_own = head.starts_with(b"BlbS") && le32(head, 4) == Some(number);
            run(bytes, at.checked_add(SLOT)?, size(le32(head, 12)?)).filter(|_| is_own)
        };
        match blob() {
            Some(blob) => package(blob, items),
            None => items.partly("a slot leads to no block of its package"),
        }
    }
}
