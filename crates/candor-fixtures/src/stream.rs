//! Compressed streams. Writing to memory does not fail; were it to, the stream would be short, and the test
//! with it.

use std::io::Write as _;
use std::num::NonZeroU64;

pub use lzma_rust2::{CheckType, filter::FilterType};
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

/// How a stream of xz is written: filters in front of LZMA2, what sums up its blocks, and how long these are.
#[derive(Clone, Copy, Debug)]
pub struct Xz<'a> {
    /// Filters, the first of which sees the content, with their distance or start.
    pub filters: &'a [(FilterType, u32)],
    /// The checksum.
    pub check: CheckType,
    /// Bytes of a block that come out.
    pub block: u64,
}

/// A stream of xz that is written like this.
#[must_use]
pub fn xz_as(bytes: &[u8], how: Xz<'_>) -> Vec<u8> {
    let mut options = XzOptions::with_preset(1);
    options.set_check_sum_type(how.check);
    options.set_block_size(NonZeroU64::new(how.block));
    for (filter, property) in how.filters.iter().rev() {
        options.prepend_pre_filter(*filter, *property);
    }
    let Ok(mut encoder) = XzWriter::new(Vec::new(), options) else { return Vec::new() };
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

/// A block of LZ4.
#[must_use]
pub fn lz4_block(bytes: &[u8]) -> Vec<u8> {
    lz4_flex::block::compress(bytes)
}

/// LZO1X: copies from up to 16 KiB back, and what is behind each as it is.
#[must_use]
pub fn lzo(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut low = None;
    for (literals, copy) in copies(bytes, 3, 16 << 10, usize::MAX) {
        match (literals.len(), low) {
            (0, _) => {}
            (few @ 1..=3, Some(low)) => out[low] |= u8::try_from(few).unwrap_or(0),
            (count @ 1..=238, None) => out.push(17 + u8::try_from(count).unwrap_or(0)),
            (count, _) => lzo_run(&mut out, 0, 15, count - 3),
        }
        out.extend_from_slice(literals);
        if let Some((length, distance)) = copy {
            lzo_run(&mut out, 0x20, 31, length - 2);
            low = Some(out.len());
            out.extend((u16::try_from(distance - 1).unwrap_or(0) << 2).to_le_bytes());
        }
    }
    out.extend([0x11, 0, 0]);
    out
}

/// A code with a length, or bytes behind it that add up to one.
fn lzo_run(out: &mut Vec<u8>, code: u8, most: usize, length: usize) {
    let Some(more) = length.checked_sub(most).filter(|more| *more > 0) else {
        out.push(code | u8::try_from(length).unwrap_or(0));
        return;
    };
    out.push(code);
    out.extend(vec![0; (more - 1) / 255]);
    out.push(u8::try_from((more - 1) % 255 + 1).unwrap_or(255));
}

/// A copy: its length, and how far back it is from.
type Copy = (usize, usize);

/// `bytes` as copies of `least` bytes and more from up to `window` back, each behind what is not copied. None is longer
/// than `most`.
pub(crate) fn copies(bytes: &[u8], least: usize, window: usize, most: usize) -> Vec<(&[u8], Option<Copy>)> {
    let mut known: std::collections::HashMap<&[u8], usize> = std::collections::HashMap::new();
    let (mut out, mut at, mut literal) = (Vec::new(), 0, 0);
    while at + least <= bytes.len() {
        let before = known.insert(&bytes[at..at + least], at).filter(|before| at - before <= window);
        let Some(before) = before else {
            at += 1;
            continue;
        };
        let same = bytes[at..].iter().zip(&bytes[before..]).take_while(|(new, old)| new == old).count();
        let length = same.min(most);
        out.push((&bytes[literal..at], Some((length, at - before))));
        at += length;
        literal = at;
    }
    out.push((&bytes[literal..], None));
    out
}

/// What Zoo's LZW makes of `bytes`.
#[must_use]
pub fn zoo_lzw(bytes: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut table: std::collections::HashMap<(u32, u8), u32> = std::collections::HashMap::new();
    // Codes since the table was emptied: a decoder knows one entry less.
    let (mut codes, mut width) = (0, 9);
    bits.put(256, 9);
    let mut current: Option<u32> = None;
    for &byte in bytes {
        current = Some(match current {
            None => u32::from(byte),
            Some(prefix) => match table.get(&(prefix, byte)) {
                Some(&code) => code,
                None => {
                    bits.put(prefix, width);
                    codes += 1;
                    table.insert((prefix, byte), 257 + codes);
                    let known = 257 + codes;
                    if known >= 1 << 13 {
                        bits.put(256, width);
                        table.clear();
                        (codes, width) = (0, 9);
                    } else if known >= 1 << width {
                        width += 1;
                    }
                    u32::from(byte)
                }
            },
        });
    }
    if let Some(last) = current {
        bits.put(last, width);
        codes += 1;
        if 257 + codes >= 1 << width && width < 13 {
            width += 1;
        }
    }
    bits.put(257, width);
    bits.bytes
}

/// What the fastest method of ARJ makes of `bytes`.
#[must_use]
pub fn arj_fastest(bytes: &[u8]) -> Vec<u8> {
    // A number as so many ones, a zero if there may be more of them, and as many bits as the ones say.
    let number = |bits: &mut Vec<bool>, value: usize, least: usize, most: usize| {
        let (mut width, mut base) = (least, 0);
        while width < most && value >= base + (1 << width) {
            bits.push(true);
            base += 1 << width;
            width += 1;
        }
        if width < most {
            bits.push(false);
        }
        bits.extend((0..width).rev().map(|bit| (value - base) >> bit & 1 == 1));
    };
    let mut bits = Vec::new();
    for (literals, copy) in copies(bytes, 3, 15_872, 256) {
        for byte in literals {
            number(&mut bits, 0, 0, 7);
            bits.extend((0..8).rev().map(|bit| byte >> bit & 1 == 1));
        }
        if let Some((length, distance)) = copy {
            number(&mut bits, length - 2, 0, 7);
            number(&mut bits, distance - 1, 9, 13);
        }
    }
    let byte = |bits: &[bool]| (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at) == Some(&true)));
    bits.chunks(8).map(byte).collect()
}

