//! One update from beginning to end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_update::Candidate;
use candor_update::generation::{Allowed, Disk, Record, Stage, Staging, Store, digest};
use candor_update::pipeline::settings::{Feed, Settings};
use candor_update::pipeline::{Arrival, Outcome, advance, local};
use sha2::{Digest as _, Sha256};

use super::feed;
use super::stages::Jailed;
use super::verify::{self, NotTaken};
use crate::units::hexadecimal;

/// A directory of signatures that is to be taken over.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// The name of the source that it is.
    pub(crate) source: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// A file of digests that it must have.
    pub(crate) digests: Option<PathBuf>,
}

/// What an update is about.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The store.
    pub(crate) root: &'a Path,
    /// What an operator says, and the file where that stands.
    pub(crate) settings: &'a Settings,
    /// That file.
    pub(crate) settings_file: Option<&'a Path>,
    /// What is to be looked at.
    pub(crate) directories: Vec<Directory>,
    /// Feeds that are to be looked at, by their names.
    pub(crate) feeds: Vec<(&'a str, &'a Feed)>,
    /// All sources that there are; what the active generation holds of others goes. All stay when it is not said.
    pub(crate) sources: Option<BTreeSet<String>>,
    /// Whether to use the jail.
    pub(crate) is_jailed: bool,
    /// Whether to go on although the clock is far behind.
    pub(crate) accept_clock: bool,
}

/// What an update came to.
#[derive(Debug)]
pub(crate) struct Done {
    /// The generation that is active now, if it is another one than before.
    pub(crate) activated: Option<Record>,
    /// The one that is active.
    pub(crate) active: Option<u64>,
    /// Sources that were refused, each with the reason. What is active of them stays.
    pub(crate) refused: Vec<(String, String)>,
    /// Releases that a policy does not let in yet.
    pub(crate) waiting: Vec<String>,
}

/// Updates.
///
/// # Errors
/// Nothing was changed; says why.
pub(crate) fn update(request: &Request<'_>) -> anyhow::Result<Done> {
    let now = super::place::now();
    // Held until the end.
    let (_lock, mut store) = Store::lock(request.root, now)?;
    if !request.accept_clock {
        store.check_clock(now)?;
    }
    let staging = store.stage()?;
    let mut taken = Taken::default();
    let went = take_directories(request, &mut store, &staging, &mut taken, now)
        .and_then(|()| take_feeds(request, &mut store, &staging, &mut taken, now));
    let Taken { arrivals, refused, waiting, mut kept } = match went {
        Ok(()) => taken,
        Err(error) => {
            drop(store.discard(&staging));
            return Err(error);
        }
    };
    if let Some(sources) = &request.sources {
        kept.extend(sources.iter().cloned());
    } else if let Some(active) = store.active() {
        let names = store.record(active)?.contents.into_iter().map(|content| content.candidate.source);
        kept.extend(names);
    }
    let mut stages = Jailed { settings: request.settings, is_jailed: request.is_jailed };
    let allowed = allowed(request)?;
    let outcome = advance(&mut store, &staging, arrivals, &kept, &mut stages, allowed, now)?;
    let activated = match outcome {
        Outcome::Activated(number) => Some(store.record(number)?),
        Outcome::Unchanged => None,
    };
    Ok(Done { activated, active: store.active(), refused, waiting })
}

/// What the sources bring. One that is refused does not keep the others back.
#[derive(Debug, Default)]
struct Taken {
    arrivals: Vec<Arrival>,
    refused: Vec<(String, String)>,
    waiting: Vec<String>,
    kept: BTreeSet<String>,
}

impl Taken {
    /// Notes that a source was refused; what is active of it stays.
    fn refuse(
        &mut self,
        source: &str,
        reason: String,
        store: &mut Store<Disk>,
        staging: &Staging,
        now: u64,
    ) -> anyhow::Result<()> {
        let room = staging.directory().join(Staging::place(source)?);
        if room.exists() {
            std::fs::remove_dir_all(&room).context("what was refused cannot be removed")?;
        }
        store.refused(Some(source), None, Stage::Verify, &reason, now)?;
        self.kept.insert(source.to_owned());
        self.refused.push((source.to_owned(), reason));
        Ok(())
    }
}

