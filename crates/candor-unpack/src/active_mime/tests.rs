//! ActiveMime of all shapes, and damaged ones.

use candor_fixtures::stream;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

const MACROS: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 what a compound file holds";

/// A file whose stream stands at `place` and whose header says that it is `told` bytes behind its usual base.
fn file(place: usize, told: u16) -> Vec<u8> {
    let mut file = b"ActiveMime\0\0\x01\xf0\x04\0\0\0\xff\xff\xff\xff\0\0\x07\xf0\0\0\0\0".to_vec();
    file.extend([0; 4]);
    file.resize(place, 0);
    file[0x1e..0x20].copy_from_slice(&told.to_le_bytes());
    file.extend(stream::zlib(MACROS));
    file
}

#[test]
fn the_stream_is_found_where_it_stands() {
    for (place, told) in [(0x32, 4), (0x32, 0), (0x32, 0xffff), (0x40, 0x12), (0x22a, 0), (0x70, 0)] {
        let found = Collected::of(FileType::ActiveMime, &file(place, told));
        assert_eq!(found.incomplete, [], "{place} {told}");
        let [child] = &found.children[..] else { panic!("{place} {told}: {:?}", found.children) };
        assert_eq!((&child.bytes[..], &child.absent), (MACROS, &None));
    }
}

#[test]
fn a_stream_elsewhere_does_not_hide_that_of_the_header() {
    let mut both = file(0x32, 0x300);
    both.resize(0x2e + 0x300, 0);
    both.extend(stream::zlib(b"other"));
    let found = Collected::of(FileType::ActiveMime, &both);
    let contents: Vec<&[u8]> = found.children.iter().map(|child| &child.bytes[..]).collect();
    assert_eq!(contents, [b"other", MACROS]);
}

#[test]
fn what_holds_no_stream_or_half_of_one_says_so() {
    let found = Collected::of(FileType::ActiveMime, b"ActiveMime\0\0\x01\xf0");
    assert_eq!(found.incomplete, [Reason::Malformed("ActiveMime without a stream".to_owned())]);
    let whole = file(0x32, 4);
    let found = Collected::of(FileType::ActiveMime, &whole[..whole.len() - 8]);
    assert!(matches!(&found.children[0].absent, Some(Reason::Malformed(_))));
    survives_damage(FileType::ActiveMime, &whole);
}
