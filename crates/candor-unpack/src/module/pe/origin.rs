//! How a program was built: the linker's list of tools, where its symbols were kept, and its checksum.

use memchr::memmem;

use super::header::Header;
use crate::module::fields::Fields;
use crate::reader::{Reader, clipped, until_nul};

/// Where the list of tools can begin: behind the header of DOS programs.
const FIRST: usize = 0x40;
/// Longest path, with its end.
const PATH: u64 = 260;
/// Bytes of a row of the debug directory.
const ROW: u32 = 28;
/// Rows that are looked at.
const ROWS: u32 = 4096;

/// Adds the list of tools, as it stands in the file and as it reads.
pub(crate) fn tell_tools(file: &Header<'_>, fields: Fields) -> Fields {
    let found = || {
        let header = u64::from(file.at(0x3c)?.u32()?);
        let stub = clipped(file.bytes, 0, header);
        let end = memmem::find_iter(stub, b"Rich").find(|end| *end >= FIRST && end % 4 == 0)?;
        let key = file.at(u64::try_from(end).ok()?.checked_add(4)?)?.u32()?;
        let list = stub.get(FIRST..end)?;
        let mask = key.to_le_bytes();
        let plain = |chunk: &[u8; 4]| {
            [chunk[0] ^ mask[0], chunk[1] ^ mask[1], chunk[2] ^ mask[2], chunk[3] ^ mask[3]]
        };
        let words = list.as_chunks::<4>().0;
        let back = words.iter().rev().position(|word| plain(word) == *b"DanS")?.checked_add(1)?;
        let start = end.checked_sub(back.checked_mul(4)?)?;
        let raw = stub.get(start..end)?;
        // Three words of nothing follow the mark.
        let is_list =
            raw.as_chunks::<4>().0.get(1..4).is_some_and(|words| words.iter().all(|word| *word == mask));
        let clear: Vec<u8> = raw.as_chunks::<4>().0.iter().flat_map(plain).collect();
        is_list.then(|| {
            Fields::default()
                .count("offset", start)
                .count("length", raw.len())
                .integer("key", key)
                .text("raw_data", raw)
                .text("clear_data", clear)
        })
    };
    fields.with("rich_signature", found().unwrap_or_default())
}

/// Adds where symbols were kept.
pub(crate) fn tell_symbols(file: &Header<'_>, fields: Fields) -> Fields {
    fields.text_if("pdb_path", symbols(file))
}

fn symbols<'a>(file: &Header<'a>) -> Option<&'a [u8]> {
    let (address, size) = file.directory(6);
    if address == 0 || size % ROW != 0 {
        return None;
    }
    let mut table = file.reader_at(address)?;
    for _ in 0..size.checked_div(ROW)?.min(ROWS) {
        let mut row = Reader::little(table.take(u64::from(ROW))?);
        row.skip(12)?;
        let kind = row.u32()?;
        row.skip(4)?;
        let (address, offset) = (row.u32()?, row.u32()?);
        if kind != 2 {
            continue;
        }
        let by_address = if address == 0 { None } else { file.offset_of(address) };
        let at = by_address.filter(|at| *at != 0).unwrap_or(u64::from(offset));
        let path_at: u64 = match file.at(at).and_then(|mut data| data.take(4)) {
            Some(b"NB10") => 16,
            Some(b"RSDS") => 24,
            _ => continue,
        };
        let path = until_nul(clipped(file.bytes, at.saturating_add(path_at), PATH));
        if !path.is_empty() && u64::try_from(path.len()).ok()? < PATH {
            return Some(path);
        }
    }
    None
}

/// The checksum of the file, as Windows computes it: 16-bit words with what is carried, and the length.
pub(crate) fn checksum(file: &Header<'_>) -> u32 {
    let at = file.checksum_at();
    let before = clipped(file.bytes, 0, at);
    let behind = clipped(file.bytes, at.saturating_add(4), u64::MAX);
    // The words in front and those behind fall on the same boundaries when the header does.
    let sum = words(before).saturating_add(words(behind));
    let mut sum = sum;
    while sum > 0xffff {
        sum = (sum & 0xffff).saturating_add(sum >> 16);
    }
    let length = u32::try_from(file.length() & 0xffff_ffff).unwrap_or(0);
    u32::try_from(sum).unwrap_or(0).wrapping_add(length)
}

/// The sum of the words; the last byte of an odd number of them is the lower half of one.
fn words(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let sum = words.iter().map(|word| u64::from(u16::from_le_bytes(*word))).fold(0, u64::wrapping_add);
    sum.wrapping_add(rest.first().map_or(0, |byte| u64::from(*byte)))
}
