//! Publishing: a feed and its log as plain files, which any web server or copy can carry.
//!
//! A publisher's directory:
//!
//! ```text
//! feed.toml                     what was decided: keys, thresholds, how long things hold, the log
//! public/                       what customers see
//! staging/root.json             the next root, being signed
//! staging/targets.json          the next release, being signed
//! staging/*.sig                 signatures that were carried here
//! staging/checkpoint            the log with the next release in it, being witnessed
//! staging/cosignatures/*        lines of witnesses that were carried here
//! ```
//!
//! People sign on machines of their own: [`sign`] takes a file from `staging` and gives a small one back.
//! [`Site::release`] collects what is there and goes as far as it can; called again, it goes on. The timestamp is
//! written last, so that a customer sees the old release or the new one.
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

mod files;
mod keys;
mod release;
mod settings;
mod site;
#[cfg(test)]
mod tests;
mod witness;
mod write;

use std::io;

pub use keys::{SecretKey, Sign};
pub use release::{OnlineKeys, Progress};
pub use settings::{Public, Settings};
pub use site::{Addition, Site, sign};
pub use witness::Watch;

/// Why something cannot be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A file.
    #[error("`{path}` cannot be read or written")]
    Io {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The settings.
    #[error("feed.toml: {0}")]
    Settings(String),
    /// A key.
    #[error("{0}")]
    Key(String),
    /// An archive.
    #[error(transparent)]
    Pack(#[from] crate::feed::release::PackError),
    /// What is there already is not what was written.
    #[error("`{0}` is not what was written there: {1}")]
    Damaged(String, String),
    /// The step cannot be done now.
    #[error("{0}")]
    Now(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] crate::log::tiles::TileError),
    /// The witness does not sign.
    #[error(transparent)]
    Witness(#[from] crate::log::witness::WitnessError),
    /// The finished feed would be refused.
    #[error("a customer would refuse this: {0}")]
    Refused(String),
}
