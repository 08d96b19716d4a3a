//! A feed of releases, verified without a network.
//!
//! A release is believed when all of this holds ([`verify`]): its metadata follows from a root that the customer
//! has, by The Update Framework's workflow ([`trust`](self)); it is in a log that others have seen, and that they
//! vouched for lately; every repository that the customer wants to agree does; the customer's policy lets it in; and
//! its archives hold nothing but data. Each step has a sentence for the case that it fails ([`Refusal`]), and none
//! of them changes what is remembered ([`State`]).
//!
//! Files of a feed: `N.root.json`, `timestamp.json`, `N.snapshot.json`, `N.targets.json`, `targets/DIGEST.NAME`,
//! `proofs/N.tlog-proof`, `log/checkpoint` and `log/tile/…`.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

pub mod json;
mod key;
mod logged;
mod metadata;
mod mirror;
mod refusal;
pub mod release;
mod state;
#[cfg(test)]
mod tests;
pub mod time;
mod trust;

use std::collections::{BTreeMap, BTreeSet};

pub use key::{KeyId, MetadataSignature, RoleKeys, describe};
pub use logged::{CHECKPOINT, TILES, entry, proof_path};
pub(crate) use metadata::{Body, is_name};
pub use metadata::{FileInfo, Metadata, Ring, Role, Root, SPECIFICATION, Targets};
pub(crate) use mirror::read_file;
pub use mirror::{Directory, Members, Mirror, MirrorError, Output};
pub use refusal::{Fault, Refusal};
pub(crate) use release::class_name;
pub use state::{State, StateError};
pub use trust::Demands;
pub(crate) use trust::signers;

use logged::Log;
use release::{ArchiveError, Header};
use trust::Refreshed;

use crate::candidate::{Candidate, Provenance};
use crate::log::Hash;
use crate::policy::Policy;

/// Bytes of the largest archive.
const LARGEST_ARCHIVE: u64 = 512 << 20;

/// Releases that are looked back over for one that is old enough.
const MOST_BACK: u64 = 1000;

/// What is to be verified, by what.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a mirror need not be one that can be shown")]
pub struct Request<'a> {
    /// The name of the source, for the candidate.
    pub source: &'a str,
    /// The feed.
    pub feed: &'a dyn Mirror,
    /// The repositories that must agree, by their names in the policy.
    pub cosigners: &'a BTreeMap<String, &'a dyn Mirror>,
    /// What is remembered.
    pub state: &'a State,
    /// What the customer lets in.
    pub policy: &'a Policy,
    /// The time at which the update began, in seconds since 1970. The same for everything.
    pub now: u64,
}

/// A feed that is what it should be.
#[derive(Debug)]
pub struct Verified {
    /// What is to be remembered once the release is in use, or at once if there is none.
    pub state: State,
    /// The newest release that the policy lets in, if it is newer than the one in use.
    pub release: Option<Release>,
    /// Releases that are there and are not let in yet, each with the reason.
    pub waiting: Vec<String>,
}

/// A release that is believed, not yet unpacked.
#[derive(Debug)]
pub struct Release {
    source: String,
    feed: String,
    version: u64,
    archives: Vec<(String, Vec<u8>)>,
    provenance: Provenance,
    policy: Policy,
}

/// A feed that is refused.
#[derive(Debug, thiserror::Error)]
#[error("{refusal}")]
pub struct Refused {
    /// Why.
    #[source]
    pub refusal: Refusal,
    /// What is to be remembered all the same: new roots that were properly signed, and nothing else. `None` if
    /// there were none. Forgetting them would be what the holder of a revoked key wants.
    pub learned: Option<Box<State>>,
}

/// Verifies a feed: its metadata, its log, the agreement of others, and the archives of the release that the policy
/// lets in. Nothing is written.
///
/// # Errors
/// The feed is refused, and what is remembered stays as it is.
pub fn verify(request: Request<'_>) -> Result<Verified, Refused> {
    // It gets new roots, and nothing else: what is to be remembered of a feed that holds is made apart.
    let mut rooted = request.state.clone();
    examine(request, &mut rooted).map_err(|refusal| {
        let old = request.state;
        let others = || rooted.cosigners.iter().zip(&old.cosigners);
        let is_newer = rooted.feed.root_version > old.feed.root_version
            || others().any(|((_, new), (_, old))| new.root_version > old.root_version);
        Refused { refusal, learned: is_newer.then(|| Box::new(rooted)) }
    })
}

