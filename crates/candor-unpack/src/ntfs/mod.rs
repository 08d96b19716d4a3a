//! NTFS volumes: every stream of every file.
//!
//! Layout: <https://flatcap.github.io/linux-ntfs/ntfs/>.
//!
//! ```text
//! 0    3 "NTFS    ", 11 bytes a sector, 13 sectors a cluster, 48 cluster of the file table, 64 size of a record
//!      "FILE", where the numbers for repairs, attributes; flags, the record that this one goes on for
//!      attributes: type, length, whether in place; name; content, or its first cluster and list of runs
//! ```
//!
//! The table is read from front to back and no index is, so loops of directories mean nothing, and files that
//! no directory leads to are found. Runs that records of several kinds give for one file are put together. It is
//! read twice, and of the first time only names are kept: the table of a large volume has gigabytes.

mod compressed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::extents::{Extent, Extents};
use crate::medium::{Medium, taken};
use crate::name::path_from;
use crate::reader::{Reader, clipped};
use crate::work::{charge, units};

/// Bytes of the table, runs of one file, and bytes of the names of all.
const TABLE: u64 = 16 << 30;
const RUNS: usize = 1 << 20;
const NAMES: u64 = 512 << 20;
/// What a name costs besides its letters, and a record that goes on for another.
const NAME: u64 = 96;
/// What a record costs that is in use, and an attribute of it, in the units of [`candor_model::Budget::pay_work`]: both are
/// read twice.
const RECORD: u64 = 512;
const ATTRIBUTE: u64 = 512;
/// Bytes of the table that are paid for at once.
const PORTION: u64 = 1 << 20;
/// Records that go on for one file.
const FURTHER: usize = 4096;
/// Largest unit of compression.
const UNIT: u64 = 1 << 20;
/// Records of the file system's own files, whose content is none of a user's.
const OWN: u64 = 12;
/// The record of the root directory.
const ROOT: u64 = 5;
/// The kind of a name of eight and three characters.
const DOS: u8 = 2;

/// Gives every stream of every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    walk(&bytes, sink);
}

/// The same of a volume that need not be in memory.
pub(crate) fn walk(medium: &dyn Medium, sink: &mut dyn Sink) {
    let Some(volume) = Volume::read(medium) else {
        sink.incomplete(Reason::Malformed("the boot sector of an NTFS volume".to_owned()));
        return;
    };
    let Some(table) = volume.table() else {
        sink.incomplete(Reason::Malformed("the file table of an NTFS volume".to_owned()));
        return;
    };
    if table.length > TABLE {
        sink.incomplete(Reason::Unsupported("a file table of this size".to_owned()));
    }
    let mut names = Names::default();
    let most = NAMES.min(sink.budget().memory());
    if let Err(reason) = names.read(&table, most, sink) {
        sink.incomplete(reason);
    }
    if names.dropped > 0 {
        sink.incomplete(Reason::Unsupported("so many records of a file".to_owned()));
    }
    sink.budget().hold(names.held);
    give_all(&volume, &table, &names, sink);
    sink.budget().release(names.held);
}

fn give_all(volume: &Volume<'_>, table: &Table<'_>, names: &Names, sink: &mut dyn Sink) {
    let mut position = 0_u64;
    for &number in names.used.keys() {
        let (mut file, mut runs) = (File::default(), RUNS);
        let further = names.further.get(&number).into_iter().flatten();
        for record in std::iter::once(&number).chain(further).filter_map(|number| table.record(*number)) {
            file.add(record.attributes, &mut runs);
        }
        if runs == 0 {
            sink.incomplete(Reason::Unsupported("so many runs of an NTFS volume".to_owned()));
        }
        for (stream, data) in &file.streams {
            if number < OWN && stream.is_empty() {
                continue;
            }
            position = position.saturating_add(1);
            if data.is_nothing() {
                continue;
            }
            let mut name = names.path(number);
            if !stream.is_empty() {
                name = format!("{name}:{stream}");
            }
            if volume.give(name, position, data, sink) == Flow::Stop {
                return;
            }
        }
    }
}

/// The file table, where it stands.
struct Table<'a> {
    medium: &'a dyn Medium,
    runs: Vec<Run>,
    cluster: u64,
    record: u64,
    length: u64,
}

