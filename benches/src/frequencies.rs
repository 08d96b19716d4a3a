//! Counts which runs of four bytes are common in ordinary files: the table `data/quads.bin` of the matcher, by which it
//! chooses what a pattern is found by. It decides how fast a search is, never what it finds.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::sample;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Folders of ordinary files to count in.
    #[arg(long, value_delimiter = ',', default_value = "/usr/lib,/usr/libexec,/usr/sbin,/usr/share")]
    files: Vec<PathBuf>,
    /// The table of pairs, to leave out what it says well enough.
    #[arg(long, default_value = "crates/candor-database/data/pairs.bin")]
    pairs: PathBuf,
    /// Where to write the table.
    #[arg(long, default_value = "crates/candor-database/data/quads.bin")]
    to: PathBuf,
}

/// Of one file so many bytes count at most, so that no single one decides.
const OF_ONE: u64 = 4 << 20;
/// What is rarer is left out, in eighths of a bit: one in 2^17 positions.
const RAREST: f64 = 136.0;
/// The table of pairs is good enough where it is no more off, in eighths of a bit.
const GOOD_ENOUGH: f64 = 8.0;

pub fn run(arguments: &Arguments) -> Result<()> {
    let pairs = std::fs::read(&arguments.pairs).context("cannot read the table of pairs")?;
    // One count for each run of four folded bytes: bit 5 of each is always set, so seven bits say it.
    let mut counts = vec![0_u32; 1 << 28];
    let mut total = 0_u64;
    for folder in &arguments.files {
        for file in sample::below(folder)? {
            let mut bytes = Vec::new();
            // What may not be read does not count.
            let Ok(file) = File::open(&file) else { continue };
            if file.take(OF_ONE).read_to_end(&mut bytes).is_err() {
                continue;
            }
            let mut run = 0_usize;
            for (number, byte) in bytes.iter().enumerate() {
                run = (run << 7 | dense(*byte)) & (counts.len() - 1);
                if number >= 3 {
                    counts[run] = counts[run].saturating_add(1);
                    total += 1;
                }
            }
        }
    }
    let mut table: Vec<(u32, u8)> = Vec::new();
    for (run, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let rare = (total as f64 / f64::from(*count)).log2() * 8.0;
        let parts = [run >> 21, run >> 14 & 127, run >> 7 & 127, run & 127];
        let estimate = f64::from(pairs[(128 << 7) | parts[0]])
            + parts.windows(2).map(|two| f64::from(pairs[two[0] << 7 | two[1]])).sum::<f64>();
        if rare <= RAREST && rare + GOOD_ENOUGH <= estimate {
            table.push((u32::from_le_bytes(parts.map(folded)), rare as u8));
        }
    }
    table.sort_unstable();
    let bytes: Vec<u8> =
        table.iter().flat_map(|(run, rare)| run.to_le_bytes().into_iter().chain([*rare])).collect();
    std::fs::write(&arguments.to, &bytes)?;
    println!("{total} runs counted, {} kept: {} bytes", table.len(), bytes.len());
    Ok(())
}

/// A folded byte as a number below 128.
fn dense(byte: u8) -> usize {
    usize::from(byte >> 6 << 5 | byte & 0x1f)
}

fn folded(dense: usize) -> u8 {
    (dense >> 5 << 6) as u8 | (dense & 0x1f) as u8 | 0x20
}
