//! Archives of every method that is opened, encrypted and damaged.

use candor_fixtures::archive::{SEVEN_ZIP, SevenZip, seven_zip};
use candor_fixtures::seven_zip::of_nothing;
use candor_model::{Budget, FileType, Interrupt, Limits, Reason};
use sevenz_rust2::{Archive, Password};

use super::work::{Making, Purse, ROUNDS};
use crate::collected::{Collected, survives_damage};
use crate::crc;
use crate::ppmd;

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
fn the_password_that_was_right_is_tried_first_on_what_follows() {
    let files: Vec<(String, Vec<u8>)> =
        (0..6).map(|number| (format!("{number}"), vec![number; 100])).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (&name[..], &content[..])).collect();
    for (method, keys) in [(SevenZip::Copy, 3), (SevenZip::Lzma2, 4)] {
        // The third of the common ones; each member is a block. The key of the header is the library's.
        let bytes = seven_zip(method, Some("malware"), &files);
        let rounds = Making::of_header(&bytes).rounds();
        let found = Collected::with_keys(FileType::SevenZip, &bytes, keys * rounds);
        let is_whole =
            |(_, content): &(&str, &[u8])| found.children.iter().any(|child| child.bytes == *content);
        assert!(files.iter().all(is_whole), "{method:?} {:?}", found.incomplete);
        let found = Collected::with_keys(FileType::SevenZip, &bytes, keys * rounds - 1);
        let is_told = found.incomplete.contains(&Reason::Encrypted)
            || found.children.iter().any(|child| child.absent == Some(Reason::Encrypted));
        assert!(is_told, "{method:?}");
    }
}

#[test]
fn encrypted_blocks_of_other_methods_are_opened_too() {
    for method in [SevenZip::Zstd, SevenZip::Deflate64, SevenZip::Brotli, SevenZip::Lzma2WithSwap4] {
        let files: &[(&str, &[u8])] = &[("a", b"first"), ("b", b"second")];
        let found = Collected::of(FileType::SevenZip, &seven_zip(method, Some("infected"), files));
        assert_eq!(found.incomplete, [], "{method:?}");
        assert_eq!(found.children[0].bytes, b"first", "{method:?}");
        assert_eq!(found.children[1].bytes, b"second", "{method:?}");
        assert!(found.children.iter().all(|child| child.member.encrypted));
        let found = Collected::of(FileType::SevenZip, &seven_zip(method, Some("8hkj3h4"), files));
        assert_eq!(found.children.len(), 2);
        assert!(found.children.iter().all(|child| child.absent == Some(Reason::Encrypted)), "{method:?}");
    }
}

#[test]
fn a_damaged_member_of_another_method_costs_what_is_behind_it() {
    let (first, second) = (vec![b'a'; 70_000], vec![b'b'; 70_000]);
    let whole = seven_zip(SevenZip::Deflate64, None, &[("a", &first), ("b", &second), ("c", b"last")]);
    // The third stored block has a length that is not the complement of its complement.
    let mut bytes = whole.clone();
    bytes[32 + 2 * 60_005 + 1] ^= 1;
    let found = Collected::of(FileType::SevenZip, &bytes);
    assert!(found.children[0].bytes == first && found.children[0].absent.is_none());
    assert!(found.children[1].bytes == second[..50_000]);
    assert!(matches!(found.children[1].absent, Some(Reason::Malformed(_))));
    assert_eq!(found.children.len(), 2);
    // A member that is another than it was, and all others.
    let mut bytes = whole;
    bytes[32 + 5] ^= 1;
    let found = Collected::of(FileType::SevenZip, &bytes);
    assert_eq!(
        found.children[0].absent,
        Some(Reason::Malformed("the checksum of a member is wrong".to_owned()))
    );
    assert_eq!(found.children[0].bytes.len(), first.len());
    assert!(found.children[1].bytes == second && found.children[2].bytes == b"last");
}

