//! Which logs are accepted, and whose cosignatures make a checkpoint believed (C2SP `tlog-policy`).
//!
//! The times that witnesses sign are the only clock that an attacker who holds the vendor's keys cannot set.
//! Two are taken from them, each so that a minority cannot move it: by when a quorum **had seen** the checkpoint,
//! and when a quorum **still** vouched for it.

use std::collections::BTreeSet;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::key::{KeyError, KeyKind, VerifierKey};
use super::note::{Note, NoteError};

/// Bytes of the longest policy that is read.
pub const LONGEST_POLICY: usize = 256 * 1024;

/// Logs, witnesses and groups that a policy may each have.
const MOST: usize = 64;

/// A policy that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPolicy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    rules: Vec<Rule>,
    quorum: Option<usize>,
}

/// A witness, or a group of rules that were defined before it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    name: Vec<u8>,
    kind: RuleKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RuleKind {
    Witness(usize),
    Group { threshold: usize, members: Vec<usize> },
}

/// A checkpoint that a policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The witnesses whose cosignatures hold, with their times, earliest first.
    pub witnesses: Vec<(String, u64)>,
    /// The time by which a quorum had cosigned; 0 without a quorum.
    pub seen: u64,
    /// The latest time from which on a quorum cosigned; 0 without a quorum.
    pub fresh: u64,
}

/// Why a checkpoint is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotWitnessed {
    /// Not a note, or with a wrong signature.
    #[error("the checkpoint is not sound: {0}")]
    Note(#[from] NoteError),
    /// Not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// No accepted log of that name signed it.
    #[error("the checkpoint of `{0}` is not signed by a log that the policy names")]
    Log(String),
    /// Too few witnesses.
    #[error("the checkpoint of `{origin}` is not witnessed enough: the policy's quorum is not reached by {}", names(.by))]
    Quorum {
        /// The log.
        origin: String,
        /// Those whose cosignatures hold.
        by: Vec<String>,
    },
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "nobody's cosignature".to_owned() } else { names.join(", ") }
}

/// Why a policy cannot be used. Nothing is evaluated with half of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the log policy: {reason}")]
pub struct PolicyError {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub reason: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// Bytes that may not be there.
    #[error("it has control characters in it")]
    Control,
    /// A word that begins no line.
    #[error("`{0}` is none of log, witness, group and quorum")]
    Unknown(String),
    /// Too few or too many words.
    #[error("expected `{0}`")]
    Form(&'static str),
    /// A key that cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key for something else.
    #[error("the key of `{0}` signs something else: a log's key has type 1, a witness's type 4")]
    Kind(String),
    /// The same key twice.
    #[error("the key of `{0}` is listed already")]
    Duplicate(String),
    /// The same name twice.
    #[error("`{0}` is defined already")]
    Defined(String),
    /// A name that is not defined.
    #[error("`{0}` is not defined on a line before")]
    Undefined(String),
    /// A member of two groups, or of one twice.
    #[error("`{0}` is a member of a group already")]
    Member(String),
    /// A threshold out of bounds.
    #[error("the threshold `{0}` is not a number from 1 to that of the members")]
    Threshold(String),
    /// Too many of something.
    #[error("more than {MOST} lines of this kind")]
    Many,
    /// A second quorum.
    #[error("there is a quorum already")]
    SecondQuorum,
    /// No quorum at all.
    #[error("there is no quorum line")]
    NoQuorum,
    /// Too long.
    #[error("the policy has more than {LONGEST_POLICY} bytes")]
    Long,
}

impl LogPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first line that cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        if bytes.len() > LONGEST_POLICY {
            return Err(PolicyError { line: 1, reason: PolicyFault::Long });
        }
        let mut last = 1;
        for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            reader.line(text).map_err(|reason| PolicyError { line, reason })?;
            last = line;
        }
        let quorum = reader.quorum.ok_or(PolicyError { line: last, reason: PolicyFault::NoQuorum })?;
        Ok(Self { logs: reader.logs, witnesses: reader.witnesses, rules: reader.rules, quorum })
    }

    /// The logs that are accepted.
    #[must_use]
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The witnesses that are known.
    #[must_use]
    pub fn witnesses(&self) -> &[VerifierKey] {
        &self.witnesses
    }

    /// Whether any cosignature is wanted.
    #[must_use]
    pub const fn has_quorum(&self) -> bool {
        self.quorum.is_some()
    }

    /// Checks a checkpoint: by an accepted log, cosigned by a quorum.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, note: &Note) -> Result<Witnessed, NotWitnessed> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let keys: Vec<VerifierKey> = self
            .logs
            .iter()
            .filter(|log| log.name() == checkpoint.origin)
            .chain(&self.witnesses)
            .cloned()
            .collect();
        let logs = keys.len().saturating_sub(self.witnesses.len());
        let signed = note.verify(&keys)?;
        if !signed.iter().any(|signed| signed.key < logs) {
            return Err(NotWitnessed::Log(checkpoint.origin));
        }
        let mut times: Vec<(usize, u64)> =
            signed.iter().filter_map(|signed| Some((signed.key.checked_sub(logs)?, signed.time?))).collect();
        times.sort_unstable_by_key(|(_, time)| *time);
        let witnesses: Vec<(String, u64)> = times
            .iter()
            .filter_map(|(witness, time)| Some((self.witnesses.get(*witness)?.name().to_owned(), *time)))
            .collect();
        if !self.reached(&|_| true, &times) {
            let by = witnesses.into_iter().map(|(name, _)| name).collect();
            return Err(NotWitnessed::Quorum { origin: checkpoint.origin, by });
        }
        let (mut seen, mut fresh) = (0, 0);
        if self.has_quorum() {
            let earliest = times.iter().find(|(_, limit)| self.reached(&|time| time <= *limit, &times));
            let latest = times.iter().rev().find(|(_, limit)| self.reached(&|time| time >= *limit, &times));
            seen = earliest.map_or(0, |(_, time)| *time);
            fresh = latest.map_or(0, |(_, time)| *time);
        }
        Ok(Witnessed { checkpoint, witnesses, seen, fresh })
    }

    /// Whether the cosignatures of which `counts` is true reach the quorum.
    fn reached(&self, counts: &dyn Fn(u64) -> bool, times: &[(usize, u64)]) -> bool {
        let Some(quorum) = self.quorum else { return true };
        let mut holds: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            // Members are defined before their group, so what they are is known by now.
            holds.push(match &rule.kind {
                RuleKind::Witness(witness) => {
                    times.iter().any(|(signed, time)| signed == witness && counts(*time))
                }
                RuleKind::Group { threshold, members } => {
                    let reached = members.iter().filter(|member| holds.get(**member) == Some(&true));
                    reached.count() >= *threshold
                }
            });
        }
        holds.get(quorum) == Some(&true)
    }
}

