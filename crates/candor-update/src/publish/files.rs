//! Files of a publisher's directory: read within bounds, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::PublishError;
use crate::feed::read_file;
use crate::log::tiles::{Files, FilesMut};

/// Bytes of the largest file that is read: an archive.
const LARGEST: u64 = 512 << 20;

/// A directory.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn find(&self, name: &str) -> Result<Option<Vec<u8>>, PublishError> {
        let read = read_file(&self.0.join(name), LARGEST);
        read.map_err(|error| self.io(name, io::Error::other(error)))
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, PublishError> {
        let missing = || self.io(name, io::Error::from(io::ErrorKind::NotFound));
        self.find(name)?.ok_or_else(missing)
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), PublishError> {
        write(&self.0.join(name), bytes).map_err(|source| self.io(name, source))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), PublishError> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io(name, error)),
            _ => Ok(()),
        }
    }

    /// Plain files in it, in order; none if it is not there.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>, PublishError> {
        let path = self.0.join(folder);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.io(folder, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| self.io(folder, error))?;
            let is_file = entry.file_type().map_err(|error| self.io(folder, error))?.is_file();
            if let Some(name) = entry.file_name().to_str().filter(|_| is_file) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn io(&self, name: &str, source: io::Error) -> PublishError {
        PublishError::Io { path: self.0.join(name).display().to_string(), source }
    }
}

impl Files for Folder {
    fn read(&mut self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        read_file(&self.0.join(path), limit).map_err(io::Error::other)
    }
}

impl FilesMut for Folder {
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.0.join(path), bytes)
    }
}

/// Writes a file beside its place, and moves it there.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A bare name lies in the directory that the program runs in.
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = folder.join(format!(".{name}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}
