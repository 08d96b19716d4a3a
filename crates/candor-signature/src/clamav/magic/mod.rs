//! File types by their content: `ftm`.
//!
//! `Kind:Offset:Magic:Name:RequiredType:DetectedType[:MinFL[:MaxFL]]`

#[cfg(test)]
mod tests;

use candor_database::ir::{FileMagic, MagicKind, Signature};
use candor_model::{FileType, Target};

use crate::clamav::hex;
use crate::clamav::level;
use crate::clamav::logical::target::parse_type;
use crate::clamav::offset;
use crate::clamav::pattern::{self, Modifiers};
use crate::clamav::text::{Fault, Text};
use crate::clamav::{Line, Parsed};

/// Reads one line.
pub(crate) fn parse(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let kind = fields.field(text, "the kind")?;
    let place = fields.field(text, "the offset")?;
    let magic = fields.field(text, "the magic")?;
    let name = fields.field(text, "the name")?;
    let required = fields.field(text, "the required type")?;
    let detected = fields.field(text, "the detected type")?;
    if !level::parse(&mut fields)?.contains(line.level) {
        return Ok(Parsed::OtherLevel);
    }
    let required = known_type(required)?;
    let detected = known_type(detected)?;
    let kind = match kind.number("the kind")? {
        number @ (0 | 4) => MagicKind::At {
            offset: place.number("the offset")?,
            bytes: hex::decode(magic)?,
            partition: number == 4,
        },
        1 => {
            let place = offset::parse(place, Target::Any)?;
            MagicKind::Pattern {
                pattern: pattern::parse(magic, place, Modifiers::default())?,
                target: Target::Any,
            }
        }
        number => return Ok(Parsed::unused(kind, format!("there is no kind {number} of file-type rules"))),
    };
    Ok(Parsed::Signature { name, signature: Signature::Magic(FileMagic { kind, required, detected }) })
}

fn known_type(text: Text<'_>) -> Result<FileType, Fault> {
    parse_type(text).ok_or_else(|| text.fault(format!("unknown file type {}", text.quoted())))
}
