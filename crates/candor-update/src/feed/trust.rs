//! The client's side of The Update Framework (specification 1.0.31, section 5): from the root that is trusted to
//! the newest targets, each file accepted only because one that was accepted before it says so.
//!
//! There is one clock reading for the whole update, so that nothing expires in the middle of it. What is learned is
//! written into a copy of what was trusted; only roots stay if the rest is refused, because a root takes back keys that
//! may be in wrong hands, and whoever has these would like it forgotten.

use std::collections::BTreeSet;

use super::key::{KeyId, MetadataSignature};
use super::metadata::{Body, FileInfo, Metadata, Pointer, Role, Root, Snapshot, Targets, Timestamp};
use super::mirror::{self, Mirror};
use super::refusal::Refusal;
use super::state::{Seen, Trusted};
use crate::log::Hash;

/// New roots that one update goes through.
const MOST_ROOTS: u64 = 256;

/// What a customer demands of every root, whatever it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demands {
    /// Signatures of the root role.
    pub root: u64,
    /// Signatures of the targets role.
    pub content: u64,
}

/// The newest metadata of a repository.
#[derive(Debug)]
pub(super) struct Refreshed {
    pub(super) root: Metadata<Root>,
    pub(super) timestamp: u64,
    pub(super) snapshot: u64,
    pub(super) targets: Metadata<Targets>,
    /// Digest of the targets file.
    pub(super) digest: Hash,
    /// What is to be remembered of the repository, if all else holds as well.
    pub(super) trusted: Trusted,
}

/// Goes through the workflow. `trusted` gets new roots, and what they make forgotten; nothing else.
pub(super) fn refresh(
    mirror: &dyn Mirror,
    trusted: &mut Trusted,
    demands: Demands,
    now: u64,
) -> Result<Refreshed, Refusal> {
    let root = roots(mirror, trusted, demands)?;
    unexpired(&root, now)?;

    let bytes = mirror::read(mirror, "timestamp.json", Role::Timestamp.limit())?;
    let timestamp = signed::<Timestamp>(&root, "timestamp.json", &bytes)?;
    let timestamp_seen = advance(&timestamp, trusted.timestamp)?;
    let Timestamp(pointer) = &timestamp.body;
    if pointer.version < trusted.snapshot {
        return Err(Refusal::Rollback {
            file: "snapshot.json".to_owned(),
            known: trusted.snapshot,
            got: pointer.version,
        });
    }
    unexpired(&timestamp, now)?;

    let (snapshot, _) = pointed::<Snapshot>(mirror, &root, pointer)?;
    let Snapshot(pointer) = &snapshot.body;
    let known = trusted.targets.map_or(0, |seen| seen.version);
    if pointer.version < known {
        return Err(Refusal::Rollback { file: "targets.json".to_owned(), known, got: pointer.version });
    }
    unexpired(&snapshot, now)?;

    let (targets, digest) = pointed::<Targets>(mirror, &root, pointer)?;
    let targets_seen = advance(&targets, trusted.targets)?;
    unexpired(&targets, now)?;

    let (timestamp, snapshot) = (timestamp.version, snapshot.version);
    let mut trusted = trusted.clone();
    trusted.timestamp = Some(timestamp_seen);
    trusted.snapshot = snapshot;
    trusted.targets = Some(targets_seen);
    Ok(Refreshed { root, timestamp, snapshot, targets, digest, trusted })
}

/// Follows the chain of roots to its end.
fn roots(mirror: &dyn Mirror, trusted: &mut Trusted, demands: Demands) -> Result<Metadata<Root>, Refusal> {
    let file = format!("{}.root.json", trusted.root_version);
    let mut root = Metadata::<Root>::parse(&file, trusted.root.as_bytes())?;
    demanded(&root, demands)?;
    for _ in 0..MOST_ROOTS {
        let expected = root.version.saturating_add(1);
        let file = format!("{expected}.root.json");
        let Some(bytes) = mirror::find(mirror, &file, Role::Root.limit())? else {
            return Ok(root);
        };
        let next = Metadata::<Root>::parse(&file, &bytes)?;
        // By the keys that are trusted, and by those that are to be.
        count(&root, Role::Root, &next.signed, &next.signatures, &file)?;
        count(&next, Role::Root, &next.signed, &next.signatures, &file)?;
        if next.version != expected {
            return Err(Refusal::RootVersion { file, expected, got: next.version });
        }
        if next.body.feed != root.body.feed {
            return Err(Refusal::OtherFeed { file, expected: root.body.feed, got: next.body.feed });
        }
        demanded(&next, demands)?;
        recover(trusted, &root.body, &next.body);
        trusted.root = String::from_utf8_lossy(&bytes).into_owned();
        trusted.root_version = next.version;
        root = next;
    }
    Err(Refusal::ManyRoots(MOST_ROOTS))
}

/// Forgets versions that were signed by keys that are gone: whoever had them may have run far ahead, so that
/// nothing could ever be newer.
fn recover(trusted: &mut Trusted, old: &Root, new: &Root) {
    let changed = |role: Role| old.roles.get(&role) != new.roles.get(&role);
    if changed(Role::Timestamp) || changed(Role::Snapshot) {
        trusted.timestamp = None;
        trusted.snapshot = 0;
    }
    if changed(Role::Targets) {
        trusted.snapshot = 0;
        trusted.targets = None;
        trusted.release = 0;
    }
}

