//! Unpacking an archive whose digest has been verified, believing nothing else about it.

use std::io::{self, Read, Write as _};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use sha2::{Digest as _, Sha256};

use super::content::{Foreign, Inspector};
use super::manifest::{LONGEST_MANIFEST, Manifest, ManifestError};
use super::{BLOCK, MANIFEST, header, padding};
use crate::candidate::{Expectation, Member, MemberClass};
use crate::feed::mirror::Output;
use crate::log::Hash;

/// The largest window that a frame may ask for.
const WINDOW: u64 = 32 << 20;

/// Bytes that all members of an archive may have together.
const MOST: u64 = 4 << 30;

/// How many times more bytes than the archive its members may have. Hexadecimal digits alone pack to a half, and
/// signatures of one family to a tenth.
const RATIO: u64 = 64;

/// What an archive must be of.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The feed.
    pub feed: &'a str,
    /// The archive's name in it.
    pub archive: &'a str,
    /// The release that it came with.
    pub release: u64,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Unpacked {
    /// Members that were written.
    pub members: Vec<Member>,
    /// What must and must not be found.
    pub expectations: Vec<Expectation>,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Not a Zstandard frame, or one with too large a window.
    #[error("it is not a Zstandard frame with a window of at most {WINDOW} bytes")]
    Frame,
    /// The archive ends too early, or the frame is damaged.
    #[error("it is damaged at {0}")]
    Damaged(String),
    /// The first member is another one.
    #[error("its first member is `{0}`, not `{MANIFEST}`")]
    NoManifest(String),
    /// A manifest that cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Too much in it.
    #[error("it announces {announced} bytes in {packed}, and at most {most} are unpacked (bomb)")]
    Bomb {
        /// What the manifest announces.
        announced: u64,
        /// The archive's own bytes.
        packed: u64,
        /// The most that is unpacked.
        most: u64,
    },
    /// A member that is not a plain file.
    #[error("the member `{name}` is {kind}, and a release has plain files only")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A path.
    #[error("the member `{0}` has a path that would climb out")]
    Climbs(String),
    /// A member that the manifest does not name, or not here.
    #[error("the member `{got}` is where the manifest has {}", .expected.as_deref().unwrap_or("no more"))]
    Unexpected {
        /// What the manifest has.
        expected: Option<String>,
        /// What is there.
        got: String,
    },
    /// A member of another length.
    #[error("the member `{name}` has {got} bytes, and the manifest says {expected}")]
    Length {
        /// Its name.
        name: String,
        /// What the manifest says.
        expected: u64,
        /// What its header says.
        got: u64,
    },
    /// A header with anything in it that is not needed.
    #[error("the header of `{0}` is not in its one spelling: it has an owner, a time, a mode or more")]
    Header(String),
    /// A member that is not data.
    #[error("the member `{name}` is {foreign}, and a release holds nothing but data")]
    Foreign {
        /// Its name.
        name: String,
        /// What it is.
        foreign: Foreign,
    },
    /// A member of another content.
    #[error("the member `{name}` has the digest {got}, and the manifest says {expected}")]
    Digest {
        /// Its name.
        name: String,
        /// What the manifest says.
        expected: String,
        /// What it is.
        got: String,
    },
    /// More after the end.
    #[error("more follows the end of the archive")]
    Trailing,
    /// The member cannot be written.
    #[error("the member `{name}` cannot be written")]
    Write {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Unpacks an archive: members of the classes that are wanted go to `output`, all are checked.
///
/// # Errors
/// It is not what a release may be. What was written before that must not be used.
pub fn unpack(
    packed: &[u8],
    of: Header<'_>,
    wanted: &dyn Fn(MemberClass) -> bool,
    output: &mut dyn Output,
) -> Result<Unpacked, ArchiveError> {
    let mut rest = packed;
    let decoder = StreamingDecoder::<_, FrameDecoder>::new_with_max_window_size(&mut rest, WINDOW);
    let mut reader = Tar { reader: decoder.map_err(|_| ArchiveError::Frame)? };
    let manifest = reader.manifest(of)?;
    let announced = manifest.members.iter().fold(0_u64, |sum, member| sum.saturating_add(member.length));
    let length = packed.len() as u64;
    let most = MOST.min(length.saturating_mul(RATIO));
    if announced > most {
        return Err(ArchiveError::Bomb { announced, packed: length, most });
    }
    let mut unpacked = Unpacked::default();
    for member in &manifest.members {
        let place = || format!("the header of `{}`", member.name);
        let Some(block) = reader.block(place)? else {
            return Err(ArchiveError::Damaged(format!("`{}`, which is missing", member.name)));
        };
        examine(&block, Some(&member.name), Some(member.length))?;
        let mut written = if wanted(member.class) { Some(output.create(&member.name)) } else { None }
            .transpose()
            .map_err(|source| ArchiveError::Write { name: member.name.clone(), source })?;
        let digest = reader.member(&member.name, member.length, |piece| {
            written.as_mut().map_or(Ok(()), |written| written.write_all(piece))
        })?;
        if let Some(mut written) = written {
            let flushed = written.flush();
            flushed.map_err(|source| ArchiveError::Write { name: member.name.clone(), source })?;
            unpacked.members.push(Member::from(member));
        }
        if digest.to_string() != member.sha256 {
            let (expected, got) = (member.sha256.clone(), digest.to_string());
            return Err(ArchiveError::Digest { name: member.name.clone(), expected, got });
        }
    }
    reader.end()?;
    if !rest.is_empty() {
        return Err(ArchiveError::Trailing);
    }
    unpacked.expectations = manifest.canaries.iter().map(Expectation::from).collect();
    Ok(unpacked)
}

struct Tar<R> {
    reader: R,
}

impl<R: Read> Tar<R> {
    fn manifest(&mut self, of: Header<'_>) -> Result<Manifest, ArchiveError> {
        let place = || "the header of its manifest".to_owned();
        let Some(block) = self.block(place)? else {
            return Err(ArchiveError::NoManifest("nothing".to_owned()));
        };
        let name = name(&block);
        if name != MANIFEST {
            return Err(ArchiveError::NoManifest(name));
        }
        let length = length(&block).filter(|length| *length <= LONGEST_MANIFEST);
        let Some(length) = length else {
            return Err(ArchiveError::Damaged("the length of its manifest".to_owned()));
        };
        examine(&block, Some(MANIFEST), Some(length))?;
        let mut text = Vec::new();
        self.member(MANIFEST, length, |piece| {
            text.extend_from_slice(piece);
            Ok(())
        })?;
        let text = String::from_utf8(text)
            .map_err(|_| ArchiveError::Foreign { name: MANIFEST.to_owned(), foreign: Foreign::Binary })?;
        let manifest = Manifest::parse(&text)?;
        let other = |what, expected: &str, got: &str| ManifestError::Other {
            what,
            expected: expected.to_owned(),
            got: got.to_owned(),
        };
        if manifest.feed != of.feed {
            return Err(other("feed", of.feed, &manifest.feed).into());
        }
        if manifest.archive != of.archive {
            return Err(other("archive", of.archive, &manifest.archive).into());
        }
        // Archives that have not changed since an earlier release are used again as they are.
        if manifest.release > of.release {
            return Err(ManifestError::Later { got: manifest.release, release: of.release }.into());
        }
        Ok(manifest)
    }

    /// The next block, unless it is the first of the end.
    fn block(&mut self, place: impl Fn() -> String) -> Result<Option<[u8; BLOCK]>, ArchiveError> {
        let mut block = [0; BLOCK];
        self.reader.read_exact(&mut block).map_err(|_| ArchiveError::Damaged(place()))?;
        Ok((block != [0; BLOCK]).then_some(block))
    }

    /// Reads a member with its padding, piece by piece.
    fn member(
        &mut self,
        name: &str,
        length: u64,
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Hash, ArchiveError> {
        let damaged = || ArchiveError::Damaged(format!("`{name}`"));
        let mut inspector = Inspector::default();
        let mut digest = Sha256::new();
        let mut piece = vec![0; 64 << 10];
        let mut left = length;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let piece = piece.get_mut(..wanted).unwrap_or_default();
            self.reader.read_exact(piece).map_err(|_| damaged())?;
            inspector
                .look(piece)
                .map_err(|foreign| ArchiveError::Foreign { name: name.to_owned(), foreign })?;
            digest.update(&*piece);
            write(piece).map_err(|source| ArchiveError::Write { name: name.to_owned(), source })?;
            left = left.saturating_sub(wanted as u64);
        }
        let mut filled = [0; BLOCK];
        let filling = usize::try_from(padding(length)).unwrap_or(0);
        let filling = filled.get_mut(..filling).unwrap_or_default();
        self.reader.read_exact(filling).map_err(|_| damaged())?;
        if filled != [0; BLOCK] {
            return Err(damaged());
        }
        Ok(Hash(digest.finalize().into()))
    }

    /// Two empty blocks, and nothing more.
    fn end(&mut self) -> Result<(), ArchiveError> {
        for _ in 0..2 {
            if let Some(block) = self.block(|| "its end".to_owned())? {
                examine(&block, None, None)?;
            }
        }
        let mut more = [0];
        match self.reader.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(ArchiveError::Trailing),
            Err(_) => Err(ArchiveError::Damaged("its end".to_owned())),
        }
    }
}

/// Compares a header with the one that must be. Looks for the worst first, so that it is told what was tried.
fn examine(
    block: &[u8; BLOCK],
    expected: Option<&str>,
    expected_length: Option<u64>,
) -> Result<(), ArchiveError> {
    let name = name(block);
    let kind = match block.get(156) {
        Some(b'0') => None,
        Some(b'1') => Some("a hard link"),
        Some(b'2') => Some("a symbolic link"),
        Some(b'3' | b'4') => Some("a device"),
        Some(b'5') => Some("a directory"),
        Some(b'6') => Some("a pipe"),
        Some(b'x' | b'g' | b'L' | b'K') => Some("an extension of another member"),
        _ => Some("of a kind that is not known"),
    };
    if let Some(kind) = kind {
        return Err(ArchiveError::Kind { name, kind });
    }
    let prefixed = block.get(345..500).is_none_or(|prefix| prefix.iter().any(|byte| *byte != 0));
    if prefixed || name.contains('/') || name.contains('\\') || name.starts_with('.') {
        return Err(ArchiveError::Climbs(name));
    }
    if expected != Some(name.as_str()) {
        let expected = expected.map(|name| format!("`{name}`"));
        return Err(ArchiveError::Unexpected { expected, got: name });
    }
    let expected_length = expected_length.unwrap_or(0);
    let got = length(block).unwrap_or(u64::MAX);
    if got != expected_length {
        return Err(ArchiveError::Length { name, expected: expected_length, got });
    }
    if *block != header(&name, expected_length) {
        return Err(ArchiveError::Header(name));
    }
    Ok(())
}

fn name(block: &[u8; BLOCK]) -> String {
    let name = block.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name.get(..100).unwrap_or(name)).into_owned()
}

fn length(block: &[u8; BLOCK]) -> Option<u64> {
    let digits = std::str::from_utf8(block.get(124..135)?).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| u64::from_str_radix(digits, 8).ok())?
}
