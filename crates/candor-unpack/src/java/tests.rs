//! Classes built constant by constant.

use candor_fixtures::bytecode::java_class;
use candor_model::{ChildKind, FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn file() -> Vec<u8> {
    java_class(
        b"com/example/Loader",
        b"java/lang/Object",
        &[b"http://example.com/a?b", b"", b"z\xc0\x80", b"\x01"],
    )
}

const TEXT: &[u8] = b"com/example/Loader\njava/lang/Object\nmember\nhttp://example.com/a?b\nz\0\n\x01\n";

fn of(key: &str, found: &Collected) -> Vec<String> {
    found.details.iter().filter(|(known, _)| *known == key).map(|(_, value)| value.clone()).collect()
}

#[test]
fn strings_are_one_text_and_names_are_told() {
    let found = Collected::of(FileType::Java, &file());
    assert_eq!(found.children.len(), 1);
    let child = &found.children[0];
    assert_eq!((child.kind, child.member.name.as_str()), (ChildKind::Extracted, "strings"));
    assert_eq!(child.member.file_type, Some(FileType::TextUtf8));
    assert_eq!(child.bytes, TEXT);
    let told: Vec<_> = found.details.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(
        told,
        [
            ("class-version", "52.0 (Java 8)"),
            ("class", "com.example.Loader"),
            ("super-class", "java.lang.Object"),
            ("methods", "1"),
        ]
    );
    assert_eq!(found.incomplete, []);
}

#[test]
fn versions_are_named() {
    for (version, name) in [
        ([0, 3, 0, 45], "45.3 (Java 1.1)"),
        ([0, 0, 0, 48], "48.0 (Java 1.4)"),
        ([0xff, 0xff, 0, 65], "65.65535 (Java 21)"),
    ] {
        let mut class = file();
        class[4..8].copy_from_slice(&version);
        assert_eq!(of("class-version", &Collected::of(FileType::Java, &class)), [name]);
    }
}

#[test]
fn an_unknown_constant_ends_the_walk_and_what_was_read_is_kept() {
    let mut class = file();
    let at = class.windows(4).position(|window| window == b"http").unwrap() - 3;
    class[at] = 2;
    let found = Collected::of(FileType::Java, &class);
    assert_eq!(found.children[0].bytes, b"com/example/Loader\njava/lang/Object\nmember\n");
    let place = at + 1;
    assert_eq!(
        found.incomplete,
        [Reason::Malformed(format!("a class that ends or makes no sense at byte {place}"))]
    );
}

#[test]
fn a_cut_class_keeps_its_strings() {
    let class = file();
    let found = Collected::of(FileType::Java, &class[..class.len() - 3]);
    assert_eq!(found.children[0].bytes, TEXT);
    assert_eq!(of("class", &found), ["com.example.Loader"]);
    assert!(matches!(&found.incomplete[..], [Reason::Malformed(_)]));
}

#[test]
fn what_stands_behind_the_end_is_given() {
    let behind = b"something that belongs to nobody";
    let found = Collected::of(FileType::Java, &[&file()[..], behind].concat());
    let offset = file().len() as u64;
    assert_eq!(of("overlay", &found), [format!("{} bytes at offset {offset}", behind.len())]);
    assert_eq!(found.children[1].kind, ChildKind::Embedded { offset });
    assert_eq!(found.children[1].bytes, behind);
}

#[test]
fn an_archive_behind_a_class_is_found_once() {
    let archive = candor_fixtures::android::package(b"x");
    let found = Collected::of(FileType::Java, &[file(), archive.clone()].concat());
    let found: Vec<_> = found
        .children
        .iter()
        .filter(|child| child.member.name != "strings")
        .map(|child| &child.bytes)
        .collect();
    assert_eq!(found, [&archive]);
}

#[test]
fn damage_stays_within_the_budget() {
    survives_damage(FileType::Java, &file());
}
