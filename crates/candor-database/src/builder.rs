//! Signatures in, the bytes of an image out.

use crate::content::ContentBuilder;
use crate::image::{ImageWriter, SignatureId};
use crate::ir::{Header, Receiver, Refusal, Signature, Source, SourceId};

/// Collects signatures and lays them out as an image. The same signatures in the same order give the
/// same bytes.
#[derive(Debug, Default)]
pub struct Builder {
    sources: Vec<Source>,
    count: u32,
    content: ContentBuilder,
}

impl Builder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of signatures taken so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        u64::from(self.count)
    }

    /// Whether no signature was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lays out the image.
    ///
    /// # Errors
    /// Something exceeds what the format can hold.
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        let mut writer = ImageWriter::new();
        let count = self.len();
        self.content.finish(&mut writer)?;
        Ok(writer.finish(count))
    }
}

impl Receiver for Builder {
    fn source(&mut self, source: Source) -> Result<SourceId, Refusal> {
        let id = u16::try_from(self.sources.len()).map_err(|_| Refusal::TooMany("sources"))?;
        self.sources.push(source);
        Ok(SourceId(id))
    }

    fn add(&mut self, _header: Header<'_>, signature: Signature) -> Result<(), Refusal> {
        let id = SignatureId(self.count);
        let next = self.count.checked_add(1).ok_or(Refusal::TooMany("signatures"))?;
        match signature {
            Signature::Body(body) => self.content.add_body(id, body)?,
            Signature::Logical(logical) => self.content.add_logical(id, logical)?,
            _ => {}
        }
        self.count = next;
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
}
