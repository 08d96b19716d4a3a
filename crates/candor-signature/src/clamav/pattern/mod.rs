//! The hexadecimal pattern language: `aabb??(cc|dd){4-8}eeff*0102`.
//!
//! A pattern is split at its gaps (`*`, `{n-m}`, `[n-m]`) into parts; a part is read element by
//! element. What ClamAV does and its manual does not say was settled by running it:
//!
//! * `{n}` up to 127 is no gap but that many `??`, so both sides are one part.
//! * `{0}`, `{0-0}`, `{-0}`, `{-}` and `{}` are a gap of any length, and `[n-]` is `[n]`.
//! * `(B)`, `(L)` and `(W)` look at the neighbour only at an end of a part; inside of one they take
//!   a byte of that class.
//! * A branch that is empty is dropped, unless it is the first.
//! * `::w` widens what is written as a byte, `??` and branches included, but neither `{n}` nor a
//!   class that takes a byte.

mod choice;
mod class;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use candor_database::ir::{Boundary, BoundaryKind, Element, Gap, Offset, Part, Pattern};

use super::hex;
use super::text::{Fault, Text};

/// How a pattern is to be read, besides its text: the letters behind `::`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modifiers {
    /// `i`: letters match in either case.
    pub(crate) ignore_case: bool,
    /// `w`: every byte is followed by a NUL.
    pub(crate) wide: bool,
    /// `f`: no letter or digit on either side.
    pub(crate) full_word: bool,
}

/// The most bytes that `{n}` stands for as wildcards of the same part.
const LONGEST_EXPANSION: u64 = 127;
/// The most bytes between a single byte and its neighbour, `[n-m]`.
const LONGEST_BRACKET: u64 = 32;
/// Fixed bytes in a row that every part needs.
const SHORTEST_RUN: usize = 2;

/// Reads a pattern.
pub(crate) fn parse(text: Text<'_>, offset: Offset, modifiers: Modifiers) -> Result<Pattern, Fault> {
    let mut parser = Parser {
        text,
        at: 0,
        wide: modifiers.wide,
        parts: Vec::new(),
        group: 0,
        draft: Draft::new(0, Gap::NONE),
    };
    parser.pattern()?;
    let mut parts = parser.parts;
    if modifiers.full_word {
        let kind = if modifiers.wide { BoundaryKind::WideWord } else { BoundaryKind::Word };
        let boundary = Element::Boundary(Boundary { kind, negated: false });
        if let Some(first) = parts.first_mut() {
            first.elements.insert(0, boundary.clone());
        }
        if let Some(last) = parts.last_mut() {
            last.elements.push(boundary);
        }
    }
    Ok(Pattern { offset, ignore_case: modifiers.ignore_case, parts })
}

/// Whether a pattern is nothing but fixed bytes, and how many.
pub(crate) fn plain_length(pattern: &Pattern) -> Option<usize> {
    match pattern.parts.as_slice() {
        [Part { elements, .. }] => match elements.as_slice() {
            [Element::Bytes(bytes)] => Some(bytes.len()),
            _ => None,
        },
        _ => None,
    }
}

/// Appends a byte, and a NUL when `wide`, to the run that `list` ends with, or starts one.
fn push_byte(list: &mut Vec<Element>, byte: u8, wide: bool) {
    if let Some(Element::Bytes(run)) = list.last_mut() {
        run.push(byte);
    } else {
        list.push(Element::Bytes(vec![byte]));
    }
    if wide {
        push_byte(list, 0, false);
    }
}

/// Reads the two characters of one byte from the start of `text` and appends what they mean.
fn push_pair(list: &mut Vec<Element>, text: Text<'_>, wide: bool) -> Result<(), Fault> {
    let half = |index: usize| -> Result<(u8, u8), Fault> {
        match text.byte(index) {
            Some(b'?') => Ok((0, 0)),
            Some(byte) => hex::digit(byte)
                .map(|value| (value, 0x0f))
                .ok_or_else(|| text.fault_at(index, "not a hexadecimal digit")),
            None => Err(text.fault_at(index, "half a byte")),
        }
    };
    let (high, high_mask) = half(0)?;
    let (low, low_mask) = half(1)?;
    let (value, mask) = (high << 4 | low, high_mask << 4 | low_mask);
    if mask == 0xff {
        push_byte(list, value, wide);
    } else {
        list.push(Element::Masked { value, mask });
        if wide {
            push_byte(list, 0, false);
        }
    }
    Ok(())
}

/// The part that is being read.
struct Draft {
    at: usize,
    gap: Gap,
    elements: Vec<Element>,
}

impl Draft {
    const fn new(at: usize, gap: Gap) -> Self {
        Self { at, gap, elements: Vec::new() }
    }
}

struct Parser<'a> {
    text: Text<'a>,
    at: usize,
    wide: bool,
    parts: Vec<Part>,
    /// The first of the parts that brackets hold together with the draft.
    group: usize,
    draft: Draft,
}

