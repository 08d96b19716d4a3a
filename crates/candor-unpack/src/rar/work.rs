//! How much work an archive is, before anything of it is done.
//!
//! Headers of version 5 say how many rounds of a hash a password takes, up to 2^24, and every member may ask for its own: a
//! file of a kilobyte could keep a processor busy for hours. So the rounds are counted before they are gone through.
//!
//! Packed data are made of blocks which bring tables and may give nothing. The library does not tell of them, so those of
//! version 5, which have headers, are counted here. In versions before they are found by decoding alone: there all that is
//! packed is taken for such blocks, until something came out of it.

use super::headers::{Blocks, Kind, number, packed_block};
use crate::reader::Reader;
use crate::work::{RangeCoder, units};

/// Rounds that are gone through for one archive.
pub(super) const ROUNDS: u64 = 3 << 20;
/// What a round costs, in those that a [`candor_model::Budget`] counts: it is two hashes of a block each, twice.
pub(super) const WEIGHT: u64 = 4;
/// What a password costs in versions before 5, in rounds of version 5.
pub(super) const OLD: u64 = 1 << 16;

/// What a packed byte may cost that gives nothing, in the units of [`candor_model::Budget::pay_work`]: as much as each byte of
/// a file brings.
pub(super) const PACKED: u64 = 32;
/// What PPMd may cost in versions before 5, which do not tell of it: a byte may be a hundredth of a bit.
pub(super) const CODED: RangeCoder = RangeCoder { byte: 4, packed: 3000 };
/// What a block of version 5 costs, with tables and without, in the same units.
const TABLES: u64 = 2_500;
const BLOCK: u64 = 100;
/// A flag of an encryption: a sum of the password stands in it.
const CHECKED: u64 = 1;
/// What is paid for by as many bytes of data; packers begin a block every hundred thousand.
const BYTE: u64 = 2;
const BEGIN: u64 = 8192;

/// What passwords and members of an archive cost.
#[derive(Clone, Debug)]
pub(super) struct Work<'a> {
    /// The rounds for encrypted headers: for all of them, or for each one in versions before 5.
    pub(super) headers: u64,
    /// The rounds for the member that takes most.
    pub(super) member: u64,
    pub(super) is_old: bool,
    /// Whether something stands beside each encrypted member that tells a wrong password before anything is decoded.
    pub(super) is_checked: bool,
    /// The data of each file of version 5.
    files: Vec<&'a [u8]>,
}

impl<'a> Work<'a> {
    /// What the headers say, as far as they are not encrypted.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut work = Self { headers: OLD, member: OLD, is_old: true, is_checked: false, files: Vec::new() };
        if let Some(blocks) = Blocks::of(bytes).filter(|blocks| blocks.is_new) {
            work = Self { headers: 0, member: 0, is_old: false, is_checked: true, files: Vec::new() };
            for block in blocks {
                match block.kind {
                    Kind::Encryption => work.headers = count(block.fields).map_or(0, rounds),
                    Kind::File | Kind::Service => work.records(Reader::little(block.records)),
                    _ => {}
                }
                if block.kind == Kind::File {
                    work.files.push(block.data);
                }
            }
        }
        work
    }

    fn records(&mut self, mut reader: Reader<'_>) {
        while let Some(record) = number(&mut reader).and_then(|length| reader.take(length)) {
            let Some(fields) = record.strip_prefix(&[1]) else { continue };
            if let Some(count) = count(fields) {
                self.member = self.member.max(rounds(count));
            }
            let mut fields = Reader::little(fields);
            let flags = number(&mut fields).and_then(|_| number(&mut fields));
            self.is_checked &= flags.is_some_and(|flags| flags & CHECKED != 0);
        }
    }

    /// What the blocks cost of the packed data of a file of version 5, beside their bytes, as far as it is not more than `most`:
    /// of one that is not encrypted, and has so many.
    pub(super) fn blocks(&self, file: usize, packed: u64, most: u64) -> Option<u64> {
        let data = self.files.get(file).filter(|data| units(data.len()) == packed)?;
        let mut reader = Reader::little(data);
        let mut price = 0_u64;
        let free = packed.saturating_mul(BYTE).saturating_add(BEGIN);
        while price.saturating_sub(free) <= most
            && let Some((has_tables, length)) = packed_block(&mut reader)
        {
            price = price.saturating_add(if has_tables { TABLES } else { BLOCK });
            if reader.skip(length).is_none() {
                break;
            }
        }
        Some(price.saturating_sub(free))
    }
}

/// The power of two that stands behind the version and the flags of an encryption.
fn count(fields: &[u8]) -> Option<u8> {
    let mut fields = Reader::little(fields);
    number(&mut fields)?;
    number(&mut fields)?;
    fields.u8()
}

fn rounds(power: u8) -> u64 {
    1_u64.checked_shl(u32::from(power)).unwrap_or(u64::MAX)
}
