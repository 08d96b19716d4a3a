//! Whether text is a mail: starts with a header field that only mails start with, or holds two fields that
//! only a mail has beside each other.

use candor_model::FileType;
use memchr::memchr_iter;

/// Fields that a mail may start with.
const FIRST: [&[u8]; 21] = [
    b"authentication-results: ",
    b"arc-seal: ",
    b"date: ",
    b"delivered-to: ",
    b"delivery-date: ",
    b"dkim-signature: ",
    b"envelope-to: ",
    b"from: ",
    b"hi. this is the qmail-send",
    b"message-id: ",
    b"received-spf: ",
    b"received: ",
    b"return-path: ",
    b"subject: ",
    b"to: ",
    b"v:\nreceived: ",
    b"v:\r\nreceived: ",
    b"x-apparently-to: ",
    b"x-evs",
    b"x-symantec-",
    b"x-uidl: ",
];

/// Starts that are ordinary words but for their exact spelling.
const FIRST_EXACT: [&[u8]; 3] = [b">From ", b"For: ", b"From "];

/// Fields that make a text a mail when another of them, or a content type, follows at the start of a line.
const SENDER: [&[u8]; 5] = [b"from: ", b"message-id: ", b"received: ", b"delivered-to: ", b"return-path: "];

/// [`FileType::Mail`] or [`FileType::Mhtml`], if text that begins with `prefix` is one of them.
pub(crate) fn identify(prefix: &[u8]) -> Option<FileType> {
    if FIRST.iter().any(|field| starts_with(prefix, field))
        || FIRST_EXACT.iter().any(|field| prefix.starts_with(field))
    {
        return Some(FileType::Mail);
    }
    let (mut sender, mut version) = (false, false);
    for line in std::iter::once(0).chain(memchr_iter(b'\n', prefix).map(|at| at.saturating_add(1))) {
        let Some(line) = prefix.get(line..) else { break };
        if starts_with(line, b"content-type: ") {
            if sender {
                return Some(FileType::Mail);
            }
            if version {
                return Some(FileType::Mhtml);
            }
        } else if starts_with(line, b"mime-version: ") {
            if sender {
                return Some(FileType::Mail);
            }
            version = true;
        } else if SENDER.iter().any(|field| starts_with(line, field)) {
            sender = true;
        }
    }
    None
}

fn starts_with(text: &[u8], lower: &[u8]) -> bool {
    text.get(..lower.len()).is_some_and(|start| start.eq_ignore_ascii_case(lower))
}
