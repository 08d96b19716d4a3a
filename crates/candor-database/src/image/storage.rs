//! Where the bytes of an image are: mapped, built in, or just made.

use std::fs::File;
use std::ops::Deref;

use memmap2::Mmap;

use super::OpenError;

/// The bytes of an image.
#[derive(Debug)]
pub(super) enum Storage {
    /// A mapped file.
    Mapped(Mmap),
    /// Memory of our own.
    Owned(Vec<u8>),
    /// Part of the program.
    Static(&'static [u8]),
}

impl Storage {
    /// Maps `file` read-only.
    pub(super) fn map(file: &File) -> Result<Self, OpenError> {
        let failed = |error: std::io::Error| OpenError::Map(error.to_string());
        // Mapping nothing is an error in itself; say what is wrong instead.
        if file.metadata().map_err(failed)?.len() == 0 {
            return Err(OpenError::NotAnImage);
        }
        map_read_only(file).map(Self::Mapped).map_err(failed)
    }
}

impl Deref for Storage {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }
}

#[expect(unsafe_code, reason = "mapping a file is sound only when nobody changes it in place")]
fn map_read_only(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the bytes behind the slice must not change while it lives. Images are written by this
    // product into directories that only their owner can write to; a new one replaces the old one by
    // rename, which leaves mapped pages alone, and an image is never written to or cut in place.
    unsafe { Mmap::map(file) }
}
