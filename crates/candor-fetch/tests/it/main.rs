//! The fetcher as a process, against servers of the test that behave badly.
#![expect(clippy::unwrap_used, reason = "what cannot be set up for a test fails the test")]
#![forbid(unsafe_code)]

mod jail;
mod place;
mod servers;
mod tls;
