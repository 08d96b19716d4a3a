//! The calls to the file system, as few and as plain as can be, so that all of them can be made to fail.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A file system.
///
/// Nothing is durable before [`sync`](Self::sync): bytes of a file by that of the file, names in a directory by that of
/// the directory. Renaming inside one directory happens as a whole or not at all.
pub trait Files {
    /// A file, to be read from front to back.
    ///
    /// # Errors
    /// It cannot be read.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// It cannot be read, or is longer than `most`.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than it may be"));
        }
        Ok(bytes)
    }

    /// Makes a new file of what can be read from `content`; says how long it is.
    ///
    /// # Errors
    /// There is something of this name, or it cannot be written.
    fn create(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64>;

    /// Adds to the end of a file that is there.
    ///
    /// # Errors
    /// It cannot be written.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file down to its first bytes.
    ///
    /// # Errors
    /// It cannot be written.
    fn truncate(&self, path: &Path, length: u64) -> io::Result<()>;

    /// Makes durable what was done to a file, or to the names in a directory.
    ///
    /// # Errors
    /// It cannot be, and may be lost.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory.
    ///
    /// # Errors
    /// There is something of this name, or it cannot be made.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Gives a file a second name.
    ///
    /// # Errors
    /// There is something of this name, or it cannot be made.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// There is something of this name, or it cannot be made.
    fn symlink(&self, target: &Path, at: &Path) -> io::Result<()>;

    /// Where a symbolic link leads.
    ///
    /// # Errors
    /// There is none.
    fn read_link(&self, at: &Path) -> io::Result<PathBuf>;

    /// Gives something another name in the same directory, in place of what has it.
    ///
    /// # Errors
    /// It cannot be.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file or a link.
    ///
    /// # Errors
    /// It cannot be.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// It cannot be.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, in order, those of directories with `true`.
    ///
    /// # Errors
    /// It cannot be listed.
    fn list(&self, directory: &Path) -> io::Result<Vec<(String, bool)>>;

    /// How long a plain file is.
    ///
    /// # Errors
    /// There is none.
    fn length(&self, path: &Path) -> io::Result<u64>;
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(path)?))
    }

    fn create(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
        let mut buffer = vec![0; 1 << 18];
        let mut length = 0_u64;
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => return Ok(length),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            file.write_all(buffer.get(..read).unwrap_or_default())?;
            length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).open(path)?.write_all(bytes)
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        OpenOptions::new().write(true).open(path)?.set_len(length)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o755).create(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn symlink(&self, target: &Path, at: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, at)
    }

    fn read_link(&self, at: &Path) -> io::Result<PathBuf> {
        fs::read_link(at)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, bool)>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            // A name that is no text is none of ours.
            if let Ok(name) = entry.file_name().into_string() {
                names.push((name, entry.file_type()?.is_dir()));
            }
        }
        names.sort();
        Ok(names)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_file() { Ok(metadata.len()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }
}

impl<T: Files + ?Sized> Files for &T {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        (**self).open(path)
    }

    fn create(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        (**self).create(path, content)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        (**self).append(path, bytes)
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        (**self).truncate(path, length)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        (**self).sync(path)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        (**self).create_directory(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        (**self).link(from, to)
    }

    fn symlink(&self, target: &Path, at: &Path) -> io::Result<()> {
        (**self).symlink(target, at)
    }

    fn read_link(&self, at: &Path) -> io::Result<PathBuf> {
        (**self).read_link(at)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        (**self).remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        (**self).remove_directory(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, bool)>> {
        (**self).list(directory)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        (**self).length(path)
    }
}
