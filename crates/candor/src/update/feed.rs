//! A feed: verified in a process without network over a spool, which is filled until the verifier misses nothing more.
//!
//! The verifier asks for files by name, as its workflow comes to them. Where the feed is fetched, it runs over what is there, says
//! what it missed, and runs again once the fetcher has brought that: the one has the network and no keys to judge by, the other
//! judges and has no network.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use candor_sandbox::{Rooms, StageError, stage};
use candor_update::Candidate;
use candor_update::feed::{Directory, Members, Mirror, MirrorError, Request, State, verify};
use candor_update::generation::{Disk, Staging};
use candor_update::policy::Policy;
use candor_update::source::Feed;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::fetch;
use super::kept::Kept;
use super::verify::{NO_JAIL, NotTaken};
use crate::units::hexadecimal;

/// How long verifying may take.
const TIME: Duration = Duration::from_secs(10 * 60);

/// How often the fetcher is asked for more. The workflow comes to something new some ten times.
const ROUNDS: usize = 60;

/// What a feed came to.
#[derive(Debug)]
pub(super) struct Taken {
    /// The release that is to be tried out; `None` when there is nothing newer.
    pub(super) candidate: Option<Candidate>,
    /// What is to be remembered.
    pub(super) state: String,
    /// Releases that the policy does not let in yet.
    pub(super) waiting: Vec<String>,
    /// Which policy let it in.
    pub(super) decision: String,
}

/// What is to be remembered although the feed was refused.
pub(super) type Learned = Option<String>;

/// What the verifier says.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Taken { candidate: Option<Box<Candidate>>, state: String, waiting: Vec<String> },
    Refused { reason: String, learned: Option<String> },
    Wrong(String),
}

/// What it says, and what it missed in which repository; the feed itself has no name.
type Answer = (Said, Vec<(String, String, u64)>);

