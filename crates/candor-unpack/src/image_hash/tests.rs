//! Images drawn pixel by pixel; the hashes are what `sigtool --fuzzy-img` gives for the same pixels.

use std::io::Cursor;

use candor_model::FileType;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
use proptest::prelude::*;

use super::shrink::shrink;
use super::{cosine_transform, hash};

fn colours(x: u32, y: u32) -> [u8; 3] {
    [x * 7 + y * 3, x * y, (x ^ y) * 5].map(|value| (value % 256) as u8)
}

fn drawn(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, |x, y| image::Rgb(colours(x, y))).write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn shown(file: &[u8], file_type: FileType) -> String {
    hash(file, file_type).unwrap().0.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn hashes_are_those_of_clamav() {
    for (width, height, expected) in
        [(50, 40, "801b3f3c70736766"), (7, 90, "8d326c5a76ad32cc"), (300, 200, "9017447555aa7f2e")]
    {
        assert_eq!(shown(&drawn(width, height, ImageFormat::Png), FileType::Png), expected);
    }
}

#[test]
fn every_format_without_loss_has_the_same_hash() {
    for (format, file_type) in [
        (ImageFormat::Bmp, FileType::Graphics),
        (ImageFormat::Tiff, FileType::Tiff),
        (ImageFormat::WebP, FileType::Riff),
    ] {
        assert_eq!(shown(&drawn(50, 40, format), file_type), "801b3f3c70736766");
    }
}

#[test]
fn transparency_counts_for_nothing() {
    let mut file = Cursor::new(Vec::new());
    let image = RgbaImage::from_fn(50, 40, |x, y| {
        let [red, green, blue] = colours(x, y);
        image::Rgba([red, green, blue, x as u8])
    });
    image.write_to(&mut file, ImageFormat::Png).unwrap();
    assert_eq!(shown(&file.into_inner(), FileType::Png), "801b3f3c70736766");
}

#[test]
fn colours_that_are_grey_are_what_they_are() {
    let grey = |x: u32, y: u32| (x * y % 256) as u8;
    let images: [DynamicImage; 4] = [
        GrayImage::from_fn(50, 40, |x, y| image::Luma([grey(x, y)])).into(),
        image::GrayAlphaImage::from_fn(50, 40, |x, y| image::LumaA([grey(x, y), x as u8])).into(),
        RgbImage::from_fn(50, 40, |x, y| image::Rgb([grey(x, y); 3])).into(),
        RgbaImage::from_fn(50, 40, |x, y| image::Rgba([grey(x, y), grey(x, y), grey(x, y), y as u8])).into(),
    ];
    let shown = images.map(|image| {
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, ImageFormat::Png).unwrap();
        shown(&file.into_inner(), FileType::Png)
    });
    assert!(shown.iter().all(|one| *one == shown[0]), "{shown:?}");
}

#[test]
fn terms_that_are_zero_set_no_bits() {
    // Rows of one colour: everything but the first column of the transform is zero.
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(64, 64, |_, y| image::Rgb([(y * 4) as u8; 3]));
    image.write_to(&mut file, ImageFormat::Png).unwrap();
    let found = hash(&file.into_inner(), FileType::Png).unwrap();
    assert!(found.0.iter().all(|row| row & 0x7f == 0), "{found:?}");
}

#[test]
fn other_types_and_damaged_images_have_none() {
    let file = drawn(50, 40, ImageFormat::Png);
    assert_eq!(hash(&file, FileType::Pdf), None);
    assert_eq!(hash(&file[..60], FileType::Png), None);
    assert_eq!(hash(b"", FileType::Gif), None);
}

#[test]
fn an_image_of_a_billion_pixels_is_not_decoded() {
    let mut file = drawn(50, 40, ImageFormat::Bmp);
    for dimension in [18, 22] {
        file[dimension..dimension + 4].copy_from_slice(&32_000_u32.to_le_bytes());
    }
    assert_eq!(hash(&file, FileType::Graphics), None);
}

proptest! {
    #[test]
    fn damaged_images_are_survived(
        format in 0..5_usize,
        changes in prop::collection::vec((0..2000_usize, any::<u8>()), 1..10),
        length in 0..4000_usize,
    ) {
        let formats = [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff];
        let mut file = drawn(24, 24, formats[format]);
        for (at, value) in changes {
            if let Some(byte) = file.get_mut(at) {
                *byte = value;
            }
        }
        file.truncate(length);
        let found = hash(&file, FileType::Graphics);
        prop_assert_eq!(found, hash(&file, FileType::Graphics));
    }
}

/// The transform of one sequence, by its definition by halves.
fn transformed(values: &[f32]) -> Vec<f32> {
    let half = values.len() / 2;
    if half == 0 {
        return values.to_vec();
    }
    let mut angle = std::f32::consts::PI / 4.0;
    (0..half.ilog2()).for_each(|_| angle /= 2.0);
    let weight = |place: usize| 2.0 * ((2.0 * place as f32 + 1.0) * angle).cos();
    let mirrored = |place: usize| values[values.len() - 1 - place];
    let sums: Vec<f32> = (0..half).map(|place| values[place] + mirrored(place)).collect();
    let differences: Vec<f32> =
        (0..half).map(|place| (values[place] - mirrored(place)) / weight(place)).collect();
    let (even, odd) = (transformed(&sums), transformed(&differences));
    let next = |place: usize| odd.get(place + 1).copied().unwrap_or(0.0);
    (0..half).flat_map(|place| [even[place], odd[place] + next(place)]).collect()
}

proptest! {
    #[test]
    fn sequences_side_by_side_are_transformed_as_each_alone(
        values in prop::collection::vec(prop::array::uniform3(any::<u8>()), 32)
    ) {
        let mut together: Vec<[f32; 3]> = values.iter().map(|values| values.map(f32::from)).collect();
        cosine_transform(&mut together, &mut [[0.0; 3]; 32]);
        for number in 0..3 {
            let alone: Vec<f32> = values.iter().map(|values| f32::from(values[number])).collect();
            let bits = |value: &f32| value.to_bits();
            prop_assert_eq!(
                transformed(&alone).iter().map(bits).collect::<Vec<_>>(),
                together.iter().map(|values| bits(&values[number])).collect::<Vec<_>>()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn images_are_shrunk_as_the_library_does(width in 1_u32..200, height in 1_u32..200, seed: u32) {
        let mut state = seed;
        let grey = GrayImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Luma([(state >> 24) as u8])
        });
        let expected = resize(&grey, 32, 32, FilterType::Lanczos3).into_raw();
        let found = shrink(grey.as_raw(), width as usize);
        prop_assert_eq!(found, expected.into_iter().map(f32::from).collect::<Vec<f32>>());
    }
}
