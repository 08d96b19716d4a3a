//! What the pipeline decides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::local::{self, LocalError, Vouched};
use super::settings::Settings;
use super::trial::{self, Bounds, Expect, Fault, Run, Seen, Trouble};
use super::watch::{Decision, OnNewFindings, Sighting, Thresholds, Watch};
use super::*;
use crate::generation::{Allowed, Built, Disk, Event, Files, Stage, Store, Trial};
use crate::{Candidate, Expectation, MemberClass, Provenance};

const NOW: u64 = 1_800_000_000;

/// Stages that say what they are told to say.
#[derive(Default)]
struct Told {
    compile: Option<String>,
    try_out: Vec<String>,
    /// Names that were compiled last, and whether there was an image to compare with.
    compiled: Vec<String>,
    had_before: Option<bool>,
    /// Names that were vouched for.
    vouched: Vec<String>,
}

impl Stages for Told {
    fn compile(
        &mut self,
        members: &[(String, PathBuf)],
        vouched: &[String],
        image: &Path,
    ) -> Result<Built, String> {
        self.vouched = vouched.to_vec();
        self.compiled = members.iter().map(|(name, _)| name.clone()).collect();
        for (_, path) in members {
            assert!(path.is_file(), "{}", path.display());
        }
        if let Some(why) = &self.compile {
            return Err(why.clone());
        }
        let text = self.compiled.join(" ");
        let directory = image.parent().unwrap();
        let (length, sha256) =
            crate::generation::Staging::member(&Disk, directory, "image.candor", &mut text.as_bytes())
                .unwrap();
        Ok(Built { length, sha256, signatures: 1, refused: 0 })
    }

    fn try_out(&mut self, _: &Path, before: Option<&Path>, _: &[Expectation]) -> Result<Trial, Vec<String>> {
        self.had_before = Some(before.is_some_and(Path::is_file));
        if self.try_out.is_empty() { Ok(Trial::default()) } else { Err(self.try_out.clone()) }
    }
}

struct Place {
    directory: tempfile::TempDir,
    store: Store<Disk>,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("store");
        std::fs::create_dir(&root).unwrap();
        let store = Store::init(Disk, &root, NOW).unwrap();
        Self { directory, store }
    }

    /// An update of one source from a directory with this content.
    fn update(
        &mut self,
        source: &str,
        version: u64,
        text: &str,
        stages: &mut Told,
    ) -> Result<Outcome, Stopped> {
        let from = self.directory.path().join(source);
        std::fs::create_dir_all(&from).unwrap();
        std::fs::write(from.join("a.ndb"), text).unwrap();
        let staging = self.store.stage().unwrap();
        let room = staging.room(&Disk, source).unwrap();
        let members = local::take(&Disk, &from, &room, &Vouched::Owner).unwrap().members;
        let candidate = Candidate {
            source: source.to_owned(),
            version,
            directory: room,
            members,
            provenance: Provenance::Local,
            expectations: Vec::new(),
        };
        let arrival = Arrival { candidate, trusted: None, decision: String::from("allowed") };
        let kept = BTreeSet::from(["one".to_owned(), "two".to_owned()]);
        advance(&mut self.store, &staging, vec![arrival], &kept, stages, Allowed::default(), NOW)
    }

    fn last(&self) -> Event {
        self.store.history().unwrap().last().unwrap().event.clone()
    }

    fn unfinished(&self) -> usize {
        let names = Disk.list(&self.store.root().join("generations")).unwrap();
        names.iter().filter(|(name, _)| name.starts_with('.')).count()
    }
}

