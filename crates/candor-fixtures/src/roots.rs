//! Roots of systems, as paths and bytes: with what identifies a vendor planted at its place, or without.
//!
//! The formats are real ones; which values are planted is for the test to say.

use crate::android;
use crate::package_database::{Package, berkeley, ndb, sqlite};
use crate::registry::{Key, hive};
use crate::signed_program;

/// What may be planted. What is empty is not.
#[derive(Clone, Debug, Default)]
pub struct Planted<'a> {
    /// Subject of the certificate that programs for Windows are signed with, the most general part first.
    pub signer: &'a [(&'a str, &'a str)],
    /// Subjects of certificates that are trusted.
    pub roots: &'a [&'a [(&'a str, &'a str)]],
    /// Team that programs for macOS are signed by.
    pub team: &'a str,
    /// Bundles of macOS.
    pub bundles: &'a [&'a str],
    /// Fingerprint of the key that packages are signed with.
    pub package_key: &'a str,
    /// Packages of Linux.
    pub packages: &'a [&'a str],
    /// Who made them.
    pub supplier: &'a str,
    /// Products, as uninstall keys name them.
    pub products: &'a [&'a str],
    /// Filters of Windows: name and altitude.
    pub filters: &'a [(&'a str, &'a str)],
    /// Services of Windows.
    pub services: &'a [&'a str],
    /// Keys below `SOFTWARE`.
    pub keys: &'a [&'a str],
    /// Units of systemd.
    pub units: &'a [&'a str],
    /// Files that are there; their content means nothing.
    pub files: &'a [&'a str],
    /// Hosts that are let through.
    pub hosts: &'a [&'a str],
    /// Packages for Android that are kept on the system to be given to phones.
    pub android: &'a [&'a str],
    /// Extensions of Chrome.
    pub chrome: &'a [&'a str],
    /// Extensions of Firefox.
    pub firefox: &'a [&'a str],
    /// Lines of the system's log.
    pub log: &'a [&'a str],
    /// Files with text: lists of components, lock files.
    pub lists: &'a [(&'a str, &'a str)],
}

/// A root: paths without a slash in front, and bytes.
pub type Root = Vec<(String, Vec<u8>)>;

