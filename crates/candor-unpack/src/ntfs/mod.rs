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
//! no directory leads to are found. Runs that records of several kinds give for one file are put together.

mod compressed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::extents::{Extent, Extents};
use crate::reader::{Reader, clipped};

/// Bytes of the table that are held, and runs of all files.
const TABLE: u64 = 64 << 20;
const RUNS: usize = 1 << 20;
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
    let Some(volume) = Volume::read(bytes) else {
        sink.incomplete(Reason::Malformed("the boot sector of an NTFS volume".to_owned()));
        return;
    };
    let most = TABLE.min(sink.budget().memory());
    let Some(table) = volume.table(most) else {
        sink.incomplete(Reason::Malformed("the file table of an NTFS volume".to_owned()));
        return;
    };
    let length = u64::try_from(table.len()).unwrap_or(u64::MAX);
    if let Err(reason) = sink.budget().spend(length) {
        sink.incomplete(reason);
        return;
    }
    if length >= most {
        sink.incomplete(if most < TABLE {
            Reason::Memory
        } else {
            Reason::Unsupported("a file table of this size".to_owned())
        });
    }
    sink.budget().hold(length);
    give_all(&volume, &table, sink);
    sink.budget().release(length);
}

fn give_all(volume: &Volume<'_>, table: &[u8], sink: &mut dyn Sink) {
    let mut files: BTreeMap<u64, File> = BTreeMap::new();
    let (mut damaged, mut runs) = (0_u64, RUNS);
    for (number, record) in (0_u64..).zip(table.chunks_exact(volume.record)) {
        match Record::read(record) {
            Some(record) if record.is_used => {
                let base = if record.base == 0 { number } else { record.base };
                files.entry(base).or_default().add(record.attributes, &mut runs);
            }
            Some(_) => {}
            // Records that were never used are zeros.
            None if record.iter().all(|byte| *byte == 0) => {}
            None => damaged = damaged.saturating_add(1),
        }
    }
    if damaged > 0 {
        sink.incomplete(Reason::Malformed(format!("{damaged} records of the file table")));
    }
    if runs == 0 {
        sink.incomplete(Reason::Unsupported("so many runs of an NTFS volume".to_owned()));
    }
    let mut position = 0_u64;
    for (number, file) in &files {
        for (stream, data) in &file.streams {
            if *number < OWN && stream.is_empty() {
                continue;
            }
            position = position.saturating_add(1);
            let mut name = path(&files, *number);
            if !stream.is_empty() {
                name = format!("{name}:{stream}");
            }
            if volume.give(name, position, data, sink) == Flow::Stop {
                return;
            }
        }
    }
}

struct Volume<'a> {
    bytes: &'a [u8],
    cluster: u64,
    /// Where the table stands.
    table: u64,
    /// Length of a record of the table.
    record: usize,
}

impl<'a> Volume<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let mut fields = start.at(11)?;
        let (sector, per_cluster) = (u64::from(fields.u16()?), fields.u8()?);
        // Large clusters are said as a negative power of two.
        let power = |value: u8| 1_u64.checked_shl(u32::from(value.wrapping_neg()));
        let per_cluster = if per_cluster > 0x80 { power(per_cluster)? } else { u64::from(per_cluster) };
        let cluster = sector.checked_mul(per_cluster)?;
        let table = start.at(48)?.u64()?.checked_mul(cluster)?;
        let record = start.at(64)?.u8()?;
        let record = if record > 0x80 { power(record)? } else { u64::from(record).checked_mul(cluster)? };
        let record = usize::try_from(record).ok()?;
        ((512..=65_536).contains(&record) && (256..=4 << 20).contains(&cluster)).then_some(Self {
            bytes,
            cluster,
            table,
            record,
        })
    }

    /// The file table, which says in its own first record where it stands.
    fn table(&self, most: u64) -> Option<Vec<u8>> {
        let first = clipped(self.bytes, self.table, u64::try_from(self.record).ok()?);
        let record = Record::read(first)?;
        let (mut own, mut runs) = (File::default(), RUNS);
        own.add(record.attributes, &mut runs);
        let data = own.streams.get("")?;
        let mut table = Vec::new();
        // What could be read is kept.
        let _ = self.stream(data, data.length.min(most)).read_to_end(&mut table);
        Some(table)
    }

    fn stream(&self, data: &Part, length: u64) -> Extents<'a, impl Iterator<Item = Extent> + use<>> {
        let cluster = self.cluster;
        let pieces = data.sorted().into_iter().map(move |run| Extent {
            offset: run.place.map(|place| place.saturating_mul(cluster)),
            length: run.count.saturating_mul(cluster),
        });
        Extents::new(self.bytes, pieces, length)
    }

    fn give(&self, name: String, position: u64, data: &Part, sink: &mut dyn Sink) -> Flow {
        let member = Member { name, position, real_size: Some(data.length), ..Member::default() };
        if let Some(content) = &data.resident {
            if content.is_empty() {
                return Flow::Continue;
            }
            return sink.child(ChildKind::Extracted, &member, Content::Bytes(content));
        }
        // A stream that is one hole is zeros; the system has one that is as long as the volume.
        if data.length == 0 || data.runs.iter().all(|run| run.place.is_none()) {
            return Flow::Continue;
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
            let unpacked = compressed::Units::new(self.bytes, data.sorted(), self.cluster, clusters);
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
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes.to_vec();
        repair(&mut bytes)?;
        let start = Reader::little(&bytes);
        let mut at = u64::from(start.at(20)?.u16()?);
        let is_used = start.at(22)?.u16()? & 1 != 0;
        let base = start.at(32)?.u64()? & 0xffff_ffff_ffff;
        let mut attributes = Vec::new();
        // The shortest attribute has 24 bytes, so this ends.
        while let Some((kind, length)) =
            start.at(at).and_then(|mut reader| Some((reader.u32()?, reader.u32()?)))
        {
            if kind == u32::MAX || length < 24 {
                break;
            }
            let attribute = clipped(&bytes, at, u64::from(length));
            let read = match kind {
                0x30 => name(attribute),
                0x80 => data(attribute),
                _ => None,
            };
            attributes.extend(read);
            at = at.saturating_add(u64::from(length));
        }
        Some(Self { is_used, base, attributes })
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
    /// Parent, name, and its kind.
    name: Option<(u64, String, u8)>,
    streams: BTreeMap<String, Part>,
}

impl File {
    /// Takes what a record says; `left` is how many runs may still be kept.
    fn add(&mut self, attributes: Vec<Attribute>, left: &mut usize) {
        for attribute in attributes {
            match attribute {
                Attribute::Name(parent, name, kind) => {
                    // Names of eight and three characters stand beside the real ones.
                    if self.name.as_ref().is_none_or(|(_, _, known)| *known == DOS) {
                        self.name = Some((parent, name, kind));
                    }
                }
                Attribute::Data(name, mut part) => {
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
}

/// Where a file is, without the name of the volume.
fn path(files: &BTreeMap<u64, File>, mut number: u64) -> String {
    let mut path = String::new();
    let mut seen = BTreeSet::new();
    while number != ROOT && seen.insert(number) && path.len() < 4096 {
        let Some((parent, name, _)) = files.get(&number).and_then(|file| file.name.as_ref()) else { break };
        path = if path.is_empty() { name.clone() } else { format!("{name}/{path}") };
        number = *parent;
    }
    path
}
