//! What an icon looks like, in the 62 bytes that icon signatures are made of.
//!
//! The layout is what `clamscan --debug` prints of the icons of a program; how the numbers come about was
//! settled by giving it icons that were made for the question. A window of a quarter of the icon's side is
//! moved over six maps of the icon, and of each map the three windows that stand out most and do not
//! overlap are kept:
//!
//! ```text
//! colour    most colourful   saturation * sqrt(brightness)
//! grey      least colourful
//! bright    brightest        the largest of red, green and blue
//! dark      darkest
//! edges     most edges       Sobel's gradient of the distance from middle grey in CIE L*a*b*, blurred
//! no edges  fewest edges
//! ```
//!
//! An icon with hardly any coloured pixels has no colour areas: the next three windows with most and with
//! fewest edges stand in their place.

use candor_model::Icon;

/// A window that stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) average: u32,
    pub(super) x: u32,
    pub(super) y: u32,
}

/// The three windows of one kind.
pub(super) type Areas = [Area; 3];

/// What signatures compare of an icon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// Width and height: 16, 24 or 32.
    pub(super) size: u32,
    pub(super) colour: Areas,
    pub(super) grey: Areas,
    pub(super) bright: Areas,
    pub(super) dark: Areas,
    pub(super) edges: Areas,
    pub(super) plain: Areas,
    /// How many in a hundred coloured pixels are of each of three hues, and how many in a hundred pixels
    /// are coloured: 0 when there are no colour areas.
    pub(super) spread: [u32; 4],
}

impl Features {
    /// Those of an icon. `None` when it is of none of the three sizes.
    pub(super) fn of(icon: &Icon) -> Option<Self> {
        let side = match icon.size {
            16 | 24 | 32 => usize::try_from(icon.size).ok()?,
            _ => return None,
        };
        let pixels: Vec<Pixel> = icon.pixels.iter().map(|&pixel| Pixel::on_white(pixel)).collect();
        if pixels.len() != side.checked_mul(side)? {
            return None;
        }
        let map = |value: fn(&Pixel) -> u32| Map { side, values: pixels.iter().map(value).collect() };
        let brightness = map(Pixel::brightness).sums();
        let edges = edges(side, &pixels).sums();
        let spread = spread(&pixels);
        let is_coloured = spread != [0; 4];
        let [most, next_most] = edges.extremes(true);
        let [fewest, next_fewest] = edges.extremes(false);
        let (colour, grey) = if is_coloured {
            let colourfulness = map(Pixel::colourfulness).sums();
            let ([most, _], [least, _]) = (colourfulness.extremes(true), colourfulness.extremes(false));
            (most, least)
        } else {
            // As ClamAV has it, these windows stand where the other three do.
            let mut windows = next_fewest;
            for (window, place) in windows.iter_mut().zip(&next_most) {
                (window.x, window.y) = (place.x, place.y);
            }
            (next_most, windows)
        };
        let [bright, _] = brightness.extremes(true);
        let [dark, _] = brightness.extremes(false);
        Some(Self { size: icon.size, colour, grey, bright, dark, edges: most, plain: fewest, spread })
    }

    /// What the bytes of a signature say.
    pub(super) fn parse(hash: &[u8; 62]) -> Self {
        let mut digits = hash.iter().flat_map(|byte| [u32::from(byte >> 4), u32::from(byte & 15)]);
        let mut number =
            |count| digits.by_ref().take(count).fold(0_u32, |sum, digit| sum.wrapping_shl(4) | digit);
        let size = number(2);
        let mut areas = |width| [(); 3].map(|()| Area { average: number(width), x: number(2), y: number(2) });
        let (colour, grey) = (areas(3), areas(3));
        let (bright, dark, edges, plain) = (areas(2), areas(2), areas(2), areas(2));
        let spread = [number(2), number(2), number(2), number(2)];
        Self { size, colour, grey, bright, dark, edges, plain, spread }
    }

    /// As the bytes of a signature.
    pub(super) fn bytes(&self) -> [u8; 62] {
        let mut digits = Vec::with_capacity(124);
        let mut put = |value: u32, count: u32| {
            for place in (0..count).rev() {
                digits.push(u8::try_from(value.wrapping_shr(place.saturating_mul(4)) & 15).unwrap_or(0));
            }
        };
        put(self.size, 2);
        let groups = [
            (3, &self.colour),
            (3, &self.grey),
            (2, &self.bright),
            (2, &self.dark),
            (2, &self.edges),
            (2, &self.plain),
        ];
        for (width, areas) in groups {
            for area in areas {
                put(area.average, width);
                put(area.x, 2);
                put(area.y, 2);
            }
        }
        self.spread.iter().for_each(|share| put(*share, 2));
        let mut bytes = [0; 62];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |sum, digit| sum << 4 | digit);
        }
        bytes
    }
}

