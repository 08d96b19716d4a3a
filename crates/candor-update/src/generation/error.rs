//! Why nothing was changed.

use std::io;
use std::path::{Path, PathBuf};

/// Why the store of generations cannot be used, or was left as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store, and none is made by the way.
    #[error("there is no store of generations in {}; `candor update init` makes one", .0.display())]
    Missing(PathBuf),
    /// There is something already where a new store was to be made.
    #[error("there is a store of generations in {} already", .0.display())]
    Exists(PathBuf),
    /// What must only grow is missing, damaged or older than it was.
    #[error(
        "the state of updates is lost or damaged: {0}; nothing is changed until an operator looks at it and \
         accepts the loss (`candor update init --accept-lost-state`), as older versions could come back unnoticed"
    )]
    Lost(String),
    /// Somebody else is at it.
    #[error("another update is running (it holds {})", .0.display())]
    Busy(PathBuf),
    /// The clock says a time before the last entry of the journal.
    #[error(
        "the clock is wrong: it says {now} seconds since 1970, and the journal has an entry of {last}; \
         set the clock, or say --accept-clock"
    )]
    Clock {
        /// What the clock says.
        now: u64,
        /// When the last entry was made.
        last: u64,
    },
    /// A source gave something older than it gave before.
    #[error("{name}: version {given} is older than version {known}, which was seen before")]
    Older {
        /// The source.
        name: String,
        /// The version that it gave.
        given: u64,
        /// The highest version that was seen.
        known: u64,
    },
    /// It is held back.
    #[error("{name}: version {version} is held: {reason}")]
    Held {
        /// The source.
        name: String,
        /// The version.
        version: u64,
        /// Why.
        reason: String,
    },
    /// There is no such generation.
    #[error("there is no generation {0}")]
    NoGeneration(u64),
    /// There is none to go back to.
    #[error("there is no earlier generation to go back to")]
    NoPrevious,
    /// No generation is active.
    #[error("no generation is active")]
    NoneActive,
    /// A generation is not what its record says.
    #[error("generation {number} is damaged: {what}")]
    Damaged {
        /// Its number.
        number: u64,
        /// What is wrong.
        what: String,
    },
    /// A name that cannot be one of a file or a source.
    #[error("{0:?} is no name for a source or a member")]
    Name(String),
    /// A call failed. The reason is a part of the sentence, and so not told once more as its source.
    #[error("{doing} {}: {}", .path.display(), .error)]
    System {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
}

impl StoreError {
    pub(super) fn system(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::System { doing, path, error }
    }
}
