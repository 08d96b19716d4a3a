//! Terms with their types, and what operators make of them.

use candor_database::ir::{BinaryOperator, Term, UnaryOperator};

use crate::yara::closed::Weight;
use crate::yara::fault::Fault;

/// What a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::yara) enum Type {
    Boolean,
    Float,
    Integer,
    Text,
}

impl Type {
    /// For messages.
    const fn words(self) -> &'static str {
        match self {
            Self::Boolean => "a condition",
            Self::Float => "a floating-point number",
            Self::Integer => "an integer",
            Self::Text => "a text",
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Self::Float | Self::Integer)
    }
}

/// A term, what it is, how large, and where it begins.
#[derive(Clone, Debug)]
pub(in crate::yara) struct Typed {
    pub(in crate::yara) kind: Type,
    pub(in crate::yara) term: Term,
    pub(in crate::yara) weight: Weight,
    pub(in crate::yara) at: usize,
}

impl Typed {
    /// A term without operands.
    pub(super) const fn leaf(kind: Type, term: Term, at: usize) -> Self {
        Self { kind, term, weight: Weight::ONE, at }
    }

    /// A term over others.
    pub(super) fn over(
        kind: Type,
        term: Term,
        operands: impl IntoIterator<Item = Weight>,
        at: usize,
    ) -> Result<Self, Fault> {
        let weight = Weight::over(operands);
        weight.check(at)?;
        Ok(Self { kind, term, weight, at })
    }

    /// What holds if a number is not zero, if a text is not empty.
    pub(super) fn into_condition(self) -> Result<Self, Fault> {
        let zero = match (self.kind, &self.term) {
            (Type::Boolean, _) => return Ok(self),
            (Type::Integer, Term::Integer(value)) => {
                return Ok(Self::leaf(Type::Boolean, Term::Boolean(*value != 0), self.at));
            }
            (Type::Integer, _) => Term::Integer(0),
            (Type::Float, _) => Term::Float(0_f64.to_bits()),
            (Type::Text, _) => Term::Text(Vec::new()),
        };
        let term = Term::Binary(BinaryOperator::NotEqual, Box::new(self.term), Box::new(zero));
        Self::over(Type::Boolean, term, [self.weight, Weight::ONE], self.at)
    }

    /// Refuses what is of another type.
    pub(super) fn expect(self, kind: Type) -> Result<Self, Fault> {
        if self.kind == kind {
            return Ok(self);
        }
        let message = format!("{} is expected, not {}", kind.words(), self.kind.words());
        Err(Fault::new(self.at, message))
    }

    /// `not x`
    pub(super) fn negated(self) -> Result<Self, Fault> {
        let inner = self.into_condition()?;
        let (weight, at) = (inner.weight, inner.at);
        Self::over(Type::Boolean, Term::Not(Box::new(inner.term)), [weight], at)
    }

    /// `-x`, `~x`
    pub(super) fn unary(self, operator: UnaryOperator) -> Result<Self, Fault> {
        let kind = match operator {
            UnaryOperator::Negate if self.kind.is_number() => self.kind,
            _ => self.kind_of_integer()?,
        };
        if let (UnaryOperator::Negate, Term::Integer(value)) = (operator, &self.term) {
            return Ok(Self::leaf(Type::Integer, Term::Integer(value.wrapping_neg()), self.at));
        }
        let (weight, at) = (self.weight, self.at);
        Self::over(kind, Term::Unary(operator, Box::new(self.term)), [weight], at)
    }

    /// An operator between two terms.
    pub(super) fn binary(self, operator: BinaryOperator, right: Self) -> Result<Self, Fault> {
        use BinaryOperator as Operator;
        let kind = match operator {
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
                self.number()?;
                right.number()?;
                if self.kind == Type::Integer { right.kind } else { Type::Float }
            }
            Operator::BitAnd
            | Operator::BitOr
            | Operator::BitXor
            | Operator::Remainder
            | Operator::ShiftLeft
            | Operator::ShiftRight => {
                self.kind_of_integer()?;
                right.kind_of_integer()?
            }
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                let is_right = self.kind.is_number() && right.kind.is_number()
                    || self.kind == Type::Text && right.kind == Type::Text;
                if !is_right {
                    let message =
                        format!("{} cannot be compared with {}", self.kind.words(), right.kind.words());
                    return Err(Fault::new(self.at, message));
                }
                Type::Boolean
            }
            Operator::Contains
            | Operator::EndsWith
            | Operator::IContains
            | Operator::IEndsWith
            | Operator::IEquals
            | Operator::IStartsWith
            | Operator::StartsWith => {
                for side in [&self, &right] {
                    if side.kind != Type::Text {
                        return Err(Fault::new(
                            side.at,
                            format!("a text is expected, not {}", side.kind.words()),
                        ));
                    }
                }
                Type::Boolean
            }
        };
        match (operator, &right.term) {
            (Operator::Divide | Operator::Remainder, Term::Integer(0)) if kind == Type::Integer => {
                return Err(Fault::new(right.at, "a division by zero"));
            }
            (Operator::ShiftLeft | Operator::ShiftRight, Term::Integer(..=-1)) => {
                return Err(Fault::new(right.at, "a shift by a negative number"));
            }
            _ => {}
        }
        let (weights, at) = ([self.weight, right.weight], self.at);
        Self::over(kind, Term::Binary(operator, Box::new(self.term), Box::new(right.term)), weights, at)
    }

    fn number(&self) -> Result<(), Fault> {
        if self.kind.is_number() {
            return Ok(());
        }
        Err(Fault::new(self.at, format!("a number is expected, not {}", self.kind.words())))
    }

    fn kind_of_integer(&self) -> Result<Type, Fault> {
        if self.kind == Type::Integer {
            return Ok(Type::Integer);
        }
        Err(Fault::new(self.at, format!("an integer is expected, not {}", self.kind.words())))
    }
}

/// All of these, or one of these, hold.
pub(super) fn join(
    terms: Vec<Typed>,
    make: fn(Vec<Term>) -> Term,
    is_same: fn(Term) -> Result<Vec<Term>, Term>,
) -> Result<Typed, Fault> {
    let at = terms.first().map_or(0, |term| term.at);
    let mut weights = Vec::with_capacity(terms.len());
    let mut inner = Vec::with_capacity(terms.len());
    for term in terms {
        let term = term.into_condition()?;
        weights.push(term.weight);
        match is_same(term.term) {
            Ok(terms) => inner.extend(terms),
            Err(term) => inner.push(term),
        }
    }
    Typed::over(Type::Boolean, make(inner), weights, at)
}

/// The operands of `and`.
pub(super) fn conjuncts(term: Term) -> Result<Vec<Term>, Term> {
    match term {
        Term::And(terms) => Ok(terms),
        other => Err(other),
    }
}

/// The operands of `or`.
pub(super) fn disjuncts(term: Term) -> Result<Vec<Term>, Term> {
    match term {
        Term::Or(terms) => Ok(terms),
        other => Err(other),
    }
}
