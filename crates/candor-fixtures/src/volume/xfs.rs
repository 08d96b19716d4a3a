//! XFS: inodes that hold their content's extents or the root of a tree of them, and directories of every form.

use super::{at, castagnoli, folders, u16_of, u32_of};
use crate::archive::File;

const BLOCK: usize = 1024;
/// Blocks of a group, and the power of two above it.
const GROUP: usize = 200;
const GROUP_BITS: usize = 8;
/// Blocks of a block of directories.
const DIRECTORY: usize = 2;
/// Blocks that stand together in a file.
const RUN: usize = 3;
const LOG: usize = 8;

/// An XFS volume of version 4 or 5. A block of zeros is a hole; three blocks stand together and those behind them in
/// front, so that a file of more than 21 runs (9 in version 4) has a tree of them.
#[must_use]
pub fn xfs(version: u8, files: &[File<'_>]) -> Vec<u8> {
    let mut volume = Volume { version, image: vec![0; 4 * BLOCK] };
    let folders = folders(files);
    let count = 1 + files.len() + folders.len();
    let table = volume.image.len() / BLOCK;
    volume.take(count.div_ceil(volume.inodes()));
    let log = volume.take(LOG);
    let per_block = volume.inodes();
    let number = |index: usize| {
        number(table + index / per_block) << per_block.trailing_zeros() | (index % per_block) as u64
    };
    let mut next = 1;
    let mut root = Vec::new();
    for (folder, own) in folders.iter().rev() {
        let index = next;
        next += usize::from(!folder.is_empty());
        let mut entries = Vec::new();
        for (name, content) in own {
            entries.push((number(next), *name, 1));
            volume.inode(table, next, 0x81a4, content.len(), Content::Blocks(content));
            next += 1;
        }
        if folder.is_empty() {
            root.extend(entries);
        } else {
            volume.directory(table, index, number(index), number(0), &entries);
            root.push((number(index), folder, 2));
        }
    }
    volume.directory(table, 0, number(0), number(0), &root);
    volume.finish(number(0), log)
}

/// The number of a block, by its place.
fn number(block: usize) -> u64 {
    (((block / GROUP) << GROUP_BITS) | (block % GROUP)) as u64
}

enum Content<'a> {
    Inline(Vec<u8>),
    Blocks(&'a [u8]),
    /// Of a directory: runs of blocks that are there already.
    Runs(Vec<(usize, usize, usize)>),
}

type Entry<'a> = (u64, &'a str, u8);

struct Volume {
    version: u8,
    image: Vec<u8>,
}

impl Volume {
    fn is_checked(&self) -> bool {
        self.version == 5
    }

    fn inodes(&self) -> usize {
        BLOCK / self.inode_length()
    }

    fn inode_length(&self) -> usize {
        if self.is_checked() { 512 } else { 256 }
    }

    fn head(&self) -> usize {
        if self.is_checked() { 176 } else { 100 }
    }

    /// Takes blocks that stand together: all in one group, behind what every group begins with.
    fn take(&mut self, count: usize) -> usize {
        let mut first = self.image.len() / BLOCK;
        if first % GROUP < 4 {
            first = first / GROUP * GROUP + 4;
        }
        if first / GROUP != (first + count - 1) / GROUP {
            first = (first / GROUP + 1) * GROUP + 4;
        }
        assert!(count <= GROUP - 4, "more blocks than a group has");
        self.image.resize((first + count) * BLOCK, 0);
        first
    }

    /// Where an inode stands in a table.
    fn place(&self, table: usize, index: usize) -> usize {
        table * BLOCK + index * self.inode_length()
    }

    fn inode(&mut self, table: usize, index: usize, mode: u16, size: usize, content: Content<'_>) {
        let (format, count, fork) = match content {
            Content::Inline(bytes) => (1, 0, bytes),
            Content::Blocks(bytes) => {
                let runs = self.store(bytes);
                self.fork(&runs)
            }
            Content::Runs(runs) => self.fork(&runs),
        };
        let mut inode = vec![0; self.inode_length()];
        at(&mut inode, 0, b"IN");
        at(&mut inode, 2, &mode.to_be_bytes());
        inode[4] = if self.is_checked() { 3 } else { 2 };
        inode[5] = format;
        at(&mut inode, 16, &1_u32.to_be_bytes());
        at(&mut inode, 56, &u64::from(u32_of(size)).to_be_bytes());
        at(&mut inode, 76, &u32_of(count).to_be_bytes());
        let head = self.head();
        at(&mut inode, head, &fork);
        if self.is_checked() {
            at(&mut inode, 152, &(index as u64).to_be_bytes());
            checked(&mut inode, 100);
        }
        let place = self.place(table, index);
        at(&mut self.image, place, &inode);
    }

