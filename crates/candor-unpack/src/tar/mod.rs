//! tar: V7, POSIX and GNU.
//!
//! Layout: <https://www.gnu.org/software/tar/manual/html_node/Standard.html>. A header of 512 bytes (name,
//! size in octal, checksum, kind, magic, prefix of the name), then the content, padded to 512.
//!
//! Files with holes are given with zeros for the holes, where that is not much more than there is, and as their pieces otherwise.
//! The map of the pieces stands in the header (`S`), in an extended one (`GNU.sparse.offset` and `numbytes` again and again, or
//! `GNU.sparse.map`), or in front of their bytes (`GNU.sparse.major=1`).
//!
//! Names longer than a header holds come before the member, in a member of their own: `L` of GNU, or the
//! record `path` of a POSIX extended header. Blocks of zeros end the archive for most readers, and some go
//! on behind them, so this one does too. Behind what is no header the next one is looked for, block by block, as GNU
//! tar does. Of a header whose checksum is wrong the member is given, as some programs do not add up, and the search
//! goes on right behind the header, as what it says of a size may be a lie.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::Cut;
use crate::behind;
use crate::extents::{Extent, Extents};
use crate::name::decoded;
use crate::package::Package;
use crate::reader::{Reader, clipped, until_nul};
use crate::work::Work;

const BLOCK: u64 = 512;
/// Longest name that is kept.
const NAME: u64 = 65_536;
/// Pieces of a file with holes.
const PIECES: u64 = 1 << 18;
/// So many places are told at which an archive is damaged.
const DAMAGES: u32 = 100;

/// Where an archive that is only read up to the end of `bytes` may be cut: in front of a header, or of the member
/// that holds the name for the next one.
pub(crate) fn cut(bytes: &[u8]) -> Cut {
    let start = Reader::little(bytes);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut at = 0_u64;
    let mut whole = 0_u64;
    let mut extended = Extended::default();
    while let Some(block) = start.at(at).and_then(|mut reader| reader.take(BLOCK)) {
        let header = Header::read(block).map(|header| header.placed(start, at, block, &extended));
        match header {
            Some(header) if header.is_sound => {
                let end = header.next(start);
                if end > length {
                    return Cut { whole: usize::try_from(whole).unwrap_or(0), next: Some(end) };
                }
                at = end;
                if header.kind == b'x' {
                    extended.read(clipped(bytes, header.content, header.size.min(NAME)));
                }
                if matches!(header.kind, b'K' | b'L' | b'x') {
                    continue;
                }
                extended = Extended::default();
            }
            // Its member should not be cut, if that can be had; its size is not believed for more, nor for parts of nothing.
            Some(header) if header.is_likely(block) && header.end() > length && at > length / 2 => break,
            _ => at = at.saturating_add(BLOCK),
        }
        whole = at;
    }
    Cut { whole: usize::try_from(whole).unwrap_or(0), next: None }
}

/// Whether bytes begin with a header whose checksum holds.
pub(crate) fn begins_with_header(bytes: &[u8]) -> bool {
    Header::read(clipped(bytes, 0, BLOCK)).is_some_and(|header| header.is_sound)
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
    let mut walk =
        Walk { bytes, position: 0, extended: Extended::default(), damages: DAMAGES, package, sink };
    let mut work = Work::of(bytes);
    let mut at = 0_u64;
    // Blocks of zeros in a row: two of them end an archive, and what is behind is nobody's.
    let mut zeros = 0_u32;
    // Where what is no header began, if that is to be told.
    let mut junk = None;
    // Up to where the member of an unsound header goes, in which there are no others of that kind.
    let mut doubtful = 0_u64;
    while let Some(block) = start.at(at).and_then(|mut reader| reader.take(BLOCK)) {
        let place = at;
        at = at.saturating_add(BLOCK);
        if block.iter().all(|&byte| byte == 0) {
            zeros = zeros.saturating_add(1);
            continue;
        }
        let header = Header::read(block).map(|header| header.placed(start, place, block, &walk.extended));
        let header =
            header.filter(|header| header.is_sound || (place >= doubtful && header.is_likely(block)));
        let Some(header) = header else {
            if place >= doubtful {
                junk = junk.or(Some((place, zeros < 2)));
            }
            if !work.pay(block.len(), walk.sink) {
                break;
            }
            continue;
        };
        zeros = 0;
        if let Some((place, _)) = junk.take() {
            walk.damaged(format!("tar header at {place}"));
        }
        if header.is_sound {
            at = header.next(start);
        } else {
            doubtful = header.end().min(length);
            walk.damaged(format!("the checksum of the tar header at {place} is wrong"));
        }
        if walk.see(header, start) == Flow::Stop {
            return;
        }
    }
    match junk {
        Some((place, true)) => walk.damaged(format!("tar header at {place}")),
        Some((place, false)) => behind::give_from(bytes, usize::try_from(place).unwrap_or(0), walk.sink),
        None if zeros >= 2 => behind::give_from(bytes, usize::try_from(at).unwrap_or(0), walk.sink),
        _ if zeros < 2 && at >= doubtful => {
            let rest = clipped(bytes, at, u64::MAX);
            if rest.iter().any(|&byte| byte != 0) {
                walk.damaged("the last tar header is cut short".to_owned());
            }
        }
        _ => {}
    }
}

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    position: u64,
    extended: Extended,
    damages: u32,
    package: &'sink mut Package,
    sink: &'sink mut dyn Sink,
}

