//! Rules that people wrote, over files that are there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;

use super::Arguments;
use super::engines::{Ours, theirs};

/// What became of the files of rules in one folder.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    accepted: u64,
    refused: usize,
    /// Files of rules that YARA does not take.
    not_theirs: usize,
    found: usize,
    differences: usize,
}

pub(super) fn compare(arguments: &Arguments) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let list = temporary.path().join("list");
    let files = super::files(&arguments.files)?;
    let contents: Vec<Vec<u8>> = files.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    let mut by_folder: BTreeMap<PathBuf, Tally> = BTreeMap::new();
    let mut told = arguments.told;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for folder in &arguments.rules {
        let tally = by_folder.entry(folder.clone()).or_default();
        for path in super::files(std::slice::from_ref(folder))? {
            let is_rules =
                path.extension().is_some_and(|extension| extension == "yar" || extension == "yara");
            if !is_rules {
                continue;
            }
            tally.files += 1;
            let ours = Ours::of(&path.display().to_string(), &std::fs::read(&path)?)?;
            tally.accepted += ours.accepted;
            tally.refused += ours.refused.len();
            for line in &ours.refused {
                let reason = line.rsplit_once(": ").map_or(line.as_str(), |(_, reason)| reason);
                *reasons.entry(reason.to_owned()).or_default() += 1;
            }
            if files.is_empty() {
                continue;
            }
            let theirs = match theirs(&path, &list, &files)? {
                Ok(found) => found,
                Err(said) => {
                    tally.not_theirs += 1;
                    println!("{}: YARA: {}", path.display(), said.lines().next().unwrap_or_default());
                    continue;
                }
            };
            let (found, unfinished) = ours.scan(&contents);
            tally.found += found.intersection(&theirs).count();
            for (number, name) in found.symmetric_difference(&theirs) {
                let candor = found.contains(&(*number, name.clone()));
                let is_refused = ours.refused.iter().any(|line| line.contains(&format!("`{name}`")));
                if !candor && is_refused {
                    continue;
                }
                tally.differences += 1;
                if told > 0 {
                    told -= 1;
                    let who = if candor { "only Candor" } else { "only YARA" };
                    let steps = if unfinished.contains(number) { ", which took too many steps" } else { "" };
                    println!(
                        "{}: {who} finds {name} in {}{steps}",
                        path.display(),
                        files.get(*number).map_or_else(String::new, |path| path.display().to_string())
                    );
                }
            }
        }
    }
    let mut differences = 0;
    for (folder, tally) in &by_folder {
        println!(
            "{}: {} files, {} rules accepted, {} refused, {} files not taken by YARA, {} findings of both, {} differences",
            folder.display(),
            tally.files,
            tally.accepted,
            tally.refused,
            tally.not_theirs,
            tally.found,
            tally.differences
        );
        differences += tally.differences;
    }
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (reason, count) in reasons.iter().take(40) {
        println!("  {count:>6} {reason}");
    }
    if differences > 0 {
        bail!("{differences} differences");
    }
    Ok(())
}
