//! Settings as records: how a worker that reads hostile bytes tells what it saw, and how whoever asked takes it. Every
//! bound is checked again: a worker may have been taken over.

use serde::{Deserialize, Serialize};

use super::quarantine::Noted;
use super::settings::{self, Outcome, Setting};
use crate::inventory::Beside;
use crate::inventory::record::{is_short, may_be_short};

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// The next setting.
    Setting(Setting),
    /// A file of a quarantine, as a database describes it.
    Noted(Noted),
    /// The last word about a file.
    Outcome(Outcome),
}

/// Reads settings, with logs `beside` them that were not applied: gives records to `say`, and returns the last one.
pub fn settings(
    bytes: &[u8],
    partial: Option<&str>,
    beside: &[Beside<'_>],
    say: &mut dyn FnMut(&[u8]),
) -> Vec<u8> {
    let mut outcome = settings::read(bytes, beside, &mut |setting| say(&Record::Setting(setting).encode()));
    if let Some(why) = partial {
        outcome.trouble.get_or_insert_with(|| crate::inventory::text(why));
    }
    Record::Outcome(outcome).encode()
}

/// Reads a database of a quarantine, with a log `beside` it that was not applied: gives records to `say`, and returns the last one.
pub fn quarantine(
    bytes: &[u8],
    partial: Option<&str>,
    beside: &[Beside<'_>],
    say: &mut dyn FnMut(&[u8]),
) -> Vec<u8> {
    let mut number = 0_u64;
    let trouble = super::quarantine::read(bytes, beside, &mut |noted| {
        number = number.saturating_add(1);
        say(&Record::Noted(noted).encode());
    });
    let trouble = partial.map(crate::inventory::text).or(trouble);
    Record::Outcome(Outcome { format: None, settings: number, trouble }).encode()
}

impl Record {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What bytes say; `None` when it is nothing that a reader would say.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(bytes).ok()?;
        let is_sound = match &record {
            Self::Setting(setting) => {
                [&setting.value, &setting.place, &setting.key].into_iter().all(|text| is_short(text))
                    && may_be_short(&setting.with)
            }
            Self::Noted(noted) => {
                is_short(&noted.file)
                    && [&noted.path, &noted.threat, &noted.at, &noted.user].into_iter().all(may_be_short)
            }
            Self::Outcome(outcome) => may_be_short(&outcome.trouble),
        };
        is_sound.then_some(record)
    }
}
