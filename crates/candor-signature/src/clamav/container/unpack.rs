//! The tar file in a container, with a limit on what comes out of it.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::ContainerError;

/// Nothing larger comes out of any container. ClamAV's largest database unpacks to a third of this.
const MOST_UNPACKED: u64 = 1 << 30;
/// What every container may unpack to, however short it is.
const ALLOWANCE: u64 = 64 << 20;
/// How many bytes may come out of each byte besides. Deflate reaches 1,032; signatures stay below 10.
const RATIO: u64 = 100;
/// The most members that are kept.
const MOST_MEMBERS: usize = 4096;
/// Bytes of a member that are held at a time while it is read piece by piece. The longest line that is one has a quarter of them.
const PIECE: usize = 1 << 17;
/// After how many of these pieces there is a pause.
const PIECES: u32 = 32;

/// A member as it was seen when all of the container was read.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its name, without folders.
    pub(crate) name: String,
    /// How many bytes it has.
    pub(crate) length: u64,
    /// SHA-256 of them.
    pub(crate) sum: [u8; 32],
    /// The bytes, if they were wanted.
    pub(crate) bytes: Option<Vec<u8>>,
    /// Where they begin in the tar file.
    pub(crate) offset: u64,
}

/// What is in the body of a container: the tar file, unpacked as it is read.
fn tar_of<'a>(body: &'a [u8]) -> Box<dyn Read + 'a> {
    // Two bytes tell gzip; ClamAV itself tells by the name of the first member, COPYING.
    if body.starts_with(&[0x1f, 0x8b]) { Box::new(MultiGzDecoder::new(body)) } else { Box::new(body) }
}

/// Reads the body of a container from end to end. The bytes of those members are held of which `wanted` says so by their name; `pause` is called
/// now and then.
pub(super) fn unpack(
    body: &[u8],
    wanted: &dyn Fn(&str) -> bool,
    pause: &mut dyn FnMut(),
) -> Result<Vec<Seen>, ContainerError> {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let limit = length.saturating_mul(RATIO).saturating_add(ALLOWANCE).min(MOST_UNPACKED);
    let damaged = |error: io::Error| ContainerError::Archive(error.to_string());
    let mut archive = tar::Archive::new(tar_of(body).take(limit.saturating_add(1)));
    let mut members = Vec::new();
    let mut total = 0_u64;
    let mut buffer = vec![0; PIECE];
    let mut pieces = 0_u32;
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if members.len() >= MOST_MEMBERS {
            return Err(ContainerError::Archive("too many members".to_owned()));
        }
        let path = entry.path_bytes().into_owned();
        let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let name = String::from_utf8_lossy(base).into_owned();
        let claimed = entry.size();
        if total.saturating_add(claimed) > limit {
            return Err(ContainerError::TooLarge(limit));
        }
        let offset = entry.raw_file_position();
        let mut digest = Sha256::new();
        let mut read = 0_u64;
        // The claim is not trusted for memory: the buffer grows with what is really there.
        let mut bytes = wanted(&name).then(Vec::new);
        loop {
            let piece = match entry.read(&mut buffer) {
                Ok(0) => break,
                Ok(there) => buffer.get(..there).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(damaged(error)),
            };
            digest.update(piece);
            read = read.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if let Some(bytes) = &mut bytes {
                bytes.extend_from_slice(piece);
            }
            pieces = pieces.wrapping_add(1);
            if pieces.is_multiple_of(PIECES) {
                pause();
            }
        }
        if read != claimed {
            return Err(ContainerError::Archive(format!("member {name} is cut short")));
        }
        total = total.saturating_add(claimed);
        members.push(Seen { name, length: claimed, sum: digest.finalize().into(), bytes, offset });
    }
    if members.is_empty() {
        return Err(ContainerError::Archive("nothing in it".to_owned()));
    }
    Ok(members)
}

/// The tar file once more, from its beginning to its end: members that were not held are read here. It begins anew only for one that lies
/// before what was read last.
pub(crate) struct Again<'a> {
    body: &'a [u8],
    tar: Box<dyn Read + 'a>,
    position: u64,
}

impl<'a> Again<'a> {
    /// The body of a container that was read before.
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { body, tar: tar_of(body), position: 0 }
    }

    /// Gives the `length` bytes at `offset` in pieces that end where a line does. Of a line that is longer than any that is read, the
    /// rest is left out.
    pub(crate) fn lines(&mut self, offset: u64, length: u64, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if offset < self.position {
            *self = Self::new(self.body);
        }
        let ahead = offset.saturating_sub(self.position);
        let skipped = io::copy(&mut (&mut self.tar).take(ahead), &mut io::sink())?;
        self.position = self.position.saturating_add(skipped);
        let mut member = (&mut self.tar).take(length);
        let mut buffer = vec![0; PIECE];
        let mut filled = 0_usize;
        let mut is_rest = false;
        loop {
            let there = member.read(buffer.get_mut(filled..).unwrap_or_default())?;
            self.position = self.position.saturating_add(u64::try_from(there).unwrap_or(u64::MAX));
            let fresh = buffer.get(filled..filled.saturating_add(there)).unwrap_or_default();
            if is_rest {
                // What is left of a line that was given already.
                let Some(end) = memchr::memchr(b'\n', fresh) else {
                    if there == 0 {
                        break;
                    }
                    continue;
                };
                let rest = end.saturating_add(1)..there;
                filled = rest.len();
                buffer.copy_within(rest, 0);
                is_rest = false;
                continue;
            }
            filled = filled.saturating_add(there);
            let piece = buffer.get(..filled).unwrap_or_default();
            let end = match memchr::memrchr(b'\n', piece) {
                Some(end) => end.saturating_add(1),
                None if there != 0 && filled < buffer.len() => continue,
                None => {
                    is_rest = true;
                    filled
                }
            };
            if there == 0 {
                take(piece);
                break;
            }
            take(piece.get(..end).unwrap_or_default());
            buffer.copy_within(end..filled, 0);
            filled = filled.saturating_sub(end);
        }
        if member.limit() == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}
