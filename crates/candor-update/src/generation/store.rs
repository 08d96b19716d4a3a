//! The store: opening it after whatever happened, and the few ways to change it.

use std::path::{Path, PathBuf};

use super::journal::{self, Cause, Entry, Event, Head, Stage};
use super::record::{self, Record};
use super::staging::{digest_of, plain};
use super::state::{self, State};
use super::{
    CURRENT, Content, Disk, Files, GENERATIONS, IMAGE, JOURNAL, KEPT, LOCK, Lock, MEMBERS, RECORD, STATE,
    Staging, StoreError, UNFINISHED,
};

/// Bytes of a journal: decades of hourly updates.
const LONGEST_JOURNAL: u64 = 256 << 20;

/// Bytes of a record or of the state.
const LONGEST_RECORD: u64 = 64 << 20;

/// A clock may be that many seconds behind the last entry.
const TOLERANCE: u64 = 24 * 3600;

/// The store, with the right to change it.
#[derive(Debug)]
pub struct Store<F> {
    files: F,
    root: PathBuf,
    state: State,
    active: Option<u64>,
    /// The journal goes further than the state that was written.
    is_behind: bool,
}

/// What a look at a store gives.
struct Looked {
    state: State,
    active: Option<u64>,
    /// A change of the active generation of which it is not said how it ended.
    unresolved: Option<u64>,
    /// Where the journal is to be cut.
    torn: Option<u64>,
    /// It goes further than the state.
    is_behind: bool,
}

impl<F: Files> Store<F> {
    /// Makes a store in a directory that is there and holds none.
    ///
    /// # Errors
    /// There is one, or remains of one, or it cannot be made.
    pub fn init(files: F, root: &Path, now: u64) -> Result<Self, StoreError> {
        match Self::look(&files, root) {
            Ok(_) => Err(StoreError::Exists(root.to_path_buf())),
            Err(StoreError::Missing(_)) => Self::begin(files, root, None, Event::Begun, now),
            Err(error) => Err(error),
        }
    }

    /// Opens a store; what an interruption left undone is done or undone.
    ///
    /// # Errors
    /// There is none, or its state is lost or damaged.
    pub fn open(files: F, root: &Path, now: u64) -> Result<Self, StoreError> {
        let Looked { state, active, unresolved, torn, is_behind } = Self::look(&files, root)?;
        let mut store = Self { files, root: root.to_path_buf(), state, active, is_behind };
        if let Some(length) = torn {
            let path = store.root.join(JOURNAL);
            store.files.truncate(&path, length).map_err(StoreError::system("cannot cut", &path))?;
            store.sync(&path)?;
        }
        store.sweep()?;
        if let Some(generation) = unresolved {
            let event = if store.active == Some(generation) {
                Event::Activated { generation }
            } else {
                Event::Abandoned { generation }
            };
            store.note(event, now)?;
        } else if store.is_behind {
            store.write_state()?;
        }
        Ok(store)
    }

    /// Opens a store to look at it; changes nothing.
    ///
    /// # Errors
    /// There is none, or its state is lost or damaged.
    pub fn view(files: F, root: &Path) -> Result<Self, StoreError> {
        let Looked { state, active, is_behind, .. } = Self::look(&files, root)?;
        Ok(Self { files, root: root.to_path_buf(), state, active, is_behind })
    }

