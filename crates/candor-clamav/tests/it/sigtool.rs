//! `sigtool` beside ClamAV's own.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::place::Place;

const SIGTOOL: &str = "/usr/bin/sigtool";

#[test]
fn digests_and_digits_are_those_of_clamav() {
    let place = Place::new();
    let ours = place.path("bin/sigtool");
    symlink(env!("CARGO_BIN_EXE_candor-clamav"), &ours).unwrap();
    // From RFC 1321 and FIPS 180.
    for (option, digest) in [
        ("--md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("--sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("--sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ] {
        let said = place.run(&ours, &[option, "d/tiny"], b"");
        assert_eq!((said.code, said.stdout), (0, format!("{digest}:3:tiny\n")));
    }
    let is_there = Path::new(SIGTOOL).exists();
    assert!(is_there || std::env::var_os("CI").is_none(), "{SIGTOOL} is missing: install clamav");
    if !is_there {
        return;
    }
    for case in [
        "--md5 d/a.txt d/b.txt",
        "--sha1 d/a.txt d/big.bin",
        "--sha256 d/a.txt d/empty",
        "--md5 d/missing",
        "--md5 d/missing d/a.txt",
        "--md5 d/a.txt d/missing",
        "--md5",
        "--sha1",
        "--sha256",
        "--hex-dump",
        "-V",
    ] {
        let arguments: Vec<&str> = case.split(' ').collect();
        let input = b"some input\0\xff";
        assert_eq!(
            place.run(&ours, &arguments, input),
            place.run(Path::new(SIGTOOL), &arguments, input),
            "{case}"
        );
    }
}

#[test]
fn what_is_not_there_is_refused() {
    let place = Place::new();
    let ours = place.path("bin/sigtool");
    symlink(env!("CARGO_BIN_EXE_candor-clamav"), &ours).unwrap();
    for arguments in [&["--info", "db/test.ndb"][..], &["--list-sigs"], &["--bogus"], &["--md5", "d/pipe"]] {
        let said = place.run(&ours, arguments, b"");
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(said.stderr.contains("ERROR: "), "{arguments:?}");
    }
}
