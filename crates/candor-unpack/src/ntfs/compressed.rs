//! Compressed streams: units of clusters, each packed when that saves a cluster, and then followed by a hole.
//!
//! A packed unit is chunks behind a length, each of up to 4,096 bytes; in a chunk, bytes and copies whose
//! distance has the more bits the further into the chunk they stand.

use std::io::{self, Read};

use super::Run;
use crate::medium::{Medium, taken};
use crate::reader::{Reader, clipped};

/// What a chunk unpacks to at most.
const CHUNK: usize = 4096;

/// Units one after another.
pub(super) struct Units<'a> {
    medium: &'a dyn Medium,
    runs: Vec<Run>,
    cluster: u64,
    /// Clusters of a unit.
    unit: u64,
    next: u64,
    /// The run that the next unit begins in, or one before it.
    run: usize,
    out: Vec<u8>,
    at: usize,
}

impl<'a> Units<'a> {
    pub(super) const fn new(medium: &'a dyn Medium, runs: Vec<Run>, cluster: u64, unit: u64) -> Self {
        Self { medium, runs, cluster, unit, next: 0, run: 0, out: Vec::new(), at: 0 }
    }

    /// Reads the next unit; `false` when no run has any of it.
    fn read_unit(&mut self) -> bool {
        let (first, end) = (self.next, self.next.saturating_add(self.unit));
        self.next = end;
        self.out.clear();
        self.at = 0;
        let mut packed = Vec::new();
        let mut found = 0_u64;
        let mut has_hole = false;
        while let Some(run) = self.runs.get(self.run) {
            let run_end = run.first.saturating_add(run.count);
            let (from, to) = (run.first.max(first), run_end.min(end));
            if let Some(count) = to.checked_sub(from).filter(|count| *count > 0) {
                found = found.saturating_add(count);
                match run.place {
                    Some(place) => {
                        let cluster = place.saturating_add(from.saturating_sub(run.first));
                        let offset = cluster.saturating_mul(self.cluster);
                        packed.extend(taken(self.medium, offset, count.saturating_mul(self.cluster)));
                    }
                    None => has_hole = true,
                }
            }
            if run_end > end || run.first >= end {
                break;
            }
            self.run = self.run.saturating_add(1);
        }
        if found == 0 {
            return false;
        }
        let length = usize::try_from(self.unit.saturating_mul(self.cluster)).unwrap_or(0);
        if has_hole || found < self.unit {
            unpack(&packed, &mut self.out, length);
            self.out.resize(length, 0);
        } else {
            self.out = packed;
        }
        !self.out.is_empty()
    }
}

impl Read for Units<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.out.len() && !self.read_unit() {
            return Ok(0);
        }
        let read = self.out.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}

/// Appends what the chunks of a unit hold, up to `most` bytes.
fn unpack(packed: &[u8], out: &mut Vec<u8>, most: usize) {
    let mut reader = Reader::little(packed);
    while let Some(header) = reader.u16().filter(|header| *header != 0) {
        let length = u64::from(header & 0xfff).saturating_add(1);
        let data = clipped(reader.rest(), 0, length);
        let start = out.len();
        if start.saturating_add(CHUNK) > most {
            return;
        }
        if header & 0x8000 == 0 {
            out.extend_from_slice(data);
        } else {
            unpack_chunk(data, out, start);
        }
        if reader.skip(length).is_none() {
            return;
        }
        // The next chunk is for the next 4,096 bytes, whatever this one held.
        if reader.rest().iter().take(2).any(|byte| *byte != 0) {
            out.resize(start.saturating_add(CHUNK), 0);
        }
    }
}

fn unpack_chunk(data: &[u8], out: &mut Vec<u8>, start: usize) {
    let mut reader = Reader::little(data);
    let end = start.saturating_add(CHUNK);
    while let Some(flags) = reader.u8() {
        for bit in 0..8_u32 {
            if out.len() >= end {
                return;
            }
            if flags.wrapping_shr(bit) & 1 == 0 {
                let Some(byte) = reader.u8() else { return };
                out.push(byte);
                continue;
            }
            let Some(token) = reader.u16() else { return };
            // The first sixteen bytes leave twelve bits for the length, every doubling one less.
            let mut length_bits = 12_u32;
            let mut reach = out.len().saturating_sub(start).saturating_sub(1);
            while reach >= 16 {
                length_bits = length_bits.saturating_sub(1);
                reach >>= 1;
            }
            let distance = usize::from(token.wrapping_shr(length_bits)).saturating_add(1);
            let length = usize::from(token & !u16::MAX.wrapping_shl(length_bits)).saturating_add(3);
            if distance > out.len().saturating_sub(start) {
                return;
            }
            crate::bits::copy_back(out, distance, length.min(end.saturating_sub(out.len())));
        }
    }
}
