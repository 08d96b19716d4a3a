//! Strings of rules: what their modifiers make of a text or a regular expression.

use candor_database::ir::{RuleString, Spelling, StringForm};

use super::fault::Fault;
use super::tokens::{Token, Tokens};
use super::{hex, regex};

/// Characters of the usual base64.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The most bytes of a text in all spellings with a key.
const LONGEST_SPELLED: usize = 512 << 10;

/// Reads what stands behind `$name =`.
pub(super) fn read(tokens: &mut Tokens<'_>, name: &str) -> Result<RuleString, Fault> {
    let at = tokens.at();
    match tokens.peek().clone() {
        Token::Sign("{") => {
            let (pattern, end) = hex::read(tokens.bytes(), at)?;
            tokens.restart(end);
            let modifiers = Modifiers::read(tokens)?;
            modifiers.only_private("a hexadecimal string")?;
            Ok(modifiers.string(name, StringForm::Hex(pattern)))
        }
        Token::Text(text) => {
            tokens.take();
            if text.is_empty() {
                return Err(Fault::new(at, format!("the string `${name}` is empty")));
            }
            let modifiers = Modifiers::read(tokens)?;
            modifiers.check()?;
            modifiers.check_length(&text, at)?;
            let spellings = modifiers.spellings(&text);
            let form = StringForm::Text { spellings, ignore_case: modifiers.ignore_case.is_some() };
            Ok(modifiers.string(name, form))
        }
        Token::Regex(raw) => {
            tokens.take();
            let mut parsed = regex::read(raw)?;
            let modifiers = Modifiers::read(tokens)?;
            modifiers.check()?;
            if let Some((at, _)) = modifiers.xor {
                return Err(Fault::new(at, "`xor` of a regular expression"));
            }
            if let Some(encoded) = &modifiers.base64 {
                return Err(Fault::new(encoded.at, "`base64` of a regular expression"));
            }
            parsed.regex.ignore_case |= modifiers.ignore_case.is_some();
            let ignore_case = parsed.regex.ignore_case;
            let form = match parsed.literal {
                Some(text) => StringForm::Text { spellings: modifiers.spellings(&text), ignore_case },
                None => StringForm::Regex {
                    regex: parsed.regex,
                    ascii: modifiers.is_ascii(),
                    wide: modifiers.wide.is_some(),
                },
            };
            Ok(modifiers.string(name, form))
        }
        _ => Err(tokens.unexpected("a text, a regular expression or a hexadecimal string")),
    }
}

/// Words behind a string, and where each stands.
#[derive(Debug, Default)]
struct Modifiers {
    ascii: Option<usize>,
    base64: Option<Base64>,
    full_word: Option<usize>,
    ignore_case: Option<usize>,
    private: Option<usize>,
    wide: Option<usize>,
    xor: Option<(usize, (u8, u8))>,
}

#[derive(Debug)]
struct Base64 {
    at: usize,
    alphabet: Box<[u8; 64]>,
    ascii: bool,
    wide: bool,
}

impl Modifiers {
    fn read(tokens: &mut Tokens<'_>) -> Result<Self, Fault> {
        let mut modifiers = Self::default();
        loop {
            let at = tokens.at();
            let Token::Word(word) = *tokens.peek() else { return Ok(modifiers) };
            let slot = match word {
                "ascii" => &mut modifiers.ascii,
                "fullword" => &mut modifiers.full_word,
                "nocase" => &mut modifiers.ignore_case,
                "private" => &mut modifiers.private,
                "wide" => &mut modifiers.wide,
                "xor" => {
                    tokens.take();
                    let range = xor_range(tokens)?;
                    if modifiers.xor.replace((at, range)).is_some() {
                        return Err(twice(at, word));
                    }
                    continue;
                }
                "base64" | "base64wide" => {
                    tokens.take();
                    modifiers.base64(tokens, at, word)?;
                    continue;
                }
                _ => return Ok(modifiers),
            };
            if slot.replace(at).is_some() {
                return Err(twice(at, word));
            }
            tokens.take();
        }
    }

    fn base64(&mut self, tokens: &mut Tokens<'_>, at: usize, word: &str) -> Result<(), Fault> {
        let mut alphabet = None;
        if tokens.accept("(") {
            let at = tokens.at();
            let text = tokens.text("an alphabet")?;
            let length = text.len();
            let Ok(characters) = <[u8; 64]>::try_from(text) else {
                return Err(Fault::new(at, format!("an alphabet has 64 characters, not {length}")));
            };
            tokens.expect(")")?;
            alphabet = Some(Box::new(characters));
        }
        let is_wide = word == "base64wide";
        let alphabet = alphabet.unwrap_or_else(|| Box::new(*BASE64));
        let encoded = self.base64.get_or_insert_with(|| Base64 {
            at,
            alphabet: alphabet.clone(),
            ascii: false,
            wide: false,
        });
        if encoded.alphabet != alphabet {
            return Err(Fault::new(at, "two alphabets"));
        }
        let slot = if is_wide { &mut encoded.wide } else { &mut encoded.ascii };
        if std::mem::replace(slot, true) {
            return Err(twice(at, word));
        }
        Ok(())
    }

