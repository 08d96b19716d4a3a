//! Rules with every kind of string and of term, for the sample.

use candor_database::ir::{
    BinaryOperator, Element, External, Gap, ModulePath, ModuleRoot, ModuleStep, Offset, Part, Pattern, Place,
    Quantifier, Rule, RuleRegex, RuleString, Sequence, Signature, Spelling, StringForm, StringRef, Term,
    UnaryOperator,
};
use candor_database::{Inspection, Inspector};
use candor_model::{Digest, DigestKind, Module, ModuleValue};

/// Knows of every layer the same: a program that imports one function, and digests that are the length of what was digested.
#[derive(Debug)]
struct Known;

impl Inspector for Known {
    fn module(&self, module: Module) -> ModuleValue {
        if module != Module::Pe {
            return ModuleValue::Undefined;
        }
        let text = |text: &str| ModuleValue::Text(text.as_bytes().to_vec());
        let function = ModuleValue::Structure(vec![("name", text("send"))]);
        let import = ModuleValue::Structure(vec![
            ("library_name", text("ws2_32.dll")),
            ("functions", ModuleValue::Array(vec![function])),
        ]);
        ModuleValue::Structure(vec![
            ("is_pe", ModuleValue::Integer(1)),
            ("imphash", text("0123")),
            ("import_details", ModuleValue::Array(vec![import])),
        ])
    }

    fn digest(&self, kind: DigestKind, bytes: &[u8]) -> Option<Digest> {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        Digest::new(&vec![length; kind.length()])
    }
}

/// What rules are told.
pub(crate) fn inspection() -> Inspection<'static> {
    Inspection { name: "folder/file.bin", inspector: &Known, alone: false }
}

fn string(form: StringForm, full_word: bool) -> RuleString {
    RuleString { name: "a".to_owned(), private: false, full_word, form }
}

fn text(text: &str) -> RuleString {
    let plain = Spelling { bytes: text.as_bytes().to_vec(), wide: false, key: 0 };
    let wide = Spelling { bytes: text.bytes().flat_map(|byte| [byte, 0]).collect(), wide: true, key: 0 };
    string(StringForm::Text { spellings: vec![plain, wide], ignore_case: true }, false)
}

fn hex(first: &[u8], second: &[u8]) -> RuleString {
    let part = |gap, bytes: &[u8]| Part {
        gap,
        elements: vec![Element::Bytes(bytes.to_vec()), Element::Masked { value: 0x20, mask: 0x30 }],
        macro_group: None,
    };
    let parts = vec![part(Gap::NONE, first), part(Gap { min: 1, max: Some(40) }, second)];
    string(StringForm::Hex(Pattern { offset: Offset::ANY, ignore_case: false, parts }), false)
}

fn expression(pattern: &str) -> RuleRegex {
    RuleRegex { pattern: pattern.to_owned(), ignore_case: true, dot_all: false }
}

fn regex(pattern: &str, full_word: bool) -> RuleString {
    string(StringForm::Regex { regex: expression(pattern), ascii: true, wide: true }, full_word)
}

fn binary(operator: BinaryOperator, left: Term, right: Term) -> Term {
    Term::Binary(operator, Box::new(left), Box::new(right))
}

fn there(place: Place) -> Term {
    Term::String { string: StringRef::Number(0), place }
}

fn call(module: Module, name: &str, step: ModuleStep) -> Term {
    let steps = vec![ModuleStep::Field(name.to_owned()), step];
    Term::Module(ModulePath { root: ModuleRoot::Module(module), steps })
}

fn words(text: &str) -> Term {
    Term::Text(text.as_bytes().to_vec())
}

