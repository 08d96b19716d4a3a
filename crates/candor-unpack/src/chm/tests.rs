//! Help files whose packed section has one frame and several, damaged ones, and files that overlap.

use candor_fixtures::installer::{chm, chm_with_resets};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..40_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn files_of_both_sections_are_given() {
    let bytes = chm(&[("stored", b"plain"), ("a.html", b"first"), ("b", &text()), ("c", b"last")]);
    let found = Collected::of(FileType::MsChm, &bytes);
    assert_eq!(found.incomplete, []);
    let names: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(names, ["stored", "a.html", "b", "c"]);
    assert_eq!(found.children[0].bytes, b"plain");
    assert_eq!(found.children[1].bytes, b"first");
    assert!(found.children[2].bytes == text());
    assert_eq!(found.children[3].bytes, b"last");
}

#[test]
fn a_damaged_frame_costs_what_is_in_it() {
    let mut bytes = chm(&[("stored", b"plain"), ("b", &text()), ("c", b"last")]);
    // The second frame's kind of block becomes one that LZX does not have.
    let at = bytes.windows(12).rposition(|part| part == b"29000 29001 ").unwrap() & !0x7fff;
    for byte in &mut bytes[at..at + 20_000] {
        *byte = 0xff;
    }
    let found = Collected::of(FileType::MsChm, &bytes);
    assert_eq!(found.children[0].bytes, b"plain");
    assert!(found.children[1].bytes.len() > 32_768 && text().starts_with(&found.children[1].bytes[..32_768]));
    assert_eq!(found.children[2].bytes, b"last");
}

#[test]
fn without_its_description_the_packed_section_is_absent() {
    let mut bytes = chm(&[("stored", b"plain"), ("b", b"packed")]);
    let at = bytes.windows(4).position(|part| part == b"LZXC").unwrap();
    bytes[at] = b'X';
    let found = Collected::of(FileType::MsChm, &bytes);
    assert_eq!(found.children[0].bytes, b"plain");
    assert!(matches!(found.children[1].absent, Some(Reason::Malformed(_))));
}

#[test]
fn what_is_decoded_again_for_files_that_overlap_is_paid_for() {
    let (large, small) = (vec![7; 600_000], vec![8; 300_000]);
    let names = ["v", "w", "x", "y", "z"];
    let mut files: Vec<(&str, &[u8])> = vec![("stored", b"plain"), ("large", &large)];
    files.extend(names.iter().map(|name| (*name, small.as_slice())));
    // One reset for all of it.
    let mut bytes = chm_with_resets(200, &files);
    // Every small file begins in the middle of the large one.
    for name in names {
        let entry = [b"\x02/", name.as_bytes(), b"\x01"].concat();
        let at = bytes.windows(4).position(|part| part == entry).unwrap() + 4;
        bytes[at..at + 3].copy_from_slice(&[0x92, 0xa7, 0x60]);
    }
    // Their content is 2.1 MB; what must be decoded to get at it, 1.4 MB more.
    for (max_scan_size, is_enough) in [(3_000_000, false), (4_000_000, true)] {
        let limits = Limits { max_scan_size, ..Limits::default() };
        let found = Collected::with_limits(FileType::MsChm, &bytes, limits);
        assert!(found.budget.bytes() <= max_scan_size);
        assert_eq!(found.incomplete.is_empty(), is_enough, "{:?}", found.incomplete);
        assert_eq!(found.children.len() == files.len(), is_enough);
    }
}

#[test]
fn damage_is_survived() {
    let bytes = chm(&[("stored", b"plain"), ("a", b"first"), ("b", &text()[..3000])]);
    survives_damage(FileType::MsChm, &bytes[..]);
    for field in [4, 56, 64, 72, 80, 88, 104, 112] {
        for value in [0, 1, 95, 96, 97, 0x7fff_ffff, u32::MAX] {
            let mut lying = bytes.clone();
            lying[field..field + 4].copy_from_slice(&value.to_le_bytes());
            let _ = Collected::of(FileType::MsChm, &lying);
            lying[field + 4..field + 8].copy_from_slice(&[0xff; 4]);
            let _ = Collected::of(FileType::MsChm, &lying);
        }
    }
}
