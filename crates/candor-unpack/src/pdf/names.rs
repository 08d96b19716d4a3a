//! Names that are written with escapes although nothing in them needs one: `/J#61vaScript`. Readers do not mind, and
//! those who search for the name do not find it.
//!
//! Which names count, and where, was settled by running clamscan on files with one name each: those of filters, of what
//! runs and of a few parts of a document, in a dictionary of an object, and not in strings or comments.

use candor_model::flags::triples;

use super::object_of;
use super::value::{Lexer, is_regular};
use crate::transfer::hex_pair;

/// The names.
const NAMES: [&[u8]; 33] = [
    b"A85",
    b"AHx",
    b"ASCII85Decode",
    b"ASCIIHexDecode",
    b"CCF",
    b"CCITTFaxDecode",
    b"Contents",
    b"Crypt",
    b"DCT",
    b"DCTDecode",
    b"EmbeddedFile",
    b"Filter",
    b"Fl",
    b"FlateDecode",
    b"Image",
    b"JBIG2Decode",
    b"JPXDecode",
    b"JavaScript",
    b"LZW",
    b"LZWDecode",
    b"Launch",
    b"Length",
    b"Linearized",
    b"OpenAction",
    b"Page",
    b"R",
    b"RL",
    b"RunLengthDecode",
    b"S",
    b"Sig",
    b"Standard",
    b"Type",
    b"V",
];

/// Longest name in this spelling: three characters for each of the longest.
const LONGEST: usize = 3 * 15;
/// Names of one document that are looked at more closely.
pub(super) const TRIALS: u32 = 64;
/// What an escape costs, with telling whether its name is one of them, in bytes that are read.
const JUDGING: usize = 64;
/// How far before a name its object may begin.
const OBJECT: usize = 64 << 10;

/// Whether one of them stands in `text`, in a spelling that hides it.
pub(super) fn are_hidden(text: &[u8], trials: &mut u32, pay: &mut dyn FnMut(usize) -> bool) -> bool {
    let mut judged = None;
    // Digits, and letters of either case.
    let is_digit = |byte: u8| (byte.wrapping_sub(b'0') < 10) | ((byte | 0x20).wrapping_sub(b'a') < 6);
    for at in triples(text, |first, second, third| (first == b'#') & is_digit(second) & is_digit(third)) {
        if !pay(JUDGING) {
            return false;
        }
        let before = text.get(at.saturating_sub(LONGEST)..at).unwrap_or_default();
        let Some(back) = memchr::memrchr(b'/', before) else { continue };
        let Some(start) = at.checked_sub(before.len().saturating_sub(back)) else { continue };
        // One name may have many escapes.
        if judged.replace(start) == Some(start) {
            continue;
        }
        if !is_one(text.get(start..).unwrap_or_default()) {
            continue;
        }
        *trials = match trials.checked_sub(1) {
            Some(left) if pay(start.min(OBJECT)) => left,
            _ => return false,
        };
        if is_in_dictionary(text, start) {
            return true;
        }
    }
    false
}

/// The names as numbers, which are in the same order.
static KEYS: [u128; NAMES.len()] = {
    let mut keys = [0; NAMES.len()];
    let mut index = 0;
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where it is an error")]
    while index < keys.len() {
        let mut rest = NAMES[index];
        let mut free = 128;
        while let [first, behind @ ..] = rest {
            free -= 8;
            keys[index] |= (*first as u128) << free;
            rest = behind;
        }
        index += 1;
    }
    keys
};

/// Whether the name at a slash is one of them, its escapes undone.
fn is_one(text: &[u8]) -> bool {
    let (mut key, mut free) = (0_u128, 128_u32);
    let mut rest = text.strip_prefix(b"/").unwrap_or_default();
    while let [first, behind @ ..] = rest {
        if !is_regular(*first) {
            break;
        }
        let escaped = hex_pair(behind).filter(|_| *first == b'#');
        // What is longer is none of them.
        let Some(left) = free.checked_sub(8) else { return false };
        free = left;
        key |= u128::from(escaped.unwrap_or(*first)) << free;
        rest = behind.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    KEYS.binary_search(&key).is_ok()
}

/// Whether what stands at `at` is part of a dictionary of an object.
fn is_in_dictionary(text: &[u8], at: usize) -> bool {
    let near = text.get(..at).unwrap_or_default();
    let near = near.get(near.len().saturating_sub(OBJECT)..).unwrap_or_default();
    let Some(object) = memchr::memmem::rfind(near, b"obj") else { return false };
    if near.get(..object).is_some_and(|before| before.ends_with(b"end"))
        || object_of(near, near.len()).is_none()
    {
        return false;
    }
    let mut lexer = Lexer::new(near.get(object.saturating_add(3)..).unwrap_or_default());
    let mut depth = 0_u32;
    loop {
        let rest = lexer.rest();
        match rest {
            [] => return depth > 0,
            [b'\0' | b'\t' | b'\n' | 12 | b'\r' | b' ', behind @ ..] => lexer = Lexer::new(behind),
            // A comment that goes on to the place has the name in it.
            [b'%', ..] => match memchr::memchr2(b'\r', b'\n', rest) {
                Some(end) => lexer = Lexer::new(rest.get(end..).unwrap_or_default()),
                None => return false,
            },
            [b'<', b'<', behind @ ..] => {
                depth = depth.saturating_add(1);
                lexer = Lexer::new(behind);
            }
            [b'>', b'>', behind @ ..] => {
                depth = depth.saturating_sub(1);
                lexer = Lexer::new(behind);
            }
            [b'[' | b']' | b'>' | b')' | b'{' | b'}', behind @ ..] => lexer = Lexer::new(behind),
            [b'(', ..] => {
                let _ = lexer.value();
                // So has a string.
                if lexer.rest().is_empty() && !rest.ends_with(b")") {
                    return false;
                }
            }
            _ if lexer.value().is_none() => return false,
            _ => {}
        }
    }
}
