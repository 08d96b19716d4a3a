//! Eight bytes at once in one word, for loops over text that ask the same of every byte.
//!
//! The compiler takes blocks of bytes apart as soon as somebody wants to know which of them passed, and does hundreds
//! of steps for sixteen of them. Here an answer about a byte is the highest bit of its place, and stays in the word.

/// Eight bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eight(u64);

/// Of which of eight bytes something holds: the highest bit of the place of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags(u64);

/// A byte in all places.
const fn everywhere(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const HIGHEST: u64 = everywhere(0x80);

impl Eight {
    /// These bytes.
    #[inline]
    pub(crate) const fn new(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    /// The bytes.
    #[inline]
    pub(crate) const fn bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// The same with these bits of each byte set.
    #[inline]
    pub(crate) const fn with(self, bits: u8) -> Self {
        Self(self.0 | everywhere(bits))
    }

    /// The same with these bits of the bytes set for which `flags` hold.
    #[inline]
    pub(crate) const fn with_where(self, bits: u8, flags: Flags) -> Self {
        Self(self.0 | flags.bytes() & everywhere(bits))
    }

    /// This byte where `flags` hold, and what is here where not.
    #[inline]
    pub(crate) const fn replaced(self, byte: u8, flags: Flags) -> Self {
        Self(self.0 & !flags.bytes() | flags.bytes() & everywhere(byte))
    }

    /// Which are from `first` to `last`, neither of which has the highest bit.
    #[inline]
    pub(crate) const fn are_between(self, first: u8, last: u8) -> Flags {
        // Without the highest bits no sum reaches the next place.
        let low = self.0 & !HIGHEST;
        let from = low.wrapping_add(everywhere(0x80_u8.saturating_sub(first)));
        let above = low.wrapping_add(everywhere(0x7f_u8.saturating_sub(last)));
        Flags(from & !above & !self.0 & HIGHEST)
    }
}

impl Flags {
    /// What holds here or there.
    #[inline]
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All bits of the bytes for which it holds.
    const fn bytes(self) -> u64 {
        (self.0 >> 7).wrapping_mul(0xff)
    }

    /// For which it holds, the first in the lowest bit.
    #[inline]
    pub(crate) const fn which(self) -> u8 {
        // The factor brings one bit of each byte together in the highest byte.
        let [which, ..] = (self.0 >> 7).wrapping_mul(0x0102_0408_1020_4080).to_be_bytes();
        which
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Eight;

    proptest! {
        #[test]
        fn what_holds_of_eight_bytes_holds_of_each(bytes: [u8; 8], bits: u8, first in 0_u8..0x80, last in 0_u8..0x80) {
            let eight = Eight::new(bytes);
            let flags = eight.are_between(first, last);
            let holds = |byte: u8| (first..=last).contains(&byte);
            let which = bytes.iter().rev().fold(0, |which, byte| which << 1 | u8::from(holds(*byte)));
            prop_assert_eq!(flags.which(), which);
            prop_assert_eq!(eight.bytes(), bytes);
            prop_assert_eq!(eight.with(bits).bytes(), bytes.map(|byte| byte | bits));
            let with = bytes.map(|byte| if holds(byte) { byte | bits } else { byte });
            prop_assert_eq!(eight.with_where(bits, flags).bytes(), with);
            let replaced = bytes.map(|byte| if holds(byte) { bits } else { byte });
            prop_assert_eq!(eight.replaced(bits, flags).bytes(), replaced);
            let either = bytes.map(|byte| if holds(byte) || byte == b'+' { 0 } else { byte });
            prop_assert_eq!(eight.replaced(0, flags.or(eight.are_between(b'+', b'+'))).bytes(), either);
        }
    }
}
