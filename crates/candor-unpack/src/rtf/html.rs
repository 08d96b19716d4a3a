//! The HTML that Outlook puts into the RTF of a mail.
//!
//! Layout: MS-OXRTFEX 2.1.3 and 3. Tags stand in groups of their own (`{\*\htmltag64 <p>}`), text stands as it is, and what is
//! for readers of RTF alone stands behind `\htmlrtf`.

use memchr::memmem;

use super::control;
use crate::reader::{Reader, clipped};

/// Where `\fromhtml1` stands at the latest: among the first ten words (2.1.3.1), each of which may have blanks around it.
const NEAR: u64 = 1024;
/// Groups inside of one another.
const DEPTH: usize = 1 << 16;
/// Groups of a document whose text is none of a reader's.
const HIDDEN: [&[u8]; 8] =
    [b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"listtable", b"pntext"];

/// Whether there is HTML within RTF.
pub(super) fn is_within(text: &[u8]) -> bool {
    memmem::find(clipped(text, 0, NEAR), b"\\fromhtml").is_some()
}

/// What counts up to the end of a group.
#[derive(Clone, Copy)]
struct Group {
    /// Whether its text is no HTML.
    is_hidden: bool,
    /// Whether what stands here is for readers of RTF alone.
    is_rtf: bool,
    /// How many characters behind one of Unicode stand for it.
    fallback: u8,
}

/// The HTML within RTF.
pub(super) fn of(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut group = Group { is_hidden: false, is_rtf: false, fallback: 1 };
    // Characters that stand for one that was given already.
    let mut skipped = 0_u8;
    let mut reader = Reader::little(text);
    while let Some(byte) = reader.u8() {
        let is_shown = !group.is_hidden && !group.is_rtf;
        match byte {
            b'{' if groups.len() >= DEPTH => break,
            b'{' => {
                groups.push(group);
                skipped = 0;
                group.is_hidden |= is_hidden(reader.rest());
            }
            b'}' => {
                let Some(outer) = groups.pop().filter(|_| !groups.is_empty()) else { break };
                (group, skipped) = (outer, 0);
            }
            b'\r' | b'\n' => {}
            b'\\' => {
                let start = reader.position();
                let (word, number) = control(&mut reader);
                let written = text.get(start..reader.position()).unwrap_or_default();
                let is_negative = written.get(word.len()) == Some(&b'-');
                match word {
                    b"htmlrtf" => group.is_rtf = !written.trim_ascii_end().ends_with(b"0"),
                    b"uc" => group.fallback = u8::try_from(number).unwrap_or(u8::MAX),
                    b"bin" => {
                        let run = clipped(reader.rest(), 0, number).len();
                        let _ = reader.skip(u64::try_from(run).unwrap_or(0));
                    }
                    b"" if skipped > 0 => skipped = skipped.saturating_sub(1),
                    _ if !is_shown => {}
                    b"u" => {
                        // Numbers of sixteen bits with a sign.
                        let code = if is_negative { 0x1_0000_u64.saturating_sub(number) } else { number };
                        out.extend_from_slice(format!("&#{code};").as_bytes());
                        skipped = group.fallback;
                    }
                    _ => out.extend_from_slice(&shown(word, written)),
                }
            }
            _ if skipped > 0 => skipped = skipped.saturating_sub(1),
            _ if is_shown => out.push(byte),
            _ => {}
        }
    }
    out
}

/// Whether a group that begins so has no HTML: groups that may be ignored but for those of tags, and some that have names.
fn is_hidden(beginning: &[u8]) -> bool {
    match beginning {
        [b'\\', b'*', rest @ ..] => !rest.trim_ascii_start().starts_with(b"\\htmltag"),
        [b'\\', rest @ ..] => HIDDEN.iter().any(|word| {
            let behind = rest.strip_prefix(*word);
            behind.is_some_and(|behind| !behind.first().is_some_and(u8::is_ascii_alphabetic))
        }),
        _ => false,
    }
}

/// What a control word or a symbol stands for (3.1.4): nothing for most.
fn shown(word: &[u8], written: &[u8]) -> Vec<u8> {
    let known: &[u8] = match (word, written) {
        (b"par" | b"line", _) => b"\r\n",
        (b"tab", _) => b"\t",
        (b"lquote", _) => b"&lsquo;",
        (b"rquote", _) => b"&rsquo;",
        (b"ldblquote", _) => b"&ldquo;",
        (b"rdblquote", _) => b"&rdquo;",
        (b"bullet", _) => b"&bull;",
        (b"endash", _) => b"&ndash;",
        (b"emdash", _) => b"&mdash;",
        (b"", b"~") => b"&nbsp;",
        (b"", b"_") => b"&shy;",
        (b"", [b'\\' | b'{' | b'}']) => written,
        (b"", [b'\'', digits @ ..]) => return crate::transfer::hexadecimal(digits),
        _ => b"",
    };
    known.to_vec()
}
