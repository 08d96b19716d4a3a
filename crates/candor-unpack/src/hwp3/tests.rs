//! Text, pictures and objects, deflated or not, and damage.

use candor_fixtures::document::{self, hwp3};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

fn children(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::Hwp3, bytes);
    assert_eq!(found.incomplete, []);
    found.children.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

#[test]
fn text_pictures_and_objects_are_given() {
    let compound = document::compound("", &[("stream", b"object".to_vec())]);
    for is_deflated in [true, false] {
        let bytes = hwp3(is_deflated, &[("a.gif", b"GIF89a picture"), ("b.gif", b"")], &compound);
        let children = children(&bytes);
        let names: Vec<_> = children.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["text", "a.gif", "b.gif", "block 2"]);
        assert_eq!(children[1].1, b"GIF89a picture");
        assert_eq!(children[3].1, compound);
    }
}

#[test]
fn what_looks_like_a_block_in_the_text_is_none() {
    // A length that leads to the first block, but a number that no block has; and one that leads elsewhere.
    for number in [0_u32, 0x200, u32::MAX] {
        let mut text = vec![b'x'; 64];
        text.extend_from_slice(&number.to_le_bytes());
        text.extend_from_slice(&4_u32.to_le_bytes());
        text.extend_from_slice(b"data");
        let block = [&2_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
        let whole = [&text[..], &block, &[0; 8]].concat();
        let (found, _) = super::embedded(&whole);
        assert_eq!(found, [(2, &b"abc"[..])]);
    }
    // An object that ends like an empty block does not hide itself, nor what is before it.
    let object = b"abc\x03\0\0\0\0\0\0\0";
    let block = [&2_u32.to_le_bytes()[..], &11_u32.to_le_bytes(), object].concat();
    let whole = [&block[..], &block, &[0; 8]].concat();
    let (found, _) = super::embedded(&whole);
    assert_eq!(found.iter().filter(|block| **block == (2, &object[..])).count(), 2);
    assert_eq!(super::embedded(b"no end").0, []);
    assert_eq!(super::embedded(&[0; 4]).0, []);
}

#[test]
fn what_is_not_looked_at_is_said() {
    let bytes = hwp3(true, &[("a.gif", &[b'p'; 5000])], b"object");
    let mut locked = bytes.clone();
    locked[30 + 96] = 1;
    let found = Collected::of(FileType::Hwp3, &locked);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::Encrypted]));
    assert!(matches!(Collected::of(FileType::Hwp3, &bytes[..100]).incomplete[..], [Reason::Malformed(_)]));
    let cut = Collected::of(FileType::Hwp3, &bytes[..bytes.len() - 4]);
    assert!(matches!(cut.incomplete[..], [Reason::Malformed(_)]));
    assert!(!cut.children[0].bytes.is_empty());
    let limits = Limits { max_memory: 2000, ..Limits::default() };
    let found = Collected::with_limits(FileType::Hwp3, &bytes, limits);
    assert!(found.incomplete.contains(&Reason::Memory));
    survives_damage(FileType::Hwp3, &bytes);
}

#[test]
fn that_there_are_more_blocks_than_are_given_is_said() {
    let blocks = |pictures: usize| {
        let found = Collected::of(
            FileType::Hwp3,
            &hwp3(false, &vec![("a.gif", &b"picture"[..]); pictures], b"object"),
        );
        (found.children.len(), found.incomplete)
    };
    assert_eq!(blocks(1023), (1 + 1024, vec![]));
    assert_eq!(blocks(1024), (1 + 1024, vec![Reason::Children]));
}
