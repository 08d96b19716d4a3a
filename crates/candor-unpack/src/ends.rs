//! Where images of disks and volumes end, files of LZ4 and some archives, by what they say themselves.
//!
//! Nothing of it is believed further than that something may stand there. What cannot be told is `None`.

use std::collections::BTreeSet;

use candor_model::FileType;

use crate::reader::{Order, Reader, clipped};
use crate::{arc, arj, lha};

const SECTOR: u64 = 512;
/// Sectors of optical discs, and raw ones.
const DISC: u64 = 2048;
const RAW: u64 = 2352;
/// Rows of a table of partitions.
const ROWS: u32 = 256;

/// Where something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Here, so that what follows is something else.
    Here(u64),
    /// Not behind this place; records of its own may follow.
    Before(u64),
}

/// Where a layer of this type ends.
pub(crate) fn of(file_type: FileType, bytes: &[u8]) -> Option<End> {
    let here = match file_type {
        FileType::Iso9660 => iso(bytes),
        FileType::Fat => fat(bytes),
        FileType::Ntfs => ntfs(bytes),
        FileType::Ext => ext(bytes),
        FileType::Xfs => {
            let start = Reader::new(bytes, Order::Big).at(4);
            start.and_then(|mut fields| u64::from(fields.u32()?).checked_mul(fields.u64()?))
        }
        FileType::Apfs => {
            let start = Reader::little(bytes).at(36);
            start.and_then(|mut fields| u64::from(fields.u32()?).checked_mul(fields.u64()?))
        }
        FileType::PartHfsPlus => {
            let start = Reader::new(bytes, Order::Big).at(1024 + 40);
            start.and_then(|mut fields| u64::from(fields.u32()?).checked_mul(u64::from(fields.u32()?)))
        }
        FileType::Lvm => lvm(bytes),
        FileType::SquashFs => squashfs(bytes),
        FileType::Wim => wim(bytes),
        FileType::Gpt => gpt(bytes),
        FileType::Lz4 | FileType::Zstd => lz4(bytes),
        FileType::Arc => arc::end(bytes),
        FileType::Arj | FileType::ArjSfx => arj::end(bytes),
        FileType::LhaLzh => lha::end(bytes),
        _ => None,
    };
    let before = || match file_type {
        FileType::Udf => udf(bytes),
        FileType::Mbr => mbr(bytes),
        // Copies of the superblock may stand behind what the volume uses.
        FileType::Btrfs => number(bytes, 0x1_00d1),
        FileType::Apm => apm(bytes),
        FileType::Vhdx => vhdx(bytes),
        FileType::Vmdk => vmdk(bytes),
        FileType::Qcow2 => qcow2(bytes),
        _ => None,
    };
    here.map(End::Here).or_else(|| before().map(End::Before))
}

/// A number of eight bytes.
fn number(bytes: &[u8], at: u64) -> Option<u64> {
    Reader::little(bytes).at(at)?.u64()
}

/// Images are filled up with zeros to whole pages, which count as theirs.
fn squashfs(bytes: &[u8]) -> Option<u64> {
    const PAGE: u64 = 4096;
    let end = number(bytes, 40)?;
    let padded = end.checked_next_multiple_of(PAGE)?;
    let padding = clipped(bytes, end, padded.checked_sub(end)?);
    Some(if padding.iter().all(|byte| *byte == 0) { padded } else { end })
}

/// The largest volume that a descriptor tells of.
fn iso(bytes: &[u8]) -> Option<u64> {
    let is_volume = |place: u64| clipped(bytes, place.saturating_add(1), 5) == b"CD001";
    let raw =
        [0, 16, 24].into_iter().find(|header| is_volume(RAW.saturating_mul(16).saturating_add(*header)));
    let header = raw.filter(|_| !is_volume(DISC.saturating_mul(16)));
    let (sector, header) = header.map_or((DISC, 0), |header| (RAW, header));
    let descriptors = (16..80_u64).map(|index| index.saturating_mul(sector).saturating_add(header));
    let sizes = descriptors.take_while(|place| is_volume(*place)).filter_map(|place| {
        let descriptor = Reader::little(bytes).at(place)?;
        // The volume, or one with other letters.
        if !matches!(descriptor.rest().first(), Some(1 | 2)) {
            return None;
        }
        let start = Reader::little(descriptor.rest());
        let (count, block) = (u64::from(start.at(80)?.u32()?), u64::from(start.at(128)?.u16()?));
        let block = if sector == RAW { RAW } else { block };
        count.checked_mul(block)
    });
    sizes.max()
}

