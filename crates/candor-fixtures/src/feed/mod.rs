//! Feeds as they should be, and as attackers would like them to be: built from text, with keys that are made from
//! names. What signs here signs anything; the programs that are to be tested share none of this code.

mod plan;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use candor_update::Expectation;
use candor_update::feed::json::Value;
use candor_update::feed::release::{self, Contents};
use candor_update::feed::{KeyId, Mirror, MirrorError, describe, entry, proof_path, time};
use candor_update::log::tiles::{self, Files, FilesMut, Tree};
use candor_update::log::{Checkpoint, Hash, KeyKind, Note, Proof, SignerKey, merkle};
use ed25519_dalek::{Signer as _, SigningKey};

pub use plan::{ArchivePlan, Case, FilePlan, LogPlan, Plan, RolePlan, RootPlan};

/// The archive that every release has.
pub const ARCHIVE: &str = "daily.tar.zst";

/// The feed that archives are made for.
const FEED: &str = "example.com/feed";

const DAY: u64 = 86_400;

/// Files by name.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Whether they claim to have been carried in.
    pub carried: bool,
}

impl Mirror for Built {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, MirrorError> {
        match self.files.get(path) {
            Some(bytes) if bytes.len() as u64 > limit => Err(MirrorError::Endless(limit)),
            found => Ok(found.cloned()),
        }
    }

    fn is_carried(&self) -> bool {
        self.carried
    }
}

impl Files for Built {
    fn read(&mut self, path: &str, _limit: u64) -> std::io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }
}

impl FilesMut for Built {
    fn write(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.files.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
}

/// The key of that name.
#[must_use]
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&Hash::of(format!("a key for tests: {name}").as_bytes()).0)
}

/// The key of a log or a witness.
///
/// # Panics
/// The name cannot be that of a key.
#[must_use]
pub fn note_key(name: &str, kind: KeyKind) -> SignerKey {
    SignerKey::new(name, kind, key(name)).expect("a name for a key")
}

/// A policy that wants the log, two of three witnesses, and what `top` says.
#[must_use]
pub fn policy(top: &str, log: &str, cosigner: bool) -> String {
    let mut text = format!("version = 1\nfeed = \"{FEED}\"\n{top}\n[log]\npolicy = '''\n");
    let _ = writeln!(text, "log {}", note_key(log, KeyKind::Note).verifier());
    for witness in ["one", "two", "three"] {
        let _ = writeln!(text, "witness {witness} {}", note_key(witness, KeyKind::Cosignature).verifier());
    }
    text.push_str("group witnesses 2 one two three\nquorum witnesses\n'''\n");
    if cosigner {
        text.push_str("[[cosigner]]\nname = \"security-team\"\nroot = 3\ncontent = 2\n");
    }
    text
}

/// Builds a feed as of a time, with files of `before` and `other` where the plan says so.
///
/// # Panics
/// The plan asks for what cannot be.
#[must_use]
pub fn build(plan: &Plan, clock: &str, before: Option<&Built>, other: Option<&Built>) -> Built {
    let now = time::parse(clock).expect("a time");
    let mut built = Built { carried: true, ..Built::default() };
    for (place, root) in (1..).zip(&plan.roots) {
        let file = root.file.clone().unwrap_or_else(|| format!("{place}.root.json"));
        let bytes = root_file(root, root.version.unwrap_or(place), &plan.feed);
        built.files.insert(file, bytes);
    }
    let mut logged: Vec<(u64, Hash, u64)> = Vec::new();
    for number in 1..=plan.release {
        let newest = number == plan.release;
        let made = now - (plan.release - number) * DAY - 2 * 3600;
        let archive = archive(&plan.archive, number, newest);
        let file = format!("targets/{}.{ARCHIVE}", Hash::of(&archive));
        let targets = targets_file(plan, number, &archive, newest);
        let seen = if newest && plan.log.public {
            let public = Plan { archive: ArchivePlan::default(), ..plan.clone() };
            targets_file(&public, number, &self::archive(&public.archive, number, true), true)
        } else {
            targets.clone()
        };
        logged.push((number, Hash::of(&seen), made));
        built.files.insert(file, archive);
        let version = if newest { plan.targets.version.unwrap_or(number) } else { number };
        built.files.insert(format!("{version}.targets.json"), targets.clone());
        if newest {
            let pointed = plan.targets.pointed.unwrap_or(version);
            built.files.insert(format!("{pointed}.targets.json"), targets.clone());
            let version = plan.snapshot.version.unwrap_or(number);
            let snapshot =
                pointer_file("snapshot", version, &plan.snapshot, ("targets.json", pointed), &targets);
            let pointed = plan.snapshot.pointed.unwrap_or(version);
            built.files.insert(format!("{pointed}.snapshot.json"), snapshot.clone());
            let version = plan.timestamp.version.unwrap_or(number);
            let pointer = ("snapshot.json", pointed);
            let timestamp = pointer_file("timestamp", version, &plan.timestamp, pointer, &snapshot);
            built.files.insert("timestamp.json".to_owned(), timestamp);
        }
    }
    log(plan, &logged, now, &mut built);
    for (file, change) in &plan.files {
        alter(&mut built, file, change, before, other);
    }
    built
}

