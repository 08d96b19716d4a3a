//! Rules answer what they mean.

use candor_model::{Digest, DigestKind, Facts, FileType, Limits, Module, ModuleValue, Target};

use crate::ir::{
    BinaryOperator, Element, Gap, Header, ModulePath, ModuleRoot, ModuleStep, Offset, Part, Pattern, Place,
    Quantifier, Receiver, Rule, RuleRegex, RuleString, Sequence, Signature, Source, Spelling, StringForm,
    StringRef, Term,
};
use crate::{Builder, Hit, Image, Inspection, Inspector, Scratch, Subject};

/// Knows a program with one section and two certificates.
#[derive(Debug)]
struct Known;

impl Inspector for Known {
    fn module(&self, module: Module) -> ModuleValue {
        if module != Module::Pe {
            return ModuleValue::Undefined;
        }
        let text = |text: &str| ModuleValue::Text(text.as_bytes().to_vec());
        let certificate = |serial, from, to| {
            ModuleValue::Structure(vec![
                ("serial", text(serial)),
                ("not_before", ModuleValue::Integer(from)),
                ("not_after", ModuleValue::Integer(to)),
            ])
        };
        let section = ModuleValue::Structure(vec![
            ("name", text(".text")),
            ("raw_data_offset", ModuleValue::Integer(4)),
            ("raw_data_size", ModuleValue::Integer(8)),
        ]);
        let export =
            ModuleValue::Structure(vec![("name", text("Run")), ("ordinal", ModuleValue::Integer(7))]);
        let function = |name: &str| ModuleValue::Structure(vec![("name", text(name))]);
        let import = ModuleValue::Structure(vec![
            ("library_name", text("KERNEL32.dll")),
            ("functions", ModuleValue::Array(vec![function("VirtualAlloc"), function("HeapFree")])),
        ]);
        ModuleValue::Structure(vec![
            ("is_pe", ModuleValue::Integer(1)),
            ("imphash", text("0123")),
            ("number_of_signatures", ModuleValue::Integer(2)),
            (
                "signatures",
                ModuleValue::Array(vec![certificate("01:02", 10, 20), certificate("03:04", 30, 40)]),
            ),
            ("number_of_sections", ModuleValue::Integer(1)),
            ("sections", ModuleValue::Array(vec![section])),
            ("export_details", ModuleValue::Array(vec![export])),
            ("import_details", ModuleValue::Array(vec![import])),
            ("version_info", ModuleValue::Dictionary(vec![(b"CompanyName".to_vec(), text("Example"))])),
        ])
    }

    fn digest(&self, kind: DigestKind, bytes: &[u8]) -> Option<Digest> {
        // Only its length: what makes a digest is not what is tested here.
        let mut digest = vec![0; kind.length()];
        digest[0] = u8::try_from(bytes.len() % 256).unwrap();
        Digest::new(&digest)
    }
}

fn image(rules: Vec<Rule>) -> Image {
    let mut builder = Builder::new();
    let source = builder
        .source(Source {
            name: "test.yar".to_owned(),
            language: "yara",
            official: false,
            potentially_unwanted: false,
        })
        .unwrap();
    for (index, rule) in rules.into_iter().enumerate() {
        let line = u32::try_from(index).unwrap() + 1;
        builder.add(Header { name: &format!("YARA.{index}"), source, line }, Signature::Rule(rule)).unwrap();
    }
    Image::from_vec(builder.finish().unwrap()).unwrap()
}

fn search(image: &Image, bytes: &[u8], name: &str) -> Vec<Hit> {
    let facts = Facts::default();
    let subject = Subject {
        bytes,
        file_type: FileType::BinaryData,
        target: Target::Other,
        file_size: bytes.len() as u64,
        facts: &facts,
        parents: &[],
        rules: Some(Inspection { name, inspector: &Known, alone: false }),
    };
    let mut hits = Vec::new();
    let trouble = image.search(&subject, &Limits::default(), &mut Scratch::new(), &mut hits);
    assert_eq!(trouble, []);
    hits
}

