//! Conditions over sub-signatures: `(0&1|2)>1,2&3`.
//!
//! ClamAV's precedence is its own, and kept: there is no priority of `&` over `|`. A chain of
//! operators binds to the right at the top, `0&1|2` is `0&(1|2)`, and to the left between
//! parentheses, `(0&1|2)` is `(0&1)|2`. Kept as well, because published signatures depend on it: what
//! is neither operator nor digit behind a number is skipped (`0,1-4&1` is `0&1`), of several
//! comparison signs the last one counts (`0==2`, and `0>=2` is `0=2`), and `0=2,` is `0=2`.

use candor_database::ir::{Comparison, Expression};

use crate::clamav::text::{Fault, Text};

/// How deep parentheses may be nested. Bounds the recursion here and in whoever walks the tree.
const DEEPEST: usize = 64;
/// The most operands; with the nesting it bounds the depth of the tree.
const MOST_OPERANDS: usize = 1024;

/// Reads a condition.
pub(super) fn parse(text: Text<'_>) -> Result<Expression, Fault> {
    let mut reader = Reader { text, at: 0, operands: 0 };
    let expression = reader.chain(0)?;
    match reader.peek() {
        None => Ok(expression),
        Some(b')') => Err(reader.fault("')' without '('")),
        Some(_) => Err(reader.fault("'&' or '|' is missing")),
    }
}

#[derive(Clone, Copy)]
enum Operator {
    And,
    Or,
}

impl Operator {
    fn join(self, left: Expression, right: Expression) -> Expression {
        match self {
            Self::And => Expression::And(Box::new(left), Box::new(right)),
            Self::Or => Expression::Or(Box::new(left), Box::new(right)),
        }
    }
}

struct Reader<'a> {
    text: Text<'a>,
    at: usize,
    operands: usize,
}

impl Reader<'_> {
    fn fault(&self, message: &'static str) -> Fault {
        self.text.fault_at(self.at, message)
    }

    /// The next byte that is not a space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.byte(self.at) == Some(b' ') {
            self.at = self.at.saturating_add(1);
        }
        self.text.byte(self.at)
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn chain(&mut self, depth: usize) -> Result<Expression, Fault> {
        let mut left = self.operand(depth)?;
        let mut waiting = Vec::new();
        loop {
            let operator = match self.peek() {
                Some(b'&') => Operator::And,
                Some(b'|') => Operator::Or,
                _ => break,
            };
            self.at = self.at.saturating_add(1);
            let right = self.operand(depth)?;
            if depth == 0 {
                waiting.push((std::mem::replace(&mut left, right), operator));
            } else {
                left = operator.join(left, right);
            }
        }
        Ok(waiting.into_iter().rev().fold(left, |right, (left, operator)| operator.join(left, right)))
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, Fault> {
        self.operands = self.operands.saturating_add(1);
        if self.operands > MOST_OPERANDS {
            return Err(self.fault("the expression is too long"));
        }
        let operand = if self.take(b'(') {
            if depth >= DEEPEST {
                return Err(self.fault("parentheses are nested too deep"));
            }
            let inner = self.chain(depth.saturating_add(1))?;
            if !self.take(b')') {
                return Err(self.fault("')' is missing"));
            }
            inner
        } else {
            match self.peek() {
                Some(b'0'..=b'9') => {
                    let sub = self.number()?;
                    self.skip_noise();
                    Expression::Sub(sub)
                }
                _ => return Err(self.fault("the number of a sub-signature is missing")),
            }
        };
        self.count(operand)
    }

    /// `=X`, `>X`, `<X`, each with `,Y`, if there is one.
    fn count(&mut self, of: Expression) -> Result<Expression, Fault> {
        let mut last = None;
        while let Some(comparison) = self.peek().and_then(comparison) {
            self.at = self.at.saturating_add(1);
            last = Some(comparison);
        }
        let Some(mut comparison_sign) = last else { return Ok(of) };
        let mut hits = self.number()?;
        let mut distinct = 0;
        if self.take(b',') && self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            distinct = self.number()?;
        }
        self.skip_noise();
        // A second comparison replaces the first one.
        while let Some(comparison) = self.peek().and_then(comparison) {
            self.at = self.at.saturating_add(1);
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                comparison_sign = comparison;
                hits = self.number()?;
                self.skip_noise();
            }
        }
        Ok(Expression::Count { of: Box::new(of), comparison: comparison_sign, hits, distinct })
    }

    /// Skips to the next operator, parenthesis or end.
    fn skip_noise(&mut self) {
        while self.text.byte(self.at).is_some_and(|byte| !b"&|()=<>".contains(&byte)) {
            self.at = self.at.saturating_add(1);
        }
    }

    fn number(&mut self) -> Result<u32, Fault> {
        self.peek();
        let rest = self.text.from(self.at);
        let length = rest.bytes().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = rest.to(length).small_number("the number")?;
        self.at = self.at.saturating_add(length);
        Ok(value)
    }
}

const fn comparison(sign: u8) -> Option<Comparison> {
    match sign {
        b'=' => Some(Comparison::Equal),
        b'>' => Some(Comparison::Greater),
        b'<' => Some(Comparison::Less),
        _ => None,
    }
}
