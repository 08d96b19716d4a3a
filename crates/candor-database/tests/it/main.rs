//! The image as its users see it: what the builder takes in, an opened image answers.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped is a failed test")]

mod builder;
mod damage;
mod kept;
mod sample;
mod sample_rules;
