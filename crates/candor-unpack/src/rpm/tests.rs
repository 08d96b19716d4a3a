//! The payload is found behind both headers.

use candor_fixtures::archive;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn the_payload_is_given() {
    let bytes = archive::rpm(&[("a", b"content")]);
    let found = Collected::of(FileType::Rpm, &bytes).children;
    assert!(found[0].bytes.starts_with(b"\x1f\x8b\x08"));
    assert_eq!(found[0].member.name, "payload");
    survives_damage(FileType::Rpm, &bytes);
}

#[test]
fn a_damaged_header_is_said() {
    let mut bytes = archive::rpm(&[]);
    bytes[96] = 0;
    assert_eq!(Collected::of(FileType::Rpm, &bytes).incomplete.len(), 1);
}
