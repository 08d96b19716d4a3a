//! Files of every encoding, folders, and damage.

use candor_fixtures::container;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn files_are_children() {
    let bytes = container::xar(b"content");
    let found = Collected::of(FileType::Xar, &bytes);
    let shown: Vec<_> =
        found.children.iter().map(|child| (child.member.name.as_str(), child.bytes.as_slice())).collect();
    assert_eq!(shown, [("folder/stored", &b"content"[..]), ("folder/bzip2", b"content"), ("a", b"content")]);
    assert_eq!(found.incomplete, []);
    survives_damage(FileType::Xar, &bytes);
}

#[test]
fn a_damaged_table_is_said() {
    let mut bytes = container::xar(b"content");
    bytes[28] ^= 0xff;
    assert!(matches!(Collected::of(FileType::Xar, &bytes).incomplete[..], [Reason::Malformed(_)]));
}
