//! `clamscan` by itself: what holds whether or not ClamAV is there to compare with.

use std::fs;
use std::os::unix::fs::symlink;

use crate::place::Place;

#[test]
fn findings_are_told_in_the_order_of_the_walk_however_many_workers_there_are() {
    let place = Place::new();
    for number in 0..300 {
        let content = if number % 7 == 0 { "MARKER" } else { "nothing in it" };
        place.file(&format!("many/{number:03}"), content.as_bytes());
    }
    let list: String = (0..300).map(|number| format!("many/{number:03}\n")).collect();
    place.file("list", list.as_bytes());
    let said = place.clamscan(&["--candor-jobs=4", "--no-summary", "-f", "list"]);
    let expected: String = (0..300)
        .map(|number| match number % 7 {
            0 => format!("many/{number:03}: Test.Marker.UNOFFICIAL FOUND\n"),
            _ => format!("many/{number:03}: OK\n"),
        })
        .collect();
    assert_eq!((said.code, said.stdout), (1, expected));
}

#[test]
fn what_was_not_looked_at_is_ok_and_said_to_be_so() {
    let place = Place::new();
    let said = place.clamscan(&["--no-summary", "--max-filesize=1K", "-v", "d/big.bin"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "Scanning d/big.bin\nd/big.bin: OK\n"));
    assert!(said.stderr.contains("d/big.bin: not looked at as a whole: larger than"), "{said:?}");
    assert!(said.stderr.contains("not everything could be looked into in 1 of the files"), "{said:?}");
    let said = place.clamscan(&["--no-summary", "--max-filesize=1K", "d/tiny"]);
    assert_eq!(said.stderr, "");
}

#[test]
fn an_option_without_effect_is_a_warning_and_its_usual_value_none() {
    let place = Place::new();
    let said = place.clamscan(&["--no-summary", "--scan-pe=no", "d/tiny"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "d/tiny: OK\n"));
    assert_eq!(said.stderr, "WARNING: --scan-pe has no effect: every format is looked into\n");
    assert_eq!(place.clamscan(&["--no-summary", "--scan-pe=yes", "d/tiny"]).stderr, "");
}

#[test]
fn an_expression_that_cannot_be_read_is_an_error() {
    let place = Place::new();
    let said = place.clamscan(&["--no-summary", "--exclude=(", "d"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.starts_with("ERROR: --exclude: "), "{said:?}");
}

#[test]
fn names_forge_no_lines() {
    let place = Place::new();
    place.file("d/sub/x: OK\nd/sub/y", b"MARKER");
    let said = place.clamscan(&["--no-summary", "-i", "-r", "d/sub"]);
    assert!(said.stdout.contains("d/sub/x: OK\\x0ad/sub/y: Test.Marker.UNOFFICIAL FOUND\n"), "{said:?}");
}

#[test]
fn several_databases_are_in_force_together() {
    let place = Place::new();
    place.file("more.ndb", b"Second.Set:0:*:636c65616e\n");
    for _ in 0..2 {
        // Compiled, and out of the cache.
        let said = place.clamscan(&["--no-summary", "-d", "more.ndb", "d/a.txt", "d/b.txt"]);
        let expected = "d/a.txt: Test.Marker.UNOFFICIAL FOUND\nd/b.txt: Second.Set.UNOFFICIAL FOUND\n";
        assert_eq!((said.code, said.stdout.as_str()), (1, expected), "{}", said.stderr);
    }
}

#[test]
fn without_a_database_nothing_is_scanned() {
    let place = Place::new();
    let said = place.run(&place.path("bin/clamscan"), &["--no-summary", "-d", "/nonexistent", "d"], b"");
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.starts_with("ERROR: "), "{said:?}");
    let old = place.clamscan(&["--no-summary", "--fail-if-cvd-older-than=1", "d/tiny"]);
    assert_eq!((old.code, old.stderr.as_str()), (2, "ERROR: Virus database is older than 1 days!\n"));
    let official = place.clamscan(&["--no-summary", "--official-db-only", "d/tiny"]);
    assert_eq!((official.code, official.stdout.as_str()), (2, ""));
}

