//! `candor migrate`: what to remove and in which order, what becomes of the settings of the product that goes, and what
//! is in its quarantine. This gathers what was asked for and prints; nothing is removed, changed or switched on.

mod apart;
mod archive;
mod import;
mod manifest;
mod plan;
mod quarantine;
mod verify;

use crate::exit::Exit;
use crate::printer::Printer;

/// What `candor migrate` may be asked.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// A step of the move.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Write a plan: what to remove, in which order, with whose uninstaller, and what is lost meanwhile.
    Plan(plan::Args),
    /// Read settings of the product that goes, and propose what becomes of them.
    Import(import::Args),
    /// Open the quarantine of the product that goes, and look at what is in it again.
    Quarantine(Box<quarantine::Args>),
    /// Make sure that an archive of a quarantine holds what was put into it: every file, every entry, the signature.
    Verify(Box<verify::Args>),
}

const AFTER_LONG_HELP: &str = "\
Nothing is ever removed, installed or switched on: plans and proposals are text, and people decide.

Examples:
  candor migrate plan / --format markdown -o plan.md
  candor migrate import settings.json --accept-low-risk --write clamd.conf.part
  candor migrate quarantine /mnt/windows/ProgramData --export quarantine.zip
  candor migrate verify quarantine.zip --last DIGEST";

/// Runs `candor migrate`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Plan(args) => plan::run(args, printer),
        Action::Import(args) => import::run(args, printer),
        Action::Quarantine(args) => quarantine::run(args, printer),
        Action::Verify(args) => verify::run(args, printer),
    }
}

/// Writes into a file that was not there before.
fn write_new(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    use anyhow::Context as _;
    let shown = path.display();
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match opened {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            anyhow::bail!("{shown} is there already, and nothing is overwritten")
        }
        other => other.with_context(|| format!("{shown} cannot be written"))?,
    };
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("{shown} cannot be written"))
}
