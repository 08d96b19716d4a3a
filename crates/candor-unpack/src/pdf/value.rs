//! Values of PDF: names, numbers, strings, arrays, dictionaries, references.

use crate::transfer::{hex_pair, hexadecimal};

/// How deep values are read.
const DEPTH: u32 = 32;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Name(Vec<u8>),
    Number(u64),
    Text(Vec<u8>),
    Array(Vec<Self>),
    Dictionary(Vec<(Vec<u8>, Self)>),
    Reference(u64),
    /// A number below zero.
    Negative(i64),
    /// The word `false`.
    False,
    Other,
}

impl Value {
    /// The value of a dictionary under this key; the last one counts.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Self> {
        match self {
            Self::Dictionary(rows) => rows.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Puts something else under the keys of a dictionary that are among `keys`.
    pub(super) fn replace(&mut self, keys: &[&[u8]], mut by: impl FnMut(&Self) -> Self) {
        if let Self::Dictionary(rows) = self {
            for (_, value) in rows.iter_mut().filter(|(name, _)| keys.contains(&name.as_slice())) {
                *value = by(value);
            }
        }
    }

    /// Itself in a list, or what it lists.
    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::Array(values) => values,
            one => std::slice::from_ref(one),
        }
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// A number of any sign, as its 64 bits.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number.cast_signed()),
            Self::Negative(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// A place in the text of a PDF file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Option<Value> {
        self.nested(DEPTH)
    }

    fn nested(&mut self, depth: u32) -> Option<Value> {
        self.blanks();
        let depth = depth.checked_sub(1)?;
        match self.rest {
            [b'/', ..] => self.name().map(Value::Name),
            [b'<', b'<', rest @ ..] => {
                self.rest = rest;
                let mut rows = Vec::new();
                loop {
                    self.blanks();
                    match self.rest {
                        [b'>', b'>', rest @ ..] => {
                            self.rest = rest;
                            return Some(Value::Dictionary(rows));
                        }
                        [b'/', ..] => {
                            let name = self.name()?;
                            match self.nested(depth) {
                                Some(value) => rows.push((name, value)),
                                None => return Some(Value::Dictionary(rows)),
                            }
                        }
                        [] => return Some(Value::Dictionary(rows)),
                        // What is no name does not belong here.
                        [_, rest @ ..] => self.rest = rest,
                    }
                }
            }
            [b'<', rest @ ..] => {
                let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
                let (digits, behind) = rest.split_at_checked(end)?;
                self.rest = behind.get(1..).unwrap_or_default();
                Some(Value::Text(hexadecimal(digits)))
            }
            [b'(', rest @ ..] => {
                self.rest = rest;
                Some(Value::Text(self.text()))
            }
            [b'[', rest @ ..] => {
                self.rest = rest;
                let mut values = Vec::new();
                loop {
                    self.blanks();
                    match self.rest {
                        [b']', rest @ ..] => {
                            self.rest = rest;
                            return Some(Value::Array(values));
                        }
                        [] => return Some(Value::Array(values)),
                        _ => match self.nested(depth) {
                            Some(value) => values.push(value),
                            None => return Some(Value::Array(values)),
                        },
                    }
                }
            }
            [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => Some(self.number()),
            [b'>' | b']' | b')' | b'}' | b'{', ..] | [] => None,
            _ => {
                let length = self.rest.iter().take_while(|byte| is_regular(**byte)).count().max(1);
                let (word, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
                self.rest = rest;
                Some(if word == b"false" { Value::False } else { Value::Other })
            }
        }
    }

    /// The name at a slash, its escapes undone.
    pub(crate) fn name(&mut self) -> Option<Vec<u8>> {
        let text = self.rest.strip_prefix(b"/")?;
        let length = text.iter().take_while(|byte| is_regular(**byte)).count();
        let (mut name, rest) = text.split_at_checked(length)?;
        self.rest = rest;
        let mut out = Vec::new();
        while let Some((&byte, behind)) = name.split_first() {
            name = behind;
            match hex_pair(behind).filter(|_| byte == b'#') {
                Some(value) => {
                    out.push(value);
                    name = behind.get(2..).unwrap_or_default();
                }
                None => out.push(byte),
            }
        }
        Some(out)
    }

    /// A number, or a reference when a second number and `R` follow.
    fn number(&mut self) -> Value {
        let length = self.rest.iter().take_while(|byte| is_regular(**byte)).count();
        let (digits, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        let text = std::str::from_utf8(digits).unwrap_or_default();
        let Ok(number) = text.parse() else {
            return text.parse().map_or(Value::Other, Value::Negative);
        };
        let mut ahead = *self;
        ahead.blanks();
        let generation = ahead.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if (1..=5).contains(&generation) {
            ahead.rest = ahead.rest.get(generation..).unwrap_or_default();
            ahead.blanks();
            if let [b'R', rest @ ..] = ahead.rest
                && rest.first().is_none_or(|byte| !is_regular(*byte))
            {
                self.rest = rest;
                return Value::Reference(number);
            }
        }
        Value::Number(number)
    }

    /// The text behind an opening parenthesis.
    fn text(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut open = 1_u32;
        while let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            match byte {
                b'(' => open = open.saturating_add(1),
                b')' => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    self.escape(&mut out);
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
        out
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some((&byte, rest)) = self.rest.split_first() else { return };
        if (b'0'..=b'7').contains(&byte) {
            let count = self.rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let (digits, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
            let value = digits.iter().fold(0_u8, |value, &digit| value << 3 | digit & 7);
            out.push(value);
            self.rest = rest;
            return;
        }
        self.rest = rest;
        match byte {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            // A line break that is none.
            b'\r' => self.rest = rest.strip_prefix(b"\n").unwrap_or(rest),
            b'\n' => {}
            other => out.push(other),
        }
    }

    /// Passes over blanks and comments.
    pub(crate) fn blanks(&mut self) {
        loop {
            match self.rest {
                [b'\0' | b'\t' | b'\n' | 12 | b'\r' | b' ', rest @ ..] => self.rest = rest,
                [b'%', ..] => {
                    let end = self.rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                    self.rest = end.and_then(|end| self.rest.get(end..)).unwrap_or_default();
                }
                _ => return,
            }
        }
    }
}

/// Whether a byte belongs to a name or number.
pub(super) const fn is_regular(byte: u8) -> bool {
    !matches!(
        byte,
        b'\0'
            | b'\t'
            | b'\n'
            | 12
            | b'\r'
            | b' '
            | b'('
            | b')'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'/'
            | b'%'
    )
}
