//! The threads of a scan.
//!
//! Each worker has a scanner and a buffer of its own; they share the image, the queue and the sums. What
//! is worth showing goes through a channel of limited length to the one thread that prints.
//!
//! Workers are not waited for at the end of an interrupted scan: one of them may hang in a read from a
//! server that is gone.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use candor_database::Image;
use candor_engine::{Options, Scanner};
use candor_model::{Reason, Verdict};

use super::outcome::Outcome;
use super::queue::{Queue, Work};
use super::read::{Buffer, Reading, open};
use super::tally::Tally;
use super::walk::{File, Pending, Remark, Walk};
use super::watch::Watch;
use crate::escape::Escaped;

/// Results that may wait for the printer.
const WAITING: usize = 1024;

/// Deep containers are read on the stack of a worker.
const STACK: usize = 16 << 20;

/// Files of this size and more share [`LARGE_TOTAL`].
const LARGE: u64 = 32 << 20;

/// Bytes of large files that may be in memory at once, unless a single one is larger.
const LARGE_TOTAL: u64 = 1 << 30;

/// Everything that workers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The signatures.
    pub(crate) image: Image,
    /// How to scan.
    pub(crate) options: Options,
    /// How to find files.
    pub(crate) walk: Walk,
    /// The work.
    pub(crate) queue: Queue,
    /// The sums.
    pub(crate) tally: Tally,
    /// The clock.
    pub(crate) watch: Arc<Watch>,
    /// Whether clean files are reported too.
    pub(crate) report_clean: bool,
    gate: Gate,
}

/// What a scan says while it runs.
#[derive(Debug)]
pub(crate) enum Event {
    /// About one file.
    Outcome(Box<Outcome>),
    /// Something to know that leaves nothing out.
    Note(String),
    /// A defect of this program.
    Defect(String),
}

impl Shared {
    pub(crate) fn new(
        image: Image,
        options: Options,
        walk: Walk,
        pending: Vec<Pending>,
        (jobs, max_time): (usize, Option<Duration>),
        report_clean: bool,
    ) -> Self {
        Self {
            image,
            options,
            walk,
            queue: Queue::new(pending),
            tally: Tally::default(),
            watch: Arc::new(Watch::new(jobs, max_time)),
            report_clean,
            gate: Gate::default(),
        }
    }

    /// Stops the scan as soon as can be.
    pub(crate) fn stop(&self) {
        self.watch.cancel();
        self.queue.stop();
    }
}

/// Starts `jobs` workers. The channel ends when the last one is done.
pub(crate) fn start(shared: &Arc<Shared>, jobs: usize) -> anyhow::Result<Receiver<Event>> {
    catch_panics();
    let (events, receiver) = sync_channel(WAITING);
    shared.watch.start().context("cannot start a thread")?;
    for number in 0..jobs {
        let shared = Arc::clone(shared);
        let events = events.clone();
        std::thread::Builder::new()
            .name(format!("scan {number}"))
            .stack_size(STACK)
            .spawn(move || Worker::new(&shared, number, events).run())
            .context("cannot start a thread")?;
    }
    Ok(receiver)
}

