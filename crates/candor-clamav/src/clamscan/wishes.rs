//! What the command line of `clamscan` means.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use candor::store::Signers;
use candor_engine::{Heuristics, Options, PotentiallyUnwanted, Structured};
use candor_model::Limits;
use candor_sandbox::{Setup, Task};
use regex::bytes::RegexSet;

use super::expression::translate;
use crate::database::{Rules, Wanted};
use crate::options::Given;

/// Bytes of memory that the engine may use besides the layers of a file.
const ENGINE: u64 = 512 << 20;

/// What `0` stands for where it means that there is no limit.
const ANY: u64 = 1 << 40;

/// Seconds for one file when nothing is said.
const SECONDS: u64 = 120;

/// How files are looked for, scanned and told.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct Wishes {
    /// How files are scanned.
    pub(super) options: Options,
    /// How workers are made.
    pub(super) setup: Setup,
    /// Workers at a time.
    pub(super) jobs: usize,
    /// Which signatures.
    pub(super) signatures: Wanted,
    /// Whether folders in folders are entered.
    pub(super) recursive: bool,
    /// Folders in folders at most.
    pub(super) depth: usize,
    /// Which links to folders are followed.
    pub(super) follow_folders: Follow,
    /// Which links to files are followed.
    pub(super) follow_files: Follow,
    /// Whether folders on other file systems are entered.
    pub(super) cross: bool,
    /// Which files.
    pub(super) files: Filter,
    /// Which folders.
    pub(super) folders: Filter,
    /// Only findings are told.
    pub(super) infected_only: bool,
    /// Nothing is told of files in which nothing was found.
    pub(super) no_ok: bool,
    /// Each file is named before it is told of.
    pub(super) verbose: bool,
    /// What was done is told on standard error.
    pub(super) debug: bool,
    /// A bell is rung at findings.
    pub(super) bell: bool,
    /// Where metadata are kept, if they are.
    pub(super) metadata: Option<PathBuf>,
}

/// Which links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// None.
    Never,
    /// Those that are named.
    Named,
    /// All.
    Always,
}

/// What is taken and what is left out.
#[derive(Debug)]
pub(super) struct Filter {
    include: RegexSet,
    exclude: RegexSet,
}

impl Wishes {
    /// # Errors
    /// Options contradict one another.
    pub(super) fn new(given: &Given) -> anyhow::Result<Self> {
        let options = engine(given)?;
        let limits = &options.limits;
        let time = match given.number("max-scantime") {
            None => Some(Duration::from_secs(SECONDS)),
            Some(0) => None,
            Some(milliseconds) => Some(Duration::from_millis(milliseconds.into())),
        };
        let memory = limits.max_memory.saturating_mul(3).saturating_add(ENGINE);
        let setup = Setup { memory, mapped: limits.max_file_size, max_time: time, ..Setup::new(Task::Scan) };
        let jobs = given.number("candor-jobs").and_then(|jobs| usize::try_from(jobs).ok());
        let jobs = jobs.and_then(NonZeroUsize::new).or_else(|| std::thread::available_parallelism().ok());
        let keeps = given.is_on("gen-json") && given.is_on("leave-temps");
        let folder = || given.text("tempdir").map_or_else(std::env::temp_dir, PathBuf::from);
        Ok(Self {
            setup,
            jobs: jobs.map_or(1, NonZeroUsize::get).min(256),
            signatures: Wanted {
                paths: given.all("database").map(PathBuf::from).collect(),
                official_only: given.is_on("official-db-only"),
                rules: Rules::of(given.text("yara-rules").and_then(std::ffi::OsStr::to_str)),
                newest: given.number("fail-if-cvd-older-than"),
                signers: Signers {
                    certificates: given.text("cvdcertsdir").map(PathBuf::from),
                    refuse_md5: given.is_on("fips-limits"),
                    ..Signers::default()
                },
                cache: given.text("candor-cache-dir").map(PathBuf::from),
            },
            options,
            recursive: given.is_on("recursive"),
            depth: given
                .number("max-dir-recursion")
                .and_then(|depth| usize::try_from(depth).ok())
                .unwrap_or(15),
            follow_folders: Follow::of(given, "follow-dir-symlinks")?,
            follow_files: Follow::of(given, "follow-file-symlinks")?,
            cross: given.text("cross-fs").is_none() || given.is_on("cross-fs"),
            files: Filter::new(given, "include", "exclude")?,
            folders: Filter::new(given, "include-dir", "exclude-dir")?,
            infected_only: given.is_on("infected"),
            no_ok: given.is_on("suppress-ok-results"),
            verbose: given.is_on("verbose"),
            debug: given.is_on("debug"),
            bell: given.is_on("bell"),
            metadata: keeps.then(folder),
        })
    }
}

