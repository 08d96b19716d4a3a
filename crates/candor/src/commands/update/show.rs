//! What shows something and changes nothing.

use std::collections::BTreeMap;

use candor_update::generation::{Cause, Disk, Entry, Event, Record, Store, StoreError};
use candor_update::{Container, Provenance};
use serde_json::json;

use super::Options;
use crate::clamav::clock::Moment;
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::units;

/// What `candor update history` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// Only the last so many entries.
    #[arg(short = 'n', long, value_name = "N")]
    last: Option<usize>,
}

/// What `candor update verify` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Ask nobody: look at what is on this machine. There is no other way; the option is for scripts that say it.
    #[arg(long)]
    offline: bool,
}

/// A time for people.
pub(crate) fn time(seconds: u64) -> String {
    Moment::of(seconds).long()
}

/// Why a source is believed, in a few words.
pub(crate) fn believed(provenance: &Provenance) -> String {
    match provenance {
        Provenance::Feed { targets, signers, log_index, witnesses, .. } => {
            let logged =
                log_index.map_or_else(|| String::from("not logged"), |index| format!("log entry {index}"));
            format!(
                "feed version {targets}, signed by {}, {logged}, {} witnesses",
                signers.join(" "),
                witnesses.len()
            )
        }
        Provenance::Container { databases } => {
            let database = |known: &Container| {
                let Container { file, version, signature, builder, built, patched } = known;
                let patched = if *patched { ", patched" } else { "" };
                format!("{file} {version} ({signature}{patched}) by {builder}, built {}", time(*built))
            };
            let databases: Vec<String> = databases.iter().map(database).collect();
            format!("ClamAV's signatures on {}", databases.join("; "))
        }
        Provenance::Pinned => String::from("digests that were written down"),
        Provenance::Key { key } => format!("key {key}"),
        Provenance::Local => String::from("whoever may write to its directory"),
    }
}

pub(super) fn status(options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let store = Store::view(Disk, &options.state_dir)?;
    let active = store.active().map(|number| store.record(number)).transpose()?;
    let kept = store.generations()?;
    let history = store.history()?;
    let since = active.as_ref().and_then(|record| activated_at(&history, record.generation));
    let state = store.state();
    let refused = refused(&history);
    if options.json {
        let refused: Vec<_> = refused
            .iter()
            .map(
                |refused| json!({ "source": refused.source, "time": refused.time, "reason": refused.reason }),
            )
            .collect();
        let line = json!({
            "active": store.active(),
            "refused": refused,
            "since": since,
            "record": active,
            "kept": kept,
            "held": state.held,
            "report_only": state.report_only,
        });
        printer.line(&line.to_string());
        return Ok(Exit::Clean);
    }
    let Some(record) = active else {
        printer.line("No generation is active");
        tell_refused(&refused, printer);
        return Ok(Exit::Clean);
    };
    let heading = format!("Generation {} is active", record.generation);
    let since = since.map_or_else(String::new, |since| format!(" since {}", time(since)));
    printer.line(&format!("{}{since}", printer.paint(Tone::Strong, &heading)));
    printer.line(&format!(
        "Signatures  {}, {}",
        units::count(record.image.signatures),
        units::bytes(record.image.length)
    ));
    for content in &record.contents {
        let candidate = &content.candidate;
        let believed = Escaped(believed(&candidate.provenance).as_bytes()).to_string();
        printer.line(&format!("Source      {} {}: {believed}", candidate.source, candidate.version));
    }
    tell_refused(&refused, printer);
    printer.line(&format!("Kept        {}", kept.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")));
    for held in &state.held {
        let reason = Escaped(held.reason.as_bytes());
        printer.line(&format!("Held        {} {}: {reason}", held.source, held.version));
    }
    if let Some(only) = &state.report_only {
        let reason = Escaped(only.reason.as_bytes());
        let number = only.generation.map_or_else(String::new, |number| format!("generation {number}, "));
        printer.line(&format!("In force    {number}since {}: {reason}", time(only.since)));
    }
    Ok(Exit::Clean)
}

/// Why nothing newer of a source is in force.
struct Refused<'a> {
    source: &'a str,
    time: u64,
    reason: &'a str,
}

/// What was refused last of each source that brought nothing good since.
fn refused(history: &[Entry]) -> Vec<Refused<'_>> {
    let mut refused: BTreeMap<&str, Refused<'_>> = BTreeMap::new();
    for Entry { time, event } in history {
        match event {
            Event::Refused { source: Some(source), reason, .. } => {
                refused.insert(source, Refused { source, time: *time, reason });
            }
            Event::Verified { source, .. } => drop(refused.remove(source.as_str())),
            _ => (),
        }
    }
    refused.into_values().collect()
}

