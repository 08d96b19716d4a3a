//! Deciding a rule over a layer.
//!
//! Terms are asked for as they are needed, strings looked for only as far as a term wants to know. Each term costs steps of the
//! layer; when they run out the rule is not decided.

use candor_model::{Kind, Match, Module, ModuleValue};
use regex_automata::meta;
use rustc_hash::FxHashMap;

use super::codec::{MAX_DEPTH, Program};
use super::functions;
use super::modules::Modules;
use super::regex::plain;
use super::strings::{Span, Strings};
use super::value::{Value, binary, unary};
use crate::content::evaluate::{KEPT, Steps, Undecided};
use crate::ir::{
    BinaryOperator, External, ModulePath, ModuleRoot, ModuleStep, Place, Quantifier, RuleRegex, Sequence,
    StringRef, Term,
};

/// Steps that a term costs.
const TERM_STEPS: usize = 16;
/// Expressions for texts that are kept at once.
const MAX_REGEXES: usize = 256;

/// Expressions that texts are compared with; `None` for one that cannot be run.
#[derive(Debug, Default)]
pub(crate) struct TextRegexes(FxHashMap<RuleRegex, Option<meta::Regex>>);

impl TextRegexes {
    /// Whether `text` has a match.
    pub(crate) fn matches(&mut self, regex: &RuleRegex, text: &[u8]) -> bool {
        if !self.0.contains_key(regex) {
            if self.0.len() >= MAX_REGEXES {
                self.0.clear();
            }
            self.0.insert(regex.clone(), plain(regex).ok());
        }
        self.0.get(regex).and_then(Option::as_ref).is_some_and(|regex| regex.is_match(text))
    }
}

/// A rule under evaluation.
pub(crate) struct Evaluation<'m, 'a, 'f, 's> {
    pub(crate) program: &'m Program,
    pub(crate) bytes: &'a [u8],
    pub(crate) entry_point: Option<u64>,
    pub(crate) modules: &'m Modules<'a>,
    pub(crate) strings: &'s mut Strings<'a, 'f>,
    pub(crate) regexes: &'s mut TextRegexes,
    pub(crate) steps: &'s mut Steps,
    pub(crate) variables: Vec<(u32, Value<'m>)>,
    pub(crate) current: Option<u32>,
    pub(crate) depth: u32,
}

/// How many must hold.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    All,
    AtLeast(u64),
    None,
}

impl Wanted {
    /// The answer, if it is known after so many of which so many hold, while so many are left.
    const fn early(self, seen: u64, holding: u64, left: u64) -> Option<bool> {
        match self {
            Self::All if holding < seen => Some(false),
            Self::AtLeast(wanted) if holding >= wanted => Some(true),
            Self::AtLeast(wanted) if holding.saturating_add(left) < wanted => Some(false),
            Self::None if holding > 0 => Some(false),
            _ => None,
        }
    }

    /// The answer in the end.
    const fn late(self, seen: u64, holding: u64) -> bool {
        match self {
            Self::All => holding == seen,
            Self::AtLeast(wanted) => holding >= wanted,
            Self::None => holding == 0,
        }
    }
}

