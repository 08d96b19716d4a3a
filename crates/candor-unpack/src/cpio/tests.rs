//! Archives of every header, one behind another, and damaged.

use candor_fixtures::archive::{Cpio, cpio};
use candor_model::{ChildKind, FileType, Reason};

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

/// Without what fills its last block.
fn trimmed(mut archive: Vec<u8>) -> Vec<u8> {
    archive.truncate(archive.iter().rposition(|byte| *byte != 0).unwrap() + 4);
    archive
}

#[test]
fn a_header_is_found_behind_what_is_none() {
    for (kind, file_type) in KINDS {
        let archive = cpio(kind, &[("a", b"first"), ("dir/b", b"second!"), ("c", b"third")]);
        let whole = Collected::of(file_type, &archive);
        let ChildKind::Embedded { offset } = whole.children[0].kind else { panic!() };
        // Behind the first content, and what fills it up.
        let place = match kind {
            Cpio::Odc => offset + 5,
            Cpio::Binary | Cpio::BinaryBig => offset + 6,
            _ => (offset + 5).next_multiple_of(4),
        } as usize;
        let bytes = [&archive[..place], &b"JUNK 0707 \xc7\x71 ".repeat(50), &archive[place..]].concat();
        let found = Collected::of(file_type, &bytes);
        let names: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
        assert_eq!(names, ["a", "dir/b", "c"], "{kind:?}");
        assert_eq!(found.incomplete, [Reason::Malformed(format!("cpio header at {place}"))], "{kind:?}");
        assert!(super::cut(&bytes).whole > place + 700, "{kind:?}");
        assert!(
            Collected::without_work(file_type, &[&bytes[..], &[b'x'; 4000]].concat()).incomplete.len() < 3
        );
    }
}

#[test]
fn what_is_behind_the_trailer_is_a_child() {
    let first = cpio(Cpio::Newc, &[("a", b"first")]);
    let second = candor_fixtures::stream::gzip(b"the second part");
    for padding in [0, 4, 512] {
        let bytes = [&trimmed(first.clone())[..], &vec![0; padding], &second].concat();
        let found = Collected::of(FileType::CpioNewc, &bytes);
        assert_eq!(found.incomplete, []);
        assert_eq!(found.children.len(), 2);
        assert_eq!(found.children[1].bytes, second);
        let bytes = [&bytes[..], &first].concat();
        let found = Collected::of(FileType::CpioNewc, &bytes).children;
        assert_eq!((found.len(), &found[2].bytes[..]), (3, &b"first"[..]));
    }
}

#[test]
fn an_archive_that_is_cut_in_a_header_is_said_to_be() {
    let archive = cpio(Cpio::Newc, &[("a", b"first"), ("b", b"second")]);
    let second = archive.windows(6).rposition(|bytes| bytes == b"second").unwrap() - 112;
    let found = Collected::of(FileType::CpioNewc, &archive[..second + 50]);
    assert_eq!((found.children.len(), found.incomplete.len()), (1, 1));
}

#[test]
fn an_archive_that_is_cut_between_members_is_said_to_be() {
    for (kind, file_type) in KINDS {
        let whole = cpio(kind, &[("a", b"first"), ("b", b"second"), ("empty", b"")]);
        let ends = [&b"second"[..], b"empty\0", b"TRAILER"].map(|name| {
            let place = whole.windows(name.len()).rposition(|bytes| bytes == name).unwrap();
            // At the end of a content or of a name, and in front of the last header.
            if name == b"TRAILER" { place - header_length(kind) } else { place + name.len() }
        });
        for end in ends {
            let cut = &whole[..end];
            let found = Collected::of(file_type, cut);
            let reason = Reason::Malformed("the end of a cpio archive, which is cut short".to_owned());
            assert_eq!((found.children.len(), found.incomplete), (2, vec![reason]), "{kind:?} {end}");
            // Of one that comes in parts, each may end like that.
            let half = candor_model::Limits::default().max_memory / 2;
            assert_eq!(Collected::holding(file_type, cut, half).incomplete, [], "{kind:?}");
            assert_eq!(Collected::holding(file_type, cut, half / 2).incomplete.len(), 1, "{kind:?}");
        }
        assert_eq!(Collected::of(file_type, &whole).incomplete, [], "{kind:?}");
    }
}

fn header_length(kind: Cpio) -> usize {
    match kind {
        Cpio::Binary | Cpio::BinaryBig => 26,
        Cpio::Odc => 76,
        Cpio::Newc | Cpio::Crc => 110,
    }
}

#[test]
fn records_of_nothing_are_paid_for() {
    let mut bytes = [&[0xc7, 0x71][..], &[0; 24]].concat().repeat(1000);
    bytes.extend(cpio(Cpio::Newc, &[("a", b"content")]));
    let found = Collected::of(FileType::CpioOld, &bytes);
    assert_eq!((found.children.len(), found.incomplete.len()), (1, 0));
    assert_eq!(Collected::without_work(FileType::CpioOld, &bytes).incomplete, [Reason::Work]);
}
