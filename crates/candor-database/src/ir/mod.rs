//! What signature languages are translated into, and what an image is built from.
//!
//! A language front end (candor-signature) produces these values; [`crate::Builder`] turns them into
//! an image; `candor_fixtures::naive` searches them directly, slowly and plainly. They say what a signature
//! means, not how it is found. Values here are well-formed by their types as far as that is possible;
//! what is not is checked by [`crate::Builder`], which refuses with a [`Refusal`] and goes on.

mod expression;
mod logical;
mod metadata;
mod pattern;
mod rule;

pub use expression::{Comparison, Expression};
pub use logical::{
    ByteCompare, Logical, Number, NumberForm, Range, Regex, RegexFlags, SubSignature, TargetDescription,
};
pub use metadata::{
    ContainerMember, FileMagic, IconSignature, LegacyMember, MagicKind, Password, TextList, UrlList,
};
pub use pattern::{Alternatives, Boundary, BoundaryKind, Element, Gap, Offset, OffsetBase, Part, Pattern};
pub use rule::{
    BinaryOperator, External, ModulePath, ModuleRoot, ModuleStep, Place, Quantifier, Rule, RuleRegex,
    RuleString, Sequence, Spelling, StringForm, StringRef, Term, UnaryOperator,
};

use candor_model::{CertificateRule, Digest, Target};

/// Takes what a language front end reads: [`crate::Builder`], or whoever wants the signatures
/// themselves.
pub trait Receiver {
    /// Announces a file that signatures come from.
    ///
    /// # Errors
    /// There are more sources than the receiver can number.
    fn source(&mut self, source: Source) -> Result<SourceId, Refusal>;

    /// Takes one signature.
    ///
    /// # Errors
    /// The receiver has no use for it; the receiver is as before.
    fn add(&mut self, header: Header<'_>, signature: Signature) -> Result<(), Refusal>;

    /// Is called now and then while much is read before signatures come of it: what was read before may be let go of.
    fn pause(&mut self) {}
}

/// Which functionality levels of the engine a signature is for, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Lowest level.
    pub min: u32,
    /// Highest level.
    pub max: u32,
}

impl Levels {
    /// Any engine.
    pub const ANY: Self = Self { min: 0, max: u32::MAX };

    /// Whether an engine of this level takes the signature.
    #[must_use]
    pub const fn contains(self, level: u32) -> bool {
        self.min <= level && level <= self.max
    }
}

/// Number of a source file within one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u16);

/// A database file that signatures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name for people, with the container it was in: `daily.cvd/daily.ldb`.
    pub name: String,
    /// Which language, as its usual extension: `ldb`. The same for `ldb` and `ldu`.
    pub language: &'static str,
    /// Whether it came out of a container whose signature was verified.
    pub official: bool,
    /// Whether it holds possibly-unwanted-application signatures (`.ndu`, `.ldu`, …), which only
    /// count when the user asks for them.
    pub potentially_unwanted: bool,
}

/// What is common to every signature: its name and where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Name, as written.
    pub name: &'a str,
    /// The file it was written in.
    pub source: SourceId,
    /// Line in that file, from 1.
    pub line: u32,
}

/// What a digest is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashSubject {
    /// A whole layer (`.hdb`, `.hsb`).
    File,
    /// The bytes of one PE section (`.mdb`, `.msb`).
    Section,
    /// The import list of a PE file (`.imp`).
    Imports,
    /// A whole layer, to be trusted (`.fp`, `.sfp`).
    Trusted,
}

impl HashSubject {
    /// Every subject, in the order of its number in an image.
    pub const ALL: [Self; 4] = [Self::File, Self::Section, Self::Imports, Self::Trusted];
}

/// A signature that is a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash {
    /// What the digest is of.
    pub subject: HashSubject,
    /// The digest.
    pub digest: Digest,
    /// Length in bytes of what the digest is of; `None` for any (`*`).
    pub size: Option<u64>,
}

/// A body signature of its own (`.ndb`, `.db`, `.sdb`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Which files it is for.
    pub target: Target,
    /// What must occur.
    pub pattern: Pattern,
    /// For the macro group that it is a member of, when its offset says so (`$n$`): such a
    /// signature never alerts, it only serves as a member.
    pub macro_group: Option<u8>,
    /// Whether it applies to the raw layer before extraction (`.sdb`).
    pub raw: bool,
}

/// One signature of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// `.crb`
    Certificate(CertificateRule),
    /// `.ndb`, `.db`, `.sdb`
    Body(Body),
    /// `.cat`: digests of trusted programs, signed (PKCS #7)
    Catalogue(Vec<u8>),
    /// `.cdb`
    ContainerMember(ContainerMember),
    /// `.hdb`, `.mdb`, `.imp`, `.fp` and their kin
    Hash(Hash),
    /// `.idb`
    Icon(IconSignature),
    /// `.zmd`, `.rmd`
    LegacyMember(LegacyMember),
    /// `.ldb`
    Logical(Logical),
    /// `.ftm`
    Magic(FileMagic),
    /// `.pwdb`
    Password(Password),
    /// `.yar`, `.yara`
    Rule(Rule),
    /// `.cfg`, `.info` and the like, kept as lines for those who ask for them.
    Text(TextList),
    /// `.wdb`, `.pdb`, `.gdb`
    Url(UrlList),
}

/// Why a signature cannot be part of an image, though its text is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A regular expression that does not compile.
    #[error("regular expression: {0}")]
    Regex(String),
    /// A part of a pattern without two fixed bytes in a row, which nothing could be found by.
    #[error("no two fixed bytes in a row in one part of the pattern")]
    NoFixedBytes,
    /// A rule that cannot be evaluated.
    #[error("rule: {0}")]
    Rule(String),
    /// More of something than the image format can number.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// A signature from a source that was not announced.
    #[error("source {0} was not announced")]
    UnknownSource(u16),
    /// A reference to a sub-signature that does not exist.
    #[error("sub-signature {0} does not exist")]
    UnknownSubSignature(u32),
}