impl<'m> Evaluation<'m, '_, '_, '_> {
    /// Whether the rule matches.
    pub(crate) fn decide(&mut self) -> Result<bool, Undecided> {
        let program = self.program;
        self.holds(&program.condition)
    }

    /// A few matches of each string that is told.
    pub(crate) fn matches(&self) -> Vec<Match> {
        let mut all = Vec::new();
        for (number, string) in (0_u32..).zip(&self.program.strings) {
            if string.private {
                continue;
            }
            all.extend(self.strings.known(string.form).iter().take(KEPT).map(|Span { start, length }| {
                Match { offset: *start as u64, length: *length as u64, subsignature: Some(number) }
            }));
        }
        all
    }

    /// Whether a term holds; what is undefined does not.
    fn holds(&mut self, term: &'m Term) -> Result<bool, Undecided> {
        Ok(self.value(term)?.truth() == Some(true))
    }

    fn value(&mut self, term: &'m Term) -> Result<Value<'m>, Undecided> {
        self.steps.spend(TERM_STEPS)?;
        if self.depth > MAX_DEPTH {
            return Err(Undecided);
        }
        self.depth = self.depth.saturating_add(1);
        let value = self.value_of(term);
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn value_of(&mut self, term: &'m Term) -> Result<Value<'m>, Undecided> {
        Ok(match term {
            Term::And(terms) => {
                // What is not there for certain ends it before anything else is looked for.
                for term in terms {
                    if let Term::String { string, .. } = term
                        && self.form(*string).is_some_and(|form| self.strings.is_known_absent(form))
                    {
                        return Ok(Value::Boolean(false));
                    }
                }
                for term in terms {
                    if !self.holds(term)? {
                        return Ok(Value::Boolean(false));
                    }
                }
                Value::Boolean(true)
            }
            Term::Or(terms) => {
                for term in terms {
                    if self.holds(term)? {
                        return Ok(Value::Boolean(true));
                    }
                }
                Value::Boolean(false)
            }
            Term::Not(term) => match self.value(term)?.truth() {
                Some(holds) => Value::Boolean(!holds),
                None => Value::Undefined,
            },
            Term::Boolean(value) => Value::Boolean(*value),
            Term::Integer(value) => Value::Integer(*value),
            Term::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Term::Text(text) => Value::Text(text.into()),
            Term::FileSize => Value::Integer(i64::try_from(self.bytes.len()).unwrap_or(i64::MAX)),
            Term::EntryPoint => {
                let place = self.entry_point.and_then(|place| i64::try_from(place).ok());
                Value::or_undefined(place.map(Value::Integer))
            }
            Term::External(external) => Value::text(self.external(*external)),
            Term::Variable(number) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == number);
                known.map_or(Value::Undefined, |(_, value)| value.clone())
            }
            Term::Defined(term) => {
                let value = self.value(term)?;
                Value::Boolean(value != Value::Undefined)
            }
            Term::Unary(operator, term) => unary(*operator, &self.value(term)?),
            Term::Binary(BinaryOperator::Less, left, right) => {
                let (one, other) = (self.value(left)?, self.value(right)?);
                let is_unknown = one == Value::Undefined || other == Value::Undefined;
                // No number is less than what has no value, which is known where both are floating-point numbers: in YARA alike.
                if is_unknown && (is_floating(left) || is_floating(right)) {
                    return Ok(Value::Boolean(false));
                }
                binary(BinaryOperator::Less, &one, &other)
            }
            Term::Binary(operator, left, right) => {
                let left = self.value(left)?;
                if left == Value::Undefined {
                    return Ok(Value::Undefined);
                }
                binary(*operator, &left, &self.value(right)?)
            }
            Term::Matches(text, regex) => match self.value(text)?.bytes() {
                Some(text) => {
                    self.steps.spend(text.len().saturating_add(64))?;
                    // Nothing matches an empty text.
                    Value::Boolean(!text.is_empty() && self.regexes.matches(regex, text))
                }
                None => Value::Undefined,
            },
            Term::Read { size, signed, big_endian, at } => {
                let at = self.value(at)?.integer().and_then(|at| usize::try_from(at).ok());
                let number = at.and_then(|at| read(self.bytes, at, *size, *signed, *big_endian));
                Value::or_undefined(number.map(Value::Integer))
            }
            Term::Count { string, range } => self.count(*string, range.as_deref())?,
            Term::Offset { string, index } => {
                let span = self.nth(*string, index)?;
                Value::or_undefined(span.map(|span| integer(span.start)))
            }
            Term::Length { string, index } => {
                let span = self.nth(*string, index)?;
                Value::or_undefined(span.map(|span| integer(span.length)))
            }
            Term::String { string, place } => match self.form(*string) {
                Some(form) => self.string(form, place)?,
                None => Value::Undefined,
            },
            Term::Of { quantifier, strings, place } => self.of(quantifier, strings, place)?,
            Term::OfTerms { quantifier, terms } => {
                let wanted = self.wanted(quantifier, terms.len())?;
                let mut tally = Tally::new(wanted, terms.len());
                for term in terms {
                    let holds = self.holds(term)?;
                    if let Some(answer) = tally.take(holds) {
                        return Ok(Value::Boolean(answer));
                    }
                }
                Value::Boolean(tally.finish())
            }
            Term::ForOf { quantifier, strings, body } => {
                let wanted = self.wanted(quantifier, strings.len())?;
                let before = self.current;
                let mut tally = Tally::new(wanted, strings.len());
                let mut answer = None;
                for string in strings {
                    self.current = Some(*string);
                    answer = tally.take(self.holds(body)?);
                    if answer.is_some() {
                        break;
                    }
                }
                self.current = before;
                Value::Boolean(answer.unwrap_or_else(|| tally.finish()))
            }
            Term::ForIn { quantifier, variables, sequence, body } => {
                self.for_in(quantifier, variables, sequence, body)?
            }
            Term::Module(path) => self.path(path)?,
        })
    }

    fn external(&self, external: External) -> Vec<u8> {
        let path = self.modules.name();
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        match external {
            External::FileName => name.into(),
            External::FilePath => path.into(),
            External::Extension => name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default().into(),
            External::FileType | External::Owner => Vec::new(),
        }
    }

    /// The number of the form of a string.
    fn form(&self, string: StringRef) -> Option<u32> {
        let number = match string {
            StringRef::Number(number) => number,
            StringRef::Current => self.current?,
        };
        self.form_of(number)
    }

    fn form_of(&self, number: u32) -> Option<u32> {
        self.program.strings.get(number as usize).map(|string| string.form)
    }

    /// Both ends of a range of places in the layer; `None` where it has none.
    #[expect(clippy::option_option, reason = "undefined is not the same as empty")]
    fn range(&mut self, range: &'m (Term, Term)) -> Result<Option<Option<(usize, usize)>>, Undecided> {
        let (from, to) = (self.value(&range.0)?.integer(), self.value(&range.1)?.integer());
        let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
        let from = usize::try_from(from.max(0)).unwrap_or(usize::MAX);
        Ok(Some(usize::try_from(to).ok().filter(|to| from <= *to).map(|to| (from, to))))
    }

    fn string(&mut self, form: u32, place: &'m Place) -> Result<Value<'m>, Undecided> {
        Ok(match place {
            Place::Anywhere => Value::Boolean(self.strings.first(form, self.steps)?.is_some()),
            // Nowhere is no place, which is not undefined here.
            Place::At(at) => match self.value(at)?.integer().map(usize::try_from) {
                Some(Ok(at)) => Value::Boolean(self.strings.within(form, at, at, self.steps)?.is_some()),
                Some(Err(_)) | None => Value::Boolean(false),
            },
            Place::In(range) => match self.range(range)? {
                None => Value::Undefined,
                Some(None) => Value::Boolean(false),
                Some(Some((from, to))) => {
                    Value::Boolean(self.strings.within(form, from, to, self.steps)?.is_some())
                }
            },
        })
    }

    fn count(&mut self, string: StringRef, range: Option<&'m (Term, Term)>) -> Result<Value<'m>, Undecided> {
        let Some(form) = self.form(string) else { return Ok(Value::Undefined) };
        let range = match range {
            None => Some((0, usize::MAX)),
            Some(range) => match self.range(range)? {
                None => return Ok(Value::Undefined),
                Some(range) => range,
            },
        };
        let Some((from, to)) = range else { return Ok(Value::Integer(0)) };
        let all = self.strings.all(form, self.steps)?;
        let before = all.partition_point(|span| span.start < from);
        let until = all.partition_point(|span| span.start <= to);
        Ok(integer(until.saturating_sub(before)))
    }

    /// A match of a string by its number, from 1.
    fn nth(&mut self, string: StringRef, index: &'m Term) -> Result<Option<Span>, Undecided> {
        let Some(form) = self.form(string) else { return Ok(None) };
        let index = self.value(index)?.integer().and_then(|index| usize::try_from(index).ok());
        let Some(index) = index.and_then(|index| index.checked_sub(1)) else { return Ok(None) };
        if index == 0 {
            return self.strings.first(form, self.steps);
        }
        Ok(self.strings.all(form, self.steps)?.get(index).copied())
    }

    /// How many of `total` a quantifier wants. A number without a value is all of them.
    fn wanted(&mut self, quantifier: &'m Quantifier, total: usize) -> Result<Wanted, Undecided> {
        Ok(match quantifier {
            Quantifier::All => Wanted::All,
            Quantifier::Any => Wanted::AtLeast(1),
            Quantifier::None => Wanted::None,
            Quantifier::AtLeast(count) => match self.value(count)?.integer() {
                None => Wanted::All,
                Some(0) => Wanted::None,
                Some(count) => Wanted::AtLeast(u64::try_from(count).unwrap_or(0)),
            },
            Quantifier::Percent(share) => match self.value(share)?.integer() {
                None => Wanted::All,
                Some(share) => {
                    let share = u64::try_from(share).unwrap_or(0);
                    Wanted::AtLeast(share.saturating_mul(total as u64).div_ceil(100))
                }
            },
        })
    }

    fn of(
        &mut self,
        quantifier: &'m Quantifier,
        strings: &'m [u32],
        place: &'m Place,
    ) -> Result<Value<'m>, Undecided> {
        let wanted = self.wanted(quantifier, strings.len())?;
        let mut tally = Tally::new(wanted, strings.len());
        // Those that are not there for certain may decide it before any other is looked for.
        let absent = |this: &mut Self, string: &u32| {
            this.form_of(*string).is_none_or(|form| this.strings.is_known_absent(form))
        };
        let absent = strings.iter().filter(|string| absent(self, string)).count();
        self.steps.spend(strings.len())?;
        if absent > 0 && tally.cannot_be(strings.len().saturating_sub(absent)) {
            return Ok(Value::Boolean(false));
        }
        for string in strings {
            let there = match self.form_of(*string) {
                Some(form) => self.string(form, place)?.truth() == Some(true),
                None => false,
            };
            if let Some(answer) = tally.take(there) {
                return Ok(Value::Boolean(answer));
            }
        }
        Ok(Value::Boolean(tally.finish()))
    }

    fn for_in(
        &mut self,
        quantifier: &'m Quantifier,
        variables: &'m [u32],
        sequence: &'m Sequence,
        body: &'m Term,
    ) -> Result<Value<'m>, Undecided> {
        let items = match sequence {
            Sequence::List(terms) => Items::Terms(terms),
            Sequence::Members(path) => match self.path(path)? {
                Value::Part(ModuleValue::Array(items)) => Items::Array(items),
                Value::Part(ModuleValue::Dictionary(items)) => Items::Dictionary(items),
                _ => return Ok(Value::Boolean(false)),
            },
            Sequence::Range(range) => {
                let (from, to) = (self.value(&range.0)?.integer(), self.value(&range.1)?.integer());
                match (from, to) {
                    (Some(from), Some(to)) => Items::Range(from, to),
                    _ => return Ok(Value::Boolean(false)),
                }
            }
        };
        // Of nothing not even none holds.
        if items.len() == 0 {
            return Ok(Value::Boolean(false));
        }
        let wanted = self.wanted(quantifier, items.len())?;
        let mut tally = Tally::new(wanted, items.len());
        let depth = self.variables.len();
        let mut answer = None;
        let mut index = 0;
        while answer.is_none() && index < items.len() {
            self.steps.spend(TERM_STEPS)?;
            match (&items, variables) {
                (Items::Terms(terms), [variable, ..]) => {
                    let Some(term) = terms.get(index) else { break };
                    let value = self.value(term)?;
                    self.variables.push((*variable, value));
                }
                (Items::Array(items), [variable, ..]) => {
                    let Some(item) = items.get(index) else { break };
                    self.variables.push((*variable, item.into()));
                }
                (Items::Dictionary(items), [key, value, ..]) => {
                    let Some((name, item)) = items.get(index) else { break };
                    self.variables.push((*key, Value::Text(name.into())));
                    self.variables.push((*value, item.into()));
                }
                (Items::Range(from, _), [variable, ..]) => {
                    let value = i64::try_from(index).ok().and_then(|index| from.checked_add(index));
                    self.variables.push((*variable, Value::or_undefined(value.map(Value::Integer))));
                }
                _ => break,
            }
            let holds = self.holds(body);
            self.variables.truncate(depth);
            answer = tally.take(holds?);
            index = index.saturating_add(1);
        }
        Ok(Value::Boolean(answer.unwrap_or_else(|| tally.finish())))
    }

    /// What a path leads to.
    fn path(&mut self, path: &'m ModulePath) -> Result<Value<'m>, Undecided> {
        let modules = self.modules;
        let (module, mut value) = match path.root {
            ModuleRoot::Module(module) => (Some(module), Value::Part(modules.value(module))),
            ModuleRoot::Variable(number) => {
                let known = self.variables.iter().rev().find(|(known, _)| *known == number);
                (None, known.map_or(Value::Undefined, |(_, value)| value.clone()))
            }
        };
        // The name of what was not looked up yet: a function has no value of its own.
        let mut pending: Option<&'m str> = None;
        let mut is_first = true;
        for step in &path.steps {
            match step {
                ModuleStep::Field(name) => {
                    if let Some(before) = pending.replace(name) {
                        value = field(module.filter(|_| is_first), &value, before);
                        is_first = false;
                    }
                    continue;
                }
                ModuleStep::Index(index) => {
                    if let Some(before) = pending.take() {
                        value = field(module.filter(|_| is_first), &value, before);
                    }
                    is_first = false;
                    let index = self.value(index)?;
                    value = indexed(&value, &index);
                }
                ModuleStep::Call(_, arguments) | ModuleStep::CallRegex(_, arguments, _) => {
                    let Some(name) = pending.take() else { return Ok(Value::Undefined) };
                    let mut values = Vec::with_capacity(arguments.len());
                    for argument in arguments {
                        values.push(self.value(argument)?);
                    }
                    let regexes = match step {
                        ModuleStep::CallRegex(_, _, regexes) => regexes.as_slice(),
                        _ => &[],
                    };
                    let on =
                        Call { module, value: &value, name, arguments: &values, regexes, bytes: self.bytes };
                    value = functions::call(&on, modules, self.regexes, self.steps)?;
                    is_first = false;
                }
            }
        }
        if let Some(before) = pending {
            value = field(module.filter(|_| is_first), &value, before);
        }
        Ok(value)
    }
}

/// A call of a function of a module.
pub(crate) struct Call<'c, 'm, 'a> {
    /// The module, where the way began at one.
    pub(crate) module: Option<Module>,
    /// What the function is of.
    pub(crate) value: &'c Value<'m>,
    /// Its name.
    pub(crate) name: &'c str,
    pub(crate) arguments: &'c [Value<'m>],
    /// The last arguments, as far as they are regular expressions.
    pub(crate) regexes: &'c [RuleRegex],
    /// The layer.
    pub(crate) bytes: &'a [u8],
}