#[test]
fn rules_of_yara_stand_beside_databases_and_are_left_out_on_request() {
    let place = Place::new();
    let rules =
        b"import \"math\"\nrule Marker { strings: $a = \"clean\" condition: $a and math.max(1, 2) == 2 }\n";
    place.file("both/rules.yar", rules);
    place.file("both/a.ndb", b"Second.Set:0:*:636c65616e\n");
    let scan = |more: &[&str]| {
        let arguments = [&["--no-summary", "--allmatch", "-d", "both"], more, &["d/b.txt"]].concat();
        place.run(&place.path("bin/clamscan"), &arguments, b"")
    };
    let (rule, signature) =
        ("d/b.txt: YARA.Marker.UNOFFICIAL FOUND\n", "d/b.txt: Second.Set.UNOFFICIAL FOUND\n");
    for (more, expected) in [
        (&[][..], vec![rule, signature]),
        (&["--yara-rules=yes"], vec![rule, signature]),
        (&["--yara-rules=no"], vec![signature]),
        (&["--yara-rules=only"], vec![rule]),
    ] {
        let said = scan(more);
        let mut lines: Vec<&str> = said.stdout.split_inclusive('\n').collect();
        lines.sort_by_key(|line| line.contains("Second"));
        assert_eq!((said.code, lines), (1, expected), "{more:?} {}", said.stderr);
    }
    let none = place.run(
        &place.path("bin/clamscan"),
        &["--no-summary", "--yara-rules=no", "-d", "both/rules.yar", "d/b.txt"],
        b"",
    );
    assert_eq!((none.code, none.stdout.as_str()), (2, ""), "{none:?}");
}

#[test]
fn a_log_is_not_written_through_a_link() {
    let place = Place::new();
    place.file("precious", b"precious");
    symlink("precious", place.path("log")).unwrap();
    let said = place.clamscan(&["--no-summary", "--log=log", "d/tiny"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(fs::read(place.path("precious")).unwrap(), b"precious");
}

#[test]
fn metadata_say_what_a_file_consists_of() {
    let place = Place::new();
    fs::create_dir(place.path("temporary")).unwrap();
    place.clamscan(&["--gen-json", "--leave-temps", "--tempdir=temporary", "d/a.txt"]);
    let folder = fs::read_dir(place.path("temporary")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(folder.join("metadata.json")).unwrap();
    for part in [
        "\"Magic\": \"CLAMJSONv0\"",
        "\"RootFileType\": \"CL_TYPE_TEXT_ASCII\"",
        "\"FileName\": \"a.txt\"",
        "\"FileSize\": 18",
        "\"Test.Marker.UNOFFICIAL\"",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    // The sum of the text, as `md5sum` has it.
    assert!(text.contains("\"FileMD5\": \"c5b7b350aca8f546d49909ca374969cf\""), "{text}");
    // They are not kept unless they are asked for.
    place.clamscan(&["--gen-json", "--tempdir=temporary", "d/a.txt"]);
    assert_eq!(fs::read_dir(place.path("temporary")).unwrap().count(), 1);
}

#[test]
fn help_names_every_option_and_version_is_that_of_clamav() {
    let place = Place::new();
    let help = place.clamscan(&["--help"]);
    assert_eq!(help.code, 0);
    for option in ["--recursive", "--alert-exceeds-max", "--candor-jobs", "--deb"] {
        assert!(help.stdout.contains(option), "{option}");
    }
    assert_eq!(place.clamscan(&["-V"]).stdout, "ClamAV 1.4.6\n");
}

#[test]
fn metadata_have_the_names_types_sizes_and_sums_of_clamav() {
    use std::io::Write as _;
    let peer = std::path::Path::new("/usr/bin/clamscan");
    assert!(peer.exists() || std::env::var_os("CI").is_none(), "{peer:?} is missing: install clamav");
    if !peer.exists() {
        return;
    }
    let place = Place::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"a MARKER in gzip").unwrap();
    place.file("d/packed.gz", &packed.finish().unwrap());
    let told = |name: &str, run: &dyn Fn(&[&str])| {
        fs::create_dir(place.path(name)).unwrap();
        let folder = format!("--tempdir={name}");
        run(&["--no-summary", "--gen-json", "--leave-temps", &folder, "d/packed.gz"]);
        let entries = fs::read_dir(place.path(name)).unwrap();
        let found =
            entries.map(|entry| entry.unwrap().path().join("metadata.json")).find(|path| path.exists());
        let text = fs::read_to_string(found.unwrap()).unwrap();
        let fields = ["FileType", "FileSize", "FileMD5", "RootFileType", "Magic"];
        let lines = text.lines().map(|line| line.trim().trim_end_matches(',').replace("\": ", "\":"));
        let mut lines: Vec<String> = lines
            .filter(|line| fields.iter().any(|field| line.starts_with(&format!("\"{field}\":"))))
            .collect();
        lines.sort();
        lines
    };
    let theirs = told("theirs", &|arguments| {
        place.run(peer, &[&["-d", "db"], arguments].concat(), b"");
    });
    let ours = told("ours", &|arguments| drop(place.clamscan(arguments)));
    assert_eq!(theirs.iter().filter(|line| line.contains("FileMD5")).count(), 2, "{theirs:?}");
    assert_eq!(theirs, ours);
}
