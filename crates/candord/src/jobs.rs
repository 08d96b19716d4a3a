//! What is to be scanned, and the queue that it waits in: from the reactor and the walkers, to the lanes.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use candor_protocol::clamd::Tag;

use crate::stream::Share;
use crate::verdicts::Digest;
use crate::walk::Request;
use candor::clamav::Said;

/// Bytes that a file is taken for whose length is not known yet.
const UNKNOWN: u64 = 64 << 10;

/// Bytes that are taken out of the queue at once; a single job may have more.
const AT_ONCE: u64 = 1 << 20;

/// Where a reply goes.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    /// The session.
    pub session: usize,
    /// How its reply is framed.
    pub tag: Tag,
}

/// Who is told what became of a job.
#[derive(Debug)]
pub enum Asker {
    /// A session: this reply is the last one to its command.
    Session(Ticket),
    /// A front, with the number of its connection.
    Front(usize),
    /// A walk; it is told what the file is called and what is said of it.
    Walk(Sender<(Vec<u8>, Said)>),
}

/// Something to be scanned.
#[derive(Debug)]
pub struct Job {
    /// The file.
    pub file: OwnedFd,
    /// All else.
    pub about: Box<About>,
}

/// What is known of a job.
#[derive(Debug)]
pub struct About {
    /// Where the file came from.
    pub origin: Origin,
    /// What it is called in replies.
    pub subject: Vec<u8>,
    /// Its own name.
    pub name: String,
    /// What was asked.
    pub command: &'static str,
    /// Whether every finding is told, or the first one alone.
    pub all: bool,
    /// Who asked.
    pub asker: Asker,
    /// When.
    pub since: Instant,
}

/// What is known of a stream.
#[derive(Debug)]
pub struct Stream {
    /// Its length.
    pub length: u64,
    /// Its share of memory, which is held until it is answered.
    pub share: Arc<Share>,
    /// What it is known by, if that was found out.
    pub digest: Option<Digest>,
}

/// Where a file came from.
#[derive(Debug)]
pub enum Origin {
    /// A stream.
    Stream(Stream),
    /// A descriptor that a client handed over; it may be of anything.
    Descriptor,
    /// A file that was opened here.
    Opened,
}

/// What could not be put into a queue yet.
#[derive(Debug)]
pub enum Parked {
    /// A file.
    Job(Job),
    /// A path.
    Walk(Request),
}

impl Job {
    fn weight(&self) -> u64 {
        match &self.about.origin {
            Origin::Stream(stream) => stream.length,
            Origin::Descriptor | Origin::Opened => UNKNOWN,
        }
    }
}

/// A queue with a bound for those who may not wait, and none for those who bound themselves.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
    most: usize,
    /// Somebody was turned away and wants to know when there is room.
    turned_away: AtomicBool,
}

#[derive(Debug)]
struct Waiting<T> {
    jobs: VecDeque<(Instant, T)>,
    /// Threads that have nothing to do.
    idle: usize,
    over: bool,
}

/// What there is to do.
#[derive(Debug)]
pub enum Next {
    /// These.
    Jobs(Vec<Job>),
    /// To look for new signatures.
    Look,
    /// Nothing any more.
    Over,
}

impl<T> Queue<T> {
    /// An empty queue that takes `most`.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let waiting = Waiting { jobs: VecDeque::new(), idle: 0, over: false };
        Self {
            waiting: Mutex::new(waiting),
            changed: Condvar::new(),
            most,
            turned_away: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job in if there is room.
    ///
    /// # Errors
    /// There is none; the job comes back, and [`wants_room`](Self::wants_room) says so once there is.
    pub fn offer(&self, job: T) -> Result<(), T> {
        let mut waiting = self.lock();
        if waiting.jobs.len() >= self.most {
            self.turned_away.store(true, Ordering::Relaxed);
            return Err(job);
        }
        waiting.jobs.push_back((Instant::now(), job));
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Puts a job in.
    pub fn put(&self, job: T) {
        self.lock().jobs.push_back((Instant::now(), job));
        self.changed.notify_one();
    }

    /// Whether somebody waits for room. Says so once.
    pub fn wants_room(&self) -> bool {
        self.turned_away.load(Ordering::Relaxed) && self.turned_away.swap(false, Ordering::Relaxed)
    }

    /// Lets those that take end when nothing is left.
    pub fn end(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// Lets those that wait look around.
    pub fn wake(&self) {
        // One that has looked and does not wait yet holds the lock; it must not miss this.
        drop(self.lock());
        self.changed.notify_all();
    }

    /// For how long each job has waited, and how many threads have nothing to do.
    #[must_use]
    pub fn state(&self) -> (Vec<Duration>, usize) {
        let waiting = self.lock();
        (waiting.jobs.iter().map(|(since, _)| since.elapsed()).collect(), waiting.idle)
    }

    /// The next job; `None` when there will be none.
    pub fn take(&self) -> Option<T> {
        let mut waiting = self.lock();
        loop {
            if let Some((_, job)) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.over {
                return None;
            }
            waiting.idle += 1;
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }
}

impl Queue<Job> {
    /// The next jobs, up to `most`: what waits is shared out among `lanes`, so that no lane has much while
    /// others have nothing. `is_stale` says whether to look for new signatures in place of waiting.
    pub fn take_some(&self, lanes: usize, most: usize, is_stale: &dyn Fn() -> bool) -> Next {
        let mut waiting = self.lock();
        loop {
            if is_stale() {
                return Next::Look;
            }
            if !waiting.jobs.is_empty() {
                break;
            }
            if waiting.over {
                return Next::Over;
            }
            waiting.idle += 1;
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
        let number = waiting.jobs.len().div_ceil(lanes.max(1)).min(most.max(1));
        let mut weight = 0_u64;
        let mut taken = Vec::with_capacity(number);
        while taken.len() < number
            && let Some((since, job)) = waiting.jobs.pop_front()
        {
            weight = weight.saturating_add(job.weight());
            if weight > AT_ONCE && !taken.is_empty() {
                waiting.jobs.push_front((since, job));
                break;
            }
            taken.push(job);
        }
        Next::Jobs(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_comes_back_and_room_is_told_once() {
        let queue = Queue::new(2);
        assert!(queue.offer(1).is_ok() && queue.offer(2).is_ok());
        assert!(!queue.wants_room());
        assert_eq!(queue.offer(3), Err(3));
        queue.put(4);
        assert!(queue.wants_room());
        assert!(!queue.wants_room());
        queue.end();
        let taken: Vec<i32> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(taken, [1, 2, 4]);
    }
}
