//! What modules offer for one layer: asked once, and only if a rule wants to know.

use std::cell::OnceCell;

use candor_model::{Digest, DigestKind, Module, ModuleValue};

use crate::search::Inspection;

/// Modules of one layer.
#[derive(Debug)]
pub(crate) struct Modules<'a> {
    inspection: Inspection<'a>,
    values: [OnceCell<ModuleValue>; Module::ALL.len()],
    /// Digests of the whole layer.
    digests: [OnceCell<Option<Digest>>; DigestKind::ALL.len()],
    /// How often each byte is in the whole layer.
    histogram: OnceCell<Box<[u64; 256]>>,
}

impl<'a> Modules<'a> {
    /// Modules that were not asked for yet.
    pub(crate) fn new(inspection: Inspection<'a>) -> Self {
        Self {
            inspection,
            values: [const { OnceCell::new() }; Module::ALL.len()],
            digests: [const { OnceCell::new() }; DigestKind::ALL.len()],
            histogram: OnceCell::new(),
        }
    }

    /// The name of the layer.
    pub(crate) const fn name(&self) -> &'a str {
        self.inspection.name
    }

    /// What a module offers.
    pub(crate) fn value(&self, module: Module) -> &ModuleValue {
        const NOTHING: &ModuleValue = &ModuleValue::Undefined;
        let Some(value) = self.values.get(usize::from(module.number())) else { return NOTHING };
        value.get_or_init(|| match module {
            Module::Math => ModuleValue::Structure(vec![("MEAN_BYTES", ModuleValue::Float(127.5))]),
            Module::Console | Module::Hash | Module::String | Module::Time => ModuleValue::Undefined,
            _ => self.inspection.inspector.module(module),
        })
    }

    /// The digest of `part`, a part of the layer of `length` bytes, or of other bytes.
    pub(crate) fn digest(&self, kind: DigestKind, part: &[u8], length: usize) -> Option<Digest> {
        let make = || self.inspection.inspector.digest(kind, part);
        let known = self.digests.get(kind as usize).filter(|_| part.len() == length);
        known.map_or_else(make, |known| *known.get_or_init(make))
    }

    /// How often each byte is in the layer.
    pub(crate) fn histogram(&self, bytes: &[u8]) -> &[u64; 256] {
        self.histogram.get_or_init(|| Box::new(count_bytes(bytes)))
    }
}

/// How often each byte is in `bytes`.
pub(crate) fn count_bytes(bytes: &[u8]) -> [u64; 256] {
    let mut counts = [0_u64; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    counts
}
