//! A generation that is being made, under a name that nobody looks for.

use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::journal::hexadecimal;
use super::{Files, IMAGE, MEMBERS, StoreError};

/// The place of a generation that is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staging {
    number: u64,
    directory: PathBuf,
}

impl Staging {
    pub(super) const fn new(number: u64, directory: PathBuf) -> Self {
        Self { number, directory }
    }

    /// The number that it will have.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Where it is made.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where its image belongs.
    #[must_use]
    pub fn image(&self) -> PathBuf {
        self.directory.join(IMAGE)
    }

    /// Where the members of a source belong, from the directory of the generation.
    ///
    /// # Errors
    /// The name leads elsewhere.
    pub fn place(source: &str) -> Result<PathBuf, StoreError> {
        Ok(Path::new(MEMBERS).join(plain(source)?))
    }

    /// Makes room for the members of a source.
    ///
    /// # Errors
    /// The name leads elsewhere, or the directory cannot be made.
    pub fn room(&self, files: &impl Files, source: &str) -> Result<PathBuf, StoreError> {
        let path = self.directory.join(Self::place(source)?);
        files.create_directory(&path).map_err(StoreError::system("cannot make", &path))?;
        Ok(path)
    }

    /// Makes a member of what can be read, and says its length and SHA-256.
    ///
    /// # Errors
    /// The name leads elsewhere, or it cannot be written.
    pub fn member(
        files: &impl Files,
        room: &Path,
        name: &str,
        content: &mut dyn Read,
    ) -> Result<(u64, String), StoreError> {
        let path = room.join(plain(name)?);
        let mut hashing = Hashing { content, digest: Sha256::new() };
        let length = files.create(&path, &mut hashing).map_err(StoreError::system("cannot write", &path))?;
        Ok((length, hexadecimal(&hashing.digest.finalize())))
    }
}

/// Whether it is the name of one thing in a directory, and not hidden.
pub(super) fn plain(name: &str) -> Result<&str, StoreError> {
    let is_plain = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    if is_plain { Ok(name) } else { Err(StoreError::Name(name.to_owned())) }
}

/// Computes a digest of what is read through it.
struct Hashing<'a> {
    content: &'a mut dyn Read,
    digest: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.digest.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// SHA-256 of a file.
pub(super) fn digest_of(files: &impl Files, path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = files.open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut length = 0_u64;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, hexadecimal(&digest.finalize())));
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}
