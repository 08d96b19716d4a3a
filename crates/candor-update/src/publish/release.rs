//! Releasing: collecting signatures and cosignatures, and publishing what has enough of them.

use super::PublishError;
use super::files::Folder;
use super::keys::SecretKey;
use super::site::{CHECKPOINT, COSIGNATURES, ROOT, Site, TARGETS, parse};
use super::write::{self, Draft};
use crate::feed::{self, KeyId, Metadata, Role, Root, Targets, proof_path};
use crate::log::tiles::{self, Tree};
use crate::log::{
    Checkpoint, Hash, KeyKind, LogPolicy, NotWitnessed, Note, Proof, SignatureLine, SignerKey, merkle,
};

const DAY: u64 = 86_400;

/// Keys of the machine that publishes.
#[derive(Clone, Debug)]
pub struct OnlineKeys {
    /// Signs snapshot and timestamp.
    pub online: SecretKey,
    /// Signs the log's checkpoints, if there is a log.
    pub log: Option<SecretKey>,
}

/// How far a release has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Signatures are missing.
    Signatures {
        /// Of what.
        file: String,
        /// How many are needed.
        needed: u64,
        /// Whose hold.
        by: Vec<String>,
    },
    /// Cosignatures are missing.
    Witnesses {
        /// The checkpoint that they are to be of.
        checkpoint: String,
        /// Why what is there is not enough.
        reason: String,
    },
    /// A release is published.
    Released {
        /// Which.
        version: u64,
    },
    /// Nothing was staged: what was there holds longer now.
    Refreshed {
        /// The timestamp's version.
        timestamp: u64,
    },
    /// A root is published, and there is no release yet.
    Begun {
        /// The root's version.
        root: u64,
    },
}

impl Site {
    /// Goes as far as it can with what has been carried here.
    ///
    /// # Errors
    /// A file cannot be read or written, or a key is not the one that the root names.
    pub fn release(&self, keys: &OnlineKeys, now: u64) -> Result<Progress, PublishError> {
        if let Some(progress) = self.publish_root()? {
            return Ok(progress);
        }
        let Some(root) = self.root()? else {
            return Err(PublishError::Now("there is no root yet".to_owned()));
        };
        if keys.online.public() != self.settings.online.0 {
            return Err(PublishError::Key("the online key is not the one in feed.toml".to_owned()));
        }
        let draft = self.collect(TARGETS)?;
        let Some(draft) = draft else {
            return match self.targets()? {
                Some(targets) => self.refresh(&targets, keys, now),
                None => Ok(Progress::Begun { root: root.version }),
            };
        };
        let bytes = draft.write();
        let targets = parse::<Targets>(TARGETS, &bytes)?;
        if let Some(progress) = missing(&root, Role::Targets, &targets, TARGETS) {
            return Ok(progress);
        }
        let version = targets.version;
        if let Some(policy) = self.settings.log_policy()? {
            let entry = feed::entry(&self.settings.feed, version, Hash::of(&bytes));
            let log = keys.log.as_ref();
            let log = log.ok_or_else(|| PublishError::Key("the log's key is missing".to_owned()))?;
            match self.log(&policy, &entry, log)? {
                Ok(proof) => {
                    self.folder
                        .put(&format!("public/{}", proof_path(version)), proof.to_string().as_bytes())?;
                    let newest = proof.checkpoint.to_string();
                    self.folder.put(&format!("public/{}", feed::CHECKPOINT), newest.as_bytes())?;
                }
                Err(progress) => return Ok(progress),
            }
        }
        let file = format!("{version}.targets.json");
        self.folder.put(&format!("public/{file}"), &bytes)?;
        self.point(version, &bytes, keys, now)?;
        self.folder.remove(TARGETS)?;
        self.forget_signatures("targets.json")?;
        self.forget_witnesses()?;
        Ok(Progress::Released { version })
    }

