//! File systems, as images of their volumes. Files are in pieces wherever the file system allows it, so that
//! what a table says of them matters. A name may have one folder in front.

use crate::archive::File;
use crate::stream;

const SECTOR: usize = 512;

fn at(bytes: &mut [u8], place: usize, value: &[u8]) {
    bytes[place..place + value.len()].copy_from_slice(value);
}

fn u16_of(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn numbers(values: &[usize]) -> Vec<u8> {
    values.iter().flat_map(|value| u32_of(*value).to_le_bytes()).collect()
}

/// Files by folder: those of none first.
fn folders<'a>(files: &[File<'a>]) -> Vec<(&'a str, Vec<File<'a>>)> {
    let mut folders: Vec<(&str, Vec<File<'_>>)> = vec![("", Vec::new())];
    for &(path, content) in files {
        let (folder, name) = path.split_once('/').unwrap_or(("", path));
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, files)) => files.push((name, content)),
            None => folders.push((folder, vec![(name, content)])),
        }
    }
    folders
}

/// Clusters of one sector, from number 2 on, and what follows each.
struct Clusters {
    content: Vec<u8>,
    next: Vec<u32>,
}

const LAST: u32 = u32::MAX;

impl Clusters {
    /// Stores content from back to front; gives its first cluster.
    fn store(&mut self, content: &[u8]) -> usize {
        let first = self.next.len();
        let chunks: Vec<&[u8]> = content.chunks(SECTOR).collect();
        for (index, chunk) in chunks.iter().rev().enumerate() {
            let mut cluster = chunk.to_vec();
            cluster.resize(SECTOR, 0);
            self.content.extend(cluster);
            self.next.push(if index == 0 { LAST } else { u32_of(first + index - 1) });
        }
        if chunks.is_empty() { 0 } else { first + chunks.len() - 1 }
    }
}

