//! What is there: packages, programs, services, certificates, host names; without judgement.
//!
//! A reader takes bytes of one source (a package database, a registry hive, an SBOM) and gives [`Item`]s. It
//! knows no vendor. What could not be read is [`Coverage`], so that a report can say what it did not see.
//!
//! * [`Reader`]: the table of readers; each has its sources read by one function.
//! * [`plan`]: which reader a path has, or a file that comes without a place.
//! * [`record`]: how a jailed worker says what it read.
//! * [`Interest`] says which files matter besides those that a reader is for.
//! * [`Items`]: where readers put what they see, and the limits on it.
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
#![cfg_attr(
    test,
    expect(clippy::cast_possible_truncation, reason = "the tests write small numbers into narrow fields")
)]

mod android;
mod browsers;
mod bytes;
mod certificates;
mod disk;
mod image;
mod inside;
mod items;
mod language;
mod list;
mod log;
mod macos;
mod members;
mod network;
mod packages;
pub mod plan;
pub mod record;
mod sqlite;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod units;
mod windows;
mod xml;

use std::collections::BTreeMap;

pub(crate) use bytes::lossy;
pub(crate) use items::clean as text;
pub use items::{Beside, Items};
pub(crate) use sqlite::Database;
pub use table::{READERS, Reader, Row};
pub(crate) use windows::{Hive, Key, recover};
pub(crate) use xml::{Event, Xml};

use serde::{Deserialize, Serialize};

/// All that was seen of one subject (a host, an image, a list of components).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// What was seen, in the order in which it was met.
    pub items: Vec<Item>,
    /// Which sources were read and which were not.
    pub coverage: Vec<Coverage>,
}

/// One thing that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What sort of thing.
    pub kind: ItemKind,
    /// What it calls itself; empty when it has no name.
    pub name: String,
    /// Its version as written, when it has one.
    pub version: Option<String>,
    /// Where it was seen.
    pub place: Place,
    /// By which something may be recognised: everything that a vendor's identifiers can be compared with.
    pub traits: Vec<Trait>,
    /// Moments that the evidence itself tells (RFC 3339, or a date), by what they are of.
    pub moments: BTreeMap<Moment, String>,
}

/// Sorts of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A package of an operating system.
    Package,
    /// A program with an entry of its own (uninstall key, bundle, receipt, MSI).
    Program,
    /// A service or unit that is started.
    Service,
    /// A driver or filter of a kernel.
    Driver,
    /// A certificate that is trusted.
    Certificate,
    /// An extension of a browser.
    Extension,
    /// A library that is part of something else, from a lock file, an installed tree or an SBOM.
    Component,
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A key of a registry or a setting.
    Setting,
    /// A host that is named by a rule, a proxy or a hosts file as allowed.
    Host,
    /// A device or a network interface.
    Device,
}

/// Where something was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The reader, by its name in the table of readers.
    pub reader: String,
    /// The path of the source below the root that was looked at.
    pub path: String,
    /// Where in the source: a key, a package, a member, a line.
    pub inside: Option<String>,
}

/// One property that may identify a vendor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trait {
    /// On which surface it shows.
    pub surface: Surface,
    /// The value, as the source has it.
    pub value: String,
}

/// The surfaces on which a vendor's products show. Identifiers of vendors name the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// Subject of the certificate that signed a program, as an RFC 4514 string.
    AuthenticodeSubject,
    /// Team that signed a program for macOS.
    AppleTeam,
    /// Bundle, receipt or launchd label of macOS or iOS.
    AppleBundle,
    /// Fingerprint of the key that signed a package, in upper-case hexadecimal digits; its last sixteen when
    /// the signature names no more.
    PackageKey,
    /// Name of a package of a Linux distribution.
    LinuxPackage,
    /// Name of an Android package.
    AndroidPackage,
    /// Identifier of a winget package.
    WingetPackage,
    /// Supplier, manufacturer, publisher or maintainer: a legal name.
    Supplier,
    /// Name of a product.
    Product,
    /// Altitude of a minifilter of Windows.
    MinifilterAltitude,
    /// Name of a service of Windows.
    WindowsService,
    /// A unit of systemd.
    SystemdUnit,
    /// A key of the registry of Windows, from its hive's root (`HKLM\…`).
    RegistryKey,
    /// A path of a file or directory, from the root of its system, without a slash or a drive in front; `/`
    /// between its parts on every system.
    Path,
    /// The last part of a path.
    FileName,
    /// SHA-256 of a file in hexadecimal digits.
    Sha256,
    /// Subject of a certificate that is trusted, as an RFC 4514 string.
    RootSubject,
    /// Identifier of a browser's extension.
    BrowserExtension,
    /// The vendor in a CPE.
    CpeVendor,
    /// A package URL, or `type/namespace/name` of one.
    PackageUrl,
    /// A host name.
    Domain,
    /// The first three bytes of a hardware address, as six hexadecimal digits.
    MacPrefix,
    /// Upgrade or product code of an MSI.
    MsiCode,
    /// An event in a log, as `program:event`.
    LogEvent,
    /// What a service on the network says of itself: the first line of SSH or telnet, the header `Server`, the
    /// description of a system by SNMP.
    ServiceBanner,
    /// A port that is listened on, as `tcp/13111`.
    NetworkPort,
}

/// What a moment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// When it was installed.
    Installed,
    /// When its signatures were published.
    Bases,
    /// When it was last updated.
    Updated,
    /// When it was signed.
    Signed,
    /// When it was built.
    Built,
    /// When its file last changed.
    Modified,
}

/// What became of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The reader.
    pub reader: String,
    /// The source below the root, or the place where it was looked for.
    pub path: String,
    /// How far it was read.
    pub state: CoverageState,
    /// Items that came of it.
    pub items: u64,
}

/// How far a source was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "reason")]
pub enum CoverageState {
    /// Wholly.
    Read,
    /// Up to some place, and why not further.
    Partly(String),
    /// It is there and was not read, and why.
    NotRead(String),
    /// It is not there.
    Absent,
}

/// What somebody's identifiers name. Of the files that no reader is for, a walk tells only those.
pub trait Interest {
    /// Whether a file or directory at this path matters. The path is below the root, without a slash in
    /// front, with `/` between its parts.
    fn is_wanted(&self, path: &str, is_directory: bool) -> bool;
}

/// A moment in seconds since 1970, as items tell it; `None` beyond the years that have four digits.
#[must_use]
pub fn moment(seconds: i64) -> Option<String> {
    time::from_unix(seconds)
}
