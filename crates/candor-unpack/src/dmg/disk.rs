//! The disk of an image, read anywhere: rows are decoded when something of them is read, and held for a while.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _};

use candor_model::{Reason, Sink};

use super::{ROW, ROWS, Row, SECTOR, decoder, rows, tables};
use crate::medium::Medium;
use crate::pace::Pace;
use crate::reader::{Order, Reader, clipped};

/// Bytes of rows that are held.
const HELD: usize = 32 << 20;
/// Rows that are held, however small.
const MOST_HELD: usize = 64;

/// Opens the disk; `None` when there is none, which is told.
pub(crate) fn open<'a>(bytes: &'a [u8], sink: &mut dyn Sink) -> Option<Disk<'a>> {
    let Some((data, tables, is_whole)) = tables(bytes) else {
        sink.incomplete(Reason::Malformed("the end of a disk image".to_owned()));
        return None;
    };
    if !is_whole {
        sink.incomplete(Reason::Children);
    }
    let mut found = Vec::new();
    for (_, table) in &tables {
        let first = Reader::new(table, Order::Big).at(8).and_then(|mut reader| reader.u64()).unwrap_or(0);
        let (base, table, unknown) = rows(table, data);
        if let Some(unknown) = unknown {
            sink.incomplete(Reason::Unsupported(unknown.to_owned()));
        }
        found.extend(table.into_iter().map(|row| Placed {
            start: first.saturating_add(row.sector).saturating_mul(SECTOR),
            offset: base.saturating_add(row.offset),
            row,
        }));
        if u64::try_from(found.len()).unwrap_or(u64::MAX) > u64::from(ROWS) {
            sink.incomplete(Reason::Unsupported("so many rows of a disk image".to_owned()));
            break;
        }
    }
    if found.is_empty() {
        sink.incomplete(Reason::Unsupported("a disk image without a property list".to_owned()));
        return None;
    }
    found.sort_by_key(|row| row.start);
    let end = found.iter().map(Placed::end).max().unwrap_or(0);
    Some(Disk { bytes, rows: found, end, held: RefCell::default() })
}

/// What a byte costs at most that LZMA decides by itself, in the units of [`Pace`].
const LITERAL: u64 = 32;

/// A disk.
pub(crate) struct Disk<'a> {
    bytes: &'a [u8],
    /// By where they begin.
    rows: Vec<Placed>,
    end: u64,
    /// Decoded rows by their number, the one that was used last at the end.
    held: RefCell<VecDeque<(usize, Vec<u8>)>>,
}

/// A row, where it stands on the disk and in the image.
struct Placed {
    start: u64,
    offset: u64,
    row: Row,
}

impl Placed {
    const fn end(&self) -> u64 {
        self.start.saturating_add(self.row.sectors.saturating_mul(SECTOR))
    }
}

impl Disk<'_> {
    /// What a row holds; where it is damaged, up to there.
    fn decoded(&self, placed: &Placed) -> io::Result<Vec<u8>> {
        let length = placed.row.sectors.saturating_mul(SECTOR);
        if length > ROW {
            return Err(io::Error::new(ErrorKind::Unsupported, "a row of this size in a disk image"));
        }
        let data = clipped(self.bytes, placed.offset, placed.row.length);
        let mut out = Vec::new();
        // Whatever it decides.
        let pace = Pace::with(length.saturating_mul(LITERAL));
        if let Some(decoder) = decoder(placed.row.kind, data, length, &pace) {
            // A short row has its rest missing, which whoever reads it is told.
            let _ = decoder.take(length).read_to_end(&mut out);
        }
        Ok(out)
    }
}

impl Medium for Disk<'_> {
    fn length(&self) -> u64 {
        self.end
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let behind = self.rows.partition_point(|placed| placed.start <= offset);
        let index = behind.checked_sub(1);
        let found = index.and_then(|index| Some((index, self.rows.get(index)?)));
        let found = found.filter(|(_, placed)| offset < placed.end());
        let until = |end: u64| usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let Some((index, placed)) = found else {
            // Between rows nothing was written.
            let next = self.rows.get(behind).map_or(self.end, |placed| placed.start);
            return Ok(zeros(buffer, until(next)));
        };
        if matches!(placed.row.kind, 0 | 2) {
            return Ok(zeros(buffer, until(placed.end())));
        }
        let within = offset.saturating_sub(placed.start);
        if placed.row.kind == 1 {
            let left = placed.row.length.saturating_sub(within);
            let mut part = clipped(self.bytes, placed.offset.saturating_add(within), left);
            return match part.read(buffer)? {
                0 => Err(missing()),
                read => Ok(read),
            };
        }
        let mut held = self.held.borrow_mut();
        match held.iter().position(|(number, _)| *number == index) {
            Some(place) => {
                if let Some(row) = held.remove(place) {
                    held.push_back(row);
                }
            }
            None => {
                held.push_back((index, self.decoded(placed)?));
                let size =
                    |held: &VecDeque<(usize, Vec<u8>)>| held.iter().map(|(_, row)| row.len()).sum::<usize>();
                while held.len() > 1 && (held.len() > MOST_HELD || size(&held) > HELD) {
                    held.pop_front();
                }
            }
        }
        let row = held.back().map(|(_, row)| &row[..]).unwrap_or_default();
        match clipped(row, within, u64::MAX).read(buffer)? {
            0 if !buffer.is_empty() => Err(missing()),
            read => Ok(read),
        }
    }
}

fn zeros(buffer: &mut [u8], most: usize) -> usize {
    let most = most.min(buffer.len());
    let part = buffer.get_mut(..most).unwrap_or_default();
    part.fill(0);
    part.len()
}

fn missing() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "a row of a disk image is damaged")
}