    /// Goes on after a loss, with the generation that is active if it is complete. Only an operator may want this.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn accept_loss(files: F, root: &Path, now: u64) -> Result<Self, StoreError> {
        let reason = match Self::look(&files, root) {
            Ok(_) => return Err(StoreError::Exists(root.to_path_buf())),
            Err(StoreError::Lost(reason)) => reason,
            Err(error) => return Err(error),
        };
        let names = files.list(root).map_err(StoreError::system("cannot list", root))?;
        // What is left is kept for whoever wants to know what happened.
        for name in [STATE, JOURNAL] {
            if names.iter().any(|(known, _)| known == name) {
                let kept = (0..1000_u32)
                    .map(|number| format!("{name}.lost-{number}"))
                    .find(|kept| names.iter().all(|(known, _)| known != kept))
                    .unwrap_or_else(|| format!("{name}.lost"));
                let (from, to) = (root.join(name), root.join(kept));
                files.rename(&from, &to).map_err(StoreError::system("cannot rename", &from))?;
            }
        }
        let generations = root.join(GENERATIONS);
        let numbers = if names.iter().any(|(known, is_directory)| known == GENERATIONS && *is_directory) {
            numbers(&files, &generations)?
        } else {
            Vec::new()
        };
        let highest = numbers.last().copied().unwrap_or(0);
        let active = current(&files, root).ok().flatten();
        let active = active.filter(|number| check(&files, root, *number, true).is_ok());
        if active.is_none() && names.iter().any(|(known, _)| known == CURRENT) {
            let path = root.join(CURRENT);
            files.remove_file(&path).map_err(StoreError::system("cannot remove", &path))?;
        }
        let event = Event::LossAccepted { reason, generation: active, highest };
        Self::begin(files, root, active, event, now)
    }

    /// Writes a first entry and a first state.
    fn begin(files: F, root: &Path, active: Option<u64>, event: Event, now: u64) -> Result<Self, StoreError> {
        let generations = root.join(GENERATIONS);
        if files.list(&generations).is_err() {
            files.create_directory(&generations).map_err(StoreError::system("cannot make", &generations))?;
        }
        let mut store =
            Self { files, root: root.to_path_buf(), state: State::default(), active, is_behind: false };
        // What an interrupted beginning left holds nothing.
        store.sweep()?;
        let entry = Entry { time: now, event };
        let (line, head) = journal_line(&Head::default(), &entry)?;
        store.replace(JOURNAL, line.as_bytes())?;
        store.state.apply(&entry, &head);
        if let Event::LossAccepted { generation: Some(generation), .. } = &entry.event {
            let record = store.record(*generation)?;
            for content in &record.contents {
                // Better than nothing: at least what is active is not undercut.
                let (source, version) = (content.candidate.source.clone(), content.candidate.version);
                store
                    .state
                    .sources
                    .insert(source, super::SourceState { version, content: content.digest(), trusted: None });
            }
        }
        store.write_state()?;
        Ok(store)
    }

    /// Reads all without changing anything.
    fn look(files: &F, root: &Path) -> Result<Looked, StoreError> {
        let names = match files.list(root) {
            Ok(names) => names,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::Missing(root.to_path_buf()));
            }
            Err(error) => return Err(StoreError::system("cannot list", root)(error)),
        };
        let has = |name: &str| names.iter().any(|(known, _)| known == name);
        let lost = |what: &str| StoreError::Lost(what.to_owned());
        if !has(STATE) {
            // A store whose making was interrupted has nothing to lose yet.
            let holds = has(CURRENT)
                || (has(GENERATIONS) && !numbers(files, &root.join(GENERATIONS))?.is_empty())
                || (has(JOURNAL) && read_journal(files, root)?.entries.len() != 1);
            return Err(if holds {
                lost("state.json is missing")
            } else {
                StoreError::Missing(root.to_path_buf())
            });
        }
        let text = read_bounded(files, &root.join(STATE))?;
        let mut state: State = serde_json::from_slice(&text)
            .map_err(|error| lost(&format!("state.json cannot be read: {error}")))?;
        if state.format != state::FORMAT {
            return Err(lost(&format!("state.json is of format {}", state.format)));
        }
        if !has(JOURNAL) {
            return Err(lost("the journal is missing"));
        }
        let read = read_journal(files, root)?;
        let known = usize::try_from(state.journal.entries).unwrap_or(usize::MAX);
        if read.heads.get(known) != Some(&state.journal) {
            return Err(lost("the journal was changed or cut short"));
        }
        let beyond = read.entries.len().saturating_sub(known);
        if read.is_broken {
            return Err(lost("the journal is damaged"));
        }
        if beyond > 1 {
            return Err(lost("state.json is older than the journal"));
        }
        for (entry, head) in read.entries.iter().zip(read.heads.iter().skip(1)).skip(known) {
            state.apply(entry, head);
        }
        let torn = read.is_torn.then_some(state.journal.length);
        let active = current(files, root)?;
        let mut was_active = None;
        let mut begun = Vec::new();
        for entry in &read.entries {
            match &entry.event {
                Event::Activating { generation, .. } => begun.push(*generation),
                Event::Abandoned { .. } => begun.clear(),
                Event::Activated { generation } => {
                    begun.clear();
                    was_active = Some(*generation);
                }
                Event::LossAccepted { generation, .. } => was_active = *generation,
                _ => (),
            }
        }
        if active != was_active && !active.is_some_and(|active| begun.contains(&active)) {
            return Err(lost(&match (active, was_active) {
                (Some(now), Some(was)) => format!("generation {now} is active, and the journal says {was}"),
                (Some(now), None) => format!("generation {now} is active, and the journal says that none is"),
                (None, was) => {
                    let was = was.unwrap_or_default();
                    format!("the link to the active generation is missing; it was {was}")
                }
            }));
        }
        let unresolved = active.filter(|active| begun.contains(active)).or(begun.last().copied());
        if let Some(number) = active {
            check(files, root, number, false).map_err(|error| lost(&error.to_string()))?;
        }
        Ok(Looked { state, active, unresolved, torn, is_behind: beyond > 0 })
    }

    /// The directory of the store.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file system that it is on.
    #[must_use]
    pub const fn files(&self) -> &F {
        &self.files
    }

    /// What is remembered.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The active generation.
    #[must_use]
    pub const fn active(&self) -> Option<u64> {
        self.active
    }

    /// The directory of a generation.
    #[must_use]
    pub fn directory(&self, number: u64) -> PathBuf {
        directory(&self.root, number)
    }

    /// The record of a generation.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn record(&self, number: u64) -> Result<Record, StoreError> {
        read_record(&self.files, &self.directory(number), number)
    }

    /// The numbers of the generations that are kept, in order.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn generations(&self) -> Result<Vec<u64>, StoreError> {
        numbers(&self.files, &self.root.join(GENERATIONS))
    }

    /// All that happened, in order, after a look at every line of it.
    ///
    /// # Errors
    /// The journal is not what the state says.
    pub fn history(&self) -> Result<Vec<Entry>, StoreError> {
        let read = read_journal(&self.files, &self.root)?;
        if read.is_broken || read.is_torn || read.heads.last() != Some(&self.state.journal) {
            return Err(StoreError::Lost(String::from("the journal was changed")));
        }
        Ok(read.entries)
    }

    /// Compares every byte of a generation with its record.
    ///
    /// # Errors
    /// It is not what its record says.
    pub fn check(&self, number: u64) -> Result<Record, StoreError> {
        check(&self.files, &self.root, number, true)
    }

    /// Whether the clock can be believed.
    ///
    /// # Errors
    /// It is far behind the last entry.
    pub const fn check_clock(&self, now: u64) -> Result<(), StoreError> {
        if now.saturating_add(TOLERANCE) < self.state.last {
            return Err(StoreError::Clock { now, last: self.state.last });
        }
        Ok(())
    }

    /// Whether this content of a source may come in: it is not older than what was seen, and not held.
    ///
    /// # Errors
    /// It is.
    pub fn check_version(&self, source: &str, version: u64, content: &str) -> Result<(), StoreError> {
        let known = self.state.sources.get(source).map_or(0, |known| known.version);
        if version < known {
            return Err(StoreError::Older { name: source.to_owned(), given: version, known });
        }
        if let Some(held) = self.state.held(source, version, content) {
            return Err(StoreError::Held { name: source.to_owned(), version, reason: held.reason.clone() });
        }
        Ok(())
    }

    /// Notes that content was verified, and what the source remembers for itself. From then on nothing older is taken.
    ///
    /// # Errors
    /// It is older than what was seen, or cannot be noted.
    pub fn verified(
        &mut self,
        source: &str,
        version: u64,
        content: &str,
        trusted: Option<String>,
        now: u64,
    ) -> Result<(), StoreError> {
        let known = self.state.sources.get(source);
        let highest = known.map_or(0, |known| known.version);
        if version < highest {
            return Err(StoreError::Older { name: source.to_owned(), given: version, known: highest });
        }
        let same = known.is_some_and(|known| {
            known.version == version
                && known.content == content
                && (trusted.is_none() || known.trusted == trusted)
        });
        if same {
            return Ok(());
        }
        let entry = Entry {
            time: now,
            event: Event::Verified { source: source.to_owned(), version, content: content.to_owned() },
        };
        self.append(&entry)?;
        if trusted.is_some()
            && let Some(known) = self.state.sources.get_mut(source)
        {
            known.trusted = trusted;
        }
        self.write_state()
    }

    /// Keeps what a source remembers for itself.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember(&mut self, source: &str, trusted: String) -> Result<(), StoreError> {
        let known = self.state.sources.entry(plain(source)?.to_owned()).or_default();
        if known.trusted.as_ref() != Some(&trusted) {
            known.trusted = Some(trusted);
            self.write_state()?;
        }
        Ok(())
    }

    /// Notes that something was refused.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn refused(
        &mut self,
        source: Option<&str>,
        version: Option<u64>,
        stage: Stage,
        reason: &str,
        now: u64,
    ) -> Result<(), StoreError> {
        let source = source.map(str::to_owned);
        self.note(Event::Refused { source, version, stage, reason: reason.to_owned() }, now)
    }

    /// Begins a generation.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn stage(&self) -> Result<Staging, StoreError> {
        // A number that was given once is never given again, even if what had it is gone.
        let there = self.generations()?.last().copied().unwrap_or(0);
        let number = self.state.generations.max(there).saturating_add(1);
        let directory = self.root.join(GENERATIONS).join(format!("{UNFINISHED}{number}"));
        if self.files.list(&directory).is_ok() {
            self.remove_tree(&directory)?;
        }
        for path in [&directory, &directory.join(MEMBERS)] {
            self.files.create_directory(path).map_err(StoreError::system("cannot make", path))?;
        }
        Ok(Staging::new(number, directory))
    }

    /// Takes over the members of a source from a generation that is kept.
    ///
    /// # Errors
    /// They cannot be linked.
    pub fn keep(&self, staging: &Staging, from: u64, content: &Content) -> Result<Content, StoreError> {
        let source = &content.candidate.source;
        let old = self.directory(from).join(Staging::place(source)?);
        let new = staging.room(&self.files, source)?;
        for member in &content.candidate.members {
            let name = plain(&member.name)?;
            let path = new.join(name);
            self.files.link(&old.join(name), &path).map_err(StoreError::system("cannot link", &path))?;
        }
        Ok(content.clone())
    }

    /// Gives a generation that is being made up.
    ///
    /// # Errors
    /// It cannot be removed; it will be when the store is next opened.
    pub fn discard(&self, staging: &Staging) -> Result<(), StoreError> {
        self.remove_tree(staging.directory())
    }

    /// Writes a generation out and gives it its name. It is not active yet.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn admit(&mut self, staging: &Staging, record: &Record, now: u64) -> Result<u64, StoreError> {
        let number = staging.number();
        let record = Record { format: record::FORMAT, generation: number, ..record.clone() };
        let json = serde_json::to_vec_pretty(&record)
            .map_err(|error| StoreError::Damaged { number, what: error.to_string() })?;
        let path = staging.directory().join(RECORD);
        self.files.create(&path, &mut json.as_slice()).map_err(StoreError::system("cannot write", &path))?;
        self.sync(&path)?;
        self.sync(&staging.image())?;
        for content in &record.contents {
            let room = staging.directory().join(Staging::place(&content.candidate.source)?);
            for member in &content.candidate.members {
                self.sync(&room.join(plain(&member.name)?))?;
            }
            self.sync(&room)?;
        }
        self.sync(&staging.directory().join(MEMBERS))?;
        self.sync(staging.directory())?;
        let place = self.directory(number);
        self.files
            .rename(staging.directory(), &place)
            .map_err(StoreError::system("cannot rename", staging.directory()))?;
        self.sync(&self.root.join(GENERATIONS))?;
        self.note(Event::Admitted { generation: number }, now)?;
        Ok(number)
    }

    /// Makes a generation the active one.
    ///
    /// # Errors
    /// It is not complete, or it cannot be done; then the one that was active is.
    pub fn activate(&mut self, number: u64, cause: Cause, now: u64) -> Result<(), StoreError> {
        check(&self.files, &self.root, number, false)?;
        let from = self.active;
        self.note(Event::Activating { generation: number, from, cause }, now)?;
        let new = self.root.join(format!("{UNFINISHED}{CURRENT}"));
        if self.files.read_link(&new).is_ok() {
            self.files.remove_file(&new).map_err(StoreError::system("cannot remove", &new))?;
        }
        let target = Path::new(GENERATIONS).join(number.to_string());
        self.files.symlink(&target, &new).map_err(StoreError::system("cannot make", &new))?;
        let current = self.root.join(CURRENT);
        // The rename below must not outrun the name that it gives up.
        self.sync(&self.root.clone())?;
        self.files.rename(&new, &current).map_err(StoreError::system("cannot rename", &new))?;
        self.active = Some(number);
        self.sync(&self.root.clone())?;
        self.note(Event::Activated { generation: number }, now)
    }

    /// Goes back to the generation before the active one, and holds back what only the active one has.
    ///
    /// # Errors
    /// There is none, or it is damaged, or it cannot be done.
    pub fn roll_back(&mut self, cause: Cause, now: u64) -> Result<u64, StoreError> {
        let from = self.active.ok_or(StoreError::NoneActive)?;
        let bad = self.record(from)?;
        let to = bad.previous.ok_or(StoreError::NoPrevious)?;
        let good = match check(&self.files, &self.root, to, false) {
            Err(StoreError::NoGeneration(_)) => return Err(StoreError::NoPrevious),
            good => good?,
        };
        let reason = match &cause {
            Cause::Update => String::from("rolled back"),
            Cause::Operator { reason } | Cause::Watch { reason } => reason.clone(),
        };
        // Before the change: if it stops between the two, the next attempt makes it; the other way round, the next update
        // would bring back what was to go.
        for content in &bad.contents {
            let source = &content.candidate.source;
            let digest = content.digest();
            if good.content(source).is_some_and(|known| known.digest() == digest) {
                continue;
            }
            self.hold(source, content.candidate.version, Some(digest), &reason, now)?;
        }
        self.activate(to, cause, now)?;
        if self.state.report_only.is_some() {
            self.report_only(false, &format!("generation {from} is not active any more"), now)?;
        }
        Ok(to)
    }

    /// Holds a version back.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn hold(
        &mut self,
        source: &str,
        version: u64,
        content: Option<String>,
        reason: &str,
        now: u64,
    ) -> Result<(), StoreError> {
        let (source, reason) = (plain(source)?.to_owned(), reason.to_owned());
        self.note(Event::Held { source, version, content, reason }, now)
    }

    /// Lets a version in that was held back.
    ///
    /// # Errors
    /// It was not, or it cannot be noted.
    pub fn release(&mut self, source: &str, version: u64, now: u64) -> Result<bool, StoreError> {
        if !self.state.held.iter().any(|held| held.source == source && held.version == version) {
            return Ok(false);
        }
        self.note(Event::Released { source: source.to_owned(), version }, now)?;
        Ok(true)
    }

    /// Begins or ends that new findings are told and not acted upon.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn report_only(&mut self, on: bool, reason: &str, now: u64) -> Result<(), StoreError> {
        let held = self.state.report_only.as_ref().and_then(|only| only.generation);
        let generation = match (on, held, self.active) {
            (false, ..) => None,
            // Said twice, it still is about what was in force at first.
            (true, Some(held), _) => Some(held),
            (true, None, Some(active)) => self.record(active)?.previous,
            (true, None, None) => None,
        };
        self.note(Event::ReportOnly { on, generation, reason: reason.to_owned() }, now)
    }

    /// Removes generations that need not be kept any more; says which.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn prune(&self) -> Result<Vec<u64>, StoreError> {
        let numbers = self.generations()?;
        let previous = self.active.and_then(|number| self.record(number).ok()?.previous);
        let in_force = self.state.report_only.as_ref().and_then(|only| only.generation);
        let mut kept: Vec<u64> = self.active.into_iter().chain(previous).chain(in_force).collect();
        for number in numbers.iter().rev() {
            if kept.len() < KEPT && !kept.contains(number) {
                kept.push(*number);
            }
        }
        let mut removed = Vec::new();
        for number in numbers {
            if kept.contains(&number) {
                continue;
            }
            // First out of sight, so that nobody meets a half of it.
            let place = self.directory(number);
            let gone = self.root.join(GENERATIONS).join(format!("{UNFINISHED}{number}"));
            self.files.rename(&place, &gone).map_err(StoreError::system("cannot rename", &place))?;
            self.remove_tree(&gone)?;
            removed.push(number);
        }
        Ok(removed)
    }

    /// Adds to the journal, and brings the state up to it.
    fn note(&mut self, event: Event, now: u64) -> Result<(), StoreError> {
        self.append(&Entry { time: now, event })?;
        self.write_state()
    }

    fn append(&mut self, entry: &Entry) -> Result<(), StoreError> {
        // At most one entry further than the state: more would look like an old state that was put back.
        if self.is_behind {
            self.write_state()?;
        }
        let (line, head) = journal_line(&self.state.journal, entry)?;
        let path = self.root.join(JOURNAL);
        if let Err(error) = self.files.append(&path, line.as_bytes()).and_then(|()| self.files.sync(&path)) {
            // On a full disk a part of the line may be there: it is taken back, or the next one would follow it.
            let _ = self.files.truncate(&path, self.state.journal.length);
            return Err(StoreError::system("cannot write", &path)(error));
        }
        self.state.apply(entry, &head);
        self.is_behind = true;
        Ok(())
    }

    fn write_state(&mut self) -> Result<(), StoreError> {
        let json = serde_json::to_vec_pretty(&self.state)
            .map_err(|error| StoreError::Lost(format!("the state cannot be written: {error}")))?;
        self.replace(STATE, &json)?;
        self.is_behind = false;
        Ok(())
    }

    /// Writes a file of the store in one step.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let new = self.root.join(format!("{UNFINISHED}{name}"));
        let path = self.root.join(name);
        if self.files.length(&new).is_ok() {
            self.files.remove_file(&new).map_err(StoreError::system("cannot remove", &new))?;
        }
        self.files.create(&new, &mut { bytes }).map_err(StoreError::system("cannot write", &new))?;
        self.sync(&new)?;
        self.files.rename(&new, &path).map_err(StoreError::system("cannot rename", &new))?;
        self.sync(&self.root)
    }

    fn sync(&self, path: &Path) -> Result<(), StoreError> {
        self.files.sync(path).map_err(StoreError::system("cannot write out", path))
    }

    /// Removes what interruptions left.
    fn sweep(&self) -> Result<(), StoreError> {
        let generations = self.root.join(GENERATIONS);
        for directory in [&self.root, &generations] {
            let names = self.files.list(directory).map_err(StoreError::system("cannot list", directory))?;
            for (name, is_directory) in names {
                let path = directory.join(&name);
                if !name.starts_with(UNFINISHED) {
                    continue;
                }
                if is_directory {
                    self.remove_tree(&path)?;
                } else {
                    self.files.remove_file(&path).map_err(StoreError::system("cannot remove", &path))?;
                }
            }
        }
        Ok(())
    }

    /// Removes a directory of a generation: it is three levels deep.
    fn remove_tree(&self, path: &Path) -> Result<(), StoreError> {
        remove_tree(&self.files, path, 3)
    }
}

