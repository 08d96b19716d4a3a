//! Lays out the index.

use candor_model::Target;
use rustc_hash::{FxHashMap, FxHashSet};

use super::groups::{self, MAX_GROUP_RUNS};
use super::layout::{
    ADMITTED_SPOTS, ANCHOR, FILTER_POWERS, HEADER, MASKED, MAX_NIBBLE_RUNS, MAX_SPOTS, PAIR_WORDS, PLACED,
    PLACED_TABLE, SHARD, TABLES, class, entry_width, filter_bits, filter_word, is_checked, long_bits,
    long_digest, low_digest, pack_entry, pair_word, placed_key, run_number, slot_digest, slot_start,
    table_number, third_bit,
};
use super::{check, nibbles};
use crate::bytes::put_run;
use crate::content::anchor::{Anchor, Meeting, Spot, Tier, Usage};
use crate::content::codec::Encoder;
use crate::content::cover::Threshold;
use crate::content::frequency::WINDOW;

/// Parts of the section that fill no cache line with another one.
const ALIGNMENT: usize = 64;

/// Collects anchors and lays them out.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    entries: Vec<Entry>,
    needs: Vec<u8>,
    used: FxHashMap<(Tier, [u8; WINDOW]), u32>,
    spots: FxHashMap<Target, FxHashSet<(Tier, Spot)>>,
}

#[derive(Debug)]
struct Entry {
    target: Target,
    signature: u32,
    /// Where the needs of the signature are, plus one; 0 when this anchor is enough.
    needs: u32,
    /// Which clause of the needs this anchor satisfies.
    clause: u32,
    anchor: Anchor,
}

/// What the index holds, for a signature of one class.
pub(crate) struct ClassUsage<'i> {
    index: &'i IndexBuilder,
    target: Target,
}

impl Usage for ClassUsage<'_> {
    fn used(&self, tier: Tier, run: &[u8; WINDOW]) -> u32 {
        self.index.used.get(&(tier, *run)).copied().unwrap_or(0)
    }

    fn admits(&self, tier: Tier, spot: &Spot) -> bool {
        let known = self.index.spots.get(&self.target);
        known.is_none_or(|known| known.contains(&(tier, *spot)) || known.len() < ADMITTED_SPOTS)
    }
}

impl IndexBuilder {
    /// What it holds, as far as it matters for signatures of a class.
    pub(crate) const fn usage(&self, target: Target) -> ClassUsage<'_> {
        ClassUsage { index: self, target }
    }

    /// Takes what the content signature with this number is found by.
    pub(crate) fn add(&mut self, target: Target, signature: u32, thresholds: Vec<Threshold>) {
        let needs = match thresholds.as_slice() {
            [Threshold { need: 1, of }] if of.len() == 1 => 0,
            _ => self.add_needs(&thresholds),
        };
        let clauses = thresholds.into_iter().flat_map(|threshold| threshold.of);
        for (clause, number) in clauses.zip(0..) {
            for anchor in clause.anchors {
                match anchor.meeting {
                    Meeting::Anywhere => {
                        for run in &anchor.runs {
                            let count = self.used.entry((anchor.tier, run.bytes)).or_default();
                            *count = count.saturating_add(1);
                        }
                    }
                    Meeting::At(spot) => {
                        self.spots.entry(target).or_default().insert((anchor.tier, spot));
                    }
                }
                self.entries.push(Entry { target, signature, needs, clause: number, anchor });
            }
        }
    }

    fn add_needs(&mut self, thresholds: &[Threshold]) -> u32 {
        let start = self.needs.len();
        let mut put = |value: usize| {
            self.needs.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
        };
        put(thresholds.len());
        let mut first = 0_usize;
        for threshold in thresholds {
            let next = first.saturating_add(threshold.of.len());
            let bits = (first..next).fold(0_usize, |bits, bit| bits | 1 << bit.min(31));
            put(bits);
            put(threshold.need);
            first = next;
        }
        u32::try_from(start / 4).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The section.
    pub(crate) fn finish(&self) -> Option<Vec<u8>> {
        let mut targets: Vec<Target> = self.entries.iter().map(|entry| entry.target).collect();
        targets.push(Target::Any);
        targets.sort_unstable();
        targets.dedup();
        let mut directory = Vec::new();
        directory.extend_from_slice(&u32::try_from(targets.len()).ok()?.to_le_bytes());
        directory.extend_from_slice(&[0; 4]);
        let mut section = vec![0; HEADER.checked_add(SHARD.checked_mul(targets.len())?)?];
        let shared = Shared::lay_out(&self.entries)?;
        for part in [&shared.anchors, &shared.probes, &shared.groups, &self.needs] {
            put_part(&mut section, &mut directory, part)?;
        }
        for target in targets {
            let chosen: Vec<(u32, &Entry)> = (0..)
                .zip(&self.entries)
                .filter(|(_, entry)| entry.target == Target::Any || entry.target == target)
                .collect();
            let shard = Shard::build(&chosen)?;
            directory.extend_from_slice(&class(target).to_le_bytes());
            directory.extend_from_slice(&[0; 4]);
            for part in [&shard.filter, &shard.small, &shard.pairs, &shard.nibbles, &shard.spots] {
                put_part(&mut section, &mut directory, part)?;
            }
            for table in &shard.tables {
                put_part(&mut section, &mut directory, &table.slots)?;
                put_part(&mut section, &mut directory, &table.entries)?;
            }
        }
        section.get_mut(..directory.len())?.copy_from_slice(&directory);
        Some(section)
    }
}

