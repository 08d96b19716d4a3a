//! What comments of the Document Structuring Conventions say that it is no program: data, and previews. And strings
//! that are written in digits.

use memchr::memmem;

/// The shortest string of digits that is given, in digits.
const STRING: usize = 128;

/// How the bytes of a section are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Digits,
}

/// A section.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) bytes: &'a [u8],
}

/// The sections with binary data and digits.
pub(super) fn found(bytes: &[u8]) -> impl Iterator<Item = Section<'_>> {
    let mut covered = 0_usize;
    memmem::find_iter(bytes, b"%%Begin").filter_map(move |at| {
        if at < covered {
            return None;
        }
        let (section, end) = section(bytes, at)?;
        covered = end;
        Some(section)
    })
}

/// The section whose comment stands at `at`, and where it ends.
fn section(bytes: &[u8], at: usize) -> Option<(Section<'_>, usize)> {
    let comment = bytes.get(at..)?.strip_prefix(b"%%Begin")?;
    let line_length = memchr::memchr2(b'\r', b'\n', comment.get(..256).unwrap_or(comment))?;
    let (line, rest) = comment.split_at_checked(line_length)?;
    let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..))?;
    let start = bytes.len().checked_sub(rest.len())?;
    let colon = memchr::memchr(b':', line)?;
    let mut words =
        line.get(colon.checked_add(1)?..)?.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (name, form, end) = match line.get(..colon)? {
        b"Preview" => ("preview", Form::Digits, until(rest, b"%%EndPreview")),
        b"Binary" => ("binary", Form::Plain, counted(rest, number(words.next()), b"%%EndBinary")),
        b"Data" => {
            let (count, kind, unit) = (number(words.next()), words.next(), words.next());
            let count = count.filter(|_| unit != Some(b"Lines"));
            let form = match kind {
                Some(b"Hex") => Form::Digits,
                Some(b"Binary") => Form::Plain,
                // That stands there in the clear.
                _ => return None,
            };
            ("data", form, counted(rest, count, b"%%EndData"))
        }
        _ => return None,
    };
    let bytes = rest.get(..end)?;
    Some((Section { name, form, bytes: behind_operator(bytes) }, start.saturating_add(end)))
}

fn number(word: Option<&[u8]>) -> Option<usize> {
    std::str::from_utf8(word?).ok()?.parse().ok()
}

/// The length of a section that says it, if there is as much; else what comes before its end.
fn counted(rest: &[u8], count: Option<usize>, mark: &[u8]) -> usize {
    count.filter(|count| *count <= rest.len()).unwrap_or_else(|| until(rest, mark))
}

fn until(rest: &[u8], mark: &[u8]) -> usize {
    memmem::find(rest, mark).unwrap_or(rest.len())
}

/// The bytes behind the line with the operator that reads them.
fn behind_operator(bytes: &[u8]) -> &[u8] {
    let near = bytes.get(..64).unwrap_or(bytes);
    let Some(end) = memchr::memchr2(b'\r', b'\n', near) else { return bytes };
    let (line, behind) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    let is_operator = line.first().is_some_and(u8::is_ascii_alphabetic)
        && line.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_'))
        && !line.iter().all(u8::is_ascii_hexdigit);
    if is_operator {
        behind.strip_prefix(b"\r\n").unwrap_or(behind.get(1..).unwrap_or_default())
    } else {
        bytes
    }
}

/// Long strings of digits, without what they stand in.
pub(super) fn strings(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let start = from.checked_add(memchr::memchr(b'<', bytes.get(from..)?)?)?.checked_add(1)?;
            let rest = bytes.get(start..)?;
            let length =
                rest.iter().take_while(|byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace()).count();
            from = start.checked_add(length)?;
            // What is cut off at the end of the file is given as far as it goes.
            if length >= STRING && matches!(rest.get(length), Some(b'>') | None) {
                return rest.get(..length);
            }
        }
    })
}
