//! btrfs: trees with two levels, subvolumes and snapshots that share leaves, extents packed in every way.

use std::collections::BTreeMap;

use super::{at, castagnoli, folders, u16_of, u32_of};
use crate::archive::File;
use crate::stream;

const NODE: usize = 4096;
const SECTOR: usize = 4096;
/// Bytes of an extent when they are not packed.
const EXTENT: usize = 8192;
/// Items of a leaf.
const ITEMS: usize = 6;
/// Where the chunk of trees and that of data are in the space of the volume.
const TREES: u64 = 1 << 20;
const DATA: u64 = 16 << 20;
/// Where the copies of the first stand.
const FIRST: usize = 128 << 10;
const GENERATION: u64 = 9;

/// How extents are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Btrfs {
    /// Not at all.
    Stored,
    /// zlib.
    Zlib,
    /// LZO, of which all is as it is.
    Lzo,
    /// Zstandard.
    Zstd,
}

/// Every way of packing.
pub const BTRFS: [Btrfs; 4] = [Btrfs::Stored, Btrfs::Zlib, Btrfs::Lzo, Btrfs::Zstd];

/// A btrfs volume without subvolumes. Files of up to 100 bytes stand in the tree; extents that are zeros are holes,
/// and the others stand from back to front.
#[must_use]
pub fn btrfs(packing: Btrfs, files: &[File<'_>]) -> Vec<u8> {
    btrfs_of(packing, 5, &[("", files)])
}

/// A btrfs volume with subvolumes: the first is at the top, and the others in its root. `default` is the number of one:
/// 5 for the top, 256 and up for the others. What two have alike, they share.
#[must_use]
pub fn btrfs_of(packing: Btrfs, default: u64, subvolumes: &[(&str, &[File<'_>])]) -> Vec<u8> {
    let mut volume = Volume::default();
    let id = |index: usize| if index == 0 { 5 } else { 255 + index as u64 };
    let mut roots: Vec<Item> = Vec::new();
    for (index, (name, files)) in subvolumes.iter().enumerate() {
        let items = volume.files(packing, files);
        let (place, level) = volume.tree(id(index), &items);
        let mut root = vec![0; 439];
        at(&mut root, 160, &GENERATION.to_le_bytes());
        at(&mut root, 168, &256_u64.to_le_bytes());
        at(&mut root, 176, &place.to_le_bytes());
        at(&mut root, 216, &1_u32.to_le_bytes());
        root[238] = level;
        at(&mut root, 239, &GENERATION.to_le_bytes());
        roots.push(((id(index), 132, 0), root));
        if index > 0 {
            let above = [&256_u64.to_le_bytes()[..], &2_u64.to_le_bytes(), &counted(name)].concat();
            roots.push(((id(index), 144, 5), above));
        }
    }
    let key = [&default.to_le_bytes()[..], &[132], &u64::MAX.to_le_bytes(), &[0; 8], &[0, 0]].concat();
    let entry = [&key[..], &7_u16.to_le_bytes(), &[2], b"default"].concat();
    roots.push(((6, 84, u64::from(!castagnoli(b"default"))), entry));
    roots.sort();
    let (root, level) = volume.tree(1, &roots);
    volume.finish(root, level)
}

type Key = (u64, u8, u64);
type Item = (Key, Vec<u8>);

#[derive(Default)]
struct Volume {
    /// Nodes, one after another.
    nodes: Vec<u8>,
    data: Vec<u8>,
    /// Leaves by what is in them, so that equal ones are one.
    leaves: BTreeMap<Vec<Item>, u64>,
    extents: BTreeMap<Vec<u8>, Vec<u8>>,
}

fn counted(name: &str) -> Vec<u8> {
    [&u16_of(name.len()).to_le_bytes()[..], name.as_bytes()].concat()
}

fn key(key: Key) -> Vec<u8> {
    [&key.0.to_le_bytes()[..], &[key.1], &key.2.to_le_bytes()].concat()
}

impl Volume {
    /// What the tree of a subvolume says of these files.
    fn files(&mut self, packing: Btrfs, files: &[File<'_>]) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let mut next = 257;
        items.push(((256, 1, 0), inode(0o40_755, 0)));
        items.push(((256, 12, 256), [&[0; 8][..], &counted("..")].concat()));
        for (folder, own) in folders(files) {
            let mut above = 256;
            if !folder.is_empty() {
                above = next;
                next += 1;
                items.push(((above, 1, 0), inode(0o40_755, 0)));
                items.push(((above, 12, 256), [&[2, 0, 0, 0, 0, 0, 0, 0][..], &counted(folder)].concat()));
            }
            for (name, content) in own {
                items.push(((next, 1, 0), inode(0o100_644, content.len())));
                items.push(((next, 12, above), [&[3, 0, 0, 0, 0, 0, 0, 0][..], &counted(name)].concat()));
                for (first, extent) in self.extents(packing, content) {
                    items.push(((next, 108, first), extent));
                }
                next += 1;
            }
        }
        items.sort();
        items
    }

    /// The extents of a file: where each begins, and what is said of it.
    fn extents(&mut self, packing: Btrfs, content: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let pack = |bytes: &[u8]| match packing {
            Btrfs::Stored => bytes.to_vec(),
            Btrfs::Zlib => stream::zlib(bytes),
            Btrfs::Lzo => lzo(bytes),
            Btrfs::Zstd => stream::zstd(bytes),
        };
        let head = |length: usize, kind: u8| {
            let mut head = GENERATION.to_le_bytes().to_vec();
            head.extend(u64::from(u32_of(length)).to_le_bytes());
            head.extend([packing as u8, 0, 0, 0, kind]);
            head
        };
        if content.len() <= 100 {
            let inline = [head(content.len(), 0), pack(content)].concat();
            return if content.is_empty() { Vec::new() } else { vec![(0, inline)] };
        }
        let mut found = Vec::new();
        for (index, chunk) in content.chunks(EXTENT).enumerate().rev() {
            if chunk.iter().all(|byte| *byte == 0) {
                continue;
            }
            let mut whole = chunk.to_vec();
            whole.resize(whole.len().next_multiple_of(SECTOR), 0);
            let said = match self.extents.get(&whole) {
                Some(known) => known.clone(),
                None => {
                    let mut packed = pack(&whole);
                    packed.resize(packed.len().next_multiple_of(SECTOR), 0);
                    let place = DATA + self.data.len() as u64;
                    let length = packed.len() as u64;
                    self.data.extend(packed);
                    let mut said = head(whole.len(), 1);
                    for value in [place, length, 0, whole.len() as u64] {
                        said.extend(value.to_le_bytes());
                    }
                    self.extents.insert(whole, said.clone());
                    said
                }
            };
            found.push(((index * EXTENT) as u64, said));
        }
        found
    }

    /// A tree of these items; gives its root and the level of that.
    fn tree(&mut self, owner: u64, items: &[Item]) -> (u64, u8) {
        let mut level = 0;
        let mut row: Vec<(Key, u64)> = Vec::new();
        for leaf in items.chunks(ITEMS) {
            let place = match self.leaves.get(leaf) {
                Some(place) if owner != 1 => *place,
                _ => {
                    let place = self.leaf(owner, leaf);
                    self.leaves.insert(leaf.to_vec(), place);
                    place
                }
            };
            row.push((leaf[0].0, place));
        }
        while row.len() > 1 || (level == 0 && owner != 1) {
            level += 1;
            let above = row.chunks((NODE - 101) / 33).map(|below| {
                let rows: Vec<u8> = below
                    .iter()
                    .flat_map(|(first, place)| {
                        [key(*first), place.to_le_bytes().to_vec(), GENERATION.to_le_bytes().to_vec()]
                            .concat()
                    })
                    .collect();
                (below[0].0, self.node(owner, level, below.len(), &rows))
            });
            row = above.collect();
        }
        (row[0].1, level)
    }

    fn leaf(&mut self, owner: u64, items: &[Item]) -> u64 {
        let mut rows = Vec::new();
        let mut content = vec![0; NODE - 101];
        let mut end = content.len();
        for (first, item) in items {
            end -= item.len();
            rows.extend(
                [key(*first), u32_of(end).to_le_bytes().to_vec(), u32_of(item.len()).to_le_bytes().to_vec()]
                    .concat(),
            );
            at(&mut content, end, item);
        }
        assert!(rows.len() <= end, "more items than a leaf has room for");
        at(&mut content, 0, &rows);
        self.node(owner, 0, items.len(), &content)
    }

    fn node(&mut self, owner: u64, level: u8, count: usize, rows: &[u8]) -> u64 {
        let place = TREES + self.nodes.len() as u64;
        let mut node = vec![0; NODE];
        at(&mut node, 48, &place.to_le_bytes());
        at(&mut node, 80, &GENERATION.to_le_bytes());
        at(&mut node, 88, &owner.to_le_bytes());
        at(&mut node, 96, &u32_of(count).to_le_bytes());
        node[100] = level;
        at(&mut node, 101, rows);
        checked(&mut node);
        self.nodes.extend(node);
        place
    }

    fn finish(mut self, root: u64, level: u8) -> Vec<u8> {
        // The tree of chunks has the last node, so the length of its chunk is known.
        let trees = self.nodes.len() + NODE;
        let data = self.data.len().max(SECTOR);
        let [first, second, third] = [FIRST, FIRST + trees, FIRST + 2 * trees];
        let system = chunk(trees, 0x22 | 4, &[first, second]);
        let chunks = [((256, 228, TREES), system.clone()), ((256, 228, DATA), chunk(data, 1, &[third]))];
        let place = self.leaf(3, &chunks);
        let mut block = vec![0; 4096];
        let long = |value: u64| value.to_le_bytes();
        at(&mut block, 48, &long(64 << 10));
        at(&mut block, 64, b"_BHRfS_M");
        at(&mut block, 72, &[long(GENERATION), long(root), long(place)].concat());
        let total = (third + data) as u64;
        at(&mut block, 112, &[long(total), long(total), long(6), long(1)].concat());
        let sizes = [SECTOR, NODE, NODE, SECTOR].map(|size| u32_of(size).to_le_bytes());
        at(&mut block, 144, &sizes.concat());
        let array = [key((256, 228, TREES)), system].concat();
        at(&mut block, 160, &u32_of(array.len()).to_le_bytes());
        at(&mut block, 188, &long(0x361));
        block[198] = level;
        at(&mut block, 201, &[long(1), long(total)].concat());
        at(&mut block, 811, &array);
        checked(&mut block);
        let mut image = vec![0; 64 << 10];
        image.extend(block);
        image.resize(first, 0);
        image.extend(&self.nodes);
        image.extend(&self.nodes);
        image.extend(&self.data);
        image.resize(third + data, 0);
        image
    }
}

fn inode(mode: u32, size: usize) -> Vec<u8> {
    let mut inode = vec![0; 160];
    at(&mut inode, 0, &[GENERATION.to_le_bytes(), GENERATION.to_le_bytes()].concat());
    at(&mut inode, 16, &u64::from(u32_of(size)).to_le_bytes());
    at(&mut inode, 40, &1_u32.to_le_bytes());
    at(&mut inode, 52, &mode.to_le_bytes());
    inode
}

fn chunk(length: usize, kind: u64, places: &[usize]) -> Vec<u8> {
    let mut chunk = Vec::new();
    for value in [length as u64, 2, 64 << 10, kind] {
        chunk.extend(value.to_le_bytes());
    }
    chunk.extend([u32_of(SECTOR); 3].map(u32::to_le_bytes).concat());
    chunk.extend([u16_of(places.len()).to_le_bytes(), [1, 0]].concat());
    for place in places {
        chunk.extend([1_u64.to_le_bytes(), (*place as u64).to_le_bytes()].concat());
        chunk.extend([0; 16]);
    }
    chunk
}

/// Segments of a sector each, whose bytes stand as they are.
fn lzo(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 4];
    for segment in bytes.chunks(SECTOR) {
        let mut packed = Vec::new();
        match segment.len() {
            length @ ..=238 => packed.push(u8::try_from(length + 17).unwrap_or(255)),
            length => {
                let more = length - 18;
                packed.push(0);
                packed.extend(vec![0; (more - 1) / 255]);
                packed.push(u8::try_from((more - 1) % 255 + 1).unwrap_or(255));
            }
        }
        packed.extend_from_slice(segment);
        packed.extend([0x11, 0, 0]);
        if SECTOR - out.len() % SECTOR < 4 {
            out.resize(out.len().next_multiple_of(SECTOR), 0);
        }
        out.extend(u32_of(packed.len()).to_le_bytes());
        out.extend(packed);
    }
    let length = u32_of(out.len());
    at(&mut out, 0, &length.to_le_bytes());
    out
}

fn checked(block: &mut [u8]) {
    let check = castagnoli(&block[32..]);
    at(block, 0, &check.to_le_bytes());
}
