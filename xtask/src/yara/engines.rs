//! Runs both engines over the same rules and files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use candor_database::{Builder, Image};
use candor_engine::{Options, Scanner};
use candor_model::{Interrupt, LayerId, Limits};
use candor_signature::{Input, Severity};

/// What was found: number of a file, and name of a rule.
pub(super) type Found = BTreeSet<(usize, String)>;

/// Rules of one file, as Candor takes them.
pub(super) struct Ours {
    image: Image,
    /// Rules that cannot be used or that nothing could match, a line each.
    pub(super) refused: Vec<String>,
    /// How many can be.
    pub(super) accepted: u64,
}

impl Ours {
    /// Compiles rules; whatever else stands in `folder` may be included.
    pub(super) fn of(name: &str, text: &[u8]) -> anyhow::Result<Self> {
        let mut builder = Builder::new();
        let mut refused = Vec::new();
        let inputs = [Input { name, bytes: text }];
        let options = candor_signature::clamav::Options::default();
        let summaries = candor_signature::clamav::load(&inputs, options, &mut builder, &mut |diagnostic| {
            if diagnostic.severity == Severity::Error {
                refused.push(diagnostic.to_string());
            }
        });
        let accepted = summaries.iter().map(|summary| summary.accepted).sum();
        Ok(Self { image: Image::from_vec(builder.finish()?)?, refused, accepted })
    }

    /// Asks about the files themselves, not about what is in them.
    pub(super) fn scan(&self, files: &[&[u8]]) -> (Found, Vec<usize>) {
        let limits = Limits {
            max_file_size: 1 << 40,
            max_scan_size: 1 << 40,
            // The file itself is one deep.
            max_depth: 1,
            regex_steps: 1 << 40,
            search_steps: 1 << 40,
            ..Limits::default()
        };
        let mut scanner =
            Scanner::new(&self.image, Options { limits, all_matches: true, ..Options::default() });
        let mut found = Found::new();
        let mut unfinished = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let report = scanner.scan(file, "", &Interrupt::new());
            let own = report
                .findings
                .into_iter()
                .filter(|finding| finding.layer == LayerId::default() && finding.normalised.is_none());
            found.extend(own.map(|finding| {
                let name = finding.signature.strip_prefix("YARA.").unwrap_or(&finding.signature);
                (number, name.to_owned())
            }));
            if report.incomplete.iter().any(|reason| format!("{reason:?}").contains("Steps")) {
                unfinished.push(number);
            }
        }
        (found, unfinished)
    }
}

/// Asks YARA. `None` when it does not take the rules; what it says of them.
pub(super) fn theirs(rules: &Path, list: &Path, files: &[PathBuf]) -> anyhow::Result<Result<Found, String>> {
    let mut text = String::new();
    for file in files {
        writeln!(text, "{}", file.display())?;
    }
    std::fs::write(list, text)?;
    let numbers: BTreeMap<&Path, usize> =
        files.iter().enumerate().map(|(number, path)| (path.as_path(), number)).collect();
    let mut command = Command::new("yara");
    command.args(["--no-warnings", "--scan-list", "--threads=1"]);
    for external in ["filename", "filepath", "extension", "filetype", "owner"] {
        command.arg(format!("--define={external}="));
    }
    let output = command
        .arg(rules)
        .arg(list)
        .output()
        .context("yara cannot be started: is the package yara installed?")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        if output.status.code().is_none() {
            bail!("yara: {}", output.status);
        }
        return Ok(Err(said));
    }
    // It ends well, also when it gave up a file.
    if let Some(failure) = said.lines().find(|line| line.starts_with("error")) {
        bail!("yara: {failure}");
    }
    let mut found = Found::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (name, path) = line.split_once(' ').with_context(|| format!("yara says {line}"))?;
        let number =
            numbers.get(Path::new(path)).with_context(|| format!("yara names an unknown file: {path}"))?;
        found.insert((*number, name.to_owned()));
    }
    Ok(Ok(found))
}
