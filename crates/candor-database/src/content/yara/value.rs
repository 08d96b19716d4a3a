//! What terms are for a layer, and what operators make of it.
//!
//! Whatever has no value is undefined, and so is all arithmetic and every comparison with it. A condition that is undefined does
//! not hold.

use std::borrow::Cow;

use candor_model::ModuleValue;

use crate::ir::{BinaryOperator, UnaryOperator};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'m> {
    Boolean(bool),
    Float(f64),
    Integer(i64),
    /// A part of a module that has parts itself.
    Part(&'m ModuleValue),
    Text(Cow<'m, [u8]>),
    Undefined,
}

impl<'m> From<&'m ModuleValue> for Value<'m> {
    fn from(value: &'m ModuleValue) -> Self {
        match value {
            ModuleValue::Boolean(value) => Self::Boolean(*value),
            ModuleValue::Float(value) => Self::Float(*value),
            ModuleValue::Integer(value) => Self::Integer(*value),
            ModuleValue::Text(text) => Self::Text(Cow::Borrowed(text)),
            ModuleValue::Undefined => Self::Undefined,
            ModuleValue::Array(_) | ModuleValue::Dictionary(_) | ModuleValue::Structure(_) => {
                Self::Part(value)
            }
        }
    }
}

/// A number of either kind.
#[derive(Clone, Copy, Debug)]
enum Number {
    Float(f64),
    Integer(i64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "as YARA compares integers with floating-point numbers")]
    const fn float(self) -> f64 {
        match self {
            Self::Float(value) => value,
            Self::Integer(value) => value as f64,
        }
    }
}

impl<'m> Value<'m> {
    /// A text.
    pub(crate) fn text(text: Vec<u8>) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// As a condition; `None` where it is undefined.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Float(value) => Some(*value != 0.0),
            Self::Integer(value) => Some(*value != 0),
            Self::Part(_) | Self::Undefined => None,
            Self::Text(text) => Some(!text.is_empty()),
        }
    }

    /// As an integer, if it is one.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Boolean(value) => Some(i64::from(*value)),
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// As a floating-point number, if it is a number.
    pub(crate) fn float(&self) -> Option<f64> {
        self.number().map(Number::float)
    }

    /// As bytes, if it is a text.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<Number> {
        match self {
            Self::Boolean(value) => Some(Number::Integer(i64::from(*value))),
            Self::Float(value) => Some(Number::Float(*value)),
            Self::Integer(value) => Some(Number::Integer(*value)),
            _ => None,
        }
    }

    /// A value, or none.
    pub(crate) fn or_undefined(value: Option<Self>) -> Self {
        value.unwrap_or(Self::Undefined)
    }
}

/// A term with one operand.
pub(crate) fn unary<'m>(operator: UnaryOperator, value: &Value<'m>) -> Value<'m> {
    let made = match (operator, value.number()) {
        (UnaryOperator::BitNot, Some(Number::Integer(value))) => Some(Value::Integer(!value)),
        (UnaryOperator::Negate, Some(Number::Integer(value))) => Some(Value::Integer(value.wrapping_neg())),
        (UnaryOperator::Negate, Some(Number::Float(value))) => Some(Value::Float(-value)),
        _ => None,
    };
    Value::or_undefined(made)
}

/// A term with two operands.
pub(crate) fn binary<'m>(operator: BinaryOperator, left: &Value<'_>, right: &Value<'_>) -> Value<'m> {
    if let (Some(left), Some(right)) = (left.bytes(), right.bytes()) {
        return Value::or_undefined(texts(operator, left, right).map(Value::Boolean));
    }
    match (left.number(), right.number()) {
        (Some(Number::Integer(left)), Some(Number::Integer(right))) => {
            Value::or_undefined(integers(operator, left, right))
        }
        (Some(left), Some(right)) => Value::or_undefined(floats(operator, left.float(), right.float())),
        _ => Value::Undefined,
    }
}

