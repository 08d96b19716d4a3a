//! `candor trust`: why the signatures in force are believed, and what a release changed.

use std::path::PathBuf;

use candor_update::Provenance;
use candor_update::generation::{Disk, Record, Store, StoreError};
use serde_json::json;

use super::update::{activated_at, believed, time};
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::settings::SafetyOptions;
use crate::units;
use crate::update::difference::{Difference, Written, difference};
use crate::update::place;

/// What `candor trust` may be asked.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,

    /// The generation [default: the active one].
    #[arg(value_name = "GENERATION")]
    generation: Option<u64>,

    /// Where generations are kept.
    #[arg(long, value_name = "DIR", default_value = place::USUAL, global = true)]
    state_dir: PathBuf,

    /// Print one JSON object a line.
    #[arg(long, global = true, help_heading = "Display")]
    json: bool,
}

/// What else may be asked.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Show what one generation changed against another, signature by signature.
    Diff {
        /// The older generation.
        #[arg(value_name = "A")]
        a: u64,

        /// The newer generation.
        #[arg(value_name = "B")]
        b: u64,

        #[command(flatten)]
        safety: SafetyOptions,
    },
}

/// Runs `candor trust`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let store = Store::view(Disk, &args.state_dir)?;
    match &args.action {
        Some(Action::Diff { a, b, safety }) => {
            let (old, new) = (store.record(*a)?, store.record(*b)?);
            let sides = (store.directory(*a), store.directory(*b));
            let found = difference((&sides.0, &old), (&sides.1, &new), !safety.no_sandbox)?;
            tell(&found, args.json, printer)
        }
        None => {
            let number = args.generation.or(store.active()).ok_or(StoreError::NoneActive)?;
            let record = store.record(number)?;
            let since = activated_at(&store.history()?, number);
            if args.json {
                let line = json!({
                    "generation": number,
                    "active": store.active() == Some(number),
                    "since": since,
                    "record": record,
                });
                printer.line(&line.to_string());
            } else {
                show(&record, store.active() == Some(number), since, printer);
            }
            Ok(Exit::Clean)
        }
    }
}

fn show(record: &Record, is_active: bool, since: Option<u64>, printer: &mut Printer) {
    let heading = format!("Generation {}", record.generation);
    let since = match (is_active, since) {
        (true, Some(since)) => format!(", active since {}", time(since)),
        (false, Some(since)) => format!(", not active; it was since {}", time(since)),
        _ => String::from(", never active"),
    };
    printer.line(&format!("{}{since}", printer.paint(Tone::Strong, &heading)));
    printer.line(&format!("Made        {}", time(record.made)));
    printer.line(&format!("Image       {} ({})", record.image.sha256, units::bytes(record.image.length)));
    let digest = record.allowed.sha256.as_ref().map_or_else(String::new, |digest| format!(" ({digest})"));
    printer.line(&format!("Policy      {}{digest}", Escaped(record.allowed.policy.as_bytes())));
    for decision in &record.allowed.decisions {
        printer.line(&format!("Allowed     {}", Escaped(decision.as_bytes())));
    }
    for content in &record.contents {
        let candidate = &content.candidate;
        printer.line("");
        let heading = format!("{} {}", candidate.source, candidate.version);
        printer.line(&format!(
            "{}, verified {}",
            printer.paint(Tone::Strong, &heading),
            time(content.verified)
        ));
        let believed = believed(&candidate.provenance);
        printer.line(&format!("Believed    {}", Escaped(believed.as_bytes())));
        if !content.decision.is_empty() {
            printer.line(&format!("Allowed     {}", Escaped(content.decision.as_bytes())));
        }
        if let Provenance::Feed { signers, log, log_index, witnesses, cosigners, targets_sha256, .. } =
            &candidate.provenance
        {
            signers.iter().for_each(|key| printer.line(&format!("Signed by   {}", Escaped(key.as_bytes()))));
            cosigners
                .iter()
                .for_each(|key| printer.line(&format!("Agreed by   {}", Escaped(key.as_bytes()))));
            printer.line(&format!("Release     {}", Escaped(targets_sha256.as_bytes())));
            if let (Some(log), Some(index)) = (log, log_index) {
                printer.line(&format!("Logged      {}, entry {index}", Escaped(log.as_bytes())));
            }
            for (name, seen) in witnesses {
                printer.line(&format!("Witness     {}, {}", Escaped(name.as_bytes()), time(*seen)));
            }
        }
        for member in &candidate.members {
            let name = Escaped(member.name.as_bytes());
            printer.line(&format!("Member      {} {name} ({})", member.sha256, units::bytes(member.length)));
        }
    }
}

fn tell(found: &Difference, is_json: bool, printer: &mut Printer) -> anyhow::Result<Exit> {
    let kinds: [(&str, &str, &[Written]); 3] =
        [("+", "added", &found.added), ("-", "removed", &found.removed), ("~", "changed", &found.changed)];
    for (sign, kind, list) in kinds {
        for written in list {
            if is_json {
                let line = json!({ "change": kind, "name": written.name, "file": written.file, "line": written.line });
                printer.line(&line.to_string());
            } else {
                printer.line(&format!(
                    "{sign} {}\t{}:{}",
                    written.name,
                    Escaped(written.file.as_bytes()),
                    written.line
                ));
            }
        }
    }
    for name in &found.opaque {
        printer.error(&format!("{}: cannot be taken apart", Escaped(name.as_bytes())));
    }
    let [added, removed, changed] = found.counts;
    if is_json {
        let line = json!({ "added": added, "removed": removed, "changed": changed, "opaque": found.opaque });
        printer.line(&line.to_string());
    } else {
        let [added, removed, changed] = [added, removed, changed].map(units::count);
        printer.line(&format!("{added} added, {removed} removed, {changed} changed"));
    }
    Ok(if found.opaque.is_empty() { Exit::Clean } else { Exit::Failed })
}
