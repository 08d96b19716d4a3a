//! One rule: its head, and what stands between its braces.

use std::collections::BTreeSet;

use super::closed::{Assembly, Closed};
use super::fault::Fault;
use super::scope::{Scope, Strings};
use super::tokens::{Token, Tokens};
use super::{condition, text};

/// What stands before the opening brace.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) at: usize,
    /// Whether it must hold for all other rules of the file to count.
    pub(super) global: bool,
    /// Whether it is only there for others to refer to.
    pub(super) private: bool,
    pub(super) tags: Vec<String>,
}

/// Reads the head of a rule.
pub(super) fn head(tokens: &mut Tokens<'_>) -> Result<Head, Fault> {
    let mut head = Head { name: String::new(), at: 0, global: false, private: false, tags: Vec::new() };
    loop {
        if tokens.accept_word("global") {
            head.global = true;
        } else if tokens.accept_word("private") {
            head.private = true;
        } else {
            break;
        }
    }
    tokens.expect_word("rule")?;
    head.at = tokens.at();
    head.name = tokens.identifier("the name of the rule")?.to_owned();
    Ok(head)
}

/// Reads the rest of a rule. What is worth knowing about it is told to `note`.
pub(super) fn body(
    tokens: &mut Tokens<'_>,
    head: &mut Head,
    scope: &mut Scope,
    note: &mut dyn FnMut(usize, String),
) -> Result<Closed, Fault> {
    if tokens.accept(":") {
        head.tags = tags(tokens)?;
    }
    tokens.expect("{")?;
    if tokens.accept_word("meta") {
        meta(tokens)?;
    }
    let mut strings = Strings::default();
    let mut assembly = Assembly::default();
    let mut declared = Vec::new();
    if tokens.accept_word("strings") {
        declared = declarations(tokens, scope, &mut strings, &mut assembly)?;
    }
    tokens.expect_word("condition")?;
    tokens.expect(":")?;
    let (term, weight) = condition::read(tokens, scope, &mut strings, &mut assembly)?;
    tokens.expect("}")?;
    for (index, (name, at)) in declared.iter().enumerate() {
        if !strings.is_used(index) && !name.starts_with('_') {
            note(*at, format!("the string `${name}` of `{}` is not used", head.name));
        }
    }
    Ok(assembly.close(term, weight, |index| strings.is_used(index)))
}

fn tags(tokens: &mut Tokens<'_>) -> Result<Vec<String>, Fault> {
    let mut tags = Vec::new();
    let mut seen = BTreeSet::new();
    loop {
        let at = tokens.at();
        let tag = tokens.identifier("a tag")?;
        if !seen.insert(tag) {
            return Err(Fault::new(at, format!("the tag `{tag}` stands there twice")));
        }
        tags.push(tag.to_owned());
        if tokens.is_sign("{") {
            return Ok(tags);
        }
    }
}

/// What authors say about a rule: read to get past it.
fn meta(tokens: &mut Tokens<'_>) -> Result<(), Fault> {
    tokens.expect(":")?;
    loop {
        tokens.identifier("a name")?;
        tokens.expect("=")?;
        let has_sign = tokens.accept("-");
        match tokens.peek() {
            Token::Number(_) | Token::Float(_) => {}
            Token::Text(_) | Token::Word("true" | "false") if !has_sign => {}
            _ => return Err(tokens.unexpected("a text, a number, `true` or `false`")),
        }
        tokens.take();
        if tokens.is_word("strings") || tokens.is_word("condition") {
            return Ok(());
        }
    }
}

/// The strings: their names, and where each begins.
fn declarations(
    tokens: &mut Tokens<'_>,
    scope: &mut Scope,
    strings: &mut Strings,
    assembly: &mut Assembly,
) -> Result<Vec<(String, usize)>, Fault> {
    let mut declared = Vec::new();
    tokens.expect(":")?;
    loop {
        let at = tokens.at();
        let Token::String(name) = *tokens.peek() else { return Err(tokens.unexpected("a string")) };
        tokens.take();
        tokens.expect("=")?;
        let string = text::read(tokens, name)?;
        scope.pay_string(&string, at)?;
        let number = assembly.string(string, at)?;
        if !strings.add(name, number) {
            return Err(Fault::new(at, format!("there is a string `${name}` already")));
        }
        declared.push((name.to_owned(), at));
        if tokens.is_word("condition") {
            return Ok(declared);
        }
    }
}
