//! Signatures by certificates, in a file beside the one that is signed: `daily-27000.cvd.sign`.
//!
//! ```text
//! #clamsign-1.0
//! minFL:maxFL:pkcs7-pem:base64
//! ```
//!
//! Each line behind the first is signed data of CMS (RFC 5652) that does not hold what it signs. One that is good, by
//! somebody whom a trusted certificate vouches for, is enough. RSA with SHA-256 and its larger kin are known.
//!
//! Who is trusted stands in a folder of the administrator's (`CVDCertsDirectory`).

mod certificate;
mod der;
#[cfg(test)]
pub(super) mod tests;
mod text;

pub use certificate::Certificate;

use certificate::{Kind, identifier, several};
use der::{FIRST, IDENTIFIER, INTEGER, OCTETS, SEQUENCE, SET, only};

/// The most bytes of a file of signatures.
pub const MOST_SIGNATURES: u64 = 256 << 10;
/// The most signatures that are looked at.
const MOST_LINES: usize = 16;
/// How many certificates may stand between the one that signed and one that is trusted.
const DEEPEST: usize = 3;

/// `signedData`, and the attribute `messageDigest`.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];

/// Why a file of signatures does not vouch for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// It is none.
    #[error("not a file of signatures: it does not begin with #clamsign-1.0")]
    Head,
    /// There is none in it that is for this engine.
    #[error("there is no signature in it for this engine")]
    None,
    /// None of them is valid.
    #[error("the signature is not valid, or by nobody who is trusted")]
    Invalid,
}

/// Verifies `bytes` by a file of signatures. `level` is the functionality level of this engine, `now` the time in
/// seconds since 1970.
///
/// # Errors
/// Nobody who is trusted signed these bytes.
pub fn verify(
    signatures: &[u8],
    bytes: &[u8],
    trusted: &[Certificate],
    level: u64,
    now: u64,
) -> Result<(), SignError> {
    let text = std::str::from_utf8(signatures).map_err(|_| SignError::Head)?;
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some("#clamsign-1.0") {
        return Err(SignError::Head);
    }
    let mut seen = false;
    for line in lines.filter(|line| !line.starts_with('#')).take(MOST_LINES) {
        let mut fields = line.trim_end().splitn(4, ':');
        let (Some(least), Some(most), Some("pkcs7-pem"), Some(digits)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let bound = |text: &str, usual: u64| if text.is_empty() { Some(usual) } else { text.parse().ok() };
        let (Some(least), Some(most)) = (bound(least, 0), bound(most, u64::MAX)) else { continue };
        if !(least..=most).contains(&level) {
            continue;
        }
        seen = true;
        if let Some(der) = text::base64(digits).and_then(unarmoured)
            && signed(&der, bytes, trusted, now) == Some(true)
        {
            return Ok(());
        }
    }
    Err(if seen { SignError::Invalid } else { SignError::None })
}

/// What the digits hold may be PEM once more.
fn unarmoured(bytes: Vec<u8>) -> Option<Vec<u8>> {
    if bytes.first() == Some(&SEQUENCE) {
        return Some(bytes);
    }
    let text = String::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (_, rest) = rest.split_once("-----")?;
    text::base64(rest.split("-----END ").next()?)
}

/// Whether signed data vouches for bytes; `None` when it is none.
fn signed(der: &[u8], bytes: &[u8], trusted: &[Certificate], now: u64) -> Option<bool> {
    let mut outer = only(der, SEQUENCE)?.values();
    if outer.expect(IDENTIFIER)?.content != SIGNED_DATA {
        return None;
    }
    let mut data = outer.expect(FIRST)?.values().expect(SEQUENCE)?.values();
    data.expect(INTEGER)?;
    data.expect(SET)?;
    // It must not hold what it signs: that would be something else than the file.
    let mut content = data.expect(SEQUENCE)?.values();
    content.expect(IDENTIFIER)?;
    if !content.is_empty() {
        return None;
    }
    let brought = data.optional(FIRST).map(|value| several(value.values())).unwrap_or_default();
    data.optional(FIRST.checked_add(1)?);
    let mut signers = data.expect(SET)?.values();
    for _ in 0..MOST_LINES {
        let Some(signer) = signers.next() else { break };
        if one_signer(signer, bytes, &brought, trusted, now) == Some(true) {
            return Some(true);
        }
    }
    Some(false)
}

fn one_signer(
    signer: der::Value<'_>,
    bytes: &[u8],
    brought: &[Certificate],
    trusted: &[Certificate],
    now: u64,
) -> Option<bool> {
    let mut fields = signer.values();
    fields.expect(INTEGER)?;
    let mut who = fields.expect(SEQUENCE)?.values();
    let (issuer, serial) = (who.expect(SEQUENCE)?.whole, who.expect(INTEGER)?.content);
    let kind = Kind::of(identifier(fields.expect(SEQUENCE)?)?)?;
    let attributes = fields.optional(FIRST);
    fields.expect(SEQUENCE)?;
    let signature = fields.expect(OCTETS)?.content;
    let digest = match attributes {
        None => kind.digest(bytes),
        Some(attributes) => {
            if message_digest(attributes)? != kind.digest(bytes) {
                return Some(false);
            }
            // They are signed as the set that they are, not under the tag that they have here.
            let mut set = attributes.whole.to_vec();
            *set.first_mut()? = SET;
            kind.digest(&set)
        }
    };
    let mut all = brought.iter().chain(trusted);
    let certificate = all.find(|one| one.issuer == issuer && one.serial == serial)?;
    Some(certificate.verify(kind, &digest, signature) && is_trusted(certificate, brought, trusted, now))
}

/// The digest that attributes name; there must be one.
fn message_digest(attributes: der::Value<'_>) -> Option<&[u8]> {
    let mut values = attributes.values();
    let mut found = None;
    while let Some(attribute) = values.next() {
        let mut parts = attribute.values();
        if parts.expect(IDENTIFIER)?.content == MESSAGE_DIGEST {
            if found.is_some() {
                return None;
            }
            let mut set = parts.expect(SET)?.values();
            found = Some(set.expect(OCTETS)?.content);
        }
    }
    found
}

/// Whether a chain of certificates of this time leads to one that is trusted.
fn is_trusted(certificate: &Certificate, brought: &[Certificate], trusted: &[Certificate], now: u64) -> bool {
    let mut current = certificate;
    for _ in 0..=DEEPEST {
        if !current.is_of(now) {
            return false;
        }
        if trusted.contains(current) {
            return true;
        }
        if trusted.iter().any(|one| one.is_of(now) && one.vouches_for(current)) {
            return true;
        }
        let Some(next) = brought.iter().find(|one| *one != current && one.vouches_for(current)) else {
            return false;
        };
        current = next;
    }
    false
}
