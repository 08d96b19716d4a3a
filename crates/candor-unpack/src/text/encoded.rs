//! Programs and scripts that stand in a text as base64: what `powershell -EncodedCommand` takes, and what
//! droppers carry in a string.
//!
//! A long run of digits is decoded and given only when it is something: a program, an archive, or text, plain
//! or in UTF-16. Keys and certificates, of which texts are full, are none of these.

use crate::eight::Eight;
use crate::transfer::base64;

/// Shortest run behind the option of a shell, and shortest one anywhere; runs of one text.
const COMMAND: usize = 16;
const BLOB: usize = 120;
const RUNS: usize = 64;
/// Bytes that are looked at together.
const STRETCH: usize = 64;

/// What the first runs of a text decode to.
pub(super) fn found(text: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 0_usize;
    while found.len() < RUNS {
        let Some(start) = next_run(text, at) else { break };
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_digit(byte)).count();
        at = start.saturating_add(length);
        if length < BLOB && !is_option(text.get(..start).unwrap_or_default()) {
            continue;
        }
        let content = base64(rest.get(..length).unwrap_or_default());
        if is_something(&content) {
            found.push(content);
        }
    }
    found
}

/// Where the first run starts that has at least [`COMMAND`] digits, of those that start at `at` or behind.
fn next_run(text: &[u8], at: usize) -> Option<usize> {
    let (stretches, rest) = text.get(at..)?.as_chunks::<STRETCH>();
    let mut last = [0; STRETCH];
    for (to, byte) in last.iter_mut().zip(rest) {
        *to = *byte;
    }
    // Which of the last bytes before a stretch are digits.
    let mut before = 0_u128;
    let mut place = at;
    for stretch in stretches.iter().chain([&last]) {
        let digits = before | u128::from(digits(stretch)) << COMMAND;
        // Each doubles how many have to stand one behind the other.
        let runs = [1, 2, 4, 8].into_iter().fold(digits, |runs, length| runs & runs >> length);
        if runs != 0 {
            // A run that starts at the first of them had been found before.
            return Some(place.saturating_add(runs.trailing_zeros() as usize).saturating_sub(COMMAND));
        }
        before = digits >> STRETCH;
        place = place.saturating_add(STRETCH);
    }
    None
}

/// Which bytes of a stretch are digits, the first in the lowest bit.
fn digits(stretch: &[u8; STRETCH]) -> u64 {
    let mut which = [0_u8; STRETCH / 8];
    for (which, bytes) in which.iter_mut().zip(stretch.as_chunks::<8>().0) {
        let bytes = Eight::new(*bytes);
        let letters = bytes.with(0x20).are_between(b'a', b'z');
        let others = bytes.are_between(b'+', b'+').or(bytes.are_between(b'=', b'='));
        *which = letters.or(bytes.are_between(b'/', b'9')).or(others).which();
    }
    u64::from_le_bytes(which)
}

fn is_digit(byte: &u8) -> bool {
    DIGITS.get(usize::from(*byte)).is_some_and(|is_digit| *is_digit)
}

const DIGITS: [bool; 256] = {
    let mut digits = [false; 256];
    let mut byte = 0_u8;
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where it is an error")]
    while byte < 0x80 {
        digits[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        byte += 1;
    }
    digits
};

/// Whether text ends with the option that an encoded command follows, in any of its abbreviations.
fn is_option(before: &[u8]) -> bool {
    let before = before.get(before.len().saturating_sub(40)..).unwrap_or_default();
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'^' | b':');
    let end = before.iter().rposition(|byte| !is_between(byte)).map_or(0, |last| last.saturating_add(1));
    let before = before.get(..end).unwrap_or_default();
    let start = before.iter().rposition(|byte| !byte.is_ascii_alphabetic() && *byte != b'^').unwrap_or(0);
    let word: Vec<u8> = before.get(start..).unwrap_or_default().to_ascii_lowercase();
    let Some((b'-' | b'/', name)) = word.split_first() else { return false };
    let name: Vec<u8> = name.iter().copied().filter(|byte| *byte != b'^').collect();
    !name.is_empty() && (b"encodedcommand".starts_with(&name[..]) || name == b"ec")
}

