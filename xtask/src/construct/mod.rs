//! For each of many signatures of a database, a file that must match, built from the signature alone; and
//! the same file with one byte of it changed. The database is a real one, or made up as for the
//! comparison with ClamAV.
//!
//! The naive matcher says whether a file that was built does match: what it denies is not a test of
//! the search but a signature that could not be built for, and is counted with its reason.

mod bytes;
mod layout;
mod plan;
mod regex;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use candor_database::ir::{
    ByteCompare, Comparison, Logical, NumberForm, Offset, OffsetBase, Signature, SubSignature,
};
use candor_database::{Builder, Image, Scratch, Subject};
use candor_fixtures::collect::{Collection, Named};
use candor_fixtures::naive::{MacroGroups, body_matches, logical_matches};
use candor_model::{FileType, Limits, Target};
use candor_signature::Input;
use clap::Args;

use crate::oracle;
use crate::random::Random;
use bytes::Run;
use layout::Layout;

/// What to build from.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Folder of ClamAV databases; without one, signatures are made up.
    pub(crate) folder: Option<PathBuf>,
    /// Number of signatures to take, at random.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) count: usize,
    /// Where the random numbers begin.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// A file for one signature.
struct Built {
    layout: Layout,
    parents: Vec<FileType>,
    target: Target,
    /// Places of bytes that the signature fixes.
    essential: Vec<usize>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (collection, image) = load(arguments)?;
    let mut candidates: Vec<&Named> = collection
        .signatures
        .iter()
        .filter(|named| match &named.signature {
            Signature::Body(body) => body.macro_group.is_none(),
            Signature::Logical(_) => true,
            _ => false,
        })
        .collect();
    let mut random = Random::new(arguments.seed);
    let mut scratch = Scratch::new();
    let mut tally = Tally::default();
    while tally.taken < arguments.count && !candidates.is_empty() {
        let named = candidates.swap_remove(random.range(0, candidates.len() - 1));
        tally.taken += 1;
        one(named, &image, &mut random, &mut scratch, &mut tally);
    }
    println!("{} signatures taken", tally.taken);
    println!("  {:>6} found in the file that was built for them", tally.found);
    println!("  {:>6} not found although they must be", tally.missed.len());
    println!("  {:>6} no longer found after one byte was changed", tally.gone);
    println!(
        "  {:>6} still found then, and rightly: by another occurrence or as it was not essential",
        tally.still
    );
    println!("  {:>6} still found then, and wrongly", tally.wrong.len());
    println!("  {:>6} not built for:", tally.skipped.values().sum::<usize>());
    for (reason, count) in &tally.skipped {
        println!("         {count:>6} {reason}");
    }
    for text in tally.missed.iter().chain(&tally.wrong).take(40) {
        println!("{text}");
    }
    if tally.missed.is_empty() && tally.wrong.is_empty() {
        return Ok(());
    }
    bail!("{} missed, {} wrong", tally.missed.len(), tally.wrong.len())
}

#[derive(Default)]
struct Tally {
    taken: usize,
    found: usize,
    gone: usize,
    still: usize,
    missed: Vec<String>,
    wrong: Vec<String>,
    skipped: BTreeMap<&'static str, usize>,
}

fn load(arguments: &Arguments) -> anyhow::Result<(Collection, Image)> {
    let files = match &arguments.folder {
        Some(folder) => read(folder)?,
        None => {
            let made = oracle::signatures(&mut Random::new(arguments.seed), arguments.count);
            made.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
        }
    };
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let options = candor_signature::clamav::Options::default();
    let mut builder = Builder::new();
    candor_signature::clamav::load(&inputs, options, &mut builder, &mut |_| {});
    let image = Image::from_vec(builder.finish()?)?;
    let mut collection = Collection::default();
    candor_signature::clamav::load(&inputs, options, &mut collection, &mut |_| {});
    Ok((collection, image))
}

/// The databases of `folder` that search what is in a file.
fn read(folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let entries = std::fs::read_dir(folder).context("the folder cannot be read")?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if LANGUAGES.iter().any(|known| name.rsplit('.').next() == Some(known)) {
            files.push((name, std::fs::read(&path)?));
        }
    }
    Ok(files)
}

const LANGUAGES: [&str; 6] = ["db", "ndb", "ndu", "ldb", "ldu", "sdb"];

