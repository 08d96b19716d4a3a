//! Compressed streams. Writing to memory does not fail; were it to, the stream would be short, and the test
//! with it.

use std::io::Write as _;

use lzma_rust2::{LzipOptions, LzipWriter, LzmaOptions, LzmaWriter, XzOptions, XzWriter};

/// A gzip member.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A zlib stream.
#[must_use]
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A deflate stream without a header.
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A bzip2 stream.
#[must_use]
pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// An xz stream.
#[must_use]
pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let Ok(mut encoder) = XzWriter::new(Vec::new(), XzOptions::with_preset(1)) else { return Vec::new() };
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A `.lzma` file.
#[must_use]
pub fn lzma(bytes: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::with_preset(1);
    let size = u64::try_from(bytes.len()).ok();
    let Ok(mut encoder) = LzmaWriter::new_use_header(Vec::new(), &options, size) else { return Vec::new() };
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A `.lzma` file that does not say how long it is, and ends with a mark.
#[must_use]
pub fn lzma_with_end(bytes: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::with_preset(1);
    let Ok(mut encoder) = LzmaWriter::new_use_header(Vec::new(), &options, None) else { return Vec::new() };
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// An lzip member.
#[must_use]
pub fn lzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = LzipWriter::new(Vec::new(), LzipOptions::with_preset(1));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A Zstandard frame.
#[must_use]
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// An LZ4 frame.
#[must_use]
pub fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).ok().and_then(|()| encoder.finish().ok()).unwrap_or_default()
}

/// An LZ4 file of the first format.
#[must_use]
pub fn lz4_legacy(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x02\x21\x4c\x18".to_vec();
    for block in bytes.chunks(8 << 20) {
        let packed = lz4_flex::block::compress(block);
        out.extend(u32::try_from(packed.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(packed);
    }
    out
}

/// A `.Z` file with codes of up to `widest` bits.
#[must_use]
pub fn compress(bytes: &[u8], widest: u8) -> Vec<u8> {
    let mut out = Codes { bytes: vec![0x1f, 0x9d, 0x80 | widest], start: 3, bits: 0, width: 9 };
    let mut table = std::collections::HashMap::new();
    let mut free = 257_u32;
    let mut current: Option<u32> = None;
    let mut step = |code: u32, free: u32| {
        // A decoder learns an entry one code later than this table has it.
        if free > (1 << out.width) && out.width < u32::from(widest) {
            out.next_group();
            out.width += 1;
        }
        out.put(code);
    };
    for &byte in bytes {
        current = Some(match current {
            None => u32::from(byte),
            Some(prefix) => match table.get(&(prefix, byte)) {
                Some(&code) => code,
                None => {
                    step(prefix, free);
                    if free < 1 << widest {
                        table.insert((prefix, byte), free);
                        free += 1;
                    } else if free == 1 << widest {
                        free += 1;
                    }
                    u32::from(byte)
                }
            },
        });
    }
    if let Some(last) = current {
        step(last, free);
    }
    out.bytes
}

struct Codes {
    bytes: Vec<u8>,
    /// Where the codes of the present width began.
    start: usize,
    /// Bits since then.
    bits: usize,
    width: u32,
}

impl Codes {
    fn put(&mut self, code: u32) {
        for bit in 0..self.width {
            let place = self.start + self.bits / 8;
            if place >= self.bytes.len() {
                self.bytes.push(0);
            }
            self.bytes[place] |= u8::from(code >> bit & 1 != 0) << (self.bits % 8);
            self.bits += 1;
        }
    }

    fn next_group(&mut self) {
        let group = usize::try_from(self.width).unwrap_or(9) * 8;
        let end = self.start + self.bits.next_multiple_of(group) / 8;
        self.bytes.resize(end, 0);
        (self.start, self.bits) = (end, 0);
    }
}
