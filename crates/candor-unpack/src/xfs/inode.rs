//! Inodes, and where what they stand for is.

use super::{Volume, is_right};
use crate::extents::Extent;
use crate::medium::taken;
use crate::pieces::Pieces;
use crate::reader::{Order, Reader};

/// What an inode is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Other,
}

/// Where its content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// In the inode.
    Local,
    /// In extents, which stand in the inode.
    Extents,
    /// In extents, which stand in a tree, whose root is in the inode.
    Tree,
    Other,
}

/// An inode that is in use.
pub(super) struct Inode {
    pub(super) kind: Kind,
    pub(super) format: Format,
    pub(super) size: u64,
    /// Whether its content is on another device.
    pub(super) is_realtime: bool,
    /// Whether its check is right.
    pub(super) is_sound: bool,
    /// The part of the inode that leads to its content.
    pub(super) fork: Vec<u8>,
    /// How many extents stand in the fork.
    count: u64,
}

/// A run of blocks of a file.
struct Run {
    first: u64,
    block: u64,
    count: u64,
    /// Nothing was written to it yet.
    is_empty: bool,
}

impl Run {
    fn read(record: [u8; 16]) -> Self {
        let [high, low] = [record.first_chunk(), record.last_chunk()]
            .map(|half| half.map_or(0, |half| u64::from_be_bytes(*half)));
        Self {
            is_empty: high >> 63 == 1,
            first: (high & (u64::MAX >> 1)) >> 9,
            block: (high & 0x1ff) << 43 | low >> 21,
            count: low & 0x1f_ffff,
        }
    }
}

/// Levels of a tree of extents.
const LEVELS: u16 = 8;
/// Nodes of one tree that wait.
const WAITING: usize = 1 << 18;

