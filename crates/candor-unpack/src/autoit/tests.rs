//! Scripts made here with the same key streams.

use candor_model::{FileType, Reason};

use super::keys::Keys;
use super::{MAGIC, checksum};
use crate::collected::Collected;

const HASH: [u8; 16] = [7; 16];

/// A file in a script: its name, its bytes, and whether they are behind a header of compression.
fn file(keys: &Keys, name: &str, content: &[u8], compressed: bool) -> Vec<u8> {
    let mut out = keys.decrypt(b"FILE", keys.mark);
    let length = u32::try_from(name.encode_utf16().count()).unwrap();
    let stored: Vec<u8> = if keys.is_wide {
        name.encode_utf16().flat_map(u16::to_le_bytes).collect()
    } else {
        name.bytes().collect()
    };
    for (length_key, text_key) in [keys.name, keys.path] {
        out.extend((length ^ length_key).to_le_bytes());
        out.extend(keys.decrypt(&stored, text_key + length));
    }
    let data = if compressed { literals(keys, content) } else { content.to_vec() };
    out.push(u8::from(compressed));
    out.extend((u32::try_from(data.len()).unwrap() ^ keys.size).to_le_bytes());
    out.extend((u32::try_from(content.len()).unwrap() ^ keys.size).to_le_bytes());
    out.extend((checksum(&data) ^ keys.checksum).to_le_bytes());
    out.extend([0; 16]);
    out.extend(keys.decrypt(&data, keys.content));
    out
}

/// Literals, and one copy of the first four bytes at the end.
fn literals(keys: &Keys, content: &[u8]) -> Vec<u8> {
    let mut bits = String::new();
    let (start, _) = content.split_at(content.len() - 4);
    for byte in start {
        bits += &format!("{}{byte:08b}", keys.literal);
    }
    bits += &format!("{}{:015b}01", 1 - keys.literal, start.len());
    while !bits.len().is_multiple_of(8) {
        bits.push('0');
    }
    let mut out = b"EA05".to_vec();
    out.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    out.extend(
        bits.as_bytes()
            .chunks(8)
            .map(|eight| u8::from_str_radix(std::str::from_utf8(eight).unwrap(), 2).unwrap()),
    );
    out
}

fn script(version: u8, files: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let keys = Keys::of(version, &HASH).unwrap();
    let mut out = [&MAGIC[..], b"AU3!EA0", &[version], &HASH].concat();
    for (name, content, compressed) in files {
        out.extend(file(&keys, name, content, *compressed));
    }
    out.extend(b"AU3!EA05");
    out
}

#[test]
fn files_of_both_versions_come_out() {
    for version in [b'5', b'6'] {
        let bytes =
            script(version, &[("a.txt", b"plain", false), ("C:\\b.exe", b"head and so on head", true)]);
        let collected = Collected::of(FileType::AutoIt, &bytes);
        assert_eq!(collected.incomplete, []);
        let found: Vec<_> =
            collected.children.iter().map(|child| (child.member.name.as_str(), &child.bytes[..])).collect();
        assert_eq!(found, [("a.txt", &b"plain"[..]), ("C:\\b.exe", b"head and so on head")]);
    }
}

#[test]
fn tokens_are_text_again() {
    let word = |kind: u8, text: &str| {
        let key = u16::try_from(text.len()).unwrap();
        let mut out = vec![kind];
        out.extend(u32::from(key).to_le_bytes());
        out.extend(text.encode_utf16().flat_map(|unit| (unit ^ key).to_le_bytes()));
        out
    };
    let tokens = [
        vec![1, 0, 0, 0],
        word(0x33, "x"),
        vec![0x41],
        word(0x31, "Run"),
        vec![0x47],
        word(0x36, "cmd \"q\""),
        vec![0x40, 0x05, 7, 0, 0, 0, 0x48, 0x7f],
    ]
    .concat();
    let bytes = script(b'6', &[(">>>AUTOIT SCRIPT<<<", &tokens, false)]);
    let collected = Collected::of(FileType::AutoIt, &bytes);
    let text = String::from_utf8(collected.children[0].bytes.clone()).unwrap();
    assert_eq!(text, "$x = Run ( \"cmd \"\"q\"\"\" , 7 ) \n");
}

