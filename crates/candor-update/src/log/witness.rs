//! What a witness does: it cosigns a checkpoint only after it has seen that the log it knows is the beginning
//! of the one it is shown, and after what it saw is safely written down.
//!
//! The order is in the types: [`Record::examine`] gives a [`Pending`], and only [`Pending::commit`], which writes
//! first, gives a signature. A witness that signed first and crashed then could be shown two branches.

use serde::{Deserialize, Serialize};

use super::base64;
use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::hash::Hash;
use super::key::{SignerKey, VerifierKey};
use super::merkle;
use super::note::{LONGEST_NOTE, Note, NoteError};

/// What a witness knows of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Entries of the latest checkpoint that it cosigned; 0 if none.
    pub size: u64,
    /// Root of that checkpoint, Base 64; empty if none.
    pub root: String,
}

/// What a witness is asked: C2SP `tlog-witness`, the body of `add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The size that the asker believes the witness to know.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: Note,
}

/// Why a witness does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The request is not in its form.
    #[error("line {0} of the request is not what `tlog-witness` has there")]
    Line(usize),
    /// Too many bytes.
    #[error("the request has {0} bytes, at most {LONGEST} are read", LONGEST = LONGEST_REQUEST)]
    Long(usize),
    /// Not a note, or with a wrong signature.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Another log.
    #[error("the checkpoint is of `{got}`, and this witness watches `{expected}`")]
    Origin {
        /// The log that is watched.
        expected: String,
        /// The log that was shown.
        got: String,
    },
    /// The log did not sign.
    #[error("the checkpoint is not signed by the key of `{0}`")]
    Unsigned(String),
    /// The proof begins elsewhere.
    #[error("the proof begins at size {got}, but the last checkpoint that was cosigned has size {known}")]
    Stale {
        /// What the witness knows.
        known: u64,
        /// Where the proof begins.
        got: u64,
    },
    /// The checkpoint is older than what was cosigned.
    #[error("the checkpoint has size {got}, which is less than the {known} that were cosigned")]
    Older {
        /// What the witness knows.
        known: u64,
        /// The size that was shown.
        got: u64,
    },
    /// The log has forked: one of its keys signed two histories.
    #[error("`{origin}` has forked: its {got} entries do not begin with the {known} that were cosigned")]
    Forked {
        /// The log.
        origin: String,
        /// What the witness knows.
        known: u64,
        /// The size that was shown.
        got: u64,
    },
    /// What the witness had written down is damaged.
    #[error("the record of what was cosigned is damaged")]
    Record,
    /// It could not be written down, and so nothing was signed.
    #[error("cannot write down what is to be cosigned")]
    Write(#[source] std::io::Error),
}

const LONGEST_REQUEST: usize = LONGEST_NOTE + 8 * 1024;

/// A checkpoint that may be cosigned once it has been written down.
#[derive(Debug)]
#[must_use = "nothing is signed before it is written down"]
pub struct Pending {
    record: Record,
    checkpoint: Note,
}

impl Request {
    /// Takes a request apart.
    ///
    /// # Errors
    /// It is not in the form of one.
    pub fn parse(bytes: &[u8]) -> Result<Self, WitnessError> {
        if bytes.len() > LONGEST_REQUEST {
            return Err(WitnessError::Long(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| WitnessError::Line(1))?;
        let (head, note) = text.split_once("\n\n").ok_or(WitnessError::Line(1))?;
        let mut lines = (1..).zip(head.split('\n'));
        let old = lines.next().and_then(|(_, line)| decimal(line.strip_prefix("old ")?));
        let old = old.ok_or(WitnessError::Line(1))?;
        let mut proof = Vec::new();
        for (number, line) in lines {
            if proof.len() == merkle::LONGEST_PROOF {
                return Err(WitnessError::Line(number));
            }
            proof.push(Hash::from_base64(line).ok_or(WitnessError::Line(number))?);
        }
        Ok(Self { old, proof, checkpoint: Note::parse(note.as_bytes())? })
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(out, "{}", hash.to_base64()))?;
        write!(out, "\n{}", self.checkpoint)
    }
}

impl Record {
    /// Checks that the request continues what is known of the log.
    ///
    /// # Errors
    /// It does not; nothing may be signed.
    pub fn examine(&self, log: &VerifierKey, request: &Request) -> Result<Pending, WitnessError> {
        let checkpoint = Checkpoint::parse(request.checkpoint.text())?;
        if checkpoint.origin != log.name() {
            return Err(WitnessError::Origin { expected: log.name().to_owned(), got: checkpoint.origin });
        }
        if request.checkpoint.verify(std::slice::from_ref(log))?.is_empty() {
            return Err(WitnessError::Unsigned(checkpoint.origin));
        }
        let root = if self.size == 0 && self.root.is_empty() {
            merkle::empty()
        } else {
            Hash::from_base64(&self.root).ok_or(WitnessError::Record)?
        };
        if checkpoint.size < self.size {
            return Err(WitnessError::Older { known: self.size, got: checkpoint.size });
        }
        if request.old != self.size {
            return Err(WitnessError::Stale { known: self.size, got: request.old });
        }
        if !merkle::extends((self.size, root), (checkpoint.size, checkpoint.root), &request.proof) {
            return Err(WitnessError::Forked {
                origin: checkpoint.origin,
                known: self.size,
                got: checkpoint.size,
            });
        }
        let record = Self { size: checkpoint.size, root: base64::encode(&checkpoint.root.0) };
        Ok(Pending { record, checkpoint: request.checkpoint.clone() })
    }
}

impl Pending {
    /// Writes the record down with `write`, and then signs. Gives one signature line with its newline.
    ///
    /// # Errors
    /// `write` failed; nothing was signed.
    pub fn commit(
        self,
        key: &SignerKey,
        time: u64,
        write: impl FnOnce(&Record) -> std::io::Result<()>,
    ) -> Result<String, WitnessError> {
        write(&self.record).map_err(WitnessError::Write)?;
        Ok(format!("{}\n", self.checkpoint.cosignature(key, time)))
    }
}
