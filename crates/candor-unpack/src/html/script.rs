//! The normalised copy of a script: what the same program looks like however it is written.
//!
//! Comments and needless white space go, strings get double quotes, their escapes are resolved, constant
//! strings that are added or given to `unescape` become one, names that the program declares itself are
//! numbered in the order of declaration (`n000`), and everything is in lower case. These are the rules of
//! ClamAV as its `sigtool --html-normalise` shows them.
//!
//! A first walk collects the names that each function declares, a second one writes; what is declared
//! twice has its last number everywhere, as there.

use std::collections::HashMap;

/// How deep functions are followed, and how many.
const DEPTH: usize = 128;
const SCOPES: usize = 20_000;
/// Names that are numbered.
const NAMES: usize = 10_000;

/// Appends the normalised copy of `content`, between tags, to `scripts`.
pub(super) fn normalise(content: &[u8], scripts: &mut Vec<u8>) {
    if !scripts.is_empty() {
        scripts.push(b'\n');
    }
    scripts.extend_from_slice(b"<script>");
    let mut writer = Writer { out: scripts, last: Last::Other, text: None, unescape: None };
    let mut names = Names::new();
    walk(content, |token| match token {
        Token::Space => {}
        Token::Word(word) => {
            names.see(word);
        }
        Token::Text(_) => names.other(),
        Token::Sign(sign) => names.sign(sign),
    });
    names.begin_again();
    walk(content, |token| match token {
        Token::Space => {}
        Token::Word(word) => match names.see(word) {
            Some(number) => writer.word(format!("n{number:03}").as_bytes()),
            None => writer.word(word),
        },
        Token::Text(text) => {
            names.other();
            writer.text(text);
        }
        Token::Sign(sign) => {
            names.sign(sign);
            writer.sign(sign);
        }
    });
    writer.flush();
    scripts.extend_from_slice(b"</script>");
}

fn walk<'a>(content: &'a [u8], mut take: impl FnMut(Token<'a>)) {
    let mut rest = content;
    while let Some((token, behind)) = Token::next(rest) {
        rest = behind;
        take(token);
    }
}

enum Token<'a> {
    Space,
    /// A name, a keyword or a number.
    Word(&'a [u8]),
    /// The value of a string.
    Text(Vec<u8>),
    Sign(u8),
}

impl<'a> Token<'a> {
    /// The next token, and what stands behind it.
    fn next(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&first, rest) = bytes.split_first()?;
        if first.is_ascii_whitespace() || first < b' ' {
            return Some((Self::Space, rest));
        }
        if is_word(first) {
            let length = bytes.iter().position(|&byte| !is_word(byte)).unwrap_or(bytes.len());
            let (word, rest) = bytes.split_at_checked(length)?;
            return Some((Self::Word(word), rest));
        }
        if first == b'"' || first == b'\'' {
            let (text, rest) = string(rest, first);
            return Some((Self::Text(text), rest));
        }
        if let Some(comment) = bytes.strip_prefix(b"/*") {
            let end = memchr::memmem::find(comment, b"*/").map_or(comment.len(), |end| end.saturating_add(2));
            return Some((Self::Space, comment.get(end..).unwrap_or_default()));
        }
        if let Some(comment) = bytes.strip_prefix(b"//") {
            // Up to white space, not to the end of the line: what looks like a comment may be the end of a
            // regular expression, and the program that stands behind it must not be lost.
            let end = comment.iter().position(u8::is_ascii_whitespace).unwrap_or(comment.len());
            return Some((Self::Space, comment.get(end..).unwrap_or_default()));
        }
        Some((Self::Sign(first), rest))
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

/// The value of the string that starts at `bytes`, and what stands behind its end.
fn string(bytes: &[u8], quote: u8) -> (Vec<u8>, &[u8]) {
    let mut text = Vec::new();
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == quote {
            break;
        }
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        let Some((&escaped, behind)) = rest.split_first() else { break };
        rest = behind;
        match escaped {
            b'n' | b'r' | b't' => text.push(b' '),
            b'x' => rest = push_code(&mut text, rest, 2, b'x'),
            b'u' => rest = push_code(&mut text, rest, 4, b'u'),
            _ => text.push(escaped),
        }
    }
    (text, rest)
}

