//! Builder in, image out.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candor_database::ir::{
    ContainerMember, Hash, HashSubject, Header, Receiver, Refusal, Signature, SourceId,
};
use candor_database::{BuildError, Builder, Image, SourceInfo};
use candor_model::{Digest, DigestKind, DigestSet, FileType};

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
    file.write_all(&sample::image()).unwrap();
    let mapped = Image::open(&file).unwrap();
    mapped.check().unwrap();
    assert_eq!(sample::ask(&mapped), sample::ask(&Image::from_vec(sample::image()).unwrap()));
}

/// A file that has room for so many bytes, and counts those that were written and read; or one whose bytes do not come back.
struct Room {
    bytes: Cursor<Vec<u8>>,
    left: u64,
    written: Arc<AtomicU64>,
    is_broken: bool,
}

impl Read for Room {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.is_broken { Err(io::Error::other("bad sector")) } else { self.bytes.read(bytes) }
    }
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len() as u64;
        self.left = self.left.checked_sub(length).ok_or(io::ErrorKind::StorageFull)?;
        self.written.fetch_add(length, Ordering::Relaxed);
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Room {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// The sample, and so many digests that they are sorted in several runs: of a few sizes, of sizes of their own, of any size
/// and of more than four bytes can say, some of them twice.
fn fill(mut builder: Builder) -> Builder {
    for source in sample::sources() {
        builder.source(source).unwrap();
    }
    for (number, (name, signature)) in sample::signatures().into_iter().enumerate() {
        builder.add(sample::header(number, &name), signature).unwrap();
    }
    let mut state = 7_u64;
    for number in 0..250_000_u32 {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 20
        };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&next().to_le_bytes());
        bytes[8..].copy_from_slice(&(next() % 3).to_le_bytes());
        if number % 100 == 0 {
            bytes = [number.to_le_bytes()[1]; 16];
        }
        let size = match number % 7 {
            0 => Some(u64::from(number)),
            1 => None,
            2 => Some((1 << 40) + next() % 5),
            _ => Some(512 * (next() % 50)),
        };
        let hash = Hash { subject: HashSubject::Section, digest: Digest::new(&bytes).unwrap(), size };
        // Names that hardly resemble each other fill more than one piece.
        let name = format!("{:x}.Signature.{number}", next());
        let header = Header { name: &name, source: SourceId(0), line: number };
        builder.add(header, Signature::Hash(hash)).unwrap();
    }
    builder
}

/// What comes of it with room for so many bytes, and how many were put aside.
fn laid_out(left: u64, is_broken: bool) -> (Result<Vec<u8>, BuildError>, u64) {
    let written = Arc::new(AtomicU64::new(0));
    let room = Room { bytes: Cursor::default(), left, written: Arc::clone(&written), is_broken };
    let mut image = tempfile::tempfile().unwrap();
    let length = fill(Builder::with_spill(room)).write(image.try_clone().unwrap());
    let mut bytes = Vec::new();
    image.rewind().unwrap();
    image.read_to_end(&mut bytes).unwrap();
    let checked = length.map(|length| {
        assert_eq!(length, bytes.len() as u64);
        bytes
    });
    (checked, written.load(Ordering::Relaxed))
}

#[test]
fn an_image_is_the_same_wherever_it_is_laid_out_and_whatever_is_put_aside() {
    let expected = fill(Builder::new()).finish().unwrap();
    Image::from_vec(expected.clone()).unwrap().check().unwrap();
    // All digests twice, sorted in runs and merged, and most of the names.
    let (image, aside) = laid_out(u64::MAX, false);
    assert!(image.unwrap() == expected);
    assert!(aside > 2 * 230_000 * 24 + (2 << 20), "{aside}");
    // Without room, and with some.
    for left in [0, 3 << 20, 5 << 20, 10 << 20] {
        let (image, aside) = laid_out(left, false);
        assert!(image.unwrap() == expected, "{left}");
        assert!(aside <= left && (left == 0 || aside > 0), "{left}");
    }
}

#[test]
fn what_does_not_come_back_from_where_it_was_put_is_an_error() {
    let (image, _) = laid_out(u64::MAX, true);
    assert_eq!(image, Err(BuildError::Spill("bad sector".to_owned())));
}

#[test]
fn an_image_that_cannot_be_written_is_an_error() {
    let room = Room { bytes: Cursor::default(), left: 6000, written: Arc::default(), is_broken: false };
    let written = fill(Builder::new()).write(room);
    assert!(matches!(written, Err(BuildError::Write(_))), "{written:?}");
}

#[test]
fn an_image_is_checked_as_well_by_reading_as_where_it_is_mapped() {
    let bytes = sample::image();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let image = Image::open(&file).unwrap();
    let check = |bytes: &[u8]| image.check_read(&mut io::BufReader::with_capacity(700, bytes));
    assert_eq!(check(&bytes), Ok(()));
    let behind = bytes.len() - 1;
    for place in (4096..bytes.len()).step_by(97).chain([behind]) {
        let mut other = bytes.clone();
        other[place] ^= 1;
        assert!(check(&other).is_err(), "{place}");
    }
    assert!(check(&bytes[..behind]).is_err());
}
