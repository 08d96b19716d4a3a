//! Checks of blocks: one of four kinds for all of a volume.

use blake2::Digest as _;

use crate::crc::CASTAGNOLI;
use crate::hash::Hash;

/// The kind of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Crc32c,
    Xxhash64,
    Sha256,
    Blake2b,
    /// One that is not known, which is never wrong.
    Other,
}

impl Sum {
    pub(super) const fn new(kind: u16) -> Self {
        match kind {
            0 => Self::Crc32c,
            1 => Self::Xxhash64,
            2 => Self::Sha256,
            3 => Self::Blake2b,
            _ => Self::Other,
        }
    }

    /// Whether a block has the right check, which stands in its first 32 bytes.
    pub(super) fn fits(self, block: &[u8]) -> bool {
        let Some((check, content)) = block.split_at_checked(32) else { return false };
        match self {
            Self::Crc32c => check.starts_with(&CASTAGNOLI.of(&[content]).to_le_bytes()),
            Self::Xxhash64 => check.starts_with(&xxhash_rust::xxh64::xxh64(content, 0).to_le_bytes()),
            Self::Sha256 => check == Hash::Sha256.of(&[content]),
            Self::Blake2b => check == blake2::Blake2b256::digest(content).as_slice(),
            Self::Other => true,
        }
    }
}
