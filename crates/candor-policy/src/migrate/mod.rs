//! Moving from one product to another: what to remove and in which order, and what becomes of the settings of the
//! product that goes. Everything here is text for people who decide: nothing is removed, changed or switched on.
//!
//! * [`settings`]: files of other products to what they set, without judgement. Reads hostile bytes.
//! * [`proposal`]: what a setting becomes here, or why it becomes nothing, and what it costs in safety.
//! * [`record`]: how a jailed worker says what it read.
//! * [`plan`]: findings of an audit to steps.
//! * [`quarantine`]: what the product that goes wrote down about files that it set aside.
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

mod mask;
pub mod plan;
pub mod proposal;
pub mod quarantine;
pub mod record;
mod render;
mod risk;
pub mod settings;
#[cfg(test)]
mod tests;

pub use render::{markdown, text};
