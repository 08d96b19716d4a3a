//! Lays out the index.

use std::collections::HashMap;

use candor_model::Target;

use super::layout::{
    ENTRY, HEADER, LAST, MASKED, MAX_FILTER_WORDS, MIN_FILTER_WORDS, PLACED, RECORD, class, filter_bits,
    filter_digest, filter_word, run_number, slot_digest, slot_start,
};
use crate::content::anchor::{Anchor, Tier};
use crate::content::frequency::WINDOW;

/// Collects anchors and lays them out.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    anchors: Vec<Entry>,
    used: HashMap<(Tier, [u8; WINDOW]), u32>,
}

#[derive(Debug)]
struct Entry {
    target: Target,
    signature: u32,
    anchor: Anchor,
}

impl IndexBuilder {
    /// How many anchors have this run already.
    pub(crate) fn used(&self, tier: Tier, run: &[u8; WINDOW]) -> u32 {
        self.used.get(&(tier, *run)).copied().unwrap_or(0)
    }

    /// Takes an anchor of the content signature with this number.
    pub(crate) fn add(&mut self, target: Target, signature: u32, anchor: Anchor) {
        for run in &anchor.runs {
            let count = self.used.entry((anchor.tier, *run)).or_default();
            *count = count.saturating_add(1);
        }
        self.anchors.push(Entry { target, signature, anchor });
    }

    /// The section.
    pub(crate) fn finish(&self) -> Option<Vec<u8>> {
        let mut targets: Vec<Target> = self.anchors.iter().map(|entry| entry.target).collect();
        targets.push(Target::Any);
        targets.sort_unstable();
        targets.dedup();
        let shards = targets.len().checked_mul(Tier::ALL.len())?;
        let directory = HEADER.checked_add(ENTRY.checked_mul(shards)?)?;
        let mut section = vec![0; directory];
        let mut entries = Vec::new();
        entries.extend_from_slice(&u32::try_from(shards).ok()?.to_le_bytes());
        entries.extend_from_slice(&[0; 4]);
        for target in targets {
            for tier in Tier::ALL {
                let chosen: Vec<&Entry> = self
                    .anchors
                    .iter()
                    .filter(|entry| entry.anchor.tier == tier)
                    .filter(|entry| entry.target == Target::Any || entry.target == target)
                    .collect();
                let shard = Shard::build(&chosen, tier)?;
                entries.extend_from_slice(&class(target).to_le_bytes());
                entries.extend_from_slice(&u32::try_from(tier.width()).ok()?.to_le_bytes());
                for part in [&shard.filter, &shard.slots, &shard.records, &shard.probes] {
                    // Cache lines are not shared between parts.
                    section.resize(section.len().checked_next_multiple_of(64)?, 0);
                    entries.extend_from_slice(&(section.len() as u64).to_le_bytes());
                    entries.extend_from_slice(&(part.len() as u64).to_le_bytes());
                    section.extend_from_slice(part);
                }
            }
        }
        section.get_mut(..directory)?.copy_from_slice(&entries);
        Some(section)
    }
}

#[derive(Default)]
struct Shard {
    filter: Vec<u8>,
    slots: Vec<u8>,
    records: Vec<u8>,
    probes: Vec<u8>,
}

