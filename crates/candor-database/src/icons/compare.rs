//! How like a signature an icon is.

use super::features::{Area, Areas, Features};

/// Whether an icon is like enough to a signature. Both sets of numbers were read off ClamAV's answers.
pub(super) fn is_like(icon: &Features, signature: &Features) -> bool {
    let Some(scale) = Scale::of(icon.size) else { return false };
    if icon.size != signature.size {
        return false;
    }
    let enough = if icon.has_colours() || signature.has_colours() { scale.enough } else { ENOUGH_GREY };
    likeness(icon, signature, &scale) >= enough
}

/// From 0 to 100; 83 at most where there are no colours.
fn likeness(icon: &Features, signature: &Features, scale: &Scale) -> u32 {
    let areas = |icon: &[Area], signature: &[Area], tolerance| {
        let sum: u32 = icon.iter().map(|area| scale.best(area, signature, tolerance)).sum();
        sum.checked_div(u32::try_from(icon.len()).unwrap_or(u32::MAX)).unwrap_or(0)
    };
    let bright = areas(&icon.bright, &signature.bright, OF_255);
    let dark = areas(&icon.dark, &signature.dark, OF_255);
    let sum = |parts: &[u32]| parts.iter().fold(0_u32, |sum, part| sum.saturating_add(*part));
    if !icon.has_colours() && !signature.has_colours() {
        let edges =
            areas(&both(&icon.edges, &icon.colour), &both(&signature.edges, &signature.colour), OF_255);
        let plain = areas(&both(&icon.plain, &icon.grey), &both(&signature.plain, &signature.grey), OF_255);
        return sum(&[edges, edges, plain, bright, dark]) / 6;
    }
    let edges = areas(&icon.edges, &signature.edges, OF_255);
    let plain = areas(&icon.plain, &signature.plain, OF_255);
    let (colour, grey) = if icon.has_colours() && signature.has_colours() {
        (areas(&icon.colour, &signature.colour, OF_4072), areas(&icon.grey, &signature.grey, OF_4072))
    } else {
        (0, 0)
    };
    let spread = icon.spread.iter().zip(&signature.spread).fold(0_u32, |sum, (own, other)| {
        sum.saturating_add(10_u32.saturating_sub(own.abs_diff(*other)).saturating_mul(10))
    }) / 4;
    let heavy = sum(&[colour, dark, edges, spread]).saturating_mul(3);
    let light = sum(&[grey, bright, plain]).saturating_mul(2);
    heavy.saturating_add(light) / 18
}

impl Features {
    const fn has_colours(&self) -> bool {
        let [_, _, _, coloured] = self.spread;
        coloured != 0
    }
}

fn both(first: &Areas, second: &Areas) -> Vec<Area> {
    first.iter().chain(second).copied().collect()
}

/// What depends on the size of an icon.
struct Scale {
    /// The likeness that is enough.
    enough: u32,
    /// What a pixel of distance costs.
    step: u32,
    /// The largest distance that counts.
    reach: u32,
}

impl Scale {
    const fn of(size: u32) -> Option<Self> {
        Some(match size {
            16 => Self { enough: 72, step: 20, reach: 3 },
            24 => Self { enough: 68, step: 15, reach: 4 },
            32 => Self { enough: 64, step: 10, reach: 6 },
            _ => return None,
        })
    }

    /// How near the nearest area of a signature is, from 0 to 100.
    fn best(&self, area: &Area, signature: &[Area], tolerance: u32) -> u32 {
        signature
            .iter()
            .filter(|other| area.average.abs_diff(other.average) <= tolerance)
            .map(|other| {
                let (right, down) = (area.x.abs_diff(other.x), area.y.abs_diff(other.y));
                right.saturating_mul(right).saturating_add(down.saturating_mul(down)).isqrt()
            })
            .filter(|distance| *distance <= self.reach)
            .map(|distance| 100_u32.saturating_sub(distance.saturating_mul(self.step)))
            .max()
            .unwrap_or(0)
    }
}

/// The likeness that is enough without colours, whatever the size.
const ENOUGH_GREY: u32 = 70;
/// A fifth of the largest average.
const OF_255: u32 = 51;
const OF_4072: u32 = 814;

#[cfg(test)]
pub(super) fn likeness_of(icon: &Features, signature: &Features) -> u32 {
    Scale::of(icon.size).map_or(0, |scale| likeness(icon, signature, &scale))
}
