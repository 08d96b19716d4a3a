//! Cabinets of every compression, and files that are not where they should be.

use candor_fixtures::archive::{Cab, cab};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..20_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn files_of_every_compression_are_given() {
    for method in [Cab::Stored, Cab::MsZip, Cab::Lzx] {
        let found = Collected::of(
            FileType::MsCab,
            &cab(method, &[("a.txt", b"first"), ("b.txt", &text()), ("c", b"last")]),
        );
        assert_eq!(found.incomplete, [], "{method:?}");
        assert_eq!(found.children[0].bytes, b"first");
        assert!(found.children[1].bytes == text(), "{method:?}");
        assert_eq!(
            (found.children[2].member.name.as_str(), found.children[2].bytes.as_slice()),
            ("c", &b"last"[..])
        );
    }
}

#[test]
fn unknown_compressions_are_said() {
    let mut bytes = cab(Cab::Stored, &[("a", b"x")]);
    bytes[42] = 2;
    let found = Collected::of(FileType::MsCab, &bytes);
    assert_eq!(found.incomplete, [Reason::Unsupported("Quantum compression".to_owned())]);
}

#[test]
fn a_file_behind_the_end_of_its_folder_is_said() {
    let mut bytes = cab(Cab::MsZip, &[("a", b"content"), ("b", b"x")]);
    bytes[44 + 18 + 4..44 + 18 + 8].copy_from_slice(&0x7fff_0000_u32.to_le_bytes());
    let found = Collected::of(FileType::MsCab, &bytes);
    assert_eq!(found.children[0].bytes, b"content");
    assert!(found.children[1].absent.is_some() && !found.incomplete.is_empty());
}

#[test]
fn damage_is_survived() {
    for method in [Cab::Stored, Cab::MsZip, Cab::Lzx] {
        survives_damage(FileType::MsCab, &cab(method, &[("a.txt", b"first"), ("b.txt", &text()[..2000])]));
    }
}
