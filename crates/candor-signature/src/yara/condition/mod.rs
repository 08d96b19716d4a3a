//! Conditions: read, checked and translated in one go.
//!
//! What binds tighter is read further down: `or`, `and`, `not` and `defined`, comparisons for equality and of texts,
//! comparisons of size, then `|`, `^`, `&`, shifts, sums, products, signs. A condition may stand in parentheses where a
//! value is expected; types say whether it may stay there.

mod name;
mod of;
mod quantifier;
mod typed;

use candor_database::ir::{BinaryOperator, Place, StringRef, Term, UnaryOperator};

use self::name::Variable;
use self::typed::{Type, Typed, conjuncts, disjuncts, join};
use super::closed::{Assembly, Closed, Weight};
use super::fault::Fault;
use super::regex;
use super::scope::{Scope, Strings};
use super::tokens::{Token, Tokens};

/// How deep parentheses, brackets and loops may be nested.
const DEEPEST: usize = 50;
/// The most signs and negations in a row.
const MOST_PREFIXES: usize = 50;

/// Reads a condition up to what cannot belong to it.
pub(super) fn read(
    tokens: &mut Tokens<'_>,
    scope: &mut Scope,
    strings: &mut Strings,
    assembly: &mut Assembly,
) -> Result<(Term, Weight), Fault> {
    let mut reader = Reader {
        tokens,
        scope,
        strings,
        assembly,
        variables: Vec::new(),
        in_of: false,
        nesting: 0,
        extra: Weight::of_leaves(0),
    };
    let condition = reader.condition()?;
    Ok((condition.term, condition.weight))
}

struct Reader<'r, 't> {
    tokens: &'r mut Tokens<'t>,
    scope: &'r mut Scope,
    strings: &'r mut Strings,
    assembly: &'r mut Assembly,
    /// Those of the loops around this place, outermost first.
    variables: Vec<Variable>,
    /// Whether a `for … of` is around this place.
    in_of: bool,
    nesting: usize,
    /// What sets and other rules brought: more than what is written.
    extra: Weight,
}

impl Reader<'_, '_> {
    /// Counts what a set brings.
    fn charge(&mut self, strings: usize, at: usize) -> Result<(), Fault> {
        self.extra = self.extra.and(Weight::of_leaves(strings));
        self.extra.check(at)
    }

    /// Counts what another rule brings.
    fn charge_rule(&mut self, rule: &Closed, at: usize) -> Result<(), Fault> {
        self.extra = self.extra.and(rule.weight);
        self.extra.check(at)
    }

    /// Something that holds or not.
    fn condition(&mut self) -> Result<Typed, Fault> {
        self.or()?.into_condition()
    }

