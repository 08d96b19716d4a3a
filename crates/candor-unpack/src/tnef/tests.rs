//! Attachments with their titles, in any order, and damage.

use candor_fixtures::container;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn attachments_are_children_with_their_titles() {
    let bytes = container::tnef(&[("a", b"first"), ("b", b"second")]);
    let found = Collected::of(FileType::Tnef, &bytes);
    let shown: Vec<_> =
        found.children.iter().map(|child| (child.member.name.as_str(), child.bytes.as_slice())).collect();
    assert_eq!(shown, [("a", &b"first"[..]), ("b", b"second")]);
    assert_eq!(found.incomplete, []);
    survives_damage(FileType::Tnef, &bytes);
}
