//! Rules of YARA: how an image keeps them, finds those that a layer may match, and decides these.
//!
//! A rule is found as other signatures are: by [anchors](super::anchor) of its strings, and by [keys](key) where it compares something
//! rare. What is found is asked its [guard](guard) first, which costs nearly nothing, and is then [evaluated](evaluate) from its own
//! description. A rule that can be found by nothing is asked its guard for every layer, together with all others that have the same.

pub(crate) mod codec;
mod cover;
mod evaluate;
mod functions;
mod guard;
mod key;
mod modules;
mod regex;
mod search;
mod strings;
#[cfg(test)]
mod tests;
mod value;
mod wide;
mod windows;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::codec::Encoder;
use super::cover::Cover;
use super::index::ClassUsage;
use crate::bytes::{put_length, put_run, put_varint};
use crate::image::{ImageWriter, LINE, SectionKind};
use crate::ir::{ModulePath, ModuleStep, Refusal, Rule, RuleRegex, StringForm, Term};

use codec::{MAX_DEPTH, StringRecord};
pub(crate) use key::{Key, KeyKind};
pub(crate) use search::{RuleScratch, Rules, has_rules, modules};
use strings::Form;

/// Terms of a rule at most, and strings.
const MAX_TERMS: usize = 200_000;
const MAX_STRINGS: usize = 20_000;
/// Spellings of a text, and bytes of all of them together.
const MAX_SPELLINGS: usize = 4096;
const MAX_SPELLED: usize = 1 << 20;

/// What is found by a key.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) key: Key,
    /// Number of the rule among content signatures.
    pub(crate) rule: u32,
    /// Where its needs are, plus one; 0 when the key is enough.
    pub(crate) needs: u32,
    /// Which clause of the needs it satisfies.
    pub(crate) clause: u32,
}

/// What all rules of an image share.
#[derive(Debug, Default)]
pub(crate) struct RulesBuilder {
    forms: Vec<u8>,
    known_forms: FxHashMap<Vec<u8>, u32>,
    atoms: Vec<Vec<u8>>,
    known_atoms: FxHashMap<Vec<u8>, u64>,
    guards: Vec<Vec<u64>>,
    known_guards: FxHashMap<Vec<u64>, u64>,
    /// Rules that are found by nothing, by the number of their guard.
    always: BTreeMap<u64, Vec<u32>>,
    keys: BTreeMap<KeyKind, Keys>,
}

/// Keys of one kind.
#[derive(Debug, Default)]
struct Keys {
    /// Guards of the rules that have some.
    guards: Vec<u64>,
    keyed: Vec<Keyed>,
}

/// A rule, ready to be added.
pub(crate) struct Prepared {
    pub(crate) program: Vec<u8>,
    pub(crate) cover: Cover,
    pub(crate) guard: u64,
}

impl RulesBuilder {
    /// Lays out a rule. When it refuses, nothing is found that was not before.
    pub(crate) fn prepare(&mut self, rule: Rule, usage: &ClassUsage<'_>) -> Result<Prepared, Refusal> {
        check(&rule)?;
        let condition = guard::cheapest_first(rule.condition);
        let cover = cover::Covering::new(&rule.strings, usage).of(&condition);
        let guard = match guard::guard(&condition) {
            Some(guard) => self.guard(&guard),
            None => 0,
        };
        let mut records = Vec::with_capacity(rule.strings.len());
        for string in &rule.strings {
            let mut encoder = Encoder::default();
            encoder.form(&string.form, string.full_word);
            let form = encoder.into_bytes();
            let next =
                u32::try_from(self.forms.len()).map_err(|_| Refusal::TooMany("bytes of strings of rules"))?;
            let number = *self.known_forms.entry(form.clone()).or_insert(next);
            if number == next {
                put_run(&mut self.forms, &form);
            }
            records.push(StringRecord { form: number, private: string.private });
        }
        let mut program = Encoder::default();
        program.number(guard);
        program.rule(&records, &condition);
        Ok(Prepared { program: program.into_bytes(), cover, guard })
    }

    /// The number of a guard, from 1.
    fn guard(&mut self, guard: &Term) -> u64 {
        let atoms: Vec<u64> = match guard {
            Term::And(terms) => terms.iter().map(|term| self.atom(term)).collect(),
            term => vec![self.atom(term)],
        };
        if let Some(known) = self.known_guards.get(&atoms) {
            return *known;
        }
        self.guards.push(atoms.clone());
        let number = self.guards.len() as u64;
        self.known_guards.insert(atoms, number);
        number
    }

    fn atom(&mut self, term: &Term) -> u64 {
        let mut encoder = Encoder::default();
        encoder.term(term);
        let atom = encoder.into_bytes();
        if let Some(known) = self.known_atoms.get(&atom) {
            return *known;
        }
        let number = self.atoms.len() as u64;
        self.atoms.push(atom.clone());
        self.known_atoms.insert(atom, number);
        number
    }

    /// Notes a rule that is found by nothing.
    pub(crate) fn add_always(&mut self, guard: u64, rule: u32) {
        self.always.entry(guard).or_default().push(rule);
    }

