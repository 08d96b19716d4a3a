//! The broker's side: starts the template, asks it for workers, speaks with them.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

use crate::channel::Channel;
use crate::jail::{Jailed, Setup};
use crate::layers::Layers;
use crate::message::{Malformed, Order, PACKET, Word};
use crate::sys;
use crate::template::{self, Ended, FRAME, Request};

/// How long the template may take for a request, and a worker until it takes orders.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file in one state: device, number, and when it last changed, in seconds and nanoseconds. The number
/// alone may be another file's a moment later.
pub type Identity = (u64, u64, i64, u64);

/// A template that makes workers; they and it end with it.
#[derive(Debug)]
pub struct Sandbox {
    control: Mutex<Control>,
    process: i32,
    setup: Setup,
    layers: Layers,
    /// Files that have ended two workers.
    deadly: Mutex<HashSet<Identity>>,
}

/// What the template is spoken to by.
#[derive(Debug)]
struct Control {
    channel: Channel,
    /// The next worker, asked for before anybody needs it; the template has not answered yet.
    coming: Option<Channel>,
}

/// Why there is no jail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The kernel cannot be asked to filter system calls, or it is for a processor that is not known.
    #[error("this kernel or processor has no filter for system calls that candor can use")]
    NoFilter,
    /// Layers are missing that there must be.
    #[error("the jail has not all layers that it must have; missing: {0}")]
    Missing(Layers),
    /// A worker could not be made, or it failed before it was ready.
    #[error("no worker can be started")]
    Failed(#[source] io::Error),
}

