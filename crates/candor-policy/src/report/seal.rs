//! Reports that cannot be changed unseen: a chain of entries, each with the digest of the one before, signed with
//! Ed25519 when there is a key.
//!
//! A chain is a text file with one entry a line. A report that was left out, changed or put in later breaks it: whoever
//! keeps the digest of the last line can prove what was reported when.

use std::io::BufRead;

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Report;
use crate::policy::hexadecimal;

/// The longest line of a chain.
const LONGEST: usize = 1 << 16;

/// One report of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 0.
    pub number: u64,
    /// SHA-256 of the line before; zeros for the first.
    pub previous: String,
    /// SHA-256 of the report, as it was written.
    pub report: String,
    /// When it was made.
    pub generated: String,
    /// The date that it is about.
    pub as_of: String,
    /// SHA-256 of the policy.
    pub policy: String,
    /// Sure findings.
    pub found: u64,
    /// Nothing was found.
    pub nil_return: bool,
}

/// A line: an entry and who signed it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    entry: Entry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

/// What a chain that holds says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Its entries.
    pub entries: Vec<Entry>,
    /// SHA-256 of the line of each: one that was kept elsewhere stands among them.
    pub digests: Vec<String>,
    /// SHA-256 of the last line: what to keep elsewhere.
    pub last: String,
    /// Entries that were signed with the key that was given.
    pub signed: u64,
}

/// Why a chain does not hold, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A line is not as it was written.
    #[error("entry {number} does not hold: {reason}")]
    Broken {
        /// Which.
        number: u64,
        /// Why.
        reason: &'static str,
    },
    /// The chain cannot be read.
    #[error("the chain cannot be read")]
    Unreadable(#[from] std::io::Error),
    /// No key.
    #[error("not a key for Ed25519 in PEM (PKCS #8): {0}")]
    Key(String),
    /// The clock or a counter made no sense.
    #[error("the entry cannot be written")]
    Unwritable,
}

/// What the first line follows.
fn nothing() -> String {
    "0".repeat(64)
}

/// A key to sign with, in PEM as `openssl genpkey -algorithm ed25519` writes it.
///
/// # Errors
/// It is none.
pub fn signing_key(pem: &str) -> Result<SigningKey, SealError> {
    SigningKey::from_pkcs8_pem(pem).map_err(|error| SealError::Key(error.to_string()))
}

/// A key to verify with, in PEM as `openssl pkey -pubout` writes it.
///
/// # Errors
/// It is none.
pub fn verifying_key(pem: &str) -> Result<VerifyingKey, SealError> {
    VerifyingKey::from_public_key_pem(pem).map_err(|error| SealError::Key(error.to_string()))
}

/// SHA-256 of a report, as it was written.
#[must_use]
pub fn digest(rendered: &str) -> String {
    hexadecimal(&Sha256::digest(rendered))
}

/// The line that continues a chain with a report; it ends with a line break.
///
/// # Errors
/// It cannot be written as JSON.
pub fn seal(
    chain: &Chain,
    report: &Report,
    rendered: &str,
    key: Option<&SigningKey>,
) -> Result<String, SealError> {
    let entry = Entry {
        number: u64::try_from(chain.entries.len()).map_err(|_| SealError::Unwritable)?,
        previous: if chain.entries.is_empty() { nothing() } else { chain.last.clone() },
        report: digest(rendered),
        generated: report.generated.clone(),
        as_of: report.as_of.to_string(),
        policy: report.policy.sha256.clone(),
        found: report.summary.found,
        nil_return: report.summary.nil_return,
    };
    let bytes = serde_json::to_vec(&entry).map_err(|_| SealError::Unwritable)?;
    let signature = key.map(|key| hexadecimal(&key.sign(&bytes).to_bytes()));
    let key = key.map(|key| hexadecimal(key.verifying_key().as_bytes()));
    let mut line =
        serde_json::to_string(&Line { entry, key, signature }).map_err(|_| SealError::Unwritable)?;
    line.push('\n');
    Ok(line)
}

/// Reads a chain, and makes sure that it holds: numbers, digests, and with a key the signature of every entry.
///
/// # Errors
/// It does not hold, from the first entry on that does not.
pub fn verify(chain: impl BufRead, key: Option<&VerifyingKey>) -> Result<Chain, SealError> {
    let mut held = Chain { last: nothing(), ..Chain::default() };
    let mut reader = chain.take(u64::MAX);
    loop {
        let number = u64::try_from(held.entries.len()).unwrap_or(u64::MAX);
        let broken = |reason| SealError::Broken { number, reason };
        let mut text = String::new();
        let read = std::io::Read::take(&mut reader, LONGEST as u64).read_line(&mut text)?;
        if read == 0 {
            return Ok(held);
        }
        let Some(text) = text.strip_suffix('\n') else {
            return Err(broken("its line is not whole"));
        };
        let line: Line = serde_json::from_str(text).map_err(|_| broken("it is no entry"))?;
        // What was signed is made of the entry again, so it must have been written as it is made.
        if serde_json::to_string(&line).ok().as_deref() != Some(text) {
            return Err(broken("it is not written as it was made"));
        }
        if line.entry.number != number {
            return Err(broken("its number does not follow"));
        }
        if line.entry.previous != held.last {
            return Err(broken("it does not follow the entry before"));
        }
        if let Some(key) = key {
            let signature =
                line.signature.as_deref().and_then(bytes::<64>).ok_or(broken("it is not signed"))?;
            let signed = serde_json::to_vec(&line.entry).map_err(|_| broken("it is no entry"))?;
            key.verify_strict(&signed, &Signature::from_bytes(&signature))
                .map_err(|_| broken("its signature is not of that key"))?;
            held.signed = held.signed.saturating_add(1);
        }
        held.last = hexadecimal(&Sha256::digest(text));
        held.digests.push(held.last.clone());
        held.entries.push(line.entry);
    }
}

/// Bytes of hexadecimal digits.
fn bytes<const LENGTH: usize>(digits: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if digits.len() != LENGTH.checked_mul(2)? {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0_usize..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at.checked_add(2)?)?, 16).ok()?;
    }
    Some(bytes)
}
