//! Images of every kind, with folders, in parts, for pipes, and damaged ones.

use candor_fixtures::wim::{Wim, wim, wim_parts};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

/// Runs that are packed, in several chunks, and text that is not.
fn mixed() -> Vec<u8> {
    let runs = (0..250_u8).flat_map(|byte| vec![byte; 3 + 7 * usize::from(byte)]);
    let words = (0..9_000_u32).flat_map(|number| format!("{number} ").into_bytes());
    runs.chain(words).chain([b'z'; 70_001]).collect()
}

#[test]
fn files_are_given_with_their_paths() {
    for method in [Wim::Stored, Wim::Xpress, Wim::Lzms, Wim::Solid(1), Wim::Solid(2), Wim::Piped] {
        let files: &[(&str, &[u8])] =
            &[("a.exe", b"first"), ("folder/large", &mixed()), ("folder/x", b"last"), ("empty", b"")];
        let bytes = wim(method, files);
        let found = Collected::of(FileType::Wim, &bytes);
        assert_eq!(found.incomplete, [], "{method:?}");
        assert_eq!(found.children.len(), 3);
        for (name, content) in &files[..3] {
            let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
            assert!(child.bytes == *content && child.absent.is_none(), "{method:?} {name}");
        }
        assert!(method == Wim::Stored || bytes.len() < mixed().len(), "nothing is packed");
    }
}

#[test]
fn a_damaged_chunk_costs_the_rest_of_one_file() {
    let content = vec![b'a'; 200_000];
    let mut bytes = wim(Wim::Xpress, &[("a", &content), ("b", b"last")]);
    // The table of codes of a chunk: every code has nine bits.
    let tables: Vec<usize> =
        bytes.windows(256).enumerate().filter(|(_, part)| *part == [0x99; 256]).map(|(at, _)| at).collect();
    bytes[tables[2]..tables[2] + 256].fill(0x11);
    let found = Collected::of(FileType::Wim, &bytes);
    let child = found.children.iter().find(|child| child.member.name == "a").unwrap();
    assert!(child.bytes.len() == 65_536 && child.absent.is_some(), "{}", child.bytes.len());
    assert!(found.children.iter().any(|child| child.bytes == b"last"));
}

#[test]
fn compressions_that_are_not_read_are_said() {
    let mut bytes = wim(Wim::Xpress, &[("a", &mixed())]);
    bytes[18] = 0x10;
    let found = Collected::of(FileType::Wim, &bytes);
    let unknown = "an unknown compression of WIM".to_owned();
    assert_eq!(found.children[0].absent, Some(Reason::Unsupported(unknown.clone())));
    // The same of streams that are packed together, which say it themselves.
    let mut bytes = wim(Wim::Solid(1), &[("a", &mixed())]);
    let resource = resource(&bytes);
    bytes[resource + 12] = 9;
    let found = Collected::of(FileType::Wim, &bytes);
    assert_eq!(found.children[0].absent, Some(Reason::Unsupported(unknown)));
    bytes[resource + 8..resource + 12].copy_from_slice(&(64_u32 << 20 | 1).to_le_bytes());
    let found = Collected::of(FileType::Wim, &bytes);
    let large = "chunks of a WIM over 64 MiB".to_owned();
    assert_eq!(found.children[0].absent, Some(Reason::Unsupported(large)));
}

/// Where the first resource of streams that are packed together begins.
fn resource(bytes: &[u8]) -> usize {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let table = number(56) as usize;
    let row = (table..bytes.len()).step_by(50).find(|row| number(row + 16) == 1 << 32).unwrap();
    number(row + 8) as usize
}

