//! A split-block Bloom filter: a key sets eight bits, all in one block of 32 bytes.
//!
//! Keys are digests, which are as good as random: no further hashing is needed. Which block is told by
//! the first four bytes, so that keys in order fill blocks in order, which bits by the next four.
//! Design: Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007), as
//! Apache Parquet uses it.

use crate::bytes::record_at;

/// Bytes of a block.
pub(super) const BLOCK: usize = 32;

/// Bits of the filter for each key: 1.3 % of foreign keys pass.
const BITS_PER_KEY: usize = 10;

/// Eight odd numbers; each picks one of 32 bits out of a hash by multiplication.
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// Number of blocks for `keys` keys.
pub(super) fn blocks_for(keys: usize) -> usize {
    keys.saturating_mul(BITS_PER_KEY).div_ceil(BLOCK.saturating_mul(8)).max(1)
}

/// The filter while it is made.
#[derive(Debug)]
pub(super) struct FilterBuilder {
    blocks: Vec<[u32; 8]>,
}

impl FilterBuilder {
    /// A filter that no key passes.
    pub(super) fn new(keys: usize) -> Self {
        Self { blocks: vec![[0; 8]; blocks_for(keys)] }
    }

    /// Lets `digest` pass.
    pub(super) fn insert(&mut self, digest: &[u8]) {
        let Some((place, bits)) = split(digest) else { return };
        let block = block_of(place, self.blocks.len());
        if let Some(words) = self.blocks.get_mut(block) {
            words.iter_mut().zip(SALTS).for_each(|(word, salt)| *word |= bit_of(bits, salt));
        }
    }

    /// Appends the filter.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()));
    }
}

/// Whether `digest` may be one of the keys. Everything passes a filter without blocks.
#[inline]
pub(super) fn passes(filter: &[u8], digest: &[u8]) -> bool {
    let count = filter.len() / BLOCK;
    let Some((place, bits)) = split(digest) else { return false };
    let Some(block) = record_at(filter, block_of(place, count), BLOCK) else { return true };
    let (words, _) = block.as_chunks();
    words.iter().zip(SALTS).all(|(word, salt)| u32::from_le_bytes(*word) & bit_of(bits, salt) != 0)
}

fn split(digest: &[u8]) -> Option<(u32, u32)> {
    let (place, rest) = digest.split_first_chunk()?;
    Some((u32::from_be_bytes(*place), u32::from_le_bytes(*rest.first_chunk()?)))
}

/// Spreads a hash of 32 bits over `count` blocks.
fn block_of(place: u32, count: usize) -> usize {
    let scaled = u64::from(place).saturating_mul(count as u64) >> 32;
    usize::try_from(scaled).unwrap_or(0)
}

fn bit_of(bits: u32, salt: u32) -> u32 {
    1 << (bits.wrapping_mul(salt) >> 27)
}
