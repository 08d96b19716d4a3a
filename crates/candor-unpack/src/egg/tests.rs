//! Archives of every method, solid and not, encrypted, and cut short.

use candor_fixtures::archive::egg;
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..30_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn files_of_every_method_are_given() {
    for method in [0, 1, 2, 4] {
        for is_solid in [false, true] {
            let files: &[(&str, &[u8])] =
                &[("a.exe", b"first"), ("b", &text()), ("empty", b""), ("c", b"last")];
            let found = Collected::of(FileType::Egg, &egg(method, is_solid, files));
            assert_eq!(found.incomplete, [], "{method} {is_solid}");
            let names: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
            assert_eq!(names, ["a.exe", "b", "c"]);
            assert!(found.children.iter().all(|child| child.absent.is_none()));
            assert!(found.children[0].bytes == b"first" && found.children[1].bytes == text());
            assert_eq!(found.children[2].bytes, b"last");
        }
    }
}

#[test]
fn what_is_too_large_does_not_hide_what_follows_in_a_solid_archive() {
    let bytes = egg(1, true, &[("a", &text()), ("b", b"behind")]);
    let limits = Limits { max_file_size: 1000, ..Limits::default() };
    let found = Collected::with_limits(FileType::Egg, &bytes, limits);
    assert_eq!(found.children[0].bytes.len(), 1000);
    assert_eq!(found.children[1].bytes, b"behind");
}

#[test]
fn what_is_not_opened_is_said() {
    let bytes = egg(3, false, &[("a", b"x")]);
    let found = Collected::of(FileType::Egg, &bytes);
    assert_eq!(found.children[0].absent, Some(Reason::Unsupported("AZO compression".to_owned())));
    // A field that says that all is encrypted, and one that says that there are other volumes.
    for mark in [0x08d1_470f_u32, 0x24f5_a262] {
        let mut bytes = egg(1, false, &[("a", b"x")]);
        let field: Vec<u8> = mark.to_le_bytes().into_iter().chain([0, 1, 0, 0]).collect();
        bytes.splice(14..14, field);
        let found = Collected::of(FileType::Egg, &bytes);
        let is_encrypted = found.children[0].absent == Some(Reason::Encrypted);
        assert!(is_encrypted || matches!(found.incomplete.as_slice(), [Reason::Unsupported(_)]));
    }
    let bytes = egg(1, false, &[("a", b"first"), ("b", &text())]);
    let found = Collected::of(FileType::Egg, &bytes[..bytes.len() / 2]);
    assert_eq!(found.children[0].bytes, b"first");
    assert!(found.children[1].bytes.len() > 1000 && !found.incomplete.is_empty());
}

#[test]
fn damage_is_survived() {
    for is_solid in [false, true] {
        for method in [0, 4] {
            survives_damage(FileType::Egg, &egg(method, is_solid, &[("a", b"first"), ("b", &text()[..500])]));
        }
    }
}
