//! Expressions that are wide: a zero stands behind each byte that they match.
//!
//! The expression itself is rewritten so. What it asks of neighbours (`\b`, a full word) is about pairs of bytes then, which no
//! engine for bytes knows: that is left out where matches are looked for, and asked of each of them by matching the expression as
//! it is written, over the bytes without their zeros.

use regex_automata::meta;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

use super::regex::{LONGEST, group_end};

/// The expression with a zero behind each byte, and with nothing asked of neighbours.
pub(super) fn widen(hir: &Hir) -> Hir {
    let zero = || Hir::literal([0]);
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => {
            Hir::literal(literal.0.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>())
        }
        HirKind::Class(class) => Hir::concat(vec![Hir::class(class.clone()), zero()]),
        HirKind::Look(look @ (Look::Start | Look::End)) => Hir::look(*look),
        HirKind::Look(_) => Hir::empty(),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(widen(&repetition.sub)),
            min: repetition.min,
            max: repetition.max,
            greedy: repetition.greedy,
        }),
        HirKind::Capture(capture) => widen(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(widen).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(widen).collect()),
    }
}

/// Whether an expression asks something of neighbours that [`widen`] leaves out.
pub(super) fn has_neighbours(hir: &Hir) -> bool {
    hir.properties().look_set().iter().any(|look| !matches!(look, Look::Start | Look::End))
}

/// An expression as it is written, to be matched without the zeros.
#[derive(Debug)]
pub(super) struct Narrowed {
    /// With what may stand behind a word, if it must be one; the expression itself is the first group then.
    pub(super) regex: meta::Regex,
    pub(super) full_word: bool,
}

impl Narrowed {
    /// Where the match ends that the expression prefers of those that start at `start` and have the neighbours it asks for.
    pub(super) fn end(&self, bytes: &[u8], start: usize) -> Option<usize> {
        if self.full_word && start.checked_sub(2).and_then(|at| pair(bytes, at)).is_some_and(is_alphanumeric)
        {
            return None;
        }
        let Text { narrow, from, last, is_end } = Text::new(bytes, start);
        let visible = if self.full_word && !is_end { last.saturating_add(1) } else { last };
        let input = Input::new(&narrow).span(from..visible).anchored(Anchored::Yes);
        let found = self.regex.search(&input)?.end();
        let end = match (self.full_word, is_end) {
            (false, _) => found,
            // What stands behind is always there, and was matched as well.
            (true, false) => found.saturating_sub(1),
            (true, true) if found < last => found.saturating_sub(1),
            (true, true) => group_end(&self.regex, &narrow, from, visible)?,
        };
        let taken = end.checked_sub(from).filter(|taken| *taken > 0)?;
        start.checked_add(taken.checked_mul(2)?)
    }
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// The byte at a place, if a zero stands behind it.
fn pair(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes.get(at..at.checked_add(2)?)? {
        [low, 0] => Some(*low),
        _ => None,
    }
}

/// The bytes from a place on that have a zero behind them, without these. Where there is something before or behind that is
/// not such a byte, a zero stands for it, which is neither a part of a word nor the end.
struct Text {
    narrow: Vec<u8>,
    /// Where the place is in `narrow`, and where a match must have ended.
    from: usize,
    last: usize,
    /// Whether the layer ends there.
    is_end: bool,
}

impl Text {
    fn new(bytes: &[u8], start: usize) -> Self {
        let mut narrow = Vec::new();
        if start > 0 {
            narrow.push(start.checked_sub(2).and_then(|at| pair(bytes, at)).unwrap_or(0));
        }
        let from = narrow.len();
        let mut at = start;
        let most = start.saturating_add(LONGEST);
        while at < most
            && let Some(byte) = pair(bytes, at)
        {
            narrow.push(byte);
            at = at.saturating_add(2);
        }
        let last = narrow.len();
        let is_end = at >= bytes.len();
        if !is_end {
            // The second one keeps what comes before it from being the end.
            narrow.extend([pair(bytes, at).unwrap_or(0), 0]);
        }
        Self { narrow, from, last, is_end }
    }
}
