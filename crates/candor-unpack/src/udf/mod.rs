//! UDF volumes, also those that are ISO 9660 at the same time.
//!
//! Layout: ECMA-167 and OSTA's UDF 2.60. Every structure begins with a tag of 16 bytes that says what it is.
//!
//! ```text
//! sector 256   anchor: where the volume descriptors stand
//! descriptors  5 a partition: where it begins; 6 the logical volume: block size, maps of partitions, file set
//! file set     where the root's file entry stands
//! file entry   kind, length, attributes, pieces or the content itself; of a directory: identifiers with names
//! ```
//!
//! Directories that lead back to themselves are read once. Lists of pieces that go on elsewhere are followed a
//! bounded number of times.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::extents::{Extent, Extents};
use crate::reader::{Reader, clipped};
use crate::work::{charge, units};

/// Entries of directories that are read, bytes of one directory, pieces of one file.
const ENTRIES: u32 = 100_000;
const DIRECTORY: u64 = 16 << 20;
const PIECES: usize = 100_000;
/// What an entry of a directory costs beside its path, and a piece of a file, in the units of
/// [`candor_model::Budget::pay_work`].
const ENTRY: u64 = 256;
const PIECE: u64 = 16;
/// Bytes of a path, and folders that wait to be read.
const PATH: usize = 4096;
const FOLDERS: usize = 10_000;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if !walk(bytes, &mut BTreeSet::new(), sink) {
        sink.incomplete(Reason::Malformed("UDF descriptors".to_owned()));
    }
}

/// Gives every file whose content does not begin where one of `given` does, by offset and length; `false` if
/// there is no volume.
pub(crate) fn walk(bytes: &[u8], given: &mut BTreeSet<(u64, u64)>, sink: &mut dyn Sink) -> bool {
    let Some((volume, root)) = Volume::read(bytes) else { return false };
    if volume.has_unknown_map {
        sink.incomplete(Reason::Unsupported("a virtual partition of UDF".to_owned()));
    }
    let mut open = vec![(root, String::new())];
    let mut seen = BTreeSet::new();
    let (mut position, mut left) = (0_u64, ENTRIES);
    while let Some((place, path)) = open.pop() {
        if !seen.insert(place) {
            continue;
        }
        let Some(entry) = volume.entry(place) else {
            sink.incomplete(Reason::Malformed(format!("the entry of {path} in UDF")));
            continue;
        };
        if !charge(units(entry.pieces.len()).saturating_mul(PIECE), sink) {
            return true;
        }
        let mut content = Vec::new();
        // What could be read is kept.
        let outcome = volume.stream(&entry, entry.length.min(DIRECTORY)).read_to_end(&mut content);
        if let Err(reason) = sink.budget().spend(u64::try_from(content.len()).unwrap_or(u64::MAX)) {
            sink.incomplete(reason);
            return true;
        }
        if outcome.is_err() {
            sink.incomplete(Reason::Malformed(format!("the directory {path} is cut short")));
        }
        if entry.length > DIRECTORY {
            sink.incomplete(Reason::Children);
        }
        let mut rest = content.as_slice();
        while let Some((identifier, behind)) = Identifier::read(rest) {
            rest = behind;
            if identifier.flags & (DELETED | PARENT) != 0 {
                continue;
            }
            let Some(fewer) = left.checked_sub(1) else {
                sink.incomplete(Reason::Children);
                return true;
            };
            left = fewer;
            if !charge(ENTRY.saturating_add(units(path.len())), sink) {
                return true;
            }
            let name = format!("{path}{}", identifier.name);
            if identifier.flags & FOLDER != 0 {
                if open.len() >= FOLDERS {
                    sink.incomplete(Reason::Children);
                    return true;
                }
                if name.len() < PATH {
                    open.push((identifier.place, name + "/"));
                } else {
                    sink.incomplete(Reason::Depth);
                }
                continue;
            }
            let Some(file) = volume.entry(identifier.place) else {
                sink.incomplete(Reason::Malformed(format!("the entry of {name} in UDF")));
                continue;
            };
            if !charge(units(file.pieces.len()).saturating_mul(PIECE), sink) {
                return true;
            }
            let first = file.pieces.first().and_then(|piece| piece.offset).unwrap_or(0);
            if file.length == 0 || (file.inline.is_none() && !given.insert((first, file.length))) {
                continue;
            }
            position = position.saturating_add(1);
            let member = Member { name, position, real_size: Some(file.length), ..Member::default() };
            let flow = match file.inline {
                Some(content) => sink.child(ChildKind::Extracted, &member, Content::Bytes(content)),
                None => {
                    let mut stream = volume.stream(&file, file.length);
                    sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
                }
            };
            if flow == Flow::Stop {
                return true;
            }
        }
    }
    true
}

