//! SquashFS 4.0.
//!
//! Layout: <https://dr-emann.github.io/squashfs/squashfs.html>.
//!
//! ```text
//! 0    "hsqs", inodes, time, block size, fragments; 20 compression, 24 flags, 28 version;
//!      32 the root's inode, where everything ends; 64 tables of inodes, directories, fragments
//!      tables: blocks of up to 8 KiB behind their length, whose highest bit says that one is not packed
//!      inodes: kind, mode, owner, time, number; by kind: first block, fragment, size, lengths of blocks
//! ```
//!
//! The table of inodes is read from front to back, and the directories only for names: a file that no
//! directory leads to is given, and loops mean nothing. Inodes that share blocks are each paid for.

mod inode;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec::{self, Decoder};
use crate::name::path_from;
use crate::pace::Pace;
use crate::reader::{Reader, clipped};
use crate::work::{charge, units};
use crate::{lz4, lzo};
use inode::{Inode, Kind};

/// Bytes of one table, and what a block of one holds.
const TABLE: usize = 64 << 20;
const METADATA: usize = 8 << 10;
/// Blocks of one table: a sound one is full but for the last.
const BLOCKS: usize = 32 << 10;
/// Entries of directories that are read, and bytes of names that are kept.
const NAMES: u32 = 1 << 20;
/// What an entry costs, and a block of a table, in the units of [`candor_model::Budget::pay_work`].
const ENTRY: u64 = 256;
const BEGUN: u64 = 2048;
const NAME_BYTES: usize = 32 << 20;
/// Largest block of data.
const BLOCK: usize = 1 << 20;

/// What images of version 4 begin with that were made on machines of the usual order.
pub(crate) const MAGIC: &[u8] = b"hsqs";

/// Whether bytes begin with a superblock that makes sense.
pub(crate) fn begins_with_superblock(bytes: &[u8]) -> bool {
    let fields = || {
        let mut fields = Reader::little(bytes).at(12)?;
        let (block, _, method, shift) = (fields.u32()?, fields.u32()?, fields.u16()?, fields.u16()?);
        fields.skip(4)?;
        Some((block, method, u32::from(shift), fields.u32()?))
    };
    // The version stands as two numbers, 4 and 0.
    let is_sound = |(block, method, shift, version)| {
        1_u32.checked_shl(shift) == Some(block) && method <= 6 && version == 4
    };
    bytes.starts_with(MAGIC) && fields().is_some_and(is_sound)
}

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let pace = Pace::coding(units(bytes.len()), sink.budget());
    let Some(image) = Image::read(bytes, pace.clone()) else {
        let is_other = matches!(bytes.get(28..30), Some([0..=3, 0] | [0, 0..=3]));
        sink.incomplete(if is_other || bytes.starts_with(b"sqsh") {
            Reason::Unsupported("SquashFS of a version before 4".to_owned())
        } else {
            Reason::Malformed("SquashFS header".to_owned())
        });
        return;
    };
    let method = match image.method {
        Ok(method) => method,
        Err(reason) => {
            sink.incomplete(reason);
            return;
        }
    };
    let inodes = image.table(method, image.inodes, image.directories);
    let directories = image.table(method, image.directories, image.directory_end);
    let made = inodes.bytes.len().saturating_add(directories.bytes.len());
    let made = u64::try_from(made).unwrap_or(u64::MAX);
    if let Err(reason) = sink.budget().admit(made).and_then(|()| sink.budget().spend(made)) {
        sink.incomplete(reason);
        return;
    }
    let blocks = inodes.places.len().saturating_add(directories.places.len());
    if !charge(units(blocks).saturating_mul(BEGUN), sink) {
        return;
    }
    sink.budget().hold(made);
    give_all(&image, method, &inodes, &directories, sink);
    pace.settle(sink.budget());
    sink.budget().release(made);
}

