//! Keys in files, for what is sealed: chains of reports, and archives of what was set aside.

use std::path::Path;

use anyhow::Context as _;
use candor_policy::report::seal;
use ed25519_dalek::{SigningKey, VerifyingKey};

/// The private key in this file.
pub(super) fn signing_key(path: &Path) -> anyhow::Result<SigningKey> {
    Ok(seal::signing_key(&read(path)?)?)
}

/// The public key in this file.
pub(super) fn verifying_key(path: &Path) -> anyhow::Result<VerifyingKey> {
    Ok(seal::verifying_key(&read(path)?)?)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
