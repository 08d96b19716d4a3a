//! All stages together, over roots of systems that were made for this.
#![expect(clippy::unwrap_used, reason = "what cannot be set up for a test fails the test")]
#![forbid(unsafe_code)]

mod roots;