/// Why speaking with a worker failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// It is gone.
    #[error("the worker is gone")]
    Gone,
    /// It said something that is no message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The system failed.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl Sandbox {
    /// Starts a template whose workers do `work`, and the first worker, which shows that the jail holds.
    ///
    /// The processes are copies of this one. To be called while this program has one thread, or at least
    /// none that holds a lock which `work` needs; and from a thread that lives as long as the sandbox.
    ///
    /// # Errors
    /// There is no jail on this machine, or not all of it that there must be.
    pub fn start(setup: Setup, mut work: impl FnMut(Jailed)) -> Result<Self, StartError> {
        if !sys::knows_filters() || setup.task.program().is_none() {
            return Err(StartError::NoFilter);
        }
        let (ours, theirs) = Channel::pair().map_err(StartError::Failed)?;
        let Some(process) = sys::fork().map_err(StartError::Failed)? else {
            drop(ours);
            template::run(theirs, &setup, &mut work);
        };
        drop(theirs);
        let mut sandbox = Self {
            control: Mutex::new(Control { channel: ours, coming: None }),
            process,
            setup,
            layers: Layers::NONE,
            deadly: Mutex::default(),
        };
        sandbox.layers = sandbox.first()?;
        Ok(sandbox)
    }

    /// Shows with a first worker that the jail holds.
    fn first(&self) -> Result<Layers, StartError> {
        let failed = |error| match error {
            WorkerError::System(error) => StartError::Failed(error),
            error => StartError::Failed(io::Error::other(error)),
        };
        let mut worker = self.ask_for_worker().map_err(StartError::Failed)?;
        let layers = worker.jailed().map_err(failed)?;
        let missing = Layers::MINIMUM.without(self.setup.leave_out).without(layers);
        if !missing.is_empty() {
            self.discard(worker);
            return Err(StartError::Missing(missing));
        }
        worker.ready().map_err(failed)?;
        self.discard(worker);
        Ok(layers)
    }

    /// The layers that the workers have.
    #[must_use]
    pub const fn layers(&self) -> Layers {
        self.layers
    }

    /// How the workers are made.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The number of the template's process.
    #[must_use]
    pub const fn process(&self) -> i32 {
        self.process
    }

    /// A fresh worker that takes orders.
    ///
    /// # Errors
    /// None could be made.
    pub fn worker(&self) -> Result<Worker, WorkerError> {
        let mut worker = self.ask_for_worker()?;
        let started = worker.jailed().and_then(|layers| {
            // What the first one had, every one must have.
            if layers == self.layers { worker.ready() } else { Err(Malformed::OutOfTurn.into()) }
        });
        match started {
            Ok(()) => Ok(worker),
            Err(error) => {
                self.discard(worker);
                Err(error)
            }
        }
    }

    /// The worker that was asked for last time, and asks for the next one: it is made while this one works.
    fn ask_for_worker(&self) -> io::Result<Worker> {
        let mut control = lock(&self.control);
        let (coming, reply) = match control.settle()? {
            Some(settled) => settled,
            None => {
                control.ask()?;
                control.settle()?.ok_or(io::ErrorKind::UnexpectedEof)?
            }
        };
        control.ask()?;
        drop(control);
        match template::unframe(&reply) {
            Some((1, process)) => Ok(Worker { channel: coming, process, buffer: vec![0; PACKET + 1] }),
            Some((0, error)) => Err(io::Error::from_raw_os_error(error)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Ends a worker, whatever it is doing.
    pub fn discard(&self, worker: Worker) {
        let request = Request::Discard(worker.process).encode();
        // Without a template there are no workers either.
        drop(lock(&self.control).channel.send(&request, &[], true));
    }

    /// How a worker that hung up has ended.
    pub fn collect(&self, worker: Worker) -> Ended {
        let process = worker.process;
        drop(worker);
        lock(&self.control).collect(process).unwrap_or(Ended::Unknown)
    }

    /// Ends a worker, and waits until it is gone.
    pub(crate) fn end(&self, worker: Worker) {
        if let Some(process) = Pid::from_raw(worker.process) {
            // The template has not collected it, so the number is still its own.
            let _ = rustix::process::kill_process(process, Signal::KILL);
        }
        self.collect(worker);
    }

    /// Ends all workers and the template, and waits until they are gone. There are no workers afterwards.
    pub fn close(&self) {
        // The template ends its workers and itself when its channel ends.
        if let Ok((ours, _)) = Channel::pair() {
            let mut control = lock(&self.control);
            control.channel = ours;
            control.coming = None;
        }
        let Some(process) = Pid::from_raw(self.process) else { return };
        for attempt in 0..1000 {
            match rustix::process::waitpid(Some(process), WaitOptions::NOHANG) {
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                _ => return,
            }
            if attempt == 500 {
                let _ = rustix::process::kill_process(process, Signal::KILL);
            }
        }
    }

    /// Whether a file has ended two workers of this run.
    #[must_use]
    pub fn is_deadly(&self, file: Identity) -> bool {
        lock(&self.deadly).contains(&file)
    }

    /// Remembers a file that has ended two workers.
    pub(crate) fn remember(&self, file: Identity) {
        lock(&self.deadly).insert(file);
    }
}

impl Control {
    /// Asks for a worker.
    fn ask(&mut self) -> io::Result<()> {
        let (ours, theirs) = Channel::pair()?;
        self.channel.send(&Request::Spawn.encode(), &[theirs.as_fd()], true)?;
        self.coming = Some(ours);
        Ok(())
    }

    /// The channel of the worker that was asked for, and what the template says about it.
    fn settle(&mut self) -> io::Result<Option<(Channel, [u8; FRAME])>> {
        let Some(coming) = self.coming.take() else { return Ok(None) };
        Ok(Some((coming, self.reply()?)))
    }

    /// How a worker ended. The template answers in the order in which it is asked.
    fn collect(&mut self, process: i32) -> io::Result<Ended> {
        let settled = self.settle()?;
        self.channel.send(&Request::Collect(process).encode(), &[], true)?;
        let ended = Ended::decode(&self.reply()?);
        // The worker that was coming is not needed yet; another one is asked for when it is.
        if let Some((_, reply)) = settled
            && let Some((1, unused)) = template::unframe(&reply)
        {
            self.channel.send(&Request::Discard(unused).encode(), &[], true)?;
        }
        Ok(ended)
    }

    fn reply(&self) -> io::Result<[u8; FRAME]> {
        let mut reply = [0; FRAME];
        if !self.channel.wait(PATIENCE)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match self.channel.take(&mut reply)? {
            Some(FRAME) => Ok(reply),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.close();
    }
}

/// One worker.
#[derive(Debug)]
pub struct Worker {
    channel: Channel,
    process: i32,
    buffer: Vec<u8>,
}

impl Worker {
    /// The number of its process.
    #[must_use]
    pub const fn process(&self) -> i32 {
        self.process
    }

    /// Gives it an order, and copies of the descriptors that belong to it. Never waits.
    ///
    /// # Errors
    /// It is gone, or has left too many orders lying.
    pub fn order(&self, order: &Order, descriptors: &[BorrowedFd<'_>]) -> Result<(), WorkerError> {
        match self.channel.send(&order.encode(), descriptors, false) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(WorkerError::Gone),
            Err(error) => Err(error.into()),
        }
    }

    /// What it says within `time`; `None` when it says nothing.
    ///
    /// # Errors
    /// It is gone, or says something that is no message.
    pub fn listen(&mut self, time: Duration) -> Result<Option<Word>, WorkerError> {
        if !time.is_zero() && !self.channel.wait(time)? {
            return Ok(None);
        }
        match self.channel.take(&mut self.buffer) {
            Ok(None) => Ok(None),
            Ok(Some(0)) => Err(WorkerError::Gone),
            Ok(Some(length)) => Ok(Some(Word::decode(self.buffer.get(..length).unwrap_or_default())?)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Err(WorkerError::Gone),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for a word as [`listen`](Self::listen) does, and for as long as it may take.
    fn first_word(&mut self) -> Result<Word, WorkerError> {
        let began = Instant::now();
        loop {
            if let Some(word) = self.listen(Duration::from_millis(100))? {
                return Ok(word);
            }
            if began.elapsed() > PATIENCE {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
        }
    }

    fn jailed(&mut self) -> Result<Layers, WorkerError> {
        match self.first_word()? {
            Word::Jailed(layers) => Ok(Layers::from_bits(layers)),
            _ => Err(Malformed::OutOfTurn.into()),
        }
    }

    fn ready(&mut self) -> Result<(), WorkerError> {
        match self.first_word()? {
            Word::Ready => Ok(()),
            _ => Err(Malformed::OutOfTurn.into()),
        }
    }

    /// The processor time that it has used.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        sys::processor_time(self.process)
    }
}

/// Copies what can be read from `input` into memory that a worker may read: at most `most` bytes, and one
/// more if there is more.
///
/// # Errors
/// It cannot be read, or there is no memory for it.
pub fn spool(input: BorrowedFd<'_>, most: u64) -> io::Result<(OwnedFd, u64)> {
    use rustix::fs::{MemfdFlags, SealFlags};
    let memory = rustix::fs::memfd_create("candor-input", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut buffer = vec![0; 64 << 10];
    let mut length = 0_u64;
    while length <= most {
        let read = match rustix::io::read(input, &mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let mut bytes = buffer.get(..read).unwrap_or_default();
        length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        while !bytes.is_empty() {
            let written = rustix::io::write(memory.as_fd(), bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
    }
    rustix::fs::seek(&memory, rustix::fs::SeekFrom::Start(0))?;
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, seals)?;
    Ok((memory, length))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that runs under these locks can leave what they hold half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
