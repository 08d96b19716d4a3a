//! Writing a file in one step: other processes map images while they are replaced.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::escape::Escaped;

/// Writes a file so that readers see all of it or nothing.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = || format!("cannot write {}", Escaped::os(path.as_os_str()));
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".candor-")
        .suffix(".temporary")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(directory)
        .with_context(name)?;
    file.write_all(bytes).with_context(name)?;
    file.as_file().sync_all().with_context(name)?;
    file.persist(path).map_err(|error| error.error).with_context(name)?;
    Ok(())
}
