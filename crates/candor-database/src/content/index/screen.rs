//! Screening: what of a layer stands in the slots of the index, found while its MD5 is computed.
//!
//! Files whose MD5 somebody may ask for are read in one go for both: see [`super::stitched`], and [`super::lanes`]
//! for several at a time. What is found is kept until the layer has been taken apart and is searched.

use super::kernel::{pairs_passing, passing};
use super::lanes::{self, LANES, Lane};
use super::search::{BLOCK, Shard};
use super::stitched::{self, Filters, Masks, positions};
use crate::content::anchor::Tier;
use crate::md5;

/// Runs that are kept at most; a layer with more is searched without them.
const MOST: usize = 1 << 19;
/// So many bytes of a layer have one on average at most, so that what is kept stays small beside the layer.
const SPREAD: usize = 128;
/// Bytes of each that several are taken on by at least: what is left is shorter then.
const LEAST: usize = 1 << 10;
/// So many are kept whatever the length of the layer.
const FEW: usize = 1 << 10;

/// A run of the index that stands in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sighting {
    /// Where.
    pub(super) at: u32,
    /// Number of its table above that of its first entry.
    packed: u32,
}

/// Bits that the number of an entry has in a sighting.
const ENTRY_BITS: u32 = 30;

impl Sighting {
    /// `None` where that is more than fits.
    fn new(table: usize, entry: u32, at: usize) -> Option<Self> {
        let table = u32::try_from(table).ok().filter(|table| *table < 4)?;
        let packed = (entry >> ENTRY_BITS == 0).then_some(table << ENTRY_BITS | entry)?;
        Some(Self { at: u32::try_from(at).ok()?, packed })
    }

    /// Numbers of the table and of the first entry.
    pub(super) const fn entry(&self) -> (usize, u32) {
        ((self.packed >> ENTRY_BITS) as usize, self.packed & ((1 << ENTRY_BITS) - 1))
    }
}

/// The runs of the index that stand in a layer.
#[derive(Debug, Default)]
pub struct Screen {
    /// Some blocks of the layer after the other, of each in the order of tables; `None` where they are not known.
    pub(super) sightings: Option<Vec<Sighting>>,
    /// Of which image, class and layer.
    pub(super) of: (u64, u32, usize, usize),
}

#[cfg(test)]
impl Screen {
    /// The same, whatever the blocks were in which the layer was looked at.
    pub(crate) fn sorted(mut self) -> Self {
        self.sightings.iter_mut().for_each(|sightings| sightings.sort_unstable());
        self
    }
}

/// A screening that goes on.
#[derive(Debug)]
pub struct Screening<'a> {
    shard: Option<Shard<'a>>,
    bytes: &'a [u8],
    /// What is done: a multiple of a block of MD5, or the whole.
    at: usize,
    state: [u32; 4],
    sieve: Sieve,
    screen: Screen,
}

impl<'a> Screening<'a> {
    /// A screening that has not begun; without a shard it computes the digest only.
    pub(super) fn new(shard: Option<Shard<'a>>, bytes: &'a [u8], of: (u64, u32)) -> Self {
        // Places of larger layers do not fit.
        let shard = shard.filter(|_| u32::try_from(bytes.len()).is_ok());
        let screen = Screen {
            sightings: shard.is_some().then(Vec::new),
            of: (of.0, of.1, bytes.as_ptr().addr(), bytes.len()),
        };
        Self { shard, bytes, at: 0, state: md5::START, sieve: Sieve::default(), screen }
    }

    /// Goes on for about so many bytes. Returns whether there are more.
    pub fn advance(&mut self, bytes: usize) -> bool {
        let end = self.at.saturating_add(bytes);
        while self.at < end.min(self.bytes.len()) {
            let to = self.at.saturating_add(BLOCK).min(self.bytes.len());
            self.block(to);
            self.at = to;
        }
        self.at < self.bytes.len()
    }

    /// The digest of the layer, and what was found in it.
    #[must_use]
    pub fn finish(mut self) -> ([u8; 16], Screen) {
        while self.advance(self.bytes.len()) {}
        // It may have to wait with others.
        if let Some(sightings) = &mut self.screen.sightings {
            sightings.shrink_to_fit();
        }
        let (_, rest) = md5::blocks(self.bytes);
        (md5::finish(self.state, rest, self.bytes.len() as u64), self.screen)
    }

    /// Bytes in whole blocks of MD5 that can be taken beside others, at most [`BLOCK`]: looking at a block needs one
    /// more.
    fn room(&self) -> usize {
        let left = self.bytes.len().saturating_sub(self.at).saturating_sub(md5::BLOCK);
        (left / md5::BLOCK).saturating_mul(md5::BLOCK).min(BLOCK)
    }

    /// Whether it is worth to take it on with others.
    fn has_room(&self) -> bool {
        self.room() >= LEAST
    }

    /// Takes what is before `to`.
    fn block(&mut self, to: usize) {
        let Self { shard, bytes, at, state, sieve, .. } = self;
        let mut done = *at;
        if let Some(shard) = shard {
            done = stitched::run(shard.filters(), bytes, done, to, state, &mut sieve.masks);
        }
        md5::compress(state, md5::blocks(bytes.get(done..to).unwrap_or_default()).0);
        self.look_up(to, done);
    }

