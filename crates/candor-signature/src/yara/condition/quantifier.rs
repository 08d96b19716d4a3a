//! How many must hold: `any`, `all`, `none`, a number, a percentage.

use candor_database::ir::{Quantifier, Term};

use super::typed::{Type, Typed};
use super::{Fault, Reader, Token, Weight};

/// A quantifier and how large it is.
pub(super) type Weighed = (Quantifier, Weight);

impl Reader<'_, '_> {
    /// Whether what was just read is a quantifier, by what stands behind it.
    pub(super) fn is_quantifier(&self) -> bool {
        self.tokens.is_word("of") || (self.tokens.is_sign("%") && self.is_percent())
    }

    /// Makes a quantifier of a number. A sign for percent behind it is taken.
    pub(super) fn quantifier_of(&mut self, number: Typed) -> Result<Weighed, Fault> {
        let number = number.expect(Type::Integer)?;
        let weight = number.weight;
        if !self.tokens.accept("%") {
            return Ok((Quantifier::AtLeast(Box::new(number.term)), weight));
        }
        match number.term {
            Term::Integer(percent) if !(1..=100).contains(&percent) => {
                Err(Fault::new(number.at, "a percentage is from 1 to 100"))
            }
            term => Ok((Quantifier::Percent(Box::new(term)), weight)),
        }
    }

    /// `any`, `all`, `none`.
    pub(super) fn simple_quantifier(&mut self) -> Option<Weighed> {
        let quantifier = match *self.tokens.peek() {
            Token::Word("all") => Quantifier::All,
            Token::Word("any") => Quantifier::Any,
            Token::Word("none") => Quantifier::None,
            _ => return None,
        };
        self.tokens.take();
        Some((quantifier, Weight::ONE))
    }

    /// The quantifier of a loop.
    pub(super) fn quantifier(&mut self) -> Result<Weighed, Fault> {
        if let Some(quantifier) = self.simple_quantifier() {
            return Ok(quantifier);
        }
        let number = self.value()?;
        self.quantifier_of(number)
    }
}

/// In front of a set, zero of them means none, unlike in front of a loop.
pub(super) fn before_set(quantifier: Quantifier) -> Quantifier {
    match quantifier {
        Quantifier::AtLeast(number) if *number == Term::Integer(0) => Quantifier::None,
        other => other,
    }
}
