//! Signatures for a daemon: an image as a file, which other processes map, and a compiler that can be asked by
//! a program with many threads.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use candor_database::Image;
use candor_sandbox::{Nursery, Sandbox};
use candor_signature::Severity;

use super::cache::{Cache, digest_of_stamps};
use super::compile::{NO_JAIL, compile_in, setup, work};
use super::sources::{self, SourceFile};
use super::vouched::Signers;
use super::{Kind, classify, signatures};
use crate::escape::Escaped;

/// Files that cannot be used of which it is told why.
const FAULTS: usize = 20;

/// Compiles databases in a jail.
#[derive(Debug)]
pub struct Compiler(Nursery);

/// An image that others are to map.
#[derive(Debug)]
pub struct Served {
    /// The file.
    pub file: File,
    /// Its length in bytes.
    pub length: u64,
    /// Signatures in it that something can be found by.
    pub signatures: u64,
}

/// What came of trying signatures out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Signatures that can be used.
    pub accepted: u64,
    /// Lines that cannot.
    pub refused: u64,
    /// The first of these, for people.
    pub first: Option<String>,
}

impl Compiler {
    /// Prepares to compile. To be called while this program has one thread, and from one that lives as long
    /// as this is used.
    ///
    /// # Errors
    /// There is no jail on this machine.
    pub fn start() -> anyhow::Result<Self> {
        let open = |_| Ok(());
        let work = |jailed, (): &()| work(jailed);
        Ok(Self(Nursery::start(setup(), open, work).context(NO_JAIL)?))
    }

    /// Compiles files of signatures, by name, and throws the image away: whether they can be used at all.
    ///
    /// # Errors
    /// They cannot be compiled.
    pub fn try_out(&self, files: &[(&str, &[u8])]) -> anyhow::Result<Trial> {
        let sources = files.iter().map(|(name, bytes)| SourceFile::of(name, bytes));
        let sources = sources.collect::<anyhow::Result<Vec<_>>>()?;
        let mut first = None;
        let compiled = compile_in(Some(&self.sandbox()?), &sources, None, &mut |diagnostic| {
            if diagnostic.severity == Severity::Error && first.is_none() {
                first = Some(diagnostic.to_string());
            }
        })?;
        Ok(Trial { accepted: compiled.report.accepted, refused: compiled.report.refused, first })
    }

    fn sandbox(&self) -> anyhow::Result<Sandbox> {
        self.0.sandbox(None).context(NO_JAIL)
    }
}

/// The image of what is at `path`: an image, a database or a folder of them. It is made now unless the cache
/// has it; what is to be known about that goes to `note`.
///
/// # Errors
/// It cannot be read or compiled, or nothing can be found by it.
pub fn serve(
    path: &Path,
    signers: &Signers,
    cache: Option<&Path>,
    compiler: &Compiler,
    note: &mut dyn FnMut(&str),
) -> anyhow::Result<Served> {
    serve_all(&[path], signers, cache, compiler, note)
}

/// As [`serve`], of several databases together. An image can only be alone.
///
/// # Errors
/// They cannot be read or compiled, or nothing can be found by them.
pub fn serve_all(
    paths: &[&Path],
    signers: &Signers,
    cache: Option<&Path>,
    compiler: &Compiler,
    note: &mut dyn FnMut(&str),
) -> anyhow::Result<Served> {
    let names: Vec<String> = paths.iter().map(|path| Escaped::os(path.as_os_str()).to_string()).collect();
    let name = names.join(", ");
    let mut alone = None;
    for path in paths {
        if let Kind::Image(image) = classify(path)? {
            anyhow::ensure!(
                paths.len() == 1,
                "database {name}: an image cannot be used together with others"
            );
            let file = File::open(path).with_context(|| format!("database {name}"))?;
            alone = Some((file, *image));
        }
    }
    let (file, image) = match alone {
        Some(alone) => alone,
        None => compiled((paths, signers), &name, cache, compiler, note)?,
    };
    let signatures = signatures(&image);
    anyhow::ensure!(
        signatures > 0,
        "database {name}: there is no signature in it that something can be found by"
    );
    Ok(Served { file, length: image.info().length, signatures })
}

fn compiled(
    (paths, signers): (&[&Path], &Signers),
    name: &str,
    cache: Option<&Path>,
    compiler: &Compiler,
    note: &mut dyn FnMut(&str),
) -> anyhow::Result<(File, Image)> {
    let cache = Cache::locate(cache).unwrap_or_else(|reason| {
        note(&format!("compiled signatures are not kept: {reason:#}"));
        None
    });
    // What is wrong with a whole file is worth more than a number.
    let mut faults = Vec::new();
    let mut compile = |sources: &[SourceFile], room: Option<&Path>| {
        compile_in(Some(&compiler.sandbox()?), sources, room, &mut |diagnostic| {
            if diagnostic.severity == Severity::Error && diagnostic.line == 0 && faults.len() < FAULTS {
                faults.push(diagnostic.to_string());
            }
        })
    };
    let Some(cache) = cache else {
        let compiled = compile(&sources::read(paths, signers, None)?, None)?;
        faults.iter().for_each(|fault| note(fault));
        let image = Image::open(&compiled.image)?;
        return Ok((compiled.image, image));
    };
    let mut compile = |sources: &[SourceFile], room: &Path| compile(sources, Some(room));
    let opened = cache.open_or_compile((paths, signers), &mut compile, note);
    faults.iter().for_each(|fault| note(fault));
    let (file, image, report, _) = opened?;
    if report.refused > 0 {
        note(&format!("{} lines of {name} cannot be used", report.refused));
    }
    Ok((file, image))
}

/// The signatures that are part of the program.
///
/// # Errors
/// They were damaged.
pub fn built_in_image() -> anyhow::Result<Image> {
    Ok(super::built_in()?.image)
}

/// What tells one state of the databases at `path` from another, without reading them.
///
/// # Errors
/// They cannot be listed.
pub fn state(path: &Path, signers: &Signers) -> anyhow::Result<String> {
    Ok(digest_of_stamps(&sources::list(&[path], signers)?, signers))
}
