//! Counts what becomes of the lines of ClamAV databases: `accept [--level N] [--quiet] [--build] FILE...`
//!
//! Each file is loaded on its own into a receiver that only counts, so the time is that of parsing; with
//! `--build` into the builder of images, whose refusals then count too.
//! The columns are those of a source summary; diagnostics go to standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring tool speaks to its terminal")]

use std::path::Path;
use std::time::Instant;

use candor_database::Builder;
use candor_database::ir::{Header, Receiver, Refusal, Signature, Source, SourceId};
use candor_signature::clamav::{Options, load};
use candor_signature::{Input, Severity};

#[derive(Default)]
struct Counter(u64);

impl Receiver for Counter {
    fn source(&mut self, _source: Source) -> Result<SourceId, Refusal> {
        Ok(SourceId(0))
    }

    fn add(&mut self, header: Header<'_>, signature: Signature) -> Result<(), Refusal> {
        self.0 = self.0.wrapping_add(u64::try_from(header.name.len()).unwrap_or(0));
        drop(signature);
        Ok(())
    }
}

fn main() -> std::io::Result<()> {
    let mut options = Options::default();
    let mut quiet = false;
    let mut build = false;
    let mut arguments = std::env::args().skip(1);
    println!(
        "{:>9} {:>6} {:>7} {:>6} {:>7} {:>8}  file",
        "accepted", "level", "ignored", "unused", "refused", "ms"
    );
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--level" => {
                options.level =
                    arguments.next().and_then(|level| level.parse().ok()).unwrap_or(options.level);
                continue;
            }
            "--quiet" => {
                quiet = true;
                continue;
            }
            "--build" => {
                build = true;
                continue;
            }
            _ => {}
        }
        let bytes = std::fs::read(&argument)?;
        let name = Path::new(&argument).file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let start = Instant::now();
        let (mut counter, mut builder) = (Counter::default(), Builder::new());
        let receiver: &mut dyn Receiver = if build { &mut builder } else { &mut counter };
        let summaries = load(&[Input { name: &name, bytes: &bytes }], options, receiver, &mut |diagnostic| {
            if !quiet || diagnostic.severity == Severity::Error {
                eprintln!("{:?} {diagnostic}", diagnostic.severity);
            }
        });
        let spent = start.elapsed().as_millis();
        for summary in summaries {
            println!(
                "{:>9} {:>6} {:>7} {:>6} {:>7} {spent:>8}  {}",
                summary.accepted,
                summary.other_level,
                summary.ignored,
                summary.unused,
                summary.refused,
                summary.source
            );
        }
    }
    Ok(())
}
