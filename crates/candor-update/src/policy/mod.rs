//! What a customer lets in. It is read whole or not at all: a policy with a mistake in it would be one that
//! somebody believes in and nobody keeps.
//!
//! ```toml
//! version = 1
//! feed = "example.com/feed"
//! ring = "broad"
//! delay-hours = 72
//! classes = ["signatures", "hashes", "allow"]
//!
//! [signatures]
//! root = 3
//! content = 2
//!
//! [log]
//! max-age-hours = 168
//! policy = """
//! log example.com/log+9d0b4a2c+ATv...
//! witness one one.example+1c7e3a55+BEc...
//! quorum one
//! """
//!
//! [[cosigner]]
//! name = "security-team"
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::candidate::MemberClass;
use crate::feed::{Demands, Ring};
use crate::log::{LONGEST_POLICY, LogPolicy};

/// The version of the file's format.
const VERSION: u64 = 1;

/// Bytes of the longest policy that is read.
const LONGEST: usize = LONGEST_POLICY + (64 << 10);

/// What is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The feed that it is for.
    pub feed: String,
    /// The only release that is let in.
    pub pin: Option<u64>,
    /// How long a release must have been in the log, by the witnesses' clocks.
    pub delay_hours: u64,
    /// The ring of this machine.
    pub ring: Ring,
    /// Classes of members that are wanted.
    pub classes: BTreeSet<MemberClass>,
    /// Whether only what was carried in is let in.
    pub offline_only: bool,
    /// Signatures that every root of the feed must demand.
    pub demands: Demands,
    /// The log, unless the customer does without.
    pub log: Option<LogRules>,
    /// Repositories that must name the same archives.
    pub cosigners: Vec<Cosigner>,
}

/// What is wanted of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRules {
    /// Which logs, witnesses and quorum.
    pub policy: LogPolicy,
    /// How long ago a quorum of witnesses may have vouched for the log last.
    pub max_age_hours: u64,
}

/// A repository that must agree (TAP 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    /// Its name, by which its files and its state are found.
    pub name: String,
    /// Signatures that its roots must demand.
    pub demands: Demands,
}

/// Why a policy is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy: {reason}")]
pub struct PolicyError {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    version: Spanned<u64>,
    feed: Spanned<String>,
    pin: Option<Spanned<u64>>,
    delay_hours: Option<Spanned<u64>>,
    ring: Option<Spanned<String>>,
    classes: Option<Spanned<Vec<Spanned<String>>>>,
    offline_only: Option<bool>,
    signatures: Option<Signatures>,
    log: Option<Log>,
    #[serde(default)]
    cosigner: Vec<CosignerFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signatures {
    root: Option<Spanned<u64>>,
    content: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Log {
    required: Option<Spanned<bool>>,
    max_age_hours: Option<Spanned<u64>>,
    policy: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CosignerFile {
    name: Spanned<String>,
    root: Option<Spanned<u64>>,
    content: Option<Spanned<u64>>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > LONGEST {
            return Err(PolicyError { line: 1, reason: format!("it has more than {LONGEST} bytes") });
        }
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().unwrap_or_default();
            PolicyError { line: line(text, &at), reason: error.message().to_owned() }
        })?;
        let reader = Reader { text };
        reader.policy(file)
    }

    /// Whether members of a class are wanted.
    #[must_use]
    pub fn wants(&self, class: MemberClass) -> bool {
        self.classes.contains(&class)
    }
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn fault(&self, at: Range<usize>, reason: impl Into<String>) -> PolicyError {
        PolicyError { line: line(self.text, &at), reason: reason.into() }
    }

