//! Builder in, image out.

use candor_database::ir::{ContainerMember, Header, Receiver, Refusal, Signature, SourceId};
use candor_database::{Builder, Image, SourceInfo};
use candor_model::{DigestKind, DigestSet, FileType};

use crate::sample;

#[test]
fn the_same_signatures_give_the_same_bytes() {
    assert!(sample::image() == sample::image());
}

#[test]
fn every_signature_is_found_by_its_number() {
    let image = Image::from_vec(sample::image()).unwrap();
    image.check().unwrap();
    let answers = sample::ask(&image);
    let signatures = sample::signatures();
    assert_eq!(answers.records.len(), signatures.len());
    for (number, (name, _)) in signatures.iter().enumerate() {
        let record = &answers.records[number];
        assert_eq!(answers.found[number].as_ref(), Some(record));
        let source = &sample::sources()[usize::from(number.is_multiple_of(3))];
        assert_eq!(record.name, *name);
        assert_eq!(record.id.0 as usize, number);
        assert_eq!((&record.origin.source, record.origin.line as usize), (&source.name, number + 1));
        assert_eq!(record.language, source.language);
        assert_eq!(record.official, source.official);
        assert_eq!(record.potentially_unwanted, source.potentially_unwanted);
    }
    assert!(answers.found[signatures.len()..].iter().all(Option::is_none));
}

#[test]
fn every_kind_of_question_is_answered() {
    let answers = sample::ask(&Image::from_vec(sample::image()).unwrap());
    let names = |hits: &[candor_database::Hit]| -> Vec<String> {
        hits.iter().map(|hit| answers.records[hit.signature.0 as usize].name.clone()).collect()
    };
    let mut digests = names(&answers.digests);
    digests.dedup();
    let first = ["Eicar-Md5-Any", "Eicar-Md5", "Eicar-Md5-Any", "Eicar-Md5", "Eicar-Md5-Any"];
    assert!(
        !digests.is_empty() && first.iter().all(|name| digests.contains(&(*name).to_owned())),
        "{digests:?}"
    );
    let last = ["Eicar-Sha1", "Trusted-1", "Win.Section-1-0", "Win.Imports-1-0", "Win.Made.Section-0-0"];
    assert!(last.iter().all(|name| digests.contains(&(*name).to_owned())), "{digests:?}");
    let mut content = names(&answers.content);
    content.sort_unstable();
    assert_eq!(
        content,
        [
            "Body-1",
            "Logical-1",
            "Pattern-0",
            "Pattern-1",
            "Pattern-10",
            "Pattern-2",
            "Pattern-3",
            "Pattern-5",
            "Pattern-6"
        ]
    );
    assert_eq!(names(&answers.members), ["Member-1", "Member-2", "Member-2"]);
    assert_eq!(answers.magic, [Some(FileType::Gif), None]);
    assert_eq!(answers.patterns.len(), 1);
    assert_eq!(answers.icons.len(), 1);
    assert_eq!(answers.passwords[0].1.password, b"infected");
    assert_eq!(answers.urls[0].1.kind, 'H');
    assert_eq!(answers.texts[0].1.line, "PE:0x1");
    // Of a file of 68 bytes, MD5 and SHA-1; of one of another size, MD5 only.
    let md5 = DigestSet::EMPTY.with(DigestKind::Md5);
    assert_eq!(answers.wanted[..2], [md5, md5.with(DigestKind::Sha1)]);
}

#[test]
fn an_image_says_what_is_in_it() {
    let bytes = sample::image();
    let length = bytes.len() as u64;
    let info = Image::from_vec(bytes).unwrap().info();
    let count = sample::signatures().len() as u64;
    assert_eq!((info.format, info.length, info.signatures), (1, length, count));
    let [first, second] = sample::sources();
    let source = |source: candor_database::ir::Source, signatures| SourceInfo {
        name: source.name,
        language: source.language,
        official: source.official,
        potentially_unwanted: source.potentially_unwanted,
        signatures,
    };
    let of_second = count.div_ceil(3);
    assert_eq!(info.sources, [source(first, count - of_second), source(second, of_second)]);
    assert!(info.sections.iter().any(|section| section.name == "MD5 of PE sections" && section.length > 0));
    assert!(info.sections.iter().all(|section| section.name != "unknown"));
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let fill = |refuse: bool| {
        let mut builder = Builder::new();
        let source = builder.source(sample::sources()[0].clone()).unwrap();
        if refuse {
            let member = ContainerMember {
                container: None,
                container_size: None,
                name: Some("(".to_owned()),
                compressed_size: None,
                real_size: None,
                encrypted: None,
                position: None,
                crc32: None,
            };
            let refused =
                builder.add(Header { name: "Refused", source, line: 1 }, Signature::ContainerMember(member));
            assert!(matches!(refused, Err(Refusal::Regex(_))));
            let (name, signature) = sample::signatures().swap_remove(0);
            let unknown = Header { name: &name, source: SourceId(1), line: 1 };
            assert_eq!(builder.add(unknown, signature.clone()), Err(Refusal::UnknownSource(1)));
            let long = "x".repeat(8193);
            let long = Header { name: &long, source, line: 1 };
            assert_eq!(builder.add(long, signature), Err(Refusal::TooMany("bytes in a name")));
        }
        assert!(builder.is_empty());
        let (name, signature) = sample::signatures().swap_remove(0);
        builder.add(Header { name: &name, source, line: 1 }, signature).unwrap();
        assert_eq!(builder.len(), 1);
        builder.finish().unwrap()
    };
    assert!(fill(true) == fill(false));
}

#[test]
fn an_image_without_signatures_answers() {
    let image = Image::from_vec(Builder::new().finish().unwrap()).unwrap();
    image.check().unwrap();
    let answers = sample::ask(&image);
    assert!(answers.records.is_empty() && answers.digests.is_empty() && answers.content.is_empty());
    assert!(answers.wanted.iter().all(|wanted| wanted.is_empty()));
}

#[test]
fn a_mapped_image_answers_as_one_in_memory() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &sample::image()).unwrap();
    let mapped = Image::open(&file).unwrap();
    mapped.check().unwrap();
    assert_eq!(sample::ask(&mapped), sample::ask(&Image::from_vec(sample::image()).unwrap()));
}
