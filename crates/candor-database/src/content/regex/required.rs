//! Strings that every match of an expression holds, read from its text without compiling it.
//!
//! Compiling takes a millisecond or two, as much as looking through megabytes does, and a scan begins without compiled expressions.
//! Most triggers hold in ordinary files (`Sub`, `function`, `CreateObject`), where the expressions then find nothing: a string of
//! theirs that is not there answers for them. Whatever is not understood ends a string or gives no answer, never a wrong one.

use memchr::memchr2_iter;

use crate::ir::RegexFlags;

/// Bytes of a string at least.
const SHORTEST: usize = 3;
/// Strings that are looked for, the longest first.
const STRINGS: usize = 6;
/// Letters that are everywhere, which none begins a search with that has others.
const COMMON: &[u8] = b" etaoinsrlcdu01()\"=.";

/// Whether `bytes` certainly hold no match. Letters count as their other case.
pub(super) fn is_absent(pattern: &str, flags: RegexFlags, bytes: &[u8]) -> bool {
    !flags.extended && strings(pattern.as_bytes()).is_some_and(|all| !all.iter().all(|one| holds(bytes, one)))
}

/// Strings outside of groups and choices that stand in every match; `None` when that cannot be told.
fn strings(pattern: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = pattern;
    let (mut all, mut run) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let mut literal = None;
        match byte {
            b'\\' => (literal, rest) = escape(rest)?,
            b'[' => rest = class(rest)?,
            b'(' => {
                rest = group(rest)?;
                depth = depth.checked_add(1)?;
            }
            b')' => depth = depth.checked_sub(1)?,
            b'|' if depth == 0 => return None,
            // What stands before may be there no time. Behind a group there is nothing to take off.
            b'*' | b'?' => {
                run.pop();
            }
            b'{' => {
                run.pop();
                let is_count = |byte: &u8| byte.is_ascii_digit() || *byte == b',' || *byte == b' ';
                let length = rest.iter().take_while(|byte| is_count(byte)).count();
                if rest.get(length) == Some(&b'}') {
                    rest = rest.get(length.checked_add(1)?..)?;
                }
            }
            b'.' | b'^' | b'$' | b'+' | b'}' | b']' | b'|' => {}
            0x20..=0x7e => literal = Some(byte),
            _ => {}
        }
        match literal {
            Some(byte) if depth == 0 => run.push(byte),
            _ => end(&mut run, &mut all),
        }
    }
    end(&mut run, &mut all);
    all.sort_by_key(|one: &Vec<u8>| std::cmp::Reverse(one.len()));
    all.truncate(STRINGS);
    Some(all)
}

fn end(run: &mut Vec<u8>, all: &mut Vec<Vec<u8>>) {
    let run = std::mem::take(run);
    if run.len() >= SHORTEST {
        all.push(run);
    }
}

/// What stands behind a backslash: a byte that means itself, and what follows.
fn escape(rest: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let (&byte, behind) = rest.split_first()?;
    let without = |is_part: fn(&u8) -> bool, most: usize| {
        let length = behind.iter().take(most).take_while(|byte| is_part(byte)).count();
        behind.get(length..)
    };
    match byte {
        b'x' if behind.first() == Some(&b'{') => {
            let length = behind.iter().position(|byte| *byte == b'}')?;
            Some((None, behind.get(length.checked_add(1)?..)?))
        }
        b'x' => Some((None, without(u8::is_ascii_hexdigit, 2)?)),
        b'0'..=b'9' => Some((None, without(u8::is_ascii_digit, usize::MAX)?)),
        b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b'b' | b'B' | b'A' | b'z' | b'Z' | b'n' | b'r' | b't'
        | b'f' | b'v' | b'h' | b'H' | b'e' | b'a' => Some((None, behind)),
        // Quotations, references, properties.
        _ if byte.is_ascii_alphanumeric() => None,
        0x20..=0x7e => Some((Some(byte), behind)),
        _ => Some((None, behind)),
    }
}

