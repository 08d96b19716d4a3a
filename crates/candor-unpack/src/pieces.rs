//! Pieces of files of which the blocks are found one after another, and how much looking for them may cost.

use crate::extents::Extent;

/// Pieces of one file.
pub(crate) const PIECES: usize = 1 << 18;
/// Steps that finding the pieces of one file may take, and what each costs of the budget.
pub(crate) const STEPS: u64 = 1 << 21;
pub(crate) const STEP: u64 = 8;

/// Pieces of a file, as they are found.
pub(crate) struct Pieces {
    block: u64,
    pieces: Vec<Extent>,
    /// The block that comes next, and how many there are.
    next: u64,
    end: u64,
    steps: u64,
}

impl Pieces {
    /// None of a file of `end` blocks of this size.
    pub(crate) const fn new(block: u64, end: u64) -> Self {
        Self { block, pieces: Vec::new(), next: 0, end, steps: 0 }
    }

    /// The block that comes next.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Whether nothing more is taken: the file is whole, or looking for it is over.
    pub(crate) fn is_done(&self) -> bool {
        self.next >= self.end || self.pieces.len() >= PIECES || self.steps >= STEPS
    }

    /// Pays for a look at a block that holds places, whatever is in it.
    pub(crate) const fn pay(&mut self, block: u64) {
        self.steps = self.steps.saturating_add(1).saturating_add(block / 1024);
    }

    /// Takes `count` blocks from `place` on; 0 for a hole.
    pub(crate) fn push(&mut self, place: u64, count: u64) {
        let count = count.min(self.end.saturating_sub(self.next));
        self.steps = self.steps.saturating_add(1);
        if count == 0 || self.is_done() {
            return;
        }
        self.next = self.next.saturating_add(count);
        let offset = (place > 0).then(|| place.saturating_mul(self.block));
        let length = count.saturating_mul(self.block);
        if let Some(last) = self.pieces.last_mut() {
            let follows = match (last.offset, offset) {
                (Some(before), Some(offset)) => before.saturating_add(last.length) == offset,
                (None, None) => true,
                _ => false,
            };
            if follows {
                last.length = last.length.saturating_add(length);
                return;
            }
        }
        self.pieces.push(Extent { offset, length });
    }

    /// Leaves a hole up to a block.
    pub(crate) fn seek(&mut self, block: u64) {
        if let Some(hole) = block.checked_sub(self.next) {
            self.push(0, hole);
        }
    }

    /// The pieces, with a hole up to the end, and the steps that it took to find them.
    pub(crate) fn finish(mut self) -> (Vec<Extent>, u64) {
        let end = self.end;
        self.seek(end);
        (self.pieces, self.steps)
    }
}
