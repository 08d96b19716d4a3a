//! Files in folders, and damage.

use candor_fixtures::container;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn files_are_children_under_their_paths() {
    let bytes = container::hfs(b"content");
    let found = Collected::of(FileType::PartHfsPlus, &bytes);
    let shown: Vec<_> =
        found.children.iter().map(|child| (child.member.name.as_str(), child.bytes.as_slice())).collect();
    assert_eq!(shown, [("a", &b"content"[..]), ("folder/b", b"content"), ("folder/b/rsrc", b"content")]);
    assert_eq!(found.incomplete, []);
    survives_damage(FileType::PartHfsPlus, &bytes);
}
