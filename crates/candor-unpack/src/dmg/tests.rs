//! Rows of every kind, and damage.

use candor_fixtures::container;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn rows_of_every_kind_are_one_partition() {
    let bytes = container::dmg_of(&[
        (1, b"stored".to_vec()),
        (0, Vec::new()),
        (0x8000_0004, b"\x82abc\x00\x02".to_vec()),
        (0x8000_0005, candor_fixtures::stream::zlib(b"zlib")),
        (0x8000_0006, candor_fixtures::stream::bzip2(b"bzip2")),
        (0x8000_0008, candor_fixtures::stream::xz(b"xz")),
    ]);
    let found = Collected::of(FileType::Dmg, &bytes);
    assert_eq!(found.incomplete, []);
    let content = &found.children[0].bytes;
    assert_eq!((found.children[0].member.name.as_str(), content.len()), ("a", 6 * 512));
    let starts: Vec<_> = content.chunks(512).map(|row| &row[..6]).collect();
    assert_eq!(starts, [b"stored", b"\0\0\0\0\0\0", b"abcabc", b"zlib\0\0", b"bzip2\0", b"xz\0\0\0\0"]);
    survives_damage(FileType::Dmg, &bytes);
}

#[test]
fn what_cannot_be_decoded_is_said() {
    let bytes = container::dmg_of(&[(0x8000_0007, b"bvx2".to_vec()), (1, b"stored".to_vec())]);
    let found = Collected::of(FileType::Dmg, &bytes);
    assert_eq!(found.incomplete, [Reason::Unsupported("LZFSE".to_owned())]);
    assert!(found.children[0].bytes[512..].starts_with(b"stored"));
}
