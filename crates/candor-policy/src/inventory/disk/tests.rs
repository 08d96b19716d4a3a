//! Disks of every kind with volumes of every kind: what is on them is read as from a mounted root, and what
//! cannot be read is told by name.

use candor_fixtures::{container, package_database, registry, virtual_disk, volume};

use super::*;
use crate::inventory::record::{self, Record};
use crate::inventory::{Coverage, Item};

/// Files by path.
type Files<'a> = &'a [(&'a str, &'a [u8])];

struct Scanner;

impl Interest for Scanner {
    fn is_wanted(&self, path: &str, is_directory: bool) -> bool {
        // By the names at the end alone, as many identifiers are.
        if is_directory { path.ends_with("opt/vendor") } else { path.ends_with("/scanner") }
    }
}

pub(super) fn seen(bytes: &[u8]) -> (Vec<Item>, Vec<Coverage>, Coverage) {
    let (mut items, mut coverage) = (Vec::new(), Vec::new());
    let last =
        record::read(
            &record::name(None, "disk.img"),
            bytes,
            None,
            &Scanner,
            &mut |said| match Record::decode(said).unwrap() {
                Record::Item(item) => items.push(item),
                Record::Coverage(one) => coverage.push(one),
            },
        );
    let Some(Record::Coverage(last)) = Record::decode(&last) else { panic!("no last word") };
    (items, coverage, last)
}

pub(super) fn lines(items: &[Item]) -> Vec<String> {
    let line = |item: &Item| format!("{} {}", item.name, item.place.inside.clone().unwrap_or_default());
    let mut lines: Vec<String> = items.iter().map(line).collect();
    lines.sort();
    lines
}

const FILES: &[(&str, &[u8])] = &[
    ("var/lib/dpkg/status", b"Package: kesl\nVersion: 12\n"),
    ("opt/vendor/scanner", b"x"),
    ("srv/large", &[b'x'; 100_000]),
];

const SEEN: [&str; 3] = ["kesl var/lib/dpkg/status: kesl", "scanner opt/vendor/scanner", "vendor opt/vendor"];

#[test]
fn volumes_are_read_like_roots() {
    for (kind, bytes) in [
        ("ext", volume::ext(true, FILES)),
        ("ext", volume::ext(false, FILES)),
        ("XFS", volume::xfs(4, FILES)),
        ("XFS", volume::xfs(5, FILES)),
        ("btrfs", volume::btrfs(volume::Btrfs::Zstd, FILES)),
        ("NTFS", volume::ntfs(FILES)),
        ("FAT", volume::fat(16, FILES)),
        ("FAT", volume::fat(32, FILES)),
        ("FAT", volume::exfat(FILES)),
    ] {
        let (items, coverage, last) = seen(&bytes);
        assert_eq!(lines(&items), SEEN, "{kind}");
        assert_eq!((last.reader.as_str(), &last.state), ("disk", &CoverageState::Read), "{kind}");
        assert_eq!(last.items, 3);
        let paths: Vec<&str> = coverage.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["disk.img!var/lib/dpkg/status", &format!("disk.img!{kind}")]);
    }
}

#[test]
fn disks_of_every_kind_lead_to_their_partitions() {
    let raw = container::gpt(&volume::ext(true, FILES));
    type Pack = fn(&[u8]) -> Vec<u8>;
    let kinds: [(&str, Pack); 9] = [
        ("raw", |disk| disk.to_vec()),
        ("VHD of fixed size", virtual_disk::vhd_fixed),
        ("VHD", virtual_disk::vhd),
        ("VHDX", virtual_disk::vhdx),
        ("VMDK", |disk| virtual_disk::vmdk(false, disk)),
        ("VMDK, packed", |disk| virtual_disk::vmdk(true, disk)),
        ("QCOW2", |disk| virtual_disk::qcow2(0, disk)),
        ("QCOW2, deflate", |disk| virtual_disk::qcow2(1, disk)),
        ("QCOW2, Zstandard", |disk| virtual_disk::qcow2(2, disk)),
    ];
    for (kind, pack) in kinds {
        let (items, _, last) = seen(&pack(&raw));
        let expected: Vec<String> =
            SEEN.iter().map(|line| line.replacen(' ', " partition 1 (a)/", 1)).collect();
        assert_eq!(lines(&items), expected, "{kind}");
        assert_eq!(last.state, CoverageState::Read, "{kind}");
    }
    let (items, ..) = seen(&container::mbr(&volume::ntfs(FILES)));
    assert_eq!(items.len(), 3);
    let (items, _, last) = seen(&container::apm(&container::hfs(b"content")));
    assert_eq!((items.len(), last.state), (0, CoverageState::Read));
}

