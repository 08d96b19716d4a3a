//! Body signatures: `db`, `ndb`, `ndu`, `sdb`.

use candor_database::ir::{Body, Offset, Signature};
use candor_model::Target;

use super::level;
use super::offset::{self, Place};
use super::pattern::{self, Modifiers};
use super::text::{Fault, Text};
use super::{Line, Parsed};

/// Patterns for any file that are nothing but fixed bytes have at least this many.
const SHORTEST_PLAIN: usize = 3;

/// `Name=Pattern`
pub(crate) fn parse_old(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let (name, text) = line.text.split_once(b'=').ok_or_else(|| line.text.fault("'=' is missing"))?;
    let pattern = pattern::parse(text, Offset::ANY, Modifiers::default())?;
    check_length(text, Target::Any, &pattern)?;
    let body = Body { target: Target::Any, pattern, macro_group: None, raw: false };
    Ok(Parsed::Signature { name, signature: Signature::Body(body) })
}

/// `Name:Target:Offset:Pattern[:MinFL[:MaxFL]]`
pub(crate) fn parse(line: Line<'_>, raw: bool) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let name = fields.field(text, "the name")?;
    let target = fields.field(text, "the target")?;
    let offset = fields.field(text, "the offset")?;
    let hex = fields.field(text, "the pattern")?;
    let levels = level::parse(&mut fields)?;
    if !levels.contains(line.level) {
        return Ok(Parsed::OtherLevel);
    }
    let target = match parse_target(target)? {
        Ok(target) => target,
        Err(unused) => return Ok(unused),
    };
    let (offset, macro_group) = match offset::parse_place(offset, target)? {
        Place::At(offset) => (offset, None),
        Place::MemberOf(group) => (Offset::ANY, Some(group)),
    };
    let pattern = pattern::parse(hex, offset, Modifiers::default())?;
    check_length(hex, target, &pattern)?;
    Ok(Parsed::Signature { name, signature: Signature::Body(Body { target, pattern, macro_group, raw }) })
}

/// The class with the number in `text`; a number that no class has is not an error but nothing
/// that could be used.
fn parse_target<'a>(text: Text<'a>) -> Result<Result<Target, Parsed<'a>>, Fault> {
    if text.bytes() == b"*" || text.is_empty() {
        return Ok(Ok(Target::Any));
    }
    let number = text.small_number("the target")?;
    Ok(Target::from_number(number)
        .ok_or_else(|| Parsed::unused(text, format!("no files have target {number}"))))
}

fn check_length(text: Text<'_>, target: Target, pattern: &candor_database::ir::Pattern) -> Result<(), Fault> {
    match pattern::plain_length(pattern) {
        Some(length) if target == Target::Any && length < SHORTEST_PLAIN => {
            Err(text.fault(format!("a pattern for any file needs {SHORTEST_PLAIN} bytes")))
        }
        _ => Ok(()),
    }
}
