//! Compiled AutoIt scripts: the script, and the files that it brings along.
//!
//! ```text
//! 0   magic of 16 bytes, then "AU3!EA05" or "AU3!EA06", then 16 bytes
//! then, again and again, all of it under a key stream:
//!     "FILE", length and text of a name, length and text of a path,
//!     whether it is compressed, two sizes, a checksum, two times, the bytes
//! ```
//!
//! Key streams are those of the Mersenne Twister (EA05) and of a lagged Fibonacci generator (EA06), seeded
//! with constants of the format and lengths. What is compressed is a run of literals and copies behind a
//! header of its own. The script of EA06 is mostly stored as tokens, and is written out as text again; where it is text it is
//! given as such.

mod keys;
mod tokens;

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};

use crate::reader::Reader;
use keys::Keys;

/// What every compiled script has in front of it.
pub(crate) const MAGIC: [u8; 16] = *b"\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9\x99\x4c\x53\x0a\x86\xd6\x48\x7d";

/// Files in one script.
const FILES: u64 = 4096;

/// Bytes of a name.
const NAME: u64 = 0x1000;

/// Gives the script and the files.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(mut place) = memchr::memmem::find(bytes, b"AU3!EA0").and_then(|at| u64::try_from(at).ok())
    else {
        return sink.incomplete(Reason::Malformed(String::from("AutoIt header")));
    };
    place = place.saturating_add(7);
    let mut reader = Reader::little(bytes);
    let header = reader.at(place).and_then(|mut reader| {
        let version = reader.u8()?;
        Some((version, reader.take(16)?, reader))
    });
    let Some((version, hash, after)) = header else {
        return sink.incomplete(Reason::Malformed(String::from("AutoIt header")));
    };
    let Some(keys) = Keys::of(version, hash) else {
        return sink.incomplete(Reason::Unsupported(String::from("this version of AutoIt's scripts")));
    };
    reader = after;
    for position in 1_u64.. {
        // A script ends with something that is no file; the first one must be there.
        let is_file = is_file(&mut reader, &keys);
        if !is_file && position > 1 {
            return;
        }
        if position > FILES {
            return sink.incomplete(Reason::Children);
        }
        let Some(file) = entry(&mut reader, &keys).filter(|_| is_file) else {
            return sink.incomplete(Reason::Malformed(String::from("AutoIt script")));
        };
        if give(&file, position, &keys, sink) == Flow::Stop {
            return;
        }
    }
}

/// One file as it is stored.
struct Entry<'a> {
    name: String,
    is_compressed: bool,
    real_size: u32,
    checksum: u32,
    stored: &'a [u8],
}

/// Whether a file stands here, whose mark is passed over.
fn is_file(reader: &mut Reader<'_>, keys: &Keys) -> bool {
    reader.take(4).is_some_and(|mark| keys.decrypt(mark, keys.mark) == b"FILE")
}

/// What stands behind the mark of a file.
fn entry<'a>(reader: &mut Reader<'a>, keys: &Keys) -> Option<Entry<'a>> {
    let name = text(reader, keys, keys.name)?;
    text(reader, keys, keys.path)?;
    let is_compressed = reader.u8()? != 0;
    let stored_size = reader.u32()? ^ keys.size;
    let real_size = reader.u32()? ^ keys.size;
    let checksum = reader.u32()? ^ keys.checksum;
    reader.skip(16)?;
    let rest = u64::try_from(reader.rest().len()).ok()?;
    let stored = reader.take(u64::from(stored_size).min(rest))?;
    Some(Entry { name, is_compressed, real_size, checksum, stored })
}

/// A text behind its length, which is also a part of its key.
fn text(reader: &mut Reader<'_>, keys: &Keys, (length_key, text_key): (u32, u32)) -> Option<String> {
    let length = reader.u32()? ^ length_key;
    let width = if keys.is_wide { 2 } else { 1 };
    let stored = reader.take(u64::from(length).checked_mul(width).filter(|bytes| *bytes <= NAME)?)?;
    let plain = keys.decrypt(stored, text_key.wrapping_add(length));
    Some(if keys.is_wide { utf16(&plain) } else { plain.iter().copied().map(char::from).collect() })
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(u16::from_le_bytes);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Whether text without a mark is of two bytes a letter: most letters of a script are those of its functions.
fn is_utf16(bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(0x200)).unwrap_or_default();
    let zeros = start.chunks_exact(2).filter(|pair| matches!(pair, [1..=u8::MAX, 0])).count();
    zeros > start.len() / 4
}

