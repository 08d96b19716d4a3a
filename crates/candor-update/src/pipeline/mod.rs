//! The way of an update: fetched, verified, compiled, tried out, activated, watched, and rolled back when it misbehaves.
//!
//! What is decided stands here, as values and without processes; who does the work in which jail is the program's.
//! Whatever stops an update, the generation that was active stays so, and the journal says what happened.
//!
//! * [`local`]: takes a directory that somebody else fills.
//! * [`advance`]: what was verified becomes a generation.
//! * [`trial`]: what is scanned to try it out, and what must come of it; [`clean`] is the bundled part.
//! * [`canary`]: canaries made of a set's own signatures.
//! * [`watch`]: what is counted while it is active, and when that is too much.
//! * [`settings`]: what an operator may say about all this.

mod advance;
pub mod canary;
pub mod clean;
pub mod local;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod trial;
pub mod watch;

pub use advance::{Arrival, Outcome, Stages, Stopped, advance};
