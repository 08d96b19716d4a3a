//! Lays out the index.
//!
//! What stands in the index is written as soon as an anchor comes, and put aside; kept is what the tables are made of, sixteen
//! bytes a run.

use candor_model::Target;
use rustc_hash::{FxHashMap, FxHashSet};

use super::groups::{self, MAX_GROUP_RUNS};
use super::layout::{
    ADMITTED_SPOTS, ANCHOR, FILTER_POWERS, HEADER, MASKED, MAX_NIBBLE_RUNS, MAX_SPOTS, PAIR_WORDS, PLACED,
    PLACED_TABLE, SHARD, TABLES, class, entry_width, filter_bits, filter_word, is_checked, long_bits,
    long_digest, low_digest, pack_clause, pack_entry, pair_word, placed_key, run_number, slot_digest,
    slot_start, sub_bit, table_number, third_bit, unpack_entry,
};
use super::{check, nibbles};
use crate::builder::BuildError;
use crate::bytes::put_run;
use crate::content::anchor::{Anchor, Meeting, Spot, Tier, Usage};
use crate::content::codec::Encoder;
use crate::content::cover::Threshold;
use crate::content::frequency::WINDOW;
use crate::content::yara::Keyed;
use crate::image::{ImageWriter, Section, SectionKind};
use crate::spill::{Pile, Spill};

/// Parts of the section that fill no cache line with another one.
const ALIGNMENT: usize = 64;

/// Alignment of the section.
const PAGE: usize = 4096;

/// Collects anchors and lays them out.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    spill: Spill,
    /// The class of each anchor.
    targets: Vec<Target>,
    /// The runs, by table. Of those that are looked for at one place, `placed` says where.
    rows: [Vec<Row>; TABLES],
    placed: Vec<Placed>,
    shared: Shared,
    used: FxHashMap<(Tier, [u8; WINDOW]), u32>,
    /// Where needs are that some signature has.
    known_needs: FxHashMap<Vec<u32>, u32>,
    spots: FxHashMap<Target, FxHashSet<(Tier, Spot)>>,
    /// Something does not fit the format.
    is_too_large: bool,
}

/// An anchor that is looked for at one place: its class, and how many of the next rows are its own.
#[derive(Debug)]
struct Placed {
    target: Target,
    tier: Tier,
    spot: Spot,
    rows: usize,
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
    /// One that puts aside what it can.
    pub(crate) fn new(spill: &Spill) -> Self {
        Self { spill: spill.clone(), shared: Shared::new(spill), ..Self::default() }
    }

    /// No more comes: what only choosing anchors needs goes.
    pub(crate) fn complete(&mut self) {
        self.used = FxHashMap::default();
        self.known_needs = FxHashMap::default();
        self.spots = FxHashMap::default();
    }

