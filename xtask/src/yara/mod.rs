//! Candor against YARA: what its modules say of programs, rules that people wrote, and random ones.
//!
//! Debian's `yara` is the oracle, run as a program. Both get the same rules and the same files; every difference is
//! told.

mod engines;
mod generate;
mod modules;
mod random_rules;
mod sets;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

/// What to compare.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Number of cases: pairs of a random rule and a file that was made for it.
    #[arg(long, default_value_t = 0)]
    pub(crate) cases: usize,
    /// Compare what modules say of every file in these folders.
    #[arg(long, value_name = "FOLDER")]
    modules: Vec<PathBuf>,
    /// Compile the rules in these folders, and compare what is found with them in --files.
    #[arg(long, value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// Folders of files for --rules.
    #[arg(long, value_name = "FOLDER")]
    files: Vec<PathBuf>,
    /// Keep what differs in this folder: rules and files.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Of each file compare so many copies, too, that are damaged.
    #[arg(long, default_value_t = 0)]
    damaged: usize,
    /// Where the random numbers begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many differences are told in full.
    #[arg(long, default_value_t = 20)]
    told: usize,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if !arguments.modules.is_empty() {
        modules::compare(arguments)?;
    }
    if !arguments.rules.is_empty() {
        sets::compare(arguments)?;
    }
    if arguments.cases > 0 {
        println!("{}", random_rules::compare(arguments)?);
    }
    Ok(())
}

/// Compares so many cases of random rules; says what came of it.
///
/// # Errors
/// Something differs, or `yara` does not run.
pub(crate) fn random(cases: usize, seed: u64) -> anyhow::Result<String> {
    random_rules::compare(&Arguments {
        cases,
        seed,
        modules: Vec::new(),
        rules: Vec::new(),
        files: Vec::new(),
        keep: None,
        damaged: 0,
        told: 20,
    })
}

/// Every regular file in some folders, in order.
fn files(folders: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    fn walk(path: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
        let kind = std::fs::symlink_metadata(path).with_context(|| path.display().to_string())?.file_type();
        if kind.is_dir() {
            let mut inside: Vec<PathBuf> =
                std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
            inside.sort();
            inside.iter().try_for_each(|path| walk(path, found))?;
        } else if kind.is_file() {
            found.push(path.to_path_buf());
        }
        Ok(())
    }
    let mut found = Vec::new();
    folders.iter().try_for_each(|folder| walk(folder, &mut found))?;
    Ok(found)
}
