//! Roots that were made for this, walked and read, in the jail and outside of it.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;

use candor_fixtures::package_database::{Package, sqlite};
use candor_policy::inventory::{CoverageState, Interest, Inventory, ItemKind, Surface};

use super::{Taking, take};

/// Paths that matter, by the name at their end.
struct Names(BTreeSet<&'static str>);

impl Interest for Names {
    fn is_wanted(&self, path: &str, _: bool) -> bool {
        self.0.contains(path.rsplit('/').next().unwrap_or_default())
    }
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn root() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "var/lib/dpkg/status", b"Package: kesl\nStatus: install ok installed\nVersion: 12\n");
    let package = Package { name: "kess".to_owned(), version: "3-1".to_owned(), ..Package::default() };
    put(root, "var/lib/rpm/rpmdb.sqlite", &sqlite(&[package]));
    put(root, "opt/vendor/scanner", b"\x7fELF");
    put(root, "usr/share/doc/kesl/README", b"Package: not-one\n");
    put(root, "etc/hosts", b"10.0.0.1 update.example.com\n");
    folder
}

fn taken(root: &Path, jailed: bool) -> Inventory {
    let interest = Names(["scanner", "vendor", "outside"].into());
    take(root, &Taking { interest: &interest, jailed, threads: 2 }).unwrap()
}

fn values(inventory: &Inventory, surface: Surface) -> Vec<&str> {
    let traits = inventory.items.iter().flat_map(|item| &item.traits);
    traits.filter(|one| one.surface == surface).map(|one| one.value.as_str()).collect()
}

#[test]
fn a_root_is_read_alike_in_the_jail_and_outside_of_it() {
    let root = root();
    let inventory = taken(root.path(), true);
    assert_eq!(values(&inventory, Surface::LinuxPackage), ["kesl", "kess"]);
    assert_eq!(values(&inventory, Surface::Domain), ["update.example.com"]);
    assert_eq!(values(&inventory, Surface::Path), ["opt/vendor", "opt/vendor/scanner"]);
    assert_eq!(inventory, taken(root.path(), false));
    let state = |reader: &str| &inventory.coverage.iter().find(|one| one.reader == reader).unwrap().state;
    assert_eq!(state("dpkg"), &CoverageState::Read);
    assert_eq!(state("apk"), &CoverageState::Absent);
    let kesl = inventory.items.iter().find(|item| item.name == "kesl").unwrap();
    assert_eq!((kesl.place.reader.as_str(), kesl.place.path.as_str()), ("dpkg", "var/lib/dpkg/status"));
}

#[test]
fn no_link_leads_out_of_the_root() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "status", b"Package: outside\n");
    put(outside.path(), "lib/dpkg/status", b"Package: outside\n");
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("var/lib/dpkg")).unwrap();
    symlink(outside.path().join("status"), root.path().join("var/lib/dpkg/status")).unwrap();
    symlink(outside.path(), root.path().join("outside")).unwrap();
    let inventory = taken(root.path(), true);
    assert!(values(&inventory, Surface::LinuxPackage).is_empty());
    // By its name it is still a thing that is there.
    assert_eq!(values(&inventory, Surface::Path), ["outside"]);
}

#[test]
fn what_cannot_be_opened_is_told() {
    let root = root();
    std::fs::remove_file(root.path().join("etc/hosts")).unwrap();
    // Neither a file nor something that may be waited for.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.path().join("etc/hosts"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let damaged = std::fs::read(root.path().join("var/lib/rpm/rpmdb.sqlite")).unwrap();
    put(root.path(), "var/lib/rpm/rpmdb.sqlite", &damaged[..5000]);
    let inventory = taken(root.path(), true);
    let of = |reader: &str| inventory.coverage.iter().find(|one| one.reader == reader).unwrap();
    assert!(!matches!(of("rpm").state, CoverageState::Read | CoverageState::Absent), "{:?}", of("rpm"));
    assert_eq!(of("rpm").path, "var/lib/rpm/rpmdb.sqlite");
}

#[test]
fn a_single_file_is_known_by_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        "list",
        br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"name":"a","purl":"pkg:npm/a@1"}]}"#,
    );
    put(folder.path(), "noise", b"nothing that anybody knows");
    let inventory = taken(&folder.path().join("list"), true);
    assert_eq!(values(&inventory, Surface::PackageUrl), ["pkg:npm/a@1"]);
    assert_eq!(inventory.items[0].kind, ItemKind::Component);
    assert_eq!(inventory.items[0].place.path, "list");
    let inventory = taken(&folder.path().join("noise"), true);
    assert!(inventory.items.is_empty());
    assert!(
        matches!(&inventory.coverage[0].state, CoverageState::NotRead(why) if why == "no reader knows what it is")
    );
    assert!(
        take(
            &folder.path().join("absent"),
            &Taking { interest: &Names(BTreeSet::new()), jailed: false, threads: 1 }
        )
        .is_err()
    );
}

#[test]
fn many_sources_of_one_reader_become_one_line() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..100 {
        let text = format!(r#"{{"name":"p{number}","version":"1"}}"#);
        put(root.path(), &format!("srv/node_modules/p{number}/package.json"), text.as_bytes());
    }
    put(root.path(), "srv/node_modules/broken/package.json", b"{");
    let inventory = taken(root.path(), true);
    assert_eq!(inventory.items.len(), 100);
    let lines: Vec<_> = inventory.coverage.iter().filter(|one| one.reader == "package-json").collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!((lines[0].path.as_str(), lines[0].items), ("(100 sources)", 100));
    assert!(matches!(lines[1].state, CoverageState::NotRead(_)));
}
