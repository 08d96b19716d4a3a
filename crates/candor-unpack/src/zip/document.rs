//! Members of documents of OpenDocument that are encrypted, each for itself, below its own deflate and outside of what ZIP knows
//! of encryption: the manifest has the salts (OpenDocument 1.2, part 3, 3.4 and 4.8).
//!
//! ```xml
//! <manifest:file-entry manifest:full-path="content.xml" manifest:size="567">
//!   <manifest:encryption-data manifest:checksum-type="…#sha256-1k" manifest:checksum="…">
//!     <manifest:algorithm manifest:algorithm-name="…#aes256-cbc" manifest:initialisation-vector="…"/>
//!     <manifest:key-derivation manifest:key-derivation-name="PBKDF2" manifest:iteration-count="1024" manifest:salt="…"/>
//!     <manifest:start-key-generation manifest:start-key-generation-name="…#sha256"/>
//! ```
//!
//! The checksum is of the first kibibyte of what is packed, and tells a right password. What offices write by default since
//! 2011 is opened, which is AES with 256 bits; Blowfish, which came before, and Argon2, which comes behind, are told.

use sha1::Sha1;

use crate::cipher;
use crate::hash::Hash;
use crate::transfer::base64;

/// What a manifest says of one encrypted member.
#[derive(Debug)]
pub(super) struct Secret {
    pub(super) name: Vec<u8>,
    pub(super) size: Option<u64>,
    cipher: Cipher,
}

#[derive(Debug)]
enum Cipher {
    /// The manifest does not say.
    Unsaid,
    Other(String),
    Aes(Aes),
}

/// What the key is made of, and by what it is known.
#[derive(Debug)]
pub(super) struct Aes {
    vector: Vec<u8>,
    salt: Vec<u8>,
    rounds: u32,
    start: Hash,
    sum: Hash,
    checksum: Vec<u8>,
}

/// Bytes that the checksum is of.
const SUMMED: usize = 1024;
/// What a round costs of those that are paid for keys: two blocks of a key, each two of a hash that is slower.
const ROUND: u64 = 6;
const KEY: usize = 32;

/// The encrypted members that a manifest tells of.
pub(super) fn secrets(manifest: &[u8]) -> impl Iterator<Item = Secret> {
    let starts = memchr::memmem::find_iter(manifest, b"file-entry");
    let ends = memchr::memmem::find_iter(manifest, b"file-entry").skip(1).chain([manifest.len()]);
    starts.zip(ends).filter_map(|(start, end)| secret(manifest.get(start..end)?))
}

fn secret(entry: &[u8]) -> Option<Secret> {
    memchr::memmem::find(entry, b"encryption-data")?;
    let name = text(attribute(entry, b"full-path=")?);
    let number = |name| str::from_utf8(attribute(entry, name)?).ok()?.trim().parse().ok();
    let size = number(b"size=");
    Some(Secret { name, size, cipher: cipher_of(entry) })
}

fn cipher_of(entry: &[u8]) -> Cipher {
    let Some(algorithm) = attribute(entry, b"algorithm-name=") else { return Cipher::Unsaid };
    let name = |named: &[u8]| {
        String::from_utf8_lossy(named.get(..named.len().min(80)).unwrap_or_default()).into_owned()
    };
    if !algorithm.ends_with(b"#aes256-cbc") {
        return Cipher::Other(name(algorithm));
    }
    match attribute(entry, b"key-derivation-name=") {
        Some(derivation) if !derivation.ends_with(b"PBKDF2") && !derivation.ends_with(b"#pbkdf2") => {
            return Cipher::Other(name(derivation));
        }
        _ => {}
    }
    let hash = |named: Option<&[u8]>| match named {
        Some(named) if named.ends_with(b"#sha256") || named.ends_with(b"#sha256-1k") => Hash::Sha256,
        _ => Hash::Sha1,
    };
    let rounds = attribute(entry, b"iteration-count=")
        .and_then(|count| str::from_utf8(count).ok()?.trim().parse().ok());
    let bytes = |name| attribute(entry, name).map(base64).unwrap_or_default();
    Cipher::Aes(Aes {
        vector: bytes(b"initialisation-vector="),
        salt: bytes(b"salt="),
        rounds: rounds.unwrap_or(1024),
        start: hash(attribute(entry, b"start-key-generation-name=")),
        sum: hash(attribute(entry, b"checksum-type=")),
        checksum: bytes(b"checksum="),
    })
}

/// The value of an attribute whose name ends so.
fn attribute<'a>(entry: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let place = memchr::memmem::find_iter(entry, name).find(|place| {
        let before = place.checked_sub(1).and_then(|before| entry.get(before));
        before.is_some_and(|byte| *byte == b':' || byte.is_ascii_whitespace())
    })?;
    let (quote, rest) = entry.get(place.checked_add(name.len())?..)?.split_first()?;
    rest.get(..memchr::memchr(*quote, rest).filter(|_| matches!(quote, b'"' | b'\''))?)
}

/// A value with the characters for which XML has names.
fn text(value: &[u8]) -> Vec<u8> {
    const NAMED: [(&[u8], u8); 5] =
        [(b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\'')];
    let mut text = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, behind)) = rest.split_first() {
        let named = NAMED.iter().find_map(|(name, byte)| Some((*byte, rest.strip_prefix(*name)?)));
        let (byte, behind) = named.unwrap_or((*first, behind));
        text.push(byte);
        rest = behind;
    }
    text
}

impl Secret {
    /// How it is opened; or what it would take, where that is not known how to.
    pub(super) fn cipher(&self) -> Result<&Aes, Option<&str>> {
        match &self.cipher {
            Cipher::Aes(aes) => Ok(aes),
            Cipher::Other(name) => Err(Some(name)),
            Cipher::Unsaid => Err(None),
        }
    }
}

impl Aes {
    /// What a key costs.
    pub(super) fn price(&self) -> u64 {
        u64::from(self.rounds).saturating_mul(ROUND)
    }

    /// The key that is made of a password.
    pub(super) fn key(&self, password: &[u8]) -> [u8; KEY] {
        let mut key = [0; KEY];
        pbkdf2::pbkdf2_hmac::<Sha1>(&self.start.of(&[password]), &self.salt, self.rounds.max(1), &mut key);
        key
    }

    /// Whether data under this key are what their checksum says.
    pub(super) fn holds(&self, data: &[u8], key: &[u8; KEY]) -> bool {
        let whole = data.len() <= SUMMED.saturating_add(16);
        let beginning = data.get(..SUMMED.saturating_add(16)).unwrap_or(data);
        let Some(plain) = cipher::aes_chained(key, &self.vector, beginning) else { return false };
        let plain = if whole { unpadded(&plain) } else { &plain };
        let summed = plain.get(..SUMMED).unwrap_or(plain);
        !self.checksum.is_empty() && self.sum.of(&[summed]) == self.checksum
    }

    /// The data under this key, without what fills up their last block.
    pub(super) fn decrypted(&self, data: &[u8], key: &[u8; KEY]) -> Option<Vec<u8>> {
        let mut plain = cipher::aes_chained(key, &self.vector, data)?;
        plain.truncate(unpadded(&plain).len());
        Some(plain)
    }
}

/// Data without what fills up their last block, whose last byte says how much that is.
fn unpadded(plain: &[u8]) -> &[u8] {
    let count = plain.last().map_or(0, |last| usize::from(*last));
    let end = plain.len().checked_sub(count).filter(|_| (1..=16).contains(&count));
    end.and_then(|end| plain.get(..end)).unwrap_or(plain)
}
