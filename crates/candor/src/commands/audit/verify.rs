//! `candor audit verify`: does a chain of reports hold, and is a report in it?

use std::fs;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::Context as _;
use candor_policy::report::seal;

use super::LONGEST_CHAIN;
use crate::commands::keys::verifying_key;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};

/// What `candor audit verify` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// The chain.
    #[arg(value_name = "CHAIN")]
    chain: PathBuf,

    /// Reports that must be in it.
    #[arg(value_name = "REPORT")]
    reports: Vec<PathBuf>,

    /// The digest of the last entry, as it was told before; entries may have come after it.
    #[arg(long, value_name = "DIGEST")]
    last: Option<String>,

    /// The key that must have signed every entry (Ed25519, in PEM).
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

const AFTER_LONG_HELP: &str = "\
Without a key this shows that entries follow each other; only with one, who made them. Whoever keeps the digest of
the last entry elsewhere also sees, with --last, when entries at the end are missing.

Exit status: 0 it holds, 1 it does not or a report is not in it, 2 it cannot be read.";

pub(super) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let shown = args.chain.display();
    let file = fs::File::open(&args.chain).with_context(|| format!("{shown} cannot be opened"))?;
    if file.metadata()?.len() > LONGEST_CHAIN {
        anyhow::bail!("{shown} is too long");
    }
    let key = args.public_key.as_deref().map(verifying_key).transpose()?;
    let chain = match seal::verify(BufReader::new(file), key.as_ref()) {
        Ok(chain) => chain,
        Err(error @ seal::SealError::Broken { .. }) => {
            printer.line(&format!("{shown}: {}", printer.paint(Tone::Bad, &error.to_string())));
            return Ok(Exit::Found);
        }
        Err(error) => return Err(error).with_context(|| format!("{shown}")),
    };
    let signed = if key.is_some() { "all signed with that key" } else { "signatures not looked at" };
    printer.line(&format!(
        "{shown}: {} {} entries, {signed}, the last one {}",
        printer.paint(Tone::Good, "holds"),
        chain.entries.len(),
        chain.last
    ));
    let mut is_missing = false;
    if let Some(last) = &args.last {
        match chain.digests.iter().position(|digest| digest.eq_ignore_ascii_case(last)) {
            Some(number) => printer.line(&format!(
                "{shown}: the digest that was kept is of entry {number}, {} came after it",
                chain.digests.len() - number - 1
            )),
            None => {
                is_missing = true;
                let why = "no entry has the digest that was kept: some are missing, or were changed";
                printer.line(&format!("{shown}: {}", printer.paint(Tone::Bad, why)));
            }
        }
    }
    for report in &args.reports {
        let text =
            fs::read_to_string(report).with_context(|| format!("{} cannot be read", report.display()))?;
        let digest = seal::digest(&text);
        match chain.entries.iter().find(|entry| entry.report == digest) {
            Some(entry) => printer.line(&format!(
                "{}: entry {}, made {}, as of {}",
                report.display(),
                entry.number,
                entry.generated,
                entry.as_of
            )),
            None => {
                is_missing = true;
                printer.line(&format!(
                    "{}: {}",
                    report.display(),
                    printer.paint(Tone::Bad, "not in the chain")
                ));
            }
        }
    }
    Ok(if is_missing { Exit::Found } else { Exit::Clean })
}
