//! `candor explain`: all about one file.
//!
//! A finding is only worth something when it can be understood: this shows which bytes of which layer a
//! signature matched, and where the signature was written.

use std::collections::HashMap;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candor_database::Image;
use candor_engine::{Observer, Scanner};
use candor_model::{FileType, Finding, LayerId, LayerSummary, Match, Normalisation, Reason, Report, Verdict};
use candor_sandbox::guarded;
use candor_sandbox::input::{Buffer, Reading, open, special};
use rustix::fs::CWD;
use serde::Serialize;

use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::scan::outcome::{FileRecord, Outcome, json_line, layer_path, strength, tone};
use crate::scan::watch::Watch;
use crate::settings::{DatabaseOptions, DetectionOptions, LimitOptions, SafetyOptions, engine_options};
use crate::store;
use crate::units;
use crate::units::hexadecimal;

/// Bytes in a line of a dump.
const LINE: u64 = 16;

/// Bytes of a match that are shown.
const SHOWN: u64 = 128;

/// Excerpts that are kept of one file; a file can be made to match without end.
const EXCERPTS: usize = 10_000;

/// Layers and matches that are printed for people.
const PRINTED_LAYERS: usize = 200;
const PRINTED_MATCHES: usize = 20;

/// What `candor explain` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: OsString,

    #[command(flatten)]
    database: DatabaseOptions,

    #[command(flatten)]
    detection: DetectionOptions,

    #[command(flatten)]
    limits: LimitOptions,

    #[command(flatten)]
    safety: SafetyOptions,

    /// Print one JSON object.
    #[arg(long, help_heading = "Display")]
    json: bool,
}

const AFTER_LONG_HELP: &str = "\
Exit status: 0 clean, 1 something was found, 2 not all could be looked at.

Example:
  candor explain --potentially-unwanted suspicious.doc";

/// Runs `candor explain`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let options = engine_options(&args.limits, &args.detection, true)?;
    let path = PathBuf::from(&args.file);
    let mut buffer = Buffer::default();
    let (reading, length) = read(&path, &mut buffer, args.limits.max_file_size.0);
    let database = store::open(&args.database, &args.safety, printer)?;

    let watch = Arc::new(Watch::new(1, args.limits.max_time()));
    watch.start()?;
    let mut excerpts = Excerpts::default();
    let mut scan = |image: &Image, bytes: &[u8]| {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let Some(interrupt) = watch.begin(0) else { return Err(Reason::Cancelled) };
        let mut scanner = Scanner::new(image, options.clone());
        let report = guarded(|| scanner.scan_observed(bytes, &name, interrupt, &mut excerpts));
        watch.done(0);
        report.map_err(|defect| {
            printer.error(&format!("{defect}; this is a defect of candor"));
            Reason::Crashed
        })
    };
    let (scanned, partial) = match reading {
        Reading::Complete => (scan(&database.image, buffer.bytes()), None),
        Reading::Partial(why) => (scan(&database.image, buffer.bytes()), Some(why)),
        Reading::TooLarge(_) => (Err(Reason::FileSize), None),
        Reading::Special(kind) => (Err(Reason::Unreadable(format!("it is {kind}, not a file"))), None),
        Reading::Failed(why) => (Err(Reason::Unreadable(why)), None),
    };
    watch.end();
    let mut outcome = match scanned {
        Ok(report) => Outcome { path, length, report },
        Err(reason) => Outcome::unseen(path, length, reason),
    };
    if let Some(why) = partial {
        outcome.add_reason(Reason::Unreadable(why));
    }
    if args.json {
        printer.line(&json(&outcome, &excerpts));
    } else {
        print(&outcome, &excerpts, printer);
    }
    Ok(match outcome.report.verdict {
        Verdict::Clean => Exit::Clean,
        Verdict::Infected | Verdict::Suspicious => Exit::Found,
        Verdict::Incomplete => Exit::Failed,
    })
}

fn read(path: &Path, buffer: &mut Buffer, max: u64) -> (Reading, Option<u64>) {
    if path == Path::new("-") {
        let reading = buffer.read_to_end(std::io::stdin(), max);
        let length = u64::try_from(buffer.bytes().len()).ok();
        return (reading, length);
    }
    let Ok(name) = CString::new(path.as_os_str().as_bytes()) else {
        return (Reading::Failed(String::from("no file has a NUL byte in its name")), None);
    };
    // Opening a device may do something; looking at it first does not.
    if let Ok(status) = rustix::fs::stat(&name)
        && let Some(kind) = special(rustix::fs::FileType::from_raw_mode(status.st_mode))
    {
        return (Reading::Special(kind), None);
    }
    match open(CWD, &name, true) {
        Ok(opened) => {
            let reading = buffer.read(&opened.file, opened.length, max);
            (reading, Some(opened.length))
        }
        Err(reading) => (reading, None),
    }
}

