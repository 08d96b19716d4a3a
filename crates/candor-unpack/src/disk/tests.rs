//! Partitions of every table, loops and overlaps.

use candor_fixtures::container;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn partitions_are_children() {
    for (file_type, name, bytes) in [
        (FileType::Mbr, "", container::mbr(b"content")),
        (FileType::Gpt, "a", container::gpt(b"content")),
        (FileType::Apm, "a", container::apm(b"content")),
    ] {
        let found = Collected::of(file_type, &bytes);
        assert_eq!(found.incomplete, [], "{file_type}");
        assert_eq!(found.children.len(), 1, "{file_type}");
        assert_eq!(found.children[0].member.name, name);
        assert!(found.children[0].bytes.starts_with(b"content\0"), "{file_type}");
        survives_damage(file_type, &bytes);
    }
}

#[test]
fn extended_partitions_are_followed_and_loops_end() {
    let row = |kind: u8, start: u32, count: u32| {
        [&[0, 0, 0, 0, kind, 0, 0, 0][..], &start.to_le_bytes(), &count.to_le_bytes()].concat()
    };
    let mut disk = vec![0_u8; 512 * 12];
    disk[446..462].copy_from_slice(&row(5, 4, 8));
    // The first extended table: a partition one sector behind it, and the next table, two behind the first.
    disk[4 * 512 + 446..4 * 512 + 462].copy_from_slice(&row(6, 1, 1));
    disk[4 * 512 + 462..4 * 512 + 478].copy_from_slice(&row(5, 2, 4));
    disk[6 * 512 + 446..6 * 512 + 462].copy_from_slice(&row(6, 1, 1));
    // It leads to itself.
    disk[6 * 512 + 462..6 * 512 + 478].copy_from_slice(&row(5, 2, 4));
    disk[5 * 512] = b'x';
    disk[7 * 512] = b'y';
    let found = Collected::of(FileType::Mbr, &disk).children;
    let first: Vec<u8> = found.iter().map(|child| child.bytes[0]).collect();
    assert_eq!(first, b"xy");
}
