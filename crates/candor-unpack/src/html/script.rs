//! The normalised copy of a script: what the same program looks like however it is written.
//!
//! Comments and needless white space go, strings get double quotes, their escapes are resolved, constant
//! strings that are added become one, one that is given to `unescape` stands there as what it gives and one that is given to `eval` as
//! what it says, numbers are written as C does (`%d` of 32 bits and `%g`), names that the program declares itself are
//! numbered in the order of declaration (`n000`), and everything is in lower case. These are the rules of
//! ClamAV as its `sigtool --html-normalise` shows them.
//!
//! A first walk collects the names that each function declares, a second one writes; what is declared
//! twice has its last number everywhere, as there.

use std::borrow::Cow;
use std::collections::HashMap;

use super::push_lower;

/// How deep functions are followed, and how many.
const DEPTH: usize = 128;
const SCOPES: usize = 20_000;
/// Names that are numbered.
const NAMES: usize = 10_000;
/// Strings given to `eval` that are looked into.
const EVALUATED: usize = 50_000;
/// Tokens behind the name of such a call that make that it stays behind a function.
const LAST: usize = 8;
/// Bytes that the next of them begins with: they are read with each until they are at their end.
const PENDING: usize = 1024;

/// Appends the normalised copy of `content`, between tags, to `scripts`.
pub(super) fn normalise(content: &[u8], scripts: &mut Vec<u8>) {
    if !scripts.is_empty() {
        scripts.push(b'\n');
    }
    scripts.extend_from_slice(b"<script>");
    let parts = parts(content);
    let mut names = Names::new();
    // What strings declare is numbered behind all that the script itself does.
    names.learn(content);
    names.begin_evaluated();
    for part in parts.iter().filter(|part| part.is_evaluated) {
        names.learn(&part.text);
    }
    names.begin_again();
    let mut writer = Writer::new(scripts);
    for part in &parts {
        if part.is_evaluated {
            writer.flush();
            names.enter_evaluated();
        }
        walk(&part.text, |token| {
            match token {
                Token::Word(word) => writer.word(word, names.see(word)),
                Token::Number(number) => {
                    names.other();
                    writer.number(number);
                }
                Token::Text(text) => {
                    names.other();
                    writer.text(text);
                }
                Token::Sign(sign) => {
                    names.sign(sign);
                    writer.sign(sign);
                }
            }
            if part.is_evaluated {
                // Nothing in there becomes one with anything else.
                writer.flush();
            }
        });
        if part.is_evaluated {
            names.leave_evaluated();
        }
    }
    writer.flush();
    scripts.extend_from_slice(b"</script>");
}

/// A part of a script: of the script itself, or what a string says that it gives to `eval`.
struct Part<'a> {
    text: Cow<'a, [u8]>,
    is_evaluated: bool,
}

impl<'a> Part<'a> {
    const fn of_script(text: &'a [u8]) -> Self {
        Self { text: Cow::Borrowed(text), is_evaluated: false }
    }
}

fn walk<'a>(text: &'a [u8], mut take: impl FnMut(Token<'a>)) {
    let mut rest = text;
    while let Some((token, behind)) = Token::next(rest) {
        rest = behind;
        take(token);
    }
}

/// The script, with what is given to `eval` in the place of each call that is given one constant string, and of the `;` behind
/// it. What stands in such a string is not looked into once more. What is not at its end yet when one is over, the next begins with;
/// behind one that is nothing else, a token is passed over. A call right behind a function stays, but for the last tokens.
fn parts(content: &[u8]) -> Vec<Part<'_>> {
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

enum Token<'a> {
    /// A name or a keyword.
    Word(&'a [u8]),
    /// Digits, with a point and what may follow one.
    Number(&'a [u8]),
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
                Kind::Word if first.is_ascii_digit() => {
                    let (number, rest) = bytes.split_at_checked(number_length(bytes))?;
                    return Some((Self::Number(number), rest));
                }
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

/// Length of the number that starts at `bytes`: digits, and behind a point more of them and an exponent. What else may belong to
/// one, as in `0x41` and `1e5`, is a word behind it.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from.saturating_add(rest.iter().take_while(|byte| byte.is_ascii_digit()).count())
    };
    let whole = digits(0);
    if bytes.get(whole) != Some(&b'.') {
        return whole;
    }
    let end = digits(whole.saturating_add(1));
    if !matches!(bytes.get(end), Some(b'e' | b'E')) {
        return end;
    }
    let sign = end.saturating_add(1);
    digits(sign.saturating_add(usize::from(matches!(bytes.get(sign), Some(b'+' | b'-')))))
}

