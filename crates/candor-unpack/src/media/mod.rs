//! Images, as far as their parts must fit together: GIF, PNG, JPEG, TIFF, and RIFF with cursors in it.
//!
//! Nothing is decoded. The parts of an image say how long they are; what cannot be true is noted, in the words
//! that ClamAV has for it. Damage is no reason to look less: what the bytes are is searched whatever they say.

mod jpeg;
#[cfg(test)]
mod tests;

use candor_model::{Anomaly, Sink};

use crate::reader::{Order, Reader};

/// Parts of one image that are looked at.
const PARTS: u32 = 100_000;

/// Notes what is wrong with an image.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let wrong = match bytes {
        [b'G', b'I', b'F', b'8', ..] => gif(bytes).map(Anomaly::BrokenMedia),
        [0x89, b'P', b'N', b'G', ..] => png(bytes).map(Anomaly::BrokenMedia),
        [0xff, 0xd8, ..] => jpeg::wrong(bytes),
        [b'I', b'I', 42, 0, ..] => tiff(bytes, Order::Little).map(Anomaly::BrokenMedia),
        [b'M', b'M', 0, 42, ..] => tiff(bytes, Order::Big).map(Anomaly::BrokenMedia),
        [b'R', b'I', b'F', b'F', ..] => riff(bytes),
        _ => None,
    };
    if let Some(wrong) = wrong {
        sink.anomaly(wrong);
    }
}

/// Blocks behind one another, each a label and sub-blocks with their length.
fn gif(bytes: &[u8]) -> Option<&'static str> {
    let mut reader = Reader::little(bytes);
    let (Some(()), Some(screen)) = (reader.skip(6), reader.take(7)) else {
        return Some("GIF.TruncatedScreenDescriptor");
    };
    let flags = screen.get(4).copied().unwrap_or(0);
    if reader.skip(table(flags)).is_none() {
        return Some("GIF.TruncatedGlobalColorTable");
    }
    let mut images = 0_u32;
    for _ in 0..PARTS {
        match reader.u8() {
            // What is behind the last image may be missing: everybody shows it all the same.
            None | Some(0x3b) => {
                return if images == 0 { Some("GIF.MissingImageData") } else { None };
            }
            Some(0x21) => {
                if reader.u8().is_none() {
                    return Some("GIF.TruncatedExtension");
                }
                if blocks(&mut reader).is_none() {
                    return Some("GIF.TruncatedExtensionSubBlock");
                }
            }
            Some(0x2c) => {
                let Some(descriptor) = reader.take(9) else { return Some("GIF.TruncatedImageDescriptor") };
                let flags = descriptor.get(8).copied().unwrap_or(0);
                images = images.saturating_add(1);
                if reader.skip(table(flags)).is_none() || reader.u8().is_none() {
                    return Some("GIF.TruncatedImageDescriptor");
                }
                if blocks(&mut reader).is_none() {
                    return Some("GIF.TruncatedImageDataBlock");
                }
            }
            Some(_) => return if images == 0 { Some("GIF.UnknownBlockLabel") } else { None },
        }
    }
    None
}

/// Bytes of the table of colours that flags speak of.
const fn table(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3_u64.wrapping_shl((flags & 7) as u32).wrapping_mul(2) }
}

/// Sub-blocks up to the empty one.
fn blocks(reader: &mut Reader<'_>) -> Option<()> {
    loop {
        match reader.u8()? {
            0 => return Some(()),
            length => reader.skip(u64::from(length))?,
        }
    }
}

/// Chunks: length, type, data, checksum.
fn png(bytes: &[u8]) -> Option<&'static str> {
    let mut reader = Reader::new(bytes, Order::Big);
    reader.skip(8)?;
    for _ in 0..PARTS {
        // One that ends between two chunks is not told, as ClamAV does not.
        let length = reader.u32()?;
        if length > 0x7fff_ffff {
            return Some("PNG.InvalidChunkLength");
        }
        let Some(kind) = reader.take(4) else { return Some("PNG.EOFReadingChunkType") };
        if reader.skip(u64::from(length)).is_none() {
            return Some("PNG.EOFReadingChunk");
        }
        if reader.skip(4).is_none() {
            return Some("PNG.EOFReadingChunkCRC");
        }
        if kind == b"IEND" {
            return None;
        }
    }
    None
}

/// Bytes of a value of each type that an entry of a directory may have.
const VALUES: [u64; 13] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/// Directories of twelve-byte entries, each leading to the next.
fn tiff(bytes: &[u8], order: Order) -> Option<&'static str> {
    let start = Reader::new(bytes, order);
    let Some(mut offset) = start.at(4).and_then(|mut reader| reader.u32()) else {
        return Some("TIFF.EOFReadingFirstIFDOffset");
    };
    if offset == 0 {
        return Some("TIFF.InvalidIFDOffset");
    }
    for _ in 0..PARTS {
        let directory = start.at(u64::from(offset)).and_then(|mut reader| Some((reader.u16()?, reader)));
        let Some((count, mut reader)) = directory else {
            return Some("TIFF.EOFReadingNumIFDDirectoryEntries");
        };
        for _ in 0..count {
            match entry(&mut reader, bytes.len()) {
                None => return Some("TIFF.EOFReadingIFDEntry"),
                Some(false) => return Some("TIFF.OutOfBoundsAccess"),
                Some(true) => {}
            }
        }
        let Some(next) = reader.u32() else { return Some("TIFF.EOFReadingChunkCRC") };
        if next == 0 {
            return None;
        }
        // A directory that leads back would be read again and again.
        if next <= offset {
            return Some("TIFF.OutOfOrderIFDOffset");
        }
        offset = next;
    }
    None
}

/// Whether what an entry leads to lies in a file of this length.
fn entry(reader: &mut Reader<'_>, length: usize) -> Option<bool> {
    reader.skip(2)?;
    let (kind, count, offset) = (reader.u16()?, u64::from(reader.u32()?), u64::from(reader.u32()?));
    let size = VALUES.get(usize::from(kind)).copied().unwrap_or(0).saturating_mul(count);
    // What is as short as an offset stands in its place.
    Some(size <= 4 || u64::try_from(length).is_ok_and(|length| offset.saturating_add(size) <= length))
}

/// Chunks; the header of an animated cursor has 36 bytes, and readers of 2005 copied as many as it said.
fn riff(bytes: &[u8]) -> Option<Anomaly> {
    let mut reader = Reader::little(bytes).at(8)?;
    if reader.take(4)? != b"ACON" {
        return None;
    }
    for _ in 0..PARTS {
        let kind = reader.take(4)?;
        let length = reader.u32()?;
        if kind == b"anih" && length > 36 {
            return Some(Anomaly::ImageExploit("W32.MS05-002"));
        }
        if kind == b"LIST" {
            reader.skip(4)?;
        } else {
            reader.skip(u64::from(length.checked_next_multiple_of(2)?))?;
        }
    }
    None
}
