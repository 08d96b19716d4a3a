//! Files built command by command.

use candor_model::{ChildKind, Executable, FileType, Reason};
use proptest::prelude::*;

use crate::collected::Collected;

fn command(kind: u32, body: &[u8], is_big: bool) -> Vec<u8> {
    let length = body.len() as u32 + 8;
    let number = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    [&number(kind)[..], &number(length), body].concat()
}

/// A segment with sections of the given address, size and offset.
fn segment(sections: &[(u64, u64, u32)], is_64_bit: bool, is_big: bool) -> Vec<u8> {
    let number = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let word = |value: u64| -> Vec<u8> {
        match (is_64_bit, is_big) {
            (true, true) => value.to_be_bytes().to_vec(),
            (true, false) => value.to_le_bytes().to_vec(),
            (false, _) => number(value as u32).to_vec(),
        }
    };
    let mut body = b"__TEXT\0\0\0\0\0\0\0\0\0\0".to_vec();
    for value in [0x1000, 0x1000, 0, 0x1000] {
        body.extend(word(value));
    }
    for value in [7, 5, sections.len() as u32, 0] {
        body.extend(number(value));
    }
    for &(address, size, offset) in sections {
        body.extend_from_slice(b"__text\0\0\0\0\0\0\0\0\0\0__TEXT\0\0\0\0\0\0\0\0\0\0");
        body.extend(word(address));
        body.extend(word(size));
        body.extend(number(offset));
        body.resize(body.len() + if is_64_bit { 28 } else { 24 }, 0);
    }
    command(if is_64_bit { 0x19 } else { 1 }, &body, is_big)
}

fn file(processor: u32, commands: &[Vec<u8>], is_64_bit: bool, is_big: bool) -> Vec<u8> {
    let number = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut file = Vec::new();
    let magic = if is_64_bit { 0xfeed_facf } else { 0xfeed_face };
    for value in [magic, processor, 3, 2, commands.len() as u32, commands.concat().len() as u32, 0] {
        file.extend(number(value));
    }
    if is_64_bit {
        file.extend([0; 4]);
    }
    file.extend(commands.concat());
    file.resize(0x1000, 0);
    file
}

const SECTIONS: [(u64, u64, u32); 2] = [(0x1500, 0x100, 0x500), (0x1700, 0x200, 0x700)];

fn executable(bytes: &[u8]) -> Executable {
    Collected::of(FileType::MachO, bytes).facts.unwrap().executable.unwrap()
}

#[test]
fn sections_are_those_inside_of_segments() {
    for (is_64_bit, is_big) in [(true, false), (true, true), (false, false), (false, true)] {
        let commands =
            [segment(&SECTIONS[..1], is_64_bit, is_big), segment(&SECTIONS[1..], is_64_bit, is_big)];
        let found = executable(&file(7, &commands, is_64_bit, is_big));
        let raw: Vec<_> =
            found.sections.iter().map(|section| (section.raw_offset, section.raw_size)).collect();
        assert_eq!(raw, [(0x500, 0x100), (0x700, 0x200)]);
        assert_eq!(found.sections[0].name, b"__text");
        assert_eq!((found.is_64_bit, found.entry_point), (is_64_bit, Some(0)));
    }
}

#[test]
fn the_main_command_gives_the_entry_point() {
    let main = command(0x8000_0028, &[0x510_u64.to_le_bytes(), [0; 8]].concat(), false);
    let found = executable(&file(0x0100_0007, &[segment(&SECTIONS, true, false), main], true, false));
    assert_eq!(found.entry_point, Some(0x510));
}

#[test]
fn the_thread_command_gives_it_by_processor() {
    let cases: [(u32, bool, bool, usize); 5] = [
        (7, false, false, 40),
        (0x0100_0007, true, false, 128),
        (12, false, false, 60),
        (0x0100_000c, true, false, 256),
        (18, false, true, 0),
    ];
    for (processor, is_64_bit, is_big, before) in cases {
        let mut body = vec![0; 8 + before];
        match (is_64_bit, is_big) {
            (true, _) => body.extend(0x1510_u64.to_le_bytes()),
            (false, true) => body.extend(0x1510_u32.to_be_bytes()),
            (false, false) => body.extend(0x1510_u32.to_le_bytes()),
        }
        let commands = [segment(&SECTIONS, is_64_bit, is_big), command(5, &body, is_big)];
        let found = executable(&file(processor, &commands, is_64_bit, is_big));
        assert_eq!(found.entry_point, Some(0x510), "processor {processor:#x}");
    }
}

