//! Puts a term into another rule: strings and variables get the numbers that they have there.

use candor_database::ir::{ModulePath, ModuleRoot, ModuleStep, Place, Quantifier, Sequence, StringRef, Term};

/// New numbers.
#[derive(Debug)]
pub(super) struct Renumber<'a> {
    /// The number of each string by the one that it had.
    pub(super) strings: &'a [u32],
    /// What is added to the numbers of variables.
    pub(super) variables: u32,
}

impl Renumber<'_> {
    /// The same term with new numbers.
    pub(super) fn term(&self, term: Term) -> Term {
        match term {
            Term::And(terms) => Term::And(self.terms(terms)),
            Term::Binary(operator, left, right) => {
                Term::Binary(operator, self.boxed(left), self.boxed(right))
            }
            Term::Count { string, range } => Term::Count {
                string: self.string(string),
                range: range.map(|range| Box::new(self.pair(*range))),
            },
            Term::Defined(inner) => Term::Defined(self.boxed(inner)),
            Term::ForIn { quantifier, variables, sequence, body } => Term::ForIn {
                quantifier: self.quantifier(quantifier),
                variables: variables.into_iter().map(|number| self.variable(number)).collect(),
                sequence: match sequence {
                    Sequence::List(terms) => Sequence::List(self.terms(terms)),
                    Sequence::Members(path) => Sequence::Members(self.path(path)),
                    Sequence::Range(range) => Sequence::Range(Box::new(self.pair(*range))),
                },
                body: self.boxed(body),
            },
            Term::ForOf { quantifier, strings, body } => Term::ForOf {
                quantifier: self.quantifier(quantifier),
                strings: self.numbers(strings),
                body: self.boxed(body),
            },
            Term::Length { string, index } => {
                Term::Length { string: self.string(string), index: self.boxed(index) }
            }
            Term::Matches(text, regex) => Term::Matches(self.boxed(text), regex),
            Term::Module(path) => Term::Module(self.path(path)),
            Term::Not(inner) => Term::Not(self.boxed(inner)),
            Term::Of { quantifier, strings, place } => Term::Of {
                quantifier: self.quantifier(quantifier),
                strings: self.numbers(strings),
                place: self.place(place),
            },
            Term::OfTerms { quantifier, terms } => {
                Term::OfTerms { quantifier: self.quantifier(quantifier), terms: self.terms(terms) }
            }
            Term::Offset { string, index } => {
                Term::Offset { string: self.string(string), index: self.boxed(index) }
            }
            Term::Or(terms) => Term::Or(self.terms(terms)),
            Term::Read { size, signed, big_endian, at } => {
                Term::Read { size, signed, big_endian, at: self.boxed(at) }
            }
            Term::String { string, place } => {
                Term::String { string: self.string(string), place: self.place(place) }
            }
            Term::Unary(operator, inner) => Term::Unary(operator, self.boxed(inner)),
            Term::Variable(number) => Term::Variable(self.variable(number)),
            same @ (Term::Boolean(_)
            | Term::EntryPoint
            | Term::External(_)
            | Term::FileSize
            | Term::Float(_)
            | Term::Integer(_)
            | Term::Text(_)) => same,
        }
    }

    fn terms(&self, terms: Vec<Term>) -> Vec<Term> {
        terms.into_iter().map(|term| self.term(term)).collect()
    }

    fn boxed(&self, mut term: Box<Term>) -> Box<Term> {
        let inner = std::mem::replace(&mut *term, Term::FileSize);
        *term = self.term(inner);
        term
    }

    fn pair(&self, (from, to): (Term, Term)) -> (Term, Term) {
        (self.term(from), self.term(to))
    }

    fn place(&self, place: Place) -> Place {
        match place {
            Place::Anywhere => Place::Anywhere,
            Place::At(at) => Place::At(self.boxed(at)),
            Place::In(range) => Place::In(Box::new(self.pair(*range))),
        }
    }

    fn quantifier(&self, quantifier: Quantifier) -> Quantifier {
        match quantifier {
            Quantifier::AtLeast(number) => Quantifier::AtLeast(self.boxed(number)),
            Quantifier::Percent(number) => Quantifier::Percent(self.boxed(number)),
            same @ (Quantifier::All | Quantifier::Any | Quantifier::None) => same,
        }
    }

    fn path(&self, path: ModulePath) -> ModulePath {
        let root = match path.root {
            ModuleRoot::Variable(number) => ModuleRoot::Variable(self.variable(number)),
            root @ ModuleRoot::Module(_) => root,
        };
        let steps = path.steps.into_iter().map(|step| match step {
            ModuleStep::Call(form, arguments) => ModuleStep::Call(form, self.terms(arguments)),
            ModuleStep::CallRegex(form, arguments, regexes) => {
                ModuleStep::CallRegex(form, self.terms(arguments), regexes)
            }
            ModuleStep::Index(index) => ModuleStep::Index(self.boxed(index)),
            step @ ModuleStep::Field(_) => step,
        });
        ModulePath { root, steps: steps.collect() }
    }

    fn string(&self, string: StringRef) -> StringRef {
        match string {
            StringRef::Number(number) => StringRef::Number(self.number(number)),
            StringRef::Current => StringRef::Current,
        }
    }

    fn numbers(&self, strings: Vec<u32>) -> Vec<u32> {
        strings.into_iter().map(|number| self.number(number)).collect()
    }

    fn number(&self, string: u32) -> u32 {
        let index = usize::try_from(string).unwrap_or(usize::MAX);
        self.strings.get(index).copied().unwrap_or(string)
    }

    const fn variable(&self, number: u32) -> u32 {
        number.saturating_add(self.variables)
    }
}