impl Walk<'_, '_> {
    fn damaged(&mut self, what: String) {
        if let Some(left) = self.damages.checked_sub(1) {
            self.damages = left;
            self.sink.incomplete(Reason::Malformed(what));
        }
    }

    /// Gives the member of a header, if it is one.
    fn see(&mut self, header: Header, start: Reader<'_>) -> Flow {
        let content = clipped(self.bytes, header.content, header.size);
        let is_cut = u64::try_from(content.len()).unwrap_or(0) < header.size;
        let is_member = match header.kind {
            b'L' => {
                self.extended.path = Some(until_nul(clipped(content, 0, NAME)).to_vec());
                false
            }
            b'x' => {
                self.extended.read(clipped(content, 0, NAME));
                false
            }
            // Names of links, headers for all members, volume names.
            b'K' | b'g' | b'V' => false,
            // Links, devices, directories. ClamAV does not count them either. What some programs take for their content
            // is looked at.
            b'1'..=b'6' => {
                let is_empty = header.has_no_content(start);
                if is_empty {
                    self.extended = Extended::default();
                }
                !is_empty
            }
            _ => true,
        };
        if !is_member {
            if is_cut && !matches!(header.kind, b'1'..=b'6') {
                self.damaged("what a tar archive says of a member is cut short".to_owned());
            }
            return Flow::Continue;
        }
        let mut extended = std::mem::take(&mut self.extended);
        let map = header.map.or_else(|| extended.map.take().zip(extended.sparse_size));
        let sparse = extended.sparse(content);
        let sparse =
            sparse.or_else(|| map.and_then(|(map, real)| Sparse::of_member(&map, header.size, real)));
        let name = extended.sparse_name.or(extended.path).unwrap_or(header.name);
        if header.size == 0 && name.ends_with(b"/") {
            return Flow::Continue;
        }
        self.position = self.position.saturating_add(1);
        if is_cut {
            self.damaged(format!("tar member {} is cut short", self.position));
        }
        let member = Member {
            name: decoded(&name),
            position: self.position,
            compressed_size: Some(header.size),
            real_size: Some(header.size),
            ..Member::default()
        };
        self.package.see(&member.name);
        if let Some(sparse) = sparse {
            return self.give_sparse(Member { real_size: Some(sparse.real), ..member }, content, &sparse);
        }
        let length = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        let offset = header.content.min(length);
        self.sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content))
    }

    /// Gives a file with holes.
    fn give_sparse(&mut self, member: Member, content: &[u8], sparse: &Sparse) -> Flow {
        let stored = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if sparse.real > self.sink.budget().growth(stored) {
            let pieces = clipped(content, sparse.start, u64::MAX);
            return self.sink.child(ChildKind::Extracted, &member, Content::Bytes(pieces));
        }
        let medium = &content;
        let mut stream = Extents::new(medium, sparse.pieces.iter().copied(), sparse.real);
        self.sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
    }
}

struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
    /// Whether its checksum holds.
    is_sound: bool,
    /// Where its content begins.
    content: u64,
    /// The pieces of a file with holes, and its length.
    map: Option<(Map, u64)>,
}

