//! Which reader a path has, and what a source without a path that says so is.
//!
//! A walk asks for every path below a root, so this looks at the name first. Systems that do not tell capital
//! letters apart are met under systems that do: names are compared without them.

use super::Reader;

/// The reader for the file at `path`, which is below the root of a system, without a slash in front.
#[must_use]
pub fn reader_of(path: &str) -> Option<Reader> {
    let path = path.to_ascii_lowercase();
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let (_, ending) = name.rsplit_once('.').unwrap_or(("", ""));
    by_name(folder, name)
        .or_else(|| by_ending(&path, folder, ending))
        .or_else(|| by_folder(folder, name, ending))
}

/// Endings of the names of files that belong to a source of this reader and stand beside it.
#[must_use]
pub const fn beside(reader: Reader) -> &'static [&'static str] {
    match reader {
        Reader::Hive => &[".LOG1", ".LOG2", ".LOG"],
        Reader::Rpm => &["-wal"],
        _ => &[],
    }
}

/// Whether the file at `path` belongs to one that a reader reads.
pub(super) fn is_beside(path: &str) -> bool {
    [Reader::Hive, Reader::Rpm].into_iter().any(|reader| {
        beside(reader).iter().any(|ending| {
            let at = path.len().saturating_sub(ending.len());
            path.split_at_checked(at).is_some_and(|(main, end)| {
                end.eq_ignore_ascii_case(ending) && reader_of(main) == Some(reader)
            })
        })
    })
}

/// Names that say it, most of them only in their place.
fn by_name(folder: &str, name: &str) -> Option<Reader> {
    Some(match name {
        // OpenWrt has the same format.
        "status" if matches!(folder, "var/lib/dpkg" | "usr/lib/opkg" | "var/lib/opkg") => Reader::Dpkg,
        "installed" if folder.ends_with("lib/apk/db") => Reader::Apk,
        "packages" | "packages.db" | "rpmdb.sqlite" if is_rpm(folder) => Reader::Rpm,
        "snap.yaml" if folder.ends_with("/meta") => Reader::Snap,
        "metadata" if folder.contains("flatpak/app/") || folder.contains("flatpak/runtime/") => {
            Reader::Flatpak
        }
        "software" | "system" if folder.ends_with("windows/system32/config") => Reader::Hive,
        "ntuser.dat" => Reader::Hive,
        "info.plist" if is_bundle(folder) => Reader::PropertyList,
        "hosts" if folder == "etc" || folder == "private/etc" || folder.ends_with("drivers/etc") => {
            Reader::Hosts
        }
        "nftables.conf" if folder == "etc" => Reader::Nftables,
        "environment" | "wgetrc" if folder == "etc" => Reader::Proxy,
        "sources.list" if folder == "etc/apt" => Reader::Proxy,
        "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json" => Reader::PackageLock,
        "yarn.lock" => Reader::YarnLock,
        "pnpm-lock.yaml" => Reader::PnpmLock,
        "cargo.lock" | "poetry.lock" | "uv.lock" => Reader::TomlLock,
        "cargo.toml" if is_crate(folder) => Reader::Cargo,
        ".crates.toml" => Reader::Cargo,
        "gradle.lockfile" => Reader::GradleLock,
        "pom.xml" => Reader::Pom,
        "pom.properties" => Reader::PomProperties,
        "package.json" if is_installed(folder) => Reader::PackageJson,
        "metadata" if folder.ends_with(".dist-info") => Reader::PythonMetadata,
        "pkg-info" if folder.ends_with(".egg-info") => Reader::PythonMetadata,
        "manifest.json" if super::browsers::chrome_id(&format!("{folder}/{name}")).is_some() => {
            Reader::ChromeExtension
        }
        "extensions.json"
            if folder.contains("firefox") || folder.contains("profiles/") || folder.contains("mozilla") =>
        {
            Reader::FirefoxExtensions
        }
        "bom.json" => Reader::CycloneDxJson,
        "bom.xml" => Reader::CycloneDxXml,
        "syslog" | "messages" if folder == "var/log" => Reader::Log,
        _ => return None,
    })
}

