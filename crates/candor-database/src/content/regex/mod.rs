//! Regular expressions of signatures: compiled when their trigger holds, and kept for a while.
//!
//! Most run in linear time; those with look-around or references backtrack, with a limit on steps. They
//! are tried only where a relaxed form of them, which runs in linear time, has a match: nearly never.
//! Whatever goes wrong is a reason for an incomplete verdict, never a silent "no".

mod required;
#[cfg(test)]
mod tests;
mod translate;

use std::collections::HashMap;

use candor_model::Reason;

use crate::content::evaluate::{KEPT, Layer, Matches, Steps, place_ranges};
use crate::ir::{OffsetBase, Refusal, Regex, RegexFlags};
use translate::translate;

/// Compiled expressions that are kept at once.
const MAX_KEPT: usize = 256;
/// Bytes of a layer that is asked for strings of an expression before that is compiled, at most: a larger one takes longer.
const MAX_ASKED: usize = 1 << 20;
/// Memory that one compiled expression may take, in bytes.
const MAX_COMPILED: usize = 32 << 20;

/// Compiled expressions.
#[derive(Debug, Default)]
pub(crate) struct RegexCache(HashMap<(String, RegexFlags), Compiled>);

#[derive(Debug)]
enum Compiled {
    Linear(regex::bytes::Regex),
    Backtracking(Box<fancy_regex::Regex>, Option<regex::bytes::Regex>),
}

/// Whether the expression can be run at all.
pub(crate) fn check(regex: &Regex) -> Result<(), Refusal> {
    compile(regex, 1_000).map(drop).map_err(Refusal::Regex)
}

fn compile(regex: &Regex, steps: u64) -> Result<Compiled, String> {
    let translated = translate(&regex.pattern, regex.flags);
    let linear =
        |text: &str| regex::bytes::RegexBuilder::new(text).unicode(false).size_limit(MAX_COMPILED).build();
    if !translated.backtracks {
        return linear(&translated.text).map(Compiled::Linear).map_err(|error| error.to_string());
    }
    let exact = fancy_regex::RegexBuilder::new(&translated.text)
        .bytes_mode(fancy_regex::BytesMode::Ascii)
        .backtrack_limit(usize::try_from(steps).unwrap_or(usize::MAX))
        .delegate_size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| error.to_string())?;
    let relaxed = translated.relaxed.and_then(|relaxed| linear(&relaxed).ok());
    Ok(Compiled::Backtracking(Box::new(exact), relaxed))
}

impl Compiled {
    /// The first match that starts at `from` or later.
    fn find(&self, bytes: &[u8], from: usize) -> Result<Option<(usize, usize)>, String> {
        if from > bytes.len() {
            return Ok(None);
        }
        match self {
            Self::Linear(regex) => Ok(regex.find_at(bytes, from).map(|found| (found.start(), found.end()))),
            Self::Backtracking(exact, relaxed) => {
                let from = match relaxed.as_ref().map(|relaxed| relaxed.find_at(bytes, from)) {
                    // A match starts where the relaxed form has one, or behind that.
                    Some(Some(found)) => found.start(),
                    Some(None) => return Ok(None),
                    None => from,
                };
                match exact.find_from_pos(bytes, from) {
                    Ok(found) => Ok(found.map(|found| (found.start(), found.end()))),
                    Err(error) => Err(error.to_string()),
                }
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
        let key = (regex.pattern.clone(), regex.flags);
        if !self.0.contains_key(&key) {
            if layer.bytes.len() <= MAX_ASKED {
                steps.spend(layer.bytes.len() / 16).map_err(|_| Reason::SearchSteps)?;
                if required::is_absent(&regex.pattern, regex.flags, layer.bytes) {
                    return Ok(Matches::default());
                }
            }
            if self.0.len() >= MAX_KEPT {
                self.0.clear();
            }
            let compiled = compile(regex, regex_steps).map_err(Reason::RegexSteps)?;
            self.0.insert(key.clone(), compiled);
        }
        let Some(compiled) = self.0.get(&key) else { return Ok(Matches::default()) };
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
}
