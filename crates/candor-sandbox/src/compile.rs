//! The broker's side of a compilation: descriptors of sources in, an image in a file that has no name yet.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::SeekFrom;

use crate::broker::{Sandbox, Worker, WorkerError};
use crate::message::{BATCH, Given, Malformed, Order, Sums, Word};
use crate::spool::{nameless, seal};
use crate::template::Ended;
use crate::worker::Remark;

/// A signature source to be compiled.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its bytes, from the start of this file on.
    pub file: BorrowedFd<'a>,
    /// How many.
    pub length: u64,
}

/// What a compilation writes to: files without a name, for an image and for what it puts aside meanwhile.
#[derive(Debug)]
pub struct Outputs {
    /// For the image.
    pub image: OwnedFd,
    /// For what is put aside.
    pub scratch: OwnedFd,
}

impl Outputs {
    /// Two such files, on the disk that `directory` is on if that has so many bytes to spare, so that what is written to
    /// them takes no memory.
    ///
    /// # Errors
    /// There is no room at all.
    pub fn make(directory: Option<&Path>, bytes: u64) -> io::Result<Self> {
        Ok(Self { image: nameless(directory, bytes)?, scratch: nameless(directory, bytes)? })
    }
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The worker says why it made none.
    #[error("{0}")]
    Refused(String),
    /// The worker failed.
    #[error("the compile worker failed: {0}")]
    Failed(String),
    /// The system failed.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Bytes that an image may have.
const LONGEST_IMAGE: u64 = 16 << 30;

/// Bytes that may be written whatever the sources are, and for each byte of them: containers hold more than they are long.
const ROOM: u64 = 1 << 30;
const GROWTH: u64 = 64;

/// Waits of a millisecond for a worker that is not yet done with the sources that it has.
const PATIENCE: u32 = 600_000;

/// How long a compilation may take that no other time is set for. Twelve million signatures take half a minute.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// How often the clock is looked at while the worker says nothing.
const LOOK: Duration = Duration::from_millis(200);

/// Compiles sources in a fresh worker, to where its image is to be; its remarks go to `say`. Nobody but who has the
/// descriptors can change the image afterwards; one in memory not even they.
///
/// # Errors
/// There is no image.
pub fn compile(
    sandbox: &Sandbox,
    sources: &[Input<'_>],
    outputs: &Outputs,
    say: &mut dyn FnMut(Remark),
) -> Result<Sums, CompileError> {
    let mut worker = sandbox.worker().map_err(|error| CompileError::Failed(error.to_string()))?;
    let mut words = String::new();
    let time = sandbox.setup().max_time.unwrap_or(LONGEST);
    let room =
        sources.iter().fold(ROOM, |sum, source| sum.saturating_add(source.length.saturating_mul(GROWTH)));
    let done = hand_over(&worker, sources, outputs)
        .and_then(|()| follow(&mut worker, time, &|| held(outputs) <= room, say, &mut words));
    // It must be gone before what it wrote is final.
    let (ended, is_gone) = match &done {
        Err(WorkerError::Gone) => (sandbox.collect(worker), true),
        _ => (Ended::Unknown, sandbox.stop(worker)),
    };
    let sums = match done {
        Ok(result) => result.map_err(CompileError::Refused)?,
        Err(WorkerError::Gone) if !words.is_empty() => {
            return Err(CompileError::Failed(words.trim_end().to_owned()));
        }
        Err(WorkerError::Gone) => return Err(CompileError::Failed(format!("it {ended}"))),
        Err(error) => return Err(CompileError::Failed(error.to_string())),
    };
    if !is_gone {
        return Err(CompileError::Failed(String::from("it cannot be ended, and may go on to write")));
    }
    // Only a file in memory can be sealed.
    let _ = seal(&outputs.image);
    let length = rustix::fs::seek(&outputs.image, SeekFrom::End(0)).map_err(io::Error::from)?;
    rustix::fs::seek(&outputs.image, SeekFrom::Start(0)).map_err(io::Error::from)?;
    if length != sums.length || length > LONGEST_IMAGE {
        return Err(CompileError::Failed(String::from("the image is not as long as the worker says")));
    }
    Ok(sums)
}

/// Bytes of a disk that what was written takes.
fn held(outputs: &Outputs) -> u64 {
    let blocks =
        |file: &OwnedFd| rustix::fs::fstat(file).map_or(0, |status| status.st_blocks.cast_unsigned());
    blocks(&outputs.image).saturating_add(blocks(&outputs.scratch)).saturating_mul(512)
}

fn hand_over(worker: &Worker, sources: &[Input<'_>], outputs: &Outputs) -> Result<(), WorkerError> {
    let batches = sources.len().div_ceil(BATCH).max(1);
    for number in 0..batches {
        let batch: Vec<_> = sources.iter().skip(number.saturating_mul(BATCH)).take(BATCH).collect();
        let given =
            |input: &&Input<'_>| Given { name: input.name.to_owned(), length: input.length, careful: false };
        let order = Order::Sources {
            sources: batch.iter().map(given).collect(),
            last: number.saturating_add(1) == batches,
        };
        let written = [outputs.image.as_fd(), outputs.scratch.as_fd()];
        let written = written.into_iter().take(if number == 0 { 2 } else { 0 });
        let descriptors: Vec<BorrowedFd<'_>> = written.chain(batch.iter().map(|input| input.file)).collect();
        let mut waits = 0;
        loop {
            match worker.order(&order, &descriptors) {
                Err(WorkerError::System(error))
                    if error.kind() == io::ErrorKind::WouldBlock && waits < PATIENCE =>
                {
                    waits = waits.saturating_add(1);
                    std::thread::sleep(Duration::from_millis(1));
                }
                other => break other?,
            }
        }
    }
    Ok(())
}

fn follow(
    worker: &mut Worker,
    time: Duration,
    has_room: &dyn Fn() -> bool,
    say: &mut dyn FnMut(Remark),
    words: &mut String,
) -> Result<Result<Sums, String>, WorkerError> {
    // Only what this worker takes counts, not what is done with what it says.
    let mut waited = Duration::ZERO;
    let mut looked = Instant::now();
    loop {
        if looked.elapsed() > LOOK {
            looked = Instant::now();
            if !has_room() {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it writes without end").into());
            }
        }
        if waited > time {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not come back in time").into());
        }
        let began = Instant::now();
        let word = worker.listen(LOOK);
        waited = waited.saturating_add(began.elapsed());
        match word? {
            None => (),
            Some(Word::Diagnostic(diagnostic)) => say(Remark::Diagnostic(diagnostic)),
            Some(Word::Summary(summary)) => say(Remark::Summary(summary)),
            Some(Word::Compiled(result)) => return Ok(result),
            Some(Word::LastWords(text)) if words.len() < 400 => words.push_str(&text),
            Some(_) => return Err(Malformed::OutOfTurn.into()),
        }
    }
}
