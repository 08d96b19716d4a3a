//! The loop and the verdict: identify, unpack, search, for every layer, within a budget.
//!
//! Takes bytes and gives a [`Report`]. It opens no file, starts no thread and reads no clock.
//!
//! * [`Scanner`]: the public face.
//! * `scan`: the loop over one layer: digests, children and facts, body.
//! * `sink`: what a parser talks to; the only place of the product that recurses.
//! * `ahead`: what is done for several layers at once before each is scanned.
//! * `waiting`: children that wait for the next ones, for that.
//! * `frame`: a layer that is being looked at, with its digests and whether it is trusted.
//! * `record`: what has been found and missed so far, and the verdict over it.
//! * `heuristics`: what is suspicious without any signature.
//! * `formats`: which parsers there are.
//! * `inspect`: what rules of YARA ask of a layer besides its bytes.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]
#![forbid(unsafe_code)]

mod ahead;
mod formats;
mod frame;
mod heuristics;
mod inspect;
mod record;
mod scan;
mod sink;
#[cfg(test)]
mod tests;
mod waiting;

use std::cell::OnceCell;
use std::collections::HashMap;

use candor_database::{Image, Scratch, SignatureId, TypeRules};
use candor_model::{
    CertificateRule, Facts, FileType, Finding, Interrupt, LayerId, LayerSummary, Limits, Report,
};

pub use ahead::Screened;

use formats::{Builtin, Formats};
use heuristics::Phishing;
pub use heuristics::{Heuristics, Structured};
use scan::Scan;

/// Layers inside one another that a scan can follow at most, whatever its limits say: each takes
/// stack. A thread that scans needs 8 MiB of it for this depth.
pub const DEEPEST: u32 = 100;

/// Passwords of an image that are tried.
const PASSWORDS: usize = 1000;

/// Certificates of an image that are looked for.
const CERTIFICATE_RULES: usize = 4096;

/// What to look for, and how far to go.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What a scan may spend.
    pub limits: Limits,
    /// Whether to go on after the first strong finding, and report every one.
    pub all_matches: bool,
    /// Which signatures of potentially unwanted applications count.
    pub potentially_unwanted: PotentiallyUnwanted,
    /// Which heuristics are told.
    pub heuristics: Heuristics,
    /// Whether certificates of programs neither make them trusted nor malware.
    pub ignore_certificates: bool,
    /// Passwords to try on what is encrypted, before those of the image and the common ones.
    pub passwords: Vec<Vec<u8>>,
    /// Whether the report has the MD5 sum of each layer.
    pub layer_sums: bool,
}

/// Which signatures of potentially unwanted applications count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PotentiallyUnwanted {
    /// None.
    #[default]
    Off,
    /// All but those of these categories (`PUA.<Category>.`).
    Except(Vec<String>),
    /// Those of these categories only.
    Only(Vec<String>),
}

impl PotentiallyUnwanted {
    /// Whether a signature of this name out of a list of potentially unwanted applications counts.
    ///
    /// A category is one or more whole components of the name, wherever they stand in it, as ClamAV
    /// takes `Tool` for a category of `PUA.Win.Tool.Example-1`.
    fn counts(&self, name: &str) -> bool {
        let in_one_of = |categories: &[String]| {
            name.strip_prefix("PUA")
                .is_some_and(|rest| categories.iter().any(|category| rest.contains(&format!(".{category}."))))
        };
        match self {
            Self::Off => false,
            Self::Except(categories) => !in_one_of(categories),
            Self::Only(categories) => in_one_of(categories),
        }
    }
}

/// Sees the bytes of every layer while they are at hand: what an explanation of a finding is made from.
pub trait Observer {
    /// Called when a layer is opened, before anything in it.
    fn opened(&mut self, _layer: &LayerSummary) {}

    /// Called when a layer has been taken apart, with what was learned about it.
    fn facts(&mut self, _id: LayerId, _facts: &Facts) {}

