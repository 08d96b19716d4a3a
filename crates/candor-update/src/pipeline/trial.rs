//! Trying a generation out: what is scanned with it, and what must come of it.
//!
//! The same is scanned with the generation that is active, in the same minute on the same machine: what it takes now is
//! the measure for what the new one may take.

use std::fmt;

use crate::Expectation;
use crate::generation::Trial;
use crate::log::base64;

/// Something to scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What to call it.
    pub name: String,
    /// What must come of it.
    pub expect: Expect,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What must come of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Some finding.
    Finding,
    /// This signature among the findings.
    Signature(String),
    /// No finding: it is of the bundled set, or a release says so.
    Silence,
    /// No finding: it is a file of the customer's.
    Golden,
}

/// What came of one probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Names of signatures.
    pub found: Vec<String>,
    /// What went wrong.
    pub trouble: Option<Trouble>,
}

/// What can go wrong with one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It ended the worker, or the engine failed.
    Crashed(String),
    /// It took longer than a file may.
    TimedOut,
    /// It took more memory than there may be.
    OutOfMemory,
}

/// What all probes came to with one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// What came of each probe that is worth telling, with what was expected of it.
    pub told: Vec<(String, Expect, Seen)>,
    /// Probes that were as they should be: canaries, the bundled set, the customer's.
    pub passed: [u64; 3],
    /// Milliseconds for all.
    pub milliseconds: u64,
    /// Most bytes of private memory that a worker had.
    pub memory: u64,
}

/// How far a generation may be from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Time and memory, in hundredths of what they were.
    pub percent: u64,
    /// Milliseconds that are always allowed.
    pub milliseconds: u64,
    /// Bytes of memory that are always allowed.
    pub memory: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { percent: 150, milliseconds: 5_000, memory: 256 << 20 }
    }
}

/// Why a generation is not activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A canary was not found.
    Silent(String),
    /// A canary was found by another signature than the one that it is for.
    Other(String, String),
    /// Something was found in a file that is clean.
    Flagged(String, String),
    /// A file ended a worker.
    Crashed(String, String),
    /// A file took too long.
    TimedOut(String),
    /// A file took too much memory.
    OutOfMemory(String),
    /// All together took too long.
    Slow {
        /// Milliseconds.
        took: u64,
        /// Milliseconds that were allowed.
        allowed: u64,
    },
    /// A worker needs too much memory.
    Heavy {
        /// Bytes.
        took: u64,
        /// Bytes that were allowed.
        allowed: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(name) => write!(f, "{name}: nothing was found, and it is there to be found"),
            Self::Other(name, wanted) => write!(f, "{name}: {wanted} was not found"),
            Self::Flagged(name, signature) => write!(f, "{name}: {signature} was found in a clean file"),
            Self::Crashed(name, why) => write!(f, "{name}: {why}"),
            Self::TimedOut(name) => write!(f, "{name}: it took longer than a file may"),
            Self::OutOfMemory(name) => write!(f, "{name}: it took more memory than there may be"),
            Self::Slow { took, allowed } => {
                write!(f, "the try-out took {took} ms; {allowed} ms are allowed by what it takes now")
            }
            Self::Heavy { took, allowed } => write!(
                f,
                "a worker needed {} MiB; {} MiB are allowed by what it needs now",
                took >> 20,
                allowed >> 20
            ),
        }
    }
}

impl Run {
    /// Notes what came of a probe; `origin` is 0 for canaries, 1 for the bundled set, 2 for the customer's files.
    pub fn note(&mut self, name: &str, expect: &Expect, seen: Seen) {
        let place = match expect {
            Expect::Finding | Expect::Signature(_) => 0,
            Expect::Silence => 1,
            Expect::Golden => 2,
        };
        if fault(name, expect, &seen).is_some() {
            // Of thousands that are wrong, the first tell enough.
            if self.told.len() < MOST_TOLD {
                self.told.push((name.to_owned(), expect.clone(), seen));
            }
        } else if let Some(passed) = self.passed.get_mut(place) {
            *passed = passed.saturating_add(1);
        }
    }