    /// Refuses modifiers that exclude one another.
    fn check(&self) -> Result<(), Fault> {
        let xor = self.xor.map(|(at, _)| at);
        let base64 = self.base64.as_ref().map(|encoded| encoded.at);
        for ((left, left_word), (right, right_word)) in [
            ((xor, "xor"), (self.ignore_case, "nocase")),
            ((base64, "base64"), (xor, "xor")),
            ((base64, "base64"), (self.ignore_case, "nocase")),
            ((base64, "base64"), (self.full_word, "fullword")),
        ] {
            if let (Some(left), Some(right)) = (left, right) {
                return Err(Fault::new(
                    left.max(right),
                    format!("`{left_word}` and `{right_word}` exclude one another"),
                ));
            }
        }
        Ok(())
    }

    /// Refuses a text that takes too many bytes in all of its spellings.
    fn check_length(&self, text: &[u8], at: usize) -> Result<(), Fault> {
        let keys = self.xor.map_or(1, |(_, (from, to))| (from..=to).len());
        if text.len().saturating_mul(keys) > LONGEST_SPELLED {
            return Err(Fault::new(at, format!("over {LONGEST_SPELLED} bytes in all spellings")));
        }
        Ok(())
    }

    fn only_private(&self, what: &str) -> Result<(), Fault> {
        let others = [
            self.ascii,
            self.full_word,
            self.ignore_case,
            self.wide,
            self.xor.map(|(at, _)| at),
            self.base64.as_ref().map(|encoded| encoded.at),
        ];
        match others.into_iter().flatten().min() {
            Some(at) => Err(Fault::new(at, format!("{what} has no modifier but `private`"))),
            None => Ok(()),
        }
    }

    const fn is_ascii(&self) -> bool {
        self.ascii.is_some() || self.wide.is_none()
    }

    fn string(&self, name: &str, form: StringForm) -> RuleString {
        RuleString {
            name: name.to_owned(),
            private: self.private.is_some(),
            full_word: self.full_word.is_some(),
            form,
        }
    }

    /// The ways to write a text.
    fn spellings(&self, text: &[u8]) -> Vec<Spelling> {
        let plain = [(self.is_ascii(), false), (self.wide.is_some(), true)];
        let plain = plain.into_iter().filter(|(is, _)| *is);
        let mut spellings: Vec<Spelling> = Vec::new();
        for (_, wide) in plain {
            let bytes = if wide { widened(text) } else { text.to_vec() };
            match (&self.base64, self.xor) {
                (Some(encoded), _) => {
                    for offset in 0..3 {
                        let characters = encode(&bytes, offset, &encoded.alphabet);
                        if characters.is_empty() {
                            continue;
                        }
                        if encoded.wide {
                            spellings.push(Spelling { bytes: widened(&characters), wide: true, key: 0 });
                        }
                        if encoded.ascii {
                            spellings.push(Spelling { bytes: characters, wide: false, key: 0 });
                        }
                    }
                }
                (None, Some((_, (from, to)))) => {
                    for key in from..=to {
                        let bytes = bytes.iter().map(|byte| byte ^ key).collect();
                        spellings.push(Spelling { bytes, wide, key });
                    }
                }
                (None, None) => spellings.push(Spelling { bytes, wide, key: 0 }),
            }
        }
        spellings
    }
}

fn twice(at: usize, word: &str) -> Fault {
    Fault::new(at, format!("`{word}` stands there twice"))
}

/// `(key)`, `(from-to)`, or nothing for all keys.
fn xor_range(tokens: &mut Tokens<'_>) -> Result<(u8, u8), Fault> {
    if !tokens.accept("(") {
        return Ok((0, u8::MAX));
    }
    let key = |tokens: &mut Tokens<'_>| {
        let at = tokens.at();
        let number = tokens.number("a key")?;
        u8::try_from(number).map_err(|_| Fault::new(at, format!("a key is at most 255, not {number}")))
    };
    let at = tokens.at();
    let from = key(tokens)?;
    let to = if tokens.accept("-") { key(tokens)? } else { from };
    tokens.expect(")")?;
    if to < from {
        return Err(Fault::new(at, format!("keys from {from} to {to}")));
    }
    Ok((from, to))
}

/// A zero behind each byte.
fn widened(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|byte| [*byte, 0]).collect()
}

/// What of the base64 of something the text decides that stands `offset` bytes after a multiple of three in it.
fn encode(text: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(text);
    let mut characters = Vec::new();
    for group in padded.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0).wrapping_shl(16) | byte(1).wrapping_shl(8) | byte(2);
        // Characters all of whose bits are there: the last one of a group that is cut short is not.
        let whole = match group.len() {
            1 => 1,
            2 => 2,
            _ => 4,
        };
        for shift in [18_u32, 12, 6, 0].into_iter().take(whole) {
            let index = usize::try_from(bits.wrapping_shr(shift) & 0x3f).unwrap_or_default();
            characters.extend(alphabet.get(index));
        }
    }
    // Characters that bits before the text have a part in.
    let before = match offset {
        0 => 0,
        1 => 2,
        _ => 3,
    };
    characters.split_off(before.min(characters.len()))
}