/// The rules. All but the second and the tenth match the text of the sample.
pub(crate) fn rules() -> Vec<(String, Signature)> {
    use BinaryOperator as Operator;
    let number = Term::Integer;
    let count = Term::Count { string: StringRef::Number(0), range: Some(Box::new((number(0), number(20)))) };
    let all: Vec<(Vec<RuleString>, Term)> = vec![
        (vec![text("first-marker")], there(Place::Anywhere)),
        (vec![text("third-marker")], there(Place::Anywhere)),
        (vec![text("marker")], binary(Operator::Equal, count, number(1))),
        (vec![hex(b"FIRST", b"SECOND")], there(Place::In(Box::new((number(5), Term::FileSize))))),
        (vec![regex("sec[a-z]+-mark(er|s)", true)], there(Place::At(Box::new(number(34))))),
        (
            vec![text("file"), text("missing"), regex("w.th", false)],
            Term::Of {
                quantifier: Quantifier::Percent(Box::new(number(60))),
                strings: vec![0, 1, 2],
                place: Place::Anywhere,
            },
        ),
        (
            vec![text("marker")],
            Term::ForIn {
                quantifier: Quantifier::AtLeast(Box::new(number(2))),
                variables: vec![0],
                sequence: Sequence::Range(Box::new((number(1), number(3)))),
                body: Box::new(binary(
                    Operator::Greater,
                    Term::Offset { string: StringRef::Number(0), index: Box::new(Term::Variable(0)) },
                    Term::Unary(UnaryOperator::Negate, Box::new(number(1))),
                )),
            },
        ),
        (
            Vec::new(),
            Term::And(vec![
                binary(
                    Operator::Equal,
                    Term::Read { size: 2, signed: false, big_endian: true, at: Box::new(number(0)) },
                    number(0x6120),
                ),
                Term::Not(Box::new(binary(Operator::Greater, Term::FileSize, number(1000)))),
                Term::Matches(Box::new(Term::External(External::FileName)), expression("^file[.]")),
            ]),
        ),
        (
            Vec::new(),
            binary(
                Operator::Equal,
                call(Module::Hash, "md5", ModuleStep::Call(0, vec![number(0), Term::FileSize])),
                words(&"3a".repeat(16)),
            ),
        ),
        (
            Vec::new(),
            binary(
                Operator::Equal,
                call(Module::Pe, "imphash", ModuleStep::Call(0, Vec::new())),
                words("0124"),
            ),
        ),
        (
            Vec::new(),
            binary(
                Operator::Equal,
                call(
                    Module::Pe,
                    "imports",
                    ModuleStep::CallRegex(3, Vec::new(), vec![expression("^WS2"), expression("send|recv")]),
                ),
                number(1),
            ),
        ),
        (
            vec![text("first"), text("missing")],
            Term::ForOf {
                quantifier: Quantifier::Any,
                strings: vec![0, 1],
                body: Box::new(binary(
                    Operator::Less,
                    Term::Offset { string: StringRef::Current, index: Box::new(number(1)) },
                    number(13),
                )),
            },
        ),
        (
            Vec::new(),
            Term::ForIn {
                quantifier: Quantifier::All,
                variables: vec![0],
                sequence: Sequence::Members(ModulePath {
                    root: ModuleRoot::Module(Module::Pe),
                    steps: vec![ModuleStep::Field("import_details".to_owned())],
                }),
                body: Box::new(binary(
                    Operator::EndsWith,
                    Term::Module(ModulePath {
                        root: ModuleRoot::Variable(0),
                        steps: vec![ModuleStep::Field("library_name".to_owned())],
                    }),
                    words(".dll"),
                )),
            },
        ),
        (
            Vec::new(),
            Term::OfTerms {
                quantifier: Quantifier::AtLeast(Box::new(number(2))),
                terms: vec![
                    Term::Not(Box::new(Term::Defined(Box::new(Term::EntryPoint)))),
                    Term::Or(vec![Term::Boolean(false), Term::Boolean(true)]),
                    binary(Operator::Less, Term::FileSize, Term::Float(1.5_f64.to_bits())),
                ],
            },
        ),
        (
            vec![text("first-marker")],
            Term::And(vec![
                binary(
                    Operator::Equal,
                    Term::Length { string: StringRef::Number(0), index: Box::new(number(1)) },
                    number(12),
                ),
                Term::ForIn {
                    quantifier: Quantifier::None,
                    variables: vec![0],
                    sequence: Sequence::List(vec![number(7), number(-2)]),
                    body: Box::new(binary(
                        Operator::Equal,
                        Term::Unary(UnaryOperator::BitNot, Box::new(Term::Variable(0))),
                        number(0),
                    )),
                },
            ]),
        ),
        (
            vec![RuleString {
                private: true,
                ..string(
                    StringForm::Text {
                        spellings: vec![Spelling { bytes: b"file".to_vec(), wide: false, key: 0x11 }],
                        ignore_case: false,
                    },
                    true,
                )
            }],
            Term::Of { quantifier: Quantifier::All, strings: vec![0], place: Place::At(Box::new(number(2))) },
        ),
    ];
    let named = |(number, (strings, condition))| {
        (format!("YARA.Sample-{number}"), Signature::Rule(Rule { tags: Vec::new(), strings, condition }))
    };
    all.into_iter().enumerate().map(named).collect()
}
