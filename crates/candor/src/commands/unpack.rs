//! `candor unpack`: what is in a file, as a tree, and as files if wanted.
//!
//! It shows what the scanner sees, by the same way: the file is taken apart in the jail. Nothing that a
//! hostile file says decides where something is written: layers go side by side into one directory, each
//! under a number and what is harmless of its name, into files that were not there before.

use std::ffi::{CString, OsString};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_engine::Scanner;
use candor_model::{Interrupt, LayerId, LayerSummary, Report};
use candor_sandbox::input::{Buffer, Opened, Reading, open};
use candor_sandbox::message::Answer;
use candor_sandbox::{Parcel, Piece, Sandbox, Showing, Task, guarded, spool, worker};
use rustix::fs::CWD;
use serde::Serialize;

use super::layers::Layers;
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::scan::outcome::{json_line, layer_path};
use crate::settings::{DetectionOptions, HeuristicOptions, LimitOptions, SafetyOptions, engine_options};
use crate::{store, units};

/// Layers, and facts of one layer, that are printed for people.
const PRINTED_LAYERS: usize = 1000;
const PRINTED_FACTS: usize = 24;

/// What `candor unpack` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: OsString,

    /// Write the layers into this directory, which is made if it is not there.
    ///
    /// Each goes into a file of its own, beside one another: its number, then what is harmless of its
    /// name. The files cannot be executed, no link is followed, and nothing is overwritten.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Passwords to try on encrypted archives and documents, one a line.
    #[arg(long, value_name = "PATH")]
    password_file: Option<PathBuf>,

    #[command(flatten)]
    limits: LimitOptions,

    #[command(flatten)]
    safety: SafetyOptions,

    /// Print one JSON object.
    #[arg(long, help_heading = "Display")]
    json: bool,
}

const AFTER_LONG_HELP: &str = "\
What comes out may be malware: it is not looked at for signatures, only taken apart.

Exit status: 0 all was taken apart, 2 not all could be, or the command failed.

Examples:
  candor unpack invoice.doc
  candor unpack --output layers setup.exe";

/// Runs `candor unpack`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let password_file = args.password_file.clone();
    let heuristics = HeuristicOptions::usual();
    let detection = DetectionOptions { potentially_unwanted: None, password_file, heuristics };
    let mut options = engine_options(&args.limits, &detection, true)?;
    options.all_matches = true;
    let path = PathBuf::from(&args.file);
    let opened = opened(&path, args.limits.max_file_size.0)?;
    let image = store::built_in()?.image;
    let mut layers = Layers::new(args.output.as_deref())?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();

    let answer = if args.safety.no_sandbox {
        let mut buffer = Buffer::default();
        match buffer.read(&opened.file, opened.length, args.limits.max_file_size.0) {
            Reading::Complete => (),
            Reading::Partial(why) | Reading::Failed(why) => anyhow::bail!("{why}"),
            Reading::TooLarge(_) => anyhow::bail!("it is larger than the limit of --max-file-size"),
            Reading::Special(kind) => anyhow::bail!("it is {kind}, not a file"),
        }
        let mut say = |piece: Piece<'_>| layers.take(piece);
        let mut showing = Showing::new(args.output.is_some(), &mut say);
        let mut scanner = Scanner::new(&image, options);
        let scan = || scanner.scan_observed(buffer.bytes(), &name, &Interrupt::new(), &mut showing);
        guarded(scan).map_err(|defect| anyhow::anyhow!("{defect}; this is a defect of candor"))
    } else {
        let setup = args.limits.setup(Task::Scan);
        let max_time = setup.max_time;
        let work = |jailed| worker::scan(jailed, &image, &options, max_time);
        let sandbox = Sandbox::start(setup, work).context(super::scan::NO_JAIL)?;
        let parcel = Parcel {
            name,
            file: opened.file.as_fd(),
            length: opened.length,
            contents: args.output.is_some(),
            max_layers: args.limits.max_files,
            max_bytes: args.limits.max_scan_size.0,
        };
        match candor_sandbox::unpack(&sandbox, &parcel, &mut |piece| layers.take(piece)) {
            Ok(Answer::Scanned { partial: None, report, .. }) => Ok(*report),
            Ok(Answer::Scanned { partial: Some(why), .. } | Answer::Unreadable(why)) => {
                Err(anyhow::anyhow!(why))
            }
            Ok(Answer::TooLarge(_)) => Err(anyhow::anyhow!("it is larger than the limit of --max-file-size")),
            Ok(Answer::Defect(defect)) => Err(anyhow::anyhow!("{defect}; this is a defect of candor")),
            Err(error) => Err(error.into()),
        }
    };
    layers.finish()?;
    if args.json {
        printer.line(&json(&path, &layers, answer.as_ref().ok()));
    } else {
        print(&path, &layers, answer.as_ref().ok(), printer);
    }
    let report = answer.with_context(|| Escaped::os(path.as_os_str()).to_string())?;
    Ok(if report.incomplete.is_empty() { Exit::Clean } else { Exit::Failed })
}

