//! Adler-32, the sum that zlib, UPX and Android protect what they hold with (RFC 1950, 8.2).

/// Both halves are kept below it.
const MODULUS: u32 = 65_521;
/// So many bytes can be added up before a half leaves 32 bits.
const BLOCK: usize = 5552;

/// The sum of `bytes`.
pub(crate) fn adler(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for block in bytes.chunks(BLOCK) {
        for byte in block {
            low = low.wrapping_add(u32::from(*byte));
            high = high.wrapping_add(low);
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high.wrapping_shl(16) | low
}

#[cfg(test)]
mod tests {
    use super::adler;

    #[test]
    fn sums_are_those_that_are_published() {
        assert_eq!(adler(b""), 1);
        assert_eq!(adler(b"Wikipedia"), 0x11e6_0398);
        // As the definition has it, byte by byte, over more than one block of the largest bytes.
        let (mut low, mut high) = (1_u64, 0_u64);
        for _ in 0..20_000 {
            low += 255;
            high += low;
        }
        assert_eq!(u64::from(adler(&[255; 20_000])), ((high % 65_521) << 16) | (low % 65_521));
    }
}
