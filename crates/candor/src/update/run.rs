//! One update from beginning to end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_update::clamav::Trust;
use candor_update::generation::{Allowed, Disk, Record, Stage, Staging, Store, digest};
use candor_update::pipeline::settings::Settings;
use candor_update::pipeline::{Arrival, Outcome, Stopped, advance, local};
use candor_update::source::{Clamav, Directory, Feed, Remembered, Source, SourceKind, Vouched};
use candor_update::{Candidate, Provenance};
use sha2::{Digest as _, Sha256};

use super::clamav::{self, Official};
use super::feed;
use super::fetch::Servers;
use super::file::{Fetched, undercuts};
use super::kept::Kept;
use super::place::FETCHED;
use super::rules::Rules;
use super::stages::Jailed;
use super::verify::{self, NotTaken};
use crate::units::hexadecimal;

/// What an update is about.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The store.
    pub(crate) root: &'a Path,
    /// What an operator says, and the file where that stands.
    pub(crate) settings: &'a Settings,
    /// That file.
    pub(crate) settings_file: Option<&'a Path>,
    /// The file of the list of sources.
    pub(crate) list_file: Option<&'a Path>,
    /// What is to be looked at.
    pub(crate) sources: Vec<&'a Source>,
    /// The names of all sources that there are; what the active generation holds of others goes. All stay when it is not said.
    pub(crate) names: Option<BTreeSet<String>>,
    /// The way to servers.
    pub(crate) servers: Servers<'a>,
    /// Whose signatures on ClamAV's databases are believed.
    pub(crate) trust: &'a Trust,
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
    /// Releases that a policy does not let in yet, and what else there is to know.
    pub(crate) waiting: Vec<String>,
    /// Whether all of it was refused.
    pub(crate) is_stopped: bool,
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
    let rules = Rules::of(request.settings, now)?;
    let staging = store.stage()?;
    let mut update = Update { request, store: &mut store, staging: &staging, now, taken: Taken::default() };
    let went = request.sources.iter().try_for_each(|source| update.take(source, &rules));
    let Taken { arrivals, refused, waiting, mut kept } = match went {
        Ok(()) => update.taken,
        Err(error) => {
            drop(store.discard(&staging));
            return Err(error);
        }
    };
    if let Some(names) = &request.names {
        kept.extend(names.iter().cloned());
        forget(&store, names)?;
    } else if let Some(active) = store.active() {
        let names = store.record(active)?.contents.into_iter().map(|content| content.candidate.source);
        kept.extend(names);
    }
    let mut stages = Jailed::new(request.settings, &request.trust.containers, request.is_jailed);
    let allowed = allowed(request)?;
    let outcome = advance(&mut store, &staging, arrivals, &kept, &mut stages, allowed, now);
    let mut done = Done { activated: None, active: store.active(), refused, waiting, is_stopped: false };
    match outcome {
        Ok(Outcome::Activated(number)) => {
            done.activated = Some(store.record(number)?);
            done.active = Some(number);
        }
        Ok(Outcome::Unchanged) => (),
        // What single sources were refused for is told beside it.
        Err(Stopped::Refused { source_name, reason, .. }) => {
            let told =
                source_name.as_ref().map_or_else(|| reason.clone(), |name| format!("{name}: {reason}"));
            done.refused.push((source_name.unwrap_or_default(), told));
            done.is_stopped = true;
        }
        Err(stopped) => return Err(stopped.into()),
    }
    Ok(done)
}

/// Removes what was fetched for sources that are not among these any more.
fn forget(store: &Store<Disk>, names: &BTreeSet<String>) -> anyhow::Result<()> {
    let folder = store.root().join(FETCHED);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.context("what was fetched cannot be listed")?;
        if !entry.file_name().to_str().is_some_and(|name| names.contains(name)) {
            std::fs::remove_dir_all(entry.path()).with_context(|| entry.path().display().to_string())?;
        }
    }
    Ok(())
}

/// What the sources bring. One that is refused does not keep the others back.
#[derive(Debug, Default)]
struct Taken {
    arrivals: Vec<Arrival>,
    refused: Vec<(String, String)>,
    waiting: Vec<String>,
    kept: BTreeSet<String>,
}