#[test]
fn sources_come_together_and_what_did_not_change_stays() {
    let mut place = Place::new();
    let mut stages = Told::default();
    assert_eq!(place.update("one", 1, "a", &mut stages).unwrap(), Outcome::Activated(1));
    assert_eq!(stages.had_before, Some(false));
    assert_eq!(place.update("two", 1, "b", &mut stages).unwrap(), Outcome::Activated(2));
    assert_eq!(stages.compiled, ["one/a.ndb", "two/a.ndb"]);
    assert_eq!(stages.had_before, Some(true));
    assert_eq!(place.update("one", 2, "a", &mut stages).unwrap(), Outcome::Unchanged);
    assert_eq!(place.store.active(), Some(2));
    assert_eq!(place.update("one", 3, "c", &mut stages).unwrap(), Outcome::Activated(3));
    let record = place.store.check(3).unwrap();
    let versions: Vec<u64> = record.contents.iter().map(|content| content.candidate.version).collect();
    assert_eq!(versions, [3, 1]);
    // What was said about a source is known as long as its content is in force.
    assert!(record.contents.iter().all(|content| content.decision == "allowed"));
    assert_eq!(place.unfinished(), 0);
}

#[test]
fn what_a_stage_refuses_changes_nothing_and_is_told() {
    let mut place = Place::new();
    place.update("one", 1, "a", &mut Told::default()).unwrap();
    let mut bad = Told { compile: Some(String::from("no image")), ..Told::default() };
    let error = place.update("one", 2, "b", &mut bad).unwrap_err();
    assert_eq!(error.to_string(), "no image");
    assert!(matches!(place.last(), Event::Refused { stage: Stage::Compile, .. }));
    let faults = vec![String::from("a: X was found in a clean file"), String::from("b: it crashed")];
    let mut bad = Told { try_out: faults, ..Told::default() };
    let error = place.update("one", 2, "b", &mut bad).unwrap_err();
    assert_eq!(error.to_string(), "a: X was found in a clean file; b: it crashed");
    assert!(matches!(place.last(), Event::Refused { stage: Stage::TryOut, .. }));
    assert_eq!(place.store.active(), Some(1));
    assert_eq!(place.unfinished(), 0);
    // It was verified all the same: nothing older is taken from now on.
    let error = place.update("one", 1, "a", &mut Told::default()).unwrap_err();
    assert!(error.to_string().contains("version 1 is older than version 2"), "{error}");
    assert!(matches!(place.last(), Event::Refused { stage: Stage::Verify, .. }));
}

#[test]
fn what_a_verifier_says_is_not_believed_about_paths() {
    let mut place = Place::new();
    let kept = BTreeSet::new();
    let each: [&[&str]; 5] = [
        &["../../../store/state.json"],
        &["a.ndb", "a.ndb"],
        &["link.ndb"],
        &["missing.ndb"],
        &["/etc/passwd"],
    ];
    for names in each {
        let staging = place.store.stage().unwrap();
        let room = staging.room(&Disk, "one").unwrap();
        std::fs::write(room.join("a.ndb"), "text").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", room.join("link.ndb")).unwrap();
        let member = |name: &&str| crate::Member {
            name: (*name).to_owned(),
            class: MemberClass::Signatures,
            length: 4,
            sha256: String::new(),
        };
        let candidate = Candidate {
            source: String::from("one"),
            version: 1,
            directory: PathBuf::from("/etc"),
            members: names.iter().map(member).collect(),
            provenance: Provenance::Local,
            expectations: Vec::new(),
        };
        let arrivals = vec![Arrival { candidate, trusted: None, decision: String::new() }];
        let mut stages = Told::default();
        let done = advance(&mut place.store, &staging, arrivals, &kept, &mut stages, Allowed::default(), NOW);
        assert!(matches!(done, Err(Stopped::Refused { stage: Stage::Verify, .. })), "{names:?}: {done:?}");
        assert!(stages.compiled.is_empty());
    }
}

#[test]
fn what_was_rolled_back_does_not_come_again_under_another_version() {
    let mut place = Place::new();
    place.update("one", 1, "a", &mut Told::default()).unwrap();
    place.update("one", 2, "b", &mut Told::default()).unwrap();
    let cause = crate::generation::Cause::Watch { reason: String::from("3 workers crashed") };
    place.store.roll_back(cause, NOW).unwrap();
    let error = place.update("one", 3, "b", &mut Told::default()).unwrap_err();
    assert_eq!(error.to_string(), "one: version 3 is held: 3 workers crashed");
    assert_eq!(place.store.active(), Some(1));
    assert_eq!(place.update("one", 4, "c", &mut Told::default()).unwrap(), Outcome::Activated(3));
}