/// What a variable goes through.
enum Items<'m> {
    Terms(&'m [Term]),
    Array(&'m [ModuleValue]),
    Dictionary(&'m [(Vec<u8>, ModuleValue)]),
    Range(i64, i64),
}

impl Items<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Terms(terms) => terms.len(),
            Self::Array(items) => items.len(),
            Self::Dictionary(items) => items.len(),
            Self::Range(from, to) => {
                match to.checked_sub(*from).and_then(|width| usize::try_from(width).ok()) {
                    Some(width) => width.saturating_add(1),
                    None if to > from => usize::MAX,
                    None => 0,
                }
            }
        }
    }
}

/// Counts what holds.
struct Tally {
    wanted: Wanted,
    total: u64,
    seen: u64,
    holding: u64,
}

impl Tally {
    const fn new(wanted: Wanted, total: usize) -> Self {
        Self { wanted, total: total as u64, seen: 0, holding: 0 }
    }

    /// Takes one; the answer, if it is known then.
    fn take(&mut self, holds: bool) -> Option<bool> {
        self.seen = self.seen.saturating_add(1);
        self.holding = self.holding.saturating_add(u64::from(holds));
        self.wanted.early(self.seen, self.holding, self.total.saturating_sub(self.seen))
    }

    /// Whether it cannot hold where no more than so many do.
    const fn cannot_be(&self, most: usize) -> bool {
        match self.wanted {
            Wanted::All => (most as u64) < self.total,
            Wanted::AtLeast(wanted) => (most as u64) < wanted,
            Wanted::None => false,
        }
    }

