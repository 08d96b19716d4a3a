//! Rules as bytes. Like other descriptions they are decoded when they are touched; nesting and counts are bounded, so that
//! damaged bytes decode to `None`. `docs/reference/image.md` has the tables, and a test holds them against this.

#[cfg(test)]
mod tests;

use candor_model::Module;

use crate::content::codec::{Decoder, Encoder};
use crate::ir::{
    BinaryOperator, External, ModulePath, ModuleRoot, ModuleStep, Place, Quantifier, RuleRegex, Sequence,
    Spelling, StringForm, StringRef, Term, UnaryOperator,
};

/// Terms inside one another that decoding and evaluation follow.
pub(crate) const MAX_DEPTH: u32 = 128;

/// What the image says of a string of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StringRecord {
    /// Where its form is in the section of forms.
    pub(crate) form: u32,
    /// Whether its matches are kept from reports.
    pub(crate) private: bool,
}

/// A rule as an image has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) strings: Vec<StringRecord>,
    pub(crate) condition: Term,
}

const BINARY: [BinaryOperator; 23] = [
    BinaryOperator::Add,
    BinaryOperator::BitAnd,
    BinaryOperator::BitOr,
    BinaryOperator::BitXor,
    BinaryOperator::Contains,
    BinaryOperator::Divide,
    BinaryOperator::EndsWith,
    BinaryOperator::Equal,
    BinaryOperator::Greater,
    BinaryOperator::GreaterOrEqual,
    BinaryOperator::IContains,
    BinaryOperator::IEndsWith,
    BinaryOperator::IEquals,
    BinaryOperator::IStartsWith,
    BinaryOperator::Less,
    BinaryOperator::LessOrEqual,
    BinaryOperator::Multiply,
    BinaryOperator::NotEqual,
    BinaryOperator::Remainder,
    BinaryOperator::ShiftLeft,
    BinaryOperator::ShiftRight,
    BinaryOperator::StartsWith,
    BinaryOperator::Subtract,
];

const EXTERNALS: [External; 5] =
    [External::Extension, External::FileName, External::FilePath, External::FileType, External::Owner];

