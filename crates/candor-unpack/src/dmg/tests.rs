//! Rows of every kind, and damage.

use candor_fixtures::container;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};
use crate::medium::{Medium as _, taken};

#[test]
fn rows_of_every_kind_are_one_partition() {
    let bytes = container::dmg_of(&[
        (1, b"stored".to_vec()),
        (0, Vec::new()),
        (0x8000_0004, b"\x82abc\x00\x02".to_vec()),
        (0x8000_0005, candor_fixtures::stream::zlib(b"zlib")),
        (0x8000_0006, candor_fixtures::stream::bzip2(b"bzip2")),
        (0x8000_0007, candor_fixtures::volume::lzfse(b"lzfse")),
        (0x8000_0008, candor_fixtures::stream::xz(b"xz")),
    ]);
    let found = Collected::of(FileType::Dmg, &bytes);
    assert_eq!(found.incomplete, []);
    let content = &found.children[0].bytes;
    assert_eq!((found.children[0].member.name.as_str(), content.len()), ("a", 7 * 512));
    let starts: Vec<_> = content.chunks(512).map(|row| &row[..6]).collect();
    assert_eq!(
        starts,
        [b"stored", b"\0\0\0\0\0\0", b"abcabc", b"zlib\0\0", b"bzip2\0", b"lzfse\0", b"xz\0\0\0\0"]
    );
    survives_damage(FileType::Dmg, &bytes);
}

#[test]
fn what_cannot_be_decoded_is_said() {
    let bytes = container::dmg_of(&[(0x8000_0009, b"new".to_vec()), (1, b"stored".to_vec())]);
    let found = Collected::of(FileType::Dmg, &bytes);
    assert_eq!(found.incomplete, [Reason::Unsupported("an unknown compression of disk images".to_owned())]);
    assert!(found.children[0].bytes[512..].starts_with(b"stored"));
}

#[test]
fn damaged_rows_are_told_and_do_not_take_others_along() {
    let zlib = candor_fixtures::stream::zlib(&[b'z'; 512]);
    for damaged in [
        (0x8000_0004_u32, b"\x82abc\x00\x09".to_vec()),
        (0x8000_0004, b"\x82a".to_vec()),
        (0x8000_0005, zlib[..zlib.len() / 2].to_vec()),
        (0x8000_0006, b"BZh9 is none".to_vec()),
        (0x8000_0007, b"bvx2 is cut".to_vec()),
        (0x8000_0008, b"\xfd7zXZ\0".to_vec()),
    ] {
        let bytes = container::dmg_of(&[damaged.clone(), (1, b"stored".to_vec())]);
        let found = Collected::of(FileType::Dmg, &bytes);
        let reason = Reason::Malformed("rows of a".to_owned());
        assert_eq!(found.incomplete, [reason], "{damaged:x?}");
        assert!(found.children[0].bytes[512..].starts_with(b"stored"));
    }
}

#[test]
fn the_disk_can_be_read_anywhere() {
    let rows = [
        (1, b"stored".to_vec()),
        (2, Vec::new()),
        (0x8000_0005, candor_fixtures::stream::zlib(&[b'z'; 512])),
        (0x8000_0007, candor_fixtures::volume::lzfse(&[b'l'; 512])),
        (0x8000_0005, b"damaged".to_vec()),
        (0x8000_0008, candor_fixtures::stream::xz(&[b'x'; 512])),
    ];
    let bytes = container::dmg_of(&rows);
    let mut sink = Collected::of(FileType::BinaryData, b"");
    let disk = super::disk::open(&bytes, &mut sink).unwrap();
    assert_eq!((disk.length(), sink.incomplete.len()), (6 * 512, 0));
    assert_eq!(taken(&disk, 0, 6), b"stored");
    assert_eq!(taken(&disk, 1000, 30), [&[0; 24][..], b"zzzzzz"].concat());
    assert_eq!(taken(&disk, 3 * 512 - 2, 4), b"zzll");
    // A damaged row is an error, and the rows around it are read.
    assert_eq!(taken(&disk, 4 * 512 - 2, 9), b"ll");
    assert!(disk.read_at(4 * 512, &mut [0; 10]).is_err());
    assert_eq!(taken(&disk, 5 * 512, 600), [b'x'; 512]);
    assert_eq!(taken(&disk, 6 * 512, 1), b"");
    for length in (0..bytes.len()).step_by(13) {
        if let Some(disk) = super::disk::open(&bytes[..length], &mut sink) {
            assert!(taken(&disk, 0, 4000).len() <= 4000);
        }
    }
}

/// An image whose list holds this.
fn with_list(list: &str) -> Vec<u8> {
    let mut trailer = vec![0; 512];
    trailer[..4].copy_from_slice(b"koly");
    trailer[224..232].copy_from_slice(&(list.len() as u64).to_be_bytes());
    [list.as_bytes(), &trailer].concat()
}

#[test]
fn that_there_are_more_partitions_than_are_given_is_said() {
    let table = container::base64(&[&b"mish"[..], &[0; 200]].concat());
    let partitions = |count: usize| {
        // What is no table counts for nothing.
        let list = "<data>AAAA</data>".repeat(1000) + &format!("<data>{table}</data>").repeat(count);
        let bytes = with_list(&list);
        let found = Collected::of(FileType::Dmg, &bytes);
        let mut sink = Collected::of(FileType::BinaryData, b"");
        assert!(super::disk::open(&bytes, &mut sink).is_none());
        (found.children.len(), found.incomplete, sink.incomplete.contains(&Reason::Children))
    };
    assert_eq!(partitions(256), (256, vec![], false));
    assert_eq!(partitions(257), (256, vec![Reason::Children], true));
}

#[test]
fn rows_that_are_too_many_or_too_large_are_told() {
    let rows = |count: u32, row: &[u8], there: usize| {
        let table = [&[0; 200][..], &count.to_be_bytes(), &row.repeat(there)].concat();
        super::rows(&table, 0).2
    };
    let zeros = [0; 40];
    assert_eq!(rows(1_000_000, &zeros, 1_000_001), None);
    assert_eq!(rows(1_000_001, &zeros, 1_000_000), None);
    assert_eq!(rows(1_000_001, &zeros, 1_000_001), Some("so many rows of a disk image"));
    for kind in [0x8000_0004_u32, 0x8000_0007] {
        let row =
            |sectors: u64| [&kind.to_be_bytes()[..], &[0; 12], &sectors.to_be_bytes(), &[0; 16]].concat();
        assert_eq!(rows(1, &row(1 << 15), 1), None);
        assert_eq!(rows(1, &row((1 << 15) + 1), 1), Some("a row of this size in a disk image"));
    }
}
