//! The jail as it is: real processes, and what the kernel lets them do.
#![expect(clippy::unwrap_used, reason = "what cannot be set up for a test fails the test")]
#![forbid(unsafe_code)]

#[cfg(feature = "exploitable")]
mod exploit;
mod forbidden;
mod lanes;
mod nursery;
mod records;
mod scans;
mod stage;
