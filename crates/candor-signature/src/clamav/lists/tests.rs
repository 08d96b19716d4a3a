//! Switches, passwords and lists of URLs.

use candor_database::ir::{Signature, TextList, UrlList};
use candor_model::FileType;

use crate::clamav::tests::{check_fates, load_files, signature};

#[test]
fn configuration() {
    let line = "PE:0xbf7f:33:400";
    assert_eq!(signature("cfg", line), Signature::Text(TextList { line: line.into() }));
    check_fates(
        "cfg",
        &[
            ("PCRE:0x1", "accepted"),
            ("PE:0x1:300", "level"),
            ("PE:0x1:10:20", "level"),
            ("FOO:0x1", "unused 1: unknown module 'FOO'"),
            ("PE", "3: the number of the flags is missing"),
            ("PE:1", "4: flags are written as 0x…"),
            ("PE:0x", "6: flags are up to 8 hexadecimal digits"),
            ("PE:0xg", "6: flags are up to 8 hexadecimal digits"),
        ],
    );
}

#[test]
fn contents_of_a_container() {
    let outcome = load_files(&[("t.info", b"ClamAV-VDB:x:1\nt.ndb:1:ab\nDSIG:xyz\n")]);
    let names: Vec<&str> = outcome.collector.taken.iter().map(|taken| taken.name.as_str()).collect();
    assert_eq!(names, ["ClamAV-VDB", "t.ndb", "DSIG"]);
}

#[test]
fn passwords() {
    let Signature::Password(password) = signature("pwdb", "A;Engine:81-255,Container:CL_TYPE_ZIP;0;a;b")
    else {
        panic!()
    };
    assert_eq!(
        (password.password.as_slice(), password.target.container),
        (b"a;b".as_slice(), Some(FileType::Zip))
    );
    let Signature::Password(password) = signature("pwdb", "A;Target:0;1;7061ff") else { panic!() };
    assert_eq!(password.password, b"pa\xff");
    check_fates(
        "pwdb",
        &[
            ("A;Target:0;0;", "accepted"),
            ("A;Engine:81-255;0;x", "accepted"),
            ("A;Engine:300-400,Target:0;0;x", "level"),
            ("A;Engine:81-255,Container:CL_TYPE_PDF;0;x", "3: passwords are for archives"),
            ("A;Target:0;0", "13: the password is missing"),
            ("A;Target:0;1;706", "17: odd number of hexadecimal digits"),
            ("A;Target:0;1;zz", "14: not a hexadecimal digit"),
            ("A;Target:0;2;zz", "unused 12: no such way to store a password"),
            ("A;;0;x", "3: not an attribute: ''"),
        ],
    );
}

#[test]
fn urls() {
    for (extension, line, kind, fields) in [
        ("wdb", "X:.+\\.a([/?].*)?:.+\\.b:17-", 'X', ["", ".+\\.a([/?].*)?", ".+\\.b"].as_slice()),
        ("wdb", "M:a.com:b.com", 'M', &["", "a.com", "b.com"]),
        ("wdb", "Y:foo:17-300", 'Y', &["", "foo"]),
        ("pdb", "H:foo.com:-255", 'H', &["", "foo.com"]),
        ("pdb", "R:foo.*:bar", 'R', &["", "foo.*", "bar"]),
        ("gdb", "S:P:aabbccdd", 'S', &["", "P", "aabbccdd"]),
        ("gdb", "S1:F:abab", 'S', &["S1", "F", "abab"]),
        ("gdb", "S2:W:abab", 'S', &["S2", "W", "abab"]),
    ] {
        let fields =
            fields.iter().filter(|field| !field.is_empty()).map(|field| (*field).to_owned()).collect();
        assert_eq!(signature(extension, line), Signature::Url(UrlList { kind, fields }), "{line}");
    }
    check_fates(
        "wdb",
        &[
            ("X:a:b:300-", "level"),
            ("X", "2: the rest of the line is missing"),
            ("X:a", "3: the line is too short"),
            ("Z:a", "1: no such kind of line in this list: 'Z'"),
            ("H:foo", "1: no such kind of line in this list: 'H'"),
        ],
    );
    check_fates(
        "pdb",
        &[
            ("H:a:1-5", "level"),
            ("H:", "3: the line is too short"),
            ("X:a:b", "1: no such kind of line in this list: 'X'"),
        ],
    );
    check_fates(
        "gdb",
        &[
            ("S:Q:aabb", "3: a hash is of kind P, F or W"),
            ("S:F:zz", "5: not a hexadecimal digit"),
            ("S:P:aabb:51", "3: a line of hashes has three fields"),
            ("W:P:aabb", "1: no such kind of line in this list: 'W'"),
        ],
    );
}

#[test]
fn certificates_of_programs() {
    let subject = "ab".repeat(20);
    let modulus = format!("00{}", "c1".repeat(128));
    let line = |trusted: &str, serial: &str, tail: &str| {
        format!("A.B;{trusted};{subject};{serial};{modulus};010001;{tail}")
    };
    let Signature::Certificate(rule) = signature("crb", &line("1", "", "1;0;1;0;a comment")) else {
        panic!()
    };
    assert!(rule.trusted && rule.signs_code && !rule.signs_times && rule.signs_certificates);
    assert_eq!((rule.subject, rule.serial), ([0xab; 20], None));
    assert_eq!(rule.modulus, [0xc1; 128]);
    let Signature::Certificate(rule) = signature("crb", &line("0", &"cd".repeat(20), "0;1;0;;")) else {
        panic!()
    };
    assert!(!rule.trusted && !rule.signs_code && rule.signs_times && !rule.signs_certificates);
    assert_eq!(rule.serial, Some([0xcd; 20]));
    check_fates(
        "crb",
        &[
            (&line("1", "", "1;0;1;0;c;81;255"), "accepted"),
            (&line("1", "", "1;0;1;0;c;300"), "level"),
            (&line("1", "", "1;0;1;0;c;x"), "325: the lowest functionality level is not a number: 'x'"),
            (&line("2", "", "1;0;1;0;c"), "5: 0 or 1"),
            (&line("1", "", "1;0;1;0"), "322: the comment is missing"),
            ("A;1;ab;;ab;1;1;1;1;0;c", "5: a digest has 40 hexadecimal digits"),
            (&format!("A;1;{subject};;abab;1;1;1;1;0;c"), "47: a modulus has 256 to 8192 bits"),
        ],
    );
}
