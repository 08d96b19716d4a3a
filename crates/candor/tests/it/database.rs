//! `candor database`.

use insta::assert_snapshot;

use crate::run::{Place, settings};

fn place() -> Place {
    let place = Place::new();
    place.file(
        "db/one.ndb",
        "First.Win.Thing:0:*:66696e646d65\n# comment\nSecond.Unix.Thing:0:*:66696e646d66\n",
    );
    place.file("db/two.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Third.Win.Hash\n");
    place
}

#[test]
fn list() {
    let place = place();
    let said = place.run_cached(&["database", "list", "db"]);
    assert_eq!(said.code, 0);
    let mut lines: Vec<&str> = said.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "First.Win.Thing\tndb\tone.ndb\t1",
            "Second.Unix.Thing\tndb\tone.ndb\t3",
            "Third.Win.Hash\thdb\ttwo.hdb\t1",
        ]
    );
    let said = place.run_cached(&["database", "list", "--json", "db"]);
    let third = said.json().into_iter().find(|object| object["name"] == "Third.Win.Hash").unwrap();
    assert_eq!(
        third,
        serde_json::json!({
            "name": "Third.Win.Hash", "language": "hdb", "source": "two.hdb", "line": 1,
            "official": false, "potentially_unwanted": false,
        })
    );
}

#[test]
fn find() {
    let place = place();
    let names = |pattern: &str| {
        let said = place.run_cached(&["database", "find", pattern, "db"]);
        let mut names: Vec<String> =
            said.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
        names.sort();
        (said.code, names)
    };
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names("win"), (0, owned(&["First.Win.Thing", "Third.Win.Hash"])));
    assert_eq!(names("*.unix.*"), (0, owned(&["Second.Unix.Thing"])));
    assert_eq!(names("unix.*"), (1, Vec::new()));
    assert_eq!(names("nothing"), (1, Vec::new()));
    assert_eq!(names("bad["), (2, Vec::new()));
}

#[test]
fn info() {
    let place = place();
    let said = place.run_cached(&["database", "info", "db"]);
    let text = said.text();
    let (head, _) = text.split_once("\n\nSections").unwrap();
    let mut settings = settings(&place);
    settings.add_filter(r"Length      .*", "Length      [LENGTH]");
    settings.bind(|| assert_snapshot!(head));
    let object = place.run_cached(&["database", "info", "--json", "db"]).json().remove(0);
    assert_eq!(object["signatures"], 3);
    assert_eq!(object["sources"].as_array().unwrap().len(), 2);
    let sections = object["sections"].as_array().unwrap();
    let sum: u64 = sections.iter().map(|section| section["length"].as_u64().unwrap()).sum();
    assert!(sum <= object["length"].as_u64().unwrap(), "{object}");
}

#[test]
fn check_of_sources_shows_all_diagnostics() {
    let place = place();
    assert_eq!(place.run(&["database", "check", "db"]).code, 0);
    place.file("db/bad.ndb", "Bad:0:*:zz\n".repeat(30));
    let said = place.run(&["database", "check", "db"]);
    assert_eq!(said.code, 1);
    assert_eq!(said.stderr.lines().filter(|line| line.starts_with("bad.ndb:")).count(), 30, "{said:?}");
    let object = place.run(&["database", "check", "--json", "db"]).json().remove(0);
    assert_eq!(object["sound"], false);
}

#[test]
fn the_built_in_database_is_sound() {
    let place = Place::new();
    let said = place.run(&["database", "check"]);
    assert_eq!(said.code, 0);
    assert!(said.stdout.starts_with("built-in: sound: all of "), "{said:?}");
}
