//! Files that file systems of Apple (HFS+, APFS) keep compressed: an attribute `com.apple.decmpfs` says how, and holds
//! the content, or that stands in the resource fork, in chunks of 65,536 bytes.
//!
//! Layout: `bsd/sys/decmpfs.h` of <https://github.com/apple-oss-distributions/xnu>, the kinds by `copyfile.c` of
//! <https://github.com/apple-oss-distributions/copyfile>.
//!
//! ```text
//! attribute   "fpmc", kind, length; content of kinds 1, 3, 7, 9, 11
//! fork of 4   of resources: 256 bytes; length; count, then offset and length of each chunk, from there on
//! of 8 to 12  offsets of the chunks, and of the end of the last
//! ```
//!
//! A chunk is decoded when it is read. One that is damaged is zeros where it cannot be read, and told behind the last.

use std::io::{self, ErrorKind, Read};

use crate::codec;
use crate::lzfse::{self, lzvn};
use crate::medium::{Medium, taken};
use crate::reader::{Order, Reader, clipped};

/// The name of the attribute.
pub(crate) const ATTRIBUTE: &str = "com.apple.decmpfs";
/// What a chunk unpacks to, but for the last.
const CHUNK: u64 = 65_536;
/// Largest chunk as it stands, and content of an attribute when it is unpacked.
const PACKED: u64 = 1 << 18;
const INLINE: u64 = 16 << 20;

/// What the attribute says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    kind: u32,
    /// Length of the content.
    pub(crate) length: u64,
}

impl Header {
    /// Reads the attribute; `None` for what is none.
    pub(crate) fn read(attribute: &[u8]) -> Option<Self> {
        let mut reader = Reader::little(attribute);
        let magic = reader.take(4)?;
        let header = Self { kind: reader.u32()?, length: reader.u64()? };
        (magic == b"fpmc").then_some(header)
    }

    /// Whether the content stands in the resource fork.
    pub(crate) const fn is_in_fork(self) -> bool {
        matches!(self.kind, 4 | 8 | 10 | 12)
    }

    /// Why content of this kind cannot be read, if that is so.
    pub(crate) fn unread(self) -> Option<String> {
        match self.kind {
            1 | 3 | 4 | 7..=12 => None,
            5 => Some("content that macOS keeps elsewhere".to_owned()),
            13 | 14 => Some("LZBITMAP".to_owned()),
            0x8000_0001 => Some("content that is not on the disk".to_owned()),
            kind => Some(format!("compression {kind} of a file system of Apple")),
        }
    }

    /// The content that stands in the attribute.
    pub(crate) fn inline(self, attribute: &[u8]) -> impl Read {
        let data = attribute.get(16..).unwrap_or_default();
        let length = self.length.min(INLINE);
        let (mut bytes, is_whole) = match self.kind {
            1 => (data.to_vec(), true),
            kind => decoded(kind, data, length),
        };
        let most = usize::try_from(length).unwrap_or(usize::MAX);
        let is_whole = is_whole && bytes.len() >= most && self.length == length;
        bytes.truncate(most);
        let damaged = if is_whole { None } else { Some("the compressed attribute of a file") };
        io::Cursor::new(bytes).chain(Ending(damaged))
    }

    /// The content that stands in a fork.
    pub(crate) const fn forked<M: Medium>(self, fork: M) -> Chunks<M> {
        Chunks { fork, header: self, next: 0, left: self.length, out: Vec::new(), at: 0, damaged: 0 }
    }
}

/// Content of one chunk, up to `most` bytes, and whether it could be read.
fn decoded(kind: u32, data: &[u8], most: u64) -> (Vec<u8>, bool) {
    // What does not become smaller stands behind a mark that no stream begins with.
    let plain = match (kind, data) {
        (3 | 4, [mark, rest @ ..]) if mark & 15 == 15 => Some(rest),
        (7 | 8, [6, rest @ ..]) | (9 | 10, [_, rest @ ..]) => Some(rest),
        (11 | 12, [_, rest @ ..]) if !data.starts_with(b"bvx") => Some(rest),
        _ => None,
    };
    if let Some(plain) = plain {
        return (clipped(plain, 0, most).to_vec(), true);
    }
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    match kind {
        3 | 4 => {
            let mut out = Vec::new();
            let read = codec::zlib(data).take(most).read_to_end(&mut out);
            (out, read.is_ok())
        }
        7 | 8 => {
            let mut out = Vec::new();
            lzvn::unpack(data, &mut out, limit);
            (out, true)
        }
        11 | 12 => (lzfse::unpack(data, limit).0, true),
        _ => (Vec::new(), false),
    }
}

/// Chunks one after another.
pub(crate) struct Chunks<M> {
    fork: M,
    header: Header,
    next: u64,
    /// Bytes of chunks that were not read yet.
    left: u64,
    out: Vec<u8>,
    at: usize,
    damaged: u64,
}

impl<M: Medium> Chunks<M> {
    /// Where a chunk stands: its offset and length.
    fn place(&self, number: u64) -> Option<(u64, u64)> {
        if number >= self.count()? {
            return None;
        }
        let pair = |at: u64, order: Order| {
            let bytes = taken(&self.fork, at, 8);
            let mut reader = Reader::new(&bytes, order);
            Some((u64::from(reader.u32()?), u64::from(reader.u32()?)))
        };
        if self.header.kind == 4 {
            let table = pair(0, Order::Big)?.0.checked_add(4)?;
            let entry = number.checked_mul(8)?.checked_add(4)?.checked_add(table)?;
            let (offset, length) = pair(entry, Order::Little)?;
            return Some((table.checked_add(offset)?, length));
        }
        let (offset, end) = pair(number.checked_mul(4)?, Order::Little)?;
        Some((offset, end.checked_sub(offset)?))
    }

