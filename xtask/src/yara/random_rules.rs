//! Random rules beside YARA's answers.
//!
//! One difference is meant, and told apart by what it is: an expression with `fullword` of which not the length that it prefers stands
//! alone, but another one. YARA tries other lengths only before the bytes that it found the place by, Candor tries all of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use candor_database::Subject;
use candor_database::ir::{RuleString, Signature, StringForm};
use candor_fixtures::collect::Collection;
use candor_fixtures::naive::string_matches;
use candor_model::{Facts, FileType, Target};

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
    /// Differences that are meant.
    meant: usize,
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
        "seed {}: {} cases, {} findings of both engines, {} differences, and {} that are meant",
        arguments.seed, tally.cases, tally.found, tally.differences, tally.meant
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
        let content = contents.get(*number).copied().unwrap_or_default();
        let rule = topics.iter().find(|topic| topic.name == *name).map_or("", |topic| topic.text.as_str());
        if is_meant(rule, content) {
            tally.meant += 1;
            continue;
        }
        tally.differences += 1;
        if tally.told == 0 {
            continue;
        }
        tally.told -= 1;
        let who = if found.contains(&(*number, name.clone())) { "only Candor" } else { "only YARA" };
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

/// Whether some expression of a rule stands alone somewhere in a file, but not in the length that it prefers there.
fn is_meant(rule: &str, content: &[u8]) -> bool {
    let text = format!("import \"math\"\n{rule}");
    let (collection, _) = Collection::load_all(&[("rules.yar".to_owned(), text)]);
    let facts = Facts::default();
    let subject = Subject {
        bytes: content,
        file_type: FileType::BinaryData,
        target: Target::Other,
        file_size: content.len() as u64,
        facts: &facts,
        parents: &[],
        rules: None,
    };
    let rules = collection.signatures.iter().filter_map(|named| match &named.signature {
        Signature::Rule(rule) => Some(rule),
        _ => None,
    });
    rules.flat_map(|rule| &rule.strings).flat_map(alone).any(|string| {
        let preferred = string_matches(&RuleString { full_word: false, ..string.clone() }, &subject);
        string_matches(&string, &subject).iter().any(|found| !preferred.contains(found))
    })
}

/// An expression that must stand alone, by each of the ways that it is written in.
fn alone(string: &RuleString) -> Vec<RuleString> {
    let StringForm::Regex { regex, ascii, wide } = &string.form else { return Vec::new() };
    let ways = [(*ascii, true, false), (*wide, false, true)];
    ways.into_iter()
        .filter(|(wanted, ..)| *wanted && string.full_word)
        .map(|(_, ascii, wide)| {
            let form = StringForm::Regex { regex: regex.clone(), ascii, wide };
            RuleString { form, ..string.clone() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn a_difference_is_meant_only_where_another_length_stands_alone() {
        let rule = |string: &str| format!("rule R {{ strings: $a = {string} condition: $a }}");
        let longer = rule("/ab( c)?/ fullword");
        assert!(is_meant(&longer, b"ab c1"));
        assert!(is_meant(&longer, b"ab c, ab c1"));
        assert!(!is_meant(&longer, b"ab c"));
        assert!(!is_meant(&longer, b"xab c1, ab1"));
        assert!(!is_meant(&rule("/ab( c)?/"), b"ab c1"));
        assert!(!is_meant(&rule("\"ab\" fullword"), b"ab c1"));
    }
}