    fn policy(&self, file: File) -> Result<Policy, PolicyError> {
        let fault = |at, reason: &str| self.fault(at, reason);
        if *file.version.get_ref() != VERSION {
            return Err(fault(file.version.span(), "the version of a policy is 1"));
        }
        let feed = self.word(&file.feed)?;
        if let Some(pin) = file.pin.as_ref().filter(|pin| *pin.get_ref() == 0) {
            return Err(fault(pin.span(), "releases are numbered from 1 on"));
        }
        let ring = match &file.ring {
            None => Ring::Broad,
            Some(ring) => Ring::parse(ring.get_ref())
                .ok_or_else(|| fault(ring.span(), "a ring is one of canary, early and broad"))?,
        };
        let all = [
            MemberClass::Signatures,
            MemberClass::Hashes,
            MemberClass::Allow,
            MemberClass::Rules,
            MemberClass::Policy,
        ];
        let mut classes = BTreeSet::new();
        match &file.classes {
            None => classes.extend(all),
            Some(listed) if listed.get_ref().is_empty() => {
                return Err(fault(listed.span(), "no class is wanted, so nothing would ever be let in"));
            }
            Some(listed) => {
                for name in listed.get_ref() {
                    let known =
                        all.into_iter().find(|class| crate::feed::class_name(*class) == name.get_ref());
                    let reason = "a class is one of signatures, hashes, allow, rules and policy";
                    classes.insert(known.ok_or_else(|| fault(name.span(), reason))?);
                }
            }
        }
        let signatures = file.signatures.unwrap_or(Signatures { root: None, content: None });
        let demands = self.demands(signatures.root, signatures.content, Demands { root: 3, content: 2 })?;
        let log = self.log(file.log)?;
        let delay_hours = self.delay(file.delay_hours.as_ref(), log.as_ref())?;
        let mut cosigners: Vec<Cosigner> = Vec::new();
        for cosigner in file.cosigner {
            let at = cosigner.name.span();
            let name = self.word(&cosigner.name)?;
            if name.contains('/') || name.starts_with('.') {
                return Err(fault(at, "the name of a cosigner is also that of a directory"));
            }
            if cosigners.iter().any(|other| other.name == name) {
                return Err(fault(at, "there is a cosigner of that name already"));
            }
            let demands = self.demands(cosigner.root, cosigner.content, Demands { root: 1, content: 1 })?;
            cosigners.push(Cosigner { name, demands });
        }
        Ok(Policy {
            feed,
            pin: file.pin.map(Spanned::into_inner),
            delay_hours,
            ring,
            classes,
            offline_only: file.offline_only.unwrap_or(false),
            demands,
            log,
            cosigners,
        })
    }

    fn word(&self, word: &Spanned<String>) -> Result<String, PolicyError> {
        let text = word.get_ref();
        if text.is_empty() || text.bytes().any(|byte| !(0x21..=0x7e).contains(&byte)) {
            return Err(self.fault(word.span(), "a name is printable ASCII without spaces"));
        }
        Ok(text.clone())
    }

    fn demands(
        &self,
        root: Option<Spanned<u64>>,
        content: Option<Spanned<u64>>,
        otherwise: Demands,
    ) -> Result<Demands, PolicyError> {
        let number = |given: Option<Spanned<u64>>, otherwise| match given {
            None => Ok(otherwise),
            Some(number) if *number.get_ref() == 0 => {
                Err(self.fault(number.span(), "at least one signature must be demanded"))
            }
            Some(number) => Ok(number.into_inner()),
        };
        Ok(Demands { root: number(root, otherwise.root)?, content: number(content, otherwise.content)? })
    }

    fn log(&self, log: Option<Log>) -> Result<Option<LogRules>, PolicyError> {
        let without = "releases that are not logged are let in only if `[log]` says `required = false`";
        let Some(log) = log else {
            return Err(self.fault(0..0, without));
        };
        let required = log.required.as_ref().is_none_or(|required| *required.get_ref());
        let Some(policy) = log.policy else {
            return match log.required {
                Some(at) if required => {
                    Err(self.fault(at.span(), "the log is required, and no `policy` says which"))
                }
                None => Err(self.fault(0..0, without)),
                Some(_) => Ok(None),
            };
        };
        if !required {
            return Err(
                self.fault(policy.span(), "a policy for a log that is not required would not be kept")
            );
        }
        let parsed = LogPolicy::parse(policy.get_ref().as_bytes()).map_err(|error| {
            // The text of the log's policy begins on the line after its opening quotes.
            let first = line(self.text, &policy.span());
            let opening = self.text.get(policy.span()).unwrap_or_default();
            let below = usize::from(opening.starts_with("\"\"\"\n") || opening.starts_with("'''\n"));
            let line = first.saturating_add(below).saturating_add(error.line).saturating_sub(1);
            PolicyError { line, reason: error.reason.to_string() }
        })?;
        if parsed.logs().is_empty() {
            return Err(self.fault(policy.span(), "no log is named, so nothing would ever be let in"));
        }
        let max_age_hours = match log.max_age_hours {
            None => 7 * 24,
            Some(hours) if *hours.get_ref() == 0 => {
                return Err(self.fault(hours.span(), "no cosignature is less than 0 hours old"));
            }
            Some(hours) => hours.into_inner(),
        };
        Ok(Some(LogRules { policy: parsed, max_age_hours }))
    }

    fn delay(&self, delay: Option<&Spanned<u64>>, log: Option<&LogRules>) -> Result<u64, PolicyError> {
        let Some(delay) = delay else { return Ok(0) };
        let hours = *delay.get_ref();
        if hours > 0 && log.is_none_or(|log| !log.policy.has_quorum()) {
            let reason =
                "a delay is measured by the clocks of witnesses, and the policy has no quorum of them";
            return Err(self.fault(delay.span(), reason));
        }
        if hours > 24 * 365 {
            return Err(self.fault(delay.span(), "a delay of more than a year is a pin"));
        }
        Ok(hours)
    }
}

/// The line of a place, from 1 on.
fn line(text: &str, at: &Range<usize>) -> usize {
    let before = text.as_bytes().get(..at.start).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1)
}
