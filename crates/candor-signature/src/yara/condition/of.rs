//! Sets and loops: `… of (…)`, `for … of (…) : (…)`, `for … in … : (…)`.

use candor_database::ir::{Quantifier, Sequence, Term};
use candor_model::Kind;

use super::name::Variable;
use super::quantifier::{Weighed, before_set};
use super::typed::{Type, Typed};
use super::{Fault, Reader, Token, Weight};

/// What stands behind `of`.
enum Set {
    Strings(Vec<u32>),
    Terms(Vec<Typed>),
}

impl Reader<'_, '_> {
    /// Reads from `of` on.
    pub(super) fn of(&mut self, quantifier: Weighed, at: usize) -> Result<Typed, Fault> {
        let (quantifier, weight) = quantifier;
        let quantifier = before_set(quantifier);
        self.tokens.expect_word("of")?;
        match self.set()? {
            Set::Strings(strings) => {
                let (place, weights) = self.place(true)?;
                let size = weigh_strings(&strings);
                let term = Term::Of { quantifier, strings, place };
                Typed::over(Type::Boolean, term, weights.into_iter().chain([weight, size]), at)
            }
            Set::Terms(terms) => {
                let mut weights = vec![weight];
                weights.extend(terms.iter().map(|term| term.weight));
                let terms = terms.into_iter().map(|term| term.term).collect();
                Typed::over(Type::Boolean, Term::OfTerms { quantifier, terms }, weights, at)
            }
        }
    }

    /// `them`, `($a, $b*)`, `(rule1, rule2*)`
    fn set(&mut self) -> Result<Set, Fault> {
        let at = self.tokens.at();
        if self.tokens.accept_word("them") {
            let strings = self.strings.all();
            if strings.is_empty() {
                return Err(Fault::new(at, "`them` of a rule without strings"));
            }
            self.charge(strings.len(), at)?;
            return Ok(Set::Strings(strings));
        }
        self.tokens.expect("(")?;
        let set = if matches!(self.tokens.peek(), Token::String(_) | Token::StringPrefix(_)) {
            self.strings().map(Set::Strings)?
        } else {
            self.rules().map(Set::Terms)?
        };
        self.tokens.expect(")")?;
        Ok(set)
    }

    /// `$a, $b*`; in the order in which they stand, a string that stands there twice counts twice.
    fn strings(&mut self) -> Result<Vec<u32>, Fault> {
        let mut strings = Vec::new();
        loop {
            let at = self.tokens.at();
            let (found, written) = match *self.tokens.peek() {
                Token::String("") => (self.strings.anonymous(), String::from("$")),
                Token::String(name) => (self.strings.find(name).into_iter().collect(), format!("${name}")),
                Token::StringPrefix(name) => (self.strings.with_prefix(name), format!("${name}*")),
                _ => return Err(self.tokens.unexpected("a string")),
            };
            self.tokens.take();
            if found.is_empty() {
                return Err(Fault::new(at, format!("there is no string `{written}`")));
            }
            self.charge(found.len(), at)?;
            strings.extend(found);
            if !self.tokens.accept(",") {
                return Ok(strings);
            }
        }
    }

    /// `rule1, rule2*`
    fn rules(&mut self) -> Result<Vec<Typed>, Fault> {
        let mut terms = Vec::new();
        loop {
            let at = self.tokens.at();
            let name = self.tokens.identifier("a string or a rule")?;
            let rules = if self.tokens.accept("*") {
                self.scope.rules(name, at)?
            } else {
                self.scope.rule(name, at)?.into_iter().collect()
            };
            if rules.is_empty() {
                return Err(Fault::new(at, format!("there is no rule `{name}` before this one")));
            }
            for rule in rules {
                self.charge_rule(&rule, at)?;
                let term = self.assembly.put_in(&rule, at)?;
                terms.push(Typed { kind: Type::Boolean, term, weight: rule.weight, at });
            }
            if !self.tokens.accept(",") {
                return Ok(terms);
            }
        }
    }

    /// Reads what stands behind `for`.
    pub(super) fn repeated(&mut self, at: usize) -> Result<Typed, Fault> {
        let (quantifier, weight) = self.quantifier()?;
        if self.tokens.accept_word("of") {
            return self.for_of(quantifier, weight, at);
        }
        self.for_in(quantifier, weight, at)
    }