    fn or(&mut self) -> Result<Typed, Fault> {
        let first = self.and()?;
        if !self.tokens.is_word("or") {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.tokens.accept_word("or") {
            terms.push(self.and()?);
        }
        join(terms, Term::Or, disjuncts)
    }

    fn and(&mut self) -> Result<Typed, Fault> {
        let first = self.not()?;
        if !self.tokens.is_word("and") {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.tokens.accept_word("and") {
            terms.push(self.not()?);
        }
        join(terms, Term::And, conjuncts)
    }

    fn not(&mut self) -> Result<Typed, Fault> {
        let mut negations = Vec::new();
        loop {
            let is_not = self.tokens.is_word("not");
            if !is_not && !self.tokens.is_word("defined") {
                break;
            }
            if negations.len() >= MOST_PREFIXES {
                return Err(Fault::new(self.tokens.at(), format!("over {MOST_PREFIXES} negations in a row")));
            }
            negations.push(is_not);
            self.tokens.take();
        }
        let mut term = self.equality()?;
        if self.is_quantifier() {
            let at = term.at;
            let quantifier = self.quantifier_of(term)?;
            term = self.of(quantifier, at)?;
        }
        for is_not in negations.into_iter().rev() {
            term = if is_not {
                term.negated()?
            } else {
                let (weight, at) = (term.weight, term.at);
                Typed::over(Type::Boolean, Term::Defined(Box::new(term.term)), [weight], at)?
            };
        }
        Ok(term)
    }

    fn equality(&mut self) -> Result<Typed, Fault> {
        let mut left = self.relation()?;
        loop {
            let operator = match self.tokens.peek() {
                Token::Sign("==") => BinaryOperator::Equal,
                Token::Sign("!=") => BinaryOperator::NotEqual,
                Token::Word("contains") => BinaryOperator::Contains,
                Token::Word("icontains") => BinaryOperator::IContains,
                Token::Word("startswith") => BinaryOperator::StartsWith,
                Token::Word("istartswith") => BinaryOperator::IStartsWith,
                Token::Word("endswith") => BinaryOperator::EndsWith,
                Token::Word("iendswith") => BinaryOperator::IEndsWith,
                Token::Word("iequals") => BinaryOperator::IEquals,
                Token::Word("matches") => {
                    self.tokens.take();
                    left = self.matches(left)?;
                    continue;
                }
                _ => return Ok(left),
            };
            self.tokens.take();
            let right = self.relation()?;
            left = left.binary(operator, right)?;
        }
    }

    fn matches(&mut self, text: Typed) -> Result<Typed, Fault> {
        let Token::Regex(raw) = *self.tokens.peek() else {
            return Err(self.tokens.unexpected("a regular expression"));
        };
        self.tokens.take();
        let text = text.expect(Type::Text)?;
        let regex = regex::read(raw)?.regex;
        let (weight, at) = (text.weight, text.at);
        Typed::over(Type::Boolean, Term::Matches(Box::new(text.term), regex), [weight], at)
    }

    fn relation(&mut self) -> Result<Typed, Fault> {
        let mut left = self.value()?;
        loop {
            let operator = match self.tokens.peek() {
                Token::Sign("<") => BinaryOperator::Less,
                Token::Sign("<=") => BinaryOperator::LessOrEqual,
                Token::Sign(">") => BinaryOperator::Greater,
                Token::Sign(">=") => BinaryOperator::GreaterOrEqual,
                _ => return Ok(left),
            };
            self.tokens.take();
            let right = self.value()?;
            left = left.binary(operator, right)?;
        }
    }

    /// A value: no comparison, unless in parentheses.
    fn value(&mut self) -> Result<Typed, Fault> {
        self.operation(0)
    }

    /// An integer.
    fn integer(&mut self) -> Result<Typed, Fault> {
        self.value()?.expect(Type::Integer)
    }

    /// Operators that bind at least so tight.
    fn operation(&mut self, tightness: u8) -> Result<Typed, Fault> {
        let mut left = self.prefixed()?;
        loop {
            let (operator, own) = match self.tokens.peek() {
                Token::Sign("|") => (BinaryOperator::BitOr, 0),
                Token::Sign("^") => (BinaryOperator::BitXor, 1),
                Token::Sign("&") => (BinaryOperator::BitAnd, 2),
                Token::Sign("<<") => (BinaryOperator::ShiftLeft, 3),
                Token::Sign(">>") => (BinaryOperator::ShiftRight, 3),
                Token::Sign("+") => (BinaryOperator::Add, 4),
                Token::Sign("-") => (BinaryOperator::Subtract, 4),
                Token::Sign("*") => (BinaryOperator::Multiply, 5),
                Token::Sign("\\") => (BinaryOperator::Divide, 5),
                Token::Sign("%") if !self.is_percent() => (BinaryOperator::Remainder, 5),
                _ => return Ok(left),
            };
            if own < tightness {
                return Ok(left);
            }
            self.tokens.take();
            let right = self.operation(own.saturating_add(1))?;
            left = left.binary(operator, right)?;
        }
    }

    /// Whether the sign for a remainder here stands for percent.
    fn is_percent(&self) -> bool {
        let behind = self.tokens.at().saturating_add(1);
        *Tokens::new(self.tokens.bytes(), behind).peek() == Token::Word("of")
    }

    fn prefixed(&mut self) -> Result<Typed, Fault> {
        let mut prefixes = Vec::new();
        loop {
            let operator = match self.tokens.peek() {
                Token::Sign("-") => UnaryOperator::Negate,
                Token::Sign("~") => UnaryOperator::BitNot,
                _ => break,
            };
            if prefixes.len() >= MOST_PREFIXES {
                return Err(Fault::new(self.tokens.at(), format!("over {MOST_PREFIXES} signs in a row")));
            }
            prefixes.push(operator);
            self.tokens.take();
        }
        let mut term = self.item()?;
        for operator in prefixes.into_iter().rev() {
            term = term.unary(operator)?;
        }
        Ok(term)
    }

    /// What has no operator around it. Everything that is nested comes by here.
    fn item(&mut self) -> Result<Typed, Fault> {
        if self.nesting >= DEEPEST {
            return Err(Fault::new(self.tokens.at(), format!("nested more than {DEEPEST} deep")));
        }
        self.nesting = self.nesting.saturating_add(1);
        let item = self.item_within();
        self.nesting = self.nesting.saturating_sub(1);
        item
    }

    fn item_within(&mut self) -> Result<Typed, Fault> {
        let at = self.tokens.at();
        match *self.tokens.peek() {
            Token::Sign("(") => {
                self.tokens.take();
                let mut inner = self.or()?;
                self.tokens.expect(")")?;
                inner.at = at;
                Ok(inner)
            }
            Token::Number(number) => {
                self.tokens.take();
                Ok(Typed::leaf(Type::Integer, Term::Integer(number), at))
            }
            Token::Float(number) => {
                self.tokens.take();
                Ok(Typed::leaf(Type::Float, Term::Float(number.to_bits()), at))
            }
            Token::Text(_) => {
                let text = self.tokens.text("a text")?;
                Ok(Typed::leaf(Type::Text, Term::Text(text), at))
            }
            Token::Regex(_) => {
                Err(Fault::new(at, "a regular expression stands only behind `matches` and as an argument"))
            }
            Token::String(name) => {
                self.tokens.take();
                let string = self.string(name, at)?;
                let (place, weight) = self.place(true)?;
                Typed::over(Type::Boolean, Term::String { string, place }, weight, at)
            }
            Token::StringPrefix(_) => Err(Fault::new(at, "a set of strings stands only behind `of`")),
            Token::Count(name) => {
                self.tokens.take();
                let string = self.string(name, at)?;
                if !self.tokens.accept_word("in") {
                    return Ok(Typed::leaf(Type::Integer, Term::Count { string, range: None }, at));
                }
                let (from, to) = self.range()?;
                let weights = [from.weight, to.weight];
                let range = Some(Box::new((from.term, to.term)));
                Typed::over(Type::Integer, Term::Count { string, range }, weights, at)
            }
            Token::Offset(name) => self.indexed(name, at, |string, index| Term::Offset { string, index }),
            Token::Length(name) => self.indexed(name, at, |string, index| Term::Length { string, index }),
            Token::Word(word) => self.word(word, at),
            Token::Bad(_) | Token::End | Token::Sign(_) => Err(self.tokens.unexpected("a value")),
        }
    }

    /// `@a[…]`, `!a[…]`; the first match where no index is given.
    fn indexed(
        &mut self,
        name: &str,
        at: usize,
        make: fn(StringRef, Box<Term>) -> Term,
    ) -> Result<Typed, Fault> {
        self.tokens.take();
        let string = self.string(name, at)?;
        let mut index = Typed::leaf(Type::Integer, Term::Integer(1), at);
        if self.tokens.accept("[") {
            index = self.integer()?;
            self.tokens.expect("]")?;
        }
        Typed::over(Type::Integer, make(string, Box::new(index.term)), [index.weight], at)
    }

    /// The string of this name; without a name, the one that the loop around is at.
    fn string(&mut self, name: &str, at: usize) -> Result<StringRef, Fault> {
        if name.is_empty() {
            if self.in_of {
                return Ok(StringRef::Current);
            }
            return Err(Fault::new(at, "a string without a name, outside of a loop over strings"));
        }
        match self.strings.find(name) {
            Some(number) => Ok(StringRef::Number(number)),
            None => Err(Fault::new(at, format!("there is no string `${name}`"))),
        }
    }

    /// `at x`, `in (x..y)`, or nothing.
    fn place(&mut self, may_be_at: bool) -> Result<(Place, Vec<Weight>), Fault> {
        if may_be_at && self.tokens.accept_word("at") {
            let offset = self.integer()?;
            return Ok((Place::At(Box::new(offset.term)), vec![offset.weight]));
        }
        if self.tokens.accept_word("in") {
            let (from, to) = self.range()?;
            let weights = vec![from.weight, to.weight];
            return Ok((Place::In(Box::new((from.term, to.term))), weights));
        }
        Ok((Place::Anywhere, Vec::new()))
    }

    /// `(from..to)`
    fn range(&mut self) -> Result<(Typed, Typed), Fault> {
        self.tokens.expect("(")?;
        let from = self.integer()?;
        self.tokens.expect("..")?;
        let to = self.integer()?;
        self.tokens.expect(")")?;
        Ok((from, to))
    }
}
