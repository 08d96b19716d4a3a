//! ClamAV's official databases, and others that are distributed as they are: what freshclam does, as decisions over
//! values. Nothing here opens a file or a connection.
//!
//! * [`Record`]: which versions there are, as the name system says.
//! * [`Database`]: a container that was verified, and the patches that lead from one version to the next.
//! * [`update()`]: from what is there to what should be there, by way of a [`World`] that fetches and installs.
//! * [`State`]: what is remembered between runs.
//! * [`Trust`]: whose signatures are believed.

mod beside;
mod database;
mod date;
mod patch;
mod record;
mod script;
mod sign;
mod state;
#[cfg(test)]
mod tests;
mod trust;
mod update;
mod vouch;

pub use beside::patches_of;
pub use candor_signature::clamav::{ContainerError, Keys, Member, PublicKey};
pub use database::{Database, DatabaseError, HEADER, Head, MOST_CONTAINER};
pub use date::{from_http_date, http_date};
pub use patch::{MOST_PATCH, PatchError, script as script_of_patch};
pub use record::{OLDEST, Record, RecordError};
pub use script::{ScriptError, ScriptFault, apply as run_script};
pub use sign::{Certificate, MOST_SIGNATURES, SignError, verify};
pub use state::{State, StateError};
pub use trust::{OldSignature, Trust};
pub use update::{
    Content, Level, Local, Mirror, Offer, Order, Outcome, Tried, Trouble, World, custom, install_custom,
    update,
};
pub use vouch::{Believed, NotVouched, Voucher, vouch};
