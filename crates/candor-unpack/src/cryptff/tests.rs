//! The file, and what is no file.

use candor_fixtures::container;
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn every_bit_is_turned_back() {
    let bytes = container::cryptff(b"content");
    let found = Collected::of(FileType::CryptFf, &bytes);
    assert_eq!(found.children[0].bytes, b"content");
    assert_eq!(found.incomplete, []);
    survives_damage(FileType::CryptFf, &bytes);
}

#[test]
fn what_is_missing_is_said() {
    let bytes = container::cryptff(b"content");
    assert!(matches!(Collected::of(FileType::CryptFf, &bytes[..16]).incomplete[..], [Reason::Malformed(_)]));
    let limits = Limits { max_memory: 3, ..Limits::default() };
    let found = Collected::with_limits(FileType::CryptFf, &bytes, limits);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::Memory]));
}
