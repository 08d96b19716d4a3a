//! A damaged image: noticed by a check, and harmless to whoever does not check.

use candor_database::Image;
use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::sample;

/// Where the directory ends and nothing is but padding and sections.
const FRONT: usize = 4096;

/// Makes header and directory agree with themselves again, so that the image opens.
fn seal(image: &mut [u8]) {
    let count = u32::from_le_bytes(image[12..16].try_into().unwrap()) as usize;
    let mut covered = image[..32].to_vec();
    covered.extend_from_slice(&image[40..(64 + 32 * count).min(image.len())]);
    let checksum = xxh3_64(&covered);
    image[32..40].copy_from_slice(&checksum.to_le_bytes());
}

/// Opens, checks, and asks everything; whether the image passed its check.
fn try_all(bytes: Vec<u8>) -> bool {
    let Ok(image) = Image::from_vec(bytes) else { return false };
    let checked = image.check().is_ok();
    let _ = image.info();
    let _ = sample::ask(&image);
    checked
}

#[test]
fn an_image_cut_anywhere_is_refused() {
    let whole = sample::image();
    for length in (0..whole.len()).step_by(7).chain([0, 1, 63, 64, FRONT, whole.len() - 1]) {
        assert!(Image::from_vec(whole[..length].to_vec()).is_err(), "{length} bytes");
    }
}

/// The length of the header claims what was cut to, and the checksum is right: sections now lie outside.
#[test]
fn an_image_cut_and_sealed_is_refused() {
    let whole = sample::image();
    for length in (FRONT..whole.len()).step_by(61) {
        let mut image = whole[..length].to_vec();
        image[16..24].copy_from_slice(&(length as u64).to_le_bytes());
        seal(&mut image);
        assert!(Image::from_vec(image).is_err(), "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_changed_byte_is_noticed_and_harmless(place: proptest::sample::Index, by in 1..=255_u8) {
        let mut image = sample::image();
        let place = place.index(image.len());
        image[place] ^= by;
        prop_assert!(!try_all(image), "byte {place} is covered");
    }

    #[test]
    fn many_changed_bytes_are_harmless(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..64),
        numbers in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u32>()), 0..8),
    ) {
        let mut image = sample::image();
        let room = image.len() - FRONT;
        for (place, value) in changes {
            image[FRONT + place.index(room)] = value;
        }
        for (place, value) in numbers {
            let place = FRONT + place.index(room - 4);
            image[place..place + 4].copy_from_slice(&value.to_le_bytes());
        }
        try_all(image);
    }

    #[test]
    fn a_changed_directory_is_harmless(
        changes in proptest::collection::vec((0..1024_usize, any::<u8>()), 1..6),
    ) {
        let mut image = sample::image();
        for (place, value) in changes {
            // Not the magic, the version and the number of sections: those are refused at once.
            image[16 + place] = value;
        }
        seal(&mut image);
        try_all(image);
    }
}
