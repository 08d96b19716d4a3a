//! The part of a font that `eexec` reads: a program under a cipher with a key that everyone has.

use crate::transfer::hexadecimal;

/// The key at the start, and what it is changed by.
const KEY: u16 = 55_665;
const FACTOR: u16 = 52_845;
const SUMMAND: u16 = 22_719;
/// Bytes in front of the program that say nothing.
const SALT: usize = 4;
/// What the program ends with.
const END: &[u8] = b"closefile";

/// Where the hidden part begins behind `currentfile`, if it is read by `eexec`.
pub(super) fn start(rest: &[u8]) -> Option<usize> {
    let blanks = rest.iter().take(64).take_while(|byte| byte.is_ascii_whitespace()).count();
    let behind = rest.get(blanks..)?.strip_prefix(b"eexec")?;
    let break_length = match behind {
        [b'\r', b'\n', ..] => 2,
        [b' ' | b'\t' | b'\r' | b'\n', ..] => 1,
        _ => return None,
    };
    blanks.checked_add(b"eexec".len())?.checked_add(break_length)
}

/// The program that is hidden at the start of `hidden`, up to its end, and how many bytes of them it is.
pub(super) fn decrypted(hidden: &[u8]) -> (Vec<u8>, usize) {
    let blanks = hidden.iter().take(64).take_while(|byte| byte.is_ascii_whitespace()).count();
    let digits = hidden.get(blanks..).unwrap_or_default();
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace();
    let near = digits.get(..8).unwrap_or(digits);
    if near.iter().take(4).all(u8::is_ascii_hexdigit) && near.iter().all(is_digit) {
        let length = digits.iter().take_while(|byte| is_digit(byte)).count();
        let (plain, _) = program(&hexadecimal(digits.get(..length).unwrap_or_default()));
        return (plain, blanks.saturating_add(length));
    }
    program(hidden)
}

/// Undoes the cipher up to where the program ends, and how many bytes were read.
fn program(hidden: &[u8]) -> (Vec<u8>, usize) {
    let mut key = KEY;
    let mut plain = Vec::new();
    for (read, byte) in (0_usize..).zip(hidden) {
        let [high, _] = key.to_be_bytes();
        if read >= SALT {
            plain.push(byte ^ high);
        }
        key = key.wrapping_add(u16::from(*byte)).wrapping_mul(FACTOR).wrapping_add(SUMMAND);
        if plain.last() == END.last() && plain.ends_with(END) {
            return (plain, read.saturating_add(1));
        }
    }
    (plain, hidden.len())
}

#[cfg(test)]
mod tests {
    use super::{decrypted, start};

    #[test]
    fn a_word_and_one_blank_stand_before_it() {
        assert_eq!(start(b" eexec\n\n"), Some(7));
        assert_eq!(start(b"\neexec\r\nx"), Some(8));
        assert_eq!(start(b" eexec"), None);
        assert_eq!(start(b" eexecute x"), None);
        assert_eq!(start(b" closefile "), None);
    }

    #[test]
    fn the_cipher_is_that_of_the_book() {
        let (plain, read) = decrypted(b"\xb8\x58\x8d\xa5\x09\x44\x8c\x49\x83\x6c\x77");
        assert_eq!((plain.as_slice(), read), (&b"dup/Pri"[..], 11));
        let (plain, read) = decrypted(b"\nb8588da5\n09448c49836c77\nno more");
        assert_eq!((plain.as_slice(), read), (&b"dup/Pri"[..], 25));
    }
}
