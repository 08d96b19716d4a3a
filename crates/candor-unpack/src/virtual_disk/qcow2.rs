//! QCOW2: two levels of tables of clusters, which may be packed by deflate or Zstandard.

use std::io::{self, Read as _};

use candor_model::{Reason, Sink};

use super::{Block, Blocks, Damaged, Opened, disk, invalid, table, tables, unpacked};
use crate::codec;
use crate::reader::{Order, Reader, clipped};

/// The bits of an entry that are an offset.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

/// The raw disk.
pub(super) fn read<'a>(bytes: &'a [u8], sink: &mut dyn Sink) -> Opened<'a> {
    by_header(bytes, sink).unwrap_or(Err(Damaged("the header of a QCOW2")))
}

fn by_header<'a>(bytes: &'a [u8], sink: &mut dyn Sink) -> Option<Opened<'a>> {
    let start = Reader::new(bytes, Order::Big);
    let version = start.at(4)?.u32()?;
    if !(2..=3).contains(&version) {
        sink.incomplete(Reason::Unsupported(format!("version {version} of QCOW")));
        return Some(Ok(None));
    }
    let backing = start.at(8)?.u64()?;
    let mut fields = start.at(20)?;
    let (bits, length, encryption) = (fields.u32()?, fields.u64()?, fields.u32()?);
    let (count, first) = (fields.u32()?, fields.u64()?);
    let features = if version >= 3 { start.at(72)?.u64()? } else { 0 };
    let header_length = if version >= 3 { start.at(100)?.u32()? } else { 72 };
    let is_zstd = header_length > 104 && start.at(104)?.u8()? == 1;
    if !(9..=21).contains(&bits) {
        return None;
    }
    if encryption != 0 {
        sink.incomplete(Reason::Encrypted);
        return Some(Ok(None));
    }
    // Content in a file of its own; entries of twice the size.
    if features & 0b1_0100 != 0 {
        sink.incomplete(Reason::Unsupported("a kind of QCOW2".to_owned()));
        return Some(Ok(None));
    }
    if backing != 0 {
        sink.incomplete(Reason::Unsupported("what stands in the disk that this one is based on".to_owned()));
    }
    let cluster = 1_u64.wrapping_shl(bits);
    let level_1 = table(bytes, first, u64::from(count).saturating_mul(8), sink).as_chunks::<8>().0;
    let places = level_1.iter().map(|entry| u64::from_be_bytes(*entry) & OFFSET).filter(|place| *place > 0);
    tables(bytes, places, cluster, sink);
    let clusters = Clusters { bytes, level_1, cluster, bits, is_zstd };
    let per_table = cluster / 8;
    let end = level_1.iter().rposition(|entry| u64::from_be_bytes(*entry) & OFFSET != 0).and_then(|table| {
        let first = u64::try_from(table).ok()?.checked_mul(per_table)?;
        let is_there = |index: &u64| {
            // Whether it says zeros or nothing makes no difference behind the last content.
            clusters.entry(first.saturating_add(*index)).is_some_and(|entry| entry & !1 != 0)
        };
        let last = (0..per_table).rev().find(is_there);
        first.checked_add(last.map_or(0, |last| last.saturating_add(1)))
    });
    Some(disk(bytes, clusters, cluster, length, end.unwrap_or(0)))
}

struct Clusters<'a> {
    bytes: &'a [u8],
    level_1: &'a [[u8; 8]],
    cluster: u64,
    bits: u32,
    is_zstd: bool,
}

impl Clusters<'_> {
    /// What the second table says of a cluster.
    fn entry(&self, number: u64) -> Option<u64> {
        let per_table = self.cluster / 8;
        let table = usize::try_from(number.checked_div(per_table)?).ok()?;
        let table = u64::from_be_bytes(*self.level_1.get(table)?) & OFFSET;
        if table == 0 {
            return None;
        }
        let place = table.checked_add(number.checked_rem(per_table)?.checked_mul(8)?)?;
        Reader::new(self.bytes, Order::Big).at(place)?.u64()
    }
}

impl Blocks for Clusters<'_> {
    fn block(&self, number: u64) -> io::Result<Block> {
        let Some(entry) = self.entry(number) else { return Ok(Block::Zeros) };
        if entry >> 62 & 1 == 0 {
            let offset = entry & OFFSET;
            return Ok(if entry & 1 == 1 || offset == 0 { Block::Zeros } else { Block::At(offset) });
        }
        // The offset in as many bits as leave room for the number of sectors.
        let width = 62_u32.saturating_sub(self.bits.saturating_sub(8));
        let offset = entry & !u64::MAX.wrapping_shl(width);
        let sectors = (entry & 0x3fff_ffff_ffff_ffff).wrapping_shr(width).saturating_add(1);
        let end = (offset & !511).saturating_add(sectors.saturating_mul(512));
        let packed = clipped(self.bytes, offset, end.saturating_sub(offset));
        let mut content = Vec::new();
        let decoder = if self.is_zstd { codec::zstd_frame(packed) } else { codec::deflate(packed) };
        // What follows the content in its last sector is of no stream.
        let outcome = decoder.take(self.cluster).read_to_end(&mut content);
        if matches!(outcome, Ok(0)) {
            Err(invalid("a cluster of a QCOW2"))
        } else {
            unpacked(content, outcome)
        }
    }
}
