//! What the four roles say, taken from their canonical JSON. Every field is known: what is signed and not
//! understood is refused, because somebody meant something by it.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;

use super::json::Value;
use super::key::{self, KeyId, MetadataSignature, RoleKeys};
use super::refusal::{Fault, Refusal};
use super::time;
use crate::log::{Hash, hex};

/// The version of the specification that metadata is written to.
pub const SPECIFICATION: &str = "1.0.31";

/// Keys, signatures and target files that metadata may have.
const MOST: usize = 128;

/// A role of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Says who the others are. Offline, by several people.
    Root,
    /// Says what the release is. By several people.
    Targets,
    /// Says which targets belong together.
    Snapshot,
    /// Says what is newest. Online.
    Timestamp,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Root, Self::Targets, Self::Snapshot, Self::Timestamp];

    /// Its name in metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }

    /// The most bytes of its file that are read.
    #[must_use]
    pub const fn limit(self) -> u64 {
        match self {
            Self::Root | Self::Snapshot => 64 << 10,
            Self::Targets => 256 << 10,
            Self::Timestamp => 16 << 10,
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

/// One file of metadata, whose signatures have not been counted.
#[derive(Clone, Debug)]
pub struct Metadata<T> {
    /// The file's name, for messages.
    pub file: String,
    /// What it says.
    pub body: T,
    /// Its version.
    pub version: u64,
    /// Until when it holds, in seconds since 1970.
    pub expires: u64,
    /// What was signed.
    pub signed: Vec<u8>,
    /// By whom, as it says.
    pub signatures: Vec<MetadataSignature>,
}

/// The root role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The feed's name: what keeps a release of one feed from being served as that of another.
    pub feed: String,
    /// All keys.
    pub keys: BTreeMap<KeyId, VerifyingKey>,
    /// Who is what.
    pub roles: BTreeMap<Role, RoleKeys>,
}

/// A file that metadata vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes.
    pub length: u64,
    /// Their digest.
    pub sha256: Hash,
}

/// What timestamp says of snapshot, and snapshot of targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// The version of the file.
    pub(super) version: u64,
    /// The file itself.
    pub(super) file: FileInfo,
}

/// The targets role: one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// The archives of the release.
    pub archives: BTreeMap<String, FileInfo>,
    /// How far the release has come.
    pub ring: Ring,
    /// Earlier releases that are not to be used any more.
    pub withdrawn: BTreeSet<u64>,
}

/// Who a release is for. A release goes through all three, each time as a version of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ring {
    /// Those who try everything first.
    Canary,
    /// Those who are early.
    Early,
    /// Everybody.
    Broad,
}

impl Ring {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Early => "early",
            Self::Broad => "broad",
        }
    }

    /// The ring of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Canary, Self::Early, Self::Broad].into_iter().find(|ring| ring.name() == name)
    }
}

/// What a role's metadata is made of.
pub(crate) trait Body: Sized {
    /// Which role.
    const ROLE: Role;

    fn read(fields: &mut Fields) -> Result<Self, Fault>;
}

#[expect(private_bounds, reason = "roles are those of this module")]
impl<T: Body> Metadata<T> {
    /// Takes a file apart.
    pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Self, Refusal> {
        let value = Value::parse(bytes).map_err(|source| Refusal::Json { file: file.to_owned(), source })?;
        Self::read(file, value).map_err(|fault| Refusal::Shape { file: file.to_owned(), fault })
    }

    fn read(file: &str, value: Value) -> Result<Self, Fault> {
        let mut whole = Fields::new("the file", value)?;
        let signed = whole.take("signed")?;
        let signatures = signatures(whole.array("signatures")?)?;
        whole.end()?;
        let bytes = signed.write();
        let mut fields = Fields::new("signed", signed)?;
        let kind = fields.text("_type")?;
        if kind != T::ROLE.name() {
            return Err(Fault::Type { expected: T::ROLE.name(), got: kind });
        }
        let specification = fields.text("spec_version")?;
        if !specification.starts_with("1.0.") {
            return Err(Fault::Specification(specification));
        }
        let version = fields.number("version")?;
        if version == 0 {
            return Err(Fault::Value("version".to_owned()));
        }
        let expires = fields.text("expires")?;
        let expires = time::parse(&expires).ok_or_else(|| Fault::Value("expires".to_owned()))?;
        let body = T::read(&mut fields)?;
        fields.end()?;
        Ok(Self { file: file.to_owned(), body, version, expires, signed: bytes, signatures })
    }
}

