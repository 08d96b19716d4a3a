//! What is in force, for those who only use it: no lock, nothing changed.

use std::path::{Path, PathBuf};

use super::record::Record;
use super::state::State;
use super::store::{current, directory, read_bounded, read_record};
use super::{Disk, IMAGE, STATE, StoreError};

/// The generation that is active, for those who only use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its number.
    pub number: u64,
    /// Its directory, which does not change.
    pub directory: PathBuf,
}

impl Active {
    /// The active generation of a store; `None` when there is none.
    ///
    /// # Errors
    /// What says so cannot be read.
    pub fn find(root: &Path) -> Result<Option<Self>, StoreError> {
        let number = current(&Disk, root)?;
        Ok(number.map(|number| Self { number, directory: directory(root, number) }))
    }

    /// The generation that is in force: the active one, or an earlier one while new findings are not to be acted upon.
    ///
    /// # Errors
    /// What says so cannot be read.
    pub fn in_force(root: &Path) -> Result<Option<Self>, StoreError> {
        let Some(active) = Self::find(root)? else { return Ok(None) };
        let state: State = serde_json::from_slice(&read_bounded(&Disk, &root.join(STATE))?)
            .map_err(|error| StoreError::Lost(format!("state.json cannot be read: {error}")))?;
        let earlier = state.report_only.and_then(|only| only.generation);
        let earlier = earlier.map(|number| Self { number, directory: directory(root, number) });
        Ok(Some(earlier.filter(|earlier| earlier.image().is_file()).unwrap_or(active)))
    }

    /// Its image.
    #[must_use]
    pub fn image(&self) -> PathBuf {
        self.directory.join(IMAGE)
    }

    /// Its record.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn record(&self) -> Result<Record, StoreError> {
        read_record(&Disk, &self.directory, self.number)
    }
}
