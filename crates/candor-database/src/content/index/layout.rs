//! The index in the image: what is common to all classes of files, and for every class filters, slots
//! and entries for each tier.
//!
//! ```text
//! section: count of shards u32, 0 u32, then offset u64 and length u64 of: anchors, probes, groups, needs;
//!   then a directory entry a shard: class u32, 0 u32, then offset u64 and length u64 of: filter, small
//!   filter, pairs, nibbles, spots, then slots and entries (long, medium, triple, short, placed)
//! ```
//! All offsets count from the start of the section.
//!
//! * The filter, for what is found by eight bytes, is one of a few powers of two of 32-bit words. A digest of the
//!   bytes chooses the word and three bits in it. The small filter is the same for four bytes, with two bits.
//! * The pairs are 4,096 words, for what is found by two or three bytes: the first two choose the
//!   word, the third a bit of it. Where runs are few there are nibbles too, a coarser and faster test for
//!   the same ([`super::nibbles`]); where they are some hundreds, groups stand in their place ([`super::groups`]).
//! * The spots are the places that patterns are pinned to, with the length of the runs found there.
//! * A slot is a `u32` digest of the run and the `u32` number of its first entry plus one (0: the slot
//!   is free). Entries of one run stand one behind the other; the last one says so.
//! * An entry names an anchor, and where in its surroundings the run stands. Behind it, for runs of two to four bytes,
//!   are two bytes that must stand in the surroundings ([`super::check`]).
//! * The needs of a signature that is found by several clauses, or by several sub-signatures: how many thresholds, then
//!   for each a word of clauses and how many of them must be seen; then two words of the sub-signatures that have no
//!   hit where nothing of theirs was met. Signatures with the same needs share them.

use candor_model::Target;

use crate::content::anchor::Tier;
use crate::content::frequency::{FOLD_WINDOW, WINDOW};

/// Parts that all shards share.
pub(crate) const SHARED: usize = 4;
/// Bytes of the section's own header.
pub(crate) const HEADER: usize = 8 + SHARED * 16;
/// Number of parts of a shard.
pub(crate) const PARTS: usize = 15;
/// Bytes of a directory entry.
pub(crate) const SHARD: usize = 8 + PARTS * 16;
/// Bytes of a slot.
pub(crate) const SLOT: usize = 8;
/// Bytes of an entry of a table: [`pack_entry`] says of what. Short runs have tests behind it.
pub(crate) const fn entry_width(table: usize) -> usize {
    if is_checked(table) { 8 } else { 4 }
}

/// Whether entries of a table have tests: those of runs that are so short that most of them are in vain.
pub(crate) const fn is_checked(table: usize) -> bool {
    table != table_number(Tier::Long) && table != PLACED_TABLE
}
/// Bytes of an anchor: signature, probe `u32` each; length of the probe, flags `u16` each; first and
/// last place, group plus one, needs plus one, number of the clause and of the sub-signature ([`pack_clause`]) `u32` each.
pub(crate) const ANCHOR: usize = 32;

/// Set in an anchor whose probe has masks behind its values.
pub(crate) const MASKED: u32 = 1;
/// Set in an anchor that may only match at certain places.
pub(crate) const PLACED: u32 = 2;

/// The sizes that a filter may have: this power of two of 32-bit words. They are few, so that a search
/// has a form for each. The largest is 1 MiB, a usual second-level cache.
pub(crate) const FILTER_POWERS: [u32; 9] = [10, 11, 12, 13, 14, 15, 16, 17, 18];
/// Places that patterns of a class may be pinned to, while there are no more: each is a look-up in every layer.
pub(crate) const ADMITTED_SPOTS: usize = 32;
/// Places that a shard may have at all. A signature gets its anchors at once, so the one that comes last may be
/// pinned to as many more as it has sub-signatures.
pub(crate) const MAX_SPOTS: usize = 1024;

/// An entry: the lowest bit says that the run has no further one, six bits where the run stands in the
/// surroundings, the rest is the number of the anchor. `None` where that is not enough.
pub(crate) fn pack_entry(anchor: u32, at: u16, is_last: bool) -> Option<u32> {
    let fits = anchor < 1 << 25 && at < 1 << 6;
    fits.then(|| anchor << 7 | u32::from(at) << 1 | u32::from(is_last))
}