    /// Notes what a rule is found by.
    pub(crate) fn add_keys(&mut self, guard: u64, keyed: Vec<Keyed>) {
        for keyed in keyed {
            let keys = self.keys.entry(keyed.key.kind.clone()).or_default();
            if !keys.guards.contains(&guard) {
                keys.guards.push(guard);
            }
            keys.keyed.push(keyed);
        }
    }

    /// Writes the sections.
    pub(crate) fn finish(self, writer: &mut ImageWriter) {
        let mut guards = Vec::new();
        if !self.guards.is_empty() {
            put_length(&mut guards, self.atoms.len());
            self.atoms.iter().for_each(|atom| put_run(&mut guards, atom));
            put_length(&mut guards, self.guards.len());
            for guard in &self.guards {
                put_length(&mut guards, guard.len());
                guard.iter().for_each(|atom| put_varint(&mut guards, *atom));
            }
        }
        let mut always = Vec::new();
        for (guard, rules) in &self.always {
            put_varint(&mut always, *guard);
            let mut run = Vec::new();
            rules.iter().for_each(|rule| put_varint(&mut run, u64::from(*rule)));
            put_run(&mut always, &run);
        }
        let keys = lay_out_keys(&self.keys);
        writer.section(SectionKind::RuleStrings, LINE, &self.forms);
        writer.section(SectionKind::RuleGuards, LINE, &guards);
        writer.section(SectionKind::RuleAlways, LINE, &always);
        writer.section(SectionKind::RuleKeys, LINE, &keys);
    }
}

/// Bytes of an entry of the table of keys: digest 8, rule 4, needs 4, clause 4.
pub(crate) const KEY: usize = 20;

fn lay_out_keys(keys: &BTreeMap<KeyKind, Keys>) -> Vec<u8> {
    if keys.is_empty() {
        return Vec::new();
    }
    let mut front = Vec::new();
    put_length(&mut front, keys.len());
    let mut entries = Vec::new();
    for (number, (kind, keys)) in keys.iter().enumerate() {
        put_run(&mut front, &kind.encode());
        // One without a guard asks always.
        let guards = if keys.guards.contains(&0) { &[][..] } else { keys.guards.as_slice() };
        put_length(&mut front, guards.len());
        guards.iter().for_each(|guard| put_varint(&mut front, *guard));
        for Keyed { key, rule, needs, clause } in &keys.keyed {
            entries.push((key::digest(number, &key.value), *rule, *needs, *clause));
        }
    }
    entries.sort_unstable();
    entries.dedup();
    let mut section = Vec::new();
    put_run(&mut section, &front);
    for (digest, rule, needs, clause) in entries {
        section.extend_from_slice(&digest.to_le_bytes());
        for value in [rule, needs, clause] {
            section.extend_from_slice(&value.to_le_bytes());
        }
    }
    section
}

/// Refuses what could not be evaluated.
fn check(rule: &Rule) -> Result<(), Refusal> {
    if rule.strings.len() > MAX_STRINGS {
        return Err(Refusal::TooMany("strings in a rule"));
    }
    if guard::deeper_than(&rule.condition, MAX_DEPTH.saturating_sub(8)) {
        return Err(Refusal::TooMany("terms inside one another"));
    }
    if guard::size(&rule.condition) > MAX_TERMS {
        return Err(Refusal::TooMany("terms in a rule"));
    }
    for string in &rule.strings {
        match &string.form {
            StringForm::Text { spellings, .. } => {
                let spelled =
                    spellings.iter().fold(0_usize, |sum, spelling| sum.saturating_add(spelling.bytes.len()));
                let is_empty =
                    spellings.is_empty() || spellings.iter().any(|spelling| spelling.bytes.is_empty());
                if spellings.len() > MAX_SPELLINGS || spelled > MAX_SPELLED || is_empty {
                    return Err(Refusal::TooMany("spellings of a string"));
                }
            }
            StringForm::Hex(pattern) if pattern.parts.iter().any(|part| part.elements.is_empty()) => {
                return Err(Refusal::Rule("a part of a string without bytes".to_owned()));
            }
            StringForm::Hex(_) => {}
            StringForm::Regex { .. } => {
                Form::new(&string.form, string.full_word).map_err(Refusal::Regex)?;
            }
        }
    }
    let mut wrong = None;
    let mut check_regex = |regex: &RuleRegex| {
        if let Err(error) = regex::plain(regex) {
            wrong = Some(error);
        }
    };
    let path = |path: &ModulePath, check_regex: &mut dyn FnMut(&RuleRegex)| {
        for step in &path.steps {
            if let ModuleStep::CallRegex(_, _, regexes) = step {
                regexes.iter().for_each(&mut *check_regex);
            }
        }
    };
    guard::walk(&rule.condition, &mut |term| match term {
        Term::Matches(_, regex) => check_regex(regex),
        Term::Module(members) => path(members, &mut check_regex),
        _ => {}
    });
    match wrong {
        Some(error) => Err(Refusal::Regex(error)),
        None => Ok(()),
    }
}