/// A pixel as it looks on white.
#[derive(Clone, Copy)]
struct Pixel {
    red: u32,
    green: u32,
    blue: u32,
}

impl Pixel {
    fn on_white(value: u32) -> Self {
        let [alpha, red, green, blue] = value.to_be_bytes().map(u32::from);
        let white = 255_u32.saturating_sub(alpha);
        let mix = |channel: u32| white.saturating_add(channel.saturating_mul(alpha) / 255);
        Self { red: mix(red), green: mix(green), blue: mix(blue) }
    }

    fn brightness(&self) -> u32 {
        self.red.max(self.green).max(self.blue)
    }

    fn saturation(&self) -> u32 {
        let least = self.red.min(self.green).min(self.blue);
        let range = self.brightness().saturating_sub(least);
        range.saturating_mul(255).checked_div(self.brightness()).unwrap_or(0)
    }

    /// At most 4,072.
    fn colourfulness(&self) -> u32 {
        let saturation = self.saturation();
        saturation.saturating_mul(saturation).saturating_mul(self.brightness()).isqrt()
    }

    /// How far it is from middle grey in CIE L*a*b*.
    fn distance(&self) -> f64 {
        let (lightness, a, b) = self.lab();
        let (middle, ..) = Self { red: 127, green: 127, blue: 127 }.lab();
        (lightness - middle).hypot(a).hypot(b)
    }

    /// In CIE L*a*b*, from sRGB under D65.
    fn lab(&self) -> (f64, f64, f64) {
        let linear = |channel: u32| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let (red, green, blue) = (linear(self.red), linear(self.green), linear(self.blue));
        let x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47;
        let y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        let z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83;
        let curve = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let (x, y, z) = (curve(x), curve(y), curve(z));
        (116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z))
    }

    /// For a coloured pixel, the hundredths of it that are of each of three hues. Hues half a circle
    /// apart count as the same, and what lies between two hues is rounded up to both.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "channels are at most 255, and the range of a coloured pixel is not 0"
    )]
    fn hues(&self) -> Option<[u32; 3]> {
        if self.brightness() <= 85 || self.saturation() <= 85 {
            return None;
        }
        let signed = |channel: u32| i64::from(channel);
        let range = signed(self.brightness()) - signed(self.red.min(self.green).min(self.blue));
        let difference = |left: u32, right: u32| signed(left) - signed(right);
        let (sector, within) = match self.brightness() {
            most if most == self.red => (0, difference(self.green, self.blue)),
            most if most == self.green => (2, difference(self.blue, self.red)),
            _ => (4, difference(self.red, self.green)),
        };
        // Three sectors of `range` each make half a circle.
        let hue = (sector * range + within).rem_euclid(3 * range);
        let (from, part) = (hue.checked_div(range)?, hue.checked_rem(range)?);
        let share = |part: i64| u32::try_from((100 * part + range - 1) / range).unwrap_or(0);
        let (near, far) = (share(range - part), share(part));
        // Sectors go from red over blue to green.
        Some(match from {
            0 => [near, 0, far],
            1 => [0, far, near],
            _ => [far, near, 0],
        })
    }
}

/// See [`Features::spread`].
fn spread(pixels: &[Pixel]) -> [u32; 4] {
    let mut sums = [0_u32; 3];
    let mut coloured = 0_u32;
    for hues in pixels.iter().filter_map(Pixel::hues) {
        coloured = coloured.saturating_add(1);
        for (sum, share) in sums.iter_mut().zip(hues) {
            *sum = sum.saturating_add(share);
        }
    }
    let all = u32::try_from(pixels.len()).unwrap_or(u32::MAX);
    let share = coloured.saturating_mul(100).checked_div(all).unwrap_or(0);
    if share < COLOURED {
        return [0; 4];
    }
    let [red, green, blue] = sums.map(|sum| sum.checked_div(coloured).unwrap_or(0));
    [red, green, blue, share]
}

/// A number for every pixel.
struct Map {
    side: usize,
    values: Vec<u32>,
}

impl Map {
    /// The sum over every rectangle from the corner.
    fn sums(&self) -> Sums {
        let width = self.side.saturating_add(1);
        let mut sums = vec![0_u32; width];
        for row in self.values.chunks_exact(self.side) {
            let above = sums.len().saturating_sub(width);
            let mut sum = 0_u32;
            sums.push(0);
            for (x, value) in (1_usize..).zip(row) {
                sum = sum.saturating_add(*value);
                let before = sums.get(above.saturating_add(x)).copied().unwrap_or(0);
                sums.push(before.saturating_add(sum));
            }
        }
        Sums { side: self.side, sums }
    }
}

struct Sums {
    side: usize,
    sums: Vec<u32>,
}

impl Sums {
    fn corner(&self, x: usize, y: usize) -> u32 {
        let at = y.saturating_mul(self.side.saturating_add(1)).saturating_add(x);
        self.sums.get(at).copied().unwrap_or(0)
    }