fn opened(path: &Path, max: u64) -> anyhow::Result<Opened> {
    if path == Path::new("-") {
        let (file, length) = spool(std::io::stdin().as_fd(), max).context("standard input")?;
        return Ok(Opened { file, length, identity: (0, 0, 0, 0) });
    }
    let shown = Escaped::os(path.as_os_str());
    let name = CString::new(path.as_os_str().as_bytes()).context("no file has a NUL byte in its name")?;
    open(CWD, &name, true).map_err(|reading| match reading {
        Reading::Special(kind) => anyhow::anyhow!("{shown}: it is {kind}, not a file"),
        Reading::Failed(why) => anyhow::anyhow!("{shown}: {why}"),
        _ => anyhow::anyhow!("{shown}: it cannot be opened"),
    })
}

fn json(path: &Path, layers: &Layers, report: Option<&Report>) -> String {
    #[derive(Serialize)]
    struct Record<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        path: String,
        layers: Vec<LayerRecord<'a>>,
        reasons: Vec<ReasonRecord<'a>>,
        complete: bool,
    }

    #[derive(Serialize)]
    struct LayerRecord<'a> {
        layer: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<u32>,
        name: &'a str,
        file_type: &'static str,
        length: u64,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        facts: &'a [(String, String)],
        #[serde(skip_serializing_if = "Option::is_none")]
        written_to: Option<&'a str>,
    }

    #[derive(Serialize)]
    struct ReasonRecord<'a> {
        layer: u32,
        path: &'a [String],
        reason: &'static str,
        message: String,
    }

    let incomplete = report.map(|report| report.incomplete.as_slice()).unwrap_or_default();
    json_line(&Record {
        kind: "unpacked",
        path: path.to_string_lossy().into_owned(),
        layers: layers
            .summaries()
            .iter()
            .map(|layer| LayerRecord {
                layer: layer.id.0,
                parent: layer.parent.map(|parent| parent.0),
                name: &layer.name,
                file_type: layer.file_type.clamav_name(),
                length: layer.length,
                facts: layers.facts(layer.id),
                written_to: layers.written_to(layer.id),
            })
            .collect(),
        reasons: incomplete
            .iter()
            .map(|incomplete| ReasonRecord {
                layer: incomplete.layer.0,
                path: &incomplete.path,
                reason: incomplete.reason.code(),
                message: incomplete.reason.to_string(),
            })
            .collect(),
        complete: report.is_some_and(|report| report.incomplete.is_empty()),
    })
}

fn print(path: &Path, layers: &Layers, report: Option<&Report>, printer: &mut Printer) {
    let depths = layers.depths();
    for (layer, depth) in layers.summaries().iter().zip(&depths).take(PRINTED_LAYERS) {
        let name = if layer.parent.is_none() {
            Escaped::os(path.as_os_str()).to_string()
        } else {
            format!("{} {}", layer.id.0, label(layer))
        };
        let indent = depth.saturating_mul(2);
        let size = units::bytes(layer.length);
        let line =
            format!("{:indent$}{}: {}, {size}", "", printer.paint(Tone::Strong, &name), layer.file_type);
        printer.line(&line);
        let facts = layers.facts(layer.id);
        let indent = indent.saturating_add(4);
        for (key, value) in facts.iter().take(PRINTED_FACTS) {
            let fact = format!("{:indent$}{}: {}", "", Escaped(key.as_bytes()), Escaped(value.as_bytes()));
            printer.line(&printer.paint(Tone::Faint, &fact));
        }
        if let Some(more) = facts.len().checked_sub(PRINTED_FACTS).filter(|more| *more > 0) {
            printer.line(&format!("{:indent$}and {more} more", ""));
        }
        if let Some(file) = layers.written_to(layer.id) {
            printer.line(&printer.paint(Tone::Faint, &format!("{:indent$}written to {file}", "")));
        }
    }
    if let Some(more) = layers.summaries().len().checked_sub(PRINTED_LAYERS).filter(|more| *more > 0) {
        printer.line(&format!("and {more} more layers"));
    }
    let incomplete = report.map(|report| report.incomplete.as_slice()).unwrap_or_default();
    if !incomplete.is_empty() {
        printer.line("");
        printer.line(&printer.paint(Tone::Warning, "Not taken apart"));
    }
    for incomplete in incomplete {
        let place =
            if incomplete.path.is_empty() { String::from("the file") } else { layer_path(&incomplete.path) };
        let reason = incomplete.reason.to_string();
        printer.line(&format!("  {place}: {}", Escaped(reason.as_bytes())));
    }
}

fn label(layer: &LayerSummary) -> String {
    match layer.name.as_str() {
        "" if layer.id == LayerId(0) => String::from("(the file)"),
        "" => String::from("(unnamed)"),
        name => Escaped(name.as_bytes()).to_string(),
    }
}
