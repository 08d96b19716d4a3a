//! Whether text is HTML: whether it holds one of the tags that ClamAV's own rules name.
//!
//! The tags are compared as those rules write them, most of them in two or three fixed spellings, because
//! text that is not HTML is searched as text: `List<Table>` in a program must stay text. The four tags
//! that hide something and that no program writes by accident match in any mixture of case.

use candor_model::FileType;
use memchr::memchr_iter;

/// What follows the `<` of a tag, in every spelling that counts.
const EXACT: [&[u8]; 9] =
    [b"IMG", b"Img", b"img", b"OBJECT", b"Object", b"object", b"TABLE", b"table", b"%@ LANGUAGE ="];

/// The same in any mixture of case; written in lower case.
const ANY_CASE: [&[u8]; 6] = [b"html>", b"head>", b"script", b"iframe", b"!doctype html", b"html xmlns="];

/// How far behind `<a ` an `href` is looked for.
const ANCHOR: usize = 1024;

/// Whether `bytes`, one byte a character, hold a tag.
pub(crate) fn is_html(bytes: &[u8]) -> bool {
    // An `href` after which no further anchor needs to be looked at again: keeps `<a <a <a` linear.
    let mut anchor_end = 0;
    memchr_iter(b'<', bytes).any(|at| {
        let Some(rest) = bytes.get(at.saturating_add(1)..) else { return false };
        match rest {
            [b'a' | b'A', b' ', anchor @ ..] => {
                let start = at.saturating_add(3);
                let skipped = anchor_end.max(start).saturating_sub(start);
                let end = anchor.len().min(ANCHOR);
                anchor_end = start.saturating_add(end);
                anchor.get(skipped.saturating_sub(3)..end).is_some_and(has_href)
            }
            [b'i' | b'I' | b'o' | b'O' | b't' | b'T' | b'h' | b'H' | b's' | b'S' | b'!' | b'%', ..] => {
                is_tag(rest)
            }
            _ => false,
        }
    })
}

/// Whether UTF-16 text of the given type holds a tag; only the tags that need no look further on.
pub(crate) fn is_wide_html(bytes: &[u8], file_type: FileType) -> bool {
    let low = usize::from(file_type == FileType::TextUtf16Be);
    memchr_iter(b'<', bytes).any(|at| {
        // The bytes behind the `<`, without the zeros between them; longer than any tag above.
        let Some(rest) = bytes.get(at.saturating_sub(low)..) else { return false };
        let mut narrow = [0_u8; 16];
        let (units, _) = rest.as_chunks::<2>();
        let mut length = 0_usize;
        for (slot, &[first, second]) in narrow.iter_mut().zip(units) {
            let (byte, zero) = if low == 1 { (second, first) } else { (first, second) };
            if zero != 0 {
                break;
            }
            *slot = byte;
            length = length.saturating_add(1);
        }
        match narrow.get(..length) {
            Some([b'<', tag @ ..]) => {
                is_tag(tag) || matches!(tag, [b'a' | b'A', b' ', anchor @ ..] if has_href(anchor))
            }
            _ => false,
        }
    })
}

fn is_tag(rest: &[u8]) -> bool {
    EXACT.iter().any(|tag| rest.starts_with(tag))
        || ANY_CASE
            .iter()
            .any(|tag| rest.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

/// `href` or `HREF`, with the two other spellings in use.
fn has_href(anchor: &[u8]) -> bool {
    memchr::memchr2_iter(b'h', b'H', anchor).any(|at| {
        anchor.get(at..at.saturating_add(4)).is_some_and(|word| {
            matches!(word, [b'h' | b'H', b'r' | b'R', b'e', b'f'] | [b'h' | b'H', b'r' | b'R', b'E', b'F'])
        })
    })
}