#[test]
fn methods_that_nobody_reads_are_said() {
    // LZ5, which only the number tells from Zstandard.
    let mut bytes = seven_zip(SevenZip::Zstd, None, &[("a", b"x")]);
    let header = bytes.len() - 60;
    let place = header + bytes[header..].windows(4).position(|id| id == [4, 0xf7, 0x11, 1]).unwrap();
    bytes[place + 3] = 5;
    let next = 32 + u64::from_le_bytes(bytes[12..20].try_into().unwrap()) as usize;
    let sum = crc::IEEE.of(&[&bytes[next..]]).to_le_bytes();
    bytes[28..32].copy_from_slice(&sum);
    let sum = crc::IEEE.of(&[&bytes[12..32]]).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
    let found = Collected::of(FileType::SevenZip, &bytes);
    assert!(matches!(found.incomplete.as_slice(), [Reason::Unsupported(_)]), "{:?}", found.incomplete);
}

#[test]
fn rounds_for_passwords_are_counted_before_they_are_gone_through() {
    let bytes = seven_zip(SevenZip::Lzma2, Some("infected"), &[("a", b"content")]);
    let archive = Archive::read(&mut std::io::Cursor::new(&bytes), &Password::new("infected")).unwrap();
    let making = Making::of_block(&archive.blocks[0]);
    assert!(making.rounds().is_power_of_two());
    let (mut purse, mut budget) = (Purse::new(), Budget::new(Limits::default(), Interrupt::new(), 0));
    // The same key costs nothing, as it is kept; another one does, until there is nothing left.
    assert!((0..1_000).all(|_| purse.pay(&making, 1, &mut budget).is_some()));
    let paid = (2..).take_while(|number| purse.pay(&making, *number, &mut budget).is_some()).count();
    assert_eq!(u64::try_from(paid).unwrap() + 1, ROUNDS / making.rounds());
    assert!(purse.spend(&making, &mut budget).is_none());
    // One archive may cost as much as its file, and others are told as encrypted; of larger files more.
    assert!(Purse::new().pay(&making, 1, &mut budget).is_none());
    let mut budget = Budget::new(Limits::default(), Interrupt::new(), 2 * making.rounds());
    let paid = (0..).take_while(|_| Purse::new().spend(&making, &mut budget).is_some()).count();
    assert_eq!(u64::try_from(paid).unwrap(), ROUNDS / making.rounds() + 1);
    // An encrypted header says it in clear: a packed one, of AES with 2^24 rounds, without salt.
    let mut header = b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0".to_vec();
    let encoded = [0x17, 6, 0, 1, 7, 0x0b, 1, 0, 1, 0x24, 6, 0xf1, 7, 1, 2, 0x58, 0x0f];
    header.extend(0_u64.to_le_bytes());
    header.extend((encoded.len() as u64).to_le_bytes());
    header.extend([0; 4]);
    header.extend(encoded);
    assert_eq!(Making::of_header(&header).rounds(), 1 << 24);
    assert_ne!(Making::of_header(&bytes), Making::default());
    let plain = seven_zip(SevenZip::Lzma2, None, &[("a", b"content")]);
    assert_eq!(Making::of_header(&plain), Making::default());
    // More than there is: nothing is tried.
    assert_eq!(Collected::of(FileType::SevenZip, &header).incomplete.len(), 1);
}

#[test]
fn a_bomb_is_cut_and_what_follows_it_is_not_decoded() {
    let bytes = seven_zip(SevenZip::Lzma2, None, &[("zeros", &vec![0; 8 << 20])]);
    let limits = Limits { max_scan_size: 1 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::SevenZip, &bytes, limits);
    assert!(found.budget.bytes() <= 1 << 20);
}

#[test]
fn the_first_of_several_parts_says_what_is_missing() {
    let bytes = seven_zip(SevenZip::Lzma2, None, &[("a", b"content")]);
    let found = Collected::of(FileType::SevenZip, &bytes[..bytes.len() - 5]);
    assert_eq!(
        found.incomplete,
        [Reason::Malformed(
            "the last 5 bytes of a 7z archive, with the list of its members: it is cut short, or other parts hold them"
                .to_owned()
        )]
    );
}

