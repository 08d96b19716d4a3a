//! Candor against ClamAV: random signatures, and files that hit, nearly hit and miss them.
//!
//! Both engines get the same database and the same files; every file for which they do not name the
//! same signatures is looked at again with the one signature alone, and either explained by a
//! documented rule or reported. The naive matcher is asked too, so that a mistake in both of
//! Candor's searches and one in only one of them look different.

mod generate;
mod icons;
mod layers;
mod pattern;
mod rules;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::random::Random;
use generate::{File, Topic};
use rules::{Difference, RULES};

/// What to compare.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Number of cases: pairs of a signature and a file that was made for it.
    #[arg(long, default_value_t = 1_000)]
    cases: usize,
    /// Where the random numbers begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only topics of this kind.
    #[arg(long, value_parser = PossibleValuesParser::new(generate::KINDS.iter().map(|(name, ..)| *name)))]
    kind: Option<String>,
    /// Keep what differs in this folder: signatures and files.
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// Signatures that one start of clamscan is given.
const BATCH: usize = 200;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let mut tally = Tally::default();
    let mut number = 0;
    while tally.cases < arguments.cases {
        let mut random = Random::new(arguments.seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let topics: Vec<Topic> = (0..BATCH)
            .map(|index| generate::topic(&mut random, number + index, arguments.kind.as_deref()))
            .collect();
        number += BATCH;
        let (apart, together): (Vec<Topic>, Vec<Topic>) = topics.into_iter().partition(|topic| topic.apart);
        let batches = std::iter::once(&together[..]).chain(apart.chunks(1));
        for topics in batches.filter(|topics| !topics.is_empty()) {
            batch(topics, temporary.path(), arguments.keep.as_deref(), &mut tally).with_context(|| {
                format!("seed {}, signatures {} to {number}", arguments.seed, number - BATCH)
            })?;
        }
        println!(
            "{:>6} cases, {} findings of both, {} unexplained",
            tally.cases, tally.agreed, tally.unexplained
        );
    }
    println!("seed {}: {} cases, {} findings of both engines", arguments.seed, tally.cases, tally.agreed);
    if tally.crashes > 0 {
        println!("  {:>6} crashes of clamscan; what it was given was tried again in parts", tally.crashes);
    }
    for (name, count) in &tally.explained {
        println!("  {count:>6} explained by {name}");
    }
    if tally.unexplained > 0 {
        bail!("{} differences without an explanation", tally.unexplained);
    }
    Ok(())
}

/// Files of `count` signatures of the kinds that search what is in a file.
pub(crate) fn signatures(random: &mut Random, count: usize) -> Vec<(String, String)> {
    let topics: Vec<Topic> = (0..count).map(|number| generate::topic(random, number, None)).collect();
    let searching = |(name, _): &(String, String)| name.ends_with(".ndb") || name.ends_with(".ldb");
    scan::databases(&topics).into_iter().filter(searching).collect()
}

#[derive(Default)]
struct Tally {
    cases: usize,
    agreed: usize,
    explained: BTreeMap<&'static str, usize>,
    unexplained: usize,
    crashes: usize,
}

