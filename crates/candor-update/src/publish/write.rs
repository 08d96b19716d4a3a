//! Metadata as it is written: the other side of what [`crate::feed`] reads.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signature, VerifyingKey};

use super::PublishError;
use super::keys::Sign;
use super::settings::Settings;
use crate::feed::json::Value;
use crate::feed::{FileInfo, KeyId, Ring, SPECIFICATION, describe, time};
use crate::log::{Hash, hex};

/// A file of metadata, with the signatures that it has so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) signed: Value,
    pub(super) signatures: BTreeMap<KeyId, [u8; 64]>,
}

impl Draft {
    pub(super) fn new(signed: Value) -> Self {
        Self { signed, signatures: BTreeMap::new() }
    }

    /// Reads a file of metadata, complete or not.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let Value::Object(mut fields) = Value::parse(bytes).ok()? else { return None };
        let signed = fields.remove("signed")?;
        let Value::Array(listed) = fields.remove("signatures")? else { return None };
        let mut draft = Self::new(signed);
        for value in listed {
            let (id, signature) = read_signature(&value)?;
            draft.signatures.insert(id, signature);
        }
        fields.is_empty().then_some(draft)
    }

    /// Has it signed. A signature that does not hold is none, wherever it comes from.
    pub(super) fn sign(&mut self, key: &dyn Sign) -> Result<KeyId, PublishError> {
        let (public, message) = (key.public(), self.signed.write());
        let id = KeyId::of(&public);
        let signature = key.sign(&message)?;
        let holds = VerifyingKey::from_bytes(&public).is_ok_and(|key| {
            !key.is_weak() && key.verify_strict(&message, &Signature::from_bytes(&signature)).is_ok()
        });
        if !holds {
            return Err(PublishError::Key(format!("what signs with the key {id} does not sign with it")));
        }
        self.signatures.insert(id, signature);
        Ok(id)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let signatures = self.signatures.iter().map(|(id, signature)| signature_value(*id, signature));
        Value::object([("signatures", Value::Array(signatures.collect())), ("signed", self.signed.clone())])
            .write()
    }

    /// One signature, to be carried to whoever collects them.
    pub(super) fn detached(&self, id: KeyId) -> Option<Vec<u8>> {
        self.signatures.get(&id).map(|signature| signature_value(id, signature).write())
    }

    /// Takes over a signature that was carried here. Whether it holds is found when signatures are counted.
    pub(super) fn attach(&mut self, bytes: &[u8]) -> Option<KeyId> {
        let (id, signature) = read_signature(&Value::parse(bytes).ok()?)?;
        self.signatures.insert(id, signature);
        Some(id)
    }
}

fn signature_value(id: KeyId, signature: &[u8; 64]) -> Value {
    let (low, high) = signature.split_at(32);
    let half = |half: &[u8]| half.try_into().map(|half| Hash(half).to_string()).unwrap_or_default();
    let sig = format!("{}{}", half(low), half(high));
    Value::object([("keyid", Value::Text(id.to_string())), ("sig", Value::Text(sig))])
}

fn read_signature(value: &Value) -> Option<(KeyId, [u8; 64])> {
    let Value::Object(fields) = value else { return None };
    let (Value::Text(id), Value::Text(sig)) = (fields.get("keyid")?, fields.get("sig")?) else { return None };
    Some((Hash::from_hex(id).map(KeyId)?, hex(sig)?.try_into().ok()?))
}

fn head(kind: &str, version: u64, expires: u64) -> BTreeMap<String, Value> {
    BTreeMap::from([
        ("_type".to_owned(), Value::text(kind)),
        ("expires".to_owned(), Value::Text(time::write(expires))),
        ("spec_version".to_owned(), Value::text(SPECIFICATION)),
        ("version".to_owned(), Value::Number(version)),
    ])
}

pub(super) fn root(settings: &Settings, version: u64, expires: u64) -> Value {
    let mut keys = BTreeMap::new();
    let mut roles = BTreeMap::new();
    let online = std::slice::from_ref(&settings.online);
    for (role, publics, threshold) in [
        ("root", settings.root.as_slice(), settings.root_threshold),
        ("targets", settings.content.as_slice(), settings.content_threshold),
        ("snapshot", online, 1),
        ("timestamp", online, 1),
    ] {
        let mut ids = Vec::new();
        for public in publics {
            let id = KeyId::of(&public.0).to_string();
            keys.insert(id.clone(), describe(&public.0));
            ids.push(Value::Text(id));
        }
        let role_value =
            Value::object([("keyids", Value::Array(ids)), ("threshold", Value::Number(threshold))]);
        roles.insert(role.to_owned(), role_value);
    }
    let mut fields = head("root", version, expires);
    fields.insert("consistent_snapshot".to_owned(), Value::Bool(true));
    fields.insert("keys".to_owned(), Value::Object(keys));
    fields.insert("roles".to_owned(), Value::Object(roles));
    fields.insert("x-candor".to_owned(), Value::object([("feed", Value::text(&settings.feed))]));
    Value::Object(fields)
}

pub(super) fn targets(
    archives: &BTreeMap<String, FileInfo>,
    (ring, withdrawn): (Ring, &BTreeSet<u64>),
    version: u64,
    expires: u64,
) -> Value {
    let listed = archives.iter().map(|(name, info)| (name.clone(), Value::Object(file(info))));
    let mut fields = head("targets", version, expires);
    fields.insert("targets".to_owned(), Value::Object(listed.collect()));
    let withdrawn = withdrawn.iter().map(|version| Value::Number(*version)).collect();
    let own = [("ring", Value::text(ring.name())), ("withdrawn", Value::Array(withdrawn))];
    fields.insert("x-candor".to_owned(), Value::object(own));
    Value::Object(fields)
}

/// Snapshot or timestamp, which point at a file of a version.
pub(super) fn pointer(
    kind: &str,
    (name, of, bytes): (&str, u64, &[u8]),
    version: u64,
    expires: u64,
) -> Value {
    let mut info = file(&FileInfo { length: bytes.len() as u64, sha256: Hash::of(bytes) });
    info.insert("version".to_owned(), Value::Number(of));
    let mut fields = head(kind, version, expires);
    fields.insert("meta".to_owned(), Value::object([(name, Value::Object(info))]));
    Value::Object(fields)
}

fn file(info: &FileInfo) -> BTreeMap<String, Value> {
    let hashes = Value::object([("sha256", Value::Text(info.sha256.to_string()))]);
    BTreeMap::from([("hashes".to_owned(), hashes), ("length".to_owned(), Value::Number(info.length))])
}