fn signatures(values: Vec<Value>) -> Result<Vec<MetadataSignature>, Fault> {
    if values.len() > MOST {
        return Err(Fault::Many("signatures"));
    }
    let mut signatures: Vec<MetadataSignature> = Vec::new();
    for value in values {
        let mut fields = Fields::new("signatures", value)?;
        let key = fields.digest("keyid").map(KeyId)?;
        let signature = hex(&fields.text("sig")?).and_then(|bytes| bytes.try_into().ok());
        let signature = signature.ok_or_else(|| Fault::Value("sig".to_owned()))?;
        fields.end()?;
        if signatures.iter().any(|other| other.key == key) {
            return Err(Fault::SignedTwice(key));
        }
        signatures.push(MetadataSignature { key, signature });
    }
    Ok(signatures)
}

impl Body for Root {
    const ROLE: Role = Role::Root;

    fn read(fields: &mut Fields) -> Result<Self, Fault> {
        if fields.take("consistent_snapshot")? != Value::Bool(true) {
            return Err(Fault::Value("consistent_snapshot".to_owned()));
        }
        let mut keys = BTreeMap::new();
        for (id, value) in fields.object("keys")? {
            let key = key::read(&value).ok_or_else(|| Fault::Key(id.clone()))?;
            let expected = KeyId::of(key.as_bytes());
            if expected.to_string() != id {
                return Err(Fault::KeyId { expected, got: id });
            }
            keys.insert(expected, key);
        }
        if keys.len() > MOST {
            return Err(Fault::Many("keys"));
        }
        let mut listed = Fields::new("roles", fields.take("roles")?)?;
        let mut roles = BTreeMap::new();
        for role in Role::ALL {
            let mut of = Fields::new(role.name(), listed.take(role.name())?)?;
            let mut ids = BTreeSet::new();
            for value in of.array("keyids")? {
                let id = match value {
                    Value::Text(id) => Hash::from_hex(&id).map(KeyId),
                    _ => None,
                };
                let id = id.ok_or_else(|| Fault::Value("keyids".to_owned()))?;
                if !keys.contains_key(&id) {
                    return Err(Fault::UnknownKey { role, key: id });
                }
                if !ids.insert(id) {
                    return Err(Fault::ListedTwice { role, key: id });
                }
            }
            let threshold = of.number("threshold")?;
            of.end()?;
            if threshold == 0 || threshold > ids.len() as u64 {
                return Err(Fault::Threshold { role, threshold, keys: ids.len() });
            }
            roles.insert(role, RoleKeys { keys: ids, threshold });
        }
        listed.end()?;
        let mut own = Fields::new("x-candor", fields.take("x-candor")?)?;
        let feed = own.text("feed")?;
        own.end()?;
        if feed.is_empty() || feed.contains(' ') {
            return Err(Fault::Value("feed".to_owned()));
        }
        Ok(Self { feed, keys, roles })
    }
}

/// Snapshot, which points at targets.
#[derive(Clone, Debug)]
pub(super) struct Snapshot(pub(super) Pointer);

/// Timestamp, which points at snapshot.
#[derive(Clone, Debug)]
pub(super) struct Timestamp(pub(super) Pointer);

impl Body for Snapshot {
    const ROLE: Role = Role::Snapshot;

    fn read(fields: &mut Fields) -> Result<Self, Fault> {
        pointer(fields, "targets.json").map(Self)
    }
}

impl Body for Timestamp {
    const ROLE: Role = Role::Timestamp;

    fn read(fields: &mut Fields) -> Result<Self, Fault> {
        pointer(fields, "snapshot.json").map(Self)
    }
}

