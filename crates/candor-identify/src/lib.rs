//! Bytes to file type, by content alone.
//!
//! The types are ClamAV's, because signatures name them; the rules are our own, and stricter than
//! ClamAV's where two or three printable letters would otherwise decide. Every deliberate difference is
//! listed in `docs/reference/file-types.md`.
//!
//! It runs on every layer, so it looks at a bounded prefix ([`PREFIX`] bytes, a few fixed places further
//! on, and the names of the first members of a ZIP archive). The one exception is text, which is searched
//! to its end for HTML: a kilobyte of padding must not hide a page.
#![forbid(unsafe_code)]
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

mod disk;
mod html;
mod installer;
mod magic;
mod mail;
mod tar;
mod text;
mod zip;

#[cfg(test)]
mod tests;

use candor_model::{FileType, Target};

/// How many bytes of a file most rules look at: as many as ClamAV's.
pub const PREFIX: usize = 1024;

/// The type of `bytes`.
#[must_use]
pub fn identify(bytes: &[u8]) -> FileType {
    let prefix = bytes.get(..PREFIX).unwrap_or(bytes);
    // An archive may start with any name, so also with one that looks like the magic of something else.
    if tar::has_magic(prefix) && tar::has_valid_checksum(prefix) {
        return FileType::PosixTar;
    }
    if let Some(found) = magic::identify(prefix) {
        return if found == FileType::Zip { zip::refine(bytes) } else { found };
    }
    if let Some(found) = disk::identify(bytes) {
        return found;
    }
    if let Some(found) = installer::identify(prefix) {
        return found;
    }
    if zip::is_last_part(bytes) {
        return FileType::Zip;
    }
    let class = text::classify(prefix);
    if class.is_none() && tar::has_valid_checksum(prefix) {
        return FileType::OldTar;
    }
    if class.is_some_and(FileType::is_text)
        && let Some(found) = mail::identify(prefix)
    {
        return found;
    }
    if let Some(found) = magic::anywhere(prefix) {
        return found;
    }
    match class {
        // Text that is HTML only further on is HTML all the same.
        Some(FileType::TextAscii | FileType::TextUtf8) if html::is_html(bytes) => FileType::Html,
        Some(wide @ (FileType::TextUtf16Le | FileType::TextUtf16Be)) if html::is_wide_html(prefix, wide) => {
            FileType::HtmlUtf16
        }
        _ if html::is_html(prefix) => FileType::Html,
        Some(FileType::TextAscii | FileType::TextUtf8) if prefix.starts_with(b"#!") => FileType::Script,
        Some(text) => text,
        None => FileType::BinaryData,
    }
}

/// Whether a page stands in the beginning of `bytes` of the type `found`, which is one that nobody reads as text: browsers look
/// for tags in anything, and a picture, a volume or a model has room in front for whole pages.
#[must_use]
pub fn has_page(found: FileType, bytes: &[u8]) -> bool {
    let may_have = matches!(found, FileType::Java | FileType::Wasm | FileType::AiModel)
        || found.target() == Target::Graphics
        || disk::is_image(found);
    may_have && html::is_html(bytes.get(..PREFIX).unwrap_or(bytes))
}

/// The types of images of disks and volumes that `bytes` are beside what [`identify`] found.
pub fn images(found: FileType, bytes: &[u8]) -> impl Iterator<Item = FileType> + '_ {
    disk::beside(found, bytes)
}
