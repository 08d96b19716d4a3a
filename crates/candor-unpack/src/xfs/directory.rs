//! Entries of directories.

use std::io::Read as _;

use super::inode::{Format, Inode};
use super::{Volume, is_right};
use crate::extents::{Extent, Extents};
use crate::reader::{Order, Reader, clipped};

/// Bytes of one directory.
const DIRECTORY: u64 = 256 << 20;

/// Number of an inode, and the name that an entry has for it.
pub(super) type Entry = (u64, Vec<u8>);

/// The blocks of a directory, one after another.
pub(super) struct Blocks<'a, 'v> {
    volume: &'v Volume<'a>,
    inode: &'v Inode,
    stream: Extents<'a, std::vec::IntoIter<Extent>>,
    trouble: Option<String>,
    paid: u64,
    left: u64,
    number: u64,
}

impl<'a, 'v> Blocks<'a, 'v> {
    pub(super) fn new(volume: &'v Volume<'a>, inode: &'v Inode) -> Self {
        let mut trouble = None;
        let (pieces, steps) = match inode.format {
            Format::Local => (Vec::new(), 0),
            _ => volume.pieces(inode, &mut trouble),
        };
        let left = if inode.format == Format::Local { 0 } else { inode.size.min(DIRECTORY) };
        Self {
            volume,
            inode,
            stream: Extents::new(volume.medium, pieces.into_iter(), left),
            trouble,
            paid: steps.saturating_mul(crate::pieces::STEP),
            left,
            number: 0,
        }
    }

    /// Reads the entries of the next block; `false` behind the last one.
    pub(super) fn next(&mut self, names: &mut Vec<Entry>, trouble: &mut Option<String>) -> bool {
        *trouble = self.trouble.take();
        if self.inode.format == Format::Local {
            if short(&self.inode.fork, self.inode.size, self.volume.has_kinds, names).is_none() {
                *trouble = Some("the content".to_owned());
            }
            return false;
        }
        if self.left == 0 {
            return false;
        }
        let length = self.left.min(self.volume.directory);
        let mut block = Vec::new();
        // What cannot be read is less than a block, and that is told.
        let _ = (&mut self.stream).take(length).read_to_end(&mut block);
        let read = u64::try_from(block.len()).unwrap_or(u64::MAX);
        self.paid = self.paid.saturating_add(read);
        self.left = self.left.saturating_sub(length);
        if read < self.volume.directory {
            *trouble = Some(format!("block {}", self.number));
            self.left = 0;
        } else if block.iter().any(|byte| *byte != 0) && !self.block(&block, names) {
            *trouble = Some(format!("block {}", self.number));
        }
        self.number = self.number.saturating_add(1);
        self.left > 0
    }

    /// What was read since this was asked.
    pub(super) fn paid(&mut self) -> u64 {
        std::mem::take(&mut self.paid)
    }

    /// Whether there is more than is looked at.
    pub(super) fn is_cut(&self) -> bool {
        self.inode.format != Format::Local && self.inode.size > DIRECTORY
    }

    /// Takes the entries of a block; says whether it is sound.
    fn block(&self, block: &[u8], names: &mut Vec<Entry>) -> bool {
        let (head, is_sound) = if self.volume.is_checked { (64, is_right(block, 4)) } else { (16, true) };
        let length = u64::try_from(block.len()).unwrap_or(0);
        let end = match block.get(..4) {
            // All there is: what finds names by their sums stands at its end.
            Some(b"XD2B" | b"XDB3") => {
                let count = length.checked_sub(8).and_then(|at| Reader::new(block, Order::Big).at(at)?.u32());
                count.and_then(|count| {
                    length.checked_sub(u64::from(count).saturating_mul(8).saturating_add(8))
                })
            }
            Some(b"XD2D" | b"XDD3") => Some(length),
            _ => None,
        };
        let Some(end) = end else { return false };
        entries(clipped(block, 0, end), head, self.volume.has_kinds, names).is_some() && is_sound
    }
}

/// Takes the entries of a block from `at` on; `None` when one makes no sense.
fn entries(block: &[u8], at: u64, has_kinds: bool, names: &mut Vec<Entry>) -> Option<()> {
    let length = u64::try_from(block.len()).ok()?;
    let mut at = at;
    while at < length {
        let mut reader = Reader::new(block, Order::Big).at(at)?;
        let number = reader.u64()?;
        let step = if number >> 48 == 0xffff {
            (number >> 32) & 0xffff
        } else {
            let size = reader.u8()?;
            let name = reader.take(u64::from(size))?;
            if !matches!(name, b"." | b".." | b"") {
                names.push((number, name.to_vec()));
            }
            // A kind, and where the entry itself is, up to the next eight bytes.
            let behind = if has_kinds { 3 } else { 2 };
            u64::from(size).checked_add(9)?.checked_add(behind)?.checked_next_multiple_of(8)?
        };
        if step < 8 {
            return None;
        }
        at = at.checked_add(step)?;
    }
    Some(())
}

/// Takes the entries of a directory that stands in its inode.
fn short(fork: &[u8], size: u64, has_kinds: bool, names: &mut Vec<Entry>) -> Option<()> {
    let mut reader = Reader::new(clipped(fork, 0, size), Order::Big);
    let (count, wide) = (reader.u8()?, reader.u8()?);
    let is_wide = wide > 0;
    // The directory above.
    reader.word(is_wide)?;
    for _ in 0..if is_wide { count.max(wide) } else { count } {
        let length = reader.u8()?;
        reader.skip(2)?;
        let name = reader.take(u64::from(length))?;
        reader.skip(u64::from(has_kinds))?;
        let number = reader.word(is_wide)?;
        if !matches!(name, b"." | b".." | b"") {
            names.push((number, name.to_vec()));
        }
    }
    Some(())
}