fn is_something(content: &[u8]) -> bool {
    let starts: [&[u8]; 9] = [
        b"MZ",
        b"PK\x03\x04",
        b"\x7fELF",
        b"%PDF",
        b"Rar!",
        b"7z\xbc\xaf",
        b"\x1f\x8b\x08",
        b"\xd0\xcf\x11\xe0",
        b"MSCF",
    ];
    let is_printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let near = content.get(..256).unwrap_or(content);
    let is_wide =
        near.len() > 8 && near.as_chunks::<2>().0.iter().all(|[low, high]| *high == 0 && is_printable(low));
    let is_plain = near.len() > 8 && near.iter().all(is_printable);
    starts.iter().any(|start| content.starts_with(start)) || is_wide || is_plain
}

#[cfg(test)]
mod tests {
    use candor_fixtures::container::base64;

    use proptest::prelude::*;

    use super::{COMMAND, found, next_run};

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn encoded_commands_are_decoded() {
        let command = base64(&wide("calc.exe"));
        for option in ["-EncodedCommand", "-enc", "-e", "/ec", "-e^nc", "-EnCo"] {
            assert_eq!(
                found(format!("powershell -nop {option} {command}\r\n").as_bytes()),
                [wide("calc.exe")]
            );
        }
        assert!(found(format!("something -x {command}").as_bytes()).is_empty());
    }

    #[test]
    fn runs_are_found_wherever_they_start_and_end() {
        let command = base64(&wide("calc.exe"));
        for before in 0..40 {
            for behind in ["", " ", " ab", "-0123456789abcde "] {
                let text =
                    format!("{} -e {command}{behind}", "x".repeat(before % 16) + &" ".repeat(before / 16));
                assert_eq!(found(text.as_bytes()), [wide("calc.exe")], "{text}");
            }
        }
    }

    #[test]
    fn programs_in_strings_are_decoded_and_noise_is_not() {
        let program = [&b"MZ"[..], &[0x90; 200]].concat();
        assert_eq!(found(format!("var a = \"{}\";", base64(&program)).as_bytes()), [program]);
        let noise: Vec<u8> = (0..200_u8).map(|byte| byte.wrapping_mul(37) ^ 0xa5).collect();
        assert!(found(base64(&noise).as_bytes()).is_empty());
        assert_eq!(found(format!("{} ", base64(&[b'x'; 200])).repeat(100).as_bytes()).len(), 64);
    }

    /// What the first run is by definition.
    fn first_run(text: &[u8], at: usize) -> Option<usize> {
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        (at..text.len())
            .find(|from| text[*from..].iter().take_while(|byte| is_digit(byte)).count() >= COMMAND)
    }

    #[test]
    fn every_byte_is_a_digit_or_none_in_a_stretch_as_alone() {
        for byte in 0..=u8::MAX {
            let text = [&[b' '; 70][..], &[byte; 20], &[b' '; 70]].concat();
            assert_eq!(next_run(&text, 0), first_run(&text, 0), "{byte}");
        }
    }

    proptest! {
        #[test]
        fn the_first_run_is_found_wherever_it_is(
            pieces in prop::collection::vec((0_usize..24, prop_oneof![Just(b' '), Just(0x80), Just(b'.')]), 0..40),
            at in 0_usize..200,
        ) {
            let text: Vec<u8> = pieces
                .iter()
                .flat_map(|(length, end)| b"aZ09+/=".iter().cycle().take(*length).chain(std::iter::once(end)))
                .copied()
                .collect();
            let at = at.min(text.len());
            prop_assert_eq!(next_run(&text, at), first_run(&text, at));
        }
    }
}
