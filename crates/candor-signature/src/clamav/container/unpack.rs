//! The tar file in a container, with a limit on what comes out of it.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{ContainerError, Member};

/// Nothing larger comes out of any container. ClamAV's largest database unpacks to a third of this.
const MOST_UNPACKED: u64 = 1 << 30;
/// What every container may unpack to, however short it is.
const ALLOWANCE: u64 = 64 << 20;
/// How many bytes may come out of each byte besides. Deflate reaches 1,032; signatures stay below 10.
const RATIO: u64 = 100;
/// The most members that are kept.
const MOST_MEMBERS: usize = 4096;

/// Unpacks the body of a container.
pub(super) fn unpack(body: &[u8]) -> Result<Vec<Member>, ContainerError> {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let limit = length.saturating_mul(RATIO).saturating_add(ALLOWANCE).min(MOST_UNPACKED);
    // Two bytes tell gzip; ClamAV itself tells by the name of the first member, COPYING.
    if body.starts_with(&[0x1f, 0x8b]) {
        read_tar(MultiGzDecoder::new(body).take(limit.saturating_add(1)), limit)
    } else {
        read_tar(body.take(limit.saturating_add(1)), limit)
    }
}

fn read_tar(source: impl Read, limit: u64) -> Result<Vec<Member>, ContainerError> {
    let damaged = |error: std::io::Error| ContainerError::Archive(error.to_string());
    let mut archive = tar::Archive::new(source);
    let mut members = Vec::new();
    let mut total = 0_u64;
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
        // The claim is not trusted for memory: the buffer grows with what is really there.
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        if u64::try_from(bytes.len()) != Ok(claimed) {
            return Err(ContainerError::Archive(format!("member {name} is cut short")));
        }
        total = total.saturating_add(claimed);
        members.push(Member { name, bytes });
    }
    if members.is_empty() {
        return Err(ContainerError::Archive("nothing in it".to_owned()));
    }
    Ok(members)
}
