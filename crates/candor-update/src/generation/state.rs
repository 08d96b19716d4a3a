//! What may only grow, and what an operator or the watch decided.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::journal::{Entry, Event, Head};

/// The format of the file.
pub(super) const FORMAT: u32 = 1;

/// What is remembered between updates. Except for what sources remember for themselves, all of it follows from the
/// journal; the two are kept beside each other so that the loss of one shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The format of this file.
    pub format: u32,
    /// The highest number that a generation was given.
    pub generations: u64,
    /// How far the journal goes.
    pub journal: Head,
    /// When its last entry was made.
    pub last: u64,
    /// What is known of each source.
    pub sources: BTreeMap<String, SourceState>,
    /// What is not to be activated.
    pub held: Vec<Held>,
    /// Whether what only the active generation finds is told and not acted upon.
    pub report_only: Option<ReportOnly>,
}

/// What is known of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceState {
    /// The highest version that was verified.
    pub version: u64,
    /// The digest of the members of that version.
    pub content: String,
    /// What the source remembers for itself, such as the versions of a feed's roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted: Option<String>,
}

/// Content that is not to be activated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The source.
    pub source: String,
    /// Its version.
    pub version: u64,
    /// The digest of its members, where it is known: the same content under another version is the same content.
    pub content: Option<String>,
    /// Why.
    pub reason: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

/// That new findings are told and not acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportOnly {
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// The generation whose verdicts count meanwhile: the one that was active before.
    pub generation: Option<u64>,
    /// Why.
    pub reason: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            format: FORMAT,
            generations: 0,
            journal: Head::default(),
            last: 0,
            sources: BTreeMap::new(),
            held: Vec::new(),
            report_only: None,
        }
    }
}

impl State {
    /// What it is after this entry, which brings the journal up to `head`.
    pub(super) fn apply(&mut self, entry: &Entry, head: &Head) {
        self.journal = head.clone();
        // A clock that was set back does not take time back.
        self.last = self.last.max(entry.time);
        match &entry.event {
            Event::LossAccepted { highest, .. } => self.generations = self.generations.max(*highest),
            Event::Admitted { generation } => self.generations = self.generations.max(*generation),
            Event::Verified { source, version, content } => {
                let known = self.sources.entry(source.clone()).or_default();
                if *version >= known.version {
                    known.version = *version;
                    known.content.clone_from(content);
                }
            }
            Event::Held { source, version, content, reason } => {
                self.held.retain(|held| held.source != *source || held.version != *version);
                self.held.push(Held {
                    source: source.clone(),
                    version: *version,
                    content: content.clone(),
                    reason: reason.clone(),
                    since: entry.time,
                });
            }
            Event::Released { source, version } => {
                self.held.retain(|held| held.source != *source || held.version != *version);
            }
            Event::ReportOnly { on, generation, reason } => {
                let (since, generation, reason) = (entry.time, *generation, reason.clone());
                self.report_only = on.then_some(ReportOnly { since, generation, reason });
            }
            Event::Begun
            | Event::Refused { .. }
            | Event::Activating { .. }
            | Event::Activated { .. }
            | Event::Abandoned { .. } => (),
        }
    }

    /// What holds this content back, if anything does.
    #[must_use]
    pub fn held(&self, source: &str, version: u64, content: &str) -> Option<&Held> {
        self.held.iter().find(|held| {
            held.source == source
                && held.content.as_ref().map_or(held.version == version, |known| known == content)
        })
    }
}
