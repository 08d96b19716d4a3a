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

use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Member, Reason, Sink};

use crate::reader::clipped;

pub(crate) use qcow2::unpack as unpack_qcow2;
pub(crate) use vhd::unpack as unpack_vhd;
pub(crate) use vhdx::unpack as unpack_vhdx;
pub(crate) use vmdk::unpack as unpack_vmdk;

/// Largest block.
const BLOCK: u64 = 256 << 20;

/// Disks up to this length are given whole.
const SMALL: u64 = 64 << 20;

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

/// A raw disk.
struct Disk<'a, B> {
    bytes: &'a [u8],
    blocks: B,
    block: u64,
    length: u64,
    at: u64,
    held: Option<(u64, Block)>,
}

/// Gives the raw disk of `length` bytes in blocks of `block`, of which the one before `end` is the last that
/// stands somewhere.
fn give<B: Blocks>(bytes: &[u8], blocks: B, block: u64, length: u64, end: u64, sink: &mut dyn Sink) {
    if block == 0 || block > BLOCK {
        sink.incomplete(Reason::Malformed("the size of blocks of a virtual disk".to_owned()));
        return;
    }
    // Zeros of small disks cost little, and files of zeros may stand in them.
    let length = length.min(end.saturating_mul(block).max(SMALL));
    if length == 0 || end == 0 {
        return;
    }
    let mut disk = Disk { bytes, blocks, block, length, at: 0, held: None };
    let member = Member {
        name: "disk".to_owned(),
        compressed_size: u64::try_from(bytes.len()).ok(),
        real_size: Some(length),
        ..Member::default()
    };
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut disk));
}

impl<B: Blocks> Read for Disk<'_, B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        if buffer.is_empty() || left == 0 {
            return Ok(0);
        }
        let (Some(number), Some(within)) = (self.at.checked_div(self.block), self.at.checked_rem(self.block))
        else {
            return Ok(0);
        };
        if self.held.as_ref().is_none_or(|(held, _)| *held != number) {
            self.held = Some((number, self.blocks.block(number)?));
        }
        let wanted = left.min(self.block.saturating_sub(within));
        let zeros = |buffer: &mut [u8], count: u64| io::repeat(0).take(count).read(buffer);
        let read = match &self.held {
            Some((_, Block::At(offset))) => {
                let read = clipped(self.bytes, offset.saturating_add(within), wanted).read(buffer)?;
                if read == 0 {
                    return Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        "a block behind the end of the file",
                    ));
                }
                read
            }
            Some((_, Block::Unpacked(content))) => match clipped(content, within, wanted).read(buffer)? {
                0 => zeros(buffer, wanted)?,
                read => read,
            },
            _ => zeros(buffer, wanted)?,
        };
        self.at = self.at.saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
