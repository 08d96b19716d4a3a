//! The table of readers: what each is called, how large its sources may be, and what it reads.

use super::network::Syntax;
use super::{
    Beside, Coverage, Item, Items, android, browsers, certificates, language, list, log, macos, network,
    packages, units, windows,
};

/// One reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each has a row in the table below, with what it reads")]
#[non_exhaustive]
pub enum Reader {
    Android,
    Apk,
    Cargo,
    Certificates,
    ChromeExtension,
    Csv,
    CycloneDxJson,
    CycloneDxXml,
    Dpkg,
    DpkgList,
    FirefoxExtensions,
    Flatpak,
    GradleLock,
    Hive,
    Hosts,
    JavaArchive,
    Log,
    MachO,
    Msi,
    Nftables,
    Osquery,
    PackageJson,
    PackageLock,
    PnpmLock,
    Pom,
    PomProperties,
    Program,
    PropertyList,
    Proxy,
    PythonMetadata,
    Requirements,
    Rpm,
    RpmList,
    Snap,
    SpdxJson,
    SpdxTags,
    SpdxXml,
    Squid,
    TomlLock,
    Unit,
    YarnLock,
}

/// What there is to know about a reader.
#[derive(Clone, Copy)]
pub struct Row {
    /// The reader.
    pub reader: Reader,
    /// What it is called in reports.
    pub name: &'static str,
    /// Bytes of the largest source that is read.
    pub most: u64,
    /// What it reads.
    pub what: &'static str,
    read: fn(&[u8], &mut Items<'_>),
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({})", self.name)
    }
}

const MIB: u64 = 1 << 20;