#[test]
fn a_volume_that_is_mounted_below_the_root_is_known_by_what_is_on_it() {
    let (items, ..) = seen(&volume::ext(true, &[("lib/dpkg/status", b"Package: a\nVersion: 1\n")]));
    assert_eq!(lines(&items), ["a var/lib/dpkg/status: a"]);
    // Windows mounts nothing so.
    let (items, ..) = seen(&volume::ntfs(&[("lib/dpkg/status", b"Package: a\nVersion: 1\n")]));
    assert!(items.is_empty());
}

#[test]
fn what_cannot_be_opened_is_told_by_name() {
    let marked = |at: usize, mark: &[u8]| {
        let mut volume = vec![0; 200 << 10];
        volume[at..at + mark.len()].copy_from_slice(mark);
        volume
    };
    for (volume, word) in [
        (marked(3, b"-FVE-FS-"), "BitLocker"),
        (marked(0, b"LUKS\xba\xbe\0\x02"), "LUKS"),
        (marked(8, &[&b"\x01\0\x10\0"[..], &[0; 76], b"CS"].concat()), "FileVault"),
        (marked(1024, b"\x10\x20\xf5\xf2"), "F2FS"),
        (marked(100, b"something else"), "no file system that is known"),
    ] {
        let (items, coverage, last) = seen(&container::gpt(&volume));
        assert!(items.is_empty());
        let is_told =
            |one: &Coverage| matches!(&one.state, CoverageState::NotRead(why) if why.contains(word));
        assert!(
            coverage.iter().any(|one| one.path == "disk.img!partition 1 (a)/" && is_told(one)),
            "{coverage:?}"
        );
        assert_eq!(last.state, CoverageState::NotRead("none of its 1 volumes could be read".to_owned()));
    }
    // An encrypted volume without a partition table.
    let (_, coverage, _) = seen(&marked(0, b"LUKS\xba\xbe\0\x02"));
    assert!(
        matches!(&coverage[0].state, CoverageState::NotRead(why) if why.contains("LUKS")),
        "{coverage:?}"
    );
    // Swap has no files, and nothing is missing.
    let (_, coverage, last) = seen(&container::gpt(&marked(4086, b"SWAPSPACE2")));
    assert_eq!((coverage.len(), last.state), (0, CoverageState::Read));
}

#[test]
fn logical_volumes_are_known_by_their_names() {
    use volume::{Lvm, lvm};
    let (root, home) = (volume::xfs(5, FILES), volume::ext(true, &[("vendor/scanner", b"x")]));
    let mut disks = lvm(2, "rhel", &[("root", Lvm::Striped, &root), ("opt", Lvm::Linear, &home)]);
    let expected: Vec<String> = SEEN
        .iter()
        .map(|line| line.replacen(' ', " rhel/root/", 1))
        .chain(["scanner rhel/opt/vendor/scanner".to_owned(), "vendor rhel/opt/opt/vendor".to_owned()])
        .collect();
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    // Two partitions of one disk, with another between them.
    let disk = container::mbr_of(&[&disks[0], b"boot", &disks[1]]);
    let (items, coverage, _) = seen(&disk);
    assert_eq!(lines(&items), sorted(expected));
    assert!(
        coverage.iter().any(|one| one.path == "disk.img!rhel/root/XFS" && one.state == CoverageState::Read)
    );
    // With one of them elsewhere, what stands on the other alone is read, and the rest is told.
    let (items, coverage, last) = seen(&disks.remove(0));
    assert_eq!(items.len(), 2);
    let told = coverage.iter().find(|one| one.path == "disk.img!rhel/root/").unwrap();
    assert!(
        matches!(&told.state, CoverageState::NotRead(why) if why.contains("pv1, which is not there")),
        "{told:?}"
    );
    let why = "1 of its 2 volumes could not be read, or not wholly";
    assert_eq!(last.state, CoverageState::Partly(why.to_owned()));
    // A logical volume that is the disk of a virtual machine.
    let inner = container::gpt(&volume::btrfs(volume::Btrfs::Lzo, FILES));
    let (items, ..) = seen(&lvm(1, "vg", &[("vm", Lvm::Pieces, &inner), ("pool", Lvm::Thin, b"")])[0]);
    let expected = SEEN.iter().map(|line| line.replacen(' ', " vg/vm/partition 1 (a)/", 1)).collect();
    assert_eq!(lines(&items), sorted(expected));
}

