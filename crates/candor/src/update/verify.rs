//! Verifying, in a process without network that may read what was brought and write to the generation that is being made.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use candor_sandbox::{Rooms, StageError, stage};
use candor_update::generation::{Disk, Staging};
use candor_update::pipeline::local::{self, Pins};
use candor_update::{Candidate, Member, Provenance};

/// How long verifying may take. Half a gigabyte takes two seconds.
const TIME: Duration = Duration::from_secs(30 * 60);

/// What is said when a stage cannot be confined.
pub(super) const NO_JAIL: &str = "an update cannot be verified in a process of its own here (`candor doctor` says what is missing, \
                       --no-sandbox does without)";

/// Why something was not taken.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// It is not what it should be.
    Refused(String),
    /// It could not be found out.
    Failed(anyhow::Error),
}

/// Takes a directory over that somebody else fills.
pub(crate) fn directory(
    staging: &Staging,
    source: &str,
    version: u64,
    from: &Path,
    pins: Option<&Pins>,
    is_confined: bool,
) -> Result<Candidate, NotTaken> {
    let room = staging.room(&Disk, source).map_err(|error| NotTaken::Failed(error.into()))?;
    let work = || -> Result<Vec<Member>, String> {
        local::take(&Disk, from, &room, pins).map_err(|error| error.to_string())
    };
    let members = if is_confined {
        let rooms = Rooms { reads: &[from], writes: &[&room] };
        let said =
            stage(&rooms, TIME, || serde_json::to_vec(&work()).unwrap_or_default()).map_err(|error| {
                let is_missing = matches!(error, StageError::NotConfined(_));
                let error = anyhow::Error::new(error);
                NotTaken::Failed(if is_missing { error.context(NO_JAIL) } else { error })
            })?;
        serde_json::from_slice::<Result<Vec<Member>, String>>(&said)
            .context("what the verifier says is no answer")
            .map_err(NotTaken::Failed)?
    } else {
        work()
    };
    Ok(Candidate {
        source: source.to_owned(),
        version,
        directory: room.clone(),
        members: members.map_err(NotTaken::Refused)?,
        provenance: if pins.is_some() { Provenance::Pinned } else { Provenance::Local },
        expectations: Vec::new(),
    })
}
