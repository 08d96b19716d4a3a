//! `candor migrate`, from files to plans, proposals and archives.

use std::os::unix::fs::PermissionsExt as _;

use candor_fixtures::quarantine;
use candor_fixtures::registry::{Key, hive, log};
use candor_fixtures::sqlite::{Cell, Table, database};

use crate::run::{KEY, PUBLIC_KEY, Place, eicar};

const SETTINGS: &str = "SizeLimit=100\n[ExcludedFromScanScope.item_0000]\nUseScanArea=Yes\nPath=/tmp/notchecked\nAreaMask.item_0000=*\n\
    [ExcludedFromScanScope.item_0001]\nUseScanArea=Yes\nPath=/srv/database\nAreaMask.item_0000=*.mdf\n";

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_plan_names_the_uninstaller_and_removes_nothing() {
    let place = Place::new();
    let status = "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\n\
        Version: 12.1.0-1234\n";
    let kept = place.file("host/var/lib/dpkg/status", status);
    let said = place.run(&["migrate", "plan", "host"]);
    assert_eq!(said.code, 0, "{said:?}");
    for told in [
        "* Nothing was removed",
        "apt-get purge kesl",
        "candor audit / --fail-on lead",
        "lost     File Threat",
    ] {
        assert!(said.stdout.contains(told), "{told}: {said:?}");
    }
    assert_eq!(std::fs::read_to_string(kept).unwrap(), status);
    let said = place.run(&["migrate", "plan", "host", "--format", "json", "-o", "plan.json"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
    let plan: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.path("plan.json")).unwrap()).unwrap();
    assert_eq!(plan["schema"], "candor-migration-plan/1");
    // Nothing is overwritten.
    let said = place.run(&["migrate", "plan", "host", "-o", "plan.json"]);
    assert!(said.code == 2 && said.stderr.contains("nothing is overwritten"), "{said:?}");
}

