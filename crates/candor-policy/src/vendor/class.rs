//! What sort of thing a finding is, how much an identifier proves, and where it shows.

use serde::{Deserialize, Serialize};

/// What sort of thing it is. Rules differ by this, not by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Virus protection.
    Antivirus,
    /// Another product for security: an agent, management, a password manager. Also what is surely of the
    /// vendor, and nothing says of which sort.
    Security,
    /// An engine of the vendor, which may be inside somebody else's product.
    Engine,
    /// A package of updates or an installer.
    UpdatePackage,
    /// A host of the vendor that a rule allows.
    UpdateHost,
    /// A product that took the place of a prohibited one.
    Successor,
    /// A library that is not about security.
    Library,
    /// A client of a service that tells about threats.
    ThreatIntelligence,
    /// Training.
    Training,
    /// A device.
    Equipment,
    /// An application that is not about security.
    Application,
    /// What is left of a product.
    Residue,
}

impl Class {
    /// The word for it in results.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Antivirus => "antivirus",
            Self::Security => "security",
            Self::Engine => "engine",
            Self::UpdatePackage => "update-package",
            Self::UpdateHost => "update-host",
            Self::Successor => "successor",
            Self::Library => "library",
            Self::ThreatIntelligence => "threat-intelligence",
            Self::Training => "training",
            Self::Equipment => "equipment",
            Self::Application => "application",
            Self::Residue => "residue",
        }
    }
}

/// How much an identifier proves, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Supports others and never counts.
    Weak,
    /// The name of a file or product.
    Name,
    /// A place.
    Path,
    /// What a thing says of itself.
    Metadata,
    /// Given to the vendor by a third party, or of no use to anybody else.
    Strong,
    /// A signature or a key.
    Cryptographic,
}

impl Strength {
    /// The word for it in results.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Name => "name",
            Self::Path => "path",
            Self::Metadata => "metadata",
            Self::Strong => "strong",
            Self::Cryptographic => "cryptographic",
        }
    }
}

/// On which systems an identifier shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Android.
    Android,
    /// iOS.
    Ios,
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}
