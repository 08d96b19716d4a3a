//! ClamAV's commands, with Candor behind them: the same options, lines and exit statuses, so that scripts and
//! cron jobs go on as they are.
//!
//! * `options`: the command lines. `console`: where lines go.
//! * `clamscan`: files and folders, scanned by jailed workers.
//! * `clamdscan`: the same, by asking a daemon. `action`: what is done about findings.
//! * `daemon`: `clamd` and `clamav-milter`, which are candord by other names.
//! * `sigtool`: makes and takes apart databases and signatures. `jailed`: how it reads what others wrote.
//! * `clamconf`: what is configured. `clambc`: what a bytecode says of itself.
//! * [`freshclam`]: keeps databases up to date.
//! * `manual`: the commands as values, for pages of the manual.
//! * `database`: which signatures are in force. `clock`: times as ClamAV writes them.
//!
//! Where ClamAV says `OK` of what it did not look at as a whole, so do these commands; a warning on standard
//! error says how often that happened. What differs: `docs/reference/clamav-commands.md`.
#![forbid(unsafe_code)]

mod action;
mod clambc;
mod clamconf;
mod clamdscan;
mod clamscan;
mod clock;
mod console;
mod daemon;
mod database;
pub mod freshclam;
mod jailed;
mod manual;
mod options;
mod sigtool;

pub use manual::commands;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// The version of ClamAV whose commands these are. Programs that read their output look for it.
pub(crate) const CLAMAV: &str = "1.4.6";

/// Runs the command that this process was started as.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let mut name = Path::new(&program).file_name().unwrap_or_default().to_os_string();
    if name == "candor-clamav" {
        name = arguments.next().unwrap_or_default();
    }
    let called = program.to_string_lossy();
    run(&name.to_string_lossy(), &called, arguments.collect())
}

fn run(name: &str, program: &str, arguments: Vec<OsString>) -> ExitCode {
    match name {
        "clamav-milter" => daemon::milter(arguments),
        "clambc" => clambc::run(program, arguments),
        "clamconf" => clamconf::run(program, arguments),
        "clamd" => daemon::clamd(arguments),
        "clamdscan" => clamdscan::run(program, arguments),
        "clamscan" => clamscan::run(program, arguments),
        "freshclam" => freshclam::run(freshclam::Program::usual(), program, arguments),
        "sigtool" => sigtool::run(program, arguments),
        _ => {
            console::complain(
                "usage: candor-clamav clamav-milter|clambc|clamconf|clamd|clamdscan|clamscan|freshclam|sigtool [options], or start it by one of these names",
            );
            ExitCode::from(2)
        }
    }
}