    /// Publishes a staged root once it has its signatures.
    fn publish_root(&self) -> Result<Option<Progress>, PublishError> {
        let Some(draft) = self.collect(ROOT)? else { return Ok(None) };
        let bytes = draft.write();
        let next = parse::<Root>(ROOT, &bytes)?;
        let old = self.root()?;
        let by = old.iter().chain([&next]);
        if let Some(progress) = by.into_iter().find_map(|by| missing(by, Role::Root, &next, ROOT)) {
            return Ok(Some(progress));
        }
        self.folder.put(&format!("public/{}.root.json", next.version), &bytes)?;
        self.folder.remove(ROOT)?;
        self.forget_signatures("root.json")?;
        Ok(None)
    }

    /// A draft with all signatures that were carried here.
    fn collect(&self, file: &str) -> Result<Option<Draft>, PublishError> {
        let Some(bytes) = self.folder.find(file)? else { return Ok(None) };
        let damaged =
            |file: &str| PublishError::Damaged(file.to_owned(), "it is not a draft of metadata".to_owned());
        let mut draft = Draft::parse(&bytes).ok_or_else(|| damaged(file))?;
        let name = file.trim_start_matches("staging/");
        for signature in self.folder.list("staging")? {
            if signature.starts_with(name) && signature.ends_with(".sig") {
                let path = format!("staging/{signature}");
                draft.attach(&self.folder.read(&path)?).ok_or_else(|| damaged(&path))?;
            }
        }
        Ok(Some(draft))
    }

    /// Puts an entry into the log, and gives its proof once enough witnesses have seen that.
    fn log(
        &self,
        policy: &LogPolicy,
        entry: &str,
        key: &SecretKey,
    ) -> Result<Result<Proof, Progress>, PublishError> {
        let origin = policy.logs().first().map(|log| log.name().to_owned()).unwrap_or_default();
        let signer = SignerKey::new(&origin, KeyKind::Note, key.signing())
            .map_err(|error| PublishError::Key(error.to_string()))?;
        if policy.logs().first() != Some(&signer.verifier()) {
            return Err(PublishError::Key("the log's key is not the one in feed.toml".to_owned()));
        }
        let mut files = Folder(self.public());
        let published = self.folder.find(&format!("public/{}", feed::CHECKPOINT))?;
        let before = published.map(|bytes| checkpoint(feed::CHECKPOINT, &bytes)).transpose()?;
        let index = before.map_or(0, |(checkpoint, _)| checkpoint.size);
        // The same entry gives the same files again, if this was interrupted.
        let size = tiles::append(&mut files, feed::TILES, index, &[entry.as_bytes().to_vec()])?;
        let mut tree = Tree::new(&mut files, feed::TILES, size);
        let text = Checkpoint { origin, size, root: tree.root()? }.to_string();
        if let Some(bytes) = self.folder.find(CHECKPOINT)? {
            // A log that signed two histories would never be believed again.
            let (staged, _) = checkpoint(CHECKPOINT, &bytes)?;
            if staged.to_string() != text {
                let reason = "the log has signed another entry already, and does not unsay: the staged release was changed";
                return Err(PublishError::Now(reason.to_owned()));
            }
        }
        let mut note = Note::new(&text).map_err(|error| PublishError::Now(error.to_string()))?;
        note.sign(&signer);
        self.folder.put(CHECKPOINT, note.to_string().as_bytes())?;
        self.cosign(policy, &mut note)?;
        if let Err(reason) = policy.check(&note) {
            return match reason {
                NotWitnessed::Quorum { .. } => {
                    let checkpoint = self.folder.0.join(CHECKPOINT).display().to_string();
                    Ok(Err(Progress::Witnesses { checkpoint, reason: reason.to_string() }))
                }
                other => Err(PublishError::Now(other.to_string())),
            };
        }
        let path = merkle::prove_inclusion(&mut tree, index, size)?;
        Ok(Ok(Proof { index, path, checkpoint: note }))
    }