fn give_all(image: &Image<'_>, method: Method, inodes: &Table, directories: &Table, sink: &mut dyn Sink) {
    let (files, is_whole) = inode::read_all(&inodes.bytes, image.block);
    if !is_whole || inodes.is_damaged || directories.is_damaged {
        sink.incomplete(Reason::Malformed("a table of SquashFS".to_owned()));
    }
    let (names, read) = names(&files, inodes, directories);
    let inodes_read = units(files.len());
    if !charge(inodes_read.saturating_add(u64::from(read)).saturating_mul(ENTRY), sink) {
        return;
    }
    let mut fragments = Fragments { image, method, held: None };
    let mut position = 0_u64;
    for inode in &files {
        let Kind::File { start, size, fragment, blocks } = &inode.kind else { continue };
        if *size == 0 {
            continue;
        }
        position = position.saturating_add(1);
        let member =
            Member { name: path(&names, inode.place), position, real_size: Some(*size), ..Member::default() };
        if fragment.is_some_and(|(index, _)| !fragments.holds(index)) {
            let length = u64::from(image.block);
            if let Err(reason) = sink.budget().spend(length) {
                sink.incomplete(reason);
                return;
            }
        }
        let tail = match fragment {
            None => Ok(&[][..]),
            Some((index, offset)) => fragments.read(*index).map(|block| {
                clipped(block, u64::from(*offset), size.checked_rem(u64::from(image.block)).unwrap_or(0))
            }),
        };
        let mut stream = File {
            image,
            method,
            at: *start,
            blocks: inodes.words(*blocks),
            held: Vec::new(),
            read: 0,
            tail: tail.unwrap_or_default(),
            left: *size,
            is_unpaid: false,
        };
        if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream)) == Flow::Stop {
            return;
        }
    }
}

/// Compressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Gzip,
    Lzma,
    Xz,
    Lz4,
    Lzo,
    Zstd,
}

impl Method {
    /// Appends what a block holds, up to `most` bytes; `false` if it is damaged, or its decisions could not be paid for.
    fn unpack(self, packed: &[u8], out: &mut Vec<u8>, most: usize, pace: &Pace) -> bool {
        let decoder: Decoder<'_> = match self {
            Self::Gzip => codec::zlib(packed),
            Self::Lzma => codec::lzma_alone(packed, pace),
            Self::Xz => codec::xz(packed, pace),
            Self::Zstd => codec::zstd_frame(packed),
            Self::Lz4 => return lz4::decode(packed, out, out.len().saturating_add(most)).is_some(),
            Self::Lzo => return lzo::decode(packed, out, most).is_some(),
        };
        decoder.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(out).is_ok()
    }
}

struct Image<'a> {
    bytes: &'a [u8],
    /// What pays for the decisions of all blocks.
    pace: Pace,
    block: u32,
    method: Result<Method, Reason>,
    inodes: u64,
    directories: u64,
    /// Where the next table begins.
    directory_end: u64,
    fragments: u64,
    fragment_count: u32,
}

impl<'a> Image<'a> {
    fn read(bytes: &'a [u8], pace: Pace) -> Option<Self> {
        let start = Reader::little(bytes);
        let mut fields = start.at(12)?;
        let (block, fragment_count, method) = (fields.u32()?, fields.u32()?, fields.u16()?);
        let version = start.at(28)?.u16()?;
        let mut fields = start.at(40)?;
        let end = fields.u64()?;
        let (owners, attributes) = (fields.u64()?, fields.u64()?);
        let (inodes, directories, fragments) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let numbers = fields.u64()?;
        // The other tables are lists of places, whose blocks stand in front of them.
        let first_block = |table: u64| start.at(table).and_then(|mut reader| reader.u64());
        let directory_end = [owners, attributes, fragments, numbers]
            .into_iter()
            .filter(|table| *table > directories && *table < end)
            .map(|table| {
                first_block(table).filter(|block| *block > directories && *block < table).unwrap_or(table)
            })
            .fold(end, u64::min);
        let is_sound = bytes.starts_with(MAGIC)
            && version == 4
            && block.is_power_of_two()
            && (4096..=1 << 20).contains(&block);
        let method = match method {
            1 => Ok(Method::Gzip),
            2 => Ok(Method::Lzma),
            3 => Ok(Method::Lzo),
            4 => Ok(Method::Xz),
            5 => Ok(Method::Lz4),
            6 => Ok(Method::Zstd),
            _ => Err(Reason::Unsupported("an unknown compression in SquashFS".to_owned())),
        };
        is_sound.then_some(Self {
            bytes,
            pace,
            block,
            method,
            inodes,
            directories,
            directory_end,
            fragments,
            fragment_count,
        })
    }

