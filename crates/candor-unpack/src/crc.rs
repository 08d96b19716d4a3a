//! Cyclic redundancy checks of 32 bits, bits reflected, as file systems protect their tables with.
//!
//! Where a format begins with other than all ones, or inverts nothing at the end, it calls [`Crc::on`] itself.

/// The check of one polynomial.
#[derive(Debug)]
pub(crate) struct Crc([u32; 256]);

/// IEEE 802.3, as in gzip.
pub(crate) static IEEE: Crc = Crc::new(0xedb8_8320);
/// Castagnoli's.
pub(crate) static CASTAGNOLI: Crc = Crc::new(0x82f6_3b78);

impl Crc {
    #[expect(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a loop over 256 places, when it is compiled"
    )]
    const fn new(polynomial: u32) -> Self {
        let mut table = [0_u32; 256];
        let mut index = 0;
        let mut value = 0_u32;
        while index < 256 {
            let mut sum = value;
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ polynomial } else { sum >> 1 };
                bit += 1;
            }
            table[index] = sum;
            index += 1;
            value += 1;
        }
        Self(table)
    }

    /// Goes on from a sum over more bytes.
    pub(crate) fn on(&self, sum: u32, bytes: &[u8]) -> u32 {
        bytes.iter().fold(sum, |sum, byte| {
            let [low, ..] = (sum ^ u32::from(*byte)).to_le_bytes();
            // The table has a place for every byte.
            let step = self.0.get(usize::from(low)).copied().unwrap_or(0);
            (sum >> 8) ^ step
        })
    }

    /// The check of these parts, one after another, from all ones and inverted.
    pub(crate) fn of(&self, parts: &[&[u8]]) -> u32 {
        !parts.iter().fold(u32::MAX, |sum, part| self.on(sum, part))
    }
}

/// What [`IEEE`] gives of one part, by the library's vectors: for the contents of files.
pub(crate) fn of_content(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

#[cfg(test)]
mod tests {
    use super::{CASTAGNOLI, IEEE};

    #[test]
    fn checks_are_those_that_are_published() {
        assert_eq!(IEEE.of(&[b"12345", b"6789"]), 0xcbf4_3926);
        assert_eq!(CASTAGNOLI.of(&[b"123456789"]), 0xe306_9283);
        assert_eq!(CASTAGNOLI.of(&[]), 0);
    }
}
