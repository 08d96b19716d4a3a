//! Rules of YARA: whether they match, and where each of their strings does.
//!
//! Every place of the layer is tried for every string, and every term is evaluated as it is written. Modules are known as
//! far as they have values: there are no functions here.
#![expect(clippy::cast_possible_wrap, reason = "layers of tests are far shorter")]

use std::collections::BTreeMap;

use candor_database::Subject;
use candor_database::ir::{
    BinaryOperator, External, ModulePath, ModuleRoot, ModuleStep, Offset, OffsetBase, Pattern, Place,
    Quantifier, Rule, RuleRegex, RuleString, Sequence, StringForm, StringRef, Term, UnaryOperator,
};
use candor_model::{Match, Module, ModuleValue};
use fancy_regex::{BytesMode, RegexBuilder, RegexInput};

use super::{MacroGroups, pattern};

/// Bytes that a match of a regular expression has at most.
const LONGEST: usize = 4096;

/// Whether a rule matches, and if it does, every match of each string that is not private.
#[must_use]
pub fn rule_matches(rule: &Rule, subject: &Subject<'_>) -> Option<Vec<Match>> {
    let found: Vec<Vec<(usize, usize)>> =
        rule.strings.iter().map(|string| string_matches(string, subject)).collect();
    let mut evaluation = Evaluation { found: &found, subject, variables: BTreeMap::new(), current: None };
    if evaluation.value(&rule.condition).truth() != Some(true) {
        return None;
    }
    let mut all = Vec::new();
    for ((number, string), found) in (0_u32..).zip(&rule.strings).zip(&found) {
        if !string.private {
            all.extend(found.iter().map(|(start, end)| Match {
                offset: *start as u64,
                length: end.saturating_sub(*start) as u64,
                subsignature: Some(number),
            }));
        }
    }
    Some(all)
}

/// Start and end of every match of a string, one for each start.
#[must_use]
pub fn string_matches(string: &RuleString, subject: &Subject<'_>) -> Vec<(usize, usize)> {
    let bytes = subject.bytes;
    let (narrow, wide) = match &string.form {
        StringForm::Regex { regex, ascii, wide } => (
            ascii.then(|| compile(regex, string.full_word, "")).flatten(),
            wide.then(|| Wide::new(regex, string.full_word)).flatten(),
        ),
        _ => (None, None),
    };
    (0..bytes.len())
        .filter_map(|start| {
            let end: Option<usize> = match &string.form {
                StringForm::Text { spellings, ignore_case } => spellings
                    .iter()
                    .filter(|spelling| {
                        let here = bytes.get(start..start + spelling.bytes.len());
                        here.is_some_and(|here| {
                            here == spelling.bytes
                                || (*ignore_case && here.eq_ignore_ascii_case(&spelling.bytes))
                        })
                    })
                    .map(|spelling| (start + spelling.bytes.len(), spelling.wide))
                    .filter(|(end, wide)| !string.full_word || stands_alone(bytes, start, *end, *wide))
                    .map(|(end, ..)| end)
                    .min(),
                StringForm::Hex(pattern) => shortest(pattern, subject, start),
                StringForm::Regex { .. } => {
                    let narrow = narrow.as_ref().and_then(|regex| narrow_end(regex, bytes, start));
                    narrow.max(wide.as_ref().and_then(|wide| wide.end(bytes, start)))
                }
            };
            end.map(|end| (start, end))
        })
        .collect()
}

/// The nearest end of a match that starts right there.
fn shortest(pattern: &Pattern, subject: &Subject<'_>, start: usize) -> Option<usize> {
    let offset = Offset { base: OffsetBase::Start(start as u64), shift: 0 };
    let here = Pattern { offset, ..pattern.clone() };
    pattern::hits(&here, &MacroGroups::default(), subject).first().map(|hit| hit.end)
}

fn compile(regex: &RuleRegex, full_word: bool, behind: &str) -> Option<fancy_regex::Regex> {
    let flags = match (regex.ignore_case, regex.dot_all) {
        (false, false) => "",
        (true, false) => "(?i)",
        (false, true) => "(?s)",
        (true, true) => "(?is)",
    };
    let text = if full_word {
        format!(r"{flags}(?<![0-9A-Za-z])(?:{})(?![0-9A-Za-z]){behind}", regex.pattern)
    } else {
        format!("{flags}(?:{}){behind}", regex.pattern)
    };
    RegexBuilder::new(&text).bytes_mode(BytesMode::Ascii).build().ok()
}