/// What ARC crunched before 1986: codes of twelve bits, which are places in a table of hashes.
#[must_use]
pub fn crunched(bytes: &[u8], has_new_hash: bool) -> Vec<u8> {
    // For each place: what is in front of the last byte, that byte, and where the next one with this hash is.
    let mut table: Vec<Option<(u16, u8, usize)>> = vec![None; 4096];
    let hash = |before: u16, last: u8| {
        let sum = usize::from(before.wrapping_add(u16::from(last)));
        if has_new_hash { sum * 15_073 % 4096 } else { ((sum | 0x800) * (sum | 0x800)) >> 6 & 0xfff }
    };
    let add = |table: &mut Vec<Option<(u16, u8, usize)>>, before: u16, last: u8| {
        let mut place = hash(before, last);
        if table[place].is_some() {
            while let Some((_, _, next @ 1..)) = table[place] {
                place = next;
            }
            let start = place + 101;
            let free = (start..).map(|place| place % 4096).find(|place| table[*place].is_none());
            if let (Some(free), Some((_, _, next))) = (free, &mut table[place]) {
                *next = free;
                place = free;
            }
        }
        table[place] = Some((before, last, 0));
    };
    let find = |table: &[Option<(u16, u8, usize)>], before: u16, last: u8| {
        let mut place = hash(before, last);
        loop {
            match table[place]? {
                (known, byte, _) if (known, byte) == (before, last) => return u16::try_from(place).ok(),
                (_, _, 0) => return None,
                (_, _, next) => place = next,
            }
        }
    };
    (0..=u8::MAX).for_each(|byte| add(&mut table, u16::MAX, byte));
    let (mut codes, mut current, mut left) = (Vec::new(), None, 4096 - 256);
    for &byte in bytes {
        let longer = current.and_then(|before| find(&table, before, byte));
        if let (Some(before), None) = (current, longer) {
            codes.push(before);
            if left > 0 {
                add(&mut table, before, byte);
                left -= 1;
            }
        }
        current = longer.or_else(|| find(&table, u16::MAX, byte));
    }
    codes.extend(current);
    let digits: Vec<u16> = codes.iter().flat_map(|code| [code >> 8, code >> 4 & 15, code & 15]).collect();
    let byte = |pair: &[u16]| u8::try_from(pair[0] << 4 | pair.get(1).unwrap_or(&0)).unwrap_or(0);
    digits.chunks(2).map(byte).collect()
}

/// Writes bits, least significant first.
#[derive(Default)]
pub(crate) struct Bits {
    pub(crate) bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    pub(crate) fn put(&mut self, value: u32, width: usize) {
        for bit in 0..width {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if value >> bit & 1 == 1 {
                self.bytes[self.count / 8] |= 1 << (self.count % 8);
            }
            self.count += 1;
        }
    }

    /// A value with its highest bit first.
    pub(crate) fn put_reversed(&mut self, value: u32, width: usize) {
        (0..width).rev().for_each(|bit| self.put(value >> bit & 1, 1));
    }
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

/// A Brotli stream: a window of 64 KiB, and pieces that stand as they are, but for those of one byte, which are a copy.
#[must_use]
pub fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, piece) in bytes.chunks(1 << 16).enumerate() {
        let length = u32::try_from(piece.len()).unwrap_or(1) - 1;
        let is_first = index == 0;
        if piece.len() > 1 << 12 && piece.iter().all(|byte| *byte == piece[0]) {
            brotli_run(is_first, piece[0], length, &mut out);
            continue;
        }
        // No last piece, four digits of a length, which is one less, and as it is; in front of the first, the window.
        let head = length << 3 | 1 << 19;
        let head = if is_first { head << 1 } else { head };
        out.extend(&head.to_le_bytes()[..3]);
        out.extend_from_slice(piece);
    }
    // A last piece, and an empty one.
    out.push(if out.is_empty() { 6 } else { 3 });
    out
}

/// A byte, and itself so many times more.
fn brotli_run(is_first: bool, byte: u8, times: u32, out: &mut Vec<u8>) {
    let mut bits = 0_u128;
    let mut place = 0;
    let mut put = |value: u32, width: u32| {
        bits |= u128::from(value) << place;
        place += width;
    };
    if is_first {
        put(0, 1);
    }
    // No last piece, four digits of its length less one, packed; one kind of block each, nothing of distances, one
    // table each.
    put(times << 3, 20);
    put(0, 3 + 6 + 2 + 2);
    // Tables of one code each: the byte; one literal, and a copy of 2,118 and more; the distance of 1 and more.
    for (symbol, width) in [(u32::from(byte), 8), (399, 10), (16, 6)] {
        put(1, 4);
        put(symbol, width);
    }
    put(times - 2_118, 24);
    put(0, 1);
    // A piece without anything, up to the next byte.
    put(0b00_0110, 6);
    out.extend(&bits.to_le_bytes()[..place.div_ceil(8) as usize]);
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
