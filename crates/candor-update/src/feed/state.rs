//! What a customer's machine remembers of a feed, so that nothing can be taken back: the root that is trusted, the
//! highest versions that were seen, the log at its largest, and when witnesses last vouched for it.
//!
//! It is a value. Whoever stores it asks [`State::follows`] first, which refuses whatever is lower. Its text
//! carries a digest of itself: what was torn or cut short is noticed, and not taken for a fresh start.

use std::collections::BTreeMap;

use super::json::Value;
use super::metadata::{Metadata, Role, Root};
use super::refusal::Refusal;
use crate::log::Hash;

const FIRST_WORD: &str = "candor-feed-state/v1";

/// Bytes of the longest state that is read: a root of the feed and of each second repository.
const LONGEST: usize = 4 << 20;

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Of the feed itself.
    pub(super) feed: Trusted,
    /// Of the repositories that must agree, by their names in the policy.
    pub(super) cosigners: BTreeMap<String, Trusted>,
    /// Of the log.
    pub(super) log: Option<LogSeen>,
    /// When a quorum of witnesses last vouched for the log, as far as was seen.
    pub(super) witnessed: u64,
}

/// What is remembered of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trusted {
    /// The trusted root, as the file is.
    pub(super) root: String,
    pub(super) root_version: u64,
    pub(super) timestamp: Option<Seen>,
    pub(super) snapshot: u64,
    pub(super) targets: Option<Seen>,
    /// The release that was let in last; it may be older than the newest.
    pub(super) release: u64,
}

/// A version with the digest of what was signed under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) version: u64,
    pub(super) sha256: Hash,
}

/// The log at its largest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogSeen {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: Hash,
}

/// Why a stored state cannot be used. To start anew is the operator's decision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Not a state, or of a version that is not known.
    #[error("this is not the state of a feed in a version that is known")]
    Form,
    /// Its digest is not that of its content.
    #[error("the stored state of the feed is damaged: its digest is not that of its content")]
    Damaged,
    /// The root in it cannot be used.
    #[error("the root that was stored cannot be used: {0}")]
    Root(#[source] Box<Refusal>),
    /// A step back.
    #[error("{what} would go back from {known} to {got}")]
    Back {
        /// What.
        what: String,
        /// What is stored.
        known: u64,
        /// What would be.
        got: u64,
    },
    /// Another feed, log, or content under the same version.
    #[error("{0} would become another one")]
    Other(String),
}

impl State {
    /// The first state: nothing has been seen, and this root is trusted because somebody brought it here by another
    /// way than the feed. Roots of second repositories go by their names in the policy.
    ///
    /// # Errors
    /// A root is not one, or is not signed as it demands itself.
    pub fn begin(root: &[u8], cosigners: &[(&str, &[u8])]) -> Result<Self, StateError> {
        let wrong = |refusal| StateError::Root(Box::new(refusal));
        let feed = Trusted::begin(root).map_err(wrong)?;
        let mut others = BTreeMap::new();
        for (name, root) in cosigners {
            others.insert((*name).to_owned(), Trusted::begin(root).map_err(wrong)?);
        }
        Ok(Self { feed, cosigners: others, log: None, witnessed: 0 })
    }

    /// Trusts the root of a repository that the policy names newly. One that is known already stays as it is: its root
    /// has moved on by itself.
    ///
    /// # Errors
    /// The root is not one, or is not signed as it demands itself.
    pub fn admit(&mut self, name: &str, root: &[u8]) -> Result<(), StateError> {
        if !self.cosigners.contains_key(name) {
            let trusted = Trusted::begin(root).map_err(|refusal| StateError::Root(Box::new(refusal)))?;
            self.cosigners.insert(name.to_owned(), trusted);
        }
        Ok(())
    }

    /// The release that was let in last; 0 before the first.
    #[must_use]
    pub const fn release(&self) -> u64 {
        self.feed.release
    }

    /// The version of the trusted root.
    #[must_use]
    pub const fn root_version(&self) -> u64 {
        self.feed.root_version
    }

    /// The log's name, its entries, and its root, if a log was seen.
    #[must_use]
    pub fn log(&self) -> Option<(&str, u64, Hash)> {
        self.log.as_ref().map(|log| (log.origin.as_str(), log.size, log.root))
    }

    /// When a quorum of witnesses last vouched for the log, in seconds since 1970; 0 if never.
    #[must_use]
    pub const fn witnessed(&self) -> u64 {
        self.witnessed
    }

    /// Reads what [`State::write`] wrote.
    ///
    /// # Errors
    /// It is damaged, or nothing that was ever written.
    pub fn parse(bytes: &[u8]) -> Result<Self, StateError> {
        let text = std::str::from_utf8(bytes).map_err(|_| StateError::Damaged)?;
        if bytes.len() > LONGEST || !text.starts_with(FIRST_WORD) {
            return Err(StateError::Form);
        }
        let (first, rest) = text.split_once('\n').ok_or(StateError::Damaged)?;
        let digest = first.strip_prefix(FIRST_WORD).and_then(|rest| rest.strip_prefix(' '));
        let digest = digest.ok_or(StateError::Form)?;
        if Hash::from_hex(digest) != Some(Hash::of(rest.as_bytes())) {
            return Err(StateError::Damaged);
        }
        let value = Value::parse(rest.trim_end_matches('\n').as_bytes()).map_err(|_| StateError::Form)?;
        read(value).ok_or(StateError::Form)
    }

