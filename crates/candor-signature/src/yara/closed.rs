//! Rules that stand by themselves, and how one is put into another.

use std::collections::HashMap;
use std::sync::Arc;

use candor_database::ir::{RuleString, Term};

use super::fault::Fault;
use super::renumber::Renumber;

/// The most strings of a rule, those of rules that it refers to included.
const MOST_STRINGS: usize = 10_000;
/// The most terms of a rule, those of rules that it refers to included.
const MOST_TERMS: u32 = 100_000;
/// How deep terms may be nested, in whatever way that came to be. Bounds the recursion of whoever walks them.
const DEEPEST: u32 = 120;

/// How large a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    terms: u32,
    depth: u32,
}

impl Weight {
    /// Of a term without operands.
    pub(super) const ONE: Self = Self { terms: 1, depth: 1 };

    /// Of a term with these operands.
    pub(super) fn over(operands: impl IntoIterator<Item = Self>) -> Self {
        let mut weight = Self { terms: 0, depth: 0 };
        for operand in operands {
            weight.terms = weight.terms.saturating_add(operand.terms);
            weight.depth = weight.depth.max(operand.depth);
        }
        Self { terms: weight.terms.saturating_add(1), depth: weight.depth.saturating_add(1) }
    }

    /// Of a term with so many operands that have none.
    pub(super) fn of_leaves(count: usize) -> Self {
        Self { terms: u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1), depth: 2 }
    }

    /// Of both, side by side.
    pub(super) fn and(self, other: Self) -> Self {
        Self { terms: self.terms.saturating_add(other.terms), depth: self.depth.max(other.depth) }
    }

    /// Number of terms.
    pub(super) const fn terms(self) -> u32 {
        self.terms
    }

    /// Refuses what is too large.
    pub(super) fn check(self, at: usize) -> Result<(), Fault> {
        if self.depth > DEEPEST {
            return Err(Fault::new(at, format!("terms are nested more than {DEEPEST} deep")));
        }
        if self.terms > MOST_TERMS {
            return Err(Fault::new(
                at,
                format!("over {MOST_TERMS} terms, those of rules that it refers to included"),
            ));
        }
        Ok(())
    }
}

/// A rule that refers to no other.
#[derive(Debug)]
pub(super) struct Closed {
    /// Its strings by number. The same string of the same rule is the same value, wherever it was put.
    pub(super) strings: Vec<Arc<RuleString>>,
    /// What must hold.
    pub(super) condition: Term,
    /// How large that is.
    pub(super) weight: Weight,
    /// How many variables it has.
    pub(super) variables: u32,
}

/// The strings and variables of a rule that is being put together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    strings: Vec<Arc<RuleString>>,
    numbers: HashMap<usize, u32>,
    variables: u32,
}

impl Assembly {
    /// With the strings and variables of a rule.
    pub(super) fn of(rule: &Closed) -> Self {
        let mut assembly = Self { variables: rule.variables, ..Self::default() };
        for string in &rule.strings {
            assembly.insert(string);
        }
        assembly
    }

    /// The strings by number.
    pub(super) fn strings(&self) -> &[Arc<RuleString>] {
        &self.strings
    }

    /// The number of a new variable.
    pub(super) const fn variable(&mut self) -> u32 {
        let number = self.variables;
        self.variables = self.variables.saturating_add(1);
        number
    }

    /// Adds a string; gives its number.
    pub(super) fn string(&mut self, string: RuleString, at: usize) -> Result<u32, Fault> {
        let number = self.insert(&Arc::new(string));
        self.check(at)?;
        Ok(number)
    }

    /// What `rule` says, in terms of this one.
    pub(super) fn put_in(&mut self, rule: &Closed, at: usize) -> Result<Term, Fault> {
        let mut numbers = Vec::with_capacity(rule.strings.len());
        for string in &rule.strings {
            numbers.push(self.insert(string));
            self.check(at)?;
        }
        let renumber = Renumber { strings: &numbers, variables: self.variables };
        let term = renumber.term(rule.condition.clone());
        self.variables = self.variables.saturating_add(rule.variables);
        Ok(term)
    }

    /// The rule, with those of the strings that `used` says.
    pub(super) fn close(self, condition: Term, weight: Weight, used: impl Fn(usize) -> bool) -> Closed {
        let mut strings = Vec::with_capacity(self.strings.len());
        let mut numbers = Vec::with_capacity(self.strings.len());
        let all = self.strings.len();
        for (index, string) in self.strings.into_iter().enumerate() {
            numbers.push(u32::try_from(strings.len()).unwrap_or(u32::MAX));
            if used(index) {
                strings.push(string);
            }
        }
        let condition = if strings.len() == all {
            condition
        } else {
            Renumber { strings: &numbers, variables: 0 }.term(condition)
        };
        Closed { strings, condition, weight, variables: self.variables }
    }

    fn insert(&mut self, string: &Arc<RuleString>) -> u32 {
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        let own = Arc::as_ptr(string).addr();
        *self.numbers.entry(own).or_insert_with(|| {
            self.strings.push(Arc::clone(string));
            number
        })
    }

    fn check(&self, at: usize) -> Result<(), Fault> {
        if self.strings.len() > MOST_STRINGS {
            return Err(Fault::new(
                at,
                format!("over {MOST_STRINGS} strings, those of rules that it refers to included"),
            ));
        }
        Ok(())
    }
}
