//! Signatures in, the bytes of an image out.

use crate::ir::{Header, Receiver, Refusal, Signature, Source, SourceId};

/// Collects signatures and lays them out as an image.
#[derive(Debug, Default)]
pub struct Builder {
    sources: Vec<Source>,
    count: u64,
}

impl Builder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of signatures taken so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.count
    }

    /// Whether no signature was taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Lays out the image.
    ///
    /// # Errors
    /// Something exceeds what the format can hold.
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        Ok(Vec::new())
    }
}

impl Receiver for Builder {
    fn source(&mut self, source: Source) -> Result<SourceId, Refusal> {
        let id = u16::try_from(self.sources.len()).map_err(|_| Refusal::TooMany("sources"))?;
        self.sources.push(source);
        Ok(SourceId(id))
    }

    fn add(&mut self, _header: Header<'_>, _signature: Signature) -> Result<(), Refusal> {
        self.count = self.count.saturating_add(1);
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
