//! Archives of every method, cut short, and with lengths that lie.

use candor_fixtures::archive::alz;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..3_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn files_of_every_method_are_given() {
    let found =
        Collected::of(FileType::Alz, &alz(&[("a", 0, b"first"), ("b", 1, &text()), ("c", 2, &text())]));
    assert_eq!(found.incomplete, []);
    let names: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(found.children[0].bytes == b"first" && found.children[1].bytes == text());
    assert!(found.children[2].bytes == text());
}

#[test]
fn what_is_not_opened_is_said() {
    let mut bytes = alz(&[("a", 0, b"first"), ("b", 7, b"x")]);
    assert_eq!(
        Collected::of(FileType::Alz, &bytes).children[1].absent,
        Some(Reason::Unsupported("method 7 of ALZ".to_owned()))
    );
    bytes[8 + 4 + 7] |= 1;
    let found = Collected::of(FileType::Alz, &bytes);
    assert_eq!(found.children[0].absent, Some(Reason::Encrypted));
    let bytes = alz(&[("a", 0, b"first"), ("b", 2, &text())]);
    let found = Collected::of(FileType::Alz, &bytes[..bytes.len() - 100]);
    assert_eq!(found.children[0].bytes, b"first");
    assert!(found.children[1].bytes.len() > 1000 && !found.incomplete.is_empty());
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::Alz, &alz(&[("a", 0, b"first"), ("b", 1, b"x"), ("c", 2, &text()[..500])]));
}
