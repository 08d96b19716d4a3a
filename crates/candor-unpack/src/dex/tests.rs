//! Programs built table by table.

use candor_fixtures::bytecode::{dex, dex_container};
use candor_model::{ChildKind, FileType, Reason};

use crate::collected::{Collected, survives_damage};

const CLASSES: [&[u8]; 2] = [b"Lcom/example/Loader;", b"LMain$1;"];
const STRINGS: [&[u8]; 4] =
    [b"\x01control", b"http://example.com/a?b", b"zero\xc0\x80in it", b"\xed\xa0\xbd\xed\xb8\x80"];

fn file() -> Vec<u8> {
    dex(b"035", &CLASSES, &STRINGS)
}

fn of(key: &str, found: &Collected) -> Vec<String> {
    found.details.iter().filter(|(known, _)| *known == key).map(|(_, value)| value.clone()).collect()
}

const TEXT: &str =
    "Lcom/example/Loader;\nLMain$1;\n\u{1}control\nhttp://example.com/a?b\nzero\0in it\n\u{1f600}\n";

#[test]
fn strings_are_one_text_and_names_are_told() {
    for version in [b"035", b"037", b"038", b"039", b"040", b"041"] {
        let file = dex(version, &CLASSES, &STRINGS);
        let found = Collected::of(FileType::Dex, &file);
        assert_eq!(found.children.len(), 1);
        let child = &found.children[0];
        assert_eq!((child.kind, child.member.name.as_str()), (ChildKind::Extracted, "strings"));
        assert_eq!(child.member.file_type, Some(FileType::TextUtf8));
        assert_eq!(String::from_utf8(child.bytes.clone()).unwrap(), TEXT);
        let version = String::from_utf8(version.to_vec()).unwrap();
        assert_eq!(of("dex", &found), [format!("version {version}, 2 classes, 6 strings, 7 methods")]);
        assert_eq!(of("class", &found), ["com.example.Loader", "Main$1"]);
        assert_eq!(found.incomplete, []);
        assert!(of("damaged", &found).is_empty() && of("overlay", &found).is_empty());
    }
}

#[test]
fn programs_in_one_file_are_all_read() {
    let second: [&[u8]; 1] = [b"LSecond;"];
    let file = dex_container(&[(&CLASSES, &STRINGS), (&second, &[b"the other"])]);
    let found = Collected::of(FileType::Dex, &file);
    assert_eq!(of("class", &found), ["com.example.Loader", "Main$1", "Second"]);
    assert_eq!(found.children[0].bytes, format!("{TEXT}LSecond;\nthe other\n").into_bytes());
    assert!(of("damaged", &found).is_empty() && found.incomplete.is_empty());
}

#[test]
fn programs_that_count_from_their_own_start_are_read_too() {
    let second = dex(b"041", &[b"LSecond;"], &[b"the other"]);
    let found = Collected::of(FileType::Dex, &[dex(b"041", &CLASSES, &STRINGS), second].concat());
    assert_eq!(of("class", &found), ["com.example.Loader", "Main$1", "Second"]);
}

#[test]
fn sums_that_do_not_hold_are_facts() {
    let mut changed = file();
    let last = changed.len() - 2;
    changed[last] ^= 1;
    let found = Collected::of(FileType::Dex, &changed);
    assert_eq!(
        of("damaged", &found),
        ["its checksum is that of another file", "its SHA-1 digest is that of another file"]
    );
    assert_eq!(found.children.len(), 1);
    let mut changed = file();
    changed[8] ^= 1;
    let found = Collected::of(FileType::Dex, &changed);
    assert_eq!(of("damaged", &found), ["its checksum is that of another file"]);
}

#[test]
fn what_stands_behind_the_end_is_given() {
    let behind = b"something that belongs to nobody";
    let found = Collected::of(FileType::Dex, &[&file()[..], behind].concat());
    let end = file().len() as u64;
    assert_eq!(of("overlay", &found), [format!("{} bytes at offset {end}", behind.len())]);
    assert_eq!(found.children[1].kind, ChildKind::Embedded { offset: end });
    assert_eq!(found.children[1].bytes, behind);
    assert!(of("damaged", &found).is_empty());
}

