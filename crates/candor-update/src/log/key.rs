//! Keys of logs and witnesses, in the text form that notes name them by.
//!
//! A verifier key is written `<name>+<id>+<base64(type || public key)>` (C2SP `signed-note`, "verifier keys").
//! The identifier is derived from the rest and checked, so that a mistyped key is noticed where it is read.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::base64;
use super::hash::Hash;

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// The text of a note, as a log signs its checkpoints.
    Note,
    /// The text of a checkpoint with a time, as a witness cosigns it.
    Cosignature,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A public key with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    public: VerifyingKey,
}

/// Why a text is not a verifier key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not three parts.
    #[error("a key is written NAME+ID+KEY")]
    Form,
    /// A name that no note can carry.
    #[error(
        "`{0}` cannot be the name of a key: it is empty, or has spaces, control characters or a plus in it"
    )]
    Name(String),
    /// The last part is not Base 64 of a type and 32 bytes.
    #[error("the key of `{0}` is not the base 64 of a type and 32 bytes")]
    Bytes(String),
    /// Another algorithm.
    #[error("the key of `{name}` has type {kind}; known are 1 (a log's Ed25519) and 4 (a witness's Ed25519)")]
    Kind {
        /// The key's name.
        name: String,
        /// Its type.
        kind: u8,
    },
    /// A point that is not on the curve, or one of small order.
    #[error("the key of `{0}` is not a sound Ed25519 key")]
    Weak(String),
    /// The identifier does not belong to the name and key.
    #[error("the key of `{name}` has the identifier {expected}, not {got}")]
    Id {
        /// The key's name.
        name: String,
        /// What it would have to be.
        expected: String,
        /// What is written.
        got: String,
    },
}

impl VerifierKey {
    /// A key of this name and kind.
    ///
    /// # Errors
    /// The name cannot stand in a note, or the key is unsound.
    pub fn new(name: &str, kind: KeyKind, public: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        let weak = || KeyError::Weak(name.to_owned());
        let public = VerifyingKey::from_bytes(public).map_err(|_| weak())?;
        if public.is_weak() {
            return Err(weak());
        }
        Ok(Self { name: name.to_owned(), kind, public })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// It is not the text form of a sound key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let bytes = base64::decode(key).ok_or_else(|| KeyError::Bytes(name.to_owned()))?;
        let Some((kind, public)) = bytes.split_first() else {
            return Err(KeyError::Bytes(name.to_owned()));
        };
        let kind = match kind {
            0x01 => KeyKind::Note,
            0x04 => KeyKind::Cosignature,
            other => return Err(KeyError::Kind { name: name.to_owned(), kind: *other }),
        };
        let public: [u8; 32] = public.try_into().map_err(|_| KeyError::Bytes(name.to_owned()))?;
        let key = Self::new(name, kind, &public)?;
        let expected = format!("{:08x}", key.id());
        if expected != id {
            return Err(KeyError::Id { name: name.to_owned(), expected, got: id.to_owned() });
        }
        Ok(key)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public key's bytes, by which two keys are the same whatever their names.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.public.to_bytes()
    }

    /// The identifier that signature lines carry.
    #[must_use]
    pub fn id(&self) -> u32 {
        let mut text = self.name.as_bytes().to_vec();
        text.push(b'\n');
        text.push(self.kind.byte());
        text.extend_from_slice(self.public.as_bytes());
        let [first, second, third, fourth, ..] = Hash::of(&text).0;
        u32::from_be_bytes([first, second, third, fourth])
    }

    /// Whether this key made this signature of these bytes.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.public.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend_from_slice(self.public.as_bytes());
        write!(out, "{}+{:08x}+{}", self.name, self.id(), base64::encode(&bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A private key with its name.
#[derive(Clone)]
pub struct SignerKey {
    name: String,
    kind: KeyKind,
    secret: SigningKey,
}

impl SignerKey {
    /// A key of this name and kind.
    ///
    /// # Errors
    /// The name cannot stand in a note.
    pub fn new(name: &str, kind: KeyKind, secret: SigningKey) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), kind, secret })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), kind: self.kind, public: self.secret.verifying_key() }
    }

    /// Signs bytes, as they are.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SignerKey({})", self.name)
    }
}

pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|symbol| symbol.is_whitespace() || symbol.is_control() || symbol == '+')
}
