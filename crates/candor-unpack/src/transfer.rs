//! Encodings of bytes as text, read leniently: what is no digit is passed over, and what can be read of a
//! damaged end is kept.

/// Characters that are read at a time, by instructions for vectors.
const BLOCK: usize = 32;

/// Whether some byte of a text is `wanted`. What it asks should have no branches.
pub(crate) fn any(text: &[u8], wanted: impl Fn(u8) -> bool) -> bool {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let is_in = |block: &[u8]| block.iter().fold(false, |any, byte| any | wanted(*byte));
    blocks.iter().any(|block| is_in(block)) || is_in(rest)
}

/// Base64, in its usual and in its address alphabet.
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity((text.len() / 4).saturating_mul(3));
    let mut held = Digits::default();
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    for block in blocks {
        held.take(block, &mut out);
    }
    if !rest.is_empty() {
        // What is no digit behind the end.
        let mut last = [0xff; BLOCK];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        held.take(&last, &mut out);
    }
    held.finish(&mut out);
    out
}

/// What stands for `=`, and for what is no digit.
const PADDING: u8 = 0x80;
const NONE: u8 = 0xff;

/// Digits of Base64 that are not written yet: between the blocks there are no more than three.
struct Digits {
    values: [u8; BLOCK + 8],
    count: usize,
}

impl Default for Digits {
    fn default() -> Self {
        Self { values: [0; BLOCK + 8], count: 0 }
    }
}

impl Digits {
    fn take(&mut self, block: &[u8; BLOCK], out: &mut Vec<u8>) {
        // Plain loops, which become instructions for vectors.
        let mut values = [0; BLOCK];
        for (value, byte) in values.iter_mut().zip(block) {
            *value = base64_digit(*byte);
        }
        let (mut seen, mut common) = (0, NONE);
        for value in &values {
            seen |= value;
            common &= value;
        }
        if common == NONE {
            return;
        }
        if seen < PADDING / 2 {
            if self.count == 0 {
                let mut bytes = [0; BLOCK / 4 * 3];
                pack(&values, &mut bytes);
                out.extend_from_slice(&bytes);
                return;
            }
            let behind = self.values.get_mut(self.count..).and_then(<[u8]>::first_chunk_mut);
            if let Some(behind) = behind {
                *behind = values;
                self.count = self.count.saturating_add(BLOCK);
            }
        } else if values.iter().fold(false, |any, value| any | (*value == PADDING)) {
            for value in values {
                self.push(value);
                if value == PADDING {
                    // The end of one of several texts that were joined: the next one starts afresh.
                    self.finish(out);
                }
            }
        } else {
            for value in values {
                self.push(value);
            }
        }
        self.write(out);
    }

    /// Keeps a value, if it is one of a digit.
    fn push(&mut self, value: u8) {
        if let Some(place) = self.values.get_mut(self.count) {
            *place = value;
            self.count = self.count.saturating_add(usize::from(value < PADDING));
        }
    }

    /// Writes what the whole groups of four say.
    fn write(&mut self, out: &mut Vec<u8>) {
        let mut bytes = [0; (BLOCK + 8) / 4 * 3];
        pack(&self.values, &mut bytes);
        let groups = self.count / 4;
        out.extend_from_slice(bytes.get(..groups.saturating_mul(3)).unwrap_or_default());
        let behind = self.values.get(groups.saturating_mul(4)..).and_then(<[u8]>::first_chunk::<4>).copied();
        for (place, value) in self.values.iter_mut().zip(behind.unwrap_or_default()) {
            *place = value;
        }
        self.count %= 4;
    }

    /// Writes all, as far as it makes whole bytes.
    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.count > 3 {
            self.write(out);
        }
        if self.count > 1 {
            let digits = *self.values.first_chunk::<8>().unwrap_or(&[0; 8]);
            out.extend_from_slice(packed(digits).get(..self.count.saturating_sub(1)).unwrap_or_default());
        }
        self.count = 0;
    }
}

/// Writes six bits of each of these.
fn pack(digits: &[u8], bytes: &mut [u8]) {
    for (digits, bytes) in digits.as_chunks::<8>().0.iter().zip(bytes.as_chunks_mut::<6>().0) {
        *bytes = packed(*digits);
    }
}