const fn row(
    reader: Reader,
    name: &'static str,
    most: u64,
    what: &'static str,
    read: fn(&[u8], &mut Items<'_>),
) -> Row {
    Row { reader, name, most, what, read }
}

/// All readers.
pub static READERS: [Row; 41] = [
    row(
        Reader::Android,
        "android",
        2048 * MIB,
        "packages for Android: the name in their manifest",
        android::read,
    ),
    row(Reader::Apk, "apk", 256 * MIB, "packages of Alpine (`lib/apk/db/installed`)", packages::apk::read),
    row(
        Reader::Cargo,
        "cargo",
        16 * MIB,
        "crates that are unpacked (`Cargo.toml`) or installed (`.crates.toml`)",
        language::cargo,
    ),
    row(
        Reader::Certificates,
        "certificates",
        64 * MIB,
        "certificates that are trusted, in PEM or DER",
        certificates::read,
    ),
    row(
        Reader::ChromeExtension,
        "chrome-extension",
        16 * MIB,
        "extensions of Chrome and its relatives, in profiles",
        browsers::chrome,
    ),
    row(Reader::Csv, "csv", 512 * MIB, "tables with headings", list::csv::read),
    row(
        Reader::CycloneDxJson,
        "cyclonedx-json",
        1024 * MIB,
        "CycloneDX 1.0 to 1.6 in JSON",
        list::cyclonedx::json,
    ),
    row(
        Reader::CycloneDxXml,
        "cyclonedx-xml",
        512 * MIB,
        "CycloneDX 1.0 to 1.6 in XML",
        list::cyclonedx::xml,
    ),
    row(
        Reader::Dpkg,
        "dpkg",
        256 * MIB,
        "packages of Debian (`var/lib/dpkg/status`, `status.d`)",
        packages::dpkg::read,
    ),
    row(
        Reader::DpkgList,
        "dpkg-list",
        256 * MIB,
        "what `dpkg -l` and `dpkg-query -W` print",
        list::text::dpkg,
    ),
    row(
        Reader::FirefoxExtensions,
        "firefox-extensions",
        64 * MIB,
        "extensions of Firefox (`extensions.json`)",
        browsers::firefox,
    ),
    row(
        Reader::Flatpak,
        "flatpak",
        MIB,
        "applications of flatpak (`metadata`)",
        packages::containers::flatpak,
    ),
    row(Reader::GradleLock, "gradle-lock", 64 * MIB, "`gradle.lockfile`", language::gradle),
    row(
        Reader::Hive,
        "hive",
        1024 * MIB,
        "hives of the registry of Windows: programs, services, drivers, altitudes, certificates",
        windows::hive::read,
    ),
    row(Reader::Hosts, "hosts", 64 * MIB, "names in `hosts` files that lead somewhere", |bytes, items| {
        network::read(bytes, Syntax::Hosts, items)
    }),
    row(
        Reader::JavaArchive,
        "java-archive",
        512 * MIB,
        "`pom.properties` in Java archives",
        language::archive,
    ),
    row(
        Reader::Log,
        "log",
        512 * MIB,
        "events in the log of the system that tell how old signatures are",
        log::read,
    ),
    row(
        Reader::MachO,
        "mach-o",
        1024 * MIB,
        "programs for macOS: identifier and team of their signature",
        macos::code::read,
    ),
    row(
        Reader::Msi,
        "msi",
        2048 * MIB,
        "packages of the installer of Windows: product, maker, codes",
        windows::installer::read,
    ),
    row(
        Reader::Nftables,
        "nftables",
        64 * MIB,
        "names in rules of nftables that let through",
        |bytes, items| network::read(bytes, Syntax::Nftables, items),
    ),
    row(Reader::Osquery, "osquery", 1024 * MIB, "results of osquery", list::osquery::read),
    row(
        Reader::PackageJson,
        "package-json",
        16 * MIB,
        "packages of npm that are installed",
        language::package_json,
    ),
    row(Reader::PackageLock, "package-lock", 128 * MIB, "`package-lock.json`", language::package_lock),
    row(Reader::PnpmLock, "pnpm-lock", 128 * MIB, "`pnpm-lock.yaml`", language::pnpm_lock),
    row(Reader::Pom, "pom", 64 * MIB, "`pom.xml`", language::pom),
    row(Reader::PomProperties, "pom-properties", MIB, "`pom.properties`", language::properties),
    row(
        Reader::Program,
        "program",
        1024 * MIB,
        "programs for Windows: who signed them, what their version says",
        windows::program::read,
    ),
    row(
        Reader::PropertyList,
        "property-list",
        64 * MIB,
        "bundles, receipts and jobs of macOS",
        macos::settings::read,
    ),
    row(
        Reader::Proxy,
        "proxy",
        64 * MIB,
        "hosts in settings of proxies and sources of packages",
        |bytes, items| network::read(bytes, Syntax::Proxy, items),
    ),
    row(
        Reader::PythonMetadata,
        "python-metadata",
        16 * MIB,
        "packages of Python that are installed",
        language::metadata,
    ),
    row(Reader::Requirements, "requirements", 64 * MIB, "`requirements.txt`", language::requirements),
    row(Reader::Rpm, "rpm", 1024 * MIB, "packages of rpm (SQLite, ndb, Berkeley DB)", packages::rpm::read),
    row(Reader::RpmList, "rpm-list", 256 * MIB, "what `rpm -qa` prints", list::text::rpm),
    row(Reader::Snap, "snap", MIB, "snaps (`meta/snap.yaml`)", packages::containers::snap),
    row(Reader::SpdxJson, "spdx-json", 1024 * MIB, "SPDX 2.0 to 2.3 and 3.0 in JSON", list::spdx::json),
    row(Reader::SpdxTags, "spdx-tags", 512 * MIB, "SPDX 2.0 to 2.3 as tag-value", list::spdx::tags),
    row(Reader::SpdxXml, "spdx-xml", 512 * MIB, "SPDX 2.0 to 2.3 in XML", list::spdx::xml),
    row(Reader::Squid, "squid", 64 * MIB, "lists of squid that some rule allows", |bytes, items| {
        network::read(bytes, Syntax::Squid, items)
    }),
    row(
        Reader::TomlLock,
        "toml-lock",
        128 * MIB,
        "`Cargo.lock`, `poetry.lock`, `uv.lock`",
        language::toml_lock,
    ),
    row(Reader::Unit, "unit", MIB, "units of systemd", units::read),
    row(Reader::YarnLock, "yarn-lock", 128 * MIB, "`yarn.lock`", language::yarn_lock),
];

impl Reader {
    /// Its row in the table.
    #[must_use]
    pub fn row(self) -> Option<&'static Row> {
        READERS.iter().find(|row| row.reader == self)
    }

    /// What it is called in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// The reader that is called so.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        READERS.iter().find(|row| row.name == name).map(|row| row.reader)
    }

    /// Bytes of the largest source that it reads.
    #[must_use]
    pub fn most(self) -> u64 {
        self.row().map_or(0, |row| row.most)
    }

    /// Reads the source at `path`; gives what is there to `take`.
    pub fn read(self, path: &str, bytes: &[u8], take: &mut dyn FnMut(Item)) -> Coverage {
        self.read_beside(path, bytes, &[], take)
    }

    /// The same of a source with other files beside it (see [`plan::beside`](super::plan::beside)).
    pub fn read_beside(
        self,
        path: &str,
        bytes: &[u8],
        beside: &[Beside<'_>],
        take: &mut dyn FnMut(Item),
    ) -> Coverage {
        let mut items = Items::new(self.name(), path, take).with_beside(beside);
        if let Some(row) = self.row() {
            (row.read)(bytes, &mut items);
        }
        items.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_has_a_row_and_a_name_of_its_own() {
        for row in &READERS {
            assert_eq!(Reader::by_name(row.name), Some(row.reader));
            assert_eq!(row.reader.name(), row.name);
            assert!(row.most > 0 && !row.what.is_empty());
        }
        let names: std::collections::BTreeSet<_> = READERS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), READERS.len());
        assert!(READERS.is_sorted_by_key(|row| row.name));
    }
}
