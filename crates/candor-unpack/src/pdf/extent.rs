//! Where streams begin and end. What was looked for once is kept, so that a file with a million words that look like
//! the start of a stream costs no more than its length.

use memchr::memmem;

use super::value::{Lexer, Value};
use super::{DICTIONARY, VALUE, object_of};

/// How long number and generation in front of the word `obj` may be.
pub(super) const HEAD: usize = 40;

/// The objects that a file consists of, as one goes through it.
pub(super) struct Heads<'a> {
    bytes: &'a [u8],
    /// Everything before is known.
    seen: usize,
    /// Where the word `obj` stood last, and the first thing behind it that is no blank.
    last: Option<(usize, usize)>,
    /// Whether a dictionary was not read because it is too long.
    pub(super) is_cut: bool,
}

impl<'a> Heads<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, seen: 0, last: None, is_cut: false }
    }

    /// Number, generation and dictionary of the object that goes on up to `at`, which only grows. What the dictionary costs
    /// is paid for.
    pub(super) fn dictionary(
        &mut self,
        at: usize,
        pay: &mut dyn FnMut(usize) -> bool,
    ) -> Option<((u64, u64), Value)> {
        let fresh = self.bytes.get(self.seen..at)?;
        let place =
            memmem::rfind_iter(fresh, b"obj").map(|place| place.saturating_add(self.seen)).find(|&place| {
                let before = self.bytes.get(self.seen..place).unwrap_or_default();
                !before.ends_with(b"end")
            });
        // What stands in a comment behind another object is none.
        let before = self.last.map_or(0, |(_, value)| value);
        if let Some(place) = place.filter(|place| *place >= before) {
            let behind = place.saturating_add(3);
            let mut lexer = Lexer::new(self.bytes.get(behind..)?);
            lexer.blanks();
            self.last = Some((place, self.bytes.len().saturating_sub(lexer.rest().len())));
        }
        self.seen = at;
        let (place, value) = self.last?;
        let text = self.bytes.get(value..at).filter(|text| text.starts_with(b"<<"))?;
        if at.saturating_sub(place) > DICTIONARY {
            self.is_cut = true;
            return None;
        }
        if !pay(text.len().saturating_mul(VALUE)) {
            return None;
        }
        let start = place.saturating_sub(HEAD);
        let head = self.bytes.get(start..place.saturating_add(3))?;
        let object = object_of(head, place.saturating_sub(start)).unwrap_or((0, 0));
        Some((object, Lexer::new(text).value()?))
    }

    /// Goes on behind the data of a stream.
    pub(super) fn pass(&mut self, to: usize) {
        self.seen = to;
        self.last = None;
    }
}

/// The ends of streams.
pub(super) struct Ends<'a> {
    bytes: &'a [u8],
    /// The next word `endstream`, and the next `endobj`, behind what was asked for last.
    next: [Option<usize>; 2],
}

impl<'a> Ends<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: [None; 2] }
    }

    /// The data of the stream that begins at `start`, which only grows.
    pub(super) fn extent(&mut self, start: usize, dictionary: &Value) -> &'a [u8] {
        let data = self.bytes.get(start..).unwrap_or_default();
        let claimed =
            dictionary.get(b"Length").and_then(Value::number).and_then(|length| usize::try_from(length).ok());
        if let Some((claimed, rest)) = claimed.and_then(|length| data.split_at_checked(length))
            && rest.iter().take(BLANKS).find(|byte| !byte.is_ascii_whitespace()) == Some(&b'e')
            && rest.trim_ascii_start().starts_with(b"endstream")
        {
            return claimed;
        }
        let end = self.word(0, b"endstream", start).or_else(|| self.word(1, b"endobj", start));
        let data = self.bytes.get(start..end.unwrap_or(self.bytes.len())).unwrap_or_default();
        data.strip_suffix(b"\r\n").or_else(|| data.strip_suffix(b"\n")).unwrap_or(data)
    }

    /// Where a word stands next, from `start` on.
    fn word(&mut self, which: usize, word: &[u8], start: usize) -> Option<usize> {
        let known = self.next.get_mut(which)?;
        if known.is_none_or(|known| known < start) {
            let found = memmem::find(self.bytes.get(start..)?, word).map(|at| at.saturating_add(start));
            *known = Some(found.unwrap_or(usize::MAX));
        }
        known.filter(|known| *known < usize::MAX)
    }
}

/// Blanks between the data and the word behind it that are passed over.
const BLANKS: usize = 1 << 10;
