//! What it costs to verify a release without a network: roles, log, witnesses, archives; and to unpack it.
//!
//! The feed is made for the purpose, as large as ClamAV's databases were at 420,000 signatures: pseudo-random, and
//! always the same. Keys, and how long it takes to make all this, do not count.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use candor_update::feed::{Directory, Members, Mirror, MirrorError, Request, State, verify};
use candor_update::log::{KeyKind, SignerKey, tiles};
use candor_update::policy::Policy;
use candor_update::publish::{
    Addition, OnlineKeys, Progress, Public, SecretKey, Settings, Site, Watch, sign,
};
use clap::Args;

const NOW: u64 = 1_795_600_000;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Signatures in the release.
    #[arg(long, default_value_t = 420_000)]
    signatures: u32,
    /// Entries that the log has before.
    #[arg(long, default_value_t = 1000)]
    entries: u32,
    /// How often everything is verified; the median counts.
    #[arg(long, default_value_t = 21)]
    runs: usize,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = folder.path().join("site");
    let maker = Maker::new(&site, folder.path(), arguments)?;
    let policy = maker.policy();
    let public = site.join("public");
    let policy = Policy::parse(&policy)?;
    let root = std::fs::read(public.join("1.root.json"))?;
    let mirror = Directory::new(&public, true);
    let cosigners: BTreeMap<String, &dyn Mirror> = BTreeMap::new();
    let (mut whole, mut unpacking) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for run in 0..arguments.runs {
        // A machine that looks for the first time reads everything.
        let state = State::begin(&root, &[])?;
        let begun = Instant::now();
        let request = Request {
            source: "feed",
            feed: &mirror,
            cosigners: &cosigners,
            state: &state,
            policy: &policy,
            now: NOW,
        };
        let verified = verify(request)?;
        whole.push(begun.elapsed());
        let release = verified.release.context("a release")?;
        bytes = release.archives().values().map(|file| file.length).sum::<u64>();
        let members = folder.path().join(format!("members-{run}"));
        std::fs::create_dir(&members)?;
        let begun = Instant::now();
        let candidate = release.unpack(&mut Members::new(&members))?;
        unpacking.push(begun.elapsed());
        ensure!(candidate.members.len() == 3, "{} members", candidate.members.len());
        std::fs::remove_dir_all(&members)?;
    }
    let unpacked = arguments.signatures;
    println!(
        "{unpacked} signatures in {:.1} MB of archives, a log of {} entries, 3 witnesses",
        megabytes(bytes),
        arguments.entries
    );
    println!("verify (metadata, log, proofs, digests of archives): {}", spread(&mut whole));
    println!(
        "unpack (decompress, check that it is data, digests of members, write): {}",
        spread(&mut unpacking)
    );
    let fetched = change(&maker, &policy, &root, &public, arguments.signatures)?;
    println!(
        "a release that changes {CHANGED} signatures: {fetched} bytes fetched, {:.2} % of {bytes}",
        100.0 * megabytes(fetched) / megabytes(bytes)
    );
    ensure!(fetched * 100 < bytes, "a small release is not small");
    Ok(())
}

/// Signatures that a small release changes: so many go, and so many come.
const CHANGED: u32 = 1000;

