//! Disks of virtual machines around a raw disk.

use crate::stream;

const SECTOR: usize = 512;

fn at(bytes: &mut [u8], place: usize, value: &[u8]) {
    bytes[place..place + value.len()].copy_from_slice(value);
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn long(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Blocks of a disk; `None` for those of zeros.
fn blocks(disk: &[u8], length: usize) -> Vec<Option<Vec<u8>>> {
    let block = |block: &[u8]| {
        let mut block = block.to_vec();
        block.resize(length, 0);
        block.iter().any(|byte| *byte != 0).then_some(block)
    };
    disk.chunks(length).map(block).collect()
}

fn vhd_footer(kind: u8, length: usize) -> Vec<u8> {
    let mut footer = b"conectix\0\0\0\x02\0\x01\0\0".to_vec();
    footer.extend(if kind == 2 { u64::MAX } else { 512 }.to_be_bytes());
    footer.resize(SECTOR, 0);
    at(&mut footer, 48, &long(length).to_be_bytes());
    footer[63] = kind;
    footer
}

/// A VHD of fixed size.
#[must_use]
pub fn vhd_fixed(disk: &[u8]) -> Vec<u8> {
    [disk, &vhd_footer(2, disk.len())].concat()
}

/// A VHD that grows, in blocks of 1,024 bytes.
#[must_use]
pub fn vhd(disk: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 1024;
    let blocks = blocks(disk, BLOCK);
    let footer = vhd_footer(3, disk.len());
    let mut header = b"cxsparse\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
    header.extend(1536_u64.to_be_bytes());
    header.resize(1024, 0);
    at(&mut header, 28, &u32_of(blocks.len()).to_be_bytes());
    at(&mut header, 32, &u32_of(BLOCK).to_be_bytes());
    let mut table = Vec::new();
    let first = 1536 + (4 * blocks.len()).next_multiple_of(SECTOR);
    let mut content: Vec<u8> = Vec::new();
    // The blocks stand from back to front.
    for block in blocks.iter().rev() {
        let entry = block.as_ref().map_or(u32::MAX, |_| u32_of((first + content.len()) / SECTOR));
        table.insert(0, entry);
        if let Some(block) = block {
            content.extend([0xff; SECTOR]);
            content.extend(block);
        }
    }
    let mut out = [footer.clone(), header].concat();
    out.extend(table.into_iter().flat_map(u32::to_be_bytes));
    out.resize(first, 0);
    out.extend(content);
    out.extend(footer);
    out
}

/// A VHDX with blocks of a mebibyte.
#[must_use]
pub fn vhdx(disk: &[u8]) -> Vec<u8> {
    const MIB: usize = 1 << 20;
    let blocks = blocks(disk, MIB);
    let entry = |name: &[u8; 16], offset: usize, length: usize| {
        let mut entry = name.to_vec();
        entry.extend(long(offset).to_le_bytes());
        entry.extend(u32_of(length).to_le_bytes());
        entry.extend([1, 0, 0, 0]);
        entry
    };
    let item = |name: &[u8; 16], offset: usize| {
        let mut entry = name.to_vec();
        entry.extend(u32_of(offset).to_le_bytes());
        entry.extend([8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        entry
    };
    let mut out = vec![0; 2 * MIB];
    at(&mut out, 0, b"vhdxfile");
    at(&mut out, 64 << 10, b"head");
    let table_length = (8 * blocks.len()).next_multiple_of(MIB);
    let mut regions = b"regi\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
    regions.extend(entry(
        b"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08",
        2 * MIB,
        table_length,
    ));
    regions.extend(entry(b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e", MIB, MIB));
    at(&mut out, 192 << 10, &regions);
    let mut metadata = b"metadata\0\0\x03\0".to_vec();
    metadata.resize(32, 0);
    metadata.extend(item(b"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b", 65_536));
    metadata.extend(item(b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8", 65_544));
    metadata.extend(item(b"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f", 65_552));
    at(&mut out, MIB, &metadata);
    at(&mut out, MIB + 65_536, &u32_of(MIB).to_le_bytes());
    at(&mut out, MIB + 65_544, &long(disk.len()).to_le_bytes());
    at(&mut out, MIB + 65_552, &512_u32.to_le_bytes());
    let mut content = Vec::new();
    let mut table = Vec::new();
    for block in blocks {
        let place = 2 * MIB + table_length + content.len();
        table.extend(block.as_ref().map_or(0, |_| long(place) | 6).to_le_bytes());
        content.extend(block.unwrap_or_default());
    }
    table.resize(table_length, 0);
    out.extend(table);
    out.extend(content);
    out
}

/// A VMDK with grains of 4,096 bytes; `is_stream` for packed ones with the directory at the end.
#[must_use]
pub fn vmdk(is_stream: bool, disk: &[u8]) -> Vec<u8> {
    const GRAIN: usize = 4096;
    let blocks = blocks(disk, GRAIN);
    let header = |directory: usize| {
        let mut header = b"KDMV\x03\0\0\0".to_vec();
        header.extend((3 | u32::from(is_stream) << 16).to_le_bytes());
        for value in [disk.len().div_ceil(SECTOR), GRAIN / SECTOR, 0, 0] {
            header.extend(long(value).to_le_bytes());
        }
        header.extend(512_u32.to_le_bytes());
        header.extend([0; 8]);
        header.extend(long(directory).to_le_bytes());
        header.resize(77, 0);
        header.push(u8::from(is_stream));
        header.resize(SECTOR, 0);
        header
    };
    // The sector behind the header is for a description.
    let mut content = vec![0; SECTOR];
    let mut grains = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let Some(block) = block else {
            grains.push(0);
            continue;
        };
        grains.push(1 + content.len() / SECTOR);
        if is_stream {
            let packed = stream::zlib(block);
            content.extend(long(index * GRAIN / SECTOR).to_le_bytes());
            content.extend(u32_of(packed.len()).to_le_bytes());
            content.extend(packed);
            content.resize(content.len().next_multiple_of(SECTOR), 0);
        } else {
            content.extend(block);
        }
    }
    let mut directory = Vec::new();
    for table in grains.chunks(512) {
        directory.push(1 + content.len() / SECTOR);
        let mut table: Vec<u8> = table.iter().flat_map(|grain| u32_of(*grain).to_le_bytes()).collect();
        table.resize(2048, 0);
        content.extend(table);
    }
    let place = 1 + content.len() / SECTOR;
    content.extend(directory.iter().flat_map(|table| u32_of(*table).to_le_bytes()));
    content.resize(content.len().next_multiple_of(SECTOR), 0);
    if !is_stream {
        return [header(place), content].concat();
    }
    let mut first = header(0);
    at(&mut first, 56, &u64::MAX.to_le_bytes());
    [first, content, header(place), vec![0; SECTOR]].concat()
}

/// A QCOW2 with clusters of 512 bytes; `packing` 0 for none, 1 for deflate, 2 for Zstandard.
#[must_use]
pub fn qcow2(packing: u8, disk: &[u8]) -> Vec<u8> {
    const BITS: u32 = 9;
    const CLUSTER: usize = 1 << BITS;
    let blocks = blocks(disk, CLUSTER);
    let tables = blocks.len().div_ceil(CLUSTER / 8);
    let first = CLUSTER + (8 * tables).next_multiple_of(CLUSTER);
    let mut out = b"QFI\xfb\0\0\0\x03".to_vec();
    out.resize(112, 0);
    at(&mut out, 20, &BITS.to_be_bytes());
    at(&mut out, 24, &long(disk.len()).to_be_bytes());
    at(&mut out, 36, &u32_of(tables).to_be_bytes());
    at(&mut out, 40, &long(CLUSTER).to_be_bytes());
    at(&mut out, 100, &112_u32.to_be_bytes());
    out[104] = u8::from(packing == 2);
    out.resize(CLUSTER, 0);
    let level_1 = (0..tables).flat_map(|table| (long(first + table * CLUSTER) | 1 << 63).to_be_bytes());
    out.extend(level_1);
    out.resize(first, 0);
    let content_first = first + tables * CLUSTER;
    let mut content: Vec<u8> = Vec::new();
    for block in &blocks {
        let place = content_first + content.len();
        let entry = match block {
            None => 0,
            Some(block) if packing == 0 => {
                content.extend(block);
                long(place) | 1 << 63
            }
            Some(block) => {
                let packed = if packing == 1 { stream::deflate(block) } else { stream::zstd(block) };
                content.extend(&packed);
                let sectors = (place + packed.len() - 1) / SECTOR - place / SECTOR;
                long(place) | long(sectors) << (62 - (BITS - 8)) | 1 << 62
            }
        };
        out.extend(entry.to_be_bytes());
    }
    out.resize(content_first, 0);
    out.extend(content);
    out.resize(out.len().next_multiple_of(SECTOR), 0);
    out
}
