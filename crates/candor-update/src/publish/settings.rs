//! What a publisher has decided about a feed: `feed.toml` in its directory.

use serde::{Deserialize, Serialize};

use super::PublishError;
use crate::log::{Hash, KeyKind, LogPolicy, VerifierKey};

/// A public key, in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Public(pub [u8; 32]);

impl std::str::FromStr for Public {
    type Err = PublishError;

    fn from_str(text: &str) -> Result<Self, PublishError> {
        let wrong = || PublishError::Key(format!("`{text}` is not 64 lower-case hexadecimal digits"));
        Hash::from_hex(text).map(|hash| Self(hash.0)).ok_or_else(wrong)
    }
}

impl std::fmt::Display for Public {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Hash(self.0).fmt(out)
    }
}

impl Serialize for Public {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Public {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The settings of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Its name.
    pub feed: String,
    /// Keys of the root role.
    pub root: Vec<Public>,
    /// Signatures that it needs.
    pub root_threshold: u64,
    /// Keys of those who release.
    pub content: Vec<Public>,
    /// Signatures that a release needs.
    pub content_threshold: u64,
    /// The key of the machine that says what is newest.
    pub online: Public,
    /// Days that a root holds.
    pub root_days: u64,
    /// Days that a release holds.
    pub content_days: u64,
    /// Days that the machine's word holds.
    pub online_days: u64,
    /// Log, witnesses and quorum, as customers are told (`tlog-policy`); empty for a feed without a log, as that of a
    /// repository that only agrees with another.
    pub log: String,
}

impl Settings {
    /// Reads a text.
    ///
    /// # Errors
    /// It says what is not known or makes no sense.
    pub fn parse(text: &str) -> Result<Self, PublishError> {
        let settings: Self =
            toml::from_str(text).map_err(|error| PublishError::Settings(error.message().to_owned()))?;
        settings.check()?;
        Ok(settings)
    }

    pub(super) fn check(&self) -> Result<(), PublishError> {
        let wrong = |reason: &str| Err(PublishError::Settings(reason.to_owned()));
        if self.feed.is_empty() || self.feed.bytes().any(|byte| !(0x21..=0x7e).contains(&byte)) {
            return wrong("the name of a feed is printable ASCII without spaces");
        }
        for (keys, threshold) in [(&self.root, self.root_threshold), (&self.content, self.content_threshold)]
        {
            if threshold == 0 || threshold > keys.len() as u64 {
                return wrong("a threshold is at least 1, and at most the number of keys");
            }
        }
        let all: Vec<&Public> = self.root.iter().chain(&self.content).chain([&self.online]).collect();
        let twice = all
            .iter()
            .enumerate()
            .any(|(place, key)| all.iter().skip(place.saturating_add(1)).any(|other| other == key));
        if twice {
            return wrong("the same key is listed twice; each has one task");
        }
        for key in all {
            if VerifierKey::new("key", KeyKind::Note, &key.0).is_err() {
                return Err(PublishError::Settings(format!("`{key}` is not a sound Ed25519 key")));
            }
        }
        self.log_policy().map(|_| ())
    }

    /// The log's policy, if there is a log.
    pub(super) fn log_policy(&self) -> Result<Option<LogPolicy>, PublishError> {
        if self.log.is_empty() {
            return Ok(None);
        }
        let policy = LogPolicy::parse(self.log.as_bytes())
            .map_err(|error| PublishError::Settings(error.to_string()))?;
        if policy.logs().len() != 1 {
            return Err(PublishError::Settings("the log policy of a feed names one log".to_owned()));
        }
        Ok(Some(policy))
    }
}
