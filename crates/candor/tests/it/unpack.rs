//! `candor unpack`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use candor_fixtures::zip::{self, Member};
use insta::assert_snapshot;

use crate::run::{Place, eicar, settings};

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let member = |(name, bytes): &(&str, &[u8])| Member {
        name: (*name).to_owned(),
        bytes: bytes.to_vec(),
        deflate: false,
        encrypted: false,
    };
    zip::build(&members.iter().map(member).collect::<Vec<_>>())
}

#[test]
fn the_tree_with_facts_and_reasons() {
    let place = Place::new();
    let inner = archive(&[("b.txt", b"deep inside")]);
    place.file("a.zip", archive(&[("in/inner.zip", &inner), ("cut.gz", b"\x1f\x8b\x08\0")]));
    let said = place.run(&["unpack", "a.zip"]);
    settings(&place).bind(|| assert_snapshot!(said.text()));
    let unjailed = place.run(&["unpack", "--no-sandbox", "a.zip"]);
    assert_eq!(unjailed.text(), said.text());
}

#[test]
fn the_same_for_programs() {
    let place = Place::new();
    place.file("a.zip", archive(&[("b.txt", b"deep inside")]));
    let said = place.run(&["unpack", "--json", "-o", "out", "a.zip"]);
    assert_eq!(said.code, 0, "{said:?}");
    let object = &said.json()[0];
    assert_eq!(object["type"], "unpacked");
    assert_eq!(object["complete"], true);
    assert_eq!(object["layers"][1]["name"], "b.txt");
    assert_eq!(object["layers"][1]["parent"], 0);
    assert_eq!(object["layers"][1]["length"], 11);
    assert_eq!(object["layers"][1]["written_to"], "0001-b.txt");
}

#[test]
fn layers_are_written_where_they_can_do_no_harm() {
    let place = Place::new();
    let names = ["../../evil.sh", "/etc/cron.d/evil", "run.exe", "a/b/c", "..", "same", "same"];
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, name.as_bytes())).collect();
    place.file("a.zip", archive(&members));
    let said = place.run(&["unpack", "-o", "out", "a.zip"]);
    assert_eq!(said.code, 0, "{said:?}");
    let mut written: Vec<(String, Vec<u8>, u32)> = fs::read_dir(place.path("out"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap(), mode)
        })
        .collect();
    written.sort();
    let expected = ["0001-evil.sh", "0002-evil", "0003-run.exe", "0004-c", "0005", "0006-same", "0007-same"];
    assert_eq!(written.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), expected);
    for ((_, content, mode), name) in written.iter().zip(names) {
        assert_eq!((content.as_slice(), *mode), (name.as_bytes(), 0o600));
    }
    let beside: Vec<_> =
        fs::read_dir(place.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
}

#[test]
fn nothing_is_overwritten_and_no_link_is_followed() {
    let place = Place::new();
    place.file("a.zip", archive(&[("b.txt", b"new")]));
    let victim = place.file("victim", "old");
    fs::create_dir(place.path("out")).unwrap();
    std::os::unix::fs::symlink(&victim, place.path("out/0001-b.txt")).unwrap();
    let said = place.run(&["unpack", "-o", "out", "a.zip"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("0001-b.txt is there already"), "{said:?}");
    assert_eq!(fs::read(&victim).unwrap(), b"old");
    place.file("plain", "x");
    assert_eq!(place.run(&["unpack", "-o", "plain", "a.zip"]).code, 2);
    assert_eq!(place.run(&["unpack", "-o", "no/such/place", "a.zip"]).code, 2);
}

#[test]
fn large_layers_come_out_whole_and_limits_hold() {
    let place = Place::new();
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251).to_le_bytes()[0]).collect();
    place.file("a.zip", archive(&[("large", &large)]));
    let said = place.run(&["unpack", "-o", "out", "a.zip"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(fs::read(place.path("out/0001-large")).unwrap() == large);
    let said = place.run(&["unpack", "--max-scan-size", "4M", "-o", "cut", "a.zip"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stdout.contains("exceed the scan-size limit"), "{said:?}");
    let written = fs::metadata(place.path("cut/0001-large")).map_or(0, |metadata| metadata.len());
    assert!(written <= 4 << 20, "{written}");
}

#[test]
fn malware_is_taken_apart_like_anything_else() {
    let place = Place::new();
    place.file("a.zip", archive(&[("eicar.com", &eicar()), ("after.txt", b"goes on")]));
    let said = place.run(&["unpack", "-o", "out", "a.zip"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(fs::read(place.path("out/0002-after.txt")).unwrap(), b"goes on");
}

#[test]
fn standard_input_and_what_cannot_be_read() {
    let place = Place::new();
    let said = place.run_with_input(&["unpack", "-"], &archive(&[("b.txt", b"deep inside")]));
    assert!(said.code == 0 && said.stdout.contains("b.txt: ASCII text, 11 bytes"), "{said:?}");
    let said = place.run(&["unpack", "missing"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("missing: no such file"), "{said:?}");
    assert!(place.run(&["unpack", "."]).stderr.contains("it is a directory"));
}
