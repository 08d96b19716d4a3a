//! Everything that is neither a digest nor about content: members of containers, file types, icons,
//! passwords, lists for the mail and URL side.

use candor_model::{FileType, Target};

use super::{Pattern, Range, TargetDescription};

/// A member of a container, by its metadata (`.cdb`). `None` is `*`: anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerMember {
    /// Type of the container.
    pub container: Option<FileType>,
    /// Its size in bytes.
    pub container_size: Option<Range>,
    /// POSIX extended regular expression on the member's name.
    pub name: Option<String>,
    /// Compressed size in bytes.
    pub compressed_size: Option<Range>,
    /// Real size in bytes.
    pub real_size: Option<Range>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// Position in the container.
    pub position: Option<Range>,
    /// For ZIP and RAR: CRC-32 of the member (the field `Res1`).
    pub crc32: Option<u32>,
}

/// A member of a ZIP or RAR archive, in the older form (`.zmd`, `.rmd`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyMember {
    /// [`FileType::Zip`] or [`FileType::Rar`].
    pub container: FileType,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// POSIX extended regular expression on the name.
    pub name: Option<String>,
    /// Real size in bytes.
    pub real_size: Option<u64>,
    /// Compressed size in bytes.
    pub compressed_size: Option<u64>,
    /// CRC-32.
    pub crc32: Option<u32>,
    /// Compression method.
    pub method: Option<u16>,
    /// Position in the archive.
    pub position: Option<u64>,
    /// Depth of archives inside one another.
    pub max_depth: Option<u32>,
}

/// A rule that recognises a file type (`.ftm`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMagic {
    /// How it is compared.
    pub kind: MagicKind,
    /// Type that the layer must have so far.
    pub required: FileType,
    /// Type that it then has.
    pub detected: FileType,
}

/// How a file-type rule is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MagicKind {
    /// These bytes at this offset from the start (type 0; type 4 is the same for partitions).
    At {
        /// Offset in bytes.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether it is for partitions of disk images.
        partition: bool,
    },
    /// This pattern somewhere (type 1).
    Pattern {
        /// Where and what.
        pattern: Pattern,
        /// Class that the rule is for.
        target: Target,
    },
}

/// An icon (`.idb`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IconSignature {
    /// First group.
    pub group1: String,
    /// Second group.
    pub group2: String,
    /// The hash: size (first byte) and features, as 62 bytes.
    pub hash: [u8; 62],
}

/// A password to try on archives (`.pwdb`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    /// Where to try it.
    pub target: TargetDescription,
    /// The password.
    pub password: Vec<u8>,
}

/// A line about URLs (`.wdb`, `.pdb`, `.gdb`), kept for the mail side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlList {
    /// Letter at the start of the line: `X Y M R H S W`.
    pub kind: char,
    /// The fields behind it.
    pub fields: Vec<String>,
}

/// A line of a list that other parts of the product use: `.cfg`, `.info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextList {
    /// The line, as written.
    pub line: String,
}
