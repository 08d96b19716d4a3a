//! VHD: a footer of 512 bytes, at the end and for growing disks also in front; their table of blocks.

use std::io;

use candor_model::{Reason, Sink};

use super::{Block, Blocks, Damaged, Opened, RawDisk, disk, table};
use crate::reader::{Order, Reader, clipped};

const SECTOR: u64 = 512;

/// The raw disk.
pub(super) fn read<'a>(bytes: &'a [u8], sink: &mut dyn Sink) -> Opened<'a> {
    let last = u64::try_from(bytes.len()).unwrap_or(0).saturating_sub(512);
    let is_footer = |at: &u64| clipped(bytes, *at, 8) == b"conectix";
    // Early programs left the last byte away.
    let footer = [last, last.saturating_add(1), 0].into_iter().find(is_footer);
    footer.and_then(|footer| by_footer(bytes, footer, sink)).unwrap_or(Err(Damaged("the header of a VHD")))
}

fn by_footer<'a>(bytes: &'a [u8], footer: u64, sink: &mut dyn Sink) -> Option<Opened<'a>> {
    let start = Reader::new(bytes, Order::Big);
    let field = |at: u64| start.at(footer.checked_add(at)?);
    let (header, length, kind) = (field(16)?.u64()?, field(48)?.u64()?, field(60)?.u32()?);
    if kind == 2 {
        return Some(Ok(Some(RawDisk::Plain(clipped(bytes, 0, footer), length))));
    }
    if clipped(bytes, header, 8) != b"cxsparse" {
        return None;
    }
    let field = |at: u64| start.at(header.checked_add(at)?);
    let (place, count, block) = (field(16)?.u64()?, field(28)?.u32()?, u64::from(field(32)?.u32()?));
    if kind == 4 {
        sink.incomplete(Reason::Unsupported("what stands in the disk that this one is based on".to_owned()));
    }
    let table = table(bytes, place, u64::from(count).saturating_mul(4), sink).as_chunks::<4>().0;
    let end = table.iter().rposition(|entry| *entry != [0xff; 4]).map_or(0, |last| last.saturating_add(1));
    // In front of each block, a bit for each of its sectors.
    let bitmap = block.div_ceil(SECTOR).div_ceil(8).next_multiple_of(SECTOR);
    Some(disk(bytes, Table { table, bitmap }, block, length, u64::try_from(end).unwrap_or(0)))
}

struct Table<'a> {
    table: &'a [[u8; 4]],
    bitmap: u64,
}

impl Blocks for Table<'_> {
    fn block(&self, number: u64) -> io::Result<Block> {
        let entry = usize::try_from(number).ok().and_then(|number| self.table.get(number));
        Ok(match entry.map(|entry| u32::from_be_bytes(*entry)) {
            None | Some(u32::MAX) => Block::Zeros,
            Some(sector) => Block::At(u64::from(sector).saturating_mul(SECTOR).saturating_add(self.bitmap)),
        })
    }
}
