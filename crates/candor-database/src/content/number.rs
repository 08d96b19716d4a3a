//! Comparing the number that a byte-compare sub-signature is about.
//!
//! Text is read as C's `strtol` does: blanks, a sign, a prefix, digits up to the first other byte.

use crate::ir::{ByteCompare, Comparison, Number, NumberForm};

/// Whether the field at `at` lies in the layer, holds a number, and that compares as asked.
pub(crate) fn number_holds(compare: &ByteCompare, bytes: &[u8], at: usize) -> bool {
    let field =
        usize::try_from(compare.length).ok().and_then(|length| bytes.get(at..at.checked_add(length)?));
    field.and_then(|field| read(compare, field)).is_some_and(|number| {
        compare.comparisons.iter().all(|Number { comparison, value }| match comparison {
            Comparison::Equal => number == *value,
            Comparison::Greater => number > *value,
            Comparison::Less => number < *value,
        })
    })
}

fn read(compare: &ByteCompare, field: &[u8]) -> Option<i64> {
    match compare.form {
        NumberForm::Raw => raw(field, compare.big_endian),
        NumberForm::Decimal => text(field, 10, compare.exact),
        NumberForm::Hexadecimal => hexadecimal(field, compare),
        NumberForm::Auto => match trimmed(field) {
            // Too short for a prefix and a digit, it is no number at all.
            [] | [_] | [_, _] => None,
            [b'0', b'x' | b'X', ..] => hexadecimal(field, compare),
            // Without a prefix the number is decimal, which has no little-endian form.
            _ if compare.big_endian => text(field, 10, compare.exact),
            _ => None,
        },
    }
}

/// An integer of 1, 2, 4 or 8 bytes.
fn raw(field: &[u8], big_endian: bool) -> Option<i64> {
    if !matches!(field.len(), 1 | 2 | 4 | 8) {
        return None;
    }
    let shift_in = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    let number =
        if big_endian { field.iter().fold(0, shift_in) } else { field.iter().rev().fold(0, shift_in) };
    Some(number.cast_signed())
}

/// A number in digits. No digits at all are zero, unless every byte must be one.
fn text(field: &[u8], radix: u32, exact: bool) -> Option<i64> {
    let text = trimmed(field);
    let (negative, body) = match text {
        [b'0', b'x' | b'X', rest @ ..] if radix == 16 => (false, rest),
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let count = body.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    if exact && (count == 0 || count < body.len() || text.len() < field.len()) {
        return None;
    }
    let sign = if negative { -1 } else { 1 };
    body.iter().take(count).try_fold(0_i64, |number, byte| {
        let digit = i64::from(char::from(*byte).to_digit(radix)?).checked_mul(sign)?;
        number.checked_mul(i64::from(radix))?.checked_add(digit)
    })
}

/// Hexadecimal digits. Unless big-endian, pairs of them come least significant first: an odd number of
/// characters is read as if a zero stood in front, and the first pair that is not two digits ends it.
fn hexadecimal(field: &[u8], compare: &ByteCompare) -> Option<i64> {
    if compare.big_endian {
        return text(field, 16, compare.exact);
    }
    let written = trimmed(field);
    if compare.exact && (written.len() < field.len() || !written.len().is_multiple_of(2)) {
        return None;
    }
    let digits = match written {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        other => other,
    };
    let (odd, pairs) = digits.split_at_checked(digits.len() % 2)?;
    let value = |byte: &u8| char::from(*byte).to_digit(16).map(u128::from);
    let bytes = odd
        .iter()
        .map(value)
        .chain(pairs.chunks_exact(2).map(|pair| Some(value(pair.first()?)? << 4 | value(pair.get(1)?)?)));
    let mut number = 0_u128;
    for (index, byte) in (0_u32..).zip(bytes.map_while(|byte| byte)) {
        number |= byte.checked_shl(index.checked_mul(8)?)?;
    }
    i64::try_from(number).ok()
}

fn trimmed(field: &[u8]) -> &[u8] {
    let blanks = field.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    field.get(blanks..).unwrap_or_default()
}
