//! What the compiler does not check, and review forgets.

mod edges;
mod files;
mod formats;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Things that are wrong, each with where and why.
type Complaints = Vec<String>;

/// Runs every check, and says everything that is wrong.
///
/// # Errors
/// Something is wrong, or the tree could not be read.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = crate::root()?;
    let sources = sources(&root)?;
    let mut complaints = edges::check(&root)?;
    complaints.extend(files::check(&sources));
    complaints.extend(formats::check(&root, &sources)?);
    if complaints.is_empty() {
        println!("{} files are tidy", sources.len());
        return Ok(());
    }
    for complaint in &complaints {
        println!("{complaint}");
    }
    bail!("{} things are not tidy", complaints.len())
}

/// A file that is written by hand.
struct Source {
    /// Path from the root.
    path: String,
    /// Its text.
    text: String,
}

/// Every text file of the repository that is written by hand.
fn sources(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                let foreign = ["target", "corpus", "artifacts", "regressions", "snapshots"];
                if name != ".git" && !foreign.contains(&name.as_str()) {
                    folders.push(path);
                }
                continue;
            }
            let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if ["rs", "toml", "md", "ldb", "ldu", "hsb", "ndb"].contains(&kind.as_str()) || name == "run" {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let path = path.strip_prefix(root)?.to_string_lossy().into_owned();
                sources.push(Source { path, text });
            }
        }
    }
    Ok(sources)
}

/// What is in a folder, in order.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