#[test]
fn proposals_are_told_alike_in_the_jail_and_outside_of_it() {
    let place = Place::new();
    place.file("settings.ini", SETTINGS);
    let key = Key::new("ROOT")
        .at(r"Microsoft\Windows Defender\Exclusions", Key::new("Extensions").number("ps1", 0));
    place.file("SOFTWARE", hive(&key));
    let said = place.run(&["migrate", "import", "settings.ini", "SOFTWARE", "--format", "json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let open =
        place.run(&["migrate", "import", "settings.ini", "SOFTWARE", "--format", "json", "--no-sandbox"]);
    assert_eq!(said.stdout, open.stdout);
    let import: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(import["proposals"].as_array().unwrap().len(), 4);
    assert_eq!(import["files"][1]["format"], "defender-hive");
    let risk = |value: &str| {
        let all = import["proposals"].as_array().unwrap();
        all.iter().find(|one| one["setting"]["value"] == value).unwrap()["risk"].clone()
    };
    assert_eq!(
        (risk("ps1"), risk("/tmp/notchecked"), risk("/srv/database")),
        ("high".into(), "high".into(), "low".into())
    );
}

#[test]
fn what_a_log_beside_a_hive_holds_is_read() {
    let place = Place::new();
    let excluded = |name: &str| {
        hive(
            &Key::new("ROOT")
                .at(r"Microsoft\Windows Defender\Exclusions", Key::new("Extensions").number(name, 0)),
        )
    };
    let (dirty, log) = log(&excluded("old"), &excluded("new"));
    place.file("SOFTWARE", dirty);
    let values = |arguments: &[&str]| {
        let said = place.run(&[&["migrate", "import", "SOFTWARE", "--format", "json"], arguments].concat());
        let import: serde_json::Value = serde_json::from_str(&said.stdout).expect(&said.stderr);
        let values: Vec<String> = import["proposals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["setting"]["value"].as_str().unwrap().to_owned())
            .collect();
        (said.code, values, import["files"][0]["trouble"].as_str().map(str::to_owned))
    };
    let missing = "it was not closed: what is in its log was not read";
    assert_eq!(values(&[]), (2, vec!["old".to_owned()], Some(missing.to_owned())));
    place.file("SOFTWARE.log1", log);
    for arguments in [&[][..], &["--no-sandbox"]] {
        assert_eq!(values(arguments), (0, vec!["new".to_owned()], None));
    }
    // What is there and cannot be opened is told.
    std::fs::create_dir(place.path("SOFTWARE.LOG2")).unwrap();
    let (code, _, trouble) = values(&[]);
    assert_eq!(code, 2);
    assert!(trouble.as_deref().is_some_and(|why| why.contains(".LOG2")), "{trouble:?}");
}

#[test]
fn nothing_is_written_that_was_not_accepted() {
    let place = Place::new();
    place.file("settings.ini", SETTINGS);
    let said = place.run(&["migrate", "import", "settings.ini"]);
    assert_eq!(said.code, 0, "{said:?}");
    let files = || std::fs::read_dir(place.root()).unwrap().count();
    assert_eq!(files(), 1, "only what was there");
    let said = place.run(&["migrate", "import", "settings.ini", "--write", "out.conf"]);
    assert!(said.code == 2 && files() == 1, "{said:?}");
    let said = place.run(&["migrate", "import", "settings.ini", "--write", "out.conf", "--accept-low-risk"]);
    assert_eq!(said.code, 0, "{said:?}");
    let text = std::fs::read_to_string(place.path("out.conf")).unwrap();
    assert!(text.contains("ExcludePath ^/srv/database/(.*/)?[^/]*\\.mdf$\n"), "{text}");
    assert!(text.contains("MaxFileSize 104857600\n") && !text.contains("notchecked"), "{text}");
    assert!(said.stderr.contains("1 of 3 proposals were not accepted"), "{said:?}");
    let said = place.run(&["migrate", "import", "settings.ini", "--write", "out.conf", "--accept-low-risk"]);
    assert!(said.code == 2 && said.stderr.contains("nothing is overwritten"), "{said:?}");
    let said =
        place.run(&["migrate", "import", "settings.ini", "--write", "other.conf", "--accept", "00000000"]);
    assert!(said.code == 2 && said.stderr.contains("there is no proposal"), "{said:?}");
}

#[test]
fn what_is_no_file_of_settings_is_not_passed_over() {
    let place = Place::new();
    place.file("other.bin", b"\x7fELF\0\0");
    let said = place.run(&["migrate", "import", "other.bin"]);
    assert!(said.code == 2 && said.stdout.contains("none of the files"), "{said:?}");
}

/// Quarantines of several products, each with EICAR; one file is clean.
/// A file in a quarantine, by its name there.
const ID: &str = "{0a1b2c3d-0000-1111-2222-333344445555}";

/// A database that says of these files where they were.
fn noted(ids: &[&str]) -> Vec<u8> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let row = |id: &&str| {
        vec![
            text(id),
            text(r"D:\share"),
            text("server.com"),
            text("EICAR-Test-File"),
            Cell::Number(1),
            Cell::Number(1),
            Cell::Number(568_581_708_202_780_672),
            Cell::Number(68),
        ]
    };
    let columns =
        "uuid text,path text,name text,virname text,virtype int,level int,time int,size int".to_owned();
    database(&[Table { name: "objects".to_owned(), columns, rows: ids.iter().map(row).collect() }])
}

#[test]
fn what_a_log_beside_the_database_of_a_quarantine_holds_is_read() {
    let place = Place::new();
    place.file(format!("old/{ID}"), quarantine::kaspersky_server(&eicar()));
    let (before, after) = (noted(&[]), noted(&[ID]));
    place.file("old/quarantine.db", &before);
    let answer = |arguments: &[&str]| {
        let said = place.run(&[&["migrate", "quarantine", "old", "--json"], arguments].concat());
        let all = lines(&said.stdout);
        let file = all.iter().find(|one| one["kept_in"] == format!("old/{ID}")).unwrap();
        assert_eq!(file["verdict"], "infected", "{file}");
        let trouble = all.iter().find(|one| one["type"] == "not-read").map(serde_json::Value::to_string);
        (file["original_path"].clone(), file["threat"].clone(), trouble)
    };
    let nothing = (serde_json::Value::Null, serde_json::Value::Null);
    assert_eq!(answer(&[]), (nothing.0.clone(), nothing.1.clone(), None));
    let log = candor_fixtures::sqlite::log(&before, &after);
    place.file("old/quarantine.db-wal", &log);
    for arguments in [&[][..], &["--no-sandbox"]] {
        assert_eq!(answer(arguments), (r"D:\share\server.com".into(), "EICAR-Test-File".into(), None));
    }
    // One that is cut in the middle of what was committed is told, and so is one that cannot be opened.
    let mut torn = log;
    torn[100] ^= 1;
    place.file("old/quarantine.db-wal", &torn);
    let (path, _, trouble) = answer(&[]);
    assert_eq!(path, nothing.0);
    assert!(trouble.is_some_and(|why| why.contains("its log")), "a damaged log is told");
    std::fs::remove_file(place.path("old/quarantine.db-wal")).unwrap();
    std::fs::create_dir(place.path("old/quarantine.db-wal")).unwrap();
    let (_, _, trouble) = answer(&[]);
    assert!(trouble.is_some_and(|why| why.contains("-wal")), "a log that cannot be opened is told");
}

fn quarantines(place: &Place) {
    let eicar = eicar();
    place.file("old/QB/1.klq", quarantine::klqb(r"C:\Users\a\eicar.com", &eicar, 0));
    place.file(format!("old/server/{ID}"), quarantine::kaspersky_server(&eicar));
    place.file("old/server/quarantine.db", noted(&[ID]));
    let entry = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let ticks = (1_727_507_103 + 11_644_473_600) * 10_000_000;
    let path = r"\\?\C:\Users\a\defender.com";
    place.file(
        "old/Quarantine/Entries/{00000001-0000-0000-0000-000000000007}",
        quarantine::defender_entry(entry, "Virus:DOS/EICAR_Test_File", ticks, path, [0xab; 20]),
    );
    let name = "AB".repeat(20);
    place.file(format!("old/Quarantine/ResourceData/AB/{name}"), quarantine::defender(&[(1, "", &eicar)]));
    place.file(
        format!("old/Quarantine/Resources/AB/{name}"),
        quarantine::defender_resource(entry, [0xab; 20]),
    );
    let (file, data) = quarantine::malwarebytes(r"C:\mb.com", "EICAR", "2024-01-02T03:04:05Z", b"harmless");
    place.file("old/mb/1234.quar", file);
    place.file("old/mb/1234.data", data);
    place.file("old/bup/a.bup", quarantine::mcafee(r"C:\mcafee.com", "EICAR test file", &eicar));
    place.file("old/moved/eicar.com.001", &eicar);
    place.file("old/eset/1.NDF", b"?");
}

#[test]
fn quarantines_are_opened_and_looked_at_again() {
    let place = Place::new();
    quarantines(&place);
    let said = place.run(&["migrate", "quarantine", "old", "--json"]);
    assert_eq!(said.code, 1, "{said:?}");
    let all = lines(&said.stdout);
    let file = |original: &str| {
        let found = all.iter().find(|one| one["original_path"] == original);
        found.unwrap_or_else(|| panic!("{original}: {}", said.stdout)).clone()
    };
    for (original, threat, at) in [
        (r"C:\Users\a\eicar.com", serde_json::Value::Null, serde_json::Value::Null),
        (r"D:\share\server.com", "EICAR-Test-File".into(), "2020-02-13T23:54:40".into()),
        (r"C:\Users\a\defender.com", "Virus:DOS/EICAR_Test_File".into(), "2024-09-28T07:05:03Z".into()),
        (r"C:\mcafee.com", "EICAR test file".into(), "2024-09-28T07:05:03".into()),
    ] {
        let file = file(original);
        assert_eq!((&file["threat"], &file["quarantined_at"]), (&threat, &at), "{file}");
        assert_eq!((&file["verdict"], &file["size"]), (&"infected".into(), &68.into()), "{file}");
        assert_eq!(file["findings"][0], "Test.EICAR", "{file}");
    }
    // Found then, and not any more.
    assert_eq!(file(r"C:\mb.com")["verdict"], "clean");
    let moved = all.iter().find(|one| one["kept_in"] == "old/moved/eicar.com.001").unwrap();
    assert_eq!((&moved["verdict"], &moved["product"]), (&"infected".into(), &serde_json::Value::Null));
    let sha256 = file(r"C:\mcafee.com")["sha256"].clone();
    assert_eq!((&moved["size"], &moved["sha256"]), (&68.into(), &sha256), "the same file");
    let closed = all.iter().find(|one| one["type"] == "not-read").unwrap();
    assert_eq!(closed["kept_in"], "old/eset/1.NDF");
    let summary = all.last().unwrap();
    assert_eq!(
        (&summary["files"], &summary["found"], &summary["found_then_not_now"]),
        (&6.into(), &5.into(), &1.into())
    );
    assert_eq!(said.stdout, place.run(&["migrate", "quarantine", "old", "--json", "--no-sandbox"]).stdout);
}

#[test]
fn an_archive_holds_each_file_once_under_its_digest() {
    let place = Place::new();
    quarantines(&place);
    let said = place.run(&["migrate", "quarantine", "old", "--export", "out.zip"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("password infected; last digest "), "{said:?}");
    assert_eq!(std::fs::metadata(place.path("out.zip")).unwrap().permissions().mode() & 0o777, 0o600);
    // Nobody runs it by accident: what is in it does not stand in its bytes.
    let bytes = std::fs::read(place.path("out.zip")).unwrap();
    assert!(!bytes.windows(20).any(|window| eicar().starts_with(window)));
    assert!(!String::from_utf8_lossy(&bytes).contains("mb.com/"));
    let unpacked = place.run(&["unpack", "out.zip", "--output", "layers", "--json"]);
    assert_eq!(unpacked.code, 0, "{unpacked:?}");
    let tree: serde_json::Value = serde_json::from_str(&unpacked.stdout).unwrap();
    let written = |name: &str| {
        let layers = tree["layers"].as_array().unwrap();
        let layer =
            layers.iter().find(|layer| layer["name"] == name).unwrap_or_else(|| panic!("{name}: {tree}"));
        std::fs::read(place.path("layers").join(layer["written_to"].as_str().unwrap())).unwrap()
    };
    let manifest: serde_json::Value = serde_json::from_slice(&written("manifest.json")).unwrap();
    assert_eq!(manifest["schema"], "candor-quarantine-archive/1");
    let entries = manifest["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 6);
    let mut previous = serde_json::Value::from("0".repeat(64));
    for entry in entries {
        assert_eq!(entry["previous"], previous);
        previous = entry["digest"].clone();
        let content = written(entry["file"].as_str().unwrap());
        assert_eq!(content.len() as u64, entry["size"].as_u64().unwrap());
    }
    assert_eq!(manifest["last"], previous);
    let infected = entries.iter().find(|entry| entry["verdict"] == "infected").unwrap();
    assert_eq!(written(infected["file"].as_str().unwrap()), eicar());
    // The archive itself is looked into, as everybody knows its password.
    assert_eq!(place.run(&["scan", "out.zip"]).code, 1);
    let said = place.run(&["migrate", "quarantine", "old", "--export", "out.zip"]);
    assert!(said.code == 2 && said.stderr.contains("nothing is overwritten"), "{said:?}");
}

/// An archive of the quarantines, signed, and its last digest.
fn archive(place: &Place) -> String {
    quarantines(place);
    place.file("key.pem", KEY);
    place.file("public.pem", PUBLIC_KEY);
    let said = place.run(&["migrate", "quarantine", "old", "--export", "out.zip", "--key", "key.pem"]);
    assert_eq!(said.code, 1, "{said:?}");
    let (_, last) = said.stdout.split_once("last digest ").unwrap();
    last.split(',').next().unwrap().to_owned()
}

#[test]
fn an_archive_holds_what_was_put_into_it() {
    let place = Place::new();
    let last = archive(&place);
    let said = place.run(&["migrate", "verify", "out.zip", "--last", &last, "--public-key", "public.pem"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.stdout.contains("holds 6 entries") && said.stdout.contains("signed with that key"),
        "{said:?}"
    );
    assert!(said.stdout.contains(&last), "{said:?}");
    let outside = place.run(&["migrate", "verify", "out.zip", "--no-sandbox"]);
    assert_eq!(outside.code, 0, "{outside:?}");
    assert!(outside.stdout.contains("signatures not looked at"), "{outside:?}");
    let said = place.run(&["migrate", "verify", "out.zip", "--last", &"1".repeat(64)]);
    assert!(said.code == 1 && said.stdout.contains("not the one that was kept"), "{said:?}");
    let other = PUBLIC_KEY.replace(
        "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
        "Dzvmu4jcDwrZAXuaCOksYoq4XA5SXasGMZZiSVZ0ulk",
    );
    place.file("other.pem", other);
    let said = place.run(&["migrate", "verify", "out.zip", "--public-key", "other.pem"]);
    assert!(said.code == 1 && said.stdout.contains("its signature is not of that key"), "{said:?}");
    place.run(&["migrate", "quarantine", "old", "--export", "unsigned.zip"]);
    let said = place.run(&["migrate", "verify", "unsigned.zip", "--public-key", "public.pem"]);
    assert!(said.code == 1 && said.stdout.contains("it is not signed"), "{said:?}");
}

#[test]
fn an_archive_that_was_changed_does_not_hold() {
    let place = Place::new();
    archive(&place);
    let whole = std::fs::read(place.path("out.zip")).unwrap();
    let verify = |bytes: &[u8]| {
        place.file("changed.zip", bytes);
        place.run(&["migrate", "verify", "changed.zip"])
    };
    assert_eq!(verify(&whole).code, 0);
    let find = |what: &[u8]| whole.windows(what.len()).position(|window| window == what).unwrap();
    // A byte of the first file: behind its name and the head of what is encrypted.
    let at = find(b"files/") + "files/".len() + 64 + 12;
    let mut changed = whole.clone();
    changed[at] ^= 1;
    let said = verify(&changed);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("entry 0 (files/") && said.stdout.contains("does not hold"), "{said:?}");
    // A path in the manifest, which is not encrypted; nothing in the archive sums it but the chain, once the sum of the
    // member fits again, so the sum is left as it is and the manifest is read all the same.
    let at = find(br"defender.com");
    let mut changed = whole.clone();
    changed[at] = b'D';
    let said = verify(&changed);
    assert_eq!(said.code, 1, "{said:?}");
    // The end is cut off.
    let said = verify(&whole[..whole.len() / 2]);
    assert_eq!(said.code, 1, "{said:?}");
    let said = verify(b"no archive at all");
    assert!(said.code == 1 && said.stdout.contains("it is no archive of a quarantine"), "{said:?}");
    for (arguments, told) in [
        (vec!["migrate", "verify", "nowhere.zip"], "nowhere.zip cannot be opened"),
        (vec!["migrate", "verify", "changed.zip", "--last", "12"], "is no digest"),
        (vec!["migrate", "verify", "changed.zip", "--public-key", "key.pem"], "not a key"),
    ] {
        let said = place.run(&arguments);
        assert!(said.code == 2 && said.stderr.contains(told), "{said:?}");
    }
}

#[test]
fn a_damaged_quarantine_is_told_and_costs_nothing_else() {
    let place = Place::new();
    let whole = quarantine::klqb(r"C:\a.com", &eicar(), 0);
    place.file("old/a.klq", &whole[..100]);
    place.file("old/quarantine.db", b"SQLite format 3\0");
    place.file("old/b.klq", quarantine::klqb(r"C:\b.com", b"harmless", 0));
    let said = place.run(&["migrate", "quarantine", "old", "--json"]);
    assert_eq!(said.code, 2, "{said:?}");
    let all = lines(&said.stdout);
    let incomplete = all.iter().find(|one| one["kept_in"] == "old/a.klq").unwrap();
    assert_eq!(incomplete["verdict"], "incomplete", "{incomplete}");
    assert!(all.iter().any(|one| one["kept_in"] == "old/b.klq" && one["verdict"] == "clean"), "{said:?}");
    assert!(
        all.iter().any(|one| one["kept_in"] == "old/quarantine.db" && one["type"] == "not-read"),
        "{said:?}"
    );
}
