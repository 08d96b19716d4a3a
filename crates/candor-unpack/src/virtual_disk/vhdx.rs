//! VHDX: regions, of which one is the table of blocks and one says how large they are.

use std::io;

use candor_model::{Reason, Sink};

use super::{Block, Blocks, Damaged, Opened, disk, table};
use crate::reader::{Reader, clipped};

const MIB: u64 = 1 << 20;

const TABLE: [u8; 16] = *b"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08";
const METADATA: [u8; 16] = *b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
const PARAMETERS: [u8; 16] = *b"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b";
const LENGTH: [u8; 16] = *b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";
const SECTOR: [u8; 16] = *b"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f";

/// The raw disk.
pub(super) fn read<'a>(bytes: &'a [u8], sink: &mut dyn Sink) -> Opened<'a> {
    // The table of regions is there twice.
    let read = [192 << 10, 256 << 10].into_iter().find_map(|regions| by_regions(bytes, regions, sink));
    read.unwrap_or(Err(Damaged("the regions of a VHDX")))
}

/// Offset and length of what an entry with this name says.
fn entry(bytes: &[u8], first: u64, count: u64, name: [u8; 16]) -> Option<(u64, u32)> {
    (0..count.min(2048)).find_map(|index| {
        let mut reader = Reader::little(bytes).at(first.checked_add(index.checked_mul(32)?)?)?;
        let is_it = reader.take(16)? == name;
        let mut fields = reader;
        is_it.then(|| Some((fields.u64()?, fields.u32()?)))?
    })
}

fn by_regions<'a>(bytes: &'a [u8], regions: u64, sink: &mut dyn Sink) -> Option<Opened<'a>> {
    let start = Reader::little(bytes);
    if clipped(bytes, regions, 4) != b"regi" {
        return None;
    }
    let count = u64::from(start.at(regions.checked_add(8)?)?.u32()?);
    let first = regions.checked_add(16)?;
    let (place, table_length) = entry(bytes, first, count, TABLE)?;
    let (metadata, _) = entry(bytes, first, count, METADATA)?;
    if clipped(bytes, metadata, 8) != b"metadata" {
        return None;
    }
    let count = u64::from(start.at(metadata.checked_add(10)?)?.u16()?);
    let item = |name: [u8; 16]| {
        // Here offset and length have four bytes each.
        let (place, _) = entry(bytes, metadata.checked_add(32)?, count, name)?;
        start.at(metadata.checked_add(place & 0xffff_ffff)?)
    };
    let mut parameters = item(PARAMETERS)?;
    let (block, flags) = (u64::from(parameters.u32()?), parameters.u32()?);
    let length = item(LENGTH)?.u64()?;
    let sector = u64::from(item(SECTOR)?.u32()?);
    if flags & 2 != 0 {
        sink.incomplete(Reason::Unsupported("what stands in the disk that this one is based on".to_owned()));
    }
    // Changes that were logged and not made yet would change what is read.
    let log = [64 << 10, 128 << 10].into_iter().filter(|header| clipped(bytes, *header, 4) == b"head");
    let is_clean = |header: u64| clipped(bytes, header.saturating_add(48), 16).iter().all(|byte| *byte == 0);
    if !log.into_iter().all(is_clean) {
        sink.incomplete(Reason::Unsupported("changes in the log of a VHDX".to_owned()));
    }
    // Entries that say which sectors of a group of blocks are there stand behind each group.
    let group = (1_u64 << 23).checked_mul(sector)?.checked_div(block)?.max(1);
    let table = table(bytes, place, u64::from(table_length), sink).as_chunks::<8>().0;
    let table = Table { table, group };
    let blocks = length.div_ceil(block.max(1)).min(u64::try_from(table.table.len()).ok()?);
    let end = (0..blocks).rev().find(|number| table.place(*number).is_some());
    Some(disk(bytes, table, block, length, end.map_or(0, |last| last.saturating_add(1))))
}

struct Table<'a> {
    table: &'a [[u8; 8]],
    group: u64,
}

impl Table<'_> {
    fn place(&self, number: u64) -> Option<u64> {
        let index = number.checked_add(number.checked_div(self.group)?)?;
        let entry = u64::from_le_bytes(*self.table.get(usize::try_from(index).ok()?)?);
        // States 6 and 7 are for blocks that are there, whole or in part.
        matches!(entry & 7, 6 | 7).then(|| (entry >> 20).saturating_mul(MIB))
    }
}

impl Blocks for Table<'_> {
    fn block(&self, number: u64) -> io::Result<Block> {
        Ok(self.place(number).map_or(Block::Zeros, Block::At))
    }
}
