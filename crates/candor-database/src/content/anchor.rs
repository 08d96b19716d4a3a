//! Choosing what a pattern is found by.
//!
//! An anchor is a short run of bytes that must stand in every match of the pattern, at a known
//! distance from bytes around it that must match too. The index finds the run; the surroundings are
//! compared at once and turn down nearly everything that is not a match. Choosing the rarest run is
//! what makes the search fast, so it is done with care here, once, when an image is built.

use super::cells::{Cell, Stretch, elements_length, longest, shortest, spell, stretches};
use super::frequency::{WINDOW, surprise};
use crate::ir::{Element, Gap, Offset, OffsetBase, Pattern};

/// Bytes of surroundings that are kept at most.
const MAX_PROBE: usize = 48;
/// What it is worth, in eighths of a bit, that a run is looked for at one place of a layer only:
/// about as much as the number of places in a mebibyte.
const ONE_PLACE: u32 = 160;

/// Which tier of the index a run belongs to, by its length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Two bytes, looked for at every position.
    Short,
    /// Three bytes, looked for at every position.
    Triple,
    /// Four bytes, looked for at every second position.
    Medium,
    /// Eight bytes, looked for at every fourth position.
    Long,
}

impl Tier {
    pub(crate) const ALL: [Self; 4] = [Self::Short, Self::Triple, Self::Medium, Self::Long];

    /// Length of a run in bytes.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::Short => 2,
            Self::Triple => 3,
            Self::Medium => 4,
            Self::Long => WINDOW,
        }
    }

    /// Every how many positions of a layer runs are looked for. As many windows in a row of a pattern
    /// are in the index, so that one of them is met wherever the pattern stands.
    pub(crate) const fn stride(self) -> usize {
        match self {
            Self::Short | Self::Triple => 1,
            Self::Medium => 2,
            Self::Long => 4,
        }
    }

    /// Bytes that the windows of one anchor cover together.
    const fn span(self) -> usize {
        self.width().saturating_add(self.stride()).saturating_sub(1)
    }
}

/// A place of a layer that patterns are pinned to: where `offset` is, and so many bytes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    /// An exact offset.
    pub(crate) offset: Offset,
    /// Distance of the run from there, in bytes.
    pub(crate) distance: u64,
}

/// How a run is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Meeting {
    /// Wherever it stands.
    Anywhere,
    /// It is looked for at one place only.
    At(Spot),
}

/// One spelling of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The folded bytes; zero behind those of the tier.
    pub(crate) bytes: [u8; WINDOW],
    /// Where the window starts in the surroundings.
    pub(crate) at: usize,
}

/// A choice of what to find a pattern by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// Which tier.
    pub(crate) tier: Tier,
    /// How it is met.
    pub(crate) meeting: Meeting,
    /// The runs: in every match each window stands in one of its spellings.
    pub(crate) runs: Vec<Run>,
    /// The surroundings, the windows included: value and mask of each byte.
    pub(crate) probe: Vec<(u8, u8)>,
    /// When the pattern must start at a place counted from the start of the layer: the first and
    /// the last place where the surroundings may start.
    pub(crate) place: Option<(u64, u64)>,
    /// What else can be checked near the run, when the surroundings do not say it all.
    pub(crate) group: Option<Group>,
    /// The sub-signature that has a hit only where this anchor, or another one of its own in the same clause, is met.
    pub(crate) sub: Option<u32>,
    /// How rare the commonest of the runs is, in eighths of a bit.
    pub(crate) rarity: u32,
    /// The same, with what comparing costs taken off.
    pub(crate) score: u32,
}

/// The parts of a pattern around an anchor that limited gaps hold together: they can be checked in a
/// small window, without looking at the rest of the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The parts, as a pattern that may start anywhere.
    pub(crate) pattern: Pattern,
    /// How far before the surroundings it starts, at least.
    pub(crate) least: usize,
    /// How far before the surroundings it starts, at most.
    pub(crate) most: usize,
    /// The part that has the anchor.
    pub(crate) part: usize,
    /// How far before the surroundings that part starts.
    pub(crate) before: usize,
}

/// What an index holds already.
pub(crate) trait Usage {
    /// How many anchors have this run.
    fn used(&self, tier: Tier, run: &[u8; WINDOW]) -> u32;
    /// Whether patterns may be looked for at this place: each costs a look-up in every layer.
    fn admits(&self, tier: Tier, spot: &Spot) -> bool;
}

