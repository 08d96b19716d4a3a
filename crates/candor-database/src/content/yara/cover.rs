//! What must be seen of a layer for a rule to match.
//!
//! As for logical signatures, a cover says by which strings, and by which [keys](super::key), a rule is found. It says less than the
//! condition and never more.

use candor_model::Module;

use super::key::{Key, KeyKind};
use super::regex::required;
use crate::content::anchor::Usage;
use crate::content::cover::{Clause, Cover, Threshold, never, of_required, pattern_cover};
use crate::ir::{
    BinaryOperator, Element, Gap, ModulePath, ModuleRoot, ModuleStep, Offset, OffsetBase, Part, Pattern,
    Place, Quantifier, RuleString, StringForm, StringRef, Term,
};

/// Finds covers of conditions over the same strings.
pub(super) struct Covering<'a> {
    strings: &'a [RuleString],
    usage: &'a dyn Usage,
    /// Covers of strings that may be anywhere.
    memo: Vec<Option<Cover>>,
    current: Option<u32>,
}

impl<'a> Covering<'a> {
    /// Conditions over `strings`.
    pub(super) fn new(strings: &'a [RuleString], usage: &'a dyn Usage) -> Self {
        Self { strings, usage, memo: vec![None; strings.len()], current: None }
    }

    /// The cover of a condition, as it goes into the index.
    pub(super) fn of(&mut self, condition: &Term) -> Cover {
        self.term(condition).settle()
    }

    fn term(&mut self, term: &Term) -> Cover {
        match term {
            Term::And(terms) => self.every(terms),
            Term::Or(terms) => {
                let mut cover: Option<Cover> = None;
                for term in terms {
                    let own = self.term(term);
                    let joined = match cover {
                        None => own,
                        Some(cover) => cover.either(own),
                    };
                    if joined == Cover::Always {
                        return joined;
                    }
                    cover = Some(joined);
                }
                cover.unwrap_or_else(never)
            }
            Term::Boolean(false) => never(),
            Term::Binary(operator, left, right) => self.binary(*operator, left, right),
            Term::String { string, place } => self.string(*string, place),
            Term::Of { quantifier, strings, place } => {
                let covers =
                    strings.iter().map(|number| self.string(StringRef::Number(*number), place)).collect();
                quantified(quantifier, covers)
            }
            Term::OfTerms { quantifier, terms } => {
                let covers = terms.iter().map(|term| self.term(term)).collect();
                quantified(quantifier, covers)
            }
            Term::ForOf { quantifier, strings, body } => {
                let before = self.current;
                let mut covers = Vec::with_capacity(strings.len());
                for string in strings {
                    self.current = Some(*string);
                    covers.push(self.term(body));
                }
                self.current = before;
                quantified(quantifier, covers)
            }
            Term::ForIn { quantifier, body, .. } if at_least(quantifier, 1) > 0 => self.term(body),
            Term::Module(path) => self.call(path),
            Term::Matches(text, _) => self.strict(text),
            _ => Cover::Always,
        }
    }

    fn every(&mut self, terms: &[Term]) -> Cover {
        let mut all = Cover::Always;
        for term in terms {
            let own = self.term(term);
            all = all.and(own);
        }
        all
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Term, right: &Term) -> Cover {
        if operator == BinaryOperator::Equal
            && let (Term::Module(path), Term::Text(text)) | (Term::Text(text), Term::Module(path)) =
                (left, right)
            && let Some(kind) = KeyKind::of_path(path)
        {
            return key(kind, text.clone());
        }
        let counted = match (left, right) {
            (Term::Count { string, .. }, Term::Integer(number)) => Some((*string, operator, *number)),
            (Term::Integer(number), Term::Count { string, .. }) => Some((*string, turned(operator), *number)),
            _ => None,
        };
        if let Some((string, operator, number)) = counted {
            let needs_one = match operator {
                BinaryOperator::Equal | BinaryOperator::GreaterOrEqual => number > 0,
                BinaryOperator::Greater => number >= 0,
                BinaryOperator::NotEqual => number == 0,
                _ => false,
            };
            return if needs_one { self.string(string, &Place::Anywhere) } else { Cover::Always };
        }
        // Whatever has no value makes no comparison true.
        let left = self.strict(left);
        let right = self.strict(right);
        left.and(right)
    }

    /// What must be seen for a term to have a value at all.
    fn strict(&mut self, term: &Term) -> Cover {
        match term {
            Term::Offset { string, .. } | Term::Length { string, .. } => {
                self.string(*string, &Place::Anywhere)
            }
            Term::Binary(_, left, right) => {
                let left = self.strict(left);
                let right = self.strict(right);
                left.and(right)
            }
            Term::Unary(_, term) => self.strict(term),
            Term::Read { at, .. } => self.strict(at),
            Term::Module(path) => {
                let mut cover = Cover::Always;
                for step in &path.steps {
                    match step {
                        ModuleStep::Call(_, terms) | ModuleStep::CallRegex(_, terms, _) => {
                            for term in terms {
                                let own = self.strict(term);
                                cover = cover.and(own);
                            }
                        }
                        ModuleStep::Index(index) => {
                            let own = self.strict(index);
                            cover = cover.and(own);
                        }
                        ModuleStep::Field(_) => {}
                    }
                }
                cover
            }
            _ => Cover::Always,
        }
    }

