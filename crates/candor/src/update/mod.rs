//! Updates, as this program carries them out: each stage a process that can do no more than its part.
//!
//! What is decided stands in `candor_update::pipeline`; here is who does it. Verifying happens in a process that can read
//! one directory and write to another and has no network; compiling and trying out happen in the jail of workers. This process
//! only moves files that were verified, and writes down what happened.

mod clamav;
pub(crate) mod difference;
mod feed;
pub(crate) mod fetch;
mod file;
mod golden;
mod kept;
pub mod place;
pub mod rules;
pub(crate) mod run;
pub(crate) mod stages;
mod trial;
pub(crate) mod verify;
pub mod watch;
