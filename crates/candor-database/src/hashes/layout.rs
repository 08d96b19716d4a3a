//! How a table stands in its section: a header, and columns one behind another.
//!
//! ```text
//!  0  4  entries                      12  4  blocks of sizes
//!  4  4  entries for any size         16  4  bytes of the sizes
//!  8  4  blocks of the filter         20  1  bits of a signature number
//! 21 43  zero
//! 64     filter       32 bytes a block; of the entries for any size
//!        blocks       16 bytes each: see [`super::sizes`]
//!        sizes        the sizes that occur, and how many entries each has
//!        digests      whole
//!        signatures   packed
//! ```
//! First stand the entries for any size, behind them those of each size in the order of sizes; of one size,
//! in the order of their digest, then of their signature. Packed columns put number after number without
//! a gap, lowest bit first. What is read by eight bytes ends with [`SLACK`] zero bytes.

use super::{filter, sizes};
use crate::bytes::Reader;

/// Bytes of the header.
const HEADER: usize = 64;

/// Bytes of it that say something.
const FIELDS: usize = 21;

/// Bytes behind a packed column.
pub(super) const SLACK: usize = 8;

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Number of entries.
    pub(super) entries: u32,
    /// Number of entries for any size.
    pub(super) any_size: u32,
    /// Number of blocks of the filter.
    pub(super) filter_blocks: u32,
    /// Number of blocks of sizes.
    pub(super) size_blocks: u32,
    /// Bytes of the sizes.
    pub(super) sizes: u32,
    /// Bits of a signature's number.
    pub(super) signature_bits: u8,
}

/// The columns of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns<'a> {
    /// See [`super::filter`].
    pub(super) filter: &'a [u8],
    /// See [`super::sizes`].
    pub(super) size_blocks: &'a [u8],
    /// See [`super::sizes`].
    pub(super) sizes: &'a [u8],
    /// The digests.
    pub(super) digests: &'a [u8],
    /// Numbers of signatures.
    pub(super) signatures: &'a [u8],
}

impl Shape {
    /// Appends the header.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for field in [self.entries, self.any_size, self.filter_blocks, self.size_blocks, self.sizes] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.push(self.signature_bits);
        out.extend_from_slice(&[0; HEADER - FIELDS]);
    }

    /// The header and the columns of a section whose digests are `digest` bytes long; `None` when it is
    /// damaged.
    pub(super) fn read(section: &[u8], digest: usize) -> Option<(Self, Columns<'_>)> {
        let mut reader = Reader::new(section);
        let shape = Self {
            entries: reader.u32()?,
            any_size: reader.u32()?,
            filter_blocks: reader.u32()?,
            size_blocks: reader.u32()?,
            sizes: reader.u32()?,
            signature_bits: reader.u8().filter(|bits| *bits <= 32)?,
        };
        reader.bytes(HEADER - FIELDS)?;
        let count = |number: u32| usize::try_from(number).ok();
        let entries = count(shape.entries)?;
        let columns = Columns {
            filter: reader.bytes(count(shape.filter_blocks)?.checked_mul(filter::BLOCK)?)?,
            size_blocks: reader.bytes(count(shape.size_blocks)?.checked_mul(sizes::BLOCK)?)?,
            sizes: reader.bytes(count(shape.sizes)?)?,
            digests: reader.bytes(entries.checked_mul(digest)?)?,
            signatures: reader.bytes(packed_length(entries, shape.signature_bits)?.checked_add(SLACK)?)?,
        };
        (shape.any_size <= shape.entries).then_some((shape, columns))
    }
}

/// Bits that every number up to `highest` fits.
pub(super) fn bits_for(highest: u32) -> u8 {
    u8::try_from(highest.checked_ilog2().map_or(0, |log| log.saturating_add(1))).unwrap_or(32)
}

/// Bytes of so many packed numbers.
pub(super) fn packed_length(numbers: usize, bits: u8) -> Option<usize> {
    Some(numbers.checked_mul(bits.into())?.div_ceil(8))
}

/// Appends packed numbers that fit `bits`, up to a whole byte.
pub(super) fn pack(out: &mut Vec<u8>, bits: u8, numbers: impl Iterator<Item = u32>) {
    let (mut held, mut count) = (0_u64, 0_u32);
    for number in numbers {
        // Before this at most 7 bits are held, and a number has at most 32.
        held |= u64::from(number).wrapping_shl(count);
        count = count.saturating_add(bits.into());
        while count >= 8 {
            out.push(held.to_le_bytes()[0]);
            held >>= 8;
            count = count.saturating_sub(8);
        }
    }
    if count > 0 {
        out.push(held.to_le_bytes()[0]);
    }
}

/// The `index`-th of packed numbers, behind which eight bytes can be read.
pub(super) fn packed_at(column: &[u8], index: usize, bits: u8) -> Option<u32> {
    let place = index.checked_mul(bits.into())?;
    let raw = u64::from_le_bytes(*column.get(place / 8..)?.first_chunk()?);
    let mask = 1_u64.checked_shl(bits.into())?.checked_sub(1)?;
    let number = raw.checked_shr(u32::try_from(place % 8).ok()?)? & mask;
    u32::try_from(number).ok()
}
