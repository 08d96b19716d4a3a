//! Whether bytes are text, and in which encoding.
//!
//! The rule is ClamAV's, kept exactly because it decides between the signatures for text and those for
//! other data: bytes that are text in ASCII or any of its 8-bit extensions, else bytes with a byte-order
//! mark, else bytes that hold no big-endian unit below 128 that is not text. The last rule calls a good
//! part of compressed data UTF-16.

use candor_model::FileType;

/// The text encoding of `prefix`, or `None` for bytes that are no text.
pub(crate) fn classify(prefix: &[u8]) -> Option<FileType> {
    // One pass without branches, so that it is vectorised; bit 0: not text, bit 1: not ASCII.
    let seen = prefix.iter().fold(0_u8, |seen, &byte| seen | u8::from(!is_text(byte)) | (byte >> 7) << 1);
    if seen & 1 == 0 {
        return Some(if seen & 2 != 0 && is_utf8(prefix) { FileType::TextUtf8 } else { FileType::TextAscii });
    }
    wide(prefix)
}

/// BEL, BS, TAB, LF, FF, CR, ESC, everything printable, and everything above ASCII.
const fn is_text(byte: u8) -> bool {
    byte >= 0x20 && byte != 0x7f || matches!(byte, 0x07..=0x0a | 0x0c | 0x0d | 0x1b)
}

fn is_utf8(prefix: &[u8]) -> bool {
    match std::str::from_utf8(prefix) {
        Ok(_) => true,
        // The prefix may end inside of a character.
        Err(error) => error.error_len().is_none(),
    }
}

fn wide(prefix: &[u8]) -> Option<FileType> {
    match prefix {
        // A byte-order mark settles it, whatever follows.
        [0xff, 0xfe, ..] => return Some(FileType::TextUtf16Le),
        [0xfe, 0xff, ..] => return Some(FileType::TextUtf16Be),
        _ => {}
    }
    // ClamAV never looks at the first unit, where it expects the mark.
    let (units, _) = prefix.get(2..)?.as_chunks::<2>();
    let bad = units.iter().fold(false, |bad, &[high, low]| {
        bad | (high == 0 && low < 0x80 && !is_text(low)) | (high == 0xff && low == 0xfe)
    });
    if bad {
        return None;
    }
    // ClamAV calls these big-endian too. The class of signatures is the same, so this one may be right.
    let is_little = matches!(prefix, [first, 0, second, 0, ..] if is_text(*first) && is_text(*second));
    Some(if is_little { FileType::TextUtf16Le } else { FileType::TextUtf16Be })
}
