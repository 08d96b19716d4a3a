//! Apple disk images (UDIF): the partitions that a property list at the end describes.
//!
//! ```text
//! -512  "koly": where the data and the property list stand
//!       the list: for each partition base64 of a table
//!       "mish": where it belongs, then rows of 40 bytes: kind, first sector, sectors, offset, length
//! ```
//!
//! Rows are decoded one after another into one stream, so the budget holds whatever they claim. A row that is
//! missing or of a kind that nobody here knows is zeros in its place, and is said.

pub(crate) mod disk;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};

use candor_model::{Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::codec::{self, Decoder};
use crate::lzfse;
use crate::name::decoded;
use crate::pace::Pace;
use crate::reader::{Order, Reader, clipped};
use crate::transfer::base64;
use crate::work::{self, Price};

const SECTOR: u64 = 512;
/// Partitions, and rows of each.
const PARTITIONS: usize = 256;
const ROWS: u32 = 1_000_000;
/// What is unpacked of a row whose decoder does not give it piece by piece.
const ROW: u64 = 16 << 20;
/// The kind of rows that bzip2 packed.
const BZIP2: u32 = 0x8000_0006;
const XZ: u32 = 0x8000_0008;

/// Gives every partition.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some((data, tables, is_whole)) = tables(bytes) else {
        sink.incomplete(Reason::Malformed("the end of a disk image".to_owned()));
        return;
    };
    if tables.is_empty() {
        sink.incomplete(Reason::Unsupported("a disk image without a property list".to_owned()));
    }
    for (position, (name, table)) in (1..).zip(tables) {
        if partition(bytes, data, &table, name, position, sink) == Flow::Stop {
            return;
        }
    }
    if !is_whole {
        sink.incomplete(Reason::Children);
    }
}

/// Tables of partitions, with the names of these.
type Tables = Vec<(String, Vec<u8>)>;

/// Where the data stand, the tables of partitions with their names, and whether these are all; `None` when the end of the
/// image does not say it.
fn tables(bytes: &[u8]) -> Option<(u64, Tables, bool)> {
    let trailer = bytes.get(bytes.len().saturating_sub(512)..).unwrap_or_default();
    let number = |at: u64| Reader::new(trailer, Order::Big).at(at)?.u64();
    let (data, list) = (number(24)?, clipped(bytes, number(216)?, number(224)?));
    let mut tables = Vec::new();
    // Only tables begin with these letters; what else stands in the list is no partition.
    for at in memmem::find_iter(list, b"<data>") {
        let rest = list.get(at.saturating_add(6)..).unwrap_or_default();
        let text = rest.get(..memchr::memchr(b'<', rest).unwrap_or(rest.len())).unwrap_or_default();
        let table = base64(text);
        if table.starts_with(b"mish") {
            if tables.len() >= PARTITIONS {
                return Some((data, tables, false));
            }
            tables.push((name(rest.get(text.len()..).unwrap_or_default()), table));
        }
    }
    Some((data, tables, true))
}

/// The name that the list has behind the data of a partition.
fn name(rest: &[u8]) -> String {
    let near = rest.get(..2048).unwrap_or(rest);
    let near = near.get(..memmem::find(near, b"</dict>").unwrap_or(near.len())).unwrap_or_default();
    let mut found = memmem::find(near, b"<key>Name</key>");
    found = found.or_else(|| memmem::find(near, b"<key>CFName</key>"));
    let text = found.and_then(|at| near.get(at..)).and_then(|rest| {
        let rest = rest.get(memmem::find(rest, b"<string>")?.checked_add(8)?..)?;
        rest.get(..memchr::memchr(b'<', rest)?)
    });
    decoded(text.unwrap_or_default())
}

fn partition(
    bytes: &[u8],
    data: u64,
    table: &[u8],
    name: String,
    position: u64,
    sink: &mut dyn Sink,
) -> Flow {
    let (base, rows, unknown) = rows(table, data);
    let packed = rows.iter().fold(0_u64, |packed, row| packed.saturating_add(row.length));
    if let Some(unknown) = unknown {
        sink.incomplete(Reason::Unsupported(unknown.to_owned()));
    }
    let sectors = Reader::new(table, Order::Big).at(16).and_then(|mut reader| reader.u64());
    let real_size = sectors.map(|sectors| sectors.saturating_mul(SECTOR));
    let member = Member { name, position, compressed_size: Some(packed), real_size, ..Member::default() };
    let coded = rows.iter().filter(|row| row.kind == XZ).map(|row| row.length).fold(0, u64::saturating_add);
    let is_sorted = rows.iter().any(|row| row.kind == BZIP2);
    let price = if is_sorted { codec::SORTED } else { Price::of(0) };
    let pace = Pace::coding(coded, sink.budget());
    let mut rows = rows.into_iter();
    let mut stream =
        Rows { bytes, base, rows: &mut rows, current: None, left: 0, is_damaged: false, pace: &pace };
    let flow = work::give(&member, &mut stream, price, sink);
    pace.settle(sink.budget());
    if stream.is_damaged {
        sink.incomplete(Reason::Malformed(format!("rows of {}", member.name)));
    }
    flow
}

