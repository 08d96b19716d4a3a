//! Short and long names, of both kinds.

use candor_fixtures::archive;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

fn shown(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::Ar, bytes).children;
    found.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

#[test]
fn members_are_given() {
    let bytes = archive::ar(&[("a.o", b"odd"), ("b", b"even")]);
    assert_eq!(shown(&bytes), [("a.o".to_owned(), b"odd".to_vec()), ("b".to_owned(), b"even".to_vec())]);
    survives_damage(FileType::Ar, &bytes);
}

#[test]
fn long_names_are_read() {
    let header = |name: &str, size: usize| format!("{name:<16}0           0     0     100644  {size:<10}`\n");
    let gnu = format!("!<arch>\n{}first.o/\na very long name.o/\n\n{}x", header("//", 30), header("/9", 1));
    assert_eq!(shown(gnu.as_bytes()), [("a very long name.o".to_owned(), b"x".to_vec())]);
    let bsd = format!("!<arch>\n{}long name\0\0\0content", header("#1/12", 19));
    assert_eq!(shown(bsd.as_bytes()), [("long name".to_owned(), b"content".to_vec())]);
}

#[test]
fn damage_is_said() {
    let mut bytes = archive::ar(&[("a.o", b"odd!"), ("b", b"even")]);
    bytes[8 + 60 + 4 + 58] = b'x';
    let found = Collected::of(FileType::Ar, &bytes);
    assert_eq!((found.children.len(), found.incomplete.len()), (1, 1));
}

#[test]
fn a_name_is_read_no_further_than_names_go() {
    let header = |name: &str, size: usize| format!("{name:<16}0           0     0     100644  {size:<10}`\n");
    let names = "n".repeat(50_000);
    let bytes = format!("!<arch>\n{}{names}{}x", header("//", names.len()), header("/0", 1));
    assert_eq!(shown(bytes.as_bytes()), [("n".repeat(4096), b"x".to_vec())]);
}

#[test]
fn an_archive_that_is_cut_in_a_header_is_said_to_be() {
    let bytes = archive::ar(&[("a.o", b"odd"), ("b", b"even")]);
    let second = 8 + 60 + 4;
    for (length, is_cut) in [(second, false), (second + 1, true), (second + 59, true), (bytes.len(), false)] {
        let found = Collected::of(FileType::Ar, &bytes[..length]);
        assert_eq!(found.incomplete.len(), usize::from(is_cut), "{length} {:?}", found.incomplete);
    }
    let names = format!("!<arch>\n{:<16}0           0     0     100644  {:<10}`\na name", "//", 30);
    assert_eq!(Collected::of(FileType::Ar, names.as_bytes()).incomplete.len(), 1);
}
