//! Archives of both methods that are read, and entries that lead back.

use candor_fixtures::archive::{lh5_run, zoo};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn archive() -> Vec<u8> {
    zoo(&[
        ("a.txt", 0, b"first".to_vec(), 5),
        ("b", 2, lh5_run(b'A', 100, 4), 100),
        ("c", 1, b"x".to_vec(), 1),
    ])
}

#[test]
fn files_are_given_or_said() {
    let found = Collected::of(FileType::Zoo, &archive());
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[0].member.name, "a.txt");
    assert!(found.children[0].bytes == b"first" && found.children[1].bytes == [b'A'; 100]);
    assert_eq!(found.children[2].absent, Some(Reason::Unsupported("method 1 of Zoo".to_owned())));
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
