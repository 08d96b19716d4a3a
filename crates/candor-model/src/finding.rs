//! What was found, and what explains it.

use crate::{FileType, Normalisation};

/// A layer of a scanned file: 0 is the file itself, others count up in the order they are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerId(pub u32);

/// Where a signature was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// File name of the database, with the container that it was in: `daily.cvd/daily.ldb`.
    pub source: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// How much a signature says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strength {
    /// Never alerts alone: `Weak.`
    Weak,
    /// Reported as suspicious: `PUA.`, `Heuristics.`, `BC.Heuristics.`
    PotentiallyUnwanted,
    /// An alert.
    Strong,
}

impl Strength {
    /// The class that ClamAV derives from a signature's name.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        if name.starts_with("Weak.") {
            Self::Weak
        } else if ["PUA.", "Heuristics.", "BC.Heuristics."].iter().any(|prefix| name.starts_with(prefix)) {
            Self::PotentiallyUnwanted
        } else {
            Self::Strong
        }
    }
}

/// A run of bytes that a signature matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Offset in the layer, in bytes.
    pub offset: u64,
    /// Length in bytes; 0 for a match that covers no bytes of its own.
    pub length: u64,
    /// Which sub-signature of a logical signature; `None` for one that has none.
    pub subsignature: Option<u32>,
}

/// One signature that matched one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name as the database gives it, without any suffix.
    pub signature: String,
    /// Where the signature was written.
    pub origin: Origin,
    /// Whether it came out of a signed container (`.cvd`, `.cld`).
    pub official: bool,
    /// How much it says by itself.
    pub strength: Strength,
    /// Which language the signature is written in, as in `ldb`.
    pub language: &'static str,
    /// The layer that matched.
    pub layer: LayerId,
    /// Type of that layer.
    pub file_type: FileType,
    /// Names from the file itself down to the layer; empty for the file itself.
    pub path: Vec<String>,
    /// Set when the match is in a rewritten copy of the layer: offsets are then offsets in that copy.
    pub normalised: Option<Normalisation>,
    /// The bytes that matched, at most a few a sub-signature.
    pub matches: Vec<Match>,
}
