//! Functionality levels: for which engines a line is meant.

use candor_database::ir::Levels;

use super::text::{Fault, Split, Text};

/// Reads the optional fields `MinFL[:MaxFL]` at the end of a line, and makes sure nothing follows.
///
/// An empty lowest level is no level, an empty highest one is 0: as in ClamAV, which then never
/// takes the line.
pub(crate) fn parse(fields: &mut Split<'_>) -> Result<Levels, Fault> {
    let min = match fields.next() {
        None => return Ok(Levels::ANY),
        Some(min) => bound(min, "the lowest functionality level")?,
    };
    let max = match fields.next() {
        None => u32::MAX,
        Some(max) => bound(max, "the highest functionality level")?,
    };
    match fields.next() {
        None => Ok(Levels { min, max }),
        Some(extra) => Err(extra.fault("more fields than there should be")),
    }
}

fn bound(text: Text<'_>, what: &str) -> Result<u32, Fault> {
    if text.is_empty() { Ok(0) } else { text.small_number(what) }
}
