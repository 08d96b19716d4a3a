//! Generations of the store: the daemon goes over to a new one without being told, and takes one back that misbehaves.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use candor_database::Builder;
use candor_signature::{Input, clamav};
use candor_update::generation::{
    Allowed, Built, Cause, Content, Disk, Event, IMAGE, Record, Staging, Store, Trial,
};
use candor_update::{Candidate, Member, MemberClass, Provenance};

use crate::run::{Daemon, MARKER, stream};

const NOW: u64 = 1_800_000_000;

/// Makes a generation of these signatures the active one.
fn activate(root: &Path, version: u64, text: &str) -> u64 {
    let (_lock, mut store) = Store::lock(root, NOW).unwrap();
    let staging = store.stage().unwrap();
    let room = staging.room(&Disk, "local").unwrap();
    let (length, sha256) = Staging::member(&Disk, &room, "a.ndb", &mut text.as_bytes()).unwrap();
    let members =
        vec![Member { name: String::from("a.ndb"), class: MemberClass::Signatures, length, sha256 }];
    let mut builder = Builder::new();
    let input = [Input { name: "a.ndb", bytes: text.as_bytes() }];
    clamav::load(&input, clamav::Options::default(), &mut builder, &mut |_| ());
    let image = builder.finish().unwrap();
    let (length, sha256) = Staging::member(&Disk, staging.directory(), IMAGE, &mut image.as_slice()).unwrap();
    let candidate = Candidate {
        source: String::from("local"),
        version,
        directory: Staging::place("local").unwrap(),
        members,
        provenance: Provenance::Local,
        expectations: Vec::new(),
    };
    let record = Record {
        format: 0,
        generation: 0,
        made: NOW,
        previous: store.active(),
        contents: vec![Content::new(candidate, NOW)],
        image: Built { length, sha256, signatures: 1, refused: 0 },
        trial: Trial::default(),
        allowed: Allowed::default(),
    };
    let number = store.admit(&staging, &record, NOW).unwrap();
    store.activate(number, Cause::Update, NOW).unwrap();
    number
}

fn signature(name: &str, text: &[u8]) -> String {
    let digits: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}:0:*:{digits}\n")
}

/// A daemon over a store with one generation.
fn daemon(root: &Path) -> Daemon {
    drop(Store::init(Disk, root, NOW).unwrap());
    activate(root, 1, &signature("Test.First", MARKER));
    Daemon::start_with("", &format!("state-dir = '{}'\n", root.display()), &mut |_| ())
}

fn scan(daemon: &Daemon, path: &Path) -> String {
    daemon.ask(format!("zSCAN {}\0", path.display()).as_bytes())
}

