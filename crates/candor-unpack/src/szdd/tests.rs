//! Every variant, copies out of the window, and damage.

use candor_fixtures::container;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn only(bytes: &[u8]) -> Vec<u8> {
    Collected::of(FileType::MsSzdd, bytes).children.remove(0).bytes
}

#[test]
fn every_variant_is_opened() {
    assert_eq!(only(&container::szdd(b"content")), b"content");
    assert_eq!(only(b"SZ \x88\xf0\x27\x33\xd1\x03\0\0\0\x07abc"), b"abc");
    assert_eq!(only(b"KWAJ\x88\xf0\x27\xd1\0\0\x0e\0\0\0abc"), b"abc");
    assert_eq!(only(b"KWAJ\x88\xf0\x27\xd1\x01\0\x0e\0\0\0\x9e\x9d\x9c"), b"abc");
    assert_eq!(only(b"KWAJ\x88\xf0\x27\xd1\x02\0\x0e\0\0\0\x07abc"), b"abc");
    let packed = candor_fixtures::stream::deflate(b"abc");
    let block = [&(packed.len() as u16 + 2).to_le_bytes()[..], b"CK", &packed].concat();
    assert_eq!(only(&[b"KWAJ\x88\xf0\x27\xd1\x04\0\x0e\0\0\0".to_vec(), block].concat()), b"abc");
}

#[test]
fn copies_reach_back_and_into_the_blanks() {
    // `ab`, four bytes from where `ab` began, three blanks.
    assert_eq!(only(b"SZDD\x88\xf0\x27\x33A\0\x09\0\0\0\x03ab\xf0\xf1\x00\x00"), b"ababab   ");
}

#[test]
fn what_is_missing_is_said() {
    let mut bytes = container::szdd(b"content");
    bytes.truncate(bytes.len() - 2);
    assert!(matches!(Collected::of(FileType::MsSzdd, &bytes).incomplete[..], [Reason::Malformed(_)]));
    let found = Collected::of(FileType::MsSzdd, b"KWAJ\x88\xf0\x27\xd1\x03\0\x0e\0\0\0abc");
    assert!(matches!(found.incomplete[..], [Reason::Unsupported(_)]));
    survives_damage(FileType::MsSzdd, &container::szdd(b"content"));
}
