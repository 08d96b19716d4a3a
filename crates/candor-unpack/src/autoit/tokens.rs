//! Scripts of EA06 as text: tokens of operators, numbers, and names whose letters are combined with their
//! number.

use std::fmt::Write as _;

use crate::reader::Reader;

/// Operators from number 0x40 on.
const OPERATORS: [&str; 25] = [
    ",", "=", ">", "<", "<>", ">=", "<=", "(", ")", "+", "-", "/", "*", "&", "[", "]", "==", "^", "+=", "-=",
    "/=", "*=", "&=", "?", ":",
];

/// Whether these may be tokens: a count of lines, of which each takes a byte, and one of the kinds of tokens.
pub(super) fn are_tokens(bytes: &[u8]) -> bool {
    let mut reader = Reader::little(bytes);
    let Some(lines) = reader.u32() else { return bytes.is_empty() };
    let rest = reader.rest();
    usize::try_from(lines).is_ok_and(|lines| lines <= rest.len())
        && token(&mut reader, &mut String::new()).is_some()
        || rest.is_empty() && lines == 0
}

/// The script, as far as it can be read, at most `most` bytes of it.
pub(super) fn text(bytes: &[u8], most: u64) -> String {
    let mut out = String::new();
    let mut reader = Reader::little(bytes);
    if reader.skip(4).is_none() {
        return out;
    }
    while u64::try_from(out.len()).unwrap_or(u64::MAX) < most && token(&mut reader, &mut out).is_some() {}
    out
}

fn token(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let kind = reader.u8()?;
    match kind {
        0x05 => write!(out, "{} ", reader.u32()?.cast_signed()).ok()?,
        0x10 => write!(out, "{} ", reader.u64()?.cast_signed()).ok()?,
        0x20 => write!(out, "{} ", f64::from_bits(reader.u64()?)).ok()?,
        0x30..=0x3f => {
            let name = name(reader)?;
            match kind {
                0x32 => write!(out, "@{name} ").ok()?,
                0x33 => write!(out, "${name} ").ok()?,
                0x35 => write!(out, ".{name} ").ok()?,
                0x36 => write!(out, "\"{}\" ", name.replace('"', "\"\"")).ok()?,
                _ => write!(out, "{name} ").ok()?,
            }
        }
        0x7f => out.push('\n'),
        _ => {
            let operator = OPERATORS.get(usize::from(kind.checked_sub(0x40)?))?;
            write!(out, "{operator} ").ok()?;
        }
    }
    Some(())
}

fn name(reader: &mut Reader<'_>) -> Option<String> {
    let length = reader.u32()?;
    let key = u16::try_from(length & 0xffff).ok()?;
    let stored = reader.take(u64::from(length).checked_mul(2)?)?;
    let units = stored
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok())
        .map(|pair| u16::from_le_bytes(pair) ^ key);
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}
