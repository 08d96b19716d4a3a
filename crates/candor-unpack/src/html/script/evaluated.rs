//! What is given to `eval`, in the place of the call.

use std::borrow::Cow;

use super::names::DEPTH;
use super::{Token, push_value, unescaped};

/// Strings given to `eval` that are looked into.
const EVALUATED: usize = 50_000;
/// Tokens behind the name of such a call that make that it stays behind a function.
const LAST: usize = 8;
/// Bytes that the next of them begins with: they are read with each until they are at their end.
const PENDING: usize = 1024;

/// A part of a script: of the script itself, or what a string says that it gives to `eval`.
pub(super) struct Part<'a> {
    pub(super) text: Cow<'a, [u8]>,
    pub(super) is_evaluated: bool,
}

impl<'a> Part<'a> {
    const fn of_script(text: &'a [u8]) -> Self {
        Self { text: Cow::Borrowed(text), is_evaluated: false }
    }
}

/// The script, with what is given to `eval` in the place of each call that is given one constant string, and of the `;` behind
/// it. What stands in such a string is not looked into once more. What is not at its end yet when one is over, the next begins with;
/// behind one that is nothing else, a token is passed over. A call right behind a function stays, but for the last tokens.
pub(super) fn parts(content: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut is_property, mut is_passed) = (0_usize, 0_usize, false, false);
    let (mut calls, mut pending) = (0_usize, Vec::new());
    let (mut functions, mut is_behind_function) = (Vec::new(), false);
    let has_calls = memchr::memmem::find(content, b"eval").is_some();
    let place = |behind: &[u8]| content.len().saturating_sub(behind.len());
    while let Some(rest) = content.get(at..).filter(|_| has_calls && calls < EVALUATED)
        && let Some((token, behind)) = Token::next(rest)
    {
        at = place(behind);
        // That of an object may be another.
        let is_call = matches!(token, Token::Word(b"eval"))
            && !is_property
            && !is_passed
            && (!is_behind_function || !has_tokens(behind, LAST));
        is_passed = false;
        is_behind_function = ends_function(&token, &mut functions);
        is_property = matches!(token, Token::Sign(b'.'));
        if let Some((said, behind)) = is_call.then(|| evaluated(behind)).flatten() {
            let begin = at.saturating_sub(b"eval".len());
            parts.push(Part::of_script(content.get(start..begin).unwrap_or_default()));
            pending.extend_from_slice(&said);
            let (whole, has_tokens) = whole(&pending);
            let behind_it = pending.split_off(whole);
            let said = Cow::Owned(std::mem::replace(&mut pending, behind_it));
            if pending.len() > PENDING {
                pending.clear();
            }
            parts.push(Part { text: said, is_evaluated: true });
            is_passed = !has_tokens;
            calls = calls.saturating_add(1);
            at = match Token::next(behind) {
                Some((Token::Sign(b';'), behind)) => place(behind),
                _ => place(behind),
            };
            start = at;
        }
    }
    parts.push(Part::of_script(content.get(start..).unwrap_or_default()));
    parts
}

/// Whether so many tokens stand there.
fn has_tokens(rest: &[u8], count: usize) -> bool {
    let mut rest = rest;
    for _ in 0..count {
        let Some((_, behind)) = Token::next(rest) else { return false };
        rest = behind;
    }
    true
}

/// Whether a token ends a function, of those that are open with the braces that each has open.
fn ends_function(token: &Token<'_>, functions: &mut Vec<usize>) -> bool {
    if matches!(token, Token::Word(b"function")) && functions.len() < DEPTH {
        functions.push(0);
    }
    match (token, functions.last_mut()) {
        (Token::Sign(b'{'), Some(braces)) => *braces = braces.saturating_add(1),
        (Token::Sign(b'}'), Some(braces @ 1..)) => {
            *braces = braces.saturating_sub(1);
            if *braces == 0 {
                functions.pop();
                return true;
            }
        }
        _ => {}
    }
    false
}

/// How much of a text is tokens that are at their end, and whether there are any.
fn whole(text: &[u8]) -> (usize, bool) {
    let (mut rest, mut has_tokens) = (text, false);
    while let Some((token, behind)) = Token::next(rest) {
        let (length, is_open) = match token {
            Token::Word(written) | Token::Number(written) => (written.len(), behind.is_empty()),
            // Its quote is missing.
            Token::Text(written) => {
                (written.len().saturating_add(1), written.as_ptr_range().end == rest.as_ptr_range().end)
            }
            Token::Sign(_) => (1, false),
        };
        if is_open {
            return (text.len().saturating_sub(length), has_tokens);
        }
        has_tokens = true;
        rest = behind;
    }
    (text.len(), has_tokens)
}

/// What the string says that a call is given whose name ends here, if it is given one constant string, and what stands behind the
/// call.
fn evaluated(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some((Token::Sign(b'('), rest)) = Token::next(rest) else { return None };
    let (said, rest) = match Token::next(rest)? {
        (Token::Word(b"unescape"), rest) => {
            let Some((Token::Sign(b'('), rest)) = Token::next(rest) else { return None };
            let (said, rest) = constant(rest)?;
            let Some((Token::Sign(b')'), rest)) = Token::next(rest) else { return None };
            (unescaped(&said), rest)
        }
        _ => constant(rest)?,
    };
    let Some((Token::Sign(b')'), rest)) = Token::next(rest) else { return None };
    Some((said, rest))
}

/// The value of strings that are added to one another, and what stands behind them.
fn constant(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut value, mut rest) = (Vec::new(), rest);
    loop {
        let Some((Token::Text(text), behind)) = Token::next(rest) else { return None };
        push_value(&mut value, text);
        match Token::next(behind) {
            Some((Token::Sign(b'+'), behind)) => rest = behind,
            _ => return Some((value, behind)),
        }
    }
}
