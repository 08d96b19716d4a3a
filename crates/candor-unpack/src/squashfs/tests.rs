//! Images of every compression, with holes, fragments and folders, and damaged ones.

use candor_fixtures::stream;
use candor_fixtures::volume::{SQUASHFS, SquashFs, squashfs};
use candor_model::{FileType, Reason};

use super::{METADATA, Method};
use crate::collected::{Collected, survives_damage};
use crate::pace::Pace;

fn text() -> Vec<u8> {
    let words = (0..6_000_u32).flat_map(|number| format!("{number} ").into_bytes());
    // Behind it a hole, and what does not pack.
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    words.take(20_480).chain([0; 8192]).chain(noise.take(9000)).collect()
}

#[test]
fn files_of_every_compression_are_given() {
    for method in SQUASHFS {
        let files: &[(&str, &[u8])] = &[
            ("small", b"first"),
            ("folder/large", &text()),
            ("exact", &text()[..4096]),
            ("folder/x", b"last"),
        ];
        let found = Collected::of(FileType::SquashFs, &squashfs(method, files));
        assert_eq!(found.incomplete, [], "{method:?}");
        assert_eq!(found.children.len(), files.len());
        for (name, content) in files {
            let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
            assert!(child.bytes == *content && child.absent.is_none(), "{method:?} {name}");
        }
    }
}

#[test]
fn blocks_of_a_table_stand_behind_one_another() {
    let block = text()[..8192].to_vec();
    for (method, packed) in [
        (Method::Gzip, stream::zlib(&block)),
        (Method::Lzma, stream::lzma(&block)),
        (Method::Xz, stream::xz(&block)),
        (Method::Lz4, stream::lz4_block(&block)),
        (Method::Lzo, stream::lzo(&block)),
        (Method::Zstd, stream::zstd(&block)),
    ] {
        let mut table = vec![1; METADATA];
        assert!(method.unpack(&packed, &mut table, METADATA, &Pace::with(1 << 30)), "{method:?}");
        assert!(table[METADATA..] == block, "{method:?}");
    }
}

#[test]
fn a_damaged_block_costs_the_rest_of_one_file() {
    let mut bytes = squashfs(SquashFs::Gzip, &[("a", &text()[..12_288]), ("b", b"last")]);
    // The second block's header.
    let second = 96
        + bytes[96..].windows(2).skip(10).position(|part| part == [0x78, 0x9c] || part == [0x78, 1]).unwrap()
        + 10;
    bytes[second] = 0xff;
    let found = Collected::of(FileType::SquashFs, &bytes);
    assert!(found.children[0].bytes == text()[..4096]);
    assert!(matches!(found.children[0].absent, Some(Reason::Malformed(_))));
    assert_eq!(found.children[1].bytes, b"last");
}

#[test]
fn what_is_not_read_is_said() {
    let mut bytes = squashfs(SquashFs::Gzip, &[("a", b"x")]);
    bytes[20] = 7;
    let found = Collected::of(FileType::SquashFs, &bytes);
    assert_eq!(found.incomplete, [Reason::Unsupported("an unknown compression in SquashFS".to_owned())]);
    bytes[28] = 3;
    assert!(matches!(
        Collected::of(FileType::SquashFs, &bytes).incomplete.as_slice(),
        [Reason::Unsupported(_)]
    ));
}

#[test]
fn damage_is_survived() {
    for method in SQUASHFS {
        let bytes = squashfs(method, &[("small", b"first"), ("folder/large", &text()[..6000])]);
        survives_damage(FileType::SquashFs, &bytes);
        for at in (0..96).step_by(4) {
            for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::SquashFs, &lying);
            }
        }
    }
    // Tables that stand as they are: every field of every inode.
    let bytes = squashfs(SquashFs::Lz4, &[("a", b"first"), ("b", b"x")]);
    for at in (96..bytes.len() - 4).step_by(2) {
        for value in [0, 1, 0x7fff_ffff, u32::MAX] {
            let mut lying = bytes.clone();
            lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let _ = Collected::of(FileType::SquashFs, &lying);
        }
    }
}

#[test]
fn a_table_of_empty_blocks_ends() {
    let mut bytes = squashfs(SquashFs::Gzip, &[("a", b"first")]);
    let place = bytes.len() as u64;
    bytes.extend([0, 0x80].repeat(4 << 20));
    bytes[64..72].copy_from_slice(&place.to_le_bytes());
    bytes[72..80].copy_from_slice(&(place + (8 << 20)).to_le_bytes());
    let found = Collected::of(FileType::SquashFs, &bytes);
    assert_eq!(found.incomplete, [Reason::Malformed("a table of SquashFS".to_owned())]);
}

#[test]
fn a_block_that_is_not_full_is_the_last() {
    let image = squashfs(SquashFs::Gzip, &[("a", &[7; 3 * 4096])]);
    let found = Collected::of(FileType::SquashFs, &image);
    assert_eq!((found.children[0].bytes.len(), &found.children[0].absent), (3 * 4096, &None));
    // The first block becomes one of a byte, in as many bytes as it had.
    let full = stream::zlib(&[7; 4096]);
    let at = memchr::memmem::find(&image, &full).unwrap();
    let mut short = stream::zlib(&[7]);
    short.resize(full.len(), 0);
    let mut lying = image;
    lying[at..at + full.len()].copy_from_slice(&short);
    let found = Collected::of(FileType::SquashFs, &lying);
    assert_eq!(found.children[0].bytes, [7]);
    assert!(matches!(found.children[0].absent, Some(Reason::Malformed(_))));
}
