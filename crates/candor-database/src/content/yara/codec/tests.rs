//! The image's page in the reference says how rules are written. What is written here is read by the page's tables alone.

use std::collections::{BTreeMap, BTreeSet};

use candor_model::Module;

use super::{BINARY, EXTERNALS, Program, StringRecord};
use crate::content::codec::{Decoder, Encoder};
use crate::ir::{
    Alternatives, BinaryOperator, Boundary, BoundaryKind, Element, External, Gap, ModulePath, ModuleRoot,
    ModuleStep, Offset, OffsetBase, Part, Pattern, Place, Quantifier, RuleRegex, Sequence, Spelling,
    StringForm, StringRef, Term, UnaryOperator,
};

const PAGE: &str = include_str!("../../../../../../docs/reference/image.md");

/// What stands behind a tag, and what it means.
#[derive(Clone, Debug)]
struct Row {
    items: Vec<String>,
    what: String,
}

/// The tables of the page, and which of their rows were met.
struct Page {
    /// By the word that a table begins with, and the tag.
    rows: BTreeMap<(String, u64), Row>,
    records: BTreeMap<String, Vec<String>>,
    met: BTreeSet<(String, u64)>,
    met_records: BTreeSet<String>,
}

fn cells(line: &str) -> Vec<String> {
    let line = line.replace(r"\|", "\u{0}");
    let line = line.trim().trim_start_matches('|').trim_end_matches('|');
    line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

fn items(cell: &str) -> Vec<String> {
    cell.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

impl Page {
    fn read() -> Self {
        let (_, chapter) = PAGE.split_once("### How rules are written\n").unwrap();
        let (chapter, _) = chapter.split_once("\n## ").unwrap();
        let mut this = Self {
            rows: BTreeMap::new(),
            records: BTreeMap::new(),
            met: BTreeSet::new(),
            met_records: BTreeSet::new(),
        };
        for table in chapter.split("\n\n").filter(|part| part.starts_with('|')) {
            let mut lines = table.lines().map(cells);
            let head = lines.next().unwrap();
            for line in lines.skip(1) {
                if head[0] == "record" {
                    let old = this.records.insert(line[0].trim_matches('`').to_owned(), items(&line[1]));
                    assert!(old.is_none(), "{line:?} is there twice");
                } else if head[1] == "behind it" {
                    this.add(&head[0], &line[0], Row { items: items(&line[1]), what: line[2].clone() });
                } else {
                    // Several tables beside one another, of nothing but tags and meanings.
                    for (head, cell) in head.chunks(3).zip(line.chunks(3)) {
                        if !cell[0].is_empty() {
                            this.add(&head[0], &cell[0], Row { items: Vec::new(), what: cell[1].clone() });
                        }
                    }
                }
            }
        }
        this
    }

    fn add(&mut self, table: &str, tag: &str, row: Row) {
        let key = (table.to_owned(), tag.parse().unwrap());
        assert!(self.rows.insert(key, row).is_none(), "{table} {tag} is there twice");
    }

    /// Takes `item` off `bytes`, as the page has it.
    fn take(&mut self, item: &str, bytes: &mut &[u8]) {
        if let Some(each) = item.strip_prefix("× ") {
            for _ in 0..varint(bytes) {
                self.take(each, bytes);
            }
            return;
        }
        match item {
            "byte" => drop(take(1, bytes)),
            "number" | "signed" => drop(varint(bytes)),
            "run" => {
                let length = usize::try_from(varint(bytes)).unwrap();
                take(length, bytes);
            }
            _ => {
                let items = if let Some(items) = self.records.get(item) {
                    self.met_records.insert(item.to_owned());
                    items.clone()
                } else {
                    let tag = u64::from(take(1, bytes)[0]);
                    let tag = if item == "form" { tag >> 1 } else { tag };
                    let key = (item.to_owned(), tag);
                    let row = self.rows.get(&key).unwrap_or_else(|| panic!("the page has no {key:?}"));
                    self.met.insert(key);
                    row.items.clone()
                };
                for item in items {
                    self.take(&item, bytes);
                }
            }
        }
    }

    /// Takes all of `bytes`.
    fn take_all(&mut self, item: &str, bytes: &[u8]) {
        let mut left = bytes;
        self.take(item, &mut left);
        assert!(left.is_empty(), "{} bytes of a {item} are left: {bytes:02x?}", left.len());
    }

    fn what(&self, table: &str, tag: u8) -> &str {
        &self.rows[&(table.to_owned(), u64::from(tag))].what
    }
}

fn take<'a>(length: usize, bytes: &mut &'a [u8]) -> &'a [u8] {
    let (taken, rest) = bytes.split_at_checked(length).expect("more bytes than there are");
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = u64::from(take(1, bytes)[0]);
        value |= (byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// What the page calls a term.
fn name(term: &Term) -> &'static str {
    match term {
        Term::And(_) => "`and`",
        Term::Boolean(false) => "`false`",
        Term::Boolean(true) => "`true`",
        Term::Binary(..) => "operator",
        Term::Count { range: None, .. } => "`#a`",
        Term::Count { range: Some(_), .. } => "`#a in (x..y)`",
        Term::Defined(_) => "`defined x`",
        Term::EntryPoint => "`entrypoint`",
        Term::External(_) => "value from outside",
        Term::FileSize => "`filesize`",
        Term::Float(_) => "floating-point number",
        Term::ForIn { .. } => "`for … x, y in … : (…)`",
        Term::ForOf { .. } => "`for … of (…) : (…)`",
        Term::Integer(_) => "integer",
        Term::Length { .. } => "`!a[i]`",
        Term::Matches(..) => "`x matches /…/`",
        Term::Module(_) => "value of a module",
        Term::Not(_) => "`not x`",
        Term::Of { .. } => "`… of (…)`, with",
        Term::OfTerms { .. } => "`… of (…)` of rules",
        Term::Offset { .. } => "`@a[i]`",
        Term::Or(_) => "`or`",
        Term::Read { .. } => "`uint32be(x)`",
        Term::String { .. } => "`$a`",
        Term::Text(_) => "text",
        Term::Unary(UnaryOperator::BitNot, _) => "`~x`",
        Term::Unary(UnaryOperator::Negate, _) => "`-x`",
        Term::Variable(_) => "variable",
    }
}

fn sign(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Add => "`+`",
        BinaryOperator::BitAnd => "`&`",
        BinaryOperator::BitOr => "`|`",
        BinaryOperator::BitXor => "`^`",
        BinaryOperator::Contains => "`contains`",
        BinaryOperator::Divide => r"`\`",
        BinaryOperator::EndsWith => "`endswith`",
        BinaryOperator::Equal => "`==`",
        BinaryOperator::Greater => "`>`",
        BinaryOperator::GreaterOrEqual => "`>=`",
        BinaryOperator::IContains => "`icontains`",
        BinaryOperator::IEndsWith => "`iendswith`",
        BinaryOperator::IEquals => "`iequals`",
        BinaryOperator::IStartsWith => "`istartswith`",
        BinaryOperator::Less => "`<`",
        BinaryOperator::LessOrEqual => "`<=`",
        BinaryOperator::Multiply => "`*`",
        BinaryOperator::NotEqual => "`!=`",
        BinaryOperator::Remainder => "`%`",
        BinaryOperator::ShiftLeft => "`<<`",
        BinaryOperator::ShiftRight => "`>>`",
        BinaryOperator::StartsWith => "`startswith`",
        BinaryOperator::Subtract => "`-`",
    }
}

