//! The container: what is written is read, and nothing else is.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::layout::{FRONT, HEADER};
use super::*;

fn sample() -> Vec<u8> {
    let mut writer = ImageWriter::new();
    writer.section(SectionKind::Sources, LINE, b"one");
    writer.section(SectionKind::Names, 4096, b"two, aligned");
    writer.section(SectionKind::Texts, LINE, b"");
    writer.section_with(SectionKind::Icons, LINE, |out| out.extend_from_slice(b"three"));
    writer.finish(7)
}

/// Makes header and directory consistent again after `image` was changed.
fn seal(image: &mut [u8]) {
    let count = u32::from_le_bytes(image[12..16].try_into().unwrap()) as usize;
    let mut covered = image[..32].to_vec();
    covered.extend_from_slice(&image[40..HEADER + 32 * count]);
    let checksum = xxh3_64(&covered);
    image[32..40].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn sections_come_back_and_absent_ones_are_empty() {
    let image = Image::from_vec(sample()).unwrap();
    image.check().unwrap();
    assert_eq!(image.section(SectionKind::Sources), b"one");
    assert_eq!(image.section(SectionKind::Names), b"two, aligned");
    assert_eq!(image.section(SectionKind::Icons), b"three");
    assert_eq!(image.section(SectionKind::Texts), b"");
    assert_eq!(image.front.entries[1].offset % 4096, 0);
    assert_eq!(image.front.entries[2].offset % 64, 0);
    assert_eq!(image.front.signatures, 7);
}

#[test]
fn a_mapped_file_opens_as_memory_does() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &sample()).unwrap();
    let image = Image::open(&file).unwrap();
    image.check().unwrap();
    assert_eq!(image.section(SectionKind::Icons), b"three");
}

#[test]
fn an_empty_file_is_not_an_image() {
    let file = tempfile::tempfile().unwrap();
    assert_eq!(Image::open(&file).unwrap_err(), OpenError::NotAnImage);
    assert_eq!(Image::from_static(b"").unwrap_err(), OpenError::NotAnImage);
}

#[test]
fn every_cut_is_noticed_at_opening() {
    let whole = sample();
    for length in 0..whole.len() {
        let error = Image::from_vec(whole[..length].to_vec()).unwrap_err();
        let expected = match length {
            0..8 => OpenError::NotAnImage,
            8..HEADER => OpenError::Truncated { held: length as u64, expected: HEADER as u64 },
            _ => OpenError::Truncated { held: length as u64, expected: whole.len() as u64 },
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn bytes_behind_the_end_are_noticed_at_opening() {
    let mut image = sample();
    image.push(0);
    assert_eq!(Image::from_vec(image).unwrap_err(), OpenError::Damaged("header"));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let whole = sample();
    for place in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut image = whole.clone();
            image[place] ^= bit;
            let opened = Image::from_vec(image);
            assert!(opened.is_err() || place >= HEADER + 3 * 32, "byte {place} is covered at opening");
            assert!(opened.and_then(|image| image.check()).is_err(), "byte {place} is covered");
        }
    }
}

#[test]
fn another_version_says_so() {
    let mut image = sample();
    image[8] = 2;
    seal(&mut image);
    assert_eq!(Image::from_vec(image).unwrap_err(), OpenError::Version { found: 2, supported: 1 });
}

#[test]
fn directories_that_lie_are_refused() {
    let length = sample().len() as u64;
    // Entry, field within it, value: overlapping the front, beyond the end, overlapping each other,
    // wrapping around, the same kind twice.
    for (entry, field, value) in [
        (0, 8, FRONT as u64 - 1),
        (2, 16, 6),
        (2, 8, length),
        (1, 8, FRONT as u64),
        (0, 16, 5000),
        (1, 16, u64::MAX),
        (1, 0, 1),
        (1, 0, 2 | 1 << 32),
    ] {
        let mut image = sample();
        let place = HEADER + 32 * entry + field;
        image[place..place + 8].copy_from_slice(&value.to_le_bytes());
        seal(&mut image);
        assert_eq!(Image::from_vec(image).unwrap_err(), OpenError::Damaged("directory"), "{entry} {field}");
    }
    let mut image = sample();
    image[12..16].copy_from_slice(&127_u32.to_le_bytes());
    assert_eq!(Image::from_vec(image).unwrap_err(), OpenError::Damaged("header"));
}

#[test]
fn a_section_of_unknown_kind_is_carried_along() {
    let mut image = sample();
    image[HEADER..HEADER + 4].copy_from_slice(&0xffff_u32.to_le_bytes());
    seal(&mut image);
    let image = Image::from_vec(image).unwrap();
    image.check().unwrap();
    assert_eq!(image.section(SectionKind::Sources), b"");
}

proptest! {
    #[test]
    fn opening_anything_is_harmless(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), valid: bool) {
        if valid {
            for (to, from) in bytes.iter_mut().zip(sample()).take(64) {
                *to = from;
            }
        }
        prop_assert!(Image::from_vec(bytes).is_err());
    }
}