    fn for_of(&mut self, quantifier: Quantifier, weight: Weight, at: usize) -> Result<Typed, Fault> {
        if self.in_of {
            return Err(Fault::new(at, "a loop over strings inside of another"));
        }
        let Set::Strings(strings) = self.set()? else {
            return Err(Fault::new(at, "a loop goes over strings, not over rules"));
        };
        self.tokens.expect(":")?;
        self.in_of = true;
        let body = self.body();
        self.in_of = false;
        let body = body?;
        let weights = [weight, weigh_strings(&strings), body.weight];
        let term = Term::ForOf { quantifier, strings, body: Box::new(body.term) };
        Typed::over(Type::Boolean, term, weights, at)
    }

    fn for_in(&mut self, quantifier: Quantifier, weight: Weight, at: usize) -> Result<Typed, Fault> {
        let mut names = Vec::new();
        loop {
            let at = self.tokens.at();
            let name = self.tokens.identifier("a variable")?.to_owned();
            let is_there = self.variables.iter().any(|variable| variable.name == name);
            if is_there || names.contains(&name) {
                return Err(Fault::new(at, format!("there is a variable `{name}` already")));
            }
            names.push(name);
            if names.len() > 2 {
                return Err(Fault::new(at, "over two variables"));
            }
            if !self.tokens.accept(",") {
                break;
            }
        }
        self.tokens.expect_word("in")?;
        let sequence_at = self.tokens.at();
        let (sequence, sequence_weight, kinds) = self.sequence()?;
        if kinds.len() != names.len() {
            let message = format!("{} in each round, and {} variables", kinds.len(), names.len());
            return Err(Fault::new(sequence_at, message));
        }
        self.tokens.expect(":")?;
        let before = self.variables.len();
        let mut variables = Vec::new();
        for (name, kind) in names.into_iter().zip(kinds) {
            let number = self.assembly.variable();
            variables.push(number);
            self.variables.push(Variable { name, number, kind });
        }
        let body = self.body();
        self.variables.truncate(before);
        let body = body?;
        let weights = [weight, sequence_weight, body.weight];
        let term = Term::ForIn { quantifier, variables, sequence, body: Box::new(body.term) };
        Typed::over(Type::Boolean, term, weights, at)
    }

    fn body(&mut self) -> Result<Typed, Fault> {
        self.tokens.expect("(")?;
        let body = self.condition()?;
        self.tokens.expect(")")?;
        Ok(body)
    }

    /// What a loop goes through, and what its variables are.
    fn sequence(&mut self) -> Result<(Sequence, Weight, Vec<Kind>), Fault> {
        let at = self.tokens.at();
        if !self.tokens.accept("(") {
            let name = self.tokens.identifier("a list, a range or a part of a module")?;
            let Some(path) = self.path(name)? else { return Err(self.no_such_name(name, at)) };
            return match path.kind {
                Kind::Array(member) => Ok((Sequence::Members(path.path), path.weight, vec![*member])),
                Kind::Dictionary(member) => {
                    Ok((Sequence::Members(path.path), path.weight, vec![Kind::Text, *member]))
                }
                _ => Err(Fault::new(at, "not an array or a dictionary")),
            };
        }
        let first = self.value()?;
        if self.tokens.accept("..") {
            let first = first.expect(Type::Integer)?;
            let last = self.integer()?;
            self.tokens.expect(")")?;
            let weight = Weight::over([first.weight, last.weight]);
            let range = Sequence::Range(Box::new((first.term, last.term)));
            return Ok((range, weight, vec![Kind::Integer]));
        }
        let kind = match first.kind {
            Type::Integer => Kind::Integer,
            Type::Text => Kind::Text,
            Type::Float | Type::Boolean => {
                return Err(Fault::new(first.at, "a list has integers or texts"));
            }
        };
        let of = first.kind;
        let mut weights = vec![first.weight];
        let mut terms = vec![first.term];
        while self.tokens.accept(",") {
            let next = self.value()?.expect(of)?;
            weights.push(next.weight);
            terms.push(next.term);
        }
        self.tokens.expect(")")?;
        Ok((Sequence::List(terms), Weight::over(weights), vec![kind]))
    }
}

/// A string in a set weighs as much as a term.
fn weigh_strings(strings: &[u32]) -> Weight {
    Weight::of_leaves(strings.len())
}
