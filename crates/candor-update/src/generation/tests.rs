//! What holds of the store whatever happens to the machine.

use std::io;
use std::path::Path;

use super::simulation::{Dice, Fuse, Memory, Stopping};
use super::*;
use crate::{Candidate, Member, MemberClass, Provenance};

const NOW: u64 = 1_800_000_000;

fn candidate(version: u64, members: Vec<Member>, directory: std::path::PathBuf) -> Candidate {
    Candidate {
        source: String::from("local"),
        version,
        directory,
        members,
        provenance: Provenance::Local,
        expectations: Vec::new(),
    }
}

/// All that an update does, with content that depends on the version.
fn update<F: Files>(store: &mut Store<F>, version: u64, now: u64) -> Result<u64, StoreError> {
    let staging = store.stage()?;
    let room = staging.room(store.files(), "local")?;
    let mut members = Vec::new();
    for name in ["a.ndb", "b.hdb"] {
        let text = format!("{name} of version {version}\n").repeat(20);
        let (length, sha256) = Staging::member(store.files(), &room, name, &mut text.as_bytes())?;
        members.push(Member { name: String::from(name), class: MemberClass::Signatures, length, sha256 });
    }
    let digest = digest(&members);
    store.check_version("local", version, &digest)?;
    store.verified("local", version, &digest, Some(format!("trusted {version}")), now)?;
    let image = format!("image of version {version}").repeat(50);
    let (length, sha256) = Staging::member(store.files(), staging.directory(), IMAGE, &mut image.as_bytes())?;
    let place = Staging::place("local")?;
    let record = Record {
        format: 0,
        generation: 0,
        made: now,
        previous: store.active(),
        contents: vec![Content::new(candidate(version, members, place), now)],
        image: Built { length, sha256, signatures: 1, refused: 0 },
        trial: Trial::default(),
        allowed: Allowed::default(),
    };
    let number = store.admit(&staging, &record, now)?;
    store.activate(number, Cause::Update, now)?;
    store.prune()?;
    Ok(number)
}

fn operator() -> Cause {
    Cause::Operator { reason: String::from("it finds too much") }
}

/// A store with three generations.
fn filled<F: Files>(files: F, root: &Path) -> Store<F> {
    let mut store = Store::init(files, root, NOW).unwrap();
    for version in 1..=3 {
        assert_eq!(update(&mut store, version, NOW + version).unwrap(), version);
    }
    store
}

/// The state that a machine which stopped may be found in: opens, is whole, and has the one or the other active.
fn sound<F: Files>(files: F, root: &Path, either: [u64; 2]) -> Store<F> {
    let store = Store::open(files, root, NOW + 100).unwrap_or_else(|error| panic!("{error}"));
    let active = store.active().unwrap();
    assert!(either.contains(&active), "{active}");
    let record = store.check(active).unwrap();
    assert_eq!(record.contents[0].candidate.version, active);
    let history = store.history().unwrap();
    let last = history.iter().rev().find_map(|entry| match entry.event {
        Event::Activated { generation } => Some(generation),
        _ => None,
    });
    assert_eq!(last, Some(active));
    assert!(store.generations().unwrap().contains(&active));
    store
}

#[test]
fn wherever_an_update_stops_the_old_or_the_new_generation_is_active_and_complete() {
    let whole = Memory::new();
    drop(filled(&whole, Path::new("/")));
    let counted = whole.with(Fuse::default());
    update(&mut Store::open(&counted, Path::new("/"), NOW).unwrap(), 4, NOW).unwrap();
    let calls = counted.fuse.calls();
    assert!(calls > 40, "{calls}");
    let mut dice = Dice(7);
    let mut seen = [0; 2];
    for call in 0..calls {
        let stopped = whole.with(Fuse::at(call));
        let done =
            Store::open(&stopped, Path::new("/"), NOW).and_then(|mut store| update(&mut store, 4, NOW));
        assert!(done.is_err() && stopped.fuse.has_blown(), "{call}: {done:?}");
        for _ in 0..30 {
            let after = stopped.after_power_loss(&mut dice);
            let mut store = sound(&after, Path::new("/"), [3, 4]);
            seen[usize::from(store.active() == Some(4))] += 1;
            // Whatever was left lying is no hindrance to the next one.
            let number = update(&mut store, 5, NOW + 200).unwrap();
            assert_eq!(store.active(), Some(number));
            drop(store);
            // And all of that is on the disk.
            let later = after.after_power_loss(&mut dice);
            let store = Store::open(&later, Path::new("/"), NOW + 300).unwrap();
            assert_eq!(store.active(), Some(number));
            assert_eq!(store.check(number).unwrap().contents[0].candidate.version, 5);
            assert_eq!(store.state().sources["local"].trusted.as_deref(), Some("trusted 5"));
        }
    }
    assert!(seen[0] > 100 && seen[1] > 100, "{seen:?}");
}

