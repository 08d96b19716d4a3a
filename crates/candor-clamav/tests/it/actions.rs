//! `--move`, `--copy` and `--remove`.

use std::fs;

use crate::place::Place;

fn names(place: &Place, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn files_are_copied_and_moved_under_names_that_are_free() {
    let place = Place::new();
    fs::create_dir(place.path("away")).unwrap();
    let real = place.path("d/a.txt").canonicalize().unwrap();
    let away = place.path("away").canonicalize().unwrap();
    let (real, away) = (real.display(), away.display());
    for (option, done, name, is_left) in [
        ("--copy=away", "copied", "a.txt", true),
        ("--copy=away", "copied", "a.txt.001", true),
        ("--move=away", "moved", "a.txt.002", false),
    ] {
        let said = place.clamscan(&["--no-summary", option, "d/a.txt"]);
        let expected = format!(
            "d/a.txt: Test.Marker.UNOFFICIAL FOUND\nd/a.txt (real path: '{real}'): {done} to '{away}/{name}'\n"
        );
        assert_eq!((said.code, said.stdout), (1, expected), "{}", said.stderr);
        assert_eq!(fs::read(place.path("away").join(name)).unwrap(), b"hello MARKER there");
        assert_eq!(place.path("d/a.txt").exists(), is_left);
    }
}

#[test]
fn files_are_removed_and_nothing_else() {
    let place = Place::new();
    let said = place.clamscan(&["--no-summary", "-ri", "--remove", "d"]);
    assert_eq!(said.code, 1);
    assert_eq!(said.stdout.matches("): Removed.\n").count(), 2, "{said:?}");
    assert!(!place.path("d/a.txt").exists() && !place.path("d/sub/c.txt").exists());
    assert_eq!(
        names(&place, "d"),
        [
            "b.txt",
            "big.bin",
            "dangling",
            "empty",
            "folder",
            "link",
            "name with spaces",
            "nothing",
            "pipe",
            "sub",
            "tiny"
        ]
    );
    assert_eq!(place.clamscan(&["--remove=no", "d/b.txt"]).code, 0);
}

#[test]
fn standard_input_is_not_acted_upon() {
    let place = Place::new();
    place.file("stdin", b"a file that has that name");
    let said = place.clamscan_with(&["--no-summary", "--remove", "-"], b"MARKER");
    assert_eq!((said.code, said.stdout.as_str()), (1, "stdin: Test.Marker.UNOFFICIAL FOUND\n"));
    assert!(place.path("stdin").exists());
}

#[test]
fn a_file_that_is_named_twice_is_moved_once() {
    let place = Place::new();
    fs::create_dir(place.path("away")).unwrap();
    let said = place.clamscan(&["--no-summary", "--move=away", "d/a.txt", "d/a.txt"]);
    assert_eq!(said.code, 1);
    assert_eq!(names(&place, "away"), ["a.txt"]);
}
