//! DER and PEM, as far as it takes to write a signature: values with a length before them.

/// Tags.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const IDENTIFIER: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const FIRST: u8 = 0xa0;

/// A value: its tag, its length, its parts.
pub(super) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    let length = content.len();
    if length < 0x80 {
        bytes.push(u8::try_from(length).unwrap_or_default());
    } else {
        let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
        bytes.extend(digits);
    }
    bytes.extend(content);
    bytes
}

/// A value that is read: its tag, its content, the whole of it, what comes behind.
type Read<'a> = (u8, &'a [u8], &'a [u8], &'a [u8]);

/// The first value of some bytes.
pub(super) fn first(bytes: &[u8]) -> Option<Read<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    let (&short, mut rest) = rest.split_first()?;
    let mut length = usize::from(short);
    if short >= 0x80 {
        let digits = usize::from(short & 0x7f);
        if digits == 0 || digits > 4 {
            return None;
        }
        let (number, behind) = rest.split_at_checked(digits)?;
        length = number
            .iter()
            .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
        rest = behind;
    }
    let (content, behind) = rest.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len().checked_sub(behind.len())?)?;
    Some((tag, content, whole, behind))
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes in base 64, in one line.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for piece in bytes.chunks(3) {
        let byte = |place: usize| u32::from(piece.get(place).copied().unwrap_or(0));
        let number = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let letter = usize::try_from(number >> (18 - 6 * place) & 63).unwrap_or_default();
            text.push(if place <= piece.len() { char::from(LETTERS[letter]) } else { '=' });
        }
    }
    text
}

/// What stands in a PEM under this label: every one of them.
pub(super) fn pem(text: &str, label: &str) -> Vec<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let bodies = text.split(begin.as_str()).skip(1).filter_map(|rest| rest.split_once(end.as_str()));
    bodies.filter_map(|(body, _)| unbase64(body)).collect()
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=') {
        let place = LETTERS.iter().position(|known| *known == letter)?;
        held = (held << 6 | u32::try_from(place).ok()?) & 0xfff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_sizes_come_back() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let written = [value(OCTETS, &[&content]), vec![1, 2]].concat();
            let (tag, read, whole, behind) = first(&written).unwrap();
            assert_eq!((tag, read, behind), (OCTETS, content.as_slice(), &[1, 2][..]));
            assert_eq!(whole.len() + 2, written.len());
            assert!(first(&written[..whole.len() - 1]).is_none() || length == 0);
        }
    }

    #[test]
    fn base_64_comes_back() {
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xff\xff\xfe", "///+")]
        {
            assert_eq!(base64(bytes), text);
            assert_eq!(unbase64(text).unwrap(), bytes);
        }
        let text =
            "x\n-----BEGIN A-----\nZm\n9v\n-----END A-----\n-----BEGIN B-----\nZg==\n-----END B-----\n";
        assert_eq!(pem(text, "A"), [b"foo".to_vec()]);
        assert!(unbase64("a*b").is_none());
    }
}