/// The bytes of matches, taken while the layers are in memory.
#[derive(Default)]
struct Excerpts {
    by_match: HashMap<(LayerId, Option<Normalisation>, u64, u64), Excerpt>,
}

/// A few bytes of a layer.
struct Excerpt {
    /// Where the bytes begin in the layer.
    offset: u64,
    bytes: Vec<u8>,
}

impl Observer for Excerpts {
    fn layer(&mut self, id: LayerId, _: FileType, bytes: &[u8], findings: &[Finding]) {
        let matches = findings
            .iter()
            .flat_map(|finding| finding.matches.iter().map(move |matched| (finding.normalised, matched)));
        for (copy, matched) in matches {
            if self.by_match.len() >= EXCERPTS {
                return;
            }
            let start = (matched.offset / LINE * LINE).saturating_sub(LINE);
            let shown = matched.length.min(SHOWN);
            let end =
                matched.offset.saturating_add(shown).div_ceil(LINE).saturating_add(1).saturating_mul(LINE);
            let position = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let excerpt = bytes.get(position(start)..position(end)).unwrap_or_default();
            self.by_match
                .entry((id, copy, matched.offset, matched.length))
                .or_insert_with(|| Excerpt { offset: start, bytes: excerpt.to_vec() });
        }
    }
}

impl Excerpts {
    fn of(&self, finding: &Finding, matched: &Match) -> Option<&Excerpt> {
        self.by_match.get(&(finding.layer, finding.normalised, matched.offset, matched.length))
    }

    /// The matched bytes themselves, as many as are shown.
    fn matched(&self, finding: &Finding, matched: &Match) -> Option<&[u8]> {
        let excerpt = self.of(finding, matched)?;
        let start = usize::try_from(matched.offset.checked_sub(excerpt.offset)?).ok()?;
        let length = usize::try_from(matched.length.min(SHOWN)).ok()?;
        excerpt.bytes.get(start..start.checked_add(length)?)
    }
}

fn json(outcome: &Outcome, excerpts: &Excerpts) -> String {
    /// The record of a file, and its layers.
    #[derive(Serialize)]
    struct Record<'a> {
        #[serde(flatten)]
        file: FileRecord<'a>,
        layer_tree: Vec<Layer<'a>>,
    }

    #[derive(Serialize)]
    struct Layer<'a> {
        layer: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<u32>,
        name: &'a str,
        file_type: &'static str,
        length: u64,
    }

    let bytes = |finding: usize, index: usize| {
        let finding = outcome.report.findings.get(finding)?;
        excerpts.matched(finding, finding.matches.get(index)?).map(hexadecimal)
    };
    let layer_tree = outcome.report.layers.iter().map(|layer| Layer {
        layer: layer.id.0,
        parent: layer.parent.map(|parent| parent.0),
        name: &layer.name,
        file_type: layer.file_type.clamav_name(),
        length: layer.length,
    });
    json_line(&Record {
        file: FileRecord::new(&outcome.path, outcome.length, &outcome.report).with_bytes(&bytes),
        layer_tree: layer_tree.collect(),
    })
}

fn print(outcome: &Outcome, excerpts: &Excerpts, printer: &mut Printer) {
    let report = &outcome.report;
    let verdict = printer.paint(tone(report.verdict), report.verdict.name());
    printer.line(&format!("{}: {verdict}", Escaped::os(outcome.path.as_os_str())));
    print_layers(report, printer);
    if !report.findings.is_empty() {
        heading("Found", printer);
    }
    for finding in &report.findings {
        print_finding(finding, excerpts, printer);
    }
    if let Some(name) = &report.trusted {
        heading("Trusted", printer);
        printer.line(&format!("  by {}, so that nothing is reported", Escaped(name.as_bytes())));
    }
    if !report.incomplete.is_empty() {
        heading("Not looked at", printer);
    }
    for incomplete in &report.incomplete {
        let place =
            if incomplete.path.is_empty() { String::from("the file") } else { layer_path(&incomplete.path) };
        let reason = incomplete.reason.to_string();
        printer.line(&format!("  {place}: {}", Escaped(reason.as_bytes())));
    }
}

fn heading(text: &str, printer: &mut Printer) {
    printer.line("");
    printer.line(&printer.paint(Tone::Strong, text));
}

