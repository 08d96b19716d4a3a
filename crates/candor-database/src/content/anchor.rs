//! Choosing what a pattern is found by.
//!
//! An anchor is a short run of bytes that must stand in every match of the pattern, at a known
//! distance from bytes around it that must match too. The index finds the run; the surroundings are
//! compared at once and turn down nearly everything that is not a match. Choosing the rarest run is
//! what makes the search fast, so it is done with care here, once, when an image is built.

use crate::content::frequency::{WINDOW, fold, surprise};
use crate::ir::{Alternatives, Element, Gap, Offset, OffsetBase, Pattern};

/// Runs that an anchor may be spelled in at most, when it covers choices.
const MAX_VARIANTS: usize = 16;
/// Bytes of surroundings that are kept at most.
const MAX_PROBE: usize = 48;

/// Which tier of the index an anchor belongs to, by the length of its run in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Two bytes.
    Short,
    /// Three bytes.
    Triple,
    /// Four bytes.
    Medium,
    /// Eight bytes.
    Long,
}

impl Tier {
    pub(crate) const ALL: [Self; 4] = [Self::Short, Self::Triple, Self::Medium, Self::Long];

    /// Length of the run in bytes.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::Short => 2,
            Self::Triple => 3,
            Self::Medium => 4,
            Self::Long => WINDOW,
        }
    }
}

/// A choice of what to find a pattern by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// Which tier.
    pub(crate) tier: Tier,
    /// The runs, folded; in every match one of them occurs.
    pub(crate) runs: Vec<[u8; WINDOW]>,
    /// The surroundings, the run included: value and mask of each byte.
    pub(crate) probe: Vec<(u8, u8)>,
    /// Where the run starts in the surroundings.
    pub(crate) run_at: usize,
    /// When the pattern must start at a place counted from the start of the layer: the first and
    /// the last place where the surroundings may start.
    pub(crate) place: Option<(u64, u64)>,
    /// What else can be checked near the run, when the surroundings do not say it all.
    pub(crate) group: Option<Group>,
    /// How rare the run is, in eighths of a bit.
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
    /// How far before the run it starts, at least.
    pub(crate) least: usize,
    /// How far before the run it starts, at most.
    pub(crate) most: usize,
}

/// One byte of a part, as a small set.
#[derive(Clone, Debug)]
struct Cell {
    /// What may stand here, folded; empty for anything.
    folded: Vec<u8>,
    value: u8,
    mask: u8,
}

impl Cell {
    const ANY: Self = Self { folded: Vec::new(), value: 0, mask: 0 };

    fn exact(byte: u8, ignore_case: bool) -> Self {
        let mask = if ignore_case && byte.is_ascii_alphabetic() { 0xdf } else { 0xff };
        Self { folded: vec![fold(byte)], value: byte & mask, mask }
    }

    fn masked(value: u8, mask: u8) -> Self {
        let folded = match mask {
            0 => Vec::new(),
            _ => {
                let mut all: Vec<u8> =
                    (0..=u8::MAX).filter(|byte| byte & mask == value & mask).map(fold).collect();
                all.sort_unstable();
                all.dedup();
                all
            }
        };
        Self { folded, value: value & mask, mask }
    }

    /// A choice of single bytes: the mask keeps the bits that all of them share.
    fn choice(bytes: &[u8], ignore_case: bool) -> Self {
        let mut folded: Vec<u8> = bytes.iter().map(|byte| fold(*byte)).collect();
        folded.sort_unstable();
        folded.dedup();
        let first = bytes.first().copied().unwrap_or(0);
        let differing = bytes.iter().fold(0, |bits, byte| bits | (byte ^ first));
        let mut mask = !differing;
        if ignore_case {
            mask &= 0xdf;
        }
        Self { folded, value: first & mask, mask }
    }
}

/// A run of cells at fixed distances, and how far it is from the start of its part (`None` behind
/// something of variable length).
struct Stretch {
    cells: Vec<Cell>,
    from_start: Option<usize>,
}

/// The best anchor of `pattern`, or `None` when it has no two bytes in a row to be found by. `used`
/// tells how many anchors already have a run.
pub(crate) fn choose(pattern: &Pattern, used: &dyn Fn(Tier, &[u8; WINDOW]) -> u32) -> Option<Anchor> {
    let mut best: Option<Choice> = None;
    for (index, part) in pattern.parts.iter().enumerate() {
        for stretch in stretches(&part.elements, pattern.ignore_case) {
            let place = match (index, pattern.offset.base, stretch.from_start) {
                (0, OffsetBase::Start(start), Some(distance)) => {
                    let first = start.saturating_add(distance as u64);
                    Some((first, first.saturating_add(pattern.offset.shift)))
                }
                _ => None,
            };
            let own = best.take();
            best = consider(&stretch, place, index, used, own);
        }
    }
    let Choice { tier, runs, at, cells, place, from_start, part, score } = best?;
    let (probe, run_at, skipped) = surroundings(&cells, at, tier.width());
    let place = place.map(|(first, last): (u64, u64)| {
        (first.saturating_add(skipped as u64), last.saturating_add(skipped as u64))
    });
    let group = group(pattern, part, from_start.zip(Some(at)), probe.len());
    let rarity = runs.iter().map(|run| surprise(run.get(..tier.width()).unwrap_or(run))).min().unwrap_or(0);
    Some(Anchor { tier, runs, probe, run_at, place, group, rarity, score })
}