const FOLDER: u8 = 2;
const DELETED: u8 = 4;
const PARENT: u8 = 8;

/// A block of a partition of the volume.
type Place = (u16, u32);

/// How the blocks of a partition are found.
#[derive(Clone, Debug)]
enum Map {
    /// From this offset on.
    Plain(u64),
    /// In the pieces of a file, each with where it begins in that.
    Metadata(Vec<(u64, Extent)>),
}

struct Volume<'a> {
    bytes: &'a [u8],
    block: u64,
    maps: Vec<Map>,
    has_unknown_map: bool,
}

/// What a file entry says.
struct Entry<'a> {
    length: u64,
    pieces: Vec<Extent>,
    /// The content, where it stands in the entry.
    inline: Option<&'a [u8]>,
}

impl<'a> Volume<'a> {
    /// The volume, and where its root stands.
    fn read(bytes: &'a [u8]) -> Option<(Self, Place)> {
        let total = u64::try_from(bytes.len()).ok()?;
        for sector in [2048_u64, 512, 4096] {
            let last = total.checked_div(sector)?.saturating_sub(1);
            for anchor in [256, last, last.saturating_sub(256), 512] {
                let offset = anchor.saturating_mul(sector);
                if tag(clipped(bytes, offset, 512)) == Some(2)
                    && let Some(found) = Self::read_at(bytes, offset, sector)
                {
                    return Some(found);
                }
            }
        }
        None
    }

