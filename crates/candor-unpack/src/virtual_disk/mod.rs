//! Disks of virtual machines: VHD, VHDX, VMDK and QCOW2. Each gives the raw disk.
//!
//! Layouts: Microsoft's "Virtual Hard Disk Image Format Specification" and MS-VHDX, VMware's "Virtual Disk
//! Format 5.0", and <https://www.qemu.org/docs/master/interop/qcow2.html>.
//!
//! All are a table of blocks, of which those that were never written are nowhere. The raw disk is a stream
//! that ends behind the last block that is somewhere, unless it is small, so that a disk of terabytes with
//! little on it is as long as what is on it needs.
//!
//! Hostile tables lead several blocks to one place, which is paid for like any other content, or behind the
//! end, which is told. Disks that only hold what changed since another one are given with zeros for the rest,
//! and that is told too.

mod qcow2;
#[cfg(test)]
mod tests;
mod vhd;
mod vhdx;
mod vmdk;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, FileType, Member, Reason, Sink};

use crate::medium::{Medium, Whole};
use crate::reader::clipped;

/// Gives the raw disk of a VHD.
pub(crate) fn unpack_vhd(bytes: &[u8], sink: &mut dyn Sink) {
    unpack(FileType::Vhd, bytes, sink);
}

/// Gives the raw disk of a VHDX.
pub(crate) fn unpack_vhdx(bytes: &[u8], sink: &mut dyn Sink) {
    unpack(FileType::Vhdx, bytes, sink);
}

/// Gives the raw disk of a VMDK.
pub(crate) fn unpack_vmdk(bytes: &[u8], sink: &mut dyn Sink) {
    unpack(FileType::Vmdk, bytes, sink);
}

/// Gives the raw disk of a QCOW2.
pub(crate) fn unpack_qcow2(bytes: &[u8], sink: &mut dyn Sink) {
    unpack(FileType::Qcow2, bytes, sink);
}

/// The raw disk in the image of a virtual one; `None` when there is none, which was told to the sink.
pub(crate) fn open<'a>(file_type: FileType, bytes: &'a [u8], sink: &mut dyn Sink) -> Option<RawDisk<'a>> {
    let read = match file_type {
        FileType::Vhd => vhd::read,
        FileType::Vhdx => vhdx::read,
        FileType::Vmdk => vmdk::read,
        FileType::Qcow2 => qcow2::read,
        _ => return None,
    };
    match read(bytes, sink) {
        Ok(disk) => disk,
        Err(Damaged(what)) => {
            sink.incomplete(Reason::Malformed(what.to_owned()));
            None
        }
    }
}

fn unpack(file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
    let Some(disk) = open(file_type, bytes, sink) else { return };
    let name = "disk".to_owned();
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = match disk {
        RawDisk::Plain(content, length) => {
            let member = Member { name, real_size: Some(length), ..Member::default() };
            sink.child(ChildKind::Embedded { offset: 0 }, &member, Content::Bytes(content))
        }
        RawDisk::Blocks(disk, filled) => {
            let member = Member {
                name,
                compressed_size: u64::try_from(bytes.len()).ok(),
                real_size: Some(filled),
                ..Member::default()
            };
            let mut stream = Whole { medium: &*disk, at: 0 }.take(filled);
            sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
        }
    };
}

/// A raw disk.
pub(crate) enum RawDisk<'a> {
    /// It stands in the image as it is; and how long it is said to be.
    Plain(&'a [u8], u64),
    /// It is put together, and has content up to this place.
    Blocks(Box<dyn Medium + 'a>, u64),
}

/// What is damaged.
struct Damaged(&'static str);

/// What a format gives: a disk, or none when that was told.
type Opened<'a> = Result<Option<RawDisk<'a>>, Damaged>;

/// Largest block.
const BLOCK: u64 = 256 << 20;

/// Disks up to this length are given whole.
const SMALL: u64 = 64 << 20;

/// Bytes of unpacked blocks that are held, and how many.
const HELD: u64 = 32 << 20;
const MOST_HELD: u64 = 256;

/// Where a block stands.
enum Block {
    Zeros,
    /// In the file from this offset on.
    At(u64),
    /// Packed; these are its bytes, perhaps fewer than it has.
    Unpacked(Vec<u8>),
    /// Packed and damaged; these are the bytes in front of the damage.
    Part(Vec<u8>),
}

/// What unpacking a block gave before it ended or failed.
fn unpacked(content: Vec<u8>, outcome: io::Result<usize>) -> io::Result<Block> {
    match outcome {
        Ok(_) => Ok(Block::Unpacked(content)),
        Err(error) if content.is_empty() => Err(error),
        Err(_) => Ok(Block::Part(content)),
    }
}

/// As much as there is of a table, and the word that it is cut short, if it is.
fn table<'a>(bytes: &'a [u8], offset: u64, length: u64, sink: &mut dyn Sink) -> &'a [u8] {
    let table = clipped(bytes, offset, length);
    if u64::try_from(table.len()).is_ok_and(|there| there < length) {
        sink.incomplete(Reason::Malformed("the table of a virtual disk is cut short".to_owned()));
    }
    table
}

