//! Members of the methods that are opened, and of those that are not.

use candor_fixtures::archive::{arj, lh5_run};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn members_are_given() {
    let bytes = arj(&[
        ("a.txt", 0, b"content".to_vec(), 7),
        ("b.txt", 1, lh5_run(b'A', 1000, 5), 1000),
        ("c.txt", 4, b"???".to_vec(), 3),
    ]);
    let found = Collected::of(FileType::Arj, &bytes).children;
    assert_eq!((found[0].member.name.as_str(), found[0].bytes.as_slice()), ("a.txt", &b"content"[..]));
    assert!(found[1].bytes == [b'A'; 1000], "{:?}", found[1].absent);
    assert!(matches!(found[2].absent, Some(Reason::Unsupported(_))));
    survives_damage(FileType::Arj, &bytes);
}

#[test]
fn an_encrypted_member_says_so() {
    let mut bytes = arj(&[("a.txt", 0, b"content".to_vec(), 7)]);
    let second = 4 + 30 + 13 + 4 + 2;
    bytes[second + 8] = 1;
    assert_eq!(Collected::of(FileType::Arj, &bytes).children[0].absent, Some(Reason::Encrypted));
}
