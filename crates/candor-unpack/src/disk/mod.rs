//! Partition tables: MBR with its chain of extended partitions, GPT, and Apple's map. Every partition is a
//! child where it stands; what is in it is for the format of the volume. Only physical volumes of LVM, when there are
//! several, are put together here, as what stands on them is spread over all: then the logical volumes are the children.
//!
//! The last sector of a disk with a GUID partition table has a second header, with rows of its own: where the first is gone or its
//! checks are wrong, systems go by that one, and so does this, and tells. What still stands in the first is given, too.
//!
//! Hostile tables have partitions that overlap or reach behind the end (each is given as far as it goes, and
//! paid for) and extended partitions that lead back to one another (each is followed once).

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use candor_model::{Anomaly, ChildKind, Content, Flow, Member, Reason, Sink};

use crate::crc;
use crate::lvm;
use crate::medium::{Medium, taken};
use crate::name::decoded;
use crate::reader::{Order, Reader, clipped, until_nul, without_nuls};

const SECTOR: u64 = 512;
/// What a disk with a GUID partition table may have for sectors: its places count in them.
const SECTORS: [u64; 2] = [SECTOR, 4096];
/// The partition in a master boot record that says that there is such a table.
const PROTECTIVE: u32 = 0xee;
/// Bytes of a table whose sum is taken; 16,384 are what all have.
const SUMMED: u64 = 64 << 10;
/// Partitions of one table, and tables of extended partitions with the first one.
const PARTITIONS: u64 = 256;
const TABLES: usize = 64;

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its name; empty where tables have none.
    pub name: String,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its length in bytes, as the table has it.
    pub length: u64,
    /// What the table says that it is for: a byte in the record of a PC, sixteen in a GUID partition table, a
    /// text in Apple's map.
    pub kind: Vec<u8>,
}

/// What takes partitions.
pub(crate) type Take<'t> = dyn FnMut(&mut dyn Sink, &Partition) -> Flow + 't;

/// Gives the partitions of a master boot record.
pub(crate) fn unpack_mbr(bytes: &[u8], sink: &mut dyn Sink) {
    give(bytes, sink, mbr);
}

/// Gives the partitions of a GUID partition table.
pub(crate) fn unpack_gpt(bytes: &[u8], sink: &mut dyn Sink) {
    give(bytes, sink, gpt);
}

/// Gives the partitions of Apple's partition map.
pub(crate) fn unpack_apm(bytes: &[u8], sink: &mut dyn Sink) {
    give(bytes, sink, apm);
}

