//! Macro sub-signatures: `${min-max}n$`, a member of macro group `n` near the sub-signature before.
//!
//! The distance counts from the start of the match before to the start of the member; in the
//! representation a gap counts from its end, so the sub-signature before must have one length.

use candor_database::ir::{Gap, Part, SubSignature};

use super::Read;
use crate::clamav::offset::macro_group;
use crate::clamav::pattern::fixed_length;
use crate::clamav::text::{Fault, Text};

/// Reads one. It is a copy of the patterns before, each followed by a reference to the group.
pub(super) fn parse(text: Text<'_>, earlier: &[SubSignature]) -> Result<Read, Fault> {
    let form = || text.fault("a macro is written ${min-max}group$");
    let inner = text.strip_prefix(b"${").and_then(|inner| inner.strip_suffix(b"$")).ok_or_else(form)?;
    let (range, group) = inner.split_once(b'}').ok_or_else(form)?;
    let (min, max) = range.split_once(b'-').ok_or_else(form)?;
    let (min, max) = (min.number("the distance")?, max.number("the distance")?);
    let group = macro_group(group)?;
    let Some(SubSignature::Content { patterns, .. }) = earlier.last() else {
        return Ok(Read::unused(text, "a macro without a pattern right before it never matches"));
    };
    let mut referring = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        let [part] = pattern.parts.as_slice() else {
            return Ok(Read::unused(text, "a macro behind a pattern with gaps never matches"));
        };
        let Some(length) = fixed_length(&part.elements) else {
            return Ok(Read::unused(text, "a macro behind a pattern of varying length"));
        };
        let Some(max) = max.checked_sub(length).filter(|_| min <= max) else {
            return Ok(Read::unused(text, "a macro that would start inside of the pattern before it"));
        };
        let mut pattern = pattern.clone();
        let gap = Gap { min: min.saturating_sub(length), max: Some(max) };
        pattern.parts.push(Part { gap, elements: Vec::new(), macro_group: Some(group) });
        referring.push(pattern);
    }
    Ok(Read::SubSignature(SubSignature::Content { patterns: referring, macro_group: None }))
}
