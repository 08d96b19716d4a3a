//! Files that mkzftree packs, and damaged ones.

use candor_fixtures::stream;
use candor_model::{FileType, Reason};

use super::{Blocks, Layout};
use crate::collected::{Collected, survives_damage};

const BLOCK: usize = 1 << 15;

fn packed(content: &[u8]) -> Vec<u8> {
    let (mut table, mut data) = (Vec::new(), Vec::new());
    let start = 16 + 4 * (content.len().div_ceil(BLOCK) + 1);
    for block in content.chunks(BLOCK) {
        table.extend(((start + data.len()) as u32).to_le_bytes());
        if block.iter().any(|byte| *byte != 0) {
            data.extend(stream::zlib(block));
        }
    }
    table.extend(((start + data.len()) as u32).to_le_bytes());
    let length = (content.len() as u32).to_le_bytes();
    [&b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07"[..], &length, &[4, 15, 0, 0], &table, &data].concat()
}

fn content() -> Vec<u8> {
    let mut content: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
    content[BLOCK..2 * BLOCK].fill(0);
    content
}

#[test]
fn files_are_unpacked_block_by_block() {
    let found = Collected::of(FileType::Zisofs, &packed(&content()));
    assert_eq!(found.incomplete, []);
    let [child] = &found.children[..] else { panic!("{:?}", found.children.len()) };
    assert!(child.bytes == content() && child.absent.is_none());
}

#[test]
fn what_is_missing_or_not_known_is_told() {
    let whole = packed(&content());
    let found = Collected::of(FileType::Zisofs, &whole[..whole.len() - 100]);
    assert_eq!(found.children[0].bytes.len(), 3 * BLOCK);
    assert_eq!(
        found.children[0].absent,
        Some(Reason::Malformed("a block of zisofs is cut short".to_owned()))
    );
    let mut other = whole;
    other[13] = 3;
    let found = Collected::of(FileType::Zisofs, &other);
    assert!(matches!(&found.children[0].absent, Some(Reason::Unsupported(_))));
    let found = Collected::of(FileType::Zisofs, b"\xef\x22\x55\xa1\xbc\x1b\x95\xa0\0\x06");
    assert_eq!(found.incomplete, [Reason::Unsupported("the second version of zisofs".to_owned())]);
    survives_damage(FileType::Zisofs, &packed(&[7; 40_000]));
}

#[test]
fn a_block_that_holds_nothing_ends_it() {
    use std::io::Read as _;
    let mut bytes = [20_u32, 28, 28].map(u32::to_le_bytes).concat();
    bytes.resize(20, 0);
    bytes.extend(stream::zlib(b""));
    let layout = Layout { length: 1 << 40, header: 0, block: 15 };
    let mut out = Vec::new();
    assert!(Blocks::new(&bytes, layout).read_to_end(&mut out).is_err());
    assert!(out.is_empty());
}