    /// A table of blocks, unpacked.
    fn table(&self, method: Method, start: u64, end: u64) -> Table {
        let length = end.saturating_sub(start);
        let there = clipped(self.bytes, start, length);
        let is_cut = u64::try_from(there.len()).is_ok_and(|there| there < length);
        let mut table = Table { is_damaged: is_cut, ..Table::default() };
        let mut reader = Reader::little(there);
        while !reader.rest().is_empty() {
            let place = u64::try_from(reader.position()).unwrap_or(u64::MAX);
            table.places.insert(place, table.bytes.len());
            let data = reader.u16().map(|header| {
                let length = u64::from(header & 0x7fff);
                let data = clipped(reader.rest(), 0, length);
                let is_whole = reader.skip(length).is_some();
                (header & 0x8000 == 0, data, is_whole)
            });
            let Some((is_packed, data, is_whole)) = data else {
                table.is_damaged = true;
                break;
            };
            let is_sound = if is_packed {
                method.unpack(data, &mut table.bytes, METADATA, &self.pace)
            } else {
                table.bytes.extend_from_slice(data.get(..data.len().min(METADATA)).unwrap_or_default());
                true
            };
            if !is_sound || !is_whole || table.bytes.len() > TABLE || table.places.len() >= BLOCKS {
                table.is_damaged = true;
                break;
            }
        }
        table
    }
}

/// Blocks of a table as one.
#[derive(Default)]
struct Table {
    bytes: Vec<u8>,
    /// Where each block began, packed and unpacked.
    places: BTreeMap<u64, usize>,
    is_damaged: bool,
}

impl Table {
    /// The place in the bytes of what stands at `offset` in the block at `block`.
    fn place(&self, block: u64, offset: u16) -> Option<usize> {
        self.places.get(&block)?.checked_add(usize::from(offset))
    }

    /// Numbers of four bytes.
    fn words(&self, (start, count): (usize, usize)) -> std::slice::Iter<'_, [u8; 4]> {
        let bytes = self.bytes.get(start..).unwrap_or_default();
        let words = bytes.as_chunks::<4>().0;
        words.get(..count).unwrap_or(words).iter()
    }
}

/// For the place of every inode that a directory names: the place of that directory's inode, and the name. Also how many
/// entries were read for it.
fn names(files: &[Inode], inodes: &Table, directories: &Table) -> (BTreeMap<usize, (usize, String)>, u32) {
    let mut names = BTreeMap::new();
    let (mut left, mut bytes) = (NAMES, 0_usize);
    for inode in files {
        let Kind::Directory { block, offset, size } = inode.kind else { continue };
        let Some(start) = directories.place(u64::from(block), offset) else { continue };
        let content = directories.bytes.get(start..).unwrap_or_default();
        // Two entries that no directory has are counted, with three bytes.
        let size = usize::try_from(size.saturating_sub(3)).unwrap_or(0);
        let mut reader = Reader::little(content.get(..size.min(content.len())).unwrap_or_default());
        while let (Some(count), Some(block), Some(_)) = (reader.u32(), reader.u32(), reader.u32()) {
            for _ in 0..=count.min(255) {
                let mut entry = || {
                    let offset = reader.u16()?;
                    reader.skip(4)?;
                    let length = u64::from(reader.u16()?).saturating_add(1);
                    Some((offset, reader.take(length)?))
                };
                let Some((offset, name)) = entry() else { break };
                // Directories that share their entries are read, but not without end.
                left = left.saturating_sub(1);
                bytes = bytes.saturating_add(name.len());
                if left == 0 || bytes > NAME_BYTES {
                    return (names, NAMES.saturating_sub(left));
                }
                if let Some(place) = inodes.place(u64::from(block), offset) {
                    names.entry(place).or_insert_with(|| (inode.place, crate::name::decoded(name)));
                }
            }
        }
    }
    (names, NAMES.saturating_sub(left))
}

fn path(names: &BTreeMap<usize, (usize, String)>, place: usize) -> String {
    path_from(u64::MAX, units(place), None, |place| {
        let (above, name) = names.get(&usize::try_from(place).ok()?)?;
        Some((units(*above), name.as_str()))
    })
}

/// Blocks in which the ends of several files stand together; the last is kept.
struct Fragments<'i, 'a> {
    image: &'i Image<'a>,
    method: Method,
    held: Option<(u32, Vec<u8>)>,
}

impl Fragments<'_, '_> {
    fn holds(&self, index: u32) -> bool {
        self.held.as_ref().is_some_and(|(held, _)| *held == index)
    }