#[test]
fn a_damaged_chunk_costs_what_is_in_it() {
    let files: Vec<(String, Vec<u8>)> = (0..40_u32)
        .map(|file| {
            let words = (0..1_000_u32).flat_map(|word| (word * (file + 77)).to_string().into_bytes());
            (format!("f{file}"), words.collect())
        })
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (&name[..], &content[..])).collect();
    let mut bytes = wim(Wim::Solid(1), &files);
    let resource = resource(&bytes);
    let packed = |number: usize| {
        let at = resource + 16 + 4 * number;
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    let length: usize = files.iter().map(|(_, content)| content.len()).sum();
    let count = length.div_ceil(32 << 10);
    assert!(count > 4);
    // The middle of the third chunk, from where bits are taken last.
    let third = resource + 16 + 4 * count + packed(0) + packed(1);
    let middle = third + packed(2) / 2;
    bytes[middle - 40..middle + 40].fill(0xff);
    let found = Collected::of(FileType::Wim, &bytes);
    let mut place = 0;
    let mut hurt = 0;
    for (name, content) in &files {
        let (begin, end) = (place, place + content.len());
        place = end;
        let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
        if end <= 2 * (32 << 10) || begin >= 3 * (32 << 10) {
            assert!(child.bytes == *content && child.absent.is_none(), "{name}");
        } else if child.bytes != *content {
            hurt += 1;
        }
    }
    assert!(hurt > 0);
}

#[test]
fn parts_tell_what_others_hold() {
    let files: &[(&str, &[u8])] = &[("here", b"first"), ("folder/there", b"second"), ("empty", b"")];
    for kind in [Wim::Xpress, Wim::Solid(1)] {
        let [first, second] = wim_parts(kind, files, 1);
        let others = Reason::Unsupported("what other parts of a WIM hold".to_owned());
        let found = Collected::of(FileType::Wim, &first);
        assert_eq!(found.incomplete, std::slice::from_ref(&others));
        let given: Vec<(&str, &[u8], Option<&Reason>)> = found
            .children
            .iter()
            .map(|child| (&child.member.name[..], &child.bytes[..], child.absent.as_ref()))
            .collect();
        assert_eq!(given, [("here", &b"first"[..], None), ("folder/there", b"", Some(&others))]);
        let found = Collected::of(FileType::Wim, &second);
        assert_eq!((found.incomplete, found.children.len()), (vec![others], 1));
        assert_eq!((&found.children[0].member.name[..], &found.children[0].bytes[..]), ("", &b"second"[..]));
    }
}

#[test]
fn files_without_content_are_told() {
    let files: Vec<(String, Vec<u8>)> =
        (0..150).map(|file| (format!("f{file}"), format!("content {file}").into_bytes())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (&name[..], &content[..])).collect();
    let mut bytes = wim(Wim::Stored, &files);
    // The table is cut behind the row of the folders.
    bytes[64..72].copy_from_slice(&50_u64.to_le_bytes());
    let found = Collected::of(FileType::Wim, &bytes);
    assert_eq!(found.children.len(), 100);
    assert!(found.children.iter().all(|child| child.absent.is_some()));
    let more = "50 more files of a WIM whose content is not in it".to_owned();
    assert_eq!(found.incomplete, [Reason::Malformed(more)]);
}

#[test]
fn an_image_for_pipes_that_is_cut_keeps_what_came() {
    let mixed = mixed();
    let files: &[(&str, &[u8])] = &[("a", b"first"), ("folder/large", &mixed), ("folder/x", b"last")];
    let bytes = wim(Wim::Piped, files);
    let found = Collected::of(FileType::Wim, &bytes[..bytes.len() - 208]);
    assert_eq!(found.incomplete, [Reason::Malformed("the table of streams of a WIM".to_owned())]);
    for (name, content) in files {
        let child = found.children.iter().find(|child| child.member.name == *name).expect(name);
        assert!(child.bytes == *content && child.absent.is_none(), "{name}");
    }
    // In the middle of the large one.
    let found = Collected::of(FileType::Wim, &bytes[..bytes.len() / 2]);
    assert_eq!(found.children[0].bytes, b"first");
    let large = &found.children[1];
    assert!(large.absent.is_some() && !large.bytes.is_empty() && mixed.starts_with(&large.bytes));
}

