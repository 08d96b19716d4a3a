//! Choosing what a pattern is found by.
//!
//! An anchor is a short run of bytes that must stand in every match of the pattern, at a known
//! distance from bytes around it that must match too. The index finds the run; the surroundings are
//! compared at once and turn down nearly everything that is not a match. Choosing the rarest run is
//! what makes the search fast, so it is done with care here, once, when an image is built.

use crate::content::frequency::{WINDOW, fold, surprise};
use crate::ir::{Alternatives, Element, OffsetBase, Pattern};

/// Runs that an anchor may be spelled in at most, when it covers choices.
const MAX_VARIANTS: usize = 16;
/// Bytes of surroundings that are kept at most.
const MAX_PROBE: usize = 48;

/// Which tier of the index an anchor belongs to, by the length of its run in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Two bytes.
    Short,
    /// Four bytes.
    Medium,
    /// Eight bytes.
    Long,
}

impl Tier {
    pub(crate) const ALL: [Self; 3] = [Self::Short, Self::Medium, Self::Long];

    /// Length of the run in bytes.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::Short => 2,
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
    /// How rare the run is, in eighths of a bit, with what comparing costs taken off.
    pub(crate) score: u32,
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
    let mut best: Option<Anchor> = None;
    for (index, part) in pattern.parts.iter().enumerate() {
        for stretch in stretches(&part.elements, pattern.ignore_case) {
            let place = match (index, pattern.offset.base, stretch.from_start) {
                (0, OffsetBase::Start(start), Some(distance)) => {
                    let first = start.saturating_add(distance as u64);
                    Some((first, first.saturating_add(pattern.offset.shift)))
                }
                _ => None,
            };
            consider(&stretch.cells, place, used, &mut best);
        }
    }
    best
}

fn consider(
    cells: &[Cell],
    place: Option<(u64, u64)>,
    used: &dyn Fn(Tier, &[u8; WINDOW]) -> u32,
    best: &mut Option<Anchor>,
) {
    for tier in Tier::ALL {
        for (at, window) in cells.windows(tier.width()).enumerate() {
            let Some(runs) = spell(window) else { continue };
            let mut score = u32::MAX;
            for run in &runs {
                let Some(spelled) = run.get(..tier.width()) else { continue };
                score = score.min(surprise(spelled).saturating_sub(crowding(used(tier, run))));
            }
            // Every spelling is another chance to be found where there is no match.
            score = score.saturating_sub(runs.len().ilog2().saturating_mul(8));
            // A longer run costs less to look for, even where it is no rarer.
            score = score.saturating_add(match tier {
                Tier::Short => 0,
                Tier::Medium => 16,
                Tier::Long => 32,
            });
            if best.as_ref().is_some_and(|known| known.score >= score) {
                continue;
            }
            let (probe, run_at, skipped) = surroundings(cells, at, tier.width());
            let place = place.map(|(first, last)| {
                (first.saturating_add(skipped as u64), last.saturating_add(skipped as u64))
            });
            *best = Some(Anchor { tier, runs, probe, run_at, place, score });
        }
    }
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

/// Every run that `window` can be spelled in, or `None` when there are too many.
fn spell(window: &[Cell]) -> Option<Vec<[u8; WINDOW]>> {
    let mut count = 1_usize;
    for cell in window {
        if cell.folded.is_empty() {
            return None;
        }
        count = count.checked_mul(cell.folded.len())?;
        if count > MAX_VARIANTS {
            return None;
        }
    }
    let mut runs = vec![[0; WINDOW]];
    for (index, cell) in window.iter().enumerate() {
        runs = runs
            .iter()
            .flat_map(|run| {
                cell.folded.iter().map(move |byte| {
                    let mut longer = *run;
                    if let Some(place) = longer.get_mut(index) {
                        *place = *byte;
                    }
                    longer
                })
            })
            .collect();
    }
    Some(runs)
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
