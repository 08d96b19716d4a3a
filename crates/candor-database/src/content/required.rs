//! What must stand in every match of a regular expression, as patterns that the index can find.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

use crate::ir::{Alternatives, Element, Gap, Offset, Part, Pattern};

/// What an expression consists of at least: patterns and choices that all must be there. They say less than the expression
/// does, never more.
#[derive(Debug)]
pub(crate) struct Required {
    /// What stands one behind the other.
    pub(crate) pattern: Pattern,
    /// Of each of these, one.
    pub(crate) choices: Vec<Vec<Self>>,
}

impl Required {
    /// A string, whose letters stand for their other case.
    pub(crate) fn spelled(bytes: Vec<u8>) -> Self {
        let part = Part { gap: Gap::NONE, elements: vec![Element::Bytes(bytes)], macro_group: None };
        let pattern = Pattern { offset: Offset::ANY, ignore_case: true, parts: vec![part] };
        Self { pattern, choices: Vec::new() }
    }
}

/// What `hir` asks for at least, of which the first part is at `offset`.
pub(crate) fn required(hir: &Hir, offset: Offset) -> Required {
    let mut flat = Flat {
        parts: Vec::new(),
        elements: Vec::new(),
        gap: Gap::NONE,
        choices: Vec::new(),
        room: ROOM,
        is_late: false,
    };
    flat.take(hir);
    flat.finish(offset)
}

/// Elements that are taken of an expression.
const ROOM: usize = 512;
/// Bytes of a class that are told apart.
const MAX_CLASS: usize = 16;
/// Copies of what is repeated.
const MAX_COPIES: u32 = 32;
/// A gap that may be wider than this may as well be of any width.
const WIDEST: u64 = 512;

/// An expression as parts of a pattern, while they are collected.
struct Flat {
    parts: Vec<Part>,
    elements: Vec<Element>,
    /// What lies before `elements`.
    gap: Gap,
    choices: Vec<Vec<Required>>,
    /// Elements that may still be taken.
    room: usize,
    /// Whether something lies before the first part.
    is_late: bool,
}

impl Flat {
    fn take(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.bytes(&literal.0),
            HirKind::Class(class) => {
                let element = class_element(class);
                self.element(element);
            }
            HirKind::Capture(capture) => self.take(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.take(part)),
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Alternation(branches) => {
                let fixed: Option<Vec<Vec<Element>>> = branches.iter().map(fixed_elements).collect();
                let count = |branches: &Vec<Vec<Element>>| branches.iter().map(Vec::len).sum::<usize>();
                match fixed {
                    Some(branches) if count(&branches) <= self.room => {
                        self.element(Element::Alternatives(Alternatives { negated: false, branches }));
                    }
                    _ => {
                        if self.choices.len() < 4 && branches.len() <= 32 {
                            let each = branches.iter().map(|branch| required(branch, Offset::ANY));
                            self.choices.push(each.collect());
                        }
                        self.skip(hir);
                    }
                }
            }
        }
    }

    fn repetition(&mut self, repetition: &Repetition) {
        let copies = repetition.min.min(MAX_COPIES);
        for _ in 0..copies {
            self.take(&repetition.sub);
        }
        if repetition.max == Some(copies) {
            return;
        }
        let (least, most) = lengths(&repetition.sub);
        let less = u64::from(repetition.min.saturating_sub(copies)).saturating_mul(least);
        let more = repetition.max.and_then(|max| u64::from(max.saturating_sub(copies)).checked_mul(most?));
        self.widen_gap(less, more);
    }

    /// Leaves out what `hir` says, but for its length.
    fn skip(&mut self, hir: &Hir) {
        let (least, most) = lengths(hir);
        self.widen_gap(least, most);
    }

    fn widen_gap(&mut self, least: u64, most: Option<u64>) {
        self.close();
        self.gap.min = self.gap.min.saturating_add(least);
        self.gap.max =
            self.gap.max.and_then(|known| known.checked_add(most?)).filter(|width| *width <= WIDEST);
    }

    fn close(&mut self) {
        if !self.elements.is_empty() {
            let is_first = self.parts.is_empty();
            self.is_late |= is_first && self.gap != Gap::NONE;
            let gap = if is_first { Gap::NONE } else { self.gap };
            self.parts.push(Part { gap, elements: std::mem::take(&mut self.elements), macro_group: None });
            self.gap = Gap::NONE;
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let taken = bytes.get(..self.room).unwrap_or(bytes);
        self.room = self.room.saturating_sub(taken.len());
        match self.elements.last_mut() {
            _ if taken.is_empty() => {}
            Some(Element::Bytes(last)) => last.extend_from_slice(taken),
            _ => self.elements.push(Element::Bytes(taken.to_vec())),
        }
    }

    fn element(&mut self, element: Element) {
        if let Element::Bytes(bytes) = &element {
            self.bytes(bytes);
        } else if let Some(room) = self.room.checked_sub(1) {
            self.room = room;
            self.elements.push(element);
        }
    }

    fn finish(mut self, offset: Offset) -> Required {
        self.close();
        // What comes first stands at the place of the match only if nothing is before it.
        let offset = if self.is_late { Offset::ANY } else { offset };
        Required { pattern: Pattern { offset, ignore_case: false, parts: self.parts }, choices: self.choices }
    }
}

/// A class as an element of a pattern.
fn class_element(class: &Class) -> Element {
    let any = Element::Masked { value: 0, mask: 0 };
    let Some(class) = class_bytes(class) else { return any };
    let length =
        |range: &ClassBytesRange| usize::from(range.end().saturating_sub(range.start())).saturating_add(1);
    if class.ranges().iter().map(length).sum::<usize>() > MAX_CLASS {
        return any;
    }
    let bytes: Vec<u8> = class.iter().flat_map(|range| range.start()..=range.end()).collect();
    match bytes.as_slice() {
        [byte] => Element::Bytes(vec![*byte]),
        _ => {
            let branches = bytes.into_iter().map(|byte| vec![Element::Bytes(vec![byte])]).collect();
            Element::Alternatives(Alternatives { negated: false, branches })
        }
    }
}

/// What a branch consists of, if that always takes the same room and is short.
fn fixed_elements(hir: &Hir) -> Option<Vec<Element>> {
    let mut flat = Flat {
        parts: Vec::new(),
        elements: Vec::new(),
        gap: Gap::NONE,
        choices: Vec::new(),
        room: 64,
        is_late: false,
    };
    flat.take(hir);
    let is_whole = flat.parts.is_empty() && flat.gap == Gap::NONE && flat.choices.is_empty() && flat.room > 0;
    is_whole.then_some(flat.elements)
}

/// Bytes that an expression takes at least and at most.
fn lengths(hir: &Hir) -> (u64, Option<u64>) {
    let properties = hir.properties();
    let least = properties.minimum_len().unwrap_or(0) as u64;
    (least, properties.maximum_len().map(|length| length as u64))
}

/// The bytes of a class, if they are bytes.
fn class_bytes(class: &Class) -> Option<ClassBytes> {
    match class {
        Class::Bytes(class) => Some(class.clone()),
        Class::Unicode(class) => class.to_byte_class(),
    }
}
