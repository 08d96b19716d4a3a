//! A release as `tough` makes and signs it.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::Path;

use anyhow::Context as _;
use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::{Span, Timestamp as Time};
use olpc_cjson::CanonicalFormatter;
use serde::Serialize;
use tough::TargetName;
use tough::editor::RepositoryEditor;
use tough::editor::signed::{PathExists, SignedRole};
use tough::key_source::KeySource;
use tough::schema::{Hashes, KeyHolder, Metafile, Role, Root, Signed, Snapshot, Target, Targets, Timestamp};
use tough::sign::Sign;

type Failure = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A key of 32 bytes, as hexadecimal digits.
#[derive(Clone, Debug)]
struct Seed(Vec<u8>);

#[async_trait]
impl KeySource for Seed {
    async fn as_sign(&self) -> Result<Box<dyn Sign>, Failure> {
        Ok(Box::new(Ed25519KeyPair::from_seed_unchecked(&self.0)?))
    }

    async fn write(&self, _: &str, _: &str) -> Result<(), Failure> {
        Err("a key is only read".into())
    }
}

/// Makes a release of one archive, `file`, with the keys that stand in the file `keys`, a line each.
pub(crate) async fn write(
    root: &Path,
    keys: &Path,
    out: &Path,
    version: NonZeroU64,
    file: &Path,
) -> anyhow::Result<()> {
    let keys: Vec<Box<dyn KeySource>> = std::fs::read_to_string(keys)?
        .lines()
        .map(|line| seed(line).map(|seed| Box::new(seed) as Box<dyn KeySource>).context("a key of 32 bytes"))
        .collect::<anyhow::Result<_>>()?;
    let until = Time::now().checked_add(Span::new().hours(48))?.round(jiff::Unit::Second)?;

    // As the editor writes it, which has no say in fields of others, and names delegations though there are none.
    let plain = out.join("plain");
    let mut editor = RepositoryEditor::new(root).await?;
    editor
        .targets_version(version)?
        .targets_expires(until)?
        .snapshot_version(version)
        .snapshot_expires(until)
        .timestamp_version(version)
        .timestamp_expires(until)
        .add_target_path(file)
        .await?;
    let signed = editor.sign(&keys).await?;
    signed.write(&plain).await?;
    let from = file.parent().context("a file in a folder")?;
    signed.copy_targets(from, plain.join("targets"), PathExists::Fail).await?;

    // With the fields of a feed, in the canonical form.
    let whole: Signed<Root> = serde_json::from_slice(&std::fs::read(root)?)?;
    let holder = KeyHolder::Root(whole.signed);
    let canonical = out.join("canonical");
    std::fs::create_dir_all(&canonical)?;
    let random = SystemRandom::new();
    let mut targets = Targets::new("1.0.31".to_owned(), version, until);
    targets.delegations = None;
    targets.targets = HashMap::from([(TargetName::new("daily.tar.zst")?, Target::from_path(file).await?)]);
    targets._extra.insert("x-candor".to_owned(), serde_json::json!({ "ring": "broad", "withdrawn": [] }));
    let targets = sign(targets, &holder, &keys, &random).await?;
    std::fs::write(canonical.join(format!("{version}.targets.json")), &targets)?;
    let mut snapshot = Snapshot::new("1.0.31".to_owned(), version, until);
    snapshot.meta.insert("targets.json".to_owned(), meta(&targets, version));
    let snapshot = sign(snapshot, &holder, &keys, &random).await?;
    std::fs::write(canonical.join(format!("{version}.snapshot.json")), &snapshot)?;
    let mut timestamp = Timestamp::new("1.0.31".to_owned(), version, until);
    timestamp.meta.insert("snapshot.json".to_owned(), meta(&snapshot, version));
    std::fs::write(canonical.join("timestamp.json"), sign(timestamp, &holder, &keys, &random).await?)?;
    Ok(())
}

/// Signs a role, and gives the file in the canonical form.
async fn sign<T: Role + Serialize>(
    role: T,
    holder: &KeyHolder,
    keys: &[Box<dyn KeySource>],
    random: &SystemRandom,
) -> anyhow::Result<Vec<u8>> {
    let signed = SignedRole::new(role, holder, keys, random).await?;
    let mut bytes = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, CanonicalFormatter::new());
    signed.signed().serialize(&mut writer)?;
    Ok(bytes)
}

/// What is said of a file by what points at it.
fn meta(bytes: &[u8], version: NonZeroU64) -> Metafile {
    let sha256 = digest(&SHA256, bytes).as_ref().to_vec().into();
    Metafile {
        length: Some(bytes.len() as u64),
        hashes: Some(Hashes { sha256, _extra: HashMap::new() }),
        version,
        _extra: HashMap::new(),
    }
}

fn seed(line: &str) -> Option<Seed> {
    let pairs =
        line.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    (bytes.len() == 32).then_some(Seed(bytes))
}