    fn read(&mut self, index: u32) -> io::Result<&[u8]> {
        if !self.holds(index) {
            self.held = Some((index, self.unpacked(index).ok_or_else(|| invalid("a fragment of SquashFS"))?));
        }
        Ok(self.held.as_ref().map_or(&[], |(_, block)| block.as_slice()))
    }

    fn unpacked(&self, index: u32) -> Option<Vec<u8>> {
        if index >= self.image.fragment_count {
            return None;
        }
        // A table of places of blocks, each with 512 entries of 16 bytes.
        let place = self.image.fragments.checked_add(u64::from(index / 512).checked_mul(8)?)?;
        let block = Reader::little(self.image.bytes).at(place)?.u64()?;
        let mut reader = Reader::little(self.image.bytes).at(block)?;
        let header = reader.u16()?;
        let data = clipped(reader.rest(), 0, u64::from(header & 0x7fff));
        let mut table = Vec::new();
        if header & 0x8000 == 0 {
            self.method.unpack(data, &mut table, METADATA, &self.image.pace);
        } else {
            table.extend_from_slice(data);
        }
        let mut entry = Reader::little(&table).at(u64::from(index % 512).checked_mul(16)?)?;
        let (start, length) = (entry.u64()?, entry.u32()?);
        let mut out = Vec::new();
        block_of(self.image, self.method, start, length, &mut out);
        Some(out)
    }
}

/// Appends a block of data; `false` if it is damaged.
fn block_of(image: &Image<'_>, method: Method, start: u64, length: u32, out: &mut Vec<u8>) -> bool {
    let most = usize::try_from(image.block).unwrap_or(0).min(BLOCK);
    let data = clipped(image.bytes, start, u64::from(length & 0x00ff_ffff));
    if length & 0x0100_0000 == 0 {
        return method.unpack(data, out, most, &image.pace);
    }
    out.extend_from_slice(data.get(..data.len().min(most)).unwrap_or_default());
    u64::try_from(data.len()).unwrap_or(0) == u64::from(length & 0x00ff_ffff)
}

/// A file: its blocks, and its end in a fragment.
struct File<'i, 'a> {
    image: &'i Image<'a>,
    method: Method,
    at: u64,
    blocks: std::slice::Iter<'i, [u8; 4]>,
    held: Vec<u8>,
    read: usize,
    tail: &'i [u8],
    left: u64,
    /// Whether more could not be paid for.
    is_unpaid: bool,
}

impl File<'_, '_> {
    /// Unpacks the next block; `false` when there is none.
    fn next(&mut self) -> io::Result<bool> {
        self.held.clear();
        self.read = 0;
        let Some(length) = self.blocks.next().map(|length| u32::from_le_bytes(*length)) else {
            if self.is_unpaid {
                return Err(unpaid());
            }
            self.held.extend_from_slice(std::mem::take(&mut self.tail));
            return Ok(!self.held.is_empty());
        };
        if length == 0 {
            let hole = u64::from(self.image.block).min(self.left);
            self.held.resize(usize::try_from(hole).unwrap_or(0), 0);
            return Ok(true);
        }
        let is_sound = block_of(self.image, self.method, self.at, length, &mut self.held);
        // All blocks are full but for the last: millions of a byte cost what beginning them costs.
        let made = units(self.held.len());
        let is_sound = is_sound && (made >= self.left || made == u64::from(self.image.block));
        self.at = self.at.saturating_add(u64::from(length & 0x00ff_ffff));
        if self.held.is_empty() || !is_sound {
            // What the block gave before the damage is kept, and nothing behind it.
            self.blocks = [].iter();
            self.tail = &[];
            self.is_unpaid = self.image.pace.is_over();
            if self.held.is_empty() {
                return Err(if self.is_unpaid { unpaid() } else { invalid("a block of SquashFS") });
            }
        }
        Ok(true)
    }
}

impl Read for File<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.left == 0 {
            return Ok(0);
        }
        if self.read >= self.held.len() && !self.next()? {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "blocks of the file are missing"));
        }
        let held = self.held.get(self.read..).unwrap_or_default();
        let read = clipped(held, 0, self.left).read(buffer)?;
        self.read = self.read.saturating_add(read);
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}

fn unpaid() -> io::Error {
    io::Error::new(ErrorKind::QuotaExceeded, "decisions of blocks")
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