    const fn finish(&self) -> bool {
        self.wanted.late(self.seen, self.holding)
    }
}

fn integer<'m>(value: usize) -> Value<'m> {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A field by its name: of the layer, or a constant of the module.
fn field<'m>(module: Option<Module>, value: &Value<'m>, name: &str) -> Value<'m> {
    let Value::Part(part) = *value else { return constant(module, name) };
    match part.field(name) {
        Some(ModuleValue::Undefined) | None => constant(module, name),
        Some(value) => value.into(),
    }
}

fn constant<'m>(module: Option<Module>, name: &str) -> Value<'m> {
    let fields = module.map(Module::description).unwrap_or_default();
    let known = fields.iter().find(|field| field.name == name).and_then(|field| field.constant);
    Value::or_undefined(known.map(Value::Integer))
}

fn indexed<'m>(value: &Value<'m>, index: &Value<'_>) -> Value<'m> {
    let found = match *value {
        Value::Part(ModuleValue::Array(items)) => {
            index.integer().and_then(|index| items.get(usize::try_from(index).ok()?))
        }
        Value::Part(ModuleValue::Dictionary(items)) => index
            .bytes()
            .and_then(|key| items.iter().find_map(|(known, value)| (known == key).then_some(value))),
        _ => None,
    };
    found.map_or(Value::Undefined, Value::from)
}