    /// Adds the cosignatures that were carried here and are of this checkpoint.
    fn cosign(&self, policy: &LogPolicy, note: &mut Note) -> Result<(), PublishError> {
        for name in self.folder.list(COSIGNATURES)? {
            let path = format!("{COSIGNATURES}/{name}");
            let bytes = self.folder.read(&path)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for line in text.lines() {
                let damaged =
                    || PublishError::Damaged(path.clone(), "it has lines that are not signatures".to_owned());
                let line = SignatureLine::parse(line).ok_or_else(damaged)?;
                let mut with = note.clone();
                with.add(line);
                // Those of an earlier checkpoint would spoil this one.
                if with.verify(policy.witnesses()).is_ok() {
                    *note = with;
                }
            }
        }
        Ok(())
    }

    /// Signs anew what holds for a short time only.
    fn refresh(
        &self,
        targets: &Metadata<Targets>,
        keys: &OnlineKeys,
        now: u64,
    ) -> Result<Progress, PublishError> {
        let file = format!("public/{}.targets.json", targets.version);
        let bytes = self.folder.read(&file)?;
        if let Some(policy) = self.settings.log_policy()? {
            let path = format!("public/{}", feed::CHECKPOINT);
            let (_, mut note) = checkpoint(&path, &self.folder.read(&path)?)?;
            self.cosign(&policy, &mut note)?;
            policy.check(&note).map_err(|error| PublishError::Refused(error.to_string()))?;
            self.folder.put(&path, note.to_string().as_bytes())?;
            self.forget_witnesses()?;
        }
        let timestamp = self.point(targets.version, &bytes, keys, now)?;
        Ok(Progress::Refreshed { timestamp })
    }

    /// Writes snapshot and, last of all, timestamp. Gives the timestamp's version.
    fn point(&self, version: u64, targets: &[u8], keys: &OnlineKeys, now: u64) -> Result<u64, PublishError> {
        let expires = now.saturating_add(self.settings.online_days.saturating_mul(DAY));
        let snapshot_version = self.newest_version(Role::Snapshot)?.unwrap_or(0).saturating_add(1);
        let pointed = ("targets.json", version, targets);
        let mut snapshot = Draft::new(write::pointer("snapshot", pointed, snapshot_version, expires));
        snapshot.sign(&keys.online)?;
        let snapshot = snapshot.write();
        self.folder.put(&format!("public/{snapshot_version}.snapshot.json"), &snapshot)?;
        // Both go up together, so that the snapshot's number is the timestamp's, too.
        let pointed = ("snapshot.json", snapshot_version, snapshot.as_slice());
        let mut timestamp = Draft::new(write::pointer("timestamp", pointed, snapshot_version, expires));
        timestamp.sign(&keys.online)?;
        self.folder.put("public/timestamp.json", &timestamp.write())?;
        Ok(snapshot_version)
    }

    fn forget_witnesses(&self) -> Result<(), PublishError> {
        self.folder.remove(CHECKPOINT)?;
        for name in self.folder.list(COSIGNATURES)? {
            self.folder.remove(&format!("{COSIGNATURES}/{name}"))?;
        }
        Ok(())
    }
}

/// Whether signatures are missing that `by` demands.
fn missing<T>(by: &Metadata<Root>, role: Role, metadata: &Metadata<T>, file: &str) -> Option<Progress> {
    let needed = by.body.roles.get(&role).map_or(u64::MAX, |keys| keys.threshold);
    let signers = feed::signers(by, role, &metadata.signed, &metadata.signatures);
    let by = signers.iter().map(KeyId::to_string).collect();
    ((signers.len() as u64) < needed).then(|| Progress::Signatures { file: file.to_owned(), needed, by })
}

fn checkpoint(file: &str, bytes: &[u8]) -> Result<(Checkpoint, Note), PublishError> {
    let damaged = |reason: String| PublishError::Damaged(file.to_owned(), reason);
    let note = Note::parse(bytes).map_err(|error| damaged(error.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| damaged(error.to_string()))?;
    Ok((checkpoint, note))
}
