//! For development only: builds files from readable text, and says what signatures mean.
//!
//! * [`naive`]: the definition of what a signature matches, written for clarity alone.
#![forbid(unsafe_code)]

pub mod naive;
