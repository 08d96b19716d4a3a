//! Regular expressions over bytes that run in linear time.

use regex_automata::hybrid::dfa;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Input, meta};
use regex_syntax::hir::Hir;

/// Memory for what is remembered while one runs, in bytes.
const MAX_CACHE: usize = 1 << 20;
/// Bytes that are first asked whether they hold a match at all, at most: over more, looking for the beginning of a match is
/// faster, which takes three times as long to prepare.
const MAX_ASKED: usize = 64 << 10;

/// Makes an expression ready, whose program takes at most so many bytes.
///
/// # Errors
/// It is too large.
pub(crate) fn build(hir: &Hir, captures: WhichCaptures, max_program: usize) -> Result<meta::Regex, String> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(max_program))
        .hybrid_cache_capacity(MAX_CACHE)
        // It finds groups, and takes long to build.
        .onepass(matches!(captures, WhichCaptures::All))
        .which_captures(captures);
    meta::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build_from_hir(hir)
        .map_err(|error| error.to_string())
}

/// An expression that is made ready in two steps: most are only ever asked about short layers without a match.
#[derive(Debug)]
pub(crate) struct Automaton {
    hir: Hir,
    max_program: usize,
    /// Tells whether there is a match.
    asked: Option<Box<(dfa::DFA, dfa::Cache)>>,
    /// Tells where.
    whole: Option<Box<(meta::Regex, meta::Cache)>>,
}

impl Automaton {
    /// An expression whose program takes at most so many bytes.
    pub(crate) fn new(hir: Hir, max_program: usize) -> Self {
        Self { hir, max_program, asked: None, whole: None }
    }

    /// The first match that starts at `from` or later.
    ///
    /// # Errors
    /// The expression is too large.
    pub(crate) fn find(&mut self, bytes: &[u8], from: usize) -> Result<Option<(usize, usize)>, String> {
        let input = Input::new(bytes).range(from..);
        if self.whole.is_none() && input.get_span().len() <= MAX_ASKED && self.certainly_fails(&input)? {
            return Ok(None);
        }
        let (regex, cache) = self.whole()?;
        Ok(regex.search_with(cache, &input).map(|found| (found.start(), found.end())))
    }

    /// Makes all of it ready.
    ///
    /// # Errors
    /// The expression is too large.
    pub(crate) fn whole(&mut self) -> Result<&mut (meta::Regex, meta::Cache), String> {
        match &mut self.whole {
            Some(whole) => Ok(whole),
            none => {
                let regex = build(&self.hir, WhichCaptures::Implicit, self.max_program)?;
                let cache = regex.create_cache();
                Ok(none.insert(Box::new((regex, cache))))
            }
        }
    }

    fn certainly_fails(&mut self, input: &Input<'_>) -> Result<bool, String> {
        let (dfa, cache) = &mut **match &mut self.asked {
            Some(asked) => asked,
            none => {
                let nfa = thompson::Compiler::new()
                    .configure(
                        thompson::Config::new()
                            .utf8(false)
                            .nfa_size_limit(Some(self.max_program))
                            .which_captures(WhichCaptures::None),
                    )
                    .build_from_hir(&self.hir)
                    .map_err(|error| error.to_string())?;
                let config = dfa::Config::new()
                    .cache_capacity(MAX_CACHE)
                    .skip_cache_capacity_check(true)
                    .minimum_cache_clear_count(Some(3))
                    .minimum_bytes_per_state(Some(10));
                let dfa = dfa::Builder::new().configure(config).build_from_nfa(nfa);
                let dfa = dfa.map_err(|error| error.to_string())?;
                let cache = dfa.create_cache();
                none.insert(Box::new((dfa, cache)))
            }
        };
        // What it gives up on is not decided.
        Ok(matches!(dfa.try_search_fwd(cache, &input.clone().earliest(true)), Ok(None)))
    }

    /// Bytes that it takes, about.
    pub(crate) fn memory(&self) -> usize {
        let asked = self.asked.as_ref().map_or(0, |asked| {
            let (dfa, cache) = &**asked;
            dfa.memory_usage().saturating_add(cache.memory_usage())
        });
        let whole = self.whole.as_ref().map_or(0, |whole| {
            let (regex, cache) = &**whole;
            regex.memory_usage().saturating_add(cache.memory_usage())
        });
        asked.saturating_add(whole)
    }
}
