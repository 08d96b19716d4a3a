//! Installers of each kind, cabinets of old and new versions, and what is missing of them.

use candor_fixtures::installer::{
    installshield, installshield_archive, installshield_cabinet, installshield_keyed,
    installshield_with_cabinet,
};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..20_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn files_that_stand_as_they_are_are_given() {
    let bytes = installshield(&[("setup.ini", b"first"), ("a.exe", &text())]);
    let found = Collected::of(FileType::IshieldMsi, &bytes);
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[0].member.name, "setup.ini");
    assert!(found.children[0].bytes == b"first" && found.children[1].bytes == text());
    let debug = [b"NB10\0\0\0\0\0\0\0\0\x01\0\0\0C:\\setup.pdb\0", &bytes[..]].concat();
    assert_eq!(Collected::of(FileType::IshieldMsi, &debug).children.len(), 2);
    let wide: Vec<u8> =
        "a\0Disk1\\a\x001.0\x003\0".encode_utf16().flat_map(u16::to_le_bytes).chain(*b"xyz").collect();
    assert_eq!(Collected::of(FileType::IshieldMsi, &wide).children[0].bytes, b"xyz");
}

#[test]
fn files_under_keys_are_given() {
    for is_stream in [false, true] {
        let bytes = installshield_keyed(is_stream, &[("setup.ini", b"first"), ("a.exe", &text())]);
        let found = Collected::of(FileType::IshieldMsi, &bytes);
        assert_eq!(found.incomplete, []);
        assert_eq!(found.children[0].member.name, "setup.ini");
        assert!(found.children[0].bytes == b"first" && found.children[1].bytes == text());
        let found = Collected::of(FileType::IshieldMsi, &bytes[..bytes.len() - 9]);
        assert!(found.children[1].bytes.len() > 1000 && text().starts_with(&found.children[1].bytes));
        assert!(matches!(found.incomplete.as_slice(), [Reason::Malformed(_)]));
    }
}

#[test]
fn cabinets_are_put_together_from_their_pieces() {
    for version in [5, 6, 9] {
        let bytes = installshield_with_cabinet(version, &[("a.exe", b"first"), ("b.dll", &text())]);
        let found = Collected::of(FileType::IshieldMsi, &bytes);
        assert_eq!(found.incomplete, [], "{version}");
        assert_eq!(found.children.len(), 2);
        assert_eq!(found.children[0].member.name, "a.exe");
        assert_eq!(found.children[0].bytes, b"first");
        assert!(found.children[1].bytes == text(), "{version}");
    }
}

#[test]
fn archives_of_version_3_are_opened() {
    let files: &[(&str, bool, &[u8])] =
        &[("a.exe", false, b"first"), ("system\\b.dll", false, &text()), ("c.txt", true, b"stored")];
    let bytes = installshield_archive(files);
    assert!(bytes.len() < text().len());
    let found = Collected::of(FileType::IshieldCab, &bytes);
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children.len(), 3);
    for ((name, _, content), child) in files.iter().zip(&found.children) {
        assert_eq!(child.member.name, *name);
        assert!(child.bytes == *content && child.absent.is_none(), "{name}");
    }
    // A directory that ends too early, a file that is split over volumes, and one of another volume.
    let found = Collected::of(FileType::IshieldCab, &bytes[..bytes.len() - 3]);
    assert_eq!(found.children.len(), 2);
    assert!(matches!(found.incomplete.as_slice(), [Reason::Malformed(_)]));
    let row = bytes.len() - 36;
    for changes in [&[(row + 26, 1)][..], &[(31, 2)]] {
        let mut other = bytes.clone();
        changes.iter().for_each(|(place, value)| other[*place] = *value);
        let found = Collected::of(FileType::IshieldCab, &other);
        assert!(matches!(found.children[2].absent, Some(Reason::Unsupported(_))), "{changes:?}");
    }
    survives_damage(
        FileType::IshieldCab,
        &installshield_archive(&[("b\\a", false, b"x"), ("c", true, b"y")]),
    );
}

#[test]
fn thousands_of_directories_end() {
    // Each is a directory of a cabinet of its own; what belongs to which must not be looked up by all with all.
    let part = installshield_cabinet(9, false, false, &[("a.exe", b"first")]).remove(0);
    let names: Vec<String> = (0..20_000).map(|number| format!("cabinet{number}x.hdr")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), part.as_slice())).collect();
    let found = Collected::of(FileType::IshieldMsi, &installshield(&files));
    assert!(found.children.is_empty() && found.incomplete.len() == 20_000);
}

#[test]
fn pieces_that_are_elsewhere_are_said() {
    let parts = installshield_cabinet(9, false, true, &[("a.exe", b"first"), ("b.dll", &text())]);
    let found = Collected::of(FileType::IshieldCab, &parts[0]);
    assert!(matches!(found.incomplete.as_slice(), [Reason::Unsupported(_)]));
    let found = Collected::of(
        FileType::IshieldMsi,
        &installshield(&[("data1.hdr", &parts[0]), ("data1.cab", &parts[1])]),
    );
    assert_eq!(found.children[0].bytes, b"first");
    assert_eq!(found.incomplete, [Reason::Malformed("the file b.dll is cut short".to_owned())]);
}

#[test]
fn content_without_a_directory_is_given_all_the_same() {
    let parts = installshield_cabinet(9, false, false, &[("a.exe", &text()), ("b.dll", b"second")]);
    let found = Collected::of(FileType::IshieldCab, &parts[1]);
    assert!(found.children[0].bytes == text());
    assert_eq!(found.children[1].bytes, b"second");
    assert!(matches!(found.incomplete.as_slice(), [Reason::Unsupported(_)]));
}

#[test]
fn damage_is_survived() {
    let files: &[(&str, &[u8])] = &[("a.exe", b"first"), ("b.dll", &text()[..2000])];
    let mut all =
        vec![installshield(files), installshield_keyed(true, files), installshield_keyed(false, files)];
    all.extend([5, 9].map(|version| installshield_with_cabinet(version, files)));
    for bytes in all {
        survives_damage(FileType::IshieldMsi, &bytes);
    }
    for version in [5, 9] {
        for part in installshield_cabinet(version, true, false, files) {
            survives_damage(FileType::IshieldCab, &part);
            for at in (0..part.len().min(400) - 4).step_by(2) {
                for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                    let mut lying = part.clone();
                    lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                    let _ = Collected::of(FileType::IshieldCab, &lying);
                }
            }
        }
    }
}