/// The best anchor of each group of parts that limited gaps hold together, for those that have any.
/// All of them stand in every match.
pub(crate) fn choose(pattern: &Pattern, usage: &dyn Usage) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    let mut first = 0;
    while first < pattern.parts.len() {
        let last = group_end(pattern, first);
        let mut best: Option<Choice> = None;
        for part in first..=last {
            let Some(elements) = pattern.parts.get(part).map(|part| &part.elements) else { break };
            for stretch in stretches(elements, pattern.ignore_case) {
                let offset = (part == 0).then_some(pattern.offset);
                let found = consider(stretch, part, offset, usage);
                let better = |known: &Choice| found.as_ref().is_some_and(|new| new.score > known.score);
                if best.as_ref().is_none_or(better) {
                    best = found.or(best);
                }
            }
        }
        anchors.extend(best.map(|choice| choice.into_anchor(pattern, first, last)));
        first = last.saturating_add(1);
    }
    anchors
}

/// The last part of the group that starts with part `first`.
fn group_end(pattern: &Pattern, first: usize) -> usize {
    let mut last = first;
    while pattern.parts.get(last.saturating_add(1)).is_some_and(|part| part.gap.max.is_some()) {
        last = last.saturating_add(1);
    }
    last
}

/// The best windows so far.
struct Choice {
    tier: Tier,
    meeting: Meeting,
    /// Where the first window is in the stretch.
    at: usize,
    stretch: Stretch,
    part: usize,
    /// Where the part may start, when that counts from the start of the layer.
    start: Option<(u64, u64)>,
    score: u32,
}

/// The best windows of a stretch. `offset` is that of the part, where it has one.
fn consider(stretch: Stretch, part: usize, offset: Option<Offset>, usage: &dyn Usage) -> Option<Choice> {
    let start = match offset {
        Some(Offset { base: OffsetBase::Start(start), shift }) => Some((start, start.saturating_add(shift))),
        _ => None,
    };
    if let Some(offset) = offset
        && let Some(from_start) = stretch.from_start
        && let Some((score, tier, at, spot)) = placed(&stretch.cells, offset, from_start, usage)
    {
        return Some(Choice { tier, meeting: Meeting::At(spot), at, stretch, part, start, score });
    }
    let mut best: Option<(u32, Tier, usize)> = None;
    for tier in Tier::ALL {
        let scores: Vec<Option<u32>> =
            stretch.cells.windows(tier.width()).map(|window| score(window, tier, usage)).collect();
        for (at, scores) in scores.windows(tier.stride()).enumerate() {
            let Some(worst) = scores.iter().copied().min().flatten() else { continue };
            if best.is_none_or(|(known, ..)| worst > known) {
                best = Some((worst, tier, at));
            }
        }
    }
    let (score, tier, at) = best?;
    Some(Choice { tier, meeting: Meeting::Anywhere, at, stretch, part, start, score })
}

/// What a window is worth to be found by, in eighths of a bit; `None` when it cannot be spelled.
fn score(window: &[Cell], tier: Tier, usage: &dyn Usage) -> Option<u32> {
    let mut score = u32::MAX;
    let mut spellings = 0_u32;
    let sound = spell(window, &mut |run| {
        let spelled = run.get(..tier.width()).unwrap_or(run);
        // In random bytes no window is rarer than its length makes it.
        let most = 56_u32.saturating_mul(u32::try_from(tier.width()).unwrap_or(8));
        score = score.min(surprise(spelled).min(most).saturating_sub(crowding(usage.used(tier, run))));
        spellings = spellings.saturating_add(1);
    });
    // Every spelling is another chance to be found where there is no match.
    score = score.saturating_sub(spellings.max(1).ilog2().saturating_mul(8));
    // A longer run costs less to look for, even where it is no rarer.
    score = score.saturating_add(match tier {
        Tier::Short => 0,
        Tier::Triple => 8,
        Tier::Medium => 16,
        Tier::Long => 32,
    });
    sound.then_some(score)
}

