//! The journal: every decision, a line each, never changed afterwards.
//!
//! A line is a digest and an entry as JSON. The digest is SHA-256 of the digest of the line before, a space, and the JSON:
//! whoever knows the last digest knows that nothing before it was changed, left out or put in.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What the first line has in place of the digest before it.
const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How far the journal goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Entries.
    pub entries: u64,
    /// Bytes.
    pub length: u64,
    /// The digest of the last line.
    pub digest: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { entries: 0, length: 0, digest: START.to_owned() }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in seconds since 1970.
    pub time: u64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The store was made.
    Begun,
    /// An operator accepted that the state before was lost.
    LossAccepted {
        /// What was lost.
        reason: String,
        /// The generation that stays active, and the highest number of one.
        generation: Option<u64>,
        /// The highest number that a generation may have had.
        highest: u64,
    },
    /// Content of a source was verified.
    Verified {
        /// The source.
        source: String,
        /// Its version.
        version: u64,
        /// The digest of its members.
        content: String,
    },
    /// Content was refused.
    Refused {
        /// The source; all together when there is none.
        source: Option<String>,
        /// Its version, where it is known.
        version: Option<u64>,
        /// What refused it.
        stage: Stage,
        /// Why.
        reason: String,
    },
    /// A generation behaved as it should, and may be activated.
    Admitted {
        /// Its number.
        generation: u64,
    },
    /// A generation is about to be made the active one.
    Activating {
        /// Its number.
        generation: u64,
        /// The one before.
        from: Option<u64>,
        /// Why.
        cause: Cause,
    },
    /// It is active.
    Activated {
        /// Its number.
        generation: u64,
    },
    /// It was not made active after all: something stopped the machine.
    Abandoned {
        /// Its number.
        generation: u64,
    },
    /// Content is not to be activated again.
    Held {
        /// The source.
        source: String,
        /// Its version.
        version: u64,
        /// The digest of its members, where it is known.
        content: Option<String>,
        /// Why.
        reason: String,
    },
    /// Content may be activated again.
    Released {
        /// The source.
        source: String,
        /// Its version.
        version: u64,
    },
    /// From now on, what only the active generation finds is told and not acted upon; or that ends.
    ReportOnly {
        /// Whether it begins.
        on: bool,
        /// The generation whose verdicts count meanwhile.
        generation: Option<u64>,
        /// Why.
        reason: String,
    },
}

/// A stage of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Getting bytes.
    Fetch,
    /// Who vouches for them.
    Verify,
    /// Making an image of them.
    Compile,
    /// Scanning with it what is known.
    TryOut,
    /// Making it the active one.
    Activate,
}

/// Why a generation is made the active one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Cause {
    /// It is new.
    Update,
    /// An operator wants it.
    Operator {
        /// Why.
        reason: String,
    },
    /// The one after it misbehaved.
    Watch {
        /// How.
        reason: String,
    },
}

/// What was read of a journal.
#[derive(Debug)]
pub(super) struct Read {
    /// Entries that are in order.
    pub(super) entries: Vec<Entry>,
    /// How far that goes; one for each entry, and one for none.
    pub(super) heads: Vec<Head>,
    /// What follows is at most one line that was not written as a whole.
    pub(super) is_torn: bool,
    /// What follows is more than that.
    pub(super) is_broken: bool,
}

/// The line of an entry that follows `head`, and how far the journal then goes.
pub(super) fn line(head: &Head, entry: &Entry) -> Option<(String, Head)> {
    let json = serde_json::to_string(entry).ok()?;
    let digest = digest(&head.digest, &json);
    let line = format!("{digest} {json}\n");
    let length = head.length.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
    Some((line, Head { entries: head.entries.saturating_add(1), length, digest }))
}

/// Reads as many lines as are in order.
pub(super) fn read(bytes: &[u8]) -> Read {
    let mut read =
        Read { entries: Vec::new(), heads: vec![Head::default()], is_torn: false, is_broken: false };
    let mut rest = bytes;
    while !rest.is_empty() {
        let head = read.heads.last().cloned().unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n');
        let parsed = end.and_then(|end| {
            let (line, after) = (rest.get(..end)?, rest.get(end.saturating_add(1)..)?);
            let (known, json) = std::str::from_utf8(line).ok()?.split_once(' ')?;
            let entry: Entry = serde_json::from_str(json).ok()?;
            let expected = digest(&head.digest, json);
            let length = u64::try_from(line.len()).ok()?.saturating_add(1);
            let head = Head {
                entries: head.entries.saturating_add(1),
                length: head.length.saturating_add(length),
                digest: expected,
            };
            (known == head.digest).then_some((entry, head, after))
        });
        let Some((entry, head, after)) = parsed else {
            read.is_torn = end.is_none_or(|end| end.saturating_add(1) >= rest.len());
            read.is_broken = !read.is_torn;
            return read;
        };
        read.entries.push(entry);
        read.heads.push(head);
        rest = after;
    }
    read
}

fn digest(before: &str, json: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(before);
    digest.update(" ");
    digest.update(json);
    hexadecimal(&digest.finalize())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
