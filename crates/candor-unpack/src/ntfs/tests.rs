//! Volumes whose table and files are in pieces, with compressed files and second streams, and damaged ones.

use candor_fixtures::volume::ntfs;
use candor_model::{FileType, Reason};

use super::{Names, Record, Run, Table};
use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..6_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

/// What is packed, what is not worth it, and runs across the borders of chunks.
fn mixed() -> Vec<u8> {
    let runs = (0..60_u8).flat_map(|byte| vec![byte; 37 + usize::from(byte) * 5]);
    runs.chain(text()).chain([b'z'; 20_000]).chain(*b"end").collect()
}

#[test]
fn every_stream_of_every_file_is_given() {
    let (text, mixed) = (text(), mixed());
    let files: &[(&str, &[u8])] = &[
        ("small", b"first"),
        ("large.txt", &text),
        ("large.txt:hidden", b"behind it"),
        ("large.txt:also hidden", &text[..3000]),
        ("folder/packed.z", &mixed),
        ("folder/middle", &text[..700]),
    ];
    let found = Collected::of(FileType::Ntfs, &ntfs(files));
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children.len(), files.len());
    for (name, content) in files {
        let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
        assert!(child.bytes == *content && child.absent.is_none(), "{name}");
    }
}

#[test]
fn a_damaged_record_costs_one_file() {
    let bytes = ntfs(&[("a", b"first"), ("b", b"second")]);
    let at = bytes.windows(6).position(|part| part == b"second").unwrap() & !1023;
    let mut damaged = bytes;
    damaged[at..at + 4].copy_from_slice(b"BAAD");
    let found = Collected::of(FileType::Ntfs, &damaged);
    assert_eq!(found.children.len(), 1);
    assert_eq!(found.children[0].bytes, b"first");
    assert_eq!(found.incomplete, [Reason::Malformed("1 records of the file table".to_owned())]);
}

#[test]
fn the_ends_of_sectors_are_put_back() {
    // Content that lies across the end of the first sector of its record.
    let long = [b'x'; 90];
    let names = "n".repeat(90);
    let bytes = ntfs(&[(&names, &long)]);
    let found = Collected::of(FileType::Ntfs, &bytes);
    assert_eq!(found.children[0].bytes, long);
    assert_eq!(found.children[0].member.name, names);
}

#[test]
fn encrypted_streams_are_said() {
    let mut bytes = ntfs(&[("large", &text())]);
    let at = bytes.windows(8).position(|part| part == [0x80, 0, 0, 0, 0x48, 0, 0, 0]).expect("the attribute");
    bytes[at + 13] = 0x40;
    let found = Collected::of(FileType::Ntfs, &bytes);
    assert_eq!(found.children[0].absent, Some(Reason::Encrypted));
    assert!(found.children[0].member.encrypted);
}

#[test]
fn folders_that_hold_themselves_end() {
    let mut bytes = ntfs(&[("folder/a", b"content")]);
    let wide: Vec<u8> = "folder".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = bytes.windows(wide.len()).position(|part| part == wide).unwrap() - 66;
    // Its parent becomes the file in it.
    bytes[at] = 17;
    let found = Collected::of(FileType::Ntfs, &bytes);
    assert_eq!(found.children[0].bytes, b"content");
}

#[test]
fn damage_is_survived() {
    let bytes = ntfs(&[("small", b"first"), ("large", &text()[..3000]), ("packed.z", &mixed()[..9000])]);
    survives_damage(FileType::Ntfs, &bytes);
    // Every field of the file's records.
    let start = bytes.windows(5).position(|part| part == b"first").unwrap() & !1023;
    for at in (start..start + 1000).step_by(2) {
        for value in [0, 1, 0x7fff_ffff, u32::MAX] {
            let mut lying = bytes.clone();
            lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let _ = Collected::of(FileType::Ntfs, &lying);
        }
    }
}

#[test]
fn a_hole_of_the_table_is_one_step() {
    let run = |first, place, count| Run { first, place, count };
    let table = Table {
        medium: &&[0_u8; 0][..],
        runs: vec![
            run(0, Some(4), 3),
            run(3, None, 1 << 40),
            run(3 + (1 << 40), None, 1),
            run(4 + (1 << 40), Some(9), 1),
        ],
        cluster: 4096,
        record: 1024,
        length: u64::MAX,
    };
    assert_eq!((table.behind_hole(0), table.behind_hole(11)), (None, None));
    assert_eq!(table.behind_hole(12), Some(12 + (4 << 40)));
    assert_eq!(table.behind_hole(13), Some(12 + (4 << 40)));
    assert_eq!(table.behind_hole(12 + (4 << 40)), Some(16 + (4 << 40)));
    assert_eq!(table.behind_hole(16 + (4 << 40)), None);
    // Clusters smaller than a record: the next one begins in the hole, and goes on behind it.
    let small = Table { cluster: 512, runs: vec![run(0, None, 3), run(3, Some(1), 9)], ..table };
    assert_eq!((small.behind_hole(0), small.behind_hole(1), small.behind_hole(2)), (Some(1), Some(2), None));
}

#[test]
fn records_of_a_file_that_are_not_kept_are_counted() {
    let mut names = Names::default();
    for number in 100..100 + 4098 {
        let record = Record {
            is_used: true,
            base: 50,
            attributes: Vec::new(),
            further: std::collections::BTreeSet::new(),
        };
        names.add(number, record);
    }
    assert_eq!((names.further[&50].len(), names.dropped), (4096, 2));
}
