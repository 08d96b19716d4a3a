//! Archives of every header, one behind another, and damaged.

use candor_fixtures::archive::{Cpio, cpio};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

const KINDS: [(Cpio, FileType); 5] = [
    (Cpio::Binary, FileType::CpioOld),
    (Cpio::BinaryBig, FileType::CpioOld),
    (Cpio::Crc, FileType::CpioCrc),
    (Cpio::Newc, FileType::CpioNewc),
    (Cpio::Odc, FileType::CpioOdc),
];

#[test]
fn files_of_every_header_are_given() {
    for (kind, file_type) in KINDS {
        let archive = cpio(kind, &[("a", b"first"), ("dir/b", b"second!"), ("empty", b"")]);
        let both = [archive.clone(), vec![0; 512], cpio(Cpio::Newc, &[("c", b"third")])].concat();
        let found = Collected::of(file_type, &both).children;
        let shown: Vec<_> =
            found.iter().map(|child| (child.member.name.as_str(), child.bytes.as_slice())).collect();
        assert_eq!(shown, [("a", &b"first"[..]), ("dir/b", b"second!"), ("c", b"third")], "{kind:?}");
        survives_damage(file_type, &archive);
    }
}

#[test]
fn a_cut_member_is_given_and_said() {
    let archive = cpio(Cpio::Newc, &[("a", b"first and last")]);
    let found = Collected::of(FileType::CpioNewc, &archive[..archive.len() - 128]);
    assert!(b"first and last".starts_with(&found.children[0].bytes[..]));
    assert_eq!(found.incomplete.len(), 1);
}

#[test]
fn records_of_nothing_are_paid_for() {
    let mut bytes = [&[0xc7, 0x71][..], &[0; 24]].concat().repeat(1000);
    bytes.extend(cpio(Cpio::Newc, &[("a", b"content")]));
    let found = Collected::of(FileType::CpioOld, &bytes);
    assert_eq!((found.children.len(), found.incomplete.len()), (1, 0));
    assert_eq!(Collected::without_work(FileType::CpioOld, &bytes).incomplete, [Reason::Work]);
}
