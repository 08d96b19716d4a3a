//! Regular expressions of rules: made ready to run, and what they are found by.
//!
//! They match bytes. Where one is [wide](super::wide), a zero stands behind each byte that it matches.
//! A match has at most [`LONGEST`] bytes, as in YARA; this also bounds what one place of a layer can cost.

use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

use super::wide::{self, Narrowed};
use crate::content::automaton;
use crate::content::evaluate::{Steps, Undecided};
use crate::content::required::{self, Required};
use crate::ir::{Offset, RuleRegex};

/// Bytes of a match at most.
pub(crate) const LONGEST: usize = 4096;
/// Memory for the program of one expression, in bytes.
const MAX_PROGRAM: usize = 8 << 20;
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
    automaton::build(hir, captures, MAX_PROGRAM)
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

/// What `regex` asks for, as it stands or wide.
pub(crate) fn required(regex: &RuleRegex, wide: bool, offset: Offset) -> Result<Required, String> {
    let hir = parse(regex)?;
    let hir = if wide { wide::widen(&hir) } else { hir };
    Ok(required::required(&hir, offset))
}