fn print_layers(report: &Report, printer: &mut Printer) {
    if report.layers.is_empty() {
        return;
    }
    heading("Layers", printer);
    let depths = depths(&report.layers);
    for (layer, depth) in report.layers.iter().zip(&depths).take(PRINTED_LAYERS) {
        let found = report.findings.iter().any(|finding| finding.layer == layer.id);
        let name = match (layer.name.as_str(), layer.parent) {
            (_, None) => String::new(),
            ("", _) => String::from("(unnamed): "),
            (name, _) => format!("{}: ", Escaped(name.as_bytes())),
        };
        let line = format!(
            "  {:indent$}{} {name}{}, {}",
            "",
            layer.id.0,
            layer.file_type,
            units::bytes(layer.length),
            indent = depth * 2
        );
        printer.line(&if found { printer.paint(Tone::Bad, &line) } else { line });
    }
    if let Some(more) = report.layers.len().checked_sub(PRINTED_LAYERS).filter(|more| *more > 0) {
        printer.line(&format!("  and {more} more layers"));
    }
}

/// How deep each layer lies; layers come after what they came out of.
fn depths(layers: &[LayerSummary]) -> Vec<usize> {
    let mut by_layer: HashMap<LayerId, usize> = HashMap::new();
    layers
        .iter()
        .map(|layer| {
            let depth = layer.parent.and_then(|parent| by_layer.get(&parent)).map_or(0, |depth| depth + 1);
            by_layer.insert(layer.id, depth);
            depth
        })
        .collect()
}

fn print_finding(finding: &Finding, excerpts: &Excerpts, printer: &mut Printer) {
    let name = Escaped(finding.signature.as_bytes()).to_string();
    printer.line(&format!("  {}", printer.paint(Tone::Bad, &name)));
    let official = if finding.official { ", official" } else { "" };
    printer.line(&format!(
        "    signature  {} line {} ({}, {}{official})",
        Escaped(finding.origin.source.as_bytes()),
        finding.origin.line,
        finding.language,
        strength(finding),
    ));
    let place =
        if finding.path.is_empty() { String::new() } else { format!(" {}", layer_path(&finding.path)) };
    printer.line(&format!("    layer      {}{place} ({})", finding.layer.0, finding.file_type));
    if let Some(normalisation) = finding.normalised {
        printer.line(&format!("    copy       {}; offsets are in that copy", describe_copy(normalisation)));
    }
    if finding.matches.is_empty() {
        printer.line("    match      the layer as a whole");
    }
    for matched in finding.matches.iter().take(PRINTED_MATCHES) {
        let sub = matched.subsignature.map(|sub| format!(", sub-signature {sub}")).unwrap_or_default();
        let size = units::counted(matched.length, "byte");
        printer.line(&format!("    match      {size} at offset {}{sub}", matched.offset));
        if let Some(excerpt) = excerpts.of(finding, matched) {
            dump(excerpt, matched, printer);
        }
    }
    if let Some(more) = finding.matches.len().checked_sub(PRINTED_MATCHES).filter(|more| *more > 0) {
        printer.line(&format!("    and {more} more"));
    }
}

fn describe_copy(normalisation: Normalisation) -> &'static str {
    match normalisation {
        Normalisation::HtmlNoComments => "HTML in lower case, entities decoded, comments left out",
        Normalisation::HtmlNoTags => "HTML in lower case, entities decoded, tags left out",
        Normalisation::Script => "a script found in HTML, rewritten",
        Normalisation::Text => "text in lower case, white space folded",
    }
}

/// The bytes around a match, the match itself marked.
fn dump(excerpt: &Excerpt, matched: &Match, printer: &mut Printer) {
    let shown = matched.length.min(SHOWN);
    let inside = matched.offset..matched.offset.saturating_add(shown);
    let mut offset = excerpt.offset;
    for line in excerpt.bytes.chunks(16) {
        let mut digits = String::new();
        let mut text = String::new();
        for (index, byte) in (0_u64..).zip(line) {
            let marked = inside.contains(&offset.saturating_add(index));
            let pair = format!("{byte:02x}");
            let character = if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
            let character = character.to_string();
            let mark = |text: &str| if marked { printer.paint(Tone::Bad, text) } else { text.to_owned() };
            digits += if index == 8 { "  " } else { " " };
            digits += &mark(&pair);
            text += &mark(&character);
        }
        let missing = 16 - line.len();
        let padding = " ".repeat(missing * 3 + usize::from(missing > 7));
        printer.line(&format!("      {offset:08x} {digits}{padding}  {text}"));
        offset = offset.saturating_add(LINE);
    }
    if matched.length > shown {
        let more = units::counted(matched.length - shown, "byte");
        printer.line(&format!("      … and {more} more"));
    }
}
