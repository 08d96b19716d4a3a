//! Archives of PyInstaller behind programs, whole and damaged.

use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::stream;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn archive(entries: &[(&str, u8, bool, &[u8])], newer: bool) -> Vec<u8> {
    let mut data = Vec::new();
    let mut table = Vec::new();
    for (name, kind, is_packed, content) in entries {
        let packed = if *is_packed { stream::zlib(content) } else { content.to_vec() };
        let name = [name.as_bytes(), b"\0"].concat();
        for number in [18 + name.len(), data.len(), packed.len(), content.len()] {
            table.extend((number as u32).to_be_bytes());
        }
        table.extend([u8::from(*is_packed), *kind]);
        table.extend(name);
        data.extend(packed);
    }
    let cookie = if newer { 88 } else { 24 };
    let mut out = [&data[..], &table, b"MEI\x0c\x0b\x0a\x0b\x0e"].concat();
    for number in [data.len() + table.len() + cookie, data.len(), table.len(), 311] {
        out.extend((number as u32).to_be_bytes());
    }
    out.resize(data.len() + table.len() + cookie, 0);
    out
}

fn modules() -> Vec<u8> {
    let streams = [stream::zlib(b"the first module"), stream::zlib(b"the second module")].concat();
    let table = 12 + 5 + streams.len() as u32;
    [b"PYZ\0\x61\x0d\x0d\x0a", &table.to_be_bytes()[..], &[0; 5], &streams, b"\xdb\0\0\0\0"].concat()
}

/// The same with a table of names.
fn named_modules() -> Vec<u8> {
    let mut archive = modules();
    archive.truncate(archive.len() - 5);
    let second = 17 + stream::zlib(b"the first module").len() as u8;
    archive.extend(b"\xdb\x02\0\0\0");
    for (name, place) in [("start", 17), ("pkg.a", second)] {
        archive.extend(b"\xa9\x02\xda\x05");
        archive.extend(name.as_bytes());
        archive.extend(b"\xa9\x03\xe9\0\0\0\0\xe9");
        archive.extend([place, 0, 0, 0, 0xe9, 1, 0, 0, 0]);
    }
    archive
}

#[test]
fn modules_have_their_names() {
    let executable = Executable::new(Kind::Pe32, vec![]).build().0;
    let of = |modules: &[u8]| {
        let entries: [(&str, u8, bool, &[u8]); 1] = [("PYZ.pyz", b'z', false, modules)];
        Collected::of(FileType::MsExe, &[&executable[..], &archive(&entries, true)].concat())
    };
    let found = of(&named_modules());
    let shown: Vec<_> = found.children.iter().map(|child| &child.member.name[..]).collect();
    assert!(shown.ends_with(&["PYZ.pyz/start", "PYZ.pyz/pkg.a"]), "{shown:?}");
    assert_eq!(found.incomplete, []);
    // What is encrypted is no stream.
    let secret: Vec<u8> =
        named_modules().into_iter().map(|byte| if byte == 0x78 { 0x79 } else { byte }).collect();
    assert!(matches!(&of(&secret).incomplete[..], [Reason::Unsupported(_)]));
}

fn program(kind: Kind, newer: bool) -> Vec<u8> {
    let section = SectionRecipe { name: ".text".to_owned(), bytes: vec![0x90; 64] };
    let entries: [(&str, u8, bool, &[u8]); 3] = [
        ("main", b's', true, b"print('needle')"),
        ("data.bin", b'b', false, b"stored"),
        ("PYZ-00.pyz", b'z', false, &modules()),
    ];
    [Executable::new(kind, vec![section]).build().0, archive(&entries, newer)].concat()
}

#[test]
fn every_entry_and_module_is_given() {
    for (kind, file_type) in [(Kind::Pe32, FileType::MsExe), (Kind::Elf64, FileType::Elf)] {
        for newer in [true, false] {
            let found = Collected::of(file_type, &program(kind, newer));
            assert!(found.details.contains(&("bundle", "PyInstaller, Python 311".to_owned())));
            let content = |name: &str| {
                let child = found.children.iter().find(|child| child.member.name == name);
                child.map(|child| String::from_utf8_lossy(&child.bytes).into_owned()).unwrap_or_default()
            };
            assert_eq!(content("main"), "print('needle')");
            assert_eq!(content("data.bin"), "stored");
            assert_eq!(content("PYZ-00.pyz/module 1"), "the first module");
            assert_eq!(content("PYZ-00.pyz/module 2"), "the second module");
            assert_eq!(found.incomplete, []);
        }
    }
}

#[test]
fn a_table_that_cannot_be_read_is_told() {
    let mut bytes = program(Kind::Elf64, true);
    let cookie = bytes.len() - 88;
    bytes[cookie + 12] = 0x7f;
    let found = Collected::of(FileType::Elf, &bytes);
    assert_eq!(found.incomplete, [Reason::Malformed("the archive of PyInstaller".to_owned())]);
    let mut bytes = program(Kind::Elf64, true);
    let second = bytes.windows(8).position(|window| window == b"data.bin").unwrap() - 18;
    bytes[second..second + 4].copy_from_slice(&[0, 0, 0, 1]);
    let found = Collected::of(FileType::Elf, &bytes);
    assert_eq!(found.incomplete, [Reason::Malformed("the table of an archive of PyInstaller".to_owned())]);
    assert_eq!(found.children[0].bytes, b"print('needle')");
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::Elf, &program(Kind::Elf64, false));
}

#[test]
fn an_archive_is_found_whatever_follows_it() {
    let behind = vec![b'x'; 300 << 10];
    let found = Collected::of(FileType::MsExe, &[program(Kind::Pe32, true), behind.clone()].concat());
    assert!(found.children.iter().any(|child| child.bytes == b"print('needle')"));
    // The magic alone is none, where no end of an archive is expected.
    let plain = Executable::new(Kind::Pe32, vec![]).build().0;
    let found = Collected::of(FileType::MsExe, &[plain, super::MAGIC.to_vec(), behind].concat());
    assert_eq!(found.incomplete, []);
}
