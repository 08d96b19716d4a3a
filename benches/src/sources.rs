//! What measurements are made on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use candor_database::{Builder, Image};
use candor_signature::Input;
use candor_signature::clamav::{Options, load};

/// An image of the databases in `folder`.
pub fn image(folder: &Path) -> Result<Image> {
    let contents = databases(folder)?;
    let mut builder = Builder::new();
    load(&inputs(&contents), Options::default(), &mut builder, &mut |_| {});
    Ok(Image::from_vec(builder.finish()?)?)
}

/// The files of `folder`, name and bytes, in the order of their names.
pub fn databases(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    files
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, std::fs::read(path)?))
        })
        .collect::<Result<_>>()
}

/// The same as the loader takes it.
pub fn inputs(contents: &[(String, Vec<u8>)]) -> Vec<Input<'_>> {
    contents.iter().map(|(name, bytes)| Input { name, bytes }).collect()
}

/// The bytes of the regular files below `folder`, up to `limit` of them, one behind the other; files
/// are taken in the order of their names, so that every run sees the same.
pub fn bytes(folder: &Path, limit: usize) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    let mut sum = 0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && sum < limit {
                let bytes = std::fs::read(entry.path())?;
                sum += bytes.len();
                all.push(bytes);
            }
        }
    }
    Ok(all)
}
