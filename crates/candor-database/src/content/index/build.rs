//! Lays out the index.

use std::collections::HashMap;

use candor_model::Target;

use super::layout::{
    ENTRY, HEADER, LAST, MASKED, MAX_FILTER_WORDS, MIN_FILTER_WORDS, PLACED, RECORD, class, filter_bits,
    filter_word, long_digest, low_digest, run_number, slot_digest, slot_start,
};
use crate::bytes::put_run;
use crate::content::anchor::{Anchor, Tier};
use crate::content::codec::Encoder;
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
        let directory = HEADER.checked_add(ENTRY.checked_mul(targets.len())?)?;
        let mut section = vec![0; directory];
        let mut entries = Vec::new();
        entries.extend_from_slice(&u32::try_from(targets.len()).ok()?.to_le_bytes());
        entries.extend_from_slice(&[0; 4]);
        for target in targets {
            let chosen: Vec<&Entry> = self
                .anchors
                .iter()
                .filter(|entry| entry.target == Target::Any || entry.target == target)
                .collect();
            let shard = Shard::build(&chosen)?;
            entries.extend_from_slice(&class(target).to_le_bytes());
            entries.extend_from_slice(&[0; 4]);
            let [long, medium, triple, short] = &shard.tables;
            for part in [
                &shard.filter,
                &shard.small,
                &shard.pairs,
                &long.slots,
                &long.records,
                &medium.slots,
                &medium.records,
                &triple.slots,
                &triple.records,
                &short.slots,
                &short.records,
                &shard.probes,
                &shard.groups,
            ] {
                // Cache lines are not shared between parts.
                section.resize(section.len().checked_next_multiple_of(64)?, 0);
                entries.extend_from_slice(&(section.len() as u64).to_le_bytes());
                entries.extend_from_slice(&(part.len() as u64).to_le_bytes());
                section.extend_from_slice(part);
            }
        }
        section.get_mut(..directory)?.copy_from_slice(&entries);
        Some(section)
    }
}

/// Slots and records of one tier.
#[derive(Debug, Default)]
struct Table {
    slots: Vec<u8>,
    records: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shard {
    filter: Vec<u8>,
    small: Vec<u8>,
    pairs: Vec<u8>,
    tables: [Table; 4],
    probes: Vec<u8>,
    groups: Vec<u8>,
}

/// Where the probe of an anchor is, and its group plus one.
#[derive(Clone, Copy)]
struct Places {
    probe: u32,
    group: u32,
}

impl Shard {
    fn build(entries: &[&Entry]) -> Option<Self> {
        let mut shard = Self::default();
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let probe = u32::try_from(shard.probes.len()).ok()?;
            shard.probes.extend(entry.anchor.probe.iter().map(|(value, _)| *value));
            if is_masked(&entry.anchor) {
                shard.probes.extend(entry.anchor.probe.iter().map(|(_, mask)| *mask));
            }
            let group = match &entry.anchor.group {
                None => 0,
                Some(group) => {
                    let start = u32::try_from(shard.groups.len()).ok()?;
                    let mut encoder = Encoder::default();
                    encoder.number(group.least as u64);
                    encoder.number(group.most as u64);
                    encoder.pattern(&group.pattern);
                    put_run(&mut shard.groups, &encoder.into_bytes());
                    start.checked_add(1)?
                }
            };
            places.push(Places { probe, group });
        }
        let long = shard.lay_out_table(entries, &places, Tier::Long)?;
        let medium = shard.lay_out_table(entries, &places, Tier::Medium)?;
        let short = shard.lay_out_table(entries, &places, Tier::Short)?;
        let triple = shard.lay_out_table(entries, &places, Tier::Triple)?;
        shard.filter = lay_out_filter(&long, |low, high| long_digest(low_digest(low), high))?;
        shard.small = lay_out_filter(&medium, |low, _| low_digest(low))?;
        if !short.is_empty() || !triple.is_empty() {
            shard.pairs = vec![0; 1 << 13];
            for run in short.into_iter().chain(triple) {
                let bit = usize::try_from(run & 0xffff).ok()?;
                *shard.pairs.get_mut(bit / 8)? |= 1 << (bit % 8);
            }
        }
        Some(shard)
    }