fn narrow_end(regex: &fancy_regex::Regex, bytes: &[u8], start: usize) -> Option<usize> {
    let visible = bytes.get(..bytes.len().min(start + LONGEST)).unwrap_or(bytes);
    let found = regex.find_input(RegexInput::new(visible).from_pos(start).anchored(true)).ok()??;
    (found.end() > start).then_some(found.end())
}

/// An expression over the bytes that have a zero behind them. Beside them stands what is neither a word nor an end.
struct Wide {
    up_to_the_end: fancy_regex::Regex,
    /// The same where two bytes are left that are not matched.
    with_more_behind: fancy_regex::Regex,
}

impl Wide {
    fn new(regex: &RuleRegex, full_word: bool) -> Option<Self> {
        Some(Self {
            up_to_the_end: compile(regex, full_word, "")?,
            with_more_behind: compile(regex, full_word, r"(?=(?s:..))")?,
        })
    }

    fn end(&self, bytes: &[u8], start: usize) -> Option<usize> {
        let is_wide = |at: usize| bytes.get(at + 1) == Some(&0);
        let mut narrow: Vec<u8> = match start {
            0 => Vec::new(),
            start if start >= 2 && is_wide(start - 2) => vec![bytes[start - 2]],
            _ => vec![0],
        };
        let from = narrow.len();
        let mut at = start;
        while is_wide(at) && at < start + LONGEST {
            narrow.push(bytes[at]);
            at += 2;
        }
        let regex = if at < bytes.len() {
            narrow.extend([if is_wide(at) { bytes[at] } else { 0 }, 0]);
            &self.with_more_behind
        } else {
            &self.up_to_the_end
        };
        let input = RegexInput::new(narrow.as_slice()).from_pos(from).anchored(true);
        let end = regex.find_input(input).ok()??.end();
        (end > from).then(|| start + 2 * (end - from))
    }
}

fn stands_alone(bytes: &[u8], start: usize, end: usize, wide: bool) -> bool {
    let is_word = |at: Option<usize>| {
        let byte = at.and_then(|at| bytes.get(at));
        byte.is_some_and(u8::is_ascii_alphanumeric)
    };
    let is_zero = |at: Option<usize>| at.and_then(|at| bytes.get(at)) == Some(&0);
    if wide {
        let before = is_zero(start.checked_sub(1)) && is_word(start.checked_sub(2));
        let behind = is_zero(Some(end + 1)) && is_word(Some(end));
        !before && !behind
    } else {
        !is_word(start.checked_sub(1)) && !is_word(Some(end))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Boolean(bool),
    Float(f64),
    Integer(i64),
    Part(ModuleValue),
    Text(Vec<u8>),
    Undefined,
}

impl Value {
    fn truth(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Float(value) => Some(*value != 0.0),
            Self::Integer(value) => Some(*value != 0),
            Self::Text(text) => Some(!text.is_empty()),
            Self::Part(_) | Self::Undefined => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Boolean(value) => Some(i64::from(*value)),
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            other => other.integer().map(|value| value as f64),
        }
    }

    fn of_module(value: Option<&ModuleValue>) -> Self {
        match value {
            None | Some(ModuleValue::Undefined) => Self::Undefined,
            Some(ModuleValue::Boolean(value)) => Self::Boolean(*value),
            Some(ModuleValue::Float(value)) => Self::Float(*value),
            Some(ModuleValue::Integer(value)) => Self::Integer(*value),
            Some(ModuleValue::Text(text)) => Self::Text(text.clone()),
            Some(part) => Self::Part(part.clone()),
        }
    }
}

struct Evaluation<'a> {
    found: &'a [Vec<(usize, usize)>],
    subject: &'a Subject<'a>,
    variables: BTreeMap<u32, Value>,
    current: Option<u32>,
}

impl<'a> Evaluation<'a> {
    fn holds(&mut self, term: &Term) -> bool {
        self.value(term).truth() == Some(true)
    }

