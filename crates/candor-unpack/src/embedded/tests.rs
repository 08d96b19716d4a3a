//! Every kind inside of other bytes, and magics without anything behind them.

use candor_fixtures::archive::{self, Cab, SevenZip};
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::{document, zip_methods};
use candor_model::{ChildKind, FileType, Reason};

use crate::collected::Collected;

fn program(kind: Kind) -> Vec<u8> {
    let section = SectionRecipe { name: ".text".to_owned(), bytes: vec![0x90; 600] };
    Executable::new(kind, vec![section]).build().0
}

fn objects() -> Vec<Vec<u8>> {
    vec![
        program(Kind::Pe32),
        program(Kind::Pe32Plus),
        zip_methods::archive(&[zip_methods::pack("a.txt", b"content", 8)]),
        archive::seven_zip(SevenZip::Copy, None, &[("a", b"content")]),
        archive::rar(archive::RAR[3], true, false, None, &[("a", b"content")]),
        archive::rar(archive::RAR[4], true, false, None, &[("a", b"content")]),
        archive::cab(Cab::Stored, &[("a", b"content")]),
        document::pdf(&[("", b"content".to_vec())]),
        document::compound("", &[("a", b"content".to_vec())]),
        document::rtf("Package", b"content"),
        program(Kind::Elf64),
    ]
}

#[test]
fn every_kind_is_found_behind_anything() {
    let picture = [&b"GIF89a"[..], &[1; 500]].concat();
    for object in objects() {
        for (before, file_type) in [
            (b"some text\n".to_vec(), FileType::TextAscii),
            (picture.clone(), FileType::Gif),
            (vec![0x80; 3000], FileType::BinaryData),
            (document::pdf(&[("", b"content".to_vec())]), FileType::Pdf),
            (b"{\\rtf1 text}".to_vec(), FileType::Rtf),
            (b"\xa7\x0d\x0d\x0a\0\0\0\0".to_vec(), FileType::PythonCompiled),
            (b"\0asm\x01\0\0\0".to_vec(), FileType::Wasm),
            (b"GGUF\x03\0\0\0".to_vec(), FileType::AiModel),
            (b"begin 644 a\n#0V%T\n`\nend\n".to_vec(), FileType::Uuencoded),
            (candor_fixtures::stream::lzma(b"content"), FileType::Lzma),
            (candor_fixtures::stream::compress(b"content", 16), FileType::Compress),
        ] {
            let offset = before.len() as u64;
            let found = Collected::of(file_type, &[before, object.clone()].concat()).children;
            let child = found.iter().find(|child| child.kind == ChildKind::Embedded { offset });
            let child = child.unwrap_or_else(|| panic!("{:?}", &object[..8]));
            assert!(object.starts_with(&child.bytes) && child.bytes.len() + 1024 > object.len());
        }
    }
}

#[test]
fn mails_are_found_at_the_start_of_a_line() {
    let mail = |kind: &str| format!("MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\ntext");
    for (before, kind, is_found) in [
        ("%PDF-1.7\r\n\r\n", "multipart/related", true),
        ("%PDF-1.7\r\n\r\n", "text/plain", false),
        ("%PDF-1.7 the line ", "multipart/related", false),
    ] {
        let mail = mail(kind);
        let bytes = [before, &mail].concat();
        let found = Collected::of(FileType::Pdf, bytes.as_bytes()).children;
        assert_eq!(found.iter().any(|child| child.bytes == mail.as_bytes()), is_found, "{before}");
    }
}

#[test]
fn gaps_between_members_of_an_archive_are_searched() {
    let member = |name: &str| zip_methods::archive(&[zip_methods::pack(name, b"content", 0)]);
    let page = document::pdf(&[("", b"page".to_vec())]);
    let first = member("first");
    // What stands between the members is in none; what is in a member is given with it, once.
    let found = Collected::of(FileType::Zip, &[&first[..], &page, &member("second")].concat());
    assert_eq!(found.children.iter().filter(|child| child.bytes.starts_with(b"%PDF-")).count(), 1);
    let inside = zip_methods::archive(&[zip_methods::pack("a.pdf", &page, 0)]);
    let found = Collected::of(FileType::Zip, &inside);
    assert_eq!(found.children.len(), 1);
}

