//! Where generations are kept, and which one is active.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use candor_update::generation::Active;
use candor_update::pipeline::settings::Settings;
use candor_update::source::{self, LONGEST_LIST, List};

use crate::clamav::clock::Moment;
use crate::escape::Escaped;

/// Where generations are kept unless something else is said.
pub const USUAL: &str = "/var/lib/candor";

/// Where the list of sources is looked for.
const SOURCES: &str = "/etc/candor/sources.toml";

/// What is fetched from servers of others is kept below it, a folder a source.
pub(super) const FETCHED: &str = "fetched";

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

/// What is said about trying out and watching, and the file where that stands: the one that is named, or the usual one if it is
/// there.
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

/// The list of sources, and the file where it stands: the one that is named, or the usual one if it is there.
///
/// # Errors
/// It cannot be read, or is not understood as a whole.
pub fn sources(wanted: Option<&Path>) -> anyhow::Result<(List, Option<PathBuf>)> {
    let file = match wanted {
        Some(file) => file.to_path_buf(),
        None if Path::new(SOURCES).is_file() => PathBuf::from(SOURCES),
        None => return Ok((List::default(), None)),
    };
    let name = Escaped::os(file.as_os_str()).to_string();
    let length = std::fs::metadata(&file).with_context(|| name.clone())?.len();
    let most = u64::try_from(LONGEST_LIST).unwrap_or(u64::MAX);
    anyhow::ensure!(length <= most, "{name}: the list is longer than {most} bytes");
    let text = std::fs::read_to_string(&file).with_context(|| name.clone())?;
    Ok((source::read(&text, &name)?, Some(file)))
}

/// A time for people.
pub(super) fn time(seconds: u64) -> String {
    Moment::of(seconds).summary()
}

/// Seconds since 1970, as the clock says it.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
