//! Looking a layer up in the index.

use candor_model::Target;
use rustc_hash::FxHashMap;

use super::check;
use super::hint::Hint;
use super::kernel::{Filter, Pairs};
use super::layout::{
    ANCHOR, HEADER, MASKED, MAX_SPOTS, PARTS, PLACED, PLACED_TABLE, SHARD, SHARED, SLOT, TABLES, class,
    entry_width, is_checked, placed_key, run_number, slot_digest, slot_start, table_number, unpack_clause,
    unpack_entry,
};
use super::screen::{Screen, Screening, Sieve};
use crate::bytes::{Reader, record_at, run, u32_at, u64_at};
use crate::content::anchor::{Group, Tier};
use crate::content::cells::elements_length;
use crate::content::codec::Decoder;
use crate::content::evaluate::{Layer, Plan, Steps, find_starting_planned, fixed_end, place_ranges};
use crate::ir::Element;

/// Positions that are tested before those that pass are looked up: the bytes are then still in the
/// first-level cache. A multiple of every stride.
pub(super) const BLOCK: usize = 16 << 10;
/// Entries of one run that are compared at one position, so that a damaged image cannot make a
/// search hang.
const MAX_CHAIN: usize = 1 << 16;
/// Shards that a section may have.
const MAX_SHARDS: usize = 64;
/// Slots that are read before the first is looked at.
const AHEAD: usize = 32;
/// Steps for one window.
const WINDOW_STEPS: u64 = 1 << 20;
/// Number of the needs among what all shards share.
const NEEDS: usize = 3;
/// Groups that are kept decoded.
const MAX_GROUPS: usize = 1 << 12;

/// Groups that were decoded, by where they are; `None` for a damaged one.
#[derive(Debug, Default)]
pub(crate) struct Groups(FxHashMap<u32, Option<Box<Prepared>>>);

/// A group that is ready to be looked for.
#[derive(Debug)]
struct Prepared {
    group: Group,
    /// Whether the part that has the anchor can be compared by itself, in little time.
    is_compared: bool,
    hints: Vec<Hint>,
    plan: Plan,
}

impl Prepared {
    /// For an anchor with so many bytes of surroundings.
    fn new(group: Group, probe: usize) -> Self {
        let own = group.pattern.parts.get(group.part).map_or(&[][..], |part| &part.elements);
        let is_compared = elements_length(own).is_some() && weight(own) <= HEAVIEST;
        Self { is_compared, hints: Hint::choose(&group, probe), plan: Plan::new(&group.pattern), group }
    }

    /// Whether the part that has the anchor may stand where it must around surroundings that start at `start`.
    fn own_part_fits(&self, bytes: &[u8], start: usize) -> bool {
        let Group { pattern, part, before, .. } = &self.group;
        let elements = || pattern.parts.get(*part).map_or(&[][..], |part| &part.elements);
        let stands = |at| fixed_end(elements(), pattern.ignore_case, bytes, at).is_some();
        !self.is_compared || start.checked_sub(*before).is_some_and(stands)
    }
}

/// Bytes of a part, all branches of its choices counted, that are compared at an anchor without being paid for.
const HEAVIEST: usize = 256;

/// So many bytes are compared at most to see whether `elements` match.
fn weight(elements: &[Element]) -> usize {
    elements.iter().fold(0, |sum, element| {
        sum.saturating_add(match element {
            Element::Bytes(bytes) => bytes.len(),
            Element::Masked { .. } | Element::Boundary(_) => 1,
            Element::Alternatives(choice) => {
                choice.branches.iter().fold(1, |sum, branch| sum.saturating_add(weight(branch)))
            }
        })
    })
}

/// What was seen of a signature.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Clauses, a bit each.
    clauses: u32,
    /// Sub-signatures, a bit each.
    subs: u64,
    /// Where its needs are plus one.
    needs: u32,
}

/// The content signatures that a layer touches, each once.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    seen: Vec<u64>,
    list: Vec<u32>,
    /// What was seen of signatures that need several clauses or are found by several sub-signatures.
    partly: FxHashMap<u32, Seen>,
    /// Bytes of windows that were tried in vain, by anchor.
    spent: FxHashMap<u32, usize>,
}