/// Six bits of each of these.
#[inline]
const fn packed(digits: [u8; 8]) -> [u8; 6] {
    // Two, then four, then all side by side.
    let digits = u64::from_be_bytes(digits);
    let twos = digits & 0x003f_003f_003f_003f | digits >> 2 & 0x0fc0_0fc0_0fc0_0fc0;
    let fours = twos & 0x0000_0fff_0000_0fff | twos >> 4 & 0x00ff_f000_00ff_f000;
    let all = fours & 0x00ff_ffff | fours >> 8 & 0xffff_ff00_0000;
    let [_, _, bytes @ ..] = all.to_be_bytes();
    bytes
}

/// What a digit of Base64 is worth, or what it is instead. Computed, for many at a time.
#[inline]
const fn base64_digit(byte: u8) -> u8 {
    let (upper, lower, decimal) = (byte.wrapping_sub(b'A'), byte.wrapping_sub(b'a'), byte.wrapping_sub(b'0'));
    let value = if upper < 26 { upper } else { NONE };
    let value = if lower < 26 { lower.wrapping_add(26) } else { value };
    let value = if decimal < 10 { decimal.wrapping_add(52) } else { value };
    let value = if (byte == b'+') | (byte == b'-') { 62 } else { value };
    let value = if (byte == b'/') | (byte == b'_') { 63 } else { value };
    if byte == b'=' { PADDING } else { value }
}

/// Whether a byte is a digit of Base64 in its usual alphabet, or stands at its end. Computed, for many at a time.
#[inline]
pub(crate) const fn is_base64_digit(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_decimal = byte.wrapping_sub(b'0') < 10;
    is_letter | is_decimal | (byte == b'+') | (byte == b'/') | (byte == b'=')
}

/// Quoted-printable.
pub(crate) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (block, behind) = rest.split_at_checked(BLOCK).unwrap_or((rest, &[]));
        if !any(block, |byte| byte == b'=') {
            out.extend_from_slice(block);
            rest = behind;
            continue;
        }
        let until = rest.len().saturating_sub(BLOCK);
        let (mut bytes, mut count) = ([0; BLOCK], 0_usize);
        while rest.len() > until
            && let Some((&byte, behind)) = rest.split_first()
        {
            let (value, behind) = match byte {
                b'=' => match escaped(behind) {
                    (Some(value), behind) => (value, behind),
                    (None, behind) => {
                        rest = behind;
                        continue;
                    }
                },
                _ => (byte, behind),
            };
            rest = behind;
            if let Some(place) = bytes.get_mut(count) {
                *place = value;
            }
            count = count.saturating_add(1);
        }
        out.extend_from_slice(bytes.get(..count).unwrap_or_default());
    }
    out
}

/// The byte that an equals sign with what is behind it stands for, none for a line that goes on, and what follows.
#[inline]
fn escaped(behind: &[u8]) -> (Option<u8>, &[u8]) {
    if let Some(value) = hex_pair(behind) {
        return (Some(value), behind.get(2..).unwrap_or_default());
    }
    let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match behind.get(blanks..).unwrap_or_default() {
        [b'\r', b'\n', next @ ..] | [b'\n', next @ ..] => (None, next),
        _ => (Some(b'='), behind),
    }
}

/// What was read of a text in lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) content: Vec<u8>,
    /// Bytes that were read, and lines.
    pub(crate) read: usize,
    pub(crate) count: usize,
    /// It begins as such text does, and the line that ends it is missing.
    pub(crate) is_cut: bool,
}

/// What the lines of uuencoded text hold, up to the line `end`, and no more than `most`.
pub(crate) fn uuencoded(text: &[u8], most: usize) -> Lines {
    let mut lines = Lines::default();
    let out = &mut lines.content;
    lines.is_cut = begins_uuencoded(text);
    let mut rest = Some(text);
    while let Some(text) = rest.filter(|_| lines.count < most) {
        let (line, behind) = match memchr::memchr(b'\n', text).and_then(|end| text.split_at_checked(end)) {
            Some((line, behind)) => (line, behind.get(1..)),
            None => (text, None),
        };
        rest = behind;
        lines.count = lines.count.saturating_add(1);
        lines.read = lines.read.saturating_add(line.len()).saturating_add(1);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii_end() == b"end" {
            lines.is_cut = false;
            break;
        }
        let Some((length, digits)) = uuencoded_line(line) else { continue };
        let whole = digits.len().saturating_mul(6) / 8;
        let end = out.len().saturating_add(length.min(whole));
        let (blocks, last) = digits.as_chunks::<8>();
        for block in blocks.iter().take(length.div_ceil(6)) {
            out.extend_from_slice(&packed(without_blank(*block)));
        }
        if out.len() < end {
            let mut block = [b' '; 8];
            for (place, digit) in block.iter_mut().zip(last) {
                *place = *digit;
            }
            out.extend_from_slice(&packed(without_blank(block)));
        }
        out.truncate(end);
    }
    lines
}

