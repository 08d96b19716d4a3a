//! HFS+ and HFSX volumes: both forks of every file.
//!
//! Layout: Apple's technical note 1150. The volume header stands at 1,024 and says where the catalog is: a
//! B-tree of nodes whose leaves hold a record for each file, with the first eight pieces of its forks. Further
//! pieces stand in a tree of their own.
//!
//! The leaves are read in the order in which they stand and not along their links, so that loops of a hostile
//! catalog mean nothing, and files in leaves that nothing leads to are found as well.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::extents::{Extent, Extents};
use crate::medium::{Medium, taken};
use crate::reader::{Order, Reader, clipped};

/// Most bytes of a tree, and files of a volume.
const TREE: u64 = 512 << 20;
const FILES: u64 = 2_000_000;

/// Pieces of a fork: first block and number of blocks.
type Pieces = Vec<(u32, u32)>;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    walk(&bytes, sink);
}

/// The same of a volume that need not be in memory.
pub(crate) fn walk(medium: &dyn Medium, sink: &mut dyn Sink) {
    let header = taken(medium, 0, 1024 + 512);
    let start = Reader::new(&header, Order::Big);
    let block = start.at(1024 + 40).and_then(|mut reader| reader.u32()).unwrap_or(0);
    if !block.is_power_of_two() || block < 512 {
        sink.incomplete(Reason::Malformed("HFS+ volume header".to_owned()));
        return;
    }
    let volume = Volume { medium, block: u64::from(block) };
    // Each tree may take a third of what may be held, as their records are looked at where they stand.
    let most = TREE.min(sink.budget().memory() / 3);
    let tree = |at: u64, more: &BTreeMap<(u32, u8), Vec<(u32, Pieces)>>, id: u32, most: u64| {
        let fork = start.at(at).and_then(Fork::read)?;
        let mut out = Vec::new();
        let _ = volume.stream(&fork, id, 0, more).take(most).read_to_end(&mut out);
        Some((out, fork.length > most))
    };
    let Some((overflow, is_cut)) = tree(1024 + 192, &BTreeMap::new(), 3, most / 8) else { return };
    let mut more: BTreeMap<(u32, u8), Vec<(u32, Pieces)>> = BTreeMap::new();
    for (key, value) in records(&overflow) {
        let mut reader = Reader::new(key, Order::Big);
        let mut fields = || {
            let kind = reader.u8()?;
            reader.skip(1)?;
            Some((kind, reader.u32()?, reader.u32()?))
        };
        if let Some((kind, file, first)) = fields() {
            more.entry((file, kind)).or_default().push((first, pieces(Reader::new(value, Order::Big))));
        }
    }
    let Some((catalog, is_cut_too)) = tree(1024 + 272, &more, 4, most) else { return };
    if is_cut || is_cut_too {
        sink.incomplete(Reason::Unsupported("a tree of this size in an HFS+ volume".to_owned()));
    }
    let made = u64::try_from(overflow.len().saturating_add(catalog.len())).unwrap_or(u64::MAX);
    if let Err(reason) = sink.budget().spend(made) {
        sink.incomplete(reason);
        return;
    }
    if catalog.is_empty() {
        sink.incomplete(Reason::Malformed("the catalog of an HFS+ volume".to_owned()));
    }
    let folders = folders(&catalog);
    let mut position = 0_u64;
    for (key, value) in records(&catalog) {
        let Some((parent, name)) = name(key) else { continue };
        let record = Reader::new(value, Order::Big);
        if !value.starts_with(&[0, 2]) {
            continue;
        }
        let Some(id) = record.at(8).and_then(|mut reader| reader.u32()) else { continue };
        for (kind, at) in [(0_u8, 88), (0xff, 168)] {
            let Some(fork) = record.at(at).and_then(Fork::read).filter(|fork| fork.length > 0) else {
                continue;
            };
            position = position.saturating_add(1);
            if position > FILES {
                sink.incomplete(Reason::Children);
                return;
            }
            let end = if kind == 0 { "" } else { "/rsrc" };
            let name = path(&folders, parent) + &name + end;
            let member = Member { name, position, real_size: Some(fork.length), ..Member::default() };
            let mut stream = volume.stream(&fork, id, kind, &more);
            if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream)) == Flow::Stop {
                return;
            }
        }
    }
}

