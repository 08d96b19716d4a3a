//! What an archive says that it holds.

use serde::{Deserialize, Serialize};

use super::super::metadata::is_name;
use super::MANIFEST;
use crate::candidate::{Expectation, Member, MemberClass};
use crate::log::{Hash, base64};

/// The version of the archive's format.
pub const FORMAT: u64 = 1;

/// The level of this engine: an archive may ask for at most this.
pub const ENGINE: u64 = 1;

/// Bytes of the longest manifest that is read.
pub const LONGEST_MANIFEST: u64 = 1 << 20;

/// Members, and canaries, that an archive may have.
const MOST: usize = 1000;

/// Bytes of the largest canary.
const LARGEST_CANARY: usize = 64 << 10;

/// The manifest of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The version of the format.
    pub format: u64,
    /// The feed that it is made for.
    pub feed: String,
    /// The archive's name in the feed.
    pub archive: String,
    /// The first release that it is part of.
    pub release: u64,
    /// The level of the engine that it needs.
    pub engine: u64,
    /// What follows, in ascending order of names.
    #[serde(rename = "member", default)]
    pub members: Vec<ManifestMember>,
    /// What must and must not be found with it.
    #[serde(rename = "canary", default)]
    pub canaries: Vec<Canary>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestMember {
    /// Its name, whose extension says which language it is.
    pub name: String,
    /// What it is used as.
    pub class: MemberClass,
    /// Its bytes.
    pub length: u64,
    /// Their digest.
    pub sha256: String,
}

/// A file that must, or must not, be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Its bytes, in Base 64.
    pub content: String,
    /// The signature that must be reported; none if nothing may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not TOML, or with other fields.
    #[error("the manifest cannot be read: {0}")]
    Syntax(String),
    /// A format that is not known.
    #[error("it has format {0}, and {FORMAT} is known")]
    Format(u64),
    /// An engine that is newer than this one.
    #[error("it needs an engine of level {0}, and this one has level {ENGINE}")]
    Engine(u64),
    /// Another archive than the one that was to be there.
    #[error("its {what} is `{got}`, not `{expected}` (wrong software)")]
    Other {
        /// Which field.
        what: &'static str,
        /// What must be.
        expected: String,
        /// What is.
        got: String,
    },
    /// An archive of a release that comes later.
    #[error("it belongs to release {got} and later, and is offered as part of {release}")]
    Later {
        /// What it says.
        got: u64,
        /// The release that it came with.
        release: u64,
    },
    /// Too many of something.
    #[error("it has more than {MOST} {0}")]
    Many(&'static str),
    /// No members.
    #[error("it has no members")]
    Empty,
    /// A name that leads elsewhere.
    #[error("the member `{0}` is not a plain name: it would climb out, or hide")]
    Name(String),
    /// Names out of order, or twice.
    #[error(
        "the member `{0}` does not come after the one before it: members are in ascending order, each once"
    )]
    Order(String),
    /// A member of a language that is not known, or not data.
    #[error("the member `{name}` is not of a language that a release may hold{}", if *.program { ": it would be a program" } else { "" })]
    Language {
        /// Its name.
        name: String,
        /// Whether it is known to be executed.
        program: bool,
    },
    /// A member under a class that is not its language's.
    #[error("the member `{name}` is said to be of class `{got}`, and its language is of class `{expected}`")]
    Class {
        /// Its name.
        name: String,
        /// The class of its language.
        expected: &'static str,
        /// The class that is said.
        got: &'static str,
    },
    /// A digest that is not one.
    #[error("the digest of the member `{0}` is not 64 lower-case hexadecimal digits")]
    Digest(String),
    /// A canary that is not one.
    #[error("canary {0} is not base 64 of at most {LARGEST_CANARY} bytes")]
    Canary(usize),
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self =
            toml::from_str(text).map_err(|error| ManifestError::Syntax(error.message().to_owned()))?;
        manifest.check()?;
        Ok(manifest)
    }

    pub(super) fn check(&self) -> Result<(), ManifestError> {
        if self.format != FORMAT {
            return Err(ManifestError::Format(self.format));
        }
        if self.engine > ENGINE {
            return Err(ManifestError::Engine(self.engine));
        }
        if self.members.is_empty() {
            return Err(ManifestError::Empty);
        }
        if self.members.len() > MOST {
            return Err(ManifestError::Many("members"));
        }
        if self.canaries.len() > MOST {
            return Err(ManifestError::Many("canaries"));
        }
        let mut last = "";
        for member in &self.members {
            let name = member.name.as_str();
            if !is_name(name) || name == MANIFEST {
                return Err(ManifestError::Name(name.to_owned()));
            }
            if name <= last {
                return Err(ManifestError::Order(name.to_owned()));
            }
            last = name;
            let expected = class_of(name).ok_or_else(|| ManifestError::Language {
                name: name.to_owned(),
                program: PROGRAMS.contains(&extension(name)),
            })?;
            if member.class != expected {
                let (expected, got) = (class_name(expected), class_name(member.class));
                return Err(ManifestError::Class { name: name.to_owned(), expected, got });
            }
            if Hash::from_hex(&member.sha256).is_none() {
                return Err(ManifestError::Digest(name.to_owned()));
            }
        }
        for (number, canary) in (1..).zip(&self.canaries) {
            let length = base64::decode(&canary.content).map(|bytes| bytes.len());
            if length.is_none_or(|length| length > LARGEST_CANARY) {
                return Err(ManifestError::Canary(number));
            }
        }
        Ok(())
    }
}