fn matches(rule: Rule, bytes: &[u8]) -> bool {
    !search(&image(vec![rule]), bytes, "folder/file.txt").is_empty()
}

fn holds(condition: Term) -> bool {
    matches(rule(Vec::new(), condition), b"MZ some bytes of a layer")
}

fn rule(strings: Vec<RuleString>, condition: Term) -> Rule {
    Rule { tags: Vec::new(), strings, condition }
}

fn string(form: StringForm) -> RuleString {
    RuleString { name: "a".to_owned(), private: false, full_word: false, form }
}

fn text(text: &str) -> RuleString {
    let spelling = Spelling { bytes: text.as_bytes().to_vec(), wide: false, key: 0 };
    string(StringForm::Text { spellings: vec![spelling], ignore_case: false })
}

fn regex(pattern: &str, wide: bool) -> RuleString {
    let regex = RuleRegex { pattern: pattern.to_owned(), ignore_case: false, dot_all: false };
    string(StringForm::Regex { regex, ascii: !wide, wide })
}

fn hex(parts: Vec<(Gap, &[u8])>) -> RuleString {
    let parts = parts
        .into_iter()
        .map(|(gap, bytes)| Part { gap, elements: vec![Element::Bytes(bytes.to_vec())], macro_group: None })
        .collect();
    string(StringForm::Hex(Pattern { offset: Offset::ANY, ignore_case: false, parts }))
}

fn there(number: u32) -> Term {
    Term::String { string: StringRef::Number(number), place: Place::Anywhere }
}

fn binary(operator: BinaryOperator, left: Term, right: Term) -> Term {
    Term::Binary(operator, Box::new(left), Box::new(right))
}

fn equal(left: Term, right: Term) -> Term {
    binary(BinaryOperator::Equal, left, right)
}

fn count(number: u32) -> Term {
    Term::Count { string: StringRef::Number(number), range: None }
}

fn offset(number: u32, index: i64) -> Term {
    Term::Offset { string: StringRef::Number(number), index: Box::new(Term::Integer(index)) }
}

fn length(number: u32, index: i64) -> Term {
    Term::Length { string: StringRef::Number(number), index: Box::new(Term::Integer(index)) }
}

fn module(module: Module, steps: Vec<ModuleStep>) -> Term {
    Term::Module(ModulePath { root: ModuleRoot::Module(module), steps })
}

fn call(of: Module, name: &str, arguments: Vec<Term>) -> Term {
    module(of, vec![ModuleStep::Field(name.to_owned()), ModuleStep::Call(0, arguments)])
}

/// How often the string is counted, where its matches start and how long they are.
fn spans(string: RuleString, bytes: &[u8]) -> Vec<(u64, u64)> {
    let image = image(vec![rule(vec![string], binary(BinaryOperator::Greater, count(0), Term::Integer(0)))]);
    let hits = search(&image, bytes, "");
    hits.into_iter().flat_map(|hit| hit.matches).map(|found| (found.offset, found.length)).collect()
}

#[test]
fn a_text_is_found_with_where_it_stands() {
    let image = image(vec![rule(vec![text("sought-after")], there(0)), rule(vec![text("other")], there(0))]);
    let hits = search(&image, b"what is sought-after", "");
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].signature.0, 0);
    assert_eq!(hits[0].matches[0].offset, 8);
    assert_eq!(hits[0].matches[0].subsignature, Some(0));
    assert!(search(&image, b"nothing of the kind", "").is_empty());
}

#[test]
fn matches_that_overlap_count() {
    assert_eq!(spans(text("aa"), b"aaaa"), [(0, 2), (1, 2), (2, 2)]);
    assert_eq!(spans(regex("a[ab]{2}", false), b"aaab"), [(0, 3), (1, 3)]);
}

