//! FAT volumes (12, 16 and 32 bits) and exFAT.
//!
//! Layouts: ECMA-107, Microsoft's "FAT32 File System Specification" and
//! <https://learn.microsoft.com/windows/win32/fileio/exfat-specification>.
//!
//! ```text
//! FAT    11 bytes a sector, sectors a cluster, reserved sectors, tables, root entries, ..., sectors a table
//!        tables of what follows each cluster; root directory (12 and 16 bits); clusters from number 2 on
//!        32 bytes an entry: name, attributes, first cluster, length; long names in entries in front of it
//! exFAT  80 where the table and the clusters stand, number of clusters, first cluster of the root
//! ```
//!
//! Directories that lead back to themselves are read once. Chains are followed while a file is read, and no
//! further than it is long. Of deleted files, nothing is given.

mod exfat;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::extents::{Extent, Extents};
use crate::medium::{Medium, Window, taken};
use crate::reader::Reader;
use crate::work::{charge, units};

/// Entries of directories that are read, and bytes of one directory.
const ENTRIES: u32 = 200_000;
const DIRECTORY: u64 = 4 << 20;
/// Bytes of a path, and folders that wait to be read.
const PATH: usize = 4096;
const FOLDERS: usize = 10_000;
/// What an entry costs beside its path, in the units of [`candor_model::Budget::pay_work`].
const ENTRY: u64 = 128;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    walk(&bytes, sink);
}

/// The same of a volume that need not be in memory.
pub(crate) fn walk(medium: &dyn Medium, sink: &mut dyn Sink) {
    if taken(medium, 3, 8) == b"EXFAT   " {
        exfat::walk(medium, sink);
        return;
    }
    let Some(volume) = Volume::read(medium) else {
        sink.incomplete(Reason::Malformed("the boot sector of a FAT volume".to_owned()));
        return;
    };
    let mut walk = Walk { volume, sink, position: 0, left: ENTRIES, seen: BTreeSet::new() };
    let root = walk.volume.root();
    let mut open = vec![(root, String::new())];
    while let Some((directory, path)) = open.pop() {
        if walk.directory(&directory, &path, &mut open) == Flow::Stop {
            return;
        }
    }
}

/// How wide the numbers in a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Twelve,
    Sixteen,
    ThirtyTwo,
}

/// The parts of a volume.
#[derive(Clone, Copy)]
struct Volume<'a> {
    medium: &'a dyn Medium,
    table: Window<'a>,
    width: Width,
    /// Where the root directory stands, and its length; without one it is a chain from a cluster.
    root: (u64, u64),
    root_cluster: u32,
    /// Where cluster 2 stands.
    clusters: u64,
    cluster: u64,
}

impl<'a> Volume<'a> {
    fn read(medium: &'a dyn Medium) -> Option<Self> {
        let boot = taken(medium, 0, 512);
        let start = Reader::little(&boot);
        let mut fields = start.at(11)?;
        let (sector, per_cluster) = (u64::from(fields.u16()?), u64::from(fields.u8()?));
        let (reserved, tables, roots) = (fields.u16()?, fields.u8()?, fields.u16()?);
        let small_total = fields.u16()?;
        fields.skip(1)?;
        let small_table = fields.u16()?;
        let total = match small_total {
            0 => start.at(32)?.u32()?,
            small => u32::from(small),
        };
        let table_length = match small_table {
            0 => start.at(36)?.u32()?,
            small => u32::from(small),
        };
        let root_cluster = start.at(44)?.u32()?;
        if !sector.is_power_of_two() || !(128..=4096).contains(&sector) || per_cluster == 0 {
            return None;
        }
        let table = u64::from(reserved).checked_mul(sector)?;
        let table_length = u64::from(table_length).checked_mul(sector)?;
        let root = table.checked_add(table_length.checked_mul(u64::from(tables))?)?;
        let root_length = u64::from(roots).checked_mul(32)?.next_multiple_of(sector);
        let clusters = root.checked_add(root_length)?;
        let cluster = per_cluster.checked_mul(sector)?;
        let data = u64::from(total).checked_mul(sector)?.saturating_sub(clusters);
        let width = match data.checked_div(cluster)? {
            _ if roots == 0 => Width::ThirtyTwo,
            0..4085 => Width::Twelve,
            4085..65_525 => Width::Sixteen,
            _ => Width::ThirtyTwo,
        };
        let table = Window::new(medium, table, table_length);
        Some(Self { medium, table, width, root: (root, root_length), root_cluster, clusters, cluster })
    }