#[test]
fn a_subvolume_is_known_by_what_is_on_it() {
    let subvolumes: &[(&str, Files<'_>)] = &[
        ("", &[("note", b"x")]),
        ("@", &[("var/lib/dpkg/status", b"Package: kesl\nVersion: 12\n")]),
        ("@opt", &[("vendor/scanner", b"x")]),
    ];
    let bytes = volume::btrfs_of(volume::Btrfs::Stored, 256, subvolumes);
    let (items, coverage, last) = seen(&container::gpt(&bytes));
    let expected = [
        "kesl partition 1 (a)/@/var/lib/dpkg/status: kesl",
        "scanner partition 1 (a)/@opt/vendor/scanner",
        "vendor partition 1 (a)/@opt/opt/vendor",
    ];
    assert_eq!((lines(&items), last.state), (expected.map(str::to_owned).to_vec(), CoverageState::Read));
    let volume = coverage.iter().find(|one| one.path == "disk.img!partition 1 (a)/btrfs").unwrap();
    assert_eq!(volume.items, 3);
}

#[test]
fn programs_that_windows_has_compressed_are_told() {
    let path = "Windows/System32/drivers/klif.sys";
    let packed = format!("{path}:WofCompressedData");
    let (items, coverage, _) = seen(&volume::ntfs(&[(path, b""), (&packed, b"packed")]));
    assert!(items.is_empty());
    let told = coverage.iter().find(|one| one.path == format!("disk.img!{path}")).unwrap();
    assert!(matches!(&told.state, CoverageState::NotRead(why) if why.contains("WOF")), "{told:?}");
}

#[test]
fn one_volume_that_is_closed_does_not_hide_another() {
    let (open, mut closed) = (volume::ext(true, FILES), vec![0; 8192]);
    closed[..6].copy_from_slice(b"LUKS\xba\xbe");
    let mut disk = container::mbr(&open);
    let (start, count) = (disk.len() / 512, closed.len() / 512);
    disk.extend(closed);
    disk[466] = 0x83;
    disk[470..474].copy_from_slice(&(start as u32).to_le_bytes());
    disk[474..478].copy_from_slice(&(count as u32).to_le_bytes());
    let (items, coverage, last) = seen(&disk);
    assert_eq!(items.len(), 3);
    assert!(coverage.iter().any(|one| one.path == "disk.img!partition 2/"));
    let why = "1 of its 2 volumes could not be read, or not wholly";
    assert_eq!(last.state, CoverageState::Partly(why.to_owned()));
}

#[test]
fn logs_on_a_disk_are_applied_to_what_they_belong_to() {
    let package = |name: &str| package_database::Package {
        name: name.to_owned(),
        version: "1-1".to_owned(),
        ..package_database::Package::default()
    };
    let (old, new) =
        (package_database::sqlite(&[package("a")]), package_database::sqlite(&[package("a"), package("b")]));
    let log = candor_fixtures::sqlite::log(&old, &new);
    let files: &[(&str, &[u8])] =
        &[("var/lib/rpm/rpmdb.sqlite-wal", &log), ("var/lib/rpm/rpmdb.sqlite", &old)];
    let (items, ..) = seen(&volume::ext(true, files));
    assert_eq!(items.len(), 2, "{items:?}");

    let key = |name: &str| {
        registry::Key::new("ROOT").at(
            r"Microsoft\Windows\CurrentVersion\Uninstall",
            registry::Key::new(name).text("DisplayName", name),
        )
    };
    let (old, new) = (registry::hive(&key("Old")), registry::hive(&key("New")));
    let (dirty, log) = registry::log(&old, &new);
    let files: &[(&str, &[u8])] =
        &[("Windows/System32/config/SOFTWARE", &dirty), ("Windows/System32/config/SOFTWARE.LOG1", &log)];
    let (items, _, last) = seen(&volume::ntfs(files));
    assert_eq!(items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["New"]);
    assert_eq!(last.state, CoverageState::Read);
}

#[test]
fn names_in_reasons_are_bounded_and_drive_no_terminal() {
    // A folder with such a name whose inode is gone.
    let files: &[(&str, &[u8])] = &[("fol\u{1b}[31mder/file", b"content")];
    let mut bytes = volume::ext(true, files);
    let at = bytes.windows(4).position(|part| part == b"fol\x1b").unwrap() - 8;
    bytes[at..at + 4].copy_from_slice(&9_999_u32.to_le_bytes());
    let (_, coverage, _) = seen(&bytes);
    let volume = coverage.iter().find(|one| one.path == "disk.img!ext").unwrap();
    let is_clean = |why: &str| why.contains("fol\u{fffd}[31mder");
    assert!(matches!(&volume.state, CoverageState::Partly(why) if is_clean(why)), "{volume:?}");
}

#[test]
fn damage_is_survived_wherever_it_is() {
    for whole in [container::gpt(&volume::ext(true, FILES)), container::mbr(&volume::ntfs(FILES))] {
        for at in (0..whole.len().min(8192)).step_by(7) {
            let mut damaged = whole.clone();
            damaged[at] = !damaged[at];
            seen(&damaged);
        }
        for length in (0..whole.len()).step_by(whole.len() / 60) {
            seen(&whole[..length]);
        }
    }
}
