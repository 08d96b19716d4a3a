//! Packages of both kinds, cut short, and fields in one another without end.

use candor_fixtures::installer::{sis, sisx};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn files_of_old_packages_are_given() {
    let found = Collected::of(FileType::Sis, &sis(&[("!:\\a.exe", b"first"), ("b", &[7; 5000])]));
    assert_eq!(found.incomplete, []);
    let shown: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(shown, ["!:\\a.exe", "b"]);
    assert!(found.children[0].bytes == b"first" && found.children[1].bytes == [7; 5000]);
}

#[test]
fn files_of_new_packages_are_given() {
    let found = Collected::of(FileType::Sis, &sisx(&[("a", b"first"), ("b", &[7; 5000])]));
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[0].bytes, b"the controller");
    assert!(found.children[1].bytes == b"first" && found.children[2].bytes == [7; 5000]);
}

#[test]
fn what_is_cut_or_unknown_is_said() {
    let bytes = sis(&[("a", b"first"), ("b", &[7; 5000])]);
    let found = Collected::of(FileType::Sis, &bytes[..bytes.len() - 4]);
    assert_eq!(found.incomplete, [Reason::Malformed("the file b is cut short".to_owned())]);
    let mut unknown = bytes;
    unknown[100] = 99;
    let found = Collected::of(FileType::Sis, &unknown);
    assert!(matches!(found.incomplete.as_slice(), [Reason::Malformed(_)]));
    let bytes = sisx(&[("a", b"first"), ("b", &[7; 5000])]);
    let found = Collected::of(FileType::Sis, &bytes[..bytes.len() - 8]);
    assert!(matches!(found.incomplete.first(), Some(Reason::Malformed(_))));
    assert_eq!(found.children[1].bytes, b"first");
}

#[test]
fn fields_in_one_another_end() {
    let mut bytes = vec![0x7a, 0x1a, 0x20, 0x10];
    bytes.resize(16, 0);
    for left in (0..20_000_u32).rev() {
        bytes.extend(12_u32.to_le_bytes());
        bytes.extend((left * 8).to_le_bytes());
    }
    assert!(Collected::of(FileType::Sis, &bytes).children.is_empty());
    // Fields without content, more of them than are looked at.
    let bytes = [&[0x7a, 0x1a, 0x20, 0x10][..], &[0; 12], &[12, 0, 0, 0, 0, 0, 0, 0].repeat(40_000)].concat();
    assert_eq!(Collected::of(FileType::Sis, &bytes).incomplete, [Reason::Children]);
}

#[test]
fn damage_is_survived() {
    for bytes in [sis(&[("a", b"first"), ("b", b"x")]), sisx(&[("a", b"first"), ("b", b"x")])] {
        survives_damage(FileType::Sis, &bytes);
        for at in (0..bytes.len().saturating_sub(4)).step_by(4) {
            for value in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::Sis, &lying);
            }
        }
    }
}

#[test]
fn fields_that_are_too_deep_are_told() {
    let nested = |depth: u32, array: bool| {
        let mut bytes = vec![0x7a, 0x1a, 0x20, 0x10];
        bytes.resize(16, 0);
        for left in (1..=depth).rev() {
            // An array says the type of what is in it.
            let is_array = array && left == 1;
            bytes.extend(if is_array { 2_u32 } else { 12 }.to_le_bytes());
            bytes.extend(((left - 1) * 8 + if array { 4 } else { 0 }).to_le_bytes());
        }
        bytes.extend(if array { vec![12, 0, 0, 0] } else { Vec::new() });
        Collected::of(FileType::Sis, &bytes).incomplete
    };
    for array in [false, true] {
        assert_eq!(nested(12, array), [], "{array}");
        assert_eq!(nested(13, array), [Reason::Depth], "{array}");
    }
}
