//! Archives of both methods that are read, and entries that lead back.

use candor_fixtures::archive::{lh5_run, zoo};
use candor_fixtures::stream;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn archive() -> Vec<u8> {
    zoo(&[
        ("a.txt", 0, b"first".to_vec(), 5),
        ("b", 2, lh5_run(b'A', 100, 4), 100),
        ("c", 1, stream::zoo_lzw(b"x"), 1),
        ("d", 3, b"x".to_vec(), 1),
    ])
}

#[test]
fn files_are_given_or_said() {
    let found = Collected::of(FileType::Zoo, &archive());
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[0].member.name, "a.txt");
    assert!(found.children[0].bytes == b"first" && found.children[1].bytes == [b'A'; 100]);
    assert_eq!(found.children[2].bytes, b"x");
    assert_eq!(found.children[3].absent, Some(Reason::Unsupported("method 3 of Zoo".to_owned())));
}

#[test]
fn tables_of_lzw_grow_and_are_emptied() {
    let text: Vec<u8> = (0..40_000_u32).flat_map(|number| format!("{number:x} ").into_bytes()).collect();
    // Around each place where codes become wider, and where there is no room for more.
    let lengths = [0, 1, 2, 3, 255, 256, 257, 700, 701, 702, 703, 5000, 30_000, text.len()];
    for content in lengths.iter().map(|length| &text[..*length]).chain([&[0; 90_000][..]]) {
        let archive = zoo(&[("a", 1, stream::zoo_lzw(content), content.len())]);
        let found = Collected::of(FileType::Zoo, &archive);
        assert_eq!(found.incomplete, []);
        assert!(
            found.children[0].bytes == content && found.children[0].absent.is_none(),
            "{}",
            content.len()
        );
    }
}

#[test]
fn lzw_without_an_end_is_cut_short() {
    let packed = stream::zoo_lzw(b"content content content");
    let half = packed[..packed.len() - 8].to_vec();
    let found = Collected::of(FileType::Zoo, &zoo(&[("a", 1, half, 23), ("b", 0, b"last".to_vec(), 4)]));
    assert_eq!(found.children[0].bytes, b"content cont");
    assert!(matches!(found.children[0].absent, Some(Reason::Malformed(_))));
    assert_eq!(found.children[1].bytes, b"last");
}

#[test]
fn entries_that_lead_back_are_read_once() {
    let mut bytes = archive();
    let first = bytes[24..28].to_vec();
    let at = usize::try_from(u32::from_le_bytes(first.clone().try_into().unwrap())).unwrap();
    bytes[at + 6..at + 10].copy_from_slice(&first);
    let found = Collected::of(FileType::Zoo, &bytes);
    assert_eq!(found.children.len(), 1);
    assert!(matches!(found.incomplete.as_slice(), [Reason::Malformed(_)]));
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::Zoo, &archive());
}
