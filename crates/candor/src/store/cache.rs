//! Compiled databases, kept.
//!
//! Two small steps lead from paths to their image. `index/<digest of the paths>` says which image belongs
//! to which state of the files (length, times, inode), so that an unchanged database is found without
//! reading it. `images/<digest of the content>` holds the images, so that the same content is compiled
//! once wherever it lies. Files are written under another name and renamed: whoever reads sees a whole
//! file or none. An entry that cannot be read is made anew.
//!
//! Whoever can write here decides what is found on this machine; a directory that others may write to is
//! therefore not used.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use candor_database::Image;
use sha2::{Digest as _, Sha256};

use super::Origin;
use super::compile::{Compiled, Report};
use super::sources::{self, SourceFile, Stamp};
use super::vouched::Signers;
use super::write::{write_image, write_whole};
use crate::escape::Escaped;
use crate::units::hexadecimal;

/// Identifies the compiler: another one may make another image of the same content.
const COMPILER: &str = env!("CANDOR_COMPILER");

/// How many images are kept; older ones go when a new one comes.
const KEPT: usize = 8;

/// A file that changed so shortly before it was read may change again without a new time stamp.
const SETTLED: Duration = Duration::from_millis(50);

/// On file systems that count in whole seconds, the same takes longer.
const SETTLED_COARSE: Duration = Duration::from_secs(2);

/// Left-overs of interrupted runs are removed after this time.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A directory of compiled databases.
#[derive(Debug)]
pub(crate) struct Cache {
    images: PathBuf,
    index: PathBuf,
}

impl Cache {
    /// The cache in `wanted`, or at its usual place; `None` when there is no place for one.
    pub(super) fn locate(wanted: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let Some(root) = wanted.map(Path::to_path_buf).or_else(usual_place) else { return Ok(None) };
        let cache = Self { images: root.join("images"), index: root.join("index") };
        for directory in [&root, &cache.images, &cache.index] {
            prepare(directory)?;
        }
        Ok(Some(cache))
    }

    /// The image of the databases at `paths`, made now by `compile` in the directory that it names unless it is there; and the
    /// file that it is mapped from. What cannot be kept goes to `note`.
    pub(super) fn open_or_compile(
        &self,
        (paths, signers): (&[&Path], &Signers),
        compile: &mut dyn FnMut(&[SourceFile], &Path) -> anyhow::Result<Compiled>,
        note: &mut dyn FnMut(&str),
    ) -> anyhow::Result<(File, Image, Report, Origin)> {
        let index = self.index.join(digest_of_paths(paths)?);
        let stamps = sources::list(paths, signers)?;
        let listed = SystemTime::now();
        let state = digest_of_stamps(&stamps, signers);
        if let Some(entry) = Entry::read(&index)
            && entry.state == state
            && let Some((file, image)) = self.open(&entry.content, note)
        {
            return Ok((file, image, entry.report, Origin::Cached));
        }
        let files = sources::read(paths, signers, Some(&self.images))?;
        let content = digest_of_content(&files)?;
        let report_file = self.images.join(format!("{content}.report"));
        let known = fs::read_to_string(&report_file).ok().and_then(|text| Report::parse(&text));
        let (file, image, report, origin) = match known.zip(self.open(&content, note)) {
            Some((report, (file, image))) => (file, image, report, Origin::Cached),
            None => {
                let compiled = compile(&files, &self.images)?;
                drop(files);
                let stored = self.store(&content, &compiled.image).and_then(|image| {
                    write_whole(&report_file, compiled.report.text().as_bytes())?;
                    Ok((File::open(self.image(&content))?, image))
                });
                let (file, image) = match stored {
                    Ok(stored) => stored,
                    Err(error) => {
                        note(&format!("compiled signatures are not kept: {error:#}"));
                        let image = Image::open(&compiled.image)?;
                        return Ok((compiled.image, image, compiled.report, Origin::Compiled));
                    }
                };
                (file, image, compiled.report, Origin::Compiled)
            }
        };
        // What was listed before reading is what was read: reading checks that.
        if settled(&stamps, listed) && sources::list(paths, signers).is_ok_and(|now| now == stamps) {
            let entry = Entry { state, content, report };
            if let Err(error) = write_whole(&index, entry.text().as_bytes()) {
                note(&format!("compiled signatures are not found again quickly: {error:#}"));
            }
        }
        Ok((file, image, report, origin))
    }

    fn image(&self, content: &str) -> PathBuf {
        self.images.join(format!("{content}.candor"))
    }

    fn open(&self, content: &str, note: &mut dyn FnMut(&str)) -> Option<(File, Image)> {
        let path = self.image(content);
        let file = File::open(&path).ok()?;
        match Image::open(&file) {
            Ok(image) => Some((file, image)),
            Err(error) => {
                note(&format!(
                    "compiled signatures in {} are made anew: {error}",
                    Escaped::os(path.as_os_str())
                ));
                None
            }
        }
    }

    fn store(&self, content: &str, image: &File) -> anyhow::Result<Image> {
        let image = write_image(&self.image(content), image, |_| Ok(()))?;
        self.tidy(content);
        Ok(image)
    }

