//! A file of the spool: made before the jail is closed, and by nobody else.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use sha2::{Digest as _, Sha256};

/// A file that is being filled.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    length: u64,
    digest: Sha256,
}

impl Spool {
    /// Makes the file for wish `number`; there must be none yet.
    pub(crate) fn open(number: usize) -> io::Result<Self> {
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(number.to_string())?;
        Ok(Self { file, length: 0, digest: Sha256::new() })
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Bytes so far.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// The digest of what was written.
    pub(crate) fn digest(&self) -> String {
        self.digest.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Begins again: what comes is counted from the start. What was longer is told by the length in the answer.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.length = 0;
        self.digest = Sha256::new();
        Ok(())
    }
}
