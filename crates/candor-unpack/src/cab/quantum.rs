//! Quantum: copies and literals under an arithmetic coder whose models learn.
//!
//! Format: <http://www.russotto.net/quantumcomp.html>. In cabinets every block stands for 32 KiB at most and begins the
//! coder anew, while the models and the window go on from one block to the next.

use crate::bits::{HighBits, copy_back};

/// A model whose frequencies add up to more than this is made smaller.
const TOTAL: u32 = 3800;
/// What a symbol gains each time.
const STEP: u32 = 8;
/// How often a model is made smaller before it is put in order: at first, and later on.
const FIRST_ORDER: u32 = 4;
const NEXT_ORDER: u32 = 50;
/// Bits that a decoder has read when the last symbol is there, and a writer need not have written.
const AHEAD: usize = 32;

/// A decoder of the blocks of a folder.
pub(super) struct Quantum {
    kinds: Model,
    literals: [Model; 4],
    /// Distances of copies of three bytes, of four, and of more.
    places: [Model; 3],
    lengths: Model,
}

impl Quantum {
    /// A decoder with a window of two to this power; `None` for those that there are not.
    pub(super) fn new(window: u16) -> Option<Self> {
        let places = window.checked_mul(2).filter(|_| (10..=21).contains(&window))?;
        Some(Self {
            kinds: Model::new(0, 7),
            literals: [Model::new(0, 64), Model::new(64, 64), Model::new(128, 64), Model::new(192, 64)],
            places: [places.min(24), places.min(36), places].map(|count| Model::new(0, count)),
            lengths: Model::new(0, 27),
        })
    }

    /// Appends what a block stands for, `real` bytes; `None` when it is damaged, with what came before appended.
    pub(super) fn block(&mut self, data: &[u8], real: usize, out: &mut Vec<u8>) -> Option<()> {
        let end = out.len().checked_add(real)?;
        let mut coder = Coder::new(data);
        while out.len() < end {
            let kind = coder.symbol(&mut self.kinds);
            let (length, model) = match kind {
                0..4 => {
                    let literal = coder.symbol(self.literals.get_mut(usize::from(kind))?);
                    coder.is_inside()?;
                    out.push(u8::try_from(literal).ok()?);
                    continue;
                }
                4 => (3, 0),
                5 => (4, 1),
                _ => (coder.length(&mut self.lengths), 2),
            };
            let distance = coder.distance(self.places.get_mut(model)?);
            coder.is_inside()?;
            let room = end.saturating_sub(out.len());
            copy_back(out, distance, length.min(room));
            // Copies end where their block does.
            if length > room {
                return None;
            }
        }
        Some(())
    }
}

/// How often each symbol was seen, likeliest first.
struct Model {
    /// Symbols, each with what it and all behind it add up to; a last row without a symbol has 0.
    rows: Vec<(u16, u32)>,
    order: u32,
}

impl Model {
    fn new(first: u16, count: u16) -> Self {
        let rows =
            (0..=count).map(|index| (first.saturating_add(index), u32::from(count.saturating_sub(index))));
        Self { rows: rows.collect(), order: FIRST_ORDER }
    }

    fn total(&self) -> u32 {
        self.rows.first().map_or(1, |(_, sum)| *sum)
    }

    /// The row in which `target` falls: the symbol, and the sums from behind it and with it.
    fn row(&self, target: u32) -> Option<(usize, u16, u32, u32)> {
        let pairs = self.rows.windows(2).enumerate();
        pairs.into_iter().find_map(|(index, pair)| match pair {
            [(symbol, with), (_, behind)] if *behind <= target => Some((index, *symbol, *behind, *with)),
            _ => None,
        })
    }

