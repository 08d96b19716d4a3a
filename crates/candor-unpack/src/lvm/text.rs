//! The text of the metadata of LVM: sections in braces, values with names, lists in brackets, comments.
//!
//! ```text
//! vg { id = "…"  seqno = 3  status = ["READ", "WRITE"]  logical_volumes { root { … } } }
//! ```
//!
//! What is damaged ends what can be read: the sections that were whole before it are kept.

use std::collections::BTreeMap;

/// Sections in one another.
const DEPTH: usize = 12;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Text(String),
    /// One that is neither: a number that is negative or broken.
    Other,
}

/// A section, or all of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) values: BTreeMap<String, Vec<Value>>,
    /// In the order of the text.
    pub(super) sections: Vec<(String, Self)>,
}

impl Section {
    pub(super) fn section(&self, name: &str) -> Option<&Self> {
        self.sections.iter().find(|(known, _)| known == name).map(|(_, section)| section)
    }

    pub(super) fn list(&self, name: &str) -> &[Value] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.list(name) {
            [Value::Number(number)] => Some(*number),
            _ => None,
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.list(name) {
            [Value::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether a list of words has this one.
    pub(super) fn says(&self, name: &str, word: &str) -> bool {
        self.list(name).iter().any(|value| matches!(value, Value::Text(text) if text == word))
    }
}

/// What a text says, and whether all of it could be read: no more names, values and sections than `left`.
pub(super) fn parse(text: &[u8], left: &mut usize) -> (Section, bool) {
    let mut words = Words { rest: text };
    // What is open, the innermost last, each with the name that it gets where it is in.
    let mut open: Vec<(String, Section)> = vec![(String::new(), Section::default())];
    let mut is_whole = false;
    while let Some(fewer) = left.checked_sub(1) {
        *left = fewer;
        match words.next() {
            None => {
                is_whole = open.len() == 1;
                break;
            }
            Some(Word::Plain(name)) => match words.next() {
                Some(Word::Open) if open.len() < DEPTH => open.push((name, Section::default())),
                Some(Word::Is) => {
                    let Some(values) = words.values(left) else { break };
                    if let Some((_, section)) = open.last_mut() {
                        section.values.insert(name, values);
                    }
                }
                _ => break,
            },
            Some(Word::Close) if open.len() > 1 => close(&mut open),
            Some(_) => break,
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    let (_, whole) = open.pop().unwrap_or_default();
    (whole, is_whole)
}

fn close(open: &mut Vec<(String, Section)>) {
    if let Some(closed) = open.pop()
        && let Some((_, around)) = open.last_mut()
    {
        around.sections.push(closed);
    }
}

enum Word {
    /// A name, or a number.
    Plain(String),
    Text(String),
    Open,
    Close,
    Begin,
    End,
    Comma,
    Is,
    /// What no text has.
    Wrong,
}

struct Words<'a> {
    rest: &'a [u8],
}

impl Words<'_> {
    fn next(&mut self) -> Option<Word> {
        loop {
            let blank = self.rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.pass(blank);
            match self.rest.first()? {
                b'#' => {
                    let line = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
                    self.pass(line);
                }
                // Nothing follows it.
                0 => return None,
                _ => break,
            }
        }
        let first = *self.rest.first()?;
        let mark = match first {
            b'{' => Word::Open,
            b'}' => Word::Close,
            b'[' => Word::Begin,
            b']' => Word::End,
            b',' => Word::Comma,
            b'=' => Word::Is,
            b'"' => {
                self.pass(1);
                return Some(self.quoted());
            }
            _ => return Some(self.plain()),
        };
        self.pass(1);
        Some(mark)
    }

    fn pass(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// The rest of a text in quotes.
    fn quoted(&mut self) -> Word {
        let mut text = Vec::new();
        loop {
            let length = memchr::memchr2(b'"', b'\\', self.rest).unwrap_or(self.rest.len());
            text.extend_from_slice(self.rest.get(..length).unwrap_or_default());
            let end = self.rest.get(length).copied();
            let escaped = self.rest.get(length.saturating_add(1)).copied();
            match (end, escaped) {
                (Some(b'\\'), Some(byte)) => {
                    text.push(byte);
                    self.pass(length.saturating_add(2));
                }
                (Some(b'"'), _) => {
                    self.pass(length.saturating_add(1));
                    return Word::Text(crate::name::decoded(&text));
                }
                _ => {
                    self.rest = &[];
                    return Word::Wrong;
                }
            }
        }
    }

    fn plain(&mut self) -> Word {
        let is_in = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-');
        let length = self.rest.iter().take_while(is_in).count();
        let word = crate::name::decoded(self.rest.get(..length).unwrap_or_default());
        self.pass(length.max(1));
        if word.is_empty() { Word::Wrong } else { Word::Plain(word) }
    }

    /// What stands behind a sign of equality: one value, or a list.
    fn values(&mut self, left: &mut usize) -> Option<Vec<Value>> {
        match self.next()? {
            Word::Text(text) => Some(vec![Value::Text(text)]),
            Word::Plain(word) => Some(vec![number(&word)]),
            Word::Begin => {
                let mut values = Vec::new();
                loop {
                    *left = left.checked_sub(1)?;
                    match self.next()? {
                        Word::End => return Some(values),
                        Word::Comma => (),
                        Word::Text(text) => values.push(Value::Text(text)),
                        Word::Plain(word) => values.push(number(&word)),
                        _ => return None,
                    }
                }
            }
            _ => None,
        }
    }
}

fn number(word: &str) -> Value {
    word.parse().map_or(Value::Other, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> (Section, bool) {
        super::parse(text, &mut 10_000)
    }

    #[test]
    fn sections_values_lists_and_comments_are_read() {
        let text = b"# made by hand\nvg-1 {\nid = \"a \\\"b\\\\\" # behind\nseqno = 3\nstatus = [\"READ\", \"WRITE\"]\nflags = []\n\
            deep { stripes = [\n\"pv0\", 10\n] offset = -4 }\n0 { }\n}\n";
        let (whole, is_whole) = parse(text);
        assert!(is_whole);
        let group = whole.section("vg-1").unwrap();
        assert_eq!((group.text("id"), group.number("seqno")), (Some("a \"b\\"), Some(3)));
        assert!(group.says("status", "WRITE") && !group.says("status", "NEITHER"));
        assert_eq!(group.list("flags"), []);
        let deep = group.section("deep").unwrap();
        assert_eq!(deep.list("stripes"), [Value::Text("pv0".to_owned()), Value::Number(10)]);
        assert_eq!((deep.list("offset"), deep.number("offset")), (&[Value::Other][..], None));
        assert_eq!(group.sections.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["deep", "0"]);
    }

    #[test]
    fn what_was_whole_before_the_damage_is_kept() {
        for (text, kept) in [
            (&b"vg { id = \"x\" } }"[..], true),
            (b"vg { id = \"x\" ", true),
            (b"vg { id = \"x\" other = \"un", true),
            (b"vg { id = \"x\" other = { }", true),
            (b"vg { id = \"x\" \xff", true),
            (b"vg = { id = \"x\"", false),
            (b"{ id = \"x\" }", false),
        ] {
            let (whole, is_whole) = parse(text);
            assert!(!is_whole, "{text:?}");
            let id = whole.section("vg").and_then(|group| group.text("id"));
            assert_eq!(id, kept.then_some("x"), "{text:?}");
        }
        let deep = "a {".repeat(100_000);
        assert!(!parse(deep.as_bytes()).1);
        let long = format!("a = [{}]", "1,".repeat(10_000));
        assert_eq!(parse(long.as_bytes()), (Section::default(), false));
    }
}