impl Shard {
    fn build(entries: &[&Entry], tier: Tier) -> Option<Self> {
        let mut shard = Self::default();
        if entries.is_empty() {
            return Some(shard);
        }
        let mut runs: Vec<(u64, usize)> = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            for run in &entry.anchor.runs {
                runs.push((run_number(run, tier)?, number));
            }
        }
        runs.sort_unstable();
        runs.dedup();
        let mut probe_offsets = Vec::with_capacity(entries.len());
        for entry in entries {
            probe_offsets.push(u32::try_from(shard.probes.len()).ok()?);
            let probe = &entry.anchor.probe;
            shard.probes.extend(probe.iter().map(|(value, _)| *value));
            if is_masked(&entry.anchor) {
                shard.probes.extend(probe.iter().map(|(_, mask)| *mask));
            }
        }
        let mut distinct: Vec<(u64, u32)> = Vec::new();
        for (index, (run, number)) in runs.iter().enumerate() {
            let last = runs.get(index.checked_add(1)?).is_none_or(|(next, _)| next != run);
            if distinct.last().is_none_or(|(known, _)| known != run) {
                distinct.push((*run, u32::try_from(shard.records.len() / RECORD).ok()?));
            }
            let entry = entries.get(*number)?;
            shard.record(entry, *probe_offsets.get(*number)?, last)?;
        }
        shard.lay_out_filter(&distinct, tier)?;
        shard.lay_out_slots(&distinct)?;
        Some(shard)
    }

    /// signature u32, probe offset u32, probe length u16, run offset in probe u16, flags u8, 3 bytes
    /// of zero, first and last place u64 each.
    fn record(&mut self, entry: &Entry, probe: u32, last: bool) -> Option<()> {
        let anchor = &entry.anchor;
        let mut flags = 0;
        if last {
            flags |= LAST;
        }
        if is_masked(anchor) {
            flags |= MASKED;
        }
        let (first, latest) = match anchor.place {
            Some(place) => {
                flags |= PLACED;
                place
            }
            None => (0, 0),
        };
        self.records.extend_from_slice(&entry.signature.to_le_bytes());
        self.records.extend_from_slice(&probe.to_le_bytes());
        self.records.extend_from_slice(&u16::try_from(anchor.probe.len()).ok()?.to_le_bytes());
        self.records.extend_from_slice(&u16::try_from(anchor.run_at).ok()?.to_le_bytes());
        self.records.extend_from_slice(&[flags, 0, 0, 0]);
        self.records.extend_from_slice(&first.to_le_bytes());
        self.records.extend_from_slice(&latest.to_le_bytes());
        Some(())
    }

    fn lay_out_filter(&mut self, distinct: &[(u64, u32)], tier: Tier) -> Option<()> {
        if tier == Tier::Short {
            self.filter = vec![0; 1 << 13];
            for (run, _) in distinct {
                let bit = usize::try_from(run & 0xffff).ok()?;
                *self.filter.get_mut(bit / 8)? |= 1 << (bit % 8);
            }
            return Some(());
        }
        // 32 bits a run keep false alarms near one in 500 positions.
        let words = distinct.len().checked_next_power_of_two()?.clamp(MIN_FILTER_WORDS, MAX_FILTER_WORDS);
        let mut filter = vec![0_u32; words];
        for (run, _) in distinct {
            let digest = filter_digest((run & 0xffff_ffff) as u32, (run >> 32) as u32);
            *filter.get_mut(filter_word(digest, words))? |= filter_bits(digest);
        }
        self.filter = filter.iter().flat_map(|word| word.to_le_bytes()).collect();
        Some(())
    }

    fn lay_out_slots(&mut self, distinct: &[(u64, u32)]) -> Option<()> {
        let count = distinct.len().checked_mul(2)?.checked_next_power_of_two()?;
        let mut slots = vec![(0_u32, 0_u32); count];
        for (run, first) in distinct {
            let digest = slot_digest(*run);
            let mut at = slot_start(digest, count);
            while slots.get(at)?.1 != 0 {
                at = at.wrapping_add(1) & count.wrapping_sub(1);
            }
            *slots.get_mut(at)? = ((digest & 0xffff_ffff) as u32, first.checked_add(1)?);
        }
        self.slots = slots
            .iter()
            .flat_map(|(digest, first)| [digest.to_le_bytes(), first.to_le_bytes()])
            .flatten()
            .collect();
        Some(())
    }
}

fn is_masked(anchor: &Anchor) -> bool {
    anchor.probe.iter().any(|(_, mask)| *mask != 0xff)
}
