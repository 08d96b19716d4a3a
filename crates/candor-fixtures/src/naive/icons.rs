//! Icons of programs, and whether they are like those of icon signatures.
//!
//! An icon is described by windows of a quarter of its side that stand out in six respects, three windows
//! in each, and by its hues. What counts as like is in `docs/reference/semantics.md`, *Icons*; every number here was read off
//! what `clamscan --debug` prints.

use candor_database::ir::{IconSignature, TargetDescription};
use candor_model::Icon;

/// Whether `icons` have what a signature asks for: one that is like an icon signature of both groups.
pub(super) fn hold(target: &TargetDescription, known: &[&IconSignature], icons: &[Icon]) -> bool {
    let (first, second) = (target.icon_group1.as_ref(), target.icon_group2.as_ref());
    if first.is_none() && second.is_none() {
        return true;
    }
    known
        .iter()
        .filter(|known| first.is_none_or(|name| *name == known.group1))
        .filter(|known| second.is_none_or(|name| *name == known.group2))
        .any(|known| icons.iter().filter_map(Look::of).any(|look| look.is_like(&Look::parse(&known.hash))))
}

/// A square of a quarter of the icon's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    average: i64,
    x: i64,
    y: i64,
}

/// What icons are compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    size: i64,
    /// Most and least colourful, brightest, darkest, with most and with fewest edges: three windows each.
    windows: [Vec<Window>; 6],
    /// How many in a hundred coloured pixels are of each of three hues, and how many in a hundred pixels are coloured.
    hues: [i64; 4],
}

const COLOURFUL: usize = 0;
const DULL: usize = 1;
const BRIGHT: usize = 2;
const DARK: usize = 3;
const EDGES: usize = 4;
const PLAIN: usize = 5;

/// Digits that an average has in the hash, and the largest average.
const FIELDS: [(usize, i64); 6] = [(3, 4072), (3, 4072), (2, 255), (2, 255), (2, 255), (2, 255)];

impl Look {
    fn of(icon: &Icon) -> Option<Self> {
        let side = usize::try_from(icon.size).ok().filter(|side| matches!(side, 16 | 24 | 32))?;
        let pixels: Vec<[i64; 3]> = icon.pixels.iter().map(|pixel| on_white(*pixel)).collect();
        if pixels.len() != side.pow(2) {
            return None;
        }
        let map = |value: fn([i64; 3]) -> i64| pixels.iter().map(|pixel| value(*pixel)).collect::<Vec<i64>>();
        let (colourfulness, brightness, edges) = (map(colourfulness), map(brightness), edges(side, &pixels));
        let most = |values: &[i64], signum: i64| {
            let mut windows = standing_out(side, values, signum);
            let next = windows.split_off(3);
            (windows, next)
        };
        let (most_edges, more_edges) = most(&edges, 1);
        let (fewest_edges, fewer_edges) = most(&edges, -1);
        let hues = hues(&pixels);
        let (colourful, dull) = if hues == [0; 4] {
            // The next windows with most edges; with fewest, but at the places of those with most.
            let places = fewer_edges.iter().zip(&more_edges);
            let dull = places.map(|(few, many)| Window { average: few.average, ..*many }).collect();
            (more_edges, dull)
        } else {
            (most(&colourfulness, 1).0, most(&colourfulness, -1).0)
        };
        let (bright, dark) = (most(&brightness, 1).0, most(&brightness, -1).0);
        let windows = [colourful, dull, bright, dark, most_edges, fewest_edges];
        Some(Self { size: i64::from(icon.size), windows, hues })
    }

    /// What the hash of an icon signature says.
    fn parse(hash: &[u8; 62]) -> Self {
        let mut digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut number = |width: usize| {
            (0..width).fold(0, |number, _| number * 16 + i64::from(digits.next().unwrap_or_default()))
        };
        let size = number(2);
        let windows = FIELDS.map(|(width, _)| {
            (0..3).map(|_| Window { average: number(width), x: number(2), y: number(2) }).collect()
        });
        Self { size, windows, hues: [(); 4].map(|()| number(2)) }
    }

    fn has_colours(&self) -> bool {
        self.hues[3] != 0
    }

    fn is_like(&self, other: &Self) -> bool {
        let enough = match self.size {
            _ if !self.has_colours() && !other.has_colours() => 70,
            16 => 72,
            24 => 68,
            _ => 64,
        };
        self.size == other.size && self.likeness(other) >= enough
    }