/// Where the data of a table's rows begin, the rows, and what of them cannot be decoded.
fn rows(table: &[u8], data: u64) -> (u64, Vec<Row>, Option<&'static str>) {
    let start = Reader::new(table, Order::Big);
    let base = data.saturating_add(start.at(24).and_then(|mut reader| reader.u64()).unwrap_or(0));
    let (mut rows, mut unknown) = (Vec::new(), None);
    let Some(mut reader) = start.at(200) else { return (base, rows, None) };
    let count = reader.u32().unwrap_or(0);
    for number in 0..count {
        let mut row = || {
            let (kind, _) = (reader.u32()?, reader.u32()?);
            let (sector, sectors) = (reader.u64()?, reader.u64()?);
            Some(Row { kind, sector, sectors, offset: reader.u64()?, length: reader.u64()? })
        };
        let Some(row) = row() else { break };
        if number >= ROWS {
            unknown = Some("so many rows of a disk image");
            break;
        }
        match row.kind {
            0xffff_ffff => break,
            0x7fff_fffe => continue,
            0x8000_0004 | 0x8000_0007 if row.sectors > ROW / SECTOR => {
                unknown = Some("a row of this size in a disk image");
            }
            0..=2 | 0x8000_0004..=0x8000_0008 => {}
            _ => unknown = Some("an unknown compression of disk images"),
        }
        rows.push(row);
    }
    (base, rows, unknown)
}

/// What a row of a partition is.
struct Row {
    kind: u32,
    /// The first sector of the partition that it is for, and how many it is for.
    sector: u64,
    sectors: u64,
    offset: u64,
    length: u64,
}

/// The rows of a partition as one stream.
struct Rows<'a, 'r> {
    bytes: &'a [u8],
    base: u64,
    rows: &'r mut std::vec::IntoIter<Row>,
    current: Option<Decoder<'a>>,
    /// Bytes of the present row that are still to come.
    left: u64,
    /// Whether a row could not be read to its end.
    is_damaged: bool,
    /// What pays for the decisions of all rows.
    pace: &'r Pace,
}

impl Read for Rows<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
                let Some(part) = buffer.get_mut(..most).filter(|part| !part.is_empty()) else { return Ok(0) };
                // A damaged row does not take those behind it along.
                let read = match self.current.as_mut().map_or(Ok(0), |decoder| decoder.read(part)) {
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::QuotaExceeded => return Err(error),
                    Err(_) => {
                        self.is_damaged = true;
                        0
                    }
                };
                let read = if read == 0 {
                    self.current = None;
                    part.fill(0);
                    part.len()
                } else {
                    read
                };
                self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
                return Ok(read);
            }
            let Some(row) = self.rows.next() else { return Ok(0) };
            let data = clipped(self.bytes, self.base.saturating_add(row.offset), row.length);
            self.is_damaged |= u64::try_from(data.len()).is_ok_and(|there| there < row.length);
            self.left = row.sectors.saturating_mul(SECTOR);
            self.current = decoder(row.kind, data, self.left, self.pace);
        }
    }
}

/// What reads the data of a row that gives this many bytes; `None` for zeros, and for what cannot be decoded.
fn decoder<'a>(kind: u32, data: &'a [u8], length: u64, pace: &Pace) -> Option<Decoder<'a>> {
    Some(match kind {
        1 => Box::new(data),
        0x8000_0004 => made(adc(data, length)),
        0x8000_0005 => codec::zlib(data),
        BZIP2 => codec::bzip2_stream(data),
        0x8000_0007 => {
            let most = usize::try_from(length.min(ROW)).unwrap_or(usize::MAX);
            let (out, is_whole) = lzfse::unpack(data, most);
            let is_enough = out.len() >= most;
            made((out, is_whole || is_enough))
        }
        XZ => codec::xz(data, pace),
        _ => return None,
    })
}

/// What was decoded at once, and whether it came to its end.
fn made<'a>((out, is_whole): (Vec<u8>, bool)) -> Decoder<'a> {
    let out = io::Cursor::new(out);
    if is_whole {
        Box::new(out)
    } else {
        Box::new(out.chain(codec::failed(ErrorKind::InvalidData, "a damaged row")))
    }
}

/// Apple's compression of old images: literals, and copies with two or three bytes. The first `most` bytes, and whether
/// these or all there are could be decoded.
fn adc(data: &[u8], most: u64) -> (Vec<u8>, bool) {
    // Rows hold a few hundred sectors; what claims more is cut and not made.
    let most = usize::try_from(most.min(ROW)).unwrap_or(usize::MAX);
    let mut out: Vec<u8> = Vec::new();
    let mut reader = Reader::new(data, Order::Big);
    let mut is_whole = true;
    while is_whole
        && out.len() < most
        && let Some(head) = reader.u8()
    {
        is_whole = adc_run(head, &mut reader, &mut out).is_some();
    }
    out.truncate(most);
    (out, is_whole)
}

fn adc_run(head: u8, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Option<()> {
    if head & 0x80 != 0 {
        out.extend_from_slice(reader.take(u64::from(head & 0x7f).saturating_add(1))?);
        return Some(());
    }
    let (length, distance) = if head & 0x40 != 0 {
        (usize::from(head & 0x3f).saturating_add(4), usize::from(reader.u16()?))
    } else {
        (usize::from(head >> 2).saturating_add(3), usize::from(head & 3) << 8 | usize::from(reader.u8()?))
    };
    let from = out.len().checked_sub(distance.saturating_add(1))?;
    for at in (from..).take(length) {
        let byte = out.get(at).copied().unwrap_or(0);
        out.push(byte);
    }
    Some(())
}
