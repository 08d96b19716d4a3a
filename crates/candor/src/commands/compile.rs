//! `candor compile`: signature databases into one image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candor_signature::{Diagnostic, Severity, SourceSummary};

use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::settings::SafetyOptions;
use crate::store::compile::compile;
use crate::store::write::write_image;
use crate::store::{Signers, signatures, sources};
use crate::units;

/// Diagnostics that are shown unless the user wants all.
const SHOWN: u64 = 20;

/// What `candor compile` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// ClamAV databases, or directories of them.
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<PathBuf>,

    /// The image to write. It is replaced in one step, or not at all.
    #[arg(short, long, value_name = "IMAGE")]
    output: PathBuf,

    /// Write no image when a line cannot be used.
    #[arg(long)]
    strict: bool,

    /// Certificates of those who may sign a container by a `.sign` beside it.
    ///
    /// A `.sign` that is there must be valid then.
    ///
    /// [default: /etc/clamav/certs, where it is there]
    #[arg(long, value_name = "DIR")]
    certificates: Option<PathBuf>,

    /// Use no `.cvd` that RSA over an MD5 sum alone vouches for.
    #[arg(long)]
    refuse_md5: bool,

    /// Show all diagnostics, not only the first 20.
    #[arg(long)]
    all_diagnostics: bool,

    /// Print nothing but errors.
    #[arg(short, long, conflicts_with = "all_diagnostics")]
    quiet: bool,

    #[command(flatten)]
    safety: SafetyOptions,
}

const AFTER_LONG_HELP: &str = "\
A line that cannot be used is reported as `file:line:column: reason` and left out; the rest is compiled.

Exit status: 0 the image was written, 2 it was not.

Examples:
  candor compile /var/lib/clamav -o signatures.candor
  candor scan --database signatures.candor ~/Downloads";

/// Prints diagnostics, up to a number, and counts them.
pub(crate) struct Diagnostics<'a> {
    printer: &'a mut Printer,
    limit: u64,
    seen: u64,
    errors: u64,
    /// Notes about whole files, by what they say: a container may hold hundreds of one kind.
    files: BTreeMap<String, u64>,
}

impl<'a> Diagnostics<'a> {
    pub(crate) const fn new(printer: &'a mut Printer, limit: u64) -> Self {
        Self { printer, limit, seen: 0, errors: 0, files: BTreeMap::new() }
    }

    pub(crate) fn take(&mut self, diagnostic: &Diagnostic) {
        if diagnostic.severity == Severity::Note && diagnostic.line == 0 {
            let alike = self.files.entry(diagnostic.message.clone()).or_default();
            *alike += 1;
            if *alike > 1 {
                return;
            }
        }
        self.seen += 1;
        self.errors += u64::from(diagnostic.severity == Severity::Error);
        if self.seen <= self.limit {
            let text = diagnostic.to_string();
            let text = Escaped(text.as_bytes());
            match diagnostic.severity {
                Severity::Error => self.printer.aside(&text.to_string()),
                Severity::Note => self.printer.aside(&format!("{text} (note)")),
            }
        }
    }

    /// Says how many were not shown; returns how many lines cannot be used.
    pub(crate) fn end(self) -> u64 {
        for (message, number) in self.files.iter().filter(|(_, number)| self.limit > 0 && **number > 1) {
            let message = Escaped(message.as_bytes());
            self.printer.aside(&format!("{message}: {} more like it (note)", units::count(number - 1)));
        }
        if let Some(more) = self.seen.checked_sub(self.limit).filter(|more| *more > 0 && self.limit > 0) {
            self.printer.aside(&format!(
                "and {} more; --all-diagnostics shows all",
                units::counted(more, "diagnostic")
            ));
        }
        self.errors
    }
}

/// Runs `candor compile`.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let limit = match (args.quiet, args.all_diagnostics) {
        (true, _) => 0,
        (_, true) => u64::MAX,
        _ => SHOWN,
    };
    let paths: Vec<&Path> = args.sources.iter().map(PathBuf::as_path).collect();
    let signers = Signers {
        certificates: args.certificates.clone(),
        refuse_md5: args.refuse_md5,
        ..Signers::default()
    };
    let room = args.output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = sources::read(&paths, &signers, Some(room))?;
    let mut diagnostics = Diagnostics::new(printer, limit);
    let jailed = !args.safety.no_sandbox;
    let compiled = compile(&files, Some(room), jailed, &mut |diagnostic| diagnostics.take(&diagnostic))?;
    let errors = diagnostics.end();
    if !args.quiet {
        print_sources(&compiled.sources, printer);
    }
    anyhow::ensure!(
        !args.strict || errors == 0,
        "{} cannot be used, and --strict was given: no image was written",
        units::counted(errors, "line")
    );
    // Lists of what to leave out or to trust can be used, but find nothing by themselves.
    let image = write_image(&args.output, &compiled.image, |image| {
        anyhow::ensure!(signatures(image) > 0, "there is no signature that something can be found by");
        Ok(())
    })?;
    if !args.quiet {
        let name = Escaped::os(args.output.as_os_str());
        let signatures = units::counted(signatures(&image), "signature");
        printer.line(&format!("{name}: {signatures}, {}", units::bytes(compiled.length)));
    }
    Ok(Exit::Clean)
}

/// The table of what became of the lines of each source.
pub(crate) fn print_sources(summaries: &[SourceSummary], printer: &mut Printer) {
    const COLUMNS: [&str; 5] = ["accepted", "other level", "ignored", "unused", "refused"];
    if summaries.is_empty() {
        return;
    }
    let width =
        summaries.iter().map(|summary| summary.source.chars().count()).max().unwrap_or(0).clamp(6, 50);
    let heading =
        COLUMNS.iter().fold(format!("{:width$}", "source"), |line, column| line + &format!("  {column:>11}"));
    printer.line(&printer.paint(Tone::Strong, &heading));
    let mut total = [0_u64; 5];
    let (mut unused_files, mut unused) = (0_u64, [0_u64; 5]);
    for summary in summaries {
        let numbers =
            [summary.accepted, summary.other_level, summary.ignored, summary.unused, summary.refused];
        let add = |sums: &mut [u64; 5]| sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        add(&mut total);
        // Files of a container of which nothing is used share a row.
        if matches!(numbers, [0, 0, 0, unused, 0] if unused > 0) && summary.source.contains('/') {
            unused_files += 1;
            add(&mut unused);
        } else {
            row(&summary.source, width, numbers, printer);
        }
    }
    if unused_files > 0 {
        row(&format!("{} not used yet", units::counted(unused_files, "file")), width, unused, printer);
    }
    if summaries.len() > 1 {
        row("all", width, total, printer);
    }
}

fn row(name: &str, width: usize, numbers: [u64; 5], printer: &mut Printer) {
    let name = Escaped(name.as_bytes()).to_string();
    let mut line = format!("{name:width$}");
    for (index, number) in numbers.into_iter().enumerate() {
        let text = format!("  {:>11}", units::count(number));
        line += &match (index, number) {
            (4, 1..) => printer.paint(Tone::Warning, &text),
            (1.., 0) => printer.paint(Tone::Faint, &text),
            _ => text,
        };
    }
    printer.line(&line);
}
