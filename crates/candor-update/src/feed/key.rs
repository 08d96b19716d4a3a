//! Keys of a feed's roles, and how signatures of metadata are counted.
//!
//! A key's identifier is the digest of its canonical form and is computed, not believed: so one key cannot
//! be listed under two identifiers and count twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use super::json::Value;
use crate::log::{Hash, hex};

/// The identifier of a key: the digest of its canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub Hash);

impl KeyId {
    /// The identifier of an Ed25519 key.
    #[must_use]
    pub fn of(public: &[u8; 32]) -> Self {
        Self(Hash::of(&describe(public).write()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// A key as metadata writes it down.
#[must_use]
pub fn describe(public: &[u8; 32]) -> Value {
    let public: String = Hash(*public).to_string();
    Value::object([
        ("keytype", Value::text("ed25519")),
        ("keyval", Value::object([("public", Value::Text(public))])),
        ("scheme", Value::text("ed25519")),
    ])
}

/// Reads what [`describe`] writes, and nothing else.
pub(super) fn read(value: &Value) -> Option<VerifyingKey> {
    let Value::Object(fields) = value else { return None };
    let Some(Value::Object(keyval)) = fields.get("keyval") else { return None };
    let Some(Value::Text(public)) = keyval.get("public") else { return None };
    let public: [u8; 32] = hex(public)?.try_into().ok()?;
    let key = VerifyingKey::from_bytes(&public).ok()?;
    (describe(&public) == *value && !key.is_weak()).then_some(key)
}

/// One signature of metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct MetadataSignature {
    /// By whom.
    pub key: KeyId,
    /// 64 bytes.
    pub signature: [u8; 64],
}

impl fmt::Debug for MetadataSignature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MetadataSignature({})", self.key)
    }
}

/// Who may sign as a role, and how many must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleKeys {
    /// The keys.
    pub keys: BTreeSet<KeyId>,
    /// How many of them.
    pub threshold: u64,
}

impl RoleKeys {
    /// Those of the role's keys whose signature of `message` holds, each once.
    pub(super) fn signers(
        &self,
        keys: &BTreeMap<KeyId, VerifyingKey>,
        message: &[u8],
        signatures: &[MetadataSignature],
    ) -> BTreeSet<KeyId> {
        let holds = |given: &&MetadataSignature| {
            self.keys.contains(&given.key)
                && keys.get(&given.key).is_some_and(|key| {
                    key.verify_strict(message, &Signature::from_bytes(&given.signature)).is_ok()
                })
        };
        signatures.iter().filter(holds).map(|given| given.key).collect()
    }
}