fn batch(topics: &[Topic], folder: &Path, keep: Option<&Path>, tally: &mut Tally) -> anyhow::Result<()> {
    let files: Vec<(&Topic, &File)> =
        topics.iter().flat_map(|topic| topic.files.iter().map(move |file| (topic, file))).collect();
    let contents: Vec<&File> = files.iter().map(|(_, file)| *file).collect();
    let databases = scan::databases(topics);
    let mut crashed = BTreeSet::new();
    let theirs = match scan::clamscan(folder, &databases, &contents) {
        Ok(found) => found,
        Err(error) if error.is::<scan::Crash>() => {
            tally.crashes += 1;
            if topics.len() > 1 {
                let (left, right) = topics.split_at(topics.len() / 2);
                batch(left, folder, keep, tally)?;
                return batch(right, folder, keep, tally);
            }
            by_file(folder, &databases, &contents, &mut crashed)?
        }
        Err(error) => return Err(blame(topics, folder, error)),
    };
    let ours = scan::candor(&databases, &contents)?;
    tally.cases += files.len();
    tally.agreed += ours.intersection(&theirs).count();

    for (number, name) in ours.symmetric_difference(&theirs) {
        if crashed.contains(number) {
            continue;
        }
        let candor = ours.contains(&(*number, name.clone()));
        let Some(topic) = topics.iter().find(|topic| name == &topic.name) else {
            bail!("a finding of no signature: {name}");
        };
        let Some((_, file)) = files.get(*number) else { continue };
        // Alone, to tell what is between signatures from what is in one.
        let alone = scan::databases([topic]);
        let theirs_alone = by_file(folder, &alone, &[file], &mut BTreeSet::new())?;
        let ours_alone = scan::candor(&alone, &[file])?;
        let Some((extension, text)) = topic.lines.first() else { continue };
        let difference = Difference { extension, text, lines: &topic.lines, candor, file };
        let rule = if theirs_alone == ours_alone && ours_alone.is_empty() != candor {
            Some("interference")
        } else {
            RULES.iter().find(|rule| (rule.explains)(&difference)).map(|rule| rule.name)
        };
        match rule {
            Some(rule) => *tally.explained.entry(rule).or_default() += 1,
            None => {
                let who = if candor { "only Candor" } else { "only ClamAV" };
                report(tally, keep, topic, file, &format!("{who} finds it"))?;
            }
        }
    }
    // The definition speaks of body and logical signatures only, and of icons.
    let mut first = 0;
    for topic in topics {
        let naive = scan::naive(topic, first);
        let one_layer = topic.lines.iter().all(|(extension, _)| matches!(*extension, "idb" | "ldb" | "ndb"));
        for (number, file) in (first..).zip(&topic.files) {
            let finding = (number, topic.name.clone());
            if one_layer && file.known.is_some() && naive.contains(&finding) != ours.contains(&finding) {
                let who = if naive.contains(&finding) { "naive" } else { "real" };
                report(tally, keep, topic, file, &format!("only the {who} matcher finds it"))?;
            }
        }
        first += topic.files.len();
    }
    Ok(())
}

/// Asks ClamAV about one file after the other, and says at which it crashes.
fn by_file(
    folder: &Path,
    databases: &[(String, String)],
    files: &[&File],
    crashed: &mut BTreeSet<usize>,
) -> anyhow::Result<scan::Found> {
    let mut found = scan::Found::new();
    for (number, file) in files.iter().enumerate() {
        match scan::clamscan(folder, databases, &[file]) {
            Ok(one) => found.extend(one.into_iter().map(|(_, name)| (number, name))),
            Err(error) if error.is::<scan::Crash>() => {
                crashed.insert(number);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Says which signature kept ClamAV from loading the batch.
fn blame(topics: &[Topic], folder: &Path, error: anyhow::Error) -> anyhow::Error {
    let mut lines = Vec::new();
    for topic in topics {
        let files: Vec<&File> = topic.files.iter().collect();
        if let Err(error) = scan::clamscan(folder, &scan::databases([topic]), &files) {
            let reason = error.to_string();
            lines.push(format!(
                "{:?}\n    {}",
                topic.lines,
                reason.lines().take(3).collect::<Vec<_>>().join(" ")
            ));
        }
    }
    error.context(format!("the generator made what ClamAV does not take:\n{}", lines.join("\n")))
}

fn report(
    tally: &mut Tally,
    keep: Option<&Path>,
    topic: &Topic,
    file: &File,
    what: &str,
) -> anyhow::Result<()> {
    tally.unexplained += 1;
    println!("{what}:");
    for (extension, line) in &topic.lines {
        println!("    {extension}: {line}");
    }
    if file.bytes.len() <= 400 {
        println!("    file: {}", String::from_utf8_lossy(&file.bytes).escape_debug());
        println!("    hex:  {}", pattern::hex(&file.bytes));
    } else {
        println!("    file of {} bytes", file.bytes.len());
    }
    if let Some(keep) = keep {
        let folder = keep.join(format!("{}-{}", topic.name, tally.unexplained));
        std::fs::create_dir_all(&folder)?;
        for (extension, line) in &topic.lines {
            std::fs::write(folder.join(format!("signature.{extension}")), format!("{line}\n"))?;
        }
        std::fs::write(folder.join("file"), &file.bytes)?;
    }
    Ok(())
}
