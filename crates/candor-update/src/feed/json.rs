//! JSON in one spelling: the canonical form of OLPC that TUF signs, and no other.
//!
//! What is signed is bytes. If a text could be spelt in two ways, two programs could read the same signature
//! over two meanings; so a text is refused unless it is exactly what [`Value::write`] writes. Names of objects
//! come in ascending order, which also means that none comes twice. Numbers are whole. Texts are printable ASCII,
//! stricter than the form asks for: nothing in a feed needs more, and it leaves no question of how Unicode is
//! normalised.

use std::collections::BTreeMap;

/// How deep arrays and objects may lie in each other.
const DEEPEST: usize = 16;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that is not negative.
    Number(u64),
    /// Printable ASCII.
    Text(String),
    /// Values in their order.
    Array(Vec<Self>),
    /// Values by name.
    Object(BTreeMap<String, Self>),
}

/// Why bytes are not in the canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {fault}")]
pub struct JsonError {
    /// Where, from 0 on.
    pub at: usize,
    /// What.
    pub fault: JsonFault,
}

/// What is not canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// The text ends too early.
    #[error("the text ends here, and more is needed")]
    End,
    /// Something else is there.
    #[error("no value, comma or bracket that may stand here (the canonical form has no spaces)")]
    Unexpected,
    /// More follows the value.
    #[error("more follows the end of the value")]
    Trailing,
    /// Too deep.
    #[error("more than {DEEPEST} arrays and objects in each other")]
    Deep,
    /// A name that stands there already.
    #[error("a name comes twice in one object")]
    Duplicate,
    /// A name out of order.
    #[error("the names of an object are not in ascending order")]
    Order,
    /// A fraction or an exponent.
    #[error("a number that is not whole")]
    Fraction,
    /// A sign, a leading zero, or too many digits.
    #[error("a number that is negative, begins with a zero or is beyond 2^63")]
    Number,
    /// A character that has to be, or may not be, escaped.
    #[error("an escape other than of a quote and of a backslash")]
    Escape,
    /// Not printable ASCII.
    #[error("a text with characters other than printable ASCII")]
    Character,
}

impl Value {
    /// Reads a value that is spelt as [`Value::write`] would spell it.
    ///
    /// # Errors
    /// It is not.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let mut reader = Reader { bytes, at: 0 };
        let parsed = reader
            .value(0)
            .and_then(|value| if reader.at == bytes.len() { Ok(value) } else { Err(JsonFault::Trailing) });
        parsed.map_err(|fault| JsonError { at: reader.at, fault })
    }

    /// The one spelling.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut text = String::new();
        self.write_to(&mut text);
        text.into_bytes()
    }

    fn write_to(&self, out: &mut String) {
        match self {
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => out.push_str(&value.to_string()),
            Self::Text(text) => write_text(text, out),
            Self::Array(values) => {
                out.push('[');
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    value.write_to(out);
                }
                out.push(']');
            }
            Self::Object(values) => {
                out.push('{');
                for (place, (name, value)) in values.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write_to(out);
                }
                out.push('}');
            }
        }
    }

    /// An object of these names.
    #[must_use]
    pub fn object<const N: usize>(values: [(&str, Self); N]) -> Self {
        Self::Object(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for symbol in text.chars() {
        if matches!(symbol, '"' | '\\') {
            out.push('\\');
        }
        out.push(symbol);
    }
    out.push('"');
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Result<u8, JsonFault> {
        self.bytes.get(self.at).copied().ok_or(JsonFault::End)
    }

    const fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn take(&mut self, byte: u8) -> Result<(), JsonFault> {
        if self.peek()? != byte {
            return Err(JsonFault::Unexpected);
        }
        self.step();
        Ok(())
    }

    fn taken(&mut self, byte: u8) -> bool {
        self.take(byte).is_ok()
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonFault> {
        if depth > DEEPEST {
            return Err(JsonFault::Deep);
        }
        let below = depth.saturating_add(1);
        match self.peek()? {
            b'{' => self.object(below),
            b'[' => self.array(below),
            b'"' => self.text().map(Value::Text),
            b't' => self.word(b"true").map(|()| Value::Bool(true)),
            b'f' => self.word(b"false").map(|()| Value::Bool(false)),
            b'-' => Err(JsonFault::Number),
            b'0'..=b'9' => self.number(),
            _ => Err(JsonFault::Unexpected),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonFault> {
        self.take(b'{')?;
        let mut values = BTreeMap::new();
        if self.taken(b'}') {
            return Ok(Value::Object(values));
        }
        loop {
            let start = self.at;
            let name = self.text()?;
            let fault = match values.last_key_value() {
                Some((last, _)) if *last == name => Some(JsonFault::Duplicate),
                Some((last, _)) if *last > name => {
                    Some(if values.contains_key(&name) { JsonFault::Duplicate } else { JsonFault::Order })
                }
                _ => None,
            };
            if let Some(fault) = fault {
                self.at = start;
                return Err(fault);
            }
            self.take(b':')?;
            let value = self.value(depth)?;
            values.insert(name, value);
            if self.taken(b'}') {
                return Ok(Value::Object(values));
            }
            self.take(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonFault> {
        self.take(b'[')?;
        let mut values = Vec::new();
        if self.taken(b']') {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth)?);
            if self.taken(b']') {
                return Ok(Value::Array(values));
            }
            self.take(b',')?;
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonFault> {
        word.iter().try_for_each(|byte| self.take(*byte))
    }

    fn number(&mut self) -> Result<Value, JsonFault> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.step();
        }
        if matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E')) {
            return Err(JsonFault::Fraction);
        }
        let digits = self.bytes.get(start..self.at).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(crate::log::decimal).map(Value::Number).ok_or(JsonFault::Number)
    }

    fn text(&mut self) -> Result<String, JsonFault> {
        self.take(b'"')?;
        let mut text = String::new();
        loop {
            let byte = self.peek()?;
            match byte {
                b'"' => {
                    self.step();
                    return Ok(text);
                }
                b'\\' => {
                    self.step();
                    let escaped = self.peek()?;
                    if !matches!(escaped, b'"' | b'\\') {
                        return Err(JsonFault::Escape);
                    }
                    text.push(char::from(escaped));
                }
                0x20..=0x7e => text.push(char::from(byte)),
                _ => return Err(JsonFault::Character),
            }
            self.step();
        }
    }
}
