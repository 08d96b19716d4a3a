//! Whose signatures are believed.

use candor_signature::clamav::{Keys, PublicKey};

use super::patch;
use super::sign::Certificate;

/// What a database is verified with.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Keys of containers.
    pub containers: Keys,
    /// The key of patches.
    pub patches: PublicKey,
    /// Certificates that vouch for signatures beside a container. Without any, no such signature is asked for.
    pub certificates: Vec<Certificate>,
    /// What is made of a container that only the old signature vouches for: RSA over an MD5 sum.
    pub old_signature: OldSignature,
}

/// What is made of RSA over an MD5 sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldSignature {
    /// It is taken, and told. ClamAV publishes nothing better for its versions before 1.5.
    #[default]
    Warn,
    /// It is not enough.
    Refuse,
}

impl Trust {
    /// ClamAV's own keys.
    #[must_use]
    pub fn published() -> Self {
        Self {
            containers: Keys::published(),
            patches: patch::published_key(),
            certificates: Vec::new(),
            old_signature: OldSignature::default(),
        }
    }
}
