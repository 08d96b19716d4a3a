//! Lays out an image, section after section.

use xxhash_rust::xxh3::xxh3_64;

use super::layout::{self, Entry, FRONT, Front, SectionKind};
use crate::bytes::run;

/// The image as far as it is written.
///
/// There is one buffer, and sections are appended to it: the peak is the image and the section that is
/// just being made.
#[derive(Debug)]
pub(crate) struct ImageWriter {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Alignment of a section that has no wish of its own: a cache line.
pub(crate) const LINE: usize = 64;

impl ImageWriter {
    /// An image without sections.
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; FRONT], entries: Vec::new() }
    }

    /// Appends a section that starts at a multiple of `align` bytes. Each kind can be written once. An
    /// empty one is left out: [`Image::section`](super::Image::section) gives no bytes for it either.
    pub(crate) fn section(&mut self, kind: SectionKind, align: usize, bytes: &[u8]) {
        self.section_with(kind, align, |out| out.extend_from_slice(bytes));
    }

    /// As [`section`](Self::section), for one that is appended piece by piece. `write` must only append.
    pub(crate) fn section_with(&mut self, kind: SectionKind, align: usize, write: impl FnOnce(&mut Vec<u8>)) {
        debug_assert!(self.entries.iter().all(|entry| entry.tag != kind.tag()), "{} again", kind.name());
        let before = self.bytes.len();
        let start = before.checked_next_multiple_of(align).unwrap_or(before);
        self.bytes.resize(start, 0);
        write(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start);
        if length == 0 {
            self.bytes.truncate(before);
            return;
        }
        let checksum = run(&self.bytes, start, length).map_or(0, xxh3_64);
        self.entries.push(Entry { tag: kind.tag(), offset: start as u64, length: length as u64, checksum });
    }

    /// The whole image.
    pub(crate) fn finish(mut self, signatures: u64) -> Vec<u8> {
        let front = layout::write(&Front { signatures, entries: self.entries }, self.bytes.len() as u64);
        if let Some(room) = self.bytes.get_mut(..front.len()) {
            room.copy_from_slice(&front);
        }
        self.bytes
    }
}
