//! Every kind inside of other bytes, and magics without anything behind them.

use candor_fixtures::archive::{self, Cab, Cpio, SevenZip};
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::volume::{self, SquashFs};
use candor_fixtures::{document, stream, zip_methods};
use candor_model::{ChildKind, FileType, Reason};

use super::{KINDS, MAGICS, ZIP};
use crate::collected::Collected;

fn program(kind: Kind) -> Vec<u8> {
    let section = SectionRecipe { name: ".text".to_owned(), bytes: vec![0x90; 600] };
    Executable::new(kind, vec![section]).build().0
}

fn arj() -> Vec<u8> {
    archive::arj(&[("a", 0, b"content".to_vec(), 7)])
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
        arj(),
        volume::squashfs(SquashFs::Gzip, &[("a", b"content")]),
        document::pdf(&[("", b"content".to_vec())]),
        document::compound("", &[("a", b"content".to_vec())]),
        document::rtf("Package", b"content"),
        program(Kind::Elf64),
    ]
}

#[test]
fn magics_are_told_in_the_order_of_their_places() {
    let bytes = b"PE\0\0\x60\xea\x7fELF--\x60\xea\x60\xeaPK\x03\x04";
    let number = |magic: &[u8]| KINDS.iter().position(|(other, _)| *other == magic).unwrap();
    let (pe, arj, elf, zip) = (number(b"PE\0\0"), number(b"\x60\xea"), number(b"\x7fELF"), number(ZIP));
    let places: Vec<_> = MAGICS.as_ref().unwrap().places(bytes).collect();
    assert_eq!(places, [(pe, 0), (arj, 4), (elf, 6), (arj, 12), (arj, 14), (zip, 16)]);
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
            (stream::lzma(b"content"), FileType::Lzma),
            (stream::compress(b"content", 16), FileType::Compress),
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
    let magics: Vec<u8> = KINDS
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

#[test]
fn an_archive_of_arj_begins_with_a_header_that_makes_sense() {
    let found = |object: &[u8]| {
        let bytes = [b"\x80\x80".to_vec(), object.to_vec()].concat();
        Collected::of(FileType::BinaryData, &bytes).children.len()
    };
    assert_eq!(found(&arj()), 1);
    // Of the size, the fields that all have, the kind, the checksum, the extensions, and the next header.
    for (place, value) in [(3, 0x0b), (4, 29), (4, 0xff), (10, 0), (15, 1), (50, 1), (53, 0)] {
        let mut object = arj();
        object[place] = value;
        assert_eq!(found(&object), 0, "{place}");
        let program = [program(Kind::Elf64), object.clone()].concat();
        let children = Collected::of(FileType::Elf, &program).children;
        assert_eq!((children.len(), &children[0].bytes), (1, &object), "{place}");
    }
}

#[test]
fn numbers_that_are_no_header_of_arj_use_nothing_up() {
    let bytes = [60_000_u32.to_le_bytes().repeat(super::PLACES * 2), arj()].concat();
    let found = Collected::of(FileType::BinaryData, &[b"\x80", &bytes[..]].concat());
    assert_eq!((found.children.len(), found.incomplete), (1, vec![]));
    let found = Collected::without_work(FileType::BinaryData, &bytes);
    assert_eq!(found.incomplete, [Reason::Work]);
}

fn payloads() -> Vec<Vec<u8>> {
    let files = [("a", &b"content"[..])];
    let mut lzma_with_size = stream::lzma(b"content");
    lzma_with_size[5..13].copy_from_slice(&7_u64.to_le_bytes());
    vec![
        stream::gzip(b"content"),
        stream::bzip2(b"content"),
        stream::xz(b"content"),
        stream::zstd(b"content"),
        stream::lz4(b"content"),
        stream::lzip(b"content"),
        stream::lzma_with_end(b"content"),
        lzma_with_size,
        stream::compress(b"content", 16),
        archive::tar(&files),
        archive::cpio(Cpio::Newc, &files),
        archive::rpm(&files),
    ]
}

#[test]
fn what_is_packed_behind_a_script_is_given() {
    let script = b"#!/bin/sh\ntail -n +3 \"$0\" | tar xz\nexit\n";
    let given = |file_type: FileType, bytes: &[u8]| {
        let mut found = Collected::of(file_type, bytes).children;
        found.retain(|child| matches!(child.kind, ChildKind::Embedded { .. }));
        found.into_iter().map(|child| (child.kind, child.bytes)).collect::<Vec<_>>()
    };
    let offset = script.len() as u64;
    for payload in payloads() {
        let name = &payload[..6];
        let bytes = [&script[..], &payload].concat();
        for file_type in [FileType::BinaryData, FileType::Script, FileType::TextUtf16Be] {
            let expected = vec![(ChildKind::Embedded { offset }, payload.clone())];
            assert_eq!(given(file_type, &bytes), expected, "{name:?}");
        }
        // In the middle of a line, cut short, or in what is no script, it may be anything.
        assert_eq!(given(FileType::Script, &[&script[..], b" ", &payload].concat()), [], "{name:?}");
        assert_eq!(given(FileType::BinaryData, &bytes[2..]), [], "{name:?}");
    }
}

#[test]
fn lines_that_begin_like_something_packed_are_nothing() {
    for line in [
        &b"\x1f\x8b\x08\xff"[..],
        b"\x1f\x9d\x11",
        b"\x1f\x9d\xff",
        b"BZh91 is a word",
        b"BZhA1AY&SY",
        b"\x28\xb5\x2f\xfd\x08",
        b"\x04\x22\x4d\x18\x80",
        b"LZIP\x01\x01",
        b"]\0\0\x80\0\x07\0\0\0\0\0\0\0\x01",
        b"070701 is a day in July",
        b"ustar",
    ] {
        let bytes = [b"#!/bin/sh\n".to_vec(), [line, b"\n"].concat().repeat(300)].concat();
        let found = Collected::of(FileType::BinaryData, &bytes);
        assert_eq!((found.children, found.incomplete), (vec![], vec![]), "{line:?}");
    }
}

#[test]
fn payloads_of_scripts_are_given_once_a_kind_and_paid_for() {
    let bytes = [b"#!/bin/sh\n".to_vec(), [b"\n", &stream::gzip(b"content")[..]].concat().repeat(9)].concat();
    assert_eq!(Collected::of(FileType::BinaryData, &bytes).children.len(), 1);
    let bytes = [b"#!/bin/sh\n".to_vec(), b"\nLZIP\x01\x01".repeat(5_000)].concat();
    assert_eq!(Collected::of(FileType::BinaryData, &bytes).incomplete, []);
    assert_eq!(Collected::without_work(FileType::BinaryData, &bytes).incomplete, [Reason::Work]);
}

#[test]
fn a_superblock_of_squashfs_makes_sense() {
    let image = volume::squashfs(SquashFs::Gzip, &[("a", b"content")]);
    // Of the size of blocks, its logarithm, the compression, and the version.
    for (place, value) in [(13, 0), (22, 13), (20, 7), (28, 3), (30, 1)] {
        let mut bytes = [b"\x80".to_vec(), image.clone()].concat();
        assert_eq!(Collected::of(FileType::BinaryData, &bytes).children.len(), 1);
        bytes[place + 1] = value;
        assert_eq!(Collected::of(FileType::BinaryData, &bytes).children, [], "{place}");
    }
}
