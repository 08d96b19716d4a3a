//! What is known of a generation, written once.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::journal::hexadecimal;
use crate::{Candidate, Member};

/// The format of the file.
pub(super) const FORMAT: u32 = 1;

/// A generation: what it holds, where that comes from, how it behaved, and who allowed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The format of this file.
    pub format: u32,
    /// Its number.
    pub generation: u64,
    /// When it was made, in seconds since 1970.
    pub made: u64,
    /// The one that was active then.
    pub previous: Option<u64>,
    /// What it holds, a source each, in the order of their names.
    pub contents: Vec<Content>,
    /// What that was compiled to.
    pub image: Built,
    /// How it behaved.
    pub trial: Trial,
    /// Who allowed it.
    pub allowed: Allowed,
}

/// What a generation holds of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The members, and why they are believed. Its directory is relative to that of the generation.
    pub candidate: Candidate,
    /// When it was verified, in seconds since 1970.
    pub verified: u64,
    /// What the policy said about it.
    #[serde(default)]
    pub decision: String,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// Its length in bytes.
    pub length: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Signatures in it that something can be found by.
    pub signatures: u64,
    /// Lines that could not be used.
    pub refused: u64,
}

/// How a generation behaved before it was activated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Canaries that were found, as they had to be.
    pub canaries: u64,
    /// Files of the bundled set in which nothing was found.
    pub clean: u64,
    /// Files of the customer's golden directory in which nothing was found.
    pub golden: u64,
    /// Milliseconds that all of them took.
    pub milliseconds: u64,
    /// Milliseconds that they took with the generation before.
    pub milliseconds_before: Option<u64>,
    /// Most bytes of private memory that a worker had.
    pub memory: u64,
    /// The same with the generation before.
    pub memory_before: Option<u64>,
}

/// Why a generation was allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// The policy: the path of its file, or that there is none.
    pub policy: String,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// What it said besides what stands with each source.
    pub decisions: Vec<String>,
}

impl Record {
    /// What it holds of this source.
    #[must_use]
    pub fn content(&self, source: &str) -> Option<&Content> {
        self.contents.iter().find(|content| content.candidate.source == source)
    }
}

impl Content {
    /// Content that was verified at this time, and of which there is no more to say.
    #[must_use]
    pub const fn new(candidate: Candidate, verified: u64) -> Self {
        Self { candidate, verified, decision: String::new() }
    }

    /// The digest of the members.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&self.candidate.members)
    }
}

/// The digest of members: of their names, classes, lengths and digests.
#[must_use]
pub fn digest(members: &[Member]) -> String {
    let mut sorted: Vec<&Member> = members.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut digest = Sha256::new();
    for member in sorted {
        // No name holds a line feed.
        digest.update(format!("{}\n{:?}\n{}\n{}\n", member.name, member.class, member.length, member.sha256));
    }
    hexadecimal(&digest.finalize())
}
