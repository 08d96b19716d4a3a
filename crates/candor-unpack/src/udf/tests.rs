//! Volumes with and without a metadata partition, beside ISO 9660, and damaged ones.

use candor_fixtures::archive::iso;
use candor_fixtures::volume::udf;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..3_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn files_are_given_whatever_their_entries_are_like() {
    for is_indirect in [false, true] {
        let files: &[(&str, &[u8])] = &[
            ("small", b"first"),
            ("large", &text()),
            ("folder/x", b"third"),
            ("folder/mid", &text()[..300]),
        ];
        let found = Collected::of(FileType::Udf, &udf(is_indirect, files));
        assert_eq!(found.incomplete, [], "{is_indirect}");
        assert_eq!(found.children.len(), files.len());
        for (name, content) in files {
            let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
            assert!(child.bytes == *content && child.absent.is_none(), "{is_indirect} {name}");
        }
    }
}

#[test]
fn a_volume_that_is_iso_9660_as_well_gives_the_files_of_both() {
    let other = iso(&[("a", b"of ISO 9660")]);
    let mut bytes = udf(false, &[("b", &text())]);
    // The descriptors of ISO 9660 in front, and its directories and files behind.
    let moved = bytes.split_off(16 * 2048);
    bytes.extend_from_slice(&other[16 * 2048..18 * 2048]);
    bytes.extend(moved);
    // Everything of UDF counts from the start, so two sectors were put in front of it, too many.
    let found = Collected::of(FileType::Iso9660, &bytes);
    assert!(
        found.incomplete.contains(&Reason::Malformed("UDF descriptors".to_owned())),
        "{:?}",
        found.incomplete
    );
    // Without the two sectors, in the place of the mark of UDF, all is where it should be.
    let mut bytes = udf(false, &[("b", &text())]);
    bytes.copy_within(17 * 2048..18 * 2048, 19 * 2048);
    bytes[16 * 2048..18 * 2048].copy_from_slice(&other[16 * 2048..18 * 2048]);
    let found = Collected::of(FileType::Iso9660, &bytes);
    assert!(found.children.iter().any(|child| child.member.name == "b" && child.bytes == text()));
}

#[test]
fn a_directory_that_leads_back_to_itself_is_read_once() {
    let mut bytes = udf(true, &[("folder/a", b"content")]);
    // The folder's entry in the root leads to the root.
    let name: Vec<u8> = "folder".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let at = bytes.windows(name.len()).position(|part| part == name).unwrap() - 1 - 38;
    bytes[at + 24] = 1;
    assert!(Collected::of(FileType::Udf, &bytes).children.is_empty());
}

#[test]
fn entries_that_are_damaged_are_said() {
    let mut bytes = udf(false, &[("a", b"first"), ("b", &text())]);
    let at = bytes.windows(5).position(|part| part == b"first").unwrap() & !2047;
    bytes[at] = 9;
    let found = Collected::of(FileType::Udf, &bytes);
    assert!(found.children.len() == 1 && found.children[0].bytes == text());
    assert_eq!(found.incomplete, [Reason::Malformed("the entry of a in UDF".to_owned())]);
}

#[test]
fn damage_is_survived() {
    for is_indirect in [false, true] {
        let bytes = udf(is_indirect, &[("small", b"first"), ("large", &text()[..5000])]);
        survives_damage(FileType::Udf, &bytes);
        let structures = [16, 20, 21, 22, 32, 33, 34, 35, 36, bytes.len() / 2048 - 1];
        for at in structures.into_iter().flat_map(|sector| (sector * 2048..sector * 2048 + 512).step_by(4)) {
            for value in [0, 1, 0x3fff_ffff, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::Udf, &lying);
            }
        }
    }
}

#[test]
fn a_directory_that_is_not_read_to_its_end_is_told() {
    let bytes = udf(false, &[("a", b"first")]);
    // The only entry of a directory that is not one of the file set.
    let entry = (0..bytes.len() / 2048)
        .map(|sector| sector * 2048)
        .find(|at| bytes[*at..*at + 2] == [5, 1] && bytes[at + 27] == 4)
        .unwrap();
    let told = |length: u64| {
        let mut bytes = bytes.clone();
        bytes[entry + 56..entry + 64].copy_from_slice(&length.to_le_bytes());
        Collected::of(FileType::Udf, &bytes).incomplete.contains(&Reason::Children)
    };
    assert!(!told(16 << 20));
    assert!(told((16 << 20) + 1));
}
