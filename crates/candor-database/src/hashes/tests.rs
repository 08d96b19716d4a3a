//! The hash index answers as a list of all signatures would.

use std::collections::BTreeSet;

use candor_model::{Digest, DigestKind, DigestSet, Match};
use proptest::prelude::*;

use super::*;
use crate::Hit;
use crate::image::{Image, ImageWriter, SignatureId};
use crate::ir::{Hash, HashSubject};

fn build(hashes: &[Hash]) -> Image {
    let mut builder = HashesBuilder::default();
    (0..).zip(hashes).for_each(|(id, hash)| builder.add(SignatureId(id), hash));
    let mut writer = ImageWriter::new();
    builder.finish(&mut writer).unwrap();
    Image::from_vec(writer.finish(hashes.len() as u64)).unwrap()
}

fn found(image: &Image, subject: HashSubject, digest: &Digest, size: u64) -> Vec<u32> {
    let mut hits = Vec::new();
    image.search_digest(subject, digest, size, &mut hits);
    hits.iter().map(|hit| hit.signature.0).collect()
}

/// What the index promises, said plainly.
fn expected(hashes: &[Hash], subject: HashSubject, digest: &Digest, size: u64) -> Vec<u32> {
    let matches = |hash: &Hash| {
        hash.subject == subject && hash.digest == *digest && hash.size.is_none_or(|wanted| wanted == size)
    };
    (0..).zip(hashes).filter(|(_, hash)| matches(hash)).map(|(id, _)| id).collect()
}

fn wanted(hashes: &[Hash], subject: HashSubject, size: u64) -> DigestSet {
    let fits = |hash: &&Hash| hash.subject == subject && hash.size.is_none_or(|wanted| wanted == size);
    hashes.iter().filter(fits).fold(DigestSet::EMPTY, |set, hash| set.with(hash.digest.kind()))
}

fn compare(hashes: &[Hash], digests: &[Digest], sizes: &BTreeSet<u64>) {
    let image = build(hashes);
    image.check().unwrap();
    for subject in HashSubject::ALL {
        for size in sizes {
            assert_eq!(
                image.digests_wanted(subject, *size),
                wanted(hashes, subject, *size),
                "{subject:?} {size}"
            );
            for digest in digests {
                let naive = expected(hashes, subject, digest, *size);
                assert_eq!(found(&image, subject, digest, *size), naive, "{subject:?} {digest} {size}");
            }
        }
    }
}

fn digest(kind: DigestKind, first: u8, last: u8) -> Digest {
    let mut bytes = vec![first; kind.length()];
    *bytes.last_mut().unwrap() = last;
    Digest::new(&bytes).unwrap()
}

/// A stream of numbers that looks random and is always the same (SplitMix64).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn random_digest(kind: DigestKind, state: &mut u64) -> Digest {
    let bytes: Vec<u8> = (0..4).flat_map(|_| random(state).to_le_bytes()).collect();
    Digest::new(&bytes[..kind.length()]).unwrap()
}

#[test]
fn a_hit_covers_the_whole_subject() {
    let digest = digest(DigestKind::Sha1, 1, 2);
    let image = build(&[Hash { subject: HashSubject::File, digest, size: Some(68) }]);
    let mut hits = Vec::new();
    image.search_digest(HashSubject::File, &digest, 68, &mut hits);
    let matches = vec![Match { offset: 0, length: 68, subsignature: None }];
    assert_eq!(hits, [Hit { signature: SignatureId(0), matches, handler: None }]);
}

#[test]
fn every_byte_of_a_digest_counts() {
    for kind in DigestKind::ALL {
        let mut state = 7;
        let hashes: Vec<Hash> = (0..300)
            .map(|_| Hash { subject: HashSubject::File, digest: random_digest(kind, &mut state), size: None })
            .collect();
        let image = build(&hashes);
        for place in 0..kind.length() {
            let mut bytes = hashes[0].digest.as_bytes().to_vec();
            bytes[place] ^= 1;
            assert!(
                found(&image, HashSubject::File, &Digest::new(&bytes).unwrap(), 1).is_empty(),
                "byte {place}"
            );
        }
        assert_eq!(found(&image, HashSubject::File, &hashes[0].digest, 1), [0]);
    }
}