#[test]
fn the_shortest_match_of_a_hexadecimal_string_counts_for_each_start() {
    let gap = Gap { min: 0, max: Some(4) };
    assert_eq!(spans(hex(vec![(Gap::NONE, b"AB"), (gap, b"CD")]), b"ABABxCDCD"), [(0, 7), (2, 5)]);
    assert_eq!(
        spans(hex(vec![(Gap::NONE, b"AB"), (Gap::ANY, b"CD")]), b"AB..AB...CD..CD"),
        [(0, 11), (4, 7)]
    );
    assert_eq!(spans(hex(vec![(Gap::NONE, b"AB"), (Gap::ANY, b"CD")]), b"CD..AB"), []);
}

/// Bytes with anything between them, as code is whose addresses were left out.
fn code(text: &str) -> RuleString {
    let elements = text.split(' ').map(|byte| match u8::from_str_radix(byte, 16) {
        Ok(byte) => Element::Bytes(vec![byte]),
        Err(_) => Element::Masked { value: 0, mask: 0 },
    });
    let parts = vec![Part { gap: Gap::NONE, elements: elements.collect(), macro_group: None }];
    string(StringForm::Hex(Pattern { offset: Offset::ANY, ignore_case: false, parts }))
}

#[test]
fn bytes_with_anything_between_them_are_found_wherever_they_stand() {
    let mut state = 7_u64;
    let mut layer: Vec<u8> = Vec::new();
    for _ in 0..3_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        layer.push([0x8b, 0x83, 0xc3, 0xe8, 0x45][(state >> 60) as usize % 5]);
    }
    // A place in the middle, the very first and the very last one.
    for text in ["8B ?? ?? 83 ?? E8", "8B ?? ?? 83 ?? E8 ?? ?? ?? C3 ?? 45 ?? 8B", "?? 83 ?? C3 ?? 45 ?? ??"]
    {
        let wanted: Vec<Option<u8>> = text.split(' ').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        let stands = |window: &[u8]| {
            window.iter().zip(&wanted).all(|(byte, wanted)| wanted.is_none_or(|wanted| wanted == *byte))
        };
        for cut in 0..70 {
            let layer = &layer[cut..layer.len() - cut];
            let number = layer.windows(wanted.len()).filter(|window| stands(window)).count();
            assert!(number > 0 || cut > 0, "{text}");
            let many = equal(count(0), Term::Integer(i64::try_from(number).unwrap()));
            assert!(matches(rule(vec![code(text)], many), layer), "{text}: {number} times, {cut} cut off");
        }
    }
}

#[test]
fn what_is_not_there_decides_a_rule_whatever_stands_beside_it() {
    let strings = || {
        let known = ["first of all", "second of all", "third of all", "fourth of all", "a missing string"];
        known.into_iter().map(text).collect::<Vec<_>>()
    };
    let layer = b"first of all, second of all, third of all, fourth of all";
    let of = |quantifier| Term::Of { quantifier, strings: vec![0, 1, 2, 3, 4], place: Place::Anywhere };
    let least = |count| Quantifier::AtLeast(Box::new(Term::Integer(count)));
    for (condition, expected) in [
        (of(Quantifier::All), false),
        (of(least(5)), false),
        (of(least(4)), true),
        (of(Quantifier::None), false),
        (Term::And((0..4).map(there).collect()), true),
        (Term::And((0..5).map(there).collect()), false),
        (Term::Or(vec![there(4), Term::And((0..4).map(there).collect())]), true),
    ] {
        // Looked for first, so that it is known of all what windows the layer has.
        let all = Term::And(vec![Term::Or((0..5).rev().map(there).collect()), condition.clone()]);
        for condition in [condition.clone(), all] {
            assert_eq!(matches(rule(strings(), condition.clone()), layer), expected, "{condition:?}");
        }
    }
}

#[test]
fn a_regular_expression_matches_as_far_as_it_likes() {
    assert_eq!(spans(regex("ab+", false), b"abbbcab"), [(0, 4), (5, 2)]);
    assert_eq!(spans(regex("ab+?", false), b"abbb"), [(0, 2)]);
}