fn from_outside(external: External) -> &'static str {
    match external {
        External::Extension => "`extension`",
        External::FileName => "`filename`",
        External::FilePath => "`filepath`",
        External::FileType => "`filetype`",
        External::Owner => "`owner`",
    }
}

fn one() -> Box<Term> {
    Box::new(Term::Integer(-300))
}

fn pair() -> Box<(Term, Term)> {
    Box::new((Term::FileSize, *one()))
}

fn regex() -> RuleRegex {
    RuleRegex { pattern: "a+".to_owned(), ignore_case: true, dot_all: false }
}

fn module_path(root: ModuleRoot) -> ModulePath {
    let steps = vec![
        ModuleStep::Field("field".to_owned()),
        ModuleStep::Index(one()),
        ModuleStep::Call(200, vec![*one(), Term::EntryPoint]),
        ModuleStep::CallRegex(1, vec![*one()], vec![regex(), regex()]),
    ];
    ModulePath { root, steps }
}

fn quantifiers() -> Vec<Quantifier> {
    vec![
        Quantifier::All,
        Quantifier::Any,
        Quantifier::AtLeast(one()),
        Quantifier::None,
        Quantifier::Percent(one()),
    ]
}

/// Every kind of term, with every kind of thing in it.
fn terms() -> Vec<Term> {
    let string = StringRef::Number(200);
    let mut all = vec![
        Term::And(vec![*one(), Term::FileSize]),
        Term::Boolean(false),
        Term::Boolean(true),
        Term::Count { string, range: None },
        Term::Count { string: StringRef::Current, range: Some(pair()) },
        Term::Defined(one()),
        Term::EntryPoint,
        Term::FileSize,
        Term::Float(1.5_f64.to_bits()),
        Term::Integer(i64::MIN),
        Term::Length { string, index: one() },
        Term::Matches(one(), regex()),
        Term::Module(module_path(ModuleRoot::Variable(3))),
        Term::Not(one()),
        Term::Offset { string, index: one() },
        Term::Or(vec![]),
        Term::Read { size: 4, signed: true, big_endian: true, at: one() },
        Term::Text(vec![b'x'; 130]),
        Term::Unary(UnaryOperator::BitNot, one()),
        Term::Unary(UnaryOperator::Negate, one()),
        Term::Variable(130),
    ];
    all.extend(BINARY.map(|operator| Term::Binary(operator, one(), Box::new(Term::FileSize))));
    all.extend(EXTERNALS.map(Term::External));
    all.extend(Module::ALL.map(|module| Term::Module(module_path(ModuleRoot::Module(module)))));
    for quantifier in quantifiers() {
        for sequence in [
            Sequence::List(vec![*one(), *one()]),
            Sequence::Members(module_path(ModuleRoot::Variable(0))),
            Sequence::Range(pair()),
        ] {
            let variables = vec![0, 200];
            all.push(Term::ForIn { quantifier: quantifier.clone(), variables, sequence, body: one() });
        }
        for place in [Place::Anywhere, Place::At(one()), Place::In(pair())] {
            all.push(Term::Of {
                quantifier: quantifier.clone(),
                strings: vec![1, 300],
                place: place.clone(),
            });
            all.push(Term::String { string, place });
        }
        all.push(Term::ForOf { quantifier: quantifier.clone(), strings: vec![0], body: one() });
        all.push(Term::OfTerms { quantifier, terms: vec![*one(), Term::FileSize] });
    }
    all
}