#[test]
fn streams_that_overlap_are_not_unpacked_again() {
    let content = mixed();
    let mut bytes = wim(Wim::Solid(1), &[("a", &content), ("b", &[b'x'; 50_000]), ("c", b"last")]);
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let table = number(56) as usize;
    let row = (table..bytes.len()).step_by(50).find(|row| number(row + 8) as usize == content.len()).unwrap();
    bytes[row + 8..row + 16].copy_from_slice(&(content.len() as u64 - 1).to_le_bytes());
    let found = Collected::of(FileType::Wim, &bytes);
    let child = |name: &str| found.children.iter().find(|child| child.member.name == name).unwrap();
    assert!(child("a").bytes == content);
    let overlap = Reason::Malformed("streams of a WIM that overlap".to_owned());
    assert_eq!((&child("b").bytes[..], &child("b").absent), (&b""[..], &Some(overlap)));
    assert_eq!(child("c").bytes, b"last");
}

#[test]
fn what_is_unpacked_and_not_wanted_is_paid_for() {
    let content = vec![7; 1 << 20];
    let mut bytes = wim(Wim::Solid(1), &[("a", &content)]);
    let before = Collected::of(FileType::Wim, &bytes).budget.bytes();
    // One byte of the last chunk is wanted.
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let table = number(56) as usize;
    let row = (table..bytes.len()).step_by(50).find(|row| number(*row) & 0xffff_ffff == 1 << 20).unwrap();
    bytes[row..row + 4].copy_from_slice(&1_u32.to_le_bytes());
    bytes[row + 8..row + 12].copy_from_slice(&((1_u32 << 20) - 1).to_le_bytes());
    let found = Collected::of(FileType::Wim, &bytes);
    assert_eq!(found.children[0].bytes, [7]);
    assert_eq!(before - found.budget.bytes(), (1 << 20) - (32 << 10));
    let limits = Limits { max_scan_size: 40_000, ..Limits::default() };
    let found = Collected::with_limits(FileType::Wim, &bytes, limits);
    assert!(found.children.len() == 1, "the file itself is small enough");
    let limits = Limits { max_scan_size: 30_000, ..Limits::default() };
    let found = Collected::with_limits(FileType::Wim, &bytes, limits);
    assert_eq!((found.children.len(), &found.incomplete[..]), (0, &[Reason::ScanSize][..]));
}

#[test]
fn images_in_one_another_have_no_large_chunk_each() {
    let content = mixed();
    let number = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    // A chunk of 3 MiB, as the row says.
    let mut packed = wim(Wim::Lzms, &[("a", &content)]);
    let table = number(&packed, 56) as usize;
    let is_row = |row: &usize| number(&packed, row + 16) as usize == content.len();
    let row = (table..packed.len()).step_by(50).find(is_row).unwrap();
    packed[row + 16..row + 24].copy_from_slice(&(3_u64 << 20).to_le_bytes());
    packed[20..24].copy_from_slice(&(64_u32 << 20).to_le_bytes());
    // And as the resource says.
    let mut solid = wim(Wim::Solid(1), &[("a", &content)]);
    let resource = resource(&solid);
    solid[resource..resource + 8].copy_from_slice(&(3_u64 << 20).to_le_bytes());
    solid[resource + 8..resource + 12].copy_from_slice(&(64_u32 << 20).to_le_bytes());
    for bytes in [packed, solid] {
        // In the file itself there is room for it, whatever layers may have.
        let limits = Limits { max_memory: 2 << 20, ..Limits::default() };
        let found = Collected::with_limits(FileType::Wim, &bytes, limits);
        assert_ne!(found.children[0].absent, Some(Reason::Memory));
        for (held, is_refused) in [(1 << 20, false), (126 << 20, true)] {
            let mut within = Collected::of(FileType::BinaryData, b"");
            within.budget.hold(held);
            let before = within.budget.memory();
            crate::unpack(FileType::Wim, &bytes, &mut within);
            assert_eq!(within.children[0].absent == Some(Reason::Memory), is_refused, "{held}");
            assert_eq!(within.budget.memory(), before);
        }
    }
}