    /// How many there are, by their table.
    fn count(&self) -> Option<u64> {
        let number = |at: u64, order: Order| {
            let bytes = taken(&self.fork, at, 4);
            Reader::new(&bytes, order).u32().map(u64::from)
        };
        if self.header.kind == 4 {
            return number(number(0, Order::Big)?.checked_add(4)?, Order::Little);
        }
        (number(0, Order::Little)? / 4).checked_sub(1)
    }

    fn read_chunk(&mut self) {
        let expected = self.left.min(CHUNK);
        let found = self.place(self.next).filter(|(_, length)| (1..=PACKED).contains(length));
        let (mut out, is_whole) = match found {
            Some((offset, length)) => decoded(self.header.kind, &taken(&self.fork, offset, length), expected),
            None => (Vec::new(), false),
        };
        let expected_size = usize::try_from(expected).unwrap_or(0);
        if !is_whole || out.len() < expected_size {
            self.damaged = self.damaged.saturating_add(1);
        }
        out.resize(expected_size, 0);
        self.out = out;
        self.at = 0;
        self.next = self.next.saturating_add(1);
        self.left = self.left.saturating_sub(expected);
        // Behind the last chunk there is nothing more, however long the file is said to be.
        if found.is_none() && self.count().is_none_or(|count| self.next > count) {
            self.left = 0;
        }
    }
}

impl<M: Medium> Read for Chunks<M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.out.len() {
            if self.left == 0 {
                let damaged = std::mem::take(&mut self.damaged);
                let why = format!("{damaged} chunks of a compressed file");
                return if damaged == 0 { Ok(0) } else { Err(io::Error::new(ErrorKind::InvalidData, why)) };
            }
            self.read_chunk();
        }
        let read = self.out.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}

/// Nothing, or an error once.
struct Ending(Option<&'static str>);

impl Read for Ending {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0.take() {
            Some(why) => Err(io::Error::new(ErrorKind::InvalidData, why)),
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use candor_fixtures::volume::{COMPRESSIONS, compressed};

    use super::*;

    fn read(attributes: &[(&str, Vec<u8>)]) -> (Vec<u8>, bool) {
        let attribute = &attributes[0].1;
        let header = Header::read(attribute).unwrap();
        assert_eq!(header.unread(), None);
        let mut out = Vec::new();
        let fork = attributes.get(1).map_or(&[][..], |(_, fork)| fork);
        let is_whole = if header.is_in_fork() {
            header.forked(fork).read_to_end(&mut out).is_ok()
        } else {
            header.inline(attribute).read_to_end(&mut out).is_ok()
        };
        (out, is_whole)
    }

    fn text(length: usize) -> Vec<u8> {
        (0_u32..)
            .flat_map(|number| format!("{} ", number * number % 1009).into_bytes())
            .take(length)
            .collect()
    }

    #[test]
    fn every_kind_gives_the_content() {
        for kind in COMPRESSIONS {
            for length in [1, 100, 65_536, 200_000] {
                let text = text(length);
                let (found, is_whole) = read(&compressed(kind, &text));
                assert!(found == text && is_whole, "{kind}, {length} bytes");
            }
        }
    }

    #[test]
    fn what_does_not_become_smaller_stands_behind_a_mark() {
        for (kind, mark) in [(3_u32, 0xff), (7, 6), (9, 0xcc), (11, 0xff)] {
            let head = [&b"fpmc"[..], &kind.to_le_bytes(), &3_u64.to_le_bytes(), &[mark], b"abc"].concat();
            assert_eq!(read(&[("", head)]), (b"abc".to_vec(), true), "{kind}");
        }
        let mut fork = [8_u32, 12].map(u32::to_le_bytes).concat();
        fork.extend(b"\x06abc");
        let head = [&b"fpmc"[..], &8_u32.to_le_bytes(), &3_u64.to_le_bytes()].concat();
        assert_eq!(read(&[("", head), ("", fork)]), (b"abc".to_vec(), true));
    }

    #[test]
    fn a_damaged_chunk_does_not_take_the_others_along() {
        for kind in [4, 8, 12] {
            let text = text(200_000);
            let mut attributes = compressed(kind, &text);
            let fork = &mut attributes[1].1;
            let at = if kind == 4 {
                let second = 256 + 4 + 4 + 8;
                256 + 4 + u32::from_le_bytes(*fork[second..].first_chunk().unwrap()) as usize
            } else {
                u32::from_le_bytes(*fork[4..].first_chunk().unwrap()) as usize
            };
            fork[at..at + 40].fill(0x70);
            let (found, is_whole) = read(&attributes);
            assert!(!is_whole && found.len() == text.len(), "{kind}");
            assert!(found[..65_536] == text[..65_536] && found[131_072..] == text[131_072..], "{kind}");
        }
    }

    #[test]
    fn lengths_that_are_not_there_end() {
        for kind in COMPRESSIONS {
            let mut attributes = compressed(kind, &text(100_000));
            attributes[0].1[8..16].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
            let (found, is_whole) = read(&attributes);
            assert!(!is_whole && found.len() < 70 << 20, "{kind}: {}", found.len());
        }
        assert_eq!(Header::read(b"fpmc\x03\0\0"), None);
        assert_eq!(Header::read(&[b'x'; 20]), None);
        for kind in [2_u32, 5, 6, 13, 14, 0x8000_0001] {
            assert!(Header { kind, length: 1 }.unread().is_some());
        }
    }
}
