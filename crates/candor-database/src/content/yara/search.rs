//! Rules over a layer: which ones it touches, and which of these match.

use std::sync::Arc;

use candor_model::Match;
use rustc_hash::FxHashMap;

use super::KEY;
use super::codec::Program;
use super::evaluate::{Evaluation, TextRegexes};
use super::key::{self, KeyKind};
use super::modules::Modules;
use super::strings::{Forms, Strings};
use crate::bytes::{Reader, record_at, u32_at, u64_at};
use crate::content::codec::Decoder;
use crate::content::evaluate::{Steps, Undecided};
use crate::image::{Image, SectionKind};
use crate::search::{Inspection, Subject};

/// Rules that are kept decoded.
const MAX_RULES: usize = 1 << 14;
/// Rules that one value of a layer leads to at most.
const MAX_CHAIN: usize = 1 << 16;
/// Steps for a guard.
const GUARD_STEPS: u64 = 1 << 16;

/// What is kept from layer to layer.
#[derive(Debug, Default)]
pub(crate) struct RuleScratch {
    forms: Forms,
    regexes: TextRegexes,
    guards: Option<Arc<Guards>>,
    kinds: Option<Arc<Vec<Kind>>>,
    programs: FxHashMap<u32, Option<Arc<Program>>>,
}

/// Guards of an image.
#[derive(Debug, Default)]
struct Guards {
    /// Parts of guards that are asked by themselves.
    atoms: Vec<Program>,
    /// Of which parts each guard consists.
    guards: Vec<Vec<u32>>,
}

/// A kind of key, and the guards of those that are found by it; none: they have none.
#[derive(Debug)]
struct Kind {
    kind: Option<KeyKind>,
    guards: Vec<u64>,
}

impl Guards {
    fn read(section: &[u8]) -> Self {
        let mut this = Self::default();
        let mut reader = Reader::new(section);
        let Some(count) = reader.length() else { return this };
        for _ in 0..count {
            let Some(term) = reader.run().and_then(|atom| Decoder::new(atom).term(0)) else { return this };
            this.atoms.push(Program { strings: Vec::new(), condition: term });
        }
        let Some(count) = reader.length() else { return this };
        for _ in 0..count {
            let Some(count) = reader.length() else { return this };
            let guard: Option<Vec<u32>> =
                (0..count).map(|_| reader.varint().and_then(|atom| u32::try_from(atom).ok())).collect();
            let Some(guard) = guard else { return this };
            this.guards.push(guard);
        }
        this
    }
}

/// Rules of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'i> {
    strings: &'i [u8],
    guards: &'i [u8],
    always: &'i [u8],
    keys: &'i [u8],
}

impl<'i> Rules<'i> {
    /// The rules of an image, if it has any.
    pub(crate) fn new(image: &'i Image) -> Self {
        Self {
            strings: image.section(SectionKind::RuleStrings),
            guards: image.section(SectionKind::RuleGuards),
            always: image.section(SectionKind::RuleAlways),
            keys: image.section(SectionKind::RuleKeys),
        }
    }

    /// Begins to look at a layer.
    pub(crate) fn over<'a>(
        self,
        subject: &Subject<'a>,
        modules: &'a Modules<'a>,
        scratch: &'a mut RuleScratch,
    ) -> Run<'a>
    where
        'i: 'a,
    {
        if scratch.programs.len() > MAX_RULES {
            scratch.programs.clear();
        }
        scratch.forms.trim();
        let guards = scratch.guards.get_or_insert_with(|| Arc::new(Guards::read(self.guards))).clone();
        let kinds = scratch.kinds.get_or_insert_with(|| Arc::new(read_kinds(self.keys))).clone();
        let executable = subject.facts.executable.as_ref();
        Run {
            rules: self,
            bytes: subject.bytes,
            entry_point: executable.and_then(|known| known.entry_point),
            modules,
            strings: Strings::new(self.strings, subject.bytes, subject.facts, &mut scratch.forms),
            regexes: &mut scratch.regexes,
            programs: &mut scratch.programs,
            known: vec![None; guards.atoms.len()],
            guards,
            kinds,
        }
    }
}

fn read_kinds(section: &[u8]) -> Vec<Kind> {
    let mut all = Vec::new();
    let Some(mut reader) = Reader::new(section).run().map(Reader::new) else { return all };
    let Some(count) = reader.length() else { return all };
    for _ in 0..count {
        let Some(kind) = reader.run().map(KeyKind::decode) else { return all };
        let Some(count) = reader.length() else { return all };
        let Some(guards) = (0..count).map(|_| reader.varint()).collect() else { return all };
        all.push(Kind { kind, guards });
    }
    all
}

/// The rules of an image over one layer.
pub(crate) struct Run<'a> {
    rules: Rules<'a>,
    bytes: &'a [u8],
    entry_point: Option<u64>,
    modules: &'a Modules<'a>,
    strings: Strings<'a, 'a>,
    regexes: &'a mut TextRegexes,
    programs: &'a mut FxHashMap<u32, Option<Arc<Program>>>,
    guards: Arc<Guards>,
    /// What is known of parts of guards.
    known: Vec<Option<bool>>,
    kinds: Arc<Vec<Kind>>,
}

