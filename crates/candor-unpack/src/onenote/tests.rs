//! Embedded files, whole and cut.

use candor_fixtures::container;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn embedded_files_are_children() {
    let bytes = [container::onenote(b"first"), container::onenote(b"second")].concat();
    let found = Collected::of(FileType::OneNote, &bytes);
    let shown: Vec<_> = found.children.iter().map(|child| child.bytes.as_slice()).collect();
    assert_eq!(shown, [&b"first"[..], b"second"]);
    assert!(found.incomplete.is_empty());
}

#[test]
fn damage_is_survived() {
    let bytes = container::onenote(b"content");
    survives_damage(FileType::OneNote, &bytes);
    let found = Collected::of(FileType::OneNote, &bytes[..bytes.len() - 2]);
    assert_eq!((found.children[0].bytes.as_slice(), found.incomplete.len()), (&b"conte"[..], 1));
}
