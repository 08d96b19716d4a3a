//! What can be wrong with a policy: always told with the file, the line and the reason.

use std::path::PathBuf;

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A file says something that cannot be.
    #[error("{file}{}: {reason}", if *.line == 0 { String::new() } else { format!(":{}", .line) })]
    Wrong {
        /// The file, by its name in the policy.
        file: String,
        /// The line, from 1; 0 when it is about the file as a whole.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file or folder cannot be read.
    #[error("{}: cannot be read", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A profile was asked for that is not there.
    #[error("there is no profile \"{id}\"; there are {known}")]
    NoProfile {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
}

impl PolicyError {
    pub(crate) fn at(file: &str, line: usize, reason: String) -> Self {
        Self::Wrong { file: file.to_owned(), line, reason }
    }
}