impl Follow {
    fn of(given: &Given, name: &str) -> anyhow::Result<Self> {
        match given.number(name) {
            Some(0) => Ok(Self::Never),
            None | Some(1) => Ok(Self::Named),
            Some(2) => Ok(Self::Always),
            Some(_) => anyhow::bail!("--{name}: Invalid argument"),
        }
    }
}

impl Filter {
    fn new(given: &Given, include: &str, exclude: &str) -> anyhow::Result<Self> {
        let set = |name: &str| {
            let texts: Vec<String> = given.all(name).map(|text| translate(&text.to_string_lossy())).collect();
            // ClamAV passes over an expression that it cannot read, and scans or leaves out what it was for.
            RegexSet::new(texts).map_err(|error| anyhow::anyhow!("--{name}: {error}"))
        };
        Ok(Self { include: set(include)?, exclude: set(exclude)? })
    }

    /// Whether all paths are taken.
    pub(super) fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a path is taken.
    pub(super) fn takes(&self, path: &[u8]) -> bool {
        !self.exclude.is_match(path) && (self.include.is_empty() || self.include.is_match(path))
    }
}

fn engine(given: &Given) -> anyhow::Result<Options> {
    let usual = Limits::default();
    let size = |name: &str, usual: u64| match given.size(name) {
        None => usual,
        Some(0) => ANY,
        Some(size) => size,
    };
    let count = |name: &str, usual: u32, any: u32| match given.number(name) {
        None => usual,
        Some(0) => any,
        Some(number) => number,
    };
    // Both kinds of copies have one limit here.
    let normalise =
        ["max-htmlnormalize", "max-scriptnormalize"].into_iter().filter_map(|name| given.size(name));
    let limits = Limits {
        max_file_size: size("max-filesize", usual.max_file_size),
        max_scan_size: size("max-scansize", usual.max_scan_size),
        max_depth: count("max-recursion", usual.max_depth, usual.max_depth),
        max_children: count("max-files", usual.max_children, u32::MAX),
        max_normalise: normalise.max().map_or(usual.max_normalise, |size| if size == 0 { ANY } else { size }),
        max_regex_size: size("pcre-max-filesize", usual.max_regex_size),
        ..usual
    };
    Ok(Options {
        limits,
        all_matches: given.is_on("allmatch"),
        potentially_unwanted: unwanted(given)?,
        heuristics: heuristics(given),
        ignore_certificates: given.is_on("nocerts"),
        passwords: Vec::new(),
        layer_sums: given.is_on("gen-json") && given.is_on("leave-temps"),
    })
}

fn unwanted(given: &Given) -> anyhow::Result<PotentiallyUnwanted> {
    let list = |name| given.all(name).map(|text| text.to_string_lossy().into_owned()).collect::<Vec<_>>();
    let (only, out) = (list("include-pua"), list("exclude-pua"));
    anyhow::ensure!(
        only.is_empty() || out.is_empty(),
        "--exclude-pua and --include-pua cannot be used at the same time"
    );
    Ok(match () {
        () if !given.is_on("detect-pua") => PotentiallyUnwanted::Off,
        () if only.is_empty() => PotentiallyUnwanted::Except(out),
        () => PotentiallyUnwanted::Only(only),
    })
}

fn heuristics(given: &Given) -> Heuristics {
    let on = |name| given.is_on(name);
    let not_off = |name| given.text(name).is_none() || given.is_on(name);
    let encrypted = on("alert-encrypted") || on("block-encrypted");
    let format = given.number("structured-ssn-format").unwrap_or(0);
    Heuristics {
        enabled: not_off("heuristic-alerts") && not_off("algorithmic-detection"),
        broken_executables: on("alert-broken"),
        broken_media: on("alert-broken-media"),
        encrypted_archives: encrypted || on("alert-encrypted-archive"),
        encrypted_documents: encrypted || on("alert-encrypted-doc"),
        exceeded_limits: on("alert-exceeds-max") || on("block-max"),
        macros: on("alert-macros") || on("block-macros"),
        partition_intersections: on("alert-partition-intersection") || on("partition-intersection"),
        phishing_addresses: not_off("phishing-scan-urls"),
        phishing_cloaks: on("alert-phishing-cloak") || on("phishing-cloak"),
        phishing_ssl: on("alert-phishing-ssl") || on("phishing-ssl"),
        structured: on("detect-structured").then(|| Structured {
            cards: given.number("structured-cc-count").unwrap_or(3),
            security_numbers: Some(given.number("structured-ssn-count").unwrap_or(3)),
            hyphens: format != 1,
            plain: format != 0,
        }),
    }
}
