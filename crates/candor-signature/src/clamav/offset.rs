//! Where a pattern may start: `*`, `n`, `EOF-n`, `EP+n`, `EP-n`, `Sx+n`, `SL+n`, `SEx`, `VI`, each with
//! `,shift`; and `$n$`, which is no place but makes the pattern a member of a macro group.

use candor_database::ir::{Offset, OffsetBase};
use candor_model::Target;

use super::text::{Fault, Text};

/// Macro groups that can be told apart.
const MACRO_GROUPS: u32 = 32;

/// What the offset field of a signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where the pattern may start.
    At(Offset),
    /// Anywhere, as a member of this macro group.
    MemberOf(u8),
}

/// Reads the offset field of a body signature.
pub(crate) fn parse_place(text: Text<'_>, target: Target) -> Result<Place, Fault> {
    match text.strip_prefix(b"$") {
        Some(group) => macro_group(group.strip_suffix(b"$").unwrap_or(group)).map(Place::MemberOf),
        None => parse(text, target).map(Place::At),
    }
}

/// Reads the number of a macro group.
pub(crate) fn macro_group(text: Text<'_>) -> Result<u8, Fault> {
    let group = text.small_number("the macro group")?;
    u8::try_from(group)
        .ok()
        .filter(|_| group < MACRO_GROUPS)
        .ok_or_else(|| text.fault(format!("there are only {MACRO_GROUPS} macro groups")))
}

/// Reads an offset.
pub(crate) fn parse(text: Text<'_>, target: Target) -> Result<Offset, Fault> {
    if text.bytes() == b"*" || text.is_empty() {
        return Ok(Offset::ANY);
    }
    let (place, shift) = match text.split_once(b',') {
        // ClamAV takes `5,` for `5`.
        Some((place, shift)) if shift.is_empty() => (place, 0),
        Some((place, shift)) => (place, shift.number("the shift")?),
        None => (text, 0),
    };
    let base = base(place)?;
    let needs_executable = !matches!(base, OffsetBase::Any | OffsetBase::Start(_) | OffsetBase::End(_));
    if needs_executable && !target.is_executable() {
        return Err(place.fault(format!(
            "{} needs an executable target (1, 6 or 9), not {}",
            place.quoted(),
            target.number()
        )));
    }
    Ok(Offset { base, shift })
}

fn base(place: Text<'_>) -> Result<OffsetBase, Fault> {
    const DISTANCE: &str = "the distance";
    let bytes = place.bytes();
    if let Some(distance) = place.strip_prefix(b"EOF-") {
        return Ok(OffsetBase::End(distance.number(DISTANCE)?));
    }
    if let Some(distance) = place.strip_prefix(b"EP+") {
        return signed(distance, false).map(OffsetBase::EntryPoint);
    }
    if let Some(distance) = place.strip_prefix(b"EP-") {
        return signed(distance, true).map(OffsetBase::EntryPoint);
    }
    if bytes == b"VI" {
        return Ok(OffsetBase::VersionInfo);
    }
    if let Some(index) = place.strip_prefix(b"SE") {
        // ClamAV takes `SE` for `SE0`.
        let index = if index.is_empty() { 0 } else { index.small_number("the section")? };
        return Ok(OffsetBase::WithinSection(index));
    }
    if let Some(rest) = place.strip_prefix(b"S") {
        let (section, distance) =
            rest.split_once(b'+').ok_or_else(|| rest.fault("'+' and a distance are missing"))?;
        let distance = distance.number(DISTANCE)?;
        if section.bytes() == b"L" {
            return Ok(OffsetBase::LastSection(distance));
        }
        return Ok(OffsetBase::Section { index: section.small_number("the section")?, distance });
    }
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        return Ok(OffsetBase::Start(place.number("the offset")?));
    }
    Err(place.fault(format!("not an offset: {}", place.quoted())))
}

fn signed(distance: Text<'_>, back: bool) -> Result<i64, Fault> {
    let value = i64::try_from(distance.number("the distance")?)
        .map_err(|_| distance.fault("the distance is too large"))?;
    Ok(if back { value.saturating_neg() } else { value })
}
