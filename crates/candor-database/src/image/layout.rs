//! The container: a header, a directory of sections, and the sections.
//!
//! The directory stands right behind the header, so that opening an image touches its first page and
//! nothing else. Its room is of fixed size, so that sections can be written one after another before
//! it is known how many there will be.

use std::io::BufRead;
use std::ops::Range;

use xxhash_rust::xxh3::Xxh3Default;

use super::OpenError;
use crate::bytes::{Reader, run, u32_at, u64_at};

/// What an image starts with. The first byte is no text, the last ones tell line-end conversion.
pub(super) const MAGIC: [u8; 8] = *b"\x8aCANDOR\n";

/// The format that this program writes, and the only one that it reads.
pub(super) const VERSION: u32 = 1;

/// Length of the header in bytes.
pub(super) const HEADER: usize = 64;

/// Length of a directory entry in bytes.
pub(super) const ENTRY: usize = 32;

/// Room of header and directory. Sections start behind it.
pub(super) const FRONT: usize = 4096;

/// Number of directory entries that there is room for.
const ENTRIES: usize = 126;

const _: () = assert!(HEADER + ENTRIES * ENTRY == FRONT, "the directory fills the front");
const _: () = assert!(SectionKind::ALL.len() <= ENTRIES, "the directory has room for every kind");

macro_rules! section_kinds {
    ($($variant:ident = $tag:literal, $name:literal;)*) => {
        /// What a section holds. A number is never used again for anything else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum SectionKind {
            $(#[doc = $name] $variant,)*
        }

        impl SectionKind {
            /// Every kind, in the order of the declaration.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name for people.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The number in the directory.
            pub(super) const fn tag(self) -> u32 {
                match self { $(Self::$variant => $tag,)* }
            }
        }
    };
}

section_kinds! {
    Sources = 0x01, "sources";
    NameBlocks = 0x02, "blocks of names";
    Names = 0x03, "names";
    FileMd5 = 0x10, "MD5 of files";
    FileSha1 = 0x11, "SHA-1 of files";
    FileSha256 = 0x12, "SHA-256 of files";
    SectionMd5 = 0x13, "MD5 of PE sections";
    SectionSha1 = 0x14, "SHA-1 of PE sections";
    SectionSha256 = 0x15, "SHA-256 of PE sections";
    ImportsMd5 = 0x16, "MD5 of import lists";
    ImportsSha1 = 0x17, "SHA-1 of import lists";
    ImportsSha256 = 0x18, "SHA-256 of import lists";
    TrustedMd5 = 0x19, "MD5 of trusted files";
    TrustedSha1 = 0x1a, "SHA-1 of trusted files";
    TrustedSha256 = 0x1b, "SHA-256 of trusted files";
    Members = 0x20, "members of containers";
    MagicAt = 0x21, "file types by bytes at an offset";
    MagicPatterns = 0x22, "file types by pattern";
    Icons = 0x23, "icons";
    Passwords = 0x24, "passwords";
    Urls = 0x25, "lists about URLs";
    Texts = 0x26, "lists of lines";
    Certificates = 0x27, "certificates of programs";
    Catalogues = 0x28, "catalogues of programs";
    ContentRecords = 0x30, "patterns: signatures";
    ContentPrograms = 0x31, "patterns: descriptions";
    ContentIndex = 0x32, "patterns: index";
    ContentAlways = 0x33, "patterns: without anchor";
    ContentImages = 0x34, "patterns: of images";
    ContentMacros = 0x35, "patterns: macro groups";
    RuleStrings = 0x36, "rules: strings";
    RuleGuards = 0x37, "rules: guards";
    RuleAlways = 0x38, "rules: without anchor";
    RuleKeys = 0x39, "rules: keys";
}

impl SectionKind {
    /// Its place in [`ALL`](Self::ALL).
    pub(super) const fn place(self) -> usize {
        self as usize
    }

    /// The kind with this number in the directory.
    pub(super) fn from_tag(tag: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.tag() == tag)
    }
}

/// One line of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// [`SectionKind::tag`]; one that nobody knows is kept, checked and not used.
    pub(super) tag: u32,
    /// Where the section starts, in bytes from the start of the image.
    pub(super) offset: u64,
    /// Its length in bytes.
    pub(super) length: u64,
    /// XXH3-64 over its bytes.
    pub(super) checksum: u64,
}

impl Entry {
    /// The bytes that it speaks of. Fits a `usize` for every directory that [`read`] let through.
    pub(super) fn range(&self) -> Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        start..start.saturating_add(length)
    }

    /// Where it ends.
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }
}

/// What header and directory say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Front {
    /// Number of signatures.
    pub(super) signatures: u64,
    /// The directory, in the order of offsets.
    pub(super) entries: Vec<Entry>,
}

/// Header and directory of an image of `length` bytes.
///
/// ```text
///  0  8  magic                      32  8  XXH3-64 over bytes 0..32, 40..64 and the directory
///  8  4  version                    40  8  number of signatures
/// 12  4  number of sections         48 16  zero
/// 16  8  length of the image        64 ..  directory: tag 4, zero 4, offset 8, length 8, checksum 8
/// 24  8  offset of the directory
/// ```
pub(super) fn write(front: &Front, length: u64) -> Vec<u8> {
    let mut directory = Vec::with_capacity(front.entries.len().saturating_mul(ENTRY));
    for entry in &front.entries {
        directory.extend_from_slice(&entry.tag.to_le_bytes());
        directory.extend_from_slice(&[0; 4]);
        directory.extend_from_slice(&entry.offset.to_le_bytes());
        directory.extend_from_slice(&entry.length.to_le_bytes());
        directory.extend_from_slice(&entry.checksum.to_le_bytes());
    }
    // Kinds are few and each is written once: the number fits, see the assertions above.
    let count = u32::try_from(front.entries.len()).unwrap_or(u32::MAX);
    let mut head = Vec::with_capacity(FRONT);
    head.extend_from_slice(&MAGIC);
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&count.to_le_bytes());
    head.extend_from_slice(&length.to_le_bytes());
    head.extend_from_slice(&(HEADER as u64).to_le_bytes());
    let mut tail = Vec::with_capacity(24);
    tail.extend_from_slice(&front.signatures.to_le_bytes());
    tail.extend_from_slice(&[0; 16]);
    let checksum = checksum(&head, &tail, &directory);
    head.extend_from_slice(&checksum.to_le_bytes());
    head.extend_from_slice(&tail);
    head.extend_from_slice(&directory);
    head
}

