//! ext: inodes with extents or lists of blocks.

use super::{at, folders, numbers, u16_of, u32_of};
use crate::archive::File;

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