/// Says so when of the tables at these places, each of `length` bytes, one is not in the file.
fn tables(bytes: &[u8], places: impl Iterator<Item = u64>, length: u64, sink: &mut dyn Sink) {
    let end = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let missing = places.filter(|place| place.saturating_add(length) > end).count();
    if missing > 0 {
        let what = format!("{missing} tables of a virtual disk stand behind the end of the file");
        sink.incomplete(Reason::Malformed(what));
    }
}

/// The blocks of a disk.
trait Blocks {
    /// The block with this number.
    ///
    /// # Errors
    /// It is damaged, or packed in a way that is not read.
    fn block(&self, number: u64) -> io::Result<Block>;
}

/// A raw disk in blocks.
struct Disk<'a, B> {
    bytes: &'a [u8],
    blocks: B,
    block: u64,
    length: u64,
    /// Blocks that had to be unpacked, the last one first.
    held: RefCell<VecDeque<Held>>,
}

/// A block that had to be unpacked.
struct Held {
    number: u64,
    content: Vec<u8>,
    /// Whether what is missing in it is so because it is damaged.
    is_part: bool,
}

impl Held {
    fn read(&self, within: u64, wanted: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match clipped(&self.content, within, wanted).read(buffer)? {
            0 if self.is_part => Err(invalid("a packed block of a virtual disk is damaged")),
            0 => io::repeat(0).take(wanted).read(buffer),
            read => Ok(read),
        }
    }
}

/// The raw disk of `length` bytes in blocks of `block`, of which the one before `end` is the last that stands
/// somewhere.
fn disk<'a, B: Blocks + 'a>(bytes: &'a [u8], blocks: B, block: u64, length: u64, end: u64) -> Opened<'a> {
    if block == 0 || block > BLOCK {
        return Err(Damaged("the size of blocks of a virtual disk"));
    }
    // Zeros of small disks cost little, and files of zeros may stand in them.
    let filled = length.min(end.saturating_mul(block).max(SMALL));
    if filled == 0 || end == 0 {
        return Ok(None);
    }
    let disk = Disk { bytes, blocks, block, length, held: RefCell::default() };
    Ok(Some(RawDisk::Blocks(Box::new(disk), filled)))
}

impl<B: Blocks> Medium for Disk<'_, B> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(offset);
        if buffer.is_empty() || left == 0 {
            return Ok(0);
        }
        let (Some(number), Some(within)) = (offset.checked_div(self.block), offset.checked_rem(self.block))
        else {
            return Ok(0);
        };
        let wanted = left.min(self.block.saturating_sub(within));
        let zeros = |buffer: &mut [u8]| io::repeat(0).take(wanted).read(buffer);
        let mut held = self.held.borrow_mut();
        if let Some(place) = held.iter().position(|held| held.number == number) {
            // What was asked for last stays longest.
            held.swap(0, place);
            return held.front().map_or(Ok(0), |block| block.read(within, wanted, buffer));
        }
        let block = self.blocks.block(number)?;
        let is_part = matches!(block, Block::Part(_));
        match block {
            Block::At(offset) => {
                let read = clipped(self.bytes, offset.saturating_add(within), wanted).read(buffer)?;
                if read == 0 {
                    return Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        "a block behind the end of the file",
                    ));
                }
                Ok(read)
            }
            Block::Unpacked(content) | Block::Part(content) => {
                let block = Held { number, content, is_part };
                let read = block.read(within, wanted, buffer);
                held.push_front(block);
                let room = HELD.checked_div(self.block).unwrap_or(0).clamp(1, MOST_HELD);
                held.truncate(usize::try_from(room).unwrap_or(1));
                read
            }
            Block::Zeros => zeros(buffer),
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