/// The best anchor so far.
struct Choice {
    tier: Tier,
    runs: Vec<[u8; WINDOW]>,
    at: usize,
    cells: Vec<Cell>,
    place: Option<(u64, u64)>,
    from_start: Option<usize>,
    part: usize,
    score: u32,
}

fn consider(
    stretch: &Stretch,
    place: Option<(u64, u64)>,
    part: usize,
    used: &dyn Fn(Tier, &[u8; WINDOW]) -> u32,
    mut best: Option<Choice>,
) -> Option<Choice> {
    let mut found: Option<(u32, Tier, usize)> = None;
    for tier in Tier::ALL {
        let width = tier.width();
        for (at, window) in stretch.cells.windows(width).enumerate() {
            let known = found.map(|(score, ..)| score).or(best.as_ref().map(|choice| choice.score));
            let mut score = u32::MAX;
            let mut spellings = 1_u32;
            let sound = spell(window, &mut |run| {
                let spelled = run.get(..width).unwrap_or(run);
                // In random bytes no window is rarer than its length makes it.
                let rare = surprise(spelled).min(56_u32.saturating_mul(u32::try_from(width).unwrap_or(8)));
                score = score.min(rare.saturating_sub(crowding(used(tier, run))));
                spellings = spellings.saturating_add(1);
            });
            if !sound {
                continue;
            }
            // Every spelling is another chance to be found where there is no match.
            score = score.saturating_sub(spellings.saturating_sub(1).max(1).ilog2().saturating_mul(8));
            // A longer run costs less to look for, even where it is no rarer.
            score = score.saturating_add(match tier {
                Tier::Short => 0,
                Tier::Triple => 8,
                Tier::Medium => 16,
                Tier::Long => 32,
            });
            if known.is_none_or(|known| score > known) {
                found = Some((score, tier, at));
            }
        }
    }
    if let Some((score, tier, at)) = found {
        let mut runs = Vec::new();
        let window = stretch.cells.get(at..)?.get(..tier.width())?;
        spell(window, &mut |run| runs.push(*run));
        best = Some(Choice {
            tier,
            runs,
            at,
            cells: stretch.cells.clone(),
            place,
            from_start: stretch.from_start,
            part,
            score,
        });
    }
    best
}

/// The group around the part with the anchor, unless the surroundings of `compared` bytes say it all.
/// `place` is where in the part the run stands, when that is fixed.
fn group(pattern: &Pattern, part: usize, place: Option<(usize, usize)>, compared: usize) -> Option<Group> {
    let limited = |index: usize| pattern.parts.get(index).is_some_and(|part| part.gap.max.is_some());
    let mut first = part;
    while first > 0 && limited(first) {
        first = first.saturating_sub(1);
    }
    let mut last = part;
    while limited(last.saturating_add(1)) {
        last = last.saturating_add(1);
    }
    let own = pattern.parts.get(part)?;
    let whole = first == last && elements_length(&own.elements).is_some_and(|length| length <= compared);
    let plain =
        own.elements.iter().all(|element| matches!(element, Element::Bytes(_) | Element::Masked { .. }));
    if whole && plain {
        return None;
    }
    let (from_start, at) = place?;
    let (mut least, mut most) = (from_start.checked_add(at)?, from_start.checked_add(at)?);
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
    Some(Group { pattern, least, most })
}

/// What it costs, in eighths of a bit, that others have the same run: all of them are compared
/// wherever it occurs.
fn crowding(others: u32) -> u32 {
    match others {
        0 => 0,
        some => 8_u32.saturating_mul(some.ilog2().saturating_add(1)),
    }
}

/// The cells around a window, no more than are worth comparing.
fn surroundings(cells: &[Cell], at: usize, width: usize) -> (Vec<(u8, u8)>, usize, usize) {
    let room = MAX_PROBE.saturating_sub(width) / 2;
    let start = at.saturating_sub(room);
    let end = at.saturating_add(width).saturating_add(room).min(cells.len());
    let probe: Vec<(u8, u8)> =
        cells.iter().take(end).skip(start).map(|cell| (cell.value, cell.mask)).collect();
    (probe, at.saturating_sub(start), start)
}