fn give(file: &Entry<'_>, position: u64, keys: &Keys, sink: &mut dyn Sink) -> Flow {
    let is_script = file.name.starts_with('>');
    let mut member = Member {
        name: if is_script { String::from("script") } else { file.name.clone() },
        position,
        compressed_size: u64::try_from(file.stored.len()).ok(),
        real_size: Some(u64::from(file.real_size)),
        ..Member::default()
    };
    let stored = u64::try_from(file.stored.len()).unwrap_or(u64::MAX);
    let room = sink.budget().growth(stored);
    if stored > room {
        let reason = sink.budget().growth_limit(stored);
        return sink.child(ChildKind::Extracted, &member, Content::Absent(reason));
    }
    let plain = keys.decrypt(file.stored, keys.content);
    if checksum(&plain) != file.checksum {
        sink.incomplete(Reason::Malformed(format!("checksum of {}", member.name)));
    }
    let (mut content, whole) =
        if file.is_compressed { decompressed(&plain, keys.literal, room) } else { (plain, true) };
    if is_script {
        // Not every script of EA06 is tokens, nor every one that is text says in what letters.
        if keys.is_wide && tokens::are_tokens(&content) {
            content = tokens::text(&content, room).into_bytes();
        } else if let Some(wide) = content.strip_prefix(b"\xff\xfe") {
            content = utf16(wide).into_bytes();
        } else if is_utf16(&content) {
            content = utf16(&content).into_bytes();
        }
        member.file_type = Some(FileType::Script);
    }
    let made = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if made >= room && made > stored {
        let reason = sink.budget().growth_limit(stored);
        sink.incomplete(reason);
    }
    if !whole {
        sink.incomplete(Reason::Malformed(format!("compressed data of {}", member.name)));
    }
    sink.child(ChildKind::Extracted, &member, Content::Bytes(&content))
}

/// Adler-32 as the format counts it: from 0.
fn checksum(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = low.wrapping_add(u32::from(*byte));
        if low >= 65_521 {
            low = low.wrapping_sub(65_521);
        }
        high = high.wrapping_add(low);
        if high >= 65_521 {
            high = high.wrapping_sub(65_521);
        }
    }
    high.wrapping_shl(16) | low
}

/// Bits, the highest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0_u32;
        for _ in 0..count {
            let byte = *self.bytes.get(self.at >> 3)?;
            let bit = byte.wrapping_shr(7_u32.wrapping_sub(u32::try_from(self.at & 7).unwrap_or(0))) & 1;
            value = value.wrapping_shl(1) | u32::from(bit);
            self.at = self.at.checked_add(1)?;
        }
        Some(value)
    }
}

/// What literals and copies make, at most `most` bytes, and whether that is all.
fn decompressed(bytes: &[u8], literal: u32, most: u64) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let size = bytes.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_be_bytes);
    let size = usize::try_from(u64::from(size).min(most)).unwrap_or(0);
    let mut bits = Bits { bytes: bytes.get(8..).unwrap_or_default(), at: 0 };
    while out.len() < size {
        if step(&mut bits, literal, &mut out, size).is_none() {
            return (out, false);
        }
    }
    (out, bytes.starts_with(b"EA0"))
}

fn step(bits: &mut Bits<'_>, literal: u32, out: &mut Vec<u8>, size: usize) -> Option<()> {
    if bits.take(1)? == literal {
        out.push(u8::try_from(bits.take(8)?).ok()?);
        return Some(());
    }
    let back = usize::try_from(bits.take(15)?).ok()?;
    let mut length = 3_u32;
    // Each of these fields, when all of its bits are set, is continued by the next one.
    for (width, most) in [(2, 3), (3, 7), (5, 31), (8, 255)] {
        let more = bits.take(width)?;
        length = length.saturating_add(more);
        if more < most {
            break;
        }
        if width == 8 {
            loop {
                let more = bits.take(8)?;
                length = length.saturating_add(more);
                if more < 255 {
                    break;
                }
            }
        }
    }
    let start = out.len().checked_sub(back).filter(|_| back > 0)?;
    let length = usize::try_from(length).ok()?.min(size.saturating_sub(out.len()));
    for offset in 0..length {
        let byte = *out.get(start.checked_add(offset)?)?;
        out.push(byte);
    }
    Some(())
}
