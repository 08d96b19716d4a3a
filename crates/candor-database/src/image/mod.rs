//! An image opened for reading.

mod layout;
mod storage;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::io::BufRead;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use candor_model::{Digest, DigestKind, DigestSet, FileType, Match, Member, Origin};

pub(crate) use layout::SectionKind;
pub(crate) use writer::{ImageWriter, LINE, Section};

use self::layout::Front;
use self::storage::Storage;
use crate::Hit;
use crate::hashes::{self, Table};
use crate::ir::HashSubject;
use crate::members::{Asked, Rules};
use crate::names::{Names, SourceRecord, Sources, Written};

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
    /// Where the section of each kind is.
    places: [Range<usize>; SectionKind::ALL.len()],
    /// Decoded when the first member of a container is searched.
    members: OnceLock<Rules>,
    /// A number that no other image of this process has.
    instance: u64,
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
        let mut places = [const { 0..0 }; SectionKind::ALL.len()];
        for entry in &front.entries {
            let kind = SectionKind::from_tag(entry.tag);
            if let Some(place) = kind.and_then(|kind| places.get_mut(kind.place())) {
                *place = entry.range();
            }
        }
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let instance = OPENED.fetch_add(1, Ordering::Relaxed);
        Ok(Self { storage, front, places, members: OnceLock::new(), instance })
    }

    /// Compares the checksum of every section: reads the whole image.
    ///
    /// # Errors
    /// A section is damaged.
    pub fn check(&self) -> Result<(), OpenError> {
        let mut bytes: &[u8] = &self.storage;
        self.check_read(&mut bytes)
    }

    /// As [`check`](Self::check), with its bytes read from their start, as from the file that it is mapped from: pages
    /// that are read so are nobody's memory.
    ///
    /// # Errors
    /// A section is damaged, or it cannot be read.
    pub fn check_read(&self, bytes: &mut dyn BufRead) -> Result<(), OpenError> {
        layout::check(bytes, &self.front, self.storage.len() as u64)
    }

    /// A number that no other image of this process has.
    pub(crate) const fn instance(&self) -> u64 {
        self.instance
    }

    /// The bytes of a section; none when the image has no such section.
    pub(crate) fn section(&self, kind: SectionKind) -> &[u8] {
        self.places.get(kind.place()).and_then(|place| self.storage.get(place.clone())).unwrap_or(&[])
    }

    /// What is in it.
    #[must_use]
    pub fn info(&self) -> Info {
        let source = |source: SourceRecord<'_>| SourceInfo {
            name: source.name.to_owned(),
            language: source.language,
            official: source.official,
            potentially_unwanted: source.potentially_unwanted,
            signatures: source.signatures,
        };
        let section = |entry: &layout::Entry| SectionInfo {
            name: SectionKind::from_tag(entry.tag).map_or("unknown", SectionKind::name),
            length: entry.length,
        };
        Info {
            format: layout::VERSION,
            length: self.storage.len() as u64,
            signatures: self.front.signatures,
            sources: self.sources().iter().map(source).collect(),
            sections: self.front.entries.iter().map(section).collect(),
        }
    }

    /// The record of one signature.
    #[must_use]
    pub fn signature(&self, id: SignatureId) -> Option<SignatureRecord> {
        Some(self.record(id.0, self.names().find(id.0)?))
    }

    /// The records of all signatures, in the order they were added.
    pub fn signatures(&self) -> impl Iterator<Item = SignatureRecord> + '_ {
        self.names().iter().map(|(id, written)| self.record(id, written))
    }

    fn record(&self, id: u32, written: Written) -> SignatureRecord {
        let source = self.sources().find(written.source).unwrap_or_default();
        SignatureRecord {
            id: SignatureId(id),
            name: String::from_utf8(written.name)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            origin: Origin { source: source.name.to_owned(), line: written.line },
            language: source.language,
            official: source.official,
            potentially_unwanted: source.potentially_unwanted,
        }
    }

    /// The name table.
    pub(crate) fn names(&self) -> Names<'_> {
        let (blocks, names) = (self.section(SectionKind::NameBlocks), self.section(SectionKind::Names));
        Names::new(blocks, names, self.front.signatures)
    }

    /// The table of sources.
    pub(crate) fn sources(&self) -> Sources<'_> {
        Sources::new(self.section(SectionKind::Sources))
    }

    /// Which digests of a `subject` of `size` bytes some signature could match.
    #[must_use]
    pub fn digests_wanted(&self, subject: HashSubject, size: u64) -> DigestSet {
        let wanted = |kind: &DigestKind| self.hashes(subject, *kind).is_some_and(|table| table.wants(size));
        DigestKind::ALL.into_iter().filter(wanted).fold(DigestSet::EMPTY, DigestSet::with)
    }

    /// Appends a hit for every signature with this digest whose size is `size` or any, in the order of
    /// their numbers.
    pub fn search_digest(&self, subject: HashSubject, digest: &Digest, size: u64, hits: &mut Vec<Hit>) {
        let Some(table) = self.hashes(subject, digest.kind()) else { return };
        hits.extend(table.find(digest.as_bytes(), size).into_iter().map(|signature| Hit {
            signature,
            matches: vec![Match { offset: 0, length: size, subsignature: None }],
            handler: None,
        }));
    }

    fn hashes(&self, subject: HashSubject, kind: DigestKind) -> Option<Table<'_>> {
        Table::read(self.section(hashes::section_of(subject, kind)), kind.length())
    }

    /// Appends a hit for every signature on metadata (`.cdb`, `.zmd`, `.rmd`) that this member of a
    /// container satisfies, in the order of their numbers. A condition on something that the container
    /// does not say is not satisfied. `depth` counts containers around the member, from 1; signatures that
    /// limit it are taken as if they did not, as ClamAV takes them.
    pub fn search_member(
        &self,
        container: FileType,
        container_size: u64,
        _depth: u32,
        member: &Member,
        hits: &mut Vec<Hit>,
    ) {
        let rules = self.members.get_or_init(|| Rules::read(self.section(SectionKind::Members)));
        let found = rules.find(Asked { container, container_size, member });
        hits.extend(found.map(|signature| Hit { signature, matches: Vec::new(), handler: None }));
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
    /// Whether it only counts when the user asks for potentially unwanted applications.
    pub potentially_unwanted: bool,
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
    #[error("damaged: what it says about {0} does not fit its checksum")]
    Damaged(&'static str),
    /// The file could not be mapped.
    #[error("cannot be mapped: {0}")]
    Map(String),
    /// Bytes that belong to nothing are not zero, as a writer leaves them. No answer depends on them.
    #[error("changed: bytes between its sections, which are zero when it is written, are not")]
    Padding,
    /// It does not start as an image does.
    #[error("not a Candor image")]
    NotAnImage,
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Read(String),
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