#[derive(Default)]
struct Reader {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    rules: Vec<Rule>,
    grouped: BTreeSet<usize>,
    groups: usize,
    /// Outer: whether there was a line; inner: the rule, or `none`.
    quorum: Option<Option<usize>>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        if line.iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f) {
            return Err(PolicyFault::Control);
        }
        let words: Vec<&[u8]> =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        let Some((first, rest)) = words.split_first() else { return Ok(()) };
        if first.starts_with(b"#") {
            return Ok(());
        }
        match (*first, rest) {
            (b"log", [key] | [key, _]) => self.log(key),
            (b"log", _) => Err(PolicyFault::Form("log VKEY [URL]")),
            (b"witness", [name, key] | [name, key, _]) => self.witness(name, key),
            (b"witness", _) => Err(PolicyFault::Form("witness NAME VKEY [URL]")),
            (b"group", [name, threshold, members @ ..]) if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            (b"group", _) => Err(PolicyFault::Form("group NAME all|any|NUMBER MEMBER...")),
            (b"quorum", [name]) => self.quorum(name),
            (b"quorum", _) => Err(PolicyFault::Form("quorum NAME")),
            (other, _) => Err(PolicyFault::Unknown(lossy(other))),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), PolicyFault> {
        let key = verifier(key, KeyKind::Note)?;
        if self.logs.len() == MOST {
            return Err(PolicyFault::Many);
        }
        if self.logs.iter().any(|other| other.public() == key.public()) {
            return Err(PolicyFault::Duplicate(key.name().to_owned()));
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8]) -> Result<(), PolicyFault> {
        let key = verifier(key, KeyKind::Cosignature)?;
        if self.witnesses.len() == MOST {
            return Err(PolicyFault::Many);
        }
        if self.witnesses.iter().any(|other| other.public() == key.public()) {
            return Err(PolicyFault::Duplicate(key.name().to_owned()));
        }
        self.define(name, RuleKind::Witness(self.witnesses.len()))?;
        self.witnesses.push(key);
        Ok(())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], members: &[&[u8]]) -> Result<(), PolicyFault> {
        if self.groups == MOST {
            return Err(PolicyFault::Many);
        }
        let mut places = Vec::new();
        for member in members {
            let place = self.place(member)?;
            if !self.grouped.insert(place) {
                return Err(PolicyFault::Member(lossy(member)));
            }
            places.push(place);
        }
        let threshold = match threshold {
            b"all" => places.len(),
            b"any" => 1,
            number => std::str::from_utf8(number)
                .ok()
                .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|number| number.parse().ok())
                .filter(|number| (1..=places.len()).contains(number))
                .ok_or_else(|| PolicyFault::Threshold(lossy(number)))?,
        };
        self.groups = self.groups.saturating_add(1);
        self.define(name, RuleKind::Group { threshold, members: places })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyFault> {
        if self.quorum.is_some() {
            return Err(PolicyFault::SecondQuorum);
        }
        self.quorum = Some(if name == b"none" { None } else { Some(self.place(name)?) });
        Ok(())
    }

    fn define(&mut self, name: &[u8], kind: RuleKind) -> Result<(), PolicyFault> {
        if name == b"none" || self.rules.iter().any(|rule| rule.name == name) {
            return Err(PolicyFault::Defined(lossy(name)));
        }
        self.rules.push(Rule { name: name.to_vec(), kind });
        Ok(())
    }

    fn place(&self, name: &[u8]) -> Result<usize, PolicyFault> {
        let place = self.rules.iter().position(|rule| rule.name == name);
        place.ok_or_else(|| PolicyFault::Undefined(lossy(name)))
    }
}

fn verifier(text: &[u8], kind: KeyKind) -> Result<VerifierKey, PolicyFault> {
    let key = VerifierKey::parse(std::str::from_utf8(text).map_err(|_| KeyError::Form)?)?;
    if key.kind() == kind { Ok(key) } else { Err(PolicyFault::Kind(key.name().to_owned())) }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
