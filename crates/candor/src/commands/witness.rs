//! `candor witness`: cosigns what a log says of itself, if it is what the log said before and more.

use std::path::PathBuf;

use anyhow::Context as _;
use candor_update::log::witness::Request;
use candor_update::publish::Watch;

use super::publish::{KeyFile, now};
use crate::exit::Exit;
use crate::printer::Printer;

/// What `candor witness` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    key: KeyFile,

    /// The witness's name, as in the policies of customers.
    #[arg(long, value_name = "NAME")]
    name: String,

    /// The key of the log that is watched, as in the policies of customers.
    #[arg(long, value_name = "KEY")]
    log: String,

    /// Where the witness remembers what it cosigned last. It is written before anything is signed.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,

    /// The files of the log, which show how it has grown.
    #[arg(long, value_name = "DIRECTORY", required_unless_present = "request", conflicts_with = "request")]
    files: Option<PathBuf>,

    /// Take a request that brings its own proof (c2sp.org/tlog-witness) instead of a checkpoint.
    #[arg(long)]
    request: bool,

    /// The checkpoint, or the request.
    #[arg(value_name = "FILE")]
    input: PathBuf,
}

const AFTER_LONG_HELP: &str = "\
The cosignature is one line on standard output, to be put into `staging/cosignatures` of the feed.
A record that is damaged is an error: a witness that forgot could be shown another history.

Exit status: 0 it was cosigned, 2 it was not.";

/// Runs `candor witness`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let watch = Watch::new(&args.name, &args.key.read()?, &args.log, args.state.clone())?;
    let input = std::fs::read(&args.input).with_context(|| args.input.display().to_string())?;
    let line = match &args.files {
        Some(files) => watch.look(files.clone(), &input, now()?)?,
        None => watch.answer(&Request::parse(&input)?, now()?)?,
    };
    printer.line(line.trim_end());
    Ok(Exit::Clean)
}
