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

use super::header::trimmed_end;
use super::lines_with;
use crate::name::decoded;
use crate::transfer::{Lines, yenc};

/// A file, or a part of one.
pub(super) struct File {
    pub(super) name: String,
    /// How long the whole file is, as it says.
    pub(super) size: Option<u64>,
    pub(super) content: Vec<u8>,
    /// Why the content is not all of it.
    pub(super) missing: Option<Reason>,
}

/// What a file that begins costs, and a line of it, in the units of [`candor_model::Budget::pay_work`].
const FILE: usize = 256;
const LINE: usize = 16;

/// The files in a text, each with what it cost; so much may be left to pay for it.
pub(super) fn files(text: &[u8]) -> impl FnMut(usize) -> Option<(File, usize)> {
    let mut starts = lines_with(text, b"=ybegin ");
    let mut at = 0_usize;
    move |left| {
        let start = starts.find(|start| *start >= at)?;
        let (line, body) = line(text.get(start..)?);
        let is_part = body.starts_with(b"=ypart");
        let content = if is_part { self::line(body).1 } else { body };
        let rest = text.len().saturating_sub(content.len());
        // One more than can be paid for tells that there are more.
        let Lines { content, read, count, .. } = yenc(content, (left / LINE).saturating_add(1));
        at = rest.saturating_add(read);
        Some((file(line, is_part, content), FILE.saturating_add(count.saturating_mul(LINE))))
    }
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
    (trimmed_end(line), rest)
}

fn number(line: &[u8], key: &[u8]) -> Option<u64> {
    let rest = line.get(memmem::find(line, key)?.saturating_add(key.len())..)?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..length)?).ok()?.parse().ok()
}
