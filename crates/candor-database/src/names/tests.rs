//! Names: what goes in comes out, whatever stands before and after it.

use proptest::prelude::*;

use super::*;
use crate::image::{Image, ImageWriter, SignatureId};
use crate::ir::{Header, Refusal, Source, SourceId};

fn table(written: &[(String, u16, u32)]) -> Image {
    let mut names = NamesBuilder::default();
    for (place, (name, source, line)) in written.iter().enumerate() {
        let header = Header { name, source: SourceId(*source), line: *line };
        assert_eq!(names.next(&header), Ok(SignatureId(u32::try_from(place).unwrap())));
        names.push(&header);
    }
    let mut writer = ImageWriter::new();
    let count = names.len();
    names.finish(&mut writer).unwrap();
    Image::from_vec(writer.finish(count.into())).unwrap()
}

fn check(written: &[(String, u16, u32)]) {
    let image = table(written);
    let names = image.names();
    let same = |found: &Written, (name, source, line): &(String, u16, u32)| {
        assert_eq!(found, &Written { name: name.clone().into_bytes(), source: *source, line: *line });
    };
    for (id, expected) in (0..).zip(written) {
        same(&names.find(id).unwrap(), expected);
    }
    assert_eq!(names.find(u32::try_from(written.len()).unwrap()), None);
    let mut all = names.iter();
    for (id, expected) in (0..).zip(written) {
        let (number, found) = all.next().unwrap();
        assert_eq!(number, id);
        same(&found, expected);
    }
    assert!(all.next().is_none());
}

#[test]
fn names_of_every_shape_come_back() {
    let long = "x".repeat(LONGEST);
    let shared = |tail: &str| "p".repeat(62) + tail;
    check(&[]);
    check(&[(String::new(), 0, 0), (String::new(), 0, 1)]);
    check(&[
        ("Win.Trojan.Agent-1".to_owned(), 0, 1),
        ("Win.Trojan.Agent-2".to_owned(), 0, 2),
        ("Win.Trojan.Agent-2".to_owned(), 0, 2),
        ("Win.Trojan.Agent-2-0".to_owned(), 0, u32::MAX),
        ("Win.Trojan".to_owned(), 0, 0),
        ("Ünïcode.名前".to_owned(), u16::MAX, 7),
        (shared("a"), 3, 8),
        (shared("bc"), 3, 9),
        (shared("pbc"), 3, 10),
        (shared("ppbcd"), 3, 11),
        (long.clone(), 3, 12),
        (long, 2, 13),
    ]);
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let name = "x".repeat(LONGEST + 1);
    let header = Header { name: &name, source: SourceId(0), line: 1 };
    assert_eq!(NamesBuilder::default().next(&header), Err(Refusal::TooMany("bytes in a name")));
}

#[test]
fn machine_made_names_take_less_than_five_bytes() {
    let written: Vec<_> = (0..100_000).map(|n| (format!("Win.Scaled.Section-{n}-0"), 0, n + 1)).collect();
    let image = table(&written);
    let length: u64 = image.info().sections.iter().map(|section| section.length).sum();
    assert!(length < 5 * 100_000, "{length} bytes");
}

#[test]
fn sources_come_back_with_their_counts() {
    let source = |name: &str, language, official| Source {
        name: name.to_owned(),
        language,
        official,
        potentially_unwanted: !official,
    };
    let mut sources = SourcesBuilder::default();
    assert_eq!(sources.push(source("daily.cvd/daily.ldb", "ldb", true)), Ok(SourceId(0)));
    assert_eq!(sources.push(source("eigene.ndu", "ndb", false)), Ok(SourceId(1)));
    assert_eq!(sources.push(source("x", "klingon", false)), Ok(SourceId(2)));
    *sources.count(SourceId(1)).unwrap() = 5;
    assert!(sources.count(SourceId(3)).is_none());
    let mut writer = ImageWriter::new();
    sources.finish(&mut writer).unwrap();
    let image = Image::from_vec(writer.finish(0)).unwrap();
    let record = |name, language, official, signatures| SourceRecord {
        name,
        language,
        official,
        potentially_unwanted: !official,
        signatures,
    };
    let found: Vec<_> = image.sources().iter().collect();
    assert_eq!(
        found,
        [
            record("daily.cvd/daily.ldb", "ldb", true, 0),
            record("eigene.ndu", "ndb", false, 5),
            record("x", "other", false, 0),
        ]
    );
    assert_eq!(image.sources().find(3), None);
}

#[test]
fn no_more_sources_than_can_be_numbered() {
    let mut sources = SourcesBuilder::default();
    let source =
        Source { name: String::new(), language: "ndb", official: false, potentially_unwanted: false };
    for _ in 0..=u16::MAX {
        sources.push(source.clone()).unwrap();
    }
    assert_eq!(sources.push(source), Err(Refusal::TooMany("sources")));
}

proptest! {
    #[test]
    fn any_names_come_back(
        written in proptest::collection::vec(("[ab.é]{0,6}|(Win.){60,70}[a-c]{0,3}(-0)?", 0..3_u16, any::<u32>()), 0..100),
    ) {
        check(&written);
    }

    #[test]
    fn damaged_tables_are_harmless(
        written in proptest::collection::vec(("[ab]{0,4}", 0..3_u16, 0..9_u32), 60..140),
        blocks in proptest::collection::vec(0..300_u32, 0..4),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        count in 0..200_u64,
    ) {
        let image = table(&written);
        let mut names = image.section(crate::image::SectionKind::Names).to_vec();
        for (place, value) in flips {
            let place = place.index(names.len());
            names[place] = value;
        }
        let blocks: Vec<u8> = blocks.iter().flat_map(|start| start.to_le_bytes()).collect();
        let damaged = Names::new(&blocks, &names, count);
        let found = damaged.iter().inspect(|(id, _)| assert!(u64::from(*id) < count)).count();
        prop_assert!(found <= BLOCK * blocks.len() / 4);
        for id in 0..200 {
            prop_assert!(damaged.find(id).is_none_or(|written| written.name.len() <= LONGEST));
        }
        let _ = Sources::new(&names).iter().count();
    }
}