/// Appends a number as C writes it: of 32 bits, or with six digits that count.
fn push_number(out: &mut Vec<u8>, written: &[u8]) {
    if !written.contains(&b'.') {
        let add = |sum: i64, &digit: &u8| sum.saturating_mul(10).saturating_add(i64::from(digit & 15));
        let value = written.iter().fold(0, add);
        // Of what is larger, only the low half counts.
        let [.., a, b, c, d] = value.to_be_bytes();
        out.extend_from_slice(i32::from_be_bytes([a, b, c, d]).to_string().as_bytes());
        return;
    }
    let text = std::str::from_utf8(written).unwrap_or_default();
    // An exponent may have no digits.
    let value = text.trim_end_matches(['e', 'E', '+', '-']).parse().unwrap_or(0.0_f64);
    out.extend_from_slice(general(value).as_bytes());
}

/// `%g` of C.
fn general(value: f64) -> String {
    const DIGITS: i32 = 6;
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let scientific = format!("{value:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent = exponent.parse().unwrap_or(0_i32);
    if (-4..DIGITS).contains(&exponent) {
        let behind = usize::try_from(DIGITS.saturating_sub(1).saturating_sub(exponent)).unwrap_or(0);
        return trimmed(&format!("{value:.behind$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.unsigned_abs())
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

/// Puts tokens together again.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    last: Last,
    held: Held,
    /// The string that is held back.
    text: Vec<u8>,
    /// Where a call of `unescape` was written, when nothing else came behind.
    call: Option<usize>,
}

impl<'a> Writer<'a> {
    const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, last: Last::Other, held: Held::Nothing, text: Vec::new(), call: None }
    }

    /// Writes a word, or the name with its number.
    fn word(&mut self, word: &[u8], number: Option<usize>) {
        self.flush_text();
        // That of an object may be another.
        let is_call = word == b"unescape" && self.out.last() != Some(&b'.');
        self.call = is_call.then_some(self.out.len());
        self.begin_word();
        let Some(number) = number else {
            push_lower(self.out, word);
            return;
        };
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

    fn number(&mut self, written: &[u8]) {
        self.begin_word();
        self.call = None;
        push_number(self.out, written);
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
            (Held::Text, b')', Some(start)) => {
                self.call = None;
                self.out.truncate(start);
                self.text = unescaped(&self.text);
                // Nothing is added to what it gives.
                self.flush_text();
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
    /// How many functions began, of the script and of what is evaluated, and how many the script has.
    begun: usize,
    evaluated: usize,
    of_script: usize,
    is_evaluated: bool,
    /// The functions around, of which the first is the script itself.
    around: Vec<Function>,
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

#[derive(Debug, Default)]
struct Function {
    /// `None` for what is no function: all of the script, or of a string that is evaluated.
    scope: Option<usize>,
    place: Place,
    /// Square brackets that are open in the value of a variable, and braces.
    brackets: usize,
    braces: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Anywhere,
    /// Behind `function`, where the name may stand, and behind the name.
    Name,
    Named,
    /// Where the next name is declared: behind `var`, in front of the first parameter, behind a comma after one.
    Declaring,
    /// Behind a name that was declared.
    Declared,
}

/// Words that are no names.
fn is_reserved(word: &[u8]) -> bool {
    const RESERVED: [&[u8]; 59] = [
        b"abstract",
        b"boolean",
        b"break",
        b"byte",
        b"case",
        b"catch",
        b"char",
        b"class",
        b"const",
        b"continue",
        b"debugger",
        b"default",
        b"delete",
        b"do",
        b"double",
        b"else",
        b"enum",
        b"export",
        b"extends",
        b"false",
        b"final",
        b"finally",
        b"float",
        b"for",
        b"goto",
        b"if",
        b"implements",
        b"import",
        b"in",
        b"instanceof",
        b"int",
        b"interface",
        b"long",
        b"native",
        b"new",
        b"null",
        b"package",
        b"private",
        b"protected",
        b"public",
        b"return",
        b"short",
        b"static",
        b"super",
        b"switch",
        b"synchronized",
        b"this",
        b"throw",
        b"throws",
        b"transient",
        b"true",
        b"try",
        b"typeof",
        b"void",
        b"volatile",
        b"while",
        b"with",
        b"function",
        b"var",
    ];
    RESERVED.contains(&word)
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
            evaluated: 0,
            of_script: 0,
            is_evaluated: false,
            around: vec![Function::default()],
            is_property: false,
        }
    }

    /// Takes what a text declares.
    fn learn(&mut self, text: &'a [u8]) {
        walk(text, |token| match token {
            Token::Word(word) => {
                self.see(word);
            }
            Token::Number(_) | Token::Text(_) => self.other(),
            Token::Sign(sign) => self.sign(sign),
        });
    }

    /// What is evaluated declares for all of the script.
    fn begin_evaluated(&mut self) {
        self.of_script = self.begun;
        self.around = vec![Function::default()];
        self.is_evaluated = true;
        self.is_property = false;
    }

    /// Goes back to the start, with every declaration known.
    fn begin_again(&mut self) {
        let (words, meanings) = (std::mem::take(&mut self.words), std::mem::take(&mut self.meanings));
        let (scopes, marks) = (std::mem::take(&mut self.scopes), std::mem::take(&mut self.marks));
        let of_script = self.of_script;
        *self = Self { words, meanings, scopes, marks, of_script, is_complete: true, ..Self::new() };
        self.enter(0);
    }

    /// A string is evaluated here: its braces are no others.
    fn enter_evaluated(&mut self) {
        self.around.push(Function::default());
        self.is_evaluated = true;
        self.is_property = false;
    }

    /// It is over, with the functions that are not closed.
    fn leave_evaluated(&mut self) {
        while let Some(Function { scope: Some(scope), .. }) = self.around.pop() {
            self.leave(scope);
        }
        self.is_evaluated = false;
        self.is_property = false;
    }

    /// The number of a word, if it is a name that is declared; of none before the declarations are known.
    fn see(&mut self, word: &'a [u8]) -> Option<usize> {
        if std::mem::take(&mut self.is_property) {
            return None;
        }
        if word == b"function" {
            self.begin_function();
            return None;
        }
        if let Some(function) = self.around.last_mut() {
            if word == b"var" {
                function.place = Place::Declaring;
                return None;
            }
            let behind = match function.place {
                Place::Name => Some(Place::Named),
                Place::Declaring => Some(Place::Declared),
                _ => None,
            };
            if let Some(behind) = behind.filter(|_| !is_reserved(word)) {
                function.place = behind;
                self.declare(word);
            }
        }
        // Most words are not declared.
        if !self.is_complete || !self.marks.may_have(word) {
            return None;
        }
        let (_, number) = self.meanings.get(*self.words.get(word)?)?.last()?;
        Some(*number)
    }

    fn begin_function(&mut self) {
        if self.around.len() > DEPTH || self.begun.saturating_add(self.evaluated) >= SCOPES {
            return;
        }
        // Those of the script are counted first.
        let count = if self.is_evaluated { &mut self.evaluated } else { &mut self.begun };
        *count = count.saturating_add(1);
        let before = if self.is_evaluated { self.of_script } else { 0 };
        let scope = before.saturating_add(*count);
        if self.is_complete {
            self.enter(scope);
        } else {
            self.scopes.push(Vec::new());
        }
        self.around.push(Function { scope: Some(scope), place: Place::Name, ..Function::default() });
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
        let scope = self.around.last().and_then(|function| function.scope).unwrap_or(0);
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
        let Some(function) = self.around.last_mut() else { return };
        match (sign, function.place) {
            (b'(', Place::Name | Place::Named) => function.place = Place::Declaring,
            (b',', Place::Declared) if function.brackets == 0 && function.braces == 0 => {
                function.place = Place::Declaring;
            }
            (b';', Place::Declared | Place::Declaring) if function.braces == 0 => {
                function.place = Place::Anywhere;
            }
            (b'[', Place::Declared) => function.brackets = function.brackets.saturating_add(1),
            (b']', _) => function.brackets = function.brackets.saturating_sub(1),
            (b'{', _) => function.braces = function.braces.saturating_add(1),
            (b'}', _) if function.braces > 0 => {
                function.braces = function.braces.saturating_sub(1);
                if let (0, Some(scope)) = (function.braces, function.scope) {
                    self.around.pop();
                    self.leave(scope);
                }
            }
            _ => {}
        }
    }
}
