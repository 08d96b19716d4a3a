//! Partitions of every table, loops and overlaps.

use candor_fixtures::container;
use candor_fixtures::volume::{Lvm, lvm};
use candor_model::{Anomaly, FileType, Reason};

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

#[test]
fn the_second_table_of_a_disk_is_read_where_the_first_is_gone() {
    let damaged = Reason::Malformed("the first GUID partition table is damaged or missing".to_owned());
    for sector in [512, 4096] {
        let whole = container::gpt_with_second(sector, b"content");
        let shown = |file_type, disk: &[u8]| {
            let found = Collected::of(file_type, disk);
            assert_eq!(found.anomalies, [], "{sector}");
            let children = found.children.into_iter();
            let names: Vec<_> =
                children.map(|child| (child.member.name, child.bytes[..7].to_vec())).collect();
            (names, found.incomplete)
        };
        let there = vec![("a".to_owned(), b"content".to_vec())];
        assert_eq!(shown(FileType::Gpt, &whole), (there.clone(), vec![]), "{sector}");
        // The header is damaged, its rows, and all of it; then something follows the disk.
        let mut disk = whole.clone();
        disk[sector + 40] ^= 1;
        assert_eq!(shown(FileType::Gpt, &disk), (there.clone(), vec![damaged.clone()]), "{sector}");
        let mut disk = whole.clone();
        disk[2 * sector..3 * sector].fill(0);
        assert_eq!(shown(FileType::Gpt, &disk), (there.clone(), vec![damaged.clone()]), "{sector}");
        disk[sector..2 * sector].fill(0);
        assert_eq!(shown(FileType::Mbr, &disk), (there.clone(), vec![damaged.clone()]), "{sector}");
        survives_damage(FileType::Mbr, &disk);
        disk.extend([7; 10_000]);
        assert_eq!(shown(FileType::Mbr, &disk), (there, vec![damaged.clone()]), "{sector}");
        // Where there is no second either, the whole disk is what the record in front says.
        let end = disk.len() - 10_000;
        disk[end - sector..end].fill(0);
        let (names, told) = shown(FileType::Mbr, &disk);
        assert_eq!((names[0].0.as_str(), told), ("", vec![]), "{sector}");
    }
}

/// ClamAV 1.4.6 tells of the same ones.
#[test]
fn partitions_over_one_another_are_told() {
    let row = |start: u32, count: u32| {
        [&[0, 0, 0, 0, 6, 0, 0, 0][..], &start.to_le_bytes(), &count.to_le_bytes()].concat()
    };
    for (first, second, over) in [
        ((8, 8), (16, 8), false),
        ((8, 8), (12, 8), true),
        ((8, 9), (16, 8), true),
        ((8, 32), (16, 8), true),
        ((16, 8), (8, 32), true),
        ((8, 8), (8, 8), true),
    ] {
        let mut disk = vec![0_u8; 512 * 64];
        disk[446..462].copy_from_slice(&row(first.0, first.1));
        disk[462..478].copy_from_slice(&row(second.0, second.1));
        let told = Collected::of(FileType::Mbr, &disk).anomalies;
        let expected = if over { vec![Anomaly::PartitionIntersection("MBR")] } else { vec![] };
        assert_eq!(told, expected, "{first:?} {second:?}");
    }
    let map = |entries: [(&[u8], u32, u32); 2]| {
        let mut disk = vec![0_u8; 512 * 64];
        disk[..6].copy_from_slice(b"ER\0\0\x02\0");
        disk[2..4].copy_from_slice(&512_u16.to_be_bytes());
        for (index, (kind, start, count)) in entries.into_iter().enumerate() {
            let entry = &mut disk[512 * (index + 1)..];
            entry[..4].copy_from_slice(b"PM\0\0");
            entry[4..8].copy_from_slice(&2_u32.to_be_bytes());
            entry[8..12].copy_from_slice(&start.to_be_bytes());
            entry[12..16].copy_from_slice(&count.to_be_bytes());
            entry[48..48 + kind.len()].copy_from_slice(kind);
        }
        Collected::of(FileType::Apm, &disk).anomalies
    };
    let over = [Anomaly::PartitionIntersection("APM")];
    assert_eq!(map([(&b"Apple_partition_map"[..], 1, 2), (b"Apple_HFS", 8, 8)]), []);
    assert_eq!(map([(&b"Apple_partition_map"[..], 1, 2), (b"Apple_HFS", 2, 8)]), over);
    assert_eq!(map([(&b"Apple_HFS"[..], 8, 8), (b"Apple_HFS", 15, 8)]), over);
}

#[test]
fn physical_volumes_of_one_disk_are_put_together() {
    let text: Vec<u8> = (0..6_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect();
    let volumes: &[(&str, Lvm, &[u8])] = &[("root", Lvm::Striped, &text), ("home", Lvm::Linear, b"at home")];
    let disk = container::mbr_of(&[b"boot", &lvm(2, "vg", volumes)[0], &lvm(2, "vg", volumes)[1]]);
    let found = Collected::of(FileType::Mbr, &disk);
    assert_eq!(found.incomplete, []);
    let names: Vec<&str> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(names, ["", "vg/root", "vg/home"]);
    assert!(found.children[1].bytes.starts_with(&text));
    assert!(found.children[2].bytes.starts_with(b"at home\0"));
    // One alone is a partition like any other.
    let disk = container::mbr_of(&[b"boot", &lvm(1, "vg", volumes)[0]]);
    let found = Collected::of(FileType::Mbr, &disk);
    assert!(found.children[1].bytes[512..].starts_with(b"LABELONE"));
    survives_damage(FileType::Mbr, &disk);
}

#[test]
fn that_there_are_more_tables_and_partitions_than_are_looked_at_is_said() {
    let extended = |count: u32| {
        let mut disk = vec![0_u8; 512 * 512];
        // Each table has one partition and leads to the next one.
        for table in 0..count {
            let at = table as usize * 2 * 512 + 446;
            let row = |kind: u8, start: u32| {
                [&[0, 0, 0, 0, kind, 0, 0, 0][..], &start.to_le_bytes(), &1_u32.to_le_bytes()].concat()
            };
            disk[at..at + 16].copy_from_slice(&row(6, 1));
            if table + 1 < count {
                disk[at + 16..at + 32].copy_from_slice(&row(5, if table == 0 { 2 } else { table * 2 }));
            }
        }
        let found = Collected::of(FileType::Mbr, &disk);
        (found.children.len(), found.incomplete)
    };
    assert_eq!(extended(64), (64, vec![]));
    assert_eq!(extended(65), (64, vec![Reason::Children]));
    let map = |count: u32| {
        let mut disk = vec![0; 512];
        disk[..4].copy_from_slice(b"ER\x02\0");
        for index in 1..=count {
            let mut row = b"PM\0\0".to_vec();
            for value in [count, count + index, 1] {
                row.extend(value.to_be_bytes());
            }
            row.resize(48, b'n');
            row.extend(b"Apple_HFS");
            row.resize(512, 0);
            disk.extend(row);
        }
        disk.resize(disk.len() + (count as usize + 1) * 512, 7);
        let found = Collected::of(FileType::Apm, &disk);
        (found.children.len(), found.incomplete)
    };
    assert_eq!(map(256), (256, vec![]));
    assert_eq!(map(257), (256, vec![Reason::Children]));
}
