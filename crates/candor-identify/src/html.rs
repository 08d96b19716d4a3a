//! Whether text is HTML: whether it holds one of the tags that ClamAV's own rules name.
//!
//! The tags are compared as those rules write them, most of them in two or three fixed spellings, because
//! text that is not HTML is searched as text: `List<Table>` in a program must stay text. The four tags
//! that hide something and that no program writes by accident match in any mixture of case.

use candor_model::FileType;
use candor_model::flags::triples;
use memchr::memchr_iter;

/// How far behind `<a ` an `href` ends at most.
const ANCHOR: usize = 1024;
const HREF: usize = b"href".len();

/// Whether `bytes`, one byte a character, hold a tag.
pub(crate) fn is_html(bytes: &[u8]) -> bool {
    // Each `href` is met once, however many anchors stand before it.
    let (mut hrefs, mut href) = (hrefs(bytes), 0);
    // Two letters in either case, or what only looks like them.
    let begins = |second: u8, third: u8| {
        let (second, third) = (second | 0x20, third | 0x20);
        (second == b'a') & (third == b' ')
            | (second == b'i') & ((third == b'm') | (third == b'f'))
            | (second == b'o') & (third == b'b')
            | (second == b't') & (third == b'a')
            | (second == b'h') & ((third == b't') | (third == b'e'))
            | (second == b's') & (third == b'c')
            | (second == b'!') & (third == b'd')
            | (second == b'%') & (third == b'@' | 0x20)
    };
    triples(bytes, |first, second, third| (first == b'<') & begins(second, third)).any(|at| {
        let Some(rest) = bytes.get(at.saturating_add(1)..) else { return false };
        match rest {
            [b'a' | b'A', b' ', ..] => {
                let start = at.saturating_add(3);
                while href < start {
                    href = hrefs.next().unwrap_or(usize::MAX);
                }
                href.saturating_add(HREF) <= start.saturating_add(ANCHOR)
            }
            _ => is_tag(rest),
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

/// Whether a tag stands behind a `<`: the first of these in the spellings that are written here, the others in any mixture of
/// case.
fn is_tag(rest: &[u8]) -> bool {
    // There may be a million places where one seems to begin, and comparing arrays calls nothing.
    match rest {
        [b'I' | b'i', b'M' | b'm', ..] => matches!(rest.first_chunk(), Some(b"IMG" | b"Img" | b"img")),
        [b'O' | b'o', b'B' | b'b', ..] => {
            matches!(rest.first_chunk(), Some(b"OBJECT" | b"Object" | b"object"))
        }
        [b'T' | b't', b'A' | b'a', ..] => matches!(rest.first_chunk(), Some(b"TABLE" | b"table")),
        [b'%', b'@', ..] => matches!(rest.first_chunk(), Some(b"%@ LANGUAGE =")),
        [b'H' | b'h', b'T' | b't', b'M' | b'm', ..] => {
            is_any_case(rest, b"html>") || is_any_case(rest, b"html xmlns=")
        }
        [b'H' | b'h', b'E' | b'e', b'A' | b'a', ..] => is_any_case(rest, b"head>"),
        [b'S' | b's', b'C' | b'c', b'R' | b'r', ..] => is_any_case(rest, b"script"),
        [b'I' | b'i', b'F' | b'f', b'R' | b'r', ..] => is_any_case(rest, b"iframe"),
        [b'!', b'D' | b'd', b'O' | b'o', ..] => is_any_case(rest, b"!doctype html"),
        _ => false,
    }
}

fn is_any_case<const LENGTH: usize>(rest: &[u8], tag: &[u8; LENGTH]) -> bool {
    rest.first_chunk::<LENGTH>().is_some_and(|start| start.eq_ignore_ascii_case(tag))
}

/// Where `href` or `HREF` stands, with the two other spellings in use.
fn hrefs(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let begins = |first: u8, second: u8, third: u8| {
        (first | 0x20 == b'h') & (second | 0x20 == b'r') & (third | 0x20 == b'e')
    };
    triples(bytes, begins).filter(|at| bytes.get(*at..).and_then(<[u8]>::first_chunk).is_some_and(is_href))
}

fn has_href(anchor: &[u8]) -> bool {
    anchor.windows(4).any(|word| word.first_chunk().is_some_and(is_href))
}

fn is_href(word: &[u8; 4]) -> bool {
    matches!(word, [b'h' | b'H', b'r' | b'R', b'e', b'f'] | [b'h' | b'H', b'r' | b'R', b'E', b'F'])
}
