//! Where a feed's files come from, and where a release's members go: the only places that the verifier touches.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use super::refusal::Refusal;
use crate::log::tiles::Files;

/// A place that claims to hold a feed. Nothing that it says is believed.
pub trait Mirror {
    /// Reads a file of at most `limit` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// [`MirrorError::Endless`] if there is more than `limit`, without having read much more than that.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, MirrorError>;

    /// Whether the files were carried in by hand, rather than fetched.
    fn is_carried(&self) -> bool;
}

/// Why a file of a mirror cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// More than was asked for.
    #[error("the file is longer than {0} bytes")]
    Endless(u64),
    /// The file system, or whatever stands in its place.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A mirror that is a directory: a spool, a stick, a web server's root.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    carried: bool,
}

impl Directory {
    /// A directory, and whether it was carried in.
    pub fn new(path: impl Into<PathBuf>, carried: bool) -> Self {
        Self { path: path.into(), carried }
    }
}

impl Mirror for Directory {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, MirrorError> {
        read_file(&self.path.join(path), limit)
    }

    fn is_carried(&self) -> bool {
        self.carried
    }
}

/// Reads a plain file. A link, a device or a pipe would lead out of the mirror, or never end.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, MirrorError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if !found.is_file() {
        return Err(io::Error::other("it is not a plain file").into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(MirrorError::Endless(limit));
    }
    Ok(Some(bytes))
}

/// Reads a file that must be there.
pub(super) fn read(mirror: &dyn Mirror, file: &str, limit: u64) -> Result<Vec<u8>, Refusal> {
    find(mirror, file, limit)?.ok_or_else(|| Refusal::Missing(file.to_owned()))
}

/// Reads a file that may be there.
pub(super) fn find(mirror: &dyn Mirror, file: &str, limit: u64) -> Result<Option<Vec<u8>>, Refusal> {
    let endless = || Refusal::Endless { file: file.to_owned(), limit };
    match mirror.read(file, limit) {
        // The bound is kept here too, whatever the mirror does.
        Ok(Some(bytes)) if bytes.len() as u64 > limit => Err(endless()),
        Ok(found) => Ok(found),
        Err(MirrorError::Endless(_)) => Err(endless()),
        Err(MirrorError::Io(source)) => Err(Refusal::Unreadable { file: file.to_owned(), source }),
    }
}

/// The log's files, below a mirror.
pub(super) struct LogFiles<'a>(pub(super) &'a dyn Mirror);

impl Files for LogFiles<'_> {
    fn read(&mut self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        self.0.read(path, limit).map_err(io::Error::other)
    }
}

/// Where a release's members are written.
pub trait Output {
    /// The directory in which they lie.
    fn directory(&self) -> &Path;

    /// Makes a new file of this name, which is one plain component.
    ///
    /// # Errors
    /// It cannot be made, or is there already.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Write + '_>>;
}

/// An output that is a directory.
#[derive(Clone, Debug)]
pub struct Members {
    path: PathBuf,
}

impl Members {
    /// An existing directory, which should be empty.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Output for Members {
    fn directory(&self) -> &Path {
        &self.path
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn Write + '_>> {
        Ok(Box::new(File::create_new(self.path.join(name))?))
    }
}
