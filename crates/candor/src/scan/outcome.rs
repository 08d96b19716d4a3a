//! What there is to say about one file: for people in lines, for programs in JSON.
//!
//! The JSON types are the format that other programs rely on; they are kept apart from the model so that
//! neither changes by accident with the other.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use candor_model::{
    FileType, Finding, Incomplete, LayerId, Normalisation, Origin, Reason, Report, Strength, Verdict,
};
use serde::Serialize;

use crate::escape::Escaped;
use crate::printer::{Printer, Tone};
use crate::units::hexadecimal;

/// Reasons that are shown for one file; more are counted.
const SHOWN_REASONS: usize = 3;

/// A file and what the scan says about it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its length in bytes, when it is known.
    pub(crate) length: Option<u64>,
    /// What the engine says.
    pub(crate) report: Report,
}

impl Outcome {
    /// What is said about a file of which nothing could be looked at.
    pub(crate) fn unseen(path: PathBuf, length: Option<u64>, reason: Reason) -> Self {
        let report = Report {
            verdict: Verdict::Incomplete,
            file_type: FileType::Error,
            findings: Vec::new(),
            incomplete: vec![Incomplete { layer: LayerId(0), path: Vec::new(), reason }],
            trusted: None,
            layers: Vec::new(),
            bytes: 0,
        };
        Self { path, length, report }
    }

    /// Adds a reason why not all of the file itself was looked at.
    pub(crate) fn add_reason(&mut self, reason: Reason) {
        self.report.incomplete.push(Incomplete { layer: LayerId(0), path: Vec::new(), reason });
        if self.report.verdict == Verdict::Clean {
            self.report.verdict = Verdict::Incomplete;
        }
    }

    /// Tells this name of the file itself, if there is one.
    pub(crate) fn suspect(&mut self, name: Option<String>) {
        let file_type = self.report.file_type;
        let findings = name.map(|name| Finding {
            strength: Strength::of_name(&name),
            signature: name,
            origin: Origin { source: String::from("heuristics"), line: 0 },
            official: false,
            language: "candor",
            layer: LayerId(0),
            file_type,
            path: Vec::new(),
            normalised: None,
            matches: Vec::new(),
        });
        self.report.findings.extend(findings);
        if !self.report.findings.is_empty() && self.report.verdict != Verdict::Infected {
            self.report.verdict = Verdict::Suspicious;
        }
    }

    /// Whether the file could not be read, wholly or in part.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.report.incomplete.iter().any(|incomplete| matches!(incomplete.reason, Reason::Unreadable(_)))
    }

    /// The lines for people.
    pub(crate) fn print(&self, printer: &mut Printer) {
        let path = Escaped::os(self.path.as_os_str());
        let report = &self.report;
        if report.verdict == Verdict::Clean {
            printer.line(&format!("{path}: {}", printer.paint(Tone::Good, "clean")));
        }
        if matches!(report.verdict, Verdict::Infected | Verdict::Suspicious) {
            for finding in &report.findings {
                let line = format!(
                    "{path}: {}: {}{}",
                    printer.paint(tone(report.verdict), report.verdict.name()),
                    Escaped(finding.signature.as_bytes()),
                    printer.paint(Tone::Faint, &inside(&finding.path)),
                );
                printer.line(&line);
            }
        }
        if report.verdict == Verdict::Incomplete {
            let word = printer.paint(Tone::Warning, report.verdict.name());
            for incomplete in report.incomplete.iter().take(SHOWN_REASONS) {
                let reason = incomplete.reason.to_string();
                let reason = Escaped(reason.as_bytes());
                let inside = printer.paint(Tone::Faint, &inside(&incomplete.path));
                printer.line(&format!("{path}: {word}: {reason}{inside}"));
            }
            if let Some(more) = report.incomplete.len().checked_sub(SHOWN_REASONS).filter(|more| *more > 0) {
                printer.line(&format!("{path}: {word}: and {more} more"));
            }
        }
    }

    /// The line for programs.
    pub(crate) fn json(&self) -> String {
        json_line(&FileRecord::new(&self.path, self.length, &self.report))
    }
}

/// The colour of a verdict.
pub(crate) const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Clean => Tone::Good,
        Verdict::Infected => Tone::Bad,
        Verdict::Suspicious | Verdict::Incomplete => Tone::Warning,
    }
}

/// Names from the file itself down to a layer, for people.
pub(crate) fn layer_path(path: &[String]) -> String {
    let names = path.iter().map(|name| match name.as_str() {
        "" => String::from("(unnamed)"),
        name => Escaped(name.as_bytes()).to_string(),
    });
    names.collect::<Vec<_>>().join(" > ")
}

