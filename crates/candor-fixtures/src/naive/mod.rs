//! The definition of what signatures mean, as plainly as it can be written.
//!
//! Everything else that searches is measured against this. It is quadratic and allocates freely,
//! but never exponential: alternatives are followed as sets of positions, gaps as tables of
//! occurrences, and only regular expressions need a step limit. The rules and the evidence for them
//! are in `docs/reference/semantics.md`.

mod byte_compare;
mod icons;
mod logical;
mod macros;
mod offset;
mod pattern;
mod regex;
mod rule;
mod translate;
mod types;

#[cfg(test)]
mod tests;

use candor_database::Subject;
use candor_database::ir::Body;
use candor_model::{Match, Target};

pub use logical::{logical_hits, logical_matches};
pub use macros::MacroGroups;
pub use regex::{RegexError, check as check_regex};
pub use rule::{rule_matches, string_matches};
pub use translate::translate;
pub use types::file_type;

/// Whether signatures for `target` are for this layer at all.
#[must_use]
pub fn applies(target: Target, subject: &Subject<'_>) -> bool {
    target == Target::Any || (target == subject.target && target != Target::Unused)
}

/// Every hit of a body signature in `subject`, in the order of their ends; empty when the signature
/// is not for such a layer, or only serves as a member of a macro group.
#[must_use]
pub fn body_matches(body: &Body, groups: &MacroGroups<'_>, subject: &Subject<'_>) -> Vec<Match> {
    if body.macro_group.is_some() || !applies(body.target, subject) {
        return Vec::new();
    }
    pattern::hits(&body.pattern, groups, subject).into_iter().map(|hit| hit.to_match(None)).collect()
}