    fn read_at(bytes: &'a [u8], anchor: u64, sector: u64) -> Option<(Self, Place)> {
        let mut reader = Reader::little(bytes).at(anchor.checked_add(16)?)?;
        let (length, first) = (u64::from(reader.u32()?), u64::from(reader.u32()?));
        let mut partitions: Vec<(u16, u64)> = Vec::new();
        let mut logical = None;
        for index in 0..length.checked_div(sector)?.min(256) {
            let offset = first.saturating_add(index).saturating_mul(sector);
            let descriptor = clipped(bytes, offset, sector.max(2048));
            match tag(descriptor) {
                Some(5) => {
                    let start = Reader::little(descriptor);
                    let number = start.at(22)?.u16()?;
                    partitions.push((number, u64::from(start.at(188)?.u32()?).saturating_mul(sector)));
                }
                Some(6) => logical = Some(descriptor),
                Some(8) | None => break,
                Some(_) => {}
            }
        }
        let descriptor = logical?;
        let start = Reader::little(descriptor);
        let block = u64::from(start.at(212)?.u32()?);
        if !block.is_power_of_two() || !(512..=65_536).contains(&block) {
            return None;
        }
        let mut reader = start.at(252)?;
        let set = (start.at(256)?.u16()?, reader.u32()?);
        let count = start.at(268)?.u32()?;
        let mut volume = Self { bytes, block, maps: Vec::new(), has_unknown_map: false };
        let mut rest = clipped(descriptor, 440, u64::MAX);
        let partition = |number: u16| {
            let found = partitions.iter().find(|(known, _)| *known == number).or(partitions.first());
            found.map_or(0, |(_, offset)| *offset)
        };
        for _ in 0..count.min(16) {
            let Some(map) = rest.get(1).and_then(|length| rest.get(..usize::from(*length))) else { break };
            rest = rest.get(map.len().max(1)..).unwrap_or_default();
            let number =
                |at: u64| Reader::little(map).at(at).and_then(|mut reader| reader.u16()).unwrap_or(0);
            if map.first() == Some(&1) {
                volume.maps.push(Map::Plain(partition(number(4))));
                continue;
            }
            let plain = partition(number(38));
            let name = clipped(map, 5, 23);
            let metadata = if name == b"*UDF Metadata Partition" {
                let file = Reader::little(map).at(40).and_then(|mut reader| reader.u32());
                file.and_then(|file| {
                    volume.entry_at(plain.checked_add(u64::from(file).checked_mul(block)?)?, plain, 0)
                })
            } else {
                // Blocks of a sparable partition stand where they would without a map, unless they are damaged.
                volume.has_unknown_map |= name != b"*UDF Sparable Partition";
                None
            };
            volume.maps.push(match metadata {
                Some(entry) => Map::Metadata(placed(entry.pieces)),
                None => Map::Plain(plain),
            });
        }
        let descriptor = volume.offset((set.0, set.1))?;
        let file_set = clipped(bytes, descriptor, 512);
        if tag(file_set) != Some(256) {
            return None;
        }
        let mut reader = Reader::little(file_set).at(404)?;
        let block = reader.u32()?;
        Some((volume, (reader.u16()?, block)))
    }

    /// Where a block stands.
    fn offset(&self, (partition, block): Place) -> Option<u64> {
        let within = u64::from(block).checked_mul(self.block)?;
        match self.maps.get(usize::from(partition))? {
            Map::Plain(start) => start.checked_add(within),
            Map::Metadata(pieces) => {
                let behind = pieces.partition_point(|(start, _)| *start <= within);
                let (start, piece) = pieces.get(behind.checked_sub(1)?)?;
                let left = within.checked_sub(*start).filter(|left| *left < piece.length)?;
                piece.offset?.checked_add(left)
            }
        }
    }

