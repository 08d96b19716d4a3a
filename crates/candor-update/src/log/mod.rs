//! A transparency log, read and written offline (C2SP: `signed-note`, `tlog-checkpoint`, `tlog-tiles`,
//! `tlog-cosignature`, `tlog-policy`, `tlog-proof`, `tlog-witness`).
//!
//! Signatures say who made a release. The log says that everybody was shown the same one: whoever holds all
//! of the vendor's keys can sign a release for one customer, but that customer refuses what is not logged, and
//! what is logged can be seen by all. Witnesses keep the log itself from telling two stories.
//!
//! Only Ed25519 is known. The specification recommends ML-DSA-44 for new witnesses; lines of that type are
//! passed over, as those of any key that is not known.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

pub mod base64;
mod checkpoint;
mod hash;
mod key;
pub mod merkle;
mod note;
mod policy;
mod proof;
#[cfg(test)]
mod tests;
pub mod tiles;
pub mod witness;

pub(crate) use checkpoint::decimal;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use hash::Hash;
pub(crate) use hash::hex;
pub use key::{KeyError, KeyKind, SignerKey, VerifierKey};
pub use note::{LONGEST_NOTE, Note, NoteError, SignatureLine, Signed};
pub use policy::{LONGEST_POLICY, LogPolicy, NotWitnessed, PolicyError, PolicyFault, Witnessed};
pub use proof::{LONGEST as LONGEST_PROOF, Proof, ProofError};
