//! `update.toml`: what an operator says about trying out and watching.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::trial::Bounds;
use super::watch::{OnNewFindings, Thresholds};

/// What stands in the file. All of it may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Feeds, by the names of the sources that they are.
    pub feed: BTreeMap<String, Feed>,
    /// Directories of signatures that somebody else fills, by the names of the sources that they are.
    pub directory: BTreeMap<String, Directory>,
    /// Files and directories of which it is known that they are clean: a generation that finds something in them is not
    /// activated.
    pub golden: Vec<PathBuf>,
    /// Files of them that are scanned at most.
    pub golden_files: u64,
    /// Whether the EICAR test file must be found. Sets that leave it out need `false`.
    pub eicar: bool,
    /// How far a generation may be from the one before.
    pub trial: TrialSettings,
    /// When a generation is taken back.
    pub watch: WatchSettings,
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Feed {
    /// The directory where it was carried to.
    pub path: Option<PathBuf>,
    /// Or the address that it is fetched from: `https://…`, without a slash at the end.
    pub url: Option<String>,
    /// The customer's policy.
    pub policy: PathBuf,
    /// The root that is trusted at first, which came by another way than the feed.
    pub root: PathBuf,
    /// Repositories that must agree, by their names in the policy.
    #[serde(default)]
    pub cosigner: BTreeMap<String, Repository>,
}

/// A repository that must agree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Repository {
    /// The directory where it was carried to.
    pub path: Option<PathBuf>,
    /// Or the address that it is fetched from.
    pub url: Option<String>,
    /// The root that is trusted at first.
    pub root: PathBuf,
}

/// A directory of signatures that somebody else fills.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Directory {
    /// Where it is.
    pub path: PathBuf,
    /// A file of digests, as `sha256sum` writes it: what is in the directory must be just that.
    pub digests: Option<PathBuf>,
}

/// How far a generation may be from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TrialSettings {
    /// Time and memory, in hundredths of what they were.
    pub percent: u64,
    /// Milliseconds that are always allowed.
    pub milliseconds: u64,
    /// Bytes of memory that are always allowed.
    pub memory: u64,
    /// Seconds that one file may take.
    pub max_time: u64,
}

/// When a generation is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct WatchSettings {
    /// Workers that crash.
    pub crashes: u64,
    /// Files that take too long.
    pub timeouts: u64,
    /// Findings in files that were clean before and did not change.
    pub new_findings: u64,
    /// Seconds after the activation.
    pub window: u64,
    /// What a burst of findings leads to: `roll-back` or `hold`.
    pub on_new_findings: OnBurst,
}

/// What a burst of findings leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBurst {
    /// The generation before is made active again.
    RollBack,
    /// New findings are told and not acted upon.
    Hold,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            feed: BTreeMap::new(),
            directory: BTreeMap::new(),
            golden: Vec::new(),
            golden_files: 50_000,
            eicar: true,
            trial: TrialSettings::default(),
            watch: WatchSettings::default(),
        }
    }
}

impl Default for TrialSettings {
    fn default() -> Self {
        let Bounds { percent, milliseconds, memory } = Bounds::default();
        Self { percent, milliseconds, memory, max_time: 60 }
    }
}

impl Default for WatchSettings {
    fn default() -> Self {
        let Thresholds { crashes, timeouts, new_findings, window, .. } = Thresholds::default();
        Self { crashes, timeouts, new_findings, window, on_new_findings: OnBurst::RollBack }
    }
}

/// A name of a source that cannot be one of a directory.
fn unfit(settings: &Settings) -> Option<&String> {
    let is_bad = |name: &&String| crate::generation::Staging::place(name).is_err();
    let twice = settings.feed.keys().find(|name| settings.directory.contains_key(*name));
    settings.directory.keys().chain(settings.feed.keys()).find(is_bad).or(twice)
}

/// A feed or a repository that is neither in a directory nor at an address, or both.
fn placeless(settings: &Settings) -> Option<&String> {
    let is_bad = |path: &Option<PathBuf>, url: &Option<String>| path.is_some() == url.is_some();
    settings.feed.iter().find_map(|(name, feed)| {
        let others = feed.cosigner.values().any(|other| is_bad(&other.path, &other.url));
        (is_bad(&feed.path, &feed.url) || others).then_some(name)
    })
}

impl Settings {
    /// Reads what stands in `path`.
    ///
    /// # Errors
    /// It cannot be read, or says what is not known or makes no sense; with the line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let settings: Self = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        if settings.trial.percent < 100 {
            return Err(format!("{}: trial.percent is less than 100", path.display()));
        }
        if settings.watch.crashes == 0 || settings.watch.timeouts == 0 || settings.watch.new_findings == 0 {
            return Err(format!("{}: with a threshold of 0 no generation could stay", path.display()));
        }
        if let Some(name) = unfit(&settings) {
            return Err(format!("{}: {name:?} cannot be the name of a source", path.display()));
        }
        if let Some(name) = placeless(&settings) {
            return Err(format!(
                "{}: feed {name} and its repositories need a path or an url, one of them",
                path.display()
            ));
        }
        if let Some(relative) = settings.golden.iter().find(|golden| golden.is_relative()) {
            return Err(format!("{}: golden {} is no absolute path", path.display(), relative.display()));
        }
        Ok(settings)
    }

    /// How far a generation may be from the one before.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        let TrialSettings { percent, milliseconds, memory, .. } = self.trial;
        Bounds { percent, milliseconds, memory }
    }

    /// When a generation is taken back.
    #[must_use]
    pub const fn thresholds(&self) -> Thresholds {
        let WatchSettings { crashes, timeouts, new_findings, window, on_new_findings } = self.watch;
        let on_new_findings = match on_new_findings {
            OnBurst::RollBack => OnNewFindings::RollBack,
            OnBurst::Hold => OnNewFindings::Hold,
        };
        Thresholds { crashes, timeouts, new_findings, window, on_new_findings }
    }
}
