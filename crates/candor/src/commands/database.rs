//! `candor database`: what is in signature databases, and whether they are sound.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_database::SignatureRecord;
use clap::Subcommand;
use globset::{GlobBuilder, GlobMatcher};
use serde::Serialize;

use super::compile::{Diagnostics, print_sources};
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::scan::outcome::json_line;
use crate::settings::{DatabaseOptions, SafetyOptions};
use crate::store::compile::compile;
use crate::store::{self, Database, Kind, Origin, Signers, sources};
use crate::units;
use crate::update::place;

/// What `candor database` may be asked.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What to do with a database.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a database is made of.
    Info(Choice),
    /// List all signatures: name, language, source, line.
    List(Choice),
    /// Find signatures by name.
    ///
    /// Exit status: 0 some were found, 1 none were, 2 the command failed.
    Find {
        /// A part of the name, in any case; or a glob over the whole name, with `*`, `?` or `[`.
        pattern: String,

        #[command(flatten)]
        choice: Choice,
    },
    /// Check that a database is sound.
    ///
    /// Compares every checksum of an image; shows all diagnostics of databases that are compiled.
    /// Exit status: 0 it is sound, 1 it is not, 2 it could not be checked.
    Check(Choice),
}

/// Which database.
#[derive(Debug, clap::Args)]
pub(crate) struct Choice {
    /// An image, a directory of ClamAV databases, or one such database [default: the active generation, or the built-in one].
    database: Option<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    /// Where generations are kept.
    #[arg(long, value_name = "DIR", default_value = place::USUAL)]
    state_dir: PathBuf,

    /// Where compiled databases are kept.
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,

    /// Compile databases anew and keep nothing.
    #[arg(long, conflicts_with = "cache_dir")]
    no_cache: bool,

    #[command(flatten)]
    safety: SafetyOptions,
}

impl Choice {
    fn open(&self, printer: &mut Printer) -> anyhow::Result<Database> {
        let options = DatabaseOptions {
            database: self.database.clone(),
            state_dir: self.state_dir.clone(),
            cache_dir: self.cache_dir.clone(),
            no_cache: self.no_cache,
        };
        store::open(&options, &self.safety, printer)
    }
}

/// Runs `candor database`.
pub(crate) fn run(args: Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    match args.command {
        Command::Info(choice) => {
            let database = choice.open(printer)?;
            info(&database, choice.json, printer);
            Ok(Exit::Clean)
        }
        Command::List(choice) => {
            let database = choice.open(printer)?;
            select(&database, choice.json, &|_| true, printer);
            Ok(Exit::Clean)
        }
        Command::Find { pattern, choice } => {
            let name = Name::new(&pattern)?;
            let database = choice.open(printer)?;
            let found = select(&database, choice.json, &|record| name.matches(&record.name), printer);
            Ok(if found > 0 { Exit::Clean } else { Exit::Found })
        }
        Command::Check(choice) => match &choice.database {
            None => check_image(&store::built_in()?, choice.json, printer),
            Some(path) => match store::classify(path)? {
                Kind::Image(image) => {
                    let name = Escaped::os(path.as_os_str()).to_string();
                    let database = Database { image: *image, name, origin: Origin::File, refused: None };
                    check_image(&database, choice.json, printer)
                }
                Kind::Sources => check_sources(path, &choice, printer),
            },
        },
    }
}

/// A name to look for.
enum Name {
    Part(String),
    Glob(GlobMatcher),
}

impl Name {
    fn new(pattern: &str) -> anyhow::Result<Self> {
        if !pattern.contains(['*', '?', '[']) {
            return Ok(Self::Part(pattern.to_lowercase()));
        }
        let glob = GlobBuilder::new(pattern).case_insensitive(true).build();
        Ok(Self::Glob(glob.with_context(|| format!("pattern {pattern}"))?.compile_matcher()))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Part(part) => name.to_lowercase().contains(part),
            Self::Glob(glob) => glob.is_match(name),
        }
    }
}

/// One signature, for programs.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    language: &'a str,
    source: &'a str,
    line: u32,
    official: bool,
    potentially_unwanted: bool,
}

fn select(
    database: &Database,
    json: bool,
    wanted: &dyn Fn(&SignatureRecord) -> bool,
    printer: &mut Printer,
) -> u64 {
    let mut found = 0;
    for record in database.image.signatures().filter(|record| wanted(record)) {
        found += 1;
        if printer.is_broken() {
            break;
        }
        let line = if json {
            json_line(&Record {
                name: &record.name,
                language: record.language,
                source: &record.origin.source,
                line: record.origin.line,
                official: record.official,
                potentially_unwanted: record.potentially_unwanted,
            })
        } else {
            format!(
                "{}\t{}\t{}\t{}",
                Escaped(record.name.as_bytes()),
                record.language,
                Escaped(record.origin.source.as_bytes()),
                record.origin.line
            )
        };
        printer.line(&line);
    }
    found
}