#[test]
fn wherever_a_roll_back_stops_one_of_both_is_active_and_the_next_attempt_holds() {
    let whole = Memory::new();
    drop(filled(&whole, Path::new("/")));
    let counted = whole.with(Fuse::default());
    Store::open(&counted, Path::new("/"), NOW).unwrap().roll_back(operator(), NOW).unwrap();
    let mut dice = Dice(11);
    for call in 0..counted.fuse.calls() {
        let stopped = whole.with(Fuse::at(call));
        let done =
            Store::open(&stopped, Path::new("/"), NOW).and_then(|mut store| store.roll_back(operator(), NOW));
        assert!(done.is_err());
        for _ in 0..30 {
            let after = stopped.after_power_loss(&mut dice);
            let mut store = Store::open(&after, Path::new("/"), NOW).unwrap();
            let active = store.active().unwrap();
            assert!(active == 2 || active == 3);
            store.check(active).unwrap();
            if active == 3 {
                assert_eq!(store.roll_back(operator(), NOW).unwrap(), 2);
            }
            let digest = store.record(3).unwrap().contents[0].digest();
            assert!(matches!(store.check_version("local", 3, &digest), Err(StoreError::Held { .. })));
        }
    }
}

#[test]
fn the_same_on_the_real_file_system() {
    let place = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let root = place.path().join(name);
        std::fs::create_dir(&root).unwrap();
        drop(filled(Disk, &root));
        root
    };
    let root = make("counted");
    let counted = Stopping::default();
    update(&mut Store::open(&counted, &root, NOW).unwrap(), 4, NOW).unwrap();
    for call in 0..counted.0.calls() {
        let root = make(&call.to_string());
        let stopped = Stopping(Fuse::at(call));
        let done = Store::open(&stopped, &root, NOW).and_then(|mut store| update(&mut store, 4, NOW));
        assert!(done.is_err(), "{call}");
        let mut store = sound(Disk, &root, [3, 4]);
        let number = update(&mut store, 5, NOW + 200).unwrap();
        assert_eq!(store.active(), Some(number));
        assert_eq!(store.generations().unwrap().len(), KEPT);
        std::fs::remove_dir_all(root).unwrap();
    }
}

#[test]
fn when_calls_fail_from_any_point_on_the_store_stays_usable() {
    let place = tempfile::tempdir().unwrap();
    for (first, error) in [(0, io::ErrorKind::StorageFull), (1, io::ErrorKind::ReadOnlyFilesystem)] {
        for call in (first..60).step_by(4) {
            let root = place.path().join(format!("{error:?}-{call}"));
            std::fs::create_dir(&root).unwrap();
            drop(filled(Disk, &root));
            let failing = Stopping(Fuse::failing(call, error));
            if let Ok(mut store) = Store::open(&failing, &root, NOW) {
                // The program goes on after an error, and fails again.
                drop(update(&mut store, 4, NOW));
                drop(store.refused(Some("local"), Some(4), Stage::Compile, "no room", NOW));
                drop(update(&mut store, 5, NOW));
            }
            let store = Store::open(Disk, &root, NOW + 100).unwrap_or_else(|error| panic!("{call}: {error}"));
            store.check(store.active().unwrap()).unwrap();
            store.history().unwrap();
            std::fs::remove_dir_all(root).unwrap();
        }
    }
}

#[test]
fn wherever_making_a_store_stops_it_can_be_made() {
    let counted = Memory::new();
    drop(Store::init(&counted, Path::new("/"), NOW).unwrap());
    let mut dice = Dice(3);
    for call in 0..counted.fuse.calls() {
        let stopped = Memory::new().with(Fuse::at(call));
        assert!(Store::init(&stopped, Path::new("/"), NOW).is_err());
        for _ in 0..30 {
            let after = stopped.after_power_loss(&mut dice);
            match Store::init(&after, Path::new("/"), NOW) {
                Ok(_) | Err(StoreError::Exists(_)) => (),
                Err(error) => panic!("{call}: {error}"),
            }
            drop(Store::open(&after, Path::new("/"), NOW).unwrap());
        }
    }
}

