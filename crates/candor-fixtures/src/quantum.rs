//! Quantum, as cabinets have it: the writer of `candor_unpack`'s reader, by the same public notes.

use crate::stream::copies;

/// What a cabinet's block stands for at most.
const BLOCK: usize = 32 << 10;

/// The blocks that stand for `content`, with a window of two to this power.
#[must_use]
pub fn quantum(window: u32, content: &[u8]) -> Vec<Vec<u8>> {
    let places = window * 2;
    let mut kinds = Model::new(0, 7);
    let mut literals = [0, 64, 128, 192].map(|first| Model::new(first, 64));
    let mut distances = [places.min(24), places.min(36), places].map(|count| Model::new(0, count));
    let mut lengths = Model::new(0, 27);
    let (mut blocks, mut coder, mut made) = (Vec::new(), Coder::new(), 0);
    let mut literal = |byte: u8, coder: &mut Coder, kinds: &mut Model| {
        coder.put(kinds, u32::from(byte / 64));
        coder.put(&mut literals[usize::from(byte / 64)], u32::from(byte));
    };
    // Copies of three bytes are near ones.
    let next = |coder: &mut Coder, made: &mut usize, count: usize, blocks: &mut Vec<Vec<u8>>| {
        *made += count;
        if made.is_multiple_of(BLOCK) {
            blocks.push(std::mem::replace(coder, Coder::new()).finish());
        }
    };
    for (unlike, copy) in copies(content, 3, 1 << window, 259) {
        for &byte in unlike {
            literal(byte, &mut coder, &mut kinds);
            next(&mut coder, &mut made, 1, &mut blocks);
        }
        let Some((mut length, distance)) = copy else { continue };
        while length > 0 {
            // Copies end where their block does.
            let part = length.min(BLOCK - made % BLOCK);
            let distance = u32::try_from(distance - 1).unwrap_or(0);
            let (place, more) = place(distance);
            let kind = match part {
                3 if place < places.min(24) => Some(4),
                4 if place < places.min(36) => Some(5),
                5.. => Some(6),
                _ => None,
            };
            let Some(kind) = kind else {
                // Too short, or from too far away.
                literal(content[made], &mut coder, &mut kinds);
                next(&mut coder, &mut made, 1, &mut blocks);
                length -= 1;
                continue;
            };
            coder.put(&mut kinds, kind);
            if kind == 6 {
                let value = u32::try_from(part - 5).unwrap_or(0);
                let (symbol, base, more) = (0..27)
                    .map(|symbol| match symbol {
                        0..6 => (symbol, symbol, 0),
                        26 => (26, 254, 0),
                        _ => (symbol, ((4 | ((symbol - 2) % 4)) << ((symbol - 2) / 4)) - 2, (symbol - 2) / 4),
                    })
                    .rfind(|(_, base, _)| *base <= value)
                    .unwrap_or_default();
                coder.put(&mut lengths, symbol);
                coder.raw(value - base, more);
            }
            let model = &mut distances[usize::try_from(kind - 4).unwrap_or(0)];
            coder.put(model, place);
            coder.raw(distance & ((1 << more) - 1), more);
            next(&mut coder, &mut made, part, &mut blocks);
            length -= part;
        }
    }
    if !made.is_multiple_of(BLOCK) {
        blocks.push(coder.finish());
    }
    blocks
}

/// The symbol of a distance, and how many bits there are of it behind the symbol.
fn place(distance: u32) -> (u32, u32) {
    match distance.checked_ilog2() {
        None | Some(0) => (distance, 0),
        Some(top) => (2 * top + (distance >> (top - 1) & 1), top - 1),
    }
}

/// Symbols with how often each was seen.
struct Model {
    rows: Vec<(u32, u32)>,
    order: u32,
}

impl Model {
    fn new(first: u32, count: u32) -> Self {
        Self { rows: (first..first + count).map(|symbol| (symbol, 1)).collect(), order: 4 }
    }

    /// What the symbols behind a row add up to.
    fn behind(&self, row: usize) -> u32 {
        self.rows[row + 1..].iter().map(|(_, count)| count).sum()
    }

    fn learn(&mut self, row: usize) {
        self.rows[row].1 += 8;
        if self.rows.iter().map(|(_, count)| count).sum::<u32>() <= 3800 {
            return;
        }
        self.order -= 1;
        if self.order > 0 {
            // What a symbol and all behind it add up to is halved, and stays more than what is behind it.
            let sums: Vec<u32> =
                (0..self.rows.len()).map(|row| self.behind(row) + self.rows[row].1).collect();
            let mut behind = 0;
            for (row, sum) in self.rows.iter_mut().zip(sums).rev() {
                let with = (sum / 2).max(behind + 1);
                row.1 = with - behind;
                behind = with;
            }
            return;
        }
        self.order = 50;
        self.rows.iter_mut().for_each(|row| row.1 = row.1.div_ceil(2));
        for first in 0..self.rows.len() {
            for second in first + 1..self.rows.len() {
                if self.rows[first].1 < self.rows[second].1 {
                    self.rows.swap(first, second);
                }
            }
        }
    }
}

/// The arithmetic coder of a block.
struct Coder {
    low: u32,
    high: u32,
    /// Bits that will be the opposite of the next one.
    pending: usize,
    code: Vec<bool>,
    /// Bits that a reader has asked for.
    shifts: usize,
    /// Bits that are in no model: behind how many of the code they stand, their value and their number.
    raw: Vec<(usize, u32, u32)>,
}

impl Coder {
    const fn new() -> Self {
        Self { low: 0, high: 0xffff, pending: 0, code: Vec::new(), shifts: 16, raw: Vec::new() }
    }

    fn put(&mut self, model: &mut Model, symbol: u32) {
        let Some(row) = model.rows.iter().position(|(known, _)| *known == symbol) else { return };
        let behind = model.behind(row);
        let total: u32 = model.rows.iter().map(|(_, count)| count).sum();
        let range = self.high - self.low + 1;
        self.high = self.low + (behind + model.rows[row].1) * range / total - 1;
        self.low += behind * range / total;
        loop {
            if (self.low ^ self.high) & 0x8000 == 0 {
                self.bit(self.low & 0x8000 != 0);
            } else if self.low & 0x4000 != 0 && self.high & 0x4000 == 0 {
                self.pending += 1;
                self.low &= 0x3fff;
                self.high |= 0x4000;
            } else {
                break;
            }
            self.low = self.low << 1 & 0xffff;
            self.high = self.high << 1 & 0xffff | 1;
            self.shifts += 1;
        }
        model.learn(row);
    }

    fn bit(&mut self, bit: bool) {
        self.code.push(bit);
        self.code.extend(vec![!bit; std::mem::take(&mut self.pending)]);
    }

    fn raw(&mut self, value: u32, width: u32) {
        self.raw.push((self.shifts, value, width));
    }

    fn finish(mut self) -> Vec<u8> {
        self.pending += 1;
        self.bit(self.low >= 0x4000);
        self.code.resize(self.code.len().max(self.shifts), false);
        let mut bits = Vec::new();
        let mut raw = self.raw.iter().peekable();
        for (place, bit) in self.code.iter().map(Some).chain([None]).enumerate() {
            while let Some((_, value, width)) = raw.next_if(|(at, ..)| *at <= place) {
                bits.extend((0..*width).rev().map(|bit| value >> bit & 1 == 1));
            }
            bits.extend(bit);
        }
        bits.chunks(8)
            .map(|bits| (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at) == Some(&true))))
            .collect()
    }
}
