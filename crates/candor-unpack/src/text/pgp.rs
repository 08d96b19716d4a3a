//! Messages of PGP in a text: nobody has the key, so it is told that they were not looked at.
//!
//! Layout: RFC 9580, 4.2 (packets) and 6.2 (what stands around them in a text).
//!
//! ```text
//! -----BEGIN PGP MESSAGE-----
//! Comment: perhaps fields
//!
//! packets, in base64
//! ```
//!
//! Manuals show how such messages look; one counts when its base64 begins with a packet that a message begins with. What is
//! signed and can be read as it stands (`BEGIN PGP SIGNED MESSAGE`) is text like any other.

use candor_model::{Reason, Sink};
use memchr::memmem;

use crate::transfer::{base64, is_base64_digit};
use crate::work::Work;

/// What stands before a message; behind it, old programs name the part.
const BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE";
/// Lines behind it that are looked at, and how far they reach.
const LINES: usize = 16;
const NEAR: usize = 2048;
/// Digits that a message begins with in one line.
const DIGITS: usize = 16;
/// What it costs to look behind such a line, in the units of [`candor_model::Budget::pay_work`].
const LOOK: usize = 256;

/// Tells which messages a text holds.
pub(super) fn search(text: &[u8], sink: &mut dyn Sink) {
    let mut work = Work::of(text);
    let mut told: Vec<Reason> = Vec::new();
    for at in memmem::find_iter(text, BEGIN) {
        if !work.pay(LOOK, sink) {
            return;
        }
        let behind = text.get(at.saturating_add(BEGIN.len())..).unwrap_or_default();
        let Some(reason) = armored(behind).filter(|reason| !told.contains(reason)) else { continue };
        // One is encrypted as all others are.
        told.push(reason.clone());
        sink.incomplete(reason);
    }
}

/// Why the message behind the words that it begins with is not looked at; none when there is no message.
fn armored(behind: &[u8]) -> Option<Reason> {
    let near = behind.get(..NEAR).unwrap_or(behind);
    let mut lines = near.split(|byte| *byte == b'\n');
    memmem::find(lines.next()?, b"-----")?;
    for line in lines.take(LINES) {
        // Replies have marks before each line.
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'>' | b'|' | b'\r'));
        let Some(line) = start.and_then(|start| line.get(start..)) else { continue };
        let count = line.iter().take_while(|byte| is_base64_digit(**byte)).take(DIGITS).count();
        if count == DIGITS {
            return message(&base64(line.get(..DIGITS)?));
        }
        // Nothing but fields may stand before it.
        memchr::memchr(b':', line)?;
    }
    None
}

/// Why a message that is not in base64 is not looked at; none when bytes do not begin as one.
pub(crate) fn message(bytes: &[u8]) -> Option<Reason> {
    // Some begin with a mark that says nothing.
    let marks = [&b"\xca\x03PGP"[..], b"\xa8\x03PGP"];
    let bytes = marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes);
    let first = *bytes.first().filter(|first| **first & 0x80 != 0)?;
    let kind = if first & 0x40 != 0 { first & 0x3f } else { first >> 2 & 15 };
    match kind {
        // Keys of a session, by a key or a password, and what is encrypted, in three ways.
        1 | 3 | 9 | 18 | 20 => Some(Reason::Encrypted),
        // A signature, one that is announced, packed packets, and a text.
        2 | 4 | 8 | 11 => Some(Reason::Unsupported(
            "a message of PGP that is signed or packed and not encrypted".to_owned(),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use candor_model::{FileType, Reason};

    use crate::collected::Collected;

    /// A key of a session, and what is packed.
    const ENCRYPTED: &str = "hQEMA1ZKx0hbJYyOAQf/QxJ1pMbJ8o1v5T7m0iQy8dKu4yN3sWvR6Z2aB9cD0eFg";
    const PACKED: &str = "owGbwMvMwMEYusPIZ8aUzLgMjKfFkhhSLL8fT8ovUSguyUxOLVYoyVcoSi0uUchI";

    fn told(file_type: FileType, text: &str) -> Vec<Reason> {
        Collected::of(file_type, text.as_bytes()).incomplete
    }

    fn armor(kind: &str, digits: &str) -> String {
        format!(
            "Hello\r\n-----BEGIN PGP {kind}-----\r\nVersion: 1\r\n\r\n{digits}\r\n-----END PGP {kind}-----\r\n"
        )
    }

    #[test]
    fn encrypted_messages_in_a_text_are_told() {
        let message = armor("MESSAGE", ENCRYPTED);
        for file_type in [FileType::TextAscii, FileType::Html] {
            assert_eq!(told(file_type, &message), [Reason::Encrypted]);
        }
        assert_eq!(told(FileType::TextAscii, &message.repeat(3)), [Reason::Encrypted]);
        assert_eq!(told(FileType::TextAscii, &message.replace("\r\n", "\r\n> ")), [Reason::Encrypted]);
        let part = armor("MESSAGE, PART 1/2", ENCRYPTED);
        assert_eq!(told(FileType::TextAscii, &part), [Reason::Encrypted]);
        let wide: Vec<u8> = message.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Collected::of(FileType::TextUtf16Le, &wide).incomplete, [Reason::Encrypted]);
    }

    #[test]
    fn what_is_only_signed_in_base64_is_told_and_clear_text_is_not() {
        assert!(matches!(told(FileType::TextAscii, &armor("MESSAGE", PACKED))[..], [Reason::Unsupported(_)]));
        for kind in ["SIGNED MESSAGE", "SIGNATURE", "PUBLIC KEY BLOCK"] {
            assert_eq!(told(FileType::TextAscii, &armor(kind, ENCRYPTED)), [], "{kind}");
        }
    }

    #[test]
    fn lines_that_a_message_may_begin_behind_are_paid_for() {
        let text = format!("a text {}", "-----BEGIN PGP MESSAGE-----\n".repeat(5_000));
        assert_eq!(told(FileType::TextAscii, &text), []);
        let found = Collected::without_work(FileType::TextAscii, text.as_bytes());
        assert_eq!(found.incomplete, [Reason::Work]);
    }

    #[test]
    fn manuals_that_show_what_a_message_looks_like_hold_none() {
        for digits in ["...", "your message here", "QUFBQUFBQUFBQUFBQUFBQUFB", ""] {
            assert_eq!(told(FileType::TextAscii, &armor("MESSAGE", digits)), [], "{digits}");
        }
        assert_eq!(told(FileType::TextAscii, "grep '-----BEGIN PGP MESSAGE'"), []);
    }
}