#[test]
fn damage_is_survived() {
    for method in [
        SevenZip::Lzma,
        SevenZip::Ppmd,
        SevenZip::Lzma2WithX86,
        SevenZip::Deflate64WithTwoFilters,
        SevenZip::BrotliFrames,
        SevenZip::LzmaWithSwap2,
        SevenZip::ZstdWithArm64,
    ] {
        survives_damage(
            FileType::SevenZip,
            &seven_zip(method, None, &[("a", b"first"), ("b", b"second second")]),
        );
    }
    for method in [SevenZip::Zstd, SevenZip::Brotli] {
        survives_damage(FileType::SevenZip, &seven_zip(method, Some("infected"), &[("a", b"first")]));
    }
}

#[test]
fn what_slow_decoders_give_is_paid_for() {
    let content = vec![0; 100_000];
    let archive = seven_zip(SevenZip::Ppmd, None, &[("a", &content)]);
    let price = Collected::work_of(FileType::SevenZip, &archive);
    let found = Collected::with_work(FileType::SevenZip, &archive, price);
    assert_eq!((&found.children[0].bytes, &found.children[0].absent), (&content, &None));
    // As much as there is work for, and no more.
    let found = Collected::with_work(FileType::SevenZip, &archive, price - 1_000 * ppmd::DECODING);
    assert_eq!((found.children[0].bytes.len(), &found.children[0].absent), (99_000, &Some(Reason::Work)));
    assert_eq!(found.budget.work(), 0);
}

#[test]
fn memory_for_models_is_paid_for() {
    let content = b"content ".repeat(10_000);
    let archive = seven_zip(SevenZip::Ppmd, None, &[("a", &content)]);
    let found = Collected::of(FileType::SevenZip, &archive);
    assert_eq!((found.children[0].bytes == content, &found.incomplete[..]), (true, &[][..]));
    let found = Collected::without_work(FileType::SevenZip, &archive);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::Work]));
    let locked = seven_zip(SevenZip::Ppmd, Some("infected"), &[("a", &content)]);
    assert_eq!(Collected::of(FileType::SevenZip, &locked).children[0].bytes, content);
    let found = Collected::without_work(FileType::SevenZip, &locked);
    assert_eq!(found.children[0].absent, Some(Reason::Work));
}

#[test]
fn memory_for_the_model_of_a_header_is_paid_for() {
    let sum = |bytes: &[u8]| crc::IEEE.of(&[bytes]).to_le_bytes();
    let archive = |memory: u32| {
        let method = [&[0x17, 6, 0x23, 3, 4, 1, 5, 6][..], &memory.to_le_bytes()].concat();
        let length = u64::try_from(method.len()).unwrap();
        let place = [&0_u64.to_le_bytes()[..], &length.to_le_bytes(), &sum(&method)].concat();
        [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &sum(&place), &place, &method].concat()
    };
    assert_eq!(super::work::of_header(&archive(16 << 20)), 1 << 19);
    assert_eq!(super::work::of_header(&archive(160 << 20)), 20 << 20);
    // The library refuses what is larger.
    assert_eq!(super::work::of_header(&archive(161 << 20)), 0);
    let found = Collected::without_work(FileType::SevenZip, &archive(16 << 20));
    assert_eq!(found.incomplete, [Reason::Work]);
}

#[test]
fn blocks_that_hold_nothing_are_paid_for() {
    for is_brotli in [true, false] {
        let bytes = of_nothing(is_brotli, 60_000);
        let told = |work| {
            let found = Collected::with_work(FileType::SevenZip, &bytes, work);
            // What the library is asked for is told of the archive, what is read here of the member.
            let is_told = found.incomplete.contains(&Reason::Work)
                || found.children.iter().any(|child| child.absent == Some(Reason::Work));
            (is_told, found.budget.work())
        };
        let (is_over, left) = told(20 << 20);
        assert!(!is_over && left < 12 << 20, "{is_brotli} {left}");
        assert_eq!(told(1 << 20), (true, 0), "{is_brotli}");
    }
}
