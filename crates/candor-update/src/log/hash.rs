//! A SHA-256 digest, and its two spellings: hexadecimal in the feed's metadata, Base 64 in the log.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::base64;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        hex(text)?.try_into().ok().map(Self)
    }

    /// Reads 44 characters of Base 64.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        base64::decode(text)?.try_into().ok().map(Self)
    }

    /// Writes 44 characters of Base 64.
    #[must_use]
    pub fn to_base64(self) -> String {
        base64::encode(&self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Reads lower-case hexadecimal digits. Upper case would be a second spelling of the same bytes.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |symbol: u8| match symbol {
        b'0'..=b'9' => symbol.checked_sub(b'0'),
        b'a'..=b'f' => symbol.checked_sub(b'a').and_then(|value| value.checked_add(10)),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
}
