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