#[test]
fn a_package_behind_a_program_is_found_once() {
    // The file is a program for old systems, and a package whose signature holds (CVE-2017-13156).
    let package = candor_fixtures::android::package(b"x");
    for length in [file().len(), file().len() + package.len()] {
        let mut both = [file(), package.clone()].concat();
        both[32..36].copy_from_slice(&(length as u32).to_le_bytes());
        let found = Collected::of(FileType::Dex, &both);
        let offset = file().len() as u64;
        let packages: Vec<_> =
            found.children.iter().filter(|child| child.kind == ChildKind::Embedded { offset }).collect();
        assert_eq!(packages.len(), 1);
        assert_eq!(packages[0].bytes, package);
    }
}

#[test]
fn a_length_of_nothing_does_not_lead_back() {
    let mut file = file();
    for length in [0_u32, 1, 0x6f] {
        file[32..36].copy_from_slice(&length.to_le_bytes());
        let found = Collected::of(FileType::Dex, &file);
        assert!(found.children.iter().all(|child| child.member.name == "strings"));
    }
}

#[test]
fn what_is_cut_is_told_and_the_rest_is_kept() {
    let whole = file();
    let at = whole.windows(4).position(|window| window == b"http").unwrap();
    let found = Collected::of(FileType::Dex, &whole[..at - 1]);
    assert_eq!(found.children[0].bytes, b"Lcom/example/Loader;\nLMain$1;\n\x01control\n");
    assert_eq!(
        found.incomplete,
        [
            Reason::Malformed(format!("{} of {} bytes are there", at - 1, whole.len())),
            Reason::Malformed("3 of 6 strings could be read".to_owned()),
        ]
    );
    let found = Collected::of(FileType::Dex, &whole[..0x60]);
    assert_eq!(found.incomplete, [Reason::Malformed("the header of a DEX file".to_owned())]);
}

#[test]
fn many_entries_for_one_string_are_not_read_again_and_again() {
    let long = vec![b'a'; 10_000];
    let strings = vec![&long[..]; 1];
    let mut file = dex(b"035", &[], &strings);
    // A table of a thousand entries behind the rest, all of which lead to the one string.
    let table = file.len() as u32;
    file.extend([0x74, 0, 0, 0].repeat(1000));
    file[56..60].copy_from_slice(&1000_u32.to_le_bytes());
    file[60..64].copy_from_slice(&table.to_le_bytes());
    let found = Collected::of(FileType::Dex, &file);
    assert!(found.children[0].bytes.len() <= 3 * file.len(), "{}", found.children[0].bytes.len());
    assert!(
        matches!(&found.incomplete[..], [Reason::Malformed(what)] if what.ends_with("of 1000 strings could be read"))
    );
}

#[test]
fn more_text_than_there_is_room_for_is_told() {
    let long = vec![b'a'; 9 << 20];
    let file = dex(b"035", &[], &[&long, &long, b"short"]);
    let found = Collected::of(FileType::Dex, &file);
    assert!(found.children[0].bytes.starts_with(&long[..1 << 20]));
    assert_eq!(found.incomplete, [Reason::Unsupported("strings behind the first 16 MiB".to_owned())]);
}

#[test]
fn a_compact_one_says_what_it_is() {
    let found = Collected::of(FileType::Dex, b"cdex001\0 and more");
    assert_eq!(of("dex", &found), ["compact, version 001"]);
    assert!(found.children.is_empty() && found.incomplete.is_empty());
}

#[test]
fn damage_stays_within_the_budget() {
    survives_damage(FileType::Dex, &file());
    survives_damage(FileType::Dex, &dex_container(&[(&CLASSES, &STRINGS), (&CLASSES, &STRINGS)]));
}
