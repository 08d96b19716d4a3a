//! What the translation must keep.

use super::*;
use crate::ir::{Expression, Offset};

fn matches(pattern: &str, flags: &str, text: &[u8]) -> Option<(usize, usize)> {
    let has = |letter: char| flags.contains(letter);
    let flags = RegexFlags {
        caseless: has('i'),
        dot_all: has('s'),
        multi_line: has('m'),
        extended: has('x'),
        anchored: has('A'),
        dollar_end_only: has('E'),
        ungreedy: has('U'),
        ..RegexFlags::default()
    };
    let regex =
        Regex { offset: Offset::ANY, trigger: Expression::Sub(0), pattern: pattern.to_owned(), flags };
    compile(&regex, 100_000).unwrap_or_else(|error| panic!("{pattern}: {error}")).find(text, 0).unwrap()
}

#[test]
fn literals_and_escapes() {
    assert_eq!(matches(r"a\_b\/c\<\>", "", b"xa_b/c<>"), Some((1, 8)));
    assert_eq!(matches(r"\x80\xff", "", b"\x7f\x80\xff"), Some((1, 3)));
    assert_eq!(matches(r"\x{41}\101\cA\e", "", b"AA\x01\x1b"), Some((0, 4)));
    assert_eq!(matches(r"\Qa.b\E.", "", b"axb.a.bz"), Some((4, 8)));
    assert_eq!(matches(r"é", "", "xé".as_bytes()), Some((1, 3)));
}

#[test]
fn classes() {
    assert_eq!(matches(r"[[\]]+", "", b"a[]["), Some((1, 4)));
    assert_eq!(matches(r"[]a]+", "", b"x]a"), Some((1, 3)));
    assert_eq!(matches(r"[a&&b]+", "", b"x&ab"), Some((1, 4)));
    assert_eq!(matches(r"[a~~b-]+", "", b"x~-"), Some((1, 3)));
    assert_eq!(matches(r"[\w-]+", "", b"!a-b"), Some((1, 4)));
    assert_eq!(matches(r"[a-c\-z-]+", "", b"!b-z"), Some((1, 4)));
    assert_eq!(matches(r"[[:digit:]x]+", "", b"ab1x"), Some((2, 4)));
    assert_eq!(matches(r"[ ab]+", "x", b"xa b"), Some((1, 4)));
    assert_eq!(matches(r"[^\x00-\x7f]+", "", b"a\x80\xfe"), Some((1, 3)));
    assert_eq!(matches(r"[\b]", "", b"a\x08"), Some((1, 2)));
}

#[test]
fn quantifiers_and_braces() {
    assert_eq!(matches(r"a{2,3}", "", b"aaaa"), Some((0, 3)));
    assert_eq!(matches(r"a{2,3}", "U", b"aaaa"), Some((0, 2)));
    assert_eq!(matches(r"x{a}", "", b"x{a}"), Some((0, 4)));
    assert_eq!(matches(r"{1}{", "", b"{1}{"), Some((0, 4)));
    assert_eq!(matches(r"a++a", "", b"aaa"), None);
    assert_eq!(matches(r"a+?b", "", b"aab"), Some((0, 3)));
}

#[test]
fn ends_of_lines() {
    assert_eq!(matches("b$", "", b"ab\n").map(|found| found.0), Some(1));
    assert_eq!(matches("b$", "E", b"ab\n"), None);
    assert_eq!(matches("a$", "m", b"a\nb"), Some((0, 1)));
    assert_eq!(matches("a$", "", b"a\nb"), None);
    assert_eq!(matches("a.b", "", b"a\nb"), None);
    assert_eq!(matches("a.b", "s", b"a\nb"), Some((0, 3)));
}

#[test]
fn what_backtracks() {
    assert_eq!(matches(r"(a|b)\1", "", b"abb"), Some((1, 3)));
    assert_eq!(matches(r"a(?!b)", "", b"abac"), Some((2, 3)));
    assert_eq!(matches(r"(?<=\x80)a", "", b"a\x80a"), Some((2, 3)));
    assert_eq!(matches(r"(?P<q>['\x22])x(?P=q)", "", b"'x\"'x'"), Some((3, 6)));
    assert_eq!(matches(r"(?>a+)b", "", b"aab"), Some((0, 3)));
    assert_eq!(matches(r"(?i)AB(?-i)c(?#note)d", "", b"abcd"), Some((0, 4)));
}
