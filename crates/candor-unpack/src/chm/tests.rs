//! Help files whose packed section has one frame and several, damaged ones, and files that overlap.

use candor_fixtures::installer::chm;
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
fn files_that_overlap_are_paid_for() {
    let content = vec![7; 600_000];
    let names: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("stored", b"plain"), ("large", &content)];
    files.extend(names.iter().map(|name| (name.as_str(), &b"x"[..])));
    let mut bytes = chm(&files);
    // Every small file begins one byte before the end of the large one, and is as long as a frame.
    let last = bytes.len();
    for name in &names {
        let at = bytes.windows(4).position(|part| part == [b"\x03/", name.as_bytes()].concat()).unwrap() + 5;
        assert!(at < last);
        bytes[at..at + 3].copy_from_slice(&[0xa4, 0xcf, 0x3f]);
    }
    // One reset for all of it.
    let at = bytes.windows(4).position(|part| part == b"LZXC").unwrap();
    bytes[at + 8] = 200;
    let limits = Limits { max_scan_size: 4 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::MsChm, &bytes, limits);
    assert!(found.budget.bytes() <= 4 << 20);
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
