//! Body and logical signatures: what is searched for in the bytes of a layer.
//!
//! A search has two steps. One pass over the bytes finds the signatures of which something occurs
//! ([`index`]); each of these is then decided by itself, from its own description ([`evaluate`],
//! [`logic`]). The first step decides how fast a search is, the second what it answers.

mod anchor;
mod automaton;
mod cells;
pub(crate) mod codec;
mod cover;
pub(crate) mod evaluate;
mod frequency;
mod index;
mod logic;
mod number;
mod regex;
mod required;
mod search;
#[cfg(test)]
mod tests;
mod yara;

use candor_model::Target;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::builder::BuildError;
use crate::image::{ImageWriter, LINE, SectionKind, SignatureId};
use crate::ir::{Body, Expression, Logical, Pattern, Refusal, Rule, SubSignature};
use crate::spill::Spill;

use codec::Encoder;
use cover::{Cover, Covering};
use index::IndexBuilder;
use yara::RulesBuilder;

pub use index::{Screen, Screening, screen_together};
pub use search::Scratch;

/// Tag of a program that describes a body signature.
const BODY: u8 = 0;
/// Tag of a program that describes a logical signature.
const LOGICAL: u8 = 1;
/// Tag of a program that describes a rule.
const RULE: u8 = 2;
/// Bytes of a record: signature `u32`, start and length of its program `u32` each.
const RECORD: usize = 12;
/// Nesting that expressions may have at most, so that no evaluation runs out of stack.
const MAX_NESTING: u32 = 100;

/// Collects body and logical signatures.
#[derive(Debug, Default)]
pub(crate) struct ContentBuilder {
    records: Vec<u8>,
    programs: Vec<u8>,
    /// Where programs start that were seen once, by their digest: signatures that mean the same share one.
    known: FxHashMap<u64, u32>,
    always: Vec<u8>,
    images: Vec<u8>,
    macros: Vec<u8>,
    index: IndexBuilder,
    rules: RulesBuilder,
}

impl ContentBuilder {
    /// One that puts aside what it can.
    pub(crate) fn new(spill: &Spill) -> Self {
        Self { index: IndexBuilder::new(spill), ..Self::default() }
    }

    /// No more comes: what only adding needs goes.
    pub(crate) fn complete(mut self) -> Self {
        self.known = FxHashMap::default();
        self.index.complete();
        self
    }

    /// Takes a body signature. When it refuses, it is as before.
    pub(crate) fn add_body(&mut self, id: SignatureId, body: Body) -> Result<(), Refusal> {
        if let Some(group) = body.macro_group {
            self.add_member(group, body.target, &body.pattern);
            return Ok(());
        }
        let cover = cover::of_pattern(&body.pattern, &self.index.usage(body.target));
        let mut program = Encoder::default();
        program.body(&body);
        let number = self.add(id, BODY, &program.into_bytes())?;
        self.find_by(number, body.target, cover);
        Ok(())
    }

    /// Takes a logical signature. When it refuses, it is as before.
    pub(crate) fn add_logical(&mut self, id: SignatureId, logical: Logical) -> Result<(), Refusal> {
        check(&logical)?;
        let Logical { target, expression, subsignatures } = logical;
        let usage = self.index.usage(target.target);
        let mut covering = Covering::new(&subsignatures, &usage);
        let cover = covering.of(&expression);
        let expression = cover::rarest_first(expression, &cover, &mut covering);
        let logical = Logical { target, expression, subsignatures };
        let mut program = Encoder::default();
        program.logical(&logical);
        let number = self.add(id, LOGICAL, &program.into_bytes())?;
        self.find_by(number, logical.target.target, cover);
        for sub in &logical.subsignatures {
            if let SubSignature::Content { patterns, macro_group: Some(group) } = sub {
                for pattern in patterns {
                    self.add_member(*group, logical.target.target, pattern);
                }
            }
        }
        Ok(())
    }

