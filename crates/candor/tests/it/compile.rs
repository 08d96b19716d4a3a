//! `candor compile`, and images and databases that are not as they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::run::{Place, database, settings, settle};

const MIXED: &str = "Good:0:*:66696e646d65\nBad:0:*:6zz\nAlso.Good:0:*:66696e646d66\n";

#[test]
fn a_directory_into_an_image() {
    let place = Place::new();
    database(&place, "db/one.ndb");
    place.file("db/two.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Two\n");
    place.file("db/README", "not a database");
    let said = place.run(&["compile", "db", "-o", "out.candor"]);
    settings(&place).bind(|| {
        let text = said.text();
        let text = text.split(" bytes").next().unwrap().rsplit_once(", ").unwrap().0;
        assert_snapshot!(text);
    });
    assert_eq!(said.code, 0);
    place.file("a", "please findme here");
    let said = place.run(&["scan", "--only-findings", "-d", "out.candor", "a"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, "a: infected: Found.Me\n"));
}

#[test]
fn a_bad_line_is_left_out_and_reported() {
    let place = Place::new();
    place.file("mixed.ndb", MIXED);
    let said = place.run(&["compile", "mixed.ndb", "-o", "out.candor"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.starts_with("mixed.ndb:2:"), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(said.stdout.contains("out.candor: 2 signatures"), "{said:?}");
}

#[test]
fn strict_writes_nothing_when_a_line_is_bad() {
    let place = Place::new();
    place.file("mixed.ndb", MIXED);
    place.file("out.candor", "as before");
    let said = place.run(&["compile", "--strict", "mixed.ndb", "-o", "out.candor"]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.ends_with("error: 1 line cannot be used, and --strict was given: no image was written\n"),
        "{said:?}"
    );
    assert_eq!(fs::read(place.path("out.candor")).unwrap(), b"as before");
}

#[test]
fn diagnostics_are_limited_unless_all_are_wanted() {
    let place = Place::new();
    place.file("bad.ndb", "Good:0:*:66696e646d65\n".to_owned() + &"Bad:0:*:zz\n".repeat(50));
    let said = place.run(&["compile", "bad.ndb", "-o", "out.candor"]);
    assert_eq!(said.stderr.lines().count(), 21, "{said:?}");
    assert!(said.stderr.ends_with("and 30 diagnostics more; --all-diagnostics shows all\n"), "{said:?}");
    let said = place.run(&["compile", "--all-diagnostics", "bad.ndb", "-o", "out.candor"]);
    assert_eq!(said.stderr.lines().count(), 50);
    let said = place.run(&["compile", "--quiet", "bad.ndb", "-o", "out.candor"]);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
}

#[test]
fn sources_that_cannot_be_used() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).unwrap();
    place.file("none/README", "no database");
    place.file("only-bad.ndb", "Bad:0:*:zz\n");
    place.file("list.ign2", "Some.Name\n");
    place.file("list.fp", "44d88612fea8a8f36de82e1278abb02f:68:Trusted\n");
    for (source, message) in [
        ("missing", "error: database missing: No such file or directory (os error 2)"),
        ("empty", "error: database empty: the directory holds no signature database"),
        ("none", "error: database none: the directory holds no signature database"),
        ("/dev/null", "error: database /dev/null: neither a file nor a directory"),
        ("list.ign2", "error: cannot write out.candor: there is no signature that something can be found by"),
        ("list.fp", "error: cannot write out.candor: there is no signature that something can be found by"),
        (
            "only-bad.ndb",
            "error: cannot write out.candor: there is no signature that something can be found by",
        ),
    ] {
        let said = place.run(&["compile", source, "-o", "out.candor"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert_eq!(said.stderr.lines().last(), Some(message), "{said:?}");
        assert!(!place.path("out.candor").exists());
    }
}

#[test]
fn the_image_depends_on_nothing_but_the_sources() {
    let place = Place::new();
    for name in ["a", "b", "c", "d"] {
        place.file(format!("db/{name}.ndb"), format!("{name}:0:*:66696e646d65\n"));
    }
    place.run(&["compile", "db", "-o", "one.candor"]);
    for name in ["d", "b", "c", "a"] {
        place.file(format!("other/{name}.ndb"), format!("{name}:0:*:66696e646d65\n"));
    }
    place.run(&["compile", "other", "-o", "two.candor"]);
    assert_eq!(fs::read(place.path("one.candor")).unwrap(), fs::read(place.path("two.candor")).unwrap());
}

#[test]
fn images_that_are_damaged() {
    let place = Place::new();
    database(&place, "one.ndb");
    place.file("a", "x");
    assert_eq!(place.run(&["compile", "one.ndb", "-o", "good.candor"]).code, 0);
    let good = fs::read(place.path("good.candor")).unwrap();
    place.file("cut.candor", &good[..good.len() / 2]);
    place.file("text.candor", "this is no image at all, but a text");
    place.file("empty.candor", "");
    let mut version = good;
    version[8] ^= 0x40;
    place.file("version.candor", &version);
    for (name, message) in [
        ("cut.candor", "error: database cut.candor: cut short: "),
        (
            "text.candor",
            "error: database text.candor: neither a Candor image nor, by its name, a signature database",
        ),
        (
            "empty.candor",
            "error: database empty.candor: neither a Candor image nor, by its name, a signature database",
        ),
        ("version.candor", "error: database version.candor: "),
        ("missing.candor", "error: database missing.candor: No such file or directory"),
    ] {
        for command in [&["scan", "a", "--database", name][..], &["database", "check", name]] {
            let said = place.run(command);
            assert_eq!(said.code, 2, "{said:?}");
            assert!(said.stderr.starts_with(message), "{said:?}");
            assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
            assert_eq!(said.stdout, "", "{said:?}");
        }
    }
}

#[test]
fn every_flipped_byte_is_noticed_by_a_check() {
    let place = Place::new();
    database(&place, "one.ndb");
    assert_eq!(place.run(&["compile", "one.ndb", "-o", "good.candor"]).code, 0);
    assert_eq!(place.run(&["database", "check", "good.candor"]).code, 0);
    let good = fs::read(place.path("good.candor")).unwrap();
    let step = (good.len() / 60).max(1);
    for position in (0..good.len()).step_by(step).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[position] ^= 0x10;
        place.file("bad.candor", &bad);
        let said = place.run(&["database", "check", "bad.candor"]);
        assert!([1, 2].contains(&said.code), "byte {position} of {}: {said:?}", good.len());
    }
}

#[test]
fn the_second_use_of_a_database_reads_no_source() {
    let place = Place::new();
    let source = database(&place, "db/one.ndb");
    place.file("a", "please findme here");
    settle(&source);
    let origin = |place: &Place| {
        let said = place.run_cached(&["database", "info", "db"]);
        assert_eq!(said.code, 0, "{said:?}");
        said.stdout.lines().next().unwrap().rsplit_once(", ").unwrap().1.to_owned()
    };
    assert_eq!(origin(&place), "compiled now");
    assert_eq!(origin(&place), "compiled earlier");
    let said = place.run_cached(&["scan", "--only-findings", "-d", "db", "a"]);
    assert_eq!(said.stdout, "a: infected: Found.Me\n");
    // The same content elsewhere is not compiled again.
    database(&place, "copy/one.ndb");
    let said = place.run_cached(&["database", "info", "copy"]);
    assert!(said.stdout.starts_with("Database    copy, compiled earlier\n"), "{said:?}");
    // Another content at the same place is.
    place.file("db/one.ndb", "Changed:0:*:66696e646d65\n");
    assert_eq!(origin(&place), "compiled now");
    let said = place.run_cached(&["scan", "--only-findings", "-d", "db", "a"]);
    assert_eq!(said.stdout, "a: infected: Changed\n");
    place.file("db/two.ndb", "Two:0:*:66696e646d65\n");
    assert_eq!(origin(&place), "compiled now");
    fs::remove_file(place.path("db/two.ndb")).unwrap();
    assert_eq!(origin(&place), "compiled earlier");
}

#[test]
fn damaged_cache_entries_are_made_anew() {
    let place = Place::new();
    let source = database(&place, "db/one.ndb");
    place.file("a", "please findme here");
    settle(&source);
    let images = place.cache().join("images");
    for damage in ["", "CANDOR", "rubbish of some length, longer than a header can be, to be sure of that"] {
        assert_eq!(place.run_cached(&["scan", "-d", "db", "a"]).code, 1);
        let image = fs::read_dir(&images)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "candor"))
            .unwrap();
        fs::remove_file(&image).unwrap();
        fs::write(&image, damage).unwrap();
        let said = place.run_cached(&["scan", "--only-findings", "-d", "db", "a"]);
        assert_eq!((said.code, said.stdout.as_str()), (1, "a: infected: Found.Me\n"), "{said:?}");
        assert!(said.stderr.contains("are made anew"), "{said:?}");
        assert_eq!(place.run_cached(&["scan", "-d", "db", "a"]).stderr, "");
    }
    for entry in fs::read_dir(place.cache().join("index")).unwrap() {
        fs::write(entry.unwrap().path(), "rubbish\n../../etc/passwd\n1 1\n").unwrap();
    }
    assert_eq!(place.run_cached(&["scan", "-d", "db", "a"]).code, 1);
}

