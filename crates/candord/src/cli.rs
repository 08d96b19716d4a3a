//! The command line.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use crate::daemon;
use crate::settings::Settings;
use crate::settings::conf::Conf;
use crate::settings::own::Own;
use crate::signatures::CLAMD;

/// Where `clamd.conf` is when nothing is said.
const USUAL: &str = "/etc/clamav/clamd.conf";

/// Candor's daemon: speaks clamd's protocol, and hands what clients give it to jailed workers.
#[derive(Debug, Parser)]
#[command(name = "candord", version)]
struct Arguments {
    /// ClamAV's configuration file.
    #[arg(short, long, value_name = "FILE", default_value = USUAL)]
    config_file: PathBuf,

    /// What ClamAV's configuration file has no word for.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Stay in the foreground; it always does. For service files written for clamd.
    #[arg(short = 'F', long, value_name = "WHETHER", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    foreground: Option<String>,

    /// Read the configuration, say what is not honoured, and end.
    #[arg(long)]
    check: bool,
}

/// The command line, for its documentation.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "candord: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = settings(&arguments.config_file, arguments.config.as_deref())?;
    if arguments.check {
        let mut output = std::io::stderr();
        for warning in &settings.warnings {
            writeln!(output, "{warning}")?;
        }
        writeln!(output, "the configuration can be used; clients will be told ClamAV {CLAMD}")?;
        return Ok(());
    }
    daemon::run(settings)
}

fn settings(conf: &Path, own: Option<&Path>) -> anyhow::Result<Settings> {
    let own = own.map(Own::read).transpose()?.unwrap_or_default();
    Settings::new(&Conf::read(conf)?, &own)
}
