//! Roots that were made for this, walked and read, in the jail and outside of it.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;

use candor_fixtures::package_database::{Package, sqlite};
use candor_fixtures::{archive, registry, stream, virtual_disk, volume};
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

#[test]
fn logs_that_stand_beside_their_files_are_applied() {
    let package =
        |name: &str| Package { name: name.to_owned(), version: "1-1".to_owned(), ..Package::default() };
    let (before, after) = (sqlite(&[package("old")]), sqlite(&[package("old"), package("new")]));
    let program = |name: &str| {
        let key = registry::Key::new(name).text("DisplayName", name);
        registry::hive(&registry::Key::new("ROOT").at(r"Microsoft\Windows\CurrentVersion\Uninstall", key))
    };
    let (dirty, log) = registry::log(&program("Before"), &program("After"));
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    put(root, "var/lib/rpm/rpmdb.sqlite", &before);
    put(root, "var/lib/rpm/rpmdb.sqlite-wal", &candor_fixtures::sqlite::log(&before, &after));
    put(root, "Windows/System32/config/SOFTWARE", &dirty);
    put(root, "Windows/System32/config/SOFTWARE.LOG1", b"");
    put(root, "Windows/System32/config/SOFTWARE.log2", &log);
    for jailed in [true, false] {
        let inventory = taken(root, jailed);
        assert_eq!(values(&inventory, Surface::LinuxPackage), ["new", "old"]);
        assert_eq!(values(&inventory, Surface::Product), ["After"]);
        let is_whole = |one: &candor_policy::inventory::Coverage| {
            matches!(one.state, CoverageState::Read | CoverageState::Absent)
        };
        assert!(inventory.coverage.iter().all(is_whole), "{:?}", inventory.coverage);
        // A single file has them as well.
        let inventory = taken(&root.join("Windows/System32/config/SOFTWARE"), jailed);
        assert_eq!(values(&inventory, Surface::Product), ["After"]);
    }
    // Without its log, a hive says what is missing.
    std::fs::remove_file(root.join("Windows/System32/config/SOFTWARE.log2")).unwrap();
    let inventory = taken(root, true);
    assert_eq!(values(&inventory, Surface::Product), ["Before"]);
    let hive = inventory.coverage.iter().find(|one| one.reader == "hive").unwrap();
    assert!(matches!(&hive.state, CoverageState::Partly(why) if why.contains("log")), "{hive:?}");
}

/// A log that is a link is not followed, and that is told.
#[test]
fn a_log_that_cannot_be_opened_is_told() {
    let root = tempfile::tempdir().unwrap();
    let package = Package { name: "a".to_owned(), version: "1-1".to_owned(), ..Package::default() };
    put(root.path(), "var/lib/rpm/rpmdb.sqlite", &sqlite(&[package]));
    symlink("/etc/passwd", root.path().join("var/lib/rpm/rpmdb.sqlite-wal")).unwrap();
    let inventory = taken(root.path(), true);
    let told = inventory.coverage.iter().find(|one| one.path.ends_with("-wal")).unwrap();
    assert!(matches!(&told.state, CoverageState::NotRead(why) if why.contains("symbolic link")), "{told:?}");
}