#[test]
fn a_cache_that_others_may_write_to_is_not_used() {
    let place = Place::new();
    database(&place, "db/one.ndb");
    place.file("a", "please findme here");
    fs::create_dir(place.cache()).unwrap();
    fs::set_permissions(place.cache(), fs::Permissions::from_mode(0o777)).unwrap();
    let said = place.run_cached(&["scan", "--only-findings", "-d", "db", "a"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, "a: infected: Found.Me\n"));
    assert!(said.stderr.contains("can be written to by others"), "{said:?}");
    assert_eq!(fs::read_dir(place.cache()).unwrap().count(), 0);
}

#[test]
fn a_cache_that_cannot_be_made_does_not_matter() {
    let place = Place::new();
    database(&place, "db/one.ndb");
    place.file("a", "please findme here");
    fs::write(place.cache(), "a file").unwrap();
    let said = place.run_cached(&["scan", "--only-findings", "-d", "db", "a"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, "a: infected: Found.Me\n"));
    assert!(said.stderr.starts_with("note: compiled signatures are not kept: "), "{said:?}");
}

#[test]
fn lines_that_cannot_be_used_are_summed_up() {
    let place = Place::new();
    let source = place.file("db/mixed.ndb", MIXED);
    place.file("a", "please findme here");
    settle(&source);
    for _ in 0..2 {
        let said = place.run_cached(&["scan", "--only-findings", "-d", "db", "a"]);
        assert_eq!(said.code, 1);
        assert_eq!(
            said.stderr,
            "note: 1 line of db cannot be used; the other 2 are in force\n\
             hint: `candor database check db` shows them\n"
        );
        let said = place.run_cached(&["scan", "-d", "db", "a"]);
        assert!(
            said.stdout.contains("Database    db, 2 signatures; 1 line cannot be used\n"),
            "{}",
            said.stdout
        );
        let said = place.run_cached(&["scan", "--json", "-d", "db", "a"]);
        let summary = r#""database":{"name":"db","signatures":2,"refused_lines":1}}"#;
        assert!(said.stdout.trim_end().ends_with(summary), "{}", said.stdout);
    }
}

#[test]
fn a_database_directory_that_keeps_changing() {
    let place = Place::new();
    place.file("db/one.ndb", "Round.0:0:*:66696e646d65\n");
    place.file("a", "please findme here");
    let root = place.root();
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy = std::thread::spawn({
        let over = std::sync::Arc::clone(&over);
        move || {
            let mut round = 0_u32;
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                round += 1;
                let next = root.join("next.temporary");
                fs::write(&next, format!("Round.{round}:0:*:66696e646d65\n")).unwrap();
                fs::rename(next, root.join("db/one.ndb")).unwrap();
            }
        }
    });
    for _ in 0..20 {
        let said = place.run_cached(&["scan", "--only-findings", "-d", "db", "a"]);
        match said.code {
            1 => assert!(said.stdout.starts_with("a: infected: Round."), "{said:?}"),
            _ => assert_eq!(
                (said.code, said.stderr.as_str()),
                (2, "error: database db: changed each of the 3 times that it was read; try again later\n")
            ),
        }
    }
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    busy.join().unwrap();
}
