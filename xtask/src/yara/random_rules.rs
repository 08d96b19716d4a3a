//! Random rules beside YARA's answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Arguments;
use super::engines::{Found, Ours, theirs};
use super::generate::{Topic, topic};
use crate::random::Random;

/// Rules that one start of YARA is given.
const BATCH: usize = 60;

#[derive(Default)]
struct Tally {
    cases: usize,
    found: usize,
    differences: usize,
    told: usize,
}

pub(super) fn compare(arguments: &Arguments) -> anyhow::Result<String> {
    let temporary = tempfile::tempdir()?;
    let mut tally = Tally { told: arguments.told, ..Tally::default() };
    let mut number = 0;
    while tally.cases < arguments.cases {
        let mut random = Random::new(arguments.seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let topics: Vec<Topic> = (number..number + BATCH).map(|number| topic(&mut random, number)).collect();
        number += BATCH;
        batch(&topics, temporary.path(), arguments.keep.as_deref(), &mut tally)
            .with_context(|| format!("seed {}, rules {} to {number}", arguments.seed, number - BATCH))?;
    }
    let said = format!(
        "seed {}: {} cases, {} findings of both engines, {} differences",
        arguments.seed, tally.cases, tally.found, tally.differences
    );
    if tally.differences > 0 {
        bail!("{said}");
    }
    Ok(said)
}

fn batch(topics: &[Topic], folder: &Path, keep: Option<&Path>, tally: &mut Tally) -> anyhow::Result<()> {
    let text: String =
        "import \"math\"\n".to_owned() + &topics.iter().map(|topic| topic.text.as_str()).collect::<String>();
    let rules = folder.join("rules.yar");
    std::fs::write(&rules, &text)?;
    let contents: Vec<&[u8]> =
        topics.iter().flat_map(|topic| topic.files.iter().map(Vec::as_slice)).collect();
    let mut files: Vec<PathBuf> = Vec::new();
    for (number, content) in contents.iter().enumerate() {
        let path = folder.join(format!("file{number}"));
        std::fs::write(&path, content)?;
        files.push(path);
    }
    let theirs = match theirs(&rules, &folder.join("list"), &files)? {
        Ok(found) => found,
        Err(said) => bail!("the generator made what YARA does not take: {said}"),
    };
    let ours = Ours::of("rules.yar", text.as_bytes())?;
    if !ours.refused.is_empty() {
        bail!("Candor refuses what YARA takes:\n{}\n{text}", ours.refused.join("\n"));
    }
    let (found, _): (Found, _) = ours.scan(&contents);
    tally.cases += contents.len();
    tally.found += found.intersection(&theirs).count();
    let differing: BTreeSet<&(usize, String)> = found.symmetric_difference(&theirs).collect();
    for (number, name) in differing {
        tally.differences += 1;
        if tally.told == 0 {
            continue;
        }
        tally.told -= 1;
        let who = if found.contains(&(*number, name.clone())) { "only Candor" } else { "only YARA" };
        let rule = topics.iter().find(|topic| topic.name == *name).map_or("", |topic| topic.text.as_str());
        let content = contents.get(*number).copied().unwrap_or_default();
        println!("{who} finds it:\n{rule}    file: {}", content.escape_ascii());
        if let Some(keep) = keep {
            let folder = keep.join(format!("{name}-{}", tally.differences));
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("rule.yar"), format!("import \"math\"\n{rule}"))?;
            std::fs::write(folder.join("file"), content)?;
        }
    }
    Ok(())
}