impl Touched {
    /// Forgets everything; the memory stays.
    pub(crate) fn clear(&mut self) {
        self.spent.clear();
        self.partly.clear();
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

    /// Takes `bytes` from the `room` that an anchor has for windows; false when there is none left.
    fn afford(&mut self, anchor: u32, bytes: usize, room: usize) -> bool {
        let spent = self.spent.entry(anchor).or_default();
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

    /// Puts the touched signatures in order.
    pub(crate) fn sort(&mut self) {
        self.list.sort_unstable();
    }

    /// The touched signatures.
    pub(crate) fn list(&self) -> &[u32] {
        &self.list
    }
}

/// What a search of a layer changes.
pub(crate) struct State<'s> {
    /// Memory for positions that pass a filter.
    pub(crate) sieve: &'s mut Box<Sieve>,
    /// Decoded groups of the image.
    pub(crate) groups: &'s mut Groups,
    /// What was found.
    pub(crate) touched: &'s mut Touched,
    /// How many content signatures there are.
    pub(crate) count: u32,
    /// What may still be looked up.
    pub(crate) work: &'s mut LookingUp,
}

/// Looking up that may still be done, in the units of [`candor_model::Budget::pay_work`].
#[derive(Debug)]
pub(crate) struct LookingUp {
    left: u64,
    is_over: bool,
}

/// What it costs to look one position up, and to compare one entry.
const LOOK_UP: usize = 16;
const COMPARED: usize = 8;

impl LookingUp {
    /// With so many units.
    pub(crate) const fn new(left: u64) -> Self {
        Self { left, is_over: false }
    }

    /// Takes what `count` of these cost. False when there is not as much, now or once before.
    fn spend(&mut self, count: usize, price: usize) -> bool {
        match self.left.checked_sub(count.saturating_mul(price) as u64) {
            Some(left) => self.left = left,
            None => *self = Self { left: 0, is_over: true },
        }
        !self.is_over
    }

    /// What is left.
    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    /// Whether something was not looked up.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
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

    /// Looks for what is in the index for a layer of class `target`, while the layer's MD5 is computed. `image`
    /// tells the image from others.
    pub(crate) fn screening(&self, image: u64, target: Target, bytes: &'a [u8]) -> Screening<'a> {
        Screening::new(self.shard_for(target), bytes, (image, class(target)))
    }

    /// The same without a digest, and touches every signature of which enough anchors with their surroundings
    /// occur in `layer`. A `screen` of the same layer saves the pass over its bytes.
    pub(crate) fn search(
        &self,
        image: u64,
        target: Target,
        layer: Layer<'_>,
        screen: Option<&Screen>,
        state: &mut State<'_>,
    ) {
        let Some(shard) = self.shard_for(target) else { return };
        shard.look_up_spots(layer, state);
        let bytes = layer.bytes;
        let this = (image, class(target), bytes.as_ptr().addr(), bytes.len());
        let screened = screen.filter(|screen| screen.of == this);
        if let Some(sightings) = screened.and_then(|screen| screen.sightings.as_ref()) {
            for sighting in sightings {
                let (table, entry) = sighting.entry();
                if !shard.compare_entries(table, entry, layer, sighting.at as usize, state) {
                    break;
                }
            }
            return;
        }
        let mut sieve = std::mem::take(state.sieve);
        for from in (0..bytes.len()).step_by(BLOCK) {
            let to = from.saturating_add(BLOCK).min(bytes.len());
            let passed = shard.look_up_block(bytes, from, to, from, &mut sieve, &mut |table, entry, at| {
                shard.compare_entries(table, entry, layer, at, state);
            });
            if !state.work.spend(passed, LOOK_UP) {
                break;
            }
        }
        *state.sieve = sieve;
    }

    /// Where a part is, by the number of its entry in a directory that starts at `directory`.
    /// Notes that a layer of class `target` has what satisfies a clause of a signature: its number, its needs and the
    /// number of the clause.
    pub(crate) fn note(
        &self,
        target: Target,
        (signature, needs, clause): (u32, u32, u32),
        touched: &mut Touched,
        count: u32,
    ) {
        if needs > 0 {
            let (Some(shard), Some(clause)) = (self.shard_for(target), 1_u32.checked_shl(clause)) else {
                return;
            };
            let seen = touched.partly.entry(signature).or_default();
            seen.clauses |= clause;
            seen.needs = needs;
            if shard.needs_met(needs, seen.clauses) != Some(true) {
                return;
            }
        }
        touched.insert(signature, count);
    }

    /// The sub-signatures of a touched signature, a bit each, that have no hit in the layer: nothing of theirs was met.
    pub(crate) fn absent(&self, touched: &Touched, signature: u32) -> u64 {
        let absent = || {
            let Seen { subs, needs, .. } = *touched.partly.get(&signature)?;
            let all = self.part(8, NEEDS)?;
            let start = needs.checked_sub(1)? as usize;
            let thresholds = u32_at(all, start)? as usize;
            let at = start.checked_add(1)?.checked_add(thresholds.checked_mul(2)?)?;
            let tracked = [u32_at(all, at)?, u32_at(all, at.checked_add(1)?)?];
            let [low, high] = tracked.map(u64::from);
            Some((low | high << 32) & !subs)
        };
        absent().unwrap_or(0)
    }

    fn part(&self, directory: usize, index: usize) -> Option<&'a [u8]> {
        let entry = run(self.section, directory.checked_add(index.checked_mul(16)?)?, 16)?;
        let offset = usize::try_from(u64_at(entry, 0)?).ok()?;
        run(self.section, offset, usize::try_from(u64_at(entry, 1)?).ok()?)
    }

