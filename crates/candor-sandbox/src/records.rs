//! Reading files for what they say: descriptors in, records out. A record is a run of bytes of at most one packet
//! whose meaning is between the two who use this; the broker counts records and bytes, and no worker can say more
//! than is asked for, nor about another file than the one that it has.
//!
//! A worker that fails costs the file that it was reading; the records that came of it before stand.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::broker::{Sandbox, Worker, WorkerError};
use crate::guard::guarded;
use crate::input::{Buffer, Reading};
use crate::jail::{Jailed, Ready};
use crate::message::{BATCH, Given, LONGEST_RECORD, Malformed, Order, Word};
use crate::sys;
use crate::worker::close;

/// Files that are handed over at once at most.
pub const FILES: usize = BATCH;

/// Records of one file.
const MOST_RECORDS: u32 = 300_000;

/// Bytes of all records of one file.
const MOST_BYTES: usize = 512 << 20;

/// How long one file may take that no other time is set for.
const LONGEST: Duration = Duration::from_secs(120);

/// How often the clock is looked at while the worker says nothing.
const LOOK: Duration = Duration::from_millis(200);

/// Bytes of the largest file.
const LARGEST: u64 = 2 << 30;

/// Bytes of a file that may be read into memory where it cannot be mapped.
const ROOM: u64 = 256 << 20;

/// A file to be read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What the reader is told of it; at most a kibibyte.
    pub name: &'a str,
    /// Its bytes, from the start of this file on.
    pub file: BorrowedFd<'a>,
    /// How many.
    pub length: u64,
}

/// Reads what it is given with `read` until the broker hangs up; then ends the process.
///
/// `read` is told the name, the bytes and why these are not all; what it gives to its last argument are records,
/// and what it returns is the last one about the file. Longer ones than [`LONGEST_RECORD`] are cut.
pub fn serve(
    jailed: Jailed,
    mut read: impl FnMut(&str, &[u8], Option<&str>, &mut dyn FnMut(&[u8])) -> Vec<u8>,
) -> ! {
    let served = serve_all(jailed, &mut read);
    sys::exit(i32::from(served.is_err()))
}

type Read<'r> = dyn FnMut(&str, &[u8], Option<&str>, &mut dyn FnMut(&[u8])) -> Vec<u8> + 'r;

fn serve_all(jailed: Jailed, read: &mut Read<'_>) -> io::Result<()> {
    let mut ready = ManuallyDrop::new(jailed.ready()?);
    let mut buffer = ManuallyDrop::new(Buffer::default());
    let mut descriptors = Vec::new();
    while let Some(order) = ready.next(&mut descriptors)? {
        let Order::Files(files) = order else { return Err(io::ErrorKind::InvalidData.into()) };
        if files.len() != descriptors.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // Those that are left when this ends go with the process; dropping them asks the kernel for more.
        let batch: Vec<ManuallyDrop<OwnedFd>> = descriptors.drain(..).map(ManuallyDrop::new).collect();
        for (given, file) in files.iter().zip(batch) {
            let reading = buffer.take(&file, given.length, LARGEST, ROOM, given.careful);
            close(ManuallyDrop::into_inner(file));
            let why = match &reading {
                Reading::Complete => None,
                Reading::Partial(why) | Reading::Failed(why) => Some(why.clone()),
                Reading::TooLarge(_) => Some(String::from("it is larger than what is read")),
                Reading::Special(kind) => Some(format!("it is {kind}, not a file")),
            };
            let mut said = Ok(());
            let mut say = |record: &[u8]| {
                if said.is_ok() {
                    said = tell(&ready, record, false);
                }
            };
            let bytes =
                if matches!(reading, Reading::Complete | Reading::Partial(_)) { buffer.bytes() } else { &[] };
            let last = guarded(|| read(&given.name, bytes, why.as_deref(), &mut say));
            said?;
            buffer.trim();
            match last {
                Ok(last) => tell(&ready, &last, true)?,
                // What it was doing is not to be gone on with.
                Err(defect) => return ready.say(defect.as_bytes()),
            }
        }
    }
    Ok(())
}

