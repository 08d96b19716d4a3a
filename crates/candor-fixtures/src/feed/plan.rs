//! What a feed is to look like, as the cases in `testdata/feeds/` say it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One attack: what a customer has seen, what it is shown, and how that is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What is done, and by whom.
    pub about: String,
    /// The feed as it was when the customer looked last. Absent: it looks for the first time.
    pub before: Option<Plan>,
    /// The feed as it is now.
    #[serde(default)]
    pub now: Plan,
    /// Another feed, whose files may be mixed in.
    pub other: Option<Plan>,
    /// The repository that must agree, if the policy wants one.
    pub cosigner: Option<Plan>,
    /// Lines for the top of the policy.
    #[serde(default)]
    pub policy: String,
    /// What time it is.
    #[serde(default = "noon")]
    pub clock: String,
    /// Whether the files came over the network.
    #[serde(default)]
    pub network: bool,
    /// The refusal's name; none if the release is to be let in.
    pub refusal: Option<String>,
    /// The sentence that is told.
    #[serde(default)]
    pub message: String,
    /// Whether a new root is kept although the rest is refused.
    #[serde(default)]
    pub learns: bool,
}

/// Until when holds what no plan says anything of: some tests ask the clock of the machine.
pub(super) const NEVER: &str = "2099-01-01T00:00:00Z";

fn noon() -> String {
    "2026-11-25T12:00:00Z".to_owned()
}

/// A feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Plan {
    /// Its name.
    pub feed: String,
    /// Its roots, in order.
    pub roots: Vec<RootPlan>,
    /// Its newest release; all before are there as well.
    pub release: u64,
    /// The newest release's ring.
    pub ring: String,
    /// Releases that the newest withdraws.
    pub withdrawn: Vec<u64>,
    /// The newest release's metadata.
    pub targets: RolePlan,
    /// What points at it.
    pub snapshot: RolePlan,
    /// What points at that.
    pub timestamp: RolePlan,
    /// The archive of the newest release.
    pub archive: ArchivePlan,
    /// The log.
    pub log: LogPlan,
    /// What becomes of single files in the end.
    pub files: BTreeMap<String, FilePlan>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            feed: "example.com/feed".to_owned(),
            roots: vec![RootPlan::default()],
            release: 2,
            ring: "broad".to_owned(),
            withdrawn: vec![],
            targets: RolePlan::default(),
            snapshot: RolePlan::default(),
            timestamp: RolePlan::default(),
            archive: ArchivePlan::default(),
            log: LogPlan::default(),
            files: BTreeMap::new(),
        }
    }
}

/// A root. Keys are made from their names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RootPlan {
    /// Its version; otherwise its place.
    pub version: Option<u64>,
    /// The name of its file; otherwise its place.
    pub file: Option<String>,
    /// The feed that it says it is of; otherwise the plan's.
    pub feed: Option<String>,
    /// Until when it holds.
    pub expires: String,
    /// Keys of the root role.
    pub root: Vec<String>,
    /// Keys of the targets role.
    pub content: Vec<String>,
    /// Keys of the snapshot role.
    pub snapshot: Vec<String>,
    /// Keys of the timestamp role.
    pub timestamp: Vec<String>,
    /// Signatures that the root role needs.
    pub root_threshold: u64,
    /// Signatures that the targets role needs.
    pub content_threshold: u64,
    /// Who signs it.
    pub signers: Vec<String>,
    /// What is replaced before it is signed.
    pub edit: Vec<[String; 2]>,
    /// What is replaced after it is signed.
    pub tamper: Vec<[String; 2]>,
}

impl Default for RootPlan {
    fn default() -> Self {
        let names =
            |prefix: &str, count: u32| (1..=count).map(|number| format!("{prefix}-{number}")).collect();
        Self {
            version: None,
            file: None,
            feed: None,
            expires: NEVER.to_owned(),
            root: names("root", 5),
            content: names("content", 3),
            snapshot: vec!["online".to_owned()],
            timestamp: vec!["online".to_owned()],
            root_threshold: 3,
            content_threshold: 2,
            signers: names("root", 3),
            edit: vec![],
            tamper: vec![],
        }
    }
}

/// Metadata of another role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RolePlan {
    /// Its version; otherwise the release's number.
    pub version: Option<u64>,
    /// The version that it is pointed at by; otherwise its own.
    pub pointed: Option<u64>,
    /// Until when it holds.
    pub expires: Option<String>,
    /// Who signs it.
    pub signers: Option<Vec<String>>,
    /// Whether the first signature is there twice.
    pub repeated: bool,
    /// What is replaced before it is signed.
    pub edit: Vec<[String; 2]>,
    /// What is replaced after it is signed, and before it is pointed at.
    pub tamper: Vec<[String; 2]>,
}

/// The archive of the newest release.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ArchivePlan {
    /// Text members, besides one of signatures.
    pub members: BTreeMap<String, String>,
    /// Members in hexadecimal.
    pub bytes: BTreeMap<String, String>,
    /// What is replaced in the manifest.
    pub manifest: Vec<[String; 2]>,
    /// Name of a member in its header, instead of that in the manifest.
    pub renamed: BTreeMap<String, String>,
    /// A member of this many zeros, as digits.
    pub zeros: Option<u64>,
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LogPlan {
    /// The log's name, which its key is made from.
    pub name: String,
    /// Entries that are not this feed's, before it.
    pub others: u32,
    /// What these say: another word is another history.
    pub history: String,
    /// Who cosigned the proofs' checkpoint.
    pub proof_witnesses: Vec<String>,
    /// Who cosigned the newest checkpoint.
    pub witnesses: Vec<String>,
    /// When they did; otherwise an hour ago.
    pub witnessed: Option<String>,
    /// Whether the log has the release as it is without changes of the archive: what everybody else sees.
    pub public: bool,
    /// How many entries of others come after each release.
    pub later: u32,
}

impl Default for LogPlan {
    fn default() -> Self {
        let two = || vec!["one".to_owned(), "two".to_owned()];
        Self {
            name: "example.com/log".to_owned(),
            others: 300,
            history: "somebody else's entry".to_owned(),
            proof_witnesses: two(),
            witnesses: two(),
            witnessed: None,
            public: false,
            later: 3,
        }
    }
}

/// What becomes of a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct FilePlan {
    /// It is taken from `before` or `other`.
    pub from: Option<String>,
    /// Under this name there.
    pub named: Option<String>,
    /// It is gone.
    pub removed: bool,
    /// It is this.
    pub text: Option<String>,
    /// It is followed by so many bytes.
    pub grown: Option<usize>,
    /// What is replaced in it.
    pub replaced: Vec<[String; 2]>,
    /// The byte that is changed in it.
    pub flipped: Option<usize>,
}