#[test]
fn no_match_is_longer_than_the_limit() {
    let long = [b"ab".as_slice(), &[b'x'; 5000], b"cd", &[b'x'; 100], b"abxcd"].concat();
    assert_eq!(spans(regex("ab.*cd", false), &long), [(5104, 5)]);
}

#[test]
fn a_wide_expression_wants_a_zero_behind_each_byte() {
    assert_eq!(spans(regex("ab+c", true), b"abc..a\0b\0b\0c\0"), [(5, 8)]);
    assert_eq!(spans(regex(r"\bab\b", true), b"x\0a\0b\0 \0a\0b\0"), [(8, 4)]);
}

#[test]
fn a_full_word_stands_alone() {
    let word = |text: &str| RuleString { full_word: true, ..self::text(text) };
    assert_eq!(spans(word("ab"), b"abc ab xab ab"), [(4, 2), (11, 2)]);
    let expression = RuleString { full_word: true, ..regex("ab+", false) };
    assert_eq!(spans(expression, b"xabb abb abbx"), [(5, 3)]);
}

#[test]
fn a_full_word_may_have_any_length_that_an_expression_allows() {
    let word = |pattern: &str, wide| RuleString { full_word: true, ..regex(pattern, wide) };
    let wide = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
    for (pattern, bytes, expected) in [
        ("ab(?: c)?", &b"ab c1, ab c"[..], vec![(0, 2), (7, 4)]),
        ("ab(?: c)??", b"ab c1, ab c", vec![(0, 2), (7, 2)]),
        // The shorter one is preferred and does not stand alone, at the end and before it.
        ("ab(?:c|d)??", b".abc", vec![(1, 3)]),
        ("ab(?:c|d)??", b"abd_", vec![(0, 3)]),
        ("ab(?:,|,c)", b"ab,c", vec![(0, 4)]),
        ("ab,?", b"ab,", vec![(0, 3)]),
        ("ab,??", b"ab,", vec![(0, 2)]),
        ("a(b)(?:1|(2))", b"ab2", vec![(0, 3)]),
        ("ab+", b"1abb abb1 abb", vec![(10, 3)]),
        ("ab$", b"ab ab", vec![(3, 2)]),
    ] {
        assert_eq!(spans(word(pattern, false), bytes), expected, "{pattern}");
        let doubled: Vec<(u64, u64)> =
            expected.iter().map(|(start, length)| (2 * start, 2 * length)).collect();
        assert_eq!(spans(word(pattern, true), &wide(bytes)), doubled, "{pattern}, wide");
    }
    // What stands behind is a neighbour only if it is wide as well, and is no part of the match.
    assert_eq!(spans(word("ab(?: c)?", true), b"a\0b\0 \0c\x001"), [(0, 8)]);
    assert_eq!(spans(word("ab(?: c)?", true), b"a\0b\0 \0c\x001\0"), [(0, 4)]);
    assert_eq!(spans(word("ab.?", true), b"a\0b\0 xx"), [(0, 4)]);
    assert_eq!(spans(word("ab$", true), b"a\0b\0a\0b\0 "), []);
}

#[test]
fn the_longest_match_is_a_full_word_by_what_stands_behind_it() {
    let word = |wide| RuleString { full_word: true, ..regex("a_*", wide) };
    for (behind, expected) in [(&b"_"[..], 4096), (b"1", 4095), (b"", 4096)] {
        let narrow = [b"a".to_vec(), b"_".repeat(4095), behind.to_vec()].concat();
        assert_eq!(spans(word(false), &narrow), [(0, expected)]);
    }
    let wide = [b"a\0".to_vec(), b"_\0".repeat(2047), b"1\0".to_vec()].concat();
    assert_eq!(spans(word(true), &wide), [(0, 4094)]);
    assert_eq!(spans(word(true), &wide[..4096]), [(0, 4096)]);
}