impl Volume<'_> {
    /// The inode with this number; `None` when there is none, or it is not in use.
    pub(super) fn inode(&self, number: u64) -> Option<Inode> {
        let within = number & super::mask(self.inode_bits);
        let block = self.linear(number >> self.inode_bits)?;
        let place = block.checked_mul(self.block)?.checked_add(within.checked_mul(self.inode)?)?;
        let bytes = taken(self.medium, place, self.inode);
        let start = Reader::new(&bytes, Order::Big);
        let field = |at: u64| start.at(at);
        let mode = field(2)?.u16()?;
        if !bytes.starts_with(b"IN") || mode == 0 {
            return None;
        }
        let kind = match mode >> 12 {
            0x8 => Kind::File,
            0x4 => Kind::Directory,
            _ => Kind::Other,
        };
        let version = field(4)?.u8()?;
        let format = match field(5)?.u8()? {
            1 => Format::Local,
            2 => Format::Extents,
            3 => Format::Tree,
            _ => Format::Other,
        };
        let further = if version >= 3 { field(120)?.u64()? } else { 0 };
        let count = if further & 0x10 != 0 { field(24)?.u64()? } else { u64::from(field(76)?.u32()?) };
        let attributes = u64::from(field(82)?.u8()?).checked_mul(8)?;
        let head: u64 = if version >= 3 { 176 } else { 100 };
        let left = self.inode.checked_sub(head)?;
        let length = if attributes == 0 { left } else { attributes.min(left) };
        Some(Inode {
            kind,
            format,
            size: field(56)?.u64()?,
            is_realtime: field(90)?.u16()? & 1 != 0,
            is_sound: version < 3 || is_right(&bytes, 100),
            fork: field(head)?.take(length)?.to_vec(),
            count,
        })
    }

    /// Where the blocks of an inode stand, holes included, and the steps that it took to find them; and what of that
    /// is damaged.
    pub(super) fn pieces(&self, inode: &Inode, trouble: &mut Option<String>) -> (Vec<Extent>, u64) {
        let mut pieces = Pieces::new(self.block, inode.size.div_ceil(self.block));
        match inode.format {
            Format::Extents => {
                let (records, _) = inode.fork.as_chunks::<16>();
                let count = usize::try_from(inode.count).unwrap_or(usize::MAX);
                if count > records.len() {
                    *trouble = Some("the number of extents".to_owned());
                }
                self.runs(records.get(..count).unwrap_or(records), &mut pieces, trouble);
            }
            Format::Tree => self.tree(inode, &mut pieces, trouble),
            Format::Local | Format::Other => *trouble = Some("the format".to_owned()),
        }
        pieces.finish()
    }

    fn runs(&self, records: &[[u8; 16]], pieces: &mut Pieces, trouble: &mut Option<String>) {
        for run in records.iter().map(|record| Run::read(*record)) {
            if pieces.is_done() {
                return;
            }
            if run.first < pieces.next() || run.count == 0 {
                *trouble = Some(format!("the extent at block {}", run.first));
                continue;
            }
            pieces.seek(run.first);
            if run.is_empty {
                pieces.push(0, run.count);
                continue;
            }
            let last = run.block.saturating_add(run.count.saturating_sub(1));
            match self.linear(run.block).zip(self.linear(last)) {
                Some((first, last)) if last >= first => pieces.push(first, run.count),
                // It stands nowhere, so reading it fails, and what comes before it is kept.
                _ => {
                    *trouble = Some(format!("the extent at block {}", run.first));
                    pieces.push(u64::MAX, run.count);
                }
            }
        }
    }

    fn tree(&self, inode: &Inode, pieces: &mut Pieces, trouble: &mut Option<String>) {
        let mut root = Reader::new(&inode.fork, Order::Big);
        let (Some(level), Some(count)) = (root.u16(), root.u16()) else {
            *trouble = Some("the root of the tree of extents".to_owned());
            return;
        };
        if level == 0 || level > LEVELS {
            *trouble = Some("the root of the tree of extents".to_owned());
            return;
        }
        // Nodes that wait, with the level that each has to have.
        let mut open: Vec<(u64, u16)> = Vec::new();
        pointers(root.rest(), count, level.saturating_sub(1), &mut open);
        while let Some((place, level)) = open.pop() {
            if pieces.is_done() {
                return;
            }
            pieces.pay(self.block);
            let Some(node) = self.block(place) else {
                *trouble = Some(format!("block {place} of the tree of extents"));
                continue;
            };
            let mut reader = Reader::new(&node, Order::Big);
            let head = if self.is_checked { 72 } else { 24 };
            let mut fields = || Some((reader.take(4)?, reader.u16()?, reader.u16()?));
            let mark: &[u8] = if self.is_checked { b"BMA3" } else { b"BMAP" };
            let Some(count) = fields().filter(|row| row.0 == mark && row.1 == level).map(|row| row.2) else {
                *trouble = Some(format!("block {place} of the tree of extents"));
                continue;
            };
            if self.is_checked && !is_right(&node, 64) {
                *trouble = Some(format!("the check of block {place} of the tree of extents"));
            }
            let rows = node.get(head..).unwrap_or_default();
            match level.checked_sub(1) {
                Some(below) => pointers(rows, count, below, &mut open),
                None => {
                    let (records, _) = rows.as_chunks::<16>();
                    self.runs(records.get(..usize::from(count)).unwrap_or(records), pieces, trouble);
                }
            }
        }
    }
}

/// Takes the places of nodes below one: keys of eight bytes for as many as fit, then places.
fn pointers(rows: &[u8], count: u16, level: u16, open: &mut Vec<(u64, u16)>) {
    let fitting = rows.len() / 16;
    let places = rows.get(fitting.saturating_mul(8)..).unwrap_or_default();
    let (places, _) = places.as_chunks::<8>();
    let places = places.get(..usize::from(count).min(fitting)).unwrap_or(places);
    if open.len().saturating_add(places.len()) < WAITING {
        open.extend(places.iter().rev().map(|place| (u64::from_be_bytes(*place), level)));
    }
}
