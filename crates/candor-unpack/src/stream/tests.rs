//! Streams made by other people's encoders, one after another, cut, and with dictionaries of gigabytes.

use candor_fixtures::stream;
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Child, Collected, survives_damage};

type Case = (FileType, fn(&[u8]) -> Vec<u8>);

const CASES: [Case; 9] = [
    (FileType::Bzip2, stream::bzip2),
    (FileType::Xz, stream::xz),
    (FileType::Lzma, stream::lzma),
    (FileType::Lzip, stream::lzip),
    (FileType::Zstd, stream::zstd),
    (FileType::Lz4, stream::lz4),
    (FileType::Lz4, stream::lz4_legacy),
    (FileType::Compress, |bytes| stream::compress(bytes, 16)),
    (FileType::Compress, |bytes| stream::compress(bytes, 9)),
];

fn only(file_type: FileType, bytes: &[u8]) -> Child {
    let mut found = Collected::of(file_type, bytes);
    assert_eq!(found.children.len(), 1, "{file_type}");
    found.children.remove(0)
}

/// Text that does not compress to nothing: numbers in words and figures.
fn text(lines: u32) -> Vec<u8> {
    (0..lines)
        .flat_map(|line| format!("line {line} of {}\n", line.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

#[test]
fn content_comes_back() {
    for content in [Vec::new(), b"short".to_vec(), text(20_000)] {
        for (file_type, encode) in CASES {
            let found = only(file_type, &encode(&content));
            assert_eq!(found.absent, None, "{file_type}");
            assert!(found.bytes == content, "{file_type}");
        }
    }
}

#[test]
fn all_streams_are_one_child_whatever_follows_them() {
    let repeatable = |file_type: &FileType| !matches!(file_type, FileType::Lzma | FileType::Compress);
    for (file_type, encode) in CASES.into_iter().filter(|(file_type, _)| repeatable(file_type)) {
        let both = [encode(b"first "), encode(b""), encode(b"second")].concat();
        assert_eq!(only(file_type, &both).bytes, b"first second", "{file_type}");
    }
    for (file_type, encode) in [CASES[0], CASES[1], CASES[4]] {
        let spaced = [encode(b"a"), vec![0; 8], encode(b"b"), vec![0; 4]].concat();
        let found = only(file_type, &spaced);
        assert_eq!((found.bytes.as_slice(), found.absent), (&b"ab"[..], None), "{file_type}");
    }
    for (file_type, encode) in [CASES[0], CASES[1], CASES[4], CASES[5]] {
        let bytes = [encode(b"content"), b"junk behind".to_vec()].concat();
        let found = Collected::of(file_type, &bytes).children;
        let child = &found[0];
        assert_eq!((child.bytes.as_slice(), &child.absent), (&b"content"[..], &None), "{file_type}");
    }
}

#[test]
fn streams_that_give_nothing_are_paid_for() {
    let methods: [Case; 5] = [
        (FileType::Gzip, stream::gzip),
        (FileType::Bzip2, stream::bzip2),
        (FileType::Xz, stream::xz),
        (FileType::Lzip, stream::lzip),
        (FileType::Zstd, stream::zstd),
    ];
    for (file_type, encode) in methods {
        // What is behind a few of them is found for nothing, behind many it is paid for.
        for (count, is_paid) in [(10, false), (100, true)] {
            let bytes = [encode(b"first"), encode(b"").repeat(count), encode(b"last")].concat();
            // What bzip2 gives is paid for by the byte.
            assert_eq!(Collected::work_of(file_type, &bytes) > 9, is_paid, "{file_type}");
            assert_eq!(
                (only(file_type, &bytes).bytes, only(file_type, &bytes).absent),
                (b"firstlast".to_vec(), None)
            );
            let found = Collected::with_work(file_type, &bytes, 9);
            let (content, reason): (&[u8], _) =
                if is_paid { (b"first", Some(Reason::Work)) } else { (b"firstlast", None) };
            assert_eq!(
                (&found.children[0].bytes[..], &found.children[0].absent),
                (content, &reason),
                "{file_type}"
            );
        }
    }
}

#[test]
fn frames_to_be_skipped_are() {
    let skipped = b"\x53\x2a\x4d\x18\x05\0\0\0xxxxx".to_vec();
    let bytes =
        [skipped.clone(), stream::zstd(b"a"), skipped.clone(), skipped.clone(), stream::zstd(b"b")].concat();
    assert_eq!(only(FileType::Zstd, &bytes).bytes, b"ab");
    let bytes = [skipped.clone(), stream::lz4(b"a"), skipped].concat();
    assert_eq!(only(FileType::Zstd, &bytes).bytes, b"a");
}

#[test]
fn a_cut_stream_is_given_as_far_as_it_goes() {
    let content = text(50_000);
    for (file_type, encode) in CASES {
        let mut bytes = encode(&content);
        bytes.truncate(bytes.len() / 2);
        let found = only(file_type, &bytes);
        assert!(
            found.bytes.len() > 100_000 && content.starts_with(&found.bytes),
            "{file_type} {}",
            found.bytes.len()
        );
        // A `.Z` file has no end mark: one that is cut short is like one that ends.
        assert!(found.absent.is_some() || file_type == FileType::Compress, "{file_type}");
    }
}

#[test]
fn a_cut_frame_of_zstandard_is_given_up_to_the_block_that_is_cut() {
    // One block of text, one byte again and again, and what is stored.
    let content = [text(20_000), vec![7; 100_000], text(1)].concat();
    let whole = stream::zstd(&content);
    for cut in 1..=3 {
        // What is missing is of the checksum, or the end of the last block.
        let found = only(FileType::Zstd, &whole[..whole.len() - cut]);
        assert!(content.starts_with(&found.bytes) && found.bytes.len() > 500_000, "{}", found.bytes.len());
        assert!(matches!(found.absent, Some(Reason::Malformed(_))), "{cut}");
    }
    let header = b"\x28\xb5\x2f\xfd\x00\x58";
    let stored =
        [&header[..], &[4000_u32.wrapping_shl(3) as u8, (4000 >> 5) as u8, 0], &[b'x'; 1000]].concat();
    let found = only(FileType::Zstd, &stored);
    assert_eq!((found.bytes.len(), found.absent.is_some()), (1000, true));
}

#[test]
fn a_frame_of_zstandard_whose_window_is_large_is_opened_however_well_it_packs() {
    // A window of 8 MiB, of which nothing comes out before it is full; each block says that a byte comes 128 KiB times.
    let header = b"\x28\xb5\x2f\xfd\x00\x68";
    let block = |size: u32, kind: u32| (size << 3 | kind << 1).to_le_bytes()[..3].to_vec();
    let blocks = [block(128 << 10, 1), b"a".to_vec()].concat();
    let end = b"\x01\0\0".to_vec();
    let whole = [&header[..], &blocks.repeat(80), &end].concat();
    let content = |kind: FileType, bytes: &[u8]| {
        let limits = Limits { max_ratio: u32::MAX, ..Limits::default() };
        Collected::with_limits(kind, bytes, limits).children.remove(0)
    };
    let found = content(FileType::Zstd, &whole);
    assert_eq!((found.bytes.len(), found.absent), (10 << 20, None));
    // What is cut behind blocks that are sound.
    let cut = [&header[..], &blocks.repeat(3), &block(4000, 0), &[b'b'; 1000]].concat();
    let found = content(FileType::Zstd, &cut);
    assert_eq!(found.bytes.len(), (384 << 10) + 1000);
    assert!(found.bytes.ends_with(&[b'b'; 1000]));
    assert!(matches!(found.absent, Some(Reason::Malformed(_))));
}

#[test]
fn a_frame_of_zstandard_with_a_wrong_checksum_hides_nothing() {
    let whole = stream::zstd(b"content");
    assert_eq!(whole[4] & 4, 4, "it has a checksum");
    let mut wrong = whole.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let found = only(FileType::Zstd, &[wrong, whole].concat());
    assert_eq!(found.bytes, b"contentcontent");
    assert_eq!(found.absent, Some(Reason::Malformed("the checksum is wrong".to_owned())));
}

#[test]
fn frames_of_lz4_with_wrong_checksums_hide_nothing() {
    // A checksum of the header, of a block that is stored, and of the content.
    let whole = b"\x04\x22\x4d\x18\x74\x40\xbd\x03\0\0\x80abc\xff\x53\xd1\x32\0\0\0\0\xff\x53\xd1\x32";
    let with = |places: &[usize]| {
        let mut bytes = whole.to_vec();
        places.iter().for_each(|place| bytes[*place] ^= 1);
        let found = only(FileType::Lz4, &[&bytes[..], whole].concat());
        (found.bytes, found.absent)
    };
    assert_eq!(with(&[]), (b"abcabc".to_vec(), None));
    let wrong = Some(Reason::Malformed("the checksum is wrong".to_owned()));
    for place in [6, 14, 22] {
        assert_eq!(with(&[place]), (b"abcabc".to_vec(), wrong.clone()), "{place}");
    }
    assert_eq!(with(&[13]), (b"abbabc".to_vec(), wrong));
    // What is missing of the header of the second, or of a checksum.
    for (end, content) in [(whole.len() + 6, &b"abc"[..]), (2 * whole.len() - 2, b"abcabc")] {
        let found = only(FileType::Lz4, &whole.repeat(2)[..end]);
        assert_eq!(found.bytes, content);
        assert_eq!(found.absent, Some(Reason::Malformed("a frame of LZ4 is cut short".to_owned())), "{end}");
    }
}

#[test]
fn a_cut_stream_of_lzma_is_given_up_to_where_it_is_cut() {
    let content = text(12_000);
    let encoders: [Case; 3] =
        [(FileType::Xz, stream::xz), (FileType::Lzma, stream::lzma), (FileType::Lzip, stream::lzip)];
    for (file_type, encode) in encoders {
        let whole = encode(&content);
        // In a chunk, also in its first, and in what is behind all of them.
        for (cut, least) in
            [(whole.len() / 100, 99), (whole.len() / 2, 45), (whole.len() * 9 / 10, 5), (30, 99)]
        {
            let found = only(file_type, &whole[..whole.len() - cut]);
            let share = found.bytes.len() * 100 / content.len();
            assert!(content.starts_with(&found.bytes), "{file_type} {cut}");
            assert!(share + 2 > least, "{file_type} {cut}: {share}");
            assert!(matches!(found.absent, Some(Reason::Malformed(_))), "{file_type} {cut}");
        }
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0x55;
        let found = only(file_type, &damaged);
        let same = found.bytes.iter().zip(&content).take_while(|(found, there)| found == there).count();
        assert!(same > content.len() / 3, "{file_type} {same}");
        assert!(found.absent.is_some(), "{file_type}");
    }
}

#[test]
fn a_dictionary_of_gigabytes_is_not_made() {
    // A block header whose dictionary is the largest that LZMA2 can name, with its own checksum.
    let mut bytes = stream::xz(b"content");
    bytes[16] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..20]);
    bytes[20..24].copy_from_slice(&crc.sum().to_le_bytes());
    // One that is larger than the content is as good as one that is not: of no window is more made than comes out.
    let found = only(FileType::Xz, &bytes);
    assert_eq!((found.bytes, found.absent), (b"content".to_vec(), None));
    let mut bytes = stream::lzma(b"content");
    bytes[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(only(FileType::Lzma, &bytes).bytes, b"content");
    // Window descriptor of 3.75 TiB.
    let found = only(FileType::Zstd, b"\x28\xb5\x2f\xfd\x00\xff\x01\0\0");
    assert!(found.absent.is_some());
}

#[test]
fn damage_is_survived() {
    for (file_type, encode) in CASES {
        survives_damage(file_type, &encode(&text(200)));
    }
}
