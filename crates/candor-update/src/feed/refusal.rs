//! Why a release is refused: one plain sentence each, with what was expected and what was there.

use std::collections::BTreeSet;

use super::json::JsonError;
use super::key::KeyId;
use super::metadata::Role;
use super::release::ArchiveError;
use super::time;
use crate::log::tiles::TileError;
use crate::log::{NotWitnessed, ProofError};

/// Why a release is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A file is not there.
    #[error("`{0}` is missing from the feed")]
    Missing(String),
    /// A file has no end, or none that is waited for.
    #[error("`{file}` is longer than the {limit} bytes that are read of it")]
    Endless {
        /// The file.
        file: String,
        /// What is read at most.
        limit: u64,
    },
    /// A file cannot be read.
    #[error("`{file}` cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Metadata that is not canonical.
    #[error("`{file}` is not in the canonical form: {source}")]
    Json {
        /// The file.
        file: String,
        /// Where and why.
        source: JsonError,
    },
    /// Metadata that says something else than it should.
    #[error("`{file}` cannot be used: {fault}")]
    Shape {
        /// The file.
        file: String,
        /// What is wrong.
        fault: Fault,
    },
    /// Too few signatures.
    #[error("`{file}` has {got} of the {needed} signatures that the {by} demands of {role}")]
    Threshold {
        /// The file.
        file: String,
        /// Whose signatures.
        role: Role,
        /// Which root (or the policy) demands them.
        by: String,
        /// How many.
        needed: u64,
        /// How many hold.
        got: u64,
    },
    /// A root that asks for fewer signatures than the customer.
    #[error("`{file}` wants {got} signatures for {role}, and the policy demands at least {needed}")]
    WeakRoot {
        /// The file.
        file: String,
        /// The role.
        role: Role,
        /// What the policy demands.
        needed: u64,
        /// What the root wants.
        got: u64,
    },
    /// A key that would let one machine stand for two roles.
    #[error("`{file}` gives the key {key} to both {first} and {second}")]
    SharedKey {
        /// The file.
        file: String,
        /// One role.
        first: Role,
        /// The other.
        second: Role,
        /// The key.
        key: KeyId,
    },
    /// A root of the wrong number.
    #[error("`{file}` says that it is version {got}, and {expected} is what follows")]
    RootVersion {
        /// The file.
        file: String,
        /// The version that must be.
        expected: u64,
        /// The version that is.
        got: u64,
    },
    /// More new roots than anybody needs.
    #[error("the feed has more than {0} new roots")]
    ManyRoots(u64),
    /// The root of another feed.
    #[error("`{file}` is of the feed `{got}`, not of `{expected}`")]
    OtherFeed {
        /// The file.
        file: String,
        /// The feed that is wanted.
        expected: String,
        /// The feed that it is of.
        got: String,
    },
    /// Metadata that does not hold any more.
    #[error("`{file}` held until {}, and it is {} (freeze, or a clock that is wrong)", time::write(*.expired), time::write(*.now))]
    Expired {
        /// The file.
        file: String,
        /// Until when.
        expired: u64,
        /// What time it was when the update began.
        now: u64,
    },
    /// A version that is older than what was seen.
    #[error("`{file}` has version {got}, and version {known} has been seen before (roll-back)")]
    Rollback {
        /// The file.
        file: String,
        /// What was seen.
        known: u64,
        /// What is offered.
        got: u64,
    },
    /// Two contents under one version.
    #[error("`{file}` has the version {version} that has been seen before, with another content")]
    Equivocation {
        /// The file.
        file: String,
        /// The version.
        version: u64,
    },
    /// A file of another version than what points at it says.
    #[error("`{file}` has version {got}, and {expected} was to be there (mix and match)")]
    Version {
        /// The file.
        file: String,
        /// The version that must be.
        expected: u64,
        /// The version that is.
        got: u64,
    },
    /// A file of another length.
    #[error("`{file}` has {got} bytes, and {expected} are signed for")]
    Length {
        /// The file.
        file: String,
        /// Bytes that must be.
        expected: u64,
        /// Bytes that are.
        got: u64,
    },
    /// A file that would be too long to be read.
    #[error("`{file}` is to have {got} bytes, and at most {most} are read")]
    Large {
        /// The file.
        file: String,
        /// The most that is read.
        most: u64,
        /// What is signed for.
        got: u64,
    },
    /// A file of another content.
    #[error("`{file}` has the digest {got}, and {expected} is signed for")]
    Digest {
        /// The file.
        file: String,
        /// The digest that must be.
        expected: String,
        /// The digest that is.
        got: String,
    },
    /// No proof that the release was logged.
    #[error("release {version} has no proof that it was logged: `{file}` is missing")]
    NotLogged {
        /// The release.
        version: u64,
        /// Where the proof would be.
        file: String,
    },
    /// A proof that does not hold.
    #[error("`{file}` does not prove that the release was logged: {source}")]
    Proof {
        /// The file.
        file: String,
        /// Why.
        source: ProofError,
    },
    /// The log's newest checkpoint is not accepted.
    #[error("`{file}` is not accepted: {source}")]
    Checkpoint {
        /// The file.
        file: String,
        /// Why.
        source: NotWitnessed,
    },
    /// A log of another name than before, or than the proof's.
    #[error("the log is `{got}`, and was `{expected}`")]
    OtherLog {
        /// What was known.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A log that has become smaller.
    #[error("the log has {got} entries, and has had {known} (roll-back of the log)")]
    LogShrunk {
        /// What was known.
        known: u64,
        /// What is there.
        got: u64,
    },
    /// A log that tells two stories.
    #[error("the log has forked: its {new} entries do not begin with the {old} that {whose}")]
    Forked {
        /// The smaller size.
        old: u64,
        /// The larger one.
        new: u64,
        /// Where the smaller one was seen.
        whose: &'static str,
    },
    /// The log's tiles do not give a proof.
    #[error("the log's files do not show that its {new} entries begin with the {old} that were seen")]
    Tiles {
        /// The smaller size.
        old: u64,
        /// The larger one.
        new: u64,
        /// Why.
        #[source]
        source: TileError,
    },
    /// The log's tiles are not those that its checkpoint is over.
    #[error(
        "the log's files are damaged: they do not give its {new} entries, and so do not show that they begin with the {old} that were seen"
    )]
    DamagedTiles {
        /// The smaller size.
        old: u64,
        /// The larger one.
        new: u64,
    },
    /// Nobody has vouched for the log lately.
    #[error("the witnesses last vouched for the log at {}, which is more than {hours} hours ago (stale witnesses)", time::write(*.seen))]
    StaleWitnesses {
        /// When.
        seen: u64,
        /// How old it may be.
        hours: u64,
    },
    /// Witnesses whose clocks are ahead, or a local clock that is behind.
    #[error("the witnesses vouched for the log at {}, which is ahead of this machine's clock ({})", time::write(*.seen), time::write(*.now))]
    FutureWitnesses {
        /// When.
        seen: u64,
        /// What time it was when the update began.
        now: u64,
    },
    /// Cosignatures that are older than ones that were seen.
    #[error("the witnesses' cosignatures are of {}, and ones of {} have been seen before", time::write(*.got), time::write(*.known))]
    OlderWitnesses {
        /// What was seen.
        known: u64,
        /// What is offered.
        got: u64,
    },
    /// Another version than the policy wants.
    #[error("the policy pins release {pinned}, and the feed's newest is {newest}, the one in use {active}")]
    Pinned {
        /// What the policy wants.
        pinned: u64,
        /// What the feed has.
        newest: u64,
        /// What is in use.
        active: u64,
    },
    /// A second repository that is wanted and not there.
    #[error("the policy wants `{0}` to agree, and nothing of it is given")]
    NoCosigner(String),
    /// A second repository that is refused itself.
    #[error("`{name}`, which must agree, is refused: {source}")]
    Cosigner {
        /// Its name in the policy.
        name: String,
        /// Why.
        source: Box<Self>,
    },
    /// A second repository that does not agree.
    #[error("`{name}` does not agree: it {says}")]
    Disagreement {
        /// Its name in the policy.
        name: String,
        /// What it says.
        says: String,
    },
    /// A feed from the network, under a policy that forbids that.
    #[error("the policy takes releases that are carried in only, and this one came over the network")]
    Network,
    /// The state is of another feed, or of other second repositories.
    #[error("what was stored is of the feed `{stored}`, and the policy names `{policy}`")]
    OtherState {
        /// What is stored.
        stored: String,
        /// What the policy names.
        policy: String,
    },
    /// An archive that is not what a release may be.
    #[error("`{file}` is refused: {source}")]
    Archive {
        /// The archive.
        file: String,
        /// Why.
        source: ArchiveError,
    },
    /// A member that two archives have.
    #[error("`{member}` is in two archives of the release")]
    MemberTwice {
        /// The member.
        member: String,
    },
}