#[test]
fn lost_or_damaged_state_is_never_made_anew() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 9] = [
        ("state.json is missing", |root| std::fs::remove_file(root.join(STATE)).unwrap()),
        ("state.json cannot be read", |root| std::fs::write(root.join(STATE), "{").unwrap()),
        ("the journal is missing", |root| std::fs::remove_file(root.join(JOURNAL)).unwrap()),
        ("changed or cut short", |root| {
            let text = std::fs::read_to_string(root.join(JOURNAL)).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            std::fs::write(root.join(JOURNAL), lines[..lines.len() - 1].join("\n") + "\n").unwrap();
        }),
        ("changed or cut short", |root| {
            let text = std::fs::read_to_string(root.join(JOURNAL)).unwrap();
            std::fs::write(root.join(JOURNAL), text.replacen("\"version\":1", "\"version\":9", 1)).unwrap();
        }),
        ("state.json is older than the journal", |root| {
            let old = std::fs::read(root.join(STATE)).unwrap();
            let mut store = Store::open(Disk, root, NOW).unwrap();
            store.hold("local", 9, None, "a", NOW).unwrap();
            store.hold("local", 10, None, "b", NOW).unwrap();
            std::fs::write(root.join(STATE), old).unwrap();
        }),
        ("the link to the active generation is missing; it was 3", |root| {
            std::fs::remove_file(root.join(CURRENT)).unwrap();
        }),
        ("generation 2 is active, and the journal says 3", |root| {
            std::fs::remove_file(root.join(CURRENT)).unwrap();
            std::os::unix::fs::symlink("generations/2", root.join(CURRENT)).unwrap();
        }),
        ("image.candor", |root| std::fs::write(root.join("current/image.candor"), "short").unwrap()),
    ];
    for (expected, damage) in damages {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        drop(filled(Disk, root));
        damage(root);
        for _ in 0..2 {
            let error = Store::open(Disk, root, NOW).unwrap_err();
            assert!(matches!(error, StoreError::Lost(_)), "{expected}: {error}");
            assert!(error.to_string().contains(expected), "{expected}: {error}");
            assert!(error.to_string().contains("--accept-lost-state"), "{error}");
        }
        assert!(matches!(Store::init(Disk, root, NOW), Err(StoreError::Lost(_))));
        // With an explicit act it goes on, says so for ever, and does not count from one again.
        let mut store = Store::accept_loss(Disk, root, NOW).unwrap();
        let history = store.history().unwrap();
        assert!(matches!(&history[0].event, Event::LossAccepted { reason, .. } if reason.contains(expected)));
        let number = update(&mut store, 20, NOW).unwrap();
        assert!(number > 3, "{number}");
        drop(store);
        assert_eq!(Store::open(Disk, root, NOW).unwrap().active(), Some(number));
    }
}

#[test]
fn what_was_lost_is_kept_and_what_is_active_is_not_undercut() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    drop(filled(Disk, root));
    std::fs::remove_file(root.join(STATE)).unwrap();
    let store = Store::accept_loss(Disk, root, NOW).unwrap();
    assert_eq!(store.active(), Some(3));
    assert!(root.join("journal.lost-0").is_file());
    assert!(matches!(store.check_version("local", 2, "x"), Err(StoreError::Older { known: 3, .. })));
    assert!(matches!(Store::accept_loss(Disk, root, NOW), Err(StoreError::Exists(_))));
}

#[test]
fn nothing_older_and_nothing_held_comes_in() {
    let place = tempfile::tempdir().unwrap();
    let mut store = filled(Disk, place.path());
    let error = update(&mut store, 2, NOW).unwrap_err();
    assert!(matches!(error, StoreError::Older { given: 2, known: 3, .. }), "{error}");
    let bad = store.record(3).unwrap().contents[0].digest();
    assert_eq!(store.roll_back(operator(), NOW).unwrap(), 2);
    assert_eq!(store.active(), Some(2));
    // The same content under a later version is the same content.
    assert!(matches!(store.check_version("local", 3, &bad), Err(StoreError::Held { .. })));
    assert!(matches!(store.check_version("local", 4, &bad), Err(StoreError::Held { .. })));
    store.check_version("local", 4, "other").unwrap();
    assert!(store.release("local", 3, NOW).unwrap());
    assert!(!store.release("local", 3, NOW).unwrap());
    store.check_version("local", 3, &bad).unwrap();
    drop(store);
    let store = Store::open(Disk, place.path(), NOW).unwrap();
    assert!(store.state().held.is_empty());
    assert_eq!(store.state().generations, 3);
}