#[test]
fn scripts_that_are_text_come_out_as_such() {
    let source = "MsgBox(0, \"one\", \"two\")\r\n";
    let wide: Vec<u8> = source.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&b"\xff\xfe"[..], &wide].concat();
    for version in [b'5', b'6'] {
        for content in [source.as_bytes(), &wide, &marked] {
            // The last four letters of what is compressed here are the first ones.
            let repeated = [content, &content[..4]].concat();
            for (content, compressed) in [(content, false), (&repeated, true)] {
                let bytes = script(version, &[(">AUTOIT UNICODE SCRIPT<", content, compressed)]);
                let collected = Collected::of(FileType::AutoIt, &bytes);
                let child = &collected.children[0];
                assert_eq!(child.member.file_type, Some(FileType::Script));
                assert!(child.bytes.starts_with(source.as_bytes()), "{version} {compressed} {child:?}");
            }
        }
    }
}

#[test]
fn damage_is_reported_and_the_rest_is_kept() {
    let whole = script(b'5', &[("a.txt", b"plain", false), ("b.txt", b"head and so on head", true)]);
    for end in 0..whole.len() {
        let _ = Collected::of(FileType::AutoIt, &whole[..end]);
    }
    let mut wrong = whole.clone();
    let place = whole.len() - 10;
    wrong[place] ^= 0xff;
    let collected = Collected::of(FileType::AutoIt, &wrong);
    assert_eq!(collected.children.len(), 2);
    assert!(collected.incomplete.contains(&Reason::Malformed(String::from("checksum of b.txt"))));
    let other = [&MAGIC[..], b"AU3!EA04", &HASH].concat();
    assert!(matches!(Collected::of(FileType::AutoIt, &other).incomplete[..], [Reason::Unsupported(_)]));
}

#[test]
fn that_there_are_more_files_than_are_given_is_said() {
    let files = |count: usize| {
        let collected =
            Collected::of(FileType::AutoIt, &script(b'5', &vec![("a", &b"plain"[..], false); count]));
        (collected.children.len(), collected.incomplete)
    };
    assert_eq!(files(4096), (4096, vec![]));
    assert_eq!(files(4097), (4096, vec![Reason::Children]));
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_is_told() {
    let whole = script(b'5', &[("a.txt", b"plain", false), ("b.txt", b"plain", false)]);
    // In the name of the second.
    let name = whole.len() - 8 - 5 - 16 - 13 - 9 - 7;
    let collected = Collected::of(FileType::AutoIt, &whole[..name]);
    assert_eq!(collected.children.len(), 1);
    assert_eq!(collected.incomplete, [Reason::Malformed(String::from("AutoIt script"))]);
}

#[test]
fn what_becomes_more_than_there_is_room_for_is_told() {
    let keys = Keys::of(b'5', &HASH).unwrap();
    // A letter, and one copy of it that goes on and on.
    let copy = format!("{}{:015b}{}00000000", 1 - keys.literal, 1, "1".repeat(18 + 8 * 8000));
    let mut bits = format!("{}{:08b}{copy}", keys.literal, b'x');
    bits.extend(std::iter::repeat_n('0', bits.len().next_multiple_of(8) - bits.len()));
    let packed = bits.as_bytes().chunks(8);
    let packed = packed.map(|eight| u8::from_str_radix(std::str::from_utf8(eight).unwrap(), 2).unwrap());
    let data: Vec<u8> = b"EA05".iter().copied().chain(2_000_000_u32.to_be_bytes()).chain(packed).collect();
    let mut bytes = script(b'5', &[("a", &data, false)]);
    // Behind the header, the mark, the name and the path.
    bytes[40 + 14] = 1;
    assert_eq!(Collected::of(FileType::AutoIt, &bytes).children[0].bytes.len(), 2_000_000);
    let limits = candor_model::Limits { max_scan_size: 1 << 20, ..candor_model::Limits::default() };
    let collected = Collected::with_limits(FileType::AutoIt, &bytes, limits);
    assert!(!collected.incomplete.is_empty());
}
