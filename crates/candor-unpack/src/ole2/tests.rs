//! Compound files with macros, packages, loops and damage.

use candor_fixtures::{document, stream};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn shown(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::MsOle2, bytes).children;
    found.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

#[test]
fn small_and_large_streams_are_children() {
    let large: Vec<u8> = (0..3000_u32).flat_map(u32::to_le_bytes).collect();
    let bytes = document::compound(
        "Storage",
        &[("small", b"x".to_vec()), ("large", large.clone()), ("other", vec![7; 200])],
    );
    let found = shown(&bytes);
    assert_eq!(found[0], ("Storage/small".to_owned(), b"x".to_vec()));
    assert!(found[1] == ("Storage/large".to_owned(), large));
    assert_eq!(found[2], ("Storage/other".to_owned(), vec![7; 200]));
}

#[test]
fn macros_are_found_through_their_directory_and_without_it() {
    let source = b"Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nEnd Sub\r\n";
    let module = [&b"compiled code"[..], &document::vba(source)].concat();
    let directory = document::vba_directory("Module1", 13);
    for streams in [
        vec![("dir", directory), ("Module1", module.clone())],
        vec![("dir", b"damaged".to_vec()), ("Module1", module)],
    ] {
        let found = Collected::of(FileType::MsOle2, &document::compound("VBA", &streams)).children;
        let sources: Vec<_> = found.iter().filter(|child| child.member.name == "VBA/Module1.vba").collect();
        assert_eq!(sources.len(), 2);
        assert!(sources.iter().all(|child| child.bytes == source));
        assert_eq!(sources[1].member.file_type, Some(FileType::MsOle2));
    }
}

#[test]
fn copies_in_compressed_sources_are_read() {
    // From the specification: `#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa`.
    let bytes = b"\x01\x2f\xb0\x00#aaabcde\x82f\0\x70aghij\x01\x38\x08akl\0\x30mnop\x06q\x02\x70\x04\x10rstuv\x10wxyz\0\x3c\0";
    let plain = super::vba::decompressed(bytes, 1000).unwrap();
    assert!(plain.starts_with(b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyz"), "{plain:?}");
}

#[test]
fn packages_and_objects_of_presentations_are_opened() {
    let mut package = b"\0\0\0\0\x02\0label.exe\0path\0\0\0\x03\0\x04\0\0\0tmp\0\x07\0\0\0content".to_vec();
    package.extend(b"behind");
    let packed = stream::zlib(b"an object");
    let record =
        [&[0x10, 0, 0x11, 0x10][..], &(packed.len() as u32 + 4).to_le_bytes(), &[9, 0, 0, 0], &packed]
            .concat();
    let document = [&[0x0f, 0, 0xe8, 3][..], &(record.len() as u32).to_le_bytes(), &record].concat();
    let bytes = document::compound("", &[("\u{1}Ole10Native", package), ("PowerPoint Document", document)]);
    let found = shown(&bytes);
    assert_eq!(found[1], ("\u{1}Ole10Native/label.exe".to_owned(), b"content".to_vec()));
    assert_eq!(found[3], ("PowerPoint Document/object".to_owned(), b"an object".to_vec()));
}

#[test]
fn names_of_installer_databases_are_read() {
    let name = char::from_u32(0x4840).unwrap().to_string() + "\u{3f3f}\u{4577}";
    let found = shown(&document::compound("", &[(&name, b"x".to_vec())]));
    assert!(found[0].0.starts_with('!') && found[0].0.is_ascii(), "{}", found[0].0);
}

#[test]
fn encrypted_documents_say_so() {
    for (name, content) in [
        ("EncryptedPackage", vec![0; 20]),
        ("WordDocument", vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("Workbook", vec![9, 8, 2, 0, 0, 0, 0x2f, 0, 2, 0, 1, 0]),
    ] {
        let found = Collected::of(FileType::MsOle2, &document::compound("", &[(name, content)]));
        assert_eq!(found.incomplete, [Reason::Encrypted], "{name}");
    }
}

#[test]
fn loops_end() {
    let mut bytes = document::compound("", &[("large", vec![1; 9000]), ("small", vec![2; 100])]);
    let table = bytes.len() - 512;
    // Every sector leads to itself.
    for sector in 0..128_u32 {
        let at = table + 4 * sector as usize;
        bytes[at..at + 4].copy_from_slice(&sector.to_le_bytes());
    }
    assert!(!Collected::of(FileType::MsOle2, &bytes).children.is_empty());
}

#[test]
fn damage_is_survived() {
    let source = document::vba(b"Attribute VB_Name = \"Module1\"");
    let streams =
        [("dir", document::vba_directory("Module1", 0)), ("Module1", source), ("large", vec![1; 5000])];
    survives_damage(FileType::MsOle2, &document::compound("VBA", &streams));
}