    fn value(&mut self, term: &Term) -> Value {
        match term {
            Term::And(terms) => Value::Boolean(terms.iter().all(|term| self.holds(term))),
            Term::Or(terms) => Value::Boolean(terms.iter().any(|term| self.holds(term))),
            Term::Not(term) => match self.value(term).truth() {
                Some(holds) => Value::Boolean(!holds),
                None => Value::Undefined,
            },
            Term::Boolean(value) => Value::Boolean(*value),
            Term::Integer(value) => Value::Integer(*value),
            Term::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Term::Text(text) => Value::Text(text.clone()),
            Term::FileSize => Value::Integer(self.subject.bytes.len() as i64),
            Term::EntryPoint => {
                let executable = self.subject.facts.executable.as_ref();
                let place = executable.and_then(|known| known.entry_point);
                place.map_or(Value::Undefined, |place| Value::Integer(place as i64))
            }
            Term::External(external) => Value::Text(self.external(*external)),
            Term::Variable(number) => self.variables.get(number).cloned().unwrap_or(Value::Undefined),
            Term::Defined(term) => Value::Boolean(self.value(term) != Value::Undefined),
            Term::Unary(operator, term) => match (operator, self.value(term)) {
                (UnaryOperator::BitNot, Value::Integer(value)) => Value::Integer(!value),
                (UnaryOperator::Negate, Value::Integer(value)) => Value::Integer(value.wrapping_neg()),
                (UnaryOperator::Negate, Value::Float(value)) => Value::Float(-value),
                _ => Value::Undefined,
            },
            Term::Binary(operator, left, right) => {
                let (left, right) = (self.value(left), self.value(right));
                binary(*operator, &left, &right).unwrap_or(Value::Undefined)
            }
            Term::Matches(text, regex) => match self.value(text) {
                Value::Text(text) => {
                    let found = compile(regex, false, "")
                        .and_then(|regex| regex.find_input(RegexInput::new(text.as_slice())).ok()?);
                    Value::Boolean(!text.is_empty() && found.is_some())
                }
                _ => Value::Undefined,
            },
            Term::Read { size, signed, big_endian, at } => {
                let at = self.value(at).integer().and_then(|at| usize::try_from(at).ok());
                let read = at.and_then(|at| read(self.subject.bytes.get(at..)?, *size, *signed, *big_endian));
                read.map_or(Value::Undefined, Value::Integer)
            }
            Term::Count { string, range } => {
                let Some(found) = self.of(*string) else { return Value::Undefined };
                let count = match range {
                    None => found.len(),
                    Some(range) => {
                        let (from, to) = (self.value(&range.0).integer(), self.value(&range.1).integer());
                        let (Some(from), Some(to)) = (from, to) else { return Value::Undefined };
                        found.iter().filter(|(start, _)| (from..=to).contains(&(*start as i64))).count()
                    }
                };
                Value::Integer(count as i64)
            }
            Term::Offset { string, index } => match self.nth(*string, index) {
                Some((start, _)) => Value::Integer(start as i64),
                None => Value::Undefined,
            },
            Term::Length { string, index } => match self.nth(*string, index) {
                Some((start, end)) => Value::Integer((end - start) as i64),
                None => Value::Undefined,
            },
            Term::String { string, place } => {
                let found = self.of(*string);
                found.map_or(Value::Undefined, |found| self.placed(found, place))
            }
            Term::Of { quantifier, strings, place } => {
                let found = self.found;
                let holding = strings
                    .iter()
                    .filter(|number| {
                        let found = found.get(**number as usize).map_or(&[][..], Vec::as_slice);
                        self.placed(found, place).truth() == Some(true)
                    })
                    .count();
                Value::Boolean(self.quantified(quantifier, holding, strings.len()))
            }
            Term::OfTerms { quantifier, terms } => {
                let holding = terms.iter().filter(|term| self.holds(term)).count();
                Value::Boolean(self.quantified(quantifier, holding, terms.len()))
            }
            Term::ForOf { quantifier, strings, body } => {
                let before = self.current;
                let mut holding = 0;
                for string in strings {
                    self.current = Some(*string);
                    holding += usize::from(self.holds(body));
                }
                self.current = before;
                Value::Boolean(self.quantified(quantifier, holding, strings.len()))
            }
            Term::ForIn { quantifier, variables, sequence, body } => {
                let Some(items) = self.items(sequence) else { return Value::Boolean(false) };
                let before = self.variables.clone();
                let mut holding = 0;
                let total = items.len();
                if total == 0 {
                    return Value::Boolean(false);
                }
                for item in items {
                    self.variables.extend(variables.iter().copied().zip(item));
                    holding += usize::from(self.holds(body));
                }
                self.variables = before;
                Value::Boolean(self.quantified(quantifier, holding, total))
            }
            Term::Module(path) => self.path(path),
        }
    }

