//! A piece of a line that knows where in the line it stands.
//!
//! Every parser of this folder works on these, so that a fault can name its column however deep it
//! was found, and nothing is copied on the way.

use std::borrow::Cow;

/// Why a line cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Distance from the start of the line in bytes.
    pub(crate) at: usize,
    /// What is wrong, in lower case and without a full stop.
    pub(crate) message: Cow<'static, str>,
}

/// Part of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    /// A whole line.
    pub(crate) const fn line(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Distance of its first byte from the start of the line.
    pub(crate) const fn at(self) -> usize {
        self.at
    }

    /// Its bytes.
    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Number of its bytes.
    pub(crate) const fn len(self) -> usize {
        self.bytes.len()
    }

    /// Whether it has no bytes.
    pub(crate) const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The byte at `index`.
    pub(crate) fn byte(self, index: usize) -> Option<u8> {
        self.bytes.get(index).copied()
    }

    /// Its bytes from `start` up to but without `end`; both are cut to what there is.
    pub(crate) fn slice(self, start: usize, end: usize) -> Self {
        let end = end.min(self.bytes.len());
        let start = start.min(end);
        Self { bytes: self.bytes.get(start..end).unwrap_or_default(), at: self.at.saturating_add(start) }
    }

    /// Everything from `start` on.
    pub(crate) fn from(self, start: usize) -> Self {
        self.slice(start, self.bytes.len())
    }

    /// Everything before `end`.
    pub(crate) fn to(self, end: usize) -> Self {
        self.slice(0, end)
    }

    /// Where `byte` first stands.
    pub(crate) fn find(self, byte: u8) -> Option<usize> {
        memchr::memchr(byte, self.bytes)
    }

    /// Where `byte` last stands.
    pub(crate) fn find_last(self, byte: u8) -> Option<usize> {
        memchr::memrchr(byte, self.bytes)
    }

    /// What stands before and behind the first `byte`.
    pub(crate) fn split_once(self, byte: u8) -> Option<(Self, Self)> {
        let at = self.find(byte)?;
        Some((self.to(at), self.from(at.saturating_add(1))))
    }

    /// The fields between `byte`; always at least one.
    pub(crate) fn split(self, byte: u8) -> Split<'a> {
        Split { rest: Some(self), byte }
    }

    /// The text behind `prefix`, when it starts with it.
    pub(crate) fn strip_prefix(self, prefix: &[u8]) -> Option<Self> {
        self.bytes.starts_with(prefix).then(|| self.from(prefix.len()))
    }

    /// The text before `suffix`, when it ends with it.
    pub(crate) fn strip_suffix(self, suffix: &[u8]) -> Option<Self> {
        self.bytes.strip_suffix(suffix).map(|kept| self.to(kept.len()))
    }

    /// Without spaces and tabs at both ends.
    pub(crate) fn trim(self) -> Self {
        let is_text = |byte: &u8| *byte != b' ' && *byte != b'\t';
        let Some(start) = self.bytes.iter().position(is_text) else { return self.to(0) };
        let end = self.bytes.iter().rposition(is_text).map_or(start, |last| last.saturating_add(1));
        self.slice(start, end)
    }

    /// As a string; what is not UTF-8 is replaced.
    pub(crate) fn to_str(self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }

    /// A number in decimal digits and nothing else.
    pub(crate) fn number(self, what: &str) -> Result<u64, Fault> {
        decimal(self.bytes).ok_or_else(|| self.fault(format!("{what} is not a number: {}", self.quoted())))
    }

    /// The same, of at most 32 bits.
    pub(crate) fn small_number(self, what: &str) -> Result<u32, Fault> {
        u32::try_from(self.number(what)?)
            .map_err(|_| self.fault(format!("{what} is too large: {}", self.quoted())))
    }

    /// For messages: in quotation marks, and no longer than a glance.
    pub(crate) fn quoted(self) -> String {
        const GLANCE: usize = 40;
        let text = String::from_utf8_lossy(self.to(GLANCE).bytes).escape_debug().to_string();
        if self.len() > GLANCE { format!("'{text}…'") } else { format!("'{text}'") }
    }

    /// A fault at its start.
    pub(crate) fn fault(self, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { at: self.at, message: message.into() }
    }

    /// A fault at one of its bytes.
    pub(crate) fn fault_at(self, index: usize, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { at: self.at.saturating_add(index), message: message.into() }
    }
}

/// Iterator over fields.
#[derive(Clone, Debug)]
pub(crate) struct Split<'a> {
    rest: Option<Text<'a>>,
    byte: u8,
}

impl<'a> Split<'a> {
    /// The next field, or a fault that names what is missing.
    pub(crate) fn field(&mut self, line: Text<'_>, what: &str) -> Result<Text<'a>, Fault> {
        self.next().ok_or_else(|| line.fault_at(line.len(), format!("{what} is missing")))
    }

    /// Everything that is left, unsplit.
    pub(crate) fn remainder(self) -> Option<Text<'a>> {
        self.rest
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Text<'a>> {
        let rest = self.rest.take()?;
        match rest.split_once(self.byte) {
            Some((field, behind)) => {
                self.rest = Some(behind);
                Some(field)
            }
            None => Some(rest),
        }
    }
}

/// The value of decimal digits; `None` when there are none, something else, or too many.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The lines of a file: numbers from 1, without their ends.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    number: u32,
}

impl<'a> Lines<'a> {
    /// The lines in `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::after(0, bytes)
    }

    /// The lines in `bytes`, which follow so many others.
    pub(crate) const fn after(number: u32, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, number }
    }

    /// The number of the line that was read last.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest);
        let (line, rest) = match end {
            Some(end) => {
                let (line, rest) = self.rest.split_at_checked(end)?;
                (line, rest.get(1..).unwrap_or_default())
            }
            None => (self.rest, [].as_slice()),
        };
        self.rest = rest;
        self.number = self.number.saturating_add(1);
        let mut line = line;
        while let Some(shorter) = line.strip_suffix(b"\r") {
            line = shorter;
        }
        Some((self.number, line))
    }
}
