//! Volumes with extents and with lists of blocks, holes, loops, and trees that lead to themselves.

use candor_fixtures::volume::ext;
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

/// Longer than one block of places reaches, with a hole.
fn text() -> Vec<u8> {
    let words = (0..50_000_u32).flat_map(|number| format!("{number} ").into_bytes());
    words
        .chain([0; 20_000])
        .chain((0..9_000_u32).flat_map(|number| format!("{number:x} ").into_bytes()))
        .collect()
}

#[test]
fn files_are_given_with_their_paths() {
    for has_extents in [false, true] {
        let files: &[(&str, &[u8])] = &[
            ("small", b"first"),
            ("folder/large", &text()),
            ("folder/x", b"last"),
            ("middle", &text()[..5000]),
        ];
        let found = Collected::of(FileType::Ext, &ext(has_extents, files));
        assert_eq!(found.incomplete, [], "{has_extents}");
        assert_eq!(found.children.len(), files.len());
        for (name, content) in files {
            let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
            assert!(child.bytes == *content && child.absent.is_none(), "{has_extents} {name}");
        }
    }
}

#[test]
fn groups_that_count_in_clusters_are_found_behind_the_superblock() {
    let mut bytes = ext(true, &[("a", b"content")]);
    // Clusters of sixteen blocks: the first holds the block in front of the superblock, too.
    bytes[1024 + 20] = 0;
    bytes[1024 + 28] = 4;
    bytes[1024 + 101] |= 2;
    let found = Collected::of(FileType::Ext, &bytes);
    assert_eq!((found.children[0].bytes.as_slice(), found.incomplete), (&b"content"[..], vec![]));
}

#[test]
fn rows_that_stand_in_their_own_groups_are_found() {
    // The row of the first group from a block of rows on: behind its superblock, where it always stands.
    let mut bytes = ext(true, &[("a", b"content")]);
    bytes[1024 + 96] |= 0x10;
    let found = Collected::of(FileType::Ext, &bytes);
    assert_eq!((found.children[0].bytes.as_slice(), found.incomplete), (&b"content"[..], vec![]));
    // 32 rows a block. The inodes of 33 groups, a hundred blocks each, of which the last is used: those before it are
    // told to be empty.
    let plain = ext(true, &[("a", b"content")]);
    let number = |at: usize| u32::from_le_bytes(plain[at..at + 4].try_into().unwrap());
    let (inodes, table) = (number(1024 + 40), number(2 * 1024 + 8));
    for (copies, beside) in [(1_u32, 0), (0, 1)] {
        let mut bytes = plain.clone();
        let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(1024, inodes * 33);
        put(1024 + 32, 100);
        put(1024 + 96, number(1024 + 96) | 0x10);
        put(1024 + 100, copies);
        for group in 0..32 {
            put(2 * 1024 + group * 32 + 16, 1 << 16);
        }
        let place = (1 + 32 * 100 + beside) * 1024;
        bytes.resize(place + 1024, 0);
        bytes[place + 8..place + 12].copy_from_slice(&table.to_le_bytes());
        let found = Collected::of(FileType::Ext, &bytes);
        assert_eq!(found.incomplete, [], "{copies}");
        let names: Vec<&str> = found.children.iter().map(|child| child.member.name.as_str()).collect();
        assert!(names.contains(&"a") && names.len() == 2, "{names:?}");
    }
}

#[test]
fn content_in_the_inode_is_given_and_encrypted_content_is_said() {
    let mut bytes = ext(false, &[("a", &[b'x'; 40])]);
    let inode = 3 * 1024 + 10 * 128;
    bytes[inode + 35] = 0x10;
    bytes[inode + 40..inode + 80].copy_from_slice(&[b'y'; 40]);
    assert_eq!(Collected::of(FileType::Ext, &bytes).children[0].bytes, [b'y'; 40]);
    bytes[inode + 33] = 8;
    assert_eq!(Collected::of(FileType::Ext, &bytes).children[0].absent, Some(Reason::Encrypted));
}

#[test]
fn trees_that_lead_to_themselves_end() {
    // A block of places, all of which are the block itself, three levels deep, for a file of a tebibyte.
    let mut bytes = ext(false, &[("a", &text()), ("b", b"behind")]);
    let inode = 3 * 1024 + 10 * 128;
    let place = u32::from_le_bytes(bytes[inode + 88..inode + 92].try_into().unwrap());
    bytes[inode + 92..inode + 96].copy_from_slice(&place.to_le_bytes());
    bytes[inode + 96..inode + 100].copy_from_slice(&place.to_le_bytes());
    bytes[inode + 108] = 0xff;
    let start = usize::try_from(place).unwrap() * 1024;
    for word in bytes[start..start + 1024].as_chunks_mut::<4>().0 {
        *word = place.to_le_bytes();
    }
    let limits = Limits { max_file_size: 1 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::Ext, &bytes, limits);
    assert!(found.incomplete.contains(&Reason::Unsupported("so many pieces of a file".to_owned())));
    assert!(found.children.iter().any(|child| child.bytes == b"behind"));
    // A tree of extents whose node is its own child.
    let mut bytes = ext(true, &[("a", &text())]);
    let place = u32::from_le_bytes(bytes[inode + 56..inode + 60].try_into().unwrap());
    let node = usize::try_from(place).unwrap() * 1024;
    let root: Vec<u8> = bytes[inode + 40..inode + 64].to_vec();
    bytes[node..node + 24].copy_from_slice(&root);
    let found = Collected::of(FileType::Ext, &bytes);
    assert!(found.children[0].bytes.iter().all(|byte| *byte == 0));
    assert_eq!(found.incomplete, [Reason::Malformed("what says where a stands".to_owned())]);
}

#[test]
fn folders_that_hold_themselves_end() {
    let mut bytes = ext(false, &[("folder/a", b"content")]);
    let at = bytes.windows(6).position(|part| part == b"folder").unwrap() - 8;
    let own = bytes[at];
    let at = bytes.windows(9).position(|part| part == [11, 0, 0, 0, 12, 0, 1, 1, b'a']).unwrap();
    bytes[at] = own;
    assert_eq!(Collected::of(FileType::Ext, &bytes).children[0].bytes, b"content");
}

#[test]
fn damage_is_survived() {
    for has_extents in [false, true] {
        let bytes = ext(has_extents, &[("small", b"first"), ("folder/large", &text()[..20_000])]);
        survives_damage(FileType::Ext, &bytes);
        let fields = (1024..1300).step_by(4).chain((2048..2080).step_by(4)).chain((4352..4608).step_by(4));
        for at in fields {
            for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::Ext, &lying);
            }
        }
    }
}
