//! Installers of every compression, in one stream and not, damaged, and with files that are not there.

use candor_fixtures::installer::{NSIS, Nsis, nsis};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};
use crate::work::Allowance;

/// Text with long runs, which bzip2 codes in a way of its own.
fn text() -> Vec<u8> {
    let lines = (0..9_000_u32)
        .flat_map(|line| format!("{line:x} {}\n", line.wrapping_mul(2_654_435_761)).into_bytes());
    lines.chain([b'a'; 70_000]).chain((0..3).flat_map(|run| vec![b'b'; 250 + run])).collect()
}

#[test]
fn files_of_every_compression_are_given_with_their_names() {
    for method in NSIS {
        for is_solid in [false, true] {
            if method == Nsis::Stored && is_solid {
                continue;
            }
            let bytes = nsis(method, is_solid, &[("$INSTDIR\\a.exe", b"first"), ("b", &text()), ("c", b"")]);
            let found = Collected::of(FileType::Nulsft, &bytes);
            assert_eq!(found.incomplete, [], "{method:?} {is_solid}");
            let names: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
            assert_eq!(names, ["script", "$INSTDIR\\a.exe", "b", "c"], "{method:?} {is_solid}");
            assert!(found.children.iter().all(|child| child.absent.is_none()), "{method:?} {is_solid}");
            assert_eq!(found.children[1].bytes, b"first");
            assert!(found.children[2].bytes == text(), "{method:?} {is_solid}");
            assert_eq!(found.children[3].bytes, b"");
        }
    }
}

#[test]
fn stored_blocks_of_ordinary_deflate_are_read_too() {
    // Content that nothing packs, so that an ordinary encoder stores it.
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let bytes = nsis(Nsis::Deflate, true, &[("a", &noise), ("b", b"behind")]);
    assert!(bytes.windows(50).any(|part| part == &noise[50_000..50_050]), "nothing is stored");
    let found = Collected::of(FileType::Nulsft, &bytes);
    assert!(found.children[1].bytes == noise && found.children[2].bytes == b"behind");
}

#[test]
fn an_installer_is_found_behind_what_is_no_part_of_it() {
    let mut bytes = vec![0x90; 700];
    bytes.extend(nsis(Nsis::Deflate, true, &[("a", b"content")]));
    assert_eq!(Collected::of(FileType::Nulsft, &bytes).children[1].bytes, b"content");
    // Far behind other data it is found as an embedded object.
    let mut bytes = vec![0x90; 9000];
    bytes.extend(nsis(Nsis::Deflate, true, &[("a", b"content")]));
    let found = Collected::of(FileType::BinaryData, &bytes);
    assert!(found.children.iter().any(|child| child.bytes == bytes[9000..]), "{:?}", found.children.len());
}

#[test]
fn what_is_too_large_does_not_hide_what_follows() {
    let bytes = nsis(Nsis::Lzma, true, &[("a", &vec![0; 3 << 20]), ("b", b"behind")]);
    let limits = Limits { max_file_size: 1 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::Nulsft, &bytes, limits);
    assert_eq!(found.children[1].bytes.len(), 1 << 20);
    assert_eq!(found.children[2].bytes, b"behind");
}

#[test]
fn what_the_script_speaks_of_and_is_not_there_is_said() {
    for is_solid in [false, true] {
        let mut bytes = nsis(Nsis::Deflate, is_solid, &[("a", b"first"), ("b", &text())]);
        bytes.truncate(bytes.len() / 2);
        let found = Collected::of(FileType::Nulsft, &bytes);
        assert_eq!(found.children[1].bytes, b"first");
        let last = found.children.last().unwrap();
        assert!(last.absent.is_some() && last.bytes.len() > 1000 && text().starts_with(&last.bytes));
        assert!(matches!(found.incomplete.first(), Some(Reason::Malformed(_))), "{:?}", found.incomplete);
    }
    // One that ends with a file, without a word: the script speaks of another.
    let bytes = nsis(Nsis::DeflateStored, true, &[("a", b"first"), ("b", b"second")]);
    let mut short = bytes.clone();
    let cut = bytes.len() - 4 - 10;
    short.drain(cut..cut + 10);
    let stored = u16::from_le_bytes([short[29], short[30]]) - 10;
    short[29..31].copy_from_slice(&stored.to_le_bytes());
    let length = u32::from_le_bytes([short[24], short[25], short[26], short[27]]) - 10;
    short[24..28].copy_from_slice(&length.to_le_bytes());
    let found = Collected::of(FileType::Nulsft, &short);
    assert_eq!(found.children.len(), 2);
    assert_eq!(found.incomplete, [Reason::Malformed("1 files of an installer are not there".to_owned())]);
}

