//! How long a run took, as ClamAV tells it.

use std::time::Instant;

use candor::clamav::clock::{Moment, seconds};

/// The end of a run, as it is told.
pub(crate) fn ended(began: (Instant, u64)) -> [String; 3] {
    let took = began.0.elapsed();
    let whole = took.as_secs();
    [
        format!("Time: {whole}.{:03} sec ({} m {} s)", took.subsec_millis(), whole / 60, whole % 60),
        format!("Start Date: {}", Moment::of(began.1).summary()),
        format!("End Date:   {}", Moment::of(seconds()).summary()),
    ]
}
