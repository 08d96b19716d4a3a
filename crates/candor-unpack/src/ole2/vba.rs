//! Macros: the compression of their source, and where it starts in a module's stream.
//!
//! Layout: MS-OVBA 2.4.1 (compression) and 2.3.4.2 (the `dir` stream). Hostile documents damage the `dir`
//! stream, which Office does not need; the source is then found by how every module begins.

use memchr::memmem;

use crate::reader::Reader;

/// What a compressed module starts with: a flag byte of literals, and `Attribut`.
const BEGINNING: &[u8] = b"\0Attribut";

/// Bytes of a `dir` stream, modules that it may tell of, and bytes of a name.
const DIRECTORY: usize = 16 << 20;
const MODULES: usize = 4096;
const NAME: usize = 1024;
/// Sources that seem to start in one stream.
pub(super) const STARTS: usize = 64;

/// What the `dir` stream holds, and whether that is all.
pub(super) fn directory(stream: &[u8]) -> Option<(Vec<u8>, bool)> {
    decompressed(stream, DIRECTORY)
}

/// Where the source starts in the streams of modules, as the `dir` stream says, and whether these are all.
pub(super) fn modules(directory: &[u8]) -> (Vec<(String, usize)>, bool) {
    let mut reader = Reader::little(directory);
    let mut found = Vec::new();
    let mut name = String::new();
    while let (Some(kind), Some(length)) = (reader.u16(), reader.u32()) {
        // The version says that it has four bytes, and has six.
        let length = if kind == 9 { 6 } else { length };
        let Some(body) = reader.take(u64::from(length)) else { break };
        let short = body.get(..NAME).unwrap_or(body);
        match kind {
            0x1a => name = short.iter().copied().map(char::from).collect(),
            0x32 => name = String::from_utf16_lossy(&units(short)),
            0x31 => {
                if let Some(offset) =
                    Reader::little(body).u32().and_then(|offset| usize::try_from(offset).ok())
                {
                    if found.len() >= MODULES {
                        return (found, false);
                    }
                    found.push((name.clone(), offset));
                }
            }
            _ => {}
        }
    }
    (found, true)
}

/// Where compressed sources seem to start in a stream: one place more than is looked at, if there are so many.
pub(super) fn beginnings(stream: &[u8]) -> Vec<usize> {
    // What every container begins with, and the head of its first chunk.
    let is_container =
        |start: &usize| matches!(stream.get(*start..), Some([1, _, high, ..]) if high & 0x70 == 0x30);
    let starts = memmem::find_iter(stream, BEGINNING).filter_map(|at| at.checked_sub(3));
    starts.filter(is_container).take(STARTS.saturating_add(1)).collect()
}

/// What a compressed container at the start of `bytes` holds, up to about `most` bytes, and whether that is all; `None`
/// when there is none.
pub(super) fn decompressed(bytes: &[u8], most: usize) -> Option<(Vec<u8>, bool)> {
    let mut reader = Reader::little(bytes);
    if reader.u8()? != 1 {
        return None;
    }
    let mut out = Vec::new();
    let mut is_whole = true;
    while let Some(header) = reader.u16() {
        if header & 0x7000 != 0x3000 {
            break;
        }
        if out.len() >= most {
            is_whole = false;
            break;
        }
        let length = u64::from(header & 0xfff).saturating_add(1);
        let chunk = crate::reader::clipped(reader.rest(), 0, length);
        if header & 0x8000 == 0 {
            out.extend_from_slice(chunk);
        } else {
            let _ = chunk_into(chunk, &mut out);
        }
        if reader.skip(length).is_none() {
            break;
        }
    }
    (!out.is_empty()).then_some((out, is_whole))
}

/// Appends what a chunk stands for; `None` when it is damaged, with what came before the damage appended.
fn chunk_into(chunk: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let mut reader = Reader::little(chunk);
    while let Some(flags) = reader.u8() {
        for bit in 0..8_u32 {
            let done = out.len().saturating_sub(start);
            if done >= 4096 || reader.rest().is_empty() {
                break;
            }
            if flags.wrapping_shr(bit) & 1 == 0 {
                out.push(reader.u8()?);
                continue;
            }
            let token = reader.u16()?;
            let width = usize::BITS.saturating_sub(done.saturating_sub(1).leading_zeros()).clamp(4, 12);
            let mask = 0xffff_u16.wrapping_shr(width);
            let length = usize::from(token & mask).saturating_add(3);
            let distance = usize::from(token.wrapping_shr(16_u32.saturating_sub(width))).saturating_add(1);
            let from = out.len().checked_sub(distance).filter(|&from| from >= start)?;
            for at in (from..).take(length) {
                let byte = *out.get(at)?;
                out.push(byte);
            }
        }
    }
    Some(())
}

fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|&unit| u16::from_le_bytes(unit)).collect()
}