    /// Takes a rule. When it refuses, nothing is found that was not before.
    pub(crate) fn add_rule(&mut self, id: SignatureId, rule: Rule) -> Result<(), Refusal> {
        let yara::Prepared { program, cover, guard } =
            self.rules.prepare(rule, &self.index.usage(Target::Any))?;
        let number = self.add(id, RULE, &program)?;
        match cover {
            Cover::Needs(thresholds) => {
                let keyed = self.index.add(Target::Any, number, thresholds);
                self.rules.add_keys(guard, keyed);
            }
            Cover::Always | Cover::Image => self.rules.add_always(guard, number),
        }
        Ok(())
    }

    /// Adds a description, and gives its number.
    fn add(&mut self, id: SignatureId, tag: u8, program: &[u8]) -> Result<u32, Refusal> {
        let too_many = |_| Refusal::TooMany("signatures");
        let number = u32::try_from(self.records.len() / RECORD).map_err(too_many)?;
        let end = u32::try_from(self.programs.len()).map_err(too_many)?;
        let length = u32::try_from(program.len().saturating_add(1)).map_err(too_many)?;
        let start = *self.known.entry(xxh3_64_with_seed(program, tag.into())).or_insert(end);
        let same = crate::bytes::run(&self.programs, start as usize, length as usize)
            .and_then(<[u8]>::split_first)
            .is_some_and(|(known, rest)| *known == tag && rest == program);
        let start = if same { start } else { end };
        if !same {
            self.programs.push(tag);
            self.programs.extend_from_slice(program);
        }
        for value in [id.0, start, length] {
            self.records.extend_from_slice(&value.to_le_bytes());
        }
        Ok(number)
    }

    /// Says how a signature is found.
    fn find_by(&mut self, number: u32, target: Target, cover: Cover) {
        match cover {
            Cover::Always => put_entry(&mut self.always, target, number),
            Cover::Image => put_entry(&mut self.images, target, number),
            Cover::Needs(thresholds) => {
                self.index.add(target, number, thresholds);
            }
        }
    }

    fn add_member(&mut self, group: u8, target: Target, pattern: &Pattern) {
        let mut encoder = Encoder::default();
        encoder.pattern(pattern);
        self.macros.extend_from_slice(&[group, target.number()]);
        crate::bytes::put_run(&mut self.macros, &encoder.into_bytes());
    }

    /// Writes the sections that they are found by.
    pub(crate) fn finish(self, writer: &mut ImageWriter) -> Result<(), BuildError> {
        for (kind, bytes) in [
            (SectionKind::ContentRecords, self.records),
            (SectionKind::ContentPrograms, self.programs),
            (SectionKind::ContentAlways, self.always),
            (SectionKind::ContentImages, self.images),
            (SectionKind::ContentMacros, self.macros),
        ] {
            writer.section(kind, LINE, &bytes);
        }
        self.rules.finish(writer);
        self.index.finish(writer)
    }
}

/// target `u32`, number `u32`
fn put_entry(list: &mut Vec<u8>, target: Target, number: u32) {
    list.extend_from_slice(&u32::from(target.number()).to_le_bytes());
    list.extend_from_slice(&number.to_le_bytes());
}

/// Refuses what could not be evaluated.
fn check(logical: &Logical) -> Result<(), Refusal> {
    let count = u32::try_from(logical.subsignatures.len()).map_err(|_| Refusal::TooMany("sub-signatures"))?;
    check_expression(&logical.expression, count, 0)?;
    for sub in &logical.subsignatures {
        match sub {
            SubSignature::Regex(regex) => {
                check_expression(&regex.trigger, count, 0)?;
                regex::check(regex)?;
            }
            SubSignature::ByteCompare(compare) if compare.sub >= count => {
                return Err(Refusal::UnknownSubSignature(compare.sub));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_expression(expression: &Expression, count: u32, depth: u32) -> Result<(), Refusal> {
    if depth > MAX_NESTING {
        return Err(Refusal::TooMany("conditions inside one another"));
    }
    let deeper = depth.saturating_add(1);
    match expression {
        Expression::And(left, right) | Expression::Or(left, right) => {
            check_expression(left, count, deeper)?;
            check_expression(right, count, deeper)
        }
        Expression::Count { of, .. } => check_expression(of, count, deeper),
        Expression::Sub(sub) if *sub >= count => Err(Refusal::UnknownSubSignature(*sub)),
        Expression::Sub(_) => Ok(()),
    }
}
