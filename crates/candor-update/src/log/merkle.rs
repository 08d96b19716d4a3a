//! The Merkle tree of RFC 6962, section 2.1: hashes, proofs, and how they are verified (RFC 9162, 2.1.3 and 2.1.4).

use sha2::{Digest as _, Sha256};

use super::hash::Hash;

/// Hashes of the longest proof there can be: a tree of 2^63 leaves.
pub const LONGEST_PROOF: usize = 63;

/// The hash of an entry.
#[must_use]
pub fn leaf(entry: &[u8]) -> Hash {
    Hash(Sha256::new_with_prefix([0]).chain_update(entry).finalize().into())
}

/// The hash of two subtrees.
#[must_use]
pub fn node(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new_with_prefix([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root of a tree without leaves.
#[must_use]
pub fn empty() -> Hash {
    Hash::of(&[])
}

/// Whether `proof` shows that `leaf` is the one at `index` in the tree of this size and root.
#[must_use]
pub fn includes(size: u64, root: Hash, index: u64, leaf: Hash, proof: &[Hash]) -> bool {
    climb(size, index, leaf, proof) == Some(root)
}

fn climb(size: u64, index: u64, leaf: Hash, proof: &[Hash]) -> Option<Hash> {
    let mut last = size.checked_sub(1)?;
    let mut place = index;
    if place > last {
        return None;
    }
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node(*sibling, hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(hash, *sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Whether `proof` shows that the tree of size `old` is the beginning of the one of size `new`.
#[must_use]
pub fn extends(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == 0 {
        return proof.is_empty() && old_root == empty();
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    rebuild(old_size, old_root, new_size, proof) == Some((old_root, new_root))
}

/// The two roots that follow from a proof.
fn rebuild(old_size: u64, old_root: Hash, new_size: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    if old_size > new_size {
        return None;
    }
    let mut place = old_size.checked_sub(1)?;
    let mut last = new_size.checked_sub(1)?;
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    // Where the old tree is one complete subtree, the proof need not repeat its root.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().map(|(first, rest)| (*first, rest))?
    };
    let (mut old, mut new) = (first, first);
    for hash in rest {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            old = node(*hash, old);
            new = node(*hash, new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new = node(new, *hash);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old, new))
}

/// Where hashes of complete subtrees come from.
pub trait Subtrees {
    /// What can go wrong.
    type Error;

    /// The root of the leaves `index << level .. (index + 1) << level`.
    ///
    /// # Errors
    /// It cannot be had.
    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root over the leaves from `start` to `end`.
///
/// # Errors
/// A subtree cannot be had.
pub fn root<S: Subtrees>(subtrees: &mut S, start: u64, end: u64) -> Result<Hash, S::Error> {
    let length = end.saturating_sub(start);
    if length == 0 {
        return Ok(empty());
    }
    if length.is_power_of_two() && start.is_multiple_of(length) {
        let level = length.trailing_zeros();
        return subtrees.subtree(level, start >> level);
    }
    let middle = start.saturating_add(split(length));
    Ok(node(root(subtrees, start, middle)?, root(subtrees, middle, end)?))
}

/// The proof that the leaf at `index` is in the tree of this size, from the leaf upwards.
///
/// # Errors
/// A subtree cannot be had.
pub fn prove_inclusion<S: Subtrees>(subtrees: &mut S, index: u64, size: u64) -> Result<Vec<Hash>, S::Error> {
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end.saturating_sub(start) > 1 {
        let middle = start.saturating_add(split(end.saturating_sub(start)));
        if index < middle {
            proof.push(root(subtrees, middle, end)?);
            end = middle;
        } else {
            proof.push(root(subtrees, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of size `old` is the beginning of the one of size `new`.
///
/// # Errors
/// A subtree cannot be had.
pub fn prove_consistency<S: Subtrees>(subtrees: &mut S, old: u64, new: u64) -> Result<Vec<Hash>, S::Error> {
    let mut proof = Vec::new();
    if old == 0 || old >= new {
        return Ok(proof);
    }
    let (mut start, mut end, mut known) = (0_u64, new, true);
    while old < end {
        let middle = start.saturating_add(split(end.saturating_sub(start)));
        if old <= middle {
            proof.push(root(subtrees, middle, end)?);
            end = middle;
        } else {
            proof.push(root(subtrees, start, middle)?);
            start = middle;
            known = false;
        }
    }
    if !known {
        proof.push(root(subtrees, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The largest power of two below a length of two or more.
const fn split(length: u64) -> u64 {
    length.div_ceil(2).next_power_of_two()
}
