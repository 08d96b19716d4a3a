//! Attacks on a feed, one folder each in `testdata/feeds/`: every one is refused with its own sentence, and none of them
//! changes what is remembered.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use candor_fixtures::feed::{self, Built, Case};
use candor_update::feed::{Mirror, Output, Refusal, Request, State, Verified, time, verify};
use candor_update::policy::Policy;
use candor_update::{Candidate, Provenance};

#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Output for Memory {
    fn directory(&self) -> &Path {
        Path::new("/members")
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn Write + '_>> {
        Ok(Box::new(self.0.entry(name.to_owned()).or_default()))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/feeds")
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn case(name: &str) -> Case {
    let text = std::fs::read_to_string(folder().join(name).join("case.toml")).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is remembered then, what is let in, and what waits.
type LetIn = (State, Option<Candidate>, Vec<String>);

/// What a case comes to.
struct Outcome {
    before: State,
    after: Result<LetIn, (Refusal, Option<State>)>,
}

fn run(case: &Case) -> Outcome {
    let plan = case.before.clone().unwrap_or_default();
    let before = feed::build(&plan, &case.clock, None, None);
    let other = case.other.as_ref().map(|other| feed::build(other, &case.clock, None, None));
    let mut now = feed::build(&case.now, &case.clock, Some(&before), other.as_ref());
    now.carried = !case.network;
    let cosigner = case.cosigner.as_ref().map(|plan| feed::build(plan, &case.clock, None, None));
    let clock = time::parse(&case.clock).unwrap();

    let roots: Vec<(&str, &[u8])> =
        cosigner.iter().map(|built| ("security-team", built.files["1.root.json"].as_slice())).collect();
    let first = if case.before.is_some() { &before } else { &now };
    let mut state = State::begin(&first.files["1.root.json"], &roots).unwrap();
    let mirrors: BTreeMap<String, &dyn Mirror> =
        cosigner.iter().map(|built| ("security-team".to_owned(), built as &dyn Mirror)).collect();
    let step = |mirror: &Built, state: &State, policy: &str| {
        let policy = Policy::parse(policy).unwrap();
        let request =
            Request { source: "feed", feed: mirror, cosigners: &mirrors, state, policy: &policy, now: clock };
        verify(request).map(|verified| (verified, policy))
    };
    if case.before.is_some() {
        let policy = feed::policy("", &plan.log.name, false);
        let (verified, _) = step(&before, &state, &policy).unwrap();
        state = verified.state;
        state.follows(&State::parse(&state.write()).unwrap()).unwrap();
    }
    let policy = feed::policy(&case.policy, &plan.log.name, case.cosigner.is_some());
    let after = match step(&now, &state, &policy) {
        Err(refused) => Err((refused.refusal, refused.learned.map(|learned| *learned))),
        Ok((Verified { state, release, waiting }, _)) => match release {
            None => Ok((state, None, waiting)),
            Some(release) => match release.unpack(&mut Memory::default()) {
                Ok(candidate) => Ok((state, Some(candidate), waiting)),
                Err(refusal) => Err((refusal, None)),
            },
        },
    };
    Outcome { before: state, after }
}

/// The name of a refusal, without what is in it.
fn variant(refusal: &Refusal) -> String {
    let text = format!("{refusal:?}");
    text.split(|symbol: char| !symbol.is_ascii_alphanumeric()).next().unwrap().to_owned()
}

#[test]
fn every_attack_is_refused_with_its_own_sentence_and_changes_nothing() {
    let mut wrong = Vec::new();
    for name in names() {
        let case = case(&name);
        let Outcome { before, after } = run(&case);
        let Some(expected) = &case.refusal else {
            continue;
        };
        match after {
            Ok((_, candidate, waiting)) => {
                let let_in = candidate.map(|candidate| candidate.version);
                wrong.push(format!("{name}: not refused: {let_in:?} {waiting:?}"));
            }
            Err((refusal, learned)) => {
                if variant(&refusal) != *expected || refusal.to_string() != case.message {
                    wrong.push(format!("{name}: {}: {refusal}", variant(&refusal)));
                }
                if learned.is_some() != case.learns {
                    wrong.push(format!("{name}: it learned {learned:?}"));
                }
                if let Some(learned) = learned {
                    learned.follows(&before).unwrap();
                    assert!(learned.root_version() > before.root_version(), "{name}");
                    assert!(learned.release() <= before.release(), "{name}");
                    assert_eq!(learned.log(), before.log(), "{name}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_attack_is_let_in() {
    let mut good = 0;
    for name in names() {
        let case = case(&name);
        if case.refusal.is_some() {
            continue;
        }
        good += 1;
        let Outcome { before, after } = run(&case);
        let (state, candidate, waiting) = after.unwrap_or_else(|(refusal, _)| panic!("{name}: {refusal}"));
        state.follows(&before).unwrap_or_else(|error| panic!("{name}: {error}"));
        let told = match candidate {
            Some(candidate) => format!("release {} is let in", candidate.version),
            None => waiting.join("; "),
        };
        assert_eq!(told, case.message, "{name}");
    }
    assert!(good >= 5, "{good}");
}

#[test]
fn every_attack_of_the_list_has_a_folder() {
    let names = names();
    for attack in [
        "arbitrary-installation",
        "endless-data",
        "extraneous-files",
        "fast-forward",
        "indefinite-freeze",
        "malicious-mirror",
        "mix-and-match",
        "rollback",
        "key-compromise-below-threshold",
        "wrong-software",
        "advisory-duplicate-key",
        "advisory-expiry-clock",
        "advisory-root-version",
        "advisory-root-is-kept",
        "advisory-timestamp-is-not-kept",
        "advisory-delegations",
        "split-view",
        "log-forks",
        "stripped-proof",
        "stale-witnesses",
        "member-is-not-data",
        "bomb",
        "path-climbs-out",
    ] {
        assert!(names.iter().any(|name| name == attack), "{attack}");
    }
}

#[test]
fn a_candidate_says_why_it_is_believed() {
    let Outcome { after, .. } = run(&case("good"));
    let Ok((state, Some(candidate), _)) = after else { panic!("the good feed is refused") };
    assert_eq!((candidate.version, candidate.source.as_str(), state.release()), (2, "feed", 2));
    assert_eq!(candidate.members.len(), 1);
    assert_eq!(candidate.members[0].name, "daily.ndb");
    assert_eq!(candidate.expectations.len(), 1);
    let Provenance::Feed { root, targets, signers, log, log_index, witnesses, .. } = candidate.provenance
    else {
        panic!("another provenance")
    };
    assert_eq!((root, targets, signers.len()), (1, 2, 2));
    assert_eq!((log.as_deref(), log_index), (Some("example.com/log"), Some(304)));
    let names: Vec<&str> = witnesses.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn every_byte_of_the_good_feed_counts() {
    let case = case("good");
    let before = feed::build(&case.before.clone().unwrap(), &case.clock, None, None);
    let policy = Policy::parse(&feed::policy("", &case.now.log.name, false)).unwrap();
    let now = feed::build(&case.now, &case.clock, None, None);
    let cosigners = BTreeMap::new();
    let clock = time::parse(&case.clock).unwrap();
    let attempt = |mirror: &Built, state: &State| {
        let request = Request {
            source: "feed",
            feed: mirror,
            cosigners: &cosigners,
            state,
            policy: &policy,
            now: clock,
        };
        let verified = verify(request).map_err(|refused| refused.refusal)?;
        let release = verified.release.expect("it is newer");
        release.unpack(&mut Memory::default())
    };
    let state = State::begin(&before.files["1.root.json"], &[]).unwrap();
    let request = Request {
        source: "feed",
        feed: &before,
        cosigners: &cosigners,
        state: &state,
        policy: &policy,
        now: clock,
    };
    let state = verify(request).unwrap().state;
    let good = attempt(&now, &state).unwrap();
    let archive = now.files.keys().filter(|file| file.starts_with("targets/")).max_by_key(|file| {
        let digest = file.split(['/', '.']).nth(1).unwrap().to_owned();
        now.files["2.targets.json"].windows(64).any(|window| window == digest.as_bytes())
    });
    let files =
        ["timestamp.json", "2.snapshot.json", "2.targets.json", archive.unwrap(), "proofs/2.tlog-proof"];
    for file in files.into_iter().chain(["log/checkpoint"]) {
        for place in 0..now.files[file].len() {
            let mut changed = now.clone();
            changed.files.get_mut(file).unwrap()[place] ^= 1;
            // A signature that is not counted (a second name, a third witness) may be lost without harm; what is let in
            // is the same.
            if let Ok(candidate) = attempt(&changed, &state) {
                assert_eq!(candidate.members, good.members, "{file} {place}");
                let text = String::from_utf8_lossy(&now.files[file]).into_owned();
                panic!("{file}, byte {place}, can be changed: {text}");
            }
        }
    }
}

#[test]
fn a_state_is_stored_whole_or_not_believed() {
    let Outcome { before, after } = run(&case("good"));
    let (state, ..) = after.map_err(|(refusal, _)| refusal).unwrap();
    let text = state.write();
    assert_eq!(State::parse(&text).unwrap(), state);
    for length in 0..text.len() - 1 {
        assert!(State::parse(&text[..length]).is_err(), "{length}");
    }
    for place in 0..text.len() {
        let mut changed = text.clone();
        changed[place] ^= 1;
        assert!(State::parse(&changed).is_err(), "{place}");
    }
    state.follows(&before).unwrap();
    state.follows(&state).unwrap();
    let error = before.follows(&state).unwrap_err();
    assert_eq!(error.to_string(), "the snapshot of the feed would go back from 2 to 1");
}

#[test]
fn a_repository_that_is_named_newly_is_trusted_by_its_root_and_not_again() {
    let case = case("good-cosigner");
    let vendor = feed::build(&case.now, &case.clock, None, None);
    let cosigner = feed::build(case.cosigner.as_ref().unwrap(), &case.clock, None, None);
    let policy = Policy::parse(&feed::policy("", &case.now.log.name, true)).unwrap();
    let mirrors = BTreeMap::from([("security-team".to_owned(), &cosigner as &dyn Mirror)]);
    let now = time::parse(&case.clock).unwrap();
    let attempt = |state: &State| {
        verify(Request { source: "feed", feed: &vendor, cosigners: &mirrors, state, policy: &policy, now })
    };
    let mut state = State::begin(&vendor.files["1.root.json"], &[]).unwrap();
    let refused = attempt(&state).unwrap_err();
    assert_eq!(refused.to_string(), "the policy wants `security-team` to agree, and nothing of it is given");
    state.admit("security-team", &cosigner.files["1.root.json"]).unwrap();
    let later = attempt(&state).unwrap().state;
    let mut again = later.clone();
    again.admit("security-team", &vendor.files["1.root.json"]).unwrap();
    assert_eq!(again, later, "what was learned of it is not forgotten");
    assert!(state.admit("other", b"{}").is_err());
}

#[test]
fn versions_that_had_run_ahead_stay_forgotten_though_the_archive_was_missing() {
    let case = case("fast-forward-recovery");
    let before = feed::build(case.before.as_ref().unwrap(), &case.clock, None, None);
    let now = feed::build(&case.now, &case.clock, None, None);
    let policy = Policy::parse(&feed::policy("", &case.now.log.name, false)).unwrap();
    let clock = time::parse(&case.clock).unwrap();
    let cosigners = BTreeMap::new();
    let attempt = |mirror: &Built, state: &State| {
        verify(Request {
            source: "feed",
            feed: mirror,
            cosigners: &cosigners,
            state,
            policy: &policy,
            now: clock,
        })
    };
    // One that has run_ahead: the timestamp's version is the largest there is.
    let state = State::begin(&before.files["1.root.json"], &[]).unwrap();
    let state = attempt(&before, &state).unwrap().state;
    let mut cut = now.clone();
    cut.files.retain(|file, _| !file.starts_with("targets/"));
    let refused = attempt(&cut, &state).unwrap_err();
    assert_eq!(variant(&refused.refusal), "Missing");
    let learned = refused.learned.expect("the new root is kept");
    learned.follows(&state).unwrap();
    let verified = attempt(&now, &learned).unwrap();
    assert_eq!(verified.release.unwrap().version(), 2);
}
