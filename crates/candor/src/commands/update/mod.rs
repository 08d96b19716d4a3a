//! `candor update`: signatures, brought up to date, tried out, and taken back.

mod act;
mod show;

use std::path::PathBuf;

use crate::Program;
use crate::exit::Exit;
use crate::printer::Printer;
use crate::settings::SafetyOptions;
use crate::update::place;

pub(crate) use show::{activated_at, believed, time};

/// What `candor update` may be asked.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true,
    after_long_help = AFTER_LONG_HELP
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,

    /// Sources to bring up to date [default: all].
    #[arg(value_name = "SOURCE")]
    wanted: Vec<String>,

    /// The list of sources [default: /etc/candor/sources.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,

    /// Stay, and look again and again: so many seconds after each time, and up to a tenth of them more by chance.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,

    #[command(flatten)]
    work: WorkOptions,

    #[command(flatten)]
    options: Options,
}

/// Where generations are, and how to print.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Where generations are kept.
    #[arg(long, value_name = "DIR", default_value = place::USUAL, global = true)]
    state_dir: PathBuf,

    /// Print one JSON object a line.
    #[arg(long, global = true, help_heading = "Display")]
    json: bool,
}

/// How a generation is made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WorkOptions {
    /// What is said about trying out and watching [default: /etc/candor/update.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Go on although the clock is far behind what was written down.
    #[arg(long)]
    accept_clock: bool,

    #[command(flatten)]
    safety: SafetyOptions,
}

const AFTER_LONG_HELP: &str = "\
An update is verified, compiled and tried out before it is switched on; whatever refuses it, the signatures that are in
force stay so. Every decision is in the journal (`candor update history`).

Exit status: 0 what was asked is done, or there was nothing new; 2 something was refused or failed.

Examples:
  candor update init
  candor update import --source clamav /var/lib/clamav
  candor update --every 14400
  candor update status
  candor update rollback --reason 'flags our installer'";

/// What else may be done.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Make a place for generations.
    Init(act::InitArgs),
    /// Take signatures over from a directory, such as a stick or what freshclam fills.
    Import(Box<act::ImportArgs>),
    /// Show what is in force, and what is held back.
    Status,
    /// Show which entries of transparency logs vouch for what is in force.
    Log,
    /// Show all that was decided, and that nothing of it was changed since.
    History(show::HistoryArgs),
    /// Go back to the generation before.
    Rollback(act::RollbackArgs),
    /// Hold a version back, let one go, or hold all new findings back.
    Hold(act::HoldArgs),
    /// Compare every byte of what is in force with what was verified.
    Verify(show::VerifyArgs),
    /// Write what is in force to a directory that `import` takes elsewhere.
    Mirror(act::MirrorArgs),
    /// Compare what is in force with the generation before over files, and go back if it misbehaves.
    Watch(Box<act::WatchArgs>),
}

/// Runs `candor update`.
pub(crate) fn run(args: Args, program: &Program, printer: &mut Printer) -> anyhow::Result<Exit> {
    let options = &args.options;
    match args.action {
        None => {
            let wanted = (args.wanted.as_slice(), args.sources.as_deref());
            match args.every {
                None => act::update(wanted, &args.work, options, program, printer),
                Some(seconds) => act::stay(seconds, wanted, &args.work, options, program, printer),
            }
        }
        Some(Action::Init(init)) => act::init(&init, options, printer),
        Some(Action::Import(import)) => act::import(&import, options, program, printer),
        Some(Action::Status) => show::status(options, printer),
        Some(Action::Log) => show::log(options, printer),
        Some(Action::History(history)) => show::history(&history, options, printer),
        Some(Action::Rollback(rollback)) => act::rollback(&rollback, options, printer),
        Some(Action::Hold(hold)) => act::hold(&hold, options, printer),
        Some(Action::Verify(verify)) => show::verify(&verify, options, printer),
        Some(Action::Mirror(mirror)) => act::mirror(&mirror, options, printer),
        Some(Action::Watch(watch)) => act::watch(&watch, options, printer),
    }
}
