//! Members of the methods that are opened, and of those that are not.

use candor_fixtures::archive::{arj, arj_garbled, lh5_run};
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

#[test]
fn garbled_members_are_opened_under_the_password_that_their_checksum_proves() {
    let run = [b'A'; 1000];
    let files = |password: &[u8]| {
        arj_garbled(
            password,
            &[
                ("stored", 0, b"content".to_vec(), b"content"),
                ("packed", 1, lh5_run(b'A', 1000, 5), &run),
                ("fastest", 4, arj_fastest(&run), &run),
            ],
        )
    };
    let bytes = files(b"malware");
    let found = Collected::of(FileType::Arj, &bytes);
    assert_eq!(found.incomplete, []);
    assert!(found.children.iter().all(|child| child.member.encrypted && child.absent.is_none()));
    assert_eq!(found.children[0].bytes, b"content");
    assert!(found.children[1..].iter().all(|child| child.bytes == run));
    survives_damage(FileType::Arj, &bytes);
    let found = Collected::of(FileType::Arj, &files(b"8hkj3h4"));
    assert_eq!(found.children.len(), 3);
    assert!(found.children.iter().all(|child| child.absent == Some(Reason::Encrypted)));
    // Those that are encrypted otherwise, as the header of the archive says.
    let mut bytes = files(b"malware");
    bytes[4 + 28] = 4;
    let found = Collected::of(FileType::Arj, &bytes);
    assert!(found.children.iter().all(|child| child.absent == Some(Reason::Encrypted)));
}

#[test]
fn trials_of_passwords_are_paid_for() {
    let content = vec![7; 10_000];
    let members: Vec<(&str, u8, Vec<u8>, &[u8])> = vec![("a", 0, content.clone(), &content); 4];
    let opened = |password: &[u8], work| {
        let found = Collected::with_work(FileType::Arj, &arj_garbled(password, &members), work);
        let count = found.children.iter().filter(|child| child.absent.is_none()).count();
        (count, found.budget.work())
    };
    // The third of the common ones: three trials for the first member, and one for each of the others.
    assert_eq!(opened(b"malware", 120_000), (4, 60_000));
    assert_eq!(opened(b"malware", 100_000), (3, 50_000));
    // What is left is for others.
    assert_eq!(opened(b"8hkj3h4", 100_000), (0, 50_000));
}
