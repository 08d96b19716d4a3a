//! Where generations are kept, and which one is active.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use candor_update::generation::Active;
use candor_update::pipeline::settings::Settings;

use crate::escape::Escaped;

/// Where generations are kept unless something else is said.
pub const USUAL: &str = "/var/lib/candor";

/// Where the settings are looked for.
const SETTINGS: &str = "/etc/candor/update.toml";

/// The place that is meant.
#[must_use]
pub fn root(wanted: Option<&Path>) -> PathBuf {
    wanted.map_or_else(|| PathBuf::from(USUAL), Path::to_path_buf)
}

/// The generation that is in force, if there is one.
///
/// # Errors
/// As for [`active`].
pub fn in_force(root: &Path) -> anyhow::Result<Option<Active>> {
    match active(root)? {
        Some(_) => Ok(Active::in_force(root)?),
        None => Ok(None),
    }
}

/// The active generation, if there is one.
///
/// # Errors
/// It cannot be found out, or others than the owner may change it: they would decide what is found.
pub fn active(root: &Path) -> anyhow::Result<Option<Active>> {
    let name = Escaped::os(root.as_os_str());
    let metadata = match std::fs::metadata(root) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("generations in {name}")),
    };
    let Some(active) = Active::find(root)? else { return Ok(None) };
    anyhow::ensure!(metadata.mode() & 0o022 == 0, "generations in {name} can be written to by others");
    Ok(Some(active))
}

/// What is said about sources, trying out and watching, and the file where that stands: the one that is named, or the usual one
/// if it is there.
///
/// # Errors
/// It cannot be read, or makes no sense.
pub fn settings(wanted: Option<&Path>) -> anyhow::Result<(Settings, Option<PathBuf>)> {
    let file = match wanted {
        Some(file) => file.to_path_buf(),
        None if Path::new(SETTINGS).is_file() => PathBuf::from(SETTINGS),
        None => return Ok((Settings::default(), None)),
    };
    let settings = Settings::read(&file).map_err(|error| anyhow::anyhow!(error))?;
    Ok((settings, Some(file)))
}

/// Seconds since 1970, as the clock says it.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