/// Where pieces of a file with holes belong, and their lengths.
type Map = Vec<(u64, u64)>;

impl Header {
    /// The header in `block`; `None` when neither its checksum nor its mark says that it is one.
    fn read(block: &[u8]) -> Option<Self> {
        let claimed = number(block.get(148..156)?)?;
        let sum = block.iter().fold(0_u64, |sum, &byte| sum.wrapping_add(u64::from(byte)));
        let field = block.get(148..156)?.iter().fold(0_u64, |sum, &byte| sum.wrapping_add(u64::from(byte)));
        let unsigned = sum.wrapping_sub(field).wrapping_add(8 * 32);
        // Some old programs added the bytes up as signed ones.
        let signed = block.iter().fold(unsigned, |sum, &byte| sum.wrapping_sub(u64::from(byte >> 7) << 8));
        let is_sound = claimed == unsigned || claimed == signed;
        if !is_sound && block.get(257..262) != Some(b"ustar") {
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
        let size = number(block.get(124..136)?).unwrap_or(0);
        Some(Self { name, size, kind: *block.get(156)?, is_sound, content: 0, map: None })
    }

    /// The same, with where its content begins when it stands `at` a place.
    fn placed(self, start: Reader<'_>, at: u64, block: &[u8], extended: &Extended) -> Self {
        let content = at.saturating_add(BLOCK);
        let (content, map) = if self.kind == b'S' && self.is_sound {
            sparse_map(start, content, block)
        } else {
            (content, None)
        };
        let is_of_member = !matches!(self.kind, b'K' | b'L' | b'V' | b'g' | b'x');
        let size = extended.size.filter(|_| is_of_member).unwrap_or(self.size);
        Self { content, size, map, ..self }
    }

    /// Whether one with a wrong checksum says what headers of members say.
    fn is_likely(&self, block: &[u8]) -> bool {
        let is_size = |size: &[u8]| {
            size.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0))
                && size.iter().any(u8::is_ascii_digit)
        };
        let is_kind = matches!(self.kind, 0 | b'0' | b'7');
        is_kind && !self.name.is_empty() && block.get(124..136).is_some_and(is_size)
    }

    /// Where its content ends, with what fills the last block.
    fn end(&self) -> u64 {
        let size = self.size.checked_next_multiple_of(BLOCK);
        size.and_then(|size| self.content.checked_add(size)).unwrap_or(u64::MAX)
    }

    /// Where the next header is expected.
    fn next(&self, start: Reader<'_>) -> u64 {
        if self.has_no_content(start) { self.content } else { self.end() }
    }

    /// Whether it is of a link, a device or a directory without content. Some say a size all the same, which most programs
    /// pass over and some do not: by what is behind it, it shows.
    fn has_no_content(&self, start: Reader<'_>) -> bool {
        if !matches!(self.kind, b'1'..=b'6') {
            return false;
        }
        let behind = start.at(self.content).and_then(|mut reader| reader.take(BLOCK));
        self.size == 0
            || behind.is_none_or(|block| {
                block.iter().all(|&byte| byte == 0) || Self::read(block).is_some_and(|header| header.is_sound)
            })
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

/// What extended headers say of the next member, and the name that GNU tar wrote in front of it.
#[derive(Debug, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    /// Name and length of a file with holes, whose pieces are listed in front of its bytes.
    sparse_name: Option<Vec<u8>>,
    sparse_size: Option<u64>,
    is_sparse: bool,
    /// Those that are listed here, and where the next one belongs.
    map: Option<Map>,
    offset: u64,
}

/// A file with holes.
struct Sparse {
    pieces: Vec<Extent>,
    real: u64,
    /// Where its bytes begin, behind the map.
    start: u64,
}

