//! Messages with lengths and without, and what of them can be had.

use candor_fixtures::{container, stream};
use candor_model::{ChildKind, FileType, Reason};

use crate::collected::{Collected, survives_damage};

const SIGNED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";

/// An element with its length, or without.
fn element(tag: u8, has_length: bool, content: &[u8]) -> Vec<u8> {
    match u16::try_from(content.len()).unwrap().to_be_bytes() {
        _ if !has_length => [&[tag, 0x80], content, &[0, 0]].concat(),
        [0, short @ 0..=0x7f] => [&[tag, short], content].concat(),
        [high, low] => [&[tag, 0x82, high, low], content].concat(),
    }
}

/// A message of this kind around a string.
fn message(kind: &[u8], has_length: bool, string: &[u8]) -> Vec<u8> {
    let wrap = |tag, parts: &[&[u8]]| element(tag, has_length, &parts.concat());
    let content = wrap(0x30, &[&element(6, true, DATA), &wrap(0xa0, &[string])]);
    let algorithms = wrap(0x31, &[&wrap(0x30, &[&element(6, true, b"\x2b\x0e\x03\x02\x1a")])]);
    let fields = wrap(0x30, &[&[2, 1, 1], &algorithms, &content, &wrap(0x31, &[])]);
    wrap(0x30, &[&element(6, true, kind), &wrap(0xa0, &[&fields])])
}

fn signed(content: &[u8]) -> Vec<u8> {
    message(SIGNED, true, &element(4, true, content))
}

#[test]
fn what_was_signed_is_given() {
    let text = b"some content ".repeat(20);
    let (first, last) = text.split_at(100);
    let pieces = [element(4, true, first), element(4, true, last)].concat();
    let deep = [element(0x24, false, &element(4, true, first)), element(4, true, last)].concat();
    for bytes in [
        signed(&text),
        message(SIGNED, false, &element(0x24, false, &pieces)),
        message(SIGNED, false, &element(0x24, false, &deep)),
        message(SIGNED, true, &element(0x24, true, &pieces)),
        [signed(&text), b"behind it".to_vec()].concat(),
        message(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x05", true, &element(4, true, &text)),
    ] {
        for file_type in [FileType::BinaryData, FileType::TextUtf16Be] {
            let found = Collected::of(file_type, &bytes);
            let children: Vec<_> =
                found.children.iter().filter(|child| child.kind == ChildKind::Extracted).collect();
            assert_eq!(
                (&children[0].bytes, &children[0].absent, children[0].member.file_type),
                (&text, &None, None)
            );
            assert_eq!((children.len(), found.incomplete), (1, vec![]));
        }
    }
    survives_damage(FileType::BinaryData, &message(SIGNED, false, &element(0x24, false, &deep)));
}

#[test]
fn signed_parts_of_mails_are_mails() {
    let part =
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nY29udGVudA==\r\n";
    let found = Collected::of(FileType::BinaryData, &signed(part.as_bytes())).children;
    assert_eq!(found[0].member.file_type, Some(FileType::Mail));
    // In text, as certificates stand there.
    let digits = container::base64(&signed(part.as_bytes()));
    let lines: Vec<_> = digits.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let text = format!("-----BEGIN PKCS7-----\n{}\n-----END PKCS7-----\n", lines.join("\n"));
    let found = Collected::of(FileType::TextAscii, text.as_bytes()).children;
    assert_eq!(found[1].bytes, signed(part.as_bytes()));
}

#[test]
fn what_is_encrypted_is_told() {
    for kind in [
        &b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"[..],
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06",
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17",
    ] {
        for has_length in [true, false] {
            let found = Collected::of(FileType::BinaryData, &message(kind, has_length, b""));
            assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::Encrypted]));
        }
    }
}

#[test]
fn what_is_compressed_is_given() {
    let packed = stream::zlib(b"content");
    let kind = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09";
    let found = Collected::of(FileType::BinaryData, &message(kind, true, &element(4, true, &packed)));
    assert_eq!(found.children[0].bytes, b"content");
}

#[test]
fn signatures_of_something_else_hold_nothing_and_what_is_cut_short_is_told() {
    for string in [vec![], element(0x30, true, b"\x02\x01\x01")] {
        let found = Collected::of(FileType::BinaryData, &message(SIGNED, true, &string));
        assert_eq!((found.children.len(), found.incomplete), (0, vec![]));
    }
    let cut = Some(Reason::Malformed("a signed or compressed message is cut short".to_owned()));
    let pieces = [element(4, true, &[b'x'; 200]), element(4, true, &[b'y'; 200])].concat();
    for bytes in [signed(&[b'x'; 400]), message(SIGNED, false, &element(0x24, false, &pieces))] {
        let found = Collected::of(FileType::BinaryData, &bytes[..300]);
        assert!(found.children[0].bytes.starts_with(&[b'x'; 200]));
        assert_eq!(found.children[0].absent, cut);
    }
}

#[test]
fn elements_are_paid_for() {
    let pieces = element(4, true, b"x").repeat(1_000);
    let elements = message(SIGNED, false, &element(0x24, false, &pieces));
    let before =
        [&[0x30, 0x80, 6, 9], SIGNED, &[0xa0, 0x80, 0x30, 0x80, 0x31, 0x80], &[5, 0].repeat(1_000)[..]]
            .concat();
    for bytes in [&elements, &before] {
        assert!(Collected::work_of(FileType::BinaryData, bytes) >= 8_000);
        assert_eq!(Collected::with_work(FileType::BinaryData, bytes, 4_000).incomplete, [Reason::Work]);
    }
    let found = Collected::with_work(FileType::BinaryData, &elements, 4_000);
    assert_eq!(found.children[0].absent, Some(Reason::Work));
    assert!(found.children[0].bytes.len() > 400);
}
