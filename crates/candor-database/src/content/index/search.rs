//! Looking a layer up in the index.

use std::collections::HashMap;

use candor_model::Target;

use super::kernel::{Filter, Width, passing};
use super::layout::{
    ENTRY, HEADER, LAST, MASKED, PARTS, PLACED, RECORD, SLOT, class, run_number, slot_digest, slot_start,
};
use crate::bytes::{Reader, record_at, run, u32_at, u64_at};
use crate::content::anchor::{Group, Tier};
use crate::content::codec::Decoder;
use crate::content::evaluate::{Layer, Steps, find_starting};

/// Positions that are tested before those that pass are looked up: the bytes are then still in the
/// first-level cache.
const BLOCK: usize = 16 << 10;
/// Records of one run that are compared at one position, so that a damaged image cannot make a
/// search hang.
const MAX_CHAIN: usize = 1 << 16;
/// Shards that a section may have.
const MAX_SHARDS: usize = 64;
/// Steps for one window.
const WINDOW_STEPS: u64 = 1 << 20;

/// The content signatures that a layer touches, each once.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    seen: Vec<u64>,
    list: Vec<u32>,
    /// Bytes of windows that were tried in vain, by signature.
    spent: HashMap<u32, usize>,
}

impl Touched {
    /// Forgets everything; the memory stays.
    pub(crate) fn clear(&mut self) {
        self.spent.clear();
        for number in self.list.drain(..) {
            if let Some(word) = self.seen.get_mut(number as usize / 64) {
                *word = 0;
            }
        }
    }

    /// Whether the signature is touched.
    fn contains(&self, number: u32) -> bool {
        self.seen.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Takes `bytes` from the `room` that a signature has for windows; false when there is none left.
    fn afford(&mut self, number: u32, bytes: usize, room: usize) -> bool {
        let spent = self.spent.entry(number).or_default();
        *spent = spent.saturating_add(bytes);
        *spent <= room
    }

    /// Adds a signature; `count` is how many there are.
    pub(crate) fn insert(&mut self, number: u32, count: u32) {
        if number >= count || self.contains(number) {
            return;
        }
        let index = number as usize / 64;
        if index >= self.seen.len() {
            self.seen.resize((count as usize).div_ceil(64), 0);
        }
        if let Some(word) = self.seen.get_mut(index) {
            *word |= 1 << (number % 64);
            self.list.push(number);
        }
    }

    /// The touched signatures, ascending.
    pub(crate) fn sorted(&mut self) -> &[u32] {
        self.list.sort_unstable();
        &self.list
    }
}

/// The index of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index<'a> {
    section: &'a [u8],
}

impl<'a> Index<'a> {
    /// The index in `section`; an empty section is an index of nothing.
    pub(crate) const fn new(section: &'a [u8]) -> Self {
        Self { section }
    }

    /// Touches every signature of which an anchor and its surroundings occur in `bytes`.
    pub(crate) fn search(
        &self,
        target: Target,
        layer: Layer<'_>,
        count: u32,
        passed: &mut Vec<usize>,
        touched: &mut Touched,
    ) {
        let Some(shard) = self.shard(class(target)).or_else(|| self.shard(class(Target::Any))) else {
            return;
        };
        let [long, medium, triple, short] = shard.tables;
        let bytes = layer.bytes;
        for from in (0..bytes.len()).step_by(BLOCK) {
            let to = from.saturating_add(BLOCK).min(bytes.len());
            if let Some(filter) = shard.filter {
                passed.clear();
                passing(filter, Width::Eight, bytes, from, to, passed);
                for at in passed.iter() {
                    shard.look_up(long, Tier::Long, layer, *at, count, touched);
                }
            }
            if let Some(filter) = shard.small {
                passed.clear();
                passing(filter, Width::Four, bytes, from, to, passed);
                for at in passed.iter() {
                    shard.look_up(medium, Tier::Medium, layer, *at, count, touched);
                }
            }
            if let Some(filter) = shard.pairs {
                passed.clear();
                passing(filter, Width::Two, bytes, from, to, passed);
                for at in passed.iter() {
                    shard.look_up(triple, Tier::Triple, layer, *at, count, touched);
                    shard.look_up(short, Tier::Short, layer, *at, count, touched);
                }
            }
        }
    }

    /// The shard of a class, if the section has one that can be used.
    fn shard(&self, class: u32) -> Option<Shard<'a>> {
        let count = u32_at(self.section, 0)? as usize;
        for index in 0..count.min(MAX_SHARDS) {
            let entry = run(self.section, HEADER.checked_add(ENTRY.checked_mul(index)?)?, ENTRY)?;
            if u32_at(entry, 0)? == class {
                return self.open_shard(entry);
            }
        }
        None
    }

    fn open_shard(&self, entry: &[u8]) -> Option<Shard<'a>> {
        let mut parts = [&[][..]; PARTS];
        for (index, part) in parts.iter_mut().enumerate() {
            let at = index.checked_mul(2)?.checked_add(1)?;
            let offset = usize::try_from(u64_at(entry, at)?).ok()?;
            let length = usize::try_from(u64_at(entry, at.checked_add(1)?)?).ok()?;
            *part = run(self.section, offset, length)?;
        }
        let [
            filter,
            small,
            pairs,
            slots,
            records,
            medium_slots,
            medium_records,
            triple_slots,
            triple_records,
            short_slots,
            short_records,
            probes,
            groups,
        ] = parts;
        Some(Shard {
            filter: Filter::new(filter),
            small: Filter::new(small),
            pairs: Filter::new(pairs).filter(Filter::holds_pairs),
            tables: [
                Table { slots, records },
                Table { slots: medium_slots, records: medium_records },
                Table { slots: triple_slots, records: triple_records },
                Table { slots: short_slots, records: short_records },
            ],
            probes,
            groups,
        })
    }
}

