//! Hexadecimal digits to bytes, by table: hash databases are little else.

use super::text::{Fault, Text};

const NOT_A_DIGIT: u8 = 0xff;

#[expect(clippy::indexing_slicing, reason = "computed by the compiler; a bad index would not compile")]
static VALUES: [u8; 256] = {
    let mut values = [NOT_A_DIGIT; 256];
    let mut digit = 0_u8;
    while digit < 16 {
        let lower = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        let upper = if digit < 10 { lower } else { b'A' + digit - 10 };
        values[lower as usize] = digit;
        values[upper as usize] = digit;
        digit += 1;
    }
    values
};

/// The value of a hexadecimal digit in either case.
pub(crate) fn digit(byte: u8) -> Option<u8> {
    VALUES.get(usize::from(byte)).copied().filter(|value| *value != NOT_A_DIGIT)
}

/// Decodes exactly as many digits as fill `out`; `None` at anything else.
pub(crate) fn decode_into(digits: &[u8], out: &mut [u8]) -> Option<()> {
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() != out.len() {
        return None;
    }
    let mut seen = 0_u8;
    for (&[high, low], byte) in pairs.iter().zip(out) {
        let high = VALUES.get(usize::from(high)).copied().unwrap_or(NOT_A_DIGIT);
        let low = VALUES.get(usize::from(low)).copied().unwrap_or(NOT_A_DIGIT);
        seen |= high | low;
        *byte = high << 4 | low & 0x0f;
    }
    (seen < 16).then_some(())
}

/// Decodes any even number of digits.
pub(crate) fn decode(text: Text<'_>) -> Result<Vec<u8>, Fault> {
    if let Some(index) = text.bytes().iter().position(|byte| digit(*byte).is_none()) {
        return Err(text.fault_at(index, "not a hexadecimal digit"));
    }
    let mut bytes = vec![0; text.len() / 2];
    decode_into(text.bytes(), &mut bytes)
        .ok_or_else(|| text.fault_at(text.len(), "odd number of hexadecimal digits"))?;
    Ok(bytes)
}
