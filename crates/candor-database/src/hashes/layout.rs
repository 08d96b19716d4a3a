//! How a table stands in its section: a header, and columns one behind another.
//!
//! ```text
//!  0  4  entries                      8  4  blocks of the filter
//!  4  1  bits of the directory       12  4  sizes below 4 GiB
//!  5  1  bits of a signature number  16  4  larger sizes
//!  6  1  bits of a size's number     20 44  zero
//!  7  1  1 when some entry is for any size
//! 64     filter       32 bytes a block
//!        directory    4 bytes for each beginning, and one more: where its entries start
//!        rests        the digest without the whole bytes that the directory tells
//!        signatures   packed
//!        sizes        packed: 0 for any, else 1 + place in the two lists behind
//!        small sizes  4 bytes each, ascending
//!        large sizes  8 bytes each, ascending
//! ```
//! Entries are in the order of their digest, then of their signature. Packed columns put number after
//! number without a gap, lowest bit first, and end with [`SLACK`] zero bytes so that eight bytes can be
//! read anywhere.

use super::filter;
use crate::bytes::Reader;

/// Bytes of the header.
const HEADER: usize = 64;

/// Bytes of it that say something.
const FIELDS: usize = 20;

/// Bytes behind a packed column.
const SLACK: usize = 8;

/// The most bits a directory is indexed by.
const DIRECTORY_BITS: u8 = 24;

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Number of entries.
    pub(super) entries: u32,
    /// How many bits of a digest the directory is indexed by.
    pub(super) directory_bits: u8,
    /// Bits of a signature's number.
    pub(super) signature_bits: u8,
    /// Bits of a size's number.
    pub(super) size_bits: u8,
    /// Whether some entry is for any size.
    pub(super) any_size: bool,
    /// Number of blocks of the filter.
    pub(super) filter_blocks: u32,
    /// Number of sizes that fit four bytes.
    pub(super) small_sizes: u32,
    /// Number of sizes that do not.
    pub(super) large_sizes: u32,
}

/// The columns of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns<'a> {
    /// See [`super::filter`].
    pub(super) filter: &'a [u8],
    /// Where the entries of each beginning start.
    pub(super) directory: &'a [u8],
    /// What is left of the digests.
    pub(super) rests: &'a [u8],
    /// Numbers of signatures.
    pub(super) signatures: &'a [u8],
    /// Numbers of sizes.
    pub(super) sizes: &'a [u8],
    /// Sizes below 4 GiB.
    pub(super) small_sizes: &'a [u8],
    /// Larger sizes.
    pub(super) large_sizes: &'a [u8],
}

impl Shape {
    /// Appends the header.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&[
            self.directory_bits,
            self.signature_bits,
            self.size_bits,
            self.any_size.into(),
        ]);
        out.extend_from_slice(&self.filter_blocks.to_le_bytes());
        out.extend_from_slice(&self.small_sizes.to_le_bytes());
        out.extend_from_slice(&self.large_sizes.to_le_bytes());
        out.extend_from_slice(&[0; HEADER - FIELDS]);
    }

    /// The header and the columns of a section whose digests are `digest` bytes long; `None` when it is
    /// damaged.
    pub(super) fn read(section: &[u8], digest: usize) -> Option<(Self, Columns<'_>)> {
        let mut reader = Reader::new(section);
        let shape = Self {
            entries: reader.u32()?,
            directory_bits: reader.u8().filter(|bits| *bits <= DIRECTORY_BITS)?,
            signature_bits: reader.u8().filter(|bits| *bits <= 32)?,
            size_bits: reader.u8().filter(|bits| *bits <= 32)?,
            any_size: reader.u8()? != 0,
            filter_blocks: reader.u32()?,
            small_sizes: reader.u32()?,
            large_sizes: reader.u32()?,
        };
        reader.bytes(HEADER - FIELDS)?;
        let count = |number: u32| usize::try_from(number).ok();
        let entries = count(shape.entries)?;
        let beginnings = 1_usize.checked_shl(shape.directory_bits.into())?.checked_add(1)?;
        let columns = Columns {
            filter: reader.bytes(count(shape.filter_blocks)?.checked_mul(filter::BLOCK)?)?,
            directory: reader.bytes(beginnings.checked_mul(4)?)?,
            rests: reader.bytes(entries.checked_mul(shape.rest(digest))?)?,
            signatures: reader.bytes(packed_length(entries, shape.signature_bits)?)?,
            sizes: reader.bytes(packed_length(entries, shape.size_bits)?)?,
            small_sizes: reader.bytes(count(shape.small_sizes)?.checked_mul(4)?)?,
            large_sizes: reader.bytes(count(shape.large_sizes)?.checked_mul(8)?)?,
        };
        Some((shape, columns))
    }

    /// How many whole bytes of a digest the directory tells.
    pub(super) fn told(&self) -> usize {
        usize::from(self.directory_bits / 8)
    }

    /// How many bytes are left of a digest of `digest` bytes.
    pub(super) fn rest(&self, digest: usize) -> usize {
        digest.saturating_sub(self.told())
    }

    /// What the directory is indexed by.
    pub(super) fn beginning(&self, digest: &[u8]) -> Option<usize> {
        let first = u32::from_be_bytes(*digest.first_chunk()?);
        // No bits: the shift is as wide as the number, and the directory has one line.
        let unused = 32_u32.checked_sub(self.directory_bits.into())?;
        usize::try_from(first.checked_shr(unused).unwrap_or(0)).ok()
    }
}

/// Bits of a directory for so many entries: 8 to 16 entries share a beginning. Fewer cost more memory than
/// they save time.
pub(super) fn directory_bits(entries: usize) -> u8 {
    let bits = entries.checked_ilog2().unwrap_or(0).saturating_sub(3).min(DIRECTORY_BITS.into());
    u8::try_from(bits).unwrap_or(DIRECTORY_BITS)
}

/// Bits that every number up to `highest` fits.
pub(super) fn bits_for(highest: u32) -> u8 {
    u8::try_from(highest.checked_ilog2().map_or(0, |log| log.saturating_add(1))).unwrap_or(32)
}

/// Bytes of a packed column.
fn packed_length(entries: usize, bits: u8) -> Option<usize> {
    entries.checked_mul(bits.into())?.div_ceil(8).checked_add(SLACK)
}

/// Appends a packed column of numbers that fit `bits`.
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
    out.extend_from_slice(&[0; SLACK]);
}

/// The `index`-th number of a packed column.
pub(super) fn packed_at(column: &[u8], index: usize, bits: u8) -> Option<u32> {
    let place = index.checked_mul(bits.into())?;
    let raw = u64::from_le_bytes(*column.get(place / 8..)?.first_chunk()?);
    let mask = 1_u64.checked_shl(bits.into())?.checked_sub(1)?;
    let number = raw.checked_shr(u32::try_from(place % 8).ok()?)? & mask;
    u32::try_from(number).ok()
}