    /// The text to be stored.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let cosigners = self.cosigners.iter().map(|(name, trusted)| (name.clone(), trusted.value()));
        let log = self.log.as_ref().map_or_else(
            || Value::Bool(false),
            |log| {
                Value::object([
                    ("origin", Value::text(&log.origin)),
                    ("root", Value::Text(log.root.to_string())),
                    ("size", Value::Number(log.size)),
                ])
            },
        );
        let value = Value::object([
            ("cosigners", Value::Object(cosigners.collect())),
            ("feed", self.feed.value()),
            ("log", log),
            ("witnessed", Value::Number(self.witnessed)),
        ]);
        let mut rest = value.write();
        rest.push(b'\n');
        let mut text = format!("{FIRST_WORD} {}\n", Hash::of(&rest)).into_bytes();
        text.extend(rest);
        text
    }

    /// Whether this state may take the place of `older`: nothing in it is lower.
    ///
    /// # Errors
    /// What is.
    pub fn follows(&self, older: &Self) -> Result<(), StateError> {
        self.feed.follows("the feed", &older.feed)?;
        for (name, older) in &older.cosigners {
            // A policy may stop wanting a repository; what is wanted again later begins anew.
            if let Some(trusted) = self.cosigners.get(name) {
                trusted.follows(name, older)?;
            }
        }
        back("the time of the witnesses", older.witnessed, self.witnessed)?;
        match (&older.log, &self.log) {
            (None, _) => Ok(()),
            (Some(older), None) => back("the log", older.size, 0),
            (Some(older), Some(log)) => {
                if log.origin != older.origin || (log.size == older.size && log.root != older.root) {
                    return Err(StateError::Other("the log".to_owned()));
                }
                back("the log", older.size, log.size)
            }
        }
    }
}

fn back(what: &str, known: u64, got: u64) -> Result<(), StateError> {
    if got < known {
        return Err(StateError::Back { what: what.to_owned(), known, got });
    }
    Ok(())
}

impl Trusted {
    fn begin(bytes: &[u8]) -> Result<Self, Refusal> {
        let root = Metadata::<Root>::parse("root.json", bytes)?;
        super::trust::count(&root, Role::Root, &root.signed, &root.signatures, "root.json")?;
        Ok(Self {
            // Canonical metadata is ASCII.
            root: String::from_utf8_lossy(bytes).into_owned(),
            root_version: root.version,
            timestamp: None,
            snapshot: 0,
            targets: None,
            release: 0,
        })
    }

    fn follows(&self, name: &str, older: &Self) -> Result<(), StateError> {
        back(&format!("the root of {name}"), older.root_version, self.root_version)?;
        if self.root_version > older.root_version {
            // A new root may have new keys for the others, and with them new versions.
            return Ok(());
        }
        if self.root != older.root {
            return Err(StateError::Other(format!("the root of {name}")));
        }
        back(&format!("the snapshot of {name}"), older.snapshot, self.snapshot)?;
        back(&format!("the release of {name}"), older.release, self.release)?;
        let pairs =
            [("timestamp", older.timestamp, self.timestamp), ("targets", older.targets, self.targets)];
        for (what, older, now) in pairs {
            let Some(older) = older else { continue };
            let what = format!("the {what} of {name}");
            let now = now.unwrap_or(Seen { version: 0, sha256: older.sha256 });
            back(&what, older.version, now.version)?;
            if now.version == older.version && now.sha256 != older.sha256 {
                return Err(StateError::Other(what));
            }
        }
        Ok(())
    }

    fn value(&self) -> Value {
        let seen = |seen: Option<Seen>| {
            seen.map_or(Value::Bool(false), |seen| {
                Value::object([
                    ("sha256", Value::Text(seen.sha256.to_string())),
                    ("version", Value::Number(seen.version)),
                ])
            })
        };
        Value::object([
            ("release", Value::Number(self.release)),
            ("root", Value::text(&self.root)),
            ("root_version", Value::Number(self.root_version)),
            ("snapshot", Value::Number(self.snapshot)),
            ("targets", seen(self.targets)),
            ("timestamp", seen(self.timestamp)),
        ])
    }
}

fn read(value: Value) -> Option<State> {
    let Value::Object(mut fields) = value else { return None };
    let feed = read_trusted(fields.remove("feed")?)?;
    let Value::Object(others) = fields.remove("cosigners")? else { return None };
    let mut cosigners = BTreeMap::new();
    for (name, value) in others {
        cosigners.insert(name, read_trusted(value)?);
    }
    let log = match fields.remove("log")? {
        Value::Bool(false) => None,
        Value::Object(mut log) => Some(LogSeen {
            origin: text(log.remove("origin")?)?,
            size: number(log.remove("size")?)?,
            root: Hash::from_hex(&text(log.remove("root")?)?)?,
        }),
        _ => return None,
    };
    let witnessed = number(fields.remove("witnessed")?)?;
    fields.is_empty().then_some(State { feed, cosigners, log, witnessed })
}

fn read_trusted(value: Value) -> Option<Trusted> {
    let Value::Object(mut fields) = value else { return None };
    let trusted = Trusted {
        root: text(fields.remove("root")?)?,
        root_version: number(fields.remove("root_version")?)?,
        timestamp: read_seen(fields.remove("timestamp")?)?,
        snapshot: number(fields.remove("snapshot")?)?,
        targets: read_seen(fields.remove("targets")?)?,
        release: number(fields.remove("release")?)?,
    };
    fields.is_empty().then_some(trusted)
}

/// Outer: whether it is readable; inner: whether anything was seen.
#[expect(clippy::option_option, reason = "two questions, both of which `?` asks")]
fn read_seen(value: Value) -> Option<Option<Seen>> {
    match value {
        Value::Bool(false) => Some(None),
        Value::Object(mut fields) => Some(Some(Seen {
            version: number(fields.remove("version")?)?,
            sha256: Hash::from_hex(&text(fields.remove("sha256")?)?)?,
        })),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

fn number(value: Value) -> Option<u64> {
    if let Value::Number(number) = value { Some(number) } else { None }
}