#[test]
fn so_many_generations_are_kept_and_one_can_go_back_more_than_once() {
    let place = tempfile::tempdir().unwrap();
    let mut store = filled(Disk, place.path());
    for version in 4..=9 {
        update(&mut store, version, NOW).unwrap();
    }
    assert_eq!(store.generations().unwrap(), [7, 8, 9]);
    assert_eq!(store.roll_back(operator(), NOW).unwrap(), 8);
    assert_eq!(store.roll_back(operator(), NOW).unwrap(), 7);
    assert!(matches!(store.roll_back(operator(), NOW), Err(StoreError::NoPrevious)));
    assert_eq!(store.active(), Some(7));
    // A number is not given twice.
    assert_eq!(update(&mut store, 10, NOW).unwrap(), 10);
    assert_eq!(store.generations().unwrap(), [7, 9, 10]);
}

#[test]
fn what_is_in_force_while_findings_are_held_stays_until_an_operator_decides() {
    let place = tempfile::tempdir().unwrap();
    let mut store = filled(Disk, place.path());
    let in_force = || Active::in_force(place.path()).unwrap().unwrap().number;
    assert_eq!(in_force(), 3);
    store.report_only(true, "too much is found", NOW).unwrap();
    assert_eq!((store.active(), in_force()), (Some(3), 2));
    // Later generations change nothing about that, and the one in force is not removed.
    for version in 4..=7 {
        update(&mut store, version, NOW).unwrap();
        store.report_only(true, "still", NOW).unwrap();
        assert_eq!((store.active(), in_force()), (Some(version), 2));
    }
    store.report_only(false, "all is well", NOW).unwrap();
    assert_eq!(in_force(), 7);
    store.report_only(true, "too much", NOW).unwrap();
    assert_eq!(store.roll_back(operator(), NOW).unwrap(), 6);
    assert_eq!(in_force(), 6);
    assert!(store.state().report_only.is_none());
}

#[test]
fn a_generation_that_was_changed_is_not_made_active() {
    let place = tempfile::tempdir().unwrap();
    let mut store = filled(Disk, place.path());
    let image = store.directory(2).join(IMAGE);
    let mut bytes = std::fs::read(&image).unwrap();
    bytes[5] ^= 1;
    std::fs::write(&image, &bytes).unwrap();
    assert!(matches!(store.check(2), Err(StoreError::Damaged { number: 2, .. })));
    bytes.pop();
    std::fs::write(&image, &bytes).unwrap();
    assert!(matches!(store.roll_back(operator(), NOW), Err(StoreError::Damaged { number: 2, .. })));
    assert_eq!(store.active(), Some(3));
}

#[test]
fn a_clock_that_is_far_behind_is_told() {
    let place = tempfile::tempdir().unwrap();
    let store = filled(Disk, place.path());
    store.check_clock(NOW - 3600).unwrap();
    let error = store.check_clock(10).unwrap_err();
    assert!(error.to_string().starts_with("the clock is wrong: it says 10 seconds"), "{error}");
}

#[test]
fn two_updaters_at_once_are_one() {
    let place = tempfile::tempdir().unwrap();
    assert!(matches!(Store::lock(place.path(), NOW), Err(StoreError::Missing(_))));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    drop(filled(Disk, place.path()));
    let first = Store::lock(place.path(), NOW).unwrap();
    assert!(matches!(Store::lock(place.path(), NOW), Err(StoreError::Busy(_))));
    // Whoever only looks need not wait.
    assert_eq!(Store::view(Disk, place.path()).unwrap().active(), Some(3));
    drop(first);
    drop(Store::lock(place.path(), NOW).unwrap());
}

#[test]
fn names_stay_in_their_place() {
    for name in ["", ".", "..", "../x", "a/b", ".hidden", "a\nb", &"x".repeat(300)] {
        assert!(matches!(Staging::place(name), Err(StoreError::Name(_))), "{name}");
    }
    assert_eq!(Staging::place("clamav").unwrap(), Path::new("members/clamav"));
}

#[test]
fn readers_find_the_active_generation() {
    let place = tempfile::tempdir().unwrap();
    assert_eq!(Active::find(place.path()).unwrap(), None);
    drop(filled(Disk, place.path()));
    let active = Active::find(place.path()).unwrap().unwrap();
    assert_eq!(active.number, 3);
    assert_eq!(active.record().unwrap().contents[0].candidate.version, 3);
    assert!(active.image().is_file());
}