    /// The shard that a layer of class `target` is searched with.
    fn shard_for(&self, target: Target) -> Option<Shard<'a>> {
        self.shard(class(target)).or_else(|| self.shard(class(Target::Any)))
    }

    /// The shard of a class, if the section has one that can be used.
    fn shard(&self, class: u32) -> Option<Shard<'a>> {
        let count = u32_at(self.section, 0)? as usize;
        for index in 0..count.min(MAX_SHARDS) {
            let start = HEADER.checked_add(SHARD.checked_mul(index)?)?;
            if u32_at(run(self.section, start, 8)?, 0)? == class {
                return self.open_shard(start.checked_add(8)?);
            }
        }
        None
    }

    fn open_shard(&self, directory: usize) -> Option<Shard<'a>> {
        let mut parts = [&[][..]; PARTS];
        for (index, part) in parts.iter_mut().enumerate() {
            *part = self.part(directory, index)?;
        }
        let mut shared = [&[][..]; SHARED];
        for (index, part) in shared.iter_mut().enumerate() {
            *part = self.part(8, index)?;
        }
        let [filter, small, pairs, nibbles, spots, tables @ ..] = parts;
        let mut all = [Table { slots: &[], entries: &[] }; TABLES];
        for (table, parts) in all.iter_mut().zip(tables.chunks_exact(2)) {
            if let [slots, entries] = parts {
                *table = Table { slots, entries };
            }
        }
        let [anchors, probes, groups, needs] = shared;
        Some(Shard {
            filter: Filter::new(filter),
            small: Filter::new(small),
            pairs: Pairs::new(pairs, nibbles),
            spots,
            tables: all,
            anchors,
            probes,
            groups,
            needs,
        })
    }
}

/// Slots and entries of one tier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    slots: &'a [u8],
    entries: &'a [u8],
}

impl Table<'_> {
    /// What is kept of a digest, and the number of its first entry plus one.
    fn slot(&self, index: usize) -> Option<(u32, u32)> {
        let slot = record_at(self.slots, index, SLOT)?;
        Some((u32_at(slot, 0)?, u32_at(slot, 1)?))
    }
}

/// The index of a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shard<'a> {
    pub(super) filter: Option<Filter<'a>>,
    pub(super) small: Option<Filter<'a>>,
    pub(super) pairs: Option<Pairs<'a>>,
    spots: &'a [u8],
    tables: [Table<'a>; TABLES],
    anchors: &'a [u8],
    probes: &'a [u8],
    groups: &'a [u8],
    needs: &'a [u8],
}

/// A slot that was read, and what it was read for.
#[derive(Clone, Copy, Debug, Default)]
struct Ahead {
    /// The digest that is looked for.
    digest: u64,
    /// Number of the slot.
    slot: usize,
    /// The half of a digest that it holds.
    held: u32,
    /// The number of its first entry plus one.
    first: u32,
}

/// What is known of an anchor while it is compared.
struct Candidate<'a> {
    /// Its number.
    number: u32,
    record: &'a [u8],
    /// Where its surroundings start in the layer.
    start: usize,
}