fn root_file(plan: &RootPlan, version: u64, feed: &str) -> Vec<u8> {
    let roles = [
        ("root", &plan.root, plan.root_threshold),
        ("snapshot", &plan.snapshot, 1),
        ("targets", &plan.content, plan.content_threshold),
        ("timestamp", &plan.timestamp, 1),
    ];
    let mut keys = BTreeMap::new();
    let mut listed = BTreeMap::new();
    for (role, names, threshold) in roles {
        let mut ids = Vec::new();
        for name in names {
            let public = key(name).verifying_key().to_bytes();
            let id = KeyId::of(&public).to_string();
            keys.insert(id.clone(), describe(&public));
            ids.push(Value::Text(id));
        }
        let role_value =
            Value::object([("keyids", Value::Array(ids)), ("threshold", Value::Number(threshold))]);
        listed.insert(role.to_owned(), role_value);
    }
    let signed = Value::object([
        ("_type", Value::text("root")),
        ("consistent_snapshot", Value::Bool(true)),
        ("expires", Value::text(&plan.expires)),
        ("keys", Value::Object(keys)),
        ("roles", Value::Object(listed)),
        ("spec_version", Value::text("1.0.31")),
        ("version", Value::Number(version)),
        ("x-candor", Value::object([("feed", Value::text(plan.feed.as_deref().unwrap_or(feed)))])),
    ]);
    sign(&signed.write(), &plan.edit, &plan.signers, &plan.tamper, false)
}

fn targets_file(plan: &Plan, number: u64, archive: &[u8], newest: bool) -> Vec<u8> {
    let default = RolePlan::default();
    let role = if newest { &plan.targets } else { &default };
    let withdrawn = if newest { plan.withdrawn.as_slice() } else { &[] };
    let ring = if newest { plan.ring.as_str() } else { "broad" };
    let signed = Value::object([
        ("_type", Value::text("targets")),
        ("expires", Value::text(role.expires.as_deref().unwrap_or(plan::NEVER))),
        ("spec_version", Value::text("1.0.31")),
        ("targets", Value::object([(ARCHIVE, file_info(archive))])),
        ("version", Value::Number(role.version.unwrap_or(number))),
        (
            "x-candor",
            Value::object([
                ("ring", Value::text(ring)),
                (
                    "withdrawn",
                    Value::Array(withdrawn.iter().map(|version| Value::Number(*version)).collect()),
                ),
            ]),
        ),
    ]);
    let signers =
        role.signers.clone().unwrap_or_else(|| vec!["content-1".to_owned(), "content-2".to_owned()]);
    sign(&signed.write(), &role.edit, &signers, &role.tamper, role.repeated)
}

fn file_info(bytes: &[u8]) -> Value {
    Value::object([
        ("hashes", Value::object([("sha256", Value::Text(Hash::of(bytes).to_string()))])),
        ("length", Value::Number(bytes.len() as u64)),
    ])
}

fn pointer_file(
    kind: &str,
    version: u64,
    role: &RolePlan,
    (name, pointed): (&str, u64),
    to: &[u8],
) -> Vec<u8> {
    let mut info = file_info(to);
    if let Value::Object(fields) = &mut info {
        fields.insert("version".to_owned(), Value::Number(pointed));
    }
    let signed = Value::object([
        ("_type", Value::text(kind)),
        ("expires", Value::text(role.expires.as_deref().unwrap_or(plan::NEVER))),
        ("meta", Value::object([(name, info)])),
        ("spec_version", Value::text("1.0.31")),
        ("version", Value::Number(version)),
    ]);
    let signers = role.signers.clone().unwrap_or_else(|| vec!["online".to_owned()]);
    sign(&signed.write(), &role.edit, &signers, &role.tamper, role.repeated)
}

