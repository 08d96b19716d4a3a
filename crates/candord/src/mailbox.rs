//! What the threads have for a reactor.

use std::sync::{Mutex, PoisonError};

/// Something for a session.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The session; it may be gone.
    pub session: usize,
    /// A reply, or a part of one, framed.
    pub text: Vec<u8>,
    /// Whether a command of it is done.
    pub last: bool,
}

/// Messages, and what wakes the reactor.
#[derive(Debug)]
pub struct Mailbox<M> {
    messages: Mutex<Vec<M>>,
    waker: mio::Waker,
}

impl<M> Mailbox<M> {
    /// An empty one.
    #[must_use]
    pub const fn new(waker: mio::Waker) -> Self {
        Self { messages: Mutex::new(Vec::new()), waker }
    }

    /// Leaves a message. The reactor is woken by the first one alone.
    pub fn post(&self, message: M) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = messages.is_empty();
        messages.push(message);
        drop(messages);
        if is_first {
            self.wake();
        }
    }

    /// Has the reactor look around.
    pub fn wake(&self) {
        // It fails only when the counter of wakings is full, and then the reactor is awake.
        drop(self.waker.wake());
    }

    /// All that there is.
    pub fn take(&self) -> Vec<M> {
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
