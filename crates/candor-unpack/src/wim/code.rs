//! Bits and canonical codes as the compressions of WIM have them: words of two bytes, most significant bit
//! first; for XPRESS and LZX with whole bytes in between.

use std::io::{self, ErrorKind};

/// Longest code, and codes up to this length that are looked up at once.
const LONGEST: u32 = 16;
const FAST: u32 = 9;

/// Where codes stand: bits of which the next one is the highest.
pub(super) trait Source {
    /// The next `count` bits, at most 16, without taking them; zeros where there are none.
    fn peek(&mut self, count: u32) -> u32;

    /// Takes `count` bits.
    ///
    /// # Errors
    /// There are not so many.
    fn drop(&mut self, count: u32) -> io::Result<()>;
}

/// A place in bytes, in bits.
pub(super) struct Bits<'a> {
    all: &'a [u8],
    /// Where what is not held yet begins.
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { all: bytes, at: 0, held: 0, count: 0 }
    }

    fn fill(&mut self, count: u32) {
        while self.count < count {
            let Some(word) = self.all.get(self.at..).and_then(|rest| rest.first_chunk()) else { break };
            self.at = self.at.saturating_add(2);
            self.held = self.held << 16 | u64::from(u16::from_le_bytes(*word));
            self.count = self.count.saturating_add(16);
        }
    }

    /// The next `count` bits, at most 16.
    pub(super) fn take(&mut self, count: u32) -> io::Result<u32> {
        let seen = self.peek(count);
        self.drop(count)?;
        Ok(seen)
    }

    /// Makes sure that 16 bits are held, as encoders do before whole bytes come.
    pub(super) fn settle(&mut self) {
        self.fill(16);
    }

    /// Passes over the rest of the word that the last bit came from; a whole word, if nothing of it was taken.
    pub(super) fn align(&mut self) {
        if self.count == 0 {
            self.fill(16);
        }
        // Words behind the one that was begun are given back.
        let whole = usize::try_from(self.count.saturating_sub(1) / 16).unwrap_or(0);
        self.at = self.at.saturating_sub(whole.saturating_mul(2));
        (self.held, self.count) = (0, 0);
    }

    /// The next whole byte, behind the words that are held.
    pub(super) fn byte(&mut self) -> io::Result<u8> {
        let &byte = self.all.get(self.at).ok_or(ErrorKind::UnexpectedEof)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    /// Whole bytes, behind the words that are held.
    pub(super) fn bytes(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let end = self.at.saturating_add(length);
        let taken = self.all.get(self.at..end).ok_or(ErrorKind::UnexpectedEof)?;
        self.at = end;
        Ok(taken)
    }
}

impl Source for Bits<'_> {
    fn peek(&mut self, count: u32) -> u32 {
        self.fill(count);
        let missing = count.saturating_sub(self.count);
        let shift = self.count.saturating_sub(count);
        let seen = self.held.wrapping_shr(shift).wrapping_shl(missing);
        u32::try_from(seen & !u64::MAX.wrapping_shl(count)).unwrap_or(0)
    }

    fn drop(&mut self, count: u32) -> io::Result<()> {
        self.count = self.count.checked_sub(count).ok_or(ErrorKind::UnexpectedEof)?;
        self.held &= !u64::MAX.wrapping_shl(self.count);
        Ok(())
    }
}

/// A code for the symbols from 0 on.
pub(super) struct Code {
    fast: Vec<(u16, u8)>,
    counts: [u32; 17],
    symbols: Vec<u16>,
}

impl Code {
    /// The code whose symbols have these lengths; 0 for those that do not occur.
    ///
    /// # Errors
    /// There are more codes than fit.
    pub(super) fn new(lengths: &[u8]) -> io::Result<Self> {
        let mut counts = [0_u32; 17];
        for &length in lengths {
            let count = counts.get_mut(usize::from(length)).ok_or_else(invalid)?;
            *count = count.saturating_add(1);
        }
        let mut left = 1_u32;
        for &count in counts.iter().skip(1) {
            left = left.wrapping_shl(1).checked_sub(count).ok_or_else(invalid)?;
        }
        let mut fast = vec![(0_u16, 0_u8); 1 << FAST];
        let mut symbols = Vec::with_capacity(lengths.len());
        let mut code = 0_u32;
        for length in 1..=16_u8 {
            code = code.wrapping_shl(1);
            for (symbol, _) in (0_u16..).zip(lengths).filter(|(_, found)| **found == length) {
                symbols.push(symbol);
                if let Some(unused) = FAST.checked_sub(u32::from(length)) {
                    let first = usize::try_from(code.wrapping_shl(unused)).unwrap_or(0);
                    for place in fast.iter_mut().skip(first).take(1_usize.wrapping_shl(unused)) {
                        *place = (symbol, length);
                    }
                }
                code = code.saturating_add(1);
            }
        }
        Ok(Self { fast, counts, symbols })
    }

    /// The next symbol.
    ///
    /// # Errors
    /// There is no such code, or the bits end.
    pub(super) fn symbol(&self, bits: &mut impl Source) -> io::Result<u16> {
        let seen = bits.peek(LONGEST);
        let place = usize::try_from(seen >> (LONGEST - FAST)).unwrap_or(0);
        if let Some(&(symbol, length @ 1..)) = self.fast.get(place) {
            bits.drop(u32::from(length))?;
            return Ok(symbol);
        }
        let (mut first, mut index) = (0_u32, 0_u32);
        for length in 1..=LONGEST {
            let code = seen.wrapping_shr(LONGEST.saturating_sub(length));
            let count = self.counts.get(usize::try_from(length).unwrap_or(0)).copied().unwrap_or(0);
            if let Some(offset) = code.checked_sub(first).filter(|offset| *offset < count) {
                bits.drop(length)?;
                let place = usize::try_from(index.saturating_add(offset)).unwrap_or(usize::MAX);
                return self.symbols.get(place).copied().ok_or_else(invalid);
            }
            index = index.saturating_add(count);
            first = first.saturating_add(count).wrapping_shl(1);
        }
        Err(invalid())
    }
}

fn invalid() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a code that no tree has")
}