/// What follows a class whose bracket was read.
fn class(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b"^").unwrap_or(rest);
    let mut rest = rest.strip_prefix(b"]").unwrap_or(rest);
    loop {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        match byte {
            b']' => return Some(rest),
            b'\\' => {
                let (&escaped, behind) = rest.split_first()?;
                // A quotation may hold brackets, and a control character may be one.
                if matches!(escaped, b'Q' | b'E' | b'c') {
                    return None;
                }
                rest = behind;
            }
            // A class of names holds its own bracket, if it is one.
            b'[' if matches!(rest.first(), Some(b':' | b'.' | b'=')) => return None,
            _ => {}
        }
    }
}

/// What follows the bracket of a group and what kind it is of.
fn group(rest: &[u8]) -> Option<&[u8]> {
    if rest.first() == Some(&b'*') {
        return None;
    }
    let Some(kind) = rest.strip_prefix(b"?") else { return Some(rest) };
    // Comments, conditions and callouts have rules of their own, as white space under `x` has.
    let mut flags =
        kind.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-' || **byte == b'^');
    if matches!(kind.first(), Some(b'#' | b'(' | b'C' | b'&' | b'\'')) || flags.any(|byte| *byte == b'x') {
        return None;
    }
    Some(kind)
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    let place = wanted.iter().position(|byte| !COMMON.contains(&byte.to_ascii_lowercase())).unwrap_or(0);
    let Some(rare) = wanted.get(place) else { return true };
    memchr2_iter(rare.to_ascii_lowercase(), rare.to_ascii_uppercase(), bytes).any(|found| {
        let start = found.checked_sub(place);
        let part = start.and_then(|start| bytes.get(start..)?.get(..wanted.len()));
        part.is_some_and(|part| part.eq_ignore_ascii_case(wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Option<Vec<String>> {
        let all = strings(pattern.as_bytes())?;
        Some(all.into_iter().map(|one| String::from_utf8(one).unwrap()).collect())
    }

    #[test]
    fn what_every_match_holds_is_read() {
        for (pattern, expected) in [
            ("abc", vec!["abc"]),
            (r"sh\.exe\s+run", vec!["sh.exe", "run"]),
            ("abcd?efg", vec!["abc", "efg"]),
            ("abcd*efg", vec!["abc", "efg"]),
            ("abcd+?efg", vec!["abcd", "efg"]),
            ("abcd{0,2}efg", vec!["abc", "efg"]),
            ("x(abc|def)?xyz", vec!["xyz"]),
            (r"[]abc]def[^]abc]\x41234", vec!["def", "234"]),
            (r"[\]abc]d(?i)efgh", vec!["efgh"]),
            (r"abc(?!def)ghi", vec!["abc", "ghi"]),
            (r"a\1234b\x{41}bcd", vec!["bcd"]),
            ("(ab(cd[)]e)fg)hij", vec!["hij"]),
            (r"((\)abc)def)ghi", vec!["ghi"]),
        ] {
            assert_eq!(of(pattern), Some(expected.into_iter().map(str::to_owned).collect()), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_understood_gives_no_answer() {
        for pattern in [
            "abc|def",
            r"\Qabc|def\Eghi",
            "(?x)abc # d",
            "a(?x: # )\n)bcd",
            "(?#a)bcd",
            "(*UTF8)abc",
            r"\p{Lu}abc",
            r"\k<a>bcd",
            "a)bcd",
            "[abc",
            "[[:alpha:]]abc",
            "abc\\",
        ] {
            assert_eq!(of(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn case_does_not_count() {
        assert!(holds(b"xxCreateOBJECT(", b"createobject"));
        assert!(!holds(b"xxCreateOBJEC", b"createobject"));
        let flags = RegexFlags::default();
        assert!(is_absent("create.*object", flags, b"CREATE an objec"));
        assert!(!is_absent("create.*object", flags, b"CREATE an OBJECT"));
        assert!(!is_absent("create object", RegexFlags { extended: true, ..flags }, b"createobject"));
    }
}