impl Store<Disk> {
    /// Opens the store of this machine, alone.
    ///
    /// # Errors
    /// Somebody else has it, or it cannot be opened.
    pub fn lock(root: &Path, now: u64) -> Result<(Lock, Self), StoreError> {
        // Only a store has a lock; none is made by the way.
        if Disk.length(&root.join(LOCK)).is_err() {
            Self::look(&Disk, root)?;
        }
        let lock = Lock::take(root)?;
        Ok((lock, Self::open(Disk, root, now)?))
    }
}

fn remove_tree(files: &impl Files, path: &Path, depth: u32) -> Result<(), StoreError> {
    for (name, is_directory) in files.list(path).map_err(StoreError::system("cannot list", path))? {
        let inner = path.join(name);
        if is_directory && depth > 0 {
            remove_tree(files, &inner, depth.saturating_sub(1))?;
        } else {
            files.remove_file(&inner).map_err(StoreError::system("cannot remove", &inner))?;
        }
    }
    files.remove_directory(path).map_err(StoreError::system("cannot remove", path))
}

pub(super) fn directory(root: &Path, number: u64) -> PathBuf {
    root.join(GENERATIONS).join(number.to_string())
}

/// The generation that the link names.
pub(super) fn current(files: &impl Files, root: &Path) -> Result<Option<u64>, StoreError> {
    let path = root.join(CURRENT);
    match files.read_link(&path) {
        Ok(target) => {
            let number = target
                .strip_prefix(GENERATIONS)
                .ok()
                .and_then(Path::to_str)
                .and_then(|name| name.parse().ok())
                .ok_or_else(|| StoreError::Lost(format!("{} leads to no generation", path.display())))?;
            Ok(Some(number))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::system("cannot read", &path)(error)),
    }
}