/// Publishes a release that changes some signatures, and gives the bytes of what a machine has to fetch that has the one
/// before: everything that the verifier asks for, but for archives that it has.
fn change(maker: &Maker, policy: &Policy, root: &[u8], public: &Path, signatures: u32) -> Result<u64> {
    let first = Counting { inner: Directory::new(public, true), read: RefCell::default() };
    let cosigners: BTreeMap<String, &dyn Mirror> = BTreeMap::new();
    let state = State::begin(root, &[])?;
    let look = |feed: &Counting, state: &State| {
        verify(Request { source: "feed", feed, cosigners: &cosigners, state, policy, now: NOW })
    };
    let state = look(&first, &state)?.state;
    let (mut added, mut ignored, mut random) = (String::new(), String::new(), 2);
    let mut hex = |bytes| digits(&mut random, bytes);
    for number in 0..CHANGED {
        // As long as the others, and no easier to compress.
        added.push_str(&format!("Win.Malware.New-{number}:1:*:{}\n", hex(40)));
        // Of ten signatures, the eighth is one of these (see `signatures`).
        ignored.push_str(&format!("Win.Malware.Sample-{}\n", (number * 10 + 7) % signatures));
    }
    let addition = Addition {
        archive: "changes.tar.zst".to_owned(),
        members: vec![
            ("changes.ndb".to_owned(), added.into_bytes()),
            ("changes.ign2".to_owned(), ignored.into_bytes()),
        ],
        ..Addition::default()
    };
    maker.release(&addition, 2)?;
    let second = Counting { inner: Directory::new(public, true), read: RefCell::default() };
    let release = look(&second, &state)?.release.context("a release")?;
    ensure!(release.version() == 2 && release.archives().len() == 2, "{:?}", release.archives());
    let known = first.read.into_inner();
    let read = second.read.into_inner();
    let has = |path: &str| path.starts_with("targets/") && known.contains_key(path);
    Ok(read.iter().filter(|(path, _)| !has(path)).map(|(_, length)| *length).sum())
}

/// A mirror that counts what is read of it.
struct Counting {
    inner: Directory,
    read: RefCell<BTreeMap<String, u64>>,
}

impl Mirror for Counting {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, MirrorError> {
        let found = self.inner.read(path, limit)?;
        if let Some(bytes) = &found {
            self.read.borrow_mut().insert(path.to_owned(), bytes.len() as u64);
        }
        Ok(found)
    }

    fn is_carried(&self) -> bool {
        true
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |place: usize| times[place.min(times.len() - 1)].as_secs_f64() * 1e3;
    format!("median {:.1} ms, least {:.1}, most {:.1}", at(times.len() / 2), at(0), at(times.len()))
}

/// A publisher with everybody's keys.
struct Maker<'a> {
    site: &'a Path,
    folder: &'a Path,
    feed: Site,
    content: Vec<SecretKey>,
    witnesses: Vec<SecretKey>,
    online: OnlineKeys,
    log_key: String,
    log_policy: String,
}

impl<'a> Maker<'a> {
    /// Makes the feed, and its first release.
    fn new(site: &'a Path, folder: &'a Path, arguments: &Arguments) -> Result<Self> {
        let keys = |count: usize| (0..count).map(|_| SecretKey::generate()).collect::<Result<Vec<_>, _>>();
        let (root, content, witnesses) = (keys(5)?, keys(3)?, keys(3)?);
        let (online, log) = (SecretKey::generate()?, SecretKey::generate()?);
        let log_key = SignerKey::new("example.com/log", KeyKind::Note, log.signing())?.verifier().to_string();
        let mut log_policy = format!("log {log_key}\n");
        for (number, key) in witnesses.iter().enumerate() {
            let name = format!("w{number}");
            let key = SignerKey::new(&name, KeyKind::Cosignature, key.signing())?.verifier();
            log_policy.push_str(&format!("witness {name} {key}\n"));
        }
        log_policy.push_str("group witnesses 2 w0 w1 w2\nquorum witnesses\n");
        let publics = |keys: &[SecretKey]| keys.iter().map(|key| Public(key.public())).collect();
        let settings = Settings {
            feed: "example.com/feed".to_owned(),
            root: publics(&root),
            root_threshold: 3,
            content: publics(&content),
            content_threshold: 2,
            online: Public(online.public()),
            root_days: 365,
            content_days: 90,
            online_days: 3,
            log: log_policy.clone(),
        };
        let feed = Site::begin(site, settings, NOW)?;
        for key in root.iter().take(3) {
            sign(&site.join("staging/root.json"), key)?;
        }
        let online = OnlineKeys { online, log: Some(log) };
        feed.release(&online, NOW)?;
        begin_log(site, &online, arguments.entries)?;
        let maker = Self { site, folder, feed, content, witnesses, online, log_key, log_policy };
        let addition = Addition {
            archive: "daily.tar.zst".to_owned(),
            members: signatures(arguments.signatures),
            ..Addition::default()
        };
        maker.release(&addition, 1)?;
        Ok(maker)
    }