impl Table<'_> {
    /// Bytes of a record; fewer where the table ends, none behind its end.
    fn bytes(&self, number: u64) -> Option<Vec<u8>> {
        let at = number.checked_mul(self.record)?;
        let end = at.checked_add(self.record)?;
        if end > self.length.min(TABLE) {
            return None;
        }
        let mut bytes = Vec::new();
        let mut at = at;
        // A record may be larger than a cluster.
        while at < end {
            let cluster = at.checked_div(self.cluster)?;
            let behind = self.runs.partition_point(|run| run.first <= cluster);
            let run = self.runs.get(behind.checked_sub(1)?)?;
            let within = cluster.checked_sub(run.first).filter(|within| *within < run.count)?;
            let start = within.checked_mul(self.cluster)?.checked_add(at.checked_rem(self.cluster)?)?;
            let left = run.count.checked_mul(self.cluster)?.checked_sub(start)?;
            let length = left.min(end.checked_sub(at)?);
            match run.place {
                Some(place) => {
                    let place = place.checked_mul(self.cluster)?.checked_add(start)?;
                    let part = taken(self.medium, place, length);
                    let is_whole = u64::try_from(part.len()) == Ok(length);
                    bytes.extend_from_slice(&part);
                    if !is_whole {
                        return None;
                    }
                }
                None => bytes.resize(bytes.len().saturating_add(usize::try_from(length).ok()?), 0),
            }
            at = at.checked_add(length)?;
        }
        Some(bytes)
    }

    fn record(&self, number: u64) -> Option<Record> {
        Record::read(self.bytes(number)?)
    }

    /// The first record behind the hole in which this one begins; `None` when it begins in none.
    fn behind_hole(&self, number: u64) -> Option<u64> {
        let cluster = number.checked_mul(self.record)?.checked_div(self.cluster)?;
        let behind = self.runs.partition_point(|run| run.first <= cluster);
        let run = self.runs.get(behind.checked_sub(1)?)?;
        let end = run.first.checked_add(run.count).filter(|end| run.place.is_none() && cluster < *end)?;
        Some(end.saturating_mul(self.cluster).checked_div(self.record)?.max(number.checked_add(1)?))
    }
}

/// What is kept of all records: names, and which go on for which.
#[derive(Default)]
struct Names {
    /// Records that files begin with: parent, name, and its kind.
    used: BTreeMap<u64, Option<(u64, String, u8)>>,
    further: BTreeMap<u64, Vec<u64>>,
    /// Records of a file that has too many of them, which are not kept.
    dropped: u64,
    held: u64,
}

impl Names {
    fn read(&mut self, table: &Table<'_>, most: u64, sink: &mut dyn Sink) -> Result<(), Reason> {
        let mut damaged = 0_u64;
        let mut ended = Ok(());
        // Paid for so many bytes of the table, whatever they are.
        let (mut number, mut paid) = (0_u64, 0_u64);
        loop {
            // Nothing was ever written there, however much it is said to be.
            if let Some(next) = table.behind_hole(number) {
                number = next;
                continue;
            }
            if paid == 0 {
                paid = PORTION;
                if let Err(reason) = sink.budget().spend(PORTION.min(table.length)) {
                    ended = Err(reason);
                    break;
                }
            }
            paid = paid.saturating_sub(table.record);
            let Some(bytes) = table.bytes(number) else {
                let read = number.saturating_add(1).saturating_mul(table.record);
                if read <= table.length.min(TABLE) {
                    let why = format!("the file table of an NTFS volume ends after {number} records");
                    sink.incomplete(Reason::Malformed(why));
                }
                break;
            };
            let this = number;
            number = number.saturating_add(1);
            // Records that were never used are zeros.
            if bytes.iter().all(|byte| *byte == 0) {
                continue;
            }
            if self.held > most {
                ended = Err(Reason::Memory);
                break;
            }
            let Some(record) = Record::read(bytes) else {
                damaged = damaged.saturating_add(1);
                continue;
            };
            let attributes = units(record.attributes.len()).saturating_mul(ATTRIBUTE);
            if !charge(attributes.saturating_add(RECORD), sink) {
                break;
            }
            if record.is_used {
                self.add(this, record);
            }
        }
        if damaged > 0 {
            sink.incomplete(Reason::Malformed(format!("{damaged} records of the file table")));
        }
        ended
    }

