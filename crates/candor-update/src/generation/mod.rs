//! Generations: states of all signatures together, one of which is active.
//!
//! ```text
//! lock                              held by the one updater that may change anything
//! current -> generations/7          changed by one rename
//! generations/7/members/<source>/…  the files that were verified
//! generations/7/image.candor        what they were compiled to
//! generations/7/record.json         where they come from, how they behaved, who allowed them
//! journal                           every decision, each line with the digest of the one before
//! state.json                        what may only grow: versions, numbers, and what is held back
//! ```
//!
//! A generation is made under another name, written out, and renamed; then it never changes. Whatever call the machine stops
//! at, the old or the new generation is active and complete. The order of the calls makes it so, and a test stops at
//! each of them. All calls go through [`Files`] for that.
//!
//! State that is missing or damaged is not made anew: it is what keeps old versions out. An operator may accept the loss.

mod active;
mod error;
mod files;
mod journal;
mod lock;
mod record;
#[cfg(test)]
mod simulation;
mod staging;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use active::Active;
pub use error::StoreError;
pub use files::{Disk, Files};
pub(crate) use journal::hexadecimal;
pub use journal::{Cause, Entry, Event, Head, Stage};
pub use lock::Lock;
pub use record::{Allowed, Built, Content, Record, Trial, digest};
pub use staging::Staging;
pub use state::{Held, ReportOnly, SourceState, State};
pub use store::Store;

/// How many generations are kept: the active one, the one before it, and the next newest.
pub const KEPT: usize = 3;

const LOCK: &str = "lock";
const CURRENT: &str = "current";
const GENERATIONS: &str = "generations";
const JOURNAL: &str = "journal";
const STATE: &str = "state.json";
const RECORD: &str = "record.json";
const MEMBERS: &str = "members";

/// The name of the image in the directory of a generation.
pub const IMAGE: &str = "image.candor";

/// What is being made or removed; whatever is left of it is removed when the store is next opened.
const UNFINISHED: &str = ".unfinished-";
