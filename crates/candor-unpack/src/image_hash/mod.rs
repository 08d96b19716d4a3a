//! The perceptual hash of an image: what `fuzzy_img#` signatures compare.
//!
//! It is the hash that the Python library `imagehash` calls phash: the image without its alpha channel in
//! grey (ITU-R 601), made 32 by 32 pixels, its two-dimensional cosine transform, of that the 8 by 8 lowest
//! frequencies, and of those, row by row, whether each lies above their median.
//!
//! A header may claim a billion pixels, so the size is looked at before anything is decoded.

mod shrink;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use candor_model::{FileType, PerceptualHash};
use image::{DynamicImage, ImageReader, Limits};

/// Pixels on each side, and bytes that decoding may take.
const SIDE_LIMIT: u32 = 16_384;
const MEMORY_LIMIT: u64 = 128 << 20;

/// Side of the image that is transformed, and of the part of the transform that counts.
const SIDE: usize = 32;
const LOW: usize = 8;

/// The hash of an image, or `None` when it cannot be decoded within the limits.
pub(crate) fn hash(bytes: &[u8], file_type: FileType) -> Option<PerceptualHash> {
    if !matches!(
        file_type,
        FileType::Graphics | FileType::Gif | FileType::Png | FileType::Jpeg | FileType::Tiff | FileType::Riff
    ) {
        return None;
    }
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_LIMIT);
    limits.max_image_height = Some(SIDE_LIMIT);
    limits.max_alloc = Some(MEMORY_LIMIT);
    reader.limits(limits);
    let small = small_grey(reader.decode().ok()?);
    Some(of_pixels(&small))
}

/// The image in grey, 32 by 32 pixels, row by row.
fn small_grey(image: DynamicImage) -> Vec<f32> {
    let width = usize::try_from(image.width()).unwrap_or(0);
    let grey: Vec<u8> = match image {
        DynamicImage::ImageLuma8(image) => image.into_raw(),
        DynamicImage::ImageLumaA8(image) => image.as_raw().iter().step_by(2).copied().collect(),
        DynamicImage::ImageRgba8(image) => {
            let pixels = image.as_raw().as_chunks::<4>().0.iter();
            pixels.map(|[red, green, blue, _]| grey([*red, *green, *blue])).collect()
        }
        other => other.into_rgb8().as_raw().as_chunks::<3>().0.iter().copied().map(grey).collect(),
    };
    shrink::shrink(&grey, width)
}

/// ITU-R 601 in 16 bits of fraction, rounded.
fn grey(colour: [u8; 3]) -> u8 {
    let [red, green, blue] = colour.map(u32::from);
    let sum = red
        .wrapping_mul(19_595)
        .wrapping_add(green.wrapping_mul(38_470))
        .wrapping_add(blue.wrapping_mul(7_471))
        .wrapping_add(0x8000);
    // The weights add up to one.
    (sum >> 16).to_le_bytes()[0]
}

fn of_pixels(pixels: &[f32]) -> PerceptualHash {
    // All rows are transformed side by side, then the columns that count.
    let mut columns = [[0.0; SIDE]; SIDE];
    for (row, values) in pixels.chunks(SIDE).take(SIDE).enumerate() {
        for (column, value) in columns.iter_mut().zip(values) {
            if let Some(place) = column.get_mut(row) {
                *place = *value;
            }
        }
    }
    cosine_transform(&mut columns, &mut [[0.0; SIDE]; SIDE]);
    let mut rows = [[0.0; LOW]; SIDE];
    for (place, column) in columns.iter().take(LOW).enumerate() {
        for (row, value) in rows.iter_mut().zip(column) {
            if let Some(term) = row.get_mut(place) {
                *term = *value;
            }
        }
    }
    cosine_transform(&mut rows, &mut [[0.0; LOW]; SIDE]);
    let low: Vec<f32> = rows.iter().take(LOW).flatten().copied().collect();
    let mut sorted = low.clone();
    sorted.sort_by(f32::total_cmp);
    let middle: f32 = sorted.iter().skip(LOW * LOW / 2 - 1).take(2).sum();
    let median = middle / 2.0;
    let bits = low.iter().fold(0_u64, |bits, &value| bits << 1 | u64::from(value > median));
    PerceptualHash(bits.to_be_bytes())
}

/// The cosine transform (type II) of as many values as a power of two, by halves: of the sums of the
/// values that mirror each other for the even terms, of their weighted differences for the odd ones. It is made of
/// several sequences side by side, whose values stand beside each other. `spare` is as long as `values`.
///
/// By the definition alone, terms of a symmetric image that are zero come out as noise around it, and the
/// hash is their signs. Differences of equal values are zero exactly.
fn cosine_transform<const SEQUENCES: usize>(values: &mut [[f32; SEQUENCES]], spare: &mut [[f32; SEQUENCES]]) {
    let half = values.len() / 2;
    let Some((sums, differences)) = spare.split_at_mut_checked(half).filter(|_| half > 0) else { return };
    let mut angle = std::f32::consts::PI / 4.0;
    for _ in 0..half.ilog2() {
        angle /= 2.0;
    }
    let mirrored = values.iter().zip(values.iter().rev());
    for (place, ((first, last), (sum, difference))) in
        (0_u16..).zip(mirrored.zip(sums.iter_mut().zip(differences.iter_mut())))
    {
        let weight = 2.0 * ((2.0 * f32::from(place) + 1.0) * angle).cos();
        for (((first, last), sum), difference) in first.iter().zip(last).zip(sum).zip(difference) {
            *sum = first + last;
            *difference = (first - last) / weight;
        }
    }
    let Some((for_sums, for_differences)) = values.split_at_mut_checked(half) else { return };
    cosine_transform(sums, for_sums);
    cosine_transform(differences, for_differences);
    let next = differences.iter().skip(1).copied().chain(std::iter::once([0.0; SEQUENCES]));
    for (pair, (even, (odd, next))) in
        values.as_chunks_mut::<2>().0.iter_mut().zip(sums.iter().zip(differences.iter().zip(next)))
    {
        let [even_term, odd_term] = pair;
        *even_term = *even;
        for ((term, odd), next) in odd_term.iter_mut().zip(odd).zip(next) {
            *term = odd + next;
        }
    }
}