impl<'a> Run<'a> {
    /// Whether a guard holds; 0 always does. One that is damaged holds: the rule itself decides.
    fn guard_holds(&mut self, guard: u64) -> bool {
        let guards = Arc::clone(&self.guards);
        let Some(number) = guard.checked_sub(1).and_then(|number| usize::try_from(number).ok()) else {
            return true;
        };
        let Some(atoms) = guards.guards.get(number) else { return true };
        for atom in atoms {
            let place = *atom as usize;
            let holds = match self.known.get(place).copied().flatten() {
                Some(known) => known,
                None => {
                    let holds = guards.atoms.get(place).is_none_or(|atom| {
                        self.evaluate(atom, &mut Steps::new(GUARD_STEPS)).map_or(true, |(holds, _)| holds)
                    });
                    if let Some(known) = self.known.get_mut(place) {
                        *known = Some(holds);
                    }
                    holds
                }
            };
            if !holds {
                return false;
            }
        }
        true
    }

    /// Calls `touch` with every rule that is found by nothing and whose guard holds.
    pub(crate) fn each_always(&mut self, touch: &mut dyn FnMut(u32)) {
        let mut reader = Reader::new(self.rules.always);
        while let (Some(guard), Some(rules)) = (reader.varint(), reader.run()) {
            if self.guard_holds(guard) {
                let mut rules = Reader::new(rules);
                while let Some(rule) = rules.varint().and_then(|rule| u32::try_from(rule).ok()) {
                    touch(rule);
                }
            }
        }
    }

    /// Calls `note` with the rule, the needs and the clause of each key that the layer has.
    pub(crate) fn each_key(&mut self, note: &mut dyn FnMut(u32, u32, u32)) {
        let kinds = Arc::clone(&self.kinds);
        let mut reader = Reader::new(self.rules.keys);
        if reader.run().is_none() {
            return;
        }
        let table = reader.rest();
        for (number, Kind { kind, guards }) in kinds.iter().enumerate() {
            let is_asked = guards.is_empty() || guards.iter().any(|guard| self.guard_holds(*guard));
            let Some(kind) = kind.as_ref().filter(|_| is_asked) else { continue };
            kind.values(self.modules, self.bytes, &mut |value| {
                let digest = key::digest(number, value);
                for place in (first_of(table, digest)..).take(MAX_CHAIN) {
                    let Some(entry) = record_at(table, place, KEY) else { return };
                    if u64_at(entry, 0) != Some(digest) {
                        return;
                    }
                    if let (Some(rule), Some(needs), Some(clause)) =
                        (u32_at(entry, 2), u32_at(entry, 3), u32_at(entry, 4))
                    {
                        note(rule, needs, clause);
                    }
                }
            });
        }
    }

    /// Decides the rule whose description starts at `place`: what it matched, if it did. `None` when it is damaged.
    pub(crate) fn decide(
        &mut self,
        place: u32,
        program: &[u8],
        steps: &mut Steps,
    ) -> Option<Result<Option<Vec<Match>>, Undecided>> {
        let mut decoder = Decoder::new(program);
        if !self.guard_holds(decoder.number()?) {
            return Some(Ok(None));
        }
        let program = self.programs.entry(place).or_insert_with(|| decoder.rule().map(Arc::new)).clone()?;
        Some(self.evaluate(&program, steps).map(|(holds, matches)| holds.then_some(matches)))
    }

    fn evaluate(&mut self, program: &Program, steps: &mut Steps) -> Result<(bool, Vec<Match>), Undecided> {
        let mut evaluation = Evaluation {
            program,
            bytes: self.bytes,
            entry_point: self.entry_point,
            modules: self.modules,
            strings: &mut self.strings,
            regexes: &mut *self.regexes,
            steps,
            variables: Vec::new(),
            current: None,
            depth: 0,
        };
        let holds = evaluation.decide()?;
        let matches = if holds { evaluation.matches() } else { Vec::new() };
        Ok((holds, matches))
    }
}

/// The first entry of a sorted table that is not below `digest`.
fn first_of(table: &[u8], digest: u64) -> usize {
    let (mut low, mut high) = (0, table.len() / KEY);
    while low < high {
        let middle = low.midpoint(high);
        let here = record_at(table, middle, KEY).and_then(|entry| u64_at(entry, 0));
        if here.is_some_and(|here| here < digest) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    low
}

/// Whether an image has rules.
pub(crate) fn has_rules(image: &Image) -> bool {
    [SectionKind::RuleAlways, SectionKind::RuleKeys, SectionKind::RuleStrings]
        .into_iter()
        .any(|kind| !image.section(kind).is_empty())
}

/// What rules are told of a layer, if there are any and they are looked for.
pub(crate) fn modules<'a>(inspection: Option<Inspection<'a>>, image: &Image) -> Option<Modules<'a>> {
    inspection.filter(|_| has_rules(image)).map(Modules::new)
}
