//! Rules of YARA: strings, and a condition over them and over the layer.
//!
//! A rule stands by itself: what it says about other rules, and what global rules ask of it, the language front
//! end has put in its place. Private rules are not among them.

use super::Pattern;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Words that it is filed under.
    pub tags: Vec<String>,
    /// What is looked for, by number.
    pub strings: Vec<RuleString>,
    /// What must hold.
    pub condition: Term,
}

/// One string of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleString {
    /// Its name without the sign before it; empty where it has none.
    pub name: String,
    /// Whether its matches are kept from reports.
    pub private: bool,
    /// Whether no letter, digit or underline may stand right before and right behind.
    pub full_word: bool,
    /// What it looks like.
    pub form: StringForm,
}

/// What a string looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StringForm {
    /// One of these sequences of bytes.
    Text {
        /// Each of them.
        spellings: Vec<Spelling>,
        /// Whether ASCII letters match in either case.
        ignore_case: bool,
    },
    /// A hexadecimal string. The shortest match counts of those that start at one place.
    Hex(Pattern),
    /// A regular expression. Of the matches that start at one place the one counts that it prefers.
    Regex {
        /// The expression.
        regex: RuleRegex,
        /// Whether it matches bytes as they are.
        ascii: bool,
        /// Whether it matches bytes with a zero behind each.
        wide: bool,
    },
}

/// One way to write a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The bytes to look for, with zeros put in and the key applied.
    pub bytes: Vec<u8>,
    /// Whether a zero stands behind each character.
    pub wide: bool,
    /// What each byte was combined with by exclusive or; 0 for nothing.
    pub key: u8,
}

/// A regular expression, for bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleRegex {
    /// The expression in the syntax of the `regex` crate, without Unicode.
    pub pattern: String,
    /// `i`
    pub ignore_case: bool,
    /// `s`
    pub dot_all: bool,
}

/// Which string a term is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringRef {
    /// The one with this number.
    Number(u32),
    /// The one that the innermost `for … of` is at.
    Current,
}

/// A term of a condition. Every term has one type, which the language front end has checked; any may be undefined
/// when it is evaluated. Undefined is not true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// All hold.
    And(Vec<Self>),
    /// `true`, `false`
    Boolean(bool),
    /// A term with two operands.
    Binary(BinaryOperator, Box<Self>, Box<Self>),
    /// `#a`, `#a in (from..to)`
    Count {
        /// Of which string.
        string: StringRef,
        /// From and to, both included.
        range: Option<Box<(Self, Self)>>,
    },
    /// `defined x`
    Defined(Box<Self>),
    /// `entrypoint`
    EntryPoint,
    /// A value that comes from outside: `filename`.
    External(External),
    /// `filesize`
    FileSize,
    /// A floating-point number, as its bits (IEEE 754).
    Float(u64),
    /// `for … x, y in …: (…)`
    ForIn {
        /// How many must hold.
        quantifier: Quantifier,
        /// Numbers of the variables; two for the key and the value of a dictionary.
        variables: Vec<u32>,
        /// What they go through.
        sequence: Sequence,
        /// What must hold.
        body: Box<Self>,
    },
    /// `for … of (…): (…)`
    ForOf {
        /// How many must hold.
        quantifier: Quantifier,
        /// Numbers of the strings.
        strings: Vec<u32>,
        /// What must hold, with [`StringRef::Current`].
        body: Box<Self>,
    },
    /// A number.
    Integer(i64),
    /// `!a[i]`
    Length {
        /// Of which string.
        string: StringRef,
        /// Which match, from 1.
        index: Box<Self>,
    },
    /// `x matches /…/`
    Matches(Box<Self>, RuleRegex),
    /// A value of a module.
    Module(ModulePath),
    /// `not x`
    Not(Box<Self>),
    /// `… of them`, `… of (…) at x`, `… of (…) in (from..to)`
    Of {
        /// How many must have a match.
        quantifier: Quantifier,
        /// Numbers of the strings.
        strings: Vec<u32>,
        /// Where.
        place: Place,
    },
    /// `… of (rule1, rule2)`: so many of these hold.
    OfTerms {
        /// How many.
        quantifier: Quantifier,
        /// The terms.
        terms: Vec<Self>,
    },
    /// `@a[i]`
    Offset {
        /// Of which string.
        string: StringRef,
        /// Which match, from 1.
        index: Box<Self>,
    },
    /// One holds.
    Or(Vec<Self>),
    /// `uint32be(x)`
    Read {
        /// Number of bytes: 1, 2 or 4.
        size: u8,
        /// Whether it has a sign.
        signed: bool,
        /// Whether the most significant byte comes first.
        big_endian: bool,
        /// Where.
        at: Box<Self>,
    },
    /// `$a`, `$a at x`, `$a in (from..to)`
    String {
        /// Which.
        string: StringRef,
        /// Where.
        place: Place,
    },
    /// A text.
    Text(Vec<u8>),
    /// A term with one operand.
    Unary(UnaryOperator, Box<Self>),
    /// The variable with this number.
    Variable(u32),
}

/// Where a match must start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// Right there.
    At(Box<Term>),
    /// From the one to the other, both included.
    In(Box<(Term, Term)>),
}

/// How many must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// Every one.
    All,
    /// At least one.
    Any,
    /// At least so many.
    AtLeast(Box<Term>),
    /// Not a single one.
    None,
    /// At least so many of a hundred.
    Percent(Box<Term>),
}

/// What a variable goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// These values.
    List(Vec<Term>),
    /// The members of an array or a dictionary.
    Members(ModulePath),
    /// Integers, both ends included.
    Range(Box<(Term, Term)>),
}

/// A value of a module, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModulePath {
    /// From where.
    pub root: ModuleRoot,
    /// The way from there.
    pub steps: Vec<ModuleStep>,
}

/// Where the way to a value begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleRoot {
    /// At a module: `pe`.
    Module(candor_model::Module),
    /// At a variable that stands for a part of a module.
    Variable(u32),
}

/// A step on the way to a value of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleStep {
    /// `(…)`: calls what the way led to. The number is that of the form which the arguments fit, in the module's
    /// description.
    Call(u32, Vec<Term>),
    /// `.name`
    Field(String),
    /// `[…]`
    Index(Box<Term>),
    /// `(/…/)`, `(…, /…/, /…/)`: calls with regular expressions as the last arguments.
    CallRegex(u32, Vec<Term>, Vec<RuleRegex>),
}

/// A value that comes from outside of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum External {
    /// `extension`: of the name, with the dot; empty if there is none.
    Extension,
    /// `filename`: the name of the layer without folders.
    FileName,
    /// `filepath`: the name of the layer with folders.
    FilePath,
    /// `filetype`: what kind of file it is, in words; always empty.
    FileType,
    /// `owner`: always empty.
    Owner,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `~`
    BitNot,
    /// `-`
    Negate,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own name in the language")]
pub enum BinaryOperator {
    Add,
    BitAnd,
    BitOr,
    BitXor,
    Contains,
    Divide,
    EndsWith,
    Equal,
    Greater,
    GreaterOrEqual,
    IContains,
    IEndsWith,
    IEquals,
    IStartsWith,
    Less,
    LessOrEqual,
    Multiply,
    NotEqual,
    Remainder,
    ShiftLeft,
    ShiftRight,
    StartsWith,
    Subtract,
}