    /// Called once a layer, when it has been searched and before its bytes go away. `findings` are
    /// those of this layer alone, whether or not the report will hold them in the end.
    ///
    /// Called besides for every rewritten copy of the layer in which something was found, with the
    /// bytes of that copy ([`Finding::normalised`] is set then), and for a layer that a signature
    /// asked to look at again as another type, with that type.
    fn layer(&mut self, id: LayerId, file_type: FileType, bytes: &[u8], findings: &[Finding]);
}

/// Scans one thing after another with the same image and options; one per thread.
#[derive(Debug)]
pub struct Scanner<'image> {
    setup: Setup<'image>,
    memory: Memory,
}

/// What stays the same from scan to scan.
#[derive(Debug)]
struct Setup<'image> {
    image: &'image Image,
    options: Options,
    /// Those of the options and of the image.
    passwords: Vec<Vec<u8>>,
    formats: &'image dyn Formats,
    /// Whether some signature is meant for files as they stand (`.sdb`).
    raw_html: bool,
    /// Those of the image's rules for file types that are on patterns.
    type_rules: TypeRules,
    /// The image's lists about links, made ready when the first mail has some.
    phishing: OnceCell<Phishing>,
    /// Certificates that the image decides about, and the signatures that say so.
    certificate_rules: Vec<CertificateRule>,
    rule_signatures: Vec<SignatureId>,
    /// Whether the image has catalogues of programs, and the digests in those that are believed, with the
    /// catalogue; made when the first program is met.
    has_catalogues: bool,
    catalogued: OnceCell<HashMap<Vec<u8>, SignatureId>>,
}

/// Memory that one scan leaves to the next.
#[derive(Debug, Default)]
struct Memory {
    scratch: Scratch,
    /// For the bytes of children; those that no layer uses at the moment.
    buffers: Vec<Vec<u8>>,
}

impl<'image> Scanner<'image> {
    /// A scanner over `image`.
    #[must_use]
    pub fn new(image: &'image Image, options: Options) -> Self {
        Self::with_formats(image, options, &Builtin)
    }

    fn with_formats(image: &'image Image, mut options: Options, formats: &'image dyn Formats) -> Self {
        options.limits.max_depth = options.limits.max_depth.min(DEEPEST);
        let raw_html = image.info().sources.iter().any(|source| source.language == "sdb");
        let listed = image.passwords().take(PASSWORDS).map(|(_, listed)| listed.password);
        let passwords = options.passwords.iter().cloned().chain(listed).collect();
        let type_rules = TypeRules::new(image);
        let wanted = !options.ignore_certificates;
        let (rule_signatures, certificate_rules) =
            image.certificate_rules().filter(|_| wanted).take(CERTIFICATE_RULES).unzip();
        let setup = Setup {
            image,
            options,
            passwords,
            formats,
            raw_html,
            type_rules,
            phishing: OnceCell::new(),
            certificate_rules,
            rule_signatures,
            has_catalogues: wanted && image.catalogues().next().is_some(),
            catalogued: OnceCell::new(),
        };
        Self { setup, memory: Memory::default() }
    }

    /// Scans `bytes` and everything in them. `interrupt` may be raised from another thread.
    #[must_use]
    pub fn scan(&mut self, bytes: &[u8], name: &str, interrupt: &Interrupt) -> Report {
        Scan::new(&self.setup, &mut self.memory, interrupt, None, bytes.len() as u64).run(bytes, name)
    }

    /// As [`scan`](Self::scan), with what [`screen`](Self::screen) found in the same bytes.
    #[must_use]
    pub fn scan_screened(
        &mut self,
        bytes: &[u8],
        name: &str,
        interrupt: &Interrupt,
        screened: Option<Screened>,
    ) -> Report {
        let mut scan = Scan::new(&self.setup, &mut self.memory, interrupt, None, bytes.len() as u64);
        scan.screened = screened;
        scan.run(bytes, name)
    }

    /// As [`scan`](Self::scan), and shows every layer to `observer`.
    #[must_use]
    pub fn scan_observed(
        &mut self,
        bytes: &[u8],
        name: &str,
        interrupt: &Interrupt,
        observer: &mut dyn Observer,
    ) -> Report {
        Scan::new(&self.setup, &mut self.memory, interrupt, Some(observer), bytes.len() as u64)
            .run(bytes, name)
    }
}
