//! What there is to say about all files together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use candor_model::Verdict;
use serde::Serialize;

use super::outcome::Outcome;
use super::walk::Skipped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::units;

/// Sums that all threads add to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    infected: AtomicU64,
    suspicious: AtomicU64,
    incomplete: AtomicU64,
    unreadable: AtomicU64,
    findings: AtomicU64,
}

impl Tally {
    /// Adds one file, of which so many bytes were looked at; `None` when it was not looked at at all.
    pub(crate) fn add(&self, outcome: &Outcome, scanned: Option<u64>) {
        let add = |sum: &AtomicU64, number| sum.fetch_add(number, Ordering::Relaxed);
        add(&self.passed, 1);
        if let Some(bytes) = scanned {
            add(&self.files, 1);
            add(&self.bytes, bytes);
        }
        match outcome.report.verdict {
            Verdict::Clean => (),
            Verdict::Infected => drop(add(&self.infected, 1)),
            Verdict::Suspicious => drop(add(&self.suspicious, 1)),
            Verdict::Incomplete if outcome.is_unreadable() => (),
            Verdict::Incomplete => drop(add(&self.incomplete, 1)),
        }
        if outcome.is_unreadable() {
            add(&self.unreadable, 1);
        }
        if matches!(outcome.report.verdict, Verdict::Infected | Verdict::Suspicious) {
            add(&self.findings, u64::try_from(outcome.report.findings.len()).unwrap_or(0));
        }
    }

    /// Files so far, looked at or not.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Bytes of those files so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Files in which something was found.
    pub(crate) fn found(&self) -> u64 {
        self.infected.load(Ordering::Relaxed) + self.suspicious.load(Ordering::Relaxed)
    }
}

/// Why a scan ended before all files were scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Ctrl-C.
    Interrupted,
    /// Nobody reads the output any more.
    OutputClosed,
    /// Asked to terminate.
    Terminated,
}

/// The summary of a scan.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    #[serde(rename = "type")]
    kind: &'static str,
    complete: bool,
    files: u64,
    bytes: u64,
    infected: u64,
    suspicious: u64,
    incomplete: u64,
    unreadable: u64,
    findings: u64,
    skipped: SkippedRecord,
    seconds: f64,
    database: DatabaseRecord,
    #[serde(skip)]
    time: Duration,
}

#[derive(Debug, Serialize)]
struct SkippedRecord {
    special: u64,
    links: u64,
    excluded: u64,
    filesystems: u64,
}

/// What was scanned with.
#[derive(Debug, Serialize)]
pub(crate) struct DatabaseRecord {
    /// What it is called.
    pub(crate) name: String,
    /// Signatures that something can be found by.
    pub(crate) signatures: u64,
    /// Lines that cannot be used; `None` for images, which do not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused_lines: Option<u64>,
}

impl Summary {
    pub(crate) fn new(
        tally: &Tally,
        skipped: &Skipped,
        complete: bool,
        time: Duration,
        database: DatabaseRecord,
    ) -> Self {
        let load = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        Self {
            kind: "summary",
            complete,
            files: load(&tally.files),
            bytes: load(&tally.bytes),
            infected: load(&tally.infected),
            suspicious: load(&tally.suspicious),
            incomplete: load(&tally.incomplete),
            unreadable: load(&tally.unreadable),
            findings: load(&tally.findings),
            skipped: SkippedRecord {
                special: load(&skipped.special),
                links: load(&skipped.links),
                excluded: load(&skipped.excluded),
                filesystems: load(&skipped.filesystems),
            },
            seconds: time.as_secs_f64(),
            database,
            time,
        }
    }

    /// The exit status: what was found comes before what was not looked at.
    pub(crate) const fn exit(&self, stopped: Option<Stopped>) -> Exit {
        match stopped {
            Some(Stopped::OutputClosed) => Exit::OutputClosed,
            _ if self.infected > 0 || self.suspicious > 0 => Exit::Found,
            Some(Stopped::Interrupted) => Exit::Interrupted,
            Some(Stopped::Terminated) => Exit::Terminated,
            None if self.incomplete > 0 || self.unreadable > 0 => Exit::Failed,
            None => Exit::Clean,
        }
    }

    /// The lines for people.
    pub(crate) fn print(&self, printer: &mut Printer, stopped: Option<Stopped>) {
        printer.line("");
        let mut row = |tone: Option<Tone>, label: &str, text: String| {
            let label = format!("{label:<12}");
            let label = tone.map_or_else(|| label.clone(), |tone| printer.paint(tone, &label));
            printer.line(&format!("{label}{text}"));
        };
        if stopped.is_some() {
            row(
                Some(Tone::Warning),
                "Stopped",
                String::from("before all files were scanned; the numbers are those until then"),
            );
        }
        let mut scanned = format!(
            "{}, {} in {}",
            units::counted(self.files, "file"),
            units::bytes(self.bytes),
            units::duration(self.time)
        );
        if let Some(rate) = units::rate(self.bytes, self.time) {
            scanned += &format!(" ({rate})");
        }
        row(None, "Scanned", scanned);
        let signatures = units::counted(self.database.signatures, "signature");
        let mut database = format!("{}, {signatures}", self.database.name);
        let refused = self.database.refused_lines.unwrap_or(0);
        if refused > 0 {
            database += &format!("; {} cannot be used", units::counted(refused, "line"));
        }
        row((refused > 0).then_some(Tone::Warning), "Database", database);
        let tone = |number: u64, tone| (number > 0).then_some(tone);
        row(tone(self.infected, Tone::Bad), "Infected", units::counted(self.infected, "file"));
        row(tone(self.suspicious, Tone::Warning), "Suspicious", units::counted(self.suspicious, "file"));
        let mut incomplete = units::counted(self.incomplete, "file");
        if self.incomplete > 0 {
            incomplete += ", not looked at as a whole";
        }
        row(tone(self.incomplete, Tone::Warning), "Incomplete", incomplete);
        if self.unreadable > 0 {
            row(Some(Tone::Warning), "Unreadable", units::counted(self.unreadable, "path"));
        }
        let skipped: Vec<String> = [
            (self.skipped.links, "link"),
            (self.skipped.special, "special file"),
            (self.skipped.excluded, "excluded path"),
            (self.skipped.filesystems, "other file system"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| units::counted(number, noun))
        .collect();
        if !skipped.is_empty() {
            row(None, "Left out", skipped.join(", "));
        }
    }
}
