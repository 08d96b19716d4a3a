//! Files of every encoding, folders, and damage.

use candor_fixtures::{container, stream};
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
fn files_that_are_cut_short_are_said_to_be() {
    let bytes = container::xar(b"content");
    // The stored one stands first in what is behind the table, and the others are cut off whole.
    let start = bytes.len() - stream::bzip2(b"content").len() - stream::zlib(b"content").len();
    for (kept, content) in [(start - 4, &b"con"[..]), (start - 7, b"")] {
        let found = Collected::of(FileType::Xar, &bytes[..kept]);
        let shown: Vec<_> = found.children.iter().map(|child| child.bytes.as_slice()).collect();
        assert_eq!(shown, [content, b"", b""]);
        for child in &found.children {
            assert!(matches!(child.absent, Some(Reason::Malformed(_))), "{kept} {}", child.member.name);
        }
        let cut = Reason::Malformed("a file of a XAR archive is cut short".to_owned());
        assert_eq!(found.children[0].absent, Some(cut));
    }
}

#[test]
fn a_damaged_table_is_said() {
    let mut bytes = container::xar(b"content");
    bytes[28] ^= 0xff;
    assert!(matches!(Collected::of(FileType::Xar, &bytes).incomplete[..], [Reason::Malformed(_)]));
}

#[test]
fn tags_of_nothing_are_paid_for() {
    let table = [&b"<a>"[..]; 2000].concat();
    let packed = stream::zlib(&table);
    let mut bytes = b"xar!\0\x1c\0\x01".to_vec();
    for number in [packed.len(), table.len()] {
        bytes.extend((number as u64).to_be_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(packed);
    assert_eq!(Collected::of(FileType::Xar, &bytes).incomplete, []);
    assert_eq!(Collected::without_work(FileType::Xar, &bytes).incomplete, [Reason::Work]);
}
