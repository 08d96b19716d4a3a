//! POSIX extended regular expressions on names, translated into those of the `regex` crate.
//!
//! The dialect is ClamAV's: Henry Spencer's library, and `(?i)` at the very start for "in either case".
//! What that library refuses is refused, above all empty branches and repetitions of nothing, which would
//! match every name. Where POSIX leaves room, observed behaviour of ClamAV 1.4.6 decides:
//!
//! * a backslash makes the next character literal, letters and digits too (`\d` is a `d`), except `\<`
//!   and `\>`, which are the ends of a word; in brackets it stands for itself;
//! * `{` not followed by a digit is literal; `]`, `}` and an unmatched `)` are;
//! * `.` is any byte, line ends included;
//! * repetition counts are at most 255.

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};

/// Memory that one expression may take when it is compiled, in bytes.
const LARGEST: usize = 1 << 20;

/// The highest repetition count, as POSIX has it (`RE_DUP_MAX`).
const MOST_REPETITIONS: u32 = 255;

/// The deepest nesting of groups. The `regex` crate has a limit of its own; this one is for us.
const DEEPEST: usize = 100;

/// Compiles an expression, or says why it cannot be.
pub(super) fn compile(posix: &str) -> Result<Regex, String> {
    let (ignore_case, rest) = posix.strip_prefix("(?i)").map_or((false, posix), |rest| (true, rest));
    let translated = translate(rest)?;
    RegexBuilder::new(&translated)
        .case_insensitive(ignore_case)
        .dot_matches_new_line(true)
        // Bytes as in ClamAV, unless the expression itself has more than ASCII.
        .unicode(!rest.is_ascii())
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
}

/// What stands before the place that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The start of a branch.
    Nothing,
    /// An anchor: there is something, but nothing to repeat.
    Anchor,
    /// Something that can be repeated.
    Atom,
    /// A repetition.
    Repetition,
}

fn translate(posix: &str) -> Result<String, String> {
    let mut out = String::with_capacity(posix.len());
    let mut characters = posix.chars().peekable();
    let mut open = 0_usize;
    let mut before = Before::Nothing;
    while let Some(character) = characters.next() {
        before = match character {
            '*' | '+' | '?' => repeat(before, &mut out, |out| out.push(character))?,
            '{' if characters.peek().is_some_and(char::is_ascii_digit) => {
                let bounds = read_bounds(&mut characters)?;
                repeat(before, &mut out, |out| out.push_str(&bounds))?
            }
            '(' => {
                open = open.saturating_add(1);
                if open > DEEPEST {
                    return Err("groups nested too deeply".to_owned());
                }
                out.push('(');
                if characters.next_if_eq(&')').is_some() {
                    open = open.saturating_sub(1);
                    out.push(')');
                    Before::Atom
                } else {
                    Before::Nothing
                }
            }
            '|' | ')' if (character == '|' || open > 0) && before == Before::Nothing => return Err(empty()),
            '|' => {
                out.push('|');
                Before::Nothing
            }
            ')' if open > 0 => {
                open = open.saturating_sub(1);
                out.push(')');
                Before::Atom
            }
            '^' | '$' => {
                // `$` of the `regex` crate is the very end, as it is here.
                out.push(character);
                Before::Anchor
            }
            '.' => {
                out.push('.');
                Before::Atom
            }
            '[' => {
                read_brackets(&mut characters, &mut out)?;
                Before::Atom
            }
            '\\' => match characters.next().ok_or_else(|| "backslash at the end".to_owned())? {
                '<' => {
                    out.push_str(r"\<");
                    Before::Anchor
                }
                '>' => {
                    out.push_str(r"\>");
                    Before::Anchor
                }
                literal => push_literal(&mut out, literal),
            },
            literal => push_literal(&mut out, literal),
        };
    }
    match (open, before) {
        (0, Before::Nothing) => Err(empty()),
        (0, _) => Ok(out),
        _ => Err("group without end".to_owned()),
    }
}