fn by_ending(path: &str, folder: &str, ending: &str) -> Option<Reader> {
    Some(match ending {
        "service" if folder.contains("systemd/system") => Reader::Unit,
        "plist"
            if folder.ends_with("launchdaemons")
                || folder.ends_with("launchagents")
                || folder.ends_with("receipts") =>
        {
            Reader::PropertyList
        }
        // Other systems have files with this ending that are none.
        "sys" if ["/system32", "/syswow64", "/drivers"].iter().any(|place| folder.contains(place)) => {
            Reader::Program
        }
        "exe"
            if path.starts_with("program")
                || path.contains("/program files")
                || path.contains("/programdata/") =>
        {
            Reader::Program
        }
        "txt" if path.rsplit('/').next().is_some_and(|name| name.starts_with("requirements")) => {
            Reader::Requirements
        }
        "apk" if !folder.starts_with("etc/apk") => Reader::Android,
        "msi" => Reader::Msi,
        "jar" | "war" | "ear" => Reader::JavaArchive,
        "json" if path.ends_with(".cdx.json") => Reader::CycloneDxJson,
        "json" if path.ends_with(".spdx.json") => Reader::SpdxJson,
        "xml" if path.ends_with(".cdx.xml") => Reader::CycloneDxXml,
        "spdx" => Reader::SpdxTags,
        "pom" if folder.contains(".m2/repository/") => Reader::Pom,
        _ => return None,
    })
}

fn by_folder(folder: &str, name: &str, ending: &str) -> Option<Reader> {
    const STORES: [&str; 7] = [
        "etc/ssl/certs",
        "etc/pki/tls/certs",
        "etc/pki/ca-trust/source",
        "etc/pki/ca-trust/extracted/pem",
        "etc/ca-certificates/trust-source",
        "usr/local/share/ca-certificates",
        "usr/share/pki/trust",
    ];
    let is_below =
        |place: &str| folder.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if STORES.iter().any(|store| is_below(store)) && matches!(ending, "pem" | "crt" | "cer" | "der") {
        return Some(Reader::Certificates);
    }
    match folder {
        "var/lib/dpkg/status.d" if ending != "md5sums" => Some(Reader::Dpkg),
        "etc/init.d" => Some(Reader::Unit),
        "etc/squid" | "etc/squid3" | "etc/squid/conf.d" if ending == "conf" => Some(Reader::Squid),
        "etc/nftables" | "etc/nftables.d" if matches!(ending, "nft" | "conf") => Some(Reader::Nftables),
        "etc/apt/sources.list.d" | "etc/apt/apt.conf.d" | "etc/yum.repos.d" | "etc/zypp/repos.d" => {
            Some(Reader::Proxy)
        }
        "var/log" if name.starts_with("syslog.") || name.starts_with("messages-") => {
            (!matches!(ending, "gz" | "xz" | "zst" | "bz2")).then_some(Reader::Log)
        }
        _ if folder.ends_with(".app/contents/macos")
            || folder.ends_with(".kext/contents/macos")
            || folder.ends_with(".systemextension/contents/macos") =>
        {
            Some(Reader::MachO)
        }
        _ => None,
    }
}

fn is_rpm(folder: &str) -> bool {
    matches!(folder, "var/lib/rpm" | "usr/lib/sysimage/rpm" | "usr/share/rpm")
}

fn is_bundle(folder: &str) -> bool {
    const ENDINGS: [&str; 6] = [".app", ".kext", ".systemextension", ".appex", ".bundle", ".plugin"];
    folder
        .strip_suffix("/contents")
        .is_some_and(|bundle| ENDINGS.iter().any(|ending| bundle.ends_with(ending)))
}

/// Whether a folder is that of a crate as cargo unpacks it: for all projects of a user, or for one.
fn is_crate(folder: &str) -> bool {
    let mut parts = folder.rsplit('/').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("vendor"), ..) => true,
        (_, above, root) => above == Some("src") && root == Some("registry"),
    }
}

/// Whether a folder is that of a package of npm: right below `node_modules`, or below a namespace in it.
fn is_installed(folder: &str) -> bool {
    let mut parts = folder.rsplit('/');
    let (own, first, second) = (parts.next(), parts.next(), parts.next());
    own.is_some_and(|own| !own.starts_with('@'))
        && (first == Some("node_modules")
            || first.is_some_and(|first| first.starts_with('@')) && second == Some("node_modules"))
}

