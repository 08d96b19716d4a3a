//! Regular expressions: YARA's dialect to that of the `regex` crate, for bytes.
//!
//! The dialect: one byte at a time; `\w \W \s \S \d \D \b \B` of ASCII; `^` and `$` only at the ends of the layer;
//! classes, groups, alternatives, greedy and lazy repetition. A brace that begins no repetition is itself.

use candor_database::ir::RuleRegex;

use super::fault::Fault;
use super::tokens::{RawRegex, hex_pair};

/// How deep groups may be nested.
const DEEPEST: usize = 30;
/// The highest number of repetitions, as in YARA.
const MOST_REPETITIONS: u32 = 32767;

/// A regular expression that was read.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The expression.
    pub(super) regex: RuleRegex,
    /// Its bytes, if it is nothing but bytes.
    pub(super) literal: Option<Vec<u8>>,
}

/// Reads what stands between the slashes.
pub(super) fn read(raw: RawRegex<'_>) -> Result<Parsed, Fault> {
    if raw.body.is_empty() {
        return Err(Fault::new(raw.at, "an empty regular expression"));
    }
    let mut reader = Reader {
        body: raw.body,
        base: raw.at,
        at: 0,
        pattern: String::with_capacity(raw.body.len()),
        literal: Some(Vec::new()),
    };
    reader.alternatives(0)?;
    if reader.at < reader.body.len() {
        return Err(reader.fault("`)` without `(`"));
    }
    let regex = RuleRegex { pattern: reader.pattern, ignore_case: raw.ignore_case, dot_all: raw.dot_all };
    Ok(Parsed { regex, literal: reader.literal })
}

struct Reader<'a> {
    body: &'a [u8],
    base: usize,
    at: usize,
    pattern: String,
    literal: Option<Vec<u8>>,
}

/// Bytes that a class stands for.
type Set = [bool; 256];