#[test]
fn words_of_what_is_wide_begin_and_end_between_pairs() {
    let wide = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
    for (pattern, bytes, expected) in [
        (r"ab\b.cd", &b"ab cd"[..], vec![(0, 10)]),
        (r"ab\b.cd", b"ab_cd", vec![]),
        (r"ab\B.cd", b"ab_cd", vec![(0, 10)]),
        (r"ab(?: c)?\b", b"ab cd", vec![(0, 4)]),
        (r"\bab+", b"xab abb", vec![(8, 6)]),
        (r"^\bab\b$", b"ab", vec![(0, 4)]),
    ] {
        assert_eq!(spans(regex(pattern, true), &wide(bytes)), expected, "{pattern}");
    }
}

#[test]
fn of_spellings_at_one_place_the_shortest_counts_that_stands_alone() {
    let plain = Spelling { bytes: b"a".to_vec(), wide: false, key: 0 };
    let wide = Spelling { bytes: b"a\0".to_vec(), wide: true, key: 0 };
    let text = |full_word| {
        let spellings = vec![wide.clone(), plain.clone()];
        RuleString { full_word, ..string(StringForm::Text { spellings, ignore_case: true }) }
    };
    let bytes = b"A\0b\0 xA\0  a";
    assert_eq!(spans(text(false), bytes), [(0, 1), (6, 1), (10, 1)]);
    assert_eq!(spans(text(true), bytes), [(0, 1), (6, 2), (10, 1)]);
}

#[test]
fn places_are_asked_for() {
    let at = |place: i64| Term::String {
        string: StringRef::Number(0),
        place: Place::At(Box::new(Term::Integer(place))),
    };
    let within = |from: i64, to: i64| Term::String {
        string: StringRef::Number(0),
        place: Place::In(Box::new((Term::Integer(from), Term::Integer(to)))),
    };
    for (condition, expected) in [
        (at(4), true),
        (at(3), false),
        (at(-1), false),
        (within(0, 3), false),
        (within(0, 4), true),
        (within(5, 99), false),
    ] {
        assert_eq!(
            matches(rule(vec![text("sought")], condition.clone()), b"....sought"),
            expected,
            "{condition:?}"
        );
    }
}

#[test]
fn counts_offsets_and_lengths_are_values() {
    let strings = || vec![text("ab")];
    let bytes = b"ab..ab.ab";
    for (condition, expected) in [
        (equal(count(0), Term::Integer(3)), true),
        (equal(offset(0, 2), Term::Integer(4)), true),
        (equal(offset(0, 4), Term::Integer(4)), false),
        (Term::Not(Box::new(equal(offset(0, 4), Term::Integer(4)))), false),
        (equal(length(0, 1), Term::Integer(2)), true),
        (binary(BinaryOperator::Less, count(0), Term::Integer(1)), false),
    ] {
        assert_eq!(matches(rule(strings(), condition.clone()), bytes), expected, "{condition:?}");
    }
}

#[test]
fn a_rule_that_nothing_finds_is_asked_everywhere() {
    let absent = Term::Not(Box::new(there(0)));
    assert!(matches(rule(vec![text("absent")], absent.clone()), b"a layer"));
    assert!(!matches(rule(vec![text("absent")], absent.clone()), b"absent here"));
    let small = binary(BinaryOperator::Less, Term::FileSize, Term::Integer(8));
    let guarded = Term::And(vec![absent, small]);
    assert!(matches(rule(vec![text("absent")], guarded.clone()), b"a layer"));
    assert!(!matches(rule(vec![text("absent")], guarded), b"a longer layer"));
}

