//! Members of the methods that are opened, and of those that are not.

use candor_fixtures::archive::{arj, lh5_run};
use candor_fixtures::stream::arj_fastest;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn members_are_given() {
    let bytes = arj(&[
        ("a.txt", 0, b"content".to_vec(), 7),
        ("b.txt", 1, lh5_run(b'A', 1000, 5), 1000),
        ("c.txt", 9, b"???".to_vec(), 3),
    ]);
    let found = Collected::of(FileType::Arj, &bytes).children;
    assert_eq!((found[0].member.name.as_str(), found[0].bytes.as_slice()), ("a.txt", &b"content"[..]));
    assert!(found[1].bytes == [b'A'; 1000], "{:?}", found[1].absent);
    assert!(matches!(found[2].absent, Some(Reason::Unsupported(_))));
    survives_damage(FileType::Arj, &bytes);
}

#[test]
fn members_of_the_fastest_method_are_given() {
    // Copies of every length from near and far.
    let noise: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut content = [&[7; 3000][..], &noise].concat();
    for length in 0..300 {
        let start = content.len() - [300, 700, 2000, 9000, 15_800][length % 5];
        let copy = content[start..start + length].to_vec();
        content.extend(copy);
        content.push(length as u8);
    }
    let packed = arj_fastest(&content);
    assert!(packed.len() < content.len());
    let whole = arj(&[("a", 4, packed.clone(), content.len()), ("b", 0, b"last".to_vec(), 4)]);
    let found = Collected::of(FileType::Arj, &whole);
    assert_eq!(found.incomplete, []);
    assert!(found.children[0].bytes == content && found.children[0].absent.is_none());
    assert_eq!(found.children[1].bytes, b"last");
    // Data that ends before the file does.
    let half = packed[..packed.len() / 2].to_vec();
    let found = Collected::of(FileType::Arj, &arj(&[("a", 4, half, content.len())]));
    let child = &found.children[0];
    assert!(child.bytes.len() > 3000 && content.starts_with(&child.bytes));
    assert!(matches!(child.absent, Some(Reason::Malformed(_))));
    survives_damage(FileType::Arj, &arj(&[("a", 4, arj_fastest(&content[2990..3100]), 110)]));
}

#[test]
fn an_encrypted_member_says_so() {
    let mut bytes = arj(&[("a.txt", 0, b"content".to_vec(), 7)]);
    let second = 4 + 30 + 13 + 4 + 2;
    bytes[second + 8] = 1;
    assert_eq!(Collected::of(FileType::Arj, &bytes).children[0].absent, Some(Reason::Encrypted));
}
