//! One lane of a scan: a worker, the files that it has, and what happens when it does not come back.
//!
//! Every file that is put in comes out once. A worker that dies, hangs or talks nonsense is replaced. The
//! file that it was at is tried once more, alone, in a fresh worker, and if that fails too, the answer says
//! so; the others are given to the next worker as if nothing had happened. Which file it was at shows in
//! the position of the descriptors, which broker and worker share: those that were begun are not at 0.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use candor_model::Reason;
use rustix::process::Signal;

use crate::ahead::TOGETHER;
use crate::broker::{Identity, Sandbox, Worker, WorkerError};
use crate::input::MAPPED;
use crate::message::{Answer, BATCH, Given, LONGEST_ANSWER, Malformed, Order, Word};
use crate::sys;
use crate::template::Ended;

/// Files that one worker scans at most.
pub const FILES_A_WORKER: usize = 256;

/// Bytes that go into one batch; a single file may be larger.
const BATCH_BYTES: u64 = 4 << 20;

/// Processor time that a worker may take for one file beyond the time for it, until it is ended.
const BEYOND: Duration = Duration::from_secs(2);

/// After this silence the processor time is looked at.
const SILENCE: Duration = Duration::from_millis(500);

/// Workers in a row that may fail without having begun a file.
const FALSE_STARTS: u32 = 3;

/// What the kernel ends a process with that has too much memory.
const KILLED: i32 = Signal::KILL.as_raw();

/// Last words that one worker may have. The run-time says two or three.
const LAST_WORDS: usize = 400;

/// A file to be scanned.
#[derive(Debug)]
pub struct Entry<T> {
    /// The file, open for reading.
    pub file: OwnedFd,
    /// Which file it is.
    pub identity: Option<Identity>,
    /// Its length in bytes.
    pub length: u64,
    /// Its own name.
    pub name: String,
    /// What the caller knows it by.
    pub token: T,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// A worker says this.
    Answer(Answer),
    /// It ended two workers; why, and what is known about it.
    Deadly(Reason, String),
}

/// A lane. `T` is what the caller knows a file by.
#[derive(Debug)]
pub struct Lane<'s, T> {
    sandbox: &'s Sandbox,
    batch: usize,
    worker: Option<Worker>,
    /// Files that this worker was given.
    given: usize,
    /// Those that the worker has and has not answered about.
    sent: VecDeque<Held<T>>,
    waiting: VecDeque<Held<T>>,
    /// Large files that wait for others.
    large: VecDeque<Held<T>>,
    /// Bytes of the files that wait.
    bytes: u64,
    done: VecDeque<(T, Outcome)>,
    /// Those that were answered about. They are closed together, when the worker has something to do again.
    spent: Vec<OwnedFd>,
    /// A long answer, as far as it has come.
    part: Vec<u8>,
    /// When the worker last answered, or was given something to do. Whatever else it says wins it no time.
    answered: Instant,
    /// Processor time of the worker when the silence began to be noticed.
    busy: Option<Duration>,
    false_starts: u32,
    last_words: String,
}

#[derive(Debug)]
struct Held<T> {
    entry: Entry<T>,
    /// It has ended a worker.
    tried: bool,
}

impl<T> Held<T> {
    /// Whether the worker will map it.
    const fn is_large(&self) -> bool {
        self.entry.length >= MAPPED
    }
}

impl<'s, T> Lane<'s, T> {
    /// A lane that hands over up to `batch` files at once.
    #[must_use]
    pub fn new(sandbox: &'s Sandbox, batch: usize) -> Self {
        Self {
            sandbox,
            batch: batch.clamp(1, BATCH),
            worker: None,
            given: 0,
            sent: VecDeque::new(),
            waiting: VecDeque::new(),
            large: VecDeque::new(),
            bytes: 0,
            done: VecDeque::new(),
            spent: Vec::new(),
            part: Vec::new(),
            answered: Instant::now(),
            busy: None,
            false_starts: 0,
            last_words: String::new(),
        }
    }