    /// Notes that the symbol of a row was seen.
    fn learn(&mut self, row: usize) {
        for (_, sum) in self.rows.iter_mut().take(row.saturating_add(1)) {
            *sum = sum.saturating_add(STEP);
        }
        if self.total() <= TOTAL {
            return;
        }
        self.order = self.order.saturating_sub(1);
        if self.order > 0 {
            let mut behind = 0_u32;
            for (index, (_, sum)) in self.rows.iter_mut().rev().enumerate() {
                if index > 0 {
                    *sum = (*sum / 2).max(behind.saturating_add(1));
                }
                behind = *sum;
            }
        } else {
            self.order = NEXT_ORDER;
            self.put_in_order();
        }
    }

    fn put_in_order(&mut self) {
        let sums: Vec<u32> = self.rows.iter().map(|(_, sum)| *sum).collect();
        for ((_, sum), pair) in self.rows.iter_mut().zip(sums.windows(2)) {
            if let [with, behind] = pair {
                *sum = with.saturating_sub(*behind).saturating_add(1) / 2;
            }
        }
        // Which of two that are alike comes first is part of the format, and so is this way of sorting.
        let count = self.rows.len().saturating_sub(1);
        for first in 0..count {
            for second in first.saturating_add(1)..count {
                let sum = |index: usize| self.rows.get(index).map(|(_, sum)| *sum);
                if sum(first) < sum(second) {
                    self.rows.swap(first, second);
                }
            }
        }
        let mut behind = 0_u32;
        for (_, sum) in self.rows.iter_mut().rev() {
            behind = behind.saturating_add(*sum);
            *sum = behind;
        }
    }
}

/// The arithmetic decoder of a block.
struct Coder<'a> {
    bits: HighBits<'a>,
    low: u32,
    high: u32,
    code: u32,
}

impl<'a> Coder<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut bits = HighBits::new(data);
        let code = bits.take(16);
        Self { bits, low: 0, high: 0xffff, code }
    }

    /// Whether what was read so far can be of the data.
    fn is_inside(&self) -> Option<()> {
        (self.bits.missing() <= AHEAD).then_some(())
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "numbers of 16 bits and sums below 4,096: the code is from low to high, and no sum is 0"
    )]
    fn symbol(&mut self, model: &mut Model) -> u16 {
        let range = self.high - self.low + 1;
        let total = model.total();
        let target = ((self.code - self.low + 1) * total - 1) / range;
        let Some((row, symbol, behind, with)) = model.row(target) else { return 0 };
        self.high = self.low + with * range / total - 1;
        self.low += behind * range / total;
        loop {
            if (self.low ^ self.high) & 0x8000 != 0 {
                if self.low & 0x4000 == 0 || self.high & 0x4000 != 0 {
                    break;
                }
                // Between the halves: what is in the middle is moved apart.
                self.code ^= 0x4000;
                self.low &= 0x3fff;
                self.high |= 0x4000;
            }
            self.low = self.low << 1 & 0xffff;
            self.high = (self.high << 1 | 1) & 0xffff;
            self.code = (self.code << 1 | self.bits.take(1)) & 0xffff;
        }
        model.learn(row);
        symbol
    }

    /// The length of a copy of five bytes and more.
    #[expect(clippy::arithmetic_side_effects, reason = "of symbols below 27")]
    fn length(&mut self, model: &mut Model) -> usize {
        let symbol = u32::from(self.symbol(model));
        let (base, more) = match symbol {
            0..6 => (symbol, 0),
            6..26 => {
                let more = (symbol - 2) / 4;
                (((4 | ((symbol - 2) % 4)) << more) - 2, more)
            }
            _ => (254, 0),
        };
        usize::try_from(base + self.bits.take(more) + 5).unwrap_or(0)
    }

    /// How far back a copy is from.
    #[expect(clippy::arithmetic_side_effects, reason = "of symbols below 42")]
    fn distance(&mut self, model: &mut Model) -> usize {
        let symbol = u32::from(self.symbol(model));
        let more = (symbol / 2).saturating_sub(1);
        let base = if symbol < 2 { symbol } else { (2 | symbol & 1) << more };
        usize::try_from(base + self.bits.take(more) + 1).unwrap_or(0)
    }
}