/// Edits, signs, and edits again.
fn sign(
    signed: &[u8],
    edit: &[[String; 2]],
    signers: &[String],
    tamper: &[[String; 2]],
    repeated: bool,
) -> Vec<u8> {
    let signed = replace(signed, edit);
    let mut signatures: Vec<String> = signers
        .iter()
        .map(|name| {
            let key = key(name);
            let id = KeyId::of(&key.verifying_key().to_bytes());
            let signature = key.sign(&signed).to_bytes();
            let hex = signature.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            format!("{{\"keyid\":\"{id}\",\"sig\":\"{hex}\"}}")
        })
        .collect();
    if repeated {
        signatures.truncate(1);
        signatures.extend(signatures.clone());
    }
    let text = String::from_utf8(signed).expect("metadata is text");
    let whole = format!("{{\"signatures\":[{}],\"signed\":{text}}}", signatures.join(","));
    replace(whole.as_bytes(), tamper)
}

fn replace(bytes: &[u8], changes: &[[String; 2]]) -> Vec<u8> {
    let mut text = String::from_utf8(bytes.to_vec()).expect("only text is edited");
    for [from, to] in changes {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from} is not in {text}");
        text = changed;
    }
    text.into_bytes()
}

fn archive(plan: &ArchivePlan, number: u64, newest: bool) -> Vec<u8> {
    let signatures = format!("Test.Release{number}:0:*:{:016x}\n", 0xbadc_0de0_0000_0000 + number);
    let mut contents = Contents {
        feed: FEED.to_owned(),
        archive: ARCHIVE.to_owned(),
        release: number,
        members: vec![("daily.ndb".to_owned(), signatures.into_bytes())],
        expectations: vec![Expectation { content: "Y2xlYW4=".to_owned(), signature: None }],
    };
    let unchanged = ArchivePlan::default();
    let plan = if newest { plan } else { &unchanged };
    contents
        .members
        .extend(plan.members.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())));
    if let Some(zeros) = plan.zeros {
        let zeros = vec![b'0'; usize::try_from(zeros).expect("fits")];
        contents.members.push(("zeros.hdb".to_owned(), zeros));
    }
    // What cannot be packed properly is described as if it could.
    let mut described = contents.clone();
    let mut bytes: BTreeMap<String, Vec<u8>> = contents.members.iter().cloned().collect();
    for (name, hex) in &plan.bytes {
        let pairs = hex.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).expect("hexadecimal digits");
            u8::from_str_radix(pair, 16).expect("hexadecimal digits")
        });
        let raw: Vec<u8> = pairs.collect();
        let stand_in = format!("{:0>width$}", "", width = raw.len()).into_bytes();
        described.members.push((name.clone(), stand_in));
        bytes.insert(name.clone(), raw);
    }
    let manifest = manifest(&described, &bytes);
    let manifest = replace(manifest.as_bytes(), &plan.manifest);
    let members: Vec<(&str, &[u8])> = bytes
        .iter()
        .map(|(name, bytes)| (plan.renamed.get(name).map_or(name.as_str(), String::as_str), bytes.as_slice()))
        .collect();
    release::pack_as(std::str::from_utf8(&manifest).expect("text"), &members)
}

fn manifest(contents: &Contents, bytes: &BTreeMap<String, Vec<u8>>) -> String {
    let mut text = format!(
        "format = 1\nfeed = \"{}\"\narchive = \"{}\"\nrelease = {}\nengine = 1\n",
        contents.feed, contents.archive, contents.release
    );
    for (name, bytes) in bytes {
        let class = release::class_of(name).map_or("signatures", |class| match class {
            candor_update::MemberClass::Hashes => "hashes",
            candor_update::MemberClass::Allow => "allow",
            candor_update::MemberClass::Rules => "rules",
            candor_update::MemberClass::Policy => "policy",
            candor_update::MemberClass::Signatures => "signatures",
        });
        let _ = write!(
            text,
            "[[member]]\nname = \"{name}\"\nclass = \"{class}\"\nlength = {}\nsha256 = \"{}\"\n",
            bytes.len(),
            Hash::of(bytes)
        );
    }
    for canary in &contents.expectations {
        let _ = write!(text, "[[canary]]\ncontent = \"{}\"\n", canary.content);
    }
    text
}