/// Reads header and directory. What it lets through has sections that lie behind the directory,
/// inside `bytes`, in the order of their offsets, without overlap, each kind at most once.
pub(super) fn read(bytes: &[u8]) -> Result<Front, OpenError> {
    let held = bytes.len() as u64;
    if !bytes.starts_with(&MAGIC) {
        return Err(OpenError::NotAnImage);
    }
    let truncated = |expected: u64| OpenError::Truncated { held, expected };
    let header = bytes.first_chunk::<HEADER>().ok_or_else(|| truncated(HEADER as u64))?;
    let damaged = OpenError::Damaged("header");
    let found = u32_at(header, 2).ok_or_else(|| damaged.clone())?;
    if found != VERSION {
        return Err(OpenError::Version { found, supported: VERSION });
    }
    let count =
        u32_at(header, 3).and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= ENTRIES);
    let length = u64_at(header, 2).ok_or_else(|| damaged.clone())?;
    let start = u64_at(header, 3).and_then(|start| usize::try_from(start).ok());
    if held < length {
        return Err(truncated(length));
    }
    let (Some(count), Some(HEADER)) = (count, start) else {
        return Err(damaged);
    };
    if held != length {
        return Err(damaged);
    }
    let directory = run(bytes, HEADER, count.saturating_mul(ENTRY)).ok_or_else(|| damaged.clone())?;
    let (head, tail) = header.split_at_checked(32).ok_or_else(|| damaged.clone())?;
    let (stored, tail) = tail.split_at_checked(8).ok_or_else(|| damaged.clone())?;
    if u64_at(stored, 0) != Some(checksum(head, tail, directory)) {
        return Err(damaged);
    }
    let signatures = u64_at(tail, 0).ok_or(damaged)?;
    let entries = read_directory(directory, length).ok_or(OpenError::Damaged("directory"))?;
    Ok(Front { signatures, entries })
}

/// Reads the directory of an image of `length` bytes.
fn read_directory(directory: &[u8], length: u64) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::with_capacity(directory.len() / ENTRY);
    let mut free = FRONT as u64;
    let mut reader = Reader::new(directory);
    while !reader.rest().is_empty() {
        let (tag, zero) = (reader.u32()?, reader.u32()?);
        let entry = Entry { tag, offset: reader.u64()?, length: reader.u64()?, checksum: reader.u64()? };
        let known = entries.iter().any(|before| before.tag == tag);
        if zero != 0 || known || entry.offset < free || entry.end()? > length {
            return None;
        }
        free = entry.end()?;
        entries.push(entry);
    }
    Some(entries)
}

/// Compares every byte of an image of `length` bytes with what header and directory say of it: sections with their
/// checksums, everything between them with zero. The image is read from its start.
pub(super) fn check(image: &mut dyn BufRead, front: &Front, length: u64) -> Result<(), OpenError> {
    let directory = front.entries.len().saturating_mul(ENTRY);
    let mut free = HEADER.saturating_add(directory) as u64;
    read_through(image, free, &mut |_| ())?;
    for entry in &front.entries {
        require_zero(image, entry.offset.saturating_sub(free))?;
        let mut checksum = Xxh3Default::new();
        read_through(image, entry.length, &mut |bytes| checksum.update(bytes))?;
        if checksum.digest() != entry.checksum {
            let name =
                SectionKind::from_tag(entry.tag).map_or("a section of unknown kind", SectionKind::name);
            return Err(OpenError::Damaged(name));
        }
        free = entry.end().unwrap_or(length);
    }
    require_zero(image, length.saturating_sub(free))
}

fn require_zero(image: &mut dyn BufRead, length: u64) -> Result<(), OpenError> {
    let mut is_zero = true;
    read_through(image, length, &mut |bytes| is_zero &= bytes.iter().all(|byte| *byte == 0))?;
    if is_zero { Ok(()) } else { Err(OpenError::Padding) }
}

/// Gives the next `length` bytes to `take`, piece by piece.
fn read_through(
    image: &mut dyn BufRead,
    mut length: u64,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), OpenError> {
    while length > 0 {
        let held = image.fill_buf().map_err(|error| OpenError::Read(error.to_string()))?;
        let wanted = usize::try_from(length).unwrap_or(usize::MAX).min(held.len());
        let bytes = held.get(..wanted).unwrap_or_default();
        if bytes.is_empty() {
            return Err(OpenError::Damaged("directory"));
        }
        take(bytes);
        length = length.saturating_sub(bytes.len() as u64);
        image.consume(wanted);
    }
    Ok(())
}

/// The checksum of header and directory; the field that holds it is left out.
fn checksum(head: &[u8], tail: &[u8], directory: &[u8]) -> u64 {
    let mut hasher = Xxh3Default::new();
    hasher.update(head);
    hasher.update(tail);
    hasher.update(directory);
    hasher.digest()
}
