//! Byte patterns: which runs of bytes they match.

use std::collections::{BTreeMap, BTreeSet};

use candor_database::Subject;
use candor_database::ir::{Alternatives, Boundary, BoundaryKind, Element, Gap, Part, Pattern};
use candor_model::Match;

use super::{MacroGroups, offset};

/// One hit of a pattern. There is one for each place at which its last part ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Where the first part starts: the earliest such place that leads to this end.
    pub(super) start: usize,
    /// Just behind the last part.
    pub(super) end: usize,
}

impl Hit {
    pub(super) fn to_match(self, subsignature: Option<u32>) -> Match {
        Match {
            offset: u64::try_from(self.start).unwrap_or(u64::MAX),
            length: u64::try_from(self.end.saturating_sub(self.start)).unwrap_or(u64::MAX),
            subsignature,
        }
    }
}

/// Every hit of `pattern`, in the order of their ends.
///
/// Where the last part can end in several places from one start (alternatives of different
/// lengths), only the nearest end makes a hit.
pub(super) fn hits(pattern: &Pattern, groups: &MacroGroups<'_>, subject: &Subject<'_>) -> Vec<Hit> {
    chains(pattern, groups, subject, true).into_iter().map(|(end, start)| Hit { start, end }).collect()
}

/// Hits of a sub-signature that is nothing but a reference to a macro group: the members that start
/// `gap` behind the start of a hit of the sub-signature `before` it.
pub(super) fn macro_hits(
    before: &[Hit],
    gap: Gap,
    group: u8,
    groups: &MacroGroups<'_>,
    subject: &Subject<'_>,
) -> Vec<Hit> {
    groups
        .members(group, subject)
        .into_iter()
        .flat_map(|member| hits(member, &MacroGroups::default(), subject))
        .filter(|hit| before.iter().any(|before| gap_fits(gap, before.start, hit.start)))
        .collect()
}

/// Maps each place where the whole pattern can end to the earliest place where it can start.
fn chains(
    pattern: &Pattern,
    groups: &MacroGroups<'_>,
    subject: &Subject<'_>,
    nearest: bool,
) -> BTreeMap<usize, usize> {
    let ranges = offset::allowed(pattern.offset, subject);
    let mut reached: Option<BTreeMap<usize, usize>> = None;
    for (index, part) in pattern.parts.iter().enumerate() {
        let is_last = index.saturating_add(1) == pattern.parts.len();
        let mut next: BTreeMap<usize, usize> = BTreeMap::new();
        for (start, ends) in occurrences(part, pattern.ignore_case, groups, subject) {
            let origin = match &reached {
                None => offset::contains(&ranges, start).then_some(start),
                Some(before) => before
                    .iter()
                    .filter(|(end, _)| gap_fits(part.gap, **end, start))
                    .map(|(_, origin)| *origin)
                    .min(),
            };
            let Some(origin) = origin else { continue };
            let wanted = if is_last && nearest { 1 } else { usize::MAX };
            for end in ends.into_iter().take(wanted) {
                next.entry(end).and_modify(|known| *known = (*known).min(origin)).or_insert(origin);
            }
        }
        reached = Some(next);
    }
    reached.unwrap_or_default()
}

fn gap_fits(gap: Gap, end: usize, start: usize) -> bool {
    let Some(distance) = start.checked_sub(end).and_then(|distance| u64::try_from(distance).ok()) else {
        return false;
    };
    distance >= gap.min && gap.max.is_none_or(|max| distance <= max)
}

/// Every place where `part` can start, with all places where it can then end.
fn occurrences(
    part: &Part,
    ignore_case: bool,
    groups: &MacroGroups<'_>,
    subject: &Subject<'_>,
) -> BTreeMap<usize, BTreeSet<usize>> {
    if let Some(group) = part.macro_group {
        let mut found: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for member in groups.members(group, subject) {
            // Members of members are not looked for: a group cannot lead back to itself.
            for (end, start) in chains(member, &MacroGroups::default(), subject, false) {
                found.entry(start).or_default().insert(end);
            }
        }
        return found;
    }
    (0..=subject.bytes.len())
        .map(|start| (start, ends(&part.elements, subject.bytes, start, ignore_case)))
        .filter(|(_, ends)| !ends.is_empty())
        .collect()
}