fn inside(path: &[String]) -> String {
    if path.is_empty() { String::new() } else { format!(" (in {})", layer_path(path)) }
}

/// A value as one line of JSON.
pub(crate) fn json_line<T: Serialize>(record: &T) -> String {
    // Strings, numbers and lists: there is nothing in a record that JSON cannot say.
    serde_json::to_string(record)
        .unwrap_or_else(|error| format!("{{\"type\":\"error\",\"message\":\"{error}\"}}"))
}

/// One file.
#[derive(Debug, Serialize)]
pub(crate) struct FileRecord<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    path: PathRecord<'a>,
    verdict: &'static str,
    file_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    bytes_scanned: u64,
    layers: usize,
    findings: Vec<FindingRecord<'a>>,
    reasons: Vec<ReasonRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_by: Option<&'a str>,
}

/// A path: as text, and exactly where text cannot say it.
#[derive(Debug, Serialize)]
pub(crate) struct PathRecord<'a> {
    path: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FindingRecord<'a> {
    signature: &'a str,
    strength: &'static str,
    language: &'a str,
    source: &'a str,
    line: u32,
    official: bool,
    layer: u32,
    layer_path: &'a [String],
    file_type: &'static str,
    /// In which rewritten copy of the layer the matches are.
    #[serde(skip_serializing_if = "Option::is_none")]
    normalised: Option<&'static str>,
    matches: Vec<MatchRecord>,
}

#[derive(Debug, Serialize)]
pub(crate) struct MatchRecord {
    offset: u64,
    length: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    subsignature: Option<u32>,
    /// The bytes, in hexadecimal, as many as are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<String>,
}

#[derive(Debug, Serialize)]
struct ReasonRecord<'a> {
    code: &'static str,
    message: String,
    layer: u32,
    layer_path: &'a [String],
}

impl<'a> FileRecord<'a> {
    pub(crate) fn new(path: &'a Path, length: Option<u64>, report: &'a Report) -> Self {
        Self {
            kind: "file",
            path: PathRecord::new(path),
            verdict: report.verdict.name(),
            file_type: report.file_type.clamav_name(),
            length,
            bytes_scanned: report.bytes,
            layers: report.layers.len(),
            findings: report.findings.iter().map(FindingRecord::new).collect(),
            reasons: report
                .incomplete
                .iter()
                .map(|incomplete| ReasonRecord {
                    code: incomplete.reason.code(),
                    message: incomplete.reason.to_string(),
                    layer: incomplete.layer.0,
                    layer_path: &incomplete.path,
                })
                .collect(),
            trusted_by: report.trusted.as_deref(),
        }
    }

    /// Adds bytes to the matches: `bytes` is asked once a match, by finding and match.
    pub(crate) fn with_bytes(mut self, bytes: &dyn Fn(usize, usize) -> Option<String>) -> Self {
        for (finding, record) in self.findings.iter_mut().enumerate() {
            for (index, matched) in record.matches.iter_mut().enumerate() {
                matched.bytes = bytes(finding, index);
            }
        }
        self
    }
}

impl<'a> PathRecord<'a> {
    pub(crate) fn new(path: &'a Path) -> Self {
        let bytes = path.as_os_str().as_bytes();
        let exact = std::str::from_utf8(bytes).is_ok();
        Self { path: path.to_string_lossy(), path_bytes: (!exact).then(|| hexadecimal(bytes)) }
    }
}

impl<'a> FindingRecord<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            signature: &finding.signature,
            strength: strength(finding),
            language: finding.language,
            source: &finding.origin.source,
            line: finding.origin.line,
            official: finding.official,
            layer: finding.layer.0,
            layer_path: &finding.path,
            file_type: finding.file_type.clamav_name(),
            normalised: finding.normalised.map(|normalisation| match normalisation {
                Normalisation::HtmlNoComments => "html-no-comments",
                Normalisation::HtmlNoTags => "html-no-tags",
                Normalisation::Script => "script",
                Normalisation::Text => "text",
            }),
            matches: finding
                .matches
                .iter()
                .map(|matched| MatchRecord {
                    offset: matched.offset,
                    length: matched.length,
                    subsignature: matched.subsignature,
                    bytes: None,
                })
                .collect(),
        }
    }
}

/// The word for the strength of a finding.
pub(crate) const fn strength(finding: &Finding) -> &'static str {
    use candor_model::Strength;
    match finding.strength {
        Strength::Weak => "weak",
        Strength::PotentiallyUnwanted => "potentially-unwanted",
        Strength::Strong => "strong",
    }
}