fn texts(operator: BinaryOperator, left: &[u8], right: &[u8]) -> Option<bool> {
    let folded = |part: Option<&[u8]>| part.is_some_and(|part| part.eq_ignore_ascii_case(right));
    let from_end = left.len().checked_sub(right.len()).and_then(|at| left.get(at..));
    Some(match operator {
        BinaryOperator::Contains => memchr::memmem::find(left, right).is_some(),
        BinaryOperator::EndsWith => left.ends_with(right),
        BinaryOperator::Equal => left == right,
        BinaryOperator::Greater => left > right,
        BinaryOperator::GreaterOrEqual => left >= right,
        BinaryOperator::IContains => {
            right.is_empty() || left.windows(right.len()).any(|part| part.eq_ignore_ascii_case(right))
        }
        BinaryOperator::IEndsWith => folded(from_end),
        BinaryOperator::IEquals => left.eq_ignore_ascii_case(right),
        BinaryOperator::IStartsWith => folded(left.get(..right.len())),
        BinaryOperator::Less => left < right,
        BinaryOperator::LessOrEqual => left <= right,
        BinaryOperator::NotEqual => left != right,
        BinaryOperator::StartsWith => left.starts_with(right),
        _ => return None,
    })
}

fn integers<'m>(operator: BinaryOperator, left: i64, right: i64) -> Option<Value<'m>> {
    let shift = || u32::try_from(right).ok();
    Some(match operator {
        BinaryOperator::Add => Value::Integer(left.wrapping_add(right)),
        BinaryOperator::BitAnd => Value::Integer(left & right),
        BinaryOperator::BitOr => Value::Integer(left | right),
        BinaryOperator::BitXor => Value::Integer(left ^ right),
        BinaryOperator::Divide => Value::Integer(left.checked_div(right)?),
        BinaryOperator::Equal => Value::Boolean(left == right),
        BinaryOperator::Greater => Value::Boolean(left > right),
        BinaryOperator::GreaterOrEqual => Value::Boolean(left >= right),
        BinaryOperator::Less => Value::Boolean(left < right),
        BinaryOperator::LessOrEqual => Value::Boolean(left <= right),
        BinaryOperator::Multiply => Value::Integer(left.wrapping_mul(right)),
        BinaryOperator::NotEqual => Value::Boolean(left != right),
        BinaryOperator::Remainder => Value::Integer(left.checked_rem(right)?),
        BinaryOperator::ShiftLeft if right < 0 => return None,
        BinaryOperator::ShiftLeft => Value::Integer(shift().and_then(|by| left.checked_shl(by)).unwrap_or(0)),
        BinaryOperator::ShiftRight if right < 0 => return None,
        BinaryOperator::ShiftRight => {
            Value::Integer(shift().and_then(|by| left.checked_shr(by)).unwrap_or(0))
        }
        BinaryOperator::Subtract => Value::Integer(left.wrapping_sub(right)),
        _ => return None,
    })
}

fn floats<'m>(operator: BinaryOperator, left: f64, right: f64) -> Option<Value<'m>> {
    // Equal is what differs by less than the precision of one, as in YARA.
    let is_equal = || (left - right).abs() < f64::EPSILON;
    Some(match operator {
        BinaryOperator::Add => Value::Float(left + right),
        BinaryOperator::Divide => Value::Float(left / right),
        BinaryOperator::Equal => Value::Boolean(is_equal()),
        BinaryOperator::Greater => Value::Boolean(left > right),
        BinaryOperator::GreaterOrEqual => Value::Boolean(left >= right),
        BinaryOperator::Less => Value::Boolean(left < right),
        BinaryOperator::LessOrEqual => Value::Boolean(left <= right),
        BinaryOperator::Multiply => Value::Float(left * right),
        BinaryOperator::NotEqual => Value::Boolean(!is_equal()),
        BinaryOperator::Subtract => Value::Float(left - right),
        _ => return None,
    })
}
