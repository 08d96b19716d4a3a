//! Files to workers, records back.
//!
//! The walk runs on a thread of its own and hands batches over; every other thread has a worker. What a worker
//! says is believed to be about the file that it was given, and about no other: where something was seen is
//! filled in here.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use candor_policy::inventory::record::{self, Record, UNKNOWN};
use candor_policy::inventory::{Beside, Coverage, CoverageState, Interest, Item, ItemKind, Reader};
use candor_sandbox::input::{Buffer, Reading as Read};
use candor_sandbox::records::{self, Records, Source};
use candor_sandbox::{Jailed, Sandbox, Setup, Task, guarded};

use super::Taken;

/// Bytes of memory that a worker may take.
const MEMORY: u64 = 3 << 30;

/// Files in one batch. Fewer than a worker takes at once: their descriptors are open all the while.
const BATCH: usize = 32;

/// Bytes of files that a worker maps, at least.
const MAPPED: u64 = 2 << 30;

/// How long a worker may take for a source, and how many bytes of a larger one it looks at in a second at least.
const LONGEST: u64 = 120;
const PACE: u64 = 20 << 20;

/// Bytes of the largest file that is read outside of a jail.
const LARGEST: u64 = 1 << 30;

/// What is said when there is no jail.
const NO_JAIL: &str = "files cannot be read in a jail here (`candor doctor` says what is missing, --no-sandbox \
                       reads them without one)";

/// A file to be read.
#[derive(Debug)]
pub(super) struct Job {
    /// Where it is below the root.
    pub(super) path: String,
    /// The reader that its path has.
    pub(super) reader: Option<Reader>,
    /// The file.
    pub(super) file: OwnedFd,
    /// How long it is.
    pub(super) length: u64,
    /// What belongs to it and stands beside it.
    pub(super) beside: Vec<Near>,
    /// Whether it is the index of a folder with an OCI layout.
    pub(super) is_layout: bool,
    /// Whether it is told when no reader knows it.
    pub(super) is_told: bool,
}

impl Job {
    /// How it is handed over.
    fn name(&self) -> String {
        if self.is_layout { record::layout_name(&self.path) } else { record::name(self.reader, &self.path) }
    }

    /// How many files are open for it.
    fn files(&self) -> usize {
        self.beside.len() + 1
    }
}

/// A file that belongs to another one.
#[derive(Debug)]
pub(crate) struct Near {
    /// The end of its name, or its path in a layout.
    pub(super) name: String,
    /// The file.
    pub(super) file: OwnedFd,
    /// How long it is.
    pub(super) length: u64,
}

impl Near {
    pub(crate) fn handed(&self) -> records::Beside<'_> {
        records::Beside { name: &self.name, file: self.file.as_fd(), length: self.length }
    }
}

/// What a walk gives.
#[derive(Debug)]
pub(super) enum Given {
    Coverage(Coverage),
    Item(Item),
    Job(Job),
}

/// Where files are read.
pub(super) struct Reading<'a> {
    sandbox: Option<Sandbox>,
    interest: &'a (dyn Interest + Sync),
}

impl<'a> Reading<'a> {
    /// Starts the jail, unless the user wants none. `largest` are the bytes of the largest source that is known.
    pub(super) fn start(
        jailed: bool,
        largest: u64,
        interest: &'a (dyn Interest + Sync),
    ) -> anyhow::Result<Self> {
        if !jailed {
            return Ok(Self { sandbox: None, interest });
        }
        let setup = Setup {
            memory: MEMORY,
            mapped: largest.max(MAPPED),
            max_time: Some(Duration::from_secs(LONGEST + largest / PACE)),
            ..Setup::new(Task::Scan)
        };
        let work = |jailed: Jailed| {
            records::serve_beside(jailed, |handed, say| {
                let beside: Vec<Beside<'_>> =
                    handed.beside.iter().map(|&(name, bytes)| Beside { name, bytes }).collect();
                record::read_beside(handed.name, handed.bytes, handed.partial, &beside, interest, say)
            })
        };
        Ok(Self { sandbox: Some(Sandbox::start(setup, work).context(NO_JAIL)?), interest })
    }

    /// Reads all that `walk` gives, on so many threads.
    pub(super) fn all(
        &self,
        threads: usize,
        walk: impl FnOnce(&mut dyn FnMut(Given)) + Send,
        taken: &mut Taken,
    ) -> anyhow::Result<()> {
        let (sender, receiver) = sync_channel::<Vec<Job>>(threads);
        let receiver = Mutex::new(receiver);
        let shared = Mutex::new(std::mem::take(taken));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work(&receiver, &shared));
            }
            hand_over(walk, sender, &shared);
        });
        *taken = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(())
    }

    fn work(&self, jobs: &Mutex<Receiver<Vec<Job>>>, taken: &Mutex<Taken>) {
        let mut records = self.sandbox.as_ref().map(Records::new);
        loop {
            let next = lock(jobs).recv();
            let Ok(batch) = next else { return };
            match &mut records {
                Some(records) => jailed(records, &batch, taken),
                None => batch.iter().for_each(|job| here(job, self.interest, taken)),
            }
        }
    }
}