    fn add(&mut self, number: u64, record: Record) {
        self.held = self.held.saturating_add(NAME);
        let base = if record.base == 0 { number } else { record.base };
        if base != number {
            let further = self.further.entry(base).or_default();
            if further.len() < FURTHER {
                further.push(number);
            } else {
                self.dropped = self.dropped.saturating_add(1);
            }
        }
        let known = self.used.entry(base).or_default();
        for attribute in record.attributes {
            // Names of eight and three characters stand beside the real ones.
            if let Attribute::Name(parent, name, kind) = attribute
                && known.as_ref().is_none_or(|(_, _, known)| *known == DOS)
            {
                self.held = self.held.saturating_add(u64::try_from(name.len()).unwrap_or(0));
                *known = Some((parent, name, kind));
            }
        }
    }

    /// Where a file is, without the name of the volume.
    fn path(&self, number: u64) -> String {
        path_from(ROOT, number, None, |number| {
            let (parent, name, _) = self.used.get(&number)?.as_ref()?;
            Some((*parent, name.as_str()))
        })
    }
}

struct Volume<'a> {
    medium: &'a dyn Medium,
    cluster: u64,
    /// Where the table stands.
    table: u64,
    /// Length of a record of the table.
    record: u64,
}

impl<'a> Volume<'a> {
    fn read(medium: &'a dyn Medium) -> Option<Self> {
        let boot = taken(medium, 0, 512);
        let start = Reader::little(&boot);
        let mut fields = start.at(11)?;
        let (sector, per_cluster) = (u64::from(fields.u16()?), fields.u8()?);
        // Large clusters are said as a negative power of two.
        let power = |value: u8| 1_u64.checked_shl(u32::from(value.wrapping_neg()));
        let per_cluster = if per_cluster > 0x80 { power(per_cluster)? } else { u64::from(per_cluster) };
        let cluster = sector.checked_mul(per_cluster)?;
        let table = start.at(48)?.u64()?.checked_mul(cluster)?;
        let record = start.at(64)?.u8()?;
        let record = if record > 0x80 { power(record)? } else { u64::from(record).checked_mul(cluster)? };
        ((512..=65_536).contains(&record) && (256..=4 << 20).contains(&cluster)).then_some(Self {
            medium,
            cluster,
            table,
            record,
        })
    }

    /// The file table, which says in its own first record where it stands.
    fn table(&self) -> Option<Table<'a>> {
        let record = Record::read(taken(self.medium, self.table, self.record))?;
        let (mut own, mut runs) = (File::default(), RUNS);
        own.add(record.attributes, &mut runs);
        let mut table = Table {
            medium: self.medium,
            runs: Vec::new(),
            cluster: self.cluster,
            record: self.record,
            length: 0,
        };
        let data = own.streams.get("")?;
        (table.runs, table.length) = (data.sorted(), data.length);
        // Runs of a table in many pieces go on in other records, which stand in the first ones.
        for number in record.further {
            if let Some(record) = table.record(number) {
                own.add(record.attributes, &mut runs);
            }
        }
        table.runs = own.streams.get("")?.sorted();
        Some(table)
    }

    fn stream(&self, data: &Part, length: u64) -> Extents<'a, impl Iterator<Item = Extent> + use<>> {
        let cluster = self.cluster;
        let pieces = data.sorted().into_iter().map(move |run| Extent {
            offset: run.place.map(|place| place.saturating_mul(cluster)),
            length: run.count.saturating_mul(cluster),
        });
        Extents::new(self.medium, pieces, length)
    }

    fn give(&self, name: String, position: u64, data: &Part, sink: &mut dyn Sink) -> Flow {
        let member = Member { name, position, real_size: Some(data.length), ..Member::default() };
        if let Some(content) = &data.resident {
            return sink.child(ChildKind::Extracted, &member, Content::Bytes(content));
        }
        if data.flags & 0x4000 != 0 {
            let member = Member { encrypted: true, ..member };
            return sink.child(ChildKind::Extracted, &member, Content::Absent(Reason::Encrypted));
        }
        // Only what was written is there; the rest is zeros.
        let written = data.written.min(data.length);
        let zeros = std::io::repeat(0).take(data.length.saturating_sub(written));
        if data.unit > 0 {
            let clusters = 1_u64.wrapping_shl(u32::from(data.unit));
            if clusters.saturating_mul(self.cluster) > UNIT {
                let reason = Reason::Unsupported("a unit of compression of this size".to_owned());
                return sink.child(ChildKind::Extracted, &member, Content::Absent(reason));
            }
            let unpacked = compressed::Units::new(self.medium, data.sorted(), self.cluster, clusters);
            let mut stream = unpacked.take(written).chain(zeros);
            return sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream));
        }
        let mut stream = self.stream(data, written).chain(zeros);
        sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
    }
}