/// What a file is whose path says nothing, by its bytes and its name.
#[must_use]
pub fn reader_for(name: &str, bytes: &[u8]) -> Option<Reader> {
    let name = name.to_ascii_lowercase();
    if bytes.starts_with(b"PK") && name.ends_with(".apk") {
        return Some(Reader::Android);
    }
    if let Some(reader) = by_magic(bytes) {
        return Some(reader);
    }
    let start = super::bytes::lossy(bytes.get(..1 << 16).unwrap_or(bytes));
    let start = start.trim_start();
    let has = |word: &str| start.contains(word);
    if start.starts_with('<') {
        return if has("cyclonedx.org/schema/bom") {
            Some(Reader::CycloneDxXml)
        } else if has("<plist") {
            Some(Reader::PropertyList)
        } else if has("spdxVersion") || has("spdx.org/") {
            Some(Reader::SpdxXml)
        } else if has("<project") {
            Some(Reader::Pom)
        } else {
            None
        };
    }
    if start.starts_with(['{', '[']) {
        return if has("\"CycloneDX\"") || has("\"bomFormat\"") {
            Some(Reader::CycloneDxJson)
        } else if has("\"spdxVersion\"") || has("spdx.org/") {
            Some(Reader::SpdxJson)
        } else if has("\"lockfileVersion\"") {
            Some(Reader::PackageLock)
        } else if start.starts_with('[') || has("\"columns\"") {
            Some(Reader::Osquery)
        } else {
            None
        };
    }
    let first = start.lines().next().unwrap_or_default();
    if start.starts_with("SPDXVersion:") {
        Some(Reader::SpdxTags)
    } else if has("-----BEGIN CERTIFICATE-----") || has("-----BEGIN TRUSTED CERTIFICATE-----") {
        Some(Reader::Certificates)
    } else if start.starts_with("Package:") {
        Some(Reader::Dpkg)
    } else if first.starts_with("Desired=") || start.starts_with("ii ") {
        Some(Reader::DpkgList)
    } else if let Some(reader) = reader_of(&name) {
        Some(reader)
    } else if name.ends_with(".csv") || name.ends_with(".tsv") {
        Some(Reader::Csv)
    } else if !first.chars().all(|letter| letter == '\t' || !(letter.is_control() || letter == '\u{fffd}')) {
        // Bytes of a program may look like anything.
        None
    } else if first.split('\t').count() == 2 && first.bytes().any(|byte| byte.is_ascii_digit()) {
        Some(Reader::DpkgList)
    } else if first.split('-').count() >= 3 && !first.contains(char::is_whitespace) && first.contains('.') {
        Some(Reader::RpmList)
    } else if first.contains([',', ';']) {
        Some(Reader::Csv)
    } else {
        None
    }
}

