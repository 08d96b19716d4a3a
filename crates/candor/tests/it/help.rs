//! The help, read as its users read it.

use insta::assert_snapshot;

use crate::run::Place;

#[test]
fn the_commands() {
    assert_snapshot!(Place::new().run(&["--help"]).text());
}

#[test]
fn scan() {
    assert_snapshot!(Place::new().run(&["scan", "--help"]).text());
}

#[test]
fn the_other_commands() {
    let place = Place::new();
    let commands: [&[&str]; 6] = [
        &["explain", "-h"],
        &["unpack", "--help"],
        &["compile", "--help"],
        &["database", "--help"],
        &["database", "find", "--help"],
        &["database", "check", "--help"],
    ];
    let all: Vec<String> = commands.iter().map(|command| place.run(command).text()).collect();
    assert_snapshot!(all.join("\n\n"));
}

#[test]
fn nothing_asked_is_an_error_with_help() {
    let place = Place::new();
    let said = place.run(&[]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("Usage: candor"), "{said:?}");
    let said = place.run(&["scan"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("<PATH>"), "{said:?}");
}
