//! What it costs to verify a release without a network: roles, log, witnesses, archives; and to unpack it.
//!
//! The feed is made for the purpose, as large as ClamAV's databases were at 420,000 signatures: pseudo-random, and
//! always the same. Keys, and how long it takes to make all this, do not count.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use candor_update::feed::{Directory, Members, Mirror, Request, State, verify};
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
    let policy = make(&site, folder.path(), arguments)?;
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
    Ok(())
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

/// Makes the feed, and gives the customer's policy.
fn make(site: &Path, folder: &Path, arguments: &Arguments) -> Result<String> {
    let keys = |count: usize| (0..count).map(|_| SecretKey::generate()).collect::<Result<Vec<_>, _>>();
    let (root, content, witnesses) = (keys(5)?, keys(3)?, keys(3)?);
    let (online, log) = (SecretKey::generate()?, SecretKey::generate()?);
    let log_key = SignerKey::new("example.com/log", KeyKind::Note, log.signing())?.verifier().to_string();
    let mut policy = format!("log {log_key}\n");
    for (number, key) in witnesses.iter().enumerate() {
        let name = format!("w{number}");
        let key = SignerKey::new(&name, KeyKind::Cosignature, key.signing())?.verifier();
        policy.push_str(&format!("witness {name} {key}\n"));
    }
    policy.push_str("group witnesses 2 w0 w1 w2\nquorum witnesses\n");
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
        log: policy.clone(),
    };
    let feed = Site::begin(site, settings, NOW)?;
    for key in root.iter().take(3) {
        sign(&site.join("staging/root.json"), key)?;
    }
    let online = OnlineKeys { online, log: Some(log) };
    feed.release(&online, NOW)?;
    begin_log(site, &online, arguments.entries)?;
    let addition = Addition {
        archive: "daily.tar.zst".to_owned(),
        members: signatures(arguments.signatures),
        ..Addition::default()
    };
    feed.add(&addition, NOW)?;
    for key in content.iter().take(2) {
        sign(&site.join("staging/targets.json"), key)?;
    }
    feed.release(&online, NOW)?;
    for (number, key) in witnesses.iter().enumerate() {
        let watch = Watch::new(&format!("w{number}"), key, &log_key, folder.join(format!("seen-{number}")))?;
        let checkpoint = std::fs::read(site.join("staging/checkpoint"))?;
        let line = watch.look(site.join("public/log"), &checkpoint, NOW)?;
        std::fs::create_dir_all(site.join("staging/cosignatures"))?;
        std::fs::write(site.join(format!("staging/cosignatures/{number}")), line)?;
    }
    let progress = feed.release(&online, NOW)?;
    ensure!(matches!(progress, Progress::Released { version: 1 }), "{progress:?}");
    Ok(format!("version = 1\nfeed = \"example.com/feed\"\n[log]\npolicy = '''\n{policy}'''\n"))
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

/// Signatures of the kinds that ClamAV's databases have, in their proportions.
fn signatures(count: u32) -> Vec<(String, Vec<u8>)> {
    let mut state = 1_u64;
    let mut hex = |bytes: usize| {
        let mut text = String::new();
        while text.len() < bytes * 2 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:08x}", state >> 32));
        }
        text.truncate(bytes * 2);
        text
    };
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
