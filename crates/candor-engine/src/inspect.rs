//! What rules of YARA ask of a layer besides its bytes.

use candor_database::Inspector;
use candor_model::{Budget, Digest, DigestKind, DigestSet, Module, ModuleValue};

use crate::formats::Formats;
use crate::frame::{Frame, digests};

/// Answers for one layer.
#[derive(Debug)]
pub(crate) struct LayerInspector<'s, 'f> {
    pub(crate) frame: &'s Frame<'f>,
    pub(crate) formats: &'s dyn Formats,
    pub(crate) budget: &'s Budget,
}

impl Inspector for LayerInspector<'_, '_> {
    fn module(&self, module: Module) -> ModuleValue {
        self.formats.module(module, self.frame.bytes)
    }

    fn digest(&self, kind: DigestKind, bytes: &[u8]) -> Option<Digest> {
        let wanted = DigestSet::EMPTY.with(kind);
        let is_all = bytes.len() == self.frame.bytes.len() && bytes.as_ptr() == self.frame.bytes.as_ptr();
        let made = if is_all {
            self.frame.digests(wanted, self.budget)
        } else {
            digests(bytes, wanted, self.budget)
        };
        made.ok().and_then(|made| made.first().copied())
    }
}