/// What writes a file of the first string, whose data stand at 7.
const WRITES: [u32; 7] = [20, 0, 1, 7, 0x5637_6900, 0x01dd_7ee7, 0xffff_ffdb];

/// What a script with these instructions and strings says of files.
fn names(is_wide: bool, instructions: &[[u32; 7]], strings: &[u8]) -> Vec<(u64, String)> {
    let entries = if is_wide { 100 } else { 68 };
    let count = instructions.len() as u32;
    let behind = entries + 28 * count;
    let mut script = vec![0; 4];
    for (place, count) in
        [(entries, 0), (entries, 0), (entries, count), (behind, 0)].into_iter().chain([(0, 0); 4])
    {
        script.extend(place.to_le_bytes());
        script.extend(&[0; 4][..if is_wide { 4 } else { 0 }]);
        script.extend(count.to_le_bytes());
    }
    script.extend(instructions.as_flattened().iter().flat_map(|value| value.to_le_bytes()));
    script.extend(strings);
    super::script::names(&script, &Allowance::new(u64::MAX)).into_iter().collect()
}

#[test]
fn names_show_variables_in_old_and_new_scripts() {
    for (strings, shown) in [
        (&b"\0\x03\x95\x80\\a.exe\0"[..], "$INSTDIR\\a.exe"),
        (b"\0\xfd\x95\x80\\a.exe\0", "$INSTDIR\\a.exe"),
        (b"\0\x03\x8b\x80x\0", "$R1x"),
        (&[0, 0, 3, 0, 0x95, 0x80, b'\\', 0, b'a', 0, 0, 0], "$INSTDIR\\a"),
    ] {
        assert_eq!(names(false, &[WRITES], strings), [(7, shown.to_owned())]);
    }
}

#[test]
fn names_are_read_where_offsets_are_wide() {
    assert_eq!(names(true, &[WRITES], b"\0a\0\x03"), [(7, "a".to_owned())]);
}

#[test]
fn only_what_writes_a_file_speaks_of_one() {
    // For a place, for a temporary file, for deleting and for asking, as the compiler writes them.
    let others = [
        [18, 0, 1, 0, 0, 0, 0],
        [19, 1, 1, 0, 0, 0, 0],
        [21, 1, 0, 0, 0, 0, 0],
        [22, 4, 1, 6, 5, 7, 6],
        [22, 0x20_0010, 1, 0, 0, 0, 0],
    ];
    assert_eq!(names(false, &others, b"\0a\0\x03"), []);
    // No time is to be set, and another number.
    let [_, rest @ ..] = WRITES;
    for number in [18, 19, 22] {
        let [a, b, c, ..] = rest;
        let writes = [number, a, b, c, u32::MAX, u32::MAX, 0];
        assert_eq!(
            names(false, &[others.to_vec(), vec![writes]].concat(), b"\0a\0\x03"),
            [(7, "a".to_owned())]
        );
    }
}

#[test]
fn lengths_that_lie_are_survived() {
    for method in NSIS {
        for is_solid in [false, true] {
            let bytes = nsis(method, is_solid, &[("a", b"first"), ("b", &text()[..3000])]);
            survives_damage(FileType::Nulsft, &bytes);
            for field in [20, 24, 28] {
                for value in [0, 1, 27, 28, 29, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                    let mut lying = bytes.clone();
                    lying[field..field + 4].copy_from_slice(&value.to_le_bytes());
                    let _ = Collected::of(FileType::Nulsft, &lying);
                }
            }
        }
    }
}

#[test]
fn what_our_own_decoders_make_is_paid_for() {
    for (method, is_paid) in [(Nsis::Deflate, true), (Nsis::Bzip2, true), (Nsis::Lzma, false)] {
        let bytes = nsis(method, true, &[("a", b"first"), ("b", &text())]);
        assert_eq!(
            Collected::work_of(FileType::Nulsft, &bytes) >= text().len() as u64,
            is_paid,
            "{method:?}"
        );
        let found = Collected::with_work(FileType::Nulsft, &bytes, 3000);
        let all: usize = found.children.iter().map(|child| child.bytes.len()).sum();
        assert_eq!(all <= 3000, is_paid, "{method:?}: {all}");
        let is_told = found.children.iter().any(|child| child.absent == Some(Reason::Work))
            || found.incomplete.contains(&Reason::Work);
        assert_eq!(is_told, is_paid, "{method:?}");
    }
}
