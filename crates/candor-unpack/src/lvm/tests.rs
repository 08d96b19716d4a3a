//! Logical volumes in one piece, in pieces and in stripes, over one disk and several, and texts that are not right.

use candor_fixtures::volume::{Lvm, lvm};
use candor_model::{ChildKind, FileType, Reason};

use super::*;
use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..6_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

/// What several disks give together.
fn together(disks: &[Vec<u8>]) -> Collected {
    let slices: Vec<&[u8]> = disks.iter().map(Vec::as_slice).collect();
    let media: Vec<&dyn Medium> = slices.iter().map(|disk| disk as &dyn Medium).collect();
    let mut found = Collected::of(FileType::BinaryData, b"");
    walk(&media, &mut found, &mut children(&slices));
    found
}

/// Puts another text in the place of the one that a disk has, with the right checks.
fn rewritten(disk: &mut [u8], change: impl Fn(&str) -> String) {
    let header = 4096;
    let area = |disk: &[u8]| disk[header..80 * 512].to_vec();
    let start = u64::from_le_bytes(disk[header + 40..header + 48].try_into().unwrap());
    let length = u64::from_le_bytes(disk[header + 48..header + 56].try_into().unwrap());
    let whole = area(disk);
    let medium = &whole[..];
    let text = Area { medium: &medium, offset: 0, length: whole.len() as u64 }.text(start, length);
    let text = change(&String::from_utf8(text).unwrap()).into_bytes();
    let place = header + 512;
    disk[place..place + text.len()].copy_from_slice(&text);
    disk[header + 40..header + 48].copy_from_slice(&512_u64.to_le_bytes());
    disk[header + 48..header + 56].copy_from_slice(&(text.len() as u64).to_le_bytes());
    disk[header + 56..header + 60].copy_from_slice(&IEEE.on(START, &text).to_le_bytes());
    let check = IEEE.on(START, &disk[header + 4..header + 512]);
    disk[header..header + 4].copy_from_slice(&check.to_le_bytes());
}

#[test]
fn volumes_come_out_as_they_went_in() {
    let text = text();
    let volumes: &[(&str, Lvm, &[u8])] = &[
        ("root", Lvm::Linear, &text),
        ("var", Lvm::Pieces, &text[..20_000]),
        ("home", Lvm::Striped, &text[1..28_001]),
    ];
    let one = Collected::of(FileType::Lvm, &lvm(1, "vg", volumes)[0]);
    let three = together(&lvm(3, "vg", volumes));
    for found in [&one, &three] {
        assert_eq!(found.incomplete, []);
        let names: Vec<&str> = found.children.iter().map(|child| child.member.name.as_str()).collect();
        assert_eq!(names, ["vg/root", "vg/var", "vg/home"]);
        for (child, (name, _, content)) in found.children.iter().zip(volumes) {
            assert!(child.bytes.starts_with(content) && child.absent.is_none(), "{name}");
            assert!(child.bytes[content.len()..].iter().all(|byte| *byte == 0), "{name}");
            assert_eq!(child.bytes.len() % 4096, 0);
        }
    }
    // One in one piece is no copy.
    assert!(matches!(one.children[0].kind, ChildKind::Embedded { offset: 40_960 }));
    assert_eq!(one.children[1].kind, ChildKind::Extracted);
}

#[test]
fn what_is_not_there_is_told_with_the_name_of_the_volume() {
    let volumes: &[(&str, Lvm, &[u8])] =
        &[("root", Lvm::Linear, b"content"), ("home", Lvm::Striped, b"other"), ("thin", Lvm::Thin, b"")];
    let disks = lvm(2, "vg", volumes);
    let found = Collected::of(FileType::Lvm, &disks[0]);
    assert_eq!(found.children.len(), 3);
    assert!(found.children[0].bytes.starts_with(b"content"));
    let told = |index: usize| match &found.children[index].absent {
        Some(Reason::Unsupported(why)) => why.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(1), "the logical volume vg/home: a part of it stands on pv1, which is not there");
    assert_eq!(told(2), "the logical volume vg/thin: it is of a kind (thin) that is not read");
}

#[test]
fn snapshots_are_told_by_their_name_and_parts_of_others_are_not_given() {
    let volumes: &[(&str, Lvm, &[u8])] =
        &[("root", Lvm::Linear, b"content"), ("snap", Lvm::Linear, b"changes")];
    let mut disk = lvm(1, "vg", volumes).remove(0);
    rewritten(&mut disk, |text| {
        let hidden = "pool_tdata {\nstatus = [\"READ\", \"WRITE\"]\nsegment_count = 1\nsegment1 {\nstart_extent = 0\n\
                      extent_count = 1\ntype = \"striped\"\nstripe_count = 1\nstripes = [\"pv0\", 0]\n}\n}\n";
        let snapshot = "snapshot0 {\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]\nsegment_count = 1\nsegment1 {\n\
                        start_extent = 0\nextent_count = 1\ntype = \"snapshot\"\norigin = \"root\"\n\
                        cow_store = \"snap\"\n}\n}\n";
        text.replacen("logical_volumes {\n", &format!("logical_volumes {{\n{hidden}{snapshot}"), 1)
    });
    let found = Collected::of(FileType::Lvm, &disk);
    assert_eq!(found.incomplete, []);
    let names: Vec<&str> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(names, ["vg/snap", "vg/root"]);
    let why = "the logical volume vg/snap: it is a snapshot of root, which is not read";
    assert_eq!(found.children[0].absent, Some(Reason::Unsupported(why.to_owned())));
}

