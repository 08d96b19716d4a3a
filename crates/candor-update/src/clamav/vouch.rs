//! What vouches for a container as ClamAV publishes it: one rule for whoever fetches one, keeps one, or finds one on the disk.
//!
//! A signature by certificates beside it (`.sign`) is over all of it, and enough; the container's own signatures need not fit
//! then. One that is there and does not fit is worse than none. Where there is none the container must vouch for itself, by RSA over
//! an MD5 sum, if that is accepted.

use candor_signature::clamav::FUNCTIONALITY_LEVEL;

use super::sign::{self, Certificate, SignError};
use super::trust::OldSignature;

/// Whose word counts.
#[derive(Clone, Copy, Debug)]
pub struct Believed<'a> {
    /// Certificates that vouch for signatures beside a container.
    pub certificates: &'a [Certificate],
    /// What is made of RSA over an MD5 sum.
    pub old_signature: OldSignature,
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// What vouches for a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voucher {
    /// A signature beside it: nothing else has to.
    Beside,
    /// Nothing beside it: its own signatures must fit.
    Itself,
}

/// Why nothing vouches for it that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotVouched {
    /// There is a signature beside it that does not fit.
    #[error(transparent)]
    Beside(#[from] SignError),
    /// There is none, and its own is not accepted.
    #[error("signed by RSA over MD5 alone, which is not accepted here; there is no .sign beside it")]
    Alone,
}

/// Decides what vouches for a published container; `beside` is the file of signatures beside it, for its version, if there is
/// one.
///
/// # Errors
/// Nothing that is believed.
pub fn vouch(bytes: &[u8], beside: Option<&[u8]>, believed: Believed<'_>) -> Result<Voucher, NotVouched> {
    match beside {
        Some(signatures) => {
            let level = u64::from(FUNCTIONALITY_LEVEL);
            sign::verify(signatures, bytes, believed.certificates, level, believed.now)?;
            Ok(Voucher::Beside)
        }
        None if believed.old_signature == OldSignature::Refuse => Err(NotVouched::Alone),
        None => Ok(Voucher::Itself),
    }
}
