//! Byte comparisons: `sub(>>distance#options length#comparison[,comparison])`.

use candor_database::ir::{ByteCompare, Comparison, Number, NumberForm, SubSignature};

use super::Read;
use crate::clamav::text::{Fault, Text};

/// The longest number in digits that is read.
const LONGEST_DIGITS: u64 = 199;

/// Reads one.
pub(super) fn parse(text: Text<'_>) -> Result<Read, Fault> {
    let (sub, rest) = text.split_once(b'(').ok_or_else(|| text.fault("'(' is missing"))?;
    let sub = sub.small_number("the sub-signature")?;
    let inner =
        rest.strip_suffix(b")").ok_or_else(|| rest.fault_at(rest.len(), "the closing ')' is missing"))?;
    let mut fields = inner.split(b'#');
    let distance = parse_distance(fields.field(inner, "the distance")?)?;
    let reading_text = fields.field(inner, "what is to be read")?;
    let reading = parse_reading(reading_text)?;
    let comparisons_text = fields.field(inner, "the comparison")?;
    if let Some(extra) = fields.next() {
        return Err(extra.fault("more fields than there should be"));
    }
    let comparisons = comparisons_text.split(b',').map(parse_comparison).collect::<Result<Vec<_>, _>>()?;
    if comparisons.len() > 2 {
        return Err(comparisons_text.fault("at most two comparisons"));
    }
    let Some(form) = reading.form else {
        return Ok(Read::unused(reading_text, "without one of h, d, a and i it never matches"));
    };
    if reading.big_endian.is_none() && form != NumberForm::Decimal {
        return Ok(Read::unused(reading_text, "without a byte order (l or b) it never matches"));
    }
    Ok(Read::SubSignature(SubSignature::ByteCompare(ByteCompare {
        sub,
        distance,
        form,
        big_endian: reading.big_endian.unwrap_or(true),
        exact: reading.exact,
        length: reading.length,
        comparisons,
    })))
}

/// `>>n` or `<<n`; `n` may itself be negative.
fn parse_distance(text: Text<'_>) -> Result<i64, Fault> {
    let (number, back) = match (text.strip_prefix(b">>"), text.strip_prefix(b"<<")) {
        (Some(number), _) => (number, false),
        (_, Some(number)) => (number, true),
        _ => return Err(text.fault("a distance starts with '>>' or '<<'")),
    };
    let (digits, negative) = split_sign(number);
    let value = i64::try_from(c_number(digits, "the distance")?)
        .map_err(|_| digits.fault("the distance is too large"))?;
    Ok(if negative == back { value } else { value.saturating_neg() })
}

/// The digits, and whether a minus stands before them.
fn split_sign(number: Text<'_>) -> (Text<'_>, bool) {
    number.strip_prefix(b"-").map_or((number, false), |digits| (digits, true))
}

struct Reading {
    form: Option<NumberForm>,
    big_endian: Option<bool>,
    exact: bool,
    length: u32,
}

/// Letters in any order, then the number of bytes.
fn parse_reading(text: Text<'_>) -> Result<Reading, Fault> {
    let letters = text.bytes().iter().position(u8::is_ascii_digit).unwrap_or(text.len());
    let mut reading = Reading { form: None, big_endian: None, exact: false, length: 0 };
    for (index, letter) in text.to(letters).bytes().iter().enumerate() {
        let twice = || text.fault_at(index, "options that exclude one another");
        let form = match letter {
            b'h' => NumberForm::Hexadecimal,
            b'd' => NumberForm::Decimal,
            b'a' => NumberForm::Auto,
            b'i' => NumberForm::Raw,
            b'l' | b'b' => {
                if reading.big_endian.replace(*letter == b'b').is_some() {
                    return Err(twice());
                }
                continue;
            }
            b'e' => {
                reading.exact = true;
                continue;
            }
            _ => return Err(text.fault_at(index, "no such option")),
        };
        if reading.form.replace(form).is_some() {
            return Err(twice());
        }
    }
    if reading.form == Some(NumberForm::Decimal) && reading.big_endian == Some(false) {
        return Err(text.fault("decimal digits have no little-endian form"));
    }
    let length = text.from(letters);
    let count = c_number(length, "the number of bytes")?;
    let raw = reading.form == Some(NumberForm::Raw);
    if count == 0 || count > LONGEST_DIGITS || raw && !matches!(count, 1 | 2 | 4 | 8) {
        return Err(length.fault(if raw {
            "a raw number has 1, 2, 4 or 8 bytes"
        } else {
            "the number of bytes is out of range"
        }));
    }
    reading.length = u32::try_from(count).unwrap_or_default();
    Ok(reading)
}

fn parse_comparison(text: Text<'_>) -> Result<Number, Fault> {
    let comparison = match text.byte(0) {
        Some(b'=') => Comparison::Equal,
        Some(b'>') => Comparison::Greater,
        Some(b'<') => Comparison::Less,
        _ => return Err(text.fault("a comparison starts with '=', '>' or '<'")),
    };
    let number = text.from(1);
    let (digits, negative) = split_sign(number);
    let value =
        i64::try_from(c_number(digits, "the value")?).map_err(|_| number.fault("the value is too large"))?;
    Ok(Number { comparison, value: if negative { value.saturating_neg() } else { value } })
}

/// A number as in C: `0x` for hexadecimal, a leading `0` for octal, else decimal.
fn c_number(text: Text<'_>, what: &str) -> Result<u64, Fault> {
    let wrong = || text.fault(format!("{what} is not a number: {}", text.quoted()));
    let (digits, radix) = match text.bytes() {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
        digits => (digits, 10),
    };
    if !digits.first().is_some_and(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    let digits = str::from_utf8(digits).map_err(|_| wrong())?;
    u64::from_str_radix(digits, radix).map_err(|_| wrong())
}
