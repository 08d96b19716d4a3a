//! What file systems of Apple compress: an attribute that says how, and the content in it or in the resource fork.

use super::{u16_of, u32_of};
use crate::stream::zlib;

/// Methods: content in the attribute at odd numbers (but the last, which is not compressed), in the fork at even ones.
pub const COMPRESSIONS: [u32; 9] = [1, 3, 4, 7, 8, 9, 10, 11, 12];

/// Bytes that are compressed at a time.
const CHUNK: usize = 65_536;

/// The attributes of a file that is compressed by this method.
#[must_use]
pub fn compressed(method: u32, content: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut attribute = b"fpmc".to_vec();
    attribute.extend(method.to_le_bytes());
    attribute.extend(u64::from(u32_of(content.len())).to_le_bytes());
    // Behind a mark, content stands as it is.
    let chunk = |part: &[u8]| match method {
        3 | 4 => zlib(part),
        7 | 8 => lzvn(part),
        9 | 10 => [&[0xcc], part].concat(),
        11 | 12 => lzfse(part),
        _ => part.to_vec(),
    };
    if !matches!(method, 4 | 8 | 10 | 12) {
        attribute.extend(chunk(content));
        return vec![("com.apple.decmpfs", attribute)];
    }
    let chunks: Vec<Vec<u8>> = content.chunks(CHUNK).map(chunk).collect();
    let fork = if method == 4 { resources(&chunks) } else { offsets(&chunks) };
    vec![("com.apple.decmpfs", attribute), ("com.apple.ResourceFork", fork)]
}

/// A fork with one resource: a table of where chunks are and how long, and the chunks.
fn resources(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut table = u32_of(chunks.len()).to_le_bytes().to_vec();
    let mut place = 4 + 8 * chunks.len();
    for chunk in chunks {
        table.extend([u32_of(place).to_le_bytes(), u32_of(chunk.len()).to_le_bytes()].concat());
        place += chunk.len();
    }
    let data = [table, chunks.concat()].concat();
    let length = u32_of(data.len() + 4);
    let mut out: Vec<u8> =
        [256, 256 + length, length, 50].iter().flat_map(|value: &u32| value.to_be_bytes()).collect();
    out.resize(256, 0);
    out.extend((length - 4).to_be_bytes());
    out.extend(data);
    // The map of the fork, which nobody needs.
    out.resize(out.len() + 50, 0);
    out
}

/// Where chunks begin, and where the last one ends; then the chunks.
fn offsets(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut place = 4 * (chunks.len() + 1);
    let mut out = u32_of(place).to_le_bytes().to_vec();
    for chunk in chunks {
        place += chunk.len();
        out.extend(u32_of(place).to_le_bytes());
    }
    [out, chunks.concat()].concat()
}

/// An LZVN stream.
#[must_use]
pub fn lzvn(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut known: std::collections::BTreeMap<&[u8], usize> = std::collections::BTreeMap::new();
    let (mut at, mut literal, mut last) = (0, 0, 0);
    while at + 4 <= bytes.len() {
        let found = known.insert(&bytes[at..at + 4], at).filter(|found| at - found <= 0xffff);
        let Some(found) = found else {
            at += 1;
            continue;
        };
        let length =
            (at..bytes.len()).take_while(|&place| bytes[place] == bytes[place - (at - found)]).count();
        let distance = at - found;
        let (low, high) = (distance.to_le_bytes()[0], distance.to_le_bytes()[1]);
        let mut taken;
        if at - literal == 1 && distance == last {
            taken = length.min(8);
            out.extend([0x46 | byte(taken - 3) << 3, bytes[literal]]);
        } else {
            literals(&mut out, &bytes[literal..at]);
            if distance < 0x600 {
                taken = length.min(10);
                out.extend([byte(taken - 3) << 3 | high, low]);
            } else if distance < 0x4000 {
                taken = length.min(34);
                let (more, distance) = (byte(taken - 3), u16_of(distance) << 2);
                let both = distance | u16::from(more & 3);
                out.push(0xa0 | more >> 2);
                out.extend(both.to_le_bytes());
            } else {
                taken = length.min(10);
                out.extend([byte(taken - 3) << 3 | 7, low, high]);
            }
        }
        while taken < length {
            let more = (length - taken).min(271);
            if more < 16 {
                out.push(0xf0 | byte(more));
            } else {
                out.extend([0xf0, byte(more - 16)]);
            }
            taken += more;
        }
        last = distance;
        at += length;
        literal = at;
    }
    literals(&mut out, &bytes[literal..]);
    out.extend([6, 0, 0, 0, 0, 0, 0, 0]);
    out
}

fn literals(out: &mut Vec<u8>, bytes: &[u8]) {
    for part in bytes.chunks(271) {
        if part.len() < 16 {
            out.push(0xe0 | byte(part.len()));
        } else {
            out.extend([0xe0, byte(part.len() - 16)]);
        }
        out.extend_from_slice(part);
    }
}

/// An LZFSE stream: a block as it is, one by LZVN, and the end.
#[must_use]
pub fn lzfse(bytes: &[u8]) -> Vec<u8> {
    let (first, rest) = bytes.split_at(bytes.len() / 4);
    let mut out = Vec::new();
    if !first.is_empty() {
        out.extend(b"bvx-");
        out.extend(u32_of(first.len()).to_le_bytes());
        out.extend_from_slice(first);
    }
    let packed = lzvn(rest);
    out.extend(b"bvxn");
    out.extend([u32_of(rest.len()).to_le_bytes(), u32_of(packed.len()).to_le_bytes()].concat());
    out.extend(packed);
    out.extend(b"bvx$");
    out
}

fn byte(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
