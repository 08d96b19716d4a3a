//! The broker's side: starts the template, asks it for workers, speaks with them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};

use crate::channel::{self, Channel};
use crate::deadly::Deadly;
use crate::group::{self, Group};
use crate::jail::{Jailed, Setup};
use crate::layers::{Layer, Layers};
use crate::message::{Malformed, Order, PACKET, Word};
use crate::sys;
use crate::template::{self, Ended, FRAME, Request};

/// How long the template may take for a request, and a worker until it takes orders.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a template may take to end its workers and itself.
const CLOSING: Duration = Duration::from_millis(500);

/// Workers that may fail before it is said that none can be started.
const FIRST_WORKERS: u32 = 3;

/// A file in one state: device, number, and when it last changed, in seconds and nanoseconds. The number
/// alone may be another file's a moment later.
pub type Identity = (u64, u64, i64, u64);

/// A template that makes workers; they and it end with it.
#[derive(Debug)]
pub struct Sandbox {
    control: Mutex<Control>,
    process: i32,
    /// What shows that the template is gone, whoever it belongs to.
    watched: Option<OwnedFd>,
    setup: Setup,
    layers: Layers,
    /// Files that have ended two workers.
    deadly: Mutex<Deadly>,
    /// What bounds all its processes together, where there may be such a thing.
    group: Option<Arc<Group>>,
}

/// What the template is spoken to by.
#[derive(Debug)]
struct Control {
    channel: Channel,
    /// The next worker, asked for before anybody needs it; the template has not answered yet.
    coming: Option<Channel>,
    /// The template did not answer, or not as it should. What it says later may be about something else, and a
    /// number taken for a worker's be that of any process: it is not spoken with again.
    is_broken: bool,
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
    /// It does not come back.
    #[error("the worker did not come back in time")]
    Hung,
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
        let group = group(&setup).map(Arc::new);
        let entrance = group.as_ref().and_then(|group| group.entrance().ok());
        let Some(process) = sys::fork().map_err(StartError::Failed)? else {
            drop(ours);
            template::run(theirs, entrance, &setup, &mut work);
        };
        drop(theirs);
        Self::around(ours, process, setup, group)
    }

    /// A sandbox around a template that was just made, and the first worker.
    pub(crate) fn around(
        channel: Channel,
        process: i32,
        setup: Setup,
        group: Option<Arc<Group>>,
    ) -> Result<Self, StartError> {
        let watched = Pid::from_raw(process)
            .and_then(|process| rustix::process::pidfd_open(process, PidfdFlags::empty()).ok());
        let mut sandbox = Self {
            control: Mutex::new(Control { channel, coming: None, is_broken: false }),
            process,
            watched,
            setup,
            layers: Layers::NONE,
            deadly: Mutex::default(),
            group,
        };
        // Somebody may have ended it who is after memory; that is no reason to give up.
        let mut first = sandbox.first();
        for _ in 1..FIRST_WORKERS {
            if matches!(first, Err(StartError::Failed(_))) {
                first = sandbox.first();
            }
        }
        sandbox.layers = first?;
        Ok(sandbox)
    }

    /// Shows with a first worker that the jail holds.
    fn first(&self) -> Result<Layers, StartError> {
        let failed = |error| match error {
            WorkerError::System(error) => StartError::Failed(error),
            error => StartError::Failed(io::Error::other(error)),
        };
        let mut worker = self.ask_for_worker().map_err(StartError::Failed)?;
        let layers = match worker.jailed() {
            Ok(layers) => layers,
            Err(error) => {
                self.discard(worker);
                return Err(failed(error));
            }
        };
        let missing = Layers::MINIMUM.without(self.setup.leave_out).without(layers);
        if !missing.is_empty() {
            self.discard(worker);
            return Err(StartError::Missing(missing));
        }
        let ready = worker.ready().map_err(failed);
        self.discard(worker);
        ready.map(|()| layers)
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

    /// Whether the template is there. Without it there are no workers, and will be none.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let gone = |watched: &OwnedFd| channel::wait_for(watched.as_fd(), Duration::ZERO).unwrap_or(false);
        !self.watched.as_ref().is_some_and(gone)
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

    /// Ends a worker as [`discard`](Self::discard) does, and waits until it runs no more. Says whether that is certain.
    pub(crate) fn stop(&self, worker: Worker) -> bool {
        let mut is_gone = false;
        if let Some(process) = Pid::from_raw(worker.process) {
            // The template has not collected it, so the number is still its own.
            let watched = rustix::process::pidfd_open(process, PidfdFlags::empty());
            let _ = rustix::process::kill_process(process, Signal::KILL);
            if let Ok(watched) = watched {
                // The kernel lets nobody escape that signal; this only takes as long as it takes.
                is_gone = channel::wait_for(watched.as_fd(), PATIENCE).unwrap_or(false);
            }
        }
        self.discard(worker);
        is_gone
    }

    /// How a worker that hung up has ended.
    pub fn collect(&self, worker: Worker) -> Ended {
        let process = worker.process;
        drop(worker);
        lock(&self.control).collect(process).unwrap_or(Ended::Unknown)
    }

    /// Ends all workers and the template, and waits until they are gone. There are no workers afterwards.
    pub fn close(&self) {
        // The template ends its workers and itself when its channel ends.
        if let Ok((ours, _)) = Channel::pair() {
            let mut control = lock(&self.control);
            control.channel = ours;
            control.coming = None;
        }
        if let Some(watched) = &self.watched
            && !channel::wait_for(watched.as_fd(), CLOSING).unwrap_or(false)
        {
            let _ = rustix::process::pidfd_send_signal(watched, Signal::KILL);
            drop(channel::wait_for(watched.as_fd(), CLOSING));
        }
        // One that a nursery made is not this process's to collect.
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

    /// Whether the kernel has ended a worker for want of memory since this was last asked.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.ran_out_of_memory())
    }

    /// Whether a file has ended two workers of this run.
    #[must_use]
    pub fn is_deadly(&self, file: Identity) -> bool {
        lock(&self.deadly).has(file)
    }

    /// Remembers a file that has ended two workers.
    pub(crate) fn remember(&self, file: Identity) {
        lock(&self.deadly).remember(file);
    }
}

