//! What `COMPRESS.EXE` of DOS and Windows made: SZDD and KWAJ, one file each.
//!
//! ```text
//! SZDD  88 f0 27 33, 'A', last letter of the name, length; LZSS with a window of 4,096 bytes
//! "SZ " 88 f0 27 33 d1, length; the same with another start of the window (QBasic)
//! KWAJ  88 f0 27 d1, method, offset of the data, flags; stored, inverted, LZSS or MSZIP
//! ```

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Member, Reason, Sink};

use crate::cab::mszip;
use crate::reader::{Reader, clipped};

const WINDOW: usize = 4096;

/// Gives the file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = Reader::little(bytes);
    let length = |at: u64| start.at(at).and_then(|mut reader| reader.u32()).map(u64::from);
    let packed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let most = usize::try_from(sink.budget().growth(packed)).unwrap_or(usize::MAX);
    let (content, expected) = match bytes {
        [b'S', b'Z', b'D', b'D', ..] => (lzss(clipped(bytes, 14, packed), 16, most), length(10)),
        [b'S', b'Z', b' ', ..] => (lzss(clipped(bytes, 12, packed), 18, most), length(8)),
        _ => {
            let mut reader = start.at(8).unwrap_or(start);
            let (Some(method), Some(offset)) = (reader.u16(), reader.u16()) else {
                sink.incomplete(Reason::Malformed("KWAJ header".to_owned()));
                return;
            };
            let flags = reader.u16().unwrap_or(0);
            let data = clipped(bytes, u64::from(offset), packed);
            let expected = if flags & 1 != 0 { length(14) } else { None };
            match method {
                0 => (data.to_vec(), expected),
                1 => (data.iter().map(|byte| !byte).collect(), expected),
                2 => (lzss(data, 18, most), expected),
                4 => (mszip(data, most), expected),
                _ => {
                    sink.incomplete(Reason::Unsupported(format!("method {method} of KWAJ")));
                    return;
                }
            }
        }
    };
    let made = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if content.len() >= most {
        sink.incomplete(Reason::Ratio);
    } else if expected.is_some_and(|expected| made < expected) {
        sink.incomplete(Reason::Malformed("the data are cut short".to_owned()));
    }
    let member = Member { compressed_size: Some(packed), real_size: Some(made), ..Member::default() };
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Extracted, &member, Content::Bytes(&content));
}

/// Literals and copies out of a window of blanks, up to `most` bytes. `gap`: how far before the end of the
/// window writing begins.
fn lzss(data: &[u8], gap: usize, most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut window = [b' '; WINDOW];
    let mut at = WINDOW.saturating_sub(gap);
    let mut reader = Reader::little(data);
    while let Some(flags) = reader.u8() {
        for bit in 0..8_u32 {
            let (from, count) = if flags.wrapping_shr(bit) & 1 == 1 {
                let Some(byte) = reader.u8() else { return out };
                put(&mut window, at, byte);
                (at, 1)
            } else {
                let (Some(low), Some(high)) = (reader.u8(), reader.u8()) else { return out };
                (usize::from(low) | usize::from(high & 0xf0) << 4, usize::from(high & 15).saturating_add(3))
            };
            for step in 0..count {
                if out.len() >= most {
                    return out;
                }
                let byte = window.get(from.wrapping_add(step) % WINDOW).copied().unwrap_or(0);
                put(&mut window, at, byte);
                at = at.wrapping_add(1) % WINDOW;
                out.push(byte);
            }
        }
    }
    out
}

fn put(window: &mut [u8; WINDOW], at: usize, byte: u8) {
    if let Some(slot) = window.get_mut(at) {
        *slot = byte;
    }
}