#[test]
fn so_many_of_some_strings_are_asked_for() {
    let strings = || vec![text("first"), text("second"), text("third")];
    let of = |quantifier| Term::Of { quantifier, strings: vec![0, 1, 2], place: Place::Anywhere };
    let least = |count| Quantifier::AtLeast(Box::new(Term::Integer(count)));
    let share = |share| Quantifier::Percent(Box::new(Term::Integer(share)));
    for (quantifier, expected) in [
        (Quantifier::All, false),
        (Quantifier::Any, true),
        (Quantifier::None, false),
        (least(2), true),
        (least(3), false),
        (share(66), true),
        (share(67), false),
    ] {
        let found = matches(rule(strings(), of(quantifier.clone())), b"the first and the third");
        assert_eq!(found, expected, "{quantifier:?}");
    }
    assert!(matches(rule(strings(), of(Quantifier::None)), b"nothing"));
}

#[test]
fn more_strings_than_there_are_can_be_asked_for() {
    let many: Vec<RuleString> = (0..5_000).map(|number| text(&format!("string number {number}"))).collect();
    let of = |least| Term::Of {
        quantifier: Quantifier::AtLeast(Box::new(Term::Integer(least))),
        strings: (0..5_000).collect(),
        place: Place::Anywhere,
    };
    assert!(!matches(rule(many.clone(), of(i64::MAX)), b"string number 1, string number 2"));
    assert!(!matches(rule(many.clone(), of(2_500)), b"string number 1, string number 2"));
    assert!(matches(rule(many, of(2)), b"string number 1, string number 4999"));
}

#[test]
fn modules_are_asked() {
    let pe = |steps: Vec<&str>| {
        module(Module::Pe, steps.into_iter().map(|name| ModuleStep::Field(name.to_owned())).collect())
    };
    let text = |text: &str| Term::Text(text.as_bytes().to_vec());
    assert!(holds(equal(pe(vec!["number_of_sections"]), Term::Integer(1))));
    assert!(!holds(equal(pe(vec!["number_of_imports"]), Term::Integer(1))));
    // A constant, whatever the layer is.
    assert!(holds(equal(pe(vec!["DLL"]), Term::Integer(0x2000))));
    assert!(holds(equal(call(Module::Pe, "imphash", vec![]), text("0123"))));
    assert!(!holds(equal(call(Module::Pe, "imphash", vec![]), text("0124"))));
    assert!(holds(call(Module::Pe, "exports", vec![text("run")])));
    assert!(!holds(call(Module::Pe, "exports", vec![text("ran")])));
    assert!(holds(call(Module::Pe, "imports", vec![text("kernel32.DLL"), text("virtualalloc")])));
    assert!(!holds(call(Module::Pe, "imports", vec![text("user32.dll"), text("VirtualAlloc")])));
    let like = |library: &str, name: &str| {
        let regex =
            |pattern: &str| RuleRegex { pattern: pattern.to_owned(), ignore_case: false, dot_all: false };
        let regexes = vec![regex(library), regex(name)];
        let steps = |arguments| {
            vec![
                ModuleStep::Field("imports".to_owned()),
                ModuleStep::CallRegex(3, arguments, regexes.clone()),
            ]
        };
        let standard = module(Module::Pe, steps(Vec::new()));
        let delayed = module(Module::Pe, steps(vec![Term::Integer(2)]));
        assert!(holds(equal(delayed, Term::Integer(0))));
        standard
    };
    // How many, not whether.
    assert!(holds(equal(like("^KERNEL32", "Virtual|Heap"), Term::Integer(2))));
    assert!(holds(equal(like("^KERNEL32", "Free"), Term::Integer(1))));
    assert!(holds(equal(like("^kernel32", "Virtual"), Term::Integer(0))));
    assert!(holds(equal(like("^USER32", "Virtual"), Term::Integer(0))));
    assert!(holds(equal(call(Module::Pe, "section_index", vec![text(".text")]), Term::Integer(0))));
    let company = module(
        Module::Pe,
        vec![ModuleStep::Field("version_info".to_owned()), ModuleStep::Index(Box::new(text("CompanyName")))],
    );
    assert!(holds(binary(BinaryOperator::Contains, company, text("xamp"))));
    assert!(holds(equal(
        call(Module::Math, "max", vec![Term::Integer(3), Term::Integer(4)]),
        Term::Integer(4)
    )));
    assert!(holds(equal(
        call(Module::Hash, "md5", vec![Term::Integer(0), Term::FileSize]),
        text("18000000000000000000000000000000")
    )));
    let checksum = call(Module::Hash, "crc32", vec![text("123456789")]);
    assert!(holds(equal(checksum, Term::Integer(0xcbf4_3926))));
}