#[test]
fn a_new_generation_is_in_force_without_a_word() {
    let store = tempfile::tempdir().unwrap();
    let daemon = daemon(store.path());
    assert_eq!(daemon.ask(&stream(MARKER, 100)), "stream: Test.First.UNOFFICIAL FOUND\0");
    activate(store.path(), 2, &signature("Test.Second", MARKER));
    let began = Instant::now();
    while daemon.ask(&stream(MARKER, 100)) != "stream: Test.Second.UNOFFICIAL FOUND\0" {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(daemon.log().contains("Loaded 1 signatures of generation 2"));
}

#[test]
fn a_generation_that_finds_what_was_clean_is_taken_back() {
    let store = tempfile::tempdir().unwrap();
    let mut daemon = daemon(store.path());
    let files: Vec<_> =
        (0..12).map(|number| daemon.file(&format!("files/{number}"), b"a letter to a friend")).collect();
    for file in &files {
        assert!(scan(&daemon, file).ends_with(": OK\0"));
    }
    activate(store.path(), 2, &(signature("Test.First", MARKER) + &signature("Bad.Letter", b"a letter to")));
    daemon.wait_until("the second is in force", |daemon| daemon.log().contains("of generation 2"));
    let began = Instant::now();
    for file in &files {
        scan(&daemon, file);
    }
    daemon.wait_until("it is taken back", |daemon| {
        daemon.log().matches("of generation 1").count() == 2 && scan(daemon, &files[0]).ends_with(": OK\0")
    });
    // The promise is a minute.
    assert!(began.elapsed() < Duration::from_secs(60));
    assert!(
        daemon.log().contains("Generation 2 misbehaves, and is taken back: something was found in 10 files")
    );
    let store = Store::view(Disk, store.path()).unwrap();
    assert_eq!(store.active(), Some(1));
    assert_eq!(store.state().held[0].version, 2);
    let is_told = |event: &Event| matches!(event, Event::Activating { generation: 1, cause: Cause::Watch { reason }, .. } if reason.contains("clean before"));
    assert!(store.history().unwrap().iter().any(|entry| is_told(&entry.event)));
}

/// Streams that were clean and are the same bytes: short ones, one that is in memory, one that goes to a file.
fn letters() -> Vec<Vec<u8>> {
    let lengths = (0..10).map(|number| 20 + number).chain([100_000, 1_500_000]);
    lengths.map(|length| [b"a letter to a friend".to_vec(), vec![b'.'; length]].concat()).collect()
}

#[test]
fn a_generation_that_finds_what_was_clean_in_streams_is_taken_back() {
    let store = tempfile::tempdir().unwrap();
    let mut daemon = daemon(store.path());
    for letter in letters() {
        assert_eq!(daemon.ask(&stream(&letter, 10_000)), "stream: OK\0");
    }
    activate(store.path(), 2, &(signature("Test.First", MARKER) + &signature("Bad.Letter", b"a letter to")));
    daemon.wait_until("the second is in force", |daemon| daemon.log().contains("of generation 2"));
    // What nobody has seen before is what signatures are for, however often it comes.
    for number in 0..30 {
        let other = format!("a letter to somebody else: {number}");
        daemon.ask(&stream(other.as_bytes(), 100));
        daemon.ask(&stream(&letters()[0], 100));
    }
    assert!(!daemon.log().contains("misbehaves"), "{}", daemon.log());
    for letter in letters() {
        daemon.ask(&stream(&letter, 10_000));
    }
    daemon.wait_until("it is taken back", |daemon| {
        daemon.log().contains("Generation 2 misbehaves, and is taken back: something was found in 10 files")
            && daemon.ask(&stream(&letters()[11], 10_000)) == "stream: OK\0"
    });
    assert_eq!(Store::view(Disk, store.path()).unwrap().active(), Some(1));
}

#[test]
fn streams_that_were_clean_are_known_after_a_restart() {
    let store = tempfile::tempdir().unwrap();
    let mut before = daemon(store.path());
    for letter in letters() {
        assert_eq!(before.ask(&stream(&letter, 10_000)), "stream: OK\0");
    }
    before.signal(rustix::process::Signal::TERM);
    assert!(before.ended().success());
    activate(store.path(), 2, &(signature("Test.First", MARKER) + &signature("Bad.Letter", b"a letter to")));
    let own = format!("state-dir = '{}'\n", store.path().display());
    let mut after = Daemon::start_with("", &own, &mut |_| ());
    for letter in letters() {
        after.ask(&stream(&letter, 10_000));
    }
    after.wait_until("it is taken back", |daemon| daemon.log().contains("misbehaves, and is taken back"));
    after.wait_until("the one before is active", |_| {
        Store::view(Disk, store.path()).unwrap().active() == Some(1)
    });
}

#[test]
fn what_cannot_be_taken_back_in_the_store_is_not_used_all_the_same() {
    let store = tempfile::tempdir().unwrap();
    let mut daemon = daemon(store.path());
    let files: Vec<_> =
        (0..12).map(|number| daemon.file(&format!("files/{number}"), b"a letter to a friend")).collect();
    files.iter().for_each(|file| drop(scan(&daemon, file)));
    activate(store.path(), 2, &signature("Bad.Letter", b"a letter to"));
    daemon.wait_until("the second is in force", |daemon| daemon.log().contains("of generation 2"));
    // Nobody can write an entry there.
    fs::remove_file(store.path().join("journal")).unwrap();
    files.iter().for_each(|file| drop(scan(&daemon, file)));
    daemon.wait_until("it goes back by itself", |daemon| {
        daemon.log().contains("goes back by itself") && scan(daemon, &files[0]).ends_with(": OK\0")
    });
}

#[test]
fn what_was_clean_is_known_after_a_restart() {
    let store = tempfile::tempdir().unwrap();
    let mut before = daemon(store.path());
    let files: Vec<_> =
        (0..12).map(|number| before.file(&format!("files/{number}"), b"a letter to a friend")).collect();
    for file in &files {
        assert!(scan(&before, file).ends_with(": OK\0"));
    }
    before.signal(rustix::process::Signal::TERM);
    assert!(before.ended().success());
    assert!(store.path().join("watch").is_file());
    // The next one comes up with a generation that it was never told of.
    activate(store.path(), 2, &(signature("Test.First", MARKER) + &signature("Bad.Letter", b"a letter to")));
    let own = format!("state-dir = '{}'\n", store.path().display());
    let mut after = Daemon::start_with("", &own, &mut |_| ());
    for file in &files {
        scan(&after, file);
    }
    after.wait_until("it is taken back", |daemon| {
        daemon.log().contains("of generation 1") && scan(daemon, &files[0]).ends_with(": OK\0")
    });
    assert_eq!(Store::view(Disk, store.path()).unwrap().active(), Some(1));
}