/// What is wrong with a file of metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Another role's metadata.
    #[error("it is of type `{got}`, not `{expected}`")]
    Type {
        /// What must be.
        expected: &'static str,
        /// What is.
        got: String,
    },
    /// Another version of the specification.
    #[error("it follows version `{0}` of the specification, and 1.0 is known")]
    Specification(String),
    /// A field is not there.
    #[error("`{of}` has no `{name}`")]
    Missing {
        /// Where.
        of: String,
        /// Which.
        name: String,
    },
    /// A field that is not known.
    #[error("`{of}` has a field `{name}`, whose meaning is not known")]
    Unknown {
        /// Where.
        of: String,
        /// Which.
        name: String,
    },
    /// A value that is not what the field holds.
    #[error("the value of `{0}` is not one that it can have")]
    Value(String),
    /// Too many of something.
    #[error("it has too many {0}")]
    Many(&'static str),
    /// A key that is not Ed25519, or is unsound.
    #[error("the key `{0}` is not a sound Ed25519 key in its one spelling")]
    Key(String),
    /// A key under an identifier that is not its own.
    #[error("the key listed as `{got}` has the identifier {expected}")]
    KeyId {
        /// What it would have to be.
        expected: KeyId,
        /// What is written.
        got: String,
    },
    /// A role of a key that is not listed.
    #[error("{role} has the key {key}, which is not listed")]
    UnknownKey {
        /// The role.
        role: Role,
        /// The key.
        key: KeyId,
    },
    /// A key that a role has twice.
    #[error("{role} lists the key {key} twice")]
    ListedTwice {
        /// The role.
        role: Role,
        /// The key.
        key: KeyId,
    },
    /// A key that signed twice.
    #[error("the key {0} signed twice")]
    SignedTwice(KeyId),
    /// A threshold that means nothing, or that nobody can reach.
    #[error("{role} needs {threshold} signatures of {keys} keys")]
    Threshold {
        /// The role.
        role: Role,
        /// How many are needed.
        threshold: u64,
        /// How many there are.
        keys: usize,
    },
    /// Others are to decide what the release is.
    #[error("it delegates to other roles, and a feed has none")]
    Delegations,
    /// A name that leads elsewhere.
    #[error("`{0}` is not a plain name of a file")]
    Name(String),
}

/// The identifiers of keys, for records.
pub(super) fn ids(keys: &BTreeSet<KeyId>) -> Vec<String> {
    keys.iter().map(KeyId::to_string).collect()
}
