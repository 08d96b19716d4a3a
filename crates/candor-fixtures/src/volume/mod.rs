//! File systems, as images of their volumes. Files are in pieces wherever the file system allows it, so that
//! what a table says of them matters. A name may have one folder in front.

pub mod apfs;
mod btrfs;
mod compression;
mod ext;
mod lvm;
mod ntfs;
mod squashfs;
mod udf;
mod xfs;

use crate::archive::File;

pub use apfs::apfs;
pub use btrfs::{BTRFS, Btrfs, btrfs, btrfs_of};
pub use compression::{COMPRESSIONS, compressed, lzfse, lzvn};
pub use ext::ext;
pub use lvm::{Lvm, lvm};
pub use ntfs::ntfs;
pub use squashfs::{SQUASHFS, SquashFs, squashfs};
pub use udf::udf;
pub use xfs::xfs;

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

/// The check that file systems of Linux use: Castagnoli's.
fn castagnoli(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        let start = (sum ^ u32::from(*byte)) & 0xff;
        let step = (0..8).fold(start, |value, _| (value >> 1) ^ ((value & 1) * 0x82f6_3b78));
        step ^ (sum >> 8)
    })
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
        16 => clusters.next.iter().flat_map(|next| u16_of((*next & 0xffff) as usize).to_le_bytes()).collect(),
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
