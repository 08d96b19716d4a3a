//! What the translation must keep.

use candor_model::Facts;
use proptest::prelude::*;

use super::*;
use crate::content::evaluate::find;
use crate::ir::{Expression, Offset, RegexFlags};

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

#[test]
fn what_backtracks_is_tried_only_where_its_relaxed_form_matches() {
    // By itself each of these gives up on a text like this one.
    let text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ".repeat(4000);
    for pattern in
        [r"(?:a+)+(?=b)c", r"(a|aa)+\1b", r"(?>(?:(?=a)a|aa)+)x", r"(?<!z)(a*)*b(?!c)", r"(?:a++|a)*\Kb"]
    {
        assert_eq!(matches(pattern, "", text.as_bytes()), None, "{pattern}");
    }
    // Behind a place where it may match, it starts there.
    let text = format!("{text}yaab");
    assert_eq!(matches(r"y(?<=y)(a)\1b", "", text.as_bytes()), Some((text.len() - 4, text.len())));
}

#[test]
fn relaxed_forms() {
    let relaxed = |pattern: &str| translate(pattern, RegexFlags::default()).relaxed;
    assert_eq!(relaxed("a(b|c)"), None);
    assert_eq!(relaxed(r"a(?!b(c)[)])d").as_deref(), Some("a(?:)d"));
    assert_eq!(relaxed(r"(?<=(?=x)y)z++").as_deref(), Some("(?:)z+"));
    assert_eq!(relaxed(r"(?>a|b)\(c\Kd").as_deref(), Some(r"(?:a|b)\x28c(?:)d"));
    // A reference is what its group may match.
    assert_eq!(
        relaxed(r"(a|[^b])\1(?P<n>b+?)(?P=n)").as_deref(),
        Some("(a|[^b])(?:a|[^b])(?P<n>b+?)(?:b+?)")
    );
    assert_eq!(relaxed(r"(?:a)(\()\1\g{1}").as_deref(), Some(r"(?:a)(\x28)(?:\x28)(?:\x28)"));
    // Not where the group is not known, is open, has groups or looks around, or where flags change on the way.
    let long = format!("({})\\1", "a".repeat(257));
    let anything = [
        r"\1(a)",
        r"(a\1)",
        r"((a)b)\1",
        r"(\ba)\1",
        r"(^a)\1",
        r"(a$)\1",
        r"(?i:(a))\1",
        r"(?i)(a)\1",
        r"(a)\2",
        r"(?P<n>a)|(?P<n>b)(?P=n)",
        r"(a(?=b))\1",
        &long,
    ];
    for pattern in anything {
        assert!(relaxed(pattern).is_some_and(|relaxed| relaxed.contains("(?s:.*)")), "{pattern}");
    }
    let extended = translate("(a # b\n)\\1", RegexFlags { extended: true, ..RegexFlags::default() });
    assert!(extended.relaxed.is_some_and(|relaxed| relaxed.ends_with("(?s:.*)")));
    assert_eq!(relaxed(r"(a)?(?(1)b|c)"), None);
    assert_eq!(relaxed(r"\Ga(?=b)"), None);
}

proptest! {
    /// The relaxed form changes no answer.
    #[test]
    fn relaxed_forms_change_nothing(
        first in 0_usize..6,
        pieces in proptest::collection::vec(0_usize..17, 1..6),
        text in "[abc]{0,12}",
    ) {
        let all = [
            "a", "b", "c", "(a|b)", "(?=b)", "(?!c)", "(?<=a)", "(?<!b)", "(?:\\1)?", "a*+", "(?>ab|a)", "[ab]+", ".*?", "\\b", "\\1",
            "(?P<n>[bc]a?)", "(?:(?P=n))?",
        ];
        let firsts = ["(c?)", "([ab]+)", "(a|bc)", "(.b*?)", "(?i:(a|B))", "(\\bb)"];
        let pattern: String = std::iter::once(firsts[first]).chain(pieces.into_iter().map(|piece| all[piece])).collect();
        // A name is there once, and before it is referred to.
        prop_assume!(pattern.matches("?P<n>").count() <= 1);
        let translated = translate(&pattern, RegexFlags::default());
        let exact = fancy_regex::RegexBuilder::new(&translated.text)
            .bytes_mode(fancy_regex::BytesMode::Ascii)
            .build();
        let Ok(exact) = exact else { return Ok(()) };
        let expected = exact.find_from_pos(text.as_bytes(), 0).unwrap().map(|found| (found.start(), found.end()));
        prop_assert_eq!(matches(&pattern, "", text.as_bytes()), expected, "{}", pattern);
    }
}

