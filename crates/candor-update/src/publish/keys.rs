//! Keys of people who sign: PKCS #8 in PEM, encrypted with a password (PBES2: scrypt and AES-256), as OpenSSL reads
//! and writes it; or whatever else signs ([`Sign`]), such as a token that another process speaks to. PKCS #11 needs a C
//! library of each vendor, and no such library belongs into a process that does anything else.

use std::io::Write as _;
use std::path::Path;

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use ed25519_dalek::{Signer as _, SigningKey};
use pkcs8::LineEnding;

use super::PublishError;
use crate::feed::KeyId;

/// Bytes of the largest file of a key that is read.
const LARGEST: u64 = 16 << 10;

/// Whoever signs metadata. What comes of it is verified before it is used.
pub trait Sign {
    /// The public half of the key.
    fn public(&self) -> [u8; 32];

    /// Signs with Ed25519.
    ///
    /// # Errors
    /// It does not.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], PublishError>;
}

impl Sign for SecretKey {
    fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], PublishError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

/// A key that signs.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Makes a key from the system's randomness.
    ///
    /// # Errors
    /// There is none.
    pub fn generate() -> Result<Self, PublishError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| PublishError::Key(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key from its file, which nobody else may be able to read.
    ///
    /// # Errors
    /// It is not there, can be read by others, or the password is wrong.
    pub fn read(path: &Path, password: Option<&str>) -> Result<Self, PublishError> {
        let wrong = |reason: String| PublishError::Key(format!("{}: {reason}", path.display()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let found = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
            if found.permissions().mode() & 0o077 != 0 {
                return Err(wrong("others can read it or write it: its mode has to be 0600".to_owned()));
            }
        }
        let bytes = crate::feed::read_file(path, LARGEST).map_err(|error| wrong(error.to_string()))?;
        let bytes = bytes.ok_or_else(|| wrong("it is not there".to_owned()))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not text".to_owned()))?;
        let encrypted = text.contains("ENCRYPTED PRIVATE KEY");
        let key = match password {
            Some(password) if encrypted => SigningKey::from_pkcs8_encrypted_pem(&text, password),
            None if encrypted => return Err(wrong("it is encrypted, and no password is given".to_owned())),
            _ => SigningKey::from_pkcs8_pem(&text),
        };
        key.map(Self)
            .map_err(|error| wrong(format!("it is not an Ed25519 key, or the password is wrong ({error})")))
    }

    /// Writes the key to a new file that only its owner can read.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn write(&self, path: &Path, password: Option<&str>) -> Result<(), PublishError> {
        let wrong = |reason: String| PublishError::Key(format!("{}: {reason}", path.display()));
        let pem = match password {
            Some(password) => self.0.to_pkcs8_encrypted_pem(password, LineEnding::LF),
            None => self.0.to_pkcs8_pem(LineEnding::LF),
        };
        let pem = pem.map_err(|error| wrong(error.to_string()))?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(path).map_err(|error| wrong(error.to_string()))?;
        file.write_all(pem.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| wrong(error.to_string()))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The identifier that metadata knows it by.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.public())
    }

    /// The key itself, for a log or a witness.
    #[must_use]
    pub fn signing(&self) -> SigningKey {
        self.0.clone()
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SecretKey({})", self.id())
    }
}