fn put_part(section: &mut Vec<u8>, directory: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    section.resize(section.len().checked_next_multiple_of(ALIGNMENT)?, 0);
    directory.extend_from_slice(&(section.len() as u64).to_le_bytes());
    directory.extend_from_slice(&(part.len() as u64).to_le_bytes());
    section.extend_from_slice(part);
    Some(())
}

/// What all shards share.
#[derive(Debug, Default)]
struct Shared {
    anchors: Vec<u8>,
    probes: Vec<u8>,
    groups: Vec<u8>,
}

impl Shared {
    fn lay_out(entries: &[Entry]) -> Option<Self> {
        let mut shared = Self::default();
        for entry in entries {
            shared.put(entry)?;
        }
        Some(shared)
    }

    fn put(&mut self, entry: &Entry) -> Option<()> {
        let anchor = &entry.anchor;
        let probe = u32::try_from(self.probes.len()).ok()?;
        self.probes.extend(anchor.probe.iter().map(|(value, _)| *value));
        let mut flags = 0;
        if anchor.probe.iter().any(|(_, mask)| *mask != 0xff) {
            self.probes.extend(anchor.probe.iter().map(|(_, mask)| *mask));
            flags |= MASKED;
        }
        // Places beyond 4 GiB are left to the evaluation.
        let place = anchor
            .place
            .and_then(|(first, last)| Some((u32::try_from(first).ok()?, u32::try_from(last).ok()?)));
        if place.is_some() {
            flags |= PLACED;
        }
        let group = match &anchor.group {
            None => 0,
            Some(group) => {
                let start = u32::try_from(self.groups.len()).ok()?;
                let mut encoder = Encoder::default();
                encoder.number(group.least as u64);
                encoder.number(group.most as u64);
                encoder.number(group.part as u64);
                encoder.number(group.before as u64);
                encoder.pattern(&group.pattern);
                put_run(&mut self.groups, &encoder.into_bytes());
                start.checked_add(1)?
            }
        };
        let (first, last) = place.unwrap_or_default();
        let sizes = u32::from(u16::try_from(anchor.probe.len()).ok()?) | flags << 16;
        let before = self.anchors.len();
        for value in [entry.signature, probe, sizes, first, last, group, entry.needs, entry.clause] {
            self.anchors.extend_from_slice(&value.to_le_bytes());
        }
        (self.anchors.len().checked_sub(before)? == ANCHOR).then_some(())
    }
}

