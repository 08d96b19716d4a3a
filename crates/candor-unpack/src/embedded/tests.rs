//! Every kind inside of other bytes, and magics without anything behind them.

use candor_fixtures::archive::{self, Cab, SevenZip};
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::{document, zip_methods};
use candor_model::{ChildKind, FileType};

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
fn thousands_of_objects_are_few_children() {
    let zip = zip_methods::archive(&[zip_methods::pack("a.txt", b"content", 8)]);
    let bytes = [b"x".to_vec(), zip.repeat(1000), program(Kind::Elf64).repeat(100)].concat();
    assert!(Collected::of(FileType::BinaryData, &bytes).children.len() < 100);
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