#[test]
fn a_program_in_a_program_is_found_and_ends_where_it_ends() {
    let inner = program(Kind::Pe32Plus);
    let outer = [program(Kind::Pe32), b"overlay".to_vec(), inner.clone(), b"behind".to_vec()].concat();
    let mut found = Collected::of(FileType::MsExe, &outer).children;
    found.retain(|child| child.member.name != "overlay");
    assert_eq!(found.len(), 1);
    assert!(inner.starts_with(&found[0].bytes));
}

#[test]
fn magics_alone_are_nothing() {
    let magics: Vec<u8> = super::KINDS
        .iter()
        .filter(|(magic, _)| magic != b"{\\rtf1")
        .flat_map(|(magic, _)| [magic, &b"\0\x01\x02\x03"[..]].concat())
        .collect();
    assert_eq!(Collected::of(FileType::BinaryData, &magics.repeat(100)).children, []);
}

#[test]
fn of_thousands_of_objects_the_first_are_given_and_that_there_are_more_is_said() {
    let zip = zip_methods::archive(&[zip_methods::pack("a.txt", b"content", 8)]);
    // The first archive reaches to the end of the layer, so nothing is left out.
    let archives = [b"x".to_vec(), zip.repeat(1000)].concat();
    let found = Collected::of(FileType::BinaryData, &archives);
    assert_eq!((found.children.len(), found.incomplete), (1, vec![]));
    let programs = |count: usize| {
        let bytes = [b"x".to_vec(), program(Kind::Elf64).repeat(count)].concat();
        let found = Collected::of(FileType::BinaryData, &bytes);
        (found.children.len(), found.incomplete)
    };
    assert_eq!(programs(super::OBJECTS), (super::OBJECTS, vec![]));
    assert_eq!(programs(super::OBJECTS * 2), (super::OBJECTS, vec![Reason::Children]));
}

#[test]
fn that_more_magics_stand_there_than_are_looked_at_is_said() {
    let inner = program(Kind::Elf64);
    let behind = |magics: usize| {
        let bytes = [b"x".to_vec(), b"\x7fELF".repeat(magics), inner.clone()].concat();
        let found = Collected::of(FileType::BinaryData, &bytes);
        (found.children.len(), found.incomplete)
    };
    assert_eq!(behind(super::PLACES - 1), (1, vec![]));
    assert_eq!(behind(super::PLACES), (0, vec![Reason::Work]));
}

#[test]
fn a_mark_of_rar_with_a_header_that_is_none_is_no_archive() {
    for version in [3, 4] {
        let mut object = archive::rar(archive::RAR[version], true, false, None, &[("a", b"content")]);
        object[if version == 3 { 7 } else { 8 }] ^= 1;
        let bytes = [b"\x7fprogram that reads archives".to_vec(), object].concat();
        assert_eq!(Collected::of(FileType::BinaryData, &bytes).children, []);
    }
}

#[test]
fn checksums_go_over_twice_the_layer_at_most() {
    let mark = |size: u16| {
        let size = [0x80 | (size & 0x7f) as u8, (size >> 7) as u8];
        [b"Rar!\x1a\x07\x01\0sum!", &size[..]].concat()
    };
    let layer =
        |count: usize| [b"\x80\x80\x80\x80".to_vec(), mark(1_000).repeat(count), vec![0x80; 1_000]].concat();
    let incomplete = |count| Collected::of(FileType::BinaryData, &layer(count)).incomplete;
    assert_eq!(incomplete(2), []);
    assert_eq!(incomplete(300), [Reason::Work]);
}

#[test]
fn of_programs_whose_header_stands_here_the_nearest_is_meant() {
    let mut bytes = vec![0_u8; 600];
    for (start, pointer) in [(0_usize, 0x200_u32), (0x80, 0x180), (0x100, 0x200)] {
        bytes[start..start + 2].copy_from_slice(b"MZ");
        bytes[start + 0x3c..start + 0x40].copy_from_slice(&pointer.to_le_bytes());
    }
    let mut known = super::Known::of(&bytes);
    assert_eq!(known.program(0x1ff), None);
    // What was looked at is not looked at again.
    assert_eq!(known.headers_until, 0x1ff);
    assert_eq!(known.programs.keys().copied().collect::<Vec<_>>(), [0x200, 0x300]);
    assert_eq!(known.program(0x200), Some(0x80));
    assert_eq!((known.program(0x201), known.programs.len()), (None, 1));
}