/// Slots and entries of one tier.
#[derive(Debug, Default)]
struct Table {
    slots: Vec<u8>,
    entries: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shard {
    filter: Vec<u8>,
    small: Vec<u8>,
    pairs: Vec<u8>,
    nibbles: Vec<u8>,
    spots: Vec<u8>,
    tables: [Table; TABLES],
}

/// A run of a table: its key, the number of its anchor, where it is in the surroundings, and the tests beside it.
type Row = (u64, u32, u16, u32);

impl Shard {
    fn build(entries: &[(u32, &Entry)]) -> Option<Self> {
        let mut shard = Self::default();
        let mut rows: [Vec<Row>; TABLES] = Default::default();
        let mut spots: Vec<(Tier, Spot)> = Vec::new();
        for (number, Entry { anchor, .. }) in entries {
            let (table, spot) = match anchor.meeting {
                Meeting::Anywhere => (table_number(anchor.tier), None),
                Meeting::At(spot) => {
                    let known = spots.iter().position(|known| *known == (anchor.tier, spot));
                    let index = known.unwrap_or(spots.len());
                    if known.is_none() {
                        spots.push((anchor.tier, spot));
                    }
                    (PLACED_TABLE, Some(index))
                }
            };
            for run in &anchor.runs {
                let key = run_number(&run.bytes, anchor.tier)?;
                let key = spot.map_or(key, |spot| placed_key(key, spot));
                let tests = check::pack(&anchor.probe, run.at, anchor.tier.width());
                rows.get_mut(table)?.push((key, *number, u16::try_from(run.at).ok()?, tests));
            }
        }
        let mut distinct: [Vec<u64>; TABLES] = Default::default();
        for (((number, table), rows), distinct) in
            shard.tables.iter_mut().enumerate().zip(rows).zip(&mut distinct)
        {
            (*table, *distinct) = lay_out_table(number, rows)?;
        }
        let [long, medium, triple, short, _] = &distinct;
        shard.filter = lay_out_filter(long, |low, high| long_digest(low_digest(low), high), long_bits)?;
        shard.small = lay_out_filter(medium, |low, _| low_digest(low), filter_bits)?;
        let runs: Vec<(u64, usize)> =
            short.iter().map(|run| (*run, 2)).chain(triple.iter().map(|run| (*run, 3))).collect();
        if !runs.is_empty() {
            shard.pairs = lay_out_pairs(&runs)?;
        }
        shard.nibbles = match runs.len() {
            0 => Vec::new(),
            some if some <= MAX_NIBBLE_RUNS => nibbles::lay_out(&runs),
            some if some <= MAX_GROUP_RUNS => groups::lay_out(&runs),
            _ => Vec::new(),
        };
        // What is not looked at would never be found.
        if spots.len() > MAX_SPOTS {
            return None;
        }
        for (tier, spot) in spots {
            let mut encoder = Encoder::default();
            encoder.number(tier.width() as u64);
            encoder.offset(spot.offset);
            encoder.number(spot.distance);
            put_run(&mut shard.spots, &encoder.into_bytes());
        }
        Some(shard)
    }
}

/// Slots and entries of the table with this number, and its keys, each once.
fn lay_out_table(number: usize, mut rows: Vec<Row>) -> Option<(Table, Vec<u64>)> {
    rows.sort_unstable();
    rows.dedup();
    let mut entries = Vec::with_capacity(rows.len().checked_mul(entry_width(number))?);
    let mut keys: Vec<u64> = Vec::new();
    let mut firsts: Vec<u32> = Vec::new();
    for (index, (key, anchor, at, tests)) in rows.iter().enumerate() {
        if keys.last() != Some(key) {
            keys.push(*key);
            firsts.push(u32::try_from(index).ok()?);
        }
        let last = rows.get(index.checked_add(1)?).is_none_or(|(next, ..)| next != key);
        entries.extend_from_slice(&pack_entry(*anchor, *at, last)?.to_le_bytes());
        if is_checked(number) {
            entries.extend_from_slice(&tests.to_le_bytes());
        }
    }
    let slots = lay_out_slots(&keys, &firsts)?;
    Some((Table { slots, entries }, keys))
}

/// The filter of `runs` by a digest of their halves.
fn lay_out_filter(
    runs: &[u64],
    digest: impl Fn(u32, u32) -> u32,
    bits: impl Fn(u32) -> u32,
) -> Option<Vec<u8>> {
    if runs.is_empty() {
        return Some(Vec::new());
    }
    // A word or more a run, where the largest has as many.
    let fitting = FILTER_POWERS.into_iter().find(|power| runs.len() <= 1 << power);
    let words = 1_usize << fitting.or(FILTER_POWERS.last().copied())?;
    let mut filter = vec![0_u32; words];
    for run in runs {
        let digest = digest((run & 0xffff_ffff) as u32, (run >> 32) as u32);
        *filter.get_mut(filter_word(digest, words))? |= bits(digest);
    }
    Some(filter.iter().flat_map(|word| word.to_le_bytes()).collect())
}

/// The test for `runs` of two and three bytes.
fn lay_out_pairs(runs: &[(u64, usize)]) -> Option<Vec<u8>> {
    let mut words = vec![0_u32; PAIR_WORDS];
    for (run, width) in runs {
        let word = words.get_mut(pair_word((run & 0xffff) as u32))?;
        *word |= if *width == 2 { u32::MAX } else { third_bit((run >> 16 & 0xff) as u32) };
    }
    Some(words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

fn lay_out_slots(keys: &[u64], firsts: &[u32]) -> Option<Vec<u8>> {
    if keys.is_empty() {
        return Some(Vec::new());
    }
    // Half full: a search that finds nothing reads two slots or three, which stand in one line mostly.
    let count = keys.len().checked_mul(2)?.checked_add(1)?;
    let mut slots = vec![(0_u32, 0_u32); count];
    for (key, first) in keys.iter().zip(firsts) {
        let digest = slot_digest(*key);
        let mut at = slot_start(digest, count);
        while slots.get(at)?.1 != 0 {
            at = at.checked_add(1)?.checked_rem(count)?;
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