#[test]
fn damage_is_survived() {
    let files: &[(&str, &[u8])] = &[("a", b"first"), ("folder/b", &[7; 40_000])];
    survives_damage(FileType::Wim, &wim(Wim::Xpress, files));
    for kind in [Wim::Xpress, Wim::Piped] {
        let bytes = wim(kind, files);
        for at in (8..208).step_by(4) {
            for value in [0, 1, 0x7fff_ffff, u32::MAX] {
                let mut lying = bytes.clone();
                lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Collected::of(FileType::Wim, &lying);
            }
        }
    }
}

#[test]
fn damage_of_streams_that_are_packed_together_is_survived() {
    let bytes = wim(Wim::Solid(2), &[("a", b"first"), ("folder/b", &vec![7; 4_000])]);
    survives_damage(FileType::Wim, &bytes);
    // Every number of a resource, and the rows of the table.
    let resource = resource(&bytes);
    for at in (resource..resource + 24).chain(bytes.len() - 200..bytes.len() - 8).step_by(2) {
        for value in [0, 1, 0x7fff_ffff_ffff_ffff, u64::MAX] {
            let mut lying = bytes.clone();
            lying[at..at + 8].copy_from_slice(&value.to_le_bytes());
            let _ = Collected::of(FileType::Wim, &lying);
        }
    }
}

/// `line 0 of 0, line 1 of 1, line 2 of 4, ...`, 120 times, as `wimlib-imagex capture --compress=LZX:20` packs it.
const LZX: &str = "\
    7e2000820000440330034300cd4ac0e7921b4b3f81740906df5f10db000012002a1a01a806a867fb07789830fe025c2d\
    206ad1d1d3a0d060c274944025304d392d1b3204278c64ff0000000000008c0043c07deadff7bf57efdd6cf6cfa6b787\
    3b6577b6fafc5de592a53c6d6aa355650bfa5664b9dad71f4936a7f87fc98c35f79ff00ab42e37e4c58988a049228985\
    bce2ee2ef22c55354ee36082c2fbf9e0a196a147047d443810979244f208c5422c2441d2206e45badf860d0b2cac203f\
    8847c4b80473ad78a339f233017d310d845e6ca7a374a91884466b6067bc9a080291c4dfa0a44a5e55d0425fb1715396\
    4937e04c01e5e4525a05b0f849454740404949492bb0605de34b9b60d6783ec15ba41f05bfe87a07ebc075ccfdb1dd8b\
    666060b3f268d6a006e52ac5d20d1c54a82c444a42a842b9a51d234284ca9552cb08122c612e246ab5b0585eca585958\
    581a6e5966614cd2375ac2c659d3f31873f34b852d9c8eb92b7c607357f87079b4d462b8c3b94b1cb28686cb9764050d\
    1e3040b77972e9805febea700193e6dc52041fe86eac09818149490b0f81f3496797cfff7aeb5f695a2a2c6879d3a195\
    2ef87da8e4878afc965679c57d5ce3d33b529acdf926e0cfadabf048d27eaa93bb943f754155949676162bedab7abb89\
    0e4b12abd28ebece1980ae5e9666b9babd9accd5aee069aeaf55c076";

#[test]
fn lzx_of_another_encoder_is_read() {
    let packed: Vec<u8> = LZX
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    let text: String = (0..120_u32).map(|line| format!("line {line} of {}, ", line * line)).collect();
    let mut out = Vec::new();
    super::lzx::unpack(&packed, &mut out, text.len(), 32 << 10).unwrap();
    assert_eq!(out, text.as_bytes());
    // Cut at every place, it gives what comes before.
    for length in 0..packed.len() {
        let mut out = Vec::new();
        let outcome = super::lzx::unpack(&packed[..length], &mut out, text.len(), 32 << 10);
        assert!(outcome.is_err() || length + 2 >= packed.len());
        assert!(text.as_bytes().starts_with(&out));
    }
    let mut damaged = packed.clone();
    for at in 0..packed.len() {
        for value in [0, 0xff, packed[at].wrapping_add(1)] {
            damaged[at] = value;
            let mut out = Vec::new();
            let _ = super::lzx::unpack(&damaged, &mut out, text.len(), 32 << 10);
            assert!(out.len() <= text.len());
        }
        damaged[at] = packed[at];
    }
}

