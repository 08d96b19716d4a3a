//! The signature image: one mapped file that every worker shares.
//!
//! * [`ir`]: what signatures mean; what an image is built from.
//! * [`Builder`]: signatures in, the bytes of an image out.
//! * [`Image`]: an image opened for reading; a search of it cannot fail, panic or read outside it,
//!   whatever its bytes are.
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

pub mod ir;

mod builder;
mod bytes;
mod content;
mod hashes;
mod icons;
mod image;
mod lists;
mod md5;
mod members;
mod names;
mod records;
mod search;
mod spill;

pub use builder::{BuildError, Builder};
pub use content::{Scratch, Screen, Screening, screen_together};
pub use icons::icon_hash;
pub use image::{Image, Info, OpenError, SectionInfo, SignatureId, SignatureRecord, SourceInfo};
pub use lists::TypeRules;
pub use search::{Hit, Inspection, Inspector, Subject};
