//! One update from beginning to end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_update::Candidate;
use candor_update::generation::{Allowed, Disk, Record, Stage, Staging, Store, digest};
use candor_update::pipeline::settings::Settings;
use candor_update::pipeline::{Arrival, Outcome, advance, local};
use sha2::{Digest as _, Sha256};

use super::stages::Jailed;
use super::verify::{self, NotTaken};

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
    let taken = take(request, &mut store, &staging, now);
    let (arrivals, refused, mut kept) = match taken {
        Ok(taken) => taken,
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
    Ok(Done { activated, active: store.active(), refused })
}

type Taken = (Vec<Arrival>, Vec<(String, String)>, BTreeSet<String>);

/// Verifies what the sources bring. One that is refused does not keep the others back.
fn take(
    request: &Request<'_>,
    store: &mut Store<Disk>,
    staging: &Staging,
    now: u64,
) -> anyhow::Result<Taken> {
    let active = store.active().map(|number| store.record(number)).transpose()?;
    let (mut arrivals, mut refused, mut kept) = (Vec::new(), Vec::new(), BTreeSet::new());
    for directory in &request.directories {
        let source = &directory.source;
        let known = store.state().sources.get(source).cloned().unwrap_or_default();
        let is_active = active.as_ref().and_then(|active| active.content(source));
        let is_active = is_active.is_some_and(|content| content.digest() == known.content);
        let state = local::state(&directory.path).ok();
        if is_active && directory.digests.is_none() && state.is_some() && state == known.trusted {
            kept.insert(source.clone());
            continue;
        }
        let pins = directory.digests.as_deref().map(read_pins).transpose()?;
        let taken = verify::directory(staging, source, 0, &directory.path, pins.as_ref(), request.is_jailed);
        let reason = match taken {
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
                        arrivals.push(Arrival { candidate, trusted: state, decision });
                        continue;
                    }
                    Err(error) => error.to_string(),
                }
            }
            Err(NotTaken::Refused(reason)) => format!("{source}: {reason}"),
            Err(NotTaken::Failed(error)) => return Err(error),
        };
        std::fs::remove_dir_all(staging.directory().join(Staging::place(source)?))
            .context("what was refused cannot be removed")?;
        store.refused(Some(source), None, Stage::Verify, &reason, now)?;
        kept.insert(source.clone());
        refused.push((source.clone(), reason));
    }
    Ok((arrivals, refused, kept))
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
    let digest = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Allowed { policy: file.display().to_string(), sha256: Some(digest), decisions: Vec::new() })
}
