//! `candor scan` on ordinary input.

use candor_fixtures::zip::{self, Member};
use insta::assert_snapshot;

use crate::run::{Place, database, eicar, settings};

#[test]
fn a_clean_directory() {
    let place = Place::new();
    place.file("docs/a.txt", "nothing here");
    place.file("docs/deep/er/b.bin", [0_u8; 100]);
    let said = place.run(&["scan", "docs"]);
    settings(&place).bind(|| {
        assert_snapshot!(said.text());
    });
}

#[test]
fn an_infected_file() {
    let place = Place::new();
    place.file("a.txt", "nothing here");
    place.file("b/eicar.com", eicar());
    let said = place.run(&["scan", "."]);
    settings(&place).bind(|| {
        assert_snapshot!(said.text());
    });
}

#[test]
fn clean_files_are_shown_on_request() {
    let place = Place::new();
    place.file("a.txt", "nothing here");
    let said = place.run(&["scan", "--show-clean", "a.txt"]);
    assert_eq!(said.code, 0);
    assert!(said.stdout.starts_with("a.txt: clean\n"), "{}", said.stdout);
}

#[test]
fn only_findings_are_shown_on_request() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    let said = place.run(&["scan", "--only-findings", "eicar.com", "missing"]);
    assert_eq!(said.stdout, "eicar.com: infected: Test.EICAR\n");
    assert_eq!((said.code, said.stderr.as_str()), (1, ""));
}

#[test]
fn quiet_says_it_with_the_exit_status() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    place.file("clean", "clean");
    for (path, code) in [("eicar.com", 1), ("clean", 0), ("missing", 2)] {
        let said = place.run(&["scan", "--quiet", path]);
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (code, "", ""), "{path}");
    }
}

#[test]
fn what_is_found_comes_before_what_failed() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    assert_eq!(place.run(&["scan", "missing", "eicar.com"]).code, 1);
}

#[test]
fn suspicious_counts_as_found() {
    let place = Place::new();
    place.file("signatures.ndb", "Heuristics.Found.Me:0:*:66696e646d65\n");
    place.file("a", "please findme here");
    let said = place.run_cached(&["scan", "-d", "signatures.ndb", "a"]);
    assert_eq!(said.code, 1);
    assert!(said.stdout.starts_with("a: suspicious: Heuristics.Found.Me\n"), "{}", said.stdout);
}

#[test]
fn standard_input() {
    let place = Place::new();
    let said = place.run_with_input(&["scan", "-"], &eicar());
    assert_eq!(said.code, 1);
    assert!(said.stdout.starts_with("-: infected: Test.EICAR\n"), "{}", said.stdout);
    assert_eq!(place.run_with_input(&["scan", "-"], b"").code, 0);
    let large = place.run_with_input(&["scan", "--max-file-size", "1K", "-"], &[b'x'; 5000]);
    assert_eq!(large.code, 2);
    assert!(large.stdout.starts_with("-: incomplete: larger than the file-size limit\n"), "{}", large.stdout);
}

#[test]
fn a_list_of_files() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    place.file("line\nbreak", eicar());
    place.file("list", "eicar.com\n\nmissing\n");
    let said = place.run(&["scan", "--file-list", "list"]);
    settings(&place).bind(|| {
        assert_snapshot!(said.text());
    });
    let said = place.run_with_input(&["scan", "-f", "-", "-0", "--only-findings"], b"line\nbreak\0");
    assert_eq!(said.stdout, "line\\nbreak: infected: Test.EICAR\n");
}

#[test]
fn standard_input_can_only_be_read_once() {
    let place = Place::new();
    let said = place.run_with_input(&["scan", "-", "--file-list", "-"], b"");
    assert_eq!((said.code, said.stderr.as_str()), (2, "error: standard input can only be read once\n"));
}

#[test]
fn excluded_names_and_paths() {
    let place = Place::new();
    for path in ["a/eicar.com", "a/skip/eicar.com", "b/cache/eicar.com", "b/x/cache/eicar.com", "c/e.tmp"] {
        place.file(path, eicar());
    }
    let found = |exclude: &[&str]| {
        let mut arguments = vec!["scan", "--only-findings", "."];
        exclude.iter().for_each(|pattern| arguments.extend(["--exclude", pattern]));
        let said = place.run(&arguments);
        let mut paths: Vec<String> =
            said.stdout.lines().map(|line| line.split(": ").next().unwrap().to_owned()).collect();
        paths.sort();
        paths
    };
    assert_eq!(found(&["skip", "*.tmp", "cache"]), ["./a/eicar.com"]);
    assert_eq!(found(&["./b/**", "c/", "./a/skip"]), ["./a/eicar.com"]);
    assert_eq!(found(&["**/x/**", "eicar.???"]), ["./c/e.tmp"]);
    assert_eq!(found(&["./a/*", "b", "c"]), Vec::<String>::new());
    let said = place.run(&["scan", "--exclude", "a[", "."]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.starts_with("error: --exclude a["), "{}", said.stderr);
}