    /// Removes the oldest images and what interrupted runs left. That it may fail does no harm.
    fn tidy(&self, newest: &str) {
        let Ok(entries) = fs::read_dir(&self.images) else { return };
        let mut images = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
            if path.extension().is_some_and(|extension| extension == "candor") {
                images.push((modified, path));
            } else if path.extension().is_some_and(|extension| extension == "temporary")
                && modified.elapsed().is_ok_and(|age| age > ABANDONED)
            {
                drop(fs::remove_file(path));
            }
        }
        images.sort();
        let newest = self.image(newest);
        let surplus = images.len().saturating_sub(KEPT);
        for (_, path) in images.into_iter().filter(|(_, path)| *path != newest).take(surplus) {
            drop(fs::remove_file(path.with_extension("report")));
            drop(fs::remove_file(path));
        }
    }
}

/// What the index says of one path.
struct Entry {
    state: String,
    content: String,
    report: Report,
}

impl Entry {
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut lines = text.lines();
        let state = lines.next()?.to_owned();
        let content = lines.next()?.to_owned();
        // It becomes part of a file name.
        if content.is_empty() || !content.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        Some(Self { state, content, report: Report::parse(lines.next()?)? })
    }

    fn text(&self) -> String {
        format!("{}\n{}\n{}", self.state, self.content, self.report.text())
    }
}

impl Report {
    fn text(self) -> String {
        format!("{} {}\n", self.accepted, self.refused)
    }

    fn parse(text: &str) -> Option<Self> {
        let (accepted, refused) = text.trim_end().split_once(' ')?;
        Some(Self { accepted: accepted.parse().ok()?, refused: refused.parse().ok()? })
    }
}

fn usual_place() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/cache/candor"));
    }
    let directory = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    directory("XDG_CACHE_HOME")
        .or_else(|| directory("HOME").map(|home| home.join(".cache")))
        .map(|caches| caches.join("candor"))
}

fn prepare(directory: &Path) -> anyhow::Result<()> {
    let name = || format!("cache directory {}", Escaped::os(directory.as_os_str()));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(name)?;
    let metadata = fs::metadata(directory).with_context(name)?;
    let user = rustix::process::geteuid().as_raw();
    anyhow::ensure!(metadata.uid() == user || metadata.uid() == 0, "{} belongs to another user", name());
    anyhow::ensure!(metadata.mode() & 0o022 == 0, "{} can be written to by others", name());
    Ok(())
}

fn digest_of_paths(paths: &[&Path]) -> anyhow::Result<String> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut digest = Sha256::new();
    for (number, path) in paths.iter().enumerate() {
        let absolute = std::path::absolute(path)
            .with_context(|| format!("database {}", Escaped::os(path.as_os_str())))?;
        if number > 0 {
            // No path holds it.
            digest.update([0]);
        }
        digest.update(absolute.as_os_str().as_bytes());
    }
    Ok(hexadecimal(digest.finalize()))
}

/// What tells one state of the files from another.
pub(super) fn digest_of_stamps(stamps: &[Stamp], signers: &Signers) -> String {
    let mut digest = Sha256::new();
    digest.update(COMPILER);
    digest.update([u8::from(signers.refuse_md5)]);
    stamps.iter().for_each(|stamp| stamp.digest(&mut digest));
    hexadecimal(digest.finalize())
}

fn digest_of_content(files: &[SourceFile]) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    digest.update(COMPILER);
    for file in files {
        let name = file.name.as_bytes();
        digest.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(name);
        digest.update(file.length.to_le_bytes());
        file.pieces(&mut |piece| digest.update(piece)).context("a source cannot be read")?;
    }
    Ok(hexadecimal(digest.finalize()))
}

/// Whether every file had been left alone long enough when it was listed that a later change would show
/// in its times.
fn settled(stamps: &[Stamp], listed: SystemTime) -> bool {
    let Ok(now) = listed.duration_since(SystemTime::UNIX_EPOCH) else { return false };
    stamps.iter().all(|stamp| {
        let changed = stamp.last_change();
        let quiet = if changed % 1_000_000_000 == 0 { SETTLED_COARSE } else { SETTLED };
        i128::try_from(now.as_nanos()).is_ok_and(|now| {
            i128::try_from(quiet.as_nanos()).is_ok_and(|quiet| changed.saturating_add(quiet) < now)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_only_just_changed_may_change_again_unnoticed() -> anyhow::Result<()> {
        let file = tempfile::Builder::new().suffix(".ndb").tempfile()?;
        let stamps = sources::list(&[file.path()], &Signers::default())?;
        let changed = u64::try_from(stamps.iter().map(Stamp::last_change).max().unwrap_or_default())?;
        let quiet = if changed % 1_000_000_000 == 0 { SETTLED_COARSE } else { SETTLED };
        let then = SystemTime::UNIX_EPOCH + Duration::from_nanos(changed);
        let short = Duration::from_nanos(1);
        assert!(!settled(&stamps, then));
        assert!(!settled(&stamps, then + quiet));
        assert!(settled(&stamps, then + quiet + short));
        // A clock that was set back tells nothing.
        assert!(!settled(&stamps, then - short));
        Ok(())
    }
}
