//! LZMA that spends as many decisions as it can, and next to no bits: each byte is written by itself, where a copy would do for
//! 273. A byte takes a thirtieth of a bit, and the stream packs a thousandfold once more.
//!
//! Coder and contexts: the LZMA specification that stands in the public domain.

/// How each byte is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// As a literal: nine decisions.
    Literal,
    /// As a copy of one byte: four.
    ShortCopy,
}

/// A file of LZMA with a header that gives `count` times the letter `a`.
#[must_use]
pub fn lzma(step: Step, count: u32) -> Vec<u8> {
    let header = [&[0x5d][..], &(1_u32 << 16).to_le_bytes(), &u64::from(count).to_le_bytes()].concat();
    [header, stream(step, count)].concat()
}

/// The same without a header, under the usual properties (`lc=3 lp=0 pb=2`) and without a mark for the end.
fn stream(step: Step, count: u32) -> Vec<u8> {
    let mut coder = Coder::default();
    let mut is_match = [[HALF; 4]; 12];
    let (mut is_copy, mut is_other, mut is_long) = ([HALF; 12], [HALF; 12], [[HALF; 4]; 12]);
    let mut literals = [[HALF; 256]; 8];
    let (mut state, mut before) = (0, 0_u8);
    for place in 0..count {
        let position = place as usize & 3;
        if step == Step::Literal || place == 0 {
            coder.encode(&mut is_match[state][position], false);
            let tree = &mut literals[usize::from(before >> 5)];
            let mut node = 1;
            for bit in (0..8).rev().map(|shift| b'a' >> shift & 1 == 1) {
                coder.encode(&mut tree[node], bit);
                node = node << 1 | usize::from(bit);
            }
            (state, before) = (0, b'a');
        } else {
            coder.encode(&mut is_match[state][position], true);
            coder.encode(&mut is_copy[state], true);
            coder.encode(&mut is_other[state], false);
            coder.encode(&mut is_long[state][position], false);
            state = if state < 7 { 9 } else { 11 };
        }
    }
    for _ in 0..5 {
        coder.shift();
    }
    coder.out
}

/// A chance of one half.
const HALF: u16 = 1 << 10;

struct Coder {
    low: u64,
    range: u32,
    /// The byte that a carry may change yet, and how many `0xff` follow it.
    held: u8,
    count: u64,
    out: Vec<u8>,
}

impl Default for Coder {
    fn default() -> Self {
        Self { low: 0, range: u32::MAX, held: 0, count: 1, out: Vec::new() }
    }
}

impl Coder {
    fn encode(&mut self, chance: &mut u16, bit: bool) {
        let bound = (self.range >> 11) * u32::from(*chance);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
            *chance -= *chance >> 5;
        } else {
            self.range = bound;
            *chance += (2048 - *chance) >> 5;
        }
        while self.range < 1 << 24 {
            self.range <<= 8;
            self.shift();
        }
    }

    fn shift(&mut self) {
        let carry = u8::from(self.low >> 32 != 0);
        if carry > 0 || self.low < 0xff00_0000 {
            let mut byte = self.held;
            for _ in 0..self.count {
                self.out.push(byte.wrapping_add(carry));
                byte = 0xff;
            }
            self.count = 0;
            self.held = self.low.to_be_bytes()[4];
        }
        self.count += 1;
        self.low = self.low << 8 & 0xffff_ffff;
    }
}