#[test]
fn a_command_without_size_ends_the_walk() {
    let mut bytes =
        file(7, &[segment(&SECTIONS, false, false), segment(&SECTIONS, false, false)], false, false);
    let second = 28 + segment(&SECTIONS, false, false).len();
    bytes[second + 4..second + 8].fill(0);
    bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(executable(&bytes).sections.len(), 4);
}

#[test]
fn slices_are_children_as_far_as_they_reach() {
    let mut bytes = b"\xca\xfe\xba\xbe\0\0\0\x03".to_vec();
    for (offset, size) in [(0x100_u32, 0x20_u32), (0x110, 0xffff_ffff), (0, 0x200)] {
        for value in [7, 3, offset, size, 12] {
            bytes.extend(value.to_be_bytes());
        }
    }
    bytes.resize(0x200, 7);
    let found = Collected::of(FileType::MachOUniversal, &bytes).children;
    let shown: Vec<_> = found.iter().map(|child| (child.kind, child.bytes.len())).collect();
    assert_eq!(
        shown,
        [(ChildKind::Embedded { offset: 0x100 }, 0x20), (ChildKind::Embedded { offset: 0x110 }, 0xf0)]
    );
}

#[test]
fn that_there_are_more_slices_than_are_given_is_said() {
    let slices = |count: u32| {
        // Empty ones are none.
        let mut bytes = [b"\xca\xfe\xba\xbe".to_vec(), (100 + count).to_be_bytes().to_vec()].concat();
        bytes.extend([0; 20].repeat(100));
        bytes.extend([7_u32, 3, 8, 20, 12].map(u32::to_be_bytes).concat().repeat(count as usize));
        let found = Collected::of(FileType::MachOUniversal, &bytes);
        (found.children.len(), found.incomplete)
    };
    assert_eq!(slices(64), (64, vec![]));
    assert_eq!(slices(65), (64, vec![Reason::Children]));
}

proptest! {
    #[test]
    fn damage_never_makes_sections_leave_the_file(
        changes in prop::collection::vec((0..0x300_usize, any::<u8>()), 0..30),
        length in 0..0x1000_usize,
    ) {
        let mut bytes = file(7, &[segment(&SECTIONS, true, false)], true, false);
        for (at, value) in changes {
            bytes[at] = value;
        }
        bytes.truncate(length);
        if let Some(facts) = Collected::of(FileType::MachO, &bytes).facts {
            for section in facts.executable.unwrap().sections {
                prop_assert!(section.raw_size == 0 || section.raw_offset + section.raw_size <= length as u64);
            }
        }
    }
}

#[test]
fn what_stands_behind_the_last_segment_symbol_and_signature_is_given() {
    let behind = candor_fixtures::stream::gzip(b"what no magic is looked for of");
    for (is_64_bit, is_big) in [(true, false), (true, true), (false, false), (false, true)] {
        let fields = |fields: &[u32]| -> Vec<u8> {
            let bytes = |field: &u32| if is_big { field.to_be_bytes() } else { field.to_le_bytes() };
            fields.iter().flat_map(bytes).collect()
        };
        for (kind, body, end) in [
            (0x2, fields(&[0xf00, 1, 0x1000, 0x20]), 0x1020),
            (0x1d, fields(&[0x1000, 0x40]), 0x1040),
            (0x26, fields(&[0x1000, 0x40]), 0x1000),
        ] {
            let commands = [segment(&SECTIONS, is_64_bit, is_big), command(kind, &body, is_big)];
            let mut bytes = file(7, &commands, is_64_bit, is_big);
            bytes.resize(end, 7);
            let found = Collected::of(FileType::MachO, &bytes);
            assert_eq!((found.children, found.details), (vec![], vec![]));
            bytes.extend(&behind);
            let found = Collected::of(FileType::MachO, &bytes);
            assert_eq!(found.children.len(), 1, "{kind}");
            assert_eq!(found.children[0].kind, ChildKind::Embedded { offset: end as u64 });
            assert_eq!(found.children[0].bytes, behind);
            assert_eq!(found.details[0].0, "overlay");
        }
    }
}

#[test]
fn what_stands_behind_the_last_slice_is_given() {
    let mut bytes = 0xcafe_babe_u32.to_be_bytes().to_vec();
    for value in [2_u32, 7, 3, 0x100, 0x100, 0, 7, 3, 0x200, 0x80, 0] {
        bytes.extend(value.to_be_bytes());
    }
    bytes.resize(0x280, 7);
    assert_eq!(Collected::of(FileType::MachOUniversal, &bytes).children.len(), 2);
    for behind in [&b"anything"[..], b"PK\x03\x04"] {
        let found = Collected::of(FileType::MachOUniversal, &[&bytes[..], behind].concat()).children;
        assert_eq!((found.len(), &found[2].bytes[..]), (3, behind));
    }
}