/// Writes the character with the code in the next `digits` digits, or `letter` when there are none.
fn push_code<'a>(text: &mut Vec<u8>, rest: &'a [u8], digits: usize, letter: u8) -> &'a [u8] {
    let code = rest
        .get(..digits)
        .filter(|code| code.iter().all(u8::is_ascii_hexdigit))
        .and_then(|code| std::str::from_utf8(code).ok())
        .and_then(|code| u32::from_str_radix(code, 16).ok());
    let Some(code) = code else {
        text.push(letter);
        return rest;
    };
    match (digits, u8::try_from(code)) {
        (2, Ok(byte)) => text.push(byte),
        _ => {
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    rest.get(digits..).unwrap_or_default()
}

/// What the last thing written was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Word,
    Other,
}

/// Puts tokens together again.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    last: Last,
    /// A string that the next one may be added to, and whether `+` stands behind it.
    text: Option<(Vec<u8>, bool)>,
    /// Where `unescape(` was written, when nothing else came behind.
    unescape: Option<usize>,
}

impl Writer<'_> {
    fn word(&mut self, word: &[u8]) {
        self.flush();
        self.unescape = word.eq_ignore_ascii_case(b"unescape").then_some(self.out.len());
        if self.last == Last::Word {
            self.out.push(b' ');
        }
        self.out.extend(word.iter().map(u8::to_ascii_lowercase));
        self.last = Last::Word;
    }

    fn text(&mut self, text: Vec<u8>) {
        match &mut self.text {
            Some((held, is_added @ true)) => {
                held.extend_from_slice(&text);
                *is_added = false;
            }
            _ => {
                self.flush_text();
                self.text = Some((text, false));
            }
        }
    }

    fn sign(&mut self, sign: u8) {
        match (&mut self.text, sign) {
            (Some((_, is_added @ false)), b'+') => {
                *is_added = true;
                return;
            }
            (Some((held, false)), b')') if self.unescape.is_some() => {
                // `unescape("...")` becomes the string that it gives, which may be added to again.
                let plain = unescaped(held);
                self.out.truncate(self.unescape.unwrap_or(self.out.len()));
                self.unescape = None;
                self.text = Some((plain, false));
                return;
            }
            _ => {}
        }
        let was_word = self.text.is_none() && self.last == Last::Word;
        self.flush_text();
        self.out.push(sign);
        self.last = Last::Other;
        if !(sign == b'(' && was_word) {
            self.unescape = None;
        }
    }

    /// Writes the string that was held back, before something that it cannot be one with.
    fn flush(&mut self) {
        self.flush_text();
        self.unescape = None;
    }

    fn flush_text(&mut self) {
        let Some((text, is_added)) = self.text.take() else { return };
        self.out.push(b'"');
        self.out.extend(text.to_ascii_lowercase());
        self.out.push(b'"');
        if is_added {
            self.out.push(b'+');
        }
        self.last = Last::Other;
    }
}

/// Resolves `%41` and `%u0041`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = match (byte, behind.first()) {
            (b'%', Some(b'u' | b'U')) => push_code(&mut plain, behind.get(1..).unwrap_or_default(), 4, b'u'),
            (b'%', _) => push_code(&mut plain, behind, 2, b'%'),
            _ => {
                plain.push(byte);
                behind
            }
        };
    }
    plain
}

/// Which names the program declares, and where the walk is.
#[derive(Debug)]
struct Names {
    /// What each function declares, in the order in which they begin; first what none of them does.
    scopes: Vec<HashMap<Vec<u8>, usize>>,
    /// Which marks words have that are declared somewhere.
    marks: Marks,
    /// Whether the declarations are known already.
    is_complete: bool,
    count: usize,
    /// How many functions began.
    begun: usize,
    /// The functions around.
    around: Vec<Function>,
    place: Place,
    depth: usize,
    /// Whether a dot stands before the next word, which is a property then.
    is_property: bool,
}

/// A mark of each word of some, which others may have, too.
#[derive(Debug)]
struct Marks([u64; 64]);

impl Default for Marks {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Marks {
    /// The place of a word's mark, and the mark.
    fn of(word: &[u8]) -> (usize, u64) {
        let end = |byte: Option<&u8>| byte.copied().unwrap_or(0) & 63;
        // Names of scripts that were made short share their letters, not their lengths.
        let turn = u32::try_from(word.len() & 63).unwrap_or(0);
        (usize::from(end(word.first())), 1_u64.rotate_left(u32::from(end(word.last()))).rotate_left(turn))
    }

