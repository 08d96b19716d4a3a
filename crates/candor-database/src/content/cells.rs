//! Patterns as the index sees them: runs of bytes at fixed distances, each byte a small set.

use super::frequency::{WINDOW, fold};
use crate::ir::{Alternatives, Element};

/// Runs that a window may be spelled in at most, when it covers choices.
const MAX_VARIANTS: usize = 16;

/// One byte of a part, as a small set.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// What may stand here, folded; empty for anything.
    folded: Vec<u8>,
    pub(crate) value: u8,
    pub(crate) mask: u8,
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

    /// The only byte that may stand here, folded.
    pub(crate) fn only(&self) -> Option<u8> {
        match self.folded.as_slice() {
            [byte] => Some(*byte),
            _ => None,
        }
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
pub(crate) struct Stretch {
    pub(crate) cells: Vec<Cell>,
    pub(crate) from_start: Option<usize>,
}

/// Calls `take` with every run that `window` can be spelled in; false when there are none or too
/// many.
pub(crate) fn spell(window: &[Cell], take: &mut dyn FnMut(&[u8; WINDOW])) -> bool {
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
pub(crate) fn stretches(elements: &[Element], ignore_case: bool) -> Vec<Stretch> {
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
pub(crate) fn longest(elements: &[Element]) -> Option<usize> {
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
