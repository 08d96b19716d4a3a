//! The sizes that occur in a table, and how many entries each has.
//!
//! Sizes are ascending and near one another, so they are kept as distances, in blocks of at most [`MOST`].
//! A look-up finds the block among the first sizes of all blocks, and goes through that one.
//!
//! ```text
//! a block of sizes   first size 8 | number of its first entry 4 | where it goes on in the sizes 4
//! the sizes          of each block: sizes 1, bits of a distance 1, bits of a count 1,
//!                    packed: of each size but the first its distance to the one before, less 1
//!                    packed: of each size the number of its entries, less 1
//! ```
//! The sizes end with [`SLACK`] zero bytes. Sizes that are further apart than a distance can say, 4 GiB,
//! stand in different blocks.

use std::ops::Range;

use super::layout::{SLACK, bits_for, pack, packed_at, packed_length};
use super::search::lower_bound;
use crate::bytes::{Reader, record_at};

/// Bytes of a block.
pub(super) const BLOCK: usize = 16;

/// The most sizes in a block: more cost less memory and take longer to go through.
const MOST: usize = 64;

/// Makes the two columns of sizes.
#[derive(Debug, Default)]
pub(super) struct SizesBuilder {
    blocks: Vec<u8>,
    sizes: Vec<u8>,
    /// The block that is being filled: its sizes, each with the number of its entries.
    block: Vec<(u64, u32)>,
    /// Number of the first entry of that block.
    first: u32,
}

impl SizesBuilder {
    /// A table whose first entry of a certain size has the number `first`.
    pub(super) fn new(first: u32) -> Self {
        Self { first, ..Self::default() }
    }

    /// Takes the next size, greater than all before, with the number of its entries, which is not zero.
    pub(super) fn push(&mut self, size: u64, entries: u32) {
        let distance = self.block.last().map_or(0, |(before, _)| size.saturating_sub(*before));
        if self.block.len() == MOST || u32::try_from(distance).is_err() {
            self.end_block();
        }
        self.block.push((size, entries));
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let Some((first_size, _)) = block.first() else { return };
        self.blocks.extend_from_slice(&first_size.to_le_bytes());
        self.blocks.extend_from_slice(&self.first.to_le_bytes());
        // At most four bytes a size, and there are fewer than 2^32 sizes below 4 GiB.
        self.blocks.extend_from_slice(&u32::try_from(self.sizes.len()).unwrap_or(u32::MAX).to_le_bytes());
        let distances: Vec<u32> = block
            .windows(2)
            .filter_map(|pair| Some((pair.first()?.0, pair.last()?.0)))
            .map(|(before, size)| size.saturating_sub(before).saturating_sub(1))
            .map(|distance| u32::try_from(distance).unwrap_or(u32::MAX))
            .collect();
        let counts: Vec<u32> = block.iter().map(|(_, entries)| entries.saturating_sub(1)).collect();
        let bits = |numbers: &[u32]| bits_for(numbers.iter().copied().max().unwrap_or(0));
        let count = u8::try_from(block.len()).unwrap_or(u8::MAX);
        self.sizes.extend_from_slice(&[count, bits(&distances), bits(&counts)]);
        pack(&mut self.sizes, bits(&distances), distances.iter().copied());
        pack(&mut self.sizes, bits(&counts), counts.iter().copied());
        self.first = block.iter().fold(self.first, |sum, (_, entries)| sum.saturating_add(*entries));
    }

    /// The blocks, and the sizes.
    pub(super) fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.end_block();
        self.sizes.extend_from_slice(&[0; SLACK]);
        (self.blocks, self.sizes)
    }
}

/// The numbers of the entries of this size. Not checked to be entries that there are.
pub(super) fn find(blocks: &[u8], sizes: &[u8], size: u64) -> Option<Range<usize>> {
    let first_size =
        |index: usize| Some(u64::from_le_bytes(*record_at(blocks, index, BLOCK)?.first_chunk()?));
    let behind =
        lower_bound(blocks.len() / BLOCK, |index| first_size(index).is_some_and(|first| first <= size));
    let mut reader = Reader::new(record_at(blocks, behind.checked_sub(1)?, BLOCK)?);
    let mut here = reader.u64()?;
    let mut start = usize::try_from(reader.u32()?).ok()?;
    let mut block = Reader::new(sizes.get(usize::try_from(reader.u32()?).ok()?..)?);
    let count = usize::from(block.u8()?);
    let distance_bits = block.u8().filter(|bits| *bits <= 32)?;
    let count_bits = block.u8().filter(|bits| *bits <= 32)?;
    let distances = block.rest();
    block.bytes(packed_length(count.checked_sub(1)?, distance_bits)?)?;
    let counts = block.rest();
    for index in 0..count {
        let entries = usize::try_from(packed_at(counts, index, count_bits)?).ok()?.checked_add(1)?;
        let end = start.checked_add(entries)?;
        if here == size {
            return Some(start..end);
        }
        if here > size {
            return None;
        }
        start = end;
        // Behind the last distance stand the counts: what is read there is not used.
        here = here.checked_add(packed_at(distances, index, distance_bits)?.into())?.checked_add(1)?;
    }
    None
}