fn fat(bytes: &[u8]) -> Option<u64> {
    let start = Reader::little(bytes);
    if clipped(bytes, 3, 8) == b"EXFAT   " {
        let shift = u32::from(start.at(108)?.u8()?);
        return start.at(72)?.u64()?.checked_mul(1_u64.checked_shl(shift)?);
    }
    let sector = u64::from(start.at(11)?.u16()?);
    let total = match start.at(19)?.u16()? {
        0 => start.at(32)?.u32()?,
        small => u32::from(small),
    };
    u64::from(total).checked_mul(sector)
}

/// The copy of the boot sector stands behind what the volume counts.
fn ntfs(bytes: &[u8]) -> Option<u64> {
    let start = Reader::little(bytes);
    let count = start.at(40)?.u64()?;
    if count == 0 {
        return None;
    }
    count.checked_add(1)?.checked_mul(u64::from(start.at(11)?.u16()?))
}

fn ext(bytes: &[u8]) -> Option<u64> {
    let start = Reader::little(clipped(bytes, 1024, 1024));
    let is_wide = start.at(76)?.u32()? > 0 && start.at(96)?.u32()? & 0x80 != 0;
    let high = if is_wide { u64::from(start.at(0x150)?.u32()?) } else { 0 };
    let count = high << 32 | u64::from(start.at(4)?.u32()?);
    count.checked_mul(1024_u64.checked_shl(start.at(24)?.u32()?)?)
}

/// The label stands in one of the first sectors and says where the header begins, which says how large the volume is.
fn lvm(bytes: &[u8]) -> Option<u64> {
    let mut labels = (0..4_u64).map(|sector| sector.saturating_mul(SECTOR));
    let label = labels.find(|place| clipped(bytes, *place, 8) == b"LABELONE")?;
    let header = Reader::little(bytes).at(label.checked_add(20)?)?.u32()?;
    number(bytes, label.checked_add(u64::from(header))?.checked_add(32)?)
}

/// The last of the tables that the header leads to.
fn wim(bytes: &[u8]) -> Option<u64> {
    if !bytes.starts_with(b"MSWIM\0\0\0") {
        return None;
    }
    let ends = [48, 72, 96, 124].into_iter().filter_map(|place| {
        let mut fields = Reader::little(bytes).at(place)?;
        let (length, offset) = (fields.u64()? & 0x00ff_ffff_ffff_ffff, fields.u64()?);
        offset.checked_add(length)
    });
    ends.max()
}

/// The second header stands in the last sector.
fn gpt(bytes: &[u8]) -> Option<u64> {
    let sector = [SECTOR, 4096].into_iter().find(|sector| clipped(bytes, *sector, 8) == b"EFI PART")?;
    let header = Reader::little(clipped(bytes, sector, SECTOR));
    let mut last = header.at(32)?.u64()?;
    let mut table = header.at(72)?;
    let start = table.u64()?.checked_mul(sector)?;
    let mut sizes = header.at(80)?;
    let (count, size) = (sizes.u32()?, sizes.u32()?);
    for index in 0..count.min(ROWS) {
        let row = u64::from(index).checked_mul(u64::from(size.max(128)))?.checked_add(start)?;
        let Some(mut row) = Reader::little(bytes).at(row.saturating_add(32)) else { break };
        let (Some(from), Some(to)) = (row.u64(), row.u64()) else { break };
        if from > 0 {
            last = last.max(to);
        }
    }
    last.checked_add(1)?.checked_mul(sector)
}

/// What the first table tells of; extended partitions have those that stand in them.
fn mbr(bytes: &[u8]) -> Option<u64> {
    let (rows, _) = clipped(bytes, 446, 64).as_chunks::<16>();
    let ends = rows.iter().filter_map(|row| {
        let mut fields = Reader::little(row).at(8)?;
        let (start, count) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
        (count > 0).then(|| start.saturating_add(count).saturating_mul(SECTOR))
    });
    ends.max()
}

fn apm(bytes: &[u8]) -> Option<u64> {
    let start = Reader::new(bytes, Order::Big);
    let mut head = start.at(2)?;
    let (said, blocks) = (u64::from(head.u16()?), u64::from(head.u32()?));
    let size = [said, SECTOR, DISC].into_iter().find(|size| clipped(bytes, *size, 2) == b"PM")?;
    let mut last = blocks;
    for index in 1..=u64::from(ROWS) {
        let row = index.saturating_mul(size);
        if clipped(bytes, row, 2) != b"PM" {
            break;
        }
        let mut row = start.at(row.saturating_add(8))?;
        last = last.max(u64::from(row.u32()?).saturating_add(u64::from(row.u32()?)));
    }
    last.checked_mul(size)
}

