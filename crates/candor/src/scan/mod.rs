//! Scanning many files: finding them, reading them, giving them to the engine on several threads.
//!
//! * [`walk`]: what to scan: paths, directories, lists of paths.
//! * [`queue`]: the work that the threads share.
//! * [`watch`]: the time that one file may take.
//! * [`pool`]: the threads, each with a jailed worker; [`inline`]: what they do without a jail.
//! * [`progress`]: how much there is, counted ahead for the progress bar.
//! * [`outcome`]: what there is to say about one file; [`tally`]: about all.

pub(crate) mod inline;
pub(crate) mod outcome;
pub(crate) mod pool;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod tally;
pub(crate) mod walk;
pub(crate) mod watch;