fn pointer(fields: &mut Fields, name: &str) -> Result<Pointer, Fault> {
    let mut meta = Fields::new("meta", fields.take("meta")?)?;
    let mut of = Fields::new(name, meta.take(name)?)?;
    // Nothing is delegated, so there is nothing else to point at.
    meta.end()?;
    let version = of.number("version")?;
    let file = of.file()?;
    of.end()?;
    Ok(Pointer { version, file })
}

impl Body for Targets {
    const ROLE: Role = Role::Targets;

    fn read(fields: &mut Fields) -> Result<Self, Fault> {
        if fields.has("delegations") {
            return Err(Fault::Delegations);
        }
        let mut archives = BTreeMap::new();
        for (name, value) in fields.object("targets")? {
            if !is_name(&name) {
                return Err(Fault::Name(name));
            }
            let mut of = Fields::new(&name, value)?;
            let file = of.file()?;
            of.end()?;
            archives.insert(name, file);
        }
        if archives.len() > MOST {
            return Err(Fault::Many("targets"));
        }
        if archives.is_empty() {
            return Err(Fault::Value("targets".to_owned()));
        }
        let mut own = Fields::new("x-candor", fields.take("x-candor")?)?;
        let ring = Ring::parse(&own.text("ring")?).ok_or_else(|| Fault::Value("ring".to_owned()))?;
        let mut withdrawn = BTreeSet::new();
        for value in own.array("withdrawn")? {
            let Value::Number(version) = value else { return Err(Fault::Value("withdrawn".to_owned())) };
            withdrawn.insert(version);
        }
        own.end()?;
        Ok(Self { archives, ring, withdrawn })
    }
}

/// Whether a name is one that a file may have: nothing in it leads anywhere else.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.bytes().all(plain)
}

/// The fields of an object, taken out one by one so that what is left is what is not known.
pub(crate) struct Fields {
    of: String,
    fields: BTreeMap<String, Value>,
}

impl Fields {
    fn new(of: &str, value: Value) -> Result<Self, Fault> {
        match value {
            Value::Object(fields) => Ok(Self { of: of.to_owned(), fields }),
            _ => Err(Fault::Value(of.to_owned())),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    fn take(&mut self, name: &str) -> Result<Value, Fault> {
        let missing = || Fault::Missing { of: self.of.clone(), name: name.to_owned() };
        self.fields.remove(name).ok_or_else(missing)
    }

    fn text(&mut self, name: &str) -> Result<String, Fault> {
        match self.take(name)? {
            Value::Text(text) => Ok(text),
            _ => Err(Fault::Value(name.to_owned())),
        }
    }

    fn number(&mut self, name: &str) -> Result<u64, Fault> {
        match self.take(name)? {
            Value::Number(number) => Ok(number),
            _ => Err(Fault::Value(name.to_owned())),
        }
    }

    fn array(&mut self, name: &str) -> Result<Vec<Value>, Fault> {
        match self.take(name)? {
            Value::Array(values) => Ok(values),
            _ => Err(Fault::Value(name.to_owned())),
        }
    }

    fn object(&mut self, name: &str) -> Result<BTreeMap<String, Value>, Fault> {
        match self.take(name)? {
            Value::Object(values) => Ok(values),
            _ => Err(Fault::Value(name.to_owned())),
        }
    }

    fn digest(&mut self, name: &str) -> Result<Hash, Fault> {
        Hash::from_hex(&self.text(name)?).ok_or_else(|| Fault::Value(name.to_owned()))
    }

    fn file(&mut self) -> Result<FileInfo, Fault> {
        let length = self.number("length")?;
        let mut hashes = Self::new("hashes", self.take("hashes")?)?;
        let sha256 = hashes.digest("sha256")?;
        hashes.end()?;
        Ok(FileInfo { length, sha256 })
    }

    fn end(self) -> Result<(), Fault> {
        match self.fields.into_keys().next() {
            Some(name) => Err(Fault::Unknown { of: self.of, name }),
            None => Ok(()),
        }
    }
}