#[test]
fn links_are_followed_on_the_command_line_and_on_request() {
    let place = Place::new();
    place.file("real/eicar.com", eicar());
    std::fs::create_dir(place.path("links")).unwrap();
    std::os::unix::fs::symlink("../real/eicar.com", place.path("links/file")).unwrap();
    std::os::unix::fs::symlink("../real", place.path("links/directory")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path("links/dangling")).unwrap();
    let said = place.run(&["scan", "links"]);
    assert_eq!(said.code, 0);
    assert!(said.stdout.contains("Left out    3 links\n"), "{}", said.stdout);
    assert_eq!(place.run(&["scan", "links/file"]).code, 1);
    assert_eq!(place.run(&["scan", "links/directory"]).code, 1);
    let said = place.run(&["scan", "--follow", "links"]);
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("links/file: infected"), "{}", said.stdout);
    assert!(said.stdout.contains("links/directory/eicar.com: infected"), "{}", said.stdout);
}

#[test]
fn objects_for_programs() {
    let place = Place::new();
    place.file("eicar.com", [&eicar()[..], b"\n"].concat());
    place.file("clean", "clean");
    let said = place.run(&["scan", "--json", "eicar.com", "clean", "missing"]);
    assert_eq!(said.code, 1);
    let infected = said.json_of("eicar.com");
    assert_eq!(infected["type"], "file");
    assert_eq!(infected["verdict"], "infected");
    assert_eq!(infected["length"], 69);
    let finding = &infected["findings"][0];
    assert_eq!(finding["signature"], "Test.EICAR");
    assert_eq!(finding["strength"], "strong");
    assert_eq!(finding["language"], "ldb");
    assert_eq!(finding["source"], "built-in/test.ldb");
    assert!(finding["line"].as_u64().unwrap() > 0);
    assert_eq!(finding["layer_path"], serde_json::json!([]));
    assert_eq!(finding["matches"][0], serde_json::json!({"offset": 0, "length": 68, "subsignature": 0}));
    assert_eq!(said.json_of("clean")["verdict"], "clean");
    let missing = said.json_of("missing");
    assert_eq!(missing["verdict"], "incomplete");
    assert_eq!(missing["reasons"][0]["code"], "unreadable");
    assert_eq!(missing["reasons"][0]["message"], "cannot be read: no such file or directory");
    let summary = said.json().pop().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["complete"], true);
    let numbers = ["files", "bytes", "infected", "suspicious", "incomplete", "unreadable", "findings"];
    let numbers: Vec<u64> = numbers.iter().map(|name| summary[name].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 74, 1, 0, 0, 1, 1]);
    assert_eq!(summary["database"]["name"], "built-in");
}

#[test]
fn all_matches() {
    let place = Place::new();
    place.file("two.ndb", "One:0:*:66696e646d65\nTwo:0:*:6e646d65\n");
    place.file("a", "please findme here");
    let run = |arguments: &[&str]| {
        let mut all = vec!["scan", "-d", "two.ndb", "--only-findings", "a"];
        all.extend(arguments);
        place.run_cached(&all).stdout.lines().count()
    };
    assert_eq!(run(&[]), 1);
    assert_eq!(run(&["--all-matches"]), 2);
}

#[test]
fn potentially_unwanted_applications_on_request() {
    let place = Place::new();
    place.file("pua.ndu", "PUA.Win.Tool.FindMe:0:*:66696e646d65\n");
    place.file("a", "please findme here");
    let run = |arguments: &[&str]| {
        let mut all = vec!["scan", "-d", "pua.ndu", "--only-findings", "a"];
        all.extend(arguments);
        place.run_cached(&all).code
    };
    assert_eq!(run(&[]), 0);
    assert_eq!(run(&["--potentially-unwanted"]), 1);
    assert_eq!(run(&["--potentially-unwanted=Tool"]), 1);
    assert_eq!(run(&["--potentially-unwanted=Packed"]), 0);
    assert_eq!(run(&["--potentially-unwanted=-Tool"]), 0);
    assert_eq!(run(&["--potentially-unwanted=-Packed"]), 1);
    assert_eq!(run(&["--potentially-unwanted=-Packed,Tool"]), 2);
}

#[test]
fn many_files_on_many_threads() {
    let place = Place::new();
    for directory in 0..30 {
        for file in 0..100 {
            let content = if file == directory { eicar() } else { vec![b'x'; file] };
            place.file(format!("{directory}/{}/{file}", directory % 7), content);
        }
    }
    // More than is read of a directory at once.
    for file in 0..3000 {
        place.file(format!("wide/{file}"), "");
    }
    for jobs in ["1", "7"] {
        let said = place.run(&["scan", "--jobs", jobs, "--json", "."]);
        let mut objects = said.json();
        let summary = objects.pop().unwrap();
        assert_eq!(summary["files"], 6000);
        assert_eq!(summary["infected"], 30);
        let mut paths: Vec<&str> = objects.iter().map(|object| object["path"].as_str().unwrap()).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), 6000);
    }
}