/// One record, with what protects its sectors undone.
struct Record {
    is_used: bool,
    /// The record that this one goes on for; 0 for none.
    base: u64,
    attributes: Vec<Attribute>,
    /// Records that its list of attributes names.
    further: BTreeSet<u64>,
}

/// One attribute, as far as it is of use here.
enum Attribute {
    /// Parent, name, and its kind.
    Name(u64, String, u8),
    Data(String, Part),
}

/// What one attribute says of a stream.
#[derive(Default)]
struct Part {
    resident: Option<Vec<u8>>,
    flags: u16,
    unit: u8,
    length: u64,
    written: u64,
    runs: Vec<Run>,
    is_first: bool,
}

impl Part {
    /// Whether nothing is in it. A stream that is one hole is zeros; the system has one that is as long as the volume.
    fn is_nothing(&self) -> bool {
        match &self.resident {
            Some(content) => content.is_empty(),
            None => self.length == 0 || self.runs.iter().all(|run| run.place.is_none()),
        }
    }

    fn sorted(&self) -> Vec<Run> {
        let mut runs = self.runs.clone();
        runs.sort_by_key(|run| run.first);
        runs
    }
}

/// Clusters one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Number of the first in the file.
    first: u64,
    /// Where it stands, in clusters; `None` for a hole.
    place: Option<u64>,
    count: u64,
}

impl Record {
    fn read(mut bytes: Vec<u8>) -> Option<Self> {
        repair(&mut bytes)?;
        let start = Reader::little(&bytes);
        let mut at = u64::from(start.at(20)?.u16()?);
        let is_used = start.at(22)?.u16()? & 1 != 0;
        let base = start.at(32)?.u64()? & 0xffff_ffff_ffff;
        let mut attributes = Vec::new();
        let mut further = BTreeSet::new();
        // The shortest attribute has 24 bytes, so this ends.
        while let Some((kind, length)) =
            start.at(at).and_then(|mut reader| Some((reader.u32()?, reader.u32()?)))
        {
            if kind == u32::MAX || length < 24 {
                break;
            }
            let attribute = clipped(&bytes, at, u64::from(length));
            if kind == 0x20 {
                further.extend(resident(attribute).into_iter().flat_map(listed));
            }
            let read = match kind {
                0x30 => name(attribute),
                0x80 => data(attribute),
                _ => None,
            };
            attributes.extend(read);
            at = at.saturating_add(u64::from(length));
        }
        Some(Self { is_used, base, attributes, further })
    }
}

/// Puts back what stands at the end of every sector; `None` for what is no record.
fn repair(bytes: &mut [u8]) -> Option<()> {
    if !bytes.starts_with(b"FILE") {
        return None;
    }
    let start = Reader::little(bytes);
    let (at, count) = (start.at(4)?.u16()?, start.at(6)?.u16()?);
    let numbers = clipped(bytes, u64::from(at), u64::from(count).saturating_mul(2)).to_vec();
    let mut numbers = numbers.as_chunks::<2>().0.iter();
    let mark = numbers.next()?;
    for sector in bytes.chunks_exact_mut(512) {
        let (Some(number), Some(end)) = (numbers.next(), sector.last_chunk_mut::<2>()) else { break };
        // A sector that was not written with the others is read as it is.
        if end == mark {
            *end = *number;
        }
    }
    Some(())
}

/// Content of an attribute that stands in the record.
fn resident(attribute: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::little(attribute).at(16)?;
    let (length, offset) = (reader.u32()?, reader.u16()?);
    Some(clipped(attribute, u64::from(offset), u64::from(length)))
}