/// Whether a number is one with a floating point, whatever its value is.
fn is_floating(term: &Term) -> bool {
    match term {
        Term::Float(_) => true,
        Term::Unary(_, term) => is_floating(term),
        Term::Binary(operator, left, right) => {
            let is_arithmetic = matches!(
                operator,
                BinaryOperator::Add
                    | BinaryOperator::Divide
                    | BinaryOperator::Multiply
                    | BinaryOperator::Subtract
            );
            is_arithmetic && (is_floating(left) || is_floating(right))
        }
        Term::Module(ModulePath { root: ModuleRoot::Module(module), steps }) => match steps.as_slice() {
            [ModuleStep::Field(name), rest @ ..] => {
                match (module.field(name).map(|field| field.kind), rest) {
                    (Some(Kind::Float), []) => true,
                    (
                        Some(Kind::Function(forms)),
                        [ModuleStep::Call(form, _) | ModuleStep::CallRegex(form, ..)],
                    ) => forms.get(*form as usize).is_some_and(|form| form.result == Kind::Float),
                    _ => false,
                }
            }
            _ => false,
        },
        _ => false,
    }
}

/// A number that stands in the layer.
pub(crate) fn read(bytes: &[u8], at: usize, size: u8, signed: bool, big_endian: bool) -> Option<i64> {
    let here = bytes.get(at..at.checked_add(usize::from(size))?)?;
    let shift_in = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    let number = if big_endian { here.iter().fold(0, shift_in) } else { here.iter().rev().fold(0, shift_in) };
    let unused = 64_u32.checked_sub(u32::from(size).checked_mul(8)?)?;
    Some(if signed {
        number.checked_shl(unused)?.cast_signed().checked_shr(unused)?
    } else {
        number.cast_signed()
    })
}
