//! Disks of every kind, with holes, packed and not, damaged, and based on others.

use candor_fixtures::virtual_disk::{qcow2, vhd, vhd_fixed, vhdx, vmdk};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

/// Content, a hole, and content again.
fn disk() -> Vec<u8> {
    let words = (0..4_000_u32).flat_map(|number| format!("{number} ").into_bytes());
    words.chain([0; 40_000]).chain(*b"behind the hole").chain([0; 5000]).collect()
}

type Case = (FileType, fn(&[u8]) -> Vec<u8>);

const CASES: [Case; 8] = [
    (FileType::Vhd, vhd_fixed),
    (FileType::Vhd, vhd),
    (FileType::Vhdx, vhdx),
    (FileType::Vmdk, |disk| vmdk(false, disk)),
    (FileType::Vmdk, |disk| vmdk(true, disk)),
    (FileType::Qcow2, |disk| qcow2(0, disk)),
    (FileType::Qcow2, |disk| qcow2(1, disk)),
    (FileType::Qcow2, |disk| qcow2(2, disk)),
];

#[test]
fn the_raw_disk_is_given() {
    for (file_type, pack) in CASES {
        let found = Collected::of(file_type, &pack(&disk()));
        assert_eq!(found.incomplete, [], "{file_type}");
        assert_eq!(found.children[0].absent, None, "{file_type}");
        // Some count in sectors.
        assert!(found.children[0].bytes.starts_with(&disk()), "{file_type}");
        assert!(found.children[0].bytes.len() < disk().len() + 512);
    }
}

#[test]
fn large_disks_end_behind_what_is_on_them() {
    // Of a tebibyte, as the headers say, what was written is all that comes.
    let mut bytes = vhd(&disk());
    let footer = bytes.len() - 512;
    bytes[footer + 48..footer + 56].copy_from_slice(&(1_u64 << 40).to_be_bytes());
    let found = Collected::of(FileType::Vhd, &bytes);
    assert!(found.children[0].bytes.len() <= 64 << 20 && found.children[0].bytes.starts_with(&disk()));
    let mut bytes = qcow2(1, &disk());
    bytes[24..32].copy_from_slice(&(1_u64 << 40).to_be_bytes());
    let found = Collected::with_limits(FileType::Qcow2, &bytes, Limits::default());
    assert!(found.children[0].bytes.len() <= 64 << 20 && found.children[0].bytes.starts_with(&disk()));
}

#[test]
fn blocks_behind_the_end_are_said() {
    for (file_type, pack) in &CASES[1..] {
        let bytes = pack(&disk());
        // The tables of a growing VHDX and the footer of a stream are in front or needed, so these are cut
        // where content begins.
        let mut damaged = bytes.clone();
        let at = bytes.windows(16).position(|part| part == b"behind the hole\0");
        let Some(at) = at.filter(|_| *file_type != FileType::Vhd) else { continue };
        damaged.truncate(at);
        if bytes.starts_with(b"KDMV") {
            continue;
        }
        let found = Collected::of(*file_type, &damaged);
        assert!(found.children[0].absent.is_some(), "{file_type}");
        assert!(found.children[0].bytes.starts_with(b"0 1 2 3 "), "{file_type}");
    }
}

#[test]
fn what_stands_in_another_disk_is_said() {
    let mut bytes = vhd(&disk());
    let kind = bytes.len() - 512 + 63;
    bytes[kind] = 4;
    let based = Reason::Unsupported("what stands in the disk that this one is based on".to_owned());
    assert_eq!(Collected::of(FileType::Vhd, &bytes).incomplete, std::slice::from_ref(&based));
    let mut bytes = qcow2(0, &disk());
    bytes[15] = 104;
    assert_eq!(Collected::of(FileType::Qcow2, &bytes).incomplete, std::slice::from_ref(&based));
    bytes[15] = 0;
    bytes[35] = 2;
    assert_eq!(Collected::of(FileType::Qcow2, &bytes).incomplete, [Reason::Encrypted]);
    let mut bytes = vhdx(&disk());
    bytes[(1 << 20) + 65_536 + 4] = 2;
    assert_eq!(Collected::of(FileType::Vhdx, &bytes).incomplete, [based]);
    bytes[(1 << 20) + 65_536 + 4] = 0;
    bytes[(64 << 10) + 48] = 1;
    assert!(matches!(Collected::of(FileType::Vhdx, &bytes).incomplete.as_slice(), [Reason::Unsupported(_)]));
}

#[test]
fn versions_that_are_not_read_are_no_damage() {
    for version in [1_u8, 4] {
        let mut bytes = qcow2(0, &disk());
        bytes[7] = version;
        let reason = Reason::Unsupported(format!("version {version} of QCOW"));
        assert_eq!(Collected::of(FileType::Qcow2, &bytes).incomplete, [reason]);
    }
}

#[test]
fn damage_is_survived() {
    let small = &disk()[..6000];
    for (file_type, pack) in CASES {
        let bytes = pack(small);
        if file_type != FileType::Vhdx {
            survives_damage(file_type, &bytes);
        }
        let limits = Limits { max_scan_size: 1 << 20, ..Limits::default() };
        let fields =
            [(0, 128), (512, 640), (1536, 1600), (64 << 10, (64 << 10) + 64), (192 << 10, (192 << 10) + 80)];
        let mut places: Vec<usize> =
            fields.into_iter().flat_map(|(from, to)| (from..to).step_by(4)).collect();
        places.extend((1 << 20..(1 << 20) + 128).step_by(4));
        places.extend(((1 << 20) + 65_536..(1 << 20) + 65_556).step_by(4));
        places.extend((2 << 20..(2 << 20) + 16).step_by(4));
        places.extend((bytes.len() - 1024..bytes.len() - 4).step_by(4));
        let mut lying = bytes.clone();
        for at in places.into_iter().filter(|at| at + 4 <= bytes.len()) {
            for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                lying[at..at + 4].copy_from_slice(&value.to_be_bytes());
                let found = Collected::with_limits(file_type, &lying, limits);
                assert!(found.budget.bytes() <= limits.max_scan_size);
            }
            lying[at..at + 4].copy_from_slice(&bytes[at..at + 4]);
        }
    }
}
