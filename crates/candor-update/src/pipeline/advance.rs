//! What was verified becomes a generation, or is refused; either way the journal says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::candidate::BESIDE;
use crate::generation::{
    Allowed, Built, Cause, Content, Files, Record, Stage, Staging, Store, StoreError, Trial, digest,
};
use crate::{Candidate, Expectation, Provenance};

/// Content that was verified; its members are in the staging, in the room of its source.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The content.
    pub candidate: Candidate,
    /// What the source remembers for itself from now on.
    pub trusted: Option<String>,
    /// What the policy said about it.
    pub decision: String,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing new.
    Unchanged,
    /// This generation is active now.
    Activated(u64),
}

/// Why an update stopped. The generation that was active stays so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stage refused.
    #[error("{}{reason}", .source_name.as_ref().map_or_else(String::new, |name| format!("{name}: ")))]
    Refused {
        /// Which stage.
        stage: Stage,
        /// The source, where it is about one.
        source_name: Option<String>,
        /// Why.
        reason: String,
    },
}

/// The stages that work in a jail.
pub trait Stages {
    /// Compiles databases, given by their names and paths, into an image at this path, which is not there yet. For containers
    /// whose names are `vouched` for somebody vouched as a whole when they were verified: their own signatures need not fit.
    ///
    /// # Errors
    /// No image comes of them; says why.
    fn compile(
        &mut self,
        members: &[(String, PathBuf)],
        vouched: &[String],
        image: &Path,
    ) -> Result<Built, String>;

    /// Tries an image out, beside the one that is active.
    ///
    /// # Errors
    /// It does not behave as it should; says how, a sentence each.
    fn try_out(
        &mut self,
        image: &Path,
        before: Option<&Path>,
        expectations: &[Expectation],
    ) -> Result<Trial, Vec<String>>;
}

/// Makes a generation of `arrivals` and of what the active one holds of the other sources in `kept`, and activates it.
///
/// # Errors
/// Something refused it. What was in the staging is gone.
pub fn advance<F: Files>(
    store: &mut Store<F>,
    staging: &Staging,
    arrivals: Vec<Arrival>,
    kept: &BTreeSet<String>,
    stages: &mut dyn Stages,
    allowed: Allowed,
    now: u64,
) -> Result<Outcome, Stopped> {
    let remembered: Vec<(String, String)> = arrivals
        .iter()
        .filter_map(|arrival| Some((arrival.candidate.source.clone(), arrival.trusted.clone()?)))
        .collect();
    let done = make(store, staging, arrivals, kept, stages, allowed, now);
    if done.is_ok() {
        // Only now: what was refused is looked at again, also when the source brings nothing newer.
        for (source, trusted) in remembered {
            store.remember(&source, trusted)?;
        }
    }
    match &done {
        Ok(Outcome::Activated(_)) => {
            // What cannot be removed now is removed next time.
            drop(store.prune());
        }
        Ok(Outcome::Unchanged) => store.discard(staging)?,
        Err(stopped) => {
            drop(store.discard(staging));
            if let Stopped::Refused { stage, source_name, reason } = stopped {
                let name = source_name.as_deref();
                store.refused(name, None, *stage, reason, now)?;
            }
        }
    }
    done
}