fn one(named: &Named, image: &Image, random: &mut Random, scratch: &mut Scratch, tally: &mut Tally) {
    let mut reason = "could not be satisfied";
    let built = [false, true].into_iter().find_map(|side| {
        let built = build(&named.signature, side).map_err(|why| reason = why).ok()?;
        naively(named, &built, &built.layout.bytes).then_some(built)
    });
    let Some(mut built) = built else {
        *tally.skipped.entry(reason).or_default() += 1;
        return;
    };
    let description = || format!("{}:{}: {}", named.language, named.line, named.name);
    if !searched(named, image, &built, scratch) {
        tally.missed.push(format!("missed: {}", description()));
        return;
    }
    tally.found += 1;
    if built.essential.is_empty() {
        return;
    }
    let place = *random.pick(&built.essential);
    if let Some(byte) = built.layout.bytes.get_mut(place) {
        *byte ^= 0x81;
    }
    match (searched(named, image, &built, scratch), naively(named, &built, &built.layout.bytes)) {
        (false, false) => tally.gone += 1,
        (true, true) => tally.still += 1,
        (true, false) => tally.wrong.push(format!("found after byte {place} was changed: {}", description())),
        (false, true) => {
            tally.missed.push(format!("missed after byte {place} was changed: {}", description()))
        }
    }
}

fn subject<'a>(built: &'a Built, bytes: &'a [u8]) -> Subject<'a> {
    Subject {
        bytes,
        file_type: built.layout.file_type,
        target: built.target,
        file_size: bytes.len() as u64,
        facts: &built.layout.facts,
        parents: &built.parents,
        rules: None,
    }
}

fn naively(named: &Named, built: &Built, bytes: &[u8]) -> bool {
    let groups = MacroGroups::default();
    match &named.signature {
        Signature::Body(body) => !body_matches(body, &groups, &subject(built, bytes)).is_empty(),
        Signature::Logical(logical) => logical_matches(logical, &groups, &subject(built, bytes)),
        _ => false,
    }
}

fn searched(named: &Named, image: &Image, built: &Built, scratch: &mut Scratch) -> bool {
    let mut hits = Vec::new();
    let _ = image.search(&subject(built, &built.layout.bytes), &Limits::default(), scratch, &mut hits);
    hits.iter().any(|hit| {
        image
            .signature(hit.signature)
            .is_some_and(|record| record.name == named.name && record.origin.line == named.line)
    })
}

fn build(signature: &Signature, side: bool) -> Result<Built, &'static str> {
    match signature {
        Signature::Body(body) => {
            let runs = [(body.pattern.offset, bytes::run(&body.pattern)?)];
            let layout = layout::lay_out(body.target, None, &runs)?;
            let essential = essential(&layout, &runs);
            Ok(Built { layout, parents: Vec::new(), target: body.target, essential })
        }
        Signature::Logical(logical) => logical_file(logical, side),
        _ => Err("is of another kind"),
    }
}

fn essential(layout: &Layout, runs: &[(Offset, Run)]) -> Vec<usize> {
    layout
        .places
        .iter()
        .zip(runs)
        .flat_map(|(place, (_, run))| run.essential.iter().map(move |offset| place + offset))
        .collect()
}

