//! A feed from its first root to a release that a customer takes, by several people, and what goes wrong on the way.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::feed::{Directory, Members, Mirror, Request, State, Verified, time, verify};
use crate::log::{KeyKind, SignerKey};
use crate::policy::Policy;

const NOW: u64 = 1_795_600_000;

struct World {
    folder: tempfile::TempDir,
    root: Vec<SecretKey>,
    content: Vec<SecretKey>,
    online: SecretKey,
    log: SecretKey,
    witnesses: Vec<SecretKey>,
    policy: String,
}

impl World {
    fn new() -> Self {
        let keys = |count: usize| (0..count).map(|_| SecretKey::generate().unwrap()).collect::<Vec<_>>();
        let (log, witnesses) = (SecretKey::generate().unwrap(), keys(2));
        let vkey =
            |name: &str, kind, key: &SecretKey| SignerKey::new(name, kind, key.signing()).unwrap().verifier();
        let mut policy = format!("log {}\n", vkey("example.com/log", KeyKind::Note, &log));
        for (number, key) in witnesses.iter().enumerate() {
            policy.push_str(&format!(
                "witness w{number} {}\n",
                vkey(&format!("w{number}"), KeyKind::Cosignature, key)
            ));
        }
        policy.push_str("group both all w0 w1\nquorum both\n");
        Self {
            folder: tempfile::tempdir().unwrap(),
            root: keys(5),
            content: keys(3),
            online: SecretKey::generate().unwrap(),
            log,
            witnesses,
            policy,
        }
    }

    fn settings(&self) -> Settings {
        let publics = |keys: &[SecretKey]| keys.iter().map(|key| Public(key.public())).collect();
        Settings {
            feed: "example.com/feed".to_owned(),
            root: publics(&self.root),
            root_threshold: 3,
            content: publics(&self.content),
            content_threshold: 2,
            online: Public(self.online.public()),
            root_days: 365,
            content_days: 60,
            online_days: 3,
            log: self.policy.clone(),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("site").join(name)
    }

    fn keys(&self) -> OnlineKeys {
        OnlineKeys { online: self.online.clone(), log: Some(self.log.clone()) }
    }

    fn begin(&self) -> Site {
        let site = Site::begin(self.path(""), self.settings(), NOW).unwrap();
        for key in &self.root[..3] {
            sign(&self.path("staging/root.json"), key).unwrap();
        }
        assert_eq!(site.release(&self.keys(), NOW).unwrap(), Progress::Begun { root: 1 });
        site
    }

    fn add(&self, site: &Site, text: &str) {
        let members = vec![("daily.ndb".to_owned(), text.as_bytes().to_vec())];
        let addition = Addition { archive: "daily.tar.zst".to_owned(), members, ..Addition::default() };
        site.add(&addition, NOW).unwrap();
    }

    fn witness(&self, checkpoint: &str, now: u64) {
        for (number, key) in self.witnesses.iter().enumerate() {
            let log = self.policy.lines().next().unwrap().strip_prefix("log ").unwrap();
            let state = self.folder.path().join(format!("witness-{number}"));
            let watch = Watch::new(&format!("w{number}"), key, log, state).unwrap();
            let checkpoint = std::fs::read(self.path(checkpoint)).unwrap();
            let line = watch.look(self.path("public/log"), &checkpoint, now).unwrap();
            let folder = self.path("staging/cosignatures");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(number.to_string()), line).unwrap();
        }
    }

    fn sign_content(&self, keys: std::ops::Range<usize>) {
        for key in &self.content[keys] {
            sign(&self.path("staging/targets.json"), key).unwrap();
        }
    }

    fn take(&self, state: &State, now: u64) -> Verified {
        let policy =
            format!("version = 1\nfeed = \"example.com/feed\"\n[log]\npolicy = '''\n{}'''\n", self.policy);
        let policy = Policy::parse(&policy).unwrap();
        let mirror = Directory::new(self.path("public"), true);
        let cosigners: BTreeMap<String, &dyn Mirror> = BTreeMap::new();
        verify(Request { source: "feed", feed: &mirror, cosigners: &cosigners, state, policy: &policy, now })
            .unwrap()
    }

    fn state(&self) -> State {
        State::begin(&std::fs::read(self.path("public/1.root.json")).unwrap(), &[]).unwrap()
    }
}

