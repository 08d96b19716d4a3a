//! The raw matcher: bytes in memory, one core, no hashing, no reading.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use candor_database::{Hit, Image, Scratch, Subject};
use candor_model::{Facts, FileType, Limits, Target};
use clap::Args;

use crate::peers::{self, Literals};
use crate::sources;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder of ClamAV databases.
    #[arg(long)]
    database: PathBuf,
    /// Folder of files.
    #[arg(long, default_value = "/usr/bin")]
    files: PathBuf,
    /// Mebibytes of files.
    #[arg(long, default_value_t = 256)]
    size: usize,
    /// Runs; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Classes whose signatures are searched for.
    #[arg(long, value_delimiter = ',', default_values_t = [6, 1, 0])]
    targets: Vec<u32>,
    /// Leave the other engines out.
    #[arg(long)]
    alone: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let image = sources::image(&arguments.database)?;
    println!("compiled in {:.2} s: {} signatures", start.elapsed().as_secs_f64(), image.info().signatures);
    for section in image.info().sections {
        println!("  {:>12} {}", section.length, section.name);
    }
    let files = sources::bytes(&arguments.files, arguments.size << 20)?;
    let total: usize = files.iter().map(Vec::len).sum();
    println!("{} files, {:.0} MB", files.len(), total as f64 / 1e6);
    let copied = median(arguments.runs, || {
        let mut to = vec![0_u8; files.iter().map(Vec::len).max().unwrap_or(0)];
        for file in &files {
            to[..file.len()].copy_from_slice(std::hint::black_box(file));
            std::hint::black_box(&mut to);
        }
    });
    let rate = |seconds: f64| total as f64 / 1e6 / seconds;
    println!("memcpy: {:.0} MB/s", rate(copied));
    let literals = if arguments.alone { None } else { Some(Literals::of(&arguments.database)?) };
    for target in &arguments.targets {
        let Some(target) = Target::from_number(*target) else { continue };
        let mut hits = 0;
        let seconds = median(arguments.runs, || hits = search(&image, &files, target));
        println!(
            "class {target:?}: candor {:.0} MB/s, {hits} hits, memcpy is {:.0} times as fast",
            rate(seconds),
            seconds / copied
        );
        let Some(literals) = literals.as_ref().map(|literals| literals.for_target(target)) else { continue };
        println!("  the others, {} fixed strings:", literals.len());
        peers::each(&literals, &mut |engine| {
            let mut found = 0;
            // Once: they are slow, and as slow each time.
            let theirs = median(1, || found = files.iter().map(|file| (engine.count)(file)).sum::<u64>());
            println!(
                "  {}: {:.0} MB/s, {found} occurrences, made in {:.1} s; candor is {:.1} times as fast",
                engine.name,
                rate(theirs),
                engine.build,
                theirs / seconds
            );
        })?;
    }
    Ok(())
}

fn search(image: &Image, files: &[Vec<u8>], target: Target) -> usize {
    let facts = Facts::default();
    let mut scratch = Scratch::new();
    let mut hits: Vec<Hit> = Vec::new();
    for file in files {
        let subject = Subject {
            bytes: file,
            file_type: FileType::BinaryData,
            target,
            file_size: file.len() as u64,
            facts: &facts,
            parents: &[],
            rules: None,
        };
        image.search(&subject, &Limits::default(), &mut scratch, &mut hits);
    }
    hits.len()
}

fn median(runs: usize, mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..runs.max(1))
        .map(|_| {
            let start = processor_time();
            work();
            processor_time() - start
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Processor time of this thread, in seconds: other work on the machine does not count.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
