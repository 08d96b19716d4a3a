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
    held: RefCell<VecDeque<(u64, Vec<u8>)>>,
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
        let unpacked =
            |content: &[u8], buffer: &mut [u8]| match clipped(content, within, wanted).read(buffer)? {
                0 => zeros(buffer),
                read => Ok(read),
            };
        let mut held = self.held.borrow_mut();
        if let Some(place) = held.iter().position(|(known, _)| *known == number) {
            // What was asked for last stays longest.
            held.swap(0, place);
            return held.front().map_or(Ok(0), |(_, content)| unpacked(content, buffer));
        }
        match self.blocks.block(number)? {
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
            Block::Unpacked(content) => {
                let read = unpacked(&content, buffer);
                held.push_front((number, content));
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