fn examine(request: Request<'_>, rooted: &mut State) -> Result<Verified, Refusal> {
    let Request { feed: mirror, policy, now, .. } = request;
    if policy.offline_only && !mirror.is_carried() {
        return Err(Refusal::Network);
    }
    let refreshed = trust::refresh(mirror, &mut rooted.feed, policy.demands, now)?;
    let mut state = rooted.clone();
    state.feed = refreshed.trusted.clone();
    let feed = &refreshed.root.body.feed;
    if *feed != policy.feed {
        return Err(Refusal::OtherState { stored: feed.clone(), policy: policy.feed.clone() });
    }
    let log = match &policy.log {
        None => None,
        Some(rules) => Some(Log::open(
            mirror,
            &rules.policy,
            state.log.as_ref(),
            state.witnessed,
            (now, rules.max_age_hours),
        )?),
    };
    let mut waiting = Vec::new();
    let chosen = choose(request, state.feed.release, &refreshed, log.as_ref(), &mut waiting)?;
    let release = match chosen {
        None => None,
        Some(chosen) => {
            let cosigners = agree(request, rooted, &mut state, &chosen.targets)?;
            let release = fetch(request, &refreshed, chosen, cosigners)?;
            state.feed.release = release.version;
            Some(release)
        }
    };
    if let Some(log) = log {
        let (seen, witnessed) = log.seen();
        state.log = Some(seen);
        state.witnessed = state.witnessed.max(witnessed);
    }
    Ok(Verified { state, release, waiting })
}

/// A release that the policy lets in.
struct Chosen {
    targets: Metadata<Targets>,
    digest: Hash,
    logged: Option<logged::Logged>,
}

/// Finds the newest release that the policy lets in.
fn choose(
    request: Request<'_>,
    active: u64,
    refreshed: &Refreshed,
    log: Option<&Log<'_>>,
    waiting: &mut Vec<String>,
) -> Result<Option<Chosen>, Refusal> {
    let policy = request.policy;
    let newest = refreshed.targets.version;
    let first = match policy.pin {
        Some(pinned) if pinned > newest || pinned < active => {
            return Err(Refusal::Pinned { pinned, newest, active });
        }
        Some(pinned) => pinned,
        None => newest,
    };
    let last = active.max(newest.saturating_sub(MOST_BACK));
    let mut version = first;
    while version > last {
        let found = targets(request, refreshed, version)?;
        let Some((targets, digest)) = found else { break };
        let logged = match log {
            Some(log) => Some(log.release(&refreshed.root.body.feed, version, digest)?),
            None => None,
        };
        let reason = reason(policy, &refreshed.targets.body, &targets, logged.as_ref());
        let Some(reason) = reason else {
            return Ok(Some(Chosen { targets, digest, logged }));
        };
        waiting.push(format!("release {version} {reason}"));
        if policy.pin.is_some() {
            break;
        }
        version = version.saturating_sub(1);
    }
    Ok(None)
}

/// The targets of a version: the newest that were verified already, or older ones. `None` if they are gone.
fn targets(
    request: Request<'_>,
    refreshed: &Refreshed,
    version: u64,
) -> Result<Option<(Metadata<Targets>, Hash)>, Refusal> {
    if version == refreshed.targets.version {
        return Ok(Some((refreshed.targets.clone(), refreshed.digest)));
    }
    // Snapshot vouches for the newest only. Older ones are vouched for by the same people, and by the log.
    let file = format!("{version}.targets.json");
    let Some(bytes) = mirror::find(request.feed, &file, Role::Targets.limit())? else { return Ok(None) };
    let targets = trust::signed::<Targets>(&refreshed.root, &file, &bytes)?;
    if targets.version != version {
        return Err(Refusal::Version { file, expected: version, got: targets.version });
    }
    trust::unexpired(&targets, request.now)?;
    Ok(Some((targets, Hash::of(&bytes))))
}

/// Why a release is not let in yet.
fn reason(
    policy: &Policy,
    newest: &Targets,
    targets: &Metadata<Targets>,
    logged: Option<&logged::Logged>,
) -> Option<String> {
    if newest.withdrawn.contains(&targets.version) {
        return Some("has been withdrawn".to_owned());
    }
    let ring = targets.body.ring;
    if ring < policy.ring {
        return Some(format!(
            "is for the ring `{}`, and this machine is in `{}`",
            ring.name(),
            policy.ring.name()
        ));
    }
    let age = logged.map_or(0, |logged| logged.age) / 3600;
    if age < policy.delay_hours {
        let delay = policy.delay_hours;
        return Some(format!("has been in the log for {age} hours, and the policy waits {delay}"));
    }
    None
}