    fn add(&mut self, word: &[u8]) {
        let (place, mark) = Self::of(word);
        if let Some(marks) = self.0.get_mut(place) {
            *marks |= mark;
        }
    }

    fn may_have(&self, word: &[u8]) -> bool {
        let (place, mark) = Self::of(word);
        self.0.get(place).is_some_and(|marks| marks & mark != 0)
    }
}

#[derive(Debug)]
struct Function {
    scope: usize,
    /// Depth of braces outside of the body; `None` until the body begins.
    body: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Anywhere,
    /// Behind `var` or a comma after one, where a name is declared.
    Variable,
    /// In what a variable is set to, that many brackets deep.
    Value(usize),
    /// Behind `function`, where the name may stand.
    Function,
    Parameters,
}

impl Names {
    fn new() -> Self {
        Self {
            scopes: vec![HashMap::new()],
            marks: Marks::default(),
            is_complete: false,
            count: 0,
            begun: 0,
            around: Vec::new(),
            place: Place::default(),
            depth: 0,
            is_property: false,
        }
    }

    /// Goes back to the start, with every declaration known.
    fn begin_again(&mut self) {
        let scopes = std::mem::take(&mut self.scopes);
        let marks = std::mem::take(&mut self.marks);
        *self = Self { scopes, marks, is_complete: true, ..Self::new() };
    }

    /// The number of a word, if it is a name that is declared; of none before the declarations are known.
    fn see(&mut self, word: &[u8]) -> Option<usize> {
        if std::mem::take(&mut self.is_property) || word.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        match word {
            b"var" => {
                self.place = Place::Variable;
                return None;
            }
            b"function" => {
                self.begin_function();
                return None;
            }
            _ => {}
        }
        if matches!(self.place, Place::Variable | Place::Function | Place::Parameters) {
            if self.place == Place::Variable {
                self.place = Place::Value(0);
            }
            self.declare(word);
        }
        // Most words are not declared.
        if !self.is_complete || !self.marks.may_have(word) {
            return None;
        }
        let inner = self.around.iter().rev().find_map(|function| self.scopes.get(function.scope)?.get(word));
        inner.or_else(|| self.scopes.first()?.get(word)).copied()
    }

    fn begin_function(&mut self) {
        if self.around.len() >= DEPTH || self.begun >= SCOPES {
            return;
        }
        self.begun = self.begun.saturating_add(1);
        if !self.is_complete {
            self.scopes.push(HashMap::new());
        }
        self.around.push(Function { scope: self.begun, body: None });
        self.place = Place::Function;
    }

    fn declare(&mut self, word: &[u8]) {
        if self.is_complete || self.count >= NAMES {
            return;
        }
        let scope = self.around.last().map_or(0, |function| function.scope);
        if let Some(scope) = self.scopes.get_mut(scope) {
            self.marks.add(word);
            scope.insert(word.to_vec(), self.count);
            self.count = self.count.saturating_add(1);
        }
    }

    /// Something that is neither a word nor a sign.
    const fn other(&mut self) {
        self.is_property = false;
    }

    fn sign(&mut self, sign: u8) {
        self.is_property = sign == b'.';
        self.place = match (self.place, sign) {
            (Place::Function, b'(') => Place::Parameters,
            (Place::Parameters, b')') => Place::Anywhere,
            (Place::Value(0), b',') => Place::Variable,
            (Place::Value(0), b';' | b')' | b'}' | b']') | (Place::Variable, b';') => Place::Anywhere,
            (Place::Value(depth), b'(' | b'[' | b'{') => Place::Value(depth.saturating_add(1)),
            (Place::Value(depth), b')' | b']' | b'}') => Place::Value(depth.saturating_sub(1)),
            (place, _) => place,
        };
        match sign {
            b'{' => {
                if let Some(function) = self.around.last_mut().filter(|function| function.body.is_none()) {
                    function.body = Some(self.depth);
                }
                self.depth = self.depth.saturating_add(1);
            }
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.around.last().is_some_and(|function| function.body == Some(self.depth)) {
                    self.around.pop();
                }
            }
            _ => {}
        }
    }
}
