//! Whether the journal of a volume holds changes that are nowhere else.
//!
//! It is a ring of sectors, each of which begins with the number of the round in which it was written. The last record
//! before the place where the number changes says whether the volume was left in order: it is of one operation, which
//! is to unmount.

use super::Volume;
use crate::medium::taken;
use crate::reader::{Order, Reader};

const SECTOR: u64 = 512;
/// Mark of a record.
const RECORD: u32 = 0xfeed_babe;
/// Sectors in which the last record has to begin: it may have 256 KiB.
const BACK: u64 = 1024;
/// Bytes of a record whose sectors one sector of its head is for.
const HEAD: u64 = 32 << 10;
const UNMOUNT: u8 = 0x20;

/// Whether nothing is left to be done; `None` when the journal stands elsewhere.
pub(super) fn is_clean(volume: &Volume<'_>) -> Option<bool> {
    let (first, blocks) = volume.log;
    if first == 0 {
        return None;
    }
    let Some(start) = volume.linear(first).and_then(|block| block.checked_mul(volume.block)) else {
        return Some(false);
    };
    let count = blocks.saturating_mul(volume.block).checked_div(SECTOR).unwrap_or(0);
    let log = Log { volume, start, count };
    Some(log.last_is_unmount().unwrap_or(false))
}

struct Log<'a, 'v> {
    volume: &'v Volume<'a>,
    start: u64,
    /// In sectors.
    count: u64,
}

impl Log<'_, '_> {
    fn sector(&self, number: u64) -> Option<Vec<u8>> {
        let place = self.start.checked_add(number.checked_rem(self.count)?.checked_mul(SECTOR)?)?;
        let sector = taken(self.volume.medium, place, SECTOR);
        (u64::try_from(sector.len()) == Ok(SECTOR)).then_some(sector)
    }

    /// The round in which a sector was written.
    fn round(&self, number: u64) -> Option<u32> {
        let sector = self.sector(number)?;
        let mut reader = Reader::new(&sector, Order::Big);
        match reader.u32()? {
            RECORD => reader.u32(),
            round => Some(round),
        }
    }

    /// The first sector of another round than that of the first.
    fn head(&self) -> Option<u64> {
        let first = self.round(0)?;
        let (mut low, mut high) = (0_u64, self.count);
        while high.checked_sub(low)? > 1 {
            let middle = low.midpoint(high);
            if self.round(middle)? == first { low = middle } else { high = middle }
        }
        Some(high)
    }

    fn last_is_unmount(&self) -> Option<bool> {
        let head = self.head()?;
        for back in 1..=BACK.min(self.count) {
            // From the front, one comes to the end.
            let number = head.checked_add(self.count)?.checked_sub(back)?;
            let sector = self.sector(number)?;
            let mut reader = Reader::new(&sector, Order::Big);
            if reader.u32()? != RECORD {
                continue;
            }
            let field = |at: u64| Reader::new(&sector, Order::Big).at(at)?.u32();
            let (version, length, operations) = (field(8)?, u64::from(field(12)?), field(40)?);
            // Heads of records that may be long have more than one sector.
            let heads = if version & 2 != 0 { u64::from(field(320)?).div_ceil(HEAD).max(1) } else { 1 };
            let end = heads.checked_add(length.div_ceil(SECTOR))?;
            let content = self.sector(number.checked_add(heads)?)?;
            return Some(operations == 1 && end == back && content.get(9)? & UNMOUNT != 0);
        }
        Some(false)
    }
}