/// Verifies a feed; `state` is what was remembered.
#[expect(clippy::too_many_arguments, reason = "all that a feed depends on")]
pub(super) fn take(
    staging: &Staging,
    source: &str,
    feed: &Feed,
    servers: fetch::Servers<'_>,
    state: Option<&str>,
    spool: &Path,
    kept: &Kept,
    now: u64,
    is_confined: bool,
) -> Result<Taken, (NotTaken, Learned)> {
    let failed = |error: anyhow::Error| (NotTaken::Failed(error), None);
    let policy_text = read(&feed.policy).map_err(failed)?;
    let policy_text = String::from_utf8(policy_text).context("the policy is no text").map_err(failed)?;
    let root = read(&feed.root).map_err(failed)?;
    let mut roots = Vec::new();
    for other in &feed.cosigners {
        roots.push((other.name.clone(), read(&other.root).map_err(failed)?));
    }
    // Where each repository lies, and the address that it is fetched from.
    let mut places: BTreeMap<String, (PathBuf, Option<&str>)> = BTreeMap::new();
    let others = feed.cosigners.iter().map(|other| (other.name.as_str(), other.url.as_str()));
    for (number, (name, url)) in (0..).zip(std::iter::once(("", feed.url.as_str())).chain(others)) {
        let carried = url.starts_with('/').then(|| PathBuf::from(url));
        let is_carried = carried.is_some();
        let place = carried.unwrap_or_else(|| spool.join(i32::to_string(&number)));
        if !is_carried {
            let made = fs::create_dir_all(&place).with_context(|| place.display().to_string());
            made.map_err(failed)?;
        }
        places.insert(name.to_owned(), (place, (!is_carried).then_some(url)));
    }
    let mut asked = BTreeSet::new();
    for _ in 0..ROUNDS {
        let room = fresh_room(staging, source).map_err(failed)?;
        let work = || examine(source, &places, &policy_text, state, &root, &roots, &room, now);
        let (said, missed): Answer = if is_confined {
            let reads: Vec<&Path> = places.values().map(|(path, _)| path.as_path()).collect();
            let answer = stage(&Rooms { reads: &reads, writes: &[&room] }, TIME, || {
                serde_json::to_vec(&work()).unwrap_or_default()
            });
            let answer = answer.map_err(|error| {
                let is_missing = matches!(error, StageError::NotConfined(_));
                let error = anyhow::Error::new(error);
                failed(if is_missing { error.context(NO_JAIL) } else { error })
            })?;
            serde_json::from_slice(&answer).context("what the verifier says is no answer").map_err(failed)?
        } else {
            work()
        };
        let mut more = false;
        for (name, (place, url)) in &places {
            let Some(url) = url else { continue };
            let wanted: Vec<fetch::Wanted> = missed
                .iter()
                .filter(|(repository, path, _)| {
                    repository == name && asked.insert((repository.clone(), path.clone()))
                })
                .map(|(_, path, limit)| (path.clone(), *limit))
                .collect();
            more |= !wanted.is_empty();
            // Others that agree name the same archives, and none of theirs is asked for.
            let wanted = if name.is_empty() { kept.supply(wanted, place) } else { wanted };
            if !wanted.is_empty() {
                fetch::fetch(servers, url, place, &wanted)
                    .map_err(|error| (NotTaken::Refused(format!("{error:#}")), None))?;
            }
        }
        if more {
            continue;
        }
        return match said {
            Said::Taken { candidate, state, waiting } => {
                let digest = hexadecimal(Sha256::digest(&policy_text));
                let decision = format!("policy {} ({digest})", feed.policy.display());
                let candidate = candidate.map(|candidate| *candidate);
                if let Some((place, Some(_))) = places.get("").filter(|_| candidate.is_some()) {
                    // What cannot be kept is fetched again.
                    drop(kept.keep(place));
                }
                Ok(Taken { candidate, state, waiting, decision })
            }
            Said::Refused { reason, learned } => Err((NotTaken::Refused(reason), learned)),
            Said::Wrong(error) => Err(failed(anyhow::anyhow!("{source}: {error}"))),
        };
    }
    Err((NotTaken::Refused(String::from("the feed asks for more and more files")), None))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// An empty room: what an earlier round unpacked is not mixed with what this one does.
fn fresh_room(staging: &Staging, source: &str) -> anyhow::Result<PathBuf> {
    let room = staging.directory().join(Staging::place(source)?);
    if room.exists() {
        fs::remove_dir_all(&room)?;
    }
    Ok(staging.room(&Disk, source)?)
}

/// A mirror that notes what was not there.
struct Noting {
    inner: Directory,
    missed: RefCell<Vec<(String, u64)>>,
}

impl Mirror for Noting {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, MirrorError> {
        let found = self.inner.read(path, limit)?;
        if found.is_none() {
            self.missed.borrow_mut().push((path.to_owned(), limit));
        }
        Ok(found)
    }

    fn is_carried(&self) -> bool {
        self.inner.is_carried()
    }
}

/// The verifier's part: everything that comes from the feed is looked at here.
#[expect(clippy::too_many_arguments, reason = "all that the verifier is given")]
fn examine(
    source: &str,
    places: &BTreeMap<String, (PathBuf, Option<&str>)>,
    policy: &str,
    state: Option<&str>,
    root: &[u8],
    roots: &[(String, Vec<u8>)],
    room: &Path,
    now: u64,
) -> Answer {
    let mirrors: BTreeMap<&str, Noting> = places
        .iter()
        .map(|(name, (path, url))| {
            let inner = Directory::new(path.clone(), url.is_none());
            (name.as_str(), Noting { inner, missed: RefCell::default() })
        })
        .collect();
    let said = judge(source, &mirrors, policy, state, root, roots, room, now);
    let missed = mirrors.into_iter().flat_map(|(name, mirror)| {
        let missed = mirror.missed.into_inner();
        missed.into_iter().map(move |(path, limit)| (name.to_owned(), path, limit))
    });
    (said, missed.collect())
}

#[expect(clippy::too_many_arguments, reason = "as above")]
fn judge(
    source: &str,
    mirrors: &BTreeMap<&str, Noting>,
    policy: &str,
    state: Option<&str>,
    root: &[u8],
    roots: &[(String, Vec<u8>)],
    room: &Path,
    now: u64,
) -> Said {
    let policy = match Policy::parse(policy) {
        Ok(policy) => policy,
        Err(error) => return Said::Wrong(error.to_string()),
    };
    let roots: Vec<(&str, &[u8])> =
        roots.iter().map(|(name, root)| (name.as_str(), root.as_slice())).collect();
    let known = match state {
        Some(state) => State::parse(state.as_bytes()),
        None => State::begin(root, &roots),
    };
    // A repository may have been named since.
    let known = known.and_then(|mut known| {
        roots.iter().try_for_each(|(name, root)| known.admit(name, root))?;
        Ok(known)
    });
    let known = match known {
        Ok(known) => known,
        Err(error) => return Said::Wrong(error.to_string()),
    };
    let Some(feed) = mirrors.get("") else { return Said::Wrong(String::from("there is no feed")) };
    let others = mirrors.iter().filter(|(name, _)| !name.is_empty());
    let cosigners: BTreeMap<String, &dyn Mirror> =
        others.map(|(name, mirror)| ((*name).to_owned(), mirror as &dyn Mirror)).collect();
    let request = Request { source, feed, cosigners: &cosigners, state: &known, policy: &policy, now };
    let text = |state: &State| String::from_utf8_lossy(&state.write()).into_owned();
    let verified = match verify(request) {
        Ok(verified) => verified,
        Err(refused) => {
            let learned = refused.learned.as_deref().filter(|learned| learned.follows(&known).is_ok());
            return Said::Refused { reason: refused.refusal.to_string(), learned: learned.map(text) };
        }
    };
    if let Err(error) = verified.state.follows(&known) {
        return Said::Wrong(error.to_string());
    }
    let candidate = match verified.release.map(|release| release.unpack(&mut Members::new(room))) {
        None => None,
        Some(Ok(candidate)) => Some(Box::new(candidate)),
        Some(Err(refusal)) => return Said::Refused { reason: refusal.to_string(), learned: None },
    };
    Said::Taken { candidate, state: text(&verified.state), waiting: verified.waiting }
}
