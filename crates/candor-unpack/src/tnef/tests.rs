//! Attachments with their titles, in any order, and damage.

use candor_fixtures::{container, document};
use candor_model::{FileType, Reason};

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

/// A message with one list of properties: types, numbers and what follows them.
fn with_properties(attribute: u32, properties: &[(u16, u16, Vec<u8>)]) -> Vec<u8> {
    let mut list = (properties.len() as u32).to_le_bytes().to_vec();
    for (kind, number, rest) in properties {
        list.extend([kind.to_le_bytes(), number.to_le_bytes()].concat());
        list.extend(rest);
    }
    let length = (list.len() as u32).to_le_bytes();
    [&container::tnef(&[])[..], &[1], &attribute.to_le_bytes(), &length, &list, &[0, 0]].concat()
}

/// One value of those that say how long they are, filled up.
fn value(bytes: &[u8]) -> Vec<u8> {
    let mut value = [&[1, 0, 0, 0][..], &(bytes.len() as u32).to_le_bytes(), bytes].concat();
    value.resize(value.len().next_multiple_of(4), 0);
    value
}

#[test]
fn bodies_and_objects_among_properties_are_given() {
    let named = |name: &[u8], rest: &[u8]| [&[7; 16][..], name, rest].concat();
    let properties = [
        (0x000b, 1, vec![1, 0, 0, 0]),
        (0x0040, 2, vec![0; 8]),
        (0x1003, 3, [&[2, 0, 0, 0][..], &[0; 8]].concat()),
        (0x0048, 4, vec![0; 16]),
        (0x0003, 0x8001, named(&[0, 0, 0, 0, 9, 0, 0, 0], &[0; 4])),
        (0x001e, 0x8002, named(&[1, 0, 0, 0, 6, 0, 0, 0, b'a', 0, b'b', 0, 0, 0, 0, 0], &value(b"text\0"))),
        (0x0102, 0x1009, value(&document::compressed_rtf(b"{\\rtf1 text}"))),
        (0x0102, 0x1013, value(b"<p>")),
        (0x000d, 0x3701, value(b"sixteen bytes...object")),
        (0x0102, 0x3701, value(b"data")),
        (0x0102, 0x3702, value(b"something else")),
    ];
    for attribute in [0x0006_9003, 0x0006_9005] {
        let bytes = with_properties(attribute, &properties);
        let found = Collected::of(FileType::Tnef, &bytes);
        assert_eq!(found.incomplete, []);
        let shown: Vec<_> = found.children[1..]
            .iter()
            .map(|child| (child.member.name.as_str(), child.bytes.as_slice()))
            .collect();
        let expected: [(&str, &[u8]); 4] = [
            ("body.rtf", b"{\\rtf1 text}"),
            ("body.html", b"<p>"),
            ("object", b"object"),
            ("content", b"data"),
        ];
        assert_eq!(shown, expected);
        survives_damage(FileType::Tnef, &bytes);
    }
    // More values than there are.
    let found =
        Collected::of(FileType::Tnef, &with_properties(0x0006_9003, &[(0x1003, 3, vec![9, 0, 0, 0])]));
    assert_eq!(found.incomplete, [Reason::Malformed("the properties of a message".to_owned())]);
}
