//! The loop and the verdict: identify, unpack, search, for every layer, within a budget.
//!
//! Takes bytes and gives a [`Report`]. It opens no file, starts no thread and reads no clock.
#![forbid(unsafe_code)]

use candor_database::{Image, Scratch};
use candor_model::{FileType, Finding, Interrupt, LayerId, Limits, Report};

/// What to look for, and how far to go.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What a scan may spend.
    pub limits: Limits,
    /// Whether to go on after the first strong finding, and report every one.
    pub all_matches: bool,
    /// Which signatures of potentially unwanted applications count.
    pub potentially_unwanted: PotentiallyUnwanted,
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

/// Sees the bytes of every layer while they are at hand: what an explanation of a finding is made from.
pub trait Observer {
    /// Called once a layer, when it has been searched and before its bytes go away. `findings` are
    /// those of this layer alone, whether or not the report will hold them in the end.
    fn layer(&mut self, id: LayerId, file_type: FileType, bytes: &[u8], findings: &[Finding]);
}

/// Scans one thing after another with the same image and options; one per thread.
#[derive(Debug)]
pub struct Scanner<'image> {
    image: &'image Image,
    options: Options,
    scratch: Scratch,
}

impl<'image> Scanner<'image> {
    /// A scanner over `image`.
    #[must_use]
    pub fn new(image: &'image Image, options: Options) -> Self {
        Self { image, options, scratch: Scratch::new() }
    }

    /// Scans `bytes` and everything in them. `interrupt` may be raised from another thread.
    #[must_use]
    pub fn scan(&mut self, bytes: &[u8], name: &str, interrupt: &Interrupt) -> Report {
        let _ = (self.image, &self.options, &self.scratch, bytes, name, interrupt);
        unreachable!()
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
        let _ = observer;
        self.scan(bytes, name, interrupt)
    }
}