    /// Stores content in runs, those behind in front; gives where each stands in the file, and where in the image.
    fn store(&mut self, content: &[u8]) -> Vec<(usize, usize, usize)> {
        let chunks: Vec<&[u8]> = content.chunks(BLOCK).collect();
        let mut runs = Vec::new();
        for (index, run) in chunks.chunks(RUN).enumerate().rev() {
            let is_hole = run.iter().all(|block| block.iter().all(|byte| *byte == 0));
            if is_hole {
                continue;
            }
            let place = self.take(run.len());
            at(&mut self.image, place * BLOCK, &run.concat());
            runs.push((index * RUN, place, run.len()));
        }
        runs.reverse();
        runs
    }

    /// Format, number of extents, and what stands in the inode.
    fn fork(&mut self, runs: &[(usize, usize, usize)]) -> (u8, usize, Vec<u8>) {
        let records: Vec<[u8; 16]> =
            runs.iter().map(|&(first, place, count)| record(first, place, count)).collect();
        let room = self.inode_length() - self.head();
        if records.len() * 16 <= room {
            return (2, records.len(), records.concat());
        }
        // Two levels of nodes below the root, of which the upper one has a single node.
        let head = if self.is_checked() { 72 } else { 24 };
        let fitting = (BLOCK - head) / 16;
        let mut rows = Vec::new();
        for (index, leaf) in records.chunks(fitting).enumerate() {
            let first = runs[index * fitting].0;
            rows.push((first, self.node(0, leaf.len(), &leaf.concat())));
        }
        let level = |rows: &[(usize, usize)], length: usize| {
            let mut bytes: Vec<u8> =
                rows.iter().flat_map(|(first, _)| (*first as u64).to_be_bytes()).collect();
            bytes.resize(length / 16 * 8, 0);
            bytes.extend(rows.iter().flat_map(|(_, place)| number(*place).to_be_bytes()));
            bytes
        };
        let upper = level(&rows, BLOCK - head);
        let place = self.node(1, rows.len(), &upper);
        let root = [&[0, 2, 0, 1][..], &level(&[(0, place)], room - 4)].concat();
        (3, records.len(), root)
    }

    fn node(&mut self, level: u8, count: usize, rows: &[u8]) -> usize {
        let place = self.take(1);
        let mut node = vec![0; BLOCK];
        at(&mut node, 0, if self.is_checked() { b"BMA3" } else { b"BMAP" });
        node[5] = level;
        at(&mut node, 6, &u16_of(count).to_be_bytes());
        at(&mut node, 8, &[0xff; 16]);
        at(&mut node, if self.is_checked() { 72 } else { 24 }, rows);
        if self.is_checked() {
            checked(&mut node, 64);
        }
        at(&mut self.image, place * BLOCK, &node);
        place
    }

