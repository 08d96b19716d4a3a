//! What has to be remembered from one run to the next, beside the databases themselves. It names nobody: there is
//! no number of this installation in it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The version of what is written.
const VERSION: u32 = 1;
/// The longest that a server can keep one away.
const LONGEST_REST: u64 = 24 * 3600;
/// How long one stays away after 403.
const FORBIDDEN: u64 = 24 * 3600;
/// How long one stays away after 429 when the server does not say.
const TOO_MANY: u64 = 4 * 3600;
/// The most names that are remembered.
const MOST_NAMES: usize = 1024;

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// No official server is asked before this time, in seconds since 1970.
    #[serde(default)]
    rest_until: u64,
    /// Databases of which a signature by certificates was seen: from then on they need one.
    #[serde(default)]
    signed: BTreeSet<String>,
}

/// The state is not one.
#[derive(Debug, thiserror::Error)]
#[error("not a state of the updater: {0}")]
pub struct StateError(String);

impl Default for State {
    fn default() -> Self {
        Self { version: VERSION, rest_until: 0, signed: BTreeSet::new() }
    }
}

impl State {
    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// It is something else. It must not be taken for an empty one: a damaged file would do away with what a
    /// database needs.
    pub fn read(bytes: &[u8]) -> Result<Self, StateError> {
        let state: Self = serde_json::from_slice(bytes).map_err(|error| StateError(error.to_string()))?;
        if state.version != VERSION {
            return Err(StateError(format!("it is of version {}", state.version)));
        }
        Ok(state)
    }

    /// The bytes of a file.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Until when official servers are left alone; `None` when they may be asked.
    #[must_use]
    pub fn rest(&self, now: u64) -> Option<u64> {
        // A clock that was far ahead once must not stop updates for ever.
        let sensible = self.rest_until <= now.saturating_add(LONGEST_REST);
        (self.rest_until > now && sensible).then_some(self.rest_until)
    }

    /// A server said 403 or 429; says until when it is left alone.
    pub fn refused(&mut self, status: u16, retry_after: Option<u64>, now: u64) -> u64 {
        let rest = match (status, retry_after) {
            (429, Some(seconds)) => seconds.min(LONGEST_REST),
            (429, None) => TOO_MANY,
            _ => FORBIDDEN,
        };
        self.rest_until = now.saturating_add(rest);
        self.rest_until
    }

    /// Whether a database needs a signature by certificates.
    #[must_use]
    pub fn needs_signature(&self, database: &str) -> bool {
        self.signed.contains(database)
    }

    /// A signature by certificates was seen, and was valid.
    pub fn saw_signature(&mut self, database: &str) {
        if self.signed.len() < MOST_NAMES {
            self.signed.insert(database.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_kept_across_runs_and_ends() {
        for (status, retry_after, rest) in [
            (403, None, 24 * 3600),
            (403, Some(10), 24 * 3600),
            (429, None, 4 * 3600),
            (429, Some(100), 100),
            (429, Some(u64::MAX), 24 * 3600),
        ] {
            let mut state = State::default();
            assert_eq!(state.rest(1000), None);
            assert_eq!(state.refused(status, retry_after, 1000), 1000 + rest);
            let state = State::read(&state.write()).unwrap();
            assert_eq!(state.rest(1000 + rest - 1), Some(1000 + rest));
            assert_eq!(state.rest(1000 + rest), None);
        }
    }

    #[test]
    fn a_rest_from_a_clock_that_was_ahead_is_not_kept() {
        let mut state = State::default();
        state.refused(403, None, 4_000_000_000);
        assert_eq!(state.rest(1_700_000_000), None);
    }

    #[test]
    fn what_was_signed_once_needs_it_for_good() {
        let mut state = State::default();
        assert!(!state.needs_signature("daily"));
        state.saw_signature("daily");
        let state = State::read(&state.write()).unwrap();
        assert!(state.needs_signature("daily") && !state.needs_signature("main"));
    }

    #[test]
    fn a_damaged_state_is_not_an_empty_one() {
        for bytes in [&b""[..], b"{}", b"{\"version\":2}", b"{\"version\":1,\"x\":1}", b"{\"version\":1"] {
            assert!(State::read(bytes).is_err());
        }
    }
}
