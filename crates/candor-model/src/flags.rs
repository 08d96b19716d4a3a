//! What holds of each of several bytes, as bits of one number.

/// Bytes that are judged together, by instructions for vectors: as many as a mask has bits.
const TOGETHER: usize = 32;

/// The lowest bit of each byte; of the first, the lowest.
#[inline]
#[must_use]
pub const fn lowest_bits(flags: [u8; 8]) -> u8 {
    const LOWEST: u64 = u64::from_ne_bytes([1; 8]);
    // The factor brings one bit of each byte together in the highest byte.
    let [bits, ..] = (u64::from_le_bytes(flags) & LOWEST).wrapping_mul(0x0102_0408_1020_4080).to_be_bytes();
    bits
}

/// Where three bytes stand side by side that are `wanted`, in order. What it asks should have no branches: it is asked of
/// every place, where what searches for one byte would begin again at each that stands there.
pub fn triples(bytes: &[u8], wanted: impl Fn(u8, u8, u8) -> bool + Copy) -> impl Iterator<Item = usize> {
    Triples { bytes, wanted, next: 0, start: 0, mask: 0 }
}

struct Triples<'a, F> {
    bytes: &'a [u8],
    wanted: F,
    /// Where the next block begins.
    next: usize,
    /// Where this one does, and which of its places are still to be given.
    start: usize,
    mask: u32,
}

impl<F: Fn(u8, u8, u8) -> bool> Triples<'_, F> {
    /// The places of the next block that are wanted; `None` behind the last one.
    #[inline]
    fn block(&mut self) -> Option<u32> {
        let rest = self.bytes.get(self.next..)?;
        let (first, second, third) = (rest, rest.get(1..)?, rest.get(2..)?);
        let mut flags = [0; TOGETHER];
        let whole = [first, second, third].map(<[u8]>::first_chunk::<TOGETHER>);
        // The same, but with lengths that are known, this becomes instructions for vectors.
        if let [Some(first), Some(second), Some(third)] = whole {
            for (((flag, first), second), third) in flags.iter_mut().zip(first).zip(second).zip(third) {
                *flag = u8::from((self.wanted)(*first, *second, *third));
            }
        } else {
            for (((flag, first), second), third) in flags.iter_mut().zip(first).zip(second).zip(third) {
                *flag = u8::from((self.wanted)(*first, *second, *third));
            }
        }
        self.start = self.next;
        self.next = self.next.saturating_add(TOGETHER);
        if flags == [0; TOGETHER] {
            return Some(0);
        }
        let mut bits = [0; TOGETHER / 8];
        for (bits, flags) in bits.iter_mut().zip(flags.as_chunks::<8>().0) {
            *bits = lowest_bits(*flags);
        }
        Some(u32::from_le_bytes(bits))
    }
}

impl<F: Fn(u8, u8, u8) -> bool> Iterator for Triples<'_, F> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            self.mask = self.block()?;
        }
        let place = self.mask.trailing_zeros() as usize;
        self.mask &= self.mask.wrapping_sub(1);
        Some(self.start.saturating_add(place))
    }
}

#[cfg(test)]
mod tests {
    use super::{lowest_bits, triples};

    #[test]
    fn every_byte_gives_its_lowest_bit() {
        for number in 0..=u16::MAX {
            let number = u64::from(number);
            let flags = (number | number << 21 | number << 43).to_le_bytes();
            let bits = flags.iter().rev().fold(0, |bits, flag| bits << 1 | flag & 1);
            assert_eq!(lowest_bits(flags), bits);
        }
    }

    #[test]
    fn what_is_wanted_is_found_once_wherever_it_stands() {
        let wanted = |first: u8, second: u8, third: u8| (first == 1) & (second > 1) & (third < 3);
        for length in 0..140 {
            for step in 1..9_usize {
                let bytes: Vec<u8> =
                    (0..length).map(|at: usize| u8::try_from(at * at / step % 4).unwrap()).collect();
                let places = bytes.windows(3).enumerate();
                let expected: Vec<usize> =
                    places.filter(|(_, all)| wanted(all[0], all[1], all[2])).map(|(at, _)| at).collect();
                assert_eq!(triples(&bytes, wanted).collect::<Vec<_>>(), expected);
            }
        }
    }
}
