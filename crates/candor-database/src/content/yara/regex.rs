//! Regular expressions of rules: made ready to run, and what they are found by.
//!
//! They match bytes. Where one is [wide](super::wide), a zero stands behind each byte that it matches.
//! A match has at most [`LONGEST`] bytes, as in YARA; this also bounds what one place of a layer can cost.

use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

use super::wide::{self, Narrowed};
use crate::content::evaluate::{Steps, Undecided};
use crate::ir::{Alternatives, Element, Gap, Offset, Part, Pattern, RuleRegex};

/// Bytes of a match at most.
pub(crate) const LONGEST: usize = 4096;
/// Memory for the program of one expression, in bytes.
const MAX_PROGRAM: usize = 8 << 20;
/// Memory for what is remembered while one runs, in bytes.
const MAX_CACHE: usize = 1 << 20;
/// Nesting of an expression.
const MAX_NESTING: u32 = 120;
/// Starts that are looked for in one go where matches are few, and where they are many.
const WIDE_WINDOW: usize = 64 << 10;
const NARROW_WINDOW: usize = 1 << 10;

/// An expression that is ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// Finds where a match may start.
    regex: meta::Regex,
    ends: Ends,
}

/// What tells where a match ends.
#[derive(Debug)]
enum Ends {
    /// The expression.
    Itself,
    /// The expression, which has one byte behind it that is no part of a word, or the end: it ends where no word goes on.
    Word,
    /// The expression as it is written; the other one finds more.
    Narrowed(Box<Narrowed>),
}

/// Reads an expression.
pub(crate) fn parse(regex: &RuleRegex) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(regex.ignore_case)
        .dot_matches_new_line(regex.dot_all)
        .nest_limit(MAX_NESTING)
        .build()
        .parse(&regex.pattern)
        .map_err(|error| error.to_string())
}

fn build(hir: &Hir, captures: WhichCaptures) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(MAX_PROGRAM))
        .hybrid_cache_capacity(MAX_CACHE)
        .which_captures(captures);
    meta::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build_from_hir(hir)
        .map_err(|error| error.to_string())
}

/// An expression for the operator `matches`, which looks at short texts.
pub(crate) fn plain(regex: &RuleRegex) -> Result<meta::Regex, String> {
    build(&parse(regex)?, WhichCaptures::Implicit)
}

/// The expression where no word goes on behind it.
fn before_word(hir: &Hir) -> Result<meta::Regex, String> {
    let whole = Capture { index: 1, name: None, sub: Box::new(without_groups(hir)) };
    build(&Hir::concat(vec![Hir::capture(whole), behind_word()]), WhichCaptures::All)
}

impl Compiled {
    /// Makes an expression ready.
    ///
    /// # Errors
    /// It is too large.
    pub(crate) fn new(regex: &RuleRegex, wide: bool, full_word: bool) -> Result<Self, String> {
        let hir = parse(regex)?;
        if wide {
            let ends = if full_word || wide::has_neighbours(&hir) {
                let regex =
                    if full_word { before_word(&hir)? } else { build(&hir, WhichCaptures::Implicit)? };
                Ends::Narrowed(Box::new(Narrowed { regex, full_word }))
            } else {
                Ends::Itself
            };
            return Ok(Self { regex: build(&wide::widen(&hir), WhichCaptures::Implicit)?, ends });
        }
        if full_word {
            return Ok(Self { regex: before_word(&hir)?, ends: Ends::Word });
        }
        Ok(Self { regex: build(&hir, WhichCaptures::Implicit)?, ends: Ends::Itself })
    }

    /// The first match that starts from `from` to `last`. `window` is how many starts are looked for in one go; it is
    /// changed as matches turn out to be many or few.
    pub(crate) fn next(
        &self,
        bytes: &[u8],
        mut from: usize,
        last: usize,
        window: &mut usize,
        steps: &mut Steps,
    ) -> Result<Option<(usize, usize)>, Undecided> {
        let last = last.min(bytes.len());
        while from <= last {
            let stop = from.saturating_add(*window).min(last);
            let end = stop.saturating_add(LONGEST).min(bytes.len());
            steps.spend((end.saturating_sub(from) / 8).saturating_add(8))?;
            let anchored = if from == last { Anchored::Yes } else { Anchored::No };
            let found = self.regex.search(&Input::new(bytes).span(from..end).anchored(anchored));
            let Some(found) = found.filter(|found| found.start() <= stop) else {
                from = stop.saturating_add(1);
                *window = window.saturating_mul(4).min(WIDE_WINDOW);
                continue;
            };
            *window = NARROW_WINDOW;
            let start = found.start();
            if let Some(end) = self.end(bytes, start, found.end(), steps)?.filter(|end| *end > start) {
                return Ok(Some((start, end)));
            }
            from = start.saturating_add(1);
        }
        Ok(None)
    }