/// A window to be looked for at one place only, when the part is pinned to one: the longest, and of
/// those the first.
fn placed(
    cells: &[Cell],
    offset: Offset,
    from_start: usize,
    usage: &dyn Usage,
) -> Option<(u32, Tier, usize, Spot)> {
    let pinned = match offset.base {
        OffsetBase::Any | OffsetBase::WithinSection(_) | OffsetBase::VersionInfo => false,
        _ => offset.shift == 0,
    };
    if !pinned {
        return None;
    }
    for tier in Tier::ALL.into_iter().rev() {
        for (at, window) in cells.windows(tier.width()).enumerate() {
            let mut rare = u32::MAX;
            let sound = spell(window, &mut |run| {
                rare = rare.min(surprise(run.get(..tier.width()).unwrap_or(run)));
            });
            let spot = Spot { offset, distance: from_start.saturating_add(at) as u64 };
            if sound && usage.admits(tier, &spot) {
                return Some((rare.saturating_add(ONE_PLACE), tier, at, spot));
            }
        }
    }
    None
}

impl Choice {
    fn into_anchor(self, pattern: &Pattern, first: usize, last: usize) -> Anchor {
        let Self { tier, meeting, at, stretch: Stretch { cells, from_start }, part, start, score } = self;
        let (span, stride) = match meeting {
            Meeting::Anywhere => (tier.span(), tier.stride()),
            Meeting::At(_) => (tier.width(), 1),
        };
        let room = MAX_PROBE.saturating_sub(span) / 2;
        let probe_start = at.saturating_sub(room);
        let probe_end = at.saturating_add(span).saturating_add(room).min(cells.len());
        let probe: Vec<(u8, u8)> =
            cells.iter().take(probe_end).skip(probe_start).map(|cell| (cell.value, cell.mask)).collect();
        let mut runs = Vec::new();
        let mut rarity = u32::MAX;
        for (number, window) in cells.windows(tier.width()).enumerate().skip(at).take(stride) {
            let at = number.saturating_sub(probe_start);
            spell(window, &mut |run| {
                runs.push(Run { bytes: *run, at });
                rarity = rarity.min(surprise(run.get(..tier.width()).unwrap_or(run)));
            });
        }
        if meeting != Meeting::Anywhere {
            rarity = rarity.saturating_add(ONE_PLACE);
        }
        let before = from_start.and_then(|distance| distance.checked_add(probe_start));
        let place = start.zip(before).map(|((first, last), before)| {
            (first.saturating_add(before as u64), last.saturating_add(before as u64))
        });
        let group = group(pattern, (first, part, last), before, probe.len());
        Anchor { tier, meeting, runs, probe, place, group, sub: None, rarity, score }
    }
}

/// The parts from the first to the last around the one with the anchor, unless the surroundings of
/// `compared` bytes say it all. `before` is how far behind the start of its part the surroundings
/// start, when that is fixed.
fn group(
    pattern: &Pattern,
    (first, part, last): (usize, usize, usize),
    before: Option<usize>,
    compared: usize,
) -> Option<Group> {
    let own = pattern.parts.get(part)?;
    let whole = first == last && elements_length(&own.elements).is_some_and(|length| length <= compared);
    let plain =
        own.elements.iter().all(|element| matches!(element, Element::Bytes(_) | Element::Masked { .. }));
    if whole && plain {
        return None;
    }
    let before = before?;
    let (mut least, mut most) = (before, before);
    for index in first..part {
        let elements = &pattern.parts.get(index)?.elements;
        let gap = pattern.parts.get(index.saturating_add(1))?.gap;
        least = least.checked_add(shortest(elements))?.checked_add(usize::try_from(gap.min).ok()?)?;
        most = most.checked_add(longest(elements)?)?.checked_add(usize::try_from(gap.max?).ok()?)?;
    }
    let mut parts = pattern.parts.get(first..=last)?.to_vec();
    if let Some(start) = parts.first_mut() {
        start.gap = Gap::NONE;
    }
    let pattern = Pattern { offset: Offset::ANY, ignore_case: pattern.ignore_case, parts };
    Some(Group { pattern, least, most, part: part.checked_sub(first)?, before })
}

/// What it costs, in eighths of a bit, that others have the same run: all of them are compared
/// wherever it occurs.
fn crowding(others: u32) -> u32 {
    match others {
        0 => 0,
        some => 8_u32.saturating_mul(some.ilog2().saturating_add(1)),
    }
}