    /// The customer's policy.
    fn policy(&self) -> String {
        format!("version = 1\nfeed = \"example.com/feed\"\n[log]\npolicy = '''\n{}'''\n", self.log_policy)
    }

    /// Has a release signed, witnessed and published.
    fn release(&self, addition: &Addition, expected: u64) -> Result<()> {
        let site = self.site;
        self.feed.add(addition, NOW)?;
        for key in self.content.iter().take(2) {
            sign(&site.join("staging/targets.json"), key)?;
        }
        self.feed.release(&self.online, NOW)?;
        for (number, key) in self.witnesses.iter().enumerate() {
            let seen = self.folder.join(format!("seen-{number}"));
            let watch = Watch::new(&format!("w{number}"), key, &self.log_key, seen)?;
            let checkpoint = std::fs::read(site.join("staging/checkpoint"))?;
            let line = watch.look(site.join("public/log"), &checkpoint, NOW)?;
            std::fs::create_dir_all(site.join("staging/cosignatures"))?;
            std::fs::write(site.join(format!("staging/cosignatures/{number}")), line)?;
        }
        let progress = self.feed.release(&self.online, NOW)?;
        ensure!(matches!(progress, Progress::Released { version } if version == expected), "{progress:?}");
        Ok(())
    }
}

/// Entries of others, so that proofs are as long as they would be.
fn begin_log(site: &Path, keys: &OnlineKeys, entries: u32) -> Result<()> {
    struct Folder(std::path::PathBuf);
    impl tiles::Files for Folder {
        fn read(&mut self, path: &str, _limit: u64) -> std::io::Result<Option<Vec<u8>>> {
            Ok(std::fs::read(self.0.join(path)).ok())
        }
    }
    impl tiles::FilesMut for Folder {
        fn write(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
            let path = self.0.join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
            std::fs::write(path, bytes)
        }
    }
    let mut folder = Folder(site.join("public"));
    let others: Vec<Vec<u8>> = (0..entries).map(|number| format!("entry {number}").into_bytes()).collect();
    let size = tiles::append(&mut folder, "log/", 0, &others)?;
    let root = tiles::Tree::new(&mut folder, "log/", size).root()?;
    let text =
        candor_update::log::Checkpoint { origin: "example.com/log".to_owned(), size, root }.to_string();
    let mut note = candor_update::log::Note::new(&text)?;
    let log = keys.log.as_ref().context("a log")?;
    note.sign(&SignerKey::new("example.com/log", KeyKind::Note, log.signing())?);
    std::fs::write(site.join("public/log/checkpoint"), note.to_string())?;
    Ok(())
}

/// Digits of so many bytes that look random.
fn digits(state: &mut u64, bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes * 2 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:08x}", *state >> 32));
    }
    text.truncate(bytes * 2);
    text
}

/// Signatures of the kinds that ClamAV's databases have, in their proportions.
fn signatures(count: u32) -> Vec<(String, Vec<u8>)> {
    let mut state = 1_u64;
    let mut hex = |bytes| digits(&mut state, bytes);
    let (mut hashes, mut bodies, mut logical) = (String::new(), String::new(), String::new());
    for number in 0..count {
        match number % 10 {
            0..7 => hashes.push_str(&format!("{}:{}:Win.Trojan.Agent-{number}\n", hex(16), 1000 + number)),
            7..9 => bodies.push_str(&format!("Win.Malware.Sample-{number}:1:*:{}\n", hex(40))),
            _ => logical.push_str(&format!(
                "Win.Dropper.Thing-{number};Engine:51-255,Target:1;0&1;{};{}\n",
                hex(24),
                hex(16)
            )),
        }
    }
    vec![
        ("daily.hdb".to_owned(), hashes.into_bytes()),
        ("daily.ldb".to_owned(), logical.into_bytes()),
        ("daily.ndb".to_owned(), bodies.into_bytes()),
    ]
}