/// The last partition that the first sequence of descriptors tells of.
fn udf(bytes: &[u8]) -> Option<u64> {
    [DISC, SECTOR, 4096].into_iter().find_map(|sector| {
        let tag = |place: u64| Reader::little(clipped(bytes, place, 2)).u16();
        let anchor = sector.saturating_mul(256);
        if tag(anchor) != Some(2) {
            return None;
        }
        let mut extent = Reader::little(bytes).at(anchor.checked_add(16)?)?;
        let (length, first) = (u64::from(extent.u32()?), u64::from(extent.u32()?));
        let ends = (0..length.checked_div(sector)?.min(256)).filter_map(|index| {
            let place = first.checked_add(index)?.checked_mul(sector)?;
            let mut fields = Reader::little(bytes).at(place.checked_add(188)?)?;
            let (start, count) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
            (tag(place) == Some(5)).then(|| start.saturating_add(count).saturating_mul(sector))
        });
        ends.max()
    })
}

/// The last region, or the last block that the table of blocks leads to.
fn vhdx(bytes: &[u8]) -> Option<u64> {
    const BLOCKS: [u8; 4] = *b"\x66\x77\xc2\x2d";
    let start = Reader::little(bytes);
    let regions =
        [192_u64 << 10, 256 << 10].into_iter().find(|place| clipped(bytes, *place, 4) == b"regi")?;
    let count = u64::from(start.at(regions.checked_add(8)?)?.u32()?).min(2048);
    let mut last = 0;
    let mut table: &[u8] = &[];
    for index in 0..count {
        let row = regions.checked_add(16)?.checked_add(index.checked_mul(32)?)?;
        let mut fields = start.at(row.checked_add(16)?)?;
        let (offset, length) = (fields.u64()?, u64::from(fields.u32()?));
        last = last.max(offset.saturating_add(length));
        if clipped(bytes, row, 4) == BLOCKS {
            table = clipped(bytes, offset, length);
        }
    }
    let block = block_of_vhdx(bytes, regions, count)?;
    for entry in table.as_chunks::<8>().0 {
        let entry = u64::from_le_bytes(*entry);
        if matches!(entry & 7, 6 | 7) {
            last = last.max((entry >> 20).saturating_mul(1 << 20).saturating_add(block));
        }
    }
    Some(last)
}

/// The size of blocks of a VHDX.
fn block_of_vhdx(bytes: &[u8], regions: u64, count: u64) -> Option<u64> {
    const METADATA: [u8; 4] = *b"\x06\xa2\x7c\x8b";
    const PARAMETERS: [u8; 4] = *b"\x37\x67\xa1\xca";
    let row = |first: u64, count: u64, name: [u8; 4]| {
        let mut rows = (0..count).map(|index| first.saturating_add(index.saturating_mul(32)));
        rows.find(|row| clipped(bytes, *row, 4) == name)
    };
    let start = Reader::little(bytes);
    let metadata = row(regions.checked_add(16)?, count, METADATA)?;
    let metadata = start.at(metadata.checked_add(16)?)?.u64()?;
    let items = u64::from(start.at(metadata.checked_add(10)?)?.u16()?).min(2048);
    let item = row(metadata.checked_add(32)?, items, PARAMETERS)?;
    let offset = start.at(item.checked_add(16)?)?.u32()?;
    Some(u64::from(start.at(metadata.checked_add(u64::from(offset))?)?.u32()?))
}

/// The last grain or table that the directory leads to.
fn vmdk(bytes: &[u8]) -> Option<u64> {
    let start = Reader::little(bytes);
    let mut fields = start.at(8)?;
    let (flags, capacity, grain) = (fields.u32()?, fields.u64()?, fields.u64()?);
    let per_table = u64::from(start.at(44)?.u32()?);
    let directory = start.at(56)?.u64()?.checked_mul(SECTOR)?;
    let overhead = start.at(64)?.u64()?.checked_mul(SECTOR)?;
    let count = capacity.div_ceil(grain.max(1)).div_ceil(per_table.max(1));
    let directory_length = count.checked_mul(4)?;
    let mut last = overhead.max(directory.checked_add(directory_length)?);
    let mut seen = Seen::in_bytes(bytes);
    for table in clipped(bytes, directory, directory_length).as_chunks::<4>().0 {
        let table = u64::from(u32::from_le_bytes(*table)).saturating_mul(SECTOR);
        let length = per_table.saturating_mul(4);
        if table == 0 || !seen.is_new(table, length)? {
            continue;
        }
        last = last.max(table.saturating_add(length));
        for entry in clipped(bytes, table, length).as_chunks::<4>().0 {
            let sector = u64::from(u32::from_le_bytes(*entry));
            if sector > 1 {
                let place = sector.saturating_mul(SECTOR);
                let end = if flags & 0x1_0000 != 0 {
                    // Its place on the disk and its length stand in front of what is packed.
                    let length = start.at(place.saturating_add(8)).and_then(|mut length| length.u32());
                    u64::from(length.unwrap_or(0)).saturating_add(12)
                } else {
                    grain.saturating_mul(SECTOR)
                };
                last = last.max(place.saturating_add(end));
            }
        }
    }
    Some(last)
}