    /// Whether it took longer than `before` allows; such a measurement is made again before it counts.
    #[must_use]
    pub fn is_slow(&self, before: Option<&Self>, bounds: Bounds) -> bool {
        before.is_some_and(|before| {
            self.milliseconds > allowed(before.milliseconds, bounds.percent, bounds.milliseconds)
        })
    }

    /// What is wrong with it, beside what the same came to with the generation before.
    #[must_use]
    pub fn faults(&self, before: Option<&Self>, bounds: Bounds) -> Vec<Fault> {
        let mut faults: Vec<Fault> =
            self.told.iter().filter_map(|(name, expect, seen)| fault(name, expect, seen)).collect();
        if let Some(before) = before {
            let milliseconds = allowed(before.milliseconds, bounds.percent, bounds.milliseconds);
            if self.milliseconds > milliseconds {
                faults.push(Fault::Slow { took: self.milliseconds, allowed: milliseconds });
            }
            let memory = allowed(before.memory, bounds.percent, bounds.memory);
            if self.memory > memory {
                faults.push(Fault::Heavy { took: self.memory, allowed: memory });
            }
        }
        faults
    }

    /// What is kept of it.
    #[must_use]
    pub fn record(&self, before: Option<&Self>) -> Trial {
        let [canaries, clean, golden] = self.passed;
        Trial {
            canaries,
            clean,
            golden,
            milliseconds: self.milliseconds,
            milliseconds_before: before.map(|before| before.milliseconds),
            memory: self.memory,
            memory_before: before.map(|before| before.memory),
        }
    }
}

/// Probes that are told of one by one.
const MOST_TOLD: usize = 20;

const fn allowed(before: u64, percent: u64, floor: u64) -> u64 {
    (before / 100).saturating_mul(percent).saturating_add(floor)
}

fn fault(name: &str, expect: &Expect, seen: &Seen) -> Option<Fault> {
    match &seen.trouble {
        Some(Trouble::Crashed(why)) => return Some(Fault::Crashed(name.to_owned(), why.clone())),
        Some(Trouble::TimedOut) => return Some(Fault::TimedOut(name.to_owned())),
        Some(Trouble::OutOfMemory) => return Some(Fault::OutOfMemory(name.to_owned())),
        None => (),
    }
    match (expect, seen.found.first()) {
        (Expect::Finding | Expect::Signature(_), None) => Some(Fault::Silent(name.to_owned())),
        (Expect::Signature(wanted), Some(_)) if !seen.found.contains(wanted) => {
            Some(Fault::Other(name.to_owned(), wanted.clone()))
        }
        (Expect::Silence | Expect::Golden, Some(found)) => {
            Some(Fault::Flagged(name.to_owned(), found.clone()))
        }
        _ => None,
    }
}

/// The canaries that releases bring, as probes.
///
/// # Errors
/// One is no base64; says which.
pub fn canaries(expectations: &[Expectation]) -> Result<Vec<Probe>, String> {
    let probe = |(number, expectation): (u32, &Expectation)| {
        let bytes = base64::decode(&expectation.content)
            .ok_or_else(|| format!("canary {number} of the release is no base64"))?;
        Ok(Probe {
            name: format!("canary {number} of the release"),
            expect: expectation.signature.clone().map_or(Expect::Silence, Expect::Signature),
            bytes,
        })
    };
    (1..).zip(expectations).map(probe).collect()
}

/// The test file of eicar.org, which every set is to find. In pieces, so that this program is not found itself.
#[must_use]
pub fn eicar() -> Probe {
    let text = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-", "STANDARD-ANTIVIRUS", "-TEST-FILE!$H+H*"].concat();
    Probe { name: String::from("the EICAR test file"), expect: Expect::Finding, bytes: text.into_bytes() }
}
