//! Regular expressions of rules: made ready to run, and what they are found by.
//!
//! They match bytes. Where one is wide, a zero stands behind each byte that it matches: the expression itself is rewritten so.
//! A match has at most [`LONGEST`] bytes, as in YARA; this also bounds what one place of a layer can cost.

use regex_automata::meta;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

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

/// What must hold beside a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Edges {
    /// `\b` before and behind.
    boundary: (bool, bool),
    /// No word before and behind.
    full_word: bool,
}

/// An expression that is ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    regex: meta::Regex,
    /// The same with one byte behind it that is no part of a word, or the end.
    bounded: Option<meta::Regex>,
    wide: bool,
    edges: Edges,
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

fn build(hir: &Hir) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(MAX_PROGRAM))
        .hybrid_cache_capacity(MAX_CACHE)
        .which_captures(regex_automata::nfa::thompson::WhichCaptures::Implicit);
    meta::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build_from_hir(hir)
        .map_err(|error| error.to_string())
}

/// An expression for the operator `matches`, which looks at short texts.
pub(crate) fn plain(regex: &RuleRegex) -> Result<meta::Regex, String> {
    build(&parse(regex)?)
}

impl Compiled {
    /// Makes an expression ready.
    ///
    /// # Errors
    /// It is too large, or cannot be wide.
    pub(crate) fn new(regex: &RuleRegex, wide: bool, full_word: bool) -> Result<Self, String> {
        let hir = parse(regex)?;
        if !wide {
            let plain = build(&hir)?;
            // What stands behind is matched as well, so that the expression may end where no word goes on.
            let bounded = if full_word { Some(build(&Hir::concat(vec![hir, behind_word()]))?) } else { None };
            let edges = Edges { boundary: (false, false), full_word };
            return Ok(Self { regex: plain, bounded, wide, edges });
        }
        let (hir, boundary) = without_boundaries(hir);
        let hir = widen(&hir).ok_or("a word boundary inside of an expression that is wide")?;
        Ok(Self { regex: build(&hir)?, bounded: None, wide, edges: Edges { boundary, full_word } })
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
            let sought = self.bounded.as_ref().unwrap_or(&self.regex);
            let found = sought.search(&Input::new(bytes).span(from..end).anchored(anchored));
            let Some(found) = found.filter(|found| found.start() <= stop) else {
                from = stop.saturating_add(1);
                *window = window.saturating_mul(4).min(WIDE_WINDOW);
                continue;
            };
            *window = NARROW_WINDOW;
            let start = found.start();
            let most = start.saturating_add(LONGEST).min(bytes.len());
            let end = match &self.bounded {
                None if found.len() > LONGEST => Self::end_at(&self.regex, bytes, start, most),
                None => Some(found.end()),
                Some(bounded) => {
                    let within = most.saturating_add(1).min(bytes.len());
                    let found = if found.end() > within {
                        Self::end_at(bounded, bytes, start, within)
                    } else {
                        Some(found.end())
                    };
                    found.map(|end| self.without_last(bytes, start, end))
                }
            };
            if let Some(end) = end.filter(|end| *end > start)
                && self.edges_hold(bytes, start, end)
            {
                return Ok(Some((start, end)));
            }
            from = start.saturating_add(1);
        }
        Ok(None)
    }

    /// Where `regex` ends that starts at `start`, with nothing visible behind `most`.
    fn end_at(regex: &meta::Regex, bytes: &[u8], start: usize, most: usize) -> Option<usize> {
        let input = Input::new(bytes).span(start..most).anchored(Anchored::Yes);
        regex.search(&input).map(|found| found.end())
    }

    /// The end of a match without what was matched behind it.
    fn without_last(&self, bytes: &[u8], start: usize, end: usize) -> usize {
        let is_last = end == bytes.len() && Self::end_at(&self.regex, bytes, start, end) == Some(end);
        if is_last { end } else { end.saturating_sub(1) }
    }

    fn edges_hold(&self, bytes: &[u8], start: usize, end: usize) -> bool {
        if !self.wide {
            let before = start.checked_sub(1).and_then(|before| bytes.get(before));
            return !(self.edges.full_word && before.is_some_and(u8::is_ascii_alphanumeric));
        }
        let at = |place: Option<usize>| {
            let place = place?;
            let [low, high] = bytes.get(place..place.checked_add(2)?)? else { return None };
            (*high == 0).then_some(*low)
        };
        let is_word =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let (first, last) = (at(Some(start)), at(end.checked_sub(2)));
        let (before, behind) = (at(start.checked_sub(2)), at(Some(end)));
        (!self.edges.boundary.0 || is_word(first) != is_word(before))
            && (!self.edges.boundary.1 || is_word(last) != is_word(behind))
            && (!self.edges.full_word || !(is_alphanumeric(before) || is_alphanumeric(behind)))
    }
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

/// The window that a search begins with.
pub(crate) const fn first_window() -> usize {
    WIDE_WINDOW
}

/// Takes `\b` off both ends.
fn without_boundaries(hir: Hir) -> (Hir, (bool, bool)) {
    let HirKind::Concat(parts) = hir.kind() else { return (hir, (false, false)) };
    let is_boundary =
        |part: Option<&Hir>| matches!(part.map(Hir::kind), Some(HirKind::Look(Look::WordAscii)));
    let (first, last) = (is_boundary(parts.first()), is_boundary(parts.last()));
    let kept = parts.len().saturating_sub(usize::from(first)).saturating_sub(usize::from(last));
    let inner = parts.iter().skip(usize::from(first)).take(kept).cloned().collect();
    (Hir::concat(inner), (first, last))
}

/// The expression with a zero behind each byte; `None` where it asks for neighbours that are then two bytes.
fn widen(hir: &Hir) -> Option<Hir> {
    let zero = || Hir::literal([0]);
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => {
            Hir::literal(literal.0.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>())
        }
        HirKind::Class(class) => Hir::concat(vec![Hir::class(class.clone()), zero()]),
        HirKind::Look(look @ (Look::Start | Look::End)) => Hir::look(*look),
        HirKind::Look(_) => return None,
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(widen(&repetition.sub)?),
            min: repetition.min,
            max: repetition.max,
            greedy: repetition.greedy,
        }),
        HirKind::Capture(capture) => widen(&capture.sub)?,
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(widen).collect::<Option<_>>()?),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(widen).collect::<Option<_>>()?),
    })
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
    let hir = if wide {
        let (hir, _) = without_boundaries(hir);
        widen(&hir).ok_or("a word boundary inside of an expression that is wide")?
    } else {
        hir
    };
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
