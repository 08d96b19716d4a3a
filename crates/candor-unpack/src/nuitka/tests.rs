//! Payloads of every layout, behind programs and in them, whole and damaged.

use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::stream;
use candor_model::{ChildKind, FileType, Reason};

use super::{Layout, ZSTANDARD};
use crate::collected::{Collected, survives_damage};

const LAYOUTS: [Layout; 6] = [
    layout(true, false, false, false),
    layout(true, false, true, false),
    layout(false, false, false, false),
    layout(false, true, false, false),
    layout(false, true, true, false),
    layout(true, false, true, true),
];

const fn layout(is_wide: bool, has_flags: bool, has_checksum: bool, packs_each: bool) -> Layout {
    Layout { is_wide, has_flags, has_checksum, packs_each }
}

fn entries(layout: Layout, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let name = |out: &mut Vec<u8>, name: &str| {
        for unit in name.encode_utf16().chain([0]) {
            let unit = unit.to_le_bytes();
            out.extend(if layout.is_wide { &unit[..] } else { &unit[..1] });
        }
    };
    for (path, content) in files {
        name(&mut out, path);
        if layout.has_flags {
            out.push(1);
        }
        out.extend((content.len() as u64).to_le_bytes());
        if layout.has_checksum {
            out.extend([1, 2, 3, 4]);
        }
        if layout.packs_each {
            let packed = stream::zstd(content);
            out.extend((packed.len() as u32).to_le_bytes());
            out.extend(packed);
        } else {
            out.extend(*content);
        }
    }
    name(&mut out, "");
    out
}

fn payload(layout: Layout, packed: bool) -> Vec<u8> {
    let inner = Executable::new(Kind::Pe32, vec![section()]).build().0;
    let entries = entries(layout, &[("main.dll", &inner), ("dir/data.txt", b"the needle"), ("last", b"z")]);
    match packed {
        true if layout.packs_each => [b"KAY", &entries[..]].concat(),
        true => [b"KAY", &stream::zstd(&entries)[..]].concat(),
        false => [b"KAX", &entries[..]].concat(),
    }
}

fn section() -> SectionRecipe {
    SectionRecipe { name: ".text".to_owned(), bytes: vec![0x90; 64] }
}

fn program(kind: Kind, payload: &[u8], tail: &[u8]) -> Vec<u8> {
    [&Executable::new(kind, vec![section()]).build().0, payload, tail].concat()
}

#[track_caller]
fn check(file_type: FileType, program: &[u8]) {
    let found = Collected::of(file_type, program);
    assert!(found.details.contains(&("bundle", "Nuitka".to_owned())));
    let files: Vec<(&str, &[u8])> = found
        .children
        .iter()
        .filter(|child| {
            child.kind == ChildKind::Extracted && !["overlay", ""].contains(&child.member.name.as_str())
        })
        .map(|child| (child.member.name.as_str(), child.bytes.as_slice()))
        .collect();
    let inner = Executable::new(Kind::Pe32, vec![section()]).build().0;
    let expected: [(&str, &[u8]); 3] =
        [("main.dll", &inner), ("dir/data.txt", b"the needle"), ("last", b"z")];
    assert!(files == expected, "{:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert_eq!(found.incomplete, []);
}

#[test]
fn every_file_of_every_layout_is_given() {
    for layout in LAYOUTS {
        for packed in [true, false] {
            if layout.packs_each && !packed {
                continue;
            }
            let payload = payload(layout, packed);
            let length = (payload.len() as u64).to_le_bytes();
            check(FileType::MsExe, &program(Kind::Pe32, &payload, &length));
            let start = program(Kind::Elf64, &[], &[]).len() as u64;
            check(FileType::Elf, &program(Kind::Elf64, &payload, &start.to_le_bytes()));
        }
    }
}

#[test]
fn a_payload_in_a_resource_or_before_a_signature_is_found() {
    let payload = payload(LAYOUTS[0], true);
    check(FileType::MsExe, &program(Kind::Pe32, &payload, &[0; 300]));
}

#[test]
fn a_payload_among_the_constants_of_a_program_is_found() {
    for (layout, packed) in [(LAYOUTS[3], true), (LAYOUTS[3], false), (LAYOUTS[4], true)] {
        let payload = payload(layout, packed);
        // What only begins as one does hides none.
        let decoys = [b"KAYKAX".to_vec(), b"KAX".repeat(9), [b"KAY", ZSTANDARD, b"no stream"].concat()];
        let constants = [decoys.concat(), vec![0; 16], payload, b"more".to_vec()].concat();
        for name in [".rodata", ".other"] {
            let section = SectionRecipe { name: name.to_owned(), bytes: constants.clone() };
            check(FileType::Elf, &Executable::new(Kind::Elf64, vec![section]).build().0);
        }
        let macho = Executable::new(Kind::MachO64, vec![section()]).build().0;
        check(FileType::MachO, &[macho, constants].concat());
    }
}

#[test]
fn what_begins_as_a_payload_again_and_again_is_paid_for() {
    let start = [b"KAY", ZSTANDARD].concat().repeat(100_000);
    let section = SectionRecipe { name: ".rodata".to_owned(), bytes: start };
    let file = Executable::new(Kind::Elf64, vec![section]).build().0;
    assert_eq!(Collected::without_work(FileType::Elf, &file).incomplete, [Reason::Work]);
}

#[test]
fn damage_is_said_and_survived() {
    let whole = payload(LAYOUTS[0], false);
    let cut = &whole[..whole.len() - 8];
    let length = (cut.len() as u64).to_le_bytes();
    let found = Collected::of(FileType::MsExe, &program(Kind::Pe32, cut, &length));
    assert!(matches!(&found.incomplete[..], [Reason::Malformed(text)] if text.contains("Nuitka")));
    assert!(found.children.iter().any(|child| child.bytes == b"the needle"));
    for packed in [true, false] {
        let payload = payload(LAYOUTS[4], packed);
        let length = (payload.len() as u64).to_le_bytes();
        survives_damage(FileType::Elf, &program(Kind::Elf64, &payload, &length));
    }
}

#[test]
fn a_length_without_end_does_not_keep_the_reader() {
    let mut entries = entries(LAYOUTS[3], &[("main", b"\x7fELF")]);
    // The length stands behind the name and the flags.
    entries[6..14].copy_from_slice(&u64::MAX.to_le_bytes());
    entries.resize(1 << 20, 0);
    let payload = [b"KAY", &stream::zstd(&entries)[..]].concat();
    let length = (payload.len() as u64).to_le_bytes();
    let found = Collected::of(FileType::Elf, &program(Kind::Elf64, &payload, &length));
    assert!(found.children.iter().any(|child| child.bytes.starts_with(b"\x7fELF")));
    assert!(!found.incomplete.is_empty() || found.children.iter().any(|child| child.absent.is_some()));
}
