//! Words, signs, numbers and texts of rules.
//!
//! Works on bytes: what stands between quotation marks is not always UTF-8, and means its bytes. Division is written
//! `\`, so that a slash begins a comment or a regular expression, whatever stands before it.

use super::fault::Fault;

/// Longest identifier.
const LONGEST_IDENTIFIER: usize = 128;
/// Longest text and regular expression in bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// Something that is none of the others, and why.
    Bad(&'static str),
    /// `#name`
    Count(&'a str),
    /// The end of the file.
    End,
    /// A floating-point number.
    Float(f64),
    /// `!name`
    Length(&'a str),
    /// An integer.
    Number(i64),
    /// `@name`
    Offset(&'a str),
    /// A regular expression.
    Regex(RawRegex<'a>),
    /// An operator or a bracket.
    Sign(&'static str),
    /// `$name`
    String(&'a str),
    /// `$name*`
    StringPrefix(&'a str),
    /// A text in quotation marks, its escapes resolved.
    Text(Vec<u8>),
    /// An identifier or a keyword.
    Word(&'a str),
}

/// A regular expression as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawRegex<'a> {
    /// What stands between the slashes.
    pub(super) body: &'a [u8],
    /// Where that begins.
    pub(super) at: usize,
    /// `i`
    pub(super) ignore_case: bool,
    /// `s`
    pub(super) dot_all: bool,
}

/// The tokens of a file, of which one is looked at before it is taken.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    token: Token<'a>,
    start: usize,
    end: usize,
    previous_end: usize,
}

impl<'a> Tokens<'a> {
    /// The tokens from `at` on.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        let mut tokens = Self { bytes, token: Token::End, start: at, end: at, previous_end: at };
        tokens.read();
        tokens.previous_end = at;
        tokens
    }

    /// The next token.
    pub(super) const fn peek(&self) -> &Token<'a> {
        &self.token
    }

    /// Where the next token begins.
    pub(super) const fn at(&self) -> usize {
        self.start
    }

    /// Where the last token that was taken ended.
    pub(super) const fn previous_end(&self) -> usize {
        self.previous_end
    }

    /// All bytes of the file.
    pub(super) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Token<'a> {
        let token = std::mem::replace(&mut self.token, Token::End);
        self.read();
        token
    }

    /// Goes on at another place.
    pub(super) fn restart(&mut self, at: usize) {
        self.end = at;
        self.read();
    }

    /// Takes the next token if it is this sign.
    pub(super) fn accept(&mut self, sign: &str) -> bool {
        let is = matches!(self.token, Token::Sign(own) if own == sign);
        if is {
            self.take();
        }
        is
    }

    /// Takes the next token if it is this word.
    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        if is {
            self.take();
        }
        is
    }

    /// Whether the next token is this word.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.token, Token::Word(own) if own == word)
    }

    /// Whether the next token is this sign.
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(own) if own == sign)
    }

    /// Takes this sign.
    pub(super) fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.accept(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    /// Takes this word.
    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), Fault> {
        if self.accept_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    /// Takes an identifier that is no keyword.
    pub(super) fn identifier(&mut self, what: &str) -> Result<&'a str, Fault> {
        match self.token {
            Token::Word(word) if is_keyword(word) => {
                Err(Fault::new(self.start, format!("{what} is expected, and `{word}` is a keyword")))
            }
            Token::Word(word) => {
                self.take();
                Ok(word)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// Takes a text.
    pub(super) fn text(&mut self, what: &str) -> Result<Vec<u8>, Fault> {
        if !matches!(self.token, Token::Text(_)) {
            return Err(self.unexpected(what));
        }
        match self.take() {
            Token::Text(text) => Ok(text),
            _ => Ok(Vec::new()),
        }
    }

    /// Takes an integer.
    pub(super) fn number(&mut self, what: &str) -> Result<i64, Fault> {
        let Token::Number(number) = self.token else { return Err(self.unexpected(what)) };
        self.take();
        Ok(number)
    }

    /// What is wrong with the next token where something else is expected.
    pub(super) fn unexpected(&self, wanted: &str) -> Fault {
        let found = match &self.token {
            Token::Bad(reason) => return Fault::new(self.start, *reason),
            Token::End => "the end of the file".to_owned(),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Word(word) => format!("`{word}`"),
            Token::String(name) => format!("`${name}`"),
            Token::StringPrefix(name) => format!("`${name}*`"),
            Token::Count(name) => format!("`#{name}`"),
            Token::Offset(name) => format!("`@{name}`"),
            Token::Length(name) => format!("`!{name}`"),
            Token::Number(number) => format!("the number {number}"),
            Token::Float(_) => "a number".to_owned(),
            Token::Text(_) => "a text".to_owned(),
            Token::Regex(_) => "a regular expression".to_owned(),
        };
        Fault::new(self.start, format!("{wanted} is expected, not {found}"))
    }

    /// Reads the next token.
    fn read(&mut self) {
        self.previous_end = self.end;
        match skip_blanks(self.bytes, self.end) {
            Ok(start) => self.start = start,
            Err(start) => {
                self.start = start;
                self.end = self.bytes.len();
                self.token = Token::Bad("the comment has no end");
                return;
            }
        }
        let (token, end) = self.token_at(self.start);
        self.token = token;
        self.end = end;
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The token at a place, and where it ends. A token other than the end has at least one byte.
    fn token_at(&self, at: usize) -> (Token<'a>, usize) {
        let Some(byte) = self.byte(at) else { return (Token::End, at) };
        let next = at.saturating_add(1);
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.named(at, at, Token::Word),
            b'0'..=b'9' => self.number_at(at),
            b'"' => self.text_at(at),
            b'/' => self.regex_at(at),
            b'$' => {
                let (token, end) = self.named(at, next, Token::String);
                match (token, self.byte(end)) {
                    (Token::String(name), Some(b'*')) => (Token::StringPrefix(name), end.saturating_add(1)),
                    (token, _) => (token, end),
                }
            }
            b'#' => self.named(at, next, Token::Count),
            b'@' => self.named(at, next, Token::Offset),
            b'!' if self.byte(next) != Some(b'=') => self.named(at, next, Token::Length),
            _ => self.sign_at(at),
        }
    }

    /// A token that is a name from `at` on.
    fn named(&self, start: usize, at: usize, make: impl FnOnce(&'a str) -> Token<'a>) -> (Token<'a>, usize) {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = rest.get(..length).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
        let end = at.saturating_add(length).max(start.saturating_add(1));
        if length > LONGEST_IDENTIFIER {
            return (Token::Bad("an identifier has over 128 characters"), end);
        }
        (make(name), end)
    }

    fn number_at(&self, at: usize) -> (Token<'a>, usize) {
        let rest = self.bytes.get(at..).unwrap_or_default();
        for (prefix, radix) in [(b"0x", 16), (b"0o", 8)] {
            if let Some(digits) = rest.strip_prefix(prefix) {
                let length = digits.iter().take_while(|byte| char::from(**byte).is_digit(radix)).count();
                if length > 0 {
                    let end = at.saturating_add(2).saturating_add(length);
                    return (integer(digits.get(..length), radix), end);
                }
            }
        }
        let digits = |from: usize| {
            rest.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = digits(0);
        let fraction = match rest.get(whole) {
            Some(b'.') => digits(whole.saturating_add(1)),
            _ => 0,
        };
        if fraction > 0 {
            let length = whole.saturating_add(1).saturating_add(fraction);
            let text = rest.get(..length).and_then(|text| std::str::from_utf8(text).ok());
            let token = match text.and_then(|text| text.parse().ok()) {
                Some(value) => Token::Float(value),
                None => Token::Bad("not a number"),
            };
            return (token, at.saturating_add(length));
        }
        let end = at.saturating_add(whole);
        let unit = match rest.get(whole..whole.saturating_add(2)) {
            Some(b"KB") => 1 << 10,
            Some(b"MB") => 1 << 20,
            _ => return (integer(rest.get(..whole), 10), end),
        };
        let token = match integer(rest.get(..whole), 10) {
            Token::Number(number) => {
                number.checked_mul(unit).map_or(Token::Bad("the integer is too large"), Token::Number)
            }
            token => token,
        };
        (token, end.saturating_add(2))
    }

    fn text_at(&self, start: usize) -> (Token<'a>, usize) {
        let mut text = Vec::new();
        let mut at = start.saturating_add(1);
        let mut bad = None;
        loop {
            let byte = self.byte(at);
            at = at.saturating_add(1);
            match byte {
                None | Some(b'\n') => return (Token::Bad("the text has no end"), at.saturating_sub(1)),
                Some(b'"') => break,
                Some(b'\\') => {
                    let escaped = self.byte(at);
                    at = at.saturating_add(1);
                    match escaped {
                        Some(b't') => text.push(b'\t'),
                        Some(b'r') => text.push(b'\r'),
                        Some(b'n') => text.push(b'\n'),
                        Some(byte @ (b'"' | b'\\')) => text.push(byte),
                        Some(b'x') => match hex_pair(self.bytes, at) {
                            Some(byte) => {
                                text.push(byte);
                                at = at.saturating_add(2);
                            }
                            None => bad = Some("`\\x` wants two hexadecimal digits"),
                        },
                        None | Some(b'\n') => {
                            return (Token::Bad("the text has no end"), at.saturating_sub(1));
                        }
                        Some(_) => bad = Some("an escape that texts do not have"),
                    }
                }
                Some(byte) => text.push(byte),
            }
        }
        let token = match bad {
            Some(reason) => Token::Bad(reason),
            None if text.len() > LONGEST_TEXT => Token::Bad("the text has over 65536 bytes"),
            None => Token::Text(text),
        };
        (token, at)
    }

    fn regex_at(&self, start: usize) -> (Token<'a>, usize) {
        let from = start.saturating_add(1);
        let mut at = from;
        loop {
            match self.byte(at) {
                None | Some(b'\n') => return (Token::Bad("the regular expression has no end"), at),
                Some(b'/') => break,
                Some(b'\\') if self.byte(at.saturating_add(1)) != Some(b'\n') => at = at.saturating_add(2),
                Some(_) => at = at.saturating_add(1),
            }
        }
        let body = self.bytes.get(from..at).unwrap_or_default();
        let mut raw = RawRegex { body, at: from, ignore_case: false, dot_all: false };
        let mut end = at.saturating_add(1);
        loop {
            match self.byte(end) {
                Some(b'i') if !raw.ignore_case => raw.ignore_case = true,
                Some(b's') if !raw.dot_all => raw.dot_all = true,
                _ => break,
            }
            end = end.saturating_add(1);
        }
        let token = if body.len() > LONGEST_TEXT {
            Token::Bad("the regular expression has over 65536 bytes")
        } else {
            Token::Regex(raw)
        };
        (token, end)
    }

    fn sign_at(&self, at: usize) -> (Token<'a>, usize) {
        let rest = self.bytes.get(at..).unwrap_or_default();
        match SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
            Some(sign) => (Token::Sign(sign), at.saturating_add(sign.len())),
            None => (Token::Bad("a character that rules do not have"), at.saturating_add(1)),
        }
    }
}

/// Signs, longer ones first.
const SIGNS: [&str; 28] = [
    "..", "<<", ">>", "<=", ">=", "==", "!=", "{", "}", "(", ")", "[", "]", ",", ":", "=", "<", ">", "+",
    "-", "*", "\\", "%", "&", "|", "^", "~", ".",
];

/// Words that cannot be identifiers.
const KEYWORDS: [&str; 51] = [
    "all",
    "and",
    "any",
    "ascii",
    "at",
    "base64",
    "base64wide",
    "condition",
    "contains",
    "defined",
    "endswith",
    "entrypoint",
    "false",
    "filesize",
    "for",
    "fullword",
    "global",
    "icontains",
    "iendswith",
    "iequals",
    "import",
    "in",
    "include",
    "int16",
    "int16be",
    "int32",
    "int32be",
    "int8",
    "int8be",
    "istartswith",
    "matches",
    "meta",
    "nocase",
    "none",
    "not",
    "of",
    "or",
    "private",
    "rule",
    "startswith",
    "strings",
    "them",
    "true",
    "uint16",
    "uint16be",
    "uint32",
    "uint32be",
    "uint8",
    "uint8be",
    "wide",
    "xor",
];

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

fn integer<'a>(digits: Option<&[u8]>, radix: u32) -> Token<'a> {
    let text = digits.and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
    i64::from_str_radix(text, radix).map_or(Token::Bad("the integer is too large"), Token::Number)
}

/// The byte that two hexadecimal digits at a place stand for.
pub(super) fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let value = digit(at)?.checked_mul(16)?.checked_add(digit(at.saturating_add(1))?)?;
    u8::try_from(value).ok()
}

/// Where the next thing begins that is neither blank nor comment; where a comment begins that has no end.
pub(super) fn skip_blanks(bytes: &[u8], mut at: usize) -> Result<usize, usize> {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest {
            [b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c, ..] => at = at.saturating_add(1),
            [b'/', b'/', ..] => {
                at = at.saturating_add(memchr::memchr(b'\n', rest).unwrap_or(rest.len()));
            }
            [b'/', b'*', inner @ ..] => match memchr::memmem::find(inner, b"*/") {
                Some(length) => at = at.saturating_add(length).saturating_add(4),
                None => return Err(at),
            },
            _ => return Ok(at),
        }
    }
}
