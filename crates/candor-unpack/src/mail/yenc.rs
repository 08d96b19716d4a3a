//! Files in yEnc, as newsgroups have them: bytes moved up by 42, with few of them escaped.
//!
//! ```text
//! =ybegin part=1 line=128 size=12345 name=a file.exe
//! =ypart begin=1 end=5000
//! the bytes
//! =yend size=5000
//! ```
//!
//! Layout: the yEnc draft 1.3. A file may come in parts, each in a mail of its own; a part is given as what it
//! is, and the rest of the file is told to be missing.

use candor_model::Reason;
use memchr::memmem;

use crate::name::decoded;
use crate::transfer::yenc;

/// A file, or a part of one.
pub(super) struct File {
    pub(super) name: String,
    /// How long the whole file is, as it says.
    pub(super) size: Option<u64>,
    pub(super) content: Vec<u8>,
    /// Why the content is not all of it.
    pub(super) missing: Option<Reason>,
}

/// The files in a text.
pub(super) fn files(text: &[u8]) -> impl Iterator<Item = File> {
    let mut at = 0_usize;
    let next = move || {
        loop {
            let start = at.saturating_add(memmem::find(text.get(at..)?, b"=ybegin ")?);
            let is_line = start == 0 || text.get(start.saturating_sub(1)) == Some(&b'\n');
            if !is_line {
                at = start.saturating_add(8);
                continue;
            }
            let (line, body) = line(text.get(start..)?);
            let is_part = body.starts_with(b"=ypart");
            let content = if is_part { self::line(body).1 } else { body };
            let rest = text.len().saturating_sub(content.len());
            let (content, used) = yenc(content);
            at = rest.saturating_add(used);
            return Some(file(line, is_part, content));
        }
    };
    std::iter::from_fn(next)
}

fn file(line: &[u8], is_part: bool, content: Vec<u8>) -> File {
    let name = memmem::find(line, b" name=").and_then(|at| line.get(at.saturating_add(6)..));
    let size = number(line, b" size=");
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let missing = match size {
        Some(size) if is_part && length < size => {
            Some(Reason::Unsupported("the other parts of a file in yEnc".to_owned()))
        }
        Some(size) if length < size => Some(Reason::Malformed("a file in yEnc is cut short".to_owned())),
        _ => None,
    };
    File { name: decoded(name.unwrap_or_default().trim_ascii()), size, content, missing }
}

/// The first line without its end, and what follows it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end.saturating_add(1));
    let (line, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (line.trim_ascii_end(), rest)
}

fn number(line: &[u8], key: &[u8]) -> Option<u64> {
    let rest = line.get(memmem::find(line, key)?.saturating_add(key.len())..)?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..length)?).ok()?.parse().ok()
}