#[test]
fn stored_blocks_of_lzx_stand_behind_whole_words() {
    // Kind 3, a length of its own (300), one bit up to the word; three distances; content; a block of 32,768.
    let bits = |fields: &[(u32, u32)]| {
        let bits: Vec<bool> = fields
            .iter()
            .flat_map(|&(value, width)| (0..width).rev().map(move |bit| value >> bit & 1 == 1))
            .collect();
        let words = bits.chunks(16).flat_map(|word| {
            let value =
                (0..16).fold(0_u16, |value, bit| value << 1 | u16::from(word.get(bit) == Some(&true)));
            value.to_le_bytes()
        });
        words.collect::<Vec<u8>>()
    };
    let content: Vec<u8> = (0..301_u32).map(|number| (number * 7) as u8).collect();
    let mut packed = bits(&[(3, 3), (0, 1), (301, 16)]);
    packed.extend([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    packed.extend(&content);
    packed.push(0);
    packed.extend(bits(&[(3, 3), (1, 1)]));
    packed.extend([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    packed.extend(&content);
    let mut out = Vec::new();
    super::lzx::unpack(&packed, &mut out, 602, 32 << 10).unwrap();
    assert!(out == [content.clone(), content].concat());
}

#[test]
fn folders_that_are_not_read_are_told() {
    let folders = |length: usize| {
        let name = format!("{}/x", "n".repeat(length));
        Collected::of(FileType::Wim, &wim(Wim::Stored, &[(&name, b"content")])).incomplete
    };
    assert_eq!(folders(4095), []);
    assert_eq!(folders(4096), [Reason::Unsupported("so many folders of a WIM".to_owned())]);
}

#[test]
fn frames_of_lzx_go_on_from_one_to_the_next() {
    use candor_fixtures::nothing::lzx_frame;
    let mut frames = super::lzx::Frames::new(15);
    let mut out = Vec::new();
    frames.next(&lzx_frame(true, 1), 1, &mut out).unwrap();
    // Codes are changes of those before.
    frames.next(&lzx_frame(false, 1), 1, &mut out).unwrap();
    assert_eq!(out, [0; 2]);
    // What such blocks hold does not pay for them.
    let error = frames.next(&lzx_frame(false, 800), 800, &mut out).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::QuotaExceeded);
    assert!(out.len() < 200, "{}", out.len());
}

#[test]
fn calls_of_a_cabinet_are_translated_by_where_they_stand() {
    use candor_fixtures::nothing::lzx_stored;
    let program = 60_000_u32;
    // Calls in both frames, and one in the last ten bytes, which are left as they are.
    let plain: Vec<u8> = (0..100)
        .flat_map(|call: u32| [&[0xe8][..], &(call * 7).to_le_bytes(), &[0x90; 3]].concat())
        .chain([0xe8, 1, 0, 0, 0])
        .collect();
    let absolute = |start: usize| {
        let mut frame = plain.clone();
        for at in (0..800).step_by(8).filter(|at| at + 10 < plain.len()) {
            let place = u32::try_from(start + at).unwrap();
            let operand: &mut [u8; 4] = (&mut frame[at + 1..at + 5]).try_into().unwrap();
            *operand = (u32::from_le_bytes(*operand) + place).to_le_bytes();
        }
        frame
    };
    let mut frames = super::lzx::Frames::new(16);
    let mut out = Vec::new();
    for (number, program) in [Some(program), None].into_iter().enumerate() {
        let frame = lzx_stored(program, &absolute(number * plain.len()));
        frames.next(&frame, plain.len(), &mut out).unwrap();
    }
    assert!(out == [&plain[..], &plain].concat());
}
