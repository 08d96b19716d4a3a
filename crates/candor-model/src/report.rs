//! What a scan says in the end.

use std::fmt;

use crate::{FileType, Finding, LayerId};

/// The answer for one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Everything was looked at, and nothing was found.
    Clean,
    /// A strong signature matched.
    Infected,
    /// Only signatures that do not convict alone matched.
    Suspicious,
    /// Nothing was found, but not everything was looked at. See [`Report::incomplete`].
    Incomplete,
}

impl Verdict {
    /// The word that reports and machine-readable output use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected => "infected",
            Self::Suspicious => "suspicious",
            Self::Incomplete => "incomplete",
        }
    }
}

/// Why something was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Somebody stopped the scan.
    Cancelled,
    /// More children than [`Limits::max_children`](crate::Limits::max_children).
    Children,
    /// The worker that read it died.
    Crashed,
    /// Deeper than [`Limits::max_depth`](crate::Limits::max_depth).
    Depth,
    /// Protected by a password that is not known.
    Encrypted,
    /// Larger than [`Limits::max_file_size`](crate::Limits::max_file_size).
    FileSize,
    /// All layers together are larger than [`Limits::max_growth`](crate::Limits::max_growth) allows.
    Growth,
    /// Damaged so that part of it could not be read; says which part.
    Malformed(String),
    /// It needs more memory than [`Limits::max_memory`](crate::Limits::max_memory), or than the worker that
    /// reads it may have.
    Memory,
    /// A normalised copy would have been larger than allowed.
    NormaliseSize,
    /// Grew more than [`Limits::max_ratio`](crate::Limits::max_ratio) allows.
    Ratio,
    /// A regular expression ran out of steps, or the layer was too large for it; says which one.
    RegexSteps(String),
    /// All layers together are larger than [`Limits::max_scan_size`](crate::Limits::max_scan_size).
    ScanSize,
    /// The evaluation of patterns ran out of steps.
    SearchSteps,
    /// The time allowed for one file is over.
    Timeout,
    /// It could not be read; says why.
    Unreadable(String),
    /// A form of a known format that cannot be opened yet; says which.
    Unsupported(String),
    /// It asks for more work than its bytes account for: see [`Budget::pay_work`](crate::Budget::pay_work).
    Work,
}

impl Reason {
    /// One word for machine-readable output.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Children => "limit-children",
            Self::Crashed => "crashed",
            Self::Depth => "limit-depth",
            Self::Encrypted => "encrypted",
            Self::FileSize => "limit-file-size",
            Self::Growth => "limit-growth",
            Self::Malformed(_) => "malformed",
            Self::Memory => "memory",
            Self::NormaliseSize => "limit-normalise-size",
            Self::Ratio => "limit-ratio",
            Self::RegexSteps(_) => "limit-regex",
            Self::ScanSize => "limit-scan-size",
            Self::SearchSteps => "limit-search-steps",
            Self::Timeout => "timeout",
            Self::Unreadable(_) => "unreadable",
            Self::Unsupported(_) => "unsupported",
            Self::Work => "limit-work",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the scan was stopped"),
            Self::Children => f.write_str("more members than the limit allows, so that no more are opened"),
            Self::Crashed => f.write_str("the worker that read it died"),
            Self::Depth => f.write_str("nested deeper than the limit allows"),
            Self::Encrypted => f.write_str("encrypted with an unknown password"),
            Self::FileSize => f.write_str("larger than the file-size limit"),
            Self::Growth => f.write_str(
                "all layers together are far larger than the file itself, so that no more are opened",
            ),
            Self::Malformed(what) => write!(f, "malformed: {what}"),
            Self::Memory => f.write_str("it needs more memory than a worker may have"),
            Self::NormaliseSize => f.write_str("too large to normalise"),
            Self::Ratio => f.write_str("expands more than the ratio limit allows"),
            Self::RegexSteps(what) => write!(f, "regular expression over its limit: {what}"),
            Self::ScanSize => {
                f.write_str("all layers together exceed the scan-size limit, so that no more are opened")
            }
            Self::SearchSteps => f.write_str("pattern evaluation over its step limit"),
            Self::Timeout => f.write_str("the time for one file is over"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::Unsupported(what) => write!(f, "not supported: {what}"),
            Self::Work => f.write_str("it asks for far more work than its bytes are worth"),
        }
    }
}

/// One thing that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// The layer in which it happened.
    pub layer: LayerId,
    /// Names from the file itself down to that layer, or to the member of it that could not be
    /// opened; empty for the file itself.
    pub path: Vec<String>,
    /// Why.
    pub reason: Reason,
}

/// One layer that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// Its number.
    pub id: LayerId,
    /// The layer that it came out of; `None` for the file itself.
    pub parent: Option<LayerId>,
    /// Its own name, empty when it has none.
    pub name: String,
    /// What it is.
    pub file_type: FileType,
    /// Its length in bytes.
    pub length: u64,
    /// The MD5 sum of its bytes, where it was asked for and they are all there.
    pub md5: Option<[u8; 16]>,
}

/// Everything that one scan of one file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The answer.
    pub verdict: Verdict,
    /// Type of the file itself.
    pub file_type: FileType,
    /// What was found, strongest first.
    pub findings: Vec<Finding>,
    /// What was not looked at.
    pub incomplete: Vec<Incomplete>,
    /// A trust signature that kept findings from being reported, by name.
    pub trusted: Option<String>,
    /// The layers, in the order they were opened.
    pub layers: Vec<LayerSummary>,
    /// Bytes of all layers together.
    pub bytes: u64,
}
