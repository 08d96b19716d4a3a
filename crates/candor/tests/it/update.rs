//! Updates as an operator meets them: what is refused, what stays, what is written down.

use std::path::{Path, PathBuf};

use candor_update::generation::{Disk, Event, Lock, Store};

use crate::run::{Place, Said, eicar};

/// A place with a store.
struct Updates {
    place: Place,
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A signature for a piece of text.
fn signature(name: &str, text: &str) -> String {
    format!("{name}:0:*:{}\n", hexadecimal(text.as_bytes()))
}

/// The signature that every set must have.
fn for_eicar() -> String {
    format!("Eicar-Test:0:*:{}\n", hexadecimal(&eicar()))
}

impl Updates {
    fn new() -> Self {
        let updates = Self { place: Place::new() };
        assert_eq!(updates.run(&["update", "init"]).code, 0);
        updates
    }

    fn state(&self) -> PathBuf {
        self.place.path("state")
    }

    /// The program, with this store.
    fn run(&self, arguments: &[&str]) -> Said {
        let state = self.state();
        self.place.run(&[arguments, &["--state-dir", state.to_str().unwrap()]].concat())
    }

    /// Takes over a directory that holds EICAR's signature and these.
    fn import(&self, signatures: &str, more: &[&str]) -> Said {
        self.release(&(for_eicar() + signatures), more)
    }

    fn release(&self, text: &str, more: &[&str]) -> Said {
        self.place.file("release/a.ndb", text);
        self.run(&[&["update", "import", "release"], more].concat())
    }

    fn settings(&self, text: &str) -> PathBuf {
        self.place.file("update.toml", text)
    }

    /// An update of the sources in this list, with `update.toml` if there is one.
    fn update(&self, list: &str, more: &[&str]) -> Said {
        self.place.file("sources.toml", list);
        let settings: &[&str] =
            if self.place.path("update.toml").exists() { &["--settings", "update.toml"] } else { &[] };
        self.run(&[&["update", "--sources", "sources.toml"], settings, more].concat())
    }

    fn store(&self) -> Store<Disk> {
        Store::view(Disk, &self.state()).unwrap()
    }

    fn last(&self) -> Event {
        self.store().history().unwrap().last().unwrap().event.clone()
    }

