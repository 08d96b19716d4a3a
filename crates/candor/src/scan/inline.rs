//! Scanning in this process, without a jail: for systems that cannot confine, when the user wants it so.

use std::os::fd::AsFd;
use std::sync::{Condvar, Mutex, PoisonError};

use candor_engine::Scanner;
use candor_sandbox::guarded;
use candor_sandbox::input::{Buffer, Opened, Reading};
use candor_sandbox::message::Answer;

use super::pool::Shared;

/// Files of this size and more share [`LARGE_TOTAL`].
const LARGE: u64 = 32 << 20;

/// Bytes of large files that may be in memory at once. A larger file is not looked at without a jail.
const LARGE_TOTAL: u64 = 1 << 30;

/// A scanner and a buffer for one thread.
#[derive(Debug)]
pub(crate) struct Inline<'a> {
    shared: &'a Shared,
    number: usize,
    scanner: Scanner<'a>,
    buffer: Buffer,
}

impl<'a> Inline<'a> {
    pub(crate) fn new(shared: &'a Shared, number: usize) -> Self {
        let scanner = Scanner::new(&shared.image, shared.options.clone());
        Self { shared, number, scanner, buffer: Buffer::default() }
    }

    /// Scans a file; `None` when the user has stopped the scan.
    pub(crate) fn file(&mut self, opened: &Opened, name: &str) -> Option<Answer> {
        let max = self.shared.options.limits.max_file_size.min(LARGE_TOTAL);
        let length = opened.length;
        let held = if (LARGE..=max).contains(&length) { self.shared.gate.enter(length) } else { 0 };
        let reading = self.buffer.read(&opened.file, length, max);
        let answer = self.scan(name, reading);
        self.buffer.trim();
        self.shared.gate.leave(held);
        answer
    }

    /// Scans what can be read until the end; `None` when the user has stopped the scan.
    pub(crate) fn stream(&mut self, input: impl AsFd, max: u64) -> Option<Answer> {
        let reading = self.buffer.read_to_end(input, max.min(LARGE_TOTAL));
        self.scan("-", reading)
    }

    fn scan(&mut self, name: &str, reading: Reading) -> Option<Answer> {
        let partial = match reading {
            Reading::Complete => None,
            Reading::Partial(why) => Some(why),
            Reading::TooLarge(length) => return Some(Answer::TooLarge(length)),
            Reading::Special(kind) => return Some(Answer::Unreadable(format!("it is {kind}, not a file"))),
            Reading::Failed(why) => return Some(Answer::Unreadable(why)),
        };
        let interrupt = self.shared.watch.begin(self.number)?;
        let (scanner, bytes) = (&mut self.scanner, self.buffer.bytes());
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let scanned = guarded(|| scanner.scan(bytes, name, interrupt));
        self.shared.watch.done(self.number);
        Some(match scanned {
            Ok(report) => Answer::Scanned { read, partial, report: Box::new(report) },
            Err(defect) => {
                // What the scanner held may be half changed.
                self.scanner = Scanner::new(&self.shared.image, self.shared.options.clone());
                Answer::Defect(defect)
            }
        })
    }
}

/// Lets only so many bytes of large files into memory at once.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    held: Mutex<u64>,
    changed: Condvar,
}

impl Gate {
    fn enter(&self, bytes: u64) -> u64 {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while *held > 0 && held.saturating_add(bytes) > LARGE_TOTAL {
            held = self.changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held = held.saturating_add(bytes);
        bytes
    }

    fn leave(&self, bytes: u64) {
        if bytes > 0 {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            *held = held.saturating_sub(bytes);
            drop(held);
            self.changed.notify_all();
        }
    }
}
