//! The normalised copy of a script: what the same program looks like however it is written.
//!
//! Comments and needless white space go, strings get double quotes, their escapes are resolved, constant
//! strings that are added or given to `unescape` become one, one that is given to `eval` stands there as what it says, names that the program declares itself are
//! numbered in the order of declaration (`n000`), and everything is in lower case. These are the rules of
//! ClamAV as its `sigtool --html-normalise` shows them.
//!
//! A first walk collects the names that each function declares, a second one writes; what is declared
//! twice has its last number everywhere, as there.

use std::collections::HashMap;

use super::push_lower;

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
    let mut names = Names::new();
    walk(content, |token| match token {
        Token::Word(word) => {
            names.see(word);
        }
        Token::Text(_) => names.other(),
        Token::Sign(sign) => names.sign(sign),
    });
    names.begin_again();
    let mut writer = Writer::new(scripts);
    walk(content, |token| match token {
        Token::Word(word) => match names.see(word) {
            Some(number) => writer.name(number),
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
    /// A name, a keyword or a number.
    Word(&'a [u8]),
    /// A string as it is written, without its quotes.
    Text(&'a [u8]),
    Sign(u8),
}

/// What a byte may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Word,
    Quote,
    Slash,
    Sign,
}

/// The kind of each byte.
const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Sign; 256];
    let mut byte = 0_u8;
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where it is an error")]
    loop {
        kinds[byte as usize] = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'$' => Kind::Word,
            b'"' | b'\'' => Kind::Quote,
            b'/' => Kind::Slash,
            0..=b' ' => Kind::Space,
            _ => Kind::Sign,
        };
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

fn kind(byte: u8) -> Kind {
    KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Sign)
}

impl<'a> Token<'a> {
    /// The next token, and what stands behind it.
    fn next(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut bytes = bytes;
        loop {
            let (&first, rest) = bytes.split_first()?;
            bytes = match kind(first) {
                Kind::Space => rest,
                Kind::Word => {
                    let length =
                        bytes.iter().position(|&byte| kind(byte) != Kind::Word).unwrap_or(bytes.len());
                    let (word, rest) = bytes.split_at_checked(length)?;
                    return Some((Self::Word(word), rest));
                }
                Kind::Quote => {
                    let (text, rest) = rest.split_at_checked(text_length(rest, first))?;
                    return Some((Self::Text(text), rest.get(1..).unwrap_or_default()));
                }
                Kind::Slash if rest.first() == Some(&b'*') => {
                    let comment = rest.get(1..).unwrap_or_default();
                    comment.get(comment_length(comment)..).unwrap_or_default()
                }
                Kind::Slash if rest.first() == Some(&b'/') => {
                    // Up to white space, not to the end of the line: what looks like a comment may be the end of a
                    // regular expression, and the program that stands behind it must not be lost.
                    let comment = rest.get(1..).unwrap_or_default();
                    let end = comment.iter().position(u8::is_ascii_whitespace).unwrap_or(comment.len());
                    comment.get(end..).unwrap_or_default()
                }
                Kind::Slash | Kind::Sign => return Some((Self::Sign(first), rest)),
            };
        }
    }
}

/// Length of the string that starts at `bytes`, up to the quote that ends it.
fn text_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 0_usize;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(quote, b'\\', rest)) {
        at = at.saturating_add(found);
        if bytes.get(at) == Some(&quote) {
            return at;
        }
        // What is escaped is no end.
        at = at.saturating_add(2);
    }
    bytes.len()
}

/// Length of the comment that starts at `bytes`, with the `*/` that ends it.
fn comment_length(bytes: &[u8]) -> usize {
    let is_end = |star: &usize| star.checked_add(1).and_then(|next| bytes.get(next)) == Some(&b'/');
    memchr::memchr_iter(b'*', bytes).find(is_end).map_or(bytes.len(), |star| star.saturating_add(2))
}

/// Appends the value of a string as it is written.
fn push_value(text: &mut Vec<u8>, written: &[u8]) {
    let mut rest = written;
    while let Some(plain) = memchr::memchr(b'\\', rest) {
        let (before, behind) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        text.extend_from_slice(before);
        let Some((&escaped, behind)) = behind.get(1..).and_then(<[u8]>::split_first) else { return };
        rest = behind;
        match escaped {
            b'n' | b'r' | b't' => text.push(b' '),
            b'x' => rest = push_code(text, rest, 2, b'x'),
            b'u' => rest = push_code(text, rest, 4, b'u'),
            _ => text.push(escaped),
        }
    }
    text.extend_from_slice(rest);
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

/// Whether a string is held back that the next one may be added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    Text,
    /// `+` stands behind it.
    Added,
}

/// A call of which the result stands there when it is given one string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Unescape,
    Eval,
}

/// Puts tokens together again.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    last: Last,
    held: Held,
    /// The string that is held back.
    text: Vec<u8>,
    /// The call that was written, and where, when nothing else came behind.
    call: Option<(Call, usize)>,
}

