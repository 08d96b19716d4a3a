//! NTFS: records of the file table, runs of clusters, units that are compressed.

use super::{SECTOR, at, folders, numbers, u16_of, u32_of, wide};
use crate::archive::File;

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
