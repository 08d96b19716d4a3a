//! Regular expressions of signatures: compiled when their trigger holds, and kept for a while.
//!
//! Most run in linear time; those with look-around or references backtrack, with a limit on steps. They
//! are tried only where a relaxed form of them, which runs in linear time, has a match: nearly never.
//! Whatever goes wrong is a reason for an incomplete verdict, never a silent "no".

mod required;
#[cfg(test)]
mod tests;
mod translate;

use candor_model::Reason;
use regex_syntax::hir::Hir;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use rustc_hash::FxHashMap;

use crate::content::automaton::Automaton;
use crate::content::codec::flags_to_bits;
use crate::content::evaluate::{KEPT, Layer, Matches, Steps, place_ranges};
use crate::content::required::{self as needed, Required};
use crate::ir::{Offset, OffsetBase, Refusal, Regex};
use translate::{Translated, translate};

/// Memory of compiled expressions that is kept, with what they remember, in bytes.
const MAX_KEPT: usize = 12 << 20;
/// Memory that one compiled expression may take, in bytes.
const MAX_COMPILED: usize = 32 << 20;
/// Bytes of strings that matches begin or end with: what is looked for, and what is enough to look for.
const LONGEST_SPELLING: usize = 7;
const SHORTEST_SPELLING: usize = 5;
/// Such strings in both cases, and without case.
const MOST_SPELLINGS: usize = 128;
const MOST_ANCHORS: usize = 24;
/// What an expression that backtracks is taken to need, which does not tell it, in bytes.
const BACKTRACKING: usize = 64 << 10;

/// Compiled expressions, by their flags and text.
#[derive(Debug, Default)]
pub(crate) struct RegexCache {
    kept: FxHashMap<Box<[u8]>, Kept>,
    /// Memory of them all, in bytes.
    memory: usize,
    /// Searches so far.
    now: u64,
    /// The flags and text that are looked up.
    key: Vec<u8>,
}

#[derive(Debug)]
struct Kept {
    compiled: Compiled,
    /// Bytes that are counted for it.
    memory: usize,
    /// When it was asked for last.
    used: u64,
}

#[derive(Debug)]
enum Compiled {
    Linear(Automaton),
    /// The relaxed form, and the expression itself, which is compiled when that has a match.
    Backtracking(Option<Automaton>, Exact),
}

/// An expression that backtracks.
#[derive(Debug)]
enum Exact {
    /// Its text, and the limit on its steps.
    Text(String, u64),
    Ready(Box<fancy_regex::Regex>),
}

/// Whether the expression can be run at all.
pub(crate) fn check(regex: &Regex) -> Result<(), Refusal> {
    let mut compiled = compile(regex, 1_000).map_err(Refusal::Regex)?;
    match &mut compiled {
        Compiled::Linear(automaton) => automaton.whole().map(drop),
        Compiled::Backtracking(_, exact) => exact.ready().map(drop),
    }
    .map_err(Refusal::Regex)
}

/// What stands in every match of `regex`, where that can be told.
pub(crate) fn required(regex: &Regex) -> Option<Required> {
    let Translated { text, backtracks, relaxed } = translate(&regex.pattern, regex.flags);
    let hir = parse(&if backtracks { relaxed? } else { text }).ok()?;
    let mut required = needed::required(&hir, Offset::ANY);
    let ends = [ExtractKind::Prefix, ExtractKind::Suffix].map(|kind| spellings(&hir, kind));
    // One is enough, and all are in the index of each class of files.
    required.choices.extend(ends.into_iter().flatten().min_by_key(Vec::len));
    Some(required)
}

/// Strings of which every match begins or ends with one, where they are few and not short. Letters stand for their other case.
fn spellings(hir: &Hir, kind: ExtractKind) -> Option<Vec<Required>> {
    let mut extractor = Extractor::new();
    extractor.kind(kind).limit_literal_len(LONGEST_SPELLING).limit_total(MOST_SPELLINGS);
    let found = extractor.extract(hir);
    let mut all: Vec<Vec<u8>> =
        found.literals()?.iter().map(|literal| literal.as_bytes().to_ascii_lowercase()).collect();
    all.sort_unstable();
    all.dedup();
    if all.len() > MOST_ANCHORS || all.iter().any(|one| one.len() < SHORTEST_SPELLING) {
        return None;
    }
    Some(all.into_iter().map(Required::spelled).collect())
}

fn parse(text: &str) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(text).map_err(|error| error.to_string())
}

fn compile(regex: &Regex, steps: u64) -> Result<Compiled, String> {
    let translated = translate(&regex.pattern, regex.flags);
    if !translated.backtracks {
        return Ok(Compiled::Linear(Automaton::new(parse(&translated.text)?, MAX_COMPILED)));
    }
    let relaxed = translated.relaxed.and_then(|relaxed| parse(&relaxed).ok());
    let relaxed = relaxed.map(|relaxed| Automaton::new(relaxed, MAX_COMPILED));
    Ok(Compiled::Backtracking(relaxed, Exact::Text(translated.text, steps)))
}

impl Exact {
    fn ready(&mut self) -> Result<&fancy_regex::Regex, String> {
        if let Self::Text(text, steps) = self {
            let regex = fancy_regex::RegexBuilder::new(text)
                .bytes_mode(fancy_regex::BytesMode::Ascii)
                .backtrack_limit(usize::try_from(*steps).unwrap_or(usize::MAX))
                .delegate_size_limit(MAX_COMPILED)
                .build()
                .map_err(|error| error.to_string())?;
            *self = Self::Ready(Box::new(regex));
        }
        match self {
            Self::Ready(regex) => Ok(regex),
            Self::Text(..) => Err("not compiled".to_owned()),
        }
    }
}