    /// What it holds, as far as it matters for signatures of a class.
    pub(crate) const fn usage(&self, target: Target) -> ClassUsage<'_> {
        ClassUsage { index: self, target }
    }

    /// Takes what the content signature with this number is found by, and gives back what of it are keys.
    pub(crate) fn add(&mut self, target: Target, signature: u32, thresholds: Vec<Threshold>) -> Vec<Keyed> {
        let mut keyed = Vec::new();
        let clauses = thresholds.iter().flat_map(|threshold| &threshold.of);
        let subs = clauses.flat_map(|clause| &clause.anchors).filter_map(|anchor| anchor.sub);
        let tracked = subs.fold(0, |subs, sub| subs | sub_bit(sub));
        let needs = match thresholds.as_slice() {
            [Threshold { need: 1, of }] if of.len() == 1 && tracked.count_ones() < 2 => 0,
            _ => self.add_needs(&thresholds, tracked),
        };
        let clauses = thresholds.into_iter().flat_map(|threshold| threshold.of);
        for (clause, number) in clauses.zip(0..) {
            let key = |key| Keyed { key, rule: signature, needs, clause: number };
            keyed.extend(clause.keys.into_iter().map(key));
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
                let taken = self.take(target, [signature, needs, number], &anchor);
                self.is_too_large |= taken.is_none();
            }
        }
        keyed
    }

    /// Takes an anchor; `None` when something of it does not fit.
    fn take(&mut self, target: Target, numbers: [u32; 3], anchor: &Anchor) -> Option<()> {
        let number = u32::try_from(self.targets.len()).ok()?;
        self.targets.push(target);
        self.shared.put(numbers, anchor)?;
        let table = match anchor.meeting {
            Meeting::Anywhere => table_number(anchor.tier),
            Meeting::At(spot) => {
                self.placed.push(Placed { target, tier: anchor.tier, spot, rows: anchor.runs.len() });
                PLACED_TABLE
            }
        };
        let rows = self.rows.get_mut(table)?;
        for run in &anchor.runs {
            let key = run_number(&run.bytes, anchor.tier)?;
            let entry = pack_entry(number, u16::try_from(run.at).ok()?, false)?;
            rows.push((key, entry, check::pack(&anchor.probe, run.at, anchor.tier.width())));
        }
        Some(())
    }

    fn add_needs(&mut self, thresholds: &[Threshold], tracked: u64) -> u32 {
        let mut words: Vec<u32> = Vec::new();
        let mut put = |value: usize| words.push(u32::try_from(value).unwrap_or(u32::MAX));
        put(thresholds.len());
        let mut first = 0_usize;
        for threshold in thresholds {
            let next = first.saturating_add(threshold.of.len());
            let bits = (first..next).fold(0_usize, |bits, bit| bits | 1 << bit.min(31));
            put(bits);
            put(threshold.need);
            first = next;
        }
        words.extend([(tracked & 0xffff_ffff) as u32, (tracked >> 32) as u32]);
        if let Some(known) = self.known_needs.get(&words) {
            return *known;
        }
        let start = self.shared.needs.len() / 4;
        self.shared.needs.append(|needs| needs.extend(words.iter().flat_map(|word| word.to_le_bytes())));
        let place = u32::try_from(start).unwrap_or(u32::MAX).saturating_add(1);
        self.known_needs.insert(words, place);
        place
    }

    /// Writes the section.
    pub(crate) fn finish(mut self, writer: &mut ImageWriter) -> Result<(), BuildError> {
        self.complete();
        let laid = self.lay_out()?.ok_or(BuildError::TooLarge("index of patterns"))?;
        writer.section_with(SectionKind::ContentIndex, PAGE, |out| laid.write(out))
    }

    /// The section; `Ok(None)` when something does not fit.
    fn lay_out(self) -> Result<Option<LaidOut>, BuildError> {
        if self.is_too_large {
            return Ok(None);
        }
        let mut targets = self.targets.clone();
        targets.push(Target::Any);
        targets.sort_unstable();
        targets.dedup();
        let Some(mut laid) = LaidOut::new(targets.len(), &self.shared, &self.spill) else { return Ok(None) };
        for target in targets {
            let shard = Shard::build(&self, target);
            if shard.and_then(|shard| laid.put_shard(target, &shard)).is_none() {
                return Ok(None);
            }
        }
        laid.shared = self.shared;
        Ok(Some(laid))
    }
}

/// The section: its directory, what all shards share, and the shards.
struct LaidOut {
    directory: Vec<u8>,
    /// Where the shards begin, or what is behind the last one of them.
    end: usize,
    shared: Shared,
    shards: Pile,
}

impl LaidOut {
    /// With nothing yet but the places of what so many shards share.
    fn new(shards: usize, shared: &Shared, spill: &Spill) -> Option<Self> {
        let mut directory = Vec::new();
        directory.extend_from_slice(&u32::try_from(shards).ok()?.to_le_bytes());
        directory.extend_from_slice(&[0; 4]);
        let end = HEADER.checked_add(SHARD.checked_mul(shards)?)?;
        let mut laid = Self { directory, end, shared: Shared::default(), shards: Pile::new(spill) };
        for part in shared.parts() {
            laid.note(part.len())?;
        }
        Some(laid)
    }

    /// Writes down the place of the next part; says how many zeros stand before it.
    fn note(&mut self, length: usize) -> Option<usize> {
        let start = self.end.checked_next_multiple_of(ALIGNMENT)?;
        let gap = start.checked_sub(self.end)?;
        self.directory.extend_from_slice(&(start as u64).to_le_bytes());
        self.directory.extend_from_slice(&(length as u64).to_le_bytes());
        self.end = start.checked_add(length)?;
        Some(gap)
    }

    fn put(&mut self, part: &[u8]) -> Option<()> {
        let gap = self.note(part.len())?;
        self.shards.append(|out| {
            out.resize(out.len().saturating_add(gap), 0);
            out.extend_from_slice(part);
        });
        Some(())
    }

    fn put_shard(&mut self, target: Target, shard: &Shard) -> Option<()> {
        self.directory.extend_from_slice(&class(target).to_le_bytes());
        self.directory.extend_from_slice(&[0; 4]);
        for part in [&shard.filter, &shard.small, &shard.pairs, &shard.nibbles, &shard.spots] {
            self.put(part)?;
        }
        for table in &shard.tables {
            self.put(&table.slots)?;
            self.put(&table.entries)?;
        }
        Some(())
    }

