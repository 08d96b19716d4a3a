//! The command line of Candor: arguments, reading files, printing. It decides nothing about files;
//! that is the engine's.
//!
//! The way of a run is `cli -> settings -> commands -> printer`: `cli` says what may be asked,
//! `settings` turns it into values of the engine, a command does the work, and `printer` is the
//! only place that writes to standard output and standard error.
#![forbid(unsafe_code)]

pub mod clamav;
mod cli;
mod commands;
mod escape;
mod exit;
pub mod fetcher;
mod inventory;
mod printer;
mod scan;
mod settings;
pub mod store;
mod token;
mod units;
pub mod update;

use std::path::PathBuf;
use std::process::ExitCode;

use candor_update::clamav::Trust;
use clap::{CommandFactory as _, Parser as _};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::printer::Printer;

/// Whom this program believes about ClamAV's databases, and who fetches for it.
#[derive(Clone, Debug)]
pub struct Program {
    /// Whose signatures are believed.
    pub trust: Trust,
    /// The program that opens connections.
    pub fetcher: PathBuf,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    main_with(&Program { trust: Trust::published(), fetcher: fetcher::find() })
}

/// As [`main()`], for a program that believes others. There is no option for that.
#[must_use]
pub fn main_with(program: &Program) -> ExitCode {
    let cli = Cli::parse();
    let mut printer = Printer::new(cli.color);
    let exit = commands::run(cli.command, program, &mut printer).unwrap_or_else(|error| {
        printer.error(&format!("{error:#}"));
        Exit::Failed
    });
    printer.finish(exit).into()
}

/// The command line, for completions and manual pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
