//! Folders of files to measure on: as much of a large one as there is time for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The regular files below a folder, in the order of their names.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                all.push(entry.path());
            }
        }
    }
    all.sort();
    Ok(all)
}

/// The regular files of every installed Debian package, each once.
pub fn of_packages() -> Result<Vec<PathBuf>> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir("/var/lib/dpkg/info").context("no Debian packages here")? {
        let list = entry?.path();
        if list.extension().is_some_and(|extension| extension == "list") {
            let text = std::fs::read_to_string(&list)?;
            let files = text.lines().map(PathBuf::from);
            all.extend(files.filter(|file| file.symlink_metadata().is_ok_and(|data| data.is_file())));
        }
    }
    Ok(all.into_iter().collect())
}

/// Their sizes together, in bytes.
pub fn size_of(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|file| file.symlink_metadata().ok()).map(|data| data.len()).sum()
}

/// Copies about `most` bytes of `files` to the new folder `to`: every so many-th, so that all kinds are there as
/// often as in the whole.
pub fn sample(files: &[PathBuf], most: u64, to: &Path) -> Result<PathBuf> {
    std::fs::create_dir(to)?;
    let share = most as f64 / size_of(files).max(1) as f64;
    let mut due = 0.0;
    for (number, file) in files.iter().enumerate() {
        due += share;
        if due >= 1.0 {
            due -= 1.0;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            // What vanished or may not be read is not measured on.
            let _ = std::fs::copy(file, to.join(format!("{number}-{name}")));
        }
    }
    Ok(to.to_path_buf())
}