fn make<F: Files>(
    store: &mut Store<F>,
    staging: &Staging,
    arrivals: Vec<Arrival>,
    kept: &BTreeSet<String>,
    stages: &mut dyn Stages,
    mut allowed: Allowed,
    now: u64,
) -> Result<Outcome, Stopped> {
    let active = store.active().map(|number| store.record(number)).transpose()?;
    let mut contents = Vec::new();
    let mut changed = false;
    for arrival in arrivals {
        let Arrival { mut candidate, decision, .. } = arrival;
        let source = candidate.source.clone();
        // Who verified said so, and has read hostile bytes.
        if let Err(reason) = fits(store.files(), staging, &candidate) {
            return Err(Stopped::Refused { stage: Stage::Verify, source_name: Some(source), reason });
        }
        let content = digest(&candidate.members);
        match store.check_version(&source, candidate.version, &content) {
            Ok(()) => (),
            Err(error @ (StoreError::Older { .. } | StoreError::Held { .. })) => {
                let reason = error.to_string();
                return Err(Stopped::Refused { stage: Stage::Verify, source_name: None, reason });
            }
            Err(error) => return Err(error.into()),
        }
        store.verified(&source, candidate.version, &content, None, now)?;
        let known = active.as_ref().and_then(|active| active.content(&source));
        if let Some(known) = known.filter(|known| known.digest() == content) {
            contents.push(Content { decision, ..known.clone() });
            continue;
        }
        changed = true;
        candidate.directory = Staging::place(&source)?;
        contents.push(Content { candidate, verified: now, decision });
    }
    if let Some(active) = &active {
        for content in &active.contents {
            let source = &content.candidate.source;
            if contents.iter().any(|known| known.candidate.source == *source) {
                continue;
            }
            if kept.contains(source) {
                contents.push(store.keep(staging, active.generation, content)?);
            } else {
                changed = true;
                allowed.decisions.push(format!("{source}: not among the sources any more"));
            }
        }
    }
    if !changed {
        return Ok(Outcome::Unchanged);
    }
    contents.sort_by(|a, b| a.candidate.source.cmp(&b.candidate.source));
    let (members, vouched) = members(staging, &contents);
    if members.is_empty() {
        let reason = String::from("no source gives any signatures");
        return Err(Stopped::Refused { stage: Stage::Compile, source_name: None, reason });
    }
    let image = staging.image();
    let built = stages.compile(&members, &vouched, &image).map_err(|reason| Stopped::Refused {
        stage: Stage::Compile,
        source_name: None,
        reason,
    })?;
    let expectations: Vec<Expectation> =
        contents.iter().flat_map(|content| content.candidate.expectations.iter().cloned()).collect();
    let before =
        active.as_ref().map(|active| store.directory(active.generation).join(crate::generation::IMAGE));
    let trial = stages.try_out(&image, before.as_deref(), &expectations).map_err(|faults| {
        let reason = faults.join("; ");
        Stopped::Refused { stage: Stage::TryOut, source_name: None, reason }
    })?;
    let record = Record {
        format: 0,
        generation: staging.number(),
        made: now,
        previous: store.active(),
        contents,
        image: built,
        trial,
        allowed,
    };
    let number = store.admit(staging, &record, now)?;
    store.activate(number, Cause::Update, now)?;
    Ok(Outcome::Activated(number))
}

/// Whether the members of a candidate are what it says: plain names, each once, and files of that length in its room.
fn fits(files: &impl Files, staging: &Staging, candidate: &Candidate) -> Result<(), String> {
    let room = Staging::place(&candidate.source).map_err(|error| error.to_string())?;
    let mut names = BTreeSet::new();
    for member in &candidate.members {
        Staging::place(&member.name).map_err(|error| error.to_string())?;
        let path = staging.directory().join(&room).join(&member.name);
        let length = files.length(&path).map_err(|error| format!("{}: {error}", member.name))?;
        if length != member.length || !names.insert(&member.name) {
            return Err(format!("{}: it is not what was verified", member.name));
        }
    }
    Ok(())
}

/// All members: under their own names, and with that of the source where two have the same; and the names of those that
/// were vouched for as a whole.
fn members(staging: &Staging, contents: &[Content]) -> (Vec<(String, PathBuf)>, Vec<String>) {
    let mut often: BTreeMap<&str, u32> = BTreeMap::new();
    for member in contents.iter().flat_map(|content| &content.candidate.members) {
        let times = often.entry(&member.name).or_default();
        *times = times.saturating_add(1);
    }
    let (mut members, mut vouched) = (Vec::new(), Vec::new());
    for Content { candidate, .. } in contents {
        for member in &candidate.members {
            let path = staging.directory().join(&candidate.directory).join(&member.name);
            let is_alone = often.get(member.name.as_str()) == Some(&1);
            let name =
                if is_alone { member.name.clone() } else { format!("{}/{}", candidate.source, member.name) };
            if is_vouched(candidate, &member.name) {
                vouched.push(name.clone());
            }
            members.push((name, path));
        }
    }
    (members, vouched)
}

/// Whether a signature beside a container vouched for all of it.
fn is_vouched(candidate: &Candidate, member: &str) -> bool {
    let Provenance::Container { databases } = &candidate.provenance else { return false };
    databases.iter().any(|known| known.file == member && known.signature == BESIDE)
}