impl<'a> Parser<'a> {
    fn fault(&self, message: impl Into<Cow<'static, str>>) -> Fault {
        self.text.fault_at(self.at, message)
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn pattern(&mut self) -> Result<(), Fault> {
        if self.text.is_empty() {
            return Err(self.text.fault("the pattern is empty"));
        }
        while let Some(byte) = self.text.byte(self.at) {
            match byte {
                b'*' => {
                    self.end_group()?;
                    self.skip(1);
                    self.draft = Draft::new(self.at, Gap::ANY);
                }
                b'{' => self.braces(b'}')?,
                // Of a wide pattern, single bytes are no longer single: ClamAV takes the distance as any.
                b'[' if self.wide => self.braces(b']')?,
                b'[' => self.brackets()?,
                b'(' => self.parenthesis(false)?,
                b'!' if self.text.byte(self.at.saturating_add(1)) == Some(b'(') => {
                    self.skip(1);
                    self.parenthesis(true)?;
                }
                _ => {
                    push_pair(&mut self.draft.elements, self.text.from(self.at), self.wide)?;
                    self.skip(2);
                }
            }
        }
        self.end_group()
    }

    /// `{n}`, `{n-m}`, `{-m}`, `{n-}`, up to `close`.
    fn braces(&mut self, close: u8) -> Result<(), Fault> {
        let inner = self.enclosed(close)?;
        let behind = self.at.saturating_add(inner.len()).saturating_add(2);
        let gap = match inner.split_once(b'-') {
            None if inner.is_empty() => Gap::ANY,
            None => {
                let count = inner.number("the distance")?;
                if (1..=LONGEST_EXPANSION).contains(&count) {
                    let wildcards = std::iter::repeat_n(
                        Element::Masked { value: 0, mask: 0 },
                        usize::try_from(count).unwrap_or(0),
                    );
                    self.draft.elements.extend(wildcards);
                    self.at = behind;
                    return Ok(());
                }
                if count == 0 { Gap::ANY } else { Gap { min: count, max: Some(count) } }
            }
            Some((low, high)) => {
                let min = if low.is_empty() { 0 } else { low.number("the distance")? };
                let max = if high.is_empty() { None } else { Some(high.number("the distance")?) };
                Gap { min, max: max.filter(|max| *max > 0) }
            }
        };
        self.end_group()?;
        self.at = behind;
        self.draft = Draft::new(behind, gap);
        Ok(())
    }

    /// `[n-m]`, `[n]`, `[n-]`: beside a single byte.
    fn brackets(&mut self) -> Result<(), Fault> {
        let inner = self.enclosed(b']')?;
        let (low, high) = inner.split_once(b'-').unwrap_or((inner, inner));
        let min = low.number("the distance")?;
        let max = if high.is_empty() { min } else { high.number("the distance")? };
        if max > LONGEST_BRACKET {
            return Err(inner.fault(format!("a distance in brackets is at most {LONGEST_BRACKET}")));
        }
        if min > max {
            return Err(inner.fault("the distance ends before it starts"));
        }
        let behind = self.at.saturating_add(inner.len()).saturating_add(2);
        self.end_part()?;
        self.at = behind;
        self.draft = Draft::new(behind, Gap { min, max: Some(max) });
        Ok(())
    }

    /// `(B)` and its kin, or a choice.
    fn parenthesis(&mut self, negated: bool) -> Result<(), Fault> {
        let rest = self.text.from(self.at);
        if let Some(&[_, letter, b')']) = rest.bytes().first_chunk::<3>()
            && let Some(kind) = class::of_letter(letter)
        {
            self.draft.elements.push(Element::Boundary(Boundary { kind, negated }));
            self.skip(3);
            return Ok(());
        }
        let (alternatives, length) = choice::read(rest, negated, self.wide)?;
        self.draft.elements.push(Element::Alternatives(alternatives));
        self.skip(length);
        Ok(())
    }

    /// What stands between the bracket here and the next `close`.
    fn enclosed(&self, close: u8) -> Result<Text<'a>, Fault> {
        let rest = self.text.from(self.at.saturating_add(1));
        let end =
            rest.find(close).ok_or_else(|| self.fault(format!("'{}' is missing", char::from(close))))?;
        Ok(rest.to(end))
    }

    /// Closes the draft.
    fn end_part(&mut self) -> Result<(), Fault> {
        let mut elements = std::mem::take(&mut self.draft.elements);
        class::settle(&mut elements, self.wide);
        if !elements.iter().any(takes_bytes) {
            return Err(self.fault("nothing to look for before this"));
        }
        self.parts.push(Part { gap: self.draft.gap, elements, macro_group: None });
        Ok(())
    }

    /// Closes the draft and what brackets hold together with it: a longer part, and at most one
    /// single byte on either side of it.
    fn end_group(&mut self) -> Result<(), Fault> {
        self.end_part()?;
        let group = self.parts.get(self.group..).unwrap_or_default();
        let main = match group {
            [only] => only,
            [single, main] if is_one_byte(single) => main,
            [main, single] if is_one_byte(single) => main,
            [first, main, last] if is_one_byte(first) && is_one_byte(last) => main,
            _ => {
                return Err(self.text.fault_at(
                    self.draft.at,
                    "brackets may only set single bytes apart from one longer part",
                ));
            }
        };
        if longest_run(&main.elements) < SHORTEST_RUN {
            return Err(self
                .text
                .fault_at(self.draft.at, "no two fixed bytes in a row in this part of the pattern"));
        }
        self.group = self.parts.len();
        Ok(())
    }
}

fn is_one_byte(part: &Part) -> bool {
    match part.elements.as_slice() {
        [Element::Bytes(bytes)] => bytes.len() == 1,
        [Element::Masked { .. }] => true,
        _ => false,
    }
}

const fn takes_bytes(element: &Element) -> bool {
    !matches!(element, Element::Boundary(_))
}

fn longest_run(elements: &[Element]) -> usize {
    elements
        .iter()
        .map(|element| if let Element::Bytes(bytes) = element { bytes.len() } else { 0 })
        .max()
        .unwrap_or(0)
}