#[test]
fn a_release_needs_two_people_and_the_witnesses() {
    let world = World::new();
    let site = world.begin();
    world.add(&site, "Test.One:0:*:0badc0de\n");
    world.sign_content(0..1);
    let progress = site.release(&world.keys(), NOW).unwrap();
    let Progress::Signatures { needed: 2, by, .. } = progress else { panic!("{progress:?}") };
    assert_eq!(by, [world.content[0].id().to_string()]);
    world.sign_content(1..2);
    let progress = site.release(&world.keys(), NOW).unwrap();
    assert!(matches!(progress, Progress::Witnesses { .. }), "{progress:?}");
    assert!(!world.path("public/timestamp.json").exists(), "nothing is seen before it is witnessed");
    world.witness("staging/checkpoint", NOW);
    assert_eq!(site.release(&world.keys(), NOW).unwrap(), Progress::Released { version: 1 });
    let verified = world.take(&world.state(), NOW);
    let release = verified.release.unwrap();
    let folder = world.folder.path().join("members");
    std::fs::create_dir(&folder).unwrap();
    let candidate = release.unpack(&mut Members::new(&folder)).unwrap();
    assert_eq!(candidate.version, 1);
    assert_eq!(std::fs::read_to_string(folder.join("daily.ndb")).unwrap(), "Test.One:0:*:0badc0de\n");

    // The next one continues the log, and keeps archives that were not replaced.
    let members = vec![("base.hdb".to_owned(), b"44d88612fea8a8f36de82e1278abb02f:68:Base\n".to_vec())];
    let addition = Addition { archive: "base.tar.zst".to_owned(), members, ..Addition::default() };
    assert_eq!(site.add(&addition, NOW).unwrap(), 2);
    world.sign_content(1..3);
    site.release(&world.keys(), NOW).unwrap();
    world.witness("staging/checkpoint", NOW + 10);
    assert_eq!(site.release(&world.keys(), NOW).unwrap(), Progress::Released { version: 2 });
    let verified = world.take(&verified.state, NOW + 20);
    let folder = world.folder.path().join("members-2");
    std::fs::create_dir(&folder).unwrap();
    let candidate = verified.release.unwrap().unpack(&mut Members::new(&folder)).unwrap();
    let names: Vec<&str> = candidate.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["base.hdb", "daily.ndb"]);

    // Without anything new, what is there holds longer, and the witnesses vouch for it again.
    world.witness("public/log/checkpoint", NOW + 200_000);
    assert_eq!(site.release(&world.keys(), NOW + 200_000).unwrap(), Progress::Refreshed { timestamp: 3 });
    let again = world.take(&verified.state, NOW + 200_000);
    assert!(again.release.is_none());
    assert_eq!(again.state.witnessed(), NOW + 200_000);
}

#[test]
fn a_log_does_not_unsay() {
    let world = World::new();
    let site = world.begin();
    world.add(&site, "Test.One:0:*:0badc0de\n");
    world.sign_content(0..2);
    site.release(&world.keys(), NOW).unwrap();
    let addition = Addition { archive: "daily.tar.zst".to_owned(), ..Addition::default() };
    let error = site.add(&addition, NOW).unwrap_err();
    assert!(error.to_string().contains("waits for witnesses"), "{error}");
    // Somebody puts other targets there by hand.
    let staged = std::fs::read_to_string(world.path("staging/targets.json")).unwrap();
    std::fs::write(world.path("staging/targets.json"), staged.replace("broad", "early")).unwrap();
    world.sign_content(0..2);
    let error = site.release(&world.keys(), NOW).unwrap_err();
    assert!(error.to_string().contains("does not unsay"), "{error}");
}

#[test]
fn keys_are_exchanged_by_the_old_ones_and_the_new() {
    let mut world = World::new();
    let site = world.begin();
    world.add(&site, "Test.One:0:*:0badc0de\n");
    world.sign_content(0..2);
    site.release(&world.keys(), NOW).unwrap();
    world.witness("staging/checkpoint", NOW);
    site.release(&world.keys(), NOW).unwrap();
    let state = world.take(&world.state(), NOW).state;

    world.content[0] = SecretKey::generate().unwrap();
    let text = toml::to_string(&world.settings()).unwrap();
    std::fs::write(world.path("feed.toml"), text).unwrap();
    let site = Site::open(world.path("")).unwrap();
    assert_eq!(site.stage_root(NOW).unwrap(), 2);
    for key in &world.root[..2] {
        sign(&world.path("staging/root.json"), key).unwrap();
    }
    assert!(matches!(site.release(&world.keys(), NOW).unwrap(), Progress::Signatures { needed: 3, .. }));
    sign(&world.path("staging/root.json"), &world.root[4]).unwrap();
    world.add(&site, "Test.Two:0:*:0badc0de\n");
    world.sign_content(0..2);
    site.release(&world.keys(), NOW).unwrap();
    world.witness("staging/checkpoint", NOW);
    assert_eq!(site.release(&world.keys(), NOW).unwrap(), Progress::Released { version: 2 });
    let verified = world.take(&state, NOW);
    assert_eq!((verified.state.root_version(), verified.release.unwrap().version()), (2, 2));
}

