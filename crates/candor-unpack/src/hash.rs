//! The digests that formats name: for keys that are made from passwords, and in signatures; and how they are written.

use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// A digest. How a format names it stands with the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The digest of these parts, one after another.
    pub(crate) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        fn digest<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut hash = D::new();
            parts.iter().for_each(|part| hash.update(part));
            hash.finalize().to_vec()
        }
        match self {
            Self::Md5 => digest::<Md5>(parts),
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }

    /// A password hashed `rounds` times more, each time behind the number of the round, as documents of offices do.
    pub(crate) fn repeated(self, salt: &[u8], password: &[u8], rounds: u32) -> Vec<u8> {
        fn repeated<D: sha2::Digest>(salt: &[u8], password: &[u8], rounds: u32) -> Vec<u8> {
            let mut hash = D::new().chain_update(salt).chain_update(password).finalize();
            for round in 0..rounds {
                hash = D::new().chain_update(round.to_le_bytes()).chain_update(&hash).finalize();
            }
            hash.to_vec()
        }
        match self {
            Self::Md5 => repeated::<Md5>(salt, password, rounds),
            Self::Sha1 => repeated::<Sha1>(salt, password, rounds),
            Self::Sha256 => repeated::<Sha256>(salt, password, rounds),
            Self::Sha384 => repeated::<Sha384>(salt, password, rounds),
            Self::Sha512 => repeated::<Sha512>(salt, password, rounds),
        }
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}
