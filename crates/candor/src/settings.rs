//! Options that several commands share, and what they mean to the engine.

use std::path::PathBuf;
use std::time::Duration;

use candor_engine::{Options, PotentiallyUnwanted};
use candor_model::Limits;
use candor_sandbox::{Setup, Task};
use clap::Args;

use crate::units::Size;

/// Which signatures to use.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct DatabaseOptions {
    /// Signatures to scan with, in place of the built-in ones.
    ///
    /// An image made by `candor compile`, a directory of ClamAV databases, or one such database.
    /// Databases are compiled when they are first used and kept in a cache, where they are found again
    /// as long as they do not change.
    #[arg(short, long, value_name = "PATH")]
    pub(crate) database: Option<PathBuf>,

    /// Where compiled databases are kept.
    ///
    /// [default: /var/cache/candor for root, $XDG_CACHE_HOME/candor or ~/.cache/candor for others]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,

    /// Compile databases anew and keep nothing.
    #[arg(long, conflicts_with = "cache_dir")]
    pub(crate) no_cache: bool,
}

/// What counts as a finding.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct DetectionOptions {
    /// Also look for potentially unwanted applications, of all categories or of these.
    ///
    /// A category is a part of the name between dots: PUA.Win.Tool.X is of the categories `Win` and
    /// `Tool`. A minus sign leaves a category out: `--potentially-unwanted=-Packed,-NetTool`.
    #[arg(long, value_name = "CATEGORY,...", num_args = 0.., require_equals = true, value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) potentially_unwanted: Option<Vec<String>>,
}

impl DetectionOptions {
    /// # Errors
    /// Wanted and unwanted categories are mixed.
    pub(crate) fn potentially_unwanted(&self) -> anyhow::Result<PotentiallyUnwanted> {
        let Some(categories) = &self.potentially_unwanted else { return Ok(PotentiallyUnwanted::Off) };
        let (out, only): (Vec<_>, Vec<_>) = categories.iter().partition(|category| category.starts_with('-'));
        anyhow::ensure!(
            out.is_empty() || only.is_empty(),
            "--potentially-unwanted: either name categories to look for, or leave some out with a minus sign"
        );
        Ok(if only.is_empty() {
            PotentiallyUnwanted::Except(out.into_iter().map(|category| category[1..].to_owned()).collect())
        } else {
            PotentiallyUnwanted::Only(only.into_iter().cloned().collect())
        })
    }
}

/// What one file may cost. Reaching a limit is never reported as clean.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitOptions {
    /// Largest file, or member of an archive, to look into.
    #[arg(long, value_name = "SIZE", default_value_t = Size(Limits::default().max_file_size))]
    pub(crate) max_file_size: Size,

    /// Most bytes to look at for one file, everything unpacked from it included.
    #[arg(long, value_name = "SIZE", default_value_t = Size(Limits::default().max_scan_size))]
    pub(crate) max_scan_size: Size,

    /// Most layers inside one another.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_depth)]
    pub(crate) max_depth: u32,

    /// Most members to unpack from one file, at all depths together.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_children)]
    pub(crate) max_files: u32,

    /// How many times larger than its compressed form a member may be.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_ratio)]
    pub(crate) max_ratio: u32,

    /// Most seconds for one file; 0 for any time.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) max_time: u64,
}

/// Bytes of memory that the engine may use besides the layers of a file.
const ENGINE: u64 = 512 << 20;

/// How files are looked at.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Safety")]
pub(crate) struct SafetyOptions {
    /// Scan in this process, without a jail.
    ///
    /// Usually files are read by processes that can open nothing, reach nobody and start nothing: whoever
    /// takes one over through a flaw of a parser has gained nothing. Only for systems whose kernel cannot
    /// confine; `candor doctor` tells.
    #[arg(long)]
    pub(crate) no_sandbox: bool,
}

impl LimitOptions {
    /// The limits of the engine.
    #[must_use]
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_file_size: self.max_file_size.0,
            max_scan_size: self.max_scan_size.0,
            max_depth: self.max_depth,
            max_children: self.max_files,
            max_ratio: self.max_ratio,
            ..Limits::default()
        }
    }

    /// How workers are made that keep these limits.
    #[must_use]
    pub(crate) fn setup(&self, task: Task) -> Setup {
        // All layers that are open at once, a file that has to be read into memory, and what the engine
        // needs itself.
        let memory = self.max_scan_size.0.saturating_add(self.max_file_size.0).saturating_add(ENGINE);
        let mapped = self.max_file_size.0;
        Setup { memory, mapped, max_time: self.max_time(), ..Setup::new(task) }
    }

    /// The time for one file, when it is limited.
    #[must_use]
    pub(crate) fn max_time(&self) -> Option<Duration> {
        (self.max_time > 0).then(|| Duration::from_secs(self.max_time))
    }
}

/// The options of the engine.
///
/// # Errors
/// Categories of potentially unwanted applications contradict one another.
pub(crate) fn engine_options(
    limits: &LimitOptions,
    detection: &DetectionOptions,
    all_matches: bool,
) -> anyhow::Result<Options> {
    Ok(Options {
        limits: limits.limits(),
        all_matches,
        potentially_unwanted: detection.potentially_unwanted()?,
    })
}
