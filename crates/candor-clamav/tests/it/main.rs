//! The commands as their users meet them: real processes, their output, their exit status.
#![expect(clippy::unwrap_used, reason = "what cannot be set up for a test fails the test")]
#![forbid(unsafe_code)]

mod actions;
mod beside;
mod clamconf;
mod clamdscan;
mod clamscan;
mod daemon;
mod freshclam;
mod official;
mod passes;
mod place;
mod sigtool;
