//! Predictors: what a filter decodes to are differences to the samples beside or above, row by row.

use std::io::Read;

use crate::codec::Decoder;

/// Bytes of a row at most.
const ROW: u64 = 1 << 24;

/// What a row consists of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Samples {
    /// Samples of a pixel.
    colours: usize,
    /// Bits of a sample.
    bits: u64,
    /// Bytes of a row.
    row: usize,
}

impl Samples {
    pub(super) fn new(colours: u64, bits: u64, columns: u64) -> Self {
        let colours = colours.min(1 << 20);
        let bits = bits.min(1 << 20);
        let row = colours.saturating_mul(bits).saturating_mul(columns).div_ceil(8).min(ROW);
        Self { colours: usize::try_from(colours).unwrap_or(1), bits, row: usize::try_from(row).unwrap_or(0) }
    }

    /// Bytes from a pixel to the next one.
    fn step(self) -> usize {
        let bits = u64::try_from(self.colours).unwrap_or(1).saturating_mul(self.bits);
        usize::try_from(bits.div_ceil(8)).unwrap_or(1).max(1)
    }
}

/// Undoes a predictor.
pub(super) struct Rows<'a> {
    decoder: Decoder<'a>,
    /// The row that is given at the moment; the next one may be made from it.
    above: Vec<u8>,
    at: usize,
    samples: Samples,
    /// Whether each row stands behind a byte that says how it was made, as in PNG.
    is_png: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn of_png(decoder: Decoder<'a>, samples: Samples) -> Self {
        Self { decoder, above: Vec::new(), at: usize::MAX, samples, is_png: true }
    }

    pub(super) fn of_tiff(decoder: Decoder<'a>, samples: Samples) -> Self {
        Self { decoder, above: Vec::new(), at: usize::MAX, samples, is_png: false }
    }
}

impl Read for Rows<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at >= self.above.len() {
            let head = usize::from(self.is_png);
            let whole = u64::try_from(self.samples.row.saturating_add(head)).unwrap_or(u64::MAX);
            // As much as there is: a row may be said to be a million times as long.
            let mut row = Vec::new();
            self.decoder.by_ref().take(whole).read_to_end(&mut row)?;
            if row.len() <= head {
                return Ok(0);
            }
            if self.is_png {
                let kind = row.remove(0);
                png(kind, self.samples.step(), &self.above, &mut row);
            } else {
                tiff(self.samples, &mut row);
            }
            self.above = row;
            self.at = 0;
        }
        let read = self.above.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at = self.at.saturating_add(read);
        Ok(read)
    }
}

/// The samples of `row`, which are told as differences to what stands left of them or above.
fn png(kind: u8, step: usize, above: &[u8], row: &mut [u8]) {
    for index in 0..row.len() {
        let before = index.checked_sub(step);
        let left = before.and_then(|at| row.get(at)).copied().unwrap_or(0);
        let up = above.get(index).copied().unwrap_or(0);
        let corner = before.and_then(|at| above.get(at)).copied().unwrap_or(0);
        let guess = match kind {
            1 => left,
            2 => up,
            3 => u8::try_from((u16::from(left).saturating_add(u16::from(up))) / 2).unwrap_or(0),
            4 => paeth(left, up, corner),
            _ => 0,
        };
        if let Some(byte) = row.get_mut(index) {
            *byte = byte.wrapping_add(guess);
        }
    }
}

/// The samples of `row`, which are told as differences to the same colour of the pixel before, whatever their width.
fn tiff(samples: Samples, row: &mut [u8]) {
    match samples.bits {
        1 | 2 | 4 => {
            let bits = u32::try_from(samples.bits).unwrap_or(1);
            let mask = u8::MAX >> 8_u32.saturating_sub(bits);
            // No more than there are samples in the row.
            let mut before = vec![0_u8; samples.colours.min(row.len().saturating_mul(8))];
            let mut colour = 0_usize;
            for byte in row {
                let mut shift = 8_u32.saturating_sub(bits);
                let mut made = 0_u8;
                loop {
                    let Some(last) = before.get_mut(colour) else { return };
                    *last = last.wrapping_add(*byte >> shift) & mask;
                    made |= *last << shift;
                    colour = colour.saturating_add(1);
                    if colour >= samples.colours {
                        colour = 0;
                    }
                    let Some(next) = shift.checked_sub(bits) else { break };
                    shift = next;
                }
                *byte = made;
            }
        }
        16 => {
            let step = samples.step();
            for index in (step..row.len()).step_by(2) {
                let sample = |at: usize| -> Option<u16> {
                    Some(u16::from_be_bytes([*row.get(at)?, *row.get(at.saturating_add(1))?]))
                };
                let Some((own, before)) = sample(index).zip(sample(index.saturating_sub(step))) else {
                    return;
                };
                let made = own.wrapping_add(before).to_be_bytes();
                if let Some(slot) = row.get_mut(index..index.saturating_add(2)) {
                    slot.copy_from_slice(&made);
                }
            }
        }
        _ => {
            let step = samples.step();
            for index in step..row.len() {
                let before = row.get(index.saturating_sub(step)).copied().unwrap_or(0);
                if let Some(byte) = row.get_mut(index) {
                    *byte = byte.wrapping_add(before);
                }
            }
        }
    }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left).saturating_add(i16::from(up)).saturating_sub(i16::from(corner));
    let far = |value: u8| estimate.saturating_sub(i16::from(value)).unsigned_abs();
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{Rows, Samples};

    #[test]
    fn a_row_takes_the_memory_of_what_is_there() {
        let samples = Samples::new(1, 8, 1 << 24);
        let mut rows = Rows::of_png(Box::new(&b"\x02content"[..]), samples);
        let mut content = [0; 7];
        rows.read_exact(&mut content).unwrap();
        assert_eq!(&content, b"content");
        assert!(rows.above.capacity() < 1 << 10);
    }
}
