//! Digests that signatures are written in.

use std::fmt;

/// A digest algorithm that a hash signature may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestKind {
    /// MD5, RFC 1321.
    Md5,
    /// SHA-1, FIPS 180-4.
    Sha1,
    /// SHA-256, FIPS 180-4.
    Sha256,
}

impl DigestKind {
    /// Every kind, shortest first.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha1, Self::Sha256];

    /// Length of the digest in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The kind whose digest is `bytes` long, as ClamAV tells them apart.
    #[must_use]
    pub const fn from_length(bytes: usize) -> Option<Self> {
        match bytes {
            16 => Some(Self::Md5),
            20 => Some(Self::Sha1),
            32 => Some(Self::Sha256),
            _ => None,
        }
    }

    /// The usual name, as in `SHA-256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
        }
    }
}

/// A digest together with its kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    kind: DigestKind,
    bytes: [u8; 32],
}

impl Digest {
    /// The digest in `bytes`, or `None` when no kind has that length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let kind = DigestKind::from_length(bytes.len())?;
        let mut held = [0; 32];
        held.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { kind, bytes: held })
    }

    /// Which algorithm made it.
    #[must_use]
    pub const fn kind(&self) -> DigestKind {
        self.kind
    }

    /// Its bytes, as many as [`DigestKind::length`] says.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.kind.length()).unwrap_or(&self.bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.kind.name())
    }
}

/// A set of digest kinds: which ones are worth computing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DigestSet(u8);

impl DigestSet {
    /// No kind.
    pub const EMPTY: Self = Self(0);
    /// Every kind.
    pub const ALL: Self = Self(0b111);

    /// This set and `kind`.
    #[must_use]
    pub const fn with(self, kind: DigestKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn contains(self, kind: DigestKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
