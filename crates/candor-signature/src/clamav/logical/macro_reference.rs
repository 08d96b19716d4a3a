//! Macro sub-signatures: `${min-max}n$`, a member of macro group `n` near the sub-signature before.
//!
//! The distance counts from the start of a match of the sub-signature before, so it is a pattern of
//! one part that is nothing but the reference.

use candor_database::ir::{Gap, Offset, Part, Pattern, SubSignature};

use super::Read;
use crate::clamav::offset::macro_group;
use crate::clamav::text::{Fault, Text};

/// Reads one.
pub(super) fn parse(text: Text<'_>, earlier: &[SubSignature]) -> Result<Read, Fault> {
    let form = || text.fault("a macro is written ${min-max}group$");
    let inner = text.strip_prefix(b"${").and_then(|inner| inner.strip_suffix(b"$")).ok_or_else(form)?;
    let (range, group) = inner.split_once(b'}').ok_or_else(form)?;
    let (min, max) = range.split_once(b'-').ok_or_else(form)?;
    let gap = Gap { min: min.number("the distance")?, max: Some(max.number("the distance")?) };
    let group = macro_group(group)?;
    if !matches!(earlier.last(), Some(SubSignature::Content { .. })) {
        return Ok(Read::unused(text, "a macro without a pattern right before it never matches"));
    }
    let parts = vec![Part { gap, elements: Vec::new(), macro_group: Some(group) }];
    let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts };
    Ok(Read::SubSignature(SubSignature::Content { patterns: vec![pattern], macro_group: None }))
}
