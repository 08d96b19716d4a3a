//! A witness over files: it watches one log, remembers the last checkpoint that it cosigned, and cosigns the next only
//! if the log has grown from there.

use std::path::PathBuf;

use super::PublishError;
use super::files::{Folder, write};
use super::keys::SecretKey;
use crate::feed::read_file;
use crate::log::tiles::Tree;
use crate::log::witness::{Record, Request};
use crate::log::{Checkpoint, KeyKind, Note, SignerKey, VerifierKey, merkle};

/// Bytes of the largest record that is read.
const LARGEST: u64 = 4 << 10;

/// A witness of one log.
#[derive(Debug)]
pub struct Watch {
    key: SignerKey,
    log: VerifierKey,
    state: PathBuf,
}

impl Watch {
    /// A witness of that name, which remembers what it saw in a file.
    ///
    /// # Errors
    /// The name or the log's key is not one.
    pub fn new(name: &str, key: &SecretKey, log: &str, state: PathBuf) -> Result<Self, PublishError> {
        let wrong = |error: crate::log::KeyError| PublishError::Key(error.to_string());
        let log = VerifierKey::parse(log).map_err(wrong)?;
        if log.kind() != KeyKind::Note {
            return Err(PublishError::Key(format!("the key of `{}` is not that of a log", log.name())));
        }
        let key = SignerKey::new(name, KeyKind::Cosignature, key.signing()).map_err(wrong)?;
        Ok(Self { key, log, state })
    }

    /// The key that customers put into their policies.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        self.key.verifier()
    }

    /// Looks at a checkpoint, with the log's files at hand, and cosigns it.
    ///
    /// # Errors
    /// The log has not grown from what was cosigned, its files do not show that, or the record cannot be kept.
    pub fn look(&self, log: PathBuf, checkpoint: &[u8], time: u64) -> Result<String, PublishError> {
        let note = Note::parse(checkpoint).map_err(crate::log::witness::WitnessError::from)?;
        let record = self.record()?;
        let (old, new) =
            (record.size, Checkpoint::parse(note.text()).map_or(0, |checkpoint| checkpoint.size));
        let mut files = Folder(log);
        let mut tree = Tree::new(&mut files, "", new);
        let proof = merkle::prove_consistency(&mut tree, old, new)?;
        self.answer(&Request { old, proof, checkpoint: note }, time)
    }

    /// Answers a request that brings its own proof.
    ///
    /// # Errors
    /// As [`Watch::look`].
    pub fn answer(&self, request: &Request, time: u64) -> Result<String, PublishError> {
        let pending = self.record()?.examine(&self.log, request)?;
        let line = pending.commit(&self.key, time, |record| {
            let text = toml::to_string(record).map_err(std::io::Error::other)?;
            write(&self.state, text.as_bytes())
        })?;
        Ok(line)
    }

    /// What was cosigned last. A record that is damaged is not taken for none: the witness would sign a fork.
    fn record(&self) -> Result<Record, PublishError> {
        let path = self.state.display().to_string();
        let read = read_file(&self.state, LARGEST);
        let bytes = read.map_err(|error| PublishError::Damaged(path.clone(), error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(Record::default()) };
        let text = String::from_utf8(bytes)
            .map_err(|error| PublishError::Damaged(path.clone(), error.to_string()))?;
        toml::from_str(&text).map_err(|error| PublishError::Damaged(path, error.message().to_owned()))
    }
}
