//! Typed bytes to children and facts, one folder a format. A parser never recurses: it hands what it
//! reads to the sink and returns.
#![forbid(unsafe_code)]

use candor_model::{FileType, PerceptualHash, Sink};

/// Hands the children, facts and troubles of a layer of type `file_type` to `sink`. A type without a
/// parser has none.
pub fn unpack(_file_type: FileType, _bytes: &[u8], _sink: &mut dyn Sink) {}

/// The perceptual hash of an image file, when `bytes` can be decoded as one.
#[must_use]
pub fn image_hash(_bytes: &[u8], _file_type: FileType) -> Option<PerceptualHash> {
    None
}
