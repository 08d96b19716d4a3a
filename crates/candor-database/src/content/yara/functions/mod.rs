//! Functions of modules.

mod hash;
mod macho;
mod math;
mod pe;

use candor_model::Module;

use super::evaluate::{Call, TextRegexes};
use super::modules::Modules;
use super::value::Value;
use crate::content::evaluate::{Steps, Undecided};

/// What a function gives.
pub(super) fn call<'m>(
    call: &Call<'_, 'm, '_>,
    modules: &'m Modules<'_>,
    regexes: &mut TextRegexes,
    steps: &mut Steps,
) -> Result<Value<'m>, Undecided> {
    // Arguments without a value leave nothing to compute.
    if call.arguments.contains(&Value::Undefined) {
        return Ok(Value::Undefined);
    }
    let value = match call.module {
        Some(Module::Console) => Some(Value::Integer(1)),
        Some(Module::Hash) => hash::call(call, modules, steps)?,
        Some(Module::Math) => math::call(call, modules, steps)?,
        Some(Module::String) => text(call),
        // Nothing here reads a clock.
        Some(Module::Time) => None,
        Some(Module::MachO) => macho::call(call),
        Some(Module::Pe) | None => pe::call(call, regexes, steps)?,
        Some(_) => None,
    };
    Ok(Value::or_undefined(value))
}

/// The bytes that the first arguments name: a text, or an offset and a length in the layer.
fn chosen<'c>(call: &'c Call<'_, '_, '_>, skip: usize) -> Option<(&'c [u8], bool)> {
    match call.arguments.get(skip..)? {
        [Value::Text(text), ..] => Some((text, false)),
        [from, length, ..] => {
            let from = usize::try_from(from.integer()?).ok()?;
            let length = usize::try_from(length.integer()?).ok()?;
            let rest = call.bytes.get(from..).filter(|rest| !rest.is_empty())?;
            let part = rest.get(..length).unwrap_or(rest);
            Some((part, part.len() == call.bytes.len()))
        }
        _ => None,
    }
}

/// Functions of `string`.
fn text<'m>(call: &Call<'_, 'm, '_>) -> Option<Value<'m>> {
    let (first, rest) = call.arguments.split_first()?;
    let text = first.bytes()?;
    match call.name {
        "length" => Some(Value::Integer(i64::try_from(text.len()).ok()?)),
        "to_int" => {
            let base = match rest.first() {
                None => 0,
                Some(base) => base.integer()?,
            };
            number(text, base).map(Value::Integer)
        }
        _ => None,
    }
}

/// A number as C reads it, to the last byte of `text`.
fn number(text: &[u8], base: i64) -> Option<i64> {
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    let (negative, digits) = match text.get(blanks..)? {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (base, digits) = match (base, digits) {
        (0 | 16, [b'0', b'x' | b'X', rest @ ..]) => (16, rest),
        (0, [b'0', ..]) => (8, digits),
        (0, _) => (10, digits),
        (base, _) => (u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?, digits),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |sum, byte| {
        let digit = i64::from(char::from(*byte).to_digit(base)?);
        let sum = sum.checked_mul(i64::from(base))?;
        if negative { sum.checked_sub(digit) } else { sum.checked_add(digit) }
    })
}
