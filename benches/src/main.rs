//! Measurements: of the matcher by itself, and of whole programs.

mod matcher;
mod sources;
mod whole;

use clap::Parser;

#[derive(Debug, Parser)]
enum Command {
    /// How fast the matcher goes over bytes in memory, beside other engines with the same patterns.
    Matcher(matcher::Arguments),
    /// Candor and clamscan over the same files with the same signatures.
    Whole(whole::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Matcher(arguments) => matcher::run(&arguments),
        Command::Whole(arguments) => whole::run(&arguments),
    }
}
