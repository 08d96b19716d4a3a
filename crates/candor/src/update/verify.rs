//! Verifying, in a process without network that may read what was brought and write to the generation that is being made.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use candor_sandbox::{Rooms, StageError, stage};
use candor_update::generation::{Disk, Staging};
use candor_update::pipeline::local::{self, Taken, Vouched};
use candor_update::{Candidate, Member, Provenance};
use serde::{Deserialize, Serialize};

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
    /// Not now; nothing is wrong with it.
    Waiting(String),
}

/// What the verifier says of a directory.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    members: Vec<Member>,
    signed: Option<u64>,
}

/// Takes a directory over that somebody else fills.
pub(crate) fn directory(
    staging: &Staging,
    source: &str,
    version: u64,
    from: &Path,
    vouched: &Vouched,
    is_confined: bool,
) -> Result<(Candidate, Taken), NotTaken> {
    let room = staging.room(&Disk, source).map_err(|error| NotTaken::Failed(error.into()))?;
    let work = || -> Result<Said, String> {
        let Taken { members, signed } =
            local::take(&Disk, from, &room, vouched).map_err(|error| error.to_string())?;
        Ok(Said { members, signed })
    };
    let said = if is_confined {
        let rooms = Rooms { reads: &[from], writes: &[&room] };
        let said =
            stage(&rooms, TIME, || serde_json::to_vec(&work()).unwrap_or_default()).map_err(|error| {
                let is_missing = matches!(error, StageError::NotConfined(_));
                let error = anyhow::Error::new(error);
                NotTaken::Failed(if is_missing { error.context(NO_JAIL) } else { error })
            })?;
        serde_json::from_slice::<Result<Said, String>>(&said)
            .context("what the verifier says is no answer")
            .map_err(NotTaken::Failed)?
    } else {
        work()
    };
    let Said { members, signed } = said.map_err(NotTaken::Refused)?;
    let candidate = Candidate {
        source: source.to_owned(),
        version,
        directory: room.clone(),
        members: members.clone(),
        provenance: match vouched {
            Vouched::Owner => Provenance::Local,
            Vouched::Digests(_) => Provenance::Pinned,
            Vouched::Key(key) => Provenance::Key { key: key.to_string() },
        },
        expectations: Vec::new(),
    };
    Ok((candidate, Taken { members, signed }))
}
