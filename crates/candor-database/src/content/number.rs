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
            [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => hexadecimal(field, compare),
            [b'0', b'x' | b'X', ..] => None,
            // Without a prefix the number is decimal, which has no little-endian form.
            [b'0'..=b'9' | b'+' | b'-', ..] if compare.big_endian => text(field, 10, compare.exact),
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
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let body = match unsigned {
        [b'0', b'x' | b'X', rest @ ..] if radix == 16 && rest.first().is_some_and(u8::is_ascii_hexdigit) => {
            rest
        }
        _ => unsigned,
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

/// Hexadecimal digits; pairs of them come least significant first unless big-endian. Then a digit
/// without a partner is not looked at, and a field that cannot hold whole pairs has no number.
fn hexadecimal(field: &[u8], compare: &ByteCompare) -> Option<i64> {
    let number = text(field, 16, compare.exact)?;
    if compare.big_endian {
        return Some(number);
    }
    if !trimmed(field).len().is_multiple_of(2) {
        return None;
    }
    let digits = match trimmed(field) {
        [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => rest,
        other => other,
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let number = if count.is_multiple_of(2) { number } else { number >> 4 };
    let bytes = number.to_be_bytes();
    let used = bytes.get(bytes.len().checked_sub(count / 2)?..)?;
    Some(used.iter().rev().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte)))
}

fn trimmed(field: &[u8]) -> &[u8] {
    let blanks = field.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    field.get(blanks..).unwrap_or_default()
}