/// Asks every repository that must agree. Gives the identifiers of the keys that did.
fn agree(
    request: Request<'_>,
    rooted: &mut State,
    state: &mut State,
    targets: &Metadata<Targets>,
) -> Result<Vec<String>, Refusal> {
    let mut keys = BTreeSet::new();
    for cosigner in &request.policy.cosigners {
        let name = &cosigner.name;
        let mirror = request.cosigners.get(name);
        let (Some(mirror), Some(trusted)) = (mirror, rooted.cosigners.get_mut(name)) else {
            return Err(Refusal::NoCosigner(name.clone()));
        };
        let wrong = |source| Refusal::Cosigner { name: name.clone(), source: Box::new(source) };
        let refreshed = trust::refresh(*mirror, trusted, cosigner.demands, request.now).map_err(wrong)?;
        state.cosigners.insert(name.clone(), refreshed.trusted.clone());
        for (archive, info) in &targets.body.archives {
            let says = match refreshed.targets.body.archives.get(archive) {
                Some(theirs) if theirs == info => continue,
                Some(theirs) => format!("signs `{archive}` with the digest {}", theirs.sha256),
                None => format!("does not sign `{archive}`"),
            };
            return Err(Refusal::Disagreement { name: name.clone(), says });
        }
        let theirs = &refreshed.targets;
        let file = format!("{}.targets.json", theirs.version);
        let signers = trust::count(&refreshed.root, Role::Targets, &theirs.signed, &theirs.signatures, &file);
        keys.extend(signers.map_err(wrong)?);
    }
    Ok(refusal::ids(&keys))
}

/// Reads the archives of a release.
fn fetch(
    request: Request<'_>,
    refreshed: &Refreshed,
    chosen: Chosen,
    cosigners: Vec<String>,
) -> Result<Release, Refusal> {
    let Chosen { targets, digest, logged } = chosen;
    let mut archives = Vec::new();
    let mut left = LARGEST_ARCHIVE;
    for (name, info) in &targets.body.archives {
        let file = format!("targets/{}.{name}", info.sha256);
        let bytes = trust::vouched(request.feed, &file, info, left)?;
        left = left.saturating_sub(info.length);
        archives.push((name.clone(), bytes));
    }
    let file = format!("{}.targets.json", targets.version);
    let root = &refreshed.root;
    let signers = trust::count(root, Role::Targets, &targets.signed, &targets.signatures, &file)?;
    let log = request.policy.log.as_ref().and_then(|rules| rules.policy.logs().first());
    let provenance = Provenance::Feed {
        targets_sha256: digest.to_string(),
        root: root.version,
        targets: targets.version,
        snapshot: refreshed.snapshot,
        timestamp: refreshed.timestamp,
        signers: refusal::ids(&signers),
        log: log.filter(|_| logged.is_some()).map(|log| log.name().to_owned()),
        log_index: logged.as_ref().map(|logged| logged.index),
        witnesses: logged.map(|logged| logged.witnesses).unwrap_or_default(),
        cosigners,
    };
    Ok(Release {
        source: request.source.to_owned(),
        feed: root.body.feed.clone(),
        version: targets.version,
        archives,
        provenance,
        policy: request.policy.clone(),
    })
}

impl Release {
    /// Its number.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Why it is believed.
    #[must_use]
    pub const fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Its archives, for a repository that agrees with it.
    #[must_use]
    pub fn archives(&self) -> BTreeMap<String, FileInfo> {
        let describe = |bytes: &[u8]| FileInfo { length: bytes.len() as u64, sha256: Hash::of(bytes) };
        self.archives.iter().map(|(name, bytes)| (name.clone(), describe(bytes))).collect()
    }

    /// Unpacks it. Members of classes that the policy does not want are checked and left out.
    ///
    /// # Errors
    /// An archive is not what a release may be: the release is refused, and what was written must not be used.
    pub fn unpack(&self, output: &mut dyn Output) -> Result<Candidate, Refusal> {
        let directory = output.directory().to_owned();
        let mut members = Vec::new();
        let mut expectations = Vec::new();
        let mut names = BTreeSet::new();
        for (archive, bytes) in &self.archives {
            let header = Header { feed: &self.feed, archive, release: self.version };
            let wanted = |class| self.policy.wants(class);
            let unpacked =
                release::unpack(bytes, header, &wanted, output).map_err(|source| match source {
                    // Named first by another archive, so that the file is there already.
                    ArchiveError::Write { name, source }
                        if source.kind() == std::io::ErrorKind::AlreadyExists && names.contains(&name) =>
                    {
                        Refusal::MemberTwice { member: name }
                    }
                    source => Refusal::Archive { file: archive.clone(), source },
                })?;
            names.extend(unpacked.members.iter().map(|member| member.name.clone()));
            members.extend(unpacked.members);
            expectations.extend(unpacked.expectations);
        }
        Ok(Candidate {
            source: self.source.clone(),
            version: self.version,
            directory,
            members,
            provenance: self.provenance.clone(),
            expectations,
        })
    }
}
