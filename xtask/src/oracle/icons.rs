//! Programs with icons, and signatures that ask for an icon.

use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_model::{FileType, Icon};

use super::generate::{FILES, File, Topic};
use super::pattern::hex;
use crate::random::Random;

/// A picture, files with it and with pictures more or less like it, and a signature about it.
pub(super) fn icon(random: &mut Random, name: String) -> Topic {
    let size = *random.pick(&[16, 24, 32]);
    let is_grey = random.chance(25);
    let picture = draw(random, size, is_grey);
    let mut hash = candor_database::icon_hash(&picture).unwrap_or([0; 62]);
    if random.chance(30) {
        // A position or an average a little beside.
        for _ in 0..random.range(1, 12) {
            let at = random.range(1, 57);
            hash[at] = hash[at].wrapping_add(*random.pick(&[1, 2, 0xff]));
        }
    }
    let hash = clamp(hash, size);
    let own = [format!("{name}A"), format!("{name}B")];
    let wanted = match random.range(0, 3) {
        0 => format!("IconGroup1:{}", own[0]),
        1 => format!("IconGroup2:{}", own[1]),
        2 => format!("IconGroup1:{},IconGroup2:{}", own[0], own[1]),
        _ => format!("IconGroup1:{}", own[usize::from(random.chance(20))]),
    };
    let mark: Vec<u8> = (0..6).map(|_| random.byte()).collect();
    let lines = vec![
        ("ldb", format!("{name};Engine:51-255,Target:1,{wanted};0;{}", hex(&mark))),
        ("idb", format!("{name}I:{}:{}:{}", own[0], own[1], hex(&hash))),
    ];
    let files = (0..FILES)
        .map(|_| {
            let mut section = vec![0; 32];
            if random.chance(95) {
                section.extend(&mark);
            }
            let section = SectionRecipe { name: "one".into(), bytes: section };
            let mut recipe = Executable::new(Kind::Pe32, vec![section]);
            for _ in 0..random.range(0, 2) {
                let size = *random.pick(&[16, 24, 32]);
                let is_grey = random.chance(25);
                recipe.icons.push(draw(random, size, is_grey));
            }
            if random.chance(80) {
                let changes = random.range(0, 12);
                recipe.icons.push(changed(random, picture.clone(), changes));
            }
            let (bytes, facts) = recipe.build();
            File { bytes, known: Some((FileType::MsExe, facts)) }
        })
        .collect();
    Topic::new(name, lines, files)
}

/// Rectangles of a few colours, or of greys.
fn draw(random: &mut Random, size: u32, is_grey: bool) -> Icon {
    let ground = colour(random, is_grey);
    let icon = Icon { size, pixels: vec![ground; (size * size) as usize] };
    let count = random.range(3, 12);
    (0..count).fold(icon, |icon, _| {
        let paint = colour(random, is_grey);
        rectangle(random, icon, paint)
    })
}

fn changed(random: &mut Random, icon: Icon, changes: usize) -> Icon {
    (0..changes).fold(icon, |mut icon, _| {
        let (paint, is_pixel) = (colour(random, false), random.chance(70));
        if is_pixel {
            let at = random.range(0, icon.pixels.len() - 1);
            icon.pixels[at] = paint;
            icon
        } else {
            rectangle(random, icon, paint)
        }
    })
}

fn colour(random: &mut Random, is_grey: bool) -> u32 {
    // Nearly always opaque; one that is clear all over would be read without its alpha channel.
    let alpha = if random.chance(90) { 0xff } else { u32::from(random.byte()) | 1 };
    let [red, green, blue] = [(); 3].map(|()| u32::from(random.byte()));
    let [red, green, blue] = if is_grey { [red; 3] } else { [red, green, blue] };
    alpha << 24 | red << 16 | green << 8 | blue
}

fn rectangle(random: &mut Random, mut icon: Icon, paint: u32) -> Icon {
    let side = icon.size as usize;
    let [left, top] = [(); 2].map(|()| random.range(0, side - 1));
    let [width, height] = [(); 2].map(|()| random.range(1, side / 2));
    for row in icon.pixels.chunks_mut(side).skip(top).take(height) {
        row.iter_mut().skip(left).take(width).for_each(|pixel| *pixel = paint);
    }
    icon
}

/// Keeps positions and averages in the ranges outside of which ClamAV refuses a line.
fn clamp(hash: [u8; 62], size: u32) -> [u8; 62] {
    let mut digits: Vec<u32> =
        hash.iter().flat_map(|byte| [u32::from(byte >> 4), u32::from(byte & 15)]).collect();
    let mut at = 2;
    let mut limit = |width: usize, most: u32| {
        let value = digits[at..at + width].iter().fold(0, |sum, digit| sum << 4 | digit).min(most);
        for place in 0..width {
            digits[at + width - 1 - place] = value >> (4 * place) & 15;
        }
        at += width;
    };
    for kind in 0..6 {
        for _ in 0..3 {
            if kind < 2 {
                limit(3, 4072)
            } else {
                limit(2, 255)
            }
            limit(2, size * 7 / 8);
            limit(2, size * 7 / 8);
        }
    }
    let mut bytes = [0; 62];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::try_from(pair[0] << 4 | pair[1]).unwrap_or(0);
    }
    bytes
}
