//! An image in grey made as small as it is transformed: Lanczos' filter with three lobes, in both directions.
//!
//! The result is that of `image::imageops::resize` to the bit, whose sums it takes in the same order; but all columns are
//! summed side by side, where that one goes down each column of the image by itself.

use super::SIDE;

/// Lobes of the filter.
const LOBES: f32 = 3.0;

/// `grey` has rows of `width` bytes. Nothing comes of an image without pixels.
pub(super) fn shrink(grey: &[u8], width: usize) -> Vec<f32> {
    let Some(height) = grey.len().checked_div(width).filter(|height| *height > 0) else { return Vec::new() };
    if width == SIDE && height == SIDE {
        return grey.iter().copied().map(f32::from).collect();
    }
    let (across, down) = (weights(width), weights(height));
    let mut sums = vec![0.0_f32; width.saturating_mul(SIDE)];
    let mut values = vec![0.0_f32; width];
    for (place, row) in grey.chunks_exact(width).enumerate() {
        for (value, pixel) in values.iter_mut().zip(row) {
            *value = f32::from(*pixel);
        }
        for ((first, weights), sums) in down.iter().zip(sums.chunks_exact_mut(width)) {
            let Some(weight) = place.checked_sub(*first).and_then(|place| weights.get(place)) else {
                continue;
            };
            for (sum, value) in sums.iter_mut().zip(&values) {
                *sum += value * weight;
            }
        }
    }
    let pixel = |sums: &[f32], (first, weights): &(usize, Vec<f32>)| {
        let sums = sums.get(*first..).unwrap_or_default();
        let sum = sums.iter().zip(weights).fold(0.0, |sum, (value, weight)| sum + value * weight);
        sum.clamp(0.0, 255.0).round()
    };
    sums.chunks_exact(width).flat_map(|sums| across.iter().map(|weights| pixel(sums, weights))).collect()
}

/// For each of the small image's pixels in a row or column of so many: the first that counts, and what each counts from there on.
fn weights(length: usize) -> Vec<(usize, Vec<f32>)> {
    let ratio = length as f32 / SIDE as f32;
    let scale = ratio.max(1.0);
    let reach = LOBES * scale;
    let weights_at = |place: u16| {
        let centre = (f32::from(place) + 0.5) * ratio;
        let first = whole((centre - reach).floor()).min(length.saturating_sub(1));
        let end = whole((centre + reach).ceil()).clamp(first.saturating_add(1), length);
        let centre = centre - 0.5;
        let mut weights: Vec<f32> = (first..end).map(|at| lanczos((at as f32 - centre) / scale)).collect();
        let sum: f32 = weights.iter().fold(0.0, |sum, weight| sum + weight);
        weights.iter_mut().for_each(|weight| *weight /= sum);
        (first, weights)
    };
    (0_u16..).take(SIDE).map(weights_at).collect()
}

/// A whole number; what is negative counts as zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of this kind saturate")]
fn whole(number: f32) -> usize {
    number as usize
}

fn lanczos(x: f32) -> f32 {
    if x.abs() < LOBES { sinc(x) * sinc(x / LOBES) } else { 0.0 }
}

fn sinc(x: f32) -> f32 {
    let angle = x * std::f32::consts::PI;
    if x == 0.0 { 1.0 } else { angle.sin() / angle }
}
