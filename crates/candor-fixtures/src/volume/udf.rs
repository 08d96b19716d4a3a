//! UDF: tagged descriptors, entries and identifiers.

use super::{at, folders, numbers, u32_of};
use crate::archive::File;

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
