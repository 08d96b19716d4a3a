//! Measurements: of the matcher by itself, and of whole programs.

mod jail;
mod matcher;
mod sources;
mod whole;

use clap::Parser;

#[derive(Debug, Parser)]
enum Command {
    /// What the jail costs.
    Jail(jail::Arguments),
    /// How fast the matcher goes over bytes in memory, beside other engines with the same patterns.
    Matcher(matcher::Arguments),
    /// Candor and clamscan over the same files with the same signatures.
    Whole(whole::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Jail(arguments) => jail::run(&arguments),
        Command::Matcher(arguments) => matcher::run(&arguments),
        Command::Whole(arguments) => whole::run(&arguments),
    }
}