/// An update while its sources are looked at.
struct Update<'a> {
    request: &'a Request<'a>,
    store: &'a mut Store<Disk>,
    staging: &'a Staging,
    now: u64,
    taken: Taken,
}

/// Content that came, and what is said about it.
struct Came {
    candidate: Candidate,
    trusted: Option<String>,
    decision: String,
}

impl Update<'_> {
    /// Looks at one source. What it says is told; an error is what concerns all.
    fn take(&mut self, source: &Source, rules: &Rules) -> anyhow::Result<()> {
        let name = &source.name;
        if let Some(reason) = rules.refusal(source) {
            return self.refuse(name, Stage::Fetch, format!("{name}: {reason}"));
        }
        let came = match &source.kind {
            SourceKind::Feed(feed) => self.feed(name, feed),
            SourceKind::Clamav(clamav) => self.clamav(name, clamav),
            SourceKind::Url { url, file, vouched } => self.file(name, url, file, vouched),
            SourceKind::Directory(directory) => self.directory(name, directory),
        };
        match came {
            Ok(None) => {
                self.clear(name)?;
                self.taken.kept.insert(name.clone());
                Ok(())
            }
            Ok(Some(Came { candidate, trusted, decision })) => {
                let content = digest(&candidate.members);
                match self.store.check_version(name, candidate.version, &content) {
                    Ok(()) => {
                        self.taken.arrivals.push(Arrival { candidate, trusted, decision });
                        Ok(())
                    }
                    Err(error) => self.refuse(name, Stage::Verify, error.to_string()),
                }
            }
            Err(NotTaken::Waiting(reason)) => {
                self.taken.waiting.push(format!("{name}: {reason}"));
                self.clear(name)?;
                self.taken.kept.insert(name.clone());
                Ok(())
            }
            Err(NotTaken::Refused(reason)) => self.refuse(name, Stage::Verify, format!("{name}: {reason}")),
            Err(NotTaken::Failed(error)) => Err(error),
        }
    }

    /// Notes that a source was refused; what is active of it stays.
    fn refuse(&mut self, source: &str, stage: Stage, reason: String) -> anyhow::Result<()> {
        self.clear(source)?;
        self.store.refused(Some(source), None, stage, &reason, self.now)?;
        self.taken.kept.insert(source.to_owned());
        self.taken.refused.push((source.to_owned(), reason));
        Ok(())
    }

    /// Removes what a source has brought so far.
    fn clear(&self, source: &str) -> anyhow::Result<()> {
        let room = self.staging.directory().join(Staging::place(source)?);
        if room.exists() {
            std::fs::remove_dir_all(&room).context("what was refused cannot be removed")?;
        }
        Ok(())
    }

    /// An empty place for what is fetched. It is named so that whatever stops this program, the next one removes it.
    fn spool(&self) -> Result<tempfile::TempDir, NotTaken> {
        let spool = tempfile::Builder::new().prefix(".unfinished-spool-").tempdir_in(self.store.root());
        spool.context("no spool").map_err(NotTaken::Failed)
    }

    fn folder(&self, source: &str) -> PathBuf {
        self.store.root().join(FETCHED).join(source)
    }

    /// Whether what was verified last of a source is what is in force.
    fn is_active(&self, source: &str) -> Result<Option<candor_update::generation::Content>, NotTaken> {
        let failed = |error: candor_update::generation::StoreError| NotTaken::Failed(error.into());
        let Some(number) = self.store.active() else { return Ok(None) };
        let record = self.store.record(number).map_err(failed)?;
        let known = self.store.state().sources.get(source).cloned().unwrap_or_default();
        Ok(record.content(source).filter(|content| content.digest() == known.content).cloned())
    }

    /// Gives content that has no version of its own the next one, if it is another than the last.
    fn counted(&self, candidate: Candidate) -> Candidate {
        let known = self.store.state().sources.get(&candidate.source).cloned().unwrap_or_default();
        let is_known = known.content == digest(&candidate.members);
        let version = if is_known { known.version } else { known.version.saturating_add(1) };
        Candidate { version, ..candidate }
    }

    fn remembered(&self, source: &str) -> Result<Remembered, NotTaken> {
        let known = self.store.state().sources.get(source).and_then(|known| known.trusted.as_deref());
        Remembered::read(known).map_err(|error| NotTaken::Refused(error.to_string()))
    }

    fn feed(&mut self, source: &str, feed: &Feed) -> Result<Option<Came>, NotTaken> {
        let failed = |error: candor_update::generation::StoreError| NotTaken::Failed(error.into());
        let state = self.store.state().sources.get(source).and_then(|known| known.trusted.clone());
        let spool = self.spool()?;
        let Request { servers, is_jailed, .. } = *self.request;
        let came = feed::take(
            self.staging,
            source,
            feed,
            servers,
            state.as_deref(),
            spool.path(),
            &Kept::new(self.folder(source)),
            self.now,
            is_jailed,
        );
        match came {
            Ok(feed::Taken { candidate, state, waiting, decision }) => {
                self.taken.waiting.extend(waiting);
                let Some(candidate) = candidate else {
                    self.store.remember(source, state).map_err(failed)?;
                    return Ok(None);
                };
                Ok(Some(Came { candidate, trusted: Some(state), decision }))
            }
            Err((not_taken, learned)) => {
                if let Some(learned) = learned {
                    self.store.remember(source, learned).map_err(failed)?;
                }
                Err(not_taken)
            }
        }
    }

    fn clamav(&mut self, source: &str, clamav: &Clamav) -> Result<Option<Came>, NotTaken> {
        let mut known = self.remembered(source)?;
        let spool = self.spool()?;
        let official = Official {
            clamav,
            servers: self.request.servers,
            trust: clamav::trust(self.request.trust, clamav).map_err(NotTaken::Failed)?,
            folder: self.folder(source),
            spool: spool.path(),
            now: self.now,
            is_confined: self.request.is_jailed,
        };
        let store = &mut *self.store;
        let mut keep = |known: &Remembered| Ok(store.remember(source, known.write())?);
        // A fetcher that is missing, or a jail, is told of this source; others need neither.
        let brought =
            official.bring(&mut known, &mut keep).map_err(|error| NotTaken::Refused(format!("{error:#}")))?;
        for note in brought.notes {
            self.taken.waiting.push(format!("{source}: {note}"));
        }
        if let Some(reason) = brought.failure {
            // What came before it failed is good, and newer than what is there.
            let reason = format!("{source}: {reason}");
            self.store
                .refused(Some(source), None, Stage::Fetch, &reason, self.now)
                .map_err(|error| NotTaken::Failed(error.into()))?;
            self.taken.refused.push((source.to_owned(), reason));
        }
        let active = self.is_active(source)?.filter(|_| !brought.is_new);
        // What came into the folder and was not taken before this program was ended is not in force yet.
        let there = clamav.databases.iter().filter_map(|name| clamav::local(&official.folder, name));
        let there: BTreeSet<(String, u64)> = there.map(|local| (local.file, local.head.version)).collect();
        let is_all = active.is_some_and(|content| match content.candidate.provenance {
            Provenance::Container { databases } => {
                there
                    == databases.into_iter().map(|known| (known.file, known.version)).collect::<BTreeSet<_>>()
            }
            _ => false,
        });
        if is_all || there.is_empty() {
            return Ok(None);
        }
        let candidate = self.counted(official.take(self.staging, source)?);
        let decision = match clamav.accept_md5 {
            true => String::from("ClamAV's signatures are believed, and RSA over MD5 is enough"),
            false => String::from("ClamAV's signatures are believed, and RSA over MD5 alone is not enough"),
        };
        Ok(Some(Came { candidate, trusted: None, decision }))
    }

    fn file(
        &mut self,
        source: &str,
        url: &str,
        file: &str,
        vouched: &Vouched,
    ) -> Result<Option<Came>, NotTaken> {
        let mut known = self.remembered(source)?;
        let before = known.clone();
        let spool = self.spool()?;
        let fetched = Fetched {
            source,
            url,
            file,
            vouched,
            servers: self.request.servers,
            folder: self.folder(source),
            spool: spool.path(),
            now: self.now,
            is_confined: self.request.is_jailed,
        };
        let is_active = self.is_active(source)?.is_some_and(|content| match vouched {
            // Another digest may have been written down since, or another key.
            Vouched::Digest(digest) => {
                content.candidate.members.iter().all(|member| member.sha256 == *digest)
            }
            Vouched::Key(key) => {
                let bytes = std::fs::read(fetched.folder.join(file)).unwrap_or_default();
                let sha256 = hexadecimal(Sha256::digest(&bytes));
                content.candidate.provenance == Provenance::Key { key: key.to_string() }
                    && content.candidate.members.iter().all(|member| member.sha256 == sha256)
            }
        });
        let taken = fetched.take(self.staging, &mut known, is_active);
        // How long a server wants to be left alone, and when what was seen was signed, whatever becomes of it.
        if known != before {
            self.store.remember(source, known.write()).map_err(|error| NotTaken::Failed(error.into()))?;
        }
        let Some(candidate) = taken? else { return Ok(None) };
        let decision = match vouched {
            Vouched::Digest(_) => String::from("its digest stands in the list of sources"),
            Vouched::Key(key) => format!("it is signed by {key}, which stands in the list of sources"),
        };
        Ok(Some(Came { candidate: self.counted(candidate), trusted: None, decision }))
    }

    fn directory(&self, source: &str, directory: &Directory) -> Result<Option<Came>, NotTaken> {
        let Directory { path, digests, key } = directory;
        let known = self.store.state().sources.get(source).cloned().unwrap_or_default();
        let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Its state, and where it is signed the time of what was signed last.
        let seen = known.trusted.as_deref().map(|known| known.split_once(' ').unwrap_or((known, "")));
        let signed = seen.and_then(|(_, time)| time.parse::<u64>().ok());
        if seen.is_some_and(|(state, time)| !is_digest(state) || !(time.is_empty() || signed.is_some())) {
            return Err(NotTaken::Refused(candor_update::source::OtherKind.to_string()));
        }
        let state = local::state(path).ok();
        let is_same = digests.is_none()
            && key.is_none()
            && state.is_some()
            && state.as_deref() == seen.map(|(state, _)| state);
        if is_same && self.is_active(source)?.is_some() {
            return Ok(None);
        }
        let vouched = match (digests, key) {
            (Some(file), _) => local::Vouched::Digests(read_pins(file).map_err(NotTaken::Failed)?),
            (None, Some(key)) => local::Vouched::Key(key.clone()),
            (None, None) => local::Vouched::Owner,
        };
        let is_jailed = self.request.is_jailed;
        let (candidate, taken) = verify::directory(self.staging, source, 0, path, &vouched, is_jailed)?;
        // A directory that was signed once and is not to be any more is what its owner decided.
        if key.is_some()
            && let Some(reason) = undercuts(signed, taken.signed)
        {
            return Err(NotTaken::Refused(reason));
        }
        let state = match (state, taken.signed.max(signed)) {
            (Some(state), Some(time)) => Some(format!("{state} {time}")),
            (state, _) => state,
        };
        let decision = match (digests, key) {
            (Some(file), _) => format!("its digests stand in {}", file.display()),
            (None, Some(key)) => {
                format!("its files are signed by {key}, which stands in the list of sources")
            }
            (None, None) => format!("whoever may write to {} is believed", path.display()),
        };
        Ok(Some(Came { candidate: self.counted(candidate), trusted: state, decision }))
    }
}

fn read_pins(file: &Path) -> anyhow::Result<local::Pins> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    local::pins(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))
}

fn allowed(request: &Request<'_>) -> anyhow::Result<Allowed> {
    let digested = |file: &Path| -> anyhow::Result<(String, String)> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        Ok((file.display().to_string(), hexadecimal(Sha256::digest(&text))))
    };
    let mut allowed = Allowed { policy: String::from("none"), ..Allowed::default() };
    if let Some(file) = request.settings_file {
        let (policy, sha256) = digested(file)?;
        allowed = Allowed { policy, sha256: Some(sha256), decisions: Vec::new() };
    }
    if let Some(file) = request.list_file {
        let (list, sha256) = digested(file)?;
        allowed.decisions.push(format!("the sources stand in {list} ({sha256})"));
    }
    Ok(allowed)
}
