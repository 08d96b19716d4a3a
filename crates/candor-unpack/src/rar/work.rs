//! How much work the passwords of an archive are. Headers of version 5 say how many rounds of a hash a password takes,
//! up to 2^24, and every member may ask for its own: a file of a kilobyte could keep a processor busy for hours. So the
//! rounds are counted before they are gone through.

use memchr::memmem;

use super::HEADERS;
use crate::reader::Reader;

/// Rounds that are gone through for one archive.
pub(super) const ROUNDS: u64 = 3 << 20;
/// What a round costs, in those that a [`candor_model::Budget`] counts: it is two hashes of a block each, twice.
pub(super) const WEIGHT: u64 = 4;
/// What a password costs in versions before 5, in rounds of version 5.
pub(super) const OLD: u64 = 1 << 16;

/// What version 5 starts with.
const MARK: &[u8] = b"Rar!\x1a\x07\x01\0";

/// The rounds that passwords of an archive take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// For encrypted headers: for all of them, or for each one in versions before 5.
    pub(super) headers: u64,
    /// For the member that takes most.
    pub(super) member: u64,
    pub(super) is_old: bool,
}

impl Work {
    /// What the headers say, as far as they are not encrypted.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut work = Self { headers: OLD, member: OLD, is_old: true };
        let start = memmem::find(bytes, MARK).and_then(|start| bytes.get(start.saturating_add(MARK.len())..));
        if let Some(blocks) = start {
            work = Self { headers: 0, member: 0, is_old: false };
            let mut reader = Reader::little(blocks);
            for _ in 0..HEADERS {
                if work.block(&mut reader).is_none() {
                    break;
                }
            }
        }
        work
    }

    /// Sees one block: a checksum, its length, kind, flags, the lengths of records and data; records last.
    fn block(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        reader.skip(4)?;
        let length = number(reader)?;
        let header = reader.take(length)?;
        let mut fields = Reader::little(header);
        let (kind, flags) = (number(&mut fields)?, number(&mut fields)?);
        let records = if flags & 1 == 0 { 0 } else { number(&mut fields)? };
        let data = if flags & 2 == 0 { 0 } else { number(&mut fields)? };
        match kind {
            // All that follows is encrypted.
            4 => {
                number(&mut fields)?;
                number(&mut fields)?;
                self.headers = rounds(fields.u8()?);
                return None;
            }
            2 | 3 => {
                let start = length.checked_sub(records).and_then(|start| Reader::little(header).at(start));
                self.records(start?);
            }
            _ => {}
        }
        reader.skip(data)
    }

    fn records(&mut self, mut reader: Reader<'_>) {
        while let Some(record) = number(&mut reader).and_then(|length| reader.take(length)) {
            let mut fields = Reader::little(record);
            let mut count = || {
                let is_encryption = number(&mut fields)? == 1;
                number(&mut fields)?;
                number(&mut fields)?;
                fields.u8().filter(|_| is_encryption)
            };
            if let Some(count) = count() {
                self.member = self.member.max(rounds(count));
            }
        }
    }
}

fn rounds(power: u8) -> u64 {
    1_u64.checked_shl(u32::from(power)).unwrap_or(u64::MAX)
}

/// A number in groups of seven bits, the lowest first.
fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let byte = reader.u8()?;
        number |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