fn logical_file(logical: &Logical, side: bool) -> Result<Built, &'static str> {
    let description = &logical.target;
    if description.icon_group1.is_some() || description.icon_group2.is_some() {
        return Err("is about icons");
    }
    let mut plan = plan::plan(&logical.expression, side);
    // Triggers and comparisons need the sub-signatures that they are about.
    let mut known = BTreeSet::new();
    while let Some(sub) = plan.keys().copied().find(|sub| !known.contains(sub)) {
        known.insert(sub);
        let needed = match sub_signature(logical, sub)? {
            SubSignature::Regex(regex) => plan::plan(&regex.trigger, side),
            SubSignature::ByteCompare(compare) => plan::Plan::from([(compare.sub, 1)]),
            SubSignature::Content { .. } | SubSignature::FuzzyImage(_) => continue,
        };
        for (sub, hits) in needed {
            let held = plan.entry(sub).or_default();
            *held = (*held).max(hits);
        }
    }
    let mut runs: Vec<(Offset, Run)> = Vec::new();
    let mut compared: Vec<(usize, &ByteCompare)> = Vec::new();
    let mut image_hash = None;
    for (sub, hits) in &plan {
        match sub_signature(logical, *sub)? {
            SubSignature::Content { patterns, macro_group: None } => {
                let pattern = patterns.first().ok_or("has no pattern")?;
                for _ in 0..*hits {
                    runs.push((pattern.offset, bytes::run(pattern)?));
                }
                for other in plan.keys() {
                    if let SubSignature::ByteCompare(compare) = sub_signature(logical, *other)?
                        && compare.sub == *sub
                    {
                        attach(&mut runs, compare, &mut compared)?;
                    }
                }
            }
            SubSignature::Content { .. } => return Err("has a member of a macro group"),
            SubSignature::Regex(regex) => {
                let count = if regex.flags.global { *hits } else { 1 };
                for _ in 0..count {
                    let offset = regex.offset;
                    runs.push((offset, Run { bytes: regex::bytes(regex)?, ..Run::default() }));
                }
            }
            SubSignature::FuzzyImage(hash) => image_hash = Some(*hash),
            SubSignature::ByteCompare(_) => {}
        }
    }
    let mut layout = layout::lay_out(description.target, Some(description), &runs)?;
    layout.facts.image_hash = image_hash;
    for (index, compare) in compared {
        let number = number(compare)?;
        let start = layout.places.get(index).copied().unwrap_or(0);
        let at = i64::try_from(start).ok().and_then(|start| start.checked_add(compare.distance));
        let at = at.and_then(|at| usize::try_from(at).ok()).ok_or("compares before the start of the file")?;
        let room =
            layout.bytes.get_mut(at..at + number.len()).ok_or("compares behind the end of the file")?;
        room.copy_from_slice(&number);
    }
    let essential = essential(&layout, &runs);
    let mut parents = description.intermediates.clone();
    parents.extend(description.container);
    Ok(Built { layout, parents, target: description.target, essential })
}

fn sub_signature(logical: &Logical, sub: u32) -> Result<&SubSignature, &'static str> {
    usize::try_from(sub).ok().and_then(|sub| logical.subsignatures.get(sub)).ok_or("names what is not there")
}

/// Makes room for the number that `compare` reads, around the last run.
fn attach<'a>(
    runs: &mut [(Offset, Run)],
    compare: &'a ByteCompare,
    compared: &mut Vec<(usize, &'a ByteCompare)>,
) -> Result<(), &'static str> {
    let index = runs.len().checked_sub(1).ok_or("compares near nothing")?;
    let (offset, run) = &mut runs[index];
    if offset.base != OffsetBase::Any {
        return Err("compares near a fixed place");
    }
    let length = usize::try_from(compare.length).map_err(|_| "compares too much")?;
    let distance = usize::try_from(compare.distance.unsigned_abs()).map_err(|_| "compares too far away")?;
    if distance > 1 << 16 {
        return Err("compares too far away");
    }
    if compare.distance < 0 {
        run.before.resize(run.before.len().max(distance), 0);
    } else {
        let end = (distance + length).saturating_sub(run.bytes.len());
        run.behind.resize(run.behind.len().max(end), 0);
    }
    compared.push((index, compare));
    Ok(())
}

/// Bytes that hold a number for which the comparisons are true.
fn number(compare: &ByteCompare) -> Result<Vec<u8>, &'static str> {
    let near =
        compare.comparisons.iter().flat_map(|wanted| [wanted.value, wanted.value + 1, wanted.value - 1]);
    let value = near
        .filter(|value| *value >= 0)
        .find(|value| {
            compare.comparisons.iter().all(|wanted| match wanted.comparison {
                Comparison::Equal => *value == wanted.value,
                Comparison::Greater => *value > wanted.value,
                Comparison::Less => *value < wanted.value,
            })
        })
        .ok_or("compares with no number that there is")?;
    let length = usize::try_from(compare.length).map_err(|_| "compares too much")?;
    let bytes = match compare.form {
        NumberForm::Raw if compare.big_endian => {
            value.to_be_bytes()[8_usize.saturating_sub(length)..].to_vec()
        }
        NumberForm::Raw => value.to_le_bytes()[..length.min(8)].to_vec(),
        NumberForm::Hexadecimal if compare.big_endian => format!("{value:0length$x}").into_bytes(),
        NumberForm::Decimal | NumberForm::Auto => format!("{value:0length$}").into_bytes(),
        NumberForm::Hexadecimal => {
            let bytes: Vec<String> = value.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            bytes.concat().into_bytes().into_iter().take(length).collect()
        }
    };
    if bytes.len() == length { Ok(bytes) } else { Err("compares with a number that does not fit") }
}
