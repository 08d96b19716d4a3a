//! `clamd` and `clamav-milter` by name: candord, told by ClamAV's configuration files and options, and in the background when
//! they do not say otherwise.
//!
//! * [`clamd`]: clients of clamd. [`milter`]: mail servers alone.
//! * [`conf`]: a configuration file and the command line as one. [`background`]: what goes on when the command has ended.

mod background;
mod clamd;
mod conf;
mod milter;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use candord::settings::Settings;

use crate::console::{Console, complain};
use crate::options::daemon::Key;
use crate::options::{self, Given, Known};

/// A program of ClamAV's that is a daemon.
pub(crate) struct Program {
    /// What it is called.
    name: &'static str,
    /// Its options.
    options: &'static [Known],
    /// Those of them that are keys of its configuration file.
    keys: Vec<Key>,
    /// Where its configuration is when nothing is said.
    conf: &'static str,
    /// What it says for `--version`.
    version: fn(&Given) -> String,
    /// What it is told, and whether it stays in the foreground.
    settings: fn(&Told<'_>) -> anyhow::Result<(Settings, bool)>,
}

/// What a program is told.
struct Told<'a> {
    given: &'a Given,
    /// The configuration file.
    conf: PathBuf,
    /// What the command line says, as lines of a configuration file.
    lines: String,
}

impl Told<'_> {
    /// The path that an option names.
    fn path(&self, name: &str) -> Option<&Path> {
        self.given.text(name).map(Path::new)
    }
}

/// Runs `clamd`.
pub(crate) fn clamd(arguments: Vec<OsString>) -> ExitCode {
    run(&clamd::program(), arguments)
}

/// Runs `clamav-milter`.
pub(crate) fn milter(arguments: Vec<OsString>) -> ExitCode {
    run(&milter::program(), arguments)
}

fn run(program: &Program, arguments: Vec<OsString>) -> ExitCode {
    let given = match options::read(program.name, program.options, arguments.iter().cloned()) {
        Ok(given) => given,
        Err(lines) => {
            lines.iter().for_each(|line| complain(line));
            return ExitCode::FAILURE;
        }
    };
    let mut console = Console::new();
    if given.is_on("help") || given.is_on("version") {
        if given.is_on("help") {
            console.show(format!("\n    {} [options]\n", program.name).as_bytes());
            options::help(program.options).iter().for_each(|line| console.show(line.as_bytes()));
        } else {
            console.show((program.version)(&given).as_bytes());
        }
        console.flush();
        return ExitCode::SUCCESS;
    }
    // One that was started by another has had them said.
    if !given.is_on("candor-detached") {
        given.warnings.iter().for_each(|warning| console.warn(warning));
    }
    match serve(program, &given, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            format!("{error:#}").lines().for_each(|line| console.error(line));
            ExitCode::FAILURE
        }
    }
}

fn serve(program: &Program, given: &Given, arguments: &[OsString]) -> anyhow::Result<()> {
    let conf = PathBuf::from(given.text("config-file").unwrap_or_else(|| OsStr::new(program.conf)));
    let told = Told { given, conf, lines: conf::lines(given, &program.keys)? };
    let (settings, stays) = (program.settings)(&told)?;
    if given.is_on("candor-detached") {
        background::detach()?;
    } else if !stays {
        return background::start(program.name, arguments);
    }
    candord::daemon::run(settings)
}
