//! Logical signatures: conditions over several sub-signatures (`.ldb`).

use candor_model::{FileType, PerceptualHash, Target};

use super::{Comparison, Expression, Levels, Offset, Pattern};

/// A logical signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logical {
    /// Which layers it is for.
    pub target: TargetDescription,
    /// The condition.
    pub expression: Expression,
    /// What the condition is over; at most 64.
    pub subsignatures: Vec<SubSignature>,
}

/// The conditions on the layer itself: ClamAV's TargetDescriptionBlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetDescription {
    /// `Target:`
    pub target: Target,
    /// `Engine:`
    pub levels: Levels,
    /// `FileSize:`, in bytes.
    pub file_size: Option<Range>,
    /// `EntryPoint:`, a file offset.
    pub entry_point: Option<Range>,
    /// `NumberOfSections:`
    pub sections: Option<Range>,
    /// `IconGroup1:`
    pub icon_group1: Option<String>,
    /// `IconGroup2:`
    pub icon_group2: Option<String>,
    /// `Container:`, the type of the layer that this one came out of; see [`Self::is_inside`].
    pub container: Option<FileType>,
    /// `Intermediates:`, the types of the layers around this one, outermost first.
    pub intermediates: Vec<FileType>,
    /// `HandlerType:`, as what the layer is to be looked at again instead of alerting.
    pub handler: Option<FileType>,
}

impl TargetDescription {
    /// Whether the layers around one, outermost first, are those that `Container:` and `Intermediates:` ask for.
    ///
    /// As in ClamAV, a container of any type means none at all; any type among intermediates stands for no layer,
    /// but there are as many layers as types.
    #[must_use]
    pub fn is_inside(&self, parents: &[FileType]) -> bool {
        let container = parents.last().copied().unwrap_or(FileType::Any);
        let named = self.intermediates.iter().filter(|kind| **kind != FileType::Any);
        self.container.is_none_or(|kind| kind == container)
            && self.intermediates.len() <= parents.len()
            && named.rev().zip(parents.iter().rev()).all(|(named, parent)| named == parent)
    }
}

/// Numbers from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// Lowest.
    pub min: u64,
    /// Highest.
    pub max: u64,
}

impl Range {
    /// Whether `value` is one of them.
    #[must_use]
    pub const fn contains(self, value: u64) -> bool {
        self.min <= value && value <= self.max
    }
}

/// One sub-signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubSignature {
    /// A comparison of bytes near a hit of another sub-signature.
    ByteCompare(ByteCompare),
    /// One of these patterns occurs; `::aw` makes two of one. Hits of all are added up.
    Content {
        /// The patterns, at least one.
        patterns: Vec<Pattern>,
        /// The macro group that it is a member of (`$n$` as its offset).
        macro_group: Option<u8>,
    },
    /// The layer is an image with this perceptual hash.
    FuzzyImage(PerceptualHash),
    /// A regular expression, run when its trigger holds.
    Regex(Regex),
}

/// `[offset:]trigger/regex/flags`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex {
    /// Where a match may start.
    pub offset: Offset,
    /// When to run: a condition over earlier sub-signatures.
    pub trigger: Expression,
    /// The expression in PCRE's syntax, as written. Meant for bytes, not for UTF-8.
    pub pattern: String,
    /// How to run it.
    pub flags: RegexFlags,
}

/// Flags of a regular expression, named as in PCRE and in ClamAV's manual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RegexFlags {
    /// `g`: count every match, not only the first.
    pub global: bool,
    /// `r`: a match may start anywhere from the offset on.
    pub rolling: bool,
    /// `e`: a match must lie within offset and offset + shift.
    pub encompass: bool,
    /// `i`
    pub caseless: bool,
    /// `s`
    pub dot_all: bool,
    /// `m`
    pub multi_line: bool,
    /// `x`
    pub extended: bool,
    /// `A`
    pub anchored: bool,
    /// `E`
    pub dollar_end_only: bool,
    /// `U`
    pub ungreedy: bool,
}

/// `id(offset#options#comparisons)`: reads a number near a hit and compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteCompare {
    /// The sub-signature whose last hit it is relative to.
    pub sub: u32,
    /// Distance from the start of that hit: forward (`>>`) or back (`<<`).
    pub distance: i64,
    /// How the number is written.
    pub form: NumberForm,
    /// Whether the most significant byte comes first (`b`; little-endian is `l`). Meaningless for
    /// decimal numbers.
    pub big_endian: bool,
    /// Whether exactly [`length`](Self::length) bytes must be digits (`e`).
    pub exact: bool,
    /// Number of bytes to read.
    pub length: u32,
    /// What must hold, all of them; one or two.
    pub comparisons: Vec<Number>,
}

/// How a number in the layer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberForm {
    /// Hexadecimal digits when prefixed `0x`, else decimal: `a`.
    Auto,
    /// Decimal digits: `d`.
    Decimal,
    /// Hexadecimal digits: `h`.
    Hexadecimal,
    /// A raw integer of 1, 2, 4 or 8 bytes: `i`.
    Raw,
}

/// A comparison with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    /// How.
    pub comparison: Comparison,
    /// With what. Numbers in the layer are read as signed ones, too.
    pub value: i64,
}