#[test]
fn the_newest_sound_text_counts() {
    let mut disks = lvm(2, "vg", &[("root", Lvm::Linear, b"content")]);
    rewritten(&mut disks[1], |text| {
        text.replacen("seqno = 7", "seqno = 8", 1).replacen("root {", "newer {", 1)
    });
    let name = |found: &Collected| found.children[0].member.name.clone();
    assert_eq!(name(&together(&disks)), "vg/newer");
    rewritten(&mut disks[1], |text| text.replacen("seqno = 8", "seqno = 6", 1));
    assert_eq!(name(&together(&disks)), "vg/root");
    // A newer one that is damaged is worse than an older one.
    rewritten(&mut disks[1], |text| text.replacen("seqno = 6", "seqno = 9", 1));
    let at = disks[1].windows(5).position(|part| part == b"newer").unwrap();
    disks[1][at] = b'N';
    let found = together(&disks);
    assert_eq!((name(&found), found.incomplete), ("vg/root".to_owned(), vec![]));
    // When there is no other, it is read, and told.
    let at = disks[0].windows(6).position(|part| part == b"vg {\ni").unwrap();
    disks[0][at] = b'?';
    let found = together(&disks);
    assert_eq!(name(&found), "vg/Newer");
    assert!(found.incomplete.contains(&Reason::Malformed("the metadata of the volume group vg".to_owned())));
}

#[test]
fn a_group_that_is_described_elsewhere_is_told() {
    let mut disk = lvm(1, "vg", &[("root", Lvm::Linear, b"content")]).remove(0);
    // No area of metadata.
    disk[512 + 104..512 + 120].fill(0);
    let check = IEEE.on(START, &disk[512 + 20..1024]);
    disk[512 + 16..512 + 20].copy_from_slice(&check.to_le_bytes());
    let found = Collected::of(FileType::Lvm, &disk);
    let why = "what is said of a physical volume of LVM stands on another disk".to_owned();
    assert_eq!(found.incomplete, [Reason::Unsupported(why)]);
    // One that is of no group holds nothing.
    let mut disk = lvm(1, "vg", &[]).remove(0);
    disk[4096 + 40..4096 + 64].fill(0);
    let check = IEEE.on(START, &disk[4096 + 4..4096 + 512]);
    disk[4096..4100].copy_from_slice(&check.to_le_bytes());
    let found = Collected::of(FileType::Lvm, &disk);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![]));
}

#[test]
fn segments_that_make_no_sense_are_told_and_those_behind_the_end_are_read_as_far_as_they_go() {
    let content = text();
    for (from, to) in [
        ("start_extent = 0", "start_extent = 1"),
        ("extent_count = ", "extent_count = -"),
        ("stripe_count = 1", "stripe_count = 2"),
        ("\"pv0\", 0", "\"pv0\", 99999999999999999"),
        ("\"pv0\", 0", "\"pv7\", 0"),
        ("\"pv0\", 0", "\"pv0\""),
        ("segment_count = 1", "segment_count = 2"),
    ] {
        let mut disk = lvm(1, "vg", &[("root", Lvm::Linear, &content)]).remove(0);
        rewritten(&mut disk, |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let found = Collected::of(FileType::Lvm, &disk);
        assert!(matches!(&found.children[0].absent, Some(Reason::Unsupported(_))), "{to}: {found:?}");
    }
    for kind in [Lvm::Linear, Lvm::Striped, Lvm::Pieces] {
        let mut disk = lvm(1, "vg", &[("root", kind, &content)]).remove(0);
        disk.truncate(80 * 512 + 4096);
        let found = Collected::of(FileType::Lvm, &disk);
        let is_told = !found.incomplete.is_empty() || found.children[0].absent.is_some();
        assert!(is_told, "{kind:?}");
        assert!(kind == Lvm::Pieces || found.children[0].bytes == content[..4096], "{kind:?}");
    }
}

#[test]
fn damage_is_survived() {
    let text = text();
    let volumes: &[(&str, Lvm, &[u8])] = &[
        ("root", Lvm::Linear, &text[..5000]),
        ("var", Lvm::Pieces, &text[..9000]),
        ("home", Lvm::Striped, &text[..5000]),
    ];
    let disk = lvm(1, "vg", volumes).remove(0);
    survives_damage(FileType::Lvm, &disk);
    let fields = (512..680).chain(4096..4160);
    for at in fields.step_by(4) {
        for value in [0, 1, 0x7fff_ffff, u32::MAX] {
            let mut lying = disk.clone();
            lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let _ = Collected::of(FileType::Lvm, &lying);
        }
    }
}

#[test]
fn every_text_of_an_area_counts() {
    let mut disk = lvm(1, "vg", &[("root", Lvm::Linear, b"content")]).remove(0);
    let row = disk[4096 + 40..4096 + 64].to_vec();
    for number in 0..10 {
        let at = 4096 + 40 + number * 24;
        disk[at..at + 24].copy_from_slice(&row);
        // All but the last are to be passed over.
        disk[at + 20] |= u8::from(number < 9);
    }
    let check = IEEE.on(START, &disk[4096 + 4..4096 + 512]);
    disk[4096..4096 + 4].copy_from_slice(&check.to_le_bytes());
    let found = Collected::of(FileType::Lvm, &disk);
    assert_eq!((found.children.len(), found.incomplete), (1, vec![]));
}