/// The last cluster that a table leads to.
fn qcow2(bytes: &[u8]) -> Option<u64> {
    const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
    let start = Reader::new(bytes, Order::Big);
    let bits = start.at(20)?.u32()?;
    if !(9..=21).contains(&bits) {
        return None;
    }
    let cluster = 1_u64.checked_shl(bits)?;
    let count = u64::from(start.at(36)?.u32()?);
    let first = start.at(40)?.u64()?;
    let counts = start.at(48)?.u64()?;
    let counts_length = u64::from(start.at(56)?.u32()?).saturating_mul(cluster);
    let mut last = first.saturating_add(count.saturating_mul(8)).max(counts.saturating_add(counts_length));
    let mut lead_to = |entry: u64, length: u64| {
        if entry > 0 {
            last = last.max(entry.saturating_add(length));
        }
    };
    for block in clipped(bytes, counts, counts_length).as_chunks::<8>().0 {
        lead_to(u64::from_be_bytes(*block) & !511, cluster);
    }
    let mut seen = Seen::in_bytes(bytes);
    for table in clipped(bytes, first, count.saturating_mul(8)).as_chunks::<8>().0 {
        let table = u64::from_be_bytes(*table) & OFFSET;
        if table == 0 || !seen.is_new(table, cluster)? {
            continue;
        }
        lead_to(table, cluster);
        for entry in clipped(bytes, table, cluster).as_chunks::<8>().0 {
            let entry = u64::from_be_bytes(*entry);
            if entry >> 62 & 1 == 0 {
                lead_to(entry & OFFSET, cluster);
            } else {
                // The offset in as many bits as leave room for the number of sectors.
                let width = 62_u32.saturating_sub(bits.saturating_sub(8));
                let offset = entry & !u64::MAX.wrapping_shl(width);
                let sectors = (entry & 0x3fff_ffff_ffff_ffff).wrapping_shr(width).saturating_add(1);
                // It ends somewhere in the last of them.
                lead_to(offset & !511, sectors.saturating_sub(1).saturating_mul(SECTOR));
            }
        }
    }
    Some(last)
}

/// Tables that were read, each once, and all of them no longer than the file.
struct Seen {
    places: BTreeSet<u64>,
    left: u64,
}

impl Seen {
    fn in_bytes(bytes: &[u8]) -> Self {
        Self { places: BTreeSet::new(), left: u64::try_from(bytes.len()).unwrap_or(0) }
    }

    /// Whether this one was not read before; `None` when all of them are longer than the file.
    fn is_new(&mut self, place: u64, length: u64) -> Option<bool> {
        if !self.places.insert(place) {
            return Some(false);
        }
        self.left = self.left.checked_sub(length)?;
        Some(true)
    }
}

/// The end of the last frame. Frames to be skipped may stand in front of and between others; what such frames hold at the
/// end is behind it.
fn lz4(bytes: &[u8]) -> Option<u64> {
    let mut rest = Reader::little(bytes);
    let mut end = None;
    loop {
        let mut reader = rest;
        while let Some(length) = skippable(reader) {
            let Some(()) = reader.skip(length) else { return end };
        }
        match reader.u32() {
            Some(0x184d_2204) => frame(&mut reader)?,
            Some(0x184c_2102) => loop {
                let at_block = reader;
                match reader.u32() {
                    Some(length) if length <= 2 << 23 => reader.skip(u64::from(length))?,
                    // No block is this long: it is behind the frame.
                    _ => {
                        reader = at_block;
                        break;
                    }
                }
            },
            _ => return end,
        }
        rest = reader;
        end = u64::try_from(reader.position()).ok();
    }
}

/// The length of the frame that is to be skipped and begins here.
fn skippable(mut reader: Reader<'_>) -> Option<u64> {
    let magic = reader.u32()?;
    (magic & 0xffff_fff0 == 0x184d_2a50).then_some(())?;
    u64::from(reader.u32()?).checked_add(8)
}

/// Passes over a frame behind its magic.
fn frame(reader: &mut Reader<'_>) -> Option<()> {
    let flags = reader.u8()?;
    reader.skip(1)?;
    reader.skip(if flags & 8 != 0 { 8 } else { 0 })?;
    reader.skip(if flags & 1 != 0 { 4 } else { 0 })?;
    reader.skip(1)?;
    loop {
        let length = reader.u32()?;
        if length == 0 {
            return reader.skip(if flags & 4 != 0 { 4 } else { 0 });
        }
        reader.skip(u64::from(length & 0x7fff_ffff))?;
        reader.skip(if flags & 0x10 != 0 { 4 } else { 0 })?;
    }
}
