//! Numbers in the layer, compared: `id(offset#options#comparisons)`.

use candor_database::ir::{ByteCompare, Comparison, Number, NumberForm};

/// Whether the number at `compare`'s distance from `base`, the start of a hit, is there and compares
/// as asked.
pub(super) fn holds(compare: &ByteCompare, bytes: &[u8], base: usize) -> bool {
    let Some(field) = field(compare, bytes, base) else { return false };
    let number = match compare.form {
        NumberForm::Raw => raw(field, compare.big_endian),
        NumberForm::Decimal => digits(field, 10, compare.exact),
        NumberForm::Hexadecimal => hexadecimal(field, compare),
        NumberForm::Auto => {
            if has_hexadecimal_prefix(trimmed(field)) {
                hexadecimal(field, compare)
            } else if matches!(trimmed(field), [b'0', b'x' | b'X', ..]) {
                None
            } else if compare.big_endian && trimmed(field).first().is_some_and(is_sign_or_digit) {
                digits(field, 10, compare.exact)
            } else {
                None
            }
        }
    };
    number.is_some_and(|number| compare.comparisons.iter().all(|wanted| compares(number, *wanted)))
}

fn compares(number: i64, wanted: Number) -> bool {
    match wanted.comparison {
        Comparison::Equal => number == wanted.value,
        Comparison::Greater => number > wanted.value,
        Comparison::Less => number < wanted.value,
    }
}

/// The bytes that the number is read from: all of them must be in the layer.
fn field<'a>(compare: &ByteCompare, bytes: &'a [u8], base: usize) -> Option<&'a [u8]> {
    let start = i64::try_from(base).ok()?.checked_add(compare.distance)?;
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(compare.length).ok()?)?;
    bytes.get(start..end)
}

/// A raw integer, as a signed number when it has eight bytes.
fn raw(field: &[u8], big_endian: bool) -> Option<i64> {
    if !matches!(field.len(), 1 | 2 | 4 | 8) {
        return None;
    }
    let mut number = 0_u64;
    for position in 0..field.len() {
        let index = if big_endian { position } else { field.len().checked_sub(position)?.checked_sub(1)? };
        number = number.wrapping_shl(8) | u64::from(*field.get(index)?);
    }
    Some(number.cast_signed())
}

/// As C's `strtol` reads it: white space, a sign, digits as far as they go. No digits are the number
/// 0, unless `exact`: then everything behind the white space must be part of the number, and
/// fill the field.
fn digits(field: &[u8], radix: u32, exact: bool) -> Option<i64> {
    let text = trimmed(field);
    let (negative, unsigned) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
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
    let mut number = 0_i64;
    for byte in body.iter().take(count) {
        let digit = i64::from(char::from(*byte).to_digit(radix)?);
        let digit = if negative { digit.checked_neg()? } else { digit };
        number = number.checked_mul(i64::from(radix))?.checked_add(digit)?;
    }
    Some(number)
}

fn hexadecimal(field: &[u8], compare: &ByteCompare) -> Option<i64> {
    let number = digits(field, 16, compare.exact)?;
    if compare.big_endian { Some(number) } else { swapped(number, field) }
}

/// A hexadecimal number whose digit pairs stand in little-endian order. A digit without a partner is
/// not looked at; a field that cannot hold whole pairs has no number.
fn swapped(number: i64, field: &[u8]) -> Option<i64> {
    let text = trimmed(field);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let text = if has_hexadecimal_prefix(text) { text.get(2..)? } else { text };
    let count = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let number = if count.is_multiple_of(2) { number } else { number >> 4 };
    let bytes = number.to_be_bytes();
    let used = bytes.get(bytes.len().checked_sub(count / 2)?..)?;
    Some(used.iter().rev().fold(0_i64, |sum, byte| sum.wrapping_shl(8) | i64::from(*byte)))
}

fn trimmed(field: &[u8]) -> &[u8] {
    let blanks = field.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    field.get(blanks..).unwrap_or(&[])
}

fn has_hexadecimal_prefix(text: &[u8]) -> bool {
    matches!(text, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit())
}

fn is_sign_or_digit(byte: &u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-')
}