proptest! {
    #[test]
    fn what_an_expression_matches_has_its_strings(
        parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 1..9),
        text in "[abcABC1(). ]{0,24}",
    ) {
        let pattern = parts.concat();
        let regex = Regex {
            offset: Offset::ANY,
            trigger: Expression::Sub(0),
            pattern: pattern.clone(),
            flags: RegexFlags::default(),
        };
        if let Ok(mut compiled) = compile(&regex, 100_000) {
            let is_found = compiled.find(text.as_bytes(), 0).is_ok_and(|found| found.is_some());
            prop_assert!(!is_found || !required::is_absent(&pattern, regex.flags, text.as_bytes()), "{pattern} {text}");
            let needed = required(&regex);
            prop_assert!(!is_found || needed.is_none_or(|needed| stands_in(&needed, text.as_bytes())), "{pattern} {text}");
        }
    }
}

/// Whether what an expression asks for is there.
fn stands_in(needed: &Required, bytes: &[u8]) -> bool {
    let layer = Layer { bytes, facts: &Facts::default() };
    let is_there = |pattern| find(pattern, layer, 1, &mut Steps::new(1 << 20)).unwrap().count > 0;
    let is_any = |choice: &Vec<Required>| choice.is_empty() || choice.iter().any(|one| stands_in(one, bytes));
    (needed.pattern.parts.is_empty() || is_there(&needed.pattern)) && needed.choices.iter().all(is_any)
}

#[test]
fn short_and_long_layers_get_the_same_answer() {
    for (pattern, text, expected) in [
        (r"b+c", "abbcbc", Some((1, 4))),
        (r"\bcat\b", "concat cat", Some((7, 10))),
        (r"(?i)x$", "aXb", None),
        (r"^b", "ab", None),
        (r"", "a", Some((0, 0))),
    ] {
        let new = || Automaton::new(parse(pattern).unwrap(), 1 << 20);
        let mut long = vec![b'.'; 70 << 10];
        let place = long.len();
        long.extend_from_slice(text.as_bytes());
        for from in 0..3 {
            let mut twice = new();
            let short = twice.find(text.as_bytes(), from).unwrap();
            assert_eq!(twice.find(text.as_bytes(), from).unwrap(), short, "{pattern}");
            let mut whole = new();
            whole.whole().unwrap();
            assert_eq!(whole.find(text.as_bytes(), from).unwrap(), short, "{pattern}");
            if from == 0 {
                assert_eq!(short, expected, "{pattern}");
            }
        }
        if expected.is_some_and(|(start, _)| start > 0) {
            let found = new().find(&long, 0).unwrap();
            assert_eq!(found, expected.map(|(start, end)| (place + start, place + end)), "{pattern}");
        }
    }
}

#[test]
fn what_was_not_asked_for_the_longest_is_forgotten_first() {
    let mut cache = RegexCache::default();
    let facts = Facts::default();
    let mut find = |number: usize| {
        let regex = Regex {
            offset: Offset::ANY,
            trigger: Expression::Sub(0),
            pattern: format!("(?:[a-c]x{number}|[^b]{{1,40}}y){{1,8}}z"),
            flags: RegexFlags::default(),
        };
        let bytes = b"ax1bx2xyz";
        let found = cache.find(&regex, Layer { bytes, facts: &facts }, 1_000, &mut Steps::new(1 << 20));
        assert!(found.is_ok());
        (cache.kept.len(), cache.memory)
    };
    let mut most = 0;
    let mut last = 0;
    for number in 1..230 {
        // The first one is asked for again and again.
        find(0);
        let (count, memory) = find(number);
        assert!(memory < MAX_KEPT + (8 << 20), "{memory} bytes");
        most = most.max(count);
        last = count;
    }
    assert!(most < 200 && last > 2, "{most} {last}");
    let is_first = |key: &[u8]| key.windows(3).any(|window| window == b"x0|");
    assert!(cache.kept.keys().any(|key| is_first(key)));
    let is_second = |key: &[u8]| key.windows(3).any(|window| window == b"x1|");
    assert!(!cache.kept.keys().any(|key| is_second(key)));
    assert_eq!(cache.memory, cache.kept.values().map(|kept| kept.memory).sum::<usize>());
}

/// What expressions are made of.
const PARTS: [&str; 34] = [
    "a", "b", "c", "abc", "ab", "bca", "?", "*", "+", "{0,2}", "{2}", "{0}", "|", "(", ")", "(?:", "(?i)",
    "(?!", "(?=", "[ab]", "[^]a]", "[])]", r"[\])c]", ".", "^", "$", r"\.", r"\(", r"\x61", r"\x{62}",
    r"\141", r"\w", r"\)", "(?i:",
];