/// Gives each partition as a child that stands in `bytes`.
fn give(bytes: &[u8], sink: &mut dyn Sink, read: fn(&dyn Medium, &mut dyn Sink, &mut Take<'_>)) {
    let (mut position, mut flow) = (0_u64, Flow::Continue);
    let mut physical: Vec<(Member, u64, &[u8])> = Vec::new();
    read(&bytes, sink, &mut |sink, partition| {
        position = position.saturating_add(1);
        let (name, length) = (partition.name.clone(), partition.length);
        let member = Member { name, position, real_size: Some(length), ..Member::default() };
        let content = clipped(bytes, partition.offset, length);
        if lvm::is_physical(&content) {
            physical.push((member, partition.offset, content));
        } else {
            let kind = ChildKind::Embedded { offset: partition.offset };
            flow = sink.child(kind, &member, Content::Bytes(content));
        }
        flow
    });
    match &physical[..] {
        _ if flow == Flow::Stop => (),
        [] => (),
        [(member, offset, content)] => {
            // There is nothing after this child, so whether to go on makes no difference.
            let _ = sink.child(ChildKind::Embedded { offset: *offset }, member, Content::Bytes(content));
        }
        several => {
            let contents: Vec<&[u8]> = several.iter().map(|(_, _, content)| *content).collect();
            let media: Vec<&dyn Medium> = contents.iter().map(|content| content as &dyn Medium).collect();
            lvm::walk(&media, sink, &mut lvm::children(&contents));
        }
    }
}

/// The partitions of a master boot record, and those of the GUID partition table that it stands in front of, if only the second
/// of that is there.
pub(crate) fn mbr(medium: &dyn Medium, sink: &mut dyn Sink, take: &mut Take<'_>) {
    let mut disk = Disk::new(medium, "MBR", sink, take);
    let guarded = Table::protected(medium);
    if let Some(table) = &guarded
        && disk.second(table) == Flow::Stop
    {
        return;
    }
    let mut tables = vec![(0_u64, 0_u64)];
    let mut seen = BTreeSet::new();
    while let Some((table, extended)) = tables.pop() {
        if !seen.insert(table) {
            continue;
        }
        if seen.len() > TABLES {
            disk.more();
            return;
        }
        for row in 0..4_u64 {
            let place =
                table.saturating_mul(SECTOR).saturating_add(446).saturating_add(row.saturating_mul(16));
            let row = taken(medium, place, 16);
            let mut reader = Reader::little(&row);
            let (Some(_), Some(kind)) = (reader.u32(), reader.u32()) else {
                disk.cut();
                break;
            };
            let (Some(start), Some(count)) = (reader.u32(), reader.u32()) else { break };
            let (start, count) = (u64::from(start), u64::from(count));
            match kind & 0xff {
                0 => {}
                PROTECTIVE if guarded.is_some() => {}
                // Extended partitions count from the first of them, in themselves from their own table.
                5 | 0x0f | 0x85 => {
                    let next = extended.saturating_add(start);
                    tables.push((next, if extended == 0 { start } else { extended }));
                }
                _ => {
                    let start = table.saturating_add(start);
                    let kind = kind.to_le_bytes().get(..1).unwrap_or_default().to_vec();
                    if disk.give(String::new(), kind, (start, count), SECTOR) == Flow::Stop {
                        return;
                    }
                }
            }
        }
    }
}

/// The partitions of a GUID partition table.
pub(crate) fn gpt(medium: &dyn Medium, sink: &mut dyn Sink, take: &mut Take<'_>) {
    let is_table = |sector: &u64| taken(medium, *sector, 8) == MARK;
    let Some(sector) = SECTORS.into_iter().find(is_table) else { return };
    let mut disk = Disk::new(medium, "GPT", sink, take);
    let Some(first) = Table::at(medium, 1, sector) else {
        disk.cut();
        return;
    };
    if disk.rows(&first) == Flow::Stop || first.is_sound(medium) {
        return;
    }
    let places = [first.other, last_sector(medium, sector)];
    if let Some(second) = places.into_iter().find_map(|place| Table::sound(medium, place, sector)) {
        // There is nothing after these, so whether to go on makes no difference.
        let _ = disk.second(&second);
    }
}

/// How the header of a GUID partition table starts.
const MARK: &[u8] = b"EFI PART";

/// The header of a GUID partition table.
struct Table {
    header: Vec<u8>,
    /// Bytes of a sector.
    sector: u64,
    /// The sector of the other header.
    other: u64,
    /// Where rows stand, how many, how long one is, and the sum over them.
    start: u64,
    count: u32,
    size: u32,
    sum: u32,
}

impl Table {
    /// The header in this sector.
    fn at(medium: &dyn Medium, place: u64, sector: u64) -> Option<Self> {
        let header = taken(medium, place.checked_mul(sector)?, SECTOR);
        let field = |at: u64| Reader::little(&header).at(at);
        let mut rows = field(72)?;
        let (start, count, size, sum) =
            (rows.u64()?.saturating_mul(sector), rows.u32()?, rows.u32()?, rows.u32()?);
        let other = field(32)?.u64()?;
        header.starts_with(MARK).then_some(Self { header, sector, other, start, count, size, sum })
    }

    /// The same, when its checks are right.
    fn sound(medium: &dyn Medium, place: u64, sector: u64) -> Option<Self> {
        Self::at(medium, place, sector).filter(|table| table.is_sound(medium))
    }

    /// The second table of a disk whose master boot record says that there is one, and that has no first.
    fn protected(medium: &dyn Medium) -> Option<Self> {
        let rows = taken(medium, 446, 64);
        let row = rows.as_chunks::<16>().0.iter().find_map(|row| {
            let mut reader = Reader::little(row).at(4)?;
            (reader.u32()? & 0xff == PROTECTIVE).then_some((reader.u32()?, reader.u32()?))
        })?;
        if SECTORS.into_iter().any(|sector| taken(medium, sector, 8) == MARK) {
            return None;
        }
        // The last sector is that of the file or, when something is behind the disk, the one that the record says.
        let said = u64::from(row.0).saturating_add(u64::from(row.1)).saturating_sub(1);
        SECTORS.into_iter().find_map(|sector| {
            let places = [last_sector(medium, sector), said];
            places.into_iter().find_map(|place| Self::sound(medium, place, sector))
        })
    }

    /// Whether the sums are right that the header has over itself and over the rows, as far as those are taken.
    fn is_sound(&self, medium: &dyn Medium) -> bool {
        let is_right = || {
            let mut fields = Reader::little(&self.header).at(12)?;
            let (length, said) = (fields.u32()?, fields.u32()?);
            let header = self.header.get(..usize::try_from(length).ok()?)?;
            let sum = crc::IEEE.of(&[header.get(..16)?, &[0; 4], header.get(20..)?]);
            let length = u64::from(self.count).saturating_mul(u64::from(self.size));
            Some(
                sum == said
                    && (length > SUMMED || crc::of_content(&taken(medium, self.start, length)) == self.sum),
            )
        };
        is_right().unwrap_or(false)
    }
}

/// The last whole sector of a disk.
fn last_sector(medium: &dyn Medium, sector: u64) -> u64 {
    medium.length().checked_div(sector).unwrap_or(0).saturating_sub(1)
}

/// The partitions of Apple's partition map.
pub(crate) fn apm(medium: &dyn Medium, sink: &mut dyn Sink, take: &mut Take<'_>) {
    let head = taken(medium, 2, 2);
    let said = Reader::new(&head, Order::Big).u16().map_or(SECTOR, u64::from);
    let is_map = |size: &u64| taken(medium, *size, 2) == b"PM";
    let Some(size) = [said, SECTOR, 2048].into_iter().find(is_map) else { return };
    let mut disk = Disk::new(medium, "APM", sink, take);
    let held = taken(medium, size.saturating_add(4), 4);
    let rows = Reader::new(&held, Order::Big).u32().map_or(1, u64::from);
    for index in 1..=PARTITIONS.saturating_add(1) {
        let entry = taken(medium, index.saturating_mul(size), 80);
        if entry.len() < 80 && index <= rows {
            disk.cut();
            return;
        }
        let mut reader = Reader::new(&entry, Order::Big);
        let mut place = || {
            reader.skip(8)?;
            Some((reader.u32()?, reader.u32()?, reader.take(32)?, reader.take(32)?))
        };
        let Some((start, count, name, kind)) = place().filter(|_| entry.starts_with(b"PM")) else { return };
        if index > PARTITIONS {
            disk.more();
            return;
        }
        let kind = until_nul(kind);
        if kind == b"Apple_partition_map" {
            disk.occupy(u64::from(start).saturating_mul(size), u64::from(count).saturating_mul(size));
            continue;
        }
        if matches!(kind, b"Apple_Free" | b"Apple_Void") {
            continue;
        }
        let name = decoded(without_nuls(until_nul(name)));
        let place = (u64::from(start), u64::from(count));
        if disk.give(name, kind.to_vec(), place, size) == Flow::Stop {
            return;
        }
    }
}

struct Disk<'a, 'sink> {
    medium: &'a dyn Medium,
    sink: &'sink mut dyn Sink,
    take: &'sink mut Take<'sink>,
    /// What the kind of table is called.
    table: &'static str,
    /// Start and length of what was given.
    given: BTreeSet<(u64, u64)>,
    /// Start and end of every partition.
    occupied: Vec<(u64, u64)>,
}

impl<'a, 'sink> Disk<'a, 'sink> {
    fn new(
        medium: &'a dyn Medium,
        table: &'static str,
        sink: &'sink mut dyn Sink,
        take: &'sink mut Take<'sink>,
    ) -> Self {
        Self { medium, sink, take, table, given: BTreeSet::new(), occupied: Vec::new() }
    }

    fn give(&mut self, name: String, kind: Vec<u8>, place: (u64, u64), sector: u64) -> Flow {
        let (start, count) = place;
        let (offset, length) = (start.saturating_mul(sector), count.saturating_mul(sector));
        // A partition that starts with the table is the disk again.
        if start == 0 {
            return Flow::Continue;
        }
        self.occupy(offset, length);
        if !self.given.insert((offset, length)) {
            return Flow::Continue;
        }
        let there = self.medium.length();
        if offset.saturating_add(length) > there {
            self.sink.incomplete(Reason::Malformed("a partition reaches behind the end".to_owned()));
        }
        if length == 0 || offset >= there {
            return Flow::Continue;
        }
        (self.take)(self.sink, &Partition { name, offset, length, kind })
    }

    /// Gives what a GUID partition table tells of.
    fn rows(&mut self, table: &Table) -> Flow {
        if u64::from(table.count) > PARTITIONS {
            self.more();
        }
        for index in 0..u64::from(table.count).min(PARTITIONS) {
            let place = table.start.saturating_add(index.saturating_mul(u64::from(table.size.max(128))));
            let entry = taken(self.medium, place, 128);
            let mut reader = Reader::little(&entry);
            let mut place = || {
                let kind = reader.take(16)?.to_vec();
                reader.skip(16)?;
                let (first, last) = (reader.u64()?, reader.u64()?);
                reader.skip(8)?;
                Some((kind, first, last, reader.rest()))
            };
            let Some((kind, first, last, name)) = place() else {
                self.cut();
                break;
            };
            if first == 0 || last < first {
                continue;
            }
            let name = encoding_rs::UTF_16LE.decode(name).0;
            let name = name.split('\0').next().unwrap_or_default().to_owned();
            let count = last.saturating_sub(first).saturating_add(1);
            if self.give(name, kind, (first, count), table.sector) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Gives what the second GUID partition table of a disk tells of, and says that the first one is damaged. What lies over
    /// partitions of another table lies over none.
    fn second(&mut self, table: &Table) -> Flow {
        let what = "the first GUID partition table is damaged or missing";
        self.sink.incomplete(Reason::Malformed(what.to_owned()));
        let kind = std::mem::replace(&mut self.table, "GPT");
        let occupied = std::mem::take(&mut self.occupied);
        let flow = self.rows(table);
        (self.table, self.occupied) = (kind, occupied);
        flow
    }

    /// Says that there are more partitions than are looked at.
    fn more(&mut self) {
        self.sink.incomplete(Reason::Children);
    }

    /// Says that the table goes on behind the end.
    fn cut(&mut self) {
        self.sink.incomplete(Reason::Malformed(format!("the partition table ({}) is cut short", self.table)));
    }

    /// Notes that a partition is here, and tells when another is, too.
    fn occupy(&mut self, offset: u64, length: u64) {
        let end = offset.saturating_add(length);
        if self.occupied.iter().any(|&(start, stop)| start < end && offset < stop) {
            self.sink.anomaly(Anomaly::PartitionIntersection(self.table));
        }
        self.occupied.push((offset, end));
    }
}
