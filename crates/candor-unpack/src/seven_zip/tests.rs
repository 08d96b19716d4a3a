//! Archives of every method that is opened, encrypted and damaged.

use candor_fixtures::archive::{SEVEN_ZIP, SevenZip, seven_zip};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn members_of_every_method_are_given() {
    let text: Vec<u8> = (0..20_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect();
    for method in SEVEN_ZIP {
        let found =
            Collected::of(FileType::SevenZip, &seven_zip(method, None, &[("a", b"first"), ("dir/b", &text)]));
        assert_eq!(found.incomplete, [], "{method:?}");
        assert_eq!(found.children[0].bytes, b"first");
        assert!(found.children[1].bytes == text, "{method:?}");
        assert_eq!(found.children[1].member.name, "dir/b");
    }
}

#[test]
fn encrypted_archives_are_opened_with_common_passwords() {
    let found = Collected::of(
        FileType::SevenZip,
        &seven_zip(SevenZip::Lzma2, Some("infected"), &[("a", b"content")]),
    );
    assert_eq!(found.children[0].bytes, b"content");
    let found =
        Collected::of(FileType::SevenZip, &seven_zip(SevenZip::Lzma2, Some("8hkj3h4"), &[("a", b"content")]));
    let is_said = found.incomplete.contains(&Reason::Encrypted)
        || found.children.iter().any(|child| child.absent == Some(Reason::Encrypted));
    assert!(is_said, "{:?} {:?}", found.incomplete, found.children);
}

#[test]
fn a_bomb_is_cut_and_what_follows_it_is_not_decoded() {
    let bytes = seven_zip(SevenZip::Lzma2, None, &[("zeros", &vec![0; 8 << 20])]);
    let limits = Limits { max_scan_size: 1 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::SevenZip, &bytes, limits);
    assert!(found.budget.bytes() <= 1 << 20);
}

#[test]
fn damage_is_survived() {
    for method in [SevenZip::Lzma, SevenZip::Ppmd, SevenZip::Lzma2WithX86] {
        survives_damage(
            FileType::SevenZip,
            &seven_zip(method, None, &[("a", b"first"), ("b", b"second second")]),
        );
    }
}