fn empty() -> String {
    "empty expression or branch".to_owned()
}

fn push_literal(out: &mut String, literal: char) -> Before {
    let mut buffer = [0; 4];
    out.push_str(&regex::escape(literal.encode_utf8(&mut buffer)));
    Before::Atom
}

fn repeat(before: Before, out: &mut String, write: impl FnOnce(&mut String)) -> Result<Before, String> {
    if before != Before::Atom {
        return Err("repetition of nothing".to_owned());
    }
    write(out);
    Ok(Before::Repetition)
}

/// Reads `n}`, `n,}` or `n,m}`.
fn read_bounds(characters: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let wrong = || "repetition counts".to_owned();
    let low = read_number(characters).ok_or_else(wrong)?;
    let mut high = Some(low);
    if characters.next_if_eq(&',').is_some() {
        let bounded = characters.peek().is_some_and(char::is_ascii_digit);
        high = if bounded { Some(read_number(characters).ok_or_else(wrong)?) } else { None };
    }
    if characters.next() != Some('}') || high.is_some_and(|high| high < low) {
        return Err(wrong());
    }
    Ok(match high {
        Some(high) => format!("{{{low},{high}}}"),
        None => format!("{{{low},}}"),
    })
}

fn read_number(characters: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut number = 0_u32;
    while let Some(digit) = characters.peek().and_then(|digit| digit.to_digit(10)) {
        characters.next();
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    Some(number).filter(|number| *number <= MOST_REPETITIONS)
}

/// Reads a bracket expression, whose `[` is read already.
fn read_brackets(characters: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    out.push('[');
    if characters.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        let character = characters.next().ok_or_else(endless)?;
        match character {
            ']' if !first => {
                out.push(']');
                return Ok(());
            }
            '[' if characters.next_if_eq(&':').is_some() => read_class(characters, out)?,
            _ => {
                let low = read_element(character, characters)?;
                push_escaped(out, low);
                if let Some(high) = read_range_end(low, characters)? {
                    out.push('-');
                    push_escaped(out, high);
                }
            }
        }
        first = false;
    }
}

fn endless() -> String {
    "brackets without end".to_owned()
}

/// Reads the `-high` of a range. A `-` right before the end stands for itself.
fn read_range_end(low: char, characters: &mut Peekable<Chars<'_>>) -> Result<Option<char>, String> {
    let mut ahead = characters.clone();
    if ahead.next() != Some('-') || ahead.peek() == Some(&']') {
        return Ok(None);
    }
    characters.next();
    let high = characters.next().ok_or_else(endless)?;
    let high = read_element(high, characters)?;
    let mut ahead = characters.clone();
    let another = ahead.next() == Some('-') && ahead.next() != Some(']');
    if low > high || low == '-' || another {
        return Err("range of characters".to_owned());
    }
    Ok(Some(high))
}

/// Reads one character of a bracket expression, also as `[.x.]` and `[=x=]`.
fn read_element(character: char, characters: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    if character != '[' {
        return Ok(character);
    }
    let Some(mark) = characters.next_if(|next| matches!(next, '.' | '=')) else { return Ok('[') };
    let element = characters.next().ok_or_else(endless)?;
    if characters.next() == Some(mark) && characters.next() == Some(']') {
        Ok(element)
    } else {
        Err("collating element".to_owned())
    }
}

/// Reads the rest of `[:name:]`.
fn read_class(characters: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    const CLASSES: [&str; 12] = [
        "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "xdigit",
    ];
    let name: String = std::iter::from_fn(|| characters.next_if(char::is_ascii_alphabetic)).collect();
    let ended = characters.next() == Some(':') && characters.next() == Some(']');
    if !ended || !CLASSES.contains(&name.as_str()) {
        return Err("class of characters".to_owned());
    }
    out.push_str("[:");
    out.push_str(&name);
    out.push_str(":]");
    Ok(())
}

/// Writes a character so that it means itself inside of brackets.
fn push_escaped(out: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(character);
}
