//! Spot checks of what the table of conformance cases cannot say.

use candor_database::Subject;
use candor_database::ir::{Alternatives, Body, Element, Gap, Offset, Part, Pattern, RegexFlags};
use candor_model::{Facts, FileType, Target};

use super::{MacroGroups, body_matches, translate};

fn part(gap: Gap, elements: Vec<Element>) -> Part {
    Part { gap, elements, macro_group: None }
}

fn bytes(text: &str) -> Element {
    Element::Bytes(text.as_bytes().to_vec())
}

fn found(parts: Vec<Part>, text: &str) -> Vec<(u64, u64)> {
    let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts };
    let body = Body { target: Target::Any, pattern, macro_group: None, raw: false };
    let facts = Facts::default();
    let subject = Subject {
        bytes: text.as_bytes(),
        file_size: text.len() as u64,
        file_type: FileType::BinaryData,
        target: Target::Other,
        facts: &facts,
        parents: &[],
        rules: None,
    };
    let matches = body_matches(&body, &MacroGroups::default(), &subject);
    matches.into_iter().map(|found| (found.offset, found.length)).collect()
}

#[test]
fn a_hit_is_an_end_with_its_earliest_start() {
    let parts = || vec![part(Gap::NONE, vec![bytes("ab")]), part(Gap::ANY, vec![bytes("cd")])];
    assert_eq!(found(parts(), "ab ab cd cd"), [(0, 8), (0, 11)]);
    assert_eq!(found(parts(), "cd ab"), []);
}

#[test]
fn overlapping_hits_are_all_there() {
    assert_eq!(found(vec![part(Gap::NONE, vec![bytes("aa")])], "aaaa"), [(0, 2), (1, 2), (2, 2)]);
}

#[test]
fn branches_of_different_lengths_make_one_hit() {
    let choice = || {
        let branches = vec![vec![bytes("ab")], vec![bytes("abc")]];
        Element::Alternatives(Alternatives { negated: false, branches })
    };
    assert_eq!(found(vec![part(Gap::NONE, vec![bytes("xx"), choice()])], "xxabc"), [(0, 4)]);
    let between = vec![
        part(Gap::NONE, vec![bytes("xx"), choice()]),
        part(Gap { min: 1, max: Some(2) }, vec![bytes("yy")]),
    ];
    assert_eq!(found(between, "xxabcZZyy"), [(0, 9)]);
}

#[test]
fn perl_syntax_becomes_that_of_the_regex_crates() {
    let plain = RegexFlags::default();
    assert_eq!(translate(r"a\/b\x5\x41\0\e", plain), r"a\/b\x05\x41\x00\x1b");
    assert_eq!(translate(r"{,3}a{2,}[[a-b&-]", plain), r"\{,3\}a{2,}[\[a-b\&\-]");
    assert_eq!(translate(r"(a)\1\12[\12]", plain), r"(a)\1\x0a[\x0a]");
    assert_eq!(translate("a b[ #]", RegexFlags { extended: true, ..plain }), r"(?x)a b[\x20\#]");
    assert_eq!(translate("a$", plain), r"a(?=\n?\z)");
    assert_eq!(translate("[]a-]é", plain), r"[\]a\-]\xc3\xa9");
}
