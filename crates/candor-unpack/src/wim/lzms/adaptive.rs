//! Codes of LZMS, which are made anew from how often their symbols came, and the bits that they stand in.

use std::io::{self, ErrorKind};

use super::super::code::{Code, Source};

/// Longest code.
const LONGEST: usize = 15;

/// Bits in words from the end, highest first.
pub(super) struct Reversed<'a> {
    words: &'a [[u8; 2]],
    /// The next bit is the highest.
    held: u64,
    count: u32,
}

impl<'a> Reversed<'a> {
    pub(super) const fn new(words: &'a [[u8; 2]]) -> Self {
        Self { words, held: 0, count: 0 }
    }

    fn fill(&mut self, count: u32) {
        while self.count < count {
            let Some((word, rest)) = self.words.split_last() else { break };
            self.words = rest;
            let free = 48_u32.saturating_sub(self.count);
            self.held |= u64::from(u16::from_le_bytes(*word)).wrapping_shl(free);
            self.count = self.count.saturating_add(16);
        }
    }

    /// The next `count` bits, at most 32.
    ///
    /// # Errors
    /// There are not so many.
    pub(super) fn take(&mut self, count: u32) -> io::Result<u32> {
        let seen = self.peek(count);
        self.drop(count)?;
        Ok(seen)
    }
}

impl Source for Reversed<'_> {
    fn peek(&mut self, count: u32) -> u32 {
        self.fill(count);
        let unused = 64_u32.saturating_sub(count);
        u32::try_from(self.held.checked_shr(unused).unwrap_or(0)).unwrap_or(0)
    }

    fn drop(&mut self, count: u32) -> io::Result<()> {
        self.count = self.count.checked_sub(count).ok_or(ErrorKind::UnexpectedEof)?;
        self.held = self.held.wrapping_shl(count);
        Ok(())
    }
}

/// A code that is made anew now and then.
pub(super) struct Adaptive {
    code: Code,
    /// How often each symbol came, the older the less.
    frequencies: Vec<u32>,
    /// Symbols from one code to the next, and those that are left of them.
    period: u32,
    left: u32,
}

impl Adaptive {
    /// A code of so many symbols, all alike to begin with.
    pub(super) fn new(symbols: usize, period: u32) -> io::Result<Self> {
        let frequencies = vec![1; symbols];
        Ok(Self { code: Code::new(&lengths(&frequencies))?, frequencies, period, left: period })
    }

    /// The next symbol.
    ///
    /// # Errors
    /// There is no such code, or the bits end.
    pub(super) fn symbol(&mut self, bits: &mut Reversed<'_>) -> io::Result<u16> {
        let symbol = self.code.symbol(bits)?;
        if let Some(frequency) = self.frequencies.get_mut(usize::from(symbol)) {
            *frequency = frequency.saturating_add(1);
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.left = self.period;
            self.code = Code::new(&lengths(&self.frequencies))?;
            for frequency in &mut self.frequencies {
                *frequency = (*frequency / 2).saturating_add(1);
            }
        }
        Ok(symbol)
    }
}

/// Lengths of Huffman's codes for symbols that came so often.
///
/// Which of several best codes is meant is a matter of the format: of nodes that came as often, symbols are
/// joined before what was joined, lower ones first, and the longest codes go to the rarest symbols.
pub(super) fn lengths(frequencies: &[u32]) -> Vec<u8> {
    let mut rarest: Vec<(u32, usize)> =
        frequencies.iter().enumerate().map(|(symbol, frequency)| (*frequency, symbol)).collect();
    rarest.sort_unstable();
    let counts = counts(&rarest);
    let mut lengths = vec![0; frequencies.len()];
    let longest_first = counts
        .iter()
        .enumerate()
        .rev()
        .flat_map(|(length, count)| std::iter::repeat_n(u8::try_from(length).unwrap_or(0), *count));
    for ((_, symbol), length) in rarest.iter().zip(longest_first) {
        if let Some(place) = lengths.get_mut(*symbol) {
            *place = length;
        }
    }
    lengths
}

/// How many codes have each length, for symbols of these frequencies, the rarest first.
fn counts(rarest: &[(u32, usize)]) -> [usize; LONGEST + 1] {
    let mut counts = [0; LONGEST + 1];
    // A single symbol still takes a bit.
    let [_, single, ..] = &mut counts;
    *single = if rarest.len() == 1 { 1 } else { 2 };
    if rarest.len() < 2 {
        return counts;
    }
    let parents = joined(rarest);
    // Depths of what was joined, from the root down; each but the root takes the place of a leaf of its depth.
    let mut depths = vec![0_usize; parents.len()];
    for index in (0..parents.len().saturating_sub(1)).rev() {
        let parent = parents.get(index).copied().unwrap_or(0);
        let depth = depths.get(parent).copied().unwrap_or(0).saturating_add(1);
        if let Some(place) = depths.get_mut(index) {
            *place = depth;
        }
        // Where codes would get too long, the longest leaf that may still grow is split instead.
        let split = (1..=depth.min(LONGEST.saturating_sub(1)))
            .rev()
            .find(|length| *length == depth || counts.get(*length).is_some_and(|count| *count > 0))
            .unwrap_or(1);
        if let Some([shorter, longer, ..]) = counts.get_mut(split..) {
            *shorter = shorter.saturating_sub(1);
            *longer = longer.saturating_add(2);
        }
    }
    counts
}

/// The parents of what is joined, in the order in which it is: always the two that came least often.
fn joined(rarest: &[(u32, usize)]) -> Vec<usize> {
    let mut leaves = rarest.iter().map(|(frequency, _)| *frequency).peekable();
    let count = rarest.len().saturating_sub(1);
    let (mut sums, mut parents): (Vec<u32>, Vec<usize>) = (Vec::with_capacity(count), vec![0; count]);
    let mut first = 0_usize;
    for index in 0..count {
        let mut sum = 0_u32;
        for _ in 0..2 {
            let inner = sums.get(first).copied();
            let leaf = leaves.next_if(|leaf| inner.is_none_or(|inner| *leaf <= inner));
            sum = sum.saturating_add(leaf.or(inner).unwrap_or(0));
            if leaf.is_none() {
                if let Some(parent) = parents.get_mut(first) {
                    *parent = index;
                }
                first = first.saturating_add(1);
            }
        }
        sums.push(sum);
    }
    parents
}