impl From<&ManifestMember> for Member {
    fn from(member: &ManifestMember) -> Self {
        let ManifestMember { name, class, length, sha256 } = member.clone();
        Self { name, class, length, sha256 }
    }
}

impl From<&Canary> for Expectation {
    fn from(canary: &Canary) -> Self {
        Self { content: canary.content.clone(), signature: canary.signature.clone() }
    }
}

/// Languages by their extensions.
const LANGUAGES: &[(&str, MemberClass)] = &[
    ("cdb", MemberClass::Signatures),
    ("crb", MemberClass::Allow),
    ("fp", MemberClass::Allow),
    ("ftm", MemberClass::Signatures),
    ("hdb", MemberClass::Hashes),
    ("hdu", MemberClass::Hashes),
    ("hsb", MemberClass::Hashes),
    ("hsu", MemberClass::Hashes),
    ("idb", MemberClass::Signatures),
    ("ign", MemberClass::Allow),
    ("ign2", MemberClass::Allow),
    ("imp", MemberClass::Hashes),
    ("ldb", MemberClass::Signatures),
    ("ldu", MemberClass::Signatures),
    ("mdb", MemberClass::Hashes),
    ("mdu", MemberClass::Hashes),
    ("msb", MemberClass::Hashes),
    ("msu", MemberClass::Hashes),
    ("ndb", MemberClass::Signatures),
    ("ndu", MemberClass::Signatures),
    ("pdb", MemberClass::Signatures),
    ("sfp", MemberClass::Allow),
    ("toml", MemberClass::Policy),
    ("wdb", MemberClass::Allow),
    ("yar", MemberClass::Rules),
    ("yara", MemberClass::Rules),
];

/// Extensions of what is executed: ClamAV's bytecode, compiled rules, and the usual ones.
const PROGRAMS: &[&str] = &["cbc", "yarc", "so", "dll", "exe", "sh", "py", "ps1", "bat", "js", "wasm"];

/// What a member of this name is used as; `None` if a release may not hold it.
#[must_use]
pub fn class_of(name: &str) -> Option<MemberClass> {
    let extension = extension(name);
    LANGUAGES.iter().find(|(known, _)| *known == extension).map(|(_, class)| *class)
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The name of a class in manifests and policies.
pub(crate) const fn class_name(class: MemberClass) -> &'static str {
    match class {
        MemberClass::Signatures => "signatures",
        MemberClass::Hashes => "hashes",
        MemberClass::Allow => "allow",
        MemberClass::Rules => "rules",
        MemberClass::Policy => "policy",
    }
}