    fn window(&self, x: usize, y: usize, width: usize) -> u32 {
        let (right, below) = (x.saturating_add(width), y.saturating_add(width));
        let whole = self.corner(right, below).saturating_add(self.corner(x, y));
        whole.saturating_sub(self.corner(right, y)).saturating_sub(self.corner(x, below))
    }

    /// The six windows with the largest sums, or with the smallest, that do not overlap; of equal ones the
    /// first by row. Windows that touch the right edge are left out, as in ClamAV.
    fn extremes(&self, largest: bool) -> [Areas; 2] {
        let width = self.side / 4;
        let count = self.side.saturating_sub(width);
        let area = u32::try_from(width.saturating_mul(width)).unwrap_or(u32::MAX);
        let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(6);
        let mut found = [Areas::default(); 2];
        for place in found.iter_mut().flatten() {
            let mut best: Option<(u32, usize, usize)> = None;
            for y in 0..count {
                for x in 0..count.saturating_sub(1) {
                    let overlaps =
                        |other: &(usize, usize)| x.abs_diff(other.0) < width && y.abs_diff(other.1) < width;
                    if chosen.iter().any(overlaps) {
                        continue;
                    }
                    let sum = self.window(x, y, width);
                    if best.is_none_or(|(known, ..)| if largest { sum > known } else { sum < known }) {
                        best = Some((sum, x, y));
                    }
                }
            }
            let Some((sum, x, y)) = best else { break };
            chosen.push((x, y));
            *place = Area {
                average: sum.checked_div(area).unwrap_or(0),
                x: u32::try_from(x).unwrap_or(0),
                y: u32::try_from(y).unwrap_or(0),
            };
        }
        found
    }
}

/// How strong the edge is at every pixel but those at the border: 255 where it is strongest.
fn edges(side: usize, pixels: &[Pixel]) -> Map {
    let distances: Vec<f64> = pixels.iter().map(Pixel::distance).collect();
    let inner = 1..side.saturating_sub(1);
    let at = |x: usize, y: usize| y.saturating_mul(side).saturating_add(x);
    let mut values = vec![0_u32; pixels.len()];
    for y in inner.clone() {
        for x in inner.clone() {
            let value = |right: usize, down: usize| {
                let place =
                    at(x.saturating_add(right).saturating_sub(1), y.saturating_add(down).saturating_sub(1));
                distances.get(place).copied().unwrap_or(0.0)
            };
            let across =
                value(2, 0) + 2.0 * value(2, 1) + value(2, 2) - value(0, 0) - 2.0 * value(0, 1) - value(0, 2);
            let down =
                value(0, 2) + 2.0 * value(1, 2) + value(2, 2) - value(0, 0) - 2.0 * value(1, 0) - value(2, 0);
            if let Some(place) = values.get_mut(at(x, y)) {
                *place = whole(across.hypot(down));
            }
        }
    }
    let strongest = values.iter().copied().max().unwrap_or(0);
    for y in inner.clone() {
        for x in inner.clone() {
            let Some(place) = values.get_mut(at(x, y)) else { continue };
            *place = match place.saturating_mul(255).checked_div(strongest) {
                Some(scaled) => scaled,
                // Of an icon of one colour ClamAV has the amount of blue here.
                None => pixels.get(at(x, y)).map_or(0, |pixel| pixel.blue),
            };
        }
    }
    blur(side, &mut values);
    Map { side, values }
}

/// A quarter, a half and a quarter: along rows, then along columns. Down a column each step sees what the
/// one above has left, as in ClamAV, which moves everything down a little.
fn blur(side: usize, values: &mut [u32]) {
    let inner = 1..side.saturating_sub(1);
    let mix = |before: u32, here: u32, behind: u32| {
        before.saturating_add(here.saturating_mul(2)).saturating_add(behind) / 4
    };
    for row in values.chunks_exact_mut(side).skip(1).take(side.saturating_sub(2)) {
        let sharp = row.to_vec();
        for (place, around) in row.iter_mut().skip(1).zip(sharp.windows(3)) {
            if let [before, here, behind] = *around {
                *place = mix(before, here, behind);
            }
        }
    }
    for x in inner.clone() {
        for y in inner.clone() {
            let at = |y: usize| y.saturating_mul(side).saturating_add(x);
            let value = |y: usize| values.get(at(y)).copied().unwrap_or(0);
            let mixed = mix(value(y.saturating_sub(1)), value(y), value(y.saturating_add(1)));
            if let Some(place) = values.get_mut(at(y)) {
                *place = mixed;
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "gradients are positive and far below the largest number"
)]
fn whole(value: f64) -> u32 {
    value as u32
}

/// Pixels in a hundred that must be coloured for an icon to have colours.
const COLOURED: u32 = 6;