    fn write(&self, out: &mut Section<'_>) -> Result<(), BuildError> {
        out.extend_from_slice(&self.directory);
        let mut end = self.directory.len();
        for part in self.shared.parts() {
            let start = end.checked_next_multiple_of(ALIGNMENT).unwrap_or(end);
            out.extend(std::iter::repeat_n(0, start.saturating_sub(end)));
            part.write(out)?;
            end = start.saturating_add(part.len());
        }
        self.shards.write(out)
    }
}

/// What all shards share.
#[derive(Debug, Default)]
struct Shared {
    anchors: Pile,
    probes: Pile,
    groups: Pile,
    needs: Pile,
}

impl Shared {
    fn new(spill: &Spill) -> Self {
        let pile = || Pile::new(spill);
        Self { anchors: pile(), probes: pile(), groups: pile(), needs: pile() }
    }

    /// In the order in which they stand in the section.
    const fn parts(&self) -> [&Pile; 4] {
        [&self.anchors, &self.probes, &self.groups, &self.needs]
    }

    /// Takes an anchor: of which signature, where the needs of that are plus one (0 when this anchor is enough), which
    /// clause of them this anchor satisfies.
    fn put(&mut self, [signature, needs, clause]: [u32; 3], anchor: &Anchor) -> Option<()> {
        let probe = u32::try_from(self.probes.len()).ok()?;
        let is_masked = anchor.probe.iter().any(|(_, mask)| *mask != 0xff);
        self.probes.append(|out| {
            out.extend(anchor.probe.iter().map(|(value, _)| *value));
            if is_masked {
                out.extend(anchor.probe.iter().map(|(_, mask)| *mask));
            }
        });
        let mut flags = if is_masked { MASKED } else { 0 };
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
                self.groups.append(|out| put_run(out, &encoder.into_bytes()));
                start.checked_add(1)?
            }
        };
        let (first, last) = place.unwrap_or_default();
        let sizes = u32::from(u16::try_from(anchor.probe.len()).ok()?) | flags << 16;
        let before = self.anchors.len();
        self.anchors.append(|out| {
            let clause = pack_clause(clause, anchor.sub);
            for value in [signature, probe, sizes, first, last, group, needs, clause] {
                out.extend_from_slice(&value.to_le_bytes());
            }
        });
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

/// A run of a table: its key, its entry (the number of its anchor, and where it is in the surroundings), and the tests
/// beside it.
type Row = (u64, u32, u32);

impl Shard {
    fn build(index: &IndexBuilder, target: Target) -> Option<Self> {
        let mut shard = Self::default();
        let is_for = |of: Target| of == Target::Any || of == target;
        let is_chosen = |(_, entry, _): &&Row| {
            let (anchor, ..) = unpack_entry(*entry);
            index.targets.get(anchor as usize).is_some_and(|of| is_for(*of))
        };
        let mut spots: Vec<(Tier, Spot)> = Vec::new();
        let mut placed: Vec<Row> = Vec::new();
        let mut rest = index.rows.get(PLACED_TABLE)?.as_slice();
        for Placed { target: of, tier, spot, rows } in &index.placed {
            let (own, behind) = rest.split_at_checked(*rows)?;
            rest = behind;
            if !is_for(*of) {
                continue;
            }
            let known = spots.iter().position(|known| *known == (*tier, *spot));
            let place = known.unwrap_or(spots.len());
            if known.is_none() {
                spots.push((*tier, *spot));
            }
            placed.extend(own.iter().map(|(key, entry, tests)| (placed_key(*key, place), *entry, *tests)));
        }
        let mut distinct: [Vec<u64>; TABLES] = Default::default();
        for (((number, table), rows), distinct) in
            shard.tables.iter_mut().enumerate().zip(&index.rows).zip(&mut distinct)
        {
            let rows = if number == PLACED_TABLE {
                std::mem::take(&mut placed)
            } else {
                rows.iter().filter(is_chosen).copied().collect()
            };
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
    for (index, (key, entry, tests)) in rows.iter().enumerate() {
        if keys.last() != Some(key) {
            keys.push(*key);
            firsts.push(u32::try_from(index).ok()?);
        }
        let last = rows.get(index.checked_add(1)?).is_none_or(|(next, ..)| next != key);
        entries.extend_from_slice(&(entry | u32::from(last)).to_le_bytes());
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