/// How many bytes a line of uuencoded text says that it holds, and its digits.
fn uuencoded_line(line: &[u8]) -> Option<(usize, &[u8])> {
    let (&length, digits) = line.split_first()?;
    (b' '..=b'`').contains(&length).then(|| (usize::from(length.wrapping_sub(b' ') & 63), digits))
}

/// Whether the first line of a text has as many digits as it says: words have not.
fn begins_uuencoded(text: &[u8]) -> bool {
    let near = text.get(..128).unwrap_or(text);
    let line = near.get(..memchr::memchr(b'\n', near).unwrap_or(near.len())).unwrap_or_default();
    uuencoded_line(line.trim_ascii_end()).is_some_and(|(length, digits)| {
        let whole = length.div_ceil(3).saturating_mul(4);
        // Blanks at the end may be gone, and a character more may be a checksum.
        length > 0
            && (whole.saturating_sub(3)..=whole.saturating_add(2)).contains(&digits.len())
            && digits.iter().all(|digit| (b' '..=b'`').contains(digit))
    })
}

/// Digits of uuencoded text as what they are worth, in their lower six bits.
#[inline]
const fn without_blank(digits: [u8; 8]) -> [u8; 8] {
    // Nothing is carried into the next one that would not be cut off: the upper bits are set.
    (u64::from_ne_bytes(digits) | 0x8080_8080_8080_8080).wrapping_sub(0x2020_2020_2020_2020).to_ne_bytes()
}

/// The lines of a file in yEnc, up to the line `=yend`, and no more than `most`.
pub(crate) fn yenc(text: &[u8], most: usize) -> Lines {
    let mut lines = Lines::default();
    let out = &mut lines.content;
    let mut rest = text;
    while !rest.is_empty() && lines.count < most && !rest.starts_with(b"=yend") {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
        let (line, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = behind;
        lines.count = lines.count.saturating_add(1);
        lines.read = lines.read.saturating_add(length);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // A dot at the start of a line is doubled on its way.
        let line = if line.starts_with(b"..") { line.get(1..).unwrap_or_default() } else { line };
        let mut is_escaped = false;
        let (blocks, last) = line.as_chunks::<BLOCK>();
        for block in blocks {
            if is_escaped | block.iter().fold(false, |any, byte| any | (*byte == b'=')) {
                moved_down(block, &mut is_escaped, out);
            } else {
                let mut bytes = *block;
                for byte in &mut bytes {
                    *byte = byte.wrapping_sub(42);
                }
                out.extend_from_slice(&bytes);
            }
        }
        moved_down(last, &mut is_escaped, out);
    }
    lines
}

/// What these characters of a line in yEnc stand for, no more than a block of them.
fn moved_down(characters: &[u8], is_escaped: &mut bool, out: &mut Vec<u8>) {
    let (mut bytes, mut count) = ([0; BLOCK], 0_usize);
    for &character in characters {
        let is_mark = character == b'=' && !*is_escaped;
        if let Some(place) = bytes.get_mut(count) {
            *place = character.wrapping_sub(if *is_escaped { 42 + 64 } else { 42 });
        }
        count = count.saturating_add(usize::from(!is_mark));
        *is_escaped = is_mark;
    }
    out.extend_from_slice(bytes.get(..count).unwrap_or_default());
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
#[inline]
pub(crate) fn hex_pair(text: &[u8]) -> Option<u8> {
    let [high, low] = *text.first_chunk()?;
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

/// What a hexadecimal digit is worth.
#[inline]
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    HEX.get(usize::from(byte)).copied().filter(|value| *value < 16)
}

const HEX: [u8; 256] = worth([b"0123456789abcdef", b"0123456789ABCDEF"]);

/// What each byte is worth as a digit, in any of these spellings; 255 for what is none.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    reason = "for constants: they would not compile"
)]
pub(crate) const fn worth<const BASE: usize, const SPELLINGS: usize>(
    spellings: [&[u8; BASE]; SPELLINGS],
) -> [u8; 256] {
    let mut values = [255; 256];
    let mut spelling = 0;
    while spelling < SPELLINGS {
        let mut value = 0;
        while value < BASE {
            values[spellings[spelling][value] as usize] = value as u8;
            value += 1;
        }
        spelling += 1;
    }
    values
}

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