fn patterns() -> Vec<Pattern> {
    let branches = || vec![vec![Element::Bytes(b"ab".to_vec())], vec![Element::Masked { value: 1, mask: 3 }]];
    let boundary = |kind| Element::Boundary(Boundary { kind, negated: true });
    let elements = vec![
        Element::Bytes(vec![7; 200]),
        Element::Masked { value: 0x80, mask: 0xf0 },
        Element::Alternatives(Alternatives { negated: false, branches: branches() }),
        Element::Alternatives(Alternatives { negated: true, branches: branches() }),
        boundary(BoundaryKind::Delimiter),
        boundary(BoundaryKind::WideWord),
    ];
    let bases = [
        OffsetBase::Any,
        OffsetBase::Start(300),
        OffsetBase::End(300),
        OffsetBase::EntryPoint(-300),
        OffsetBase::Section { index: 2, distance: 300 },
        OffsetBase::LastSection(300),
        OffsetBase::WithinSection(300),
        OffsetBase::VersionInfo,
    ];
    let make = |base| Pattern {
        offset: Offset { base, shift: 200 },
        ignore_case: true,
        parts: vec![
            Part { gap: Gap::NONE, elements: elements.clone(), macro_group: Some(3) },
            Part { gap: Gap { min: 200, max: None }, elements: elements.clone(), macro_group: None },
        ],
    };
    bases.map(make).to_vec()
}

fn forms() -> Vec<(StringForm, &'static str)> {
    let spelling = |wide| Spelling { bytes: b"spelling".to_vec(), wide, key: 0x9f };
    let text = StringForm::Text { spellings: vec![spelling(true), spelling(false)], ignore_case: true };
    let mut all = vec![
        (text, "text"),
        (StringForm::Regex { regex: regex(), ascii: true, wide: true }, "regular expression"),
    ];
    all.extend(patterns().into_iter().map(|pattern| (StringForm::Hex(pattern), "hexadecimal string")));
    all
}

#[test]
fn the_page_says_how_rules_are_written() {
    let mut page = Page::read();
    for term in terms() {
        let mut encoder = Encoder::default();
        encoder.term(&term);
        let bytes = encoder.into_bytes();
        page.take_all("term", &bytes);
        let what = page.what("term", bytes[0]);
        assert!(what.starts_with(name(&term)), "the page says {what} of {term:?}");
        match &term {
            Term::Binary(operator, ..) => assert_eq!(page.what("operator", bytes[1]), sign(*operator)),
            Term::External(external) => assert_eq!(page.what("outside", bytes[1]), from_outside(*external)),
            Term::Module(ModulePath { root: ModuleRoot::Module(module), .. }) => {
                assert_eq!(page.what("module", bytes[2]), format!("`{}`", module.name()));
            }
            _ => {}
        }
        assert_eq!(Decoder::new(&bytes).term(0), Some(term));
    }
    for (form, name) in forms() {
        for full_word in [false, true] {
            let mut encoder = Encoder::default();
            encoder.form(&form, full_word);
            let bytes = encoder.into_bytes();
            page.take_all("form", &bytes);
            assert!(page.what("form", bytes[0] >> 1).starts_with(name), "{form:?}");
            assert_eq!(bytes[0] & 1 == 1, full_word);
            assert_eq!(Decoder::new(&bytes).form(), Some((form.clone(), full_word)));
        }
    }
    let strings = vec![StringRecord { form: 300, private: true }, StringRecord { form: 0, private: false }];
    let mut encoder = Encoder::default();
    encoder.rule(&strings, &Term::And(terms()));
    let bytes = encoder.into_bytes();
    page.take_all("rule", &bytes);
    assert_eq!(Decoder::new(&bytes).rule(), Some(Program { strings, condition: Term::And(terms()) }));

    let unmet: Vec<_> = page.rows.keys().filter(|key| !page.met.contains(*key)).collect();
    assert!(unmet.is_empty(), "the page has what is never written: {unmet:?}");
    let unmet: Vec<_> = page.records.keys().filter(|name| !page.met_records.contains(*name)).collect();
    assert!(unmet.is_empty(), "the page has what is never written: {unmet:?}");
}
