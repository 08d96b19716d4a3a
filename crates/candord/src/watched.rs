//! Watching the generation that is in force: what came of each file, and what is done when that is too much.
//!
//! The lanes note; the thread that changes signatures takes a generation back. Where the store cannot be written to, this
//! daemon goes back by itself and says so: what misbehaves does not stay in force because of a permission.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use candor_model::{Reason, Verdict};
use candor_sandbox::message::Answer;
use candor_sandbox::{Identity, Outcome};
use candor_update::pipeline::watch::{Counts, Decision, Sighting, Thresholds, Watch};

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
    since: Instant,
    /// What is to be done about that generation.
    decided: Option<(u64, Decision)>,
}

impl Watched {
    /// Watches generations of this store.
    #[must_use]
    pub fn new(root: PathBuf, thresholds: Thresholds) -> Self {
        let state = State {
            watch: Watch::new(thresholds),
            current: 0,
            generation: None,
            since: Instant::now(),
            decided: None,
        };
        Self { root, window: Duration::from_secs(thresholds.window), state: Mutex::new(state) }
    }

    /// The store.
    #[must_use]
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Other signatures are in force.
    pub fn change(&self, current: u64, generation: Option<u64>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = state.generation != generation;
        // The first has nothing to be compared with, and one that is loaded again is no other.
        if state.current > 0 && is_other {
            state.watch.change();
            state.since = Instant::now();
            // Going back is watched as well as going on, but where there is no generation there is nothing to go back to.
            if generation.is_none() {
                state.watch.end();
            }
        }
        state.current = current;
        state.generation = generation;
    }

    /// Notes what came of a file; says whether something is to be done now.
    pub fn note(&self, current: u64, file: Option<(Identity, u64)>, outcome: &Outcome) -> bool {
        let sighting = sighting(outcome);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.current != current {
            return false;
        }
        if state.since.elapsed() > self.window {
            state.watch.end();
        }
        let decision = state.watch.note(file, sighting);
        let (Some(decision), Some(generation)) = (decision, state.generation) else { return false };
        state.decided = Some((generation, decision));
        true
    }

    /// What is to be done about which generation; once.
    pub fn decided(&self) -> Option<(u64, Decision)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).decided.take()
    }

    /// What was counted for the generation that is in force.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).watch.counts()
    }
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
}