    /// Nothing half-made is left.
    fn is_tidy(&self) -> bool {
        let names = std::fs::read_dir(self.state().join("generations")).unwrap();
        names.flatten().all(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
    }
}

#[test]
fn what_was_taken_over_is_what_scans_use() {
    let updates = Updates::new();
    updates.place.file("letter", "please findme here");
    // Without a generation, the built-in signatures.
    let said = updates.run(&["scan", "letter"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("built-in"), "{said:?}");
    let said = updates.import(&signature("Found.Me", "findme"), &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.starts_with("Generation 1 is active: 2 signatures"), "{said:?}");
    let said = updates.run(&["scan", "letter"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("Found.Me") && said.stdout.contains("generation 1 of "), "{said:?}");
    // A database that is named comes first.
    updates.place.file("other.ndb", signature("Other", "nothing like it"));
    assert_eq!(updates.run(&["scan", "letter", "--database", "other.ndb"]).code, 0);
    // The same again is nothing new, and makes no generation.
    let said = updates.import(&signature("Found.Me", "findme"), &[]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "Nothing new: generation 1 stays active\n"));
    let said = updates.run(&["update", "status", "--json"]);
    let status = &said.json()[0];
    assert_eq!(status["active"], 1);
    assert_eq!(status["record"]["contents"][0]["candidate"]["provenance"]["kind"], "local");
    // EICAR's test file, and a file that is made for the one signature of plain bytes that is long enough.
    assert_eq!(status["record"]["trial"]["canaries"], 2);
    let said = updates.run(&["update", "verify", "--offline"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn an_active_generation_that_cannot_be_used_is_no_reason_to_find_less() {
    let updates = Updates::new();
    updates.import("", &[]);
    updates.place.file("letter", "nothing");
    std::fs::write(updates.state().join("current/image.candor"), "no image").unwrap();
    let said = updates.run(&["scan", "letter"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("generation 1"), "{said:?}");
    assert_eq!(updates.run(&["update", "verify"]).code, 2);
}

#[test]
fn nothing_is_made_by_the_way() {
    let place = Place::new();
    place.file("release/a.ndb", for_eicar());
    for arguments in
        [&["update", "import", "release"][..], &["update", "status"], &["update", "rollback"], &["trust"]]
    {
        let said = place.run(&[arguments, &["--state-dir", "nowhere"]].concat());
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("`candor update init` makes one"), "{said:?}");
    }
    assert!(!place.path("nowhere").exists());
}

#[test]
fn a_release_that_flags_a_golden_file_is_not_activated() {
    let updates = Updates::new();
    updates.import("", &[]);
    let golden = updates.place.file("golden/bin/tool", "the tool of the customer");
    let settings = updates.settings(&format!("golden = ['{}']\n", golden.parent().unwrap().display()));
    let settings = ["--settings", settings.to_str().unwrap()];
    let said = updates.import(&signature("Bad.Tool", "tool of the"), &settings);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("bin/tool: Bad.Tool was found in a clean file"), "{said:?}");
    assert!(matches!(updates.last(), Event::Refused { reason, .. } if reason.contains("Bad.Tool")));
    assert_eq!(updates.store().active(), Some(1));
    assert!(updates.is_tidy());
    // One that does not is.
    let said = updates.import(&signature("Bad.Other", "something else entirely"), &settings);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("1 golden file"), "{said:?}");
}

#[test]
fn a_release_that_flags_what_is_everywhere_is_not_activated() {
    let updates = Updates::new();
    updates.import("", &[]);
    for (name, text) in [
        ("Bad.Dos", "This program cannot be run in DOS mode"),
        ("Bad.Licence", "WITHOUT WARRANTY OF ANY KIND"),
    ] {
        let said = updates.import(&signature(name, text), &[]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("bundled") && said.stderr.contains(name), "{said:?}");
    }
    assert_eq!(updates.store().active(), Some(1));
}

#[test]
fn a_release_that_is_silent_on_canaries_is_not_activated() {
    let updates = Updates::new();
    updates.import("", &[]);
    let said = updates.release(&signature("Found.Me", "findme"), &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("the EICAR test file: nothing was found"), "{said:?}");
    assert_eq!(updates.store().active(), Some(1));
    // For a set that has no such signature an operator says so.
    let settings = updates.settings("eicar = false\n");
    let said = updates.release(&signature("Found.Me", "findme"), &["--settings", settings.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_release_that_slows_scans_down_is_not_activated() {
    let updates = Updates::new();
    let text = "abcdefghijklmnopqrstuvwxyz".repeat(15_000);
    let golden = updates.place.file("golden/text", text);
    let settings = updates
        .settings(&format!("golden = ['{}']\n[trial]\npercent = 150\nmilliseconds = 5\n", golden.display()));
    let settings = ["--settings", settings.to_str().unwrap()];
    assert_eq!(updates.import("", &settings).code, 0);
    // Hundreds of patterns that begin everywhere and end nowhere.
    let heavy: String = (0..300)
        .map(|number| format!("Heavy.{number}:0:*:{}*7a7a7a7a\n", hexadecimal(b"abcdefghijklm")))
        .collect();
    let said = updates.import(&heavy, &settings);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("the try-out took "), "{said:?}");
    assert_eq!(updates.store().active(), Some(1));
}

#[test]
fn what_is_no_data_or_not_what_was_written_down_is_refused_and_told() {
    let updates = Updates::new();
    updates.import("", &[]);
    let said = updates.release("\x7fELF", &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("a.ndb is a program, not data"), "{said:?}");
    let digests = updates.place.file("digests", format!("{}  a.ndb\n", "0".repeat(64)));
    let said = updates.import("", &["--digests", digests.to_str().unwrap()]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("was written down"), "{said:?}");
    assert!(matches!(updates.last(), Event::Refused { .. }));
    assert_eq!(updates.store().active(), Some(1));
    assert!(updates.is_tidy());
}

#[test]
fn what_was_rolled_back_does_not_come_back() {
    let updates = Updates::new();
    updates.import("", &[]);
    updates.place.file("letter", "please findme here");
    assert_eq!(updates.import(&signature("Found.Me", "findme"), &[]).code, 0);
    assert_eq!(updates.run(&["scan", "letter"]).code, 1);
    let said = updates.run(&["update", "rollback", "--reason", "flags our letters"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("Generation 1 is active again"), "{said:?}");
    assert!(said.stdout.contains("Held: local 2 (flags our letters)"), "{said:?}");
    assert_eq!(updates.run(&["scan", "letter"]).code, 0);
    let said = updates.import(&signature("Found.Me", "findme"), &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("is held: flags our letters"), "{said:?}");
    assert_eq!(updates.run(&["update", "rollback"]).code, 2);
    assert_eq!(updates.run(&["update", "hold", "local", "2", "--release"]).code, 0);
    let said = updates.import(&signature("Found.Me", "findme"), &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let history = updates.run(&["update", "history"]);
    for words in ["an operator: flags our letters", "local 2 is held: flags", "local 2 is held no more"] {
        assert!(history.stdout.contains(words), "{words}: {history:?}");
    }
}

#[test]
fn a_release_that_finds_what_was_clean_is_taken_back_by_the_watch() {
    let updates = Updates::new();
    for number in 0..12 {
        updates.place.file(format!("home/{number}"), format!("findme, number {number}"));
    }
    updates.import("", &[]);
    let watch = ["update", "watch", "home", "--json"];
    // There is nothing to compare a first one with.
    let said = updates.run(&watch);
    assert!(said.code == 0 && said.stderr.contains("nothing to compare"), "{said:?}");
    assert_eq!(updates.import(&signature("New.One", "number 7"), &[]).code, 0);
    // A single one is what signatures are for.
    let said = updates.run(&watch);
    assert_eq!((said.code, &said.json()[0]["new_findings"]), (0, &serde_json::json!(1)), "{said:?}");
    assert_eq!(updates.import(&signature("New.All", "findme"), &[]).code, 0);
    let said = updates.run(&watch);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(said.json()[0]["active"], 2);
    assert_eq!(updates.store().active(), Some(2));
    assert!(updates.store().state().held.iter().any(|held| held.reason.contains("clean before")));
    let history = updates.run(&["update", "history"]);
    assert!(history.stdout.contains("the watch: something was found in "), "{history:?}");
    // Or its findings are told and not acted upon.
    let settings = updates.settings("[watch]\non-new-findings = 'hold'\n");
    assert_eq!(updates.import(&signature("New.Every", "number"), &[]).code, 0);
    let said = updates.run(&["update", "watch", "home", "--settings", settings.to_str().unwrap()]);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(updates.store().active(), Some(4));
    assert!(updates.store().state().report_only.is_some());
    assert_eq!(updates.run(&["update", "hold", "--findings", "--release"]).code, 0);
    assert!(updates.store().state().report_only.is_none());
}

#[test]
fn lost_state_needs_an_operator() {
    let updates = Updates::new();
    updates.import("", &[]);
    std::fs::remove_file(updates.state().join("state.json")).unwrap();
    for arguments in [&["update", "import", "release"][..], &["update", "status"], &["update", "init"]] {
        let said = updates.run(arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("lost or damaged: state.json is missing"), "{said:?}");
    }
    let said = updates.run(&["update", "init", "--accept-lost-state"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("generation 1 is active"), "{said:?}");
    assert_eq!(updates.import(&signature("Found.Me", "findme"), &[]).code, 0);
    let history = updates.run(&["update", "history"]);
    assert!(history.stdout.contains("an operator accepted a loss (state.json is missing)"), "{history:?}");
}

#[test]
fn a_journal_that_was_changed_is_seen() {
    let updates = Updates::new();
    updates.import("", &[]);
    let path = updates.state().join("journal");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"version\":1", "\"version\":0", 1)).unwrap();
    let said = updates.run(&["update", "history"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("the journal was changed"), "{said:?}");
}

#[test]
fn bad_surroundings_are_told_and_change_nothing() {
    let updates = Updates::new();
    updates.import("", &[]);
    // Two at once.
    let lock = Lock::take(&updates.state()).unwrap();
    let said = updates.import(&signature("Found.Me", "findme"), &[]);
    assert!(said.code == 2 && said.stderr.contains("another update is running"), "{said:?}");
    drop(lock);
    // A place that cannot be written to.
    let said = updates.place.run(&["update", "init", "--state-dir", "/proc/candor"]);
    assert!(said.code == 2 && said.stderr.contains("cannot make /proc/candor"), "{said:?}");
    // A directory that is not there.
    let said = updates.run(&["update", "import", "missing"]);
    assert!(said.code == 2 && said.stderr.contains("missing"), "{said:?}");
    // No sources.
    let said = updates.run(&["update"]);
    assert!(said.code == 2 && said.stderr.contains("there are no sources"), "{said:?}");
    assert_eq!(updates.store().active(), Some(1));
    assert!(updates.is_tidy());
}

#[test]
fn a_clock_that_is_far_behind_is_told() {
    let place = Place::new();
    let root = place.path("state");
    std::fs::create_dir(&root).unwrap();
    // Somebody wrote the journal in the year 2100.
    drop(Store::init(Disk, &root, 4_102_444_800).unwrap());
    place.file("release/a.ndb", for_eicar());
    let import = ["update", "import", "release", "--state-dir", "state"];
    let said = place.run(&import);
    assert!(said.code == 2 && said.stderr.contains("the clock is wrong"), "{said:?}");
    let said = place.run(&[&import[..], &["--accept-clock"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_full_disk_leaves_the_old_generation() {
    let updates = Updates::new();
    updates.import("", &[]);
    // The file size that a process may write stands for the disk: what is longer fails as on a full one.
    let mut text = for_eicar();
    (0..40_000).for_each(|number| {
        text += &signature(&format!("Many.{number}"), &format!("number {number} of many"))
    });
    updates.place.file("release/a.ndb", text);
    let state = updates.state();
    let program = env!("CARGO_BIN_EXE_candor");
    let script = format!(
        "trap '' XFSZ; ulimit -f 1024; exec {program} update import release --state-dir {}",
        state.display()
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(updates.place.root())
        .output()
        .unwrap();
    let said = Said::new(&output);
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(said.stderr.matches("File too large").count(), 1, "{said:?}");
    assert_eq!(updates.store().active(), Some(1));
    assert_eq!(updates.run(&["update", "verify"]).code, 0);
    assert!(updates.is_tidy());
}

#[test]
fn trust_says_why_and_what_changed() {
    let updates = Updates::new();
    updates.import(&(signature("One", "first one") + &signature("Two", "second one")), &[]);
    updates.import(&(signature("One", "first two") + &signature("Three", "third one")), &[]);
    let said = updates.run(&["trust"]);
    assert_eq!(said.code, 0, "{said:?}");
    for words in [
        "Generation 2, active since",
        "Policy      none",
        "local 2, verified",
        "whoever may write to its directory",
    ] {
        assert!(said.stdout.contains(words), "{words}: {said:?}");
    }
    let member = std::fs::read(updates.state().join("current/members/local/a.ndb")).unwrap();
    let digest = hexadecimal(&sha2(&member));
    assert!(said.stdout.contains(&format!("Member      {digest} a.ndb")), "{said:?}");
    assert!(updates.run(&["trust", "1"]).stdout.starts_with("Generation 1, not active"));
    let said = updates.run(&["trust", "diff", "1", "2"]);
    assert_eq!(
        said.stdout,
        "+ Three\tlocal/a.ndb:3\n- Two\tlocal/a.ndb:3\n~ One\tlocal/a.ndb:2\n1 added, 1 removed, 1 changed\n"
    );
    let said = updates.run(&["trust", "diff", "1", "2", "--json"]);
    assert_eq!(said.json()[3]["added"], 1);
}

fn sha2(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).to_vec()
}

#[test]
fn what_is_in_force_can_be_carried_elsewhere() {
    let updates = Updates::new();
    updates.import(&signature("Found.Me", "findme"), &[]);
    let said = updates.run(&["update", "mirror", "stick"]);
    assert_eq!(said.code, 0, "{said:?}");
    let other = Updates::new();
    let stick = updates.place.path("stick");
    let (directory, digests) = (stick.join("local"), stick.join("local.sha256"));
    let import = |directory: &Path| {
        let arguments =
            ["update", "import", directory.to_str().unwrap(), "--digests", digests.to_str().unwrap()];
        other.run(&arguments)
    };
    let said = import(&directory);
    assert_eq!(said.code, 0, "{said:?}");
    let said = other.run(&["trust"]);
    assert!(said.stdout.contains("digests that were written down"), "{said:?}");
    // What somebody changed on the way is refused.
    std::fs::write(directory.join("a.ndb"), for_eicar() + "Else:0:*:6162636465666768\n").unwrap();
    let said = import(&directory);
    assert!(said.code == 2 && said.stderr.contains("was written down"), "{said:?}");
}

#[test]
fn sources_that_stand_in_the_list_are_brought_up_to_date_together() {
    let updates = Updates::new();
    updates.place.file("one/a.ndb", for_eicar());
    updates.place.file("two/a.ndb", signature("Found.Me", "findme"));
    let source = |name: &str| {
        let path = updates.place.path(name).display().to_string();
        format!("[[source]]\nname = '{name}'\nkind = 'directory'\npath = '{path}'\n")
    };
    let both = source("one") + &source("two");
    let said = updates.update(&both, &[]);
    assert!(said.code == 0 && said.stdout.contains("2 signatures"), "{said:?}");
    assert!(updates.update(&both, &[]).stdout.starts_with("Nothing new"));
    let trust = updates.run(&["trust"]).stdout;
    assert!(trust.contains("Allowed     the sources stand in sources.toml ("), "{trust}");
    assert_eq!(trust.matches("Allowed     whoever may write to ").count(), 2, "{trust}");
    // What one source brings is refused without harm to the other.
    updates.place.file("one/a.ndb", for_eicar() + &signature("More", "more of it"));
    updates.place.file("two/a.ndb", "#!/bin/sh\n");
    let said = updates.update(&both, &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("two: ") && said.stdout.contains("3 signatures"), "{said:?}");
    // Of what did not change it is still known who let it in, and of what was refused why.
    let trust = updates.run(&["trust"]).stdout;
    assert_eq!(trust.matches("Allowed     whoever may write to ").count(), 2, "{trust}");
    let status = updates.run(&["update", "status"]).stdout;
    assert!(status.contains("Refused     two, ") && status.contains("is a program, not data"), "{status}");
    assert_eq!(updates.run(&["update", "status", "--json"]).json()[0]["refused"][0]["source"], "two");
    // A source that is not there any more goes with its signatures.
    let said = updates.update(&source("one"), &[]);
    assert!(said.code == 0 && said.stdout.contains("2 signatures"), "{said:?}");
    let said = updates.update(&source("one"), &["three"]);
    assert!(said.code == 2 && said.stderr.contains("there is no source three"), "{said:?}");
    // A list that is not understood as a whole is none.
    let said = updates.update(&(source("one") + "[[source]]\nname = 'x'\nkind = 'y'\n"), &[]);
    assert!(said.code == 2 && said.stderr.contains("sources.toml:7: \"y\" is no kind of source"), "{said:?}");
}

#[test]
fn a_set_that_loses_its_signatures_on_the_way_is_not_activated() {
    let updates = Updates::new();
    // A file that is trusted by its digest is never found: what a signature is for is silent.
    let text = "a text that is long enough to be a canary";
    let made = [b"\x00\x01\x02candor canary\x00\x03\x00\x00", text.as_bytes(), &[0; 4]].concat();
    let trusted = format!("{}:{}:Trusted\n", hexadecimal(&sha2(&made)), made.len());
    updates.place.file("release/a.sfp", trusted);
    let said = updates.import(&signature("Long.Text", text), &[]);
    assert_eq!(said.code, 2, "{said:?}");
    let told = "a file made for Long.Text of a.ndb: nothing was found, and it is there to be found";
    assert!(said.stderr.contains(told), "{said:?}");
    assert_eq!(updates.store().active(), None);
    // Whoever means it says so; a signature that is to be ignored makes no canary.
    let settings = updates.settings("own-canaries = false\n");
    let said = updates.import(&signature("Long.Text", text), &["--settings", settings.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    updates.place.file("release/b.ign2", "Long.Text\n");
    let said = updates.import(&signature("Long.Text", text), &[]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn rules_of_yara_are_tried_out_switched_on_and_told_one_by_one() {
    let updates = Updates::new();
    updates.place.file("letter", "please find the marker, and the other one");
    let rule = |name: &str, text: &str| {
        format!("rule {name}\n{{\n    strings:\n        $a = \"{text}\"\n    condition:\n        $a\n}}\n")
    };
    updates.place.file("release/rules.yar", rule("Marker", "the marker") + &rule("Other", "no such thing"));
    let said = updates.import("", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.starts_with("Generation 1 is active: 3 signatures"), "{said:?}");
    let said = updates.run(&["scan", "letter"]);
    assert!(said.code == 1 && said.stdout.contains("YARA.Marker"), "{said:?}");
    // A rule that cannot be used is refused, and stops no other.
    let text = "rule Broken { condition: }\n".to_owned()
        + &rule("Other", "the other one")
        + &rule("New", "no such thing either");
    updates.place.file("release/rules.yar", &text);
    let said = updates.import("", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = updates.run(&["scan", "letter"]);
    assert!(said.stdout.contains("YARA.Other") && !said.stdout.contains("YARA.Marker"), "{said:?}");
    let said = updates.run(&["trust", "diff", "1", "2"]);
    let place = |line: u32| format!("local/rules.yar:{line}");
    assert_eq!(
        said.stdout,
        format!(
            "+ YARA.Broken\t{}\n+ YARA.New\t{}\n- YARA.Marker\t{}\n~ YARA.Other\t{}\n2 added, 1 removed, 1 changed\n",
            place(1),
            place(9),
            place(1),
            place(2)
        )
    );
    // One that finds what is clean is not switched on.
    updates.place.file("golden/tool", "the tool of the customer");
    let settings = updates.settings(&format!("golden = ['{}']\n", updates.place.path("golden").display()));
    updates.place.file("release/rules.yar", text + &rule("Bad", "tool of the"));
    let said = updates.import("", &["--settings", settings.to_str().unwrap()]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("tool: YARA.Bad was found in a clean file"), "{said:?}");
    assert_eq!(updates.store().active(), Some(2));
}

#[test]
fn a_source_of_a_listed_party_is_refused_from_its_date_on() {
    let updates = Updates::new();
    updates.place.file("one/a.ndb", for_eicar());
    let path = updates.place.path("one");
    let list = |operator: &str| {
        let path = path.display();
        format!("[[source]]\nname = 'one'\nkind = 'directory'\npath = '{path}'\noperator = '{operator}'\n")
    };
    updates.settings("profile = 'us-private'\n");
    let said = updates.update(&list("Kaspersky Lab"), &[]);
    assert_eq!(said.code, 2, "{said:?}");
    for words in [
        "one: its operator \"Kaspersky Lab\" is taken for ",
        "us-bis-icts-kaspersky (89 FR 52434",
        "since 2024-",
    ] {
        assert!(said.stderr.contains(words), "{words}: {said:?}");
    }
    assert!(
        matches!(updates.last(), Event::Refused { reason, .. } if reason.contains("us-bis-icts-kaspersky"))
    );
    assert_eq!(updates.store().active(), None);
    // Whom no rule names, and whom none binds, is served.
    assert_eq!(updates.update(&list("Cisco Talos"), &[]).code, 0);
    updates.settings("profile = 'de-private'\n");
    assert_eq!(updates.update(&list("Kaspersky Lab"), &[]).code, 0);
    // What is active of a source that is refused since stays, and nothing newer comes.
    updates.settings("profile = 'us-private'\n");
    updates.place.file("one/a.ndb", for_eicar() + &signature("More", "more of it"));
    assert_eq!(updates.update(&list("Kaspersky Lab"), &[]).code, 2);
    assert_eq!(updates.store().active(), Some(1));
    // Half of somebody's rules is none.
    updates.settings("profile = 'nobody'\n");
    let said = updates.update(&list("Cisco Talos"), &[]);
    assert!(said.code == 2 && said.stderr.contains("nobody"), "{said:?}");
}

#[test]
fn settings_that_still_hold_sources_say_where_these_belong() {
    let updates = Updates::new();
    updates.settings("[directory.clamav]\npath = '/var/lib/clamav'\n");
    let said = updates.update("", &[]);
    assert!(said.code == 2 && said.stderr.contains("sources stand in sources.toml now"), "{said:?}");
}

/// A feed as it is now, carried to this machine, and the list that says so.
fn carry(updates: &Updates, name: &str, plan: &candor_fixtures::feed::Plan, policy: &str) -> String {
    use candor_fixtures::feed;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let built = feed::build(plan, &candor_update::feed::time::write(now), None, None);
    drop(std::fs::remove_dir_all(updates.place.path(name)));
    for (path, bytes) in &built.files {
        updates.place.file(format!("{name}/{path}"), bytes);
    }
    let policy = updates.place.file("feed.policy", feed::policy(policy, &plan.log.name, false));
    let root = updates.place.file("root.json", &built.files["1.root.json"]);
    updates.settings("eicar = false\n");
    format!(
        "[[source]]\nname = 'daily'\nkind = 'feed'\nurl = '{}'\npolicy = '{}'\nroot = '{}'\n",
        updates.place.path(name).display(),
        policy.display(),
        root.display()
    )
}

#[test]
fn a_feed_can_bring_rules_of_yara_and_say_what_they_find() {
    use candor_fixtures::feed::{ArchivePlan, Plan};
    use candor_update::log::base64;
    let plan = |found: &str| {
        let content = base64::encode(b"oh, the marker");
        let canary = format!("[[canary]]\ncontent = \"{content}\"\nsignature = \"{found}\"\n[[canary]]\n");
        let rules = "rule Marker { strings: $a = \"the marker\" condition: $a }\n";
        let archive = ArchivePlan {
            members: [("rules.yar".to_owned(), rules.to_owned())].into(),
            manifest: vec![["[[canary]]\n".to_owned(), canary]],
            ..ArchivePlan::default()
        };
        Plan { release: 1, archive, ..Plan::default() }
    };
    // What the publisher expects of a rule is tried out.
    let updates = Updates::new();
    let list = carry(&updates, "feed", &plan("YARA.Other"), "");
    let said = updates.update(&list, &[]);
    assert!(said.code == 2 && said.stderr.contains("YARA.Other"), "{said:?}");
    assert_eq!(updates.store().active(), None);
    let updates = Updates::new();
    let list = carry(&updates, "feed", &plan("YARA.Marker"), "");
    let said = updates.update(&list, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    updates.place.file("letter", "oh, the marker once more");
    let said = updates.run(&["scan", "letter"]);
    assert!(said.code == 1 && said.stdout.contains("YARA.Marker"), "{said:?}");
}

#[test]
fn a_feed_is_verified_tried_out_and_told_of() {
    use candor_fixtures::feed::Plan;
    let updates = Updates::new();
    let list = carry(&updates, "feed", &Plan { release: 1, ..Plan::default() }, "");
    let said = updates.update(&list, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.starts_with("Generation 1 is active"), "{said:?}");
    assert!(updates.update(&list, &[]).stdout.starts_with("Nothing new"));
    let said = updates.run(&["trust"]);
    for words in ["daily 1, verified", "feed version 1, signed by", "Logged ", "Witness ", "feed.policy ("] {
        assert!(said.stdout.contains(words), "{words}: {said:?}");
    }
    assert!(updates.run(&["update", "log"]).stdout.contains("entry "), "{said:?}");
    // The next release comes; an old feed that somebody puts in its place afterwards is refused.
    carry(&updates, "feed", &Plan::default(), "");
    let said = updates.update(&list, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(updates.store().active(), Some(2));
    carry(&updates, "feed", &Plan { release: 1, ..Plan::default() }, "");
    let said = updates.update(&list, &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(matches!(updates.last(), Event::Refused { source: Some(source), .. } if source == "daily"));
    assert_eq!(updates.store().active(), Some(2));
    assert!(updates.is_tidy());
    // Another kind of source under its name would forget what was seen of it.
    let directory = format!(
        "[[source]]\nname = 'daily'\nkind = 'directory'\npath = '{}'\n",
        updates.place.path("feed").display()
    );
    let said = updates.update(&directory, &[]);
    assert!(said.code == 2 && said.stderr.contains("of a source of another kind"), "{said:?}");
}

#[test]
fn a_feed_that_somebody_changed_is_refused() {
    use candor_fixtures::feed::Plan;
    let updates = Updates::new();
    let list = carry(&updates, "feed", &Plan::default(), "");
    let timestamp = updates.place.path("feed/timestamp.json");
    let text = std::fs::read_to_string(&timestamp).unwrap();
    std::fs::write(&timestamp, text.replacen("\"version\":2", "\"version\":3", 1)).unwrap();
    let said = updates.update(&list, &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("daily: "), "{said:?}");
    assert_eq!(updates.store().active(), None);
    assert!(updates.is_tidy());
}

#[test]
fn a_policy_keeps_a_release_waiting() {
    use candor_fixtures::feed::Plan;
    let updates = Updates::new();
    let list = carry(&updates, "feed", &Plan { release: 1, ..Plan::default() }, "delay-hours = 72");
    let said = updates.update(&list, &[]);
    assert!(said.stderr.contains("note: "), "{said:?}");
    assert_eq!(updates.store().active(), None);
    // A policy that makes no sense is told with its line.
    updates.place.file("feed.policy", "version = 1\nfeeed = 'x'\n");
    let said = updates.update(&list, &[]);
    assert!(said.code == 2 && said.stderr.contains("line 2 of the policy"), "{said:?}");
}
