//! Pages of the reference that are made from the program, so that they cannot say anything else than it.

mod command_line;
mod formats;
mod manual;
mod policy;
mod readers;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Write nothing; fail when a page is not as it would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the pages.
///
/// # Errors
/// A page is out of date and may not be written, or cannot be.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let root = crate::root()?;
    let folder = Path::new("docs/reference");
    let vendors = candor_policy::policy::Policy::built_in()?;
    let mut files = vec![
        (folder.join("command-line.md"), command_line::page()),
        (folder.join("formats.md"), formats::page()),
        (folder.join("readers.md"), readers::page()),
        (folder.join("regimes.md"), policy::regimes(&vendors)),
        (folder.join("vendors.md"), policy::vendors(&vendors)),
    ];
    files.extend(manual::files()?);
    let mut old = Vec::new();
    for (name, text) in files {
        let path = root.join(&name);
        let name = name.display().to_string();
        if fs::read_to_string(&path).is_ok_and(|held| held == text) {
            continue;
        }
        if arguments.check {
            old.push(name);
        } else {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, text).with_context(|| path.display().to_string())?;
            println!("{name} is written");
        }
    }
    if !old.is_empty() {
        bail!("out of date: {}; run `cargo xtask docs`", old.join(", "));
    }
    Ok(())
}