#[test]
fn a_folder_with_an_oci_layout_is_read_from_the_top() {
    let layer = |files: &[(&str, &[u8])]| stream::gzip(&archive::tar(files));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    put(root, "index.json", br#"{"manifests":[{"digest":"sha256:m"}]}"#);
    let manifest = br#"{"layers":[{"digest":"sha256:low"},{"digest":"sha256:high"}]}"#;
    put(root, "blobs/sha256/m", manifest);
    let low = layer(&[("var/lib/dpkg/status", b"Package: old\n"), ("opt/vendor/scanner", b"x")]);
    put(root, "blobs/sha256/low", &low);
    put(root, "blobs/sha256/high", &layer(&[("var/lib/dpkg/status", b"Package: new\n")]));
    // Far more than one packet takes.
    for number in 0..200 {
        put(root, &format!("blobs/sha256/other{number}"), b"of another image");
    }
    for jailed in [true, false] {
        let inventory = taken(root, jailed);
        assert_eq!(values(&inventory, Surface::LinuxPackage), ["new"]);
        assert_eq!(values(&inventory, Surface::Path), ["opt/vendor", "opt/vendor/scanner"]);
        let image = inventory.coverage.iter().find(|one| one.reader == "image").unwrap();
        assert_eq!((&image.state, image.items), (&CoverageState::Read, 3));
    }
    std::fs::remove_file(root.join("blobs/sha256/low")).unwrap();
    let inventory = taken(root, true);
    let image = inventory.coverage.iter().find(|one| one.reader == "image").unwrap();
    assert!(
        matches!(&image.state, CoverageState::Partly(why) if why.contains("blobs/sha256/low")),
        "{image:?}"
    );
}

#[test]
fn disks_are_read_in_the_jail_like_the_root_on_them() {
    let package = Package { name: "kess".to_owned(), version: "3-1".to_owned(), ..Package::default() };
    let database = sqlite(&[package]);
    let files: &[(&str, &[u8])] = &[
        ("var/lib/rpm/rpmdb.sqlite", &database),
        ("opt/vendor/scanner", b"\x7fELF"),
        ("etc/hosts", b"10.0.0.1 update.example.com\n"),
    ];
    let disk = candor_fixtures::container::gpt(&volume::ext(true, files));
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "disk.raw", &disk);
    put(folder.path(), "disk.qcow2", &virtual_disk::qcow2(1, &disk));
    put(folder.path(), "disk.vhdx", &virtual_disk::vhdx(&disk));
    // XFS on a logical volume that is spread over two partitions, as on RHEL, and btrfs, as on Fedora.
    let root = volume::xfs(5, files);
    let physical = volume::lvm(2, "rhel", &[("root", volume::Lvm::Striped, &root)]);
    put(folder.path(), "lvm.raw", &candor_fixtures::container::mbr_of(&[&physical[0], &physical[1]]));
    let root = candor_fixtures::container::gpt(&volume::btrfs(volume::Btrfs::Zstd, files));
    put(folder.path(), "btrfs.qcow2", &virtual_disk::qcow2(1, &root));
    for name in ["disk.raw", "disk.qcow2", "disk.vhdx", "lvm.raw", "btrfs.qcow2"] {
        let inventory = taken(&folder.path().join(name), true);
        assert_eq!(values(&inventory, Surface::LinuxPackage), ["kess"], "{name}");
        assert_eq!(values(&inventory, Surface::Domain), ["update.example.com"], "{name}");
        assert_eq!(values(&inventory, Surface::Path), ["opt/vendor", "opt/vendor/scanner"], "{name}");
        let of = |reader: &str| &inventory.coverage.iter().find(|one| one.reader == reader).unwrap().state;
        assert_eq!((of("disk"), of("rpm")), (&CoverageState::Read, &CoverageState::Read), "{name}");
        // As with a mounted root, what every system of some kind has and this one lacks is told.
        assert_eq!(of("dpkg"), &CoverageState::Absent, "{name}");
    }
}

/// Disks are larger than memory: this one has a hundred gibibytes, nearly all of which are a hole.
#[test]
fn a_disk_that_is_larger_than_memory_is_mapped_and_not_read() {
    let files: &[(&str, &[u8])] = &[("var/lib/dpkg/status", b"Package: kesl\nVersion: 12\n")];
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "disk.raw", &candor_fixtures::container::gpt(&volume::ext(true, files)));
    let path = folder.path().join("disk.raw");
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(100 << 30).unwrap();
    let inventory = taken(&path, true);
    assert_eq!(values(&inventory, Surface::LinuxPackage), ["kesl"]);
    // Outside of the jail nothing is mapped, and that it was not read is told.
    let inventory = taken(&path, false);
    assert!(inventory.items.is_empty());
    let any = &inventory.coverage[0];
    assert!(matches!(&any.state, CoverageState::NotRead(why) if why.contains("larger")), "{any:?}");
}
