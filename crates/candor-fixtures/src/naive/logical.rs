//! Logical signatures: conditions over hits of sub-signatures.

use std::collections::BTreeSet;

use candor_database::Subject;
use candor_database::ir::{Comparison, Expression, Logical, Part, SubSignature, TargetDescription};
use candor_model::FileType;

use super::{MacroGroups, applies, byte_compare, icons, pattern, regex};

/// Whether `logical` holds for `subject`. Functionality levels are the loader's business.
#[must_use]
pub fn logical_matches(logical: &Logical, groups: &MacroGroups<'_>, subject: &Subject<'_>) -> bool {
    is_for(&logical.target, subject)
        && icons::hold(&logical.target, groups.icons(), &subject.facts.icons)
        && evaluate(&logical.expression, &logical_hits(logical, groups, subject)).holds
}

/// How many hits each sub-signature has in `subject`, whatever the layer is.
#[must_use]
pub fn logical_hits(logical: &Logical, groups: &MacroGroups<'_>, subject: &Subject<'_>) -> Vec<u32> {
    let mut content: Vec<Vec<pattern::Hit>> = Vec::new();
    for sub in &logical.subsignatures {
        let hits = match sub {
            // Members of a macro group have no hits of their own.
            SubSignature::Content { patterns, macro_group: None } => {
                let before = content.last().map_or(&[][..], Vec::as_slice);
                let mut hits: Vec<pattern::Hit> = patterns
                    .iter()
                    .flat_map(|pattern| match pattern.parts.as_slice() {
                        [Part { gap, macro_group: Some(group), .. }] => {
                            pattern::macro_hits(before, *gap, *group, groups, subject)
                        }
                        _ => pattern::hits(pattern, groups, subject),
                    })
                    .collect();
                hits.sort_by_key(|hit| (hit.end, hit.start));
                hits
            }
            _ => Vec::new(),
        };
        content.push(hits);
    }
    let mut counts: Vec<u32> =
        content.iter().map(|hits| u32::try_from(hits.len()).unwrap_or(u32::MAX)).collect();
    for (count, sub) in counts.iter_mut().zip(&logical.subsignatures) {
        let holds = match sub {
            SubSignature::ByteCompare(compare) => usize::try_from(compare.sub)
                .ok()
                .and_then(|sub| content.get(sub))
                .and_then(|hits| hits.last())
                .is_some_and(|hit| byte_compare::holds(compare, subject.bytes, hit.start)),
            SubSignature::FuzzyImage(hash) => subject.facts.image_hash == Some(*hash),
            SubSignature::Content { .. } | SubSignature::Regex(_) => continue,
        };
        *count = u32::from(holds);
    }
    // Regular expressions come last, in order: a trigger sees the hits of those before.
    for (index, sub) in logical.subsignatures.iter().enumerate() {
        let SubSignature::Regex(expression) = sub else { continue };
        if evaluate(&expression.trigger, &counts).holds {
            let hits = regex::count(expression, subject);
            if let Some(count) = counts.get_mut(index) {
                *count = hits;
            }
        }
    }
    counts
}

/// Whether the layer itself is one that the signature is for, icons aside.
fn is_for(description: &TargetDescription, subject: &Subject<'_>) -> bool {
    let executable = subject.facts.executable.as_ref();
    let entry_point = executable.and_then(|executable| executable.entry_point);
    let sections = executable.and_then(|executable| u64::try_from(executable.sections.len()).ok());
    applies(description.target, subject)
        && description.file_size.is_none_or(|range| range.contains(subject.file_size))
        && description.entry_point.is_none_or(|range| entry_point.is_some_and(|entry| range.contains(entry)))
        && description.sections.is_none_or(|range| sections.is_some_and(|sections| range.contains(sections)))
        && description.container.is_none_or(|container| match subject.parents.last() {
            Some(parent) => container == *parent,
            None => container == FileType::Any,
        })
        && is_inside(&description.intermediates, subject.parents)
}

/// Whether the layers around are of these types: each takes one layer, from the inside, and any type takes none.
/// There are at least as many layers as types.
fn is_inside(types: &[FileType], parents: &[FileType]) -> bool {
    let mut around = parents.to_vec();
    types.len() <= parents.len()
        && types.iter().rev().all(|kind| *kind == FileType::Any || around.pop() == Some(*kind))
}

/// What is known about a condition.
struct Outcome<'a> {
    holds: bool,
    /// Hits that an enclosing count adds up: those of the sides that hold.
    hits: u64,
    /// Different sub-signatures that an enclosing count sees.
    distinct: BTreeSet<&'a u32>,
}

impl Outcome<'_> {
    const fn fails() -> Self {
        Self { holds: false, hits: 0, distinct: BTreeSet::new() }
    }
}

fn evaluate<'a>(expression: &'a Expression, counts: &[u32]) -> Outcome<'a> {
    let hits_of =
        |sub: u32| u64::from(usize::try_from(sub).ok().and_then(|sub| counts.get(sub)).copied().unwrap_or(0));
    match expression {
        Expression::Sub(sub) => match hits_of(*sub) {
            0 => Outcome::fails(),
            hits => Outcome { holds: true, hits, distinct: BTreeSet::from([sub]) },
        },
        Expression::And(left, right) => {
            let (left, right) = (evaluate(left, counts), evaluate(right, counts));
            if left.holds && right.holds { both(left, right) } else { Outcome::fails() }
        }
        Expression::Or(left, right) => {
            let (left, right) = (evaluate(left, counts), evaluate(right, counts));
            match (left.holds, right.holds) {
                (true, true) => both(left, right),
                (true, false) => left,
                (false, true) => right,
                (false, false) => Outcome::fails(),
            }
        }
        // Of a single sub-signature, `,Y` is not looked at; and it counts as one for an outer `,Y`
        // even when it holds by having no hit.
        Expression::Count { of, comparison, hits: wanted, distinct: least } => {
            let (hits, seen, distinct) = match &**of {
                Expression::Sub(sub) => (hits_of(*sub), usize::MAX, BTreeSet::from([sub])),
                block => {
                    let outcome = evaluate(block, counts);
                    (outcome.hits, outcome.distinct.len(), BTreeSet::new())
                }
            };
            let wanted = u64::from(*wanted);
            let holds = match comparison {
                Comparison::Equal => hits == wanted,
                Comparison::Greater => hits > wanted,
                Comparison::Less => hits < wanted,
            };
            if holds && usize::try_from(*least).is_ok_and(|least| seen >= least) {
                Outcome { holds, hits, distinct }
            } else {
                Outcome::fails()
            }
        }
    }
}

fn both<'a>(left: Outcome<'a>, right: Outcome<'a>) -> Outcome<'a> {
    Outcome {
        holds: true,
        hits: left.hits.saturating_add(right.hits),
        distinct: left.distinct.into_iter().chain(right.distinct).collect(),
    }
}