/// Where `elements` can end when they start at `start`.
fn ends(elements: &[Element], bytes: &[u8], start: usize, ignore_case: bool) -> BTreeSet<usize> {
    let mut positions = BTreeSet::from([start]);
    for (index, element) in elements.iter().enumerate() {
        let is_first = index == 0;
        positions = positions
            .into_iter()
            .flat_map(|at| element_ends(element, bytes, at, ignore_case, is_first))
            .collect();
        if positions.is_empty() {
            break;
        }
    }
    positions
}

fn element_ends(
    element: &Element,
    bytes: &[u8],
    at: usize,
    ignore_case: bool,
    is_first: bool,
) -> BTreeSet<usize> {
    let rest = bytes.get(at..).unwrap_or(&[]);
    let one = |fits: bool, length: usize| -> BTreeSet<usize> {
        if fits { BTreeSet::from([at.saturating_add(length)]) } else { BTreeSet::new() }
    };
    match element {
        Element::Bytes(wanted) => {
            let fits = rest.len() >= wanted.len()
                && wanted.iter().zip(rest).all(|(wanted, byte)| {
                    wanted == byte || (ignore_case && wanted.eq_ignore_ascii_case(byte))
                });
            one(fits, wanted.len())
        }
        // A nibble is compared as it is written, also where letters match in either case.
        Element::Masked { value, mask } => {
            one(rest.first().is_some_and(|byte| byte & mask == value & mask), 1)
        }
        Element::Alternatives(choice) => alternatives_ends(choice, bytes, at, ignore_case),
        Element::Boundary(boundary) => one(boundary_holds(*boundary, bytes, at, is_first), 0),
    }
}

fn alternatives_ends(choice: &Alternatives, bytes: &[u8], at: usize, ignore_case: bool) -> BTreeSet<usize> {
    let matched: BTreeSet<usize> =
        choice.branches.iter().flat_map(|branch| ends(branch, bytes, at, ignore_case)).collect();
    if !choice.negated {
        return matched;
    }
    // What a negated choice takes must be there: nothing is none of the branches.
    let length = choice.branches.first().map_or(0, |branch| shortest(branch));
    let end = at.saturating_add(length);
    if matched.is_empty() && end <= bytes.len() { BTreeSet::from([end]) } else { BTreeSet::new() }
}

/// The fewest bytes that `elements` can take.
fn shortest(elements: &[Element]) -> usize {
    elements
        .iter()
        .map(|element| match element {
            Element::Alternatives(choice) => {
                choice.branches.iter().map(|branch| shortest(branch)).min().unwrap_or(0)
            }
            Element::Boundary(_) => 0,
            Element::Bytes(bytes) => bytes.len(),
            Element::Masked { .. } => 1,
        })
        .fold(0, usize::saturating_add)
}

/// Whether the condition holds at `at`: about the bytes before it when `before`, else about those
/// behind.
fn boundary_holds(boundary: Boundary, bytes: &[u8], at: usize, before: bool) -> bool {
    let (left, right) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let holds = if before {
        match boundary.kind {
            // Negated, it asks for a byte that delimits on neither side.
            BoundaryKind::Delimiter if boundary.negated => {
                left.last().is_none_or(|byte| delimits_left(*byte) || delimits_right(*byte))
            }
            BoundaryKind::Delimiter => left.last().is_none_or(|byte| delimits_left(*byte)),
            BoundaryKind::Line => left.last().is_none_or(|byte| *byte == b'\n'),
            BoundaryKind::Word => left.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()),
            BoundaryKind::WideWord => {
                left.last_chunk().is_none_or(|[low, high]| !(low.is_ascii_alphanumeric() && *high == 0))
            }
        }
    } else {
        match boundary.kind {
            BoundaryKind::Delimiter => right.first().is_none_or(|byte| delimits_right(*byte)),
            BoundaryKind::Line => right.is_empty() || right.starts_with(b"\n") || right.starts_with(b"\r\n"),
            BoundaryKind::Word => right.first().is_none_or(|byte| !byte.is_ascii_alphanumeric()),
            BoundaryKind::WideWord => match right {
                [] => true,
                [low] => !low.is_ascii_alphanumeric(),
                [low, high, ..] => !(low.is_ascii_alphanumeric() && *high == 0),
            },
        }
    };
    holds != boundary.negated
}

/// Whether a markup token may start behind `byte`.
fn delimits_left(byte: u8) -> bool {
    b" -./<@_".contains(&byte)
}

/// Whether a markup token may end before `byte`.
fn delimits_right(byte: u8) -> bool {
    b"\n\r \"'-/=>_".contains(&byte)
}