#[test]
fn sizes_of_every_magnitude_are_told_apart() {
    let sizes = [0, 1, 68, 1 << 31, (1 << 32) - 3, (1 << 32) - 2, (1 << 32) - 1, 1 << 32, 1 << 33, u64::MAX];
    let one = digest(DigestKind::Md5, 9, 9);
    let hashes: Vec<Hash> = sizes
        .into_iter()
        .map(|size| Hash { subject: HashSubject::Section, digest: one, size: Some(size) })
        .collect();
    let asked =
        sizes.into_iter().flat_map(|size| [size.saturating_sub(1), size, size.saturating_add(1)]).collect();
    compare(&hashes, &[one, digest(DigestKind::Md5, 9, 8)], &asked);
}

#[test]
fn one_digest_may_have_many_signatures() {
    let one = digest(DigestKind::Sha256, 0xff, 0xff);
    let with = |size| Hash { subject: HashSubject::Trusted, digest: one, size };
    let hashes = [with(Some(5)), with(None), with(Some(5)), with(Some(6)), with(None)];
    compare(&hashes, &[one], &[4, 5, 6].into());
}

#[test]
fn tables_of_every_length_answer() {
    for count in [1, 7, 8, 15, 16, 100, 2_000, 70_000] {
        let mut state = count;
        let hashes: Vec<Hash> = (0..count)
            .map(|n| Hash {
                subject: HashSubject::File,
                digest: random_digest(DigestKind::Md5, &mut state),
                size: (n % 3 > 0).then_some(n * 512),
            })
            .collect();
        let image = build(&hashes);
        for (id, hash) in (0..).zip(&hashes) {
            assert_eq!(found(&image, HashSubject::File, &hash.digest, hash.size.unwrap_or(1)), [id]);
            if let Some(size) = hash.size {
                assert!(found(&image, HashSubject::File, &hash.digest, size + 1).is_empty());
            }
        }
        for _ in 0..1_000 {
            let foreign = random_digest(DigestKind::Md5, &mut state);
            assert!(found(&image, HashSubject::File, &foreign, 512).is_empty());
        }
    }
}

#[test]
fn the_filter_stops_nearly_everything_foreign() {
    let mut state = 1;
    let mut filter = filter::FilterBuilder::new(20_000);
    let keys: Vec<Digest> = (0..20_000).map(|_| random_digest(DigestKind::Md5, &mut state)).collect();
    keys.iter().for_each(|key| filter.insert(key.as_bytes()));
    let mut bytes = Vec::new();
    filter.write(&mut bytes);
    assert!(keys.iter().all(|key| filter::passes(&bytes, key.as_bytes())));
    let foreign = (0..100_000).map(|_| random_digest(DigestKind::Md5, &mut state));
    let passed = foreign.filter(|key| filter::passes(&bytes, key.as_bytes())).count();
    assert!(passed < 2_000, "{passed} of 100000");
}

#[test]
fn an_md5_entry_takes_less_than_twenty_bytes_with_its_size() {
    let mut state = 1;
    for sizes in [4_095, 4_000_000] {
        let hashes: Vec<Hash> = (0..50_000)
            .map(|_| Hash {
                subject: HashSubject::Section,
                digest: random_digest(DigestKind::Md5, &mut state),
                size: Some(512 * (1 + random(&mut state) % sizes)),
            })
            .collect();
        let length = build(&hashes).section(SectionKind::SectionMd5).len();
        assert!(length <= 21 * 50_000, "{length} with {sizes} sizes");
    }
}

