//! Whether the log that a feed comes with is the one that everybody sees, and whether a release is in it.

use super::mirror::{self, LogFiles, Mirror};
use super::refusal::Refusal;
use super::state::LogSeen;
use crate::log::merkle;
use crate::log::tiles::Tree;
use crate::log::{
    Checkpoint, Hash, LONGEST_NOTE, LONGEST_PROOF, LogPolicy, NotWitnessed, Note, Proof, Witnessed,
};

/// How far a witness's clock may be ahead of this machine's.
const SLACK: u64 = 3600;

/// Where the newest checkpoint lies.
pub const CHECKPOINT: &str = "log/checkpoint";

/// Where the log's tiles lie.
pub const TILES: &str = "log/";

/// Where the proof of a release lies.
#[must_use]
pub fn proof_path(version: u64) -> String {
    format!("proofs/{version}.tlog-proof")
}

/// What is logged for a release: enough to see from the log alone that somebody was given another one.
#[must_use]
pub fn entry(feed: &str, version: u64, targets: Hash) -> String {
    format!("candor-release/v1\n{feed}\n{version}\n{targets}\n")
}

/// The log, as of its newest checkpoint.
pub(super) struct Log<'a> {
    mirror: &'a dyn Mirror,
    policy: &'a LogPolicy,
    newest: Witnessed,
}

/// A release that is in the log.
pub(super) struct Logged {
    pub(super) index: u64,
    pub(super) witnesses: Vec<(String, u64)>,
    /// Seconds between when a quorum had seen it and when one last vouched for the log.
    pub(super) age: u64,
}

impl<'a> Log<'a> {
    /// Reads the newest checkpoint and compares it with what was seen before.
    pub(super) fn open(
        mirror: &'a dyn Mirror,
        policy: &'a LogPolicy,
        known: Option<&LogSeen>,
        witnessed: u64,
        (now, hours): (u64, u64),
    ) -> Result<Self, Refusal> {
        let bytes = mirror::read(mirror, CHECKPOINT, LONGEST_NOTE as u64)?;
        let newest = Note::parse(&bytes).map_err(NotWitnessed::from).and_then(|note| policy.check(&note));
        let newest = newest.map_err(|source| Refusal::Checkpoint { file: CHECKPOINT.to_owned(), source })?;
        let log = Self { mirror, policy, newest };
        if policy.has_quorum() {
            let seen = log.newest.fresh;
            if seen > now.saturating_add(SLACK) {
                return Err(Refusal::FutureWitnesses { seen, now });
            }
            if seen < now.saturating_sub(hours.saturating_mul(3600)) {
                return Err(Refusal::StaleWitnesses { seen, hours });
            }
            if seen < witnessed {
                return Err(Refusal::OlderWitnesses { known: witnessed, got: seen });
            }
        }
        if let Some(known) = known {
            let Checkpoint { origin, size, .. } = &log.newest.checkpoint;
            if *origin != known.origin {
                return Err(Refusal::OtherLog { expected: known.origin.clone(), got: origin.clone() });
            }
            if *size < known.size {
                return Err(Refusal::LogShrunk { known: known.size, got: *size });
            }
            log.extends((known.size, known.root), "were seen before")?;
        }
        Ok(log)
    }

    /// The newest checkpoint, to be remembered.
    pub(super) fn seen(&self) -> (LogSeen, u64) {
        let Checkpoint { origin, size, root } = self.newest.checkpoint.clone();
        (LogSeen { origin, size, root }, self.newest.fresh)
    }

    /// Checks that a release is in the log.
    pub(super) fn release(&self, feed: &str, version: u64, targets: Hash) -> Result<Logged, Refusal> {
        let file = proof_path(version);
        let Some(bytes) = mirror::find(self.mirror, &file, LONGEST_PROOF as u64)? else {
            return Err(Refusal::NotLogged { version, file });
        };
        let entry = entry(feed, version, targets);
        let proof = Proof::parse(&bytes);
        let proved = proof.and_then(|proof| Ok((proof.index, proof.verify(self.policy, entry.as_bytes())?)));
        let (index, witnessed) = proved.map_err(|source| Refusal::Proof { file, source })?;
        let Checkpoint { origin, size, root } = &witnessed.checkpoint;
        let newest = &self.newest.checkpoint;
        if *origin != newest.origin {
            return Err(Refusal::OtherLog { expected: newest.origin.clone(), got: origin.clone() });
        }
        if *size > newest.size {
            return Err(Refusal::LogShrunk { known: *size, got: newest.size });
        }
        self.extends((*size, *root), "the proof is for")?;
        let age = self.newest.fresh.saturating_sub(witnessed.seen);
        Ok(Logged { index, witnesses: witnessed.witnesses, age })
    }

    /// Checks that the newest checkpoint continues an older one.
    fn extends(&self, (old, root): (u64, Hash), whose: &'static str) -> Result<(), Refusal> {
        let Checkpoint { size: new, root: newest, .. } = self.newest.checkpoint;
        let mut files = LogFiles(self.mirror);
        let mut tree = Tree::new(&mut files, TILES, new);
        let unreadable = |source| Refusal::Tiles { old, new, source };
        let proof = merkle::prove_consistency(&mut tree, old, new).map_err(unreadable)?;
        if merkle::extends((old, root), (new, newest), &proof) {
            return Ok(());
        }
        // Tiles that give the newest root tell the truth, and then it is the log that has lied.
        if old == new || (old > 0 && tree.root().is_ok_and(|root| root == newest)) {
            return Err(Refusal::Forked { old, new, whose });
        }
        Err(Refusal::DamagedTiles { old, new })
    }
}