/// The control group for the workers, where one may be made: what each of them may have, for twice as many as
/// there are processors, and at most three quarters of the machine's memory.
pub(crate) fn group(setup: &Setup) -> Option<Group> {
    if setup.leave_out.has(Layer::ControlGroup) {
        return None;
    }
    let workers = std::thread::available_parallelism().map_or(2, |number| number.get().saturating_mul(2));
    let wanted = setup.memory.saturating_mul(u64::try_from(workers).unwrap_or(u64::MAX));
    let machine = rustix::system::sysinfo();
    let there = machine.totalram.saturating_mul(machine.mem_unit.into());
    group::ground().ok()?.divide(wanted.min((there / 4).saturating_mul(3))).ok()
}

impl Control {
    /// Asks for a worker.
    fn ask(&mut self) -> io::Result<()> {
        if self.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
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
        if self.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
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

    fn reply(&mut self) -> io::Result<[u8; FRAME]> {
        let reply = self.next_packet();
        self.is_broken = reply.is_err();
        reply
    }

    fn next_packet(&self) -> io::Result<[u8; FRAME]> {
        let mut reply = [0; FRAME];
        if !channel::wait_for(self.channel.as_fd(), PATIENCE)? {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that runs under these locks can leave what they hold half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_says_what_makes_no_sense_is_not_spoken_with_again() {
        let (ours, theirs) = Channel::pair().unwrap();
        let mut control = Control { channel: ours, coming: None, is_broken: false };
        control.ask().unwrap();
        theirs.send(&template::frame(1, 7), &[], true).unwrap();
        assert!(control.settle().unwrap().is_some());
        control.ask().unwrap();
        theirs.send(b"noise", &[], true).unwrap();
        theirs.send(b"more noise", &[], true).unwrap();
        theirs.send(&template::frame(1, 8), &[], true).unwrap();
        // Five bytes are a reply, whatever they say.
        assert!(control.settle().unwrap().is_some());
        control.ask().unwrap();
        assert!(control.settle().is_err());
        // The reply that comes late is nobody's.
        assert!(control.ask().is_err());
        assert!(control.collect(7).is_err());
    }
}
