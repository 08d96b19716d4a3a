//! Rules of YARA: the table of cases in `testdata/rules/`, and rules made at random. Each is tried on the naive evaluation, on an
//! image, and on that image after it went through a file.
//!
//! ```toml
//! [[case]]
//! name = "what is shown"
//! rules = 'rule A { … }'
//! [[case.file]]
//! bytes = ["..abc"]                 # a recipe
//! hits = ["A"]                      # names of the rules that match
//! spans = ["A:0:2+3"]               # every match: rule, number of the string, offset, length; left out: not of interest
//! ```

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use candor_database::ir::{
    Alternatives, BinaryOperator, Element, Gap, Header, Offset, Part, Pattern, Place, Quantifier, Receiver,
    Rule, RuleRegex, RuleString, Sequence, Signature, Source, Spelling, StringForm, StringRef, Term,
};
use candor_database::{Builder, Image, Inspection, Inspector, Scratch, Subject};
use candor_fixtures::collect::Collection;
use candor_fixtures::naive::rule_matches;
use candor_fixtures::recipe::{Piece, build};
use candor_model::{Digest, DigestKind, Facts, FileType, Limits, Module, ModuleValue, Target};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rules: String,
    file: Vec<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bytes: Vec<Piece>,
    hits: BTreeSet<String>,
    #[serde(default)]
    spans: Option<BTreeSet<String>>,
}

/// Knows nothing but digests.
#[derive(Debug)]
struct Digests;

impl Inspector for Digests {
    fn module(&self, _: Module) -> ModuleValue {
        ModuleValue::Undefined
    }

    fn digest(&self, kind: DigestKind, bytes: &[u8]) -> Option<Digest> {
        use sha2::Digest as _;
        match kind {
            DigestKind::Md5 => Digest::new(&md5::Md5::digest(bytes)),
            DigestKind::Sha1 => Digest::new(&sha1::Sha1::digest(bytes)),
            DigestKind::Sha256 => Digest::new(&sha2::Sha256::digest(bytes)),
        }
    }
}

fn subject<'a>(bytes: &'a [u8], facts: &'a Facts) -> Subject<'a> {
    Subject {
        bytes,
        file_type: FileType::BinaryData,
        target: Target::Other,
        file_size: bytes.len() as u64,
        facts,
        parents: &[],
        rules: Some(Inspection { name: "folder/file.bin", inspector: &Digests, alone: false }),
    }
}

/// An image of those rules that can be evaluated, and their names and meanings.
fn image(rules: Vec<(String, Rule)>) -> (Vec<u8>, Vec<(String, Rule)>) {
    let mut builder = Builder::new();
    let source = Source {
        name: "test.yar".to_owned(),
        language: "yara",
        official: false,
        potentially_unwanted: false,
    };
    let source = builder.source(source).unwrap();
    let mut kept = Vec::new();
    for (name, rule) in rules {
        if builder.add(Header { name: &name, source, line: 1 }, Signature::Rule(rule.clone())).is_ok() {
            kept.push((name, rule));
        }
    }
    (builder.finish().unwrap(), kept)
}

fn reopened(image: &[u8]) -> [Image; 2] {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(image).unwrap();
    let mapped = Image::open(&file).unwrap();
    mapped.check().unwrap();
    [Image::from_vec(image.to_vec()).unwrap(), mapped]
}

/// Names of the rules that an image finds, and where their strings are.
fn searched(image: &Image, bytes: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let facts = Facts::default();
    let mut hits = Vec::new();
    let reasons = image.search(&subject(bytes, &facts), &Limits::default(), &mut Scratch::new(), &mut hits);
    assert_eq!(reasons, []);
    let mut found = (BTreeSet::new(), BTreeSet::new());
    for hit in hits {
        let name = image.signature(hit.signature).unwrap().name;
        found.1.extend(hit.matches.iter().map(|span| spell(&name, span)));
        found.0.insert(name);
    }
    found
}

