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
        // Too short for a prefix and a digit, it is no number at all.
        NumberForm::Auto if trimmed(field).len() < 3 => None,
        NumberForm::Auto if matches!(trimmed(field), [b'0', b'x' | b'X', ..]) => hexadecimal(field, compare),
        // A decimal number has no little-endian form.
        NumberForm::Auto if !compare.big_endian => None,
        NumberForm::Auto => digits(field, 10, compare.exact),
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

/// White space, a sign or a prefix, digits as far as they go. No digits are the number 0, unless `exact`: then everything behind the white space must be part of the number, and
/// fill the field.
fn digits(field: &[u8], radix: u32, exact: bool) -> Option<i64> {
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
    let mut number = 0_i64;
    for byte in body.iter().take(count) {
        let digit = i64::from(char::from(*byte).to_digit(radix)?);
        let digit = if negative { digit.checked_neg()? } else { digit };
        number = number.checked_mul(i64::from(radix))?.checked_add(digit)?;
    }
    Some(number)
}

fn hexadecimal(field: &[u8], compare: &ByteCompare) -> Option<i64> {
    if compare.big_endian { digits(field, 16, compare.exact) } else { swapped(field, compare.exact) }
}

/// A hexadecimal number whose digit pairs stand in little-endian order; an odd number of characters is
/// read as if a zero stood in front. The first pair that is not two digits ends it.
fn swapped(field: &[u8], exact: bool) -> Option<i64> {
    let text = trimmed(field);
    if exact && (text.len() < field.len() || !text.len().is_multiple_of(2)) {
        return None;
    }
    let body = match text {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => text,
    };
    let padded: Vec<u8> = std::iter::repeat_n(b'0', body.len() % 2).chain(body.iter().copied()).collect();
    let mut number = 0_u128;
    let mut shift = 0_u32;
    for pair in padded.chunks_exact(2) {
        let Some(byte) = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|pair| u128::from_str_radix(pair, 16).ok())
        else {
            break;
        };
        number |= byte.checked_shl(shift)?;
        shift = shift.checked_add(8)?;
    }
    i64::try_from(number).ok()
}

fn trimmed(field: &[u8]) -> &[u8] {
    let blanks = field.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    field.get(blanks..).unwrap_or(&[])
}