/// A Linux system with all package managers at once.
#[must_use]
pub fn linux(planted: &Planted<'_>) -> Root {
    let mut root = Root::new();
    let mut put = |path: &str, bytes: Vec<u8>| root.push((path.to_owned(), bytes));
    let names = || ["bash", "coreutils"].iter().chain(planted.packages);
    let maker = |name: &str| {
        let is_ours = planted.packages.contains(&name);
        if is_ours { planted.supplier } else { "Somebody Else" }
    };
    let status: String = names()
        .map(|name| format!("Package: {name}\nStatus: install ok installed\nMaintainer: {} <m@example.org>\nVersion: 1.0\n\n", maker(name)))
        .collect();
    put("var/lib/dpkg/status", status.into_bytes());
    let apk: String = names().map(|name| format!("P:{name}\nV:1.0-r0\n\n")).collect();
    put("lib/apk/db/installed", apk.into_bytes());
    let packages: Vec<Package> = names()
        .map(|name| Package {
            name: (*name).to_owned(),
            version: "1.0-1".to_owned(),
            vendor: maker(name).to_owned(),
            installed: 1_727_582_400,
            key: planted
                .packages
                .contains(name)
                .then(|| planted.package_key.to_owned())
                .filter(|key| !key.is_empty()),
            padding: 0,
        })
        .collect();
    put("var/lib/rpm/rpmdb.sqlite", sqlite(&packages));
    put("usr/lib/sysimage/rpm/Packages.db", ndb(&packages));
    put("usr/share/rpm/Packages", berkeley(&packages, false));
    for unit in ["ssh.service"].iter().chain(planted.units) {
        put(&format!("usr/lib/systemd/system/{unit}"), b"[Service]\nExecStart=/usr/bin/true\n".to_vec());
    }
    for file in ["usr/bin/ls"].iter().chain(planted.files) {
        put(file, b"\x7fELF".to_vec());
    }
    let certificates = planted.roots.iter().map(|subject| pem(&signed_program::certificate(subject)));
    let own = pem(&signed_program::certificate(&[("O", "Nobody In Particular"), ("CN", "A Root")]));
    put(
        "etc/ssl/certs/ca-certificates.crt",
        std::iter::once(own).chain(certificates).collect::<String>().into_bytes(),
    );
    let hosts: String = planted.hosts.iter().map(|host| format!("10.0.0.1 {host}\n")).collect();
    put("etc/hosts", format!("127.0.0.1 localhost\n{hosts}").into_bytes());
    put("etc/nftables.conf", format!("ip daddr {{ {} }} accept\n", planted.hosts.join(", ")).into_bytes());
    let log: String = planted.log.iter().map(|line| format!("{line}\n")).collect();
    put("var/log/syslog", format!("Jan  1 00:00:00 host cron[1]: started\n{log}").into_bytes());
    for package in ["org.example.notes"].iter().chain(planted.android) {
        let manifest = android::manifest(package, "1.0", true);
        put(&format!("srv/phones/{package}.apk"), android::package(&manifest));
    }
    for id in ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"].iter().chain(planted.chrome) {
        let path = format!("home/u/.config/google-chrome/Default/Extensions/{id}/1.0_0/manifest.json");
        put(&path, br#"{"name":"__MSG_name__","version":"1.0"}"#.to_vec());
    }
    let addons: Vec<String> =
        planted.firefox.iter().map(|id| format!(r#"{{"id":"{id}","version":"1"}}"#)).collect();
    put(
        "home/u/.mozilla/firefox/x.default/extensions.json",
        format!(r#"{{"addons":[{}]}}"#, addons.join(",")).into_bytes(),
    );
    root.extend(lists(planted));
    root
}

fn lists<'a>(planted: &'a Planted<'_>) -> impl Iterator<Item = (String, Vec<u8>)> + 'a {
    planted.lists.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
}

/// A Windows system.
#[must_use]
pub fn windows(planted: &Planted<'_>) -> Root {
    const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
    let entry = |name: &str, publisher: &str| {
        Key::new(name).text("DisplayName", name).text("Publisher", publisher).text("DisplayVersion", "1.0")
    };
    let mut software = Key::new("ROOT").at(UNINSTALL, entry("An Editor", "Somebody Else"));
    for product in planted.products {
        software = software.at(UNINSTALL, entry(product, planted.supplier));
    }
    for key in planted.keys {
        let (folder, name) = key.rsplit_once('\\').unwrap_or(("", key));
        software = software.at(folder, Key::new(name));
    }
    for subject in planted.roots {
        let der = signed_program::certificate(subject);
        let length = u32::try_from(der.len()).unwrap_or(u32::MAX);
        let blob = [&32_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &length.to_le_bytes(), &der].concat();
        software = software
            .at(r"Microsoft\SystemCertificates\ROOT\Certificates", Key::new("0123").bytes("Blob", &blob));
    }
    let service =
        |name: &str, kind: u32, path: &str| Key::new(name).number("Type", kind).text("ImagePath", path);
    let mut system = Key::new("ROOT")
        .at("", Key::new("Select").number("Current", 1))
        .at(r"ControlSet001\Services", service("Spooler", 0x10, r"%SystemRoot%\System32\spoolsv.exe"));
    for name in planted.services {
        system = system.at(r"ControlSet001\Services", service(name, 0x10, r"C:\Program Files\A\a.exe"));
    }
    for (name, altitude) in planted.filters {
        let stem = name.trim_end_matches(".sys");
        let instance = Key::new("Instance").text("Altitude", altitude);
        system = system
            .at(r"ControlSet001\Services", service(stem, 2, &format!(r"system32\DRIVERS\{name}")))
            .at(&format!(r"ControlSet001\Services\{stem}\Instances"), instance);
    }
    let user = Key::new("ROOT").at(&format!(r"Software\{UNINSTALL}"), entry("A Game", "Somebody Else"));
    let mut root: Root = vec![
        ("Windows/System32/config/SOFTWARE".to_owned(), hive(&software)),
        ("Windows/System32/config/SYSTEM".to_owned(), hive(&system)),
        ("Users/u/NTUSER.DAT".to_owned(), hive(&user)),
        (
            "Program Files/Editor/editor.exe".to_owned(),
            signed_program::program(&[("ProductName", "An Editor")], &[("C", "DE"), ("CN", "Somebody Else")]),
        ),
    ];
    if !planted.signer.is_empty() {
        // By its name and its version it is anybody's.
        let program = signed_program::program(&[("ProductName", "A Program")], planted.signer);
        root.push(("Program Files/Unknown/program.exe".to_owned(), program));
    }
    root.extend(planted.files.iter().map(|file| ((*file).to_owned(), b"MZ".to_vec())));
    root.extend(lists(planted));
    root
}

/// A macOS system.
#[must_use]
pub fn macos(planted: &Planted<'_>) -> Root {
    let plist = |pairs: &[(&str, &str)]| {
        let inside: String =
            pairs.iter().map(|(key, value)| format!("<key>{key}</key><string>{value}</string>")).collect();
        format!("<plist version=\"1.0\"><dict>{inside}</dict></plist>").into_bytes()
    };
    let mut root = Root::new();
    for (number, bundle) in ["org.example.editor"].iter().chain(planted.bundles).enumerate() {
        let folder = format!("Applications/App {number}.app/Contents");
        root.push((
            format!("{folder}/Info.plist"),
            plist(&[("CFBundleIdentifier", bundle), ("CFBundleShortVersionString", "1.0")]),
        ));
        root.push((format!("Library/LaunchDaemons/{number}.plist"), plist(&[("Label", bundle)])));
        root.push((
            format!("private/var/db/receipts/{number}.plist"),
            plist(&[("PackageIdentifier", bundle)]),
        ));
    }
    for (number, team) in ["ABCDE12345"]
        .iter()
        .chain(std::iter::once(&planted.team).filter(|team| !team.is_empty()))
        .enumerate()
    {
        root.push((
            format!("Applications/Tool {number}.app/Contents/MacOS/tool"),
            macho("org.example.tool", team),
        ));
    }
    root.extend(planted.files.iter().map(|file| ((*file).to_owned(), b"x".to_vec())));
    root.extend(lists(planted));
    root
}

/// A program for macOS whose code directory names an identifier and a team.
#[must_use]
pub fn macho(identifier: &str, team: &str) -> Vec<u8> {
    let big = |values: &[u32]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let texts = [identifier.as_bytes(), &[0], team.as_bytes(), &[0]].concat();
    let team_at = 52 + number(identifier.len()) + 1;
    let mut directory =
        big(&[0xfade_0c02, 52 + number(texts.len()), 0x2_0200, 0, 0, 52, 0, 0, 0, 0, 0, 0, team_at]);
    directory.extend(texts);
    let blob = [big(&[0xfade_0cc0, 20 + number(directory.len()), 1, 0, 20]), directory].concat();
    let little = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let head = little(&[0xfeed_facf, 0x0100_0007, 3, 2, 1, 16, 0, 0]);
    let command = little(&[0x1d, 16, 48, number(blob.len())]);
    [head, command, blob].concat()
}

fn pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        crate::container::base64(der).trim()
    )
}