    /// From 0 to 100.
    fn likeness(&self, other: &Self) -> i64 {
        let both = (self.has_colours(), other.has_colours());
        let alike = |kinds: &[usize]| {
            let of = |look: &Self| -> Vec<Window> {
                kinds.iter().flat_map(|kind| look.windows[*kind].clone()).collect()
            };
            // All that are compared with one another have averages of one range; those that stand in for colours, that of edges.
            let range = if both == (false, false) { 255 } else { FIELDS[kinds[0]].1 };
            alike(self.size, &of(self), &of(other), range / 5)
        };
        let (bright, dark) = (alike(&[BRIGHT]), alike(&[DARK]));
        if both == (false, false) {
            let (edges, plain) = (alike(&[EDGES, COLOURFUL]), alike(&[PLAIN, DULL]));
            return (2 * edges + plain + bright + dark) / 6;
        }
        let (colourful, dull) =
            if both == (true, true) { (alike(&[COLOURFUL]), alike(&[DULL])) } else { (0, 0) };
        let hue = |(own, other): (&i64, &i64)| 10 * (10 - (own - other).abs()).max(0);
        let hues = self.hues.iter().zip(&other.hues).map(hue).sum::<i64>() / 4;
        (3 * (colourful + dark + alike(&[EDGES]) + hues) + 2 * (dull + bright + alike(&[PLAIN]))) / 18
    }
}

/// How near each of `windows` has one of `others` whose average differs by no more than `tolerance`: 100 for the same
/// place, less for each pixel, nothing from so many pixels on.
fn alike(size: i64, windows: &[Window], others: &[Window], tolerance: i64) -> i64 {
    let (step, reach) = match size {
        16 => (20, 3),
        24 => (15, 4),
        _ => (10, 6),
    };
    let nearest = |window: &Window| {
        others
            .iter()
            .filter(|other| (window.average - other.average).abs() <= tolerance)
            .map(|other| ((window.x - other.x).pow(2) + (window.y - other.y).pow(2)).isqrt())
            .filter(|distance| *distance <= reach)
            .map(|distance| 100 - step * distance)
            .max()
            .unwrap_or(0)
    };
    windows.iter().map(nearest).sum::<i64>() / i64::try_from(windows.len()).unwrap_or(1)
}

/// Red, green and blue of a pixel on white.
fn on_white(pixel: u32) -> [i64; 3] {
    let [alpha, red, green, blue] = pixel.to_be_bytes().map(i64::from);
    [red, green, blue].map(|channel| 255 - alpha + channel * alpha / 255)
}

fn brightness(pixel: [i64; 3]) -> i64 {
    pixel.into_iter().max().unwrap_or_default()
}

/// Of the brightest channel, how much is not grey.
fn range(pixel: [i64; 3]) -> i64 {
    brightness(pixel) - pixel.into_iter().min().unwrap_or_default()
}

fn saturation(pixel: [i64; 3]) -> i64 {
    (range(pixel) * 255).checked_div(brightness(pixel)).unwrap_or(0)
}

fn colourfulness(pixel: [i64; 3]) -> i64 {
    (saturation(pixel).pow(2) * brightness(pixel)).isqrt()
}

/// The six windows with the largest sums, or with the smallest when `signum` is -1, none of which lies over another. Of equal
/// ones the first by row; those at the right and the lower edge are left out.
fn standing_out(side: usize, values: &[i64], signum: i64) -> Vec<Window> {
    let width = side / 4;
    let sum = |left: usize, top: usize| -> i64 {
        (top..top + width).flat_map(|y| (left..left + width).map(move |x| values[y * side + x])).sum()
    };
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut windows = Vec::new();
    for _ in 0..6 {
        let is_free = |x: usize, y: usize| {
            found.iter().all(|(left, top)| x.abs_diff(*left) >= width || y.abs_diff(*top) >= width)
        };
        let free = (0..side - width)
            .flat_map(|y| (0..side - width - 1).map(move |x| (x, y)))
            .filter(|(x, y)| is_free(*x, *y));
        // The first of the smallest is what `min_by_key` gives.
        let best = free.min_by_key(|(x, y)| -signum * sum(*x, *y));
        windows.push(best.map_or_else(Window::default, |(x, y)| Window {
            average: sum(x, y) / i64::try_from(width.pow(2)).unwrap_or(1),
            x: i64::try_from(x).unwrap_or_default(),
            y: i64::try_from(y).unwrap_or_default(),
        }));
        found.extend(best);
    }
    windows
}

