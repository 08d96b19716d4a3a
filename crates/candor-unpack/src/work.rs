//! Work that a layer asks for beside being read once: what begins again and again, and reaches over the same bytes.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};

use candor_model::{Budget, Reason, Sink};

/// What reading the bytes of one layer once more may cost: as much as the matcher takes to read them once is free, more is
/// paid for out of the budget, which is that of the file with all its layers ([`Budget::pay_work`]).
pub(crate) struct Work {
    free: u64,
    is_over: bool,
}

/// How many bytes the matcher reads in the time in which a parser reads one.
const FREE: u64 = 4;

impl Work {
    /// For a layer of so many bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { free: units(bytes.len()) / FREE, is_over: false }
    }

    /// Pays for so many bytes. `false` when it may not be done, which is told to `sink` the first time.
    pub(crate) fn pay(&mut self, bytes: usize, sink: &mut dyn Sink) -> bool {
        if self.is_over {
            return false;
        }
        if let Some(left) = self.free.checked_sub(units(bytes)) {
            self.free = left;
            return true;
        }
        self.is_over = !sink.budget().pay_work(units(bytes));
        if self.is_over {
            sink.incomplete(Reason::Work);
        }
        !self.is_over
    }

    /// Whether something was not paid for.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }
}

/// What may be paid for where no [`Budget`] is at hand: the same units, taken off the budget when all is done.
#[derive(Debug)]
pub(crate) struct Allowance {
    given: u64,
    left: Cell<u64>,
    is_over: Cell<bool>,
}

impl Allowance {
    pub(crate) const fn new(units: u64) -> Self {
        Self { given: units, left: Cell::new(units), is_over: Cell::new(false) }
    }

    /// Whether there was as much left; if not, nothing is paid, and the work must not be done.
    pub(crate) fn pay(&self, units: u64) -> bool {
        match self.left.get().checked_sub(units) {
            Some(left) => self.left.set(left),
            None => self.is_over.set(true),
        }
        !self.is_over.get()
    }

    /// Whether something was not paid for.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Takes what was paid off the budget, and tells what could not be.
    pub(crate) fn settle(self, sink: &mut dyn Sink) {
        let spent = self.given.saturating_sub(self.left.get());
        if !sink.budget().pay_work(spent) || self.is_over.get() {
            sink.incomplete(Reason::Work);
        }
    }
}

/// What comes out of a decoder that is many times as slow as reading, as far as it can be paid for.
pub(crate) struct Paid<R> {
    decoder: R,
    price: u64,
    affordable: u64,
    read: u64,
}

impl<R: Read> Paid<R> {
    /// With the price of a byte, which is paid by [`settle`](Self::settle).
    pub(crate) fn new(decoder: R, price: u64, budget: &Budget) -> Self {
        let affordable = budget.work().checked_div(price).unwrap_or(u64::MAX);
        Self { decoder, price, affordable, read: 0 }
    }

    /// Pays for what was read.
    pub(crate) fn settle(self, budget: &mut Budget) {
        // What was opened inside of it has been paid for in the meantime.
        let price = self.read.saturating_mul(self.price).min(budget.work());
        let _ = budget.pay_work(price);
    }
}

impl<R: Read> Read for Paid<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.affordable.saturating_sub(self.read);
        if left == 0 && self.decoder.read(&mut [0])? > 0 {
            return Err(ErrorKind::QuotaExceeded.into());
        }
        let read = (&mut self.decoder).take(left).read(buffer)?;
        self.read = self.read.saturating_add(units(read));
        Ok(read)
    }
}

/// As many units as bytes.
pub(crate) fn units(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
