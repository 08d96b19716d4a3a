//! Lays out an image, section after section.

use std::io::{self, Seek, SeekFrom, Write};

use xxhash_rust::xxh3::Xxh3Default;

use super::layout::{self, Entry, FRONT, Front, SectionKind};
use crate::builder::BuildError;

/// The image as far as it is written.
///
/// Sections are appended and never looked at again, so an image that goes to a file is held in memory nowhere. Only its
/// front is written last, where it begins.
pub(crate) struct ImageWriter {
    to: Destination,
    /// Bytes that are written.
    length: u64,
    entries: Vec<Entry>,
    /// Why no more can be written.
    failed: Option<io::Error>,
    /// Kept from one section to the next.
    buffer: Vec<u8>,
}

enum Destination {
    Memory(Vec<u8>),
    Elsewhere(Box<dyn Output>),
}

/// What an image is written to.
trait Output: Write + Seek {}

impl<T: Write + Seek> Output for T {}

/// Alignment of a section that has no wish of its own: a cache line.
pub(crate) const LINE: usize = 64;

/// Bytes that are written, and added to a checksum, at once.
const BUFFER: usize = 64 << 10;

impl ImageWriter {
    /// An image in memory, without sections.
    pub(crate) fn new() -> Self {
        Self::with(Destination::Memory(Vec::new()))
    }

    /// An image that goes elsewhere, without sections.
    pub(crate) fn onto(output: impl Write + Seek + 'static) -> Self {
        Self::with(Destination::Elsewhere(Box::new(output)))
    }

    fn with(to: Destination) -> Self {
        let mut writer = Self { to, length: 0, entries: Vec::new(), failed: None, buffer: Vec::new() };
        writer.put(&[0; FRONT]);
        writer
    }

    /// Appends a section that starts at a multiple of `align` bytes. Each kind can be written once. An
    /// empty one is left out: [`Image::section`](super::Image::section) gives no bytes for it either.
    pub(crate) fn section(&mut self, kind: SectionKind, align: usize, bytes: &[u8]) {
        self.section_with(kind, align, |out| out.extend_from_slice(bytes));
    }

    /// As [`section`](Self::section), for one that is appended piece by piece.
    pub(crate) fn section_with<T>(
        &mut self,
        kind: SectionKind,
        align: usize,
        write: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        debug_assert!(self.entries.iter().all(|entry| entry.tag != kind.tag()), "{} again", kind.name());
        let buffer = std::mem::take(&mut self.buffer);
        let mut section = Section { writer: self, align, start: None, checksum: Xxh3Default::new(), buffer };
        let written = write(&mut section);
        section.flush();
        let Section { start, checksum, buffer, .. } = section;
        self.buffer = buffer;
        if let Some(start) = start {
            let length = self.length.saturating_sub(start);
            self.entries.push(Entry { tag: kind.tag(), offset: start, length, checksum: checksum.digest() });
        }
        written
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        match &mut self.to {
            Destination::Memory(image) => image.extend_from_slice(bytes),
            Destination::Elsewhere(output) => self.failed = output.write_all(bytes).err(),
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    /// Zeros up to a multiple of `align` bytes.
    fn align(&mut self, align: usize) {
        const ZEROS: [u8; FRONT] = [0; FRONT];
        let next = self.length.checked_next_multiple_of(align as u64).unwrap_or(self.length);
        let missing = usize::try_from(next.saturating_sub(self.length)).unwrap_or(0);
        // Nothing wishes for more than a page.
        self.put(ZEROS.get(..missing).unwrap_or_default());
    }

    /// The whole image, which is in memory.
    pub(crate) fn finish(self, signatures: u64) -> Vec<u8> {
        let front = layout::write(&Front { signatures, entries: self.entries }, self.length);
        let Destination::Memory(mut image) = self.to else { return Vec::new() };
        if let Some(room) = image.get_mut(..front.len()) {
            room.copy_from_slice(&front);
        }
        image
    }

    /// Writes its front to an image that goes elsewhere; says how long all of it is.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) fn end(self, signatures: u64) -> Result<u64, BuildError> {
        let front = layout::write(&Front { signatures, entries: self.entries }, self.length);
        let written = match (self.failed, self.to) {
            (Some(error), _) => Err(error),
            (None, Destination::Memory(_)) => Ok(()),
            (None, Destination::Elsewhere(mut output)) => output
                .seek(SeekFrom::Start(0))
                .and_then(|_| output.write_all(&front))
                .and_then(|()| output.flush()),
        };
        written.map(|()| self.length).map_err(|error| BuildError::Write(error.to_string()))
    }
}

/// A section that is being written.
pub(crate) struct Section<'w> {
    writer: &'w mut ImageWriter,
    align: usize,
    /// Where it starts, once there is something in it.
    start: Option<u64>,
    checksum: Xxh3Default,
    buffer: Vec<u8>,
}

impl Section<'_> {
    /// Appends bytes.
    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        if bytes.len() >= BUFFER {
            self.flush();
            self.put(bytes);
            return;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.put(&buffer);
        buffer.clear();
        self.buffer = buffer;
    }

    fn put(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.start.is_none() {
            self.writer.align(self.align);
            self.start = Some(self.writer.length);
        }
        self.checksum.update(bytes);
        self.writer.put(bytes);
    }
}

impl Extend<u8> for Section<'_> {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, bytes: T) {
        for byte in bytes {
            self.extend_from_slice(&[byte]);
        }
    }
}