/// Checks a root against what the customer demands.
fn demanded(root: &Metadata<Root>, demands: Demands) -> Result<(), Refusal> {
    for (role, needed) in [(Role::Root, demands.root), (Role::Targets, demands.content)] {
        let got = root.body.roles.get(&role).map_or(0, |keys| keys.threshold);
        if got < needed {
            return Err(Refusal::WeakRoot { file: root.file.clone(), role, needed, got });
        }
    }
    // One machine may say both what belongs together and what is newest. Nobody else has two tasks.
    let apart = [
        (Role::Root, Role::Targets),
        (Role::Root, Role::Snapshot),
        (Role::Root, Role::Timestamp),
        (Role::Targets, Role::Snapshot),
        (Role::Targets, Role::Timestamp),
    ];
    for (first, second) in apart {
        let keys = |role| root.body.roles.get(&role).map(|keys| &keys.keys);
        let (Some(ours), Some(theirs)) = (keys(first), keys(second)) else { continue };
        if let Some(key) = ours.intersection(theirs).next() {
            return Err(Refusal::SharedKey { file: root.file.clone(), first, second, key: *key });
        }
    }
    Ok(())
}

/// Counts the signatures that `by` demands of a role.
pub(super) fn count(
    by: &Metadata<Root>,
    role: Role,
    message: &[u8],
    signatures: &[MetadataSignature],
    file: &str,
) -> Result<BTreeSet<KeyId>, Refusal> {
    let needed = by.body.roles.get(&role).map_or(u64::MAX, |keys| keys.threshold);
    let signers = signers(by, role, message, signatures);
    let got = signers.len() as u64;
    if got < needed {
        let by = format!("root of version {}", by.version);
        return Err(Refusal::Threshold { file: file.to_owned(), role, by, needed, got });
    }
    Ok(signers)
}

/// Whose signatures hold, of those that a root lets sign as a role.
pub(crate) fn signers(
    by: &Metadata<Root>,
    role: Role,
    message: &[u8],
    signatures: &[MetadataSignature],
) -> BTreeSet<KeyId> {
    let keys = by.body.roles.get(&role);
    keys.map(|keys| keys.signers(&by.body.keys, message, signatures)).unwrap_or_default()
}

/// Reads a role's file and counts its signatures.
pub(super) fn signed<T: Body>(
    root: &Metadata<Root>,
    file: &str,
    bytes: &[u8],
) -> Result<Metadata<T>, Refusal> {
    let metadata = Metadata::<T>::parse(file, bytes)?;
    count(root, T::ROLE, &metadata.signed, &metadata.signatures, file)?;
    Ok(metadata)
}

/// Reads the file that another points at. Gives its digest, too.
fn pointed<T: Body>(
    mirror: &dyn Mirror,
    root: &Metadata<Root>,
    pointer: &Pointer,
) -> Result<(Metadata<T>, Hash), Refusal> {
    let file = format!("{}.{}.json", pointer.version, T::ROLE);
    let bytes = vouched(mirror, &file, &pointer.file, T::ROLE.limit())?;
    let metadata = signed::<T>(root, &file, &bytes)?;
    if metadata.version != pointer.version {
        return Err(Refusal::Version { file, expected: pointer.version, got: metadata.version });
    }
    Ok((metadata, pointer.file.sha256))
}

/// Reads a file whose length and digest are known.
pub(super) fn vouched(
    mirror: &dyn Mirror,
    file: &str,
    info: &FileInfo,
    most: u64,
) -> Result<Vec<u8>, Refusal> {
    if info.length > most {
        return Err(Refusal::Large { file: file.to_owned(), most, got: info.length });
    }
    let bytes = mirror::read(mirror, file, info.length)?;
    let got = bytes.len() as u64;
    if got != info.length {
        return Err(Refusal::Length { file: file.to_owned(), expected: info.length, got });
    }
    let digest = Hash::of(&bytes);
    if digest != info.sha256 {
        let (expected, got) = (info.sha256.to_string(), digest.to_string());
        return Err(Refusal::Digest { file: file.to_owned(), expected, got });
    }
    Ok(bytes)
}

/// Compares a file with the version that was seen before.
fn advance<T>(metadata: &Metadata<T>, known: Option<Seen>) -> Result<Seen, Refusal> {
    let seen = Seen { version: metadata.version, sha256: Hash::of(&metadata.signed) };
    match known {
        Some(known) if seen.version < known.version => {
            Err(Refusal::Rollback { file: metadata.file.clone(), known: known.version, got: seen.version })
        }
        Some(known) if seen.version == known.version && seen.sha256 != known.sha256 => {
            Err(Refusal::Equivocation { file: metadata.file.clone(), version: seen.version })
        }
        _ => Ok(seen),
    }
}

/// Checks that metadata held when the update began.
pub(super) fn unexpired<T>(metadata: &Metadata<T>, now: u64) -> Result<(), Refusal> {
    if metadata.expires <= now {
        return Err(Refusal::Expired { file: metadata.file.clone(), expired: metadata.expires, now });
    }
    Ok(())
}
