//! Members built with an encoder that is not the one under test, headers by hand.

use std::io::Write as _;

use candor_model::{FileType, Reason};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use proptest::prelude::*;

use crate::collected::{Child, Collected};

fn member(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn only(bytes: &[u8]) -> Child {
    let mut found = Collected::of(FileType::Gzip, bytes);
    assert_eq!(found.children.len(), 1);
    found.children.remove(0)
}

#[test]
fn all_members_are_one_child() {
    let bytes = [member(b"first "), member(b""), member(b"second")].concat();
    let found = only(&bytes);
    assert_eq!(found.bytes, b"first second");
    assert_eq!(found.absent, None);
    assert_eq!(found.member.compressed_size, Some(bytes.len() as u64));
}

#[test]
fn every_field_of_the_header_is_passed_over() {
    let mut bytes = b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x03\0abcname\0comment\0\0\0".to_vec();
    let mut encoder = DeflateEncoder::new(bytes.split_off(bytes.len()), Compression::default());
    encoder.write_all(b"content").unwrap();
    bytes.extend(encoder.finish().unwrap());
    let found = only(&bytes);
    assert_eq!((found.member.name.as_str(), found.bytes.as_slice()), ("name", &b"content"[..]));
}

#[test]
fn what_stands_behind_the_last_member_is_a_child_of_its_own() {
    let bytes = [member(b"content"), b"trailing bytes".to_vec()].concat();
    let found = Collected::of(FileType::Gzip, &bytes).children;
    let bytes: Vec<_> = found.iter().map(|child| (child.bytes.as_slice(), child.absent.clone())).collect();
    assert_eq!(bytes, [(&b"content"[..], None), (b"trailing bytes", None)]);
}

#[test]
fn a_wrong_checksum_hides_nothing() {
    let good = member(b"content");
    // The checksum, and the length.
    for from_end in [8, 4] {
        let mut bytes = good.clone();
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        let found = only(&[bytes, member(b" more")].concat());
        assert_eq!(found.bytes, b"content more");
        assert_eq!(found.absent, Some(Reason::Malformed("the checksum is wrong".to_owned())));
    }
    for cut in 1..=8 {
        let found = only(&good[..good.len() - cut]);
        assert_eq!(found.bytes, b"content");
        assert!(matches!(found.absent, Some(Reason::Malformed(_))), "{cut}");
    }
}

#[test]
fn a_member_behind_zeros_is_read() {
    let bytes = [member(b"first "), vec![0; 1000], member(b"second"), vec![0; 7]].concat();
    let found = only(&bytes);
    assert_eq!((found.bytes.as_slice(), found.absent), (&b"first second"[..], None));
}

#[test]
fn a_cut_stream_is_given_as_far_as_it_goes() {
    let content: Vec<u8> = (0..100_000_u32).flat_map(|number| number.to_le_bytes()).collect();
    let mut bytes = member(&content);
    bytes.truncate(bytes.len() / 2);
    let found = only(&bytes);
    assert!(found.bytes.len() > 10_000 && content.starts_with(&found.bytes));
    assert!(matches!(found.absent, Some(Reason::Malformed(_))));
}

#[test]
fn a_cut_header_is_said() {
    let found = Collected::of(FileType::Gzip, b"\x1f\x8b\x08\x08\0\0\0\0\0\x03no end of the name");
    assert_eq!(found.incomplete, [Reason::Malformed("gzip header".to_owned())]);
}

proptest! {
    #[test]
    fn any_content_comes_back(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 1..4)) {
        let bytes: Vec<u8> = contents.iter().flat_map(|content| member(content)).collect();
        prop_assert_eq!(only(&bytes).bytes, contents.concat());
    }
}

#[test]
fn lines_that_were_written_at_once_are_paid_for_by_the_file() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut text = Vec::new();
    for number in 0..20_000_u32 {
        let path = number.wrapping_mul(0x9e37_79b9);
        let line = format!(
            "10.0.{}.1 - - [27/Nov/2026:09:00:00 +0000] \"GET /{path} HTTP/1.1\" 200\n",
            number % 251
        );
        encoder.write_all(line.as_bytes()).unwrap();
        encoder.flush().unwrap();
        text.extend(line.bytes());
    }
    let bytes = encoder.finish().unwrap();
    assert!(only(&bytes).bytes == text);
    assert!(Collected::work_of(FileType::Gzip, &bytes) > 0);
    let found = Collected::without_work(FileType::Gzip, &bytes).children.remove(0);
    assert_eq!(found.absent, Some(Reason::Work));
    assert!(text.starts_with(&found.bytes) && !found.bytes.is_empty());
}
