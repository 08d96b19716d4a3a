//! Reading the number that a byte-compare sub-signature is about.

use crate::ir::{ByteCompare, NumberForm};

/// Digits of a hexadecimal or decimal number that are read at most: more do not fit 64 bits.
const MAX_DIGITS: usize = 20;

/// The number at `at`, and how many bytes it takes; `None` where there is none.
pub(crate) fn read_number(compare: &ByteCompare, bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let length = usize::try_from(compare.length).ok()?;
    let field = bytes.get(at..)?;
    let available = length.min(field.len());
    match compare.form {
        NumberForm::Raw => raw(field.get(..length)?, compare.big_endian).map(|value| (value, length)),
        NumberForm::Hexadecimal => digits(field.get(..available)?, 16, length, compare),
        NumberForm::Decimal => digits(field.get(..available)?, 10, length, compare),
        NumberForm::Auto => {
            let field = field.get(..available)?;
            let radix = if field.starts_with(b"0x") || field.starts_with(b"0X") { 16 } else { 10 };
            digits(field, radix, length, compare)
        }
    }
}

fn raw(field: &[u8], big_endian: bool) -> Option<u64> {
    if field.len() > 8 {
        return None;
    }
    let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    Some(if big_endian { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) })
}

fn digits(field: &[u8], radix: u32, length: usize, compare: &ByteCompare) -> Option<(u64, usize)> {
    let prefix = if radix == 16 && field.len() > 2 && (field.starts_with(b"0x") || field.starts_with(b"0X")) {
        2
    } else {
        0
    };
    let run = field.get(prefix..)?;
    let count = run.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
    if count == 0 || count > MAX_DIGITS {
        return None;
    }
    if compare.exact && prefix.checked_add(count)? != length {
        return None;
    }
    let text = std::str::from_utf8(run.get(..count)?).ok()?;
    let mut value = u64::from_str_radix(text, radix).ok()?;
    if radix == 16 && !compare.big_endian {
        value = little_endian(value, count);
    }
    Some((value, prefix.checked_add(count)?))
}

/// Digits whose byte pairs come least significant first.
const fn little_endian(value: u64, digits: usize) -> u64 {
    let bytes = digits.div_ceil(2);
    if bytes == 0 || bytes > 8 {
        return value;
    }
    value.swap_bytes() >> (8 * (8_usize.saturating_sub(bytes)))
}