    /// A call that must be true.
    fn call(&mut self, path: &ModulePath) -> Cover {
        if path.root == ModuleRoot::Module(Module::Pe)
            && let [ModuleStep::Field(name), ModuleStep::Call(_, arguments)] = path.steps.as_slice()
        {
            let at = |path: &[Option<&str>], text: &[u8]| {
                let path = path.iter().map(|step| step.map(str::to_owned)).collect();
                key(
                    KeyKind::Module { module: Module::Pe, path, ignore_case: true },
                    text.to_ascii_lowercase(),
                )
            };
            match (name.as_str(), arguments.as_slice()) {
                ("exports", [Term::Text(name)]) => {
                    return at(&[Some("export_details"), None, Some("name")], name);
                }
                ("imports", [Term::Text(library)]) => {
                    return at(&[Some("import_details"), None, Some("library_name")], library);
                }
                ("imports", [Term::Text(_), Term::Text(name)]) => {
                    return at(&[Some("import_details"), None, Some("functions"), None, Some("name")], name);
                }
                _ => {}
            }
        }
        self.strict(&Term::Module(path.clone()))
    }

    fn string(&mut self, string: StringRef, place: &Place) -> Cover {
        let number = match string {
            StringRef::Number(number) => Some(number),
            StringRef::Current => self.current,
        };
        let Some(number) = number else { return Cover::Always };
        let strings = self.strings;
        let Some(string) = strings.get(number as usize) else { return Cover::Always };
        if let Some(offset) = fixed(place) {
            return of_form(&string.form, offset, self.usage);
        }
        if let Some(Some(known)) = self.memo.get(number as usize) {
            return known.clone();
        }
        let cover = of_form(&string.form, Offset::ANY, self.usage);
        if let Some(known) = self.memo.get_mut(number as usize) {
            *known = Some(cover.clone());
        }
        cover
    }
}

/// The offset that a place is, if it counts from the start of the layer.
fn fixed(place: &Place) -> Option<Offset> {
    let number = |term: &Term| match term {
        Term::Integer(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    let (from, to) = match place {
        Place::Anywhere => return None,
        Place::At(at) => (number(at)?, number(at)?),
        Place::In(range) => (number(&range.0)?, number(&range.1)?),
    };
    Some(Offset { base: OffsetBase::Start(from), shift: to.checked_sub(from)? })
}

fn of_form(form: &StringForm, offset: Offset, usage: &dyn Usage) -> Cover {
    match form {
        StringForm::Text { spellings, ignore_case } => {
            let mut clauses = Vec::with_capacity(spellings.len());
            for spelling in spellings {
                let elements = vec![Element::Bytes(spelling.bytes.clone())];
                let part = Part { gap: Gap::NONE, elements, macro_group: None };
                let pattern = Pattern { offset, ignore_case: *ignore_case, parts: vec![part] };
                let own = pattern_cover(&pattern, usage);
                if spellings.len() == 1 {
                    return own;
                }
                match own.into_clause() {
                    Some(clause) => clauses.push(clause),
                    None => return Cover::Always,
                }
            }
            let anchors = clauses.into_iter().flat_map(|clause| clause.anchors).collect();
            Cover::Needs(vec![Threshold { need: 1, of: vec![Clause { anchors, keys: Vec::new() }] }])
        }
        StringForm::Hex(pattern) => pattern_cover(&Pattern { offset, ..pattern.clone() }, usage),
        StringForm::Regex { regex, ascii, wide } => {
            let mut cover: Option<Cover> = None;
            for (wanted, wide) in [(*ascii, false), (*wide, true)] {
                if !wanted {
                    continue;
                }
                let own = match required(regex, wide, offset) {
                    Ok(required) => of_required(&required, usage),
                    Err(_) => Cover::Always,
                };
                cover = Some(match cover {
                    None => own,
                    Some(cover) => cover.either(own),
                });
            }
            cover.unwrap_or_else(never)
        }
    }
}

fn key(kind: KeyKind, value: Vec<u8>) -> Cover {
    let clause = Clause { anchors: Vec::new(), keys: vec![Key { kind, value }] };
    Cover::Needs(vec![Threshold { need: 1, of: vec![clause] }])
}

/// How many of `count` a quantifier wants at least, as far as that is known; 0 where it may be none.
fn at_least(quantifier: &Quantifier, count: usize) -> usize {
    let number = |term: &Term| match term {
        Term::Integer(number) => usize::try_from(*number).unwrap_or(0),
        _ => 0,
    };
    match quantifier {
        Quantifier::All | Quantifier::None => 0,
        Quantifier::Any => 1,
        Quantifier::AtLeast(wanted) => number(wanted),
        Quantifier::Percent(share) => number(share).saturating_mul(count).div_ceil(100),
    }
}

/// The cover of so many of these.
fn quantified(quantifier: &Quantifier, covers: Vec<Cover>) -> Cover {
    if *quantifier == Quantifier::All && !covers.is_empty() {
        return covers.into_iter().fold(Cover::Always, Cover::and);
    }
    let need = at_least(quantifier, covers.len());
    if need > 0 && need == covers.len() {
        return covers.into_iter().fold(Cover::Always, Cover::and);
    }
    Cover::so_many(need, covers)
}

/// The operator with its sides changed.
const fn turned(operator: BinaryOperator) -> BinaryOperator {
    match operator {
        BinaryOperator::Greater => BinaryOperator::Less,
        BinaryOperator::GreaterOrEqual => BinaryOperator::LessOrEqual,
        BinaryOperator::Less => BinaryOperator::Greater,
        BinaryOperator::LessOrEqual => BinaryOperator::GreaterOrEqual,
        other => other,
    }
}
