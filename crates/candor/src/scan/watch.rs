//! The time that one file may take, and the end of all when the user says so.
//!
//! The engine reads no clock; it looks at a flag. One thread looks at the clock for all workers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use candor_model::Interrupt;

/// How often the clock is looked at.
const PERIOD: Duration = Duration::from_millis(20);

/// Watches the workers of a scan.
#[derive(Debug)]
pub(crate) struct Watch {
    slots: Vec<Slot>,
    limit: Option<Duration>,
    cancelled: AtomicBool,
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct Slot {
    interrupt: Interrupt,
    /// When the worker began with the file that it has, if it has one. Flag and time change together
    /// under the lock, so that a flag raised for one file never hits the next.
    began: Mutex<Option<Instant>>,
}

impl Watch {
    /// A watch over `workers` workers.
    pub(crate) fn new(workers: usize, limit: Option<Duration>) -> Self {
        Self {
            slots: (0..workers).map(|_| Slot::default()).collect(),
            limit,
            cancelled: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    /// Watches until [`end`](Self::end).
    pub(crate) fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let Some(limit) = self.limit else { return Ok(()) };
        let watch = Arc::clone(self);
        std::thread::Builder::new().name(String::from("watch")).spawn(move || {
            while !watch.over.load(Ordering::Relaxed) {
                std::thread::sleep(PERIOD.min(limit));
                for slot in &watch.slots {
                    let began = slot.began();
                    if began.is_some_and(|began| began.elapsed() >= limit)
                        && !watch.cancelled.load(Ordering::Relaxed)
                    {
                        slot.interrupt.time_out();
                    }
                }
            }
        })?;
        Ok(())
    }

    /// Says that `worker` begins with a file: its flag, or `None` when it must not begin any more.
    pub(crate) fn begin(&self, worker: usize) -> Option<&Interrupt> {
        let slot = self.slots.get(worker)?;
        let mut began = slot.began();
        if self.cancelled.load(Ordering::Relaxed) {
            return None;
        }
        slot.interrupt.reset();
        *began = Some(Instant::now());
        Some(&slot.interrupt)
    }

    /// Says that `worker` is done with its file.
    pub(crate) fn done(&self, worker: usize) {
        if let Some(slot) = self.slots.get(worker) {
            *slot.began() = None;
        }
    }

    /// Stops all workers at once, and for good.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        for slot in &self.slots {
            let began = slot.began();
            slot.interrupt.cancel();
            drop(began);
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Stops watching.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Slot {
    fn began(&self) -> MutexGuard<'_, Option<Instant>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use candor_model::Reason;

    use super::*;

    #[test]
    fn a_file_that_takes_too_long_is_stopped_and_the_next_one_is_not() {
        let watch = Arc::new(Watch::new(1, Some(Duration::from_millis(30))));
        watch.start().unwrap();
        let interrupt = watch.begin(0).unwrap();
        assert_eq!(interrupt.reason(), None);
        let waiting = Instant::now();
        while interrupt.reason().is_none() && waiting.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(interrupt.reason(), Some(Reason::Timeout));
        watch.done(0);
        assert_eq!(watch.begin(0).unwrap().reason(), None);
        watch.end();
    }

    #[test]
    fn after_a_cancel_nothing_begins() {
        let watch = Watch::new(2, None);
        let interrupt = watch.begin(0).unwrap();
        watch.cancel();
        assert_eq!(interrupt.reason(), Some(Reason::Cancelled));
        assert!(watch.begin(0).is_none());
        assert!(watch.begin(1).is_none());
    }
}