fn tell_refused(refused: &[Refused<'_>], printer: &mut Printer) {
    for Refused { source, time: when, reason } in refused {
        // Most reasons name the source already.
        let reason = reason.strip_prefix(&format!("{source}: ")).unwrap_or(reason);
        let reason = Escaped(reason.as_bytes());
        printer.line(&format!("Refused     {source}, {}: {reason}", time(*when)));
    }
}

/// When a generation last became the active one.
pub(crate) fn activated_at(history: &[Entry], number: u64) -> Option<u64> {
    history.iter().rev().find_map(|entry| match entry.event {
        Event::Activated { generation } if generation == number => Some(entry.time),
        _ => None,
    })
}

/// Says what a generation is that has just become active.
pub(super) fn activated(record: &Record, printer: &mut Printer) {
    let trial = &record.trial;
    printer.line(&format!(
        "Generation {} is active: {}, {}",
        record.generation,
        units::counted(record.image.signatures, "signature"),
        units::bytes(record.image.length),
    ));
    let before =
        trial.milliseconds_before.map_or_else(String::new, |before| format!(" ({before} ms before)"));
    printer.line(&format!(
        "Tried out: {} found, nothing in {} and {}, {} ms{before}",
        units::counted(trial.canaries, "probe"),
        units::counted(trial.clean, "bundled file"),
        units::counted(trial.golden, "golden file"),
        trial.milliseconds,
    ));
    if record.image.refused > 0 {
        printer.note(&format!("{} cannot be used", units::counted(record.image.refused, "line")));
    }
}

pub(super) fn log(options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let store = Store::view(Disk, &options.state_dir)?;
    let record = store.record(store.active().ok_or(StoreError::NoneActive)?)?;
    for content in &record.contents {
        let source = &content.candidate.source;
        let Provenance::Feed { log, log_index, witnesses, targets_sha256, .. } =
            &content.candidate.provenance
        else {
            if options.json {
                printer.line(&json!({ "source": source, "log": null }).to_string());
            } else {
                printer.line(&format!("{source}: is in no log"));
            }
            continue;
        };
        if options.json {
            let line = json!({
                "source": source,
                "log": log,
                "index": log_index,
                "entry": targets_sha256,
                "witnesses": witnesses,
            });
            printer.line(&line.to_string());
            continue;
        }
        let name = log.as_deref().unwrap_or("no log");
        let index = log_index.map_or_else(String::new, |index| format!(", entry {index}"));
        printer.line(&format!("{source}: {name}{index} ({targets_sha256})"));
        for (witness, seen) in witnesses {
            printer.line(&format!("  {witness}, {}", time(*seen)));
        }
    }
    Ok(Exit::Clean)
}

pub(super) fn history(args: &HistoryArgs, options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let store = Store::view(Disk, &options.state_dir)?;
    let history = store.history()?;
    let skipped = args.last.map_or(0, |last| history.len().saturating_sub(last));
    for entry in history.iter().skip(skipped) {
        if options.json {
            printer.line(&serde_json::to_string(entry)?);
        } else {
            printer.line(&format!("{}  {}", time(entry.time), Escaped(event(&entry.event).as_bytes())));
        }
    }
    if !options.json {
        let head = &store.state().journal;
        let lines = units::counted(head.entries, "line");
        printer.aside(&format!("{lines}, the digest of the last one is {}", head.digest));
    }
    Ok(Exit::Clean)
}

/// What happened, in a sentence.
fn event(event: &Event) -> String {
    match event {
        Event::Begun => String::from("the store was made"),
        Event::LossAccepted { reason, generation, .. } => {
            let stays =
                generation.map_or_else(String::new, |number| format!("; generation {number} stays active"));
            format!("an operator accepted a loss ({reason}){stays}")
        }
        Event::Verified { source, version, .. } => format!("{source} {version} was verified"),
        Event::Refused { stage, reason, .. } => {
            let stage = serde_json::to_string(stage).unwrap_or_default();
            format!("refused ({}): {reason}", stage.trim_matches('"'))
        }
        Event::Admitted { generation } => format!("generation {generation} passed its try-out"),
        Event::Activating { generation, cause, .. } => {
            let why = match cause {
                Cause::Update => String::from("an update"),
                Cause::Operator { reason } => format!("an operator: {reason}"),
                Cause::Watch { reason } => format!("the watch: {reason}"),
            };
            format!("generation {generation} is to be active ({why})")
        }
        Event::Activated { generation } => format!("generation {generation} is active"),
        Event::Abandoned { generation } => {
            format!("generation {generation} is not active: it was interrupted")
        }
        Event::Held { source, version, reason, .. } => format!("{source} {version} is held: {reason}"),
        Event::Released { source, version } => format!("{source} {version} is held no more"),
        Event::ReportOnly { on: true, generation, reason } => {
            let counts =
                generation.map_or_else(String::new, |number| format!(", generation {number} is in force"));
            format!("new findings are not acted upon{counts}: {reason}")
        }
        Event::ReportOnly { on: false, reason, .. } => {
            format!("new findings are acted upon again: {reason}")
        }
    }
}

pub(super) fn verify(args: &VerifyArgs, options: &Options, printer: &mut Printer) -> anyhow::Result<Exit> {
    let _ = args.offline;
    let store = Store::view(Disk, &options.state_dir)?;
    let entries = store.history()?.len();
    let number = store.active().ok_or(StoreError::NoneActive)?;
    let record = store.check(number)?;
    let members: usize = record.contents.iter().map(|content| content.candidate.members.len()).sum();
    if options.json {
        let line = json!({ "active": number, "sound": true, "members": members, "entries": entries });
        printer.line(&line.to_string());
    } else {
        printer.line(&format!(
            "Generation {number} is what was verified: {} and the image fit their digests, and the journal of {} is whole",
            units::counted(u64::try_from(members)?, "member"),
            units::counted(u64::try_from(entries)?, "line"),
        ));
    }
    Ok(Exit::Clean)
}