/// The records that a list of attributes leads to. A list that does not stand in the record is passed over.
fn listed(mut list: &[u8]) -> Vec<u64> {
    let mut records = Vec::new();
    loop {
        let entry = Reader::little(list);
        let fields = || Some((entry.at(4)?.u16()?, entry.at(16)?.u64()? & 0xffff_ffff_ffff));
        let Some((length, record)) = fields().filter(|(length, _)| *length >= 24) else { return records };
        records.push(record);
        list = list.get(usize::from(length)..).unwrap_or_default();
    }
}

fn name(attribute: &[u8]) -> Option<Attribute> {
    let content = resident(attribute)?;
    let parent = Reader::little(content).u64()? & 0xffff_ffff_ffff;
    let (length, kind) = (*content.get(64)?, *content.get(65)?);
    let name = utf16(clipped(content, 66, u64::from(length).saturating_mul(2)));
    Some(Attribute::Name(parent, name, kind))
}

fn data(attribute: &[u8]) -> Option<Attribute> {
    let start = Reader::little(attribute);
    let (is_elsewhere, name_length) = (*attribute.get(8)?, *attribute.get(9)?);
    let (name_offset, flags) = (start.at(10)?.u16()?, start.at(12)?.u16()?);
    let name = utf16(clipped(attribute, u64::from(name_offset), u64::from(name_length).saturating_mul(2)));
    if is_elsewhere == 0 {
        let content = resident(attribute)?.to_vec();
        let length = u64::try_from(content.len()).ok()?;
        let part = Part { resident: Some(content), flags, length, written: length, ..Part::default() };
        return Some(Attribute::Data(name, part));
    }
    let mut reader = start.at(16)?;
    let first = reader.u64()?;
    reader.skip(8)?;
    let (runs, unit) = (reader.u16()?, reader.u16()?);
    reader.skip(4)?;
    reader.skip(8)?;
    let (length, written) = (reader.u64()?, reader.u64()?);
    let unit = if flags & 1 != 0 { u8::try_from(unit).ok().filter(|unit| *unit <= 8)? } else { 0 };
    let runs = list(clipped(attribute, u64::from(runs), u64::MAX), first);
    // Sizes stand in the first attribute of a stream alone.
    let part = Part { resident: None, flags, unit, length, written, runs, is_first: first == 0 };
    Some(Attribute::Data(name, part))
}

/// A list of runs: for each, the widths of two numbers, its length, and how far it is from the one before.
fn list(bytes: &[u8], mut first: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut place = 0_i64;
    let mut rest = bytes;
    while let Some((&widths, behind)) = rest.split_first().filter(|(widths, _)| **widths != 0) {
        let (wide, far) = (usize::from(widths & 15), usize::from(widths >> 4));
        let Some((length, behind)) = behind.split_at_checked(wide) else { break };
        let Some((distance, behind)) = behind.split_at_checked(far) else { break };
        rest = behind;
        let Some(count) = number(length).and_then(|count| u64::try_from(count).ok()) else { break };
        let run = if far == 0 {
            Run { first, place: None, count }
        } else {
            let Some(next) = number(distance).and_then(|distance| place.checked_add(distance)) else { break };
            place = next;
            let Ok(place) = u64::try_from(next) else { break };
            Run { first, place: Some(place), count }
        };
        runs.push(run);
        let Some(next) = first.checked_add(count) else { break };
        first = next;
    }
    runs
}

/// A number with a sign, least significant byte first.
fn number(bytes: &[u8]) -> Option<i64> {
    let last = bytes.last()?;
    let mut whole = if last & 0x80 == 0 { [0; 8] } else { [0xff; 8] };
    whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(whole))
}

fn utf16(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned()
}

/// A file, from all its records.
#[derive(Default)]
struct File {
    streams: BTreeMap<String, Part>,
}

impl File {
    /// Takes what a record says; `left` is how many runs may still be kept.
    fn add(&mut self, attributes: Vec<Attribute>, left: &mut usize) {
        for attribute in attributes {
            if let Attribute::Data(name, mut part) = attribute {
                part.runs.truncate(*left);
                *left = left.saturating_sub(part.runs.len());
                let known = self.streams.entry(name).or_default();
                let mut runs = std::mem::take(&mut known.runs);
                runs.append(&mut part.runs);
                if part.is_first || part.resident.is_some() {
                    *known = part;
                }
                known.runs = runs;
            }
        }
    }
}