#[test]
fn colours() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    let colored = place.run(&["scan", "--color", "always", "eicar.com"]);
    assert!(
        colored.stdout.starts_with("eicar.com: \u{1b}[1m\u{1b}[31minfected\u{1b}[0m: Test.EICAR"),
        "{colored:?}"
    );
    for arguments in [&["scan", "eicar.com"][..], &["scan", "--color", "never", "eicar.com"]] {
        assert!(!place.run(arguments).stdout.contains('\u{1b}'));
    }
}

#[test]
fn the_limits_are_those_of_the_options() {
    let place = Place::new();
    place.file("a", vec![b'x'; 4096]);
    for size in ["4095", "3.9K"] {
        let said = place.run(&["scan", "--max-file-size", size, "a"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stdout.starts_with("a: incomplete: larger than the file-size limit\n"), "{said:?}");
    }
    assert_eq!(place.run(&["scan", "--max-file-size", "4K", "a"]).code, 0);
    let said = place.run(&["scan", "--max-scan-size", "1K", "a"]);
    assert!(
        said.stdout.starts_with(
            "a: incomplete: all layers together exceed the scan-size limit, so that no more are opened\n"
        ),
        "{said:?}"
    );
    let said = place.run(&["scan", "--max-file-size", "12Q", "a"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("unknown unit"), "{said:?}");
}

#[test]
fn members_and_ratio_are_limited_by_the_options() {
    let place = Place::new();
    let member =
        |name: &str, bytes: Vec<u8>| Member { name: name.into(), bytes, deflate: true, encrypted: false };
    place.file("three.zip", zip::build(&[1, 2, 3].map(|n| member(&n.to_string(), vec![b'x'; n]))));
    place.file("zeros.zip", zip::build(&[member("zeros", vec![0; 2 << 20])]));
    let code_of = |arguments: &[&str], name: &str| {
        let object = place.run(&[&["scan", "--json"], arguments, &[name]].concat()).json_of(name);
        let codes: Vec<String> = object["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| reason["code"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(object["verdict"] == "clean", codes.is_empty(), "{object}");
        codes.join(",")
    };
    assert_eq!(code_of(&["--max-files", "3"], "three.zip"), "");
    assert_eq!(code_of(&["--max-files", "2"], "three.zip"), "limit-children");
    assert_eq!(code_of(&[], "zeros.zip"), "");
    assert_eq!(code_of(&["--max-ratio", "10"], "zeros.zip"), "limit-ratio");
}

#[test]
fn databases_of_the_users_replace_the_built_in_one() {
    let place = Place::new();
    database(&place, "db/one.ndb");
    place.file("eicar.com", eicar());
    place.file("a", "please findme here");
    let said = place.run_cached(&["scan", "-d", "db", "--only-findings", "."]);
    // The database itself holds the word in hexadecimal only.
    assert_eq!(said.stdout, "./a: infected: Found.Me\n");
}

/// An archive in an archive, with the test file in it.
pub(crate) fn nested() -> Vec<u8> {
    let member =
        |name: &str, bytes: Vec<u8>| Member { name: name.into(), bytes, deflate: true, encrypted: false };
    let inner = zip::build(&[member("eicar.com", eicar()), member("\u{1b}[31mred", b"red herring".to_vec())]);
    zip::build(&[member("readme.txt", b"nothing to read".to_vec()), member("inner/b.zip", inner)])
}

#[test]
fn archives() {
    let place = Place::new();
    place.file("a.zip", nested());
    let said = place.run(&["scan", "--only-findings", "a.zip"]);
    assert_eq!(said.stdout, "a.zip: infected: Test.EICAR (in inner/b.zip > eicar.com)\n");
    let object = place.run(&["scan", "--json", "a.zip"]).json_of("a.zip");
    assert_eq!(object["file_type"], "CL_TYPE_ZIP");
    let finding = &object["findings"][0];
    assert_eq!(finding["layer_path"], serde_json::json!(["inner/b.zip", "eicar.com"]));
    assert_eq!(finding["file_type"], "CL_TYPE_TEXT_ASCII");
    for (limit, code) in [("2", "limit-depth"), ("3", "")] {
        let object = place.run(&["scan", "--json", "--max-depth", limit, "a.zip"]).json_of("a.zip");
        let reasons: Vec<&str> = object["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| reason["code"].as_str().unwrap())
            .collect();
        assert_eq!(reasons.contains(&"limit-depth"), !code.is_empty(), "{object}");
        assert_eq!(object["verdict"], if code.is_empty() { "infected" } else { "incomplete" });
    }
}

#[test]
fn an_encrypted_member_is_not_clean() {
    let place = Place::new();
    let member =
        Member { name: "secret.txt".into(), bytes: b"whatever".to_vec(), deflate: false, encrypted: true };
    place.file("a.zip", zip::build(&[member]));
    let said = place.run(&["scan", "a.zip"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stdout.starts_with("a.zip: incomplete: encrypted with an unknown password (in secret.txt)\n"),
        "{said:?}"
    );
}