    /// Whether it wants more files.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.len() < self.batch && self.bytes < BATCH_BYTES && self.done.is_empty()
    }

    /// The number of the process of its worker, if it has one now.
    #[must_use]
    pub fn process(&self) -> Option<i32> {
        self.worker.as_ref().map(Worker::process)
    }

    /// Whether nothing is left in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.waiting.is_empty() && self.large.is_empty() && self.done.is_empty()
    }

    /// Puts a file in. It is handed over when there are enough for a batch, or by [`flush`](Self::flush).
    pub fn push(&mut self, entry: Entry<T>) {
        if entry.identity.is_some_and(|identity| self.sandbox.is_deadly(identity)) {
            let why = String::from("it has ended workers before in this run");
            return self.done.push_back((entry.token, Outcome::Deadly(Reason::Crashed, why)));
        }
        let held = Held { entry, tried: false };
        if held.is_large() {
            self.large.push_back(held);
            let bytes = self.large.iter().fold(0_u64, |bytes, held| bytes.saturating_add(held.entry.length));
            if self.large.len() < self.batch && bytes < TOGETHER {
                return;
            }
            self.stop_waiting_for_others();
        } else {
            self.bytes = self.bytes.saturating_add(held.entry.length);
            self.waiting.push_back(held);
        }
        if self.waiting.len() >= self.batch || self.bytes >= BATCH_BYTES {
            self.hand_over();
        }
    }

    /// Hands over all that there is, as far as the worker may have it.
    pub fn flush(&mut self) {
        self.stop_waiting_for_others();
        self.hand_over();
    }

    fn stop_waiting_for_others(&mut self) {
        for held in self.large.drain(..) {
            self.bytes = self.bytes.saturating_add(held.entry.length);
            self.waiting.push_back(held);
        }
    }

    fn hand_over(&mut self) {
        while !self.waiting.is_empty() && self.may_send() {
            if let Err(failure) = self.send() {
                self.fail(failure);
            }
        }
        sys::close_all(&mut self.spent);
    }

    /// What became of a file, in no order; `None` when nothing is known within `time`.
    pub fn next(&mut self, time: Duration) -> Option<(T, Outcome)> {
        if self.done.is_empty() {
            if self.sent.is_empty() && self.waiting.is_empty() {
                // The worker has nothing else to do.
                self.stop_waiting_for_others();
            }
            self.hand_over();
        }
        let mut left = time;
        while self.done.is_empty() && !self.sent.is_empty() {
            let waited = left.min(SILENCE);
            if let Err(failure) = self.listen(waited) {
                self.fail(failure);
            }
            self.hand_over();
            left = left.saturating_sub(waited);
            if left.is_zero() {
                break;
            }
        }
        self.done.pop_front()
    }

    /// Two batches at a time: one that the worker is at, one that is there when it is done. A file that
    /// has ended a worker is alone.
    fn may_send(&self) -> bool {
        let alone = |held: Option<&Held<T>>| held.is_some_and(|held| held.tried);
        if alone(self.waiting.front()) || alone(self.sent.front()) {
            return self.sent.is_empty();
        }
        self.sent.len() <= self.batch && (self.fits_worker() || self.sent.is_empty())
    }

    /// Whether this worker may have the next batch: one file at least, of large ones all that go together.
    fn fits_worker(&self) -> bool {
        let large = self.waiting.iter().take(self.batch).take_while(|held| held.is_large()).count();
        self.given.saturating_add(large.max(1)) <= FILES_A_WORKER
    }

    fn send(&mut self) -> Result<(), WorkerError> {
        let retry = self.waiting.front().is_some_and(|held| held.tried);
        if self.worker.is_some() && (!self.fits_worker() || (retry && self.given > 0)) {
            self.retire();
        }
        if self.worker.is_none() {
            self.worker = Some(self.sandbox.worker()?);
            self.given = 0;
        }
        let Some(worker) = &self.worker else { return Err(WorkerError::Gone) };
        let room = self.batch.min(FILES_A_WORKER.saturating_sub(self.given));
        let mut bytes = 0_u64;
        let most = if self.waiting.front().is_some_and(Held::is_large) { TOGETHER } else { BATCH_BYTES };
        let number = if retry {
            1
        } else {
            let fits = |held: &&Held<T>| {
                let first = bytes == 0;
                bytes = bytes.saturating_add(held.entry.length);
                !held.tried && (first || bytes <= most)
            };
            self.waiting.iter().take(room).take_while(fits).count().max(1)
        };
        let batch = || self.waiting.iter().take(number);
        let files = batch()
            .map(|held| Given {
                name: held.entry.name.clone(),
                length: held.entry.length,
                careful: held.tried,
            })
            .collect();
        let descriptors: Vec<BorrowedFd<'_>> = batch().map(|held| held.entry.file.as_fd()).collect();
        let sent = worker.order(&Order::Files(files), &descriptors);
        if self.sent.is_empty() {
            self.restart_clocks();
        }
        self.given = self.given.saturating_add(number);
        for held in self.waiting.drain(..number) {
            self.bytes = self.bytes.saturating_sub(held.entry.length);
            self.sent.push_back(held);
        }
        match sent {
            // What it said before it ended is heard first; then that it is gone.
            Ok(()) | Err(WorkerError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn listen(&mut self, time: Duration) -> Result<(), WorkerError> {
        let Some(worker) = &mut self.worker else { return Err(WorkerError::Gone) };
        let Some(word) = worker.listen(time)? else {
            return self.look_at_clocks();
        };
        match word {
            Word::Answers(answers) if !answers.is_empty() => {
                self.restart_clocks();
                return answers.into_iter().try_for_each(|answer| self.answer(answer));
            }
            Word::Part { bytes, last } if !bytes.is_empty() => {
                if self.part.len().saturating_add(bytes.len()) > LONGEST_ANSWER {
                    return Err(Malformed::Excess("bytes in an answer").into());
                }
                self.part.extend_from_slice(&bytes);
                if last {
                    let answer = Answer::decode(&std::mem::take(&mut self.part));
                    self.restart_clocks();
                    return self.answer(answer?);
                }
            }
            Word::LastWords(text) => {
                if self.last_words.len() >= LAST_WORDS {
                    return Err(Malformed::Excess("last words").into());
                }
                self.last_words.push_str(&text);
                self.last_words.truncate(self.last_words.floor_char_boundary(LAST_WORDS));
            }
            _ => return Err(Malformed::OutOfTurn.into()),
        }
        self.look_at_clocks()
    }

    fn restart_clocks(&mut self) {
        self.answered = Instant::now();
        self.busy = None;
    }

    fn look_at_clocks(&mut self) -> Result<(), WorkerError> {
        let setup = self.sandbox.setup();
        let Some(limit) = setup.max_time else { return Ok(()) };
        let silent = self.answered.elapsed();
        if silent < SILENCE {
            return Ok(());
        }
        let used = self.worker.as_ref().and_then(Worker::processor_time);
        let since = self.busy.or(used);
        self.busy = since;
        let busy = used.zip(since).map_or(Duration::ZERO, |(used, since)| used.saturating_sub(since));
        let hung = busy > limit.saturating_add(BEYOND) || silent > limit.saturating_add(setup.patience);
        if hung { Err(WorkerError::Hung) } else { Ok(()) }
    }

    fn answer(&mut self, answer: Answer) -> Result<(), WorkerError> {
        // An answer behind one that ends a worker, or to no question.
        let held = match self.sent.pop_front() {
            Some(held) if self.worker.is_some() => held,
            _ => return Err(Malformed::OutOfTurn.into()),
        };
        self.false_starts = 0;
        let harmless = answer.is_harmless();
        self.spent.push(held.entry.file);
        self.done.push_back((held.entry.token, Outcome::Answer(answer)));
        if !harmless || held.tried {
            self.retire();
        }
        Ok(())
    }

    /// Ends the worker; what it has not answered about goes to the next one.
    fn retire(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.dismiss(worker);
        }
        self.last_words.clear();
        self.take_back();
    }

    /// Ends a worker. As long as it runs it can move the position of the files that it was given, which the
    /// next one reads from; so when there are such files, it must have stopped first.
    fn dismiss(&self, worker: Worker) {
        if self.sent.is_empty() {
            self.sandbox.discard(worker);
        } else {
            self.sandbox.stop(worker);
        }
    }

    /// Puts what was sent in front of what is waiting, as if it had never been begun.
    fn take_back(&mut self) {
        self.part.clear();
        self.given = 0;
        while let Some(held) = self.sent.pop_back() {
            self.put_back(held);
        }
    }

    fn put_back(&mut self, held: Held<T>) {
        // What cannot be set back says so when it is read.
        let _ = rustix::fs::seek(&held.entry.file, rustix::fs::SeekFrom::Start(0));
        self.bytes = self.bytes.saturating_add(held.entry.length);
        self.waiting.push_front(held);
    }

    /// Deals with a worker that cannot be used any more.
    fn fail(&mut self, failure: WorkerError) {
        let words = std::mem::take(&mut self.last_words);
        let (reason, why) = self.end(failure, &words);
        let begun = |held: &Held<T>| rustix::fs::tell(&held.entry.file).is_ok_and(|position| position > 0);
        let guilty = self.sent.iter().rposition(begun).and_then(|place| self.sent.remove(place));
        self.take_back();
        if let Some(held) = guilty {
            return self.blame(held, reason, why);
        }
        self.false_starts = self.false_starts.saturating_add(1);
        if self.false_starts < FALSE_STARTS {
            return;
        }
        // Somebody must be to blame, or this never ends.
        self.false_starts = 0;
        if let Some(held) = self.waiting.pop_front() {
            self.bytes = self.bytes.saturating_sub(held.entry.length);
            self.blame(held, reason, why);
        }
    }

    fn blame(&mut self, mut held: Held<T>, reason: Reason, why: String) {
        if held.tried {
            if let Some(identity) = held.entry.identity {
                self.sandbox.remember(identity);
            }
            self.done.push_back((held.entry.token, Outcome::Deadly(reason, why)));
        } else {
            held.tried = true;
            self.put_back(held);
        }
    }

    /// Ends a worker that failed; says what to report about the file that it was at.
    fn end(&mut self, failure: WorkerError, words: &str) -> (Reason, String) {
        let worker = self.worker.take();
        let ended = match (&failure, worker) {
            (WorkerError::Gone, Some(worker)) => self.sandbox.collect(worker),
            (_, Some(worker)) => {
                self.dismiss(worker);
                Ended::Unknown
            }
            (_, None) => Ended::Unknown,
        };
        if words.contains("memory allocation") {
            return (Reason::Memory, words.trim_end().to_owned());
        }
        if ended == Ended::Signalled(KILLED) && self.sandbox.ran_out_of_memory() {
            return (Reason::Memory, String::from("the kernel ended the worker for want of memory"));
        }
        match failure {
            WorkerError::Hung => (Reason::Timeout, String::from("the worker did not come back in time")),
            WorkerError::Malformed(malformed) => {
                (Reason::Crashed, format!("the worker said something that is no message: {malformed}"))
            }
            WorkerError::System(error) => (Reason::Crashed, format!("no worker: {error}")),
            WorkerError::Gone if words.is_empty() => (Reason::Crashed, format!("the worker {ended}")),
            WorkerError::Gone => (Reason::Crashed, format!("the worker {ended}: {}", words.trim_end())),
        }
    }
}

impl<T> Drop for Lane<'_, T> {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.sandbox.discard(worker);
        }
    }
}
