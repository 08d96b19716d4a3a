//! The tasks as a program. That it is tested also has `cargo test` build it, so that `.ci/run` needs no other build of all crates.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

fn told(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_step_that_is_unknown_is_refused_and_all_are_named() {
    let (is_well, said) = told(&["ci", "--only", "nonsense"]);
    assert!(!is_well);
    for step in ["nonsense", "fmt", "clippy", "jail", "oracle", "fuzz"] {
        assert!(said.contains(step), "{step}: {said}");
    }
}

#[test]
fn every_task_says_what_it_is_for() {
    let (is_well, said) = told(&["--help"]);
    assert!(is_well);
    for task in ["bench", "ci", "clients", "docs", "jail", "package", "tidy", "tuf"] {
        let line = said.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(task));
        assert!(line.is_some_and(|line| line.starts_with(' ') && line.trim().len() > 10), "{task}: {said}");
    }
}
