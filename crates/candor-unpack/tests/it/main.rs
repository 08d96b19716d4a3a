//! Comparisons with ClamAV's own tools, as programs. Where they are not installed there is nothing to
//! compare with, and these tests pass at once.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod normalisation;
