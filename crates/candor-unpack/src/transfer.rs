//! Encodings of bytes as text, read leniently: what is no digit is passed over, and what can be read of a
//! damaged end is kept.

/// Base64, in its usual and in its address alphabet.
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut held, mut count) = (0_u32, 0_u32);
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        if count == 0 {
            // Nothing but digits, as in most of a text.
            let mut taken = 0_usize;
            let (words, _) = rest.as_chunks::<8>();
            for word in words {
                let Some([_, _, values @ ..]) = whole(*word) else { break };
                out.extend_from_slice(&values);
                taken = taken.saturating_add(8);
            }
            let word = rest.get(taken..).and_then(<[u8]>::first_chunk::<4>);
            if let Some([.., first, second, third]) = word.and_then(|word| whole(*word)) {
                out.extend_from_slice(&[first, second, third]);
                taken = taken.saturating_add(4);
            }
            if taken > 0 {
                rest = rest.get(taken..).unwrap_or_default();
                continue;
            }
        }
        rest = behind;
        let value = base64_digit(byte);
        if byte == b'=' {
            // The end of one of several texts that were joined: the next one starts afresh.
            (held, count) = (0, 0);
        }
        if value > 63 {
            continue;
        }
        held = held << 6 | u32::from(value);
        count = count.saturating_add(6);
        if count >= 8 {
            count = count.saturating_sub(8);
            out.push(held.wrapping_shr(count).to_le_bytes()[0]);
        }
    }
    out
}

/// What so many digits are, at the end.
fn whole<const N: usize>(digits: [u8; N]) -> Option<[u8; 8]> {
    let (mut held, mut seen) = (0_u64, 0_u8);
    for digit in digits {
        let value = base64_digit(digit);
        seen |= value;
        held = held << 6 | u64::from(value);
    }
    (seen <= 63).then_some(held.to_be_bytes())
}

/// What a digit of Base64 is worth; 255 for what is none.
fn base64_digit(byte: u8) -> u8 {
    BASE64.get(usize::from(byte)).copied().unwrap_or(255)
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a constant: it would not compile"
)]
const BASE64: [u8; 256] = {
    let mut values = [255; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut value = 0;
    while value < digits.len() {
        values[digits[value] as usize] = value as u8;
        value += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// Quoted-printable.
pub(crate) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match behind.get(blanks..).unwrap_or_default() {
            [b'\r', b'\n', next @ ..] | [b'\n', next @ ..] => rest = next,
            _ => match hex_pair(behind) {
                Some(value) => {
                    out.push(value);
                    rest = behind.get(2..).unwrap_or_default();
                }
                None => out.push(byte),
            },
        }
    }
    out
}

/// What the lines of uuencoded text hold, up to the line `end`, and how many bytes were read.
pub(crate) fn uuencoded(text: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut read = 0_usize;
    for line in text.split(|&byte| byte == b'\n') {
        read = read.saturating_add(line.len()).saturating_add(1);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line == b"end" {
            break;
        }
        let Some((&length, digits)) = line.split_first() else { continue };
        if !(b' '..=b'`').contains(&length) {
            continue;
        }
        let length = usize::from(length.wrapping_sub(b' ') & 63);
        let (mut held, mut count, mut made) = (0_u32, 0_u32, 0_usize);
        for &digit in digits {
            held = held << 6 | u32::from(digit.wrapping_sub(b' ') & 63);
            count = count.saturating_add(6);
            if count >= 8 && made < length {
                count = count.saturating_sub(8);
                out.push(held.wrapping_shr(count).to_le_bytes()[0]);
                made = made.saturating_add(1);
            }
        }
    }
    (out, read)
}

/// The lines of a file in yEnc, up to the line `=yend`, and the length of text that was read.
pub(crate) fn yenc(text: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut read = 0_usize;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b"=yend") {
            break;
        }
        read = read.saturating_add(line.len());
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // A dot at the start of a line is doubled on its way.
        let line = if line.starts_with(b"..") { line.get(1..).unwrap_or_default() } else { line };
        let mut is_escaped = false;
        for &byte in line {
            match byte {
                b'=' if !is_escaped => is_escaped = true,
                _ => {
                    out.push(byte.wrapping_sub(if is_escaped { 42 + 64 } else { 42 }));
                    is_escaped = false;
                }
            }
        }
    }
    (out, read)
}

/// Hexadecimal digits; an odd one at the end counts as if a zero followed.
pub(crate) fn hexadecimal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut high = None;
    for &byte in text {
        let Some(digit) = hex_digit(byte) else { continue };
        match high.take() {
            Some(first) => out.push(first << 4 | digit),
            None => high = Some(digit),
        }
    }
    out.extend(high.map(|first| first << 4));
    out
}

/// ASCII85, as PDF and PostScript have it, up to its `~`.
pub(crate) fn ascii85(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut group, mut count) = (0_u32, 0_u32);
    for &byte in text {
        match byte {
            b'~' => break,
            b'z' if count == 0 => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(byte.wrapping_sub(b'!')));
                count = count.saturating_add(1);
                if count == 5 {
                    out.extend_from_slice(&group.to_be_bytes());
                    (group, count) = (0, 0);
                }
            }
            _ => {}
        }
    }
    if count > 1 {
        for _ in count..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        let made = usize::try_from(count.saturating_sub(1)).unwrap_or(0);
        out.extend_from_slice(group.to_be_bytes().get(..made).unwrap_or_default());
    }
    out
}

/// The byte that the first two characters spell.
pub(crate) fn hex_pair(text: &[u8]) -> Option<u8> {
    let [high, low] = *text.first_chunk()?;
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

/// What a hexadecimal digit is worth.
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    HEX.get(usize::from(byte)).copied().filter(|value| *value < 16)
}

const HEX: [u8; 256] = {
    let mut values = [255; 256];
    let mut value = 0;
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "a constant: it would not compile"
    )]
    while value < 16 {
        let digits = [b"0123456789abcdef", b"0123456789ABCDEF"];
        values[digits[0][value] as usize] = value as u8;
        values[digits[1][value] as usize] = value as u8;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::base64;

    /// Digit by digit.
    fn by_definition(text: &[u8]) -> Vec<u8> {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = Vec::new();
        let mut bits: Vec<bool> = Vec::new();
        for &byte in text {
            let usual = match byte {
                b'-' => b'+',
                b'_' => b'/',
                other => other,
            };
            if byte == b'=' {
                bits.clear();
            }
            let Some(value) = digits.iter().position(|digit| *digit == usual) else { continue };
            bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
            if bits.len() >= 8 {
                out.push(bits.drain(..8).fold(0, |byte, bit| byte << 1 | u8::from(bit)));
            }
        }
        out
    }

    #[test]
    fn base64_is_read_whatever_stands_between_its_digits() {
        for (text, expected) in [
            ("Zm9vYmFy", "foobar"),
            ("Zm9v\r\nYm\tFy", "foobar"),
            ("Zm8=Zm9v", "fofoo"),
            ("Zg==\nZm9vYg", "ffoob"),
            ("", ""),
            ("\u{e9}Zm9v!", "foo"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn base64_is_what_its_digits_say(text in "[A-Za-z0-9+/_=\\- \n\u{e9}]{0,80}", clean in "[A-Za-z0-9+/]{0,80}") {
            prop_assert_eq!(base64(text.as_bytes()), by_definition(text.as_bytes()));
            let both = clean + &text;
            prop_assert_eq!(base64(both.as_bytes()), by_definition(both.as_bytes()));
        }
    }
}
