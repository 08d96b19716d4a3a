//! Tasks of the workspace that are more than one cargo command: `cargo xtask --help`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a task speaks to the terminal it was started from")]

mod construct;
mod oracle;
mod random;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(about = "Tasks of the Candor workspace")]
enum Task {
    /// Compare Candor with ClamAV on random signatures and files.
    Oracle(oracle::Arguments),
    /// Build a file for each of many signatures, and look for the signature in it.
    Construct(construct::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Oracle(arguments) => oracle::run(&arguments),
        Task::Construct(arguments) => construct::run(&arguments),
    }
}
