//! An image opened for reading.

mod layout;
mod storage;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;

use candor_model::{Digest, DigestSet, FileType, Member, Origin};

pub(crate) use layout::SectionKind;
pub(crate) use writer::{ImageWriter, LINE};

use self::layout::Front;
use self::storage::Storage;
use crate::Hit;
use crate::ir::HashSubject;

/// Number of a signature within one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignatureId(pub u32);

/// What an image says about one of its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureRecord {
    /// Its number.
    pub id: SignatureId,
    /// Its name, as written.
    pub name: String,
    /// Where it was written.
    pub origin: Origin,
    /// The language, as in `ldb`.
    pub language: &'static str,
    /// Whether it came out of a verified container.
    pub official: bool,
    /// Whether it only counts when the user asks for potentially unwanted applications.
    pub potentially_unwanted: bool,
}

/// A signature image.
#[derive(Debug)]
pub struct Image {
    storage: Storage,
    front: Front,
}

impl Image {
    /// Maps the image in `file`. Checks header, directory and section bounds: a few microseconds,
    /// however many signatures there are.
    ///
    /// # Errors
    /// It is not an image, is cut short, is of another version, or its header is damaged.
    pub fn open(file: &File) -> Result<Self, OpenError> {
        Self::new(Storage::map(file)?)
    }

    /// Opens an image that stands in memory, as the built-in one does.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_static(bytes: &'static [u8]) -> Result<Self, OpenError> {
        Self::new(Storage::Static(bytes))
    }

    /// Opens an image that was just built.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_vec(bytes: Vec<u8>) -> Result<Self, OpenError> {
        Self::new(Storage::Owned(bytes))
    }

    fn new(storage: Storage) -> Result<Self, OpenError> {
        let front = layout::read(&storage)?;
        Ok(Self { storage, front })
    }

    /// Compares the checksum of every section: reads the whole image.
    ///
    /// # Errors
    /// A section is damaged.
    pub fn check(&self) -> Result<(), OpenError> {
        layout::check(&self.storage, &self.front)
    }

    /// The bytes of a section; none when the image has no such section.
    pub(crate) fn section(&self, kind: SectionKind) -> &[u8] {
        let entry = self.front.entries.iter().find(|entry| entry.tag == kind.tag());
        entry.and_then(|entry| self.storage.get(entry.range())).unwrap_or(&[])
    }

    /// What is in it.
    #[must_use]
    pub fn info(&self) -> Info {
        Info::default()
    }

    /// The record of one signature.
    #[must_use]
    pub fn signature(&self, _id: SignatureId) -> Option<SignatureRecord> {
        None
    }

    /// The records of all signatures, in the order they were added.
    pub fn signatures(&self) -> impl Iterator<Item = SignatureRecord> + '_ {
        std::iter::empty()
    }

    /// Which digests of a `subject` of `size` bytes some signature could match.
    #[must_use]
    pub fn digests_wanted(&self, _subject: HashSubject, _size: u64) -> DigestSet {
        DigestSet::EMPTY
    }

    /// Appends a hit for every signature with this digest whose size is `size` or any.
    pub fn search_digest(&self, _subject: HashSubject, _digest: &Digest, _size: u64, _hits: &mut Vec<Hit>) {}

    /// Appends a hit for every signature on metadata (`.cdb`, `.zmd`, `.rmd`) that this member of a
    /// container satisfies. `depth` counts containers around the member, from 1.
    pub fn search_member(
        &self,
        _container: FileType,
        _container_size: u64,
        _depth: u32,
        _member: &Member,
        _hits: &mut Vec<Hit>,
    ) {
    }
}

/// What an image holds, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Version of the format.
    pub format: u32,
    /// Length in bytes.
    pub length: u64,
    /// Number of signatures.
    pub signatures: u64,
    /// The files that it was built from.
    pub sources: Vec<SourceInfo>,
    /// The sections.
    pub sections: Vec<SectionInfo>,
}

/// One source of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// Name for people.
    pub name: String,
    /// The language.
    pub language: &'static str,
    /// Whether it came out of a verified container.
    pub official: bool,
    /// Number of signatures taken from it.
    pub signatures: u64,
}

/// One section of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionInfo {
    /// What it holds.
    pub name: &'static str,
    /// Length in bytes.
    pub length: u64,
}

/// Why an image cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A checksum does not fit.
    #[error("{0} is damaged: checksum mismatch")]
    Damaged(&'static str),
    /// The file could not be mapped.
    #[error("cannot be mapped: {0}")]
    Map(String),
    /// It does not start as an image does.
    #[error("not a Candor image")]
    NotAnImage,
    /// It ends too early.
    #[error("cut short: {held} bytes of {expected}")]
    Truncated {
        /// Bytes there.
        held: u64,
        /// Bytes that its header speaks of.
        expected: u64,
    },
    /// Made by a version that this one does not read.
    #[error("format version {found}; this program reads version {supported}")]
    Version {
        /// Its version.
        found: u32,
        /// The version that can be read.
        supported: u32,
    },
}
