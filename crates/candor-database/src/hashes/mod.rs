//! The hash index: which signatures name this digest.
//!
//! There is a table for each subject and algorithm, one section each. Its entries stand in groups of
//! one size. Nearly every signature says the size of what it is about, so a look-up is over when the
//! size is told, for most files that nobody wrote a signature for; a digest that no signature of that
//! size names is not even computed. To keep entries by size also is the smallest: a size costs little
//! more than its distance to the one before ([`sizes`]), instead of a column of its own.
//!
//! Entries for any size are compared with everything. They have a split-block Bloom filter in front
//! ([`filter`]): a miss reads one cache line. A fuse filter would be a little smaller, but reads three
//! lines in three different pages, and takes ten times as long to make.
//!
//! In a group the whole digests stand in order: there are no false hits. Numbers of signatures stand in
//! a column of their own, packed to the bit, and are only touched when the digest is the one.

mod build;
mod filter;
mod layout;
mod search;
mod sizes;
mod sorting;
#[cfg(test)]
mod tests;

pub(crate) use build::HashesBuilder;
pub(crate) use search::Table;

use candor_model::DigestKind;

use crate::image::SectionKind;
use crate::ir::HashSubject;

/// The section of the table for a subject and an algorithm.
pub(crate) const fn section_of(subject: HashSubject, kind: DigestKind) -> SectionKind {
    match (subject, kind) {
        (HashSubject::File, DigestKind::Md5) => SectionKind::FileMd5,
        (HashSubject::File, DigestKind::Sha1) => SectionKind::FileSha1,
        (HashSubject::File, DigestKind::Sha256) => SectionKind::FileSha256,
        (HashSubject::Section, DigestKind::Md5) => SectionKind::SectionMd5,
        (HashSubject::Section, DigestKind::Sha1) => SectionKind::SectionSha1,
        (HashSubject::Section, DigestKind::Sha256) => SectionKind::SectionSha256,
        (HashSubject::Imports, DigestKind::Md5) => SectionKind::ImportsMd5,
        (HashSubject::Imports, DigestKind::Sha1) => SectionKind::ImportsSha1,
        (HashSubject::Imports, DigestKind::Sha256) => SectionKind::ImportsSha256,
        (HashSubject::Trusted, DigestKind::Md5) => SectionKind::TrustedMd5,
        (HashSubject::Trusted, DigestKind::Sha1) => SectionKind::TrustedSha1,
        (HashSubject::Trusted, DigestKind::Sha256) => SectionKind::TrustedSha256,
    }
}