impl Extended {
    /// Reads records of the form `length key=value\n`.
    fn read(&mut self, mut records: &[u8]) {
        while let Some((record, rest)) = record(records) {
            records = rest;
            let Some((key, value)) = memchr::memchr(b'=', record).and_then(|at| record.split_at_checked(at))
            else {
                continue;
            };
            let value = value.get(1..).unwrap_or_default();
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"size" => self.size = decimal(value),
                b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse_size = decimal(value),
                b"GNU.sparse.offset" => self.offset = decimal(value).unwrap_or(u64::MAX),
                b"GNU.sparse.numbytes" => {
                    let piece = (self.offset, decimal(value).unwrap_or(u64::MAX));
                    self.map.get_or_insert_default().push(piece);
                }
                b"GNU.sparse.map" => {
                    let numbers: Vec<u64> = value.split(|byte| *byte == b',').map_while(decimal).collect();
                    let pieces = numbers.as_chunks::<2>().0.iter();
                    self.map = Some(pieces.map(|&[offset, length]| (offset, length)).collect());
                }
                b"GNU.sparse.major" => self.is_sparse = value == b"1",
                _ => {}
            }
        }
    }

    /// The pieces of a member that has a map in front of them: lines with their number, and then the offset and the length of
    /// each, up to the end of a block.
    fn sparse(&self, content: &[u8]) -> Option<Sparse> {
        let real = self.sparse_size.filter(|_| self.is_sparse)?;
        let mut rest = content;
        let mut line = || {
            let (number, behind) = rest.split_at_checked(memchr::memchr(b'\n', rest)?)?;
            rest = behind.get(1..)?;
            decimal(number)
        };
        let count = line().filter(|count| *count <= PIECES)?;
        let mut map = Vec::new();
        for _ in 0..count {
            map.push((line()?, line()?));
        }
        let start = u64::try_from(content.len().checked_sub(rest.len())?).ok()?;
        let start = start.checked_next_multiple_of(BLOCK)?;
        Sparse::of(&map, start, real)
    }
}

impl Sparse {
    /// A file of these pieces, which stand one after another from `start` on.
    fn of(map: &[(u64, u64)], start: u64, real: u64) -> Option<Self> {
        let (mut stored, mut end) = (start, 0_u64);
        let mut pieces = Vec::new();
        for &(offset, length) in map {
            let hole = offset.checked_sub(end)?;
            pieces.push(Extent { offset: None, length: hole });
            pieces.push(Extent { offset: Some(stored), length });
            end = offset.checked_add(length)?;
            stored = stored.checked_add(length)?;
        }
        pieces.push(Extent { offset: None, length: real.checked_sub(end)? });
        pieces.retain(|piece| piece.length > 0);
        Some(Self { pieces, real, start })
    }

    /// The same when they are all there is of a member of this size; otherwise what stands there is given as it does.
    fn of_member(map: &[(u64, u64)], size: u64, real: u64) -> Option<Self> {
        let sum = map.iter().try_fold(0_u64, |sum, (_, length)| sum.checked_add(*length));
        Self::of(map, 0, real).filter(|_| sum == Some(size))
    }
}

/// The first record of an extended header without its length and its end, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memchr::memchr(b' ', records)?;
    let length = usize::try_from(decimal(records.get(..blank)?)?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let record = record.get(blank.checked_add(1)?..)?;
    Some((record.strip_suffix(b"\n").unwrap_or(record), rest))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Where the content of a sparse member starts, behind the blocks that go on with its map, and the map with the length of the
/// file, when it is not too long.
fn sparse_map(start: Reader<'_>, mut at: u64, header: &[u8]) -> (u64, Option<(Map, u64)>) {
    let mut map = Map::new();
    let mut take = |rows: Option<&[u8]>| {
        let rows = rows.unwrap_or_default().as_chunks::<12>().0.as_chunks::<2>().0;
        for [offset, length] in rows {
            // What is left of a block is empty.
            if offset[0] != 0 && u64::try_from(map.len()).is_ok_and(|count| count <= PIECES) {
                map.push((number(offset).unwrap_or(u64::MAX), number(length).unwrap_or(u64::MAX)));
            }
        }
    };
    take(header.get(386..482));
    let mut is_continued = header.get(482).is_some_and(|&flag| flag != 0);
    while is_continued {
        let Some(block) = start.at(at).and_then(|mut reader| reader.take(BLOCK)) else { break };
        take(block.get(..504));
        is_continued = block.get(504).is_some_and(|&flag| flag != 0);
        at = at.saturating_add(BLOCK);
    }
    let real = header.get(483..495).and_then(number);
    let is_all = u64::try_from(map.len()).is_ok_and(|count| count <= PIECES);
    (at, Some(map).filter(|_| is_all).zip(real))
}