    /// Looks up what passes before `to`. What is before `done` was tested already.
    fn look_up(&mut self, to: usize, done: usize) {
        let Self { shard: Some(shard), bytes, at, sieve, .. } = self else { return };
        let Some(sightings) = &mut self.screen.sightings else { return };
        let mut fits = true;
        shard.look_up_block(bytes, *at, to, done, sieve, &mut |table, entry, at| match Sighting::new(
            table, entry, at,
        ) {
            Some(sighting) => sightings.push(sighting),
            None => fits = false,
        });
        let most = (bytes.len() / SPREAD).saturating_add(FEW).min(MOST);
        if !fits || sightings.len() > most {
            self.shard = None;
            self.screen.sightings = None;
        }
    }
}

/// Takes screenings on together, as far as there are several with something to do and while `go_on` says so. What is
/// left of each, it does alone. A processor that can do only one at a time leaves all of them as they are.
pub fn screen_together(screenings: &mut [Screening<'_>], go_on: &mut dyn FnMut() -> bool) {
    if !lanes::are_supported() {
        return;
    }
    // The longest first, so that it is not left alone in the end.
    let mut waiting: Vec<_> = screenings.iter_mut().filter(|screening| screening.has_room()).collect();
    waiting.sort_by_key(|screening| std::cmp::Reverse(screening.bytes.len()));
    let mut waiting = waiting.into_iter();
    let mut together = Vec::with_capacity(LANES);
    loop {
        together.retain(|screening: &&mut Screening<'_>| screening.has_room());
        together.extend(waiting.by_ref().take(LANES.saturating_sub(together.len())));
        if together.len() < 2 || !go_on() || !block_of_each(&mut together) {
            return;
        }
    }
}

/// Takes as much of each as the one with the least has, up to a block. Returns whether that could be done.
fn block_of_each(together: &mut [&mut Screening<'_>]) -> bool {
    let step = together.iter().map(|screening| screening.room()).min().unwrap_or(0);
    let mut lanes: Vec<Lane<'_>> = together
        .iter_mut()
        .map(|screening| {
            let Screening { shard, bytes, at, state, sieve, .. } = &mut **screening;
            Lane {
                filters: shard.as_ref().map_or_else(Filters::default, Shard::filters),
                input: bytes.get(*at..).unwrap_or_default(),
                state: *state,
                masks: sieve.masks.get_mut(..step / md5::BLOCK).unwrap_or_default(),
            }
        })
        .collect();
    if !lanes::run(&mut lanes) {
        return false;
    }
    let states: Vec<[u32; 4]> = lanes.iter().map(|lane| lane.state).collect();
    for (screening, state) in together.iter_mut().zip(states) {
        screening.state = state;
        let to = screening.at.saturating_add(step);
        screening.look_up(to, to);
        screening.at = to;
    }
    true
}

/// Positions of a block that pass the filters; memory that blocks reuse.
#[derive(Debug)]
pub(crate) struct Sieve {
    masks: [Masks; BLOCK / md5::BLOCK],
    passed: Vec<usize>,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { masks: [Masks::default(); BLOCK / md5::BLOCK], passed: Vec::new() }
    }
}

impl Shard<'_> {
    /// What positions are tested against.
    pub(super) fn filters(&self) -> Filters<'_> {
        let nibbles = self.pairs.and_then(|pairs| pairs.nibbles());
        Filters { long: self.filter, medium: self.small, nibbles }
    }

    /// Tests what is from `at`, a multiple of a block of MD5, to before `to`, at most [`BLOCK`] bytes, and gives
    /// `visit` the number of the table, that of the first entry and the position of every run that stands there,
    /// in the order of tables and then of positions. What is before `done` was tested already: the masks say what
    /// passes. Returns how many positions passed, those of each tier counted.
    pub(super) fn look_up_block(
        &self,
        bytes: &[u8],
        at: usize,
        to: usize,
        done: usize,
        Sieve { masks, passed }: &mut Sieve,
        visit: &mut impl FnMut(usize, u32, usize),
    ) -> usize {
        let mut count = 0_usize;
        let nibbles = self.pairs.and_then(|pairs| pairs.nibbles());
        let masks = masks.get(..done.saturating_sub(at) / md5::BLOCK).unwrap_or_default();
        let each = || masks.iter().zip((at..).step_by(md5::BLOCK));
        if let Some(filter) = self.filter {
            passed.clear();
            for (mask, place) in each().filter(|(mask, _)| mask.long != 0) {
                passed.extend(positions(u64::from(mask.long), place, Tier::Long.stride()));
            }
            passing(filter, Tier::Long, bytes, done, to, passed);
            count = passed.len();
            self.look_up_passed(Tier::Long, bytes, passed, visit);
        }
        if let Some(filter) = self.small {
            passed.clear();
            for (mask, place) in each().filter(|(mask, _)| mask.medium() != 0) {
                passed.extend(positions(u64::from(mask.medium()), place, Tier::Medium.stride()));
            }
            passing(filter, Tier::Medium, bytes, done, to, passed);
            count = count.saturating_add(passed.len());
            self.look_up_passed(Tier::Medium, bytes, passed, visit);
        }
        if let Some(pairs) = self.pairs {
            passed.clear();
            let mut from = at;
            if nibbles.is_some() {
                let may = |at: &usize| bytes.get(*at..).is_some_and(|rest| pairs.passes(rest));
                for (mask, place) in each().filter(|(mask, _)| mask.nibbles != 0) {
                    passed.extend(positions(mask.nibbles, place, 1).filter(may));
                }
                from = done;
            }
            pairs_passing(pairs, bytes, from, to, passed);
            count = count.saturating_add(passed.len());
            self.look_up_passed(Tier::Triple, bytes, passed, visit);
            passed.retain(|at| bytes.get(*at..).is_some_and(|rest| pairs.passes_short(rest)));
            count = count.saturating_add(passed.len());
            self.look_up_passed(Tier::Short, bytes, passed, visit);
        }
        count
    }
}
