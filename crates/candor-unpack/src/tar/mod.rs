//! tar: V7, POSIX and GNU.
//!
//! Layout: <https://www.gnu.org/software/tar/manual/html_node/Standard.html>. A header of 512 bytes (name,
//! size in octal, checksum, kind, magic, prefix of the name), then the content, padded to 512.
//!
//! Names longer than a header holds come before the member, in a member of their own: `L` of GNU, or the
//! record `path` of a POSIX extended header. Blocks of zeros end the archive for most readers, and some go
//! on behind them, so this one does too. What is no header ends the walk.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::Cut;
use crate::name::decoded;
use crate::package::Package;
use crate::reader::{Reader, clipped, until_nul};

const BLOCK: u64 = 512;
/// Longest name that is kept.
const NAME: u64 = 65_536;

/// Where an archive that is only read up to the end of `bytes` may be cut: in front of a header, or of the member
/// that holds the name for the next one.
pub(crate) fn cut(bytes: &[u8]) -> Cut {
    let start = Reader::little(bytes);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut at = 0_u64;
    let mut whole = 0_u64;
    while let Some(block) = start.at(at).and_then(|mut reader| reader.take(BLOCK)) {
        let Some(header) = Header::read(block) else {
            at = at.saturating_add(BLOCK);
            if block.iter().any(|&byte| byte != 0) {
                break;
            }
            whole = at;
            continue;
        };
        let content = at.saturating_add(BLOCK);
        let content = if header.kind == b'S' { behind_sparse_map(start, content, block) } else { content };
        let end = header.size.checked_next_multiple_of(BLOCK).and_then(|size| content.checked_add(size));
        let end = end.unwrap_or(u64::MAX);
        if end > length {
            return Cut { whole: usize::try_from(whole).unwrap_or(0), next: Some(end) };
        }
        at = end;
        if !matches!(header.kind, b'K' | b'L' | b'x') {
            whole = at;
        }
    }
    Cut { whole: usize::try_from(whole).unwrap_or(0), next: None }
}

/// Gives every member that is a file, and tells what kind of package it is.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut package = Package::default();
    members(bytes, &mut package, sink);
    package.tell(sink);
}

fn members(bytes: &[u8], package: &mut Package, sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut at = 0_u64;
    let mut position = 0_u64;
    let mut long_name = None;
    while let Some(block) = start.at(at).and_then(|mut reader| reader.take(BLOCK)) {
        at = at.saturating_add(BLOCK);
        let Some(header) = Header::read(block) else {
            if block.iter().all(|&byte| byte == 0) {
                continue;
            }
            return;
        };
        if header.kind == b'S' {
            at = behind_sparse_map(start, at, block);
        }
        let content = clipped(bytes, at, header.size);
        let offset = at;
        at = header
            .size
            .checked_next_multiple_of(BLOCK)
            .and_then(|size| at.checked_add(size))
            .unwrap_or(length);
        match header.kind {
            b'L' => {
                long_name = Some(until_nul(clipped(content, 0, NAME)).to_vec());
                continue;
            }
            b'x' => {
                long_name = extended_path(clipped(content, 0, NAME)).or(long_name);
                continue;
            }
            // Names of links, headers for all members, volume names.
            b'K' | b'g' | b'V' => continue,
            _ => {}
        }
        let name = long_name.take().unwrap_or(header.name);
        // Links, devices, directories. ClamAV does not count them either.
        if matches!(header.kind, b'1'..=b'6') || (header.size == 0 && name.ends_with(b"/")) {
            continue;
        }
        position = position.saturating_add(1);
        if u64::try_from(content.len()).unwrap_or(0) < header.size {
            sink.incomplete(Reason::Malformed(format!("tar member {position} is cut short")));
        }
        let member = Member {
            name: decoded(&name),
            position,
            compressed_size: Some(header.size),
            real_size: Some(header.size),
            ..Member::default()
        };
        package.see(&member.name);
        if sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content)) == Flow::Stop {
            return;
        }
    }
}

struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
}

impl Header {
    /// The header in `block`; `None` when its checksum does not hold.
    fn read(block: &[u8]) -> Option<Self> {
        let claimed = number(block.get(148..156)?)?;
        let sum = block.iter().fold(0_u64, |sum, &byte| sum.wrapping_add(u64::from(byte)));
        let field = block.get(148..156)?.iter().fold(0_u64, |sum, &byte| sum.wrapping_add(u64::from(byte)));
        let unsigned = sum.wrapping_sub(field).wrapping_add(8 * 32);
        // Some old programs added the bytes up as signed ones.
        let signed = block.iter().fold(unsigned, |sum, &byte| sum.wrapping_sub(u64::from(byte >> 7) << 8));
        if claimed != unsigned && claimed != signed {
            return None;
        }
        let mut name = Vec::new();
        if block.get(257..263) == Some(b"ustar\0") {
            let prefix = until_nul(block.get(345..500)?);
            if !prefix.is_empty() {
                name.extend_from_slice(prefix);
                name.push(b'/');
            }
        }
        name.extend_from_slice(until_nul(block.get(..100)?));
        Some(Self { name, size: number(block.get(124..136)?).unwrap_or(0), kind: *block.get(156)? })
    }
}

/// A number in octal digits, or in base 256 when its first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        return rest.iter().try_fold(u64::from(first & 0x7f), |value, &byte| {
            value.checked_mul(256)?.checked_add(u64::from(byte))
        });
    }
    let digits = field.trim_ascii_start();
    digits
        .iter()
        .take_while(|digit| matches!(digit, b'0'..=b'7'))
        .try_fold(0_u64, |value, &digit| value.checked_mul(8)?.checked_add(u64::from(digit & 7)))
}

/// The `path` of an extended header: records of the form `length key=value\n`.
fn extended_path(mut records: &[u8]) -> Option<Vec<u8>> {
    loop {
        let blank = memchr::memchr(b' ', records)?;
        let (length, _) = records.split_at_checked(blank)?;
        let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
        let (record, rest) = records.split_at_checked(length)?;
        if let Some(path) = record.get(blank..)?.strip_prefix(b" path=") {
            return Some(path.strip_suffix(b"\n").unwrap_or(path).to_vec());
        }
        if record.is_empty() {
            return None;
        }
        records = rest;
    }
}

/// Where the content of a sparse member starts: behind the blocks that go on with its map.
fn behind_sparse_map(start: Reader<'_>, mut at: u64, header: &[u8]) -> u64 {
    let mut is_continued = header.get(482).is_some_and(|&flag| flag != 0);
    while is_continued {
        let Some(block) = start.at(at).and_then(|mut reader| reader.take(BLOCK)) else { break };
        is_continued = block.get(504).is_some_and(|&flag| flag != 0);
        at = at.saturating_add(BLOCK);
    }
    at
}