    /// Lays out slots and records of a tier, and returns its runs, each once.
    fn lay_out_table(&mut self, entries: &[&Entry], places: &[Places], tier: Tier) -> Option<Vec<u64>> {
        let mut runs: Vec<(u64, usize)> = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            if entry.anchor.tier == tier {
                for run in &entry.anchor.runs {
                    runs.push((run_number(run, tier)?, number));
                }
            }
        }
        runs.sort_unstable();
        runs.dedup();
        let mut records = Vec::new();
        let mut distinct: Vec<(u64, u32)> = Vec::new();
        for (index, (run, number)) in runs.iter().enumerate() {
            let last = runs.get(index.checked_add(1)?).is_none_or(|(next, _)| next != run);
            if distinct.last().is_none_or(|(known, _)| known != run) {
                distinct.push((*run, u32::try_from(records.len() / RECORD).ok()?));
            }
            put_record(&mut records, entries.get(*number)?, *places.get(*number)?, last)?;
        }
        let table = self.tables.get_mut(table_number(tier))?;
        table.records = records;
        table.slots = lay_out_slots(&distinct)?;
        Some(distinct.into_iter().map(|(run, _)| run).collect())
    }
}

/// The filter of `runs` by a digest of their halves.
fn lay_out_filter(runs: &[u64], digest: impl Fn(u32, u32) -> u32) -> Option<Vec<u8>> {
    if runs.is_empty() {
        return Some(Vec::new());
    }
    // 32 bits a run keep false alarms near one in 200 positions.
    let words = runs.len().checked_next_power_of_two()?.clamp(MIN_FILTER_WORDS, MAX_FILTER_WORDS);
    let mut filter = vec![0_u32; words];
    for run in runs {
        let digest = digest((run & 0xffff_ffff) as u32, (run >> 32) as u32);
        *filter.get_mut(filter_word(digest, words))? |= filter_bits(digest);
    }
    Some(filter.iter().flat_map(|word| word.to_le_bytes()).collect())
}

/// Number of a tier's table in a shard.
pub(super) const fn table_number(tier: Tier) -> usize {
    match tier {
        Tier::Long => 0,
        Tier::Medium => 1,
        Tier::Triple => 2,
        Tier::Short => 3,
    }
}

/// signature `u32`, probe `u32`, length of the probe `u16`, place of the run in it `u16`, flags `u8` and
/// three bytes of zero, first and last place `u32` each, group plus one `u32`, zero `u32`.
fn put_record(records: &mut Vec<u8>, entry: &Entry, places: Places, last: bool) -> Option<()> {
    let anchor = &entry.anchor;
    let mut flags = 0;
    if last {
        flags |= LAST;
    }
    if is_masked(anchor) {
        flags |= MASKED;
    }
    // Places beyond 4 GiB are left to the evaluation.
    let place =
        anchor.place.and_then(|(first, last)| Some((u32::try_from(first).ok()?, u32::try_from(last).ok()?)));
    if place.is_some() {
        flags |= PLACED;
    }
    let (first, latest) = place.unwrap_or_default();
    records.extend_from_slice(&entry.signature.to_le_bytes());
    records.extend_from_slice(&places.probe.to_le_bytes());
    records.extend_from_slice(&u16::try_from(anchor.probe.len()).ok()?.to_le_bytes());
    records.extend_from_slice(&u16::try_from(anchor.run_at).ok()?.to_le_bytes());
    records.extend_from_slice(&[flags, 0, 0, 0]);
    records.extend_from_slice(&first.to_le_bytes());
    records.extend_from_slice(&latest.to_le_bytes());
    records.extend_from_slice(&places.group.to_le_bytes());
    records.extend_from_slice(&[0; 4]);
    Some(())
}

fn lay_out_slots(distinct: &[(u64, u32)]) -> Option<Vec<u8>> {
    if distinct.is_empty() {
        return Some(Vec::new());
    }
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
    Some(
        slots
            .iter()
            .flat_map(|(digest, first)| [digest.to_le_bytes(), first.to_le_bytes()])
            .flatten()
            .collect(),
    )
}

fn is_masked(anchor: &Anchor) -> bool {
    anchor.probe.iter().any(|(_, mask)| *mask != 0xff)
}
