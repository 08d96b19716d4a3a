//! Databases to an image. Signatures are hostile bytes like any others, so this happens in a jailed process
//! of its own: descriptors of the sources go in, one descriptor of an image comes out.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use candor_database::Builder;
use candor_sandbox::message::{self, Summary};
use candor_sandbox::worker::{self, Remark};
use candor_sandbox::{Jailed, Sandbox, Setup, Task};
use candor_signature::clamav::{self, Keys};
use candor_signature::{Diagnostic, Input, Severity, SourceSummary};
use rustix::fs::MemfdFlags;

use super::sources::SourceFile;
use super::vouched;

/// Bytes of memory that a compilation may take. Twelve million signatures take a fifth of it.
const MEMORY: u64 = 12 << 30;

/// Sources of which it is told what became of them; more can only come from somebody who means harm.
const SUMMARIES: usize = 1 << 18;

/// What is said when signatures cannot be compiled in a jail.
pub(super) const NO_JAIL: &str = "signatures cannot be compiled in a jail here (`candor doctor` says what is missing, \
                       --no-sandbox compiles without one)";

/// The result of a compilation.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The image, in memory.
    pub(crate) image: File,
    /// Its length in bytes.
    pub(crate) length: u64,
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

/// Compiles `sources`, in a jail unless the user wants none; what there is to say about single lines goes to
/// `diagnostics`.
pub(crate) fn compile(
    sources: &[SourceFile],
    jailed: bool,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    compile_signed(sources, &Keys::published(), jailed, diagnostics)
}

/// As [`compile`], with these keys of signed containers instead of ClamAV's.
pub(crate) fn compile_signed(
    sources: &[SourceFile],
    keys: &Keys,
    jailed: bool,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    if jailed {
        let sandbox = Sandbox::start(setup(), |jailed| work_with(jailed, keys)).context(NO_JAIL)?;
        compile_with(Some(&sandbox), sources, keys, diagnostics)
    } else {
        compile_with(None, sources, keys, diagnostics)
    }
}

/// The jail of a compilation.
pub(super) fn setup() -> Setup {
    Setup { memory: MEMORY, ..Setup::new(Task::Compile) }
}

/// What is done in it.
pub(super) fn work(jailed: Jailed) {
    work_with(jailed, &Keys::published());
}

fn work_with(jailed: Jailed, keys: &Keys) {
    worker::compile(jailed, |sources, say| {
        let inputs: Vec<Input<'_>> =
            sources.iter().map(|source| Input { name: &source.name, bytes: &source.bytes }).collect();
        let (image, report) = compile_here(&inputs, keys, say).map_err(|error| format!("{error:#}"))?;
        Ok((image, report.accepted, report.refused))
    })
}

/// As [`compile`], in a worker of this jail.
pub(super) fn compile_in(
    sandbox: Option<&Sandbox>,
    sources: &[SourceFile],
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    compile_with(sandbox, sources, &Keys::published(), diagnostics)
}

fn compile_with(
    sandbox: Option<&Sandbox>,
    sources: &[SourceFile],
    keys: &Keys,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    let mut summaries = Vec::new();
    let mut say = |remark| match remark {
        Remark::Diagnostic(diagnostic) => diagnostics(received(diagnostic)),
        Remark::Summary(summary) if summaries.len() < SUMMARIES => summaries.push(counted(summary)),
        Remark::Summary(_) => (),
    };
    let (image, length, report) = if let Some(sandbox) = sandbox {
        let inputs: Vec<candor_sandbox::Input<'_>> = sources
            .iter()
            .map(|source| candor_sandbox::Input {
                name: &source.name,
                file: source.file.as_fd(),
                length: source.length,
            })
            .collect();
        let (sums, image) = candor_sandbox::compile(sandbox, &inputs, &mut say)?;
        let report = Report { accepted: sums.accepted, refused: sums.refused };
        (File::from(image), sums.length, report)
    } else {
        let mut read = Vec::new();
        for source in sources {
            let mut bytes = Vec::new();
            source.pieces(&mut |piece| bytes.extend_from_slice(piece)).context("a source cannot be read")?;
            read.push((source.name.as_str(), bytes));
        }
        let inputs: Vec<Input<'_>> = read.iter().map(|(name, bytes)| Input { name, bytes }).collect();
        let (bytes, report) = compile_here(&inputs, keys, &mut say)?;
        let memory = rustix::fs::memfd_create("candor-image", MemfdFlags::CLOEXEC);
        let mut image = File::from(memory.context("no memory for the image")?);
        image.write_all(&bytes).context("no memory for the image")?;
        image.rewind().context("no memory for the image")?;
        (image, u64::try_from(bytes.len())?, report)
    };
    Ok(Compiled { image, length, report, sources: summaries })
}

/// Compiles in this process, jailed or not.
fn compile_here(
    inputs: &[Input<'_>],
    keys: &Keys,
    say: &mut dyn FnMut(Remark),
) -> anyhow::Result<(Vec<u8>, Report)> {
    let mut builder = Builder::new();
    let mut errors: u64 = 0;
    let options = clamav::Options::default();
    let mut tell = |diagnostic: Diagnostic| {
        errors += u64::from(diagnostic.severity == Severity::Error);
        say(Remark::Diagnostic(message::Diagnostic {
            error: diagnostic.severity == Severity::Error,
            source: diagnostic.source,
            line: diagnostic.line,
            column: diagnostic.column,
            message: diagnostic.message,
        }));
    };
    let settled = vouched::settle(inputs);
    let (databases, vouched) = (&settled.databases, &settled.vouched);
    let mut summaries = clamav::load_vouched(databases, vouched, options, keys, &mut builder, &mut tell);
    for vouched::Refused { name, why } in settled.refused {
        tell(Diagnostic {
            severity: Severity::Error,
            source: name.clone(),
            line: 0,
            column: 0,
            message: why,
        });
        summaries.push(SourceSummary { source: name, refused: 1, ..SourceSummary::default() });
    }
    let refused = summaries.iter().map(|summary| summary.refused).sum::<u64>().max(errors);
    for summary in summaries {
        let numbers =
            [summary.accepted, summary.other_level, summary.ignored, summary.unused, summary.refused];
        say(Remark::Summary(Summary { source: summary.source, numbers }));
    }
    let report = Report { accepted: builder.len(), refused };
    let image = builder.finish().context("the image cannot be laid out")?;
    Ok((image, report))
}

fn received(diagnostic: message::Diagnostic) -> Diagnostic {
    Diagnostic {
        severity: if diagnostic.error { Severity::Error } else { Severity::Note },
        source: diagnostic.source,
        line: diagnostic.line,
        column: diagnostic.column,
        message: diagnostic.message,
    }
}

fn counted(summary: Summary) -> SourceSummary {
    let [accepted, other_level, ignored, unused, refused] = summary.numbers;
    SourceSummary { source: summary.source, accepted, other_level, ignored, unused, refused }
}
