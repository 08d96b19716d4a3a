//! The index in the image: for every class of files a filter, slots and records for each tier.
//!
//! ```text
//! section: count of shards u32, 0 u32, then a directory entry a shard: class u32, 0 u32, then offset
//!   u64 and length u64 of: filter, small filter, pairs, slots and records (long, medium, triple, short),
//!   probes, groups
//! ```
//! All offsets count from the start of the section.
//!
//! * The filter, for what is found by eight bytes, is a power of two of 32-bit words. A digest of the
//!   bytes chooses the word and two bits in it. The small filter is the same for four bytes.
//! * The pairs are one bit for each pair of folded bytes: what is found by two or three bytes.
//! * A slot is a `u32` digest of the run and the `u32` number of its first record plus one (0: the slot
//!   is free). Records of one run stand one behind the other; the last one says so.

use candor_model::Target;

use crate::content::anchor::Tier;
use crate::content::frequency::{WINDOW, fold};

/// Bytes of a directory entry.
pub(crate) const ENTRY: usize = 216;
/// Number of parts of a shard.
pub(crate) const PARTS: usize = 13;
/// Bytes of the section's own header.
pub(crate) const HEADER: usize = 8;
/// Bytes of a slot.
pub(crate) const SLOT: usize = 8;
/// Bytes of a record.
pub(crate) const RECORD: usize = 32;

/// Set in a record behind which the run has no further one.
pub(crate) const LAST: u8 = 1;
/// Set in a record whose probe has masks behind its values.
pub(crate) const MASKED: u8 = 2;
/// Set in a record that may only match at certain places.
pub(crate) const PLACED: u8 = 4;

/// The largest filter, in 32-bit words: 512 KiB, half of a usual second-level cache.
pub(crate) const MAX_FILTER_WORDS: usize = 1 << 17;
/// The smallest.
pub(crate) const MIN_FILTER_WORDS: usize = 1 << 8;

/// Number of the class whose shard a layer of `target` is searched with; every shard also holds
/// what is for any file.
pub(crate) const fn class(target: Target) -> u32 {
    target.number() as u32
}

/// Multipliers of the filter's digest: odd, with well-mixed bits.
pub(crate) const LOW_FACTOR: u32 = 0x9e37_79b1;
pub(crate) const HIGH_FACTOR: u32 = 0x85eb_ca77;
/// All bytes of a half, folded at once.
pub(crate) const FOLD_MASK: u32 = 0x2020_2020;

/// The digest of the four folded bytes at a position: it chooses the word, and the bits of what is
/// found by four bytes.
pub(crate) const fn low_digest(low: u32) -> u32 {
    let product = low.wrapping_mul(LOW_FACTOR);
    product ^ (product >> 15)
}

/// The digest that chooses the bits of what is found by eight bytes.
pub(crate) const fn long_digest(low_digest: u32, high: u32) -> u32 {
    let sum = low_digest.wrapping_add(high.wrapping_mul(HIGH_FACTOR));
    sum ^ (sum >> 15)
}

/// The two bits that a digest sets in its word.
pub(crate) const fn filter_bits(digest: u32) -> u32 {
    1 << (digest & 31) | 1 << ((digest >> 5) & 31)
}

/// Which word of a filter of `words` (a power of two, at most 2^22) a digest is about.
pub(crate) const fn filter_word(digest: u32, words: usize) -> usize {
    (digest >> 32_u32.saturating_sub(words.trailing_zeros())) as usize
}

/// The run at `bytes`, folded, as one number; short tiers leave the upper bytes zero.
pub(crate) fn run_number(bytes: &[u8], tier: Tier) -> Option<u64> {
    let taken = bytes.get(..tier.width())?;
    let mut number = [0; WINDOW];
    for (place, byte) in number.iter_mut().zip(taken) {
        *place = fold(*byte);
    }
    Some(u64::from_le_bytes(number))
}

/// The digest of a run in slots: its upper half addresses, its lower half is compared.
pub(crate) const fn slot_digest(run: u64) -> u64 {
    let mixed = run.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Where to start to look for a run among `slots` (a power of two).
pub(crate) fn slot_start(digest: u64, slots: usize) -> usize {
    usize::try_from(digest >> 32).unwrap_or(0) & slots.wrapping_sub(1)
}
