//! Canonical Huffman codes in the bit order of deflate.

use std::io::{self, ErrorKind, Read};

use crate::bits::Bits;

/// Longest code.
const LONGEST: u32 = 15;
/// Codes up to this length are looked up at once.
const FAST: u32 = 10;

/// A code for the symbols from 0 on.
#[derive(Debug)]
pub(crate) struct Code {
    /// For every run of so many bits, [`FAST`] or as many as the longest code has, the symbol that it begins with and its length;
    /// 0 for longer ones.
    fast: Vec<(u16, u8)>,
    /// How many codes have each length.
    counts: [u16; 16],
    /// Symbols by length, then by value.
    symbols: Vec<u16>,
}

impl Code {
    /// The code whose symbols have these lengths; 0 for those that do not occur.
    ///
    /// # Errors
    /// There are more codes than fit.
    pub(crate) fn new(lengths: &[u8]) -> io::Result<Self> {
        let mut counts = [0_u16; 16];
        for &length in lengths {
            let count = counts.get_mut(usize::from(length)).ok_or_else(overfull)?;
            *count = count.saturating_add(1);
        }
        let mut left = 1_u32;
        for &count in counts.iter().skip(1) {
            left = left.wrapping_shl(1).checked_sub(u32::from(count)).ok_or_else(overfull)?;
        }
        let mut symbols = Vec::with_capacity(lengths.len());
        let longest =
            counts.iter().rposition(|count| *count > 0).and_then(|length| u32::try_from(length).ok());
        let mut fast = vec![(0_u16, 0_u8); 1_usize.wrapping_shl(longest.unwrap_or(0).min(FAST))];
        let mut code = 0_u32;
        for length in 1..=15_u8 {
            code = code.wrapping_shl(1);
            for (symbol, _) in (0_u16..).zip(lengths).filter(|(_, found)| **found == length) {
                symbols.push(symbol);
                if u32::from(length) <= FAST {
                    // Codes stand in the stream with their highest bit first.
                    let unused = 32_u32.saturating_sub(u32::from(length));
                    let first = usize::try_from(code.wrapping_shl(unused).reverse_bits()).unwrap_or(0);
                    for place in fast.iter_mut().skip(first).step_by(1_usize.wrapping_shl(u32::from(length)))
                    {
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
    pub(crate) fn symbol<R: Read>(&self, bits: &mut Bits<R>) -> io::Result<u16> {
        self.next(bits, 0)
    }

    /// The same of a code that stands with its bits turned over.
    ///
    /// # Errors
    /// There is no such code, or the bits end.
    pub(crate) fn turned_symbol<R: Read>(&self, bits: &mut Bits<R>) -> io::Result<u16> {
        self.next(bits, (1 << LONGEST) - 1)
    }

    #[inline]
    fn next<R: Read>(&self, bits: &mut Bits<R>, turned: u32) -> io::Result<u16> {
        let seen = bits.peek(LONGEST) ^ turned;
        let place = usize::try_from(seen).unwrap_or(0) & self.fast.len().wrapping_sub(1);
        if let Some(&(symbol, length @ 1..)) = self.fast.get(place) {
            bits.take(u32::from(length))?;
            return Ok(symbol);
        }
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for length in 1..=LONGEST {
            code |= seen.wrapping_shr(length.saturating_sub(1)) & 1;
            let count = self.counts.get(usize::try_from(length).unwrap_or(0)).copied().map_or(0, u32::from);
            if let Some(offset) = code.checked_sub(first).filter(|offset| *offset < count) {
                bits.take(length)?;
                let place = usize::try_from(index.saturating_add(offset)).unwrap_or(usize::MAX);
                return self.symbols.get(place).copied().ok_or_else(overfull);
            }
            index = index.saturating_add(count);
            first = first.saturating_add(count).wrapping_shl(1);
            code = code.wrapping_shl(1);
        }
        Err(io::Error::new(ErrorKind::InvalidData, "a code that no tree has"))
    }
}

fn overfull() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a tree with too many codes")
}

#[cfg(test)]
mod tests {
    use super::Code;
    use crate::bits::Bits;

    #[test]
    fn short_and_long_codes_are_told_apart() {
        // One code of each length from 1 to 14, and two of 15: all ones but the last bit, then all ones.
        let lengths: Vec<u8> = (1..=15).chain([15]).collect();
        let code = Code::new(&lengths).unwrap();
        for symbol in 0..16_u32 {
            let ones = if symbol == 15 { 15 } else { symbol };
            let bytes = ((1_u64 << ones) - 1).to_le_bytes();
            assert_eq!(u32::from(code.symbol(&mut Bits::new(&bytes[..])).unwrap()), symbol);
        }
    }

    #[test]
    fn codes_that_do_not_fit_are_refused() {
        assert!(Code::new(&[1, 1, 1]).is_err());
        assert!(Code::new(&[16]).is_err());
        // One of two codes is missing.
        assert!(Code::new(&[1]).unwrap().symbol(&mut Bits::new(&[1][..])).is_err());
        assert!(Code::new(&[1]).unwrap().symbol(&mut Bits::new(&[][..])).is_err());
    }
}
