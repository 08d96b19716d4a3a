//! Quarantine files of Kaspersky's products for Windows.
//!
//! ```text
//! 0    KLQB, 1, 8 where the content begins, 16 where the records begin, 32 their length, 48 length of the content
//! content under a key of eight bytes; records: length, then name and value under the same key
//! ```
//!
//! Notes differ on which byte of the key a record begins with, so the name of a field decides it.

use candor_model::Sink;
use memchr::memmem;

use super::{Told, Veil, give, malformed, wide};
use crate::reader::{Reader, clipped};

/// The key of all installations, also of Kaspersky Security for Windows Server.
pub(super) const KEY: [u8; 8] = [0xe2, 0x45, 0x48, 0xec, 0x69, 0x0e, 0x5c, 0xac];

/// The field that holds the path.
const PATH: &[u8] = b"cNP_QB_FULLNAME";

/// Records that are read, and bytes of one.
const RECORDS: usize = 1024;
const LONGEST: usize = 1 << 16;

/// Gives the file that was set aside.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(header) = Header::read(bytes) else { return malformed("the header", sink) };
    let records = clipped(bytes, header.records, header.records_length);
    let path = path(records);
    if u64::try_from(records.len()).unwrap_or(0) < header.records_length {
        malformed("the description", sink);
    }
    let told = Told { path, ..Told::default() };
    told.tell("Kaspersky", sink);
    let content = clipped(bytes, header.content, header.length);
    if u64::try_from(content.len()).unwrap_or(0) < header.length {
        malformed("the end", sink);
    }
    let _ = give(told.path.as_deref(), vec![content], Veil::Xor(&KEY), sink);
}

struct Header {
    content: u64,
    records: u64,
    records_length: u64,
    length: u64,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let at = |offset: u64| Reader::little(bytes).at(offset)?.u32().map(u64::from);
        Some(Self { content: at(8)?, records: at(16)?, records_length: at(32)?, length: at(48)? })
    }
}

fn path(records: &[u8]) -> Option<String> {
    let mut reader = Reader::little(records);
    for _ in 0..RECORDS {
        let length = reader.u32().filter(|length| *length > 0)?;
        let record = reader.take(u64::from(length))?;
        if let Some(path) = path_in(record.get(..LONGEST).unwrap_or(record)) {
            return Some(path);
        }
    }
    None
}

fn path_in(record: &[u8]) -> Option<String> {
    for phase in 0..KEY.len() {
        let plain: Vec<u8> =
            record.iter().zip(KEY.iter().cycle().skip(phase)).map(|(byte, mask)| byte ^ mask).collect();
        let Some(at) = memmem::find(&plain, PATH) else { continue };
        let value = plain.get(at.saturating_add(PATH.len())..).unwrap_or_default();
        // Between the name and the value stand a NUL or a length, by version.
        let is_letter = |pair: &[u8]| matches!(pair, [0x20..=0x7e, 0]);
        let start = (0..=12_usize).find(|start| {
            value.get(*start..start.saturating_add(2)).is_some_and(is_letter)
                && value.get(start.saturating_add(2)..start.saturating_add(4)).is_some_and(is_letter)
        })?;
        return Some(wide(value.get(start..).unwrap_or_default())).filter(|path| !path.is_empty());
    }
    None
}
