//! What holds of each of several bytes, as bits of one number.

/// The lowest bit of each byte; of the first, the lowest.
#[inline]
pub(crate) const fn lowest_bits(flags: [u8; 8]) -> u8 {
    const LOWEST: u64 = u64::from_ne_bytes([1; 8]);
    // The factor brings one bit of each byte together in the highest byte.
    let [bits, ..] = (u64::from_le_bytes(flags) & LOWEST).wrapping_mul(0x0102_0408_1020_4080).to_be_bytes();
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::lowest_bits;

    proptest! {
        #[test]
        fn every_byte_gives_its_lowest_bit(flags: [u8; 8]) {
            let bits = flags.iter().rev().fold(0, |bits, flag| bits << 1 | flag & 1);
            prop_assert_eq!(lowest_bits(flags), bits);
        }
    }
}
