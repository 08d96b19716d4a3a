//! Words on the wire: what is said between a scanner and who asks it, as bytes in and values out.
//!
//! There are no sockets here. Whoever holds one hands in what was received and sends what comes out, so
//! that everything can be tested and fuzzed without a network, and the same words serve a server,
//! a client and a proxy.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

pub mod clamd;
pub mod http;
pub mod icap;
pub mod milter;