fn log(plan: &Plan, logged: &[(u64, Hash, u64)], now: u64, built: &mut Built) {
    let own = &plan.log;
    let entries: Vec<Vec<u8>> =
        (0..own.others).map(|number| format!("{} {number}", own.history).into_bytes()).collect();
    let key = note_key(&own.name, KeyKind::Note);
    let mut size = tiles::append(built, "log/", 0, &entries).expect("memory");
    for (version, digest, made) in logged {
        let index = size;
        let entry = entry(&plan.feed, *version, *digest).into_bytes();
        size = tiles::append(built, "log/", size, &[entry]).expect("memory");
        let witnesses =
            if *version == plan.release { own.proof_witnesses.as_slice() } else { &PROOF_WITNESSES };
        let checkpoint = checkpoint(built, &key, size, witnesses, *made);
        let path = merkle::prove_inclusion(&mut Tree::new(built, "log/", size), index, size).expect("memory");
        let proof = Proof { index, path, checkpoint };
        built.files.insert(proof_path(*version), proof.to_string().into_bytes());
        let others = (0..own.later).map(|number| format!("{} {version} {number}", own.history).into_bytes());
        size = tiles::append(built, "log/", size, &others.collect::<Vec<_>>()).expect("memory");
    }
    let witnessed = own.witnessed.as_deref().map_or(now - 3600, |text| time::parse(text).expect("a time"));
    let newest = checkpoint(built, &key, size, &own.witnesses, witnessed);
    built.files.insert("log/checkpoint".to_owned(), newest.to_string().into_bytes());
}

static PROOF_WITNESSES: std::sync::LazyLock<Vec<String>> =
    std::sync::LazyLock::new(|| vec!["one".to_owned(), "two".to_owned()]);

fn checkpoint(built: &mut Built, key: &SignerKey, size: u64, witnesses: &[String], time: u64) -> Note {
    let root = Tree::new(built, "log/", size).root().expect("memory");
    let checkpoint = Checkpoint { origin: key.verifier().name().to_owned(), size, root };
    let mut note = Note::new(&checkpoint.to_string()).expect("a checkpoint is a note");
    note.sign(key);
    for witness in witnesses {
        note.add(note.cosignature(&note_key(witness, KeyKind::Cosignature), time));
    }
    note
}

fn alter(built: &mut Built, file: &str, change: &FilePlan, before: Option<&Built>, other: Option<&Built>) {
    // Digests are in the names of archives, and not worth writing down.
    let file = if file == "targets/*" { newest_archive(built) } else { file.to_owned() };
    if change.removed {
        built.files.remove(&file).unwrap_or_else(|| panic!("there is no {file}"));
        return;
    }
    let mut bytes = match change.from.as_deref() {
        None => built.files.get(&file).cloned().unwrap_or_default(),
        Some(from) => {
            let from = if from == "before" { before } else { other }.expect("a feed to take it from");
            let named = change.named.as_deref().unwrap_or(&file);
            from.files.get(named).unwrap_or_else(|| panic!("there is no {named}")).clone()
        }
    };
    if let Some(text) = &change.text {
        bytes = text.clone().into_bytes();
    }
    if !change.replaced.is_empty() {
        bytes = replace(&bytes, &change.replaced);
    }
    if let Some(place) = change.flipped {
        bytes[place] ^= 1;
    }
    bytes.extend(std::iter::repeat_n(b' ', change.grown.unwrap_or(0)));
    built.files.insert(file, bytes);
}

fn newest_archive(built: &Built) -> String {
    let targets = built.files.iter().filter_map(|(file, bytes)| {
        let version: u64 = file.strip_suffix(".targets.json")?.parse().ok()?;
        Some((version, bytes))
    });
    let (_, targets) = targets.max().expect("there are targets");
    let text = String::from_utf8(targets.clone()).expect("text");
    let (_, digest) = text.split_once("\"sha256\":\"").expect("a digest");
    format!("targets/{}.{ARCHIVE}", &digest[..64])
}
