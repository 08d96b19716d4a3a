//! Regular-expression sub-signatures: `[offset:]trigger/expression/flags`.

use candor_database::ir::{Offset, Regex, RegexFlags};
use candor_model::Target;

use super::expression;
use crate::clamav::offset;
use crate::clamav::text::{Fault, Text};

/// Reads one, the sub-signature with the number `own`.
pub(super) fn parse(text: Text<'_>, target: Target, own: usize) -> Result<Regex, Fault> {
    let (front, rest) = text.split_once(b'/').ok_or_else(|| text.fault("'/' is missing"))?;
    let end = rest.find_last(b'/').ok_or_else(|| rest.fault_at(rest.len(), "the closing '/' is missing"))?;
    let (pattern, flags) = (rest.to(end), rest.from(end.saturating_add(1)));
    let (offset, trigger) = match front.split_once(b':') {
        Some((place, trigger)) => (offset::parse(place, target)?, trigger),
        None => (Offset::ANY, front),
    };
    if trigger.trim().is_empty() {
        return Err(trigger.fault("a regular expression needs a trigger"));
    }
    if pattern.is_empty() {
        return Err(pattern.fault("the regular expression is empty"));
    }
    let condition = expression::parse(trigger)?;
    if usize::try_from(condition.highest()).is_ok_and(|highest| highest >= own) {
        return Err(trigger.fault("a trigger may only name earlier sub-signatures"));
    }
    Ok(Regex { offset, trigger: condition, pattern: as_text(pattern), flags: parse_flags(flags)? })
}

/// The expression is about bytes: those that are not ASCII are written as escapes.
fn as_text(pattern: Text<'_>) -> String {
    use std::fmt::Write as _;
    pattern.bytes().iter().fold(String::with_capacity(pattern.len()), |mut text, byte| {
        if byte.is_ascii() {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
        text
    })
}

fn parse_flags(letters: Text<'_>) -> Result<RegexFlags, Fault> {
    let mut flags = RegexFlags::default();
    for (index, letter) in letters.bytes().iter().enumerate() {
        let flag = match letter {
            b'g' => &mut flags.global,
            b'r' => &mut flags.rolling,
            b'e' => &mut flags.encompass,
            b'i' => &mut flags.caseless,
            b's' => &mut flags.dot_all,
            b'm' => &mut flags.multi_line,
            b'x' => &mut flags.extended,
            b'A' => &mut flags.anchored,
            b'E' => &mut flags.dollar_end_only,
            b'U' => &mut flags.ungreedy,
            _ => {
                return Err(letters.fault_at(
                    index,
                    format!("no such flag: {}", letters.slice(index, index.saturating_add(1)).quoted()),
                ));
            }
        };
        *flag = true;
    }
    Ok(flags)
}