/// How strong the edge is at every pixel: Sobel's gradient of the distance from middle grey, 255 where it is strongest,
/// blurred. The border has none.
fn edges(side: usize, pixels: &[[i64; 3]]) -> Vec<i64> {
    let inner = || (1..side - 1).flat_map(|y| (1..side - 1).map(move |x| (x, y)));
    let at = |x: usize, y: usize| y * side + x;
    let grey: Vec<f64> = pixels.iter().map(|pixel| from_middle_grey(*pixel)).collect();
    let mut strength = vec![0_i64; pixels.len()];
    for (x, y) in inner() {
        let column = |x: usize| grey[at(x, y - 1)] + 2.0 * grey[at(x, y)] + grey[at(x, y + 1)];
        let row = |y: usize| grey[at(x - 1, y)] + 2.0 * grey[at(x, y)] + grey[at(x + 1, y)];
        let gradient = (column(x + 1) - column(x - 1)).hypot(row(y + 1) - row(y - 1));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is a small number, and its fraction is not wanted"
        )]
        let whole = gradient as i64;
        strength[at(x, y)] = whole;
    }
    let strongest = strength.iter().copied().max().unwrap_or_default();
    for (x, y) in inner() {
        let place = at(x, y);
        // Of an icon of one colour, how blue it is.
        strength[place] = (strength[place] * 255).checked_div(strongest).unwrap_or(pixels[place][2]);
    }
    // Along rows, from what is there; along columns, from what has been blurred above.
    let sharp = strength.clone();
    for (x, y) in inner() {
        strength[at(x, y)] = (sharp[at(x - 1, y)] + 2 * sharp[at(x, y)] + sharp[at(x + 1, y)]) / 4;
    }
    for (x, y) in inner() {
        strength[at(x, y)] = (strength[at(x, y - 1)] + 2 * strength[at(x, y)] + strength[at(x, y + 1)]) / 4;
    }
    strength
}

/// In CIE L*a*b*, from sRGB under D65.
fn from_middle_grey(pixel: [i64; 3]) -> f64 {
    let (lightness, a, b) = lab(pixel);
    (lightness - lab([127; 3]).0).hypot(a).hypot(b)
}

fn lab(pixel: [i64; 3]) -> (f64, f64, f64) {
    let [red, green, blue] = pixel.map(|channel| {
        let value = f64::from(u8::try_from(channel).unwrap_or(u8::MAX)) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47;
    let y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83;
    let [x, y, z] = [x, y, z].map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
    (116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z))
}

/// See [`Look::hues`]; all 0 when fewer than 6 in a hundred pixels are coloured.
fn hues(pixels: &[[i64; 3]]) -> [i64; 4] {
    let is_coloured = |pixel: &&[i64; 3]| brightness(**pixel) > 85 && saturation(**pixel) > 85;
    let coloured: Vec<[i64; 3]> =
        pixels.iter().filter(is_coloured).map(|pixel| shares_of_hues(*pixel)).collect();
    let [count, all] = [coloured.len(), pixels.len()].map(|count| i64::try_from(count).unwrap_or(1));
    if 100 * count / all < 6 {
        return [0; 4];
    }
    let average = |hue: usize| coloured.iter().map(|shares| shares[hue]).sum::<i64>() / count;
    [average(0), average(1), average(2), 100 * count / all]
}

/// Hundredths of a coloured pixel that are of each of three hues, rounded up: hues half a circle apart are one.
fn shares_of_hues(pixel: [i64; 3]) -> [i64; 3] {
    let ([red, green, blue], range) = (pixel, range(pixel));
    let angle = match brightness(pixel) {
        most if most == red => green - blue,
        most if most == green => 2 * range + blue - red,
        _ => 4 * range + red - green,
    };
    let angle = angle.rem_euclid(3 * range);
    let share = |part: i64| (100 * part + range - 1) / range;
    let (near, far) = (share(range - angle % range), share(angle % range));
    match angle / range {
        0 => [near, 0, far],
        1 => [0, far, near],
        _ => [far, near, 0],
    }
}

#[cfg(test)]
mod tests {
    use candor_model::Icon;

    use super::Look;

    /// Squares of pseudo-random colours, or greys, a few pixels wide.
    fn icon(size: u32, seed: u32, is_grey: bool) -> Icon {
        let colour = |x: u32, y: u32| {
            let mixed = (seed + 1 + 31 * (x / 3) + 97 * (y / 5)).wrapping_mul(0x9e37_79b1) >> 8;
            0xff00_0000 | if is_grey { (mixed & 255) * 0x01_0101 } else { mixed }
        };
        let pixels = (0..size * size).map(|place| colour(place % size, place / size)).collect();
        Icon { size, pixels }
    }

    #[test]
    fn the_definition_and_the_product_see_the_same() {
        let mut grey = 0;
        for number in 0..60 {
            let icon = icon([16, 24, 32][number as usize % 3], number, number.is_multiple_of(4));
            let seen = Look::of(&icon).unwrap();
            let hash = candor_database::icon_hash(&icon).unwrap();
            assert_eq!(seen, Look::parse(&hash), "{number}");
            grey += u32::from(!seen.has_colours());
        }
        assert_eq!(grey, 15);
    }

    #[test]
    fn an_icon_is_like_itself_and_not_like_another() {
        let looks: Vec<Look> = (0..6).map(|seed| Look::of(&icon(32, 7 * seed, false)).unwrap()).collect();
        for (number, one) in looks.iter().enumerate() {
            assert_eq!(one.likeness(one), 100);
            assert!(looks.iter().skip(number + 1).all(|other| !one.is_like(other)), "{number}");
        }
        assert!(Look::of(&Icon { size: 48, pixels: vec![0; 48 * 48] }).is_none());
    }
}
