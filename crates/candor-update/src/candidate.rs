//! What a source gives when everything about it has been verified: data that may be tried out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Verified content of one source, not yet tried out.
///
/// Whoever makes one has checked every member's digest against what its provenance vouches for, and has
/// refused members that are not data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The source's name in `sources.toml`.
    pub source: String,
    /// The version, as the source counts; larger is later. Sources without versions count fetches.
    pub version: u64,
    /// Where the members lie, each a plain file directly in it.
    pub directory: PathBuf,
    /// The files, by name.
    pub members: Vec<Member>,
    /// Why they are believed.
    pub provenance: Provenance,
    /// What must and must not be found with them.
    pub expectations: Vec<Expectation>,
}

/// One file of signatures or other data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name: one path component, whose extension says which language it is.
    pub name: String,
    /// What it is used as.
    pub class: MemberClass,
    /// Its length in bytes.
    pub length: u64,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// What a member may be. There is no class for anything that is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberClass {
    /// Patterns and logical signatures as text.
    Signatures,
    /// Digests of files and sections.
    Hashes,
    /// Digests and names that are not to be reported.
    Allow,
    /// YARA rules as text.
    Rules,
    /// Data of a policy: vendors and regimes.
    Policy,
}

/// A file that must, or must not, be found by the candidate's signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Bytes of the canary, standard base64: made for the purpose, never malware.
    pub content: String,
    /// The signature that must be reported for it; `None` when nothing may be.
    pub signature: Option<String>,
}

/// Why the bytes of a candidate are believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Provenance {
    /// Signed by a threshold of a feed's keys, and logged.
    Feed {
        /// Digest of the `targets.json` that names the release.
        targets_sha256: String,
        /// Versions of the four roles.
        root: u64,
        /// Version of the targets role.
        targets: u64,
        /// Version of the snapshot role.
        snapshot: u64,
        /// Version of the timestamp role.
        timestamp: u64,
        /// Identifiers of the keys whose signatures were counted for the content.
        signers: Vec<String>,
        /// Origin of the log, when the policy wants one.
        log: Option<String>,
        /// Index of the entry in the log.
        log_index: Option<u64>,
        /// Names of witnesses whose cosignatures were counted, with their times (seconds since 1970).
        witnesses: Vec<(String, u64)>,
        /// Identifiers of keys of the customer's own repository that agreed.
        cosigners: Vec<String>,
    },
    /// ClamAV's own containers.
    Container {
        /// The databases, each a member.
        databases: Vec<Container>,
    },
    /// A digest that the customer wrote down.
    Pinned,
    /// Vouched for by a key that the customer wrote down.
    Key {
        /// The key's identifier.
        key: String,
    },
    /// A directory on this machine that somebody else fills.
    Local,
}

/// How a container's signature was checked: by certificates, in a file beside it, which is over all of it.
pub const BESIDE: &str = "pkcs7";

/// Why one of ClamAV's containers is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The member.
    pub file: String,
    /// Its version, as its header says; the signed list of its members says the same.
    pub version: u64,
    /// How its signature was checked: `pkcs7` (a `.sign` beside it), `md5-rsa` (its header), or `sha256-rsa` (the list of its
    /// members alone, as for what was patched).
    pub signature: String,
    /// Who built it, as its header says.
    pub builder: String,
    /// When, seconds since 1970, as its header says.
    pub built: u64,
    /// Whether it was patched to this version by signed differences (`.cdiff`).
    pub patched: bool,
}
