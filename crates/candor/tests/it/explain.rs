//! `candor explain`.

use insta::assert_snapshot;

use crate::run::{Place, eicar, settings};

#[test]
fn a_finding_and_its_bytes() {
    let place = Place::new();
    place.file("marks.ldb", "Two.Marks;Engine:81-255,Target:0;0&1;66696e646d65;616e64746869733f\n");
    place.file(
        "a.bin",
        [&[0_u8, 1, 2, 255][..], &[7; 40], b"please findme here, andthis? too", &[9; 50]].concat(),
    );
    let said = place.run_cached(&["explain", "-d", "marks.ldb", "a.bin"]);
    settings(&place).bind(|| {
        assert_snapshot!(said.text());
    });
}

#[test]
fn the_tree_of_layers() {
    let place = Place::new();
    place.file("a.zip", crate::scan::nested());
    let said = place.run(&["explain", "a.zip"]);
    let mut settings = settings(&place);
    settings.add_filter(r"line \d+", "line [N]");
    settings.bind(|| {
        assert_snapshot!(said.text());
    });
}

#[test]
fn a_clean_file() {
    let place = Place::new();
    place.file("a.txt", "nothing here");
    let said = place.run(&["explain", "a.txt"]);
    settings(&place).bind(|| {
        assert_snapshot!(said.text());
    });
}

#[test]
fn a_file_that_is_not_there() {
    let place = Place::new();
    let said = place.run(&["explain", "missing"]);
    settings(&place).bind(|| {
        assert_snapshot!(said.text());
    });
}

#[test]
fn what_was_not_looked_at() {
    let place = Place::new();
    place.file("a.txt", vec![b'x'; 5000]);
    let said = place.run(&["explain", "--max-file-size", "1K", "a.txt"]);
    settings(&place).bind(|| {
        assert_snapshot!(said.text());
    });
}

#[test]
fn one_object_for_programs() {
    let place = Place::new();
    let said = place.run_with_input(&["explain", "--json", "-"], &eicar());
    assert_eq!(said.code, 1);
    let object = said.json().remove(0);
    assert_eq!(object["path"], "-");
    assert_eq!(object["layer_tree"][0]["length"], 68);
    let bytes: String = eicar().iter().map(|byte| format!("{byte:02x}")).collect();
    let finding = object["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["signature"] == "Test.EICAR")
        .unwrap();
    assert_eq!(finding["matches"][0]["bytes"], bytes);
}
