//! zisofs: files that `mkzftree` packs for images of ISO 9660, which Linux unpacks while they are read. They are recognised by
//! their magic, also where no image is around them; what an image says of them (`ZF`) is used where the magic is missing.
//!
//! ```text
//! 00  37 e4 53 96 c9 db d6 07
//! 08  length of the file, 4 bytes | of this header, in four bytes | of a block, as a power of two | 2 bytes
//!     for each block, and for the end: where it stands, 4 bytes; a block of zlib, or nothing for one of zeros
//! ```

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Member, Reason, Sink};

use crate::codec;
use crate::reader::{Reader, clipped};
use crate::work::units;

const MAGIC: &[u8] = b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07";
/// The second version, which nothing but `xorriso` writes.
const SECOND: &[u8] = b"\xef\x22\x55\xa1\xbc\x1b\x95\xa0";

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) length: u64,
    pub(crate) header: u64,
    /// A power of two.
    pub(crate) block: u8,
}

/// Whether a file says itself how it is packed.
pub(crate) fn has_magic(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.starts_with(SECOND)
}

/// Gives the file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if bytes.starts_with(SECOND) {
        sink.incomplete(Reason::Unsupported("the second version of zisofs".to_owned()));
        return;
    }
    let layout = || {
        let mut reader = Reader::little(bytes).at(8)?;
        let length = u64::from(reader.u32()?);
        Some(Layout { length, header: u64::from(reader.u8()?).saturating_mul(4), block: reader.u8()? })
    };
    let Some(layout) = layout() else {
        sink.incomplete(Reason::Malformed("the header of zisofs".to_owned()));
        return;
    };
    let member = Member {
        compressed_size: Some(units(bytes.len())),
        real_size: Some(layout.length),
        ..Member::default()
    };
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Stream(&mut Blocks::new(bytes, layout)));
}

/// What the blocks of a file hold.
pub(crate) struct Blocks<'a> {
    bytes: &'a [u8],
    layout: Layout,
    /// The block that comes next.
    next: u64,
    content: codec::Decoder<'a>,
    /// Bytes of the file that are still to come, and of this block.
    left: u64,
    left_of_block: u64,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(bytes: &'a [u8], layout: Layout) -> Self {
        let left = layout.length;
        Self { bytes, layout, next: 0, content: Box::new(io::empty()), left, left_of_block: 0 }
    }

    fn open(&mut self) -> io::Result<()> {
        // What the kernel reads; smaller ones would cost more than their bytes.
        if !(15..=17).contains(&self.layout.block) {
            return Err(io::Error::new(ErrorKind::Unsupported, "blocks of zisofs of that length"));
        }
        let place = |number: u64| {
            let at = number.checked_mul(4)?.checked_add(self.layout.header)?;
            Some(u64::from(Reader::little(self.bytes).at(at)?.u32()?))
        };
        let (start, end) = place(self.next)
            .zip(place(self.next.saturating_add(1)))
            .filter(|(start, end)| start <= end)
            .ok_or_else(|| invalid("the table of zisofs"))?;
        let packed = clipped(self.bytes, start, end.saturating_sub(start));
        if units(packed.len()) < end.saturating_sub(start) {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "a block of zisofs is cut short"));
        }
        self.content = if packed.is_empty() { Box::new(io::repeat(0)) } else { codec::zlib(packed) };
        self.next = self.next.saturating_add(1);
        self.left_of_block = self.left.min(1 << self.layout.block);
        Ok(())
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if self.left_of_block == 0 {
            self.open()?;
        }
        let read = (&mut self.content).take(self.left_of_block).read(buffer)?;
        if read == 0 {
            return Err(invalid("a block of zisofs that holds less than it should"));
        }
        self.left = self.left.saturating_sub(units(read));
        self.left_of_block = self.left_of_block.saturating_sub(units(read));
        Ok(read)
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
