//! Proofs of logging that stand for themselves (C2SP `tlog-proof`): the place of an entry, the path from it to
//! the root, and the checkpoint with everybody's signatures. Nothing has to be asked of anybody.

use super::base64;
use super::checkpoint::{Checkpoint, decimal};
use super::hash::Hash;
use super::merkle;
use super::note::{LONGEST_NOTE, Note};
use super::policy::{LogPolicy, NotWitnessed, Witnessed};

/// Bytes of the longest proof that is read.
pub const LONGEST: usize = LONGEST_NOTE + 8 * 1024;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof, of which nothing has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Zero-based place of the entry.
    pub index: u64,
    /// From the leaf's sibling to the root's child.
    pub path: Vec<Hash>,
    /// The checkpoint as the log and witnesses signed it.
    pub checkpoint: Note,
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Not in the form of a proof.
    #[error("line {0} of the proof is not what `{FIRST_LINE}` has there")]
    Line(usize),
    /// More bytes than are read.
    #[error("the proof has {0} bytes, at most {LONGEST} are read")]
    Long(usize),
    /// Not text.
    #[error("the proof is not UTF-8")]
    Text,
    /// More hashes than any tree needs.
    #[error("the proof has {0} hashes, and no tree needs more than {most}", most = merkle::LONGEST_PROOF)]
    Hashes(usize),
    /// The checkpoint is not accepted.
    #[error(transparent)]
    Checkpoint(#[from] NotWitnessed),
    /// The entry is not in the tree.
    #[error(
        "the entry is not number {index} of the {size} in the log: the path from it leads to another root"
    )]
    NotIncluded {
        /// Where it should be.
        index: u64,
        /// How many there are.
        size: u64,
    },
}

impl Proof {
    /// Takes a proof apart.
    ///
    /// # Errors
    /// It is not in the form of one.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > LONGEST {
            return Err(ProofError::Long(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ProofError::Text)?;
        let (head, note) = text.split_once("\n\n").ok_or(ProofError::Line(1))?;
        let mut lines = (1..).zip(head.split('\n')).peekable();
        if lines.next().is_none_or(|(_, line)| line != FIRST_LINE) {
            return Err(ProofError::Line(1));
        }
        // Extra data is allowed, vouched for by nobody, and of no use here.
        if let Some((number, extra)) = lines.next_if(|(_, line)| line.starts_with("extra "))
            && extra.strip_prefix("extra ").and_then(base64::decode).is_none()
        {
            return Err(ProofError::Line(number));
        }
        let (number, index) = lines.next().ok_or(ProofError::Line(2))?;
        let index = index.strip_prefix("index ").and_then(decimal).ok_or(ProofError::Line(number))?;
        let mut path = Vec::new();
        for (number, line) in lines {
            if path.len() == merkle::LONGEST_PROOF {
                return Err(ProofError::Hashes(head.split('\n').count()));
            }
            path.push(Hash::from_base64(line).ok_or(ProofError::Line(number))?);
        }
        let checkpoint = Note::parse(note.as_bytes()).map_err(NotWitnessed::from)?;
        Ok(Self { index, path, checkpoint })
    }

    /// Checks that `entry` is in a log that `policy` accepts, as witnessed as it demands.
    ///
    /// # Errors
    /// It is not.
    pub fn verify(&self, policy: &LogPolicy, entry: &[u8]) -> Result<Witnessed, ProofError> {
        let witnessed = policy.check(&self.checkpoint)?;
        let Checkpoint { size, root, .. } = witnessed.checkpoint;
        if !merkle::includes(size, root, self.index, merkle::leaf(entry), &self.path) {
            return Err(ProofError::NotIncluded { index: self.index, size });
        }
        Ok(witnessed)
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{FIRST_LINE}\nindex {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(out, "{}", hash.to_base64()))?;
        write!(out, "\n{}", self.checkpoint)
    }
}