    fn root(&self) -> Directory {
        match self.width {
            Width::ThirtyTwo => Directory::Chain(self.root_cluster),
            _ => Directory::Place,
        }
    }

    /// The cluster that follows one.
    fn next(&self, cluster: u32) -> Option<u32> {
        let number = |place: u64, length: u64| {
            let held = taken(&self.table, place, length);
            if length == 2 { Reader::little(&held).u16().map(u32::from) } else { Reader::little(&held).u32() }
        };
        let place = u64::from(cluster);
        let next = match self.width {
            Width::Twelve => {
                let pair = number(place.saturating_add(place / 2), 2)?;
                if cluster.is_multiple_of(2) { pair & 0xfff } else { pair >> 4 }
            }
            Width::Sixteen => number(place.saturating_mul(2), 2)?,
            Width::ThirtyTwo => number(place.saturating_mul(4), 4)? & 0x0fff_ffff,
        };
        let last = match self.width {
            Width::Twelve => 0xff0,
            Width::Sixteen => 0xfff0,
            Width::ThirtyTwo => 0x0fff_fff0,
        };
        (2..last).contains(&next).then_some(next)
    }

    /// What stands in the clusters from `first` on, as far as `length`.
    fn stream(self, first: u32, length: u64) -> Extents<'a, impl Iterator<Item = Extent>> {
        let chain = std::iter::successors(Some(first).filter(|first| *first >= 2), move |cluster| {
            self.next(*cluster)
        });
        Extents::new(
            self.medium,
            chain.map(move |cluster| extent(self.clusters, self.cluster, cluster)),
            length,
        )
    }
}