/// Anchor, place and whether it is the last one, of an entry.
pub(crate) const fn unpack_entry(entry: u32) -> (u32, usize, bool) {
    (entry >> 7, (entry >> 1 & 63) as usize, entry & 1 == 1)
}

/// The number of a clause, and the number of the sub-signature plus one that has no hit where nothing of its own in
/// the clause is met (0: there is none).
pub(crate) fn pack_clause(clause: u32, sub: Option<u32>) -> u32 {
    let sub = sub.filter(|sub| sub_bit(*sub) != 0).map_or(0, |sub| sub.saturating_add(1));
    clause | sub << 8
}

/// The bits of a clause and of a sub-signature, as [`pack_clause`] packed them.
pub(crate) fn unpack_clause(packed: u32) -> (u32, u64) {
    let clause = 1_u32.checked_shl(packed & 0xff).unwrap_or(0);
    (clause, (packed >> 8).checked_sub(1).map_or(0, sub_bit))
}

/// The bit of a sub-signature; there are at most 64.
pub(crate) fn sub_bit(sub: u32) -> u64 {
    1_u64.checked_shl(sub).unwrap_or(0)
}

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

/// The three bits of what is found by eight bytes.
pub(crate) const fn long_bits(digest: u32) -> u32 {
    filter_bits(digest) | 1 << ((digest >> 10) & 31)
}

/// Which word of a filter of `words` (a power of two, at most 2^22) a digest is about.
pub(crate) const fn filter_word(digest: u32, words: usize) -> usize {
    (digest >> 32_u32.saturating_sub(words.trailing_zeros())) as usize
}

/// Words of the test for runs of two and three bytes: half of a usual first-level cache.
pub(crate) const PAIR_WORDS: usize = 1 << 12;
/// Leaves as many bits of a product as number one of them.
pub(crate) const PAIR_SHIFT: u32 = 20;
/// Runs of two and three bytes that nibbles are laid out for at most.
pub(crate) const MAX_NIBBLE_RUNS: usize = 64;

/// Which word of the pairs two folded bytes are about.
pub(crate) const fn pair_word(pair: u32) -> usize {
    (pair.wrapping_mul(LOW_FACTOR) >> PAIR_SHIFT) as usize
}

/// The bit that a folded third byte has in its word.
pub(crate) const fn third_bit(third: u32) -> u32 {
    1 << ((third ^ (third >> 5)) & 31)
}

/// The run at `bytes`, folded, as one number; short tiers leave the upper bytes zero.
#[inline]
pub(crate) fn run_number(bytes: &[u8], tier: Tier) -> Option<u64> {
    let width = tier.width();
    // Nearly always there is more: then it is one load.
    let number = match bytes.first_chunk::<WINDOW>() {
        Some(taken) => u64::from_le_bytes(*taken),
        None => {
            let mut number = [0; WINDOW];
            number.get_mut(..width)?.copy_from_slice(bytes.get(..width)?);
            u64::from_le_bytes(number)
        }
    };
    let kept = u64::MAX >> 64_u32.saturating_sub(8_u32.saturating_mul(u32::try_from(width).ok()?)).min(63);
    Some((number | FOLD_WINDOW) & kept)
}

/// The digest of a run in slots: its upper half addresses, its lower half is compared.
pub(crate) const fn slot_digest(run: u64) -> u64 {
    let mixed = run.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The key of a run that is looked for at the spot with this number only.
pub(crate) const fn placed_key(run: u64, spot: usize) -> u64 {
    run ^ slot_digest((spot as u64).wrapping_add(1))
}

/// Where to start to look for a run among `slots`.
pub(crate) fn slot_start(digest: u64, slots: usize) -> usize {
    let scaled = u128::from(digest).wrapping_mul(slots as u128) >> 64;
    usize::try_from(scaled).unwrap_or(0)
}

/// Number of a tier's table in a shard.
pub(crate) const fn table_number(tier: Tier) -> usize {
    match tier {
        Tier::Long => 0,
        Tier::Medium => 1,
        Tier::Triple => 2,
        Tier::Short => 3,
    }
}
/// Number of the table of what is looked for at one place only.
pub(crate) const PLACED_TABLE: usize = 4;
/// Number of tables of a shard.
pub(crate) const TABLES: usize = 5;
