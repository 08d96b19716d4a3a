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

#[test]
fn what_is_cut_is_said_to_be() {
    let bytes = container::tnef(&[("a", b"first"), ("b", b"second")]);
    let one = container::tnef(&[("a", b"first")]).len();
    // Between two attachments nothing shows that there was another one.
    for length in (7..bytes.len()).filter(|length| *length != one) {
        assert_eq!(Collected::of(FileType::Tnef, &bytes[..length]).incomplete.len(), 1, "{length}");
    }
    assert_eq!(Collected::of(FileType::Tnef, &bytes[..one]).incomplete, []);
}