/// Slots and records of one tier.
#[derive(Clone, Copy, Debug)]
struct Table<'a> {
    slots: &'a [u8],
    records: &'a [u8],
}

impl Table<'_> {
    /// What is kept of a digest, and the number of its first record plus one.
    fn slot(&self, index: usize) -> Option<(u32, u32)> {
        let slot = record_at(self.slots, index, SLOT)?;
        Some((u32_at(slot, 0)?, u32_at(slot, 1)?))
    }
}

#[derive(Clone, Copy, Debug)]
struct Shard<'a> {
    filter: Option<Filter<'a>>,
    small: Option<Filter<'a>>,
    pairs: Option<Filter<'a>>,
    tables: [Table<'a>; 4],
    probes: &'a [u8],
    groups: &'a [u8],
}

impl Shard<'_> {
    /// Touches what has the run at `at` and fits around it. Anything out of bounds ends the look-up.
    fn look_up(
        &self,
        table: Table<'_>,
        tier: Tier,
        layer: Layer<'_>,
        at: usize,
        count: u32,
        touched: &mut Touched,
    ) {
        let slots = table.slots.len() / SLOT;
        if !slots.is_power_of_two() {
            return;
        }
        let Some(run) = layer.bytes.get(at..).and_then(|rest| run_number(rest, tier)) else { return };
        let digest = slot_digest(run);
        let mut slot = slot_start(digest, slots);
        // At least half of the slots of a sound table are free; a damaged one ends here as well.
        for _ in 0..slots.min(MAX_CHAIN) {
            let Some((held, first)) = table.slot(slot) else { return };
            let Some(first) = first.checked_sub(1) else { return };
            // Two runs may share the half of the digest that is kept, so the walk goes on.
            if held == (digest & 0xffff_ffff) as u32 {
                self.compare_records(table, first, layer, at, count, touched);
            }
            slot = slot.wrapping_add(1) & slots.wrapping_sub(1);
        }
    }

    fn compare_records(
        &self,
        table: Table<'_>,
        first: u32,
        layer: Layer<'_>,
        at: usize,
        count: u32,
        touched: &mut Touched,
    ) {
        for index in (first as usize..).take(MAX_CHAIN) {
            let Some(record) = record_at(table.records, index, RECORD) else { return };
            let flags = record.get(12).copied().unwrap_or(LAST);
            let Some(signature) = u32_at(record, 0) else { return };
            if !touched.contains(signature)
                && self.fits(record, flags, layer.bytes, at).unwrap_or(false)
                && self.group_fits(record, signature, layer, at, touched)
            {
                touched.insert(signature, count);
            }
            if flags & LAST != 0 {
                return;
            }
        }
    }

    /// Whether the surroundings of the anchor at `at` are those of the record.
    fn fits(&self, record: &[u8], flags: u8, bytes: &[u8], at: usize) -> Option<bool> {
        let sizes = u32_at(record, 2)?;
        let length = (sizes & 0xffff) as usize;
        let start = at.checked_sub((sizes >> 16) as usize)?;
        let here = run(bytes, start, length)?;
        let offset = u32_at(record, 1)? as usize;
        let values = run(self.probes, offset, length)?;
        if flags & MASKED == 0 {
            if here != values {
                return Some(false);
            }
        } else {
            let masks = run(self.probes, offset.checked_add(length)?, length)?;
            if here.iter().zip(values).zip(masks).any(|((byte, value), mask)| byte & mask != *value) {
                return Some(false);
            }
        }
        if flags & PLACED != 0 {
            let Ok(start) = u32::try_from(start) else { return Some(false) };
            return Some(u32_at(record, 4)? <= start && start <= u32_at(record, 5)?);
        }
        Some(true)
    }

    /// Whether the parts around the anchor match in a small window, when the record has any. True
    /// where that is not known, or where windows were tried so often that looking at the whole layer
    /// costs less.
    fn group_fits(
        &self,
        record: &[u8],
        signature: u32,
        layer: Layer<'_>,
        at: usize,
        touched: &mut Touched,
    ) -> bool {
        let group = || {
            let start = u32_at(record, 6)?.checked_sub(1)? as usize;
            Decoder::new(Reader::new(self.groups.get(start..)?).run()?).group()
        };
        let Some(Group { pattern, least, most }) = group() else { return true };
        let room = (layer.bytes.len() / 4).saturating_add(1 << 12);
        if !touched.afford(signature, most.saturating_sub(least).saturating_add(64), room) {
            return true;
        }
        let Some(high) = at.checked_sub(least) else { return false };
        let ranges = vec![(at.saturating_sub(most), high)];
        let found = find_starting(&pattern, layer, ranges, 1, &mut Steps::new(WINDOW_STEPS));
        found.map_or(true, |found| found.count > 0)
    }
}
