//! Small files against many logical signatures: what a signature costs that nothing points to.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::whole::{Programs, best, compare, measure};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The `candor` binary, built for release.
    #[arg(long)]
    candor: PathBuf,
    /// Logical signatures.
    #[arg(long, default_value_t = 50_000)]
    signatures: usize,
    /// Bytes of a file.
    #[arg(long, default_value_t = 300)]
    size: usize,
}

/// Files that each program scans: clamscan takes a tenth of a second for one.
const OURS: usize = 2_000;
const THEIRS: usize = 20;

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("database");
    std::fs::create_dir(&database)?;
    std::fs::write(database.join("made.ldb"), text(arguments.signatures))?;
    let programs = Programs::new(&arguments.candor, &database, folder.path())?;
    let mut costs = Vec::new();
    for (name, count) in [("one", 1), ("ours", OURS), ("theirs", THEIRS)] {
        let files = folder.path().join(name);
        crate::whole::write_files(&files, count, arguments.size)?;
        costs.push(files);
    }
    let [one, many, few] = costs.as_slice() else { return Ok(()) };
    let ours = best(|| measure(&mut programs.candor(many)))?.processor
        - best(|| measure(&mut programs.candor(one)))?.processor;
    let theirs = best(|| measure(&mut programs.clamscan(few)))?.processor
        - best(|| measure(&mut programs.clamscan(one)))?.processor;
    let ours = ours / (OURS - 1) as f64 * 1e3;
    println!(
        "a file of {} bytes, {} logical signatures: candor {ours:.4} ms processor time",
        arguments.size, arguments.signatures
    );
    compare("  clamscan", "ms", theirs / (THEIRS - 1) as f64 * 1e3, ours);
    Ok(())
}

/// Signatures of two to four strings each, of which all must be there.
fn text(count: usize) -> String {
    let mut state = 7_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let mut text = String::new();
    for number in 0..count {
        let strings = 2 + next() % 3;
        let all: Vec<String> = (0..strings).map(|index| index.to_string()).collect();
        let _ = write!(text, "Made.Logical-{number};Engine:81-255,Target:0;{}", all.join("&"));
        for _ in 0..strings {
            text.push(';');
            for _ in 0..8 + next() % 17 {
                let _ = write!(text, "{:02x}", next() & 0xff);
            }
        }
        text.push('\n');
    }
    text
}
