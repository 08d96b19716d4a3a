//! A program in memory as a file: sections where they were, and headers that only say so.

use super::PortableExecutable;

const PAGE: usize = 0x1000;

/// Sections at most.
const SECTIONS: usize = 64;

/// The file. Its sections may not be written to: nothing that was unpacked is unpacked again.
pub(super) fn from_memory(file: &PortableExecutable<'_>, image: &[u8], entry: u32) -> Vec<u8> {
    let length = u32::try_from(image.len()).unwrap_or(u32::MAX);
    let mut ranges: Vec<(Vec<u8>, u32, u32)> = Vec::new();
    for section in file.sections.iter().take(SECTIONS) {
        let start = u32::try_from(section.virtual_address).unwrap_or(length).min(length);
        let size = section.virtual_size.max(section.raw_size).next_multiple_of(0x1000);
        let end = start.saturating_add(u32::try_from(size).unwrap_or(length)).min(length);
        if start >= 0x1000 && end > start {
            ranges.push((section.name.clone(), start, end));
        }
    }
    if ranges.is_empty() {
        ranges.push((b".image".to_vec(), 0x1000.min(length), length));
    }
    let mut out = image.to_vec();
    let header = header(file, &ranges, length, entry);
    // What stood in the headers is often part of the unpacker itself, and has been looked at in the file.
    if out.len() < PAGE {
        out.resize(PAGE, 0);
    }
    if let Some(place) = out.get_mut(..PAGE) {
        place.fill(0);
        for (to, from) in place.iter_mut().zip(&header) {
            *to = *from;
        }
    }
    out
}

fn header(file: &PortableExecutable<'_>, ranges: &[(Vec<u8>, u32, u32)], length: u32, entry: u32) -> Vec<u8> {
    let mut out = vec![0_u8; 0x40];
    let mut put = |offset: usize, bytes: &[u8]| {
        for (to, from) in out.iter_mut().skip(offset).zip(bytes) {
            *to = *from;
        }
    };
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    out.extend_from_slice(b"PE\0\0\x4c\x01");
    out.extend_from_slice(&u16::try_from(ranges.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&[0xe0, 0, 0x0f, 1]);
    let mut optional = vec![0_u8; 0xe0];
    let mut number = |offset: usize, value: u32| {
        for (to, from) in optional.iter_mut().skip(offset).zip(value.to_le_bytes()) {
            *to = from;
        }
    };
    number(0, 0x010b);
    number(16, entry);
    number(28, file.image_base());
    number(32, 0x1000);
    number(36, 0x1000);
    number(40, 4);
    number(48, 4);
    number(56, length);
    number(60, 0x1000);
    number(68, 2);
    number(92, 16);
    for index in [0, 2] {
        if let Some((address, size)) = file.directory(index) {
            let place = index.saturating_mul(8).saturating_add(96);
            number(place, address);
            number(place.saturating_add(4), size);
        }
    }
    out.extend_from_slice(&optional);
    for (name, start, end) in ranges {
        let mut row = name.clone();
        row.resize(8, 0);
        let size = end.saturating_sub(*start);
        for value in [size, *start, size, *start, 0, 0, 0, 0x6000_0020] {
            row.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&row);
    }
    out
}
