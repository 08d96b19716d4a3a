//! Groups of distances and of lengths: a symbol says which group, bits of their own which of it.

use std::io;
use std::sync::LazyLock;

use super::adaptive::{Adaptive, Reversed};
use super::invalid;

/// Groups of distances: how many hold 1, 2, 4, ... of them.
pub(super) static DISTANCES: LazyLock<Slots> = LazyLock::new(|| {
    Slots::new(&[9, 0, 9, 7, 10, 15, 15, 20, 20, 30, 33, 40, 42, 45, 60, 73, 80, 85, 95, 105, 6])
});
/// Groups of lengths, the same way.
pub(super) static LENGTHS: LazyLock<Slots> =
    LazyLock::new(|| Slots::new(&[27, 4, 6, 4, 5, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1]));

/// Bits of the last group of distances and of lengths, which has no next one.
const LAST: u32 = 30;

/// Groups of numbers from 1 on.
#[derive(Debug)]
pub(super) struct Slots {
    /// The first of each group, and how many bits say which.
    groups: Vec<(u32, u32)>,
}

impl Slots {
    /// Groups that begin so far behind the one before; the first behind 0.
    fn new(runs: &[usize]) -> Self {
        let mut begin = 0_u32;
        let begins = (0_u32..).zip(runs).flat_map(|(width, count)| std::iter::repeat_n(width, *count));
        let begins: Vec<u32> = begins
            .map(|width| {
                begin = begin.saturating_add(1_u32.wrapping_shl(width));
                begin
            })
            .collect();
        let widths = begins.windows(2).map(|pair| match pair {
            [first, second] => second.saturating_sub(*first).checked_ilog2().unwrap_or(0),
            _ => 0,
        });
        let groups = begins.iter().copied().zip(widths.chain([LAST])).collect();
        Self { groups }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.groups.len()
    }

    /// How many it takes to reach `value`.
    pub(super) fn reaching(&self, value: u32) -> usize {
        self.groups.partition_point(|(begin, _)| *begin <= value)
    }

    /// The next number.
    ///
    /// # Errors
    /// There is no such code, or the bits end.
    pub(super) fn value(&self, code: &mut Adaptive, bits: &mut Reversed<'_>) -> io::Result<u32> {
        let slot = code.symbol(bits)?;
        let &(begin, width) =
            self.groups.get(usize::from(slot)).ok_or_else(|| invalid("a group that LZMS does not have"))?;
        Ok(begin.saturating_add(bits.take(width)?))
    }
}