struct Volume<'a> {
    medium: &'a dyn Medium,
    block: u64,
}

impl<'a> Volume<'a> {
    fn stream(
        &self,
        fork: &Fork,
        id: u32,
        kind: u8,
        more: &BTreeMap<(u32, u8), Vec<(u32, Pieces)>>,
    ) -> Extents<'a, impl Iterator<Item = Extent> + use<'a>> {
        let mut pieces = fork.pieces.clone();
        let mut further: Vec<&(u32, Pieces)> = more.get(&(id, kind)).into_iter().flatten().collect();
        further.sort_by_key(|(first, _)| *first);
        pieces.extend(further.into_iter().flat_map(|(_, pieces)| pieces));
        let block = self.block;
        let pieces = pieces.into_iter().map(extent(block));
        Extents::new(self.medium, pieces, fork.length)
    }
}

/// Length and first pieces of a fork.
struct Fork {
    length: u64,
    pieces: Pieces,
}

impl Fork {
    fn read(mut reader: Reader<'_>) -> Option<Self> {
        let length = reader.u64()?;
        reader.skip(8)?;
        Some(Self { length, pieces: pieces(reader) })
    }
}

fn pieces(mut reader: Reader<'_>) -> Pieces {
    let mut piece = || Some((reader.u32()?, reader.u32()?));
    (0..8).map_while(|_| piece()).filter(|(_, count)| *count > 0).collect()
}

/// Where a piece stands in a volume with blocks of this size.
fn extent(block: u64) -> impl Fn((u32, u32)) -> Extent {
    move |(first, count)| Extent {
        offset: Some(u64::from(first).saturating_mul(block)),
        length: u64::from(count).saturating_mul(block),
    }
}

/// Keys and values in the leaves of a tree.
fn records(tree: &[u8]) -> Vec<(&[u8], &[u8])> {
    let size = Reader::new(tree, Order::Big).at(32).and_then(|mut reader| reader.u16()).unwrap_or(0);
    let size = usize::from(size);
    let mut found = Vec::new();
    if size < 512 {
        return found;
    }
    for node in tree.chunks_exact(size).filter(|node| node.get(8) == Some(&0xff)) {
        let count = Reader::new(node, Order::Big).at(10).and_then(|mut reader| reader.u16()).unwrap_or(0);
        let offset = |index: usize| {
            let place = size.checked_sub(index.saturating_add(1).saturating_mul(2))?;
            node.get(place..)?.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
        };
        for index in 0..usize::from(count) {
            let (Some(start), Some(end)) = (offset(index), offset(index.saturating_add(1))) else { break };
            let Some(record) = node.get(start..end) else { continue };
            let mut reader = Reader::new(record, Order::Big);
            let Some(key) = reader.take_counted() else { continue };
            // Values stand at even places.
            let value = reader.rest().get(key.len() % 2..).unwrap_or_default();
            found.push((key, value));
        }
    }
    found
}

/// Parent and name in a key of the catalog.
fn name(key: &[u8]) -> Option<(u32, String)> {
    let mut reader = Reader::new(key, Order::Big);
    let (parent, length) = (reader.u32()?, reader.u16()?);
    let units = clipped(reader.rest(), 0, u64::from(length).saturating_mul(2));
    Some((parent, encoding_rs::UTF_16BE.decode_without_bom_handling(units).0.into_owned()))
}

/// Parent and name of every folder.
fn folders(catalog: &[u8]) -> BTreeMap<u32, (u32, String)> {
    records(catalog)
        .into_iter()
        .filter(|(_, value)| value.starts_with(&[0, 1]))
        .filter_map(|(key, value)| {
            let id = Reader::new(value, Order::Big).at(8)?.u32()?;
            Some((id, name(key)?))
        })
        .collect()
}

/// The names of the folders around something, without that of the volume.
fn path(folders: &BTreeMap<u32, (u32, String)>, mut parent: u32) -> String {
    let mut path = String::new();
    let mut seen = BTreeSet::new();
    while let Some((above, name)) = folders.get(&parent).filter(|_| parent > 2 && seen.insert(parent)) {
        if path.len() > 4096 {
            break;
        }
        path = format!("{name}/{path}");
        parent = *above;
    }
    path
}
