//! Looking a layer up in the index.

use candor_model::Target;

use super::kernel::{Filter, Width, passing};
use super::layout::{
    ENTRY, HEADER, LAST, MASKED, PLACED, RECORD, SLOT, class, run_number, slot_digest, slot_start,
};
use crate::content::anchor::Tier;

/// Positions that are tested before those that pass are looked up: the bytes are then still in the
/// first-level cache.
const BLOCK: usize = 16 << 10;
/// Records of one run that are compared at one position, so that a damaged image cannot make a
/// search hang.
const MAX_CHAIN: usize = 1 << 16;

/// The content signatures that a layer touches, each once.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    seen: Vec<u64>,
    list: Vec<u32>,
}

impl Touched {
    /// Forgets everything; the memory stays.
    pub(crate) fn clear(&mut self) {
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
        bytes: &[u8],
        count: u32,
        passed: &mut Vec<usize>,
        touched: &mut Touched,
    ) {
        let shards = self.shards(target);
        for from in (0..bytes.len()).step_by(BLOCK) {
            let to = from.saturating_add(BLOCK).min(bytes.len());
            for (shard, tier, width) in shards.iter().flatten() {
                passed.clear();
                passing(shard.filter, *width, bytes, from, to, passed);
                for at in passed.iter() {
                    shard.look_up(*tier, bytes, *at, count, touched);
                }
            }
        }
    }

    /// The shard for `target` in each tier, or that for any file where the class has none.
    fn shards(&self, target: Target) -> [Option<(Shard<'a>, Tier, Width)>; 3] {
        Tier::ALL.map(|tier| {
            let width = match tier {
                Tier::Short => Width::Two,
                Tier::Medium => Width::Four,
                Tier::Long => Width::Eight,
            };
            let shard = match self.shard(class(target), tier) {
                Some(own) => own,
                None => self.shard(class(Target::Any), tier)?,
            };
            Some((shard?, tier, width))
        })
    }

    /// The shard of a class and tier. The outer layer is whether there is an entry for it, the inner
    /// one whether it holds anything that can be used.
    #[expect(clippy::option_option, reason = "an empty shard of a class is not the same as none")]
    fn shard(&self, class: u32, tier: Tier) -> Option<Option<Shard<'a>>> {
        let count = u32_at(self.section, 0)? as usize;
        for index in 0..count.min(64) {
            let start = HEADER.checked_add(ENTRY.checked_mul(index)?)?;
            let entry = self.section.get(start..start.checked_add(ENTRY)?)?;
            if u32_at(entry, 0)? == class && u32_at(entry, 4)? as usize == tier.width() {
                return Some(self.open_shard(entry, tier));
            }
        }
        None
    }

    fn open_shard(&self, entry: &[u8], tier: Tier) -> Option<Shard<'a>> {
        let part = |index: usize| {
            let at = 8_usize.checked_add(index.checked_mul(16)?)?;
            let offset = usize::try_from(u64_at(entry, at)?).ok()?;
            let length = usize::try_from(u64_at(entry, at.checked_add(8)?)?).ok()?;
            self.section.get(offset..offset.checked_add(length)?)
        };
        let (filter, slots, records, probes) = (part(0)?, part(1)?, part(2)?, part(3)?);
        let filter = Filter::new(filter)?;
        let count = slots.len() / SLOT;
        if !count.is_power_of_two() || (tier == Tier::Short && !filter.holds_pairs()) {
            return None;
        }
        Some(Shard { filter, slots, slot_count: count, records, probes })
    }
}

#[derive(Clone, Copy, Debug)]
struct Shard<'a> {
    filter: Filter<'a>,
    slots: &'a [u8],
    slot_count: usize,
    records: &'a [u8],
    probes: &'a [u8],
}

impl Shard<'_> {
    /// Touches what has the run at `at` and fits around it. Anything out of bounds ends the look-up.
    fn look_up(&self, tier: Tier, bytes: &[u8], at: usize, count: u32, touched: &mut Touched) {
        let Some(run) = bytes.get(at..).and_then(|rest| run_number(rest, tier)) else { return };
        let digest = slot_digest(run);
        let mut slot = slot_start(digest, self.slot_count);
        // At least half of the slots of a sound table are free; a damaged one ends here as well.
        for _ in 0..self.slot_count.min(MAX_CHAIN) {
            let Some((held, first)) = self.slot(slot) else { return };
            let Some(first) = first.checked_sub(1) else { return };
            // Two runs may share the half of the digest that is kept, so the walk goes on.
            if held == (digest & 0xffff_ffff) as u32 {
                self.compare_records(first, bytes, at, count, touched);
            }
            slot = slot.wrapping_add(1) & self.slot_count.wrapping_sub(1);
        }
    }

    /// What is kept of a digest, and the number of its first record plus one.
    fn slot(&self, index: usize) -> Option<(u32, u32)> {
        let slot = self.slots.get(index.checked_mul(SLOT)?..)?.first_chunk::<SLOT>()?;
        Some((u32_at(slot, 0)?, u32_at(slot, 4)?))
    }

    fn compare_records(&self, first: u32, bytes: &[u8], at: usize, count: u32, touched: &mut Touched) {
        for index in (first as usize..).take(MAX_CHAIN) {
            let Some(record) = index
                .checked_mul(RECORD)
                .and_then(|start| self.records.get(start..start.checked_add(RECORD)?))
                .and_then(<[u8]>::first_chunk::<RECORD>)
            else {
                return;
            };
            let flags = record.get(12).copied().unwrap_or(LAST);
            let Some(signature) = u32_at(record, 0) else { return };
            if !touched.contains(signature) && self.fits(record, flags, bytes, at).unwrap_or(false) {
                touched.insert(signature, count);
            }
            if flags & LAST != 0 {
                return;
            }
        }
    }

    /// Whether the surroundings of the anchor at `at` are those of the record.
    fn fits(&self, record: &[u8; RECORD], flags: u8, bytes: &[u8], at: usize) -> Option<bool> {
        let length = usize::from(u16_at(record, 8)?);
        let start = at.checked_sub(usize::from(u16_at(record, 10)?))?;
        let here = bytes.get(start..start.checked_add(length)?)?;
        let offset = u32_at(record, 4)? as usize;
        let values = self.probes.get(offset..)?.get(..length)?;
        if flags & MASKED == 0 {
            if here != values {
                return Some(false);
            }
        } else {
            let masks = self.probes.get(offset.checked_add(length)?..)?.get(..length)?;
            if here.iter().zip(values).zip(masks).any(|((byte, value), mask)| byte & mask != *value) {
                return Some(false);
            }
        }
        if flags & PLACED != 0 {
            let start = start as u64;
            return Some(u64_at(record, 16)? <= start && start <= u64_at(record, 24)?);
        }
        Some(true)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