impl Shard<'_> {
    /// Looks up what is pinned to places of the layer.
    fn look_up_spots(&self, layer: Layer<'_>, state: &mut State<'_>) {
        let mut reader = Reader::new(self.spots);
        for number in 0..MAX_SPOTS {
            let Some(mut spot) = reader.run().map(Decoder::new) else { return };
            let (Some(width), Some(offset), Some(distance)) = (spot.number(), spot.offset(), spot.number())
            else {
                return;
            };
            let Some(tier) = Tier::ALL.into_iter().find(|tier| tier.width() as u64 == width) else { return };
            for (place, _) in place_ranges(offset, layer.bytes.len() as u64, layer.facts) {
                let at = place.checked_add(distance).and_then(|at| usize::try_from(at).ok());
                let Some(at) = at else { continue };
                let key = layer.bytes.get(at..).and_then(|rest| run_number(rest, tier));
                if let Some(key) = key {
                    self.look_up_placed(placed_key(key, number), layer, at, state);
                }
            }
        }
    }

    /// Looks every position that passed up as a run of `tier`, and gives `visit` the number of the table, the
    /// number of the first entry and the position of those that are there.
    pub(super) fn look_up_passed(
        &self,
        tier: Tier,
        bytes: &[u8],
        passed: &[usize],
        visit: &mut impl FnMut(usize, u32, usize),
    ) {
        let number = table_number(tier);
        let Some(table) = self.tables.get(number) else { return };
        let slots = table.slots.len() / SLOT;
        for some in passed.chunks(AHEAD) {
            // Slots are far away in memory: all are asked for before the first is looked at.
            let mut ahead = [Ahead::default(); AHEAD];
            for (place, at) in ahead.iter_mut().zip(some) {
                let key = bytes.get(*at..).and_then(|rest| run_number(rest, tier));
                let digest = slot_digest(key.unwrap_or(0));
                let slot = slot_start(digest, slots);
                let (held, first) = table.slot(slot).unwrap_or_default();
                // What reaches over the end of the layer is no run.
                *place = Ahead { digest, slot, held, first: if key.is_some() { first } else { 0 } };
            }
            for (ahead, at) in ahead.iter().zip(some) {
                if ahead.first != 0 {
                    walk(*table, *ahead, &mut |entry| visit(number, entry, *at));
                }
            }
        }
    }

    /// Touches what is pinned to a place, has the run with this key there, at `at`, and fits around it.
    fn look_up_placed(&self, key: u64, layer: Layer<'_>, at: usize, state: &mut State<'_>) {
        let Some(table) = self.tables.get(PLACED_TABLE) else { return };
        let digest = slot_digest(key);
        let slot = slot_start(digest, table.slots.len() / SLOT);
        let Some((held, first)) = table.slot(slot) else { return };
        walk(*table, Ahead { digest, slot, held, first }, &mut |entry| {
            self.compare_entries(PLACED_TABLE, entry, layer, at, state);
        });
    }

    /// Notes what has a run at `at` and fits around it, of the entries of the run from the `first` on. False when that
    /// cannot be paid for any more.
    fn compare_entries(
        &self,
        table: usize,
        first: u32,
        layer: Layer<'_>,
        at: usize,
        state: &mut State<'_>,
    ) -> bool {
        let entries = self.tables.get(table).map_or(&[][..], |table| table.entries);
        let (width, is_checked) = (entry_width(table), is_checked(table));
        for index in (first as usize..).take(MAX_CHAIN) {
            if !state.work.spend(1, COMPARED) {
                return false;
            }
            let Some(entry) = record_at(entries, index, width) else { break };
            let Some((number, place, is_last)) = u32_at(entry, 0).map(unpack_entry) else { break };
            let stands = |start: &usize| {
                !is_checked || u32_at(entry, 1).is_some_and(|tests| check::holds(tests, layer.bytes, *start))
            };
            if let Some(start) = at.checked_sub(place).filter(stands) {
                let Some(record) = record_at(self.anchors, number as usize, ANCHOR) else { break };
                self.compare(&Candidate { number, record, start }, layer, state);
            }
            if is_last {
                break;
            }
        }
        true
    }

    /// Notes what a candidate is an anchor of, if it is one.
    fn compare(&self, candidate: &Candidate<'_>, layer: Layer<'_>, state: &mut State<'_>) -> Option<()> {
        let signature = u32_at(candidate.record, 0)?;
        let needs = u32_at(candidate.record, 6)?;
        let (clause, sub) = unpack_clause(u32_at(candidate.record, 7)?);
        // Of what is touched the rest is noted too: what of it is there is what evaluation asks.
        let news = |touched: &Touched| {
            let is_touched = touched.contains(signature);
            if needs == 0 {
                return !is_touched;
            }
            let seen = touched.partly.get(&signature).copied().unwrap_or_default();
            (!is_touched && seen.clauses & clause == 0) || sub & !seen.subs != 0
        };
        if news(state.touched)
            && self.fits(candidate, layer.bytes)?
            && self.group_fits(candidate, layer, state)
        {
            if needs > 0 {
                let seen = state.touched.partly.entry(signature).or_default();
                seen.clauses |= clause;
                seen.subs |= sub;
                seen.needs = needs;
                if !self.needs_met(needs, seen.clauses)? {
                    return None;
                }
            }
            state.touched.insert(signature, state.count);
        }
        Some(())
    }

    /// Whether the clauses that were `seen` are enough.
    fn needs_met(&self, needs: u32, seen: u32) -> Option<bool> {
        let start = needs.checked_sub(1)? as usize;
        let count = u32_at(self.needs, start)? as usize;
        for threshold in 0..count.min(32) {
            let at = start.checked_add(threshold.checked_mul(2)?)?;
            let of = u32_at(self.needs, at.checked_add(1)?)?;
            if (seen & of).count_ones() < u32_at(self.needs, at.checked_add(2)?)? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Whether the surroundings of an anchor are those of the candidate.
    fn fits(&self, candidate: &Candidate<'_>, bytes: &[u8]) -> Option<bool> {
        let &Candidate { record, start, .. } = candidate;
        let sizes = u32_at(record, 2)?;
        let (length, flags) = ((sizes & 0xffff) as usize, sizes >> 16);
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
            return Some(u32_at(record, 3)? <= start && start <= u32_at(record, 4)?);
        }
        Some(true)
    }

    /// Whether the parts around the anchor match in a small window, when it has any. True where that is
    /// not known, or where windows were tried so often that looking at the whole layer costs less.
    fn group_fits(&self, candidate: &Candidate<'_>, layer: Layer<'_>, state: &mut State<'_>) -> bool {
        let Some(place) = u32_at(candidate.record, 5).and_then(|place| place.checked_sub(1)) else {
            return true;
        };
        if state.groups.0.len() >= MAX_GROUPS {
            state.groups.0.clear();
        }
        let decode = || {
            let run = Reader::new(self.groups.get(place as usize..)?).run()?;
            let group = Decoder::new(run).group()?;
            let probe = u32_at(candidate.record, 2)? & 0xffff;
            Some(Box::new(Prepared::new(group, probe as usize)))
        };
        let Some(prepared) = state.groups.0.entry(place).or_insert_with(decode).as_deref() else {
            return true;
        };
        // Its choices are not in the surroundings.
        if !prepared.own_part_fits(layer.bytes, candidate.start) {
            return false;
        }
        let Prepared { group: Group { pattern, least, most, .. }, hints, plan, .. } = prepared;
        let room = (layer.bytes.len() / 4).saturating_add(1 << 12);
        for hint in hints {
            // Looking for one literal takes a small part of the time of matching.
            if !state.touched.afford(candidate.number, (hint.width() / 16).saturating_add(8), room) {
                return true;
            }
            if !hint.is_near(layer.bytes, candidate.start) {
                return false;
            }
        }
        if !state.touched.afford(candidate.number, most.saturating_sub(*least).saturating_add(64), room) {
            return true;
        }
        let Some(high) = candidate.start.checked_sub(*least) else { return false };
        let ranges = vec![(candidate.start.saturating_sub(*most), high)];
        let found = find_starting_planned((pattern, plan), layer, ranges, 1, &mut Steps::new(WINDOW_STEPS));
        found.map_or(true, |found| found.count > 0)
    }
}

/// Walks from a slot that was read to the next free one, and gives `visit` the number of the first entry of each
/// that holds the digest. Anything out of bounds ends the walk.
fn walk(
    table: Table<'_>,
    Ahead { digest, mut slot, mut held, mut first }: Ahead,
    visit: &mut impl FnMut(u32),
) {
    let slots = table.slots.len() / SLOT;
    // Some slots of a sound table are free; a damaged one ends here as well.
    for _ in 0..slots.min(MAX_CHAIN) {
        let Some(entry) = first.checked_sub(1) else { return };
        // Two runs may share the half of the digest that is kept, so the walk goes on.
        if held == (digest & 0xffff_ffff) as u32 {
            visit(entry);
        }
        slot = slot.saturating_add(1);
        if slot >= slots {
            slot = 0;
        }
        let Some(next) = table.slot(slot) else { return };
        (held, first) = next;
    }
}
