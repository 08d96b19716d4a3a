//! How a parser hands out what it reads: it is given bytes and a [`Sink`], gives children, facts
//! and troubles to the sink, and returns. Only the engine recurses.

use std::io::Read;

use crate::{Anomaly, Budget, CertificateRule, Facts, FileType, Reason};

/// Whether the parser should go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Go on with the next child.
    Continue,
    /// Return now: enough was found, or a limit was reached.
    Stop,
}

/// How a child came out of its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    /// Stands in the parent's bytes as it is, at this offset.
    Embedded {
        /// Offset in the parent, in bytes.
        offset: u64,
    },
    /// Was unpacked: an archive member, a decompressed stream.
    Extracted,
    /// Is a rewritten copy of the parent, made only to be searched.
    Normalised(Normalisation),
}

/// A rewriting of text, and what the result is searched as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Normalisation {
    /// HTML without comments: lower case, entities decoded, white space folded.
    HtmlNoComments,
    /// HTML without tags.
    HtmlNoTags,
    /// A script found in HTML.
    Script,
    /// Plain text: lower case, white space folded.
    Text,
}

/// What a container says about one of its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Name as stored, decoded as well as can be.
    pub name: String,
    /// Position in the container, from 1; 0 when it has no members.
    pub position: u64,
    /// Compressed size in bytes, when the container says.
    pub compressed_size: Option<u64>,
    /// Real size in bytes, when the container says.
    pub real_size: Option<u64>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// CRC-32, when the container says.
    pub crc32: Option<u32>,
    /// The container's number for the compression method.
    pub method: Option<u16>,
    /// A type that the parser knows better than content can tell.
    pub file_type: Option<FileType>,
}

/// The bytes of a child.
pub enum Content<'a> {
    /// They cannot be had, for this reason; only the metadata is looked at.
    Absent(Reason),
    /// They stand in memory.
    Bytes(&'a [u8]),
    /// Only their beginning stands in memory, for this reason.
    Part(&'a [u8], Reason),
    /// They come out of a decoder. The sink reads as much as the budget allows. An error is damage, but for `Unsupported`, which
    /// says what it means, and `QuotaExceeded`: more would cost more work than is left ([`Reason::Work`]).
    Stream(&'a mut dyn Read),
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent(reason) => f.debug_tuple("Absent").field(reason).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Part(bytes, reason) => write!(f, "Part({}, {reason:?})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Receives what a parser reads.
pub trait Sink {
    /// Takes one child. The sink scans it before it returns.
    fn child(&mut self, kind: ChildKind, member: &Member, content: Content<'_>) -> Flow;

    /// Takes rewritten copies of the layer that are there at the same time, one after the other.
    fn copies(&mut self, copies: &[(Normalisation, &[u8])]) -> Flow {
        for (normalisation, bytes) in copies {
            let kind = ChildKind::Normalised(*normalisation);
            if self.child(kind, &Member::default(), Content::Bytes(bytes)) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Takes what was learned about the layer itself. Later facts replace earlier ones.
    fn facts(&mut self, facts: Facts);

    /// Takes one more thing to say about the layer itself.
    fn detail(&mut self, _key: &'static str, _value: String) {}

    /// Notes something unusual about the layer itself.
    fn anomaly(&mut self, _anomaly: Anomaly) {}

    /// Notes that something of the layer was not looked at.
    fn incomplete(&mut self, reason: Reason);

    /// The account that memory for output is paid from, for parsers that must buffer.
    fn budget(&mut self) -> &mut Budget;

    /// Passwords to try on what is encrypted, besides the common ones, likeliest first.
    fn passwords(&self) -> &[Vec<u8>] {
        &[]
    }

    /// Certificates that somebody decided about.
    fn certificate_rules(&self) -> &[CertificateRule] {
        &[]
    }

    /// Whether somebody wants to know a program's digests without what signing it changes.
    fn wants_program_digests(&self) -> bool {
        false
    }

    /// Takes such a digest.
    fn program_digest(&mut self, _digest: &[u8]) {}

    /// Notes that the layer bears a certificate of [`certificate_rules`](Self::certificate_rules) that is not
    /// trusted, or is vouched for by one that is; by its place in them.
    fn certified(&mut self, _rule: usize) {}
}
