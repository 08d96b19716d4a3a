//! An audit of a root: how long it takes to walk, to read, to match and to report, and how many of its files are
//! opened for that.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use candor_fixtures::{roots, vendors};
use clap::Args;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The `candor` binary, built for release.
    #[arg(long)]
    candor: PathBuf,
    /// The root; one of many files is made when there is none.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Files of the root that is made.
    #[arg(long, default_value_t = 200_000)]
    files: usize,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = match &arguments.root {
        Some(root) => root.clone(),
        None => {
            make(folder.path(), arguments.files)?;
            folder.path().to_path_buf()
        }
    };
    let output = tempfile::NamedTempFile::new()?;
    for (name, is_cold) in [("cold", true), ("warm", false)] {
        let is_cold = is_cold && forget();
        let name = if name == "cold" && !is_cold { "first (caches could not be dropped)" } else { name };
        let began = Instant::now();
        let status = Command::new(&arguments.candor)
            .args(["audit", "--format", "json", "--output"])
            .arg(output.path())
            .arg(&root)
            .status()?;
        let took = began.elapsed();
        if !matches!(status.code(), Some(0..=2)) {
            bail!("candor ended with {status}");
        }
        let report = std::fs::read_to_string(output.path())?;
        let number = |key: &str| -> Result<u64> {
            let (_, rest) = report.split_once(&format!("\"{key}\": ")).context("a report has a summary")?;
            Ok(rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse()?)
        };
        let (items, found) = (number("items")?, number("found")?);
        // Of a root that is made it is known what is on it: what does not find it is not what is measured.
        if arguments.root.is_none() && found == 0 {
            bail!("what was planted was not found");
        }
        let states = |state: &str| report.matches(&format!("\"state\": \"{state}\"")).count();
        println!(
            "{name}: {:.2} s; {} files were opened ({} wholly read), {items} things seen, {found} findings",
            took.as_secs_f64(),
            states("read") + states("partly") + states("not-read"),
            states("read"),
        );
    }
    Ok(())
}

/// Drops what the kernel keeps of files; only root may.
fn forget() -> bool {
    let synced = Command::new("sync").status().is_ok_and(|status| status.success());
    synced && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// A root with what package managers have, and many files beside it, as on a desktop: documentation, libraries,
/// icons, a few lock files; and, once each, what identifies vendors.
fn make(root: &Path, files: usize) -> Result<()> {
    for (path, bytes) in roots::linux(&vendors::linux()) {
        put(&root.join(path), &bytes)?;
    }
    for number in 0..files {
        let folder = match number % 10 {
            0..=2 => "usr/share/doc",
            3 | 4 => "usr/share/icons/theme/48x48",
            5..=7 => "usr/lib/x86_64-linux-gnu",
            8 => "usr/lib/python3/dist-packages",
            _ => "home/u/project/node_modules",
        };
        let package = format!("package{}", number / 50);
        let (name, bytes): (String, &[u8]) = match number % 500 {
            9 => ("package.json".to_owned(), br#"{"name":"a-package","version":"1.0.0"}"#),
            18 => ("METADATA".to_owned(), b"Metadata-Version: 2.1\nName: a-package\nVersion: 1.0\n"),
            _ => (format!("file{number}.so"), b"\x7fELF and what follows"),
        };
        let package = if name == "METADATA" { format!("{package}.dist-info") } else { package };
        put(&root.join(folder).join(package).join(name), bytes)?;
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::create_dir_all(path.parent().context("a path has a folder")?)?;
    Ok(std::fs::write(path, bytes)?)
}