    fn external(&self, external: External) -> Vec<u8> {
        let path = self.subject.rules.map_or("", |inspection| inspection.name);
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let text = match external {
            External::FileName => name,
            External::FilePath => path,
            External::Extension => name.rfind('.').map_or("", |dot| &name[dot..]),
            External::FileType | External::Owner => "",
        };
        text.as_bytes().to_vec()
    }

    fn of(&self, string: StringRef) -> Option<&'a [(usize, usize)]> {
        let number = match string {
            StringRef::Number(number) => number,
            StringRef::Current => self.current?,
        };
        self.found.get(number as usize).map(Vec::as_slice)
    }

    fn nth(&mut self, string: StringRef, index: &Term) -> Option<(usize, usize)> {
        let index = usize::try_from(self.value(index).integer()?).ok()?.checked_sub(1)?;
        self.of(string)?.get(index).copied()
    }

    fn placed(&mut self, found: &[(usize, usize)], place: &Place) -> Value {
        let (from, to) = match place {
            Place::Anywhere => return Value::Boolean(!found.is_empty()),
            Place::At(at) => {
                let at = self.value(at).integer();
                (at, at)
            }
            Place::In(range) => (self.value(&range.0).integer(), self.value(&range.1).integer()),
        };
        let (Some(from), Some(to)) = (from, to) else {
            // Nowhere is no place, but a range without an end is undefined.
            let is_at = matches!(place, Place::At(_));
            return if is_at { Value::Boolean(false) } else { Value::Undefined };
        };
        Value::Boolean(found.iter().any(|(start, _)| (from..=to).contains(&(*start as i64))))
    }

    fn quantified(&mut self, quantifier: &Quantifier, holding: usize, total: usize) -> bool {
        match quantifier {
            Quantifier::All => holding == total,
            Quantifier::Any => holding > 0,
            Quantifier::None => holding == 0,
            Quantifier::AtLeast(count) => match self.value(count).integer() {
                None => holding == total,
                Some(0) => holding == 0,
                Some(count) => holding as i64 >= count,
            },
            Quantifier::Percent(share) => match self.value(share).integer() {
                None => holding == total,
                Some(share) => holding as i64 * 100 >= share * total as i64,
            },
        }
    }

    fn items(&mut self, sequence: &Sequence) -> Option<Vec<Vec<Value>>> {
        match sequence {
            Sequence::List(terms) => Some(terms.iter().map(|term| vec![self.value(term)]).collect()),
            Sequence::Range(range) => {
                let (from, to) = (self.value(&range.0).integer()?, self.value(&range.1).integer()?);
                Some((from..=to).map(|number| vec![Value::Integer(number)]).collect())
            }
            Sequence::Members(path) => match self.path(path) {
                Value::Part(ModuleValue::Array(items)) => {
                    Some(items.iter().map(|item| vec![Value::of_module(Some(item))]).collect())
                }
                Value::Part(ModuleValue::Dictionary(items)) => Some(
                    items
                        .iter()
                        .map(|(key, item)| vec![Value::Text(key.clone()), Value::of_module(Some(item))])
                        .collect(),
                ),
                _ => None,
            },
        }
    }

    fn path(&mut self, path: &ModulePath) -> Value {
        let mut value = match path.root {
            ModuleRoot::Module(module) => {
                let offered = self.subject.rules.map(|inspection| inspection.inspector.module(module));
                if let (Some(ModuleValue::Structure(_)) | None, [ModuleStep::Field(name)]) =
                    (&offered, path.steps.as_slice())
                    && offered.as_ref().and_then(|offered| offered.field(name)).is_none()
                {
                    return constant(module, name);
                }
                Value::of_module(offered.as_ref())
            }
            ModuleRoot::Variable(number) => self.variables.get(&number).cloned().unwrap_or(Value::Undefined),
        };
        for step in &path.steps {
            value = match (step, &value) {
                (ModuleStep::Field(name), Value::Part(part)) => Value::of_module(part.field(name)),
                (ModuleStep::Index(index), Value::Part(ModuleValue::Array(items))) => {
                    let index = self.value(index).integer().and_then(|index| usize::try_from(index).ok());
                    Value::of_module(index.and_then(|index| items.get(index)))
                }
                (ModuleStep::Index(index), Value::Part(ModuleValue::Dictionary(items))) => {
                    let key = self.value(index);
                    let found = items.iter().find(|(known, _)| key == Value::Text(known.clone()));
                    Value::of_module(found.map(|(_, item)| item))
                }
                _ => Value::Undefined,
            };
        }
        value
    }
}