/// Calls `take` with every run that `window` can be spelled in; false when there are none or too
/// many.
fn spell(window: &[Cell], take: &mut dyn FnMut(&[u8; WINDOW])) -> bool {
    let mut count = 1_usize;
    let mut run = [0; WINDOW];
    for (cell, place) in window.iter().zip(&mut run) {
        let Some(first) = cell.folded.first() else { return false };
        *place = *first;
        count = count.saturating_mul(cell.folded.len());
        if count > MAX_VARIANTS {
            return false;
        }
    }
    if count == 1 {
        take(&run);
        return true;
    }
    // Counts through the choices as through digits.
    let mut chosen = [0_usize; WINDOW];
    loop {
        take(&run);
        let mut carried = true;
        for ((cell, place), digit) in window.iter().zip(&mut run).zip(&mut chosen) {
            *digit = digit.saturating_add(1);
            if *digit >= cell.folded.len() {
                *digit = 0;
            } else {
                carried = false;
            }
            *place = cell.folded.get(*digit).copied().unwrap_or(0);
            if !carried {
                break;
            }
        }
        if carried {
            return true;
        }
    }
}

/// Splits a part into stretches of bytes at fixed distances.
fn stretches(elements: &[Element], ignore_case: bool) -> Vec<Stretch> {
    let mut all = Vec::new();
    let mut cells = Vec::new();
    let mut from_start = Some(0_usize);
    for element in elements {
        match element {
            Element::Boundary(_) => {}
            Element::Bytes(bytes) => cells.extend(bytes.iter().map(|byte| Cell::exact(*byte, ignore_case))),
            Element::Masked { value, mask } => {
                cells.push(Cell::masked(*value, if ignore_case { mask & 0xdf } else { *mask }))
            }
            Element::Alternatives(choice) => match fixed_length(choice) {
                Some(length) => cells.extend(choice_cells(choice, length, ignore_case)),
                None => {
                    all.push(Stretch { cells: std::mem::take(&mut cells), from_start });
                    from_start = None;
                }
            },
        }
    }
    all.push(Stretch { cells, from_start });
    all
}

/// The length that every branch of `choice` takes, if it is the same.
pub(crate) fn fixed_length(choice: &Alternatives) -> Option<usize> {
    let mut lengths = choice.branches.iter().map(|branch| elements_length(branch));
    let first = lengths.next()??;
    lengths.all(|length| length == Some(first)).then_some(first)
}

/// The length that `elements` take, if it is fixed.
pub(crate) fn elements_length(elements: &[Element]) -> Option<usize> {
    elements.iter().try_fold(0_usize, |sum, element| {
        sum.checked_add(match element {
            Element::Boundary(_) => 0,
            Element::Bytes(bytes) => bytes.len(),
            Element::Masked { .. } => 1,
            Element::Alternatives(choice) => fixed_length(choice)?,
        })
    })
}

/// The cells that a choice of fixed length takes. What is not a choice of literal bytes, or must
/// not match, can be anything as far as the index is concerned.
fn choice_cells(choice: &Alternatives, length: usize, ignore_case: bool) -> Vec<Cell> {
    let literal: Option<Vec<Vec<u8>>> = choice.branches.iter().map(|branch| literal_bytes(branch)).collect();
    match literal {
        Some(branches) if !choice.negated && !branches.is_empty() => (0..length)
            .map(|index| {
                let here: Vec<u8> = branches.iter().filter_map(|branch| branch.get(index).copied()).collect();
                Cell::choice(&here, ignore_case)
            })
            .collect(),
        _ => vec![Cell::ANY; length],
    }
}

/// Bytes that `elements` take at least.
pub(crate) fn shortest(elements: &[Element]) -> usize {
    elements.iter().fold(0, |sum, element| {
        sum.saturating_add(match element {
            Element::Boundary(_) => 0,
            Element::Bytes(bytes) => bytes.len(),
            Element::Masked { .. } => 1,
            Element::Alternatives(choice) => {
                choice.branches.iter().map(|branch| shortest(branch)).min().unwrap_or(0)
            }
        })
    })
}

/// Bytes that `elements` take at most.
fn longest(elements: &[Element]) -> Option<usize> {
    elements.iter().try_fold(0_usize, |sum, element| {
        sum.checked_add(match element {
            Element::Boundary(_) => 0,
            Element::Bytes(bytes) => bytes.len(),
            Element::Masked { .. } => 1,
            Element::Alternatives(choice) => choice
                .branches
                .iter()
                .map(|branch| longest(branch))
                .try_fold(0, |most, length| length.map(|length| length.max(most)))?,
        })
    })
}

fn literal_bytes(branch: &[Element]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for element in branch {
        match element {
            Element::Bytes(bytes) => all.extend_from_slice(bytes),
            _ => return None,
        }
    }
    Some(all)
}
