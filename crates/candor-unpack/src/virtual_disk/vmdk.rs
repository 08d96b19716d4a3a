//! VMDK with its content in itself: a directory of tables of grains, which may be packed by zlib.

use std::io::{self, Read as _};

use candor_model::Sink;

use super::{Block, Blocks, Damaged, Opened, disk, invalid, table, tables, unpacked};
use crate::codec;
use crate::reader::{Reader, clipped};

const SECTOR: u64 = 512;
/// Largest packed grain, in sectors.
const LARGEST: u64 = 32 << 10;

/// The raw disk.
pub(super) fn read<'a>(bytes: &'a [u8], sink: &mut dyn Sink) -> Opened<'a> {
    by_header(bytes, sink).unwrap_or(Err(Damaged("the header of a VMDK")))
}

fn by_header<'a>(bytes: &'a [u8], sink: &mut dyn Sink) -> Option<Opened<'a>> {
    let mut header = bytes;
    // A stream was written from front to back; its directory is known at the end alone.
    if Reader::little(bytes).at(56)?.u64()? == u64::MAX {
        let end = u64::try_from(bytes.len()).ok()?;
        let footer = end.checked_sub(1024)?;
        header = clipped(bytes, footer, SECTOR);
        if !header.starts_with(b"KDMV") {
            return None;
        }
    }
    let mut reader = Reader::little(header).at(8)?;
    let (flags, capacity, grain) = (reader.u32()?, reader.u64()?, reader.u64()?);
    reader.skip(16)?;
    let per_table = u64::from(reader.u32()?);
    reader.skip(8)?;
    let directory = reader.u64()?.checked_mul(SECTOR)?;
    let is_packed = flags & 0x1_0000 != 0;
    if !(1..=1 << 16).contains(&per_table) || (is_packed && grain > LARGEST) {
        return None;
    }
    let grains = capacity.div_ceil(grain.max(1));
    let count = grains.div_ceil(per_table);
    let directory = table(bytes, directory, count.saturating_mul(4), sink).as_chunks::<4>().0;
    let sectors = directory.iter().map(|entry| u64::from(u32::from_le_bytes(*entry)));
    let places = sectors.filter(|sector| *sector > 0).map(|sector| sector.saturating_mul(SECTOR));
    tables(bytes, places, per_table.saturating_mul(4), sink);
    let grain = grain.checked_mul(SECTOR)?;
    let blocks = Grains { bytes, directory, per_table, grain, is_packed };
    // Of the last table that is there, the last grain.
    let table = directory.iter().rposition(|entry| *entry != [0; 4]);
    let end = table.and_then(|table| {
        let first = u64::try_from(table).ok()?.checked_mul(per_table)?;
        let last = (0..per_table).rev().find(|index| blocks.sector(first.saturating_add(*index)).is_some());
        first.checked_add(last.map_or(0, |last| last.saturating_add(1)))
    });
    Some(disk(bytes, blocks, grain, capacity.saturating_mul(SECTOR), end.unwrap_or(0)))
}

struct Grains<'a> {
    bytes: &'a [u8],
    directory: &'a [[u8; 4]],
    per_table: u64,
    grain: u64,
    is_packed: bool,
}

impl Grains<'_> {
    /// Where a grain stands, in sectors.
    fn sector(&self, number: u64) -> Option<u64> {
        let table = usize::try_from(number.checked_div(self.per_table)?).ok()?;
        let table = u64::from(u32::from_le_bytes(*self.directory.get(table)?));
        if table == 0 {
            return None;
        }
        let index = number.checked_rem(self.per_table)?;
        let place = table.checked_mul(SECTOR)?.checked_add(index.checked_mul(4)?)?;
        let sector = Reader::little(self.bytes).at(place)?.u32()?;
        // 1 is for grains that are zeros.
        (sector > 1).then_some(u64::from(sector))
    }
}

impl Blocks for Grains<'_> {
    fn block(&self, number: u64) -> io::Result<Block> {
        let Some(sector) = self.sector(number) else { return Ok(Block::Zeros) };
        let offset = sector.saturating_mul(SECTOR);
        if !self.is_packed {
            return Ok(Block::At(offset));
        }
        let mut reader = Reader::little(self.bytes).at(offset).ok_or_else(|| invalid("a grain of a VMDK"))?;
        let length = reader.u64().and_then(|_| reader.u32()).ok_or_else(|| invalid("a grain of a VMDK"))?;
        let packed = clipped(reader.rest(), 0, u64::from(length));
        let mut content = Vec::new();
        let outcome = codec::zlib(packed).take(self.grain).read_to_end(&mut content);
        unpacked(content, outcome)
    }
}