impl Compiled {
    /// The first match that starts at `from` or later.
    fn find(&mut self, bytes: &[u8], from: usize) -> Result<Option<(usize, usize)>, String> {
        if from > bytes.len() {
            return Ok(None);
        }
        match self {
            Self::Linear(regex) => regex.find(bytes, from),
            Self::Backtracking(relaxed, exact) => {
                let from = match relaxed.as_mut().map(|relaxed| relaxed.find(bytes, from)) {
                    // A match starts where the relaxed form has one, or behind that.
                    Some(Ok(Some((start, _)))) => start,
                    Some(Ok(None)) => return Ok(None),
                    // It may be too large where the expression is not.
                    Some(Err(_)) | None => from,
                };
                match exact.ready()?.find_from_pos(bytes, from) {
                    Ok(found) => Ok(found.map(|found| (found.start(), found.end()))),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    /// Bytes that it takes, about.
    fn memory(&self) -> usize {
        match self {
            Self::Linear(regex) => regex.memory(),
            Self::Backtracking(relaxed, exact) => {
                let exact = if matches!(exact, Exact::Ready(_)) { BACKTRACKING } else { 0 };
                relaxed.as_ref().map_or(0, Automaton::memory).saturating_add(exact)
            }
        }
    }
}

impl RegexCache {
    /// Every match of `regex` that its offset and flags allow.
    pub(crate) fn find(
        &mut self,
        regex: &Regex,
        layer: Layer<'_>,
        regex_steps: u64,
        steps: &mut Steps,
    ) -> Result<Matches, Reason> {
        self.now = self.now.saturating_add(1);
        self.key.clear();
        self.key.extend_from_slice(&flags_to_bits(regex.flags).to_le_bytes());
        self.key.extend_from_slice(regex.pattern.as_bytes());
        if !self.kept.contains_key(self.key.as_slice()) {
            // Compiling takes as long as looking through megabytes.
            steps.spend(layer.bytes.len() / 16).map_err(|_| Reason::SearchSteps)?;
            if required::is_absent(&regex.pattern, regex.flags, layer.bytes) {
                return Ok(Matches::default());
            }
            self.make_room();
            let compiled = compile(regex, regex_steps).map_err(Reason::RegexSteps)?;
            self.kept.insert(self.key.as_slice().into(), Kept { compiled, memory: 0, used: 0 });
        }
        let Some(kept) = self.kept.get_mut(self.key.as_slice()) else { return Ok(Matches::default()) };
        kept.used = self.now;
        let found = matches(&mut kept.compiled, regex, layer, steps);
        let memory = kept.compiled.memory();
        self.memory = self.memory.saturating_sub(kept.memory).saturating_add(memory);
        kept.memory = memory;
        found
    }

    /// Forgets half of what is kept, when that is too much: what was not asked for the longest.
    fn make_room(&mut self) {
        if self.memory < MAX_KEPT {
            return;
        }
        let mut used: Vec<u64> = self.kept.values().map(|kept| kept.used).collect();
        let middle = used.len() / 2;
        let (_, middle, _) = used.select_nth_unstable(middle);
        let oldest = *middle;
        self.kept.retain(|_, kept| kept.used > oldest);
        self.memory = self.kept.values().map(|kept| kept.memory).sum();
    }
}

/// Every match of `regex` in a layer, as [`RegexCache::find`] gives them.
fn matches(
    compiled: &mut Compiled,
    regex: &Regex,
    layer: Layer<'_>,
    steps: &mut Steps,
) -> Result<Matches, Reason> {
    let length = layer.bytes.len();
    let mut matches = Matches::default();
    let anywhere = regex.offset.base == OffsetBase::Any;
    for (low, high) in place_ranges(regex.offset, length as u64, layer.facts) {
        // The expression sees nothing before its offset.
        let Some(visible) = usize::try_from(low).ok().and_then(|low| layer.bytes.get(low..)) else {
            continue;
        };
        let origin = length.saturating_sub(visible.len());
        let shift = usize::try_from(high.saturating_sub(low)).unwrap_or(usize::MAX);
        let shifted = !anywhere && shift > 0;
        let anchored = regex.flags.anchored || (!anywhere && shift == 0 && !regex.flags.rolling);
        let visible = match visible.get(..shift) {
            Some(window) if shifted && regex.flags.encompass => window,
            _ => visible,
        };
        let mut from = 0;
        loop {
            steps
                .spend((visible.len().saturating_sub(from) / 4).saturating_add(1))
                .map_err(|_| Reason::SearchSteps)?;
            let Some((start, end)) = compiled.find(visible, from).map_err(Reason::RegexSteps)? else {
                break;
            };
            if (anchored && start > from) || (shifted && start > shift) {
                break;
            }
            matches.count = matches.count.saturating_add(1);
            if matches.spans.len() < KEPT {
                matches.spans.push((origin.saturating_add(start), origin.saturating_add(end)));
            }
            if !regex.flags.global {
                return Ok(matches);
            }
            from = end.max(start.saturating_add(1));
        }
    }
    Ok(matches)
}