fn naively(rules: &[(String, Rule)], bytes: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let facts = Facts::default();
    let subject = subject(bytes, &facts);
    let mut found = (BTreeSet::new(), BTreeSet::new());
    for (name, rule) in rules {
        if let Some(spans) = rule_matches(rule, &subject) {
            found.0.insert(name.clone());
            found.1.extend(spans.iter().map(|span| spell(name, span)));
        }
    }
    found
}

fn spell(name: &str, span: &candor_model::Match) -> String {
    let string = span.subsignature.map_or(String::new(), |number| number.to_string());
    let name = name.strip_prefix("YARA.").unwrap_or(name);
    format!("{name}:{string}:{}+{}", span.offset, span.length)
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/rules");
    let mut paths: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| -> Document {
        toml::from_str(&std::fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    paths.iter().flat_map(|path| read(path).case).collect()
}

#[test]
fn cases_hold_for_the_definition_and_for_images() {
    let all = cases();
    assert!(all.len() >= 20, "{} cases", all.len());
    let mut failures = Vec::new();
    for case in all {
        let (collection, said) = Collection::load_all(&[("case.yar".to_owned(), case.rules.clone())]);
        if !said.is_empty() {
            let said: Vec<String> = said.iter().map(ToString::to_string).collect();
            failures.push(format!("{}: {}", case.name, said.join("; ")));
            continue;
        }
        let rules: Vec<(String, Rule)> = collection
            .signatures
            .into_iter()
            .filter_map(|named| match named.signature {
                Signature::Rule(rule) => Some((named.name, rule)),
                _ => None,
            })
            .collect();
        let count = rules.len();
        let (image, rules) = image(rules);
        assert_eq!(rules.len(), count, "{}: a rule is refused", case.name);
        let images = reopened(&image);
        for (number, file) in case.file.iter().enumerate() {
            let bytes = build(&file.bytes).unwrap().bytes;
            let expected: BTreeSet<String> = file.hits.iter().map(|name| format!("YARA.{name}")).collect();
            let (hits, spans) = naively(&rules, &bytes);
            if hits != expected {
                failures.push(format!("{}: file {number}: by definition {hits:?}", case.name));
            }
            if let Some(wanted) = &file.spans
                && spans != *wanted
            {
                failures.push(format!("{}: file {number}: by definition at {spans:?}", case.name));
            }
            for image in &images {
                let (hits, found) = searched(image, &bytes);
                if hits != expected {
                    failures.push(format!("{}: file {number}: found {hits:?}", case.name));
                }
                if !found.is_subset(&spans) {
                    failures.push(format!("{}: file {number}: found at {found:?}", case.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(b"ab1 _\0X\n".to_vec()), 1..most)
}

fn text_form() -> impl Strategy<Value = StringForm> {
    let spelling = (bytes(4), any::<bool>(), prop_oneof![4 => Just(0_u8), 1 => Just(3_u8)]);
    (proptest::collection::vec(spelling, 1..4), any::<bool>()).prop_map(|(spellings, ignore_case)| {
        let spell = |(bytes, wide, key): (Vec<u8>, bool, u8)| {
            let put = |byte: u8| if wide { vec![byte ^ key, key] } else { vec![byte ^ key] };
            Spelling { bytes: bytes.into_iter().flat_map(put).collect(), wide, key }
        };
        // One spelling of each length: of two that match at one place the shorter one counts, and no text of YARA has
        // two of one length that are wide and not.
        let mut spellings: Vec<Spelling> = spellings.into_iter().map(spell).collect();
        spellings.sort_by_key(|spelling| spelling.bytes.len());
        spellings.dedup_by_key(|spelling| spelling.bytes.len());
        StringForm::Text { spellings, ignore_case }
    })
}

fn element() -> impl Strategy<Value = Element> {
    let branch = || bytes(3).prop_map(|bytes| vec![Element::Bytes(bytes)]);
    prop_oneof![
        4 => bytes(4).prop_map(Element::Bytes),
        1 => (any::<u8>(), proptest::sample::select(vec![0_u8, 0xf0, 0x0f]))
            .prop_map(|(value, mask)| Element::Masked { value, mask }),
        1 => proptest::collection::vec(branch(), 2..4)
            .prop_map(|branches| Element::Alternatives(Alternatives { negated: false, branches })),
    ]
}

fn hex_form() -> impl Strategy<Value = StringForm> {
    let gap = prop_oneof![
        (0..3_u64, 0..4_u64).prop_map(|(min, more)| Gap { min, max: Some(min + more) }),
        (0..3_u64).prop_map(|min| Gap { min, max: None }),
    ];
    let part = (gap, proptest::collection::vec(element(), 1..4));
    proptest::collection::vec(part, 1..4).prop_map(|parts| {
        let make = |(number, (gap, elements)): (usize, (Gap, Vec<Element>))| {
            let gap = if number == 0 { Gap::NONE } else { gap };
            Part { gap, elements, macro_group: None }
        };
        let parts = parts.into_iter().enumerate().map(make).collect();
        StringForm::Hex(Pattern { offset: Offset::ANY, ignore_case: false, parts })
    })
}

fn regex_form() -> impl Strategy<Value = StringForm> {
    let patterns = [
        "ab+",
        "a[ab ]{1,3}b",
        "(?:ab|b1)a*",
        "a.b",
        "^ab",
        "b$",
        r"\bab\b",
        r"ab(?: b)?\b",
        r"\Bb+?",
        r"a\b.b?|b\B",
        r"ab(?:1|_|X)??",
        r"(?:a|ab)[b1]*",
        "a[^b]b?",
        "ab{2}",
        ".*ab",
        "(?:a|b){2,5}1",
        "a(?:b1)*b",
        "x?ab",
        r"\w+1",
        "b.{0,4}a",
        "(?:abc|ab1|b_)",
        r"[ab]\s",
        "a+?b",
        "1(?:a.*b|b)",
    ];
    let regex = (proptest::sample::select(patterns.to_vec()), any::<bool>(), any::<bool>());
    (regex, proptest::sample::select(vec![(true, false), (false, true), (true, true)])).prop_map(
        |((pattern, ignore_case, dot_all), (ascii, wide))| StringForm::Regex {
            regex: RuleRegex { pattern: pattern.to_owned(), ignore_case, dot_all },
            ascii,
            wide,
        },
    )
}

fn string() -> impl Strategy<Value = RuleString> {
    let form = prop_oneof![3 => text_form(), 3 => hex_form(), 3 => regex_form()];
    (form, proptest::bool::weighted(0.3)).prop_map(|(form, full_word)| {
        let full_word = full_word && !matches!(form, StringForm::Hex(_));
        RuleString { name: "a".to_owned(), private: false, full_word, form }
    })
}

const STRINGS: u32 = 3;

fn number() -> impl Strategy<Value = Term> {
    let small = -1..12_i64;
    let string = || (0..STRINGS).prop_map(StringRef::Number);
    prop_oneof![
        4 => small.clone().prop_map(Term::Integer),
        1 => Just(Term::FileSize),
        2 => string().prop_map(|string| Term::Count { string, range: None }),
        2 => (string(), 0..4_i64)
            .prop_map(|(string, index)| Term::Offset { string, index: Box::new(Term::Integer(index)) }),
        1 => (string(), small.clone(), small.clone()).prop_map(|(string, from, to)| Term::Count {
            string,
            range: Some(Box::new((Term::Integer(from), Term::Integer(to)))),
        }),
        1 => (small, proptest::sample::select(vec![1_u8, 2, 4]), any::<bool>(), any::<bool>()).prop_map(
            |(at, size, signed, big_endian)| Term::Read { size, signed, big_endian, at: Box::new(Term::Integer(at)) }
        ),
    ]
}

/// What a loop goes from and to.
fn few() -> impl Strategy<Value = Term> {
    let string = (0..STRINGS).prop_map(StringRef::Number);
    prop_oneof![
        2 => (-1..6_i64).prop_map(Term::Integer),
        1 => string.prop_map(|string| Term::Count { string, range: None }),
        1 => Just(Term::Read { size: 1, signed: true, big_endian: false, at: Box::new(Term::Integer(99)) }),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        3 => Just(Place::Anywhere),
        1 => number().prop_map(|at| Place::At(Box::new(at))),
        1 => (number(), number()).prop_map(|range| Place::In(Box::new(range))),
    ]
}

fn quantifier() -> impl Strategy<Value = Quantifier> {
    prop_oneof![
        Just(Quantifier::All),
        Just(Quantifier::Any),
        Just(Quantifier::None),
        number().prop_map(|count| Quantifier::AtLeast(Box::new(count))),
        (1..=100_i64).prop_map(|share| Quantifier::Percent(Box::new(Term::Integer(share)))),
    ]
}

fn comparison(left: Term, operator: BinaryOperator, right: Term) -> Term {
    Term::Binary(operator, Box::new(left), Box::new(right))
}

fn condition() -> impl Strategy<Value = Term> {
    let operators = [
        BinaryOperator::Equal,
        BinaryOperator::NotEqual,
        BinaryOperator::Less,
        BinaryOperator::LessOrEqual,
        BinaryOperator::Greater,
        BinaryOperator::GreaterOrEqual,
    ];
    let operator = proptest::sample::select(operators.to_vec());
    let strings = || proptest::collection::vec(0..STRINGS, 1..4);
    let leaf = prop_oneof![
        4 => ((0..STRINGS).prop_map(StringRef::Number), place())
            .prop_map(|(string, place)| Term::String { string, place }),
        2 => (number(), operator.clone(), number())
            .prop_map(|(left, operator, right)| comparison(left, operator, right)),
        2 => (quantifier(), strings(), place())
            .prop_map(|(quantifier, strings, place)| Term::Of { quantifier, strings, place }),
        1 => (quantifier(), strings(), operator.clone(), number()).prop_map(
            |(quantifier, strings, operator, number)| {
                let offset = Term::Offset { string: StringRef::Current, index: Box::new(Term::Integer(1)) };
                Term::ForOf { quantifier, strings, body: Box::new(comparison(offset, operator, number)) }
            }
        ),
        1 => (quantifier(), 0..STRINGS, (few(), few()), operator, number()).prop_map(
            |(quantifier, string, range, operator, number)| {
                let index = Box::new(Term::Variable(0));
                let offset = Term::Offset { string: StringRef::Number(string), index };
                Term::ForIn {
                    quantifier,
                    variables: vec![0],
                    sequence: Sequence::Range(Box::new(range)),
                    body: Box::new(comparison(offset, operator, number)),
                }
            }
        ),
        1 => number().prop_map(|number| Term::Defined(Box::new(number))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Term::And),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Term::Or),
            inner.clone().prop_map(|term| Term::Not(Box::new(term))),
            (quantifier(), proptest::collection::vec(inner, 1..3))
                .prop_map(|(quantifier, terms)| Term::OfTerms { quantifier, terms }),
        ]
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    (proptest::collection::vec(string(), STRINGS as usize), condition())
        .prop_map(|(strings, condition)| Rule { tags: Vec::new(), strings, condition })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn an_image_finds_what_the_definition_says(
        rules in proptest::collection::vec(rule(), 1..4),
        layers in proptest::collection::vec(bytes(40), 1..4),
    ) {
        let named = rules.into_iter().enumerate().map(|(number, rule)| (format!("R{number}"), rule)).collect();
        let (image, rules) = image(named);
        let image = Image::from_vec(image).unwrap();
        for bytes in &layers {
            let (wanted, spans) = naively(&rules, bytes);
            let (found, at) = searched(&image, bytes);
            prop_assert_eq!(&found, &wanted, "in {:?}", String::from_utf8_lossy(bytes));
            prop_assert!(at.is_subset(&spans), "{:?} are not all of {:?}", at, spans);
        }
    }
}
