//! Two updaters at once: one of them works, the other says so and ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::{LOCK, StoreError};

/// The right to change a store. The kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it, if nobody has it.
    ///
    /// # Errors
    /// Somebody has it, or the directory cannot be written to.
    pub fn take(root: &Path) -> Result<Self, StoreError> {
        let path = root.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StoreError::system("cannot open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy(path)),
            Err(TryLockError::Error(error)) => Err(StoreError::system("cannot lock", &path)(error)),
        }
    }
}
