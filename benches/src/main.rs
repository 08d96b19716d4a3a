//! Measurements of the parts: `matcher` for now. Whole programs are measured by `cargo xtask bench`.

mod matcher;
mod sources;

use clap::Parser;

#[derive(Debug, Parser)]
enum Command {
    /// How fast the matcher goes over bytes in memory, beside other engines with the same patterns.
    Matcher(matcher::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Matcher(arguments) => matcher::run(&arguments),
    }
}