fn by_magic(bytes: &[u8]) -> Option<Reader> {
    Some(match bytes.get(..4)? {
        b"regf" => Reader::Hive,
        b"bpli" => Reader::PropertyList,
        b"SQLi" | b"RpmP" => Reader::Rpm,
        [0xce | 0xcf, 0xfa, 0xed, 0xfe] | [0xfe, 0xed, 0xfa, 0xce | 0xcf] => Reader::MachO,
        // A class of Java begins alike; it has a version where this has a small number of slices.
        [0xca, 0xfe, 0xba, 0xbe | 0xbf] if super::bytes::be32(bytes, 4)? < 32 => Reader::MachO,
        [0xd0, 0xcf, 0x11, 0xe0] => Reader::Msi,
        [b'M', b'Z', ..] => Reader::Program,
        [b'P', b'K', 3, 4] => Reader::JavaArchive,
        [0x30, 0x82, ..] => Reader::Certificates,
        _ if matches!(bytes.get(12..16)?, [0x61, 0x15, 0x06, 0] | [0, 0x06, 0x15, 0x61]) => Reader::Rpm,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_have_a_reader() {
        for (path, reader) in [
            ("var/lib/dpkg/status", Some(Reader::Dpkg)),
            ("var/lib/dpkg/status.d/base", Some(Reader::Dpkg)),
            ("var/lib/dpkg/status.d/base.md5sums", None),
            ("home/u/var/lib/dpkg/status", None),
            ("lib/apk/db/installed", Some(Reader::Apk)),
            ("usr/lib/sysimage/rpm/Packages.db", Some(Reader::Rpm)),
            ("Windows/System32/config/SOFTWARE", Some(Reader::Hive)),
            ("Users/u/NTUSER.DAT", Some(Reader::Hive)),
            ("Windows/System32/drivers/klif.sys", Some(Reader::Program)),
            ("usr/share/terminfo/a/ansi.sys", None),
            ("Program Files (x86)/A/a.EXE", Some(Reader::Program)),
            ("Users/u/Downloads/a.exe", None),
            ("Applications/A.app/Contents/Info.plist", Some(Reader::PropertyList)),
            ("Applications/A.app/Contents/MacOS/A", Some(Reader::MachO)),
            ("Applications/A.app/Contents/Resources/Info.plist", None),
            ("etc/ssl/certs/ca-certificates.crt", Some(Reader::Certificates)),
            ("etc/pki/ca-trust/source/anchors/a.pem", Some(Reader::Certificates)),
            ("etc/ssl/certsx/a.pem", None),
            ("usr/lib/systemd/system/kesl.service", Some(Reader::Unit)),
            ("srv/app/node_modules/@a/b/package.json", Some(Reader::PackageJson)),
            ("srv/app/package.json", None),
            (
                "home/u/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/a-1.0/Cargo.toml",
                Some(Reader::Cargo),
            ),
            ("home/u/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/a-1.0/b/Cargo.toml", None),
            ("srv/app/vendor/a/Cargo.toml", Some(Reader::Cargo)),
            ("srv/app/Cargo.toml", None),
            ("home/u/.m2/repository/com/example/a/1/a-1.pom", Some(Reader::Pom)),
            ("usr/lib/opkg/status", Some(Reader::Dpkg)),
            ("srv/app/node_modules/a/test/package.json", None),
            ("usr/lib/python3/dist-packages/a-1.dist-info/METADATA", Some(Reader::PythonMetadata)),
            ("etc/hosts", Some(Reader::Hosts)),
            ("var/log/syslog.1", Some(Reader::Log)),
            ("var/log/syslog.2.gz", None),
            ("usr/share/doc/x/README", None),
        ] {
            assert_eq!(reader_of(path), reader, "{path}");
        }
    }

    #[test]
    fn logs_belong_to_what_they_are_logs_of() {
        for path in [
            "Windows/System32/config/SOFTWARE.LOG1",
            "Windows/System32/config/system.log",
            "Users/u/ntuser.dat.LOG2",
            "var/lib/rpm/rpmdb.sqlite-wal",
        ] {
            assert!(is_beside(path), "{path}");
            assert_eq!(reader_of(path), None, "{path}");
        }
        for path in ["Windows/System32/config/SOFTWARE", "var/log/x.LOG1", "a-wal", "", "é.LOG1", "-wal"] {
            assert!(!is_beside(path), "{path}");
        }
    }

    #[test]
    fn files_without_a_place_are_known_by_what_is_in_them() {
        for (name, bytes, reader) in [
            ("x", &b"regf\0\0"[..], Some(Reader::Hive)),
            ("x.json", b"{\"bomFormat\":\"CycloneDX\"}", Some(Reader::CycloneDxJson)),
            ("x.json", b"\xef\xbb\xbf{\"spdxVersion\":\"SPDX-2.3\"}", Some(Reader::SpdxJson)),
            ("x.json", b"[{\"name\":\"a\"}]", Some(Reader::Osquery)),
            ("x.json", b"{}", None),
            (
                "x.xml",
                b"<?xml version=\"1.0\"?><bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\">",
                Some(Reader::CycloneDxXml),
            ),
            ("x", b"SPDXVersion: SPDX-2.3", Some(Reader::SpdxTags)),
            ("x", b"Package: a\n", Some(Reader::Dpkg)),
            ("x", b"Desired=Unknown", Some(Reader::DpkgList)),
            ("x", b"libc6\t2.36\n", Some(Reader::DpkgList)),
            ("x", b"kesl-12.0-1.x86_64\n", Some(Reader::RpmList)),
            ("x.csv", b"name,vendor\n", Some(Reader::Csv)),
            ("Cargo.lock", b"version = 3", Some(Reader::TomlLock)),
            ("x", b"\xca\xfe\xba\xbe\0\0\0\x02", Some(Reader::MachO)),
            ("x.class", b"\xca\xfe\xba\xbe\0\0\0\x34", None),
            ("x", b"name;vendor\n", Some(Reader::Csv)),
            ("x", b"\xff\xfen\0a\0m\0e\0,\0v\0", Some(Reader::Csv)),
            ("x", b"\x7fELF\x02\x01,;\xf0\n", None),
            ("x", b"a1\t\xc3\x28\n", None),
            ("x", b"", None),
            ("x", b"plain words", None),
        ] {
            assert_eq!(reader_for(name, bytes), reader, "{name} {}", String::from_utf8_lossy(bytes));
        }
    }
}