    fn directory(&mut self, table: usize, index: usize, own: u64, above: u64, entries: &[Entry<'_>]) {
        let room = self.inode_length() - self.head();
        let mut short = vec![u8::try_from(entries.len()).unwrap_or(255), 0];
        short.extend(narrow(above).to_be_bytes());
        for (number, name, kind) in entries {
            short.push(u8::try_from(name.len()).unwrap_or(255));
            short.extend([0, 0]);
            short.extend(name.as_bytes());
            short.push(*kind);
            short.extend(narrow(*number).to_be_bytes());
        }
        if short.len() <= room {
            return self.inode(table, index, 0x41ed, short.len(), Content::Inline(short));
        }
        let length = DIRECTORY * BLOCK;
        let head = if self.is_checked() { 64 } else { 16 };
        let own = [(own, ".", 2), (above, "..", 2)];
        let mut blocks: Vec<Vec<u8>> = vec![vec![0; head]];
        // What finds names by their sums stands at the end of a directory of one block.
        for (number, name, kind) in own.iter().chain(entries) {
            let size = (12 + name.len()).next_multiple_of(8);
            let current = blocks.len() - 1;
            let tail = if current == 0 { 8 * (entries.len() + 2) + 8 } else { 0 };
            if blocks[current].len() + size + tail.min(length / 2) > length - 16 {
                blocks.push(vec![0; head]);
            }
            let current = blocks.len() - 1;
            let mut entry = number.to_be_bytes().to_vec();
            entry.push(u8::try_from(name.len()).unwrap_or(255));
            entry.extend(name.as_bytes());
            entry.push(*kind);
            entry.resize(size - 2, 0);
            entry.extend(u16_of(blocks[current].len()).to_be_bytes());
            blocks[current].extend(entry);
        }
        let is_single = blocks.len() == 1;
        let tail = if is_single { 8 * (entries.len() + 2) + 8 } else { 0 };
        let mut runs = Vec::new();
        let count = blocks.len();
        for (number, mut block) in blocks.into_iter().enumerate().rev() {
            let free = length - tail - block.len();
            if free > 0 {
                block.extend([0xff, 0xff]);
                block.extend(u16_of(free).to_be_bytes());
                block.resize(length - tail, 0);
            }
            block.resize(length, 0);
            if is_single {
                at(&mut block, length - 8, &u32_of(entries.len() + 2).to_be_bytes());
            }
            let mark = match (is_single, self.is_checked()) {
                (true, true) => b"XDB3",
                (true, false) => b"XD2B",
                (false, true) => b"XDD3",
                (false, false) => b"XD2D",
            };
            at(&mut block, 0, mark);
            if self.is_checked() {
                checked(&mut block, 4);
            }
            // The two halves stand apart.
            for half in [1, 0] {
                let place = self.take(1);
                at(&mut self.image, place * BLOCK, &block[half * BLOCK..(half + 1) * BLOCK]);
                runs.push((number * DIRECTORY + half, place, 1));
            }
        }
        runs.sort_unstable();
        self.inode(table, index, 0x41ed, count * length, Content::Runs(runs));
    }

    fn finish(mut self, root: u64, log: usize) -> Vec<u8> {
        // The journal: one record, which says that all is done.
        let place = log * BLOCK;
        at(&mut self.image, place, &[0xfe, 0xed, 0xba, 0xbe, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 2, 0]);
        at(&mut self.image, place + 40, &1_u32.to_be_bytes());
        at(&mut self.image, place + 320, &(32_u32 << 10).to_be_bytes());
        at(&mut self.image, place + 512, &[0, 0, 0, 1, 0, 0, 0, 8, 0xaa, 0x20]);
        let groups = self.image.len().div_ceil(GROUP * BLOCK);
        self.image.resize(groups * GROUP * BLOCK, 0);
        let mut block = vec![0; 512];
        at(&mut block, 0, b"XFSB\0\0\x04\0");
        at(&mut block, 8, &((groups * GROUP) as u64).to_be_bytes());
        at(&mut block, 48, &number(log).to_be_bytes());
        at(&mut block, 56, &root.to_be_bytes());
        at(&mut block, 84, &u32_of(GROUP).to_be_bytes());
        at(&mut block, 88, &u32_of(groups).to_be_bytes());
        at(&mut block, 96, &u32_of(LOG).to_be_bytes());
        at(&mut block, 100, &(0xb4a0_u16 | u16::from(self.version)).to_be_bytes());
        at(&mut block, 102, &512_u16.to_be_bytes());
        at(&mut block, 104, &u16_of(self.inode_length()).to_be_bytes());
        at(&mut block, 106, &u16_of(self.inodes()).to_be_bytes());
        let bits = |value: usize| u8::try_from(value.trailing_zeros()).unwrap_or(0);
        at(&mut block, 120, &[10, 9, bits(self.inode_length()), bits(self.inodes()), 8]);
        block[192] = bits(DIRECTORY);
        if self.is_checked() {
            at(&mut block, 200, &0x18a_u32.to_be_bytes());
            at(&mut block, 216, &1_u32.to_be_bytes());
            checked(&mut block, 224);
        } else {
            at(&mut block, 200, &0x200_u32.to_be_bytes());
        }
        at(&mut self.image, 0, &block);
        self.image
    }
}

/// An extent: where it begins in the file and on the volume, and how long it is.
fn record(first: usize, place: usize, count: usize) -> [u8; 16] {
    let place = u128::from(number(place));
    ((first as u128) << 73 | place << 21 | count as u128).to_be_bytes()
}

fn checked(bytes: &mut [u8], place: usize) {
    at(bytes, place, &[0; 4]);
    let check = castagnoli(bytes);
    at(bytes, place, &check.to_le_bytes());
}

/// A number of an inode as short directories keep it.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