    fn entry(&self, place: Place) -> Option<Entry<'a>> {
        let offset = self.offset(place)?;
        let start = match self.maps.get(usize::from(place.0))? {
            Map::Plain(start) => *start,
            // Content of files stands in the partition that the metadata are of, which is the first.
            Map::Metadata(_) => self.maps.iter().find_map(|map| match map {
                Map::Plain(start) => Some(*start),
                Map::Metadata(_) => None,
            })?,
        };
        self.entry_at(offset, start, place.0)
    }

    /// The file entry at an offset; short pieces count from the `start` of its partition.
    fn entry_at(&self, offset: u64, start: u64, partition: u16) -> Option<Entry<'a>> {
        let bytes = clipped(self.bytes, offset, self.block);
        let reader = Reader::little(bytes);
        let kind = tag(bytes)?;
        let (lengths, content) = match kind {
            261 => (168, 176_u64),
            266 => (208, 216),
            _ => return None,
        };
        let flags = reader.at(34)?.u16()?;
        let length = reader.at(56)?.u64()?;
        let mut numbers = reader.at(lengths)?;
        let (attributes, list) = (numbers.u32()?, numbers.u32()?);
        let list = clipped(bytes, content.checked_add(u64::from(attributes))?, u64::from(list));
        if flags & 7 == 3 {
            return Some(Entry { length, pieces: Vec::new(), inline: Some(clipped(list, 0, length)) });
        }
        // Directories of a metadata partition stand in it, too.
        let is_metadata = matches!(self.maps.get(usize::from(partition)), Some(Map::Metadata(_)));
        let mut pieces = Vec::new();
        let mut lists = vec![list];
        for _ in 0..256 {
            let Some(list) = lists.pop() else { break };
            let mut reader = Reader::little(list);
            while pieces.len() < PIECES {
                let mut piece = || match flags & 7 {
                    0 => Some((reader.u32()?, reader.u32()?, None)),
                    1 => {
                        let (length, block) = (reader.u32()?, reader.u32()?);
                        let partition = reader.u16()?;
                        reader.skip(6)?;
                        Some((length, block, Some(partition)))
                    }
                    _ => None,
                };
                let Some((word, block, named)) = piece() else { break };
                let (kind, length) = (word >> 30, u64::from(word & 0x3fff_ffff));
                if length == 0 {
                    break;
                }
                let place = match named {
                    Some(partition) => self.offset((partition, block)),
                    None if is_metadata => self.offset((partition, block)),
                    None => {
                        u64::from(block).checked_mul(self.block).and_then(|within| start.checked_add(within))
                    }
                };
                match kind {
                    0 => pieces.push(Extent { offset: place, length }),
                    3 => {
                        // The list goes on there, behind a tag.
                        if let Some(place) = place {
                            let next = clipped(self.bytes, place, length);
                            let used = Reader::little(next).at(20).and_then(|mut reader| reader.u32());
                            lists.push(clipped(next, 24, u64::from(used.unwrap_or(0))));
                        }
                        break;
                    }
                    // Space that nothing was written to.
                    _ => pieces.push(Extent { offset: None, length }),
                }
            }
        }
        Some(Entry { length, pieces, inline: None })
    }

    fn stream<'e>(
        &'e self,
        entry: &'e Entry<'a>,
        length: u64,
    ) -> Extents<'e, Box<dyn Iterator<Item = Extent> + 'e>> {
        if let Some(content) = &entry.inline {
            let whole = Extent { offset: Some(0), length: u64::try_from(content.len()).unwrap_or(0) };
            return Extents::new(content, Box::new(std::iter::once(whole)), length);
        }
        Extents::new(&self.bytes, Box::new(entry.pieces.iter().copied()), length)
    }
}

/// Pieces, each with where it begins in the file.
fn placed(pieces: Vec<Extent>) -> Vec<(u64, Extent)> {
    let mut start = 0_u64;
    let place = |piece: Extent| {
        let placed = (start, piece);
        start = start.saturating_add(piece.length);
        placed
    };
    pieces.into_iter().map(place).collect()
}

/// What a structure is, when the sum over its tag is right.
fn tag(bytes: &[u8]) -> Option<u16> {
    let tag = bytes.get(..16)?;
    let sum = tag
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != 4)
        .fold(0_u8, |sum, (_, byte)| sum.wrapping_add(*byte));
    let kind = Reader::little(tag).u16()?;
    (kind > 0 && tag.get(4) == Some(&sum)).then_some(kind)
}

/// An entry of a directory.
struct Identifier {
    flags: u8,
    place: Place,
    name: String,
}

impl Identifier {
    /// The first entry in `bytes`, and what follows it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        if tag(bytes)? != 257 {
            return None;
        }
        let start = Reader::little(bytes);
        let (flags, name_length) = (*bytes.get(18)?, u64::from(*bytes.get(19)?));
        let mut reader = start.at(24)?;
        let block = reader.u32()?;
        let partition = reader.u16()?;
        let own = u64::from(start.at(36)?.u16()?);
        let name_place = own.checked_add(38)?;
        let name = match clipped(bytes, name_place, name_length).split_first() {
            Some((16, units)) => encoding_rs::UTF_16BE.decode_without_bom_handling(units).0.into_owned(),
            Some((_, name)) => name.iter().copied().map(char::from).collect(),
            None => String::new(),
        };
        let end = usize::try_from(name_place.checked_add(name_length)?).ok()?.checked_next_multiple_of(4)?;
        Some((Self { flags, place: (partition, block), name }, bytes.get(end..).unwrap_or_default()))
    }
}