/// A FAT volume of 12, 16 or 32 bits.
#[must_use]
pub fn fat(bits: usize, files: &[File<'_>]) -> Vec<u8> {
    let mut clusters = Clusters { content: Vec::new(), next: vec![LAST; 2] };
    let folders = folders(files);
    let mut root = Vec::new();
    for (folder, files) in folders.iter().rev() {
        let mut entries: Vec<u8> = Vec::new();
        for (name, content) in files {
            let first = clusters.store(content);
            entries.extend(fat_entry(name, 0x20, first, content.len()));
        }
        if folder.is_empty() {
            root.extend(entries);
            continue;
        }
        entries.resize((entries.len() + 1).next_multiple_of(SECTOR), 0);
        let first = clusters.store(&entries);
        root.extend(fat_entry(folder, 0x10, first, 0));
    }
    // The name of the volume, and a file that was deleted.
    root.extend(fat_entry("volume", 8, 0, 0));
    let mut deleted = fat_entry("gone", 0x20, 2, 10);
    let last = deleted.len() - 32;
    deleted[last] = 0xe5;
    root.extend(deleted);
    root.resize((root.len() + 1).next_multiple_of(SECTOR), 0);
    let root_cluster = if bits == 32 { clusters.store(&root) } else { 0 };
    let count = clusters.next.len();
    let table: Vec<u8> = match bits {
        12 => {
            let digits: Vec<u32> = clusters.next.iter().map(|next| next & 0xfff).chain([0]).collect();
            let pair = |pair: &[u32]| {
                let both = pair[0] | pair.get(1).copied().unwrap_or(0) << 12;
                both.to_le_bytes()[..3].to_vec()
            };
            digits.chunks(2).flat_map(pair).collect()
        }
        16 => clusters.next.iter().flat_map(|next| (*next as u16).to_le_bytes()).collect(),
        _ => clusters.next.iter().flat_map(|next| (next & 0x0fff_ffff).to_le_bytes()).collect(),
    };
    let table_sectors = table.len().div_ceil(SECTOR);
    let total = match bits {
        12 => count + 100,
        16 => 5000,
        _ => 70_000,
    };
    let mut boot = vec![0; SECTOR];
    at(&mut boot, 0, b"\xeb\x58\x90MSDOS5.0\0\x02\x01\x01\0\x01");
    at(&mut boot, 17, &u16_of(if bits == 32 { 0 } else { root.len() / 32 }).to_le_bytes());
    boot[21] = 0xf8;
    at(&mut boot, 32, &u32_of(total).to_le_bytes());
    if bits == 32 {
        at(&mut boot, 36, &u32_of(table_sectors).to_le_bytes());
        at(&mut boot, 44, &u32_of(root_cluster).to_le_bytes());
    } else {
        at(&mut boot, 22, &u16_of(table_sectors).to_le_bytes());
    }
    at(&mut boot, 510, &[0x55, 0xaa]);
    let mut out = boot;
    out.extend(table);
    out.resize(SECTOR * (1 + table_sectors), 0);
    if bits != 32 {
        out.extend(root);
    }
    out.extend(clusters.content);
    out
}

/// Entries of a directory for one file: a long name where a short one of small letters does not do.
fn fat_entry(name: &str, attributes: u8, first: usize, length: usize) -> Vec<u8> {
    let is_short = name.len() <= 8 && name.bytes().all(|byte| byte.is_ascii_lowercase());
    let mut out = Vec::new();
    if !is_short {
        let mut units = wide(name);
        units.extend([0, 0]);
        units.resize(units.len().next_multiple_of(26), 0xff);
        let pieces: Vec<&[u8]> = units.chunks(26).collect();
        for (index, piece) in pieces.iter().enumerate().rev() {
            let mark = if index + 1 == pieces.len() { 0x40 } else { 0 };
            let mut entry = vec![u8::try_from(index + 1).unwrap_or(0) | mark];
            entry.extend_from_slice(&piece[..10]);
            entry.extend([0x0f, 0, 0]);
            entry.extend_from_slice(&piece[10..22]);
            entry.extend([0, 0]);
            entry.extend_from_slice(&piece[22..]);
            out.extend(entry);
        }
    }
    let shown = if is_short { name.to_ascii_uppercase() } else { "LONG~1".to_owned() };
    let mut entry = format!("{shown:11}").into_bytes();
    entry.extend([attributes, if is_short { 8 } else { 0 }]);
    entry.resize(32, 0);
    at(&mut entry, 20, &u16_of(first >> 16).to_le_bytes());
    at(&mut entry, 26, &u16_of(first & 0xffff).to_le_bytes());
    at(&mut entry, 28, &u32_of(length).to_le_bytes());
    out.extend(entry);
    out
}

/// An exFAT volume. Files of more than one cluster are chains.
#[must_use]
pub fn exfat(files: &[File<'_>]) -> Vec<u8> {
    let mut clusters = Clusters { content: Vec::new(), next: vec![LAST; 2] };
    let entry = |name: &str, attributes: u8, first: usize, length: usize| {
        let units = wide(name);
        let pieces = units.chunks(30);
        let mut file = vec![0x85, u8::try_from(pieces.len() + 1).unwrap_or(0), 0, 0, attributes];
        file.resize(32, 0);
        let is_contiguous = if length <= SECTOR { 2 } else { 0 };
        let mut place = vec![0xc0, 1 | is_contiguous, 0, u8::try_from(units.len() / 2).unwrap_or(0)];
        place.resize(32, 0);
        at(&mut place, 8, &u64::from(u32_of(length)).to_le_bytes());
        at(&mut place, 20, &u32_of(first).to_le_bytes());
        at(&mut place, 24, &u64::from(u32_of(length)).to_le_bytes());
        file.extend(place);
        for piece in pieces {
            let mut name = [&[0xc1, 0], piece].concat();
            name.resize(32, 0);
            file.extend(name);
        }
        file
    };
    let mut root = Vec::new();
    for (folder, files) in folders(files).iter().rev() {
        let mut entries = Vec::new();
        for (name, content) in files {
            let first = clusters.store(content);
            entries.extend(entry(name, 0x20, first, content.len()));
        }
        if folder.is_empty() {
            root.extend(entries);
        } else {
            entries.resize((entries.len() + 1).next_multiple_of(SECTOR), 0);
            let first = clusters.store(&entries);
            root.extend(entry(folder, 0x10, first, entries.len()));
        }
    }
    root.resize((root.len() + 1).next_multiple_of(SECTOR), 0);
    let root = clusters.store(&root);
    let table: Vec<u8> = clusters.next.iter().flat_map(|next| next.to_le_bytes()).collect();
    let sectors = table.len().div_ceil(SECTOR);
    let mut out = vec![0; SECTOR];
    at(&mut out, 0, b"\xeb\x76\x90EXFAT   ");
    at(&mut out, 80, &numbers(&[1, sectors, 1 + sectors, clusters.next.len() - 2, root]));
    at(&mut out, 108, &[9, 0, 1]);
    at(&mut out, 510, &[0x55, 0xaa]);
    out.extend(table);
    out.resize(SECTOR * (1 + sectors), 0);
    out.extend(clusters.content);
    out
}

/// An NTFS volume. Files of up to 100 bytes stand in the table; those whose name ends in `z` are compressed;
/// a name with a colon is that of a second stream of the file before it.
#[must_use]
pub fn ntfs(files: &[File<'_>]) -> Vec<u8> {
    const TABLE: usize = 2;
    let folders = folders(files);
    let records = 16 + folders.len() + 2 * files.len();
    // The table has 1,024 bytes a record, and its second half stands behind everything else.
    let first_half = records / 2 * 2;
    let mut clusters: Vec<u8> = vec![0; SECTOR * (TABLE + first_half)];
    let mut table: Vec<Vec<u8>> = vec![vec![0; 1024]; records];
    let mut next = 16;
    let directory = |name: &str, parent: usize| ntfs_record(3, 0, &[ntfs_name(name, parent)]);
    table[5] = directory(".", 5);
    for (folder, files) in &folders {
        let parent = if folder.is_empty() {
            5
        } else {
            table[next] = directory(folder, 5);
            next += 1;
            next - 1
        };
        let mut last = (0, Vec::new());
        for (name, content) in files {
            let (plain, stream) = name.split_once(':').unwrap_or((name, ""));
            if stream.is_empty() {
                last = (next, vec![ntfs_name("SHORT~1", parent), ntfs_name(plain, parent)]);
                last.1[0][24 + 65] = 2;
                next += 1;
            }
            if content.len() <= 100 {
                last.1.push(ntfs_attribute(0x80, stream, content));
            } else if plain.ends_with('z') {
                let (place, runs) = ntfs_compressed(clusters.len(), content);
                last.1.push(ntfs_runs(stream, &place, runs.len() / SECTOR, content.len(), 4, 0));
                clusters.extend(runs);
            } else {
                // The second half stands in front of the first, and is described by a record of its own.
                let half = (content.len() / 2).next_multiple_of(SECTOR);
                let half = if half < content.len() { half } else { 0 };
                let (front, back) = content.split_at(half);
                let place = clusters.len() / SECTOR;
                clusters.extend_from_slice(back);
                clusters.resize(clusters.len().next_multiple_of(SECTOR), 0);
                let middle = clusters.len() / SECTOR;
                clusters.extend_from_slice(front);
                let (front, back) = (half / SECTOR, middle - place);
                if front == 0 {
                    last.1.push(ntfs_runs(stream, &run(back, place), back, content.len(), 0, 0));
                    table[last.0] = ntfs_record(1, 0, &last.1);
                    continue;
                }
                last.1.push(ntfs_runs(stream, &run(front, middle), front, content.len(), 0, 0));
                table[next] =
                    ntfs_record(1, last.0, &[ntfs_runs(stream, &run(back, place), back, 0, 0, front)]);
                next += 1;
            }
            table[last.0] = ntfs_record(1, 0, &last.1);
        }
    }
    let second = clusters.len() / SECTOR;
    let second_half = 2 * records - first_half;
    let mut runs = run(first_half, TABLE);
    let far = i32::try_from(second).unwrap_or(0) - i32::try_from(TABLE).unwrap_or(0);
    runs.extend([0x42, 0, 0]);
    let place = runs.len() - 2;
    at(&mut runs, place, &u16_of(second_half).to_le_bytes());
    runs.extend(far.to_le_bytes());
    table[0] =
        ntfs_record(1, 0, &[ntfs_name("$MFT", 5), ntfs_runs("", &runs, 2 * records, 1024 * records, 0, 0)]);
    let table = table.concat();
    at(&mut clusters, SECTOR * TABLE, &table[..SECTOR * first_half]);
    clusters.extend_from_slice(&table[SECTOR * first_half..]);
    at(&mut clusters, 0, b"\xeb\x52\x90NTFS    \0\x02\x01");
    at(&mut clusters, 48, &u64::from(u32_of(TABLE)).to_le_bytes());
    clusters[64] = 0xf6;
    at(&mut clusters, 510, &[0x55, 0xaa]);
    clusters
}

/// A list of one run.
fn run(count: usize, place: usize) -> Vec<u8> {
    [&[0x42][..], &u16_of(count).to_le_bytes(), &u32_of(place).to_le_bytes()].concat()
}

fn ntfs_attribute(kind: usize, name: &str, content: &[u8]) -> Vec<u8> {
    let units = wide(name);
    let offset = 24 + units.len();
    let length = (offset + content.len()).next_multiple_of(8);
    let mut out = numbers(&[kind, length]);
    out.extend([0, u8::try_from(name.len()).unwrap_or(0), 24, 0, 0, 0, 0, 0]);
    out.extend(u32_of(content.len()).to_le_bytes());
    out.extend([u16_of(offset).to_le_bytes(), [0, 0]].concat());
    out.extend(units);
    out.extend_from_slice(content);
    out.resize(length, 0);
    out
}

fn ntfs_name(name: &str, parent: usize) -> Vec<u8> {
    let mut content = u64::from(u32_of(parent)).to_le_bytes().to_vec();
    content.resize(64, 0);
    content.extend([u8::try_from(name.len()).unwrap_or(0), 1]);
    content.extend(wide(name));
    ntfs_attribute(0x30, "", &content)
}

/// An attribute whose content stands in clusters; `first` of them stand before it in the file.
fn ntfs_runs(name: &str, runs: &[u8], clusters: usize, length: usize, unit: u16, first: usize) -> Vec<u8> {
    let units = wide(name);
    let offset = 64 + units.len();
    let whole = (offset + runs.len() + 1).next_multiple_of(8);
    let long = |value: usize| u64::from(u32_of(value)).to_le_bytes();
    let mut out = numbers(&[0x80, whole]);
    out.extend([1, u8::try_from(name.len()).unwrap_or(0), 64, 0, u8::from(unit > 0), 0, 0, 0]);
    out.extend([long(first), long((first + clusters).saturating_sub(1))].concat());
    out.extend([u16_of(offset).to_le_bytes(), unit.to_le_bytes(), [0; 2], [0; 2]].concat());
    out.extend([long(clusters * SECTOR), long(length), long(length)].concat());
    out.extend(units);
    out.extend_from_slice(runs);
    out.resize(whole, 0);
    out
}

/// A record, with the ends of its sectors where they are kept.
fn ntfs_record(flags: u16, base: usize, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"FILE\x30\0\x03\0".to_vec();
    out.resize(56, 0);
    at(&mut out, 20, &56_u16.to_le_bytes());
    at(&mut out, 22, &flags.to_le_bytes());
    at(&mut out, 32, &u64::from(u32_of(base)).to_le_bytes());
    out.extend(attributes.concat());
    out.extend([0xff; 4]);
    out.resize(1024, 0);
    let ends = [out[510], out[511], out[1022], out[1023]];
    at(&mut out, 48, &[7, 7]);
    at(&mut out, 50, &ends);
    at(&mut out, 510, &[7, 7]);
    at(&mut out, 1022, &[7, 7]);
    out
}

/// The runs and clusters of compressed content: units of 16 clusters, packed and followed by a hole.
fn ntfs_compressed(before_it: usize, content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut runs, mut stored) = (Vec::new(), Vec::new());
    let mut before = 0;
    for unit in content.chunks(16 * SECTOR) {
        let mut packed: Vec<u8> = unit.chunks(4096).flat_map(lznt1).collect();
        packed.extend([0, 0]);
        packed.resize(packed.len().next_multiple_of(SECTOR), 0);
        // What does not shrink is stored as it is.
        let is_packed = packed.len() < 16 * SECTOR;
        if !is_packed {
            packed = unit.to_vec();
            packed.resize(16 * SECTOR, 0);
        }
        let place = (before_it + stored.len()) / SECTOR;
        let count = packed.len() / SECTOR;
        runs.extend([0x42, u8::try_from(count).unwrap_or(0), 0]);
        runs.extend(u32_of(place).wrapping_sub(u32_of(before)).to_le_bytes());
        before = place;
        if is_packed {
            runs.extend([0x01, u8::try_from(16 - count).unwrap_or(0)]);
        }
        stored.extend(packed);
    }
    (runs, stored)
}

/// A chunk: runs of a byte as copies of what is one byte back, everything else as it is.
fn lznt1(chunk: &[u8]) -> Vec<u8> {
    let mut groups: Vec<(u8, Vec<u8>)> = Vec::new();
    let (mut place, mut items) = (0, 8);
    while place < chunk.len() {
        if items == 8 {
            groups.push((0, Vec::new()));
            items = 0;
        }
        let Some((flags, bytes)) = groups.last_mut() else { break };
        let same = match place.checked_sub(1) {
            Some(before) => chunk[place..].iter().take_while(|byte| **byte == chunk[before]).count(),
            None => 0,
        };
        let mut bits = 12;
        let mut reach = place.saturating_sub(1);
        while reach >= 16 {
            bits -= 1;
            reach >>= 1;
        }
        let length = same.min((1 << bits) + 2);
        if length >= 3 {
            *flags |= 1 << items;
            bytes.extend(u16_of(length - 3).to_le_bytes());
            place += length;
        } else {
            bytes.push(chunk[place]);
            place += 1;
        }
        items += 1;
    }
    let data: Vec<u8> = groups.into_iter().flat_map(|(flags, bytes)| [vec![flags], bytes].concat()).collect();
    if data.len() >= 4096 {
        return [&(0x3000 | u16_of(chunk.len() - 1)).to_le_bytes()[..], chunk].concat();
    }
    [&(0xb000 | u16_of(data.len() - 1)).to_le_bytes()[..], &data].concat()
}

/// The compressions of SquashFS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SquashFs {
    /// zlib.
    Gzip,
    /// LZMA.
    Lzma,
    /// LZ4.
    Lz4,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

/// Every compression of SquashFS.
pub const SQUASHFS: [SquashFs; 5] =
    [SquashFs::Gzip, SquashFs::Lzma, SquashFs::Lz4, SquashFs::Xz, SquashFs::Zstd];

/// A SquashFS image with blocks of 4,096 bytes, and the ends of files in a fragment. A block of zeros is a
/// hole; an odd number of bytes in all is stored in tables that are not packed.
#[must_use]
pub fn squashfs(method: SquashFs, files: &[File<'_>]) -> Vec<u8> {
    const BLOCK: usize = 4096;
    let pack = |content: &[u8]| match method {
        SquashFs::Gzip => stream::zlib(content),
        SquashFs::Lzma => stream::lzma(content),
        SquashFs::Lz4 => lz4_flex::block::compress(content),
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

/// A UDF volume. Files of up to 100 bytes stand in their entry, others in two pieces, the second of which
/// stands in front; with `is_indirect`, structures are in a metadata partition.
#[must_use]
pub fn udf(is_indirect: bool, files: &[File<'_>]) -> Vec<u8> {
    const BLOCK: usize = 2048;
    // The partition begins behind the descriptors; in it, the metadata file's entry, and its content.
    const PARTITION: usize = 32;
    let tagged = |kind: u16, mut body: Vec<u8>| {
        at(&mut body, 0, &kind.to_le_bytes());
        body[4] = body[..16].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        body
    };
    let entry = |kind: u8, flags: u16, length: usize, list: &[u8]| {
        let mut body = vec![0; 176];
        body[27] = kind;
        at(&mut body, 34, &flags.to_le_bytes());
        at(&mut body, 56, &u64::from(u32_of(length)).to_le_bytes());
        at(&mut body, 172, &u32_of(list.len()).to_le_bytes());
        body.extend_from_slice(list);
        tagged(261, body)
    };
    let reference = u16::from(is_indirect);
    let long = |length: usize, block: usize, partition: u16| {
        [&numbers(&[length, block])[..], &partition.to_le_bytes(), &[0; 6]].concat()
    };
    let identifier = |name: &str, flags: u8, block: usize| {
        let mut body = vec![0; 38];
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let name = if name.is_empty() { Vec::new() } else { [&[16], &units[..]].concat() };
        body[18] = flags;
        body[19] = u8::try_from(name.len()).unwrap_or(0);
        at(&mut body, 20, &long(BLOCK, block, reference));
        body.extend(name);
        body.resize(body.len().next_multiple_of(4), 0);
        tagged(257, body)
    };
    // Blocks of structures: the file set, then entries; and blocks of content, all of the plain partition.
    let mut blocks: Vec<Vec<u8>> = vec![Vec::new(), Vec::new()];
    let mut content: Vec<u8> = Vec::new();
    let folders = folders(files);
    let metadata = 2 + files.len() + folders.len();
    let content_first = 1 + metadata;
    let mut root = identifier("", 8, 1);
    for (folder, files) in folders.iter().rev() {
        let mut list = identifier("", 8, 1);
        list.extend(identifier("deleted", 4, 1));
        for (name, bytes) in files {
            list.extend(identifier(name, 0, blocks.len()));
            blocks.push(if bytes.len() <= 100 {
                entry(5, 3, bytes.len(), bytes)
            } else {
                let half = bytes.len() / 2 / BLOCK * BLOCK;
                let back = content_first + content.len() / BLOCK;
                content.extend_from_slice(&bytes[half..]);
                content.resize(content.len().next_multiple_of(BLOCK), 0);
                let front = content_first + content.len() / BLOCK;
                content.extend_from_slice(&bytes[..half]);
                let pieces =
                    [(half, front), (bytes.len() - half, back)].into_iter().filter(|(length, _)| *length > 0);
                let list: Vec<u8> = pieces.flat_map(|(length, block)| long(length, block, 0)).collect();
                entry(5, 1, bytes.len(), &list)
            });
        }
        if folder.is_empty() {
            root.extend(list);
        } else {
            root.extend(identifier(folder, 2, blocks.len()));
            blocks.push(entry(4, 3, list.len(), &list));
        }
    }
    blocks[1] = entry(4, 3, root.len(), &root);
    let mut set = vec![0; 512];
    at(&mut set, 400, &long(BLOCK, 1, reference));
    blocks[0] = tagged(256, set);
    blocks.resize(metadata, Vec::new());

    let mut image = vec![0; BLOCK * PARTITION];
    for (sector, name) in [(16, b"\0BEA01"), (17, b"\0NSR02"), (18, b"\0TEA01")] {
        at(&mut image, BLOCK * sector, name);
    }
    let mut partition = vec![0; BLOCK];
    at(&mut partition, 188, &u32_of(PARTITION).to_le_bytes());
    at(&mut image, BLOCK * 20, &tagged(5, partition));
    let mut logical = vec![0; BLOCK];
    at(&mut logical, 212, &u32_of(BLOCK).to_le_bytes());
    // Without a metadata partition, structures follow the block of its file all the same.
    let first = usize::from(!is_indirect);
    at(&mut logical, 248, &long(BLOCK, first, reference));
    at(&mut logical, 268, &numbers(&[1 + usize::from(is_indirect)]));
    at(&mut logical, 440, &[1, 6, 1, 0, 0, 0]);
    if is_indirect {
        at(&mut logical, 446, &[2, 64, 0, 0]);
        at(&mut logical, 451, b"*UDF Metadata Partition");
    }
    at(&mut image, BLOCK * 21, &tagged(6, logical));
    at(&mut image, BLOCK * 22, &tagged(8, vec![0; BLOCK]));
    // The file of metadata: its short pieces count from the start of the partition.
    let list = numbers(&[BLOCK * metadata, 1]);
    let mut file = entry(250, 0, BLOCK * metadata, &list);
    file.resize(BLOCK, 0);
    image.extend(file);
    for mut block in blocks {
        if !is_indirect {
            shift(&mut block);
        }
        block.resize(BLOCK, 0);
        image.extend(block);
    }
    image.extend(content);
    image.resize(image.len().next_multiple_of(BLOCK), 0);
    let mut anchor = vec![0; BLOCK];
    at(&mut anchor, 16, &numbers(&[BLOCK * 3, 20]));
    image.extend(tagged(2, anchor));
    image
}

/// Counts blocks of structures from the start of the partition: in the file set, and in directories.
fn shift(block: &mut [u8]) {
    let add = |block: &mut [u8], place: usize| block[place] = block[place].wrapping_add(1);
    let kind = block.first().copied().unwrap_or(0);
    if kind == 0 && block.get(1) == Some(&1) {
        add(block, 404);
    }
    if kind == 5 && block.get(27) == Some(&4) {
        let mut place = 176;
        while block.get(place) == Some(&1) && block.get(place + 1) == Some(&1) {
            let length = (38 + usize::from(block[place + 19])).next_multiple_of(4);
            add(block, place + 24);
            place += length;
        }
    }
}

/// An ext volume with blocks of 1,024 bytes: files as extents, the second of which stands in front, or as
/// lists of blocks from back to front. A block of zeros is a hole.
#[must_use]
pub fn ext(has_extents: bool, files: &[File<'_>]) -> Vec<u8> {
    const BLOCK: usize = 1024;
    let folders = folders(files);
    let count = 11 + files.len() + folders.len();
    let table_blocks = (count * 128).div_ceil(BLOCK);
    let mut image = vec![0; BLOCK * (3 + table_blocks)];
    // Stores content, and gives what stands in the inode for it.
    let store = |image: &mut Vec<u8>, content: &[u8]| -> Vec<u8> {
        let mut blocks: Vec<usize> = Vec::new();
        let chunks: Vec<&[u8]> = content.chunks(BLOCK).collect();
        if has_extents {
            let half = chunks.len() / 2;
            let mut put = |part: &[&[u8]]| {
                let first = image.len() / BLOCK;
                image.extend(part.concat());
                image.resize(image.len().next_multiple_of(BLOCK), 0);
                first
            };
            let back = put(&chunks[half..]);
            let front = put(&chunks[..half]);
            let mut rows = Vec::new();
            for (first, place, length) in [(0, front, half), (half, back, chunks.len() - half)] {
                if length > 0 {
                    rows.extend(u32_of(first).to_le_bytes());
                    rows.extend([u16_of(length).to_le_bytes(), [0; 2]].concat());
                    rows.extend(u32_of(place).to_le_bytes());
                }
            }
            // The rows stand in a block of their own, below the root.
            let header = |count: usize, level: u8| {
                [&[0x0a, 0xf3], &u16_of(count).to_le_bytes()[..], &[4, 0, level, 0, 0, 0, 0, 0]].concat()
            };
            let place = image.len() / BLOCK;
            image.extend([header(rows.len() / 12, 0), rows].concat());
            image.resize(image.len().next_multiple_of(BLOCK), 0);
            return [header(1, 1), numbers(&[0, place, 0])].concat();
        }
        for chunk in chunks.iter().rev() {
            if chunk.iter().all(|byte| *byte == 0) {
                blocks.insert(0, 0);
                continue;
            }
            blocks.insert(0, image.len() / BLOCK);
            image.extend_from_slice(chunk);
            image.resize(image.len().next_multiple_of(BLOCK), 0);
        }
        let mut places = blocks.clone();
        places.truncate(12);
        places.resize(12, 0);
        let mut rest: Vec<usize> = blocks.into_iter().skip(12).collect();
        // Blocks of places, and one of places of those.
        let mut list = |places: &[usize]| {
            let place = image.len() / BLOCK;
            image.extend(numbers(places));
            image.resize(image.len().next_multiple_of(BLOCK), 0);
            place
        };
        let further = rest.split_off(rest.len().min(256));
        places.push(if rest.is_empty() { 0 } else { list(&rest) });
        let lists: Vec<usize> = further.chunks(256).map(&mut list).collect();
        places.push(if lists.is_empty() { 0 } else { list(&lists) });
        places.push(0);
        numbers(&places)
    };
    let entry = |inode: usize, name: &str, kind: u8| {
        let mut entry = u32_of(inode).to_le_bytes().to_vec();
        let length = (8 + name.len()).next_multiple_of(4);
        entry.extend(u16_of(length).to_le_bytes());
        entry.extend([u8::try_from(name.len()).unwrap_or(0), kind]);
        entry.extend(name.as_bytes());
        entry.resize(length, 0);
        entry
    };
    let mut inodes: Vec<(usize, u16, usize, Vec<u8>)> = Vec::new();
    let mut next = 11;
    let mut root = entry(2, ".", 2);
    for (folder, own) in folders.iter().rev() {
        let mut list = Vec::new();
        for (name, content) in own {
            let places = store(&mut image, content);
            list.extend(entry(next, name, 1));
            inodes.push((next, 0x81a4, content.len(), places));
            next += 1;
        }
        if folder.is_empty() {
            root.extend(list);
        } else {
            let places = store(&mut image, &list);
            root.extend(entry(next, folder, 2));
            inodes.push((next, 0x41ed, list.len(), places));
            next += 1;
        }
    }
    let places = store(&mut image, &root);
    inodes.push((2, 0x41ed, root.len(), places));
    for (number, mode, size, places) in inodes {
        let place = BLOCK * 3 + (number - 1) * 128;
        at(&mut image, place, &mode.to_le_bytes());
        at(&mut image, place + 4, &u32_of(size).to_le_bytes());
        at(&mut image, place + 26, &[1, 0]);
        at(&mut image, place + 32, &numbers(&[if has_extents { 0x8_0000 } else { 0 }]));
        at(&mut image, place + 40, &places);
    }
    at(&mut image, 1024, &numbers(&[count]));
    at(&mut image, 1024 + 20, &numbers(&[1, 0]));
    at(&mut image, 1024 + 40, &numbers(&[count]));
    at(&mut image, 1024 + 56, &[0x53, 0xef]);
    at(&mut image, 1024 + 76, &numbers(&[1]));
    at(&mut image, 1024 + 88, &128_u16.to_le_bytes());
    at(&mut image, 2048 + 8, &numbers(&[3]));
    image
}
