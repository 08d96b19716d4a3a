//! Icons of the three sizes that icon signatures know: 16, 24 and 32 pixels square.
//!
//! An icon is a device-independent bitmap of twice its height: the pixels, bottom row first, and a mask of
//! one bit a pixel that is set where the icon is transparent. Rows are padded to four bytes.

use candor_model::Icon;

use super::resources::{ICON, Resource};
use crate::reader::{Reader, clipped};
use crate::work::Allowance;

/// Icons decoded of one file: as many as ClamAV looks at.
const ICONS: usize = 100;
/// What one costs, in the units of [`Allowance`]: a thousand pixels.
const ICON_PRICE: u64 = 8192;

/// The icons among `resources`.
pub(crate) fn decode(bytes: &[u8], resources: &[Resource], work: &Allowance) -> Vec<Icon> {
    resources
        .iter()
        .filter(|resource| resource.kind == ICON)
        .take(ICONS)
        .take_while(|_| work.pay(ICON_PRICE))
        .filter_map(|resource| bitmap(clipped(bytes, resource.offset, resource.length)))
        .collect()
}

fn bitmap(data: &[u8]) -> Option<Icon> {
    let mut reader = Reader::little(data);
    let header = u64::from(reader.u32()?);
    let size = reader.u32()?;
    let height = reader.u32()?;
    reader.skip(2)?;
    let depth = u64::from(reader.u16()?);
    let compression = reader.u32()?;
    reader.skip(12)?;
    let colours = u64::from(reader.u32()?);
    if !matches!(size, 16 | 24 | 32) || height != size.checked_mul(2)? || header < 40 || compression != 0 {
        return None;
    }
    let side = u64::from(size);
    let palette_length = match depth {
        1 | 4 | 8 if colours == 0 => 1_u64 << depth,
        1 | 4 | 8 => colours.min(1 << depth),
        16 | 24 | 32 => colours.min(256),
        _ => return None,
    };
    let mut reader = Reader::little(data).at(header)?;
    let palette: Vec<u32> = {
        let entries = reader.take(palette_length.checked_mul(4)?)?.as_chunks::<4>().0;
        entries.iter().map(|&entry| u32::from_le_bytes(entry) & 0xff_ffff).collect()
    };
    let row = side.checked_mul(depth)?.div_ceil(32).checked_mul(4)?;
    let colour = reader.take(row.checked_mul(side)?)?;
    let mask_row = side.div_ceil(32).checked_mul(4)?;
    // Some writers leave the mask out when the pixels have an alpha channel.
    let mask = reader.take(mask_row.checked_mul(side)?);
    let mut pixels = Vec::with_capacity(usize::try_from(side.checked_mul(side)?).ok()?);
    for y in (0..side).rev() {
        for x in 0..side {
            let start = y.checked_mul(row)?;
            let value = pixel(colour, start, x, depth, &palette)?;
            let is_clear = mask
                .is_some_and(|mask| bits(mask, y.saturating_mul(mask_row), x, 1).is_some_and(|bit| bit != 0));
            pixels.push(match depth {
                32 => value,
                _ if is_clear => value,
                _ => value | 0xff00_0000,
            });
        }
    }
    // A bitmap of 32 bits with no alpha at all is an old one: its mask counts.
    if depth == 32 && pixels.iter().all(|pixel| pixel >> 24 == 0) {
        let rows = pixels.chunks_mut(usize::try_from(side).ok()?.max(1));
        for (y, line) in (0..side).rev().zip(rows) {
            for (x, pixel) in (0..side).zip(line) {
                let bit = mask.and_then(|mask| bits(mask, y.saturating_mul(mask_row), x, 1)).unwrap_or(0);
                if bit == 0 {
                    *pixel |= 0xff00_0000;
                }
            }
        }
    }
    Some(Icon { size, pixels })
}

/// The colour at column `x` of the row that starts at `start`, as `0x00RRGGBB` (with alpha for 32 bits).
fn pixel(data: &[u8], start: u64, x: u64, depth: u64, palette: &[u32]) -> Option<u32> {
    match depth {
        1 | 4 | 8 => {
            let index = usize::from(bits(data, start, x, depth)?);
            Some(palette.get(index).copied().unwrap_or(0))
        }
        16 => {
            let packed = u32::from(Reader::little(data).at(start.checked_add(x.checked_mul(2)?)?)?.u16()?);
            // Five bits a channel, spread over eight.
            let channel = |shift: u32| {
                let five = packed >> shift & 0x1f;
                five << 3 | five >> 2
            };
            Some(channel(10) << 16 | channel(5) << 8 | channel(0))
        }
        24 => {
            let mut reader = Reader::little(data).at(start.checked_add(x.checked_mul(3)?)?)?;
            let [blue, green, red] = [reader.u8()?, reader.u8()?, reader.u8()?].map(u32::from);
            Some(red << 16 | green << 8 | blue)
        }
        _ => Reader::little(data).at(start.checked_add(x.checked_mul(4)?)?)?.u32(),
    }
}

/// The `depth` bits of column `x`, the leftmost in the highest bits.
fn bits(data: &[u8], start: u64, x: u64, depth: u64) -> Option<u8> {
    let bit = x.checked_mul(depth)?;
    let byte = *data.get(usize::try_from(start.checked_add(bit / 8)?).ok()?)?;
    let shift = 8_u64.checked_sub(depth)?.checked_sub(bit % 8)?;
    let mask = u8::MAX.checked_shr(u32::try_from(8_u64.checked_sub(depth)?).ok()?)?;
    Some(byte.checked_shr(u32::try_from(shift).ok()?)? & mask)
}
