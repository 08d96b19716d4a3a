//! Archives of every method that is read, cut short, and trees that lead in circles.

use candor_fixtures::archive::arc;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    let runs = [[b'a'; 300].as_slice(), b"\x90\x90", &[0x90; 5], &[0; 700]].concat();
    runs.into_iter().chain((0..9_000_u32).flat_map(|number| format!("{number} ").into_bytes())).collect()
}

#[test]
fn files_of_every_method_are_given() {
    for method in 1..=9 {
        let found = Collected::of(
            FileType::Arc,
            &arc(&[("A", method, b"first"), ("B.TXT", method, &text()), ("C", 2, b"last")]),
        );
        assert_eq!(found.incomplete, [], "{method}");
        assert!(found.children.iter().all(|child| child.absent.is_none()), "{method}");
        assert_eq!(found.children[0].bytes, b"first");
        assert_eq!(found.children[1].member.name, "B.TXT");
        assert!(found.children[1].bytes == text(), "{method}");
        assert_eq!(found.children[2].bytes, b"last");
    }
}

#[test]
fn what_is_not_opened_is_said() {
    let found = Collected::of(FileType::Arc, &arc(&[("A", 10, b"x"), ("B", 2, b"last")]));
    assert_eq!(found.children[0].absent, Some(Reason::Unsupported("method 10 of ARC".to_owned())));
    assert_eq!(found.children[1].bytes, b"last");
    let bytes = arc(&[("A", 2, b"first"), ("B", 3, &text())]);
    let found = Collected::of(FileType::Arc, &bytes[..bytes.len() - 40]);
    assert_eq!(found.children[0].bytes, b"first");
    assert_eq!(found.incomplete, [Reason::Malformed("the file B is cut short".to_owned())]);
}

#[test]
fn a_tree_that_leads_in_a_circle_ends() {
    let mut bytes = arc(&[("A", 4, &text())]);
    // The root's children are the root.
    bytes[31..35].fill(0);
    assert!(Collected::of(FileType::Arc, &bytes).children[0].absent.is_some());
}

#[test]
fn codes_that_the_table_does_not_have_end_a_file() {
    // The first code is one that no byte has; then one that comes before its string could be there.
    for method in [5, 6, 7] {
        let whole = arc(&[("A", method, b"abcabcabc"), ("B", 2, b"last")]);
        let mut bytes = whole.clone();
        let start = 29;
        bytes[start..start + 2].copy_from_slice(&[0xff, 0xff]);
        let found = Collected::of(FileType::Arc, &bytes);
        assert!(matches!(found.children[0].absent, Some(Reason::Malformed(_))), "{method}");
        assert_eq!(found.children[1].bytes, b"last");
        let found = Collected::of(FileType::Arc, &whole);
        assert_eq!(found.children[0].bytes, b"abcabcabc");
    }
}

#[test]
fn damage_is_survived() {
    for method in [1, 3, 4, 5, 6, 7, 8, 9] {
        survives_damage(FileType::Arc, &arc(&[("A", method, b"first"), ("B", method, &text()[..2000])]));
    }
}
