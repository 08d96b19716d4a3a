//! Threads that hand files to jailed workers, each to its own.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use candor_sandbox::{Entry, Lane, Outcome, Sandbox};

/// How long a worker is waited for before there may be more for it.
const SLICE: Duration = Duration::from_millis(20);

/// Files that a worker gets at once.
const BATCH: usize = 32;

/// Files that may be with each worker or wait for one.
const EACH: usize = 3 * BATCH;

/// Files that wait for a worker. Each has a number.
#[derive(Debug)]
pub(super) struct Pool {
    state: Mutex<State>,
    changed: Condvar,
    /// Files that may be open at once.
    open: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry<u64>>,
    closed: bool,
    threads: usize,
}

impl Pool {
    /// Of which `open` files may be open at once.
    pub(super) fn new(open: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), open }
    }

    /// Starts threads. What is said of files comes through the channel, which ends with the last thread.
    pub(super) fn start<'scope, 'pool: 'scope>(
        &'pool self,
        scope: &'scope Scope<'scope, '_>,
        sandbox: &'pool Sandbox,
        threads: usize,
    ) -> Receiver<(u64, Outcome)> {
        let (sender, receiver) = channel();
        for _ in 0..threads {
            let sender = sender.clone();
            scope.spawn(move || self.work(sandbox, &sender));
        }
        self.lock().threads = threads;
        receiver
    }

    /// How many files may be put in that are not answered yet.
    pub(super) fn window(&self) -> usize {
        self.lock().threads.saturating_mul(EACH).min(self.open).max(1)
    }

    /// Puts a file in.
    pub(super) fn put(&self, entry: Entry<u64>) {
        self.lock().waiting.push_back(entry);
        self.changed.notify_one();
    }

    /// Says that no more will come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn work(&self, sandbox: &Sandbox, sender: &Sender<(u64, Outcome)>) {
        let mut lane = Lane::new(sandbox, BATCH);
        loop {
            if lane.is_empty() {
                let Some(entry) = self.take() else { return };
                lane.push(entry);
            }
            while lane.has_room()
                && let Some(entry) = self.lock().waiting.pop_front()
            {
                lane.push(entry);
            }
            if let Some((number, outcome)) = lane.next(SLICE)
                && sender.send((number, outcome)).is_err()
            {
                return;
            }
        }
    }

    /// The next file; waits for one. `None` when no more will come.
    fn take(&self) -> Option<Entry<u64>> {
        let mut state = self.lock();
        loop {
            if let Some(entry) = state.waiting.pop_front() {
                return Some(entry);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