#[test]
fn a_key_is_kept_from_others_and_needs_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let key = SecretKey::generate().unwrap();
    key.write(&path, Some("correct horse")).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(SecretKey::read(&path, Some("correct horse")).unwrap().id(), key.id());
    assert!(SecretKey::read(&path, Some("wrong")).is_err());
    assert!(SecretKey::read(&path, None).unwrap_err().to_string().ends_with("no password is given"));
    assert!(key.write(&path, None).is_err(), "a key is not written over");
    let open = folder.path().join("open.pem");
    key.write(&open, None).unwrap();
    assert_eq!(SecretKey::read(&open, None).unwrap().id(), key.id());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&open).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(SecretKey::read(&open, None).unwrap_err().to_string().contains("0600"));
    }
}

#[test]
fn a_witness_with_a_damaged_record_signs_nothing() {
    let world = World::new();
    let site = world.begin();
    world.add(&site, "Test.One:0:*:0badc0de\n");
    world.sign_content(0..2);
    site.release(&world.keys(), NOW).unwrap();
    let log = world.policy.lines().next().unwrap().strip_prefix("log ").unwrap();
    let state = world.folder.path().join("record");
    let watch = Watch::new("w0", &world.witnesses[0], log, state.clone()).unwrap();
    let checkpoint = std::fs::read(world.path("staging/checkpoint")).unwrap();
    let look = || watch.look(world.path("public/log"), &checkpoint, NOW);
    look().unwrap();
    assert!(look().is_ok(), "the same checkpoint may be cosigned again");
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, text.replace("size = 1", "size = 2")).unwrap();
    assert!(look().is_err());
    std::fs::write(&state, "size").unwrap();
    assert!(matches!(look(), Err(PublishError::Damaged(..))));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let world = World::new();
    let check = |change: &dyn Fn(&mut Settings), reason: &str| {
        let mut settings = world.settings();
        change(&mut settings);
        let error = Site::begin(world.path("x"), settings, NOW).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(!Path::new(&world.path("x/feed.toml")).exists());
    };
    check(&|settings| settings.root_threshold = 6, "a threshold is at least 1");
    check(&|settings| settings.content_threshold = 0, "a threshold is at least 1");
    check(&|settings| settings.online = settings.content[0], "each has one task");
    check(&|settings| settings.content[0] = Public([0; 32]), "is not a sound Ed25519 key");
    check(&|settings| settings.feed = "a b".to_owned(), "the name of a feed");
    check(&|settings| settings.log = "quorum none".to_owned(), "names one log");
    assert_eq!(time::write(NOW), "2026-11-25T09:46:40Z");
}

/// Something that signs with another key than the one that it names, as a broken token would.
struct Mistaken(SecretKey, SecretKey);

impl Sign for Mistaken {
    fn public(&self) -> [u8; 32] {
        self.0.public()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], PublishError> {
        Sign::sign(&self.1, message)
    }
}

#[test]
fn what_signs_wrongly_leaves_no_signature() {
    let world = World::new();
    let site = Site::begin(world.path(""), world.settings(), NOW).unwrap();
    let draft = world.path("staging/root.json");
    let mistaken = Mistaken(world.root[0].clone(), world.root[1].clone());
    let error = sign(&draft, &mistaken).unwrap_err().to_string();
    assert!(error.contains("does not sign with it"), "{error}");
    let beside = std::fs::read_dir(draft.parent().unwrap()).unwrap();
    assert!(
        beside.map(|entry| entry.unwrap().file_name()).all(|name| !name.to_string_lossy().ends_with(".sig"))
    );
    sign(&draft, &Mistaken(world.root[0].clone(), world.root[0].clone())).unwrap();
    assert!(matches!(
        site.release(&world.keys(), NOW).unwrap(),
        Progress::Signatures { needed: 3, by, .. } if by.len() == 1
    ));
}