fn hand_over(walk: impl FnOnce(&mut dyn FnMut(Given)), sender: SyncSender<Vec<Job>>, taken: &Mutex<Taken>) {
    let mut batch: Vec<Job> = Vec::new();
    let mut files = 0;
    walk(&mut |given| match given {
        Given::Coverage(coverage) => lock(taken).coverage(coverage),
        Given::Item(item) => lock(taken).item(item),
        Given::Job(job) => {
            if batch.len() >= BATCH || files + job.files() > records::FILES {
                // Nobody listens only when every worker's thread is gone, and then nothing more is to be had.
                drop(sender.send(std::mem::take(&mut batch)));
                files = 0;
            }
            files += job.files();
            batch.push(job);
        }
    });
    drop(sender.send(batch));
}

fn jailed(records: &mut Records<'_>, batch: &[Job], taken: &Mutex<Taken>) {
    let names: Vec<String> = batch.iter().map(Job::name).collect();
    let beside: Vec<Vec<records::Beside<'_>>> =
        batch.iter().map(|job| job.beside.iter().map(Near::handed).collect()).collect();
    let sources: Vec<Source<'_>> = batch
        .iter()
        .zip(&names)
        .zip(&beside)
        .map(|((job, name), beside)| Source { name, file: job.file.as_fd(), length: job.length, beside })
        .collect();
    let mut lies = vec![false; batch.len()];
    let results = records.read(&sources, &mut |number, bytes| {
        let is_sound = batch.get(number).is_some_and(|job| said(Record::decode(bytes), job, taken));
        lies.get_mut(number).into_iter().for_each(|lie| *lie |= !is_sound);
    });
    for ((job, result), lie) in batch.iter().zip(results).zip(lies) {
        let coverage = match result.map(|last| Record::decode(&last)) {
            Ok(Some(Record::Coverage(coverage))) if !lie => coverage,
            Ok(_) => failed(job, String::from("its worker said what makes no sense")),
            Err(why) => failed(job, why),
        };
        done(job, coverage, taken);
    }
}

/// Reads what stands beside a file in this process, together no more than `room` bytes.
pub(crate) fn read_near(near: &[Near], mut room: u64) -> Vec<(&str, Buffer)> {
    let mut read = Vec::new();
    for one in near {
        let mut buffer = Buffer::default();
        if matches!(buffer.read(&one.file, one.length, room), Read::Complete | Read::Partial(_)) {
            room = room.saturating_sub(one.length);
            read.push((one.name.as_str(), buffer));
        }
    }
    read
}

/// Reads a file in this process.
fn here(job: &Job, interest: &dyn Interest, taken: &Mutex<Taken>) {
    let mut buffer = Buffer::default();
    let partial = match buffer.read(&job.file, job.length, LARGEST) {
        Read::Complete => None,
        Read::Partial(why) | Read::Failed(why) => Some(why),
        Read::TooLarge(_) => Some(String::from("it is larger than what is read")),
        Read::Special(kind) => Some(format!("it is {kind}, not a file")),
    };
    let near = read_near(&job.beside, LARGEST);
    let beside: Vec<Beside<'_>> =
        near.iter().map(|(name, buffer)| Beside { name, bytes: buffer.bytes() }).collect();
    let name = job.name();
    let read = guarded(|| {
        record::read_beside(&name, buffer.bytes(), partial.as_deref(), &beside, interest, &mut |bytes| {
            said(Record::decode(bytes), job, taken);
        })
    });
    let coverage = match read.map(|last| Record::decode(&last)) {
        Ok(Some(Record::Coverage(coverage))) => coverage,
        Ok(_) => failed(job, String::from("what was read makes no sense")),
        Err(defect) => failed(job, defect),
    };
    done(job, coverage, taken);
}

/// Takes a record that is not the last one; says whether it makes sense.
fn said(record: Option<Record>, job: &Job, taken: &Mutex<Taken>) -> bool {
    match record {
        Some(Record::Item(item)) => lock(taken).item(placed(item, job)),
        // About a source in the file.
        Some(Record::Coverage(mut coverage)) => {
            let inside = coverage.path.split_once('!').map(|(_, inside)| inside).unwrap_or_default();
            coverage.path = Item::new(ItemKind::File, &format!("{}!{inside}", job.path)).name;
            lock(taken).coverage(coverage);
        }
        None => return false,
    }
    true
}

/// The item, seen where the file is.
fn placed(mut item: Item, job: &Job) -> Item {
    item.place.path = Item::new(ItemKind::File, &job.path).name;
    item
}

fn failed(job: &Job, why: String) -> Coverage {
    let reader = if job.is_layout { "image" } else { job.reader.map_or(record::ANY, Reader::name) };
    let reader = reader.to_owned();
    Coverage { reader, path: String::new(), state: CoverageState::NotRead(why), items: 0 }
}

fn done(job: &Job, mut coverage: Coverage, taken: &Mutex<Taken>) {
    let is_unknown = matches!(&coverage.state, CoverageState::NotRead(why) if why == UNKNOWN);
    if !is_unknown || job.is_told {
        coverage.path = Item::new(ItemKind::File, &job.path).name;
        lock(taken).coverage(coverage);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing that runs under these locks can leave what they hold half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
