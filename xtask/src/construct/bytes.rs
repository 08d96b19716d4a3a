//! Bytes that match a pattern.

use candor_database::ir::{Alternatives, Boundary, BoundaryKind, Element, Pattern};

/// A run of bytes with what must stand around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// What a boundary at the start asks for; goes in front.
    pub(super) before: Vec<u8>,
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// What a boundary at the end asks for; goes behind.
    pub(super) behind: Vec<u8>,
    /// Places in `bytes` that are fixed by the pattern.
    pub(super) essential: Vec<usize>,
}

/// Bytes for `pattern`.
pub(super) fn run(pattern: &Pattern) -> Result<Run, &'static str> {
    let mut run = Run::default();
    for (index, part) in pattern.parts.iter().enumerate() {
        if part.macro_group.is_some() {
            return Err("refers to a macro group");
        }
        let mut one = Run::default();
        let last = part.elements.len().saturating_sub(1);
        for (place, element) in part.elements.iter().enumerate() {
            match element {
                Element::Boundary(boundary) if place == 0 => one.before = neighbour(*boundary),
                Element::Boundary(boundary) if place == last => one.behind = neighbour(*boundary),
                Element::Boundary(_) => return Err("has a boundary inside a part"),
                other => append(other, &mut one)?,
            }
        }
        if index == 0 {
            run = one;
            continue;
        }
        let mut between = std::mem::take(&mut run.behind);
        let wanted = usize::try_from(part.gap.min).map_err(|_| "has too wide a gap")?;
        if wanted > MAX_GAP {
            return Err("has too wide a gap");
        }
        let filler = wanted.saturating_sub(between.len() + one.before.len());
        between.extend(std::iter::repeat_n(0, filler));
        between.extend(&one.before);
        run.bytes.extend(between);
        let start = run.bytes.len();
        run.bytes.extend(one.bytes);
        run.essential.extend(one.essential.into_iter().map(|place| place + start));
        run.behind = one.behind;
    }
    Ok(run)
}

const MAX_GAP: usize = 1 << 20;

fn append(element: &Element, run: &mut Run) -> Result<(), &'static str> {
    match element {
        Element::Bytes(bytes) => {
            run.essential.extend(run.bytes.len()..run.bytes.len() + bytes.len());
            run.bytes.extend(bytes);
        }
        Element::Masked { value, mask } => run.bytes.push(value & mask),
        Element::Alternatives(choice) if choice.negated => run.bytes.extend(unlike(choice)?),
        Element::Alternatives(choice) => {
            let branch = choice.branches.first().ok_or("has an empty choice")?;
            for element in branch {
                // What is in a branch is not essential: another branch may do.
                let mut inner = Run::default();
                append(element, &mut inner)?;
                run.bytes.extend(inner.bytes);
            }
        }
        Element::Boundary(_) => return Err("has a boundary in a choice"),
    }
    Ok(())
}

/// Bytes that are none of the branches: the first branch with its first byte changed until it is new.
fn unlike(choice: &Alternatives) -> Result<Vec<u8>, &'static str> {
    let mut branches = Vec::new();
    for branch in &choice.branches {
        let mut run = Run::default();
        for element in branch {
            append(element, &mut run)?;
        }
        branches.push(run.bytes);
    }
    let mut bytes = branches.first().cloned().unwrap_or_default();
    for candidate in 0..=u8::MAX {
        if let Some(first) = bytes.first_mut() {
            *first = candidate;
        }
        if branches.iter().all(|branch| branch.first() != bytes.first()) {
            return Ok(bytes);
        }
    }
    Err("excludes every byte")
}

fn neighbour(boundary: Boundary) -> Vec<u8> {
    match (boundary.negated, boundary.kind) {
        (true, BoundaryKind::WideWord) => vec![b'a', 0],
        (true, _) => vec![b'a'],
        (false, BoundaryKind::Line) => vec![b'\n'],
        (false, BoundaryKind::WideWord) => vec![b' ', 0],
        (false, BoundaryKind::Delimiter | BoundaryKind::Word) => vec![b' '],
    }
}
