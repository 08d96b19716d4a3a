//! Databases to an image.

use anyhow::Context as _;
use candor_database::Builder;
use candor_signature::clamav;
use candor_signature::{Diagnostic, Input, Severity, SourceSummary};

use super::sources::SourceFile;

/// The result of a compilation.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The bytes of the image.
    pub(crate) image: Vec<u8>,
    /// The sums.
    pub(crate) report: Report,
    /// What became of each source.
    pub(crate) sources: Vec<SourceSummary>,
}

/// What a compilation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Signatures in the image.
    pub(crate) accepted: u64,
    /// Lines that cannot be used.
    pub(crate) refused: u64,
}

/// Compiles `sources`; what there is to say about single lines goes to `diagnostics`.
pub(crate) fn compile(
    sources: &[SourceFile],
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    let mut builder = Builder::new();
    let mut errors: u64 = 0;
    let inputs: Vec<Input<'_>> =
        sources.iter().map(|source| Input { name: &source.name, bytes: &source.bytes }).collect();
    let summaries = clamav::load(&inputs, clamav::Options::default(), &mut builder, &mut |diagnostic| {
        errors += u64::from(diagnostic.severity == Severity::Error);
        diagnostics(diagnostic);
    });
    let refused = summaries.iter().map(|summary| summary.refused).sum::<u64>().max(errors);
    let report = Report { accepted: builder.len(), refused };
    let image = builder.finish().context("the image cannot be laid out")?;
    Ok(Compiled { image, report, sources: summaries })
}
