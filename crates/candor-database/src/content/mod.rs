//! Body and logical signatures: what is searched for in the bytes of a layer.

use crate::builder::BuildError;
use crate::image::{ImageWriter, SignatureId};
use crate::ir::{Body, Logical, Refusal};

/// Collects body and logical signatures.
#[derive(Debug, Default)]
pub(crate) struct ContentBuilder {}

impl ContentBuilder {
    /// Takes a body signature. When it refuses, it is as before.
    pub(crate) fn add_body(&mut self, _id: SignatureId, _body: Body) -> Result<(), Refusal> {
        Ok(())
    }

    /// Takes a logical signature. When it refuses, it is as before.
    pub(crate) fn add_logical(&mut self, _id: SignatureId, _logical: Logical) -> Result<(), Refusal> {
        Ok(())
    }

    /// Writes the sections that they are found by.
    pub(crate) fn finish(self, _writer: &mut ImageWriter) -> Result<(), BuildError> {
        Ok(())
    }
}