#[test]
fn digests_that_are_not_spread_evenly_are_found() {
    // A long group is entered where a digest must be if they were: all of them begin alike here.
    let hashes: Vec<Hash> = (0..5_000_u32)
        .map(|number| {
            let mut bytes = [if number < 4_000 { 0 } else { 0xff }; 16];
            bytes[12..].copy_from_slice(&number.to_be_bytes());
            let digest = Digest::new(&bytes).unwrap();
            Hash { subject: HashSubject::File, digest, size: (number % 2 == 0).then_some(7) }
        })
        .collect();
    let image = build(&hashes);
    for (id, hash) in (0..).zip(&hashes) {
        assert_eq!(found(&image, HashSubject::File, &hash.digest, 7), [id]);
    }
}

fn any_hash() -> impl Strategy<Value = Hash> {
    // Few values, so that digests and sizes meet.
    (0..4_usize, 0..3_usize, 0..4_u8, 0..4_u8, prop_oneof![Just(None), (0..4_u64).prop_map(Some)]).prop_map(
        |(subject, kind, first, last, size)| Hash {
            subject: HashSubject::ALL[subject],
            digest: digest(DigestKind::ALL[kind], first.wrapping_mul(85), last),
            size,
        },
    )
}

proptest! {
    #[test]
    fn the_index_answers_as_a_list_would(hashes in proptest::collection::vec(any_hash(), 0..80)) {
        let mut digests: Vec<Digest> = hashes.iter().map(|hash| hash.digest).collect();
        digests.sort_unstable();
        digests.dedup();
        digests.extend(DigestKind::ALL.map(|kind| digest(kind, 7, 7)));
        compare(&hashes, &digests, &(0..5).collect());
    }

    #[test]
    fn packed_numbers_come_back(bits in 0..=32_u8, numbers: Vec<u32>) {
        let mask = u32::try_from((1_u64 << bits) - 1).unwrap();
        let numbers: Vec<u32> = numbers.iter().map(|number| number & mask).collect();
        let mut column = Vec::new();
        layout::pack(&mut column, bits, numbers.iter().copied());
        column.extend([0; layout::SLACK]);
        for (index, number) in numbers.iter().enumerate() {
            prop_assert_eq!(layout::packed_at(&column, index, bits), Some(*number));
        }
    }

    #[test]
    fn every_size_has_its_entries(
        distances in proptest::collection::vec(prop_oneof![1..100_u64, 1..1_u64 << 33], 0..300),
        counts in proptest::collection::vec(1..5_u32, 300),
        first in 0..9_u32,
    ) {
        let mut builder = sizes::SizesBuilder::new(first);
        let mut expected = std::collections::BTreeMap::new();
        let (mut size, mut entry) = (0, usize::try_from(first).unwrap());
        for (distance, count) in distances.iter().zip(&counts) {
            size += distance;
            builder.push(size, *count);
            let end = entry + usize::try_from(*count).unwrap();
            expected.insert(size, entry..end);
            entry = end;
        }
        let (blocks, column) = builder.finish();
        for size in expected.keys().flat_map(|size| [size - 1, *size, size + 1]).chain([0, u64::MAX]) {
            prop_assert_eq!(sizes::find(&blocks, &column, size), expected.get(&size).cloned(), "{}", size);
        }
    }

    #[test]
    fn damaged_tables_are_harmless(
        hashes in proptest::collection::vec(any_hash(), 1..40),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        in_header: bool,
        cut: proptest::sample::Index,
    ) {
        let image = build(&hashes);
        for hash in &hashes {
            let mut section = image.section(section_of(hash.subject, hash.digest.kind())).to_vec();
            let reach = if in_header { 21 } else { section.len() };
            for (place, value) in &flips {
                section[place.index(reach)] = *value;
            }
            section.truncate(section.len() - cut.index(section.len()) / 8);
            if let Some(table) = Table::read(&section, hash.digest.as_bytes().len()) {
                let _ = table.wants(3);
                prop_assert!(table.find(hash.digest.as_bytes(), 3).len() <= 4096);
            }
        }
    }
}