impl<'a> Writer<'a> {
    const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, last: Last::Other, held: Held::Nothing, text: Vec::new(), call: None }
    }

    /// Writes the name with this number.
    fn name(&mut self, number: usize) {
        self.begin_word();
        self.call = None;
        self.out.push(b'n');
        let first = self.out.len();
        let mut left = number;
        for place in 0.. {
            if left == 0 && place >= 3 {
                break;
            }
            self.out.push(b'0'.saturating_add(u8::try_from(left % 10).unwrap_or(0)));
            left /= 10;
        }
        self.out.get_mut(first..).unwrap_or_default().reverse();
    }

    fn word(&mut self, word: &[u8]) {
        self.flush_text();
        self.call = match word {
            _ if word.eq_ignore_ascii_case(b"unescape") => Some((Call::Unescape, self.out.len())),
            // That of an object may be another.
            _ if word.eq_ignore_ascii_case(b"eval") && self.out.last() != Some(&b'.') => {
                Some((Call::Eval, self.out.len()))
            }
            _ => None,
        };
        self.begin_word();
        push_lower(self.out, word);
    }

    fn begin_word(&mut self) {
        self.flush_text();
        if self.last == Last::Word {
            self.out.push(b' ');
        }
        self.last = Last::Word;
    }

    fn text(&mut self, written: &[u8]) {
        if self.held != Held::Added {
            self.flush_text();
        }
        push_value(&mut self.text, written);
        self.held = Held::Text;
    }

    fn sign(&mut self, sign: u8) {
        match (self.held, sign, self.call) {
            (Held::Text, b'+', _) => {
                self.held = Held::Added;
                return;
            }
            (Held::Text, b')', Some((call, start))) => {
                self.call = None;
                self.out.truncate(start);
                if call == Call::Unescape {
                    // The string that it gives may be added to again.
                    self.text = unescaped(&self.text);
                    return;
                }
                self.held = Held::Nothing;
                if self.out.last().is_some_and(u8::is_ascii_alphanumeric) {
                    self.out.push(b' ');
                }
                push_lower(self.out, &self.text);
                self.text.clear();
                self.last = Last::Other;
                return;
            }
            _ => {}
        }
        let was_word = self.held == Held::Nothing && self.last == Last::Word;
        self.flush_text();
        self.out.push(sign);
        self.last = Last::Other;
        if !(sign == b'(' && was_word) {
            self.call = None;
        }
    }

    /// Writes the string that was held back, before something that it cannot be one with.
    fn flush(&mut self) {
        self.flush_text();
        self.call = None;
    }

    fn flush_text(&mut self) {
        let held = std::mem::replace(&mut self.held, Held::Nothing);
        if held == Held::Nothing {
            return;
        }
        self.out.push(b'"');
        push_lower(self.out, &self.text);
        self.text.clear();
        self.out.push(b'"');
        if held == Held::Added {
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
struct Names<'a> {
    /// Words that are declared somewhere, by their places among the meanings.
    words: HashMap<&'a [u8], usize>,
    /// What each of these words means, in functions inside of one another: the function that declares it and its number there.
    meanings: Vec<Vec<(usize, usize)>>,
    /// What each function declares, words and numbers, in the order in which they begin; first what none of them does.
    scopes: Vec<Vec<(usize, usize)>>,
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

impl<'a> Names<'a> {
    fn new() -> Self {
        Self {
            words: HashMap::new(),
            meanings: Vec::new(),
            scopes: vec![Vec::new()],
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
        let (words, meanings) = (std::mem::take(&mut self.words), std::mem::take(&mut self.meanings));
        let (scopes, marks) = (std::mem::take(&mut self.scopes), std::mem::take(&mut self.marks));
        *self = Self { words, meanings, scopes, marks, is_complete: true, ..Self::new() };
        self.enter(0);
    }

    /// The number of a word, if it is a name that is declared; of none before the declarations are known.
    fn see(&mut self, word: &'a [u8]) -> Option<usize> {
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
        let (_, number) = self.meanings.get(*self.words.get(word)?)?.last()?;
        Some(*number)
    }

    fn begin_function(&mut self) {
        if self.around.len() >= DEPTH || self.begun >= SCOPES {
            return;
        }
        self.begun = self.begun.saturating_add(1);
        if self.is_complete {
            self.enter(self.begun);
        } else {
            self.scopes.push(Vec::new());
        }
        self.around.push(Function { scope: self.begun, body: None });
        self.place = Place::Function;
    }

    /// Words mean from now on what this function declares. Each function begins once, so that all of it takes as long as
    /// there are declarations.
    fn enter(&mut self, function: usize) {
        for &(word, number) in self.scopes.get(function).into_iter().flatten() {
            let Some(meanings) = self.meanings.get_mut(word) else { continue };
            // The last declaration counts.
            meanings.pop_if(|(scope, _)| *scope == function);
            meanings.push((function, number));
        }
    }

    /// They mean again what they did outside of it.
    fn leave(&mut self, function: usize) {
        for &(word, _) in self.scopes.get(function).into_iter().flatten().filter(|_| self.is_complete) {
            if let Some(meanings) = self.meanings.get_mut(word) {
                meanings.pop_if(|(scope, _)| *scope == function);
            }
        }
    }

    fn declare(&mut self, word: &'a [u8]) {
        if self.is_complete || self.count >= NAMES {
            return;
        }
        let scope = self.around.last().map_or(0, |function| function.scope);
        if let Some(scope) = self.scopes.get_mut(scope) {
            self.marks.add(word);
            let place = *self.words.entry(word).or_insert(self.meanings.len());
            if place == self.meanings.len() {
                self.meanings.push(Vec::new());
            }
            scope.push((place, self.count));
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
                if let Some(function) = self.around.pop_if(|function| function.body == Some(self.depth)) {
                    self.leave(function.scope);
                }
            }
            _ => {}
        }
    }
}