fn tell(ready: &Ready, record: &[u8], last: bool) -> io::Result<()> {
    let bytes = record.get(..LONGEST_RECORD).unwrap_or(record).to_vec();
    ready.say(&Word::Record { last, bytes }.encode())
}

/// Hands files over, and takes what comes.
#[derive(Debug)]
pub struct Records<'s> {
    sandbox: &'s Sandbox,
    worker: Option<Worker>,
}

impl<'s> Records<'s> {
    /// Through workers of this sandbox, one after the other.
    #[must_use]
    pub const fn new(sandbox: &'s Sandbox) -> Self {
        Self { sandbox, worker: None }
    }

    /// Has files read, at most [`FILES`] of them: gives the number of the file and the record to `take`, and returns
    /// of each file the last record or why there is none.
    pub fn read(
        &mut self,
        sources: &[Source<'_>],
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Vec<Result<Vec<u8>, String>> {
        let mut done: Vec<Result<Vec<u8>, String>> = Vec::new();
        while done.len() < sources.len().min(FILES) {
            let first = done.len();
            let rest = sources.get(first..FILES.min(sources.len())).unwrap_or_default();
            if let Err(error) = self.batch(rest, first, &mut done, take) {
                let why = self.fail(error);
                // Nothing of the batch was begun when no worker could be had; the file is the one that costs it.
                done.push(Err(why));
            }
        }
        done
    }

    fn batch(
        &mut self,
        sources: &[Source<'_>],
        first: usize,
        done: &mut Vec<Result<Vec<u8>, String>>,
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), Failure> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(self.sandbox.worker().map_err(Failure::Worker)?),
        };
        let given = |source: &Source<'_>| Given {
            name: source.name.to_owned(),
            length: source.length,
            careful: false,
        };
        let order = Order::Files(sources.iter().map(given).collect());
        let descriptors: Vec<BorrowedFd<'_>> = sources.iter().map(|source| source.file).collect();
        worker.order(&order, &descriptors).map_err(Failure::Worker)?;
        let time = self.sandbox.setup().max_time.unwrap_or(LONGEST);
        let last = first.saturating_add(sources.len());
        let mut waited = Duration::ZERO;
        let (mut records, mut bytes_left) = (MOST_RECORDS, MOST_BYTES);
        while done.len() < last {
            if waited > time {
                return Err(Failure::Time);
            }
            let began = Instant::now();
            let word = worker.listen(LOOK).map_err(Failure::Worker)?;
            waited = waited.saturating_add(began.elapsed());
            match word {
                None => (),
                Some(Word::Record { last: false, bytes }) => {
                    records = records.checked_sub(1).ok_or(Malformed::Excess("records"))?;
                    bytes_left =
                        bytes_left.checked_sub(bytes.len()).ok_or(Malformed::Excess("bytes of records"))?;
                    take(done.len(), &bytes);
                }
                Some(Word::Record { last: true, bytes }) => {
                    done.push(Ok(bytes));
                    (records, bytes_left, waited) = (MOST_RECORDS, MOST_BYTES, Duration::ZERO);
                }
                Some(Word::LastWords(words)) => return Err(Failure::Said(words)),
                Some(_) => return Err(Malformed::OutOfTurn.into()),
            }
        }
        Ok(())
    }

    /// Lets go of the worker; says why.
    fn fail(&mut self, failure: Failure) -> String {
        let worker = self.worker.take();
        match (failure, worker) {
            (Failure::Worker(WorkerError::Gone), Some(worker)) => {
                format!("the worker {}", self.sandbox.collect(worker))
            }
            (failure, worker) => {
                if let Some(worker) = worker {
                    self.sandbox.discard(worker);
                }
                failure.to_string()
            }
        }
    }
}

impl Drop for Records<'_> {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.sandbox.discard(worker);
        }
    }
}

/// Why a worker cannot be used any more.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Said(String),
    #[error("it took too long")]
    Time,
    #[error("the worker failed: {0}")]
    Worker(WorkerError),
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Worker(malformed.into())
    }
}
