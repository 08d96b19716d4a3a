//! Databases to an image. Signatures are hostile bytes like any others, so this happens in a jailed process
//! of its own: descriptors of the sources go in, and one that the image is to be written to. What would take memory is put aside
//! meanwhile, into a file that has no name either.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd as _;
use std::path::Path;

use anyhow::Context as _;
use candor_database::Builder;
use candor_database::ir::{Header, Receiver, Refusal, Signature, Source, SourceId};
use candor_sandbox::message::{self, Summary, Sums};
use candor_sandbox::worker::{self, Remark, Work};
use candor_sandbox::{Jailed, Outputs, Sandbox, Setup, Task};
use candor_signature::clamav::{self, Keys};
use candor_signature::{Diagnostic, Input, Severity, SourceSummary};

use super::sources::SourceFile;
use super::vouched;

/// Bytes of memory that a compilation may take. Twelve million signatures take a fifth of it.
const MEMORY: u64 = 12 << 30;

/// Signatures after which pages of sources that were read are let go of.
const LET_GO: u32 = 1 << 14;

/// Sources of which it is told what became of them; more can only come from somebody who means harm.
const SUMMARIES: usize = 1 << 18;

/// What is said when signatures cannot be compiled in a jail.
pub(super) const NO_JAIL: &str = "signatures cannot be compiled in a jail here (`candor doctor` says what is missing, \
                       --no-sandbox compiles without one)";

/// The result of a compilation.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The image, in a file that has no name yet.
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
/// `diagnostics`. The image is on the disk that `room` is on, or that temporary files are on, if there is enough of it.
pub(crate) fn compile(
    sources: &[SourceFile],
    room: Option<&Path>,
    jailed: bool,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    compile_signed((sources, room), &Keys::published(), jailed, diagnostics)
}

/// As [`compile`], with these keys of signed containers instead of ClamAV's.
pub(crate) fn compile_signed(
    task: (&[SourceFile], Option<&Path>),
    keys: &Keys,
    jailed: bool,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    if jailed {
        let sandbox = Sandbox::start(setup(), |jailed| work_with(jailed, keys)).context(NO_JAIL)?;
        compile_with(Some(&sandbox), task, keys, diagnostics)
    } else {
        compile_with(None, task, keys, diagnostics)
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
    worker::compile(jailed, |Work { sources, image, scratch }, say| {
        let inputs: Vec<Input<'_>> =
            sources.iter().map(|source| Input { name: &source.name, bytes: &source.bytes }).collect();
        let let_go = || sources.iter().for_each(worker::Source::let_go);
        compile_here(&inputs, keys, (image, scratch), &let_go, say).map_err(|error| format!("{error:#}"))
    })
}

/// As [`compile`], in a worker of this jail.
pub(super) fn compile_in(
    sandbox: Option<&Sandbox>,
    sources: &[SourceFile],
    room: Option<&Path>,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    compile_with(sandbox, (sources, room), &Keys::published(), diagnostics)
}

fn compile_with(
    sandbox: Option<&Sandbox>,
    (sources, room): (&[SourceFile], Option<&Path>),
    keys: &Keys,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> anyhow::Result<Compiled> {
    let mut summaries = Vec::new();
    let mut say = |remark| match remark {
        Remark::Diagnostic(diagnostic) => diagnostics(received(diagnostic)),
        Remark::Summary(summary) if summaries.len() < SUMMARIES => summaries.push(counted(summary)),
        Remark::Summary(_) => (),
    };
    let bytes = sources.iter().map(|source| source.length).fold(0, u64::saturating_add);
    let outputs = Outputs::make(room, bytes.saturating_mul(2)).context("there is no room for an image")?;
    let sums = if let Some(sandbox) = sandbox {
        let inputs: Vec<candor_sandbox::Input<'_>> = sources
            .iter()
            .map(|source| candor_sandbox::Input {
                name: &source.name,
                file: source.file.as_fd(),
                length: source.length,
            })
            .collect();
        candor_sandbox::compile(sandbox, &inputs, &outputs, &mut say)?
    } else {
        let mut read = Vec::new();
        for source in sources {
            let mut bytes = Vec::new();
            source.pieces(&mut |piece| bytes.extend_from_slice(piece)).context("a source cannot be read")?;
            read.push((source.name.as_str(), bytes));
        }
        let inputs: Vec<Input<'_>> = read.iter().map(|(name, bytes)| Input { name, bytes }).collect();
        let file = |file: &std::os::fd::OwnedFd| file.try_clone().map(File::from).context("the image");
        let files = (file(&outputs.image)?, file(&outputs.scratch)?);
        compile_here(&inputs, keys, files, &|| (), &mut say)?
    };
    let report = Report { accepted: sums.accepted, refused: sums.refused };
    let mut image = File::from(outputs.image);
    image.rewind().context("the image")?;
    Ok(Compiled { image, length: sums.length, report, sources: summaries })
}

/// Takes signatures for a builder, and has pages of sources let go of from time to time: what was read is not needed again,
/// and it is as large as everything else together.
struct LettingGo<'a> {
    builder: Builder,
    taken: u32,
    let_go: &'a dyn Fn(),
}

impl Receiver for LettingGo<'_> {
    fn source(&mut self, source: Source) -> Result<SourceId, Refusal> {
        self.builder.source(source)
    }

    fn add(&mut self, header: Header<'_>, signature: Signature) -> Result<(), Refusal> {
        self.taken = self.taken.wrapping_add(1);
        if self.taken.is_multiple_of(LET_GO) {
            (self.let_go)();
        }
        self.builder.add(header, signature)
    }

    fn pause(&mut self) {
        (self.let_go)();
    }
}

/// Compiles in this process, jailed or not.
fn compile_here(
    inputs: &[Input<'_>],
    keys: &Keys,
    (image, scratch): (impl Write + Seek + 'static, impl Read + Write + Seek + Send + 'static),
    let_go: &dyn Fn(),
    say: &mut dyn FnMut(Remark),
) -> anyhow::Result<Sums> {
    let mut receiver = LettingGo { builder: Builder::with_spill(scratch), taken: 0, let_go };
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
    let mut summaries = clamav::load_vouched(databases, vouched, options, keys, &mut receiver, &mut tell);
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
    let_go();
    let accepted = receiver.builder.len();
    let length = receiver.builder.write(image).context("the image cannot be laid out")?;
    Ok(Sums { accepted, refused, length })
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