fn take_feeds(
    request: &Request<'_>,
    store: &mut Store<Disk>,
    staging: &Staging,
    taken: &mut Taken,
    now: u64,
) -> anyhow::Result<()> {
    for (source, feed) in &request.feeds {
        let state = store.state().sources.get(*source).and_then(|known| known.trusted.clone());
        // Named so that whatever stops this program, the next one removes it.
        let spool = tempfile::Builder::new().prefix(".unfinished-spool-").tempdir_in(store.root());
        let spool = spool.context("no spool")?;
        let jailed = request.is_jailed;
        match feed::take(staging, source, feed, state.as_deref(), spool.path(), now, jailed) {
            Ok(feed::Taken { candidate: Some(candidate), state, waiting, decision }) => {
                taken.waiting.extend(waiting);
                let content = digest(&candidate.members);
                match store.check_version(source, candidate.version, &content) {
                    Ok(()) => taken.arrivals.push(Arrival { candidate, trusted: Some(state), decision }),
                    Err(error) => taken.refuse(source, error.to_string(), store, staging, now)?,
                }
            }
            Ok(feed::Taken { candidate: None, state, waiting, .. }) => {
                taken.waiting.extend(waiting);
                std::fs::remove_dir_all(staging.directory().join(Staging::place(source)?))?;
                store.remember(source, state)?;
                taken.kept.insert((*source).to_owned());
            }
            Err((NotTaken::Refused(reason), learned)) => {
                if let Some(learned) = learned {
                    store.remember(source, learned)?;
                }
                taken.refuse(source, format!("{source}: {reason}"), store, staging, now)?;
            }
            Err((NotTaken::Failed(error), _)) => return Err(error),
        }
    }
    Ok(())
}

fn take_directories(
    request: &Request<'_>,
    store: &mut Store<Disk>,
    staging: &Staging,
    taken: &mut Taken,
    now: u64,
) -> anyhow::Result<()> {
    let active = store.active().map(|number| store.record(number)).transpose()?;
    for directory in &request.directories {
        let source = &directory.source;
        let known = store.state().sources.get(source).cloned().unwrap_or_default();
        let is_active = active.as_ref().and_then(|active| active.content(source));
        let is_active = is_active.is_some_and(|content| content.digest() == known.content);
        let state = local::state(&directory.path).ok();
        if is_active && directory.digests.is_none() && state.is_some() && state == known.trusted {
            taken.kept.insert(source.clone());
            continue;
        }
        let pins = directory.digests.as_deref().map(read_pins).transpose()?;
        let came = verify::directory(staging, source, 0, &directory.path, pins.as_ref(), request.is_jailed);
        let reason = match came {
            Ok(candidate) => {
                let content = digest(&candidate.members);
                // Such a source has no versions: each content that is new is the next.
                let version =
                    if known.content == content { known.version } else { known.version.saturating_add(1) };
                match store.check_version(source, version, &content) {
                    Ok(()) => {
                        let decision = match &directory.digests {
                            Some(file) => format!("its digests stand in {}", file.display()),
                            None => format!("whoever may write to {} is believed", directory.path.display()),
                        };
                        let candidate = Candidate { version, ..candidate };
                        taken.arrivals.push(Arrival { candidate, trusted: state, decision });
                        continue;
                    }
                    Err(error) => error.to_string(),
                }
            }
            Err(NotTaken::Refused(reason)) => format!("{source}: {reason}"),
            Err(NotTaken::Failed(error)) => return Err(error),
        };
        taken.refuse(source, reason, store, staging, now)?;
    }
    Ok(())
}

fn read_pins(file: &Path) -> anyhow::Result<local::Pins> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    local::pins(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))
}

fn allowed(request: &Request<'_>) -> anyhow::Result<Allowed> {
    let Some(file) = request.settings_file else {
        return Ok(Allowed { policy: String::from("none"), ..Allowed::default() });
    };
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    let digest = hexadecimal(Sha256::digest(&text));
    Ok(Allowed { policy: file.display().to_string(), sha256: Some(digest), decisions: Vec::new() })
}
