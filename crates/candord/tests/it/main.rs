//! The daemon as a process, on sockets of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod beside;
mod clamdscan;
mod daemon;
mod faults;
mod generations;
mod icap;
mod keys;
mod lifecycle;
mod logs;
mod metrics;
mod milter;
mod official;
mod policy;
mod protocol;
mod remembered;
mod run;
mod soak;
mod tls;
