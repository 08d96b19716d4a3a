//! SquashFS: packed blocks, tables and fragments.

use super::{at, folders, numbers, u16_of, u32_of};
use crate::archive::File;
use crate::stream;

/// The compressions of SquashFS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SquashFs {
    /// zlib.
    Gzip,
    /// LZMA.
    Lzma,
    /// LZ4.
    Lz4,
    /// LZO.
    Lzo,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

/// Every compression of SquashFS.
pub const SQUASHFS: [SquashFs; 6] =
    [SquashFs::Gzip, SquashFs::Lzma, SquashFs::Lz4, SquashFs::Lzo, SquashFs::Xz, SquashFs::Zstd];

/// A SquashFS image with blocks of 4,096 bytes, and the ends of files in a fragment. A block of zeros is a
/// hole; an odd number of bytes in all is stored in tables that are not packed.
#[must_use]
pub fn squashfs(method: SquashFs, files: &[File<'_>]) -> Vec<u8> {
    const BLOCK: usize = 4096;
    let pack = |content: &[u8]| match method {
        SquashFs::Gzip => stream::zlib(content),
        SquashFs::Lzma => stream::lzma(content),
        SquashFs::Lz4 => stream::lz4_block(content),
        SquashFs::Lzo => stream::lzo(content),
        SquashFs::Xz => stream::xz(content),
        SquashFs::Zstd => stream::zstd(content),
    };
    let metadata = |content: &[u8]| {
        let packed = pack(content);
        if packed.len() < content.len() {
            [&u16_of(packed.len()).to_le_bytes()[..], &packed].concat()
        } else {
            [&(0x8000 | u16_of(content.len())).to_le_bytes()[..], content].concat()
        }
    };
    let mut data = vec![0; 96];
    let mut fragment = Vec::new();
    // For each file, the head of its inode and the lengths of its blocks.
    let mut inodes = Vec::new();
    let mut places = Vec::new();
    let header = |kind: u16| [&kind.to_le_bytes()[..], &[0; 14]].concat();
    for (_, content) in files {
        let start = data.len();
        let mut lengths = Vec::new();
        let whole = content.len() / BLOCK * BLOCK;
        for block in content[..whole].chunks(BLOCK) {
            let packed = pack(block);
            if block.iter().all(|byte| *byte == 0) {
                lengths.push(0);
            } else if packed.len() < block.len() {
                lengths.push(packed.len());
                data.extend(packed);
            } else {
                lengths.push(block.len() | 1 << 24);
                data.extend_from_slice(block);
            }
        }
        places.push(inodes.len());
        inodes.extend(header(2));
        let (index, offset) = if whole < content.len() { (0, fragment.len()) } else { (usize::MAX, 0) };
        fragment.extend_from_slice(&content[whole..]);
        inodes.extend(numbers(&[start, index, offset, content.len()]));
        inodes.extend(numbers(&lengths));
    }
    let mut directory = Vec::new();
    let mut folder_inodes = Vec::new();
    for (folder, own) in folders(files) {
        let start = directory.len();
        let mut rows: Vec<(usize, &str)> = Vec::new();
        for (name, _) in &own {
            let path = if folder.is_empty() { (*name).to_owned() } else { format!("{folder}/{name}") };
            let index = files.iter().position(|(known, _)| *known == path).unwrap_or(0);
            rows.push((places[index], name));
        }
        directory.extend(numbers(&[rows.len() - usize::from(!rows.is_empty()), 0, 1]));
        for (place, name) in rows {
            directory.extend(u16_of(place).to_le_bytes());
            directory.extend([0, 0, 2, 0]);
            directory.extend(u16_of(name.len() - 1).to_le_bytes());
            directory.extend_from_slice(name.as_bytes());
        }
        folder_inodes.push((folder, start, directory.len() - start, inodes.len()));
        inodes.extend(header(1));
        inodes.extend(numbers(&[0, 2]));
        inodes.extend(u16_of(directory.len() - start + 3).to_le_bytes());
        inodes.extend(u16_of(start).to_le_bytes());
        inodes.extend([0; 4]);
    }
    // The root's entries for folders stand behind all others, so the root has an inode of its own.
    let start = directory.len();
    let named: Vec<_> = folder_inodes.iter().filter(|(folder, ..)| !folder.is_empty()).collect();
    if !named.is_empty() {
        directory.extend(numbers(&[named.len() - 1, 0, 1]));
        for (folder, _, _, place) in named {
            directory.extend(u16_of(*place).to_le_bytes());
            directory.extend([0, 0, 1, 0]);
            directory.extend(u16_of(folder.len() - 1).to_le_bytes());
            directory.extend_from_slice(folder.as_bytes());
        }
        inodes.extend(header(1));
        inodes.extend(numbers(&[0, 2]));
        inodes.extend(u16_of(directory.len() - start + 3).to_le_bytes());
        inodes.extend(u16_of(start).to_le_bytes());
        inodes.extend([0; 4]);
    }
    let fragment_place = data.len();
    let packed = pack(&fragment);
    data.extend_from_slice(&packed);
    let inode_table = data.len();
    data.extend(metadata(&inodes));
    let directory_table = data.len();
    data.extend(metadata(&directory));
    let entries = data.len();
    data.extend(metadata(
        &[u64::from(u32_of(fragment_place)).to_le_bytes(), {
            let mut row = [0; 8];
            row[..4].copy_from_slice(&u32_of(packed.len()).to_le_bytes());
            row
        }]
        .concat(),
    ));
    let fragment_table = data.len();
    data.extend(u64::from(u32_of(entries)).to_le_bytes());
    let number = match method {
        SquashFs::Gzip => 1,
        SquashFs::Lzma => 2,
        SquashFs::Lzo => 3,
        SquashFs::Xz => 4,
        SquashFs::Lz4 => 5,
        SquashFs::Zstd => 6,
    };
    at(&mut data, 0, b"hsqs");
    at(&mut data, 12, &numbers(&[BLOCK, 1]));
    at(&mut data, 20, &[number, 0, 12, 0]);
    at(&mut data, 28, &[4, 0, 0, 0]);
    let end = data.len();
    // The table of directories ends where the table of entries begins, in most images.
    for (place, value) in
        [(40, end), (64, inode_table), (72, directory_table), (80, fragment_table), (88, usize::MAX)]
    {
        at(&mut data, place, &u64::from(u32_of(value)).to_le_bytes());
    }
    data
}
