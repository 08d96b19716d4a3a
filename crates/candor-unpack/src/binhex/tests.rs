//! Forks, runs, and damage.

use candor_fixtures::container;
use candor_model::FileType;

use crate::collected::{Collected, survives_damage};

#[test]
fn the_data_fork_is_a_child() {
    let found = Collected::of(FileType::BinHex, &container::binhex(b"content \x90 with the mark of runs"));
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[0].member.name, "a");
    assert_eq!(found.children[0].bytes, b"content \x90 with the mark of runs");
}

#[test]
fn runs_are_written_out() {
    // `a`, a run of three, a zero that stands for the mark itself.
    let text: Vec<u8> = b"a\x90\x03\x90\0".to_vec();
    assert_eq!(super::unfolded(&container::binhex_digits(&text), 100), b"aaa\x90");
    assert_eq!(super::unfolded(&container::binhex_digits(&text), 2), b"aa");
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::BinHex, &container::binhex(b"content"));
}

#[test]
fn files_in_text_are_given() {
    let file = container::binhex(b"content");
    let text = [b"a text: this\n", &file[..], b"\nmore\n", &file, b"\n: and the rest"].concat();
    let found = Collected::of(FileType::TextAscii, &text).children;
    let files: Vec<_> =
        found.iter().filter(|child| child.member.file_type == Some(FileType::BinHex)).collect();
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(Collected::of(FileType::BinHex, &file.bytes).children[0].bytes, b"content");
    }
}

#[test]
fn a_text_that_tells_of_such_files_holds_none() {
    let text =
        "\"(This file must be converted with BinHex 4.0)\": what stands before a file, and a colon: more\n";
    let found = Collected::of(FileType::TextAscii, text.repeat(3).as_bytes());
    assert_eq!(found.incomplete, []);
    assert!(found.children.iter().all(|child| child.member.file_type != Some(FileType::BinHex)));
}
