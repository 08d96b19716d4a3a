//! Runs both engines over the same signatures and files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use candor_database::ir::Signature;
use candor_database::{Builder, Image, Subject};
use candor_engine::{Options, Scanner};
use candor_fixtures::collect::Collection;
use candor_fixtures::naive::{MacroGroups, body_matches, logical_matches};
use candor_model::{Interrupt, Limits};
use candor_signature::{Input, Severity};

use super::generate::{File, Topic};

/// What was found: number of a file among all files, and name of a signature.
pub(super) type Found = BTreeSet<(usize, String)>;

/// The database files that `topics` make.
pub(super) fn databases<'a>(topics: impl IntoIterator<Item = &'a Topic>) -> Vec<(String, String)> {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for topic in topics {
        for (extension, line) in &topic.lines {
            let text = files.entry(extension).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    files.into_iter().map(|(extension, text)| (format!("oracle.{extension}"), text)).collect()
}

/// Asks ClamAV. Everything that limits a scan or adds findings of its own is off.
pub(super) fn clamscan(
    folder: &Path,
    databases: &[(String, String)],
    files: &[&File],
) -> anyhow::Result<Found> {
    let (database, data) = write(folder, databases, files)?;
    let output = Command::new("clamscan")
        .arg("--database")
        .arg(&database)
        .args(["--recursive", "--allmatch", "--no-summary", "--heuristic-alerts=no", "--phishing-sigs=no"])
        .args(["--max-scantime=0", "--max-filesize=0", "--max-scansize=0", "--max-files=0"])
        .arg(&data)
        .output()
        .context("clamscan cannot be started: is the package clamav installed?")?;
    if output.status.code().is_none() {
        return Err(Crash(output.status.to_string()).into());
    }
    if !matches!(output.status.code(), Some(0 | 1)) {
        bail!("clamscan: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let mut found = Found::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some(line) = line.strip_suffix(" FOUND") else { continue };
        let Some((path, name)) = line.rsplit_once(": ") else { continue };
        let number = path.rsplit('/').next().and_then(|name| name.parse().ok());
        let number = number.with_context(|| format!("clamscan names an unknown file: {path}"))?;
        found.insert((number, name.strip_suffix(".UNOFFICIAL").unwrap_or(name).to_owned()));
    }
    Ok(found)
}

/// Writes databases and files into folders of their own, and says which.
pub(super) fn write(
    folder: &Path,
    databases: &[(String, String)],
    files: &[&File],
) -> anyhow::Result<(PathBuf, PathBuf)> {
    let (database, data) = (folder.join("database"), folder.join("data"));
    for path in [&database, &data] {
        if path.exists() {
            std::fs::remove_dir_all(path)?;
        }
        std::fs::create_dir_all(path)?;
    }
    for (name, text) in databases {
        std::fs::write(database.join(name), text)?;
    }
    for (number, file) in files.iter().enumerate() {
        std::fs::write(data.join(number.to_string()), &file.bytes)?;
    }
    Ok((database, data))
}

/// ClamAV ended by a signal.
#[derive(Debug)]
pub(super) struct Crash(String);

impl std::fmt::Display for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "clamscan: {}", self.0)
    }
}

impl std::error::Error for Crash {}

/// Asks Candor.
pub(super) fn candor(databases: &[(String, String)], files: &[&File]) -> anyhow::Result<Found> {
    let inputs: Vec<Input<'_>> =
        databases.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
    let mut builder = Builder::new();
    let mut said = Vec::new();
    candor_signature::clamav::load(
        &inputs,
        candor_signature::clamav::Options::default(),
        &mut builder,
        &mut |diagnostic| {
            if diagnostic.severity == Severity::Error {
                let text = databases
                    .iter()
                    .find(|(name, _)| *name == diagnostic.source)
                    .map_or("", |(_, text)| text);
                let line = usize::try_from(diagnostic.line).unwrap_or(0).wrapping_sub(1);
                said.push(format!("{diagnostic}\n    {}", text.lines().nth(line).unwrap_or_default()));
            }
        },
    );
    if !said.is_empty() {
        bail!("Candor refuses what ClamAV loads:\n{}", said.join("\n"));
    }
    let image = Image::from_vec(builder.finish()?)?;
    let limits = Limits { max_file_size: 1 << 40, max_scan_size: 1 << 40, ..Limits::default() };
    let mut scanner = Scanner::new(&image, Options { limits, all_matches: true, ..Options::default() });
    let mut found = Found::new();
    for (number, file) in files.iter().enumerate() {
        let report = scanner.scan(&file.bytes, "file", &Interrupt::new());
        found.extend(report.findings.into_iter().map(|finding| (number, finding.signature)));
    }
    Ok(found)
}

/// Asks the definition, about one topic's own files of one layer, which stand from number `first` on.
pub(super) fn naive(topic: &Topic, first: usize) -> Found {
    let (collection, _) = Collection::load_all(&databases([topic]));
    let groups = MacroGroups::new(collection.signatures.iter().map(|named| &named.signature));
    let mut found = Found::new();
    for (number, file) in (first..).zip(&topic.files) {
        let Some((file_type, facts)) = &file.known else { continue };
        let subject = Subject {
            bytes: &file.bytes,
            file_type: *file_type,
            target: file_type.target(),
            file_size: file.bytes.len() as u64,
            facts,
            parents: &[],
            rules: None,
        };
        for named in &collection.signatures {
            let matches = match &named.signature {
                Signature::Body(body) => !body_matches(body, &groups, &subject).is_empty(),
                Signature::Logical(logical) => logical_matches(logical, &groups, &subject),
                _ => false,
            };
            if matches {
                found.insert((number, named.name.clone()));
            }
        }
    }
    found
}
