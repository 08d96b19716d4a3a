//! What a source on the network remembers for itself between updates. It names nobody.

use serde::{Deserialize, Serialize};

use crate::clamav::State;

/// What is remembered of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// Until when its servers are left alone, and which of its databases need a signature by certificates.
    pub servers: State,
    /// What a file of signatures was when it was fetched last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// When what was seen last was signed, in seconds since 1970. Nothing older is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<u64>,
}

/// What is remembered is of something else.
#[derive(Debug, thiserror::Error)]
#[error("what is remembered under this name is of a source of another kind; give this one another name")]
pub struct OtherKind;

impl Remembered {
    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// It is something else. It must not be taken for nothing: a source that changes its kind would forget what it saw.
    pub fn read(text: Option<&str>) -> Result<Self, OtherKind> {
        let Some(text) = text else { return Ok(Self::default()) };
        let read: Self = serde_json::from_str(text).map_err(|_| OtherKind)?;
        State::read(&read.servers.write()).map_err(|_| OtherKind)?;
        Ok(read)
    }

    /// The text that is kept.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_comes_back_and_nothing_else_does() {
        assert_eq!(Remembered::read(None).unwrap(), Remembered::default());
        let mut known = Remembered { modified: Some(1), signed: Some(2), ..Remembered::default() };
        known.servers.refused(403, None, 1000);
        known.servers.saw_signature("daily");
        let again = Remembered::read(Some(&known.write())).unwrap();
        assert_eq!(again, known);
        assert!(again.servers.rest(1000).is_some() && again.servers.needs_signature("daily"));
        let other = known.write().replace("\"version\":1", "\"version\":2");
        for text in ["", "{}", &"0".repeat(64), other.as_str()] {
            assert!(Remembered::read(Some(text)).is_err(), "{text}");
        }
    }
}