/// All about an image, for programs.
#[derive(Serialize)]
struct InfoRecord<'a> {
    database: &'a str,
    format: u32,
    length: u64,
    /// What something can be found by.
    signatures: u64,
    /// Those, and lists and settings.
    entries: u64,
    sources: Vec<SourceRecord<'a>>,
    sections: Vec<SectionRecord>,
}

#[derive(Serialize)]
struct SourceRecord<'a> {
    name: &'a str,
    language: &'a str,
    official: bool,
    signatures: u64,
}

#[derive(Serialize)]
struct SectionRecord {
    name: &'static str,
    length: u64,
}

fn info(database: &Database, json: bool, printer: &mut Printer) {
    let info = database.image.info();
    if json {
        let record = InfoRecord {
            database: &database.name,
            format: info.format,
            length: info.length,
            signatures: store::signatures(&database.image),
            entries: info.signatures,
            sources: info
                .sources
                .iter()
                .map(|source| SourceRecord {
                    name: &source.name,
                    language: source.language,
                    official: source.official,
                    signatures: source.signatures,
                })
                .collect(),
            sections: info
                .sections
                .iter()
                .map(|section| SectionRecord { name: section.name, length: section.length })
                .collect(),
        };
        return printer.line(&json_line(&record));
    }
    let origin = match database.origin {
        Origin::BuiltIn => "part of this program",
        Origin::File => "an image",
        Origin::Generation => "active",
        Origin::Compiled => "compiled now",
        Origin::Cached => "compiled earlier",
    };
    printer.line(&format!("Database    {}, {origin}", database.name));
    printer.line(&format!("Format      version {}", info.format));
    printer.line(&format!("Length      {}", units::bytes(info.length)));
    printer.line(&format!("Signatures  {}", units::count(store::signatures(&database.image))));
    table(
        "Sources",
        info.sources.iter().map(|source| {
            let official = if source.official { ", official" } else { "" };
            (
                Escaped(source.name.as_bytes()).to_string(),
                format!("{} ({}{official})", units::count(source.signatures), source.language),
            )
        }),
        printer,
    );
    table(
        "Sections",
        info.sections.iter().map(|section| (section.name.to_owned(), units::bytes(section.length))),
        printer,
    );
}

fn table(heading: &str, rows: impl Iterator<Item = (String, String)>, printer: &mut Printer) {
    let rows: Vec<(String, String)> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    printer.line("");
    printer.line(&printer.paint(Tone::Strong, heading));
    for (name, value) in rows {
        printer.line(&format!("  {name:width$}  {value}"));
    }
}

/// What a check says, for programs.
#[derive(Serialize)]
struct CheckRecord<'a> {
    database: &'a str,
    sound: bool,
    signatures: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

fn check_image(database: &Database, json: bool, printer: &mut Printer) -> anyhow::Result<Exit> {
    let info = database.image.info();
    let problem = database.image.check().err().map(|error| error.to_string());
    let sound = problem.is_none();
    let exit = if sound { Exit::Clean } else { Exit::Found };
    if json {
        let (name, signatures) = (database.name.as_str(), store::signatures(&database.image));
        printer.line(&json_line(&CheckRecord { database: name, sound, signatures, problem }));
        return Ok(exit);
    }
    match problem {
        None => printer.line(&format!(
            "{}: {}: all of {} fit their checksums, {}",
            database.name,
            printer.paint(Tone::Good, "sound"),
            units::bytes(info.length),
            units::counted(store::signatures(&database.image), "signature"),
        )),
        Some(problem) => printer.line(&format!("{}: {problem}", database.name)),
    }
    Ok(exit)
}

fn check_sources(path: &Path, choice: &Choice, printer: &mut Printer) -> anyhow::Result<Exit> {
    let files = sources::read(&[path], &Signers::default(), None)?;
    let mut diagnostics = Diagnostics::new(printer, u64::MAX);
    let jailed = !choice.safety.no_sandbox;
    let compiled = compile(&files, None, jailed, &mut |diagnostic| diagnostics.take(&diagnostic))?;
    let errors = diagnostics.end();
    let sound = errors == 0;
    if choice.json {
        let name = path.to_string_lossy();
        let problem = (!sound).then(|| format!("{} cannot be used", units::counted(errors, "line")));
        let signatures = compiled.report.accepted;
        printer.line(&json_line(&CheckRecord { database: &name, sound, signatures, problem }));
    } else {
        print_sources(&compiled.sources, printer);
    }
    Ok(if sound { Exit::Clean } else { Exit::Found })
}
