//! Where signatures come from: the built-in image, an image file, or databases that are compiled when
//! they are first used.

mod builtin;
mod cache;
pub(crate) mod compile;
mod served;
pub(crate) mod sources;
mod vouched;
pub(crate) mod write;

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use candor_database::{Image, OpenError};
use rustix::fs::{Mode, OFlags};

use crate::escape::Escaped;
use crate::printer::Printer;
use crate::settings::{DatabaseOptions, SafetyOptions};
use crate::units::{count, counted};
use crate::update::place;

use cache::Cache;
use compile::Report;
pub use served::{Compiler, Served, Trial, built_in_image, serve, serve_all, state};
use sources::SourceFile;
pub use sources::is_database_name as is_database;
pub use vouched::Signers;

/// Signatures ready for use.
#[derive(Debug)]
pub(crate) struct Database {
    /// The image.
    pub(crate) image: Image,
    /// What to call it.
    pub(crate) name: String,
    /// Where the image came from.
    pub(crate) origin: Origin,
    /// Lines of databases that cannot be used; `None` when it was an image that was asked for.
    pub(crate) refused: Option<u64>,
}

/// Where an image came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is part of the program.
    BuiltIn,
    /// An image file that the user named.
    File,
    /// The generation that is active.
    Generation,
    /// Compiled now.
    Compiled,
    /// Compiled earlier.
    Cached,
}

/// How many signatures an image holds that something can be found by: not the lists, settings and
/// trusted files that come with them.
pub(crate) fn signatures(image: &Image) -> u64 {
    const FINDING: [&str; 14] =
        ["cdb", "db", "hdb", "hsb", "imp", "ldb", "mdb", "msb", "ndb", "rmd", "sdb", "yar", "yara", "zmd"];
    let finding = |language: &str| FINDING.contains(&language);
    let info = image.info();
    info.sources.iter().filter(|source| finding(source.language)).map(|source| source.signatures).sum()
}

/// What a path turned out to be.
pub(crate) enum Kind {
    /// An image, opened.
    Image(Box<Image>),
    /// A database, or a directory of them.
    Sources,
}

/// Opens what the options ask for.
pub(crate) fn open(
    options: &DatabaseOptions,
    safety: &SafetyOptions,
    printer: &mut Printer,
) -> anyhow::Result<Database> {
    let jailed = !safety.no_sandbox;
    let Some(path) = &options.database else {
        // One that cannot be used is an error: with the built-in signatures less would be found, unnoticed.
        return active(&options.state_dir)?.map_or_else(built_in, Ok);
    };
    let name = Escaped::os(path.as_os_str()).to_string();
    if let Kind::Image(image) = classify(path)? {
        return Ok(Database { image: *image, name, origin: Origin::File, refused: None });
    }
    let signers = Signers::default();
    let cache = if options.no_cache {
        None
    } else {
        Cache::locate(options.cache_dir.as_deref()).unwrap_or_else(|reason| {
            printer.note(&format!("compiled signatures are not kept: {reason:#}"));
            None
        })
    };
    let (image, report, origin) = match &cache {
        Some(cache) => {
            let mut compile = |sources: &[SourceFile], room: &Path| {
                compile::compile(sources, Some(room), jailed, &mut |_| ())
            };
            let (_, image, report, origin) =
                cache.open_or_compile((&[path], &signers), &mut compile, &mut |text| printer.note(text))?;
            (image, report, origin)
        }
        None => {
            let sources = sources::read(&[path], &signers, None)?;
            let compiled = compile::compile(&sources, None, jailed, &mut |_| ())?;
            (Image::open(&compiled.image)?, compiled.report, Origin::Compiled)
        }
    };
    anyhow::ensure!(
        signatures(&image) > 0,
        "database {name}: there is no signature in it that something can be found by"
    );
    tell(&report, path, printer);
    Ok(Database { image, name, origin, refused: Some(report.refused) })
}

/// The active generation of a store, if there is one.
fn active(root: &Path) -> anyhow::Result<Option<Database>> {
    let Some(active) = place::in_force(root)? else { return Ok(None) };
    let name = format!("generation {} of {}", active.number, Escaped::os(root.as_os_str()));
    let file = File::open(active.image()).with_context(|| name.clone())?;
    let image = Image::open(&file).with_context(|| name.clone())?;
    Ok(Some(Database { image, name, origin: Origin::Generation, refused: None }))
}

/// The signatures that are part of the program.
pub(crate) fn built_in() -> anyhow::Result<Database> {
    let image = builtin::open().context("the built-in signatures cannot be opened")?;
    Ok(Database { image, name: String::from("built-in"), origin: Origin::BuiltIn, refused: None })
}

/// Tells images from databases: by what is in them, not by their name.
pub(crate) fn classify(path: &Path) -> anyhow::Result<Kind> {
    let name = Escaped::os(path.as_os_str());
    // Opening a pipe or a tape must neither wait nor do anything.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file: File = rustix::fs::open(path, flags, Mode::empty())
        .map_err(std::io::Error::from)
        .with_context(|| format!("database {name}"))?
        .into();
    let metadata = file.metadata().with_context(|| format!("database {name}"))?;
    if metadata.is_dir() {
        return Ok(Kind::Sources);
    }
    anyhow::ensure!(metadata.is_file(), "database {name}: neither a file nor a directory");
    match Image::open(&file) {
        Ok(image) => Ok(Kind::Image(Box::new(image))),
        Err(OpenError::NotAnImage) if sources::is_database_name(path) => Ok(Kind::Sources),
        Err(OpenError::NotAnImage) => {
            anyhow::bail!("database {name}: neither a Candor image nor, by its name, a signature database")
        }
        Err(error) => Err(anyhow::Error::new(error).context(format!("database {name}"))),
    }
}

fn tell(report: &Report, path: &Path, printer: &mut Printer) {
    if report.refused == 0 {
        return;
    }
    printer.note(&format!(
        "{} of {} cannot be used; the other {} are in force",
        counted(report.refused, "line"),
        Escaped::os(path.as_os_str()),
        count(report.accepted),
    ));
    printer.hint(&format!("`candor database check {}` shows them", Escaped::os(path.as_os_str())));
}
