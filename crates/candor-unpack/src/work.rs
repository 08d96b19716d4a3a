//! Work that a layer asks for beside being read once: what begins again and again, and reaches over the same bytes.

use candor_model::{Reason, Sink};

/// What reading the bytes of one layer once more may cost: as much as reading them once is free, more is paid for out of the
/// budget, which is that of the file with all its layers ([`candor_model::Budget::pay_work`]).
pub(crate) struct Work {
    free: u64,
    is_over: bool,
}

impl Work {
    /// For a layer of so many bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { free: units(bytes.len()), is_over: false }
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

/// As many units as bytes.
pub(crate) fn units(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