#[test]
fn nothing_is_less_than_a_floating_point_number_without_a_value() {
    let float = |value: f64| Term::Float(value.to_bits());
    let entropy =
        |from, length| call(Module::Math, "entropy", vec![Term::Integer(from), Term::Integer(length)]);
    let not = |term| Term::Not(Box::new(term));
    let less = |left, right| binary(BinaryOperator::Less, left, right);
    // Behind the end there are no bytes to measure.
    assert!(holds(not(less(entropy(999, 3), float(2.0)))));
    assert!(!holds(less(entropy(999, 3), float(2.0))));
    assert!(holds(not(less(binary(BinaryOperator::Add, entropy(999, 3), float(1.0)), Term::Integer(2)))));
    let nowhere = Term::Read { size: 1, signed: false, big_endian: false, at: Box::new(Term::Integer(999)) };
    assert!(holds(not(less(float(1.5), nowhere.clone()))));
    // Every other comparison has no value then, and neither have integers.
    assert!(!holds(not(binary(BinaryOperator::Greater, float(2.0), entropy(999, 3)))));
    assert!(!holds(not(equal(entropy(999, 3), float(2.0)))));
    assert!(!holds(not(less(nowhere, Term::Integer(2)))));
    assert!(holds(equal(entropy(2, 0), float(0.0))));
}

#[test]
fn a_rule_is_found_by_the_serial_number_of_any_certificate() {
    let field = |name: &str| ModuleStep::Field(name.to_owned());
    let of_signature = |name: &str| {
        module(
            Module::Pe,
            vec![field("signatures"), ModuleStep::Index(Box::new(Term::Variable(0))), field(name)],
        )
    };
    let rule_of = |serial: &str, before: i64| {
        let condition = Term::And(vec![
            equal(of_signature("serial"), Term::Text(serial.as_bytes().to_vec())),
            binary(BinaryOperator::LessOrEqual, Term::Integer(before), of_signature("not_after")),
        ]);
        let all = Box::new((Term::Integer(0), module(Module::Pe, vec![field("number_of_signatures")])));
        rule(
            Vec::new(),
            Term::ForIn {
                quantifier: Quantifier::Any,
                variables: vec![0],
                sequence: Sequence::Range(all),
                body: Box::new(condition),
            },
        )
    };
    let image =
        image(vec![rule_of("01:02", 15), rule_of("03:04", 50), rule_of("05:06", 0), rule_of("03:04", 40)]);
    let found: Vec<u32> = search(&image, b"MZ", "").iter().map(|hit| hit.signature.0).collect();
    assert_eq!(found, [0, 3]);
}

#[test]
fn names_of_layers_are_told() {
    let is = |external, text: &str| equal(Term::External(external), Term::Text(text.as_bytes().to_vec()));
    assert!(holds(is(crate::ir::External::FileName, "file.txt")));
    assert!(holds(is(crate::ir::External::FilePath, "folder/file.txt")));
    assert!(holds(is(crate::ir::External::Extension, ".txt")));
}

#[test]
fn rules_are_not_looked_for_where_nobody_inspects() {
    let image = image(vec![rule(vec![text("sought-after")], there(0))]);
    let facts = Facts::default();
    let subject = Subject {
        bytes: b"sought-after",
        file_type: FileType::BinaryData,
        target: Target::Other,
        file_size: 12,
        facts: &facts,
        parents: &[],
        rules: None,
    };
    let mut hits = Vec::new();
    assert_eq!(image.search(&subject, &Limits::default(), &mut Scratch::new(), &mut hits), []);
    assert_eq!(hits, []);
}