fn numbers(files: &impl Files, generations: &Path) -> Result<Vec<u64>, StoreError> {
    let names = files.list(generations).map_err(StoreError::system("cannot list", generations))?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter(|(_, is_directory)| *is_directory)
        .filter_map(|(name, _)| name.parse().ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn read_bounded(files: &impl Files, path: &Path) -> Result<Vec<u8>, StoreError> {
    files.read(path, LONGEST_RECORD).map_err(StoreError::system("cannot read", path))
}

pub(super) fn read_record(files: &impl Files, directory: &Path, number: u64) -> Result<Record, StoreError> {
    let path = directory.join(RECORD);
    let text = match files.read(&path, LONGEST_RECORD) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::NoGeneration(number));
        }
        Err(error) => return Err(StoreError::system("cannot read", &path)(error)),
    };
    let damaged = |what: String| StoreError::Damaged { number, what };
    let record: Record = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if record.format != record::FORMAT || record.generation != number {
        return Err(damaged(String::from("its record is about another generation")));
    }
    Ok(record)
}

fn read_journal(files: &impl Files, root: &Path) -> Result<journal::Read, StoreError> {
    let path = root.join(JOURNAL);
    let bytes = files.read(&path, LONGEST_JOURNAL).map_err(StoreError::system("cannot read", &path))?;
    Ok(journal::read(&bytes))
}

