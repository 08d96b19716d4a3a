//! Signatures in, the bytes of an image out.

use std::io::{Read, Seek, Write};

use crate::content::ContentBuilder;
use crate::hashes::HashesBuilder;
use crate::image::ImageWriter;
use crate::ir::{Header, Receiver, Refusal, Signature, Source, SourceId};
use crate::lists::ListsBuilder;
use crate::members::MembersBuilder;
use crate::names::{NamesBuilder, SourcesBuilder};
use crate::spill::Spill;

/// Collects signatures and lays them out as an image. The same signatures in the same order give the
/// same bytes.
#[derive(Debug, Default)]
pub struct Builder {
    sources: SourcesBuilder,
    names: NamesBuilder,
    hashes: HashesBuilder,
    members: MembersBuilder,
    lists: ListsBuilder,
    content: ContentBuilder,
}

impl Builder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty builder that puts aside what it can, into this empty file that nobody else writes to. The image is the
    /// same; what is held in memory meanwhile is less.
    #[must_use]
    pub fn with_spill(spill: impl Read + Write + Seek + Send + 'static) -> Self {
        let spill = Spill::new(spill);
        Self {
            names: NamesBuilder::new(&spill),
            hashes: HashesBuilder::new(&spill),
            content: ContentBuilder::new(&spill),
            ..Self::default()
        }
    }

    /// Number of signatures taken so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        u64::from(self.names.len())
    }

    /// Whether no signature was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lays out the image in memory.
    ///
    /// # Errors
    /// Something exceeds what the format can hold.
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        let (mut writer, count) = (ImageWriter::new(), self.len());
        self.lay_out(&mut writer)?;
        Ok(writer.finish(count))
    }

    /// Lays out the image in this empty file; says how long it is.
    ///
    /// # Errors
    /// Something exceeds what the format can hold, or it cannot be written.
    pub fn write(self, output: impl Write + Seek + 'static) -> Result<u64, BuildError> {
        let (mut writer, count) = (ImageWriter::onto(output), self.len());
        self.lay_out(&mut writer)?;
        writer.end(count)
    }

    /// One section after another: what a section was made of is gone when the next one is made.
    fn lay_out(self, writer: &mut ImageWriter) -> Result<(), BuildError> {
        let content = self.content.complete();
        self.sources.finish(writer)?;
        self.names.finish(writer)?;
        self.hashes.finish(writer)?;
        self.members.finish(writer);
        self.lists.finish(writer);
        content.finish(writer)
    }
}

impl Receiver for Builder {
    fn source(&mut self, source: Source) -> Result<SourceId, Refusal> {
        self.sources.push(source)
    }

    fn add(&mut self, header: Header<'_>, signature: Signature) -> Result<(), Refusal> {
        let id = self.names.next(&header)?;
        let count = self.sources.count(header.source).ok_or(Refusal::UnknownSource(header.source.0))?;
        match signature {
            Signature::Body(body) => self.content.add_body(id, body)?,
            Signature::ContainerMember(member) => self.members.add(id, member)?,
            Signature::Hash(hash) => self.hashes.add(id, &hash),
            Signature::Logical(logical) => self.content.add_logical(id, logical)?,
            Signature::Icon(icon) => self.lists.add_icon(id, &icon),
            Signature::LegacyMember(member) => self.members.add_legacy(id, member)?,
            Signature::Magic(magic) => self.lists.add_magic(id, &magic),
            Signature::Catalogue(bytes) => self.lists.add_catalogue(id, &bytes),
            Signature::Certificate(rule) => self.lists.add_certificate_rule(id, &rule),
            Signature::Password(password) => self.lists.add_password(id, &password),
            Signature::Rule(rule) => self.content.add_rule(id, rule)?,
            Signature::Text(text) => self.lists.add_text(id, &text),
            Signature::Url(url) => self.lists.add_url(id, &url),
        }
        // Only now: what is refused leaves no name behind.
        self.names.push(&header);
        *count = count.saturating_add(1);
        Ok(())
    }
}

/// Why no image could be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A section is larger than the format can address.
    #[error("section {0} is too large for an image")]
    TooLarge(&'static str),
    /// What was put aside cannot be read back.
    #[error("what was put aside cannot be read back: {0}")]
    Spill(String),
    /// The image cannot be written.
    #[error("the image cannot be written: {0}")]
    Write(String),
}