struct Worker<'a> {
    shared: &'a Shared,
    number: usize,
    events: SyncSender<Event>,
    scanner: Scanner<'a>,
    buffer: Buffer,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, number: usize, events: SyncSender<Event>) -> Self {
        let scanner = Scanner::new(&shared.image, shared.options.clone());
        Self { shared, number, events, scanner, buffer: Buffer::default() }
    }

    fn run(mut self) {
        while let Some(work) = self.shared.queue.next() {
            match work {
                Work::Files(files) => {
                    for file in files.iter() {
                        if self.shared.watch.is_cancelled() {
                            return;
                        }
                        self.file(file);
                    }
                }
                Work::Expand(pending) => {
                    let mut remarks = Vec::new();
                    let expansion = self.shared.walk.expand(pending, &mut |remark| remarks.push(remark));
                    self.shared.queue.expanded(expansion);
                    remarks.into_iter().for_each(|remark| self.remark(remark));
                }
            }
        }
    }

    fn remark(&mut self, remark: Remark) {
        match remark {
            Remark::Trouble(path, why) => {
                self.report(Outcome::unseen(path, None, Reason::Unreadable(why)), None);
            }
            Remark::Note(path, text) => {
                self.send(Event::Note(format!("{}: {text}", Escaped::os(path.as_os_str()))));
            }
            Remark::Stdin => {
                let max = self.shared.options.limits.max_file_size;
                let reading = self.buffer.read_to_end(std::io::stdin(), max);
                self.scan(PathBuf::from("-"), None, reading);
            }
        }
    }

    fn file(&mut self, file: File<'_>) {
        let (handle, length) = match open(file.directory(), file.name(), file.follow()) {
            Ok(opened) => opened,
            Err(Reading::Special(_)) if !file.is_named() => {
                return self.shared.walk.skipped.count_special();
            }
            Err(reading) => return self.scan(file.path(), None, reading),
        };
        let max = self.shared.options.limits.max_file_size;
        let held = if (LARGE..=max).contains(&length) { self.shared.gate.enter(length) } else { 0 };
        let reading = self.buffer.read(handle, length, max);
        self.scan(file.path(), Some(length), reading);
        self.buffer.trim();
        self.shared.gate.leave(held);
    }

    fn scan(&mut self, path: PathBuf, length: Option<u64>, reading: Reading) {
        let partial = match reading {
            Reading::Complete => None,
            Reading::Partial(why) => Some(why),
            Reading::TooLarge(known) => {
                let outcome = Outcome::unseen(path, known.or(length), Reason::FileSize);
                return self.report(outcome, None);
            }
            Reading::Special(kind) => {
                let why = format!("it is {kind}, not a file");
                return self.report(Outcome::unseen(path, length, Reason::Unreadable(why)), None);
            }
            Reading::Failed(why) => {
                return self.report(Outcome::unseen(path, length, Reason::Unreadable(why)), None);
            }
        };
        let Some(interrupt) = self.shared.watch.begin(self.number) else { return };
        let bytes = self.buffer.bytes();
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let scanner = &mut self.scanner;
        let scanned = guarded(|| scanner.scan(bytes, &name, interrupt));
        self.shared.watch.done(self.number);
        let length = length.or(Some(read));
        let mut outcome = match scanned {
            // It was in progress when the user stopped the scan: there is nothing to say about it.
            Ok(report) if report.verdict == Verdict::Incomplete && self.shared.watch.is_cancelled() => return,
            Ok(report) => Outcome { path, length, report },
            Err(defect) => {
                let path_text = Escaped::os(path.as_os_str());
                self.send(Event::Defect(format!("{path_text}: {defect}; this is a defect of candor")));
                // What the scanner held may be half changed.
                self.scanner = Scanner::new(&self.shared.image, self.shared.options.clone());
                Outcome::unseen(path, length, Reason::Crashed)
            }
        };
        if let Some(why) = partial {
            outcome.add_reason(Reason::Unreadable(why));
        }
        self.report(outcome, Some(read));
    }

    fn report(&self, outcome: Outcome, scanned: Option<u64>) {
        self.shared.tally.add(&outcome, scanned);
        if self.shared.report_clean || outcome.report.verdict != Verdict::Clean {
            self.send(Event::Outcome(Box::new(outcome)));
        }
    }

    fn send(&self, event: Event) {
        // The receiver is gone only when the scan was stopped.
        drop(self.events.send(event));
    }
}

/// Lets only so many bytes of large files into memory at once.
#[derive(Debug, Default)]
struct Gate {
    held: Mutex<u64>,
    changed: Condvar,
}

impl Gate {
    fn enter(&self, bytes: u64) -> u64 {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while *held > 0 && held.saturating_add(bytes) > LARGE_TOTAL {
            held = self.changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held = held.saturating_add(bytes);
        bytes
    }

    fn leave(&self, bytes: u64) {
        if bytes > 0 {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            *held = held.saturating_sub(bytes);
            drop(held);
            self.changed.notify_all();
        }
    }
}

thread_local! {
    /// Whether a panic on this thread is caught and reported by [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs the engine; a panic in it costs one file, not the scan. Says where it was.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_panics();
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    GUARDED.set(false);
    result.map_err(|panic| {
        let place = PLACE.take().unwrap_or_default();
        format!("the engine failed at {place}: {}", panic_message(panic.as_ref()))
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown reason")
}

fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if GUARDED.get() {
                PLACE.set(panic.location().map(ToString::to_string));
            } else {
                default(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_costs_one_file_and_says_where() {
        let failed = guarded(|| {
            if std::hint::black_box(true) {
                panic!("broken {}", 7);
            }
        });
        let message = failed.unwrap_err();
        assert!(message.starts_with("the engine failed at crates/candor/src/scan/pool.rs:"), "{message}");
        assert!(message.ends_with(": broken 7"), "{message}");
        assert_eq!(guarded(|| 5), Ok(5));
    }
}
