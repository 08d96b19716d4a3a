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

mod evaluated;
mod names;

use self::evaluated::parts;
use self::names::Names;
use super::push_lower;

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

fn walk<'a>(text: &'a [u8], mut take: impl FnMut(Token<'a>)) {
    let mut rest = text;
    while let Some((token, behind)) = Token::next(rest) {
        rest = behind;
        take(token);
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
