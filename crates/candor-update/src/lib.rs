//! Updates that a customer can refuse, check and undo.
//!
//! An update is data. It comes from a **source** (a feed of ours, ClamAV's databases, a pinned URL, a
//! directory), is fetched by a program that can do nothing else, verified by one without network, and becomes a
//! [`Candidate`]: files with their digests, and the proof of where they come from. A candidate that compiles
//! and behaves becomes a generation; one generation is active.
#![forbid(unsafe_code)]

mod candidate;
pub mod clamav;
pub mod feed;
pub mod generation;
pub mod log;
pub mod pipeline;
pub mod policy;
pub mod publish;
pub mod source;

pub use candidate::{BESIDE, Candidate, Container, Expectation, Member, MemberClass, Provenance};
