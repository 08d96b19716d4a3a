//! Watching the generation that is in force: what came of each file, and what is done when that is too much.
//!
//! The lanes note; the thread that changes signatures takes a generation back. Where the store cannot be written to, this
//! daemon goes back by itself and says so: what misbehaves does not stay in force because of a permission.
//!
//! Which files were clean is kept in a file of half a megabyte, so that a restart does not forget it: a daemon that is started again
//! with other signatures compares with what was clean before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use candor_model::{Reason, Verdict};
use candor_sandbox::message::Answer;
use candor_sandbox::{Identity, Outcome};
use candor_update::pipeline::watch::{Counts, Decision, LONGEST, Sighting, Thresholds, Watch};

use crate::verdicts::Digest;

/// What something is known by from one generation to the next: a file by its place and state, a stream by what it consists of.
#[derive(Clone, Copy, Debug, Hash)]
pub enum Mark {
    /// A file, and its length.
    File(Identity, u64),
    /// A stream.
    Stream(Digest),
}

/// What is noted of the generation that is in force.
#[derive(Debug)]
pub struct Watched {
    /// The store.
    root: PathBuf,
    window: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    watch: Watch,
    /// The number of the signatures of this daemon that are in force.
    current: u64,
    /// The generation of the store that they are, if they are one.
    generation: Option<u64>,
    /// Since when, in seconds since 1970.
    since: u64,
    /// Whether something was noted that is not kept yet.
    is_new: bool,
    /// What is to be done about that generation.
    decided: Option<(u64, Decision)>,
}

impl Watched {
    /// Watches generations of this store, and goes on where the daemon was that ran before.
    #[must_use]
    pub fn new(root: PathBuf, thresholds: Thresholds) -> Self {
        // What is damaged or missing is a beginning: the watch is blind for a while, and not wrong.
        let kept = read(&root.join(KEPT), thresholds);
        let (watch, generation, since) = kept.unwrap_or_else(|| (Watch::new(thresholds), None, now()));
        let state = State { watch, current: 0, generation, since, is_new: false, decided: None };
        Self { root, window: Duration::from_secs(thresholds.window), state: Mutex::new(state) }
    }

    /// The store.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Other signatures are in force.
    pub fn change(&self, current: u64, generation: Option<u64>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = state.generation != generation;
        let is_first = state.current == 0 && state.generation.is_none();
        // The first has nothing to be compared with, and one that is loaded again is no other.
        if !is_first && is_other {
            state.watch.change();
            state.since = now();
            // Going back is watched as well as going on, but where there is no generation there is nothing to go back to.
            if generation.is_none() {
                state.watch.end();
            }
        }
        state.current = current;
        state.generation = generation;
    }

    /// What streams are digested with, so that they are known again by whoever goes on with this watch.
    #[must_use]
    pub fn secret(&self) -> [u8; 64] {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).watch.secret("streams")
    }

    /// Notes what came of a file or a stream; says whether something is to be done now.
    pub fn note(&self, current: u64, file: Option<Mark>, outcome: &Outcome) -> bool {
        let sighting = sighting(outcome);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.current != current {
            return false;
        }
        if now().saturating_sub(state.since) > self.window.as_secs() {
            state.watch.end();
        }
        state.is_new = true;
        let decision = state.watch.note(file, sighting);
        let (Some(decision), Some(generation)) = (decision, state.generation) else { return false };
        state.decided = Some((generation, decision));
        true
    }

    /// What is to be done about which generation; once.
    pub fn decided(&self) -> Option<(u64, Decision)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).decided.take()
    }

    /// Keeps what is known, if there is anything new and a store to keep it in.
    ///
    /// # Errors
    /// It cannot be written; the next time it is tried again.
    pub fn keep(&self) -> io::Result<()> {
        if !self.root.is_dir() {
            return Ok(());
        }
        let bytes = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::take(&mut state.is_new) {
                return Ok(());
            }
            let numbers = [state.generation.unwrap_or(NONE).to_le_bytes(), state.since.to_le_bytes()];
            [numbers.concat(), state.watch.write()].concat()
        };
        // Nobody waits for a disk while the lock is held.
        let written = write(&self.root, &bytes);
        if written.is_err() {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).is_new = true;
        }
        written
    }

    /// What was counted for the generation that is in force.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).watch.counts()
    }
}

/// The file that a watch is kept in, in the store.
const KEPT: &str = "watch";
/// The same while it is written. An update removes what was left of it.
const UNFINISHED: &str = ".unfinished-watch";
/// Stands for no generation.
const NONE: u64 = u64::MAX;
/// Bytes of the generation and of the time since when it is in force.
const HEAD: usize = 16;

fn write(root: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = root.join(UNFINISHED);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    fs::rename(&new, root.join(KEPT))
}

