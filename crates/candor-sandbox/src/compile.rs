//! The broker's side of a compilation: descriptors of sources in, one descriptor of an image out.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, SealFlags, SeekFrom};

use crate::broker::{Sandbox, Worker, WorkerError};
use crate::message::{BATCH, Given, Malformed, Order, Sums, Word};
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

/// Waits of a millisecond for a worker that is not yet done with the sources that it has.
const PATIENCE: u32 = 600_000;

/// How long a compilation may take that no other time is set for. Twelve million signatures take half a minute.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// How often the clock is looked at while the worker says nothing.
const LOOK: Duration = Duration::from_millis(200);

/// Compiles sources in a fresh worker; its remarks go to `say`. Nobody can change the image afterwards.
///
/// # Errors
/// There is no image.
pub fn compile(
    sandbox: &Sandbox,
    sources: &[Input<'_>],
    say: &mut dyn FnMut(Remark),
) -> Result<(Sums, OwnedFd), CompileError> {
    let image = rustix::fs::memfd_create("candor-image", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .map_err(io::Error::from)?;
    let mut worker = sandbox.worker().map_err(|error| CompileError::Failed(error.to_string()))?;
    let mut words = String::new();
    let time = sandbox.setup().max_time.unwrap_or(LONGEST);
    let done = hand_over(&worker, sources, &image).and_then(|()| follow(&mut worker, time, say, &mut words));
    // It must be gone before what it wrote is final.
    let ended = match &done {
        Err(WorkerError::Gone) => sandbox.collect(worker),
        _ => {
            sandbox.stop(worker);
            Ended::Unknown
        }
    };
    let sums = match done {
        Ok(result) => result.map_err(CompileError::Refused)?,
        Err(WorkerError::Gone) if !words.is_empty() => {
            return Err(CompileError::Failed(words.trim_end().to_owned()));
        }
        Err(WorkerError::Gone) => return Err(CompileError::Failed(format!("it {ended}"))),
        Err(error) => return Err(CompileError::Failed(error.to_string())),
    };
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&image, seals).map_err(io::Error::from)?;
    let length = rustix::fs::seek(&image, SeekFrom::End(0)).map_err(io::Error::from)?;
    rustix::fs::seek(&image, SeekFrom::Start(0)).map_err(io::Error::from)?;
    if length != sums.length || length > LONGEST_IMAGE {
        return Err(CompileError::Failed(String::from("the image is not as long as the worker says")));
    }
    Ok((sums, image))
}

fn hand_over(worker: &Worker, sources: &[Input<'_>], image: &OwnedFd) -> Result<(), WorkerError> {
    let batches = sources.len().div_ceil(BATCH).max(1);
    for number in 0..batches {
        let batch: Vec<_> = sources.iter().skip(number.saturating_mul(BATCH)).take(BATCH).collect();
        let given =
            |input: &&Input<'_>| Given { name: input.name.to_owned(), length: input.length, careful: false };
        let order = Order::Sources {
            sources: batch.iter().map(given).collect(),
            last: number.saturating_add(1) == batches,
        };
        let output = (number == 0).then(|| image.as_fd());
        let descriptors: Vec<BorrowedFd<'_>> =
            output.into_iter().chain(batch.iter().map(|input| input.file)).collect();
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
    say: &mut dyn FnMut(Remark),
    words: &mut String,
) -> Result<Result<Sums, String>, WorkerError> {
    // Only what this worker takes counts, not what is done with what it says.
    let mut waited = Duration::ZERO;
    loop {
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
