//! HFS+ and HFSX volumes: both forks of every file, and what is compressed in them.
//!
//! Layout: Apple's technical note 1150. The volume header stands at 1,024 and says where the catalog is: a
//! B-tree of nodes whose leaves hold a record for each file, with the first eight pieces of its forks. Further
//! pieces stand in a tree of their own.
//!
//! Files that the file system compresses have an attribute, in a third tree.
//!
//! The leaves are read in the order in which they stand and not along their links, so that loops of a hostile
//! catalog mean nothing, and files in leaves that nothing leads to are found as well.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec;
use crate::decmpfs::{self, Header};
use crate::extents::{Extent, Extents, Pieced};
use crate::medium::{Medium, taken};
use crate::name::path_from;
use crate::reader::{Order, Reader, clipped};
use crate::work::{charge, units};

/// Most bytes of a tree, and files of a volume.
const TREE: u64 = 512 << 20;
const FILES: u64 = 2_000_000;
/// Letters of a name.
const NAME: u16 = 255;
/// The number of the root.
const ROOT: u64 = 2;
/// What a record of a tree costs that is looked at, and a record of pieces that is looked at once more for each file of its
/// number, in the units of [`candor_model::Budget::pay_work`].
const RECORD: u64 = 256;
const FURTHER: u64 = 64;

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
    let missing = Cell::new(false);
    let tree = |at: u64, more: &BTreeMap<(u32, u8), Vec<(u32, Pieces)>>, id: u32, most: u64| {
        let fork = start.at(at).and_then(Fork::read)?;
        let mut out = Vec::new();
        let outcome = volume.stream(&fork, id, 0, more).take(most).read_to_end(&mut out);
        missing.set(missing.get() || outcome.is_err());
        Some((out, fork.length > most))
    };
    let cut = || Reason::Malformed("a tree of an HFS+ volume is cut short".to_owned());
    let Some((overflow, is_cut)) = tree(1024 + 192, &BTreeMap::new(), 3, most / 8) else {
        sink.incomplete(cut());
        return;
    };
    let mut more: BTreeMap<(u32, u8), Vec<(u32, Pieces)>> = BTreeMap::new();
    let further = records(&overflow);
    if !charge(units(further.len()).saturating_mul(RECORD), sink) {
        return;
    }
    for (key, value) in further {
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
    let Some((catalog, is_cut_too)) = tree(1024 + 272, &more, 4, most) else {
        sink.incomplete(cut());
        return;
    };
    // Most volumes have none.
    let (attributes, is_cut_as_well) = tree(1024 + 352, &more, 8, most / 2).unwrap_or_default();
    if is_cut || is_cut_too || is_cut_as_well {
        sink.incomplete(Reason::Unsupported("a tree of this size in an HFS+ volume".to_owned()));
    }
    if missing.get() {
        sink.incomplete(cut());
    }
    let made = overflow.len().saturating_add(catalog.len()).saturating_add(attributes.len());
    let made = u64::try_from(made).unwrap_or(u64::MAX);
    if let Err(reason) = sink.budget().spend(made) {
        sink.incomplete(reason);
        return;
    }
    if catalog.is_empty() {
        sink.incomplete(Reason::Malformed("the catalog of an HFS+ volume".to_owned()));
    }
    let count = records(&catalog).len().saturating_add(records(&attributes).len());
    if !charge(units(count).saturating_mul(RECORD), sink) {
        return;
    }
    let folders = folders(&catalog);
    let compressed = compressed(&attributes);
    let mut position = 0_u64;
    for (key, value) in records(&catalog) {
        let Some((parent, name)) = name(key) else { continue };
        let record = Reader::new(value, Order::Big);
        if !value.starts_with(&[0, 2]) {
            continue;
        }
        let Some(id) = record.at(8).and_then(|mut reader| reader.u32()) else { continue };
        let fork = |at: u64| record.at(at).and_then(Fork::read).filter(|fork| fork.length > 0);
        let (data, resources) = (fork(88), fork(168));
        let compressed = compressed.get(&id).and_then(|bytes| Some((Header::read(bytes)?, *bytes)));
        if data.is_none() && resources.is_none() && compressed.is_none() {
            continue;
        }
        let further = [0, 0xff].into_iter().filter_map(|kind| more.get(&(id, kind)));
        let further = further.map(|further| units(further.len())).fold(0, u64::saturating_add);
        if !charge(further.saturating_mul(FURTHER), sink) {
            return;
        }
        let path = path(&folders, parent) + &name;
        let mut given: Vec<(String, Option<u64>, u64, Stream<'_>)> = Vec::new();
        if let Some(fork) = &data {
            given.push((path.clone(), None, fork.length, Box::new(volume.stream(fork, id, 0, &more))));
        }
        if let Some((header, attribute)) = compressed {
            let name = if data.is_some() { format!("{path}:{}", decmpfs::ATTRIBUTE) } else { path.clone() };
            let (packed, content) = volume.unpacked(header, attribute, resources.as_ref(), id, &more);
            given.push((name, packed, header.length, content));
        }
        if let Some(fork) = resources.filter(|_| !compressed.is_some_and(|(header, _)| header.is_in_fork())) {
            let content = Box::new(volume.stream(&fork, id, 0xff, &more));
            given.push((format!("{path}/rsrc"), None, fork.length, content));
        }
        for (name, compressed_size, length, mut stream) in given {
            position = position.saturating_add(1);
            if position > FILES {
                sink.incomplete(Reason::Children);
                return;
            }
            let member =
                Member { name, position, compressed_size, real_size: Some(length), ..Member::default() };
            if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut stream)) == Flow::Stop {
                return;
            }
        }
    }
}

