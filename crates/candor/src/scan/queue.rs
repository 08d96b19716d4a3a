//! The work that the threads of a scan share.
//!
//! Files go before directories, and a large directory is listed in pieces, so what is held in memory is
//! a few pieces of a few directories, however many files there are. The last directory found is listed
//! first, so that few directories are open at a time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::walk::{Files, Pending};

/// The work that is left.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: VecDeque<Files>,
    pending: Vec<Pending>,
    /// Threads that are finding more work.
    expanding: usize,
    stopped: bool,
}

/// One piece of work.
#[derive(Debug)]
pub(crate) enum Work {
    /// Files to be scanned.
    Files(Files),
    /// Something to find files in. [`Queue::expanded`] must be called afterwards.
    Expand(Pending),
}

/// What was found in a [`Pending`].
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    /// Files to be scanned.
    pub(crate) files: Vec<Files>,
    /// More to find files in; the last one comes first.
    pub(crate) pending: Vec<Pending>,
}

impl Queue {
    /// A queue of these, first one first.
    pub(crate) fn new(mut pending: Vec<Pending>) -> Self {
        pending.reverse();
        Self { state: Mutex::new(State { pending, ..State::default() }), changed: Condvar::new() }
    }

    /// The next piece of work; waits while other threads may still find some. `None` when all is done.
    pub(crate) fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(files) = state.files.pop_front() {
                return Some(Work::Files(files));
            }
            if let Some(pending) = state.pending.pop() {
                state.expanding += 1;
                return Some(Work::Expand(pending));
            }
            if state.expanding == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next piece of work, if there is one now.
    pub(crate) fn try_next(&self) -> Option<Work> {
        let mut state = self.lock();
        if state.stopped {
            return None;
        }
        if let Some(files) = state.files.pop_front() {
            return Some(Work::Files(files));
        }
        let pending = state.pending.pop()?;
        state.expanding += 1;
        Some(Work::Expand(pending))
    }

    /// Takes what was found in the last [`Work::Expand`] of this thread.
    pub(crate) fn expanded(&self, expansion: Expansion) {
        let mut state = self.lock();
        state.expanding = state.expanding.saturating_sub(1);
        state.files.extend(expansion.files);
        state.pending.extend(expansion.pending);
        drop(state);
        self.changed.notify_all();
    }

    /// Hands out nothing more.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