    /// Where a match ends that starts at `start`, and was seen to end at `seen` with what may be beyond the longest one.
    fn end(
        &self,
        bytes: &[u8],
        start: usize,
        seen: usize,
        steps: &mut Steps,
    ) -> Result<Option<usize>, Undecided> {
        let most = start.saturating_add(LONGEST).min(bytes.len());
        Ok(match &self.ends {
            Ends::Itself if seen > most => end_at(&self.regex, bytes, start, most),
            Ends::Itself => Some(seen),
            Ends::Word => {
                let before = start.checked_sub(1).and_then(|before| bytes.get(before));
                if before.is_some_and(u8::is_ascii_alphanumeric) {
                    return Ok(None);
                }
                let within = most.saturating_add(1);
                if within == bytes.len() {
                    return Ok(end_before_last(&self.regex, bytes, start));
                }
                let end = if seen > within { end_at(&self.regex, bytes, start, within) } else { Some(seen) };
                match end {
                    // Nothing may have been matched behind it.
                    Some(end) if end == bytes.len() => group_end(&self.regex, bytes, start, end),
                    end => end.map(|end| end.saturating_sub(1)),
                }
            }
            Ends::Narrowed(narrowed) => {
                steps.spend(LONGEST / 16)?;
                narrowed.end(bytes, start)
            }
        })
    }
}

/// Where `regex` ends that starts at `start`, with nothing visible behind `most`.
fn end_at(regex: &meta::Regex, bytes: &[u8], start: usize, most: usize) -> Option<usize> {
    let input = Input::new(bytes).span(start..most).anchored(Anchored::Yes);
    regex.search(&input).map(|found| found.end())
}

/// Where a word ends that starts at `start`, if one byte more than the longest match has is left: none may end there, and so the end
/// is hidden.
fn end_before_last(regex: &meta::Regex, bytes: &[u8], start: usize) -> Option<usize> {
    let from = start.saturating_sub(1);
    let text = [bytes.get(from..)?, &[0]].concat();
    let end = end_at(regex, &text, start.checked_sub(from)?, text.len().checked_sub(1)?)?;
    end.checked_sub(1)?.checked_add(from)
}

/// Where the first group of `regex` ends in a match that starts at `start`, with nothing visible behind `most`.
pub(super) fn group_end(regex: &meta::Regex, bytes: &[u8], start: usize, most: usize) -> Option<usize> {
    let mut captures = regex.create_captures();
    regex.search_captures(&Input::new(bytes).span(start..most).anchored(Anchored::Yes), &mut captures);
    captures.get_group(1).map(|group| group.end)
}

/// A byte that is no part of a word, or the end.
fn behind_word() -> Hir {
    let other = ClassBytes::new([
        ClassBytesRange::new(0, b'/'),
        ClassBytesRange::new(b':', b'@'),
        ClassBytesRange::new(b'[', b'`'),
        ClassBytesRange::new(b'{', u8::MAX),
    ]);
    Hir::alternation(vec![Hir::class(Class::Bytes(other)), Hir::look(Look::End)])
}

/// The same with no groups that are remembered.
fn without_groups(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => without_groups(&capture.sub),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(without_groups(&repetition.sub)),
            min: repetition.min,
            max: repetition.max,
            greedy: repetition.greedy,
        }),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_groups).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without_groups).collect()),
        _ => hir.clone(),
    }
}

/// The window that a search begins with.
pub(crate) const fn first_window() -> usize {
    WIDE_WINDOW
}

/// The bytes of a class, if they are bytes.
fn class_bytes(class: &Class) -> Option<ClassBytes> {
    match class {
        Class::Bytes(class) => Some(class.clone()),
        Class::Unicode(class) => class.to_byte_class(),
    }
}

/// What an expression consists of at least: patterns and choices that all must be there. They say less than the expression
/// does, never more.
#[derive(Debug)]
pub(crate) struct Required {
    /// What stands one behind the other.
    pub(crate) pattern: Pattern,
    /// Of each of these, one.
    pub(crate) choices: Vec<Vec<Self>>,
}

/// What `regex` asks for, as it stands or wide.
pub(crate) fn required(regex: &RuleRegex, wide: bool, offset: Offset) -> Result<Required, String> {
    let hir = parse(regex)?;
    let hir = if wide { wide::widen(&hir) } else { hir };
    Ok(required_of(&hir, offset))
}

fn required_of(hir: &Hir, offset: Offset) -> Required {
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
                            let each = branches.iter().map(|branch| required_of(branch, Offset::ANY));
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