/// Content of a file.
type Stream<'a> = Box<dyn Read + 'a>;

/// What is compressed of each file: an attribute, whole in its record.
fn compressed(attributes: &[u8]) -> BTreeMap<u32, &[u8]> {
    let named = |key: &[u8]| {
        let mut reader = Reader::new(key, Order::Big);
        reader.skip(2)?;
        let file = reader.u32()?;
        reader.skip(4)?;
        let length = u64::from(reader.u16()?).checked_mul(2)?;
        // Records overlap where somebody wants them to.
        if length != units(decmpfs::ATTRIBUTE.len()).saturating_mul(2) {
            return None;
        }
        let name = encoding_rs::UTF_16BE.decode_without_bom_handling(reader.take(length)?).0;
        (name == decmpfs::ATTRIBUTE).then_some(file)
    };
    let content = |value| {
        let mut reader = Reader::new(value, Order::Big);
        let kind = reader.u32()?;
        reader.skip(8)?;
        let length = u64::from(reader.u32()?);
        (kind == 0x10).then_some(clipped(reader.rest(), 0, length))
    };
    records(attributes).into_iter().filter_map(|(key, value)| Some((named(key)?, content(value)?))).collect()
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
        Extents::new(self.medium, self.pieces(fork, id, kind, more), fork.length)
    }

    fn pieces(
        &self,
        fork: &Fork,
        id: u32,
        kind: u8,
        more: &BTreeMap<(u32, u8), Vec<(u32, Pieces)>>,
    ) -> impl Iterator<Item = Extent> + use<'a> {
        let mut pieces = fork.pieces.clone();
        let mut further: Vec<&(u32, Pieces)> = more.get(&(id, kind)).into_iter().flatten().collect();
        further.sort_by_key(|(first, _)| *first);
        pieces.extend(further.into_iter().flat_map(|(_, pieces)| pieces));
        pieces.into_iter().map(extent(self.block))
    }
}

impl<'a> Volume<'a> {
    /// What a file unpacks to, and from how many bytes.
    fn unpacked<'s>(
        &self,
        header: Header,
        attribute: &'s [u8],
        resources: Option<&Fork>,
        id: u32,
        more: &BTreeMap<(u32, u8), Vec<(u32, Pieces)>>,
    ) -> (Option<u64>, Stream<'s>)
    where
        'a: 's,
    {
        if let Some(why) = header.unread() {
            return (None, codec::failed(ErrorKind::Unsupported, why));
        }
        match resources {
            _ if !header.is_in_fork() => {
                (u64::try_from(attribute.len()).ok(), Box::new(header.inline(attribute)))
            }
            Some(fork) => {
                let medium = Pieced::new(self.medium, self.pieces(fork, id, 0xff, more), fork.length);
                (Some(fork.length), Box::new(header.forked(medium)))
            }
            None => (None, codec::failed(ErrorKind::InvalidData, "the resource fork of a compressed file")),
        }
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
    let units = clipped(reader.rest(), 0, u64::from(length.min(NAME)).saturating_mul(2));
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
fn path(folders: &BTreeMap<u32, (u32, String)>, parent: u32) -> String {
    let path = path_from(ROOT, u64::from(parent), None, |number| {
        let (above, name) = folders.get(&u32::try_from(number).ok()?).filter(|_| number > ROOT)?;
        Some((u64::from(*above), name.as_str()))
    });
    if path.is_empty() { path } else { path + "/" }
}