/// The piece that a cluster is.
fn extent(clusters: u64, length: u64, number: u32) -> Extent {
    let offset = u64::from(number).saturating_sub(2).saturating_mul(length).saturating_add(clusters);
    Extent { offset: Some(offset), length }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Directory {
    /// The root where it has a place of its own.
    Place,
    Chain(u32),
}

struct Walk<'a, 'sink> {
    volume: Volume<'a>,
    sink: &'sink mut dyn Sink,
    position: u64,
    left: u32,
    /// First clusters of directories.
    seen: BTreeSet<u32>,
}

impl Walk<'_, '_> {
    fn directory(&mut self, directory: &Directory, path: &str, open: &mut Vec<(Directory, String)>) -> Flow {
        let mut held = Vec::new();
        let content = match *directory {
            Directory::Place => {
                held = taken(self.volume.medium, self.volume.root.0, self.volume.root.1);
                if u64::try_from(held.len()).is_ok_and(|there| there < self.volume.root.1) {
                    self.sink.incomplete(directory_cut(path));
                }
                held.as_slice()
            }
            Directory::Chain(first) => {
                if !self.seen.insert(first) {
                    return Flow::Continue;
                }
                // It ends where its chain ends, which is no error here.
                // One byte more shows whether there is more.
                let mut stream = self.volume.stream(first, DIRECTORY.saturating_add(1));
                let _ = std::io::Read::read_to_end(&mut stream, &mut held);
                if stream.is_in_piece() && held.len() < usize::try_from(DIRECTORY).unwrap_or(usize::MAX) {
                    self.sink.incomplete(directory_cut(path));
                }
                let made = u64::try_from(held.len()).unwrap_or(u64::MAX);
                if let Err(reason) = self.sink.budget().spend(made) {
                    self.sink.incomplete(reason);
                    return Flow::Stop;
                }
                held.as_slice()
            }
        };
        let is_cut = u64::try_from(content.len()).is_ok_and(|length| length > DIRECTORY);
        let mut long = Long::default();
        for entry in content.as_chunks::<32>().0 {
            let Some(left) = self.left.checked_sub(1) else {
                self.sink.incomplete(Reason::Children);
                return Flow::Stop;
            };
            self.left = left;
            if entry.first() == Some(&0) {
                return Flow::Continue;
            }
            if !charge(ENTRY.saturating_add(units(path.len())), self.sink) {
                return Flow::Stop;
            }
            match (entry.first(), entry.get(11)) {
                (Some(0xe5), _) => long = Long::default(),
                (_, Some(0x0f)) => long.add(entry),
                (_, Some(attributes)) if attributes & 8 == 0 => {
                    let attributes = *attributes;
                    let name = std::mem::take(&mut long).name().unwrap_or_else(|| short_name(entry));
                    if self.entry(entry, attributes, &format!("{path}{name}"), open) == Flow::Stop {
                        return Flow::Stop;
                    }
                }
                _ => long = Long::default(),
            }
        }
        if is_cut {
            self.sink.incomplete(Reason::Children);
        }
        Flow::Continue
    }

    fn entry(
        &mut self,
        entry: &[u8],
        attributes: u8,
        path: &str,
        open: &mut Vec<(Directory, String)>,
    ) -> Flow {
        let number = |at: u64| Reader::little(entry).at(at).and_then(|mut reader| reader.u16()).unwrap_or(0);
        let high = if self.volume.width == Width::ThirtyTwo { number(20) } else { 0 };
        let first = u32::from(high) << 16 | u32::from(number(26));
        let length = u64::from(number(28)) | u64::from(number(30)) << 16;
        if attributes & 16 != 0 {
            if entry.first() != Some(&b'.') {
                if path.len() >= PATH {
                    self.sink.incomplete(Reason::Depth);
                    return Flow::Continue;
                }
                if open.len() >= FOLDERS {
                    self.sink.incomplete(Reason::Children);
                    return Flow::Stop;
                }
                open.push((Directory::Chain(first), format!("{path}/")));
            }
            return Flow::Continue;
        }
        if length == 0 {
            return Flow::Continue;
        }
        self.position = self.position.saturating_add(1);
        let member = Member {
            name: path.to_owned(),
            position: self.position,
            real_size: Some(length),
            ..Member::default()
        };
        let mut stream = self.volume.stream(first, length);
        self.sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream))
    }
}

/// What is told of a directory of which a part stands behind the end of the volume.
fn directory_cut(path: &str) -> Reason {
    Reason::Malformed(format!("the directory /{path} is cut short"))
}

/// A long name, which stands in front of its entry in pieces, last first.
#[derive(Default)]
struct Long {
    units: Vec<u16>,
}

impl Long {
    fn add(&mut self, entry: &[u8]) {
        let units = [(1, 11), (14, 26), (28, 32)]
            .into_iter()
            .filter_map(|(start, end)| entry.get(start..end))
            .flat_map(|part| part.as_chunks::<2>().0)
            .map(|unit| u16::from_le_bytes(*unit));
        let mut units: Vec<u16> = units.collect();
        if self.units.len() < 1024 {
            units.append(&mut self.units);
            self.units = units;
        }
    }

    fn name(self) -> Option<String> {
        let end = self.units.iter().position(|unit| *unit == 0).unwrap_or(self.units.len());
        let units = self.units.get(..end).filter(|units| !units.is_empty())?;
        Some(String::from_utf16_lossy(units))
    }
}

/// A name of eight and three characters, in small letters where the entry says so.
fn short_name(entry: &[u8]) -> String {
    let flags = entry.get(12).copied().unwrap_or(0);
    let part = |start: usize, end: usize, is_small: bool| {
        let part = entry.get(start..end).unwrap_or_default().trim_ascii_end();
        let part: String = part.iter().copied().map(char::from).collect();
        if is_small { part.to_ascii_lowercase() } else { part }
    };
    let (name, extension) = (part(0, 8, flags & 8 != 0), part(8, 11, flags & 16 != 0));
    if extension.is_empty() { name } else { format!("{name}.{extension}") }
}