impl Reader<'_> {
    fn fault(&self, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
        Fault::new(self.base.saturating_add(self.at), message)
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn accept(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        if is {
            self.skip(1);
        }
        is
    }

    /// Up to the end or a closing parenthesis, which is not taken.
    fn alternatives(&mut self, depth: usize) -> Result<(), Fault> {
        loop {
            match self.peek() {
                None | Some(b')') => return Ok(()),
                Some(b'|') => {
                    self.literal = None;
                    self.pattern.push('|');
                    self.skip(1);
                }
                Some(byte) => self.item(byte, depth)?,
            }
        }
    }

    /// One thing and how often it stands there.
    fn item(&mut self, byte: u8, depth: usize) -> Result<(), Fault> {
        let mut single = None;
        let mut repeatable = true;
        match byte {
            b'(' => self.group(depth)?,
            b'[' => {
                let (set, negated) = self.class()?;
                self.push_set(&set, negated)?;
            }
            b'.' => {
                self.skip(1);
                self.pattern.push('.');
            }
            b'^' | b'$' => {
                self.skip(1);
                self.pattern.push(char::from(byte));
                repeatable = false;
            }
            b'*' | b'+' | b'?' => return Err(self.fault("a repetition of nothing")),
            b'{' if self.repetition_in_braces()?.is_some() => {
                return Err(self.fault("a repetition of nothing"));
            }
            b'\\' => {
                let letter = self.body.get(self.at.saturating_add(1)).copied();
                match letter {
                    Some(b'w' | b'W' | b's' | b'S' | b'd' | b'D') => {
                        let letter = letter.unwrap_or_default();
                        self.skip(2);
                        let mut set = [false; 256];
                        perl(letter.to_ascii_lowercase(), false, &mut set);
                        self.push_set(&set, letter.is_ascii_uppercase())?;
                    }
                    Some(letter @ (b'b' | b'B')) => {
                        self.skip(2);
                        self.pattern.push('\\');
                        self.pattern.push(char::from(letter));
                        repeatable = false;
                    }
                    _ => single = Some(self.escaped()?),
                }
            }
            byte => {
                self.skip(1);
                single = Some(byte);
            }
        }
        if let Some(byte) = single {
            push_byte(&mut self.pattern, byte);
        }
        let start = self.at;
        let repeated = self.repetition()?;
        if repeated && !repeatable {
            self.at = start;
            return Err(self.fault("a place cannot be repeated"));
        }
        match (&mut self.literal, single) {
            (Some(literal), Some(byte)) if !repeated => literal.push(byte),
            (literal, _) => *literal = None,
        }
        Ok(())
    }

    fn group(&mut self, depth: usize) -> Result<(), Fault> {
        let depth = depth.saturating_add(1);
        if depth > DEEPEST {
            return Err(self.fault(format!("groups are nested more than {DEEPEST} deep")));
        }
        let opening = self.at;
        self.skip(1);
        if self.peek() == Some(b'?') {
            if self.body.get(self.at.saturating_add(1)) != Some(&b':') {
                return Err(self.fault("groups with `(?` are not part of the dialect, but for `(?:`"));
            }
            self.skip(2);
        }
        self.pattern.push_str("(?:");
        self.alternatives(depth)?;
        if !self.accept(b')') {
            self.at = opening;
            return Err(self.fault("`)` is missing"));
        }
        self.pattern.push(')');
        Ok(())
    }

    /// Takes a repetition if there is one.
    fn repetition(&mut self) -> Result<bool, Fault> {
        match self.peek() {
            Some(byte @ (b'*' | b'+' | b'?')) => {
                self.skip(1);
                self.pattern.push(char::from(byte));
            }
            Some(b'{') => {
                let Some((min, max, end)) = self.repetition_in_braces()? else { return Ok(false) };
                self.at = end;
                let text = match max {
                    Some(max) if max == min => format!("{{{min}}}"),
                    Some(max) => format!("{{{min},{max}}}"),
                    None => format!("{{{min},}}"),
                };
                self.pattern.push_str(&text);
            }
            _ => return Ok(false),
        }
        if self.accept(b'?') {
            self.pattern.push('?');
        }
        match self.peek() {
            Some(b'*' | b'+' | b'?') => Err(self.fault("a repetition of a repetition")),
            Some(b'{') if self.repetition_in_braces()?.is_some() => {
                Err(self.fault("a repetition of a repetition"))
            }
            _ => Ok(true),
        }
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}`, and where it ends; nothing if the brace here begins something else.
    fn repetition_in_braces(&self) -> Result<Option<(u32, Option<u32>, usize)>, Fault> {
        let mut at = self.at.saturating_add(1);
        let number = |at: &mut usize| {
            let rest = self.body.get(*at..).unwrap_or_default();
            let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let text = rest.get(..length).and_then(|digits| std::str::from_utf8(digits).ok());
            *at = at.saturating_add(length);
            text.filter(|text| !text.is_empty()).map(|text| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let min = number(&mut at);
        let (min, max) = match self.body.get(at) {
            Some(b'}') => match min {
                Some(min) => (min, Some(min)),
                None => return Ok(None),
            },
            Some(b',') => {
                at = at.saturating_add(1);
                let max = number(&mut at);
                if self.body.get(at) != Some(&b'}') {
                    return Ok(None);
                }
                (min.unwrap_or(0), max)
            }
            _ => return Ok(None),
        };
        if min > MOST_REPETITIONS || max.is_some_and(|max| max > MOST_REPETITIONS) {
            return Err(self.fault(format!("over {MOST_REPETITIONS} repetitions")));
        }
        if max.is_some_and(|max| max < min) {
            return Err(self.fault("a repetition whose end is before its start"));
        }
        Ok(Some((min, max, at.saturating_add(1))))
    }

    /// Takes a backslash and what belongs to it.
    fn escaped(&mut self) -> Result<u8, Fault> {
        let Some(letter) = self.body.get(self.at.saturating_add(1)).copied() else {
            return Err(self.fault("nothing stands behind the backslash"));
        };
        let byte = match letter {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'f' => 0x0c,
            b'a' => 0x07,
            b'x' => {
                let Some(byte) = hex_pair(self.body, self.at.saturating_add(2)) else {
                    return Err(self.fault("`\\x` wants two hexadecimal digits"));
                };
                self.skip(2);
                byte
            }
            other => other,
        };
        self.skip(2);
        Ok(byte)
    }

    /// `[…]`, and whether it is `[^…]`.
    fn class(&mut self) -> Result<(Box<Set>, bool), Fault> {
        let opening = self.at;
        self.skip(1);
        let negated = self.accept(b'^');
        let mut set = Box::new([false; 256]);
        let mut is_first = true;
        loop {
            match self.peek() {
                None => {
                    self.at = opening;
                    return Err(self.fault("`]` is missing"));
                }
                Some(b']') if !is_first => {
                    self.skip(1);
                    return Ok((set, negated));
                }
                Some(_) => self.class_item(&mut set)?,
            }
            is_first = false;
        }
    }

    fn class_item(&mut self, set: &mut Set) -> Result<(), Fault> {
        let start = self.at;
        if self.class_perl(set) {
            return Ok(());
        }
        let low = self.class_byte()?;
        let is_range = self.peek() == Some(b'-')
            && !matches!(self.body.get(self.at.saturating_add(1)), None | Some(b']'));
        if !is_range {
            insert(set, low);
            return Ok(());
        }
        self.skip(1);
        if self.class_perl(set) {
            insert(set, low);
            insert(set, b'-');
            return Ok(());
        }
        let high = self.class_byte()?;
        if high < low {
            self.at = start;
            return Err(self.fault("a range whose end is before its start"));
        }
        for byte in low..=high {
            insert(set, byte);
        }
        Ok(())
    }

    fn class_byte(&mut self) -> Result<u8, Fault> {
        match self.peek() {
            Some(b'\\') => self.escaped(),
            Some(byte) => {
                self.skip(1);
                Ok(byte)
            }
            None => Err(self.fault("`]` is missing")),
        }
    }

    /// Takes `\w` and its kin inside of a class.
    fn class_perl(&mut self, set: &mut Set) -> bool {
        let two = self.body.get(self.at..self.at.saturating_add(2));
        let Some(&[b'\\', letter @ (b'w' | b'W' | b's' | b'S' | b'd' | b'D')]) = two else {
            return false;
        };
        self.skip(2);
        perl(letter.to_ascii_lowercase(), letter.is_ascii_uppercase(), set);
        true
    }

    /// Writes a class. What is negated stays so: letters of the other case are added before.
    fn push_set(&mut self, set: &Set, negated: bool) -> Result<(), Fault> {
        let mut at = 0_usize;
        let mut ranges = Vec::new();
        while let Some(first) = set.get(at..).and_then(|rest| rest.iter().position(|is| *is)) {
            let first = at.saturating_add(first);
            let length = set.get(first..).unwrap_or_default().iter().take_while(|is| **is).count();
            at = first.saturating_add(length);
            ranges.push((first, at.saturating_sub(1)));
        }
        if ranges.is_empty() || (negated && ranges == [(0, 255)]) {
            return Err(self.fault("a class without a byte"));
        }
        self.pattern.push_str(if negated { "[^" } else { "[" });
        for (first, last) in ranges {
            let (Ok(first), Ok(last)) = (u8::try_from(first), u8::try_from(last)) else { continue };
            push_byte(&mut self.pattern, first);
            if last > first {
                self.pattern.push('-');
                push_byte(&mut self.pattern, last);
            }
        }
        self.pattern.push(']');
        Ok(())
    }
}

fn insert(set: &mut Set, byte: u8) {
    if let Some(is) = set.get_mut(usize::from(byte)) {
        *is = true;
    }
}

/// Adds the bytes of `\w`, `\s` or `\d`, or all others.
fn perl(letter: u8, others: bool, set: &mut Set) {
    for byte in 0..=u8::MAX {
        let is = match letter {
            b'w' => byte.is_ascii_alphanumeric() || byte == b'_',
            b's' => matches!(byte, b'\t'..=b'\r' | b' '),
            _ => byte.is_ascii_digit(),
        };
        if is != others {
            insert(set, byte);
        }
    }
}

/// Writes a byte so that it means itself, inside and outside of classes.
fn push_byte(pattern: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ' | b'/' | b'"' | b'%' | b'=' | b',' | b';') {
        pattern.push(char::from(byte));
    } else {
        pattern.push_str(&format!("\\x{byte:02x}"));
    }
}
