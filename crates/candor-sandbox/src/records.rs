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

/// Files that are handed over at once at most, those that stand beside others included.
pub const FILES: usize = BATCH;

/// Files of one source in all, however many packets it takes.
pub const MOST_BESIDE: usize = 900;

/// Bytes of names in one packet.
const NAMES: usize = 40 << 10;

/// What the name of a file begins with that stands beside the next one of another name. No path has it.
const MARK: char = '\0';

/// Records of one file.
const MOST_RECORDS: u32 = 300_000;

/// Bytes of all records of one file.
const MOST_BYTES: usize = 512 << 20;

/// How long one file may take that no other time is set for.
const LONGEST: Duration = Duration::from_secs(120);

/// How often the clock is looked at while the worker says nothing.
const LOOK: Duration = Duration::from_millis(200);

/// Bytes of the largest file that is read. It is mapped: what is not looked at costs nothing.
pub const LARGEST: u64 = 16 << 40;

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
    /// Files that belong to it, which are there when it is read; at most [`MOST_BESIDE`].
    pub beside: &'a [Beside<'a>],
}

/// A file that belongs to another one.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// What the reader is told of it; at most a kibibyte.
    pub name: &'a str,
    /// Its bytes.
    pub file: BorrowedFd<'a>,
    /// How many.
    pub length: u64,
}

impl Source<'_> {
    /// How many files it is.
    #[must_use]
    pub const fn files(&self) -> usize {
        self.beside.len().saturating_add(1)
    }
}

/// A file as a worker has it.
#[derive(Clone, Copy, Debug)]
pub struct Handed<'a> {
    /// What is told of it.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Why these are not all.
    pub partial: Option<&'a str>,
    /// The names and bytes of what stands beside it, as far as they could be read.
    pub beside: &'a [(&'a str, &'a [u8])],
}

/// Reads what it is given with `read` until the broker hangs up; then ends the process.
///
/// `read` is told the name, the bytes and why these are not all; what it gives to its last argument are records,
/// and what it returns is the last one about the file. Longer ones than [`LONGEST_RECORD`] are cut.
pub fn serve(
    jailed: Jailed,
    mut read: impl FnMut(&str, &[u8], Option<&str>, &mut dyn FnMut(&[u8])) -> Vec<u8>,
) -> ! {
    serve_beside(jailed, |handed, say| read(handed.name, handed.bytes, handed.partial, say))
}

/// The same with what stands beside each file.
pub fn serve_beside(
    jailed: Jailed,
    mut read: impl FnMut(&Handed<'_>, &mut dyn FnMut(&[u8])) -> Vec<u8>,
) -> ! {
    let served = serve_all(jailed, &mut read);
    sys::exit(i32::from(served.is_err()))
}

type Read<'r> = dyn FnMut(&Handed<'_>, &mut dyn FnMut(&[u8])) -> Vec<u8> + 'r;

fn serve_all(jailed: Jailed, read: &mut Read<'_>) -> io::Result<()> {
    let mut ready = ManuallyDrop::new(jailed.ready()?);
    let mut buffer = ManuallyDrop::new(Buffer::default());
    // What stands beside the next file.
    let mut beside: ManuallyDrop<Vec<(String, Buffer)>> = ManuallyDrop::default();
    let mut descriptors = Vec::new();
    while let Some(order) = ready.next(&mut descriptors)? {
        let Order::Files(files) = order else { return Err(io::ErrorKind::InvalidData.into()) };
        if files.len() != descriptors.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // Those that are left when this ends go with the process; dropping them asks the kernel for more.
        let batch: Vec<ManuallyDrop<OwnedFd>> = descriptors.drain(..).map(ManuallyDrop::new).collect();
        for (given, file) in files.iter().zip(batch) {
            let mut into = Buffer::default();
            let name = given.name.strip_prefix(MARK);
            let target = if name.is_some() { &mut into } else { &mut *buffer };
            let reading = target.take(&file, given.length, LARGEST, ROOM, given.careful);
            close(ManuallyDrop::into_inner(file));
            let is_there = matches!(reading, Reading::Complete | Reading::Partial(_));
            if let Some(name) = name {
                if is_there && beside.len() < MOST_BESIDE {
                    beside.push((name.to_owned(), into));
                }
                continue;
            }
            let why = match reading {
                Reading::Complete => None,
                Reading::Partial(why) | Reading::Failed(why) => Some(why),
                Reading::TooLarge(_) => Some(String::from("it is larger than what is read")),
                Reading::Special(kind) => Some(format!("it is {kind}, not a file")),
            };
            let mut said = Ok(());
            let mut say = |record: &[u8]| {
                if said.is_ok() {
                    said = tell(&ready, record, false);
                }
            };
            let bytes = if is_there { buffer.bytes() } else { &[] };
            let there: Vec<(&str, &[u8])> =
                beside.iter().map(|(name, buffer)| (name.as_str(), buffer.bytes())).collect();
            let handed = Handed { name: &given.name, bytes, partial: why.as_deref(), beside: &there };
            let last = guarded(|| read(&handed, &mut say));
            said?;
            buffer.trim();
            beside.clear();
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
    /// of each file the last record or why there is none. One with many files beside it comes alone.
    pub fn read(
        &mut self,
        sources: &[Source<'_>],
        take: &mut dyn FnMut(usize, &[u8]),
    ) -> Vec<Result<Vec<u8>, String>> {
        let mut done: Vec<Result<Vec<u8>, String>> = Vec::new();
        let most = sources.len().min(FILES);
        while done.len() < most {
            let first = done.len();
            let rest = sources.get(first..most).unwrap_or_default();
            let mut files = 0_usize;
            let fits = rest.iter().take_while(|source| {
                files = files.saturating_add(source.files());
                files <= FILES
            });
            let count = fits.count().max(1);
            let rest = rest.get(..count).unwrap_or(rest);
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
        for (given, descriptors) in packets(sources) {
            worker.order(&Order::Files(given), &descriptors).map_err(Failure::Worker)?;
        }
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

/// What is handed over, in packets: what stands beside a file comes before it. Nobody answers before the first file
/// that stands for itself, so only the last packet may hold one.
fn packets<'s>(sources: &[Source<'s>]) -> Vec<(Vec<Given>, Vec<BorrowedFd<'s>>)> {
    let mut packets: Vec<(Vec<Given>, Vec<BorrowedFd<'s>>)> = Vec::new();
    let mut names = 0_usize;
    let mut put = |name: String, length: u64, file: BorrowedFd<'s>| {
        names = names.saturating_add(name.len()).saturating_add(16);
        let is_full = |given: &[Given]| given.len() >= FILES || names > NAMES;
        if packets.last().is_none_or(|(given, _)| is_full(given)) {
            packets.push(Default::default());
            names = name.len().saturating_add(16);
        }
        if let Some((given, files)) = packets.last_mut() {
            given.push(Given { name, length, careful: false });
            files.push(file);
        }
    };
    for source in sources {
        for beside in source.beside {
            put(format!("{MARK}{}", beside.name), beside.length, beside.file);
        }
        put(source.name.to_owned(), source.length, source.file);
    }
    packets
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
