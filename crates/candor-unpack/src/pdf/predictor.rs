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
            let tops =
                [0xff, 0xaa, 0, 0x88].get(usize::try_from(samples.bits.saturating_sub(1)).unwrap_or(0));
            let distance = samples.colours.saturating_mul(usize::try_from(samples.bits).unwrap_or(1));
            narrow(*tops.unwrap_or(&0), distance, row);
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

/// Adds to each sample the one that stands `distance` bits before, a byte of samples at a time. `tops` are the highest bits of
/// the samples in a byte; no sum may reach into the next one.
fn narrow(tops: u8, distance: usize, row: &mut [u8]) {
    let sum = |a: u8, b: u8| (a & !tops).wrapping_add(b & !tops) ^ ((a ^ b) & tops);
    let (whole, part) = (distance / 8, u32::try_from(distance % 8).unwrap_or(0));
    // The byte that begins `part` bits before the end of `first`.
    let between = |first: u8, second: u8| {
        let [_, byte] = (u16::from_be_bytes([first, second]) >> part).to_be_bytes();
        byte
    };
    if whole > 0 {
        for index in whole..row.len() {
            let at = index.saturating_sub(whole);
            let earlier = at.checked_sub(1).and_then(|at| row.get(at)).copied().unwrap_or(0);
            let before = between(earlier, row.get(at).copied().unwrap_or(0));
            if let Some(byte) = row.get_mut(index) {
                *byte = sum(*byte, before);
            }
        }
        return;
    }
    let mut before = 0;
    for byte in row {
        let mut made = sum(*byte, between(before, 0));
        // Sums of two samples, of four, of eight.
        let mut reach = part.max(1);
        while reach < 8 {
            made = sum(made, made >> reach);
            reach = reach.saturating_mul(2);
        }
        *byte = made;
        before = made;
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

    use proptest::prelude::*;

    use super::{Rows, Samples, tiff};

    /// One sample after the other.
    fn plain(colours: usize, bits: usize, row: &[u8]) -> Vec<u8> {
        let each =
            |byte: u8| (0..8 / bits).rev().map(move |place| byte >> (place * bits) & (0xff >> (8 - bits)));
        let mut samples: Vec<u8> = row.iter().copied().flat_map(each).collect();
        for index in colours..samples.len() {
            samples[index] = samples[index].wrapping_add(samples[index - colours]) & (0xff >> (8 - bits));
        }
        let byte = |samples: &[u8]| {
            samples.iter().fold(0, |byte: u8, sample| byte.wrapping_shl(bits as u32) | sample)
        };
        samples.chunks(8 / bits).map(byte).collect()
    }

    proptest! {
        #[test]
        fn narrow_samples_become_what_one_after_the_other_becomes(
            colours in 1_usize..40,
            power in 0_u32..3,
            row in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let bits = 1_usize << power;
            let mut made = row.clone();
            tiff(Samples::new(colours as u64, bits as u64, 1), &mut made);
            prop_assert_eq!(made, plain(colours, bits, &row));
        }
    }

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
