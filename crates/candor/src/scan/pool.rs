//! The threads of a scan.
//!
//! Each finds files, opens them and has them scanned: by a jailed process of its own that it hands the
//! descriptors to, or, when the user wants no jail, by itself. They share the queue and the sums. What is
//! worth showing goes through a channel of limited length to the one thread that prints.
//!
//! Threads are not waited for at the end of an interrupted scan: one of them may hang in a read from a
//! server that is gone.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use candor_database::Image;
use candor_engine::Options;
use candor_model::{FileType, Reason, Verdict};
use candor_sandbox::input::{Reading, open};
use candor_sandbox::message::Answer;
use candor_sandbox::{Entry, Lane, Outcome as Came, Sandbox, spool};

use super::inline::{Gate, Inline};
use super::outcome::Outcome;
use super::queue::{Queue, Work};
use super::tally::Tally;
use super::walk::{File, Pending, Remark, Walk};
use super::watch::Watch;
use crate::escape::Escaped;

/// Results that may wait for the printer.
const WAITING: usize = 1024;

/// Deep containers are read on the stack of a worker.
const STACK: usize = 16 << 20;

/// How long a thread waits for a worker before it looks at other things.
const SLICE: Duration = Duration::from_millis(50);

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
    /// The jail; without it every thread scans by itself.
    pub(crate) sandbox: Option<Sandbox>,
    /// Files that are handed to a worker at once.
    batch: usize,
    /// Lets only so many bytes of large files into memory at once.
    pub(crate) gate: Gate,
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
        sandbox: Option<Sandbox>,
    ) -> Self {
        Self {
            image,
            options,
            walk,
            queue: Queue::new(pending),
            tally: Tally::default(),
            watch: Arc::new(Watch::new(jobs, max_time)),
            report_clean,
            sandbox,
            batch: batch(jobs),
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
    let (events, receiver) = sync_channel(WAITING);
    if shared.sandbox.is_none() {
        // In the jail, every worker looks at the clock for itself.
        shared.watch.start().context("cannot start a thread")?;
    }
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

/// As many files as can be open at once for all workers, up to a number beyond which handing over more at
/// once gains nothing.
fn batch(jobs: usize) -> usize {
    let open = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1 << 16);
    // Two batches with the worker, one that waits for it, one of large files that wait for others, and as much
    // again as two for directories.
    (usize::try_from(open).unwrap_or(usize::MAX) / jobs.max(1) / 6).clamp(1, 64)
}

/// What a thread knows a file by while it is with a worker.
#[derive(Debug)]
struct Token {
    path: PathBuf,
    length: Option<u64>,
}

/// Who scans the files of a thread.
enum Side<'a> {
    Inline(Box<Inline<'a>>),
    Jailed(Box<Lane<'a, Token>>),
}

struct Worker<'a> {
    shared: &'a Shared,
    events: SyncSender<Event>,
    side: Side<'a>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, number: usize, events: SyncSender<Event>) -> Self {
        let side = shared.sandbox.as_ref().map_or_else(
            || Side::Inline(Box::new(Inline::new(shared, number))),
            |sandbox| Side::Jailed(Box::new(Lane::new(sandbox, shared.batch))),
        );
        Self { shared, events, side }
    }

    fn run(mut self) {
        while !self.shared.watch.is_cancelled() {
            let work = match &self.side {
                Side::Jailed(lane) if !lane.is_empty() => {
                    if lane.has_room() {
                        self.shared.queue.try_next()
                    } else {
                        None
                    }
                }
                _ => match self.shared.queue.next() {
                    Some(work) => Some(work),
                    None => return,
                },
            };
            match work {
                Some(Work::Files(files)) => {
                    for file in files.iter() {
                        if self.shared.watch.is_cancelled() {
                            return;
                        }
                        self.file(file);
                    }
                }
                Some(Work::Expand(pending)) => {
                    if pending.may_wait() {
                        self.drain();
                    }
                    let mut remarks = Vec::new();
                    let expansion = self.shared.walk.expand(pending, &mut |remark| remarks.push(remark));
                    self.shared.queue.expanded(expansion);
                    remarks.into_iter().for_each(|remark| self.remark(remark));
                }
                None => self.collect(SLICE),
            }
        }
    }

    /// Takes what workers have said, and waits for it as long as `time`.
    fn collect(&mut self, time: Duration) {
        let mut time = time;
        loop {
            let Side::Jailed(lane) = &mut self.side else { return };
            let Some((token, came)) = lane.next(time) else { return };
            time = Duration::ZERO;
            match came {
                Came::Answer(answer) => self.answer(token.path, token.length, answer),
                Came::Deadly(reason, why) => {
                    if reason == Reason::Crashed {
                        let path = Escaped::os(token.path.as_os_str()).to_string();
                        let why = Escaped(why.as_bytes());
                        self.send(Event::Defect(format!("{path}: {why}; this is a defect of candor")));
                    }
                    self.report(Outcome::unseen(token.path, token.length, reason), None);
                }
            }
        }
    }

    /// Waits until nothing is with a worker any more.
    fn drain(&mut self) {
        while !self.shared.watch.is_cancelled()
            && let Side::Jailed(lane) = &self.side
            && !lane.is_empty()
        {
            self.collect(SLICE);
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
            Remark::Stdin => self.stdin(),
        }
    }

    fn stdin(&mut self) {
        let path = PathBuf::from("-");
        let max = self.shared.options.limits.max_file_size;
        let input = std::io::stdin();
        match &mut self.side {
            Side::Inline(inline) => {
                if let Some(answer) = inline.stream(input, max) {
                    self.answer(path, None, answer);
                }
            }
            Side::Jailed(lane) => match spool(std::os::fd::AsFd::as_fd(&input), max) {
                Ok((_, length)) if length > max => self.answer(path, None, Answer::TooLarge(None)),
                Ok((file, length)) => {
                    let token = Token { path, length: None };
                    lane.push(Entry { file, identity: None, length, name: String::from("-"), token });
                    self.drain();
                }
                Err(error) => self.answer(path, None, Answer::Unreadable(error.to_string())),
            },
        }
    }

    fn file(&mut self, file: File<'_>) {
        let opened = match open(file.directory(), file.name(), file.follow()) {
            Ok(opened) => opened,
            Err(Reading::Special(_)) if !file.is_named() => {
                return self.shared.walk.skipped.count_special();
            }
            Err(Reading::Special(kind)) => {
                return self.answer(
                    file.path(),
                    None,
                    Answer::Unreadable(format!("it is {kind}, not a file")),
                );
            }
            Err(Reading::Failed(why)) => return self.answer(file.path(), None, Answer::Unreadable(why)),
            // Opening finds out nothing else.
            Err(Reading::Complete | Reading::Partial(_) | Reading::TooLarge(_)) => return,
        };
        let path = file.path();
        let length = opened.length;
        if length > self.shared.options.limits.max_file_size {
            return self.answer(path, Some(length), Answer::TooLarge(Some(length)));
        }
        let name = file.name().to_string_lossy();
        match &mut self.side {
            Side::Inline(inline) => {
                if let Some(answer) = inline.file(&opened, &name) {
                    self.answer(path, Some(length), answer);
                }
            }
            Side::Jailed(lane) => {
                let token = Token { path, length: Some(length) };
                let identity = Some(opened.identity);
                lane.push(Entry { file: opened.file, identity, length, name: name.into_owned(), token });
                while !self.shared.watch.is_cancelled()
                    && let Side::Jailed(lane) = &self.side
                    && !lane.has_room()
                {
                    self.collect(SLICE);
                }
            }
        }
    }

    fn answer(&self, path: PathBuf, length: Option<u64>, answer: Answer) {
        match answer {
            Answer::Scanned { read, partial, report } => {
                let stopped = report.verdict == Verdict::Incomplete && self.shared.watch.is_cancelled();
                // It was in progress when the user stopped the scan: there is nothing to say about it.
                if stopped {
                    return;
                }
                let mut outcome = Outcome { path, length: length.or(Some(read)), report: *report };
                if let Some(why) = partial {
                    outcome.add_reason(Reason::Unreadable(why));
                }
                self.report(outcome, Some(read));
            }
            Answer::Defect(defect) => {
                let text = Escaped::os(path.as_os_str()).to_string();
                let defect = Escaped(defect.as_bytes());
                self.send(Event::Defect(format!("{text}: {defect}; this is a defect of candor")));
                self.report(Outcome::unseen(path, length, Reason::Crashed), length);
            }
            Answer::TooLarge(known) => {
                let mut outcome = Outcome::unseen(path, known.or(length), Reason::FileSize);
                // It can be read, and nobody looked at what it is.
                outcome.report.file_type = FileType::Any;
                let heuristics = &self.shared.options.heuristics;
                let is_told = heuristics.enabled && heuristics.exceeded_limits;
                outcome.suspect(is_told.then(|| String::from("Heuristics.Limits.Exceeded.MaxFileSize")));
                self.report(outcome, None);
            }
            Answer::Unreadable(why) => {
                self.report(Outcome::unseen(path, length, Reason::Unreadable(why)), None);
            }
        }
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
