//! The order of the walk. Workers answer as they please; lines come out as if there were one.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

use candor_model::Reason;
use candor_sandbox::message::Answer;
use candor_sandbox::{Entry, Identity, Outcome};

use super::pool::Pool;
use super::tell::Teller;

/// Things to tell that may wait for a file before them.
const WAITING: usize = 1 << 16;

/// A file that is told of.
#[derive(Debug)]
pub(super) struct Subject {
    /// Its path, as it is told.
    pub(super) path: Vec<u8>,
    /// Its length in bytes.
    pub(super) length: u64,
    /// Which file it is; `None` for standard input.
    pub(super) identity: Option<Identity>,
}

/// Something to tell.
#[derive(Debug)]
pub(super) enum Remark {
    /// A line about a path: what it is.
    Plain(Vec<u8>, &'static str),
    /// It cannot be opened: as [`Plain`](Self::Plain), and an error.
    Denied(Vec<u8>, &'static str),
    /// A warning.
    Warning(String),
    /// What the system says of a path.
    System(Vec<u8>, String),
}

#[derive(Debug)]
enum Slot {
    Remark(Remark),
    Waiting(Subject),
    Done(Subject, Box<Outcome>),
}

/// What is told, in order.
#[derive(Debug)]
pub(super) struct Order<'a, 'b> {
    pool: &'a Pool,
    results: Receiver<(u64, Outcome)>,
    teller: &'a mut Teller<'b>,
    slots: VecDeque<Slot>,
    /// The number of the first slot.
    first: u64,
    /// Files that are not answered.
    waiting: usize,
    window: usize,
}

impl<'a, 'b> Order<'a, 'b> {
    pub(super) fn new(pool: &'a Pool, results: Receiver<(u64, Outcome)>, teller: &'a mut Teller<'b>) -> Self {
        let window = pool.window();
        Self { pool, results, teller, slots: VecDeque::new(), first: 0, waiting: 0, window }
    }

    /// Counts a folder.
    pub(super) fn folder(&mut self) {
        self.teller.sums.folders = self.teller.sums.folders.saturating_add(1);
    }

    /// Counts something below a folder that is not looked at.
    pub(super) fn missed(&mut self) {
        self.teller.sums.missed = self.teller.sums.missed.saturating_add(1);
    }

    /// Something to tell.
    pub(super) fn remark(&mut self, remark: Remark) {
        self.push(Slot::Remark(remark));
    }

    /// A file of which this is known without a worker.
    pub(super) fn known(&mut self, subject: Subject, answer: Answer) {
        self.push(Slot::Done(subject, Box::new(Outcome::Answer(answer))));
    }

    /// A file to be scanned.
    pub(super) fn file(&mut self, subject: Subject, file: std::os::fd::OwnedFd, name: String) {
        while self.waiting >= self.window {
            self.collect();
        }
        let number = self.first.saturating_add(u64::try_from(self.slots.len()).unwrap_or(u64::MAX));
        let Subject { identity, length, .. } = subject;
        self.waiting = self.waiting.saturating_add(1);
        self.pool.put(Entry { file, identity, length, name, token: number });
        self.push(Slot::Waiting(subject));
    }

    /// Tells the rest.
    pub(super) fn finish(&mut self) {
        while self.waiting > 0 {
            self.collect();
        }
        self.drain();
    }

    fn push(&mut self, slot: Slot) {
        self.slots.push_back(slot);
        while let Ok((number, outcome)) = self.results.try_recv() {
            self.done(number, outcome);
        }
        self.drain();
        while self.slots.len() > WAITING {
            self.collect();
        }
    }

    /// Waits for an answer.
    fn collect(&mut self) {
        self.teller.console.flush();
        if let Ok((number, outcome)) = self.results.recv() {
            self.done(number, outcome);
        } else {
            // Every thread has ended, which only a defect can cause: nothing of what waits was scanned.
            for slot in &mut self.slots {
                if let Slot::Waiting(subject) = slot {
                    let Subject { identity, length, .. } = *subject;
                    let subject = Subject { path: std::mem::take(&mut subject.path), length, identity };
                    let outcome = Outcome::Deadly(Reason::Crashed, String::from("its thread ended"));
                    *slot = Slot::Done(subject, Box::new(outcome));
                }
            }
            self.waiting = 0;
        }
        self.drain();
    }

    fn done(&mut self, number: u64, outcome: Outcome) {
        self.waiting = self.waiting.saturating_sub(1);
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) else { return };
        if let Slot::Waiting(subject) = slot {
            let Subject { identity, length, .. } = *subject;
            let subject = Subject { path: std::mem::take(&mut subject.path), length, identity };
            *slot = Slot::Done(subject, Box::new(outcome));
        }
    }

    fn drain(&mut self) {
        while let Some(slot) = self.slots.pop_front() {
            match slot {
                Slot::Waiting(_) => return self.slots.push_front(slot),
                Slot::Remark(remark) => self.teller.remark(remark),
                Slot::Done(subject, outcome) => self.teller.outcome(&subject, &outcome),
            }
            self.first = self.first.saturating_add(1);
        }
    }
}