fn journal_line(head: &Head, entry: &Entry) -> Result<(String, Head), StoreError> {
    let made =
        journal::line(head, entry).ok_or_else(|| StoreError::Lost(String::from("an entry is no text")))?;
    if made.1.length > LONGEST_JOURNAL {
        return Err(StoreError::Lost(String::from("the journal is full; put it aside and accept its loss")));
    }
    Ok(made)
}

/// Whether a generation is complete; with `deep`, to the last byte.
fn check(files: &impl Files, root: &Path, number: u64, deep: bool) -> Result<Record, StoreError> {
    let directory = directory(root, number);
    let record = read_record(files, &directory, number)?;
    let damaged = |what: String| StoreError::Damaged { number, what };
    let compare = |path: &Path, length: u64, sha256: &str| -> Result<(), StoreError> {
        let name = path.strip_prefix(&directory).unwrap_or(path).display();
        let known = files.length(path).map_err(|error| damaged(format!("{name}: {error}")))?;
        if known != length {
            return Err(damaged(format!("{name} has {known} bytes, and its record says {length}")));
        }
        if deep {
            let (_, digest) = digest_of(files, path).map_err(|error| damaged(format!("{name}: {error}")))?;
            if digest != sha256 {
                return Err(damaged(format!("{name} has another digest than its record says")));
            }
        }
        Ok(())
    };
    compare(&directory.join(IMAGE), record.image.length, &record.image.sha256)?;
    for content in &record.contents {
        let room = directory.join(Staging::place(&content.candidate.source)?);
        for member in &content.candidate.members {
            compare(&room.join(plain(&member.name)?), member.length, &member.sha256)?;
        }
    }
    Ok(record)
}
