//! The jail as it is: real processes, and what the kernel lets them do.
#![expect(clippy::unwrap_used, reason = "what cannot be set up for a test fails the test")]
#![forbid(unsafe_code)]

mod forbidden;
mod lanes;
#[path = "../nobody/mod.rs"]
mod nobody;
mod nursery;
mod records;
mod scans;
mod stage;
