//! What is damaged, where it may be so in very many places: some are told, the rest is counted.

use candor_model::{Reason, Sink};

/// Places that are told.
const TOLD: u32 = 12;

/// Damages of one volume.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    told: u32,
    more: u64,
}

impl Troubles {
    /// Tells what is damaged and where, or counts it.
    pub(crate) fn damaged(&mut self, sink: &mut dyn Sink, what: String) {
        if self.told < TOLD {
            self.told = self.told.saturating_add(1);
            sink.incomplete(Reason::Malformed(what));
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Tells how many were only counted.
    pub(crate) fn finish(self, sink: &mut dyn Sink) {
        if self.more > 0 {
            sink.incomplete(Reason::Malformed(format!("{} more parts of the volume", self.more)));
        }
    }
}
