//! Candor's daemon. It speaks clamd's protocol, reads `clamd.conf`, and hands what clients give it to jailed workers.
//!
//! * [`reactor`]: one thread that has all sockets and parses nothing but the protocol.
//! * [`fronts`]: one thread that has the sockets of all other protocols.
//! * [`lanes`]: threads that hand files to workers, each to its own. [`walk`]: threads that look for files.
//! * [`signatures`]: what is in force, and how it is changed while scans go on.
//! * [`settings`]: what it is told.
//!
//! Why it is so: `docs/design/daemon.md`.
#![forbid(unsafe_code)]

pub mod answer;
mod cli;
pub mod counters;
pub mod daemon;
mod event_loop;
pub mod events;
pub mod fronts;
pub mod jobs;
pub mod lanes;
pub mod line;
pub mod listen;
pub mod log;
pub mod mailbox;
pub mod nursery;
pub mod publish;
pub mod reactor;
pub mod service;
pub mod session;
pub mod settings;
pub mod signatures;
pub mod socket;
pub mod stream;
mod system_log;
pub mod tls;
pub mod verdicts;
pub mod walk;
pub mod watched;

pub use cli::{command, main};