#[test]
fn a_directory_is_taken_as_it_is_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let (from, room) = (place.path().join("from"), place.path().join("room"));
    std::fs::create_dir(&from).unwrap();
    let take = |vouched: &Vouched| {
        drop(std::fs::remove_dir_all(&room));
        std::fs::create_dir(&room).unwrap();
        local::take(&Disk, &from, &room, vouched)
    };
    assert!(matches!(take(&Vouched::Owner), Err(LocalError::Empty(_))));
    std::fs::write(from.join("a.ndb"), "text").unwrap();
    std::fs::write(from.join("b.hdb"), "").unwrap();
    std::fs::write(from.join("readme.md"), "not a database").unwrap();
    let members = take(&Vouched::Owner).unwrap().members;
    assert_eq!(members.len(), 2);
    assert_eq!((members[0].class, members[1].class), (MemberClass::Signatures, MemberClass::Hashes));
    assert_eq!(std::fs::read(room.join("a.ndb")).unwrap(), b"text");
    // Digests that were written down, as sha256sum prints them.
    let text = format!("# mine\n{}  a.ndb\n{} *./b.hdb\n", members[0].sha256, members[1].sha256);
    let pins = Vouched::Digests(local::pins(&text).unwrap());
    assert_eq!(take(&pins).unwrap().members, members);
    std::fs::write(from.join("a.ndb"), "tent").unwrap();
    assert!(matches!(take(&pins), Err(LocalError::Digest { .. })));
    std::fs::write(from.join("a.ndb"), "text").unwrap();
    std::fs::write(from.join("c.ldb"), "x").unwrap();
    assert!(matches!(take(&pins), Err(LocalError::NotPinned(name)) if name == "c.ldb"));
    std::fs::remove_file(from.join("c.ldb")).unwrap();
    std::fs::remove_file(from.join("b.hdb")).unwrap();
    assert!(matches!(take(&pins), Err(LocalError::Absent(name)) if name == "b.hdb"));
    for bad in ["xyz  a.ndb", "0123", &format!("{0}  a\n{0}  a", "0".repeat(64))] {
        assert!(local::pins(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_key_vouches_for_each_file_of_a_directory() {
    use ed25519_dalek::{Signer as _, SigningKey};
    let place = tempfile::tempdir().unwrap();
    let (from, room) = (place.path().join("from"), place.path().join("room"));
    std::fs::create_dir(&from).unwrap();
    let signing = SigningKey::from_bytes(&[9; 32]);
    let public = crate::log::base64::encode(signing.verifying_key().as_bytes());
    let vouched = Vouched::Key(crate::source::Key::parse(&public).unwrap());
    let take = || {
        drop(std::fs::remove_dir_all(&room));
        std::fs::create_dir(&room).unwrap();
        local::take(&Disk, &from, &room, &vouched).map(|taken| taken.members.len())
    };
    let sign = |name: &str, text: &str| {
        std::fs::write(from.join(format!("{name}.sig")), signing.sign(text.as_bytes()).to_bytes()).unwrap();
    };
    std::fs::write(from.join("a.ndb"), "text").unwrap();
    assert!(matches!(take(), Err(LocalError::NotSigned(name)) if name == "a.ndb"));
    sign("a.ndb", "text");
    assert_eq!(take().unwrap(), 1);
    let before = local::state(&from).unwrap();
    std::fs::write(from.join("b.ndb"), "more").unwrap();
    assert!(matches!(take(), Err(LocalError::NotSigned(name)) if name == "b.ndb"));
    sign("b.ndb", "less");
    assert!(matches!(take(), Err(LocalError::Signature(name, _)) if name == "b.ndb"));
    let between = local::state(&from).unwrap();
    sign("b.ndb", "more");
    assert_eq!(take().unwrap(), 2);
    // A signature that is exchanged shows, so that it is looked at again.
    assert!(before != between && between != local::state(&from).unwrap());
}

#[test]
fn rules_of_yara_are_taken_as_what_they_are() {
    let place = tempfile::tempdir().unwrap();
    let (from, room) = (place.path().join("from"), place.path().join("room"));
    std::fs::create_dir(&from).unwrap();
    std::fs::create_dir(&room).unwrap();
    std::fs::write(from.join("a.yar"), "rule a { condition: true }").unwrap();
    std::fs::write(from.join("b.ndb"), "text").unwrap();
    let taken = local::take(&Disk, &from, &room, &Vouched::Owner).unwrap();
    let classes: Vec<_> = taken.members.iter().map(|member| (member.name.as_str(), member.class)).collect();
    assert_eq!(classes, [("a.yar", MemberClass::Rules), ("b.ndb", MemberClass::Signatures)]);
    assert_eq!(std::fs::read(room.join("a.yar")).unwrap(), b"rule a { condition: true }");
    // They are vouched for as everything else is.
    std::fs::remove_file(from.join("b.ndb")).unwrap();
    let pins = |digest: &str| Vouched::Digests(local::pins(&format!("{digest}  a.yar\n")).unwrap());
    for (digest, is_taken) in [(taken.members[0].sha256.as_str(), true), (&"0".repeat(64), false)] {
        std::fs::remove_dir_all(&room).unwrap();
        std::fs::create_dir(&room).unwrap();
        assert_eq!(local::take(&Disk, &from, &room, &pins(digest)).is_ok(), is_taken);
    }
}

#[test]
fn what_is_no_data_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (from, room) = (place.path().join("from"), place.path().join("room"));
    for program in ["\x7fELF\x02", "MZ\u{90}", "#!/bin/sh\n"] {
        std::fs::create_dir(&from).unwrap();
        std::fs::create_dir(&room).unwrap();
        std::fs::write(from.join("a.ndb"), program).unwrap();
        assert!(matches!(local::take(&Disk, &from, &room, &Vouched::Owner), Err(LocalError::Program(_))));
        std::fs::remove_dir_all(&from).unwrap();
        std::fs::remove_dir_all(&room).unwrap();
    }
    std::fs::create_dir(&from).unwrap();
    std::fs::create_dir(&room).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", from.join("a.ndb")).unwrap();
    assert!(matches!(local::take(&Disk, &from, &room, &Vouched::Owner), Err(LocalError::NotPlain(_))));
    assert_eq!(std::fs::read_dir(&room).unwrap().count(), 0);
}

fn seen(found: &[&str]) -> Seen {
    Seen { found: found.iter().map(|name| (*name).to_owned()).collect(), trouble: None }
}

#[test]
fn a_trial_finds_what_it_must_and_nothing_else() {
    let wanted = Expect::Signature(String::from("Test.A"));
    let mut run = Run::default();
    run.note("eicar", &Expect::Finding, seen(&["Eicar"]));
    run.note("a", &wanted, seen(&["Test.B", "Test.A"]));
    run.note("clean", &Expect::Silence, seen(&[]));
    run.note("/usr/bin/ls", &Expect::Golden, seen(&[]));
    assert_eq!(run.faults(None, Bounds::default()), []);
    assert_eq!(run.passed, [2, 1, 1]);
    let mut run = Run::default();
    run.note("eicar", &Expect::Finding, seen(&[]));
    run.note("a", &wanted, seen(&["Test.B"]));
    run.note("/usr/bin/ls", &Expect::Golden, seen(&["Bad.X"]));
    let crashed = Seen { trouble: Some(Trouble::Crashed(String::from("signal 11"))), ..Seen::default() };
    run.note("b", &Expect::Golden, crashed);
    run.note("c", &Expect::Silence, Seen { trouble: Some(Trouble::TimedOut), ..Seen::default() });
    let faults = run.faults(None, Bounds::default());
    let expected = [
        Fault::Silent(String::from("eicar")),
        Fault::Other(String::from("a"), String::from("Test.A")),
        Fault::Flagged(String::from("/usr/bin/ls"), String::from("Bad.X")),
        Fault::Crashed(String::from("b"), String::from("signal 11")),
        Fault::TimedOut(String::from("c")),
    ];
    assert_eq!(faults, expected);
    assert_eq!(run.passed, [0, 0, 0]);
}

#[test]
fn a_trial_stays_within_what_it_took_before() {
    let bounds = Bounds { percent: 150, milliseconds: 100, memory: 10 };
    let run = |milliseconds, memory| Run { milliseconds, memory, ..Run::default() };
    let before = run(1000, 1000);
    assert_eq!(run(1600, 1510).faults(Some(&before), bounds), []);
    assert_eq!(run(1601, 0).faults(Some(&before), bounds), [Fault::Slow { took: 1601, allowed: 1600 }]);
    assert_eq!(run(0, 1511).faults(Some(&before), bounds), [Fault::Heavy { took: 1511, allowed: 1510 }]);
    assert!(run(1601, 0).is_slow(Some(&before), bounds) && !run(1601, 0).is_slow(None, bounds));
}

#[test]
fn canaries_of_a_release_are_read() {
    let expectation = |content: &str, signature: Option<&str>| Expectation {
        content: content.to_owned(),
        signature: signature.map(str::to_owned),
    };
    let probes = trial::canaries(&[expectation("aGVsbG8=", Some("Test.A")), expectation("", None)]).unwrap();
    assert_eq!(probes[0].bytes, b"hello");
    assert_eq!(probes[1].expect, Expect::Silence);
    assert!(trial::canaries(&[expectation("?", None)]).is_err());
}

fn thresholds() -> Thresholds {
    Thresholds {
        crashes: 3,
        timeouts: 3,
        new_findings: 4,
        window: 60,
        on_new_findings: OnNewFindings::RollBack,
    }
}

#[test]
fn a_watch_goes_on_where_it_was() {
    let mut watch = Watch::new(thresholds());
    for file in 0..1000 {
        watch.note(Some((file, "name")), Sighting::Clean);
    }
    watch.change();
    assert_eq!(watch.note(Some((1, "name")), Sighting::Found), None);
    assert_eq!(watch.note(Some((2, "name")), Sighting::Found), None);
    let bytes = watch.write();
    assert!(bytes.len() <= watch::LONGEST, "{}", bytes.len());
    let mut again = Watch::read(&bytes, thresholds()).unwrap();
    assert_eq!(again.counts(), watch.counts());
    assert_eq!(again.note(Some((1, "name")), Sighting::Found), None);
    assert_eq!(again.note(Some((3, "name")), Sighting::Found), None);
    // What was clean before is known after, and is what makes the fourth one too much.
    assert!(again.note(Some((4, "name")), Sighting::Found).is_some());
    // Whatever is damaged begins anew; nothing is made of a part.
    for at in (0..bytes.len()).step_by(997) {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(Watch::read(&bad, thresholds()).is_none(), "{at}");
        assert!(Watch::read(&bytes[..at], thresholds()).is_none(), "{at}");
    }
}

#[test]
fn a_burst_of_findings_in_files_that_were_clean_is_too_much() {
    let mut watch = Watch::new(thresholds());
    for file in 0..1000 {
        assert_eq!(watch.note(Some(file), Sighting::Clean), None);
    }
    watch.change();
    // Files that nobody saw before say nothing.
    for file in 5000..5100 {
        assert_eq!(watch.note(Some(file), Sighting::Found), None);
    }
    // One file that is looked at again and again is one.
    for _ in 0..10 {
        assert_eq!(watch.note(Some(7), Sighting::Found), None);
    }
    assert_eq!(watch.note(Some(8), Sighting::Found), None);
    assert_eq!(watch.note(Some(9), Sighting::Found), None);
    let decision = watch.note(Some(10), Sighting::Found).unwrap();
    assert!(matches!(&decision, Decision::RollBack(why) if why.contains("4 files that were clean before")));
    // Once is enough.
    assert_eq!(watch.note(Some(11), Sighting::Found), None);
    let mut watch = Watch::new(Thresholds { on_new_findings: OnNewFindings::Hold, ..thresholds() });
    (0..9).for_each(|file| drop(watch.note(Some(file), Sighting::Clean)));
    watch.change();
    let decisions: Vec<_> = (0..9).filter_map(|file| watch.note(Some(file), Sighting::Found)).collect();
    assert!(matches!(decisions.as_slice(), [Decision::Hold(_)]), "{decisions:?}");
}

#[test]
fn crashes_and_timeouts_count_when_there_are_more_than_before() {
    let mut watch = Watch::new(thresholds());
    let nobody = None::<u64>;
    // Nothing to go back to.
    for _ in 0..10 {
        assert_eq!(watch.note(nobody, Sighting::Crashed), None);
    }
    watch.change();
    // As bad as it was before.
    for _ in 0..10 {
        assert_eq!(watch.note(nobody, Sighting::Crashed), None);
    }
    for sighting in [Sighting::Crashed, Sighting::TimedOut] {
        let mut watch = Watch::new(thresholds());
        (0..100).for_each(|_| drop(watch.note(nobody, Sighting::Clean)));
        watch.change();
        assert_eq!(watch.note(nobody, sighting), None);
        assert_eq!(watch.note(nobody, sighting), None);
        assert!(matches!(watch.note(nobody, sighting), Some(Decision::RollBack(_))));
    }
    let mut watch = Watch::new(thresholds());
    watch.change();
    watch.end();
    assert!((0..100).all(|_| watch.note(nobody, Sighting::Crashed).is_none()));
}

#[test]
fn settings_say_where_they_are_wrong() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("update.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Settings::read(&path)
    };
    assert_eq!(read("").unwrap(), Settings::default());
    let settings = read("golden = ['/usr/bin']\neicar = false\n[watch]\non-new-findings = 'hold'\n").unwrap();
    assert_eq!(settings.thresholds().on_new_findings, OnNewFindings::Hold);
    assert_eq!(settings.thresholds().crashes, Thresholds::default().crashes);
    for bad in [
        "gold = []",
        "golden = ['usr/bin']",
        "policy = 'rules'",
        "[watch]\ncrashes = 0",
        "[trial]\npercent = 90",
    ] {
        let error = read(bad).unwrap_err();
        assert!(error.contains("update.toml"), "{error}");
    }
    assert!(read("\ngold = []").unwrap_err().contains("line 2"));
    let error = read("[directory.clamav]\npath = '/var/lib/clamav'\n").unwrap_err();
    assert!(error.ends_with("update.toml: sources stand in sources.toml now, not here"), "{error}");
}

/// Two containers of one source, of which a signature beside one vouched for all of it.
#[test]
fn whoever_compiles_is_told_which_containers_were_vouched_for_as_a_whole() {
    let mut place = Place::new();
    let staging = place.store.stage().unwrap();
    let room = staging.room(&Disk, "one").unwrap();
    let container = |file: &str, signature: &str| crate::Container {
        file: file.to_owned(),
        version: 7,
        signature: signature.to_owned(),
        builder: String::new(),
        built: 0,
        patched: false,
    };
    let mut members = Vec::new();
    for name in ["daily.cvd", "main.cvd"] {
        let (length, sha256) =
            crate::generation::Staging::member(&Disk, &room, name, &mut name.as_bytes()).unwrap();
        members.push(crate::Member { name: name.to_owned(), class: MemberClass::Signatures, length, sha256 });
    }
    let databases = vec![container("daily.cvd", crate::BESIDE), container("main.cvd", "md5-rsa")];
    let candidate = Candidate {
        source: String::from("one"),
        version: 0,
        directory: room,
        members,
        provenance: Provenance::Container { databases },
        expectations: Vec::new(),
    };
    let arrival = Arrival { candidate, trusted: None, decision: String::new() };
    let (mut stages, kept) = (Told::default(), BTreeSet::new());
    let done =
        advance(&mut place.store, &staging, vec![arrival], &kept, &mut stages, Allowed::default(), NOW);
    assert!(matches!(done, Ok(Outcome::Activated(_))), "{done:?}");
    assert_eq!((stages.compiled.len(), stages.vouched), (2, vec![String::from("daily.cvd")]));
}
