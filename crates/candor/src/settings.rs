//! Options that several commands share, and what they mean to the engine.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use candor_engine::{Heuristics, Options, PotentiallyUnwanted, Structured};
use candor_model::Limits;
use candor_sandbox::{Setup, Task};
use clap::Args;

use crate::units::Size;
use crate::update::place;

/// Which signatures to use.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct DatabaseOptions {
    /// Signatures to scan with, in place of the active generation or the built-in ones.
    ///
    /// An image made by `candor compile`, a directory of ClamAV databases, or one such database.
    /// Databases are compiled when they are first used and kept in a cache, where they are found again
    /// as long as they do not change.
    #[arg(short, long, value_name = "PATH")]
    pub(crate) database: Option<PathBuf>,

    /// Where generations are kept; the one in force is used unless a database is named.
    #[arg(long, value_name = "DIR", default_value = place::USUAL)]
    pub(crate) state_dir: PathBuf,

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

    /// Passwords to try on encrypted archives and documents, one a line.
    ///
    /// They are tried before those that the database lists, those that the surrounding mail mentions and
    /// the common ones. On formats that make every trial slow, only the first few are.
    #[arg(long, value_name = "PATH")]
    pub(crate) password_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) heuristics: HeuristicOptions,
}

/// What is suspicious without any signature. Names are those of ClamAV's options.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Heuristics")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct HeuristicOptions {
    /// Whether to tell of anything that no signature names.
    #[arg(long, value_enum, value_name = "WHETHER", default_value = "yes", hide_possible_values = true)]
    pub(crate) heuristic_alerts: Answer,

    /// Tell of executables whose headers cannot be true.
    #[arg(long)]
    pub(crate) alert_broken: bool,

    /// Tell of damaged images.
    #[arg(long)]
    pub(crate) alert_broken_media: bool,

    /// Tell of encrypted archives and documents.
    #[arg(long)]
    pub(crate) alert_encrypted: bool,

    /// Tell of encrypted archives.
    #[arg(long)]
    pub(crate) alert_encrypted_archive: bool,

    /// Tell of encrypted documents.
    #[arg(long)]
    pub(crate) alert_encrypted_doc: bool,

    /// Tell of macros in documents.
    #[arg(long)]
    pub(crate) alert_macros: bool,

    /// Tell of files that a limit kept from being looked at as a whole.
    #[arg(long)]
    pub(crate) alert_exceeds_max: bool,

    /// Tell of links that show a secure address and lead to another.
    #[arg(long)]
    pub(crate) alert_phishing_ssl: bool,

    /// Tell of links that hide where they lead.
    #[arg(long)]
    pub(crate) alert_phishing_cloak: bool,

    /// Tell of disk images whose partitions lie over one another.
    #[arg(long)]
    pub(crate) alert_partition_intersection: bool,

    /// Tell of numbers of credit cards and of social security in text.
    #[arg(long)]
    pub(crate) detect_structured: bool,

    /// Numbers of social security from which on they are told.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) structured_ssn_count: u32,

    /// Numbers of social security that count: 0 with hyphens, 1 without, 2 both.
    #[arg(long, value_name = "X", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) structured_ssn_format: u8,

    /// Numbers of credit cards from which on they are told.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) structured_cc_count: u32,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Answer {
    /// No.
    No,
    /// Yes.
    Yes,
}

impl HeuristicOptions {
    /// Those that are always told.
    pub(crate) const fn usual() -> Self {
        Self {
            heuristic_alerts: Answer::Yes,
            alert_broken: false,
            alert_broken_media: false,
            alert_encrypted: false,
            alert_encrypted_archive: false,
            alert_encrypted_doc: false,
            alert_macros: false,
            alert_exceeds_max: false,
            alert_phishing_ssl: false,
            alert_phishing_cloak: false,
            alert_partition_intersection: false,
            detect_structured: false,
            structured_ssn_count: 3,
            structured_ssn_format: 0,
            structured_cc_count: 3,
        }
    }

    fn heuristics(&self) -> Heuristics {
        Heuristics {
            enabled: self.heuristic_alerts == Answer::Yes,
            broken_executables: self.alert_broken,
            broken_media: self.alert_broken_media,
            encrypted_archives: self.alert_encrypted || self.alert_encrypted_archive,
            encrypted_documents: self.alert_encrypted || self.alert_encrypted_doc,
            exceeded_limits: self.alert_exceeds_max,
            macros: self.alert_macros,
            partition_intersections: self.alert_partition_intersection,
            phishing_addresses: true,
            phishing_cloaks: self.alert_phishing_cloak,
            phishing_ssl: self.alert_phishing_ssl,
            structured: self.detect_structured.then_some(Structured {
                cards: self.structured_cc_count,
                security_numbers: Some(self.structured_ssn_count),
                hyphens: self.structured_ssn_format != 1,
                plain: self.structured_ssn_format != 0,
            }),
        }
    }
}

impl DetectionOptions {
    /// # Errors
    /// The file of passwords cannot be read.
    pub(crate) fn passwords(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let Some(path) = &self.password_file else { return Ok(Vec::new()) };
        let text = std::fs::read(path)
            .with_context(|| format!("the passwords in {} cannot be read", path.display()))?;
        Ok(lines(&text))
    }

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

/// The lines of a file that hold something.
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    // The mark of UTF-8, which editors of Windows write, is no part of the first.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let lines = text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
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

    /// How many times larger than the file itself all that is unpacked from it may be.
    ///
    /// Applies only past the first 400 MiB that are unpacked.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_growth)]
    pub(crate) max_growth: u32,

    /// Most memory for what is unpacked from a file and not yet looked at.
    ///
    /// What a file holds as it stands, as disk images and uncompressed archives do, needs none. Decoders may
    /// take about as much again.
    #[arg(long, value_name = "SIZE", default_value_t = Size(Limits::default().max_memory))]
    pub(crate) max_memory: Size,

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
            max_growth: self.max_growth,
            max_memory: self.max_memory.0,
            ..Limits::default()
        }
    }

    /// How workers are made that keep these limits.
    #[must_use]
    pub(crate) fn setup(&self, task: Task) -> Setup {
        // All layers that are open at once and as much for decoders, a file that has to be read into memory,
        // and what the engine needs itself.
        let memory = self.max_memory.0.saturating_mul(3).saturating_add(ENGINE);
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
/// Categories of potentially unwanted applications contradict one another, or the file of passwords cannot
/// be read.
pub(crate) fn engine_options(
    limits: &LimitOptions,
    detection: &DetectionOptions,
    all_matches: bool,
) -> anyhow::Result<Options> {
    Ok(Options {
        limits: limits.limits(),
        all_matches,
        potentially_unwanted: detection.potentially_unwanted()?,
        heuristics: detection.heuristics.heuristics(),
        ignore_certificates: false,
        passwords: detection.passwords()?,
        layer_sums: false,
    })
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_mark_of_utf_8_is_no_part_of_a_password() {
        assert_eq!(lines(b"\xef\xbb\xbfone\r\n\ntwo"), [b"one", b"two"]);
        assert_eq!(lines(b"one\n\xef\xbb\xbftwo\n"), [&b"one"[..], b"\xef\xbb\xbftwo"]);
    }
}