fn constant(module: Module, name: &str) -> Value {
    let field = module.description().iter().find(|field| field.name == name);
    field.and_then(|field| field.constant).map_or(Value::Undefined, Value::Integer)
}

fn binary(operator: BinaryOperator, left: &Value, right: &Value) -> Option<Value> {
    use BinaryOperator as Is;
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        let (low_left, low_right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
        let contains =
            |all: &[u8], part: &[u8]| part.is_empty() || all.windows(part.len()).any(|here| here == part);
        return Some(Value::Boolean(match operator {
            Is::Equal => left == right,
            Is::NotEqual => left != right,
            Is::Less => left < right,
            Is::LessOrEqual => left <= right,
            Is::Greater => left > right,
            Is::GreaterOrEqual => left >= right,
            Is::Contains => contains(left, right),
            Is::IContains => contains(&low_left, &low_right),
            Is::StartsWith => left.starts_with(right),
            Is::IStartsWith => low_left.starts_with(&low_right),
            Is::EndsWith => left.ends_with(right),
            Is::IEndsWith => low_left.ends_with(&low_right),
            Is::IEquals => low_left == low_right,
            _ => return None,
        }));
    }
    if let (Some(left), Some(right)) = (left.integer(), right.integer()) {
        return Some(match operator {
            Is::Add => Value::Integer(left.wrapping_add(right)),
            Is::Subtract => Value::Integer(left.wrapping_sub(right)),
            Is::Multiply => Value::Integer(left.wrapping_mul(right)),
            Is::Divide => Value::Integer(left.checked_div(right)?),
            Is::Remainder => Value::Integer(left.checked_rem(right)?),
            Is::BitAnd => Value::Integer(left & right),
            Is::BitOr => Value::Integer(left | right),
            Is::BitXor => Value::Integer(left ^ right),
            Is::ShiftLeft if right < 0 => return None,
            Is::ShiftRight if right < 0 => return None,
            Is::ShiftLeft => Value::Integer(if right > 63 { 0 } else { left << right }),
            Is::ShiftRight => Value::Integer(if right > 63 { 0 } else { left >> right }),
            Is::Equal => Value::Boolean(left == right),
            Is::NotEqual => Value::Boolean(left != right),
            Is::Less => Value::Boolean(left < right),
            Is::LessOrEqual => Value::Boolean(left <= right),
            Is::Greater => Value::Boolean(left > right),
            Is::GreaterOrEqual => Value::Boolean(left >= right),
            _ => return None,
        });
    }
    let (left, right) = (left.float()?, right.float()?);
    let is_equal = (left - right).abs() < f64::EPSILON;
    Some(match operator {
        Is::Add => Value::Float(left + right),
        Is::Subtract => Value::Float(left - right),
        Is::Multiply => Value::Float(left * right),
        Is::Divide => Value::Float(left / right),
        Is::Equal => Value::Boolean(is_equal),
        Is::NotEqual => Value::Boolean(!is_equal),
        Is::Less => Value::Boolean(left < right),
        Is::LessOrEqual => Value::Boolean(left <= right),
        Is::Greater => Value::Boolean(left > right),
        Is::GreaterOrEqual => Value::Boolean(left >= right),
        _ => return None,
    })
}

fn read(bytes: &[u8], size: u8, signed: bool, big_endian: bool) -> Option<i64> {
    Some(match (size, signed, big_endian) {
        (1, false, _) => i64::from(*bytes.first()?),
        (1, true, _) => i64::from(i8::from_le_bytes([*bytes.first()?])),
        (2, false, false) => i64::from(u16::from_le_bytes(*bytes.first_chunk()?)),
        (2, false, true) => i64::from(u16::from_be_bytes(*bytes.first_chunk()?)),
        (2, true, false) => i64::from(i16::from_le_bytes(*bytes.first_chunk()?)),
        (2, true, true) => i64::from(i16::from_be_bytes(*bytes.first_chunk()?)),
        (4, false, false) => i64::from(u32::from_le_bytes(*bytes.first_chunk()?)),
        (4, false, true) => i64::from(u32::from_be_bytes(*bytes.first_chunk()?)),
        (4, true, false) => i64::from(i32::from_le_bytes(*bytes.first_chunk()?)),
        (4, true, true) => i64::from(i32::from_be_bytes(*bytes.first_chunk()?)),
        _ => return None,
    })
}
