//! `update.toml`: what an operator says about trying out and watching, and whom rules bind. Sources stand in `sources.toml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::trial::Bounds;
use super::watch::{OnNewFindings, Thresholds};

/// What stands in the file. All of it may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Whom rules about vendors are asked for, as in `candor audit --profile`: sources of listed parties are refused by these.
    /// Every rule counts when nothing is said.
    pub profile: Option<String>,
    /// A directory of vendors and rules of one's own, as in `candor audit --policy`.
    pub policy: Option<PathBuf>,
    /// Files and directories of which it is known that they are clean: a generation that finds something in them is not
    /// activated.
    pub golden: Vec<PathBuf>,
    /// Files of them that are scanned at most.
    pub golden_files: u64,
    /// Whether the EICAR test file must be found. Sets that leave it out need `false`.
    pub eicar: bool,
    /// Whether files that are made of the set's own signatures must be found.
    pub own_canaries: bool,
    /// How far a generation may be from the one before.
    pub trial: TrialSettings,
    /// When a generation is taken back.
    pub watch: WatchSettings,
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
            profile: None,
            policy: None,
            golden: Vec::new(),
            golden_files: 50_000,
            eicar: true,
            own_canaries: true,
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

impl Settings {
    /// Reads what stands in `path`.
    ///
    /// # Errors
    /// It cannot be read, or says what is not known or makes no sense; with the line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text, path)
    }

    /// Reads a text; `path` is its name in errors.
    ///
    /// # Errors
    /// It says what is not known or makes no sense; with the line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, String> {
        if text
            .lines()
            .any(|line| ["[feed.", "[directory."].iter().any(|old| line.trim_start().starts_with(old)))
        {
            return Err(format!("{}: sources stand in sources.toml now, not here", path.display()));
        }
        let settings: Self = toml::from_str(text).map_err(|error| format!("{}: {error}", path.display()))?;
        if settings.trial.percent < 100 {
            return Err(format!("{}: trial.percent is less than 100", path.display()));
        }
        if settings.watch.crashes == 0 || settings.watch.timeouts == 0 || settings.watch.new_findings == 0 {
            return Err(format!("{}: with a threshold of 0 no generation could stay", path.display()));
        }
        if let Some(relative) = settings.golden.iter().find(|golden| golden.is_relative()) {
            return Err(format!("{}: golden {} is no absolute path", path.display(), relative.display()));
        }
        if settings.policy.as_ref().is_some_and(|policy| policy.is_relative()) {
            return Err(format!("{}: policy is no absolute path", path.display()));
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