fn number_of<T: PartialEq>(all: &[T], value: &T) -> u8 {
    all.iter().position(|known| known == value).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

impl Encoder {
    /// A rule, without the number of its guard.
    pub(crate) fn rule(&mut self, strings: &[StringRecord], condition: &Term) {
        self.count(strings.len());
        for string in strings {
            self.number(u64::from(string.form));
            self.byte(u8::from(string.private));
        }
        self.term(condition);
    }

    /// The form of a string.
    pub(crate) fn form(&mut self, form: &StringForm, full_word: bool) {
        let tag = match form {
            StringForm::Text { .. } => 0,
            StringForm::Hex(_) => 1,
            StringForm::Regex { .. } => 2,
        };
        self.byte(tag << 1 | u8::from(full_word));
        match form {
            StringForm::Text { spellings, ignore_case } => {
                self.byte(u8::from(*ignore_case));
                self.count(spellings.len());
                for spelling in spellings {
                    self.bytes(&spelling.bytes);
                    self.byte(u8::from(spelling.wide));
                    self.byte(spelling.key);
                }
            }
            StringForm::Hex(pattern) => self.pattern(pattern),
            StringForm::Regex { regex, ascii, wide } => {
                self.rule_regex(regex);
                self.byte(u8::from(*ascii) | u8::from(*wide) << 1);
            }
        }
    }

    fn rule_regex(&mut self, regex: &RuleRegex) {
        self.bytes(regex.pattern.as_bytes());
        self.byte(u8::from(regex.ignore_case) | u8::from(regex.dot_all) << 1);
    }

    fn terms(&mut self, terms: &[Term]) {
        self.count(terms.len());
        for term in terms {
            self.term(term);
        }
    }

    fn numbers(&mut self, numbers: &[u32]) {
        self.count(numbers.len());
        for number in numbers {
            self.number(u64::from(*number));
        }
    }

    fn string_ref(&mut self, string: StringRef) {
        match string {
            StringRef::Current => self.number(0),
            StringRef::Number(number) => self.number(u64::from(number).saturating_add(1)),
        }
    }

    fn place(&mut self, place: &Place) {
        match place {
            Place::Anywhere => self.byte(0),
            Place::At(at) => {
                self.byte(1);
                self.term(at);
            }
            Place::In(range) => {
                self.byte(2);
                self.term(&range.0);
                self.term(&range.1);
            }
        }
    }

    fn quantifier(&mut self, quantifier: &Quantifier) {
        match quantifier {
            Quantifier::All => self.byte(0),
            Quantifier::Any => self.byte(1),
            Quantifier::AtLeast(count) => {
                self.byte(2);
                self.term(count);
            }
            Quantifier::None => self.byte(3),
            Quantifier::Percent(count) => {
                self.byte(4);
                self.term(count);
            }
        }
    }

    fn path(&mut self, path: &ModulePath) {
        match path.root {
            ModuleRoot::Module(module) => {
                self.byte(0);
                self.byte(module.number());
            }
            ModuleRoot::Variable(number) => {
                self.byte(1);
                self.number(u64::from(number));
            }
        }
        self.count(path.steps.len());
        for step in &path.steps {
            match step {
                ModuleStep::Call(form, arguments) => {
                    self.byte(0);
                    self.number(u64::from(*form));
                    self.terms(arguments);
                }
                ModuleStep::Field(name) => {
                    self.byte(1);
                    self.bytes(name.as_bytes());
                }
                ModuleStep::Index(index) => {
                    self.byte(2);
                    self.term(index);
                }
                ModuleStep::CallRegex(form, arguments, regexes) => {
                    self.byte(3);
                    self.number(u64::from(*form));
                    self.terms(arguments);
                    self.count(regexes.len());
                    regexes.iter().for_each(|regex| self.rule_regex(regex));
                }
            }
        }
    }

    /// A term.
    pub(crate) fn term(&mut self, term: &Term) {
        match term {
            Term::And(terms) => {
                self.byte(0);
                self.terms(terms);
            }
            Term::Boolean(value) => self.byte(if *value { 2 } else { 1 }),
            Term::Binary(operator, left, right) => {
                self.byte(3);
                self.byte(number_of(&BINARY, operator));
                self.term(left);
                self.term(right);
            }
            Term::Count { string, range } => {
                self.byte(if range.is_some() { 5 } else { 4 });
                self.string_ref(*string);
                if let Some(range) = range {
                    self.term(&range.0);
                    self.term(&range.1);
                }
            }
            Term::Defined(term) => {
                self.byte(6);
                self.term(term);
            }
            Term::EntryPoint => self.byte(7),
            Term::External(external) => {
                self.byte(8);
                self.byte(number_of(&EXTERNALS, external));
            }
            Term::FileSize => self.byte(9),
            Term::Float(bits) => {
                self.byte(10);
                self.number(*bits);
            }
            Term::ForIn { quantifier, variables, sequence, body } => {
                self.byte(11);
                self.quantifier(quantifier);
                self.numbers(variables);
                match sequence {
                    Sequence::List(terms) => {
                        self.byte(0);
                        self.terms(terms);
                    }
                    Sequence::Members(path) => {
                        self.byte(1);
                        self.path(path);
                    }
                    Sequence::Range(range) => {
                        self.byte(2);
                        self.term(&range.0);
                        self.term(&range.1);
                    }
                }
                self.term(body);
            }
            Term::ForOf { quantifier, strings, body } => {
                self.byte(12);
                self.quantifier(quantifier);
                self.numbers(strings);
                self.term(body);
            }
            Term::Integer(value) => {
                self.byte(13);
                self.signed(*value);
            }
            Term::Length { string, index } => {
                self.byte(14);
                self.string_ref(*string);
                self.term(index);
            }
            Term::Matches(text, regex) => {
                self.byte(15);
                self.term(text);
                self.rule_regex(regex);
            }
            Term::Module(path) => {
                self.byte(16);
                self.path(path);
            }
            Term::Not(term) => {
                self.byte(17);
                self.term(term);
            }
            Term::Of { quantifier, strings, place } => {
                self.byte(18);
                self.quantifier(quantifier);
                self.numbers(strings);
                self.place(place);
            }
            Term::OfTerms { quantifier, terms } => {
                self.byte(19);
                self.quantifier(quantifier);
                self.terms(terms);
            }
            Term::Offset { string, index } => {
                self.byte(20);
                self.string_ref(*string);
                self.term(index);
            }
            Term::Or(terms) => {
                self.byte(21);
                self.terms(terms);
            }
            Term::Read { size, signed, big_endian, at } => {
                self.byte(22);
                self.byte(size & 0x0f | u8::from(*signed) << 4 | u8::from(*big_endian) << 5);
                self.term(at);
            }
            Term::String { string, place } => {
                self.byte(23);
                self.string_ref(*string);
                self.place(place);
            }
            Term::Text(text) => {
                self.byte(24);
                self.bytes(text);
            }
            Term::Unary(operator, term) => {
                self.byte(match operator {
                    UnaryOperator::BitNot => 25,
                    UnaryOperator::Negate => 26,
                });
                self.term(term);
            }
            Term::Variable(number) => {
                self.byte(27);
                self.number(u64::from(*number));
            }
        }
    }
}

impl Decoder<'_> {
    /// A rule, behind the number of its guard.
    pub(crate) fn rule(&mut self) -> Option<Program> {
        let count = self.count()?;
        let mut strings = Vec::with_capacity(count);
        for _ in 0..count {
            strings.push(StringRecord { form: self.small()?, private: self.flag()? });
        }
        Some(Program { strings, condition: self.term(0)? })
    }

    /// The form of a string, and whether it is a full word.
    pub(crate) fn form(&mut self) -> Option<(StringForm, bool)> {
        let tag = self.byte()?;
        let form = match tag >> 1 {
            0 => {
                let ignore_case = self.flag()?;
                let count = self.count()?;
                let mut spellings = Vec::with_capacity(count.min(1024));
                for _ in 0..count {
                    let bytes = self.bytes()?.to_vec();
                    spellings.push(Spelling { bytes, wide: self.flag()?, key: self.byte()? });
                }
                StringForm::Text { spellings, ignore_case }
            }
            1 => StringForm::Hex(self.pattern()?),
            2 => {
                let regex = self.rule_regex()?;
                let bits = self.byte()?;
                StringForm::Regex { regex, ascii: bits & 1 != 0, wide: bits & 2 != 0 }
            }
            _ => return None,
        };
        Some((form, tag & 1 != 0))
    }

    fn rule_regex(&mut self) -> Option<RuleRegex> {
        let pattern = self.string()?;
        let bits = self.byte()?;
        Some(RuleRegex { pattern, ignore_case: bits & 1 != 0, dot_all: bits & 2 != 0 })
    }

    fn rule_regexes(&mut self) -> Option<Vec<RuleRegex>> {
        let count = self.count()?;
        (0..count).map(|_| self.rule_regex()).collect()
    }

    fn terms(&mut self, depth: u32) -> Option<Vec<Term>> {
        let count = self.count()?;
        let mut terms = Vec::with_capacity(count.min(256));
        for _ in 0..count {
            terms.push(self.term(depth)?);
        }
        Some(terms)
    }

    fn numbers(&mut self) -> Option<Vec<u32>> {
        let count = self.count()?;
        let mut numbers = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            numbers.push(self.small()?);
        }
        Some(numbers)
    }

    fn string_ref(&mut self) -> Option<StringRef> {
        let number = self.small()?;
        Some(number.checked_sub(1).map_or(StringRef::Current, StringRef::Number))
    }

    fn place(&mut self, depth: u32) -> Option<Place> {
        Some(match self.byte()? {
            0 => Place::Anywhere,
            1 => Place::At(Box::new(self.term(depth)?)),
            2 => Place::In(self.pair(depth)?),
            _ => return None,
        })
    }

    fn pair(&mut self, depth: u32) -> Option<Box<(Term, Term)>> {
        Some(Box::new((self.term(depth)?, self.term(depth)?)))
    }

    fn quantifier(&mut self, depth: u32) -> Option<Quantifier> {
        Some(match self.byte()? {
            0 => Quantifier::All,
            1 => Quantifier::Any,
            2 => Quantifier::AtLeast(Box::new(self.term(depth)?)),
            3 => Quantifier::None,
            4 => Quantifier::Percent(Box::new(self.term(depth)?)),
            _ => return None,
        })
    }

    fn path(&mut self, depth: u32) -> Option<ModulePath> {
        let root = match self.byte()? {
            0 => ModuleRoot::Module(Module::from_number(self.byte()?)?),
            1 => ModuleRoot::Variable(self.small()?),
            _ => return None,
        };
        let count = self.count()?;
        let mut steps = Vec::with_capacity(count.min(16));
        for _ in 0..count {
            steps.push(match self.byte()? {
                0 => ModuleStep::Call(self.small()?, self.terms(depth)?),
                1 => ModuleStep::Field(self.string()?),
                2 => ModuleStep::Index(Box::new(self.term(depth)?)),
                3 => ModuleStep::CallRegex(self.small()?, self.terms(depth)?, self.rule_regexes()?),
                _ => return None,
            });
        }
        Some(ModulePath { root, steps })
    }

    /// A term, `depth` others around it.
    pub(crate) fn term(&mut self, depth: u32) -> Option<Term> {
        if depth > MAX_DEPTH {
            return None;
        }
        let deeper = depth.saturating_add(1);
        Some(match self.byte()? {
            0 => Term::And(self.terms(deeper)?),
            1 => Term::Boolean(false),
            2 => Term::Boolean(true),
            3 => {
                let operator = *BINARY.get(usize::from(self.byte()?))?;
                Term::Binary(operator, Box::new(self.term(deeper)?), Box::new(self.term(deeper)?))
            }
            4 => Term::Count { string: self.string_ref()?, range: None },
            5 => Term::Count { string: self.string_ref()?, range: Some(self.pair(deeper)?) },
            6 => Term::Defined(Box::new(self.term(deeper)?)),
            7 => Term::EntryPoint,
            8 => Term::External(*EXTERNALS.get(usize::from(self.byte()?))?),
            9 => Term::FileSize,
            10 => Term::Float(self.number()?),
            11 => {
                let quantifier = self.quantifier(deeper)?;
                let variables = self.numbers()?;
                let sequence = match self.byte()? {
                    0 => Sequence::List(self.terms(deeper)?),
                    1 => Sequence::Members(self.path(deeper)?),
                    2 => Sequence::Range(self.pair(deeper)?),
                    _ => return None,
                };
                Term::ForIn { quantifier, variables, sequence, body: Box::new(self.term(deeper)?) }
            }
            12 => {
                let quantifier = self.quantifier(deeper)?;
                let strings = self.numbers()?;
                Term::ForOf { quantifier, strings, body: Box::new(self.term(deeper)?) }
            }
            13 => Term::Integer(self.signed()?),
            14 => Term::Length { string: self.string_ref()?, index: Box::new(self.term(deeper)?) },
            15 => {
                let text = Box::new(self.term(deeper)?);
                Term::Matches(text, self.rule_regex()?)
            }
            16 => Term::Module(self.path(deeper)?),
            17 => Term::Not(Box::new(self.term(deeper)?)),
            18 => {
                let quantifier = self.quantifier(deeper)?;
                let strings = self.numbers()?;
                Term::Of { quantifier, strings, place: self.place(deeper)? }
            }
            19 => {
                let quantifier = self.quantifier(deeper)?;
                Term::OfTerms { quantifier, terms: self.terms(deeper)? }
            }
            20 => Term::Offset { string: self.string_ref()?, index: Box::new(self.term(deeper)?) },
            21 => Term::Or(self.terms(deeper)?),
            22 => {
                let bits = self.byte()?;
                let size = bits & 0x0f;
                if !matches!(size, 1 | 2 | 4) {
                    return None;
                }
                let at = Box::new(self.term(deeper)?);
                Term::Read { size, signed: bits & 0x10 != 0, big_endian: bits & 0x20 != 0, at }
            }
            23 => Term::String { string: self.string_ref()?, place: self.place(deeper)? },
            24 => Term::Text(self.bytes()?.to_vec()),
            25 => Term::Unary(UnaryOperator::BitNot, Box::new(self.term(deeper)?)),
            26 => Term::Unary(UnaryOperator::Negate, Box::new(self.term(deeper)?)),
            27 => Term::Variable(self.small()?),
            _ => return None,
        })
    }
}