fn read(path: &Path, thresholds: Thresholds) -> Option<(Watch, Option<u64>, u64)> {
    let mut bytes = Vec::new();
    let most = u64::try_from(LONGEST + HEAD + 1).ok()?;
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    let (head, watch) = bytes.split_at_checked(HEAD)?;
    let (generation, since) = head.split_at_checked(8)?;
    let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
    let (generation, since) = (number(generation)?, number(since)?);
    // A clock that was ahead once must not keep a generation watched for ever, nor end it at once.
    Some((Watch::read(watch, thresholds)?, (generation != NONE).then_some(generation), since.min(now())))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn sighting(outcome: &Outcome) -> Sighting {
    match outcome {
        Outcome::Deadly(Reason::Timeout, _) => Sighting::TimedOut,
        Outcome::Deadly(..) | Outcome::Answer(Answer::Defect(_)) => Sighting::Crashed,
        Outcome::Answer(Answer::Scanned { report, .. }) => match report.verdict {
            Verdict::Clean => Sighting::Clean,
            Verdict::Infected | Verdict::Suspicious => Sighting::Found,
            Verdict::Incomplete => {
                let timed_out = report.incomplete.iter().any(|known| known.reason == Reason::Timeout);
                if timed_out { Sighting::TimedOut } else { Sighting::Incomplete }
            }
        },
        Outcome::Answer(Answer::TooLarge(_) | Answer::Unreadable(_)) => Sighting::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Watched {
        Watched::new(PathBuf::from("/nowhere"), Thresholds { crashes: 2, ..Thresholds::default() })
    }

    fn crash() -> Outcome {
        Outcome::Deadly(Reason::Crashed, String::from("signal 11"))
    }

    #[test]
    fn a_generation_that_crashes_workers_is_to_be_taken_back() {
        let watched = watched();
        watched.change(1, Some(6));
        assert!((0..9).all(|_| !watched.note(1, None, &Outcome::Answer(Answer::TooLarge(None)))));
        watched.change(2, Some(7));
        // What began with the signatures before says nothing about these.
        assert!((0..9).all(|_| !watched.note(1, None, &crash())));
        assert!(!watched.note(2, None, &crash()));
        assert!(watched.note(2, None, &crash()));
        let (generation, decision) = watched.decided().unwrap();
        assert_eq!(generation, 7);
        assert_eq!(decision.reason(), "2 workers crashed over 2 files");
        assert!(watched.decided().is_none());
        assert_eq!(watched.counts().crashes, 2);
    }

    #[test]
    fn a_first_generation_and_other_databases_are_not_taken_back() {
        let watched = watched();
        watched.change(1, Some(1));
        assert!((0..9).all(|_| !watched.note(1, None, &crash())));
        watched.change(2, None);
        assert!((0..9).all(|_| !watched.note(2, None, &crash())));
        assert!(watched.decided().is_none());
    }

    #[test]
    fn the_same_generation_loaded_again_is_the_same() {
        let watched = watched();
        watched.change(1, Some(1));
        watched.change(2, Some(1));
        assert!((0..9).all(|_| !watched.note(2, None, &crash())));
    }

    #[test]
    fn a_restart_goes_on_where_the_watch_was() {
        let store = tempfile::tempdir().unwrap();
        let watched = |window| {
            let thresholds = Thresholds { crashes: 3, window, ..Thresholds::default() };
            Watched::new(store.path().to_owned(), thresholds)
        };
        let first = watched(3600);
        first.change(1, Some(6));
        assert!((0..9).all(|_| !first.note(1, None, &Outcome::Answer(Answer::TooLarge(None)))));
        first.change(2, Some(7));
        assert!((0..98).all(|_| !first.note(2, None, &Outcome::Answer(Answer::TooLarge(None)))));
        assert!((0..2).all(|_| !first.note(2, None, &crash())));
        first.keep().unwrap();
        assert_eq!(fs::read_dir(store.path()).unwrap().count(), 1);
        // The same generation: its third crash is the third.
        let second = watched(3600);
        second.change(1, Some(7));
        assert!(second.note(1, None, &crash()));
        assert_eq!(second.decided().unwrap().0, 7);
        // Another one begins to count, and is watched, though it is the first that this process sees.
        let third = watched(3600);
        third.change(1, Some(8));
        assert!((0..2).all(|_| !third.note(1, None, &crash())));
        assert!(third.note(1, None, &crash()));
        // Past its window the one that was kept is watched no more.
        let mut bytes = fs::read(store.path().join(KEPT)).unwrap();
        bytes[8..16].copy_from_slice(&(now() - 100).to_le_bytes());
        fs::write(store.path().join(KEPT), &bytes).unwrap();
        let fourth = watched(50);
        fourth.change(1, Some(7));
        assert!((0..9).all(|_| !fourth.note(1, None, &crash())));
        // Streams are known by the same secret as before.
        assert_eq!(fourth.secret(), first.secret());
        // What is damaged is a beginning.
        bytes.truncate(1000);
        fs::write(store.path().join(KEPT), &bytes).unwrap();
        let fifth = watched(3600);
        fifth.change(1, Some(7));
        assert!((0..9).all(|_| !fifth.note(1, None, &crash())));
        assert_ne!(fifth.secret(), first.secret());
    }
}
