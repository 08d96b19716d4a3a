//! Encoded scripts, alone, in pages, in texts, and damaged. ClamAV decodes the first sample to the same.

use candor_model::{FileType, Reason};

use super::*;
use crate::collected::{Collected, survives_damage};

/// `MsgBox "Hello"`, as the encoder writes it.
const ENCODED: &[u8] = b"#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@";
const PLAIN: &[u8] = b"MsgBox \"Hello\"";

/// The encoding of a text, by searching for the character that stands for each.
fn encoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (turn, &byte) in text.iter().enumerate() {
        match byte {
            b'\n' => out.extend(b"@&"),
            b'\r' => out.extend(b"@#"),
            b'>' => out.extend(b"@*"),
            b'<' => out.extend(b"@!"),
            b'@' => out.extend(b"@$"),
            _ => out.push(
                (9..0x80_u8)
                    .find(|code| {
                        !matches!(code, 10..=31 | b'<' | b'>' | b'@') && exchanged(*code, turn) == byte
                    })
                    .unwrap(),
            ),
        }
    }
    let length = candor_fixtures::container::base64(&(out.len() as u32).to_le_bytes());
    [START, length.as_bytes(), &out, b"AAAAAA", END].concat()
}

#[test]
fn every_character_comes_back_at_every_turn() {
    let text: Vec<u8> = (0..128_usize)
        .flat_map(|shift| (0..96_u8).map(move |index| (index + shift as u8) % 95 + b' '))
        .chain(*b"\t\r\n<a>@b")
        .collect();
    let found: Vec<_> = scripts(&encoded(&text)).map(|script| script.content()).collect();
    assert_eq!(found, [text]);
}

#[test]
fn a_file_is_given_as_script_and_as_page() {
    let found = Collected::of(FileType::ScrEnc, ENCODED).children;
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0].bytes[..], found[0].member.file_type), (PLAIN, None));
    assert_eq!(found[1].bytes, [b"<script>", PLAIN, b"</script>"].concat());
    assert_eq!(found[1].member.file_type, Some(FileType::Html));
}

#[test]
fn pages_and_texts_have_them_in_the_clear() {
    let page = [b"<script language=\"JScript.Encode\">", ENCODED, b"</script><p>more"].concat();
    let found = Collected::of(FileType::Html, &page).children;
    let text = |index: usize| String::from_utf8_lossy(&found[index].bytes).into_owned();
    assert_eq!(text(0), "<script language=\"jscript.encode\">msgbox\"hello\"</script><p>more");
    assert!(text(2).contains("msgbox\"hello\""), "{}", text(2));
    let script = [b"first line\r\n", ENCODED, b"\r\nsecond\r\n", ENCODED].concat();
    let found = Collected::of(FileType::TextAscii, &script).children;
    let named: Vec<_> =
        found.iter().map(|child| (child.member.name.as_str(), &child.bytes[..])).skip(1).collect();
    assert_eq!(named, [("script 1", PLAIN), ("script 2", PLAIN)]);
}

#[test]
fn wrong_lengths_and_missing_ends_lose_nothing() {
    let content = |bytes: &[u8]| scripts(bytes).next().unwrap().content();
    let mut wrong = ENCODED.to_vec();
    wrong[4..8].copy_from_slice(b"AAAA");
    assert_eq!(content(&wrong), PLAIN);
    wrong[4..8].copy_from_slice(b"////");
    assert_eq!(content(&wrong), PLAIN);
    assert!(content(&ENCODED[..26]).starts_with(PLAIN));
    // What looks like the end and stands before it is a part of the script.
    let long = encoded(b"MsgBox 1");
    let mut bytes = long;
    bytes.splice(12..12, *b"==^#~@");
    bytes[4..12].copy_from_slice(candor_fixtures::container::base64(&14_u32.to_le_bytes()).as_bytes());
    assert_eq!(content(&bytes).len(), 14);
    survives_damage(FileType::ScrEnc, ENCODED);
}

#[test]
fn that_there_are_more_scripts_than_are_given_is_said() {
    for (file_type, each, others) in [(FileType::ScrEnc, 2, 0), (FileType::TextAscii, 1, 1)] {
        let found = Collected::of(file_type, &ENCODED.repeat(256));
        assert_eq!((found.children.len(), found.incomplete), (256 * each + others, vec![]), "{file_type}");
        let found = Collected::of(file_type, &ENCODED.repeat(257));
        let expected = (256 * each + others, vec![Reason::Children]);
        assert_eq!((found.children.len(), found.incomplete), expected, "{file_type}");
    }
    // In a page, all of them are put in their place.
    let found = Collected::of(FileType::Html, &[b"<p>", &ENCODED.repeat(300)[..]].concat());
    let count = memmem::find_iter(&found.children[0].bytes, b"msgbox").count();
    assert_eq!((count, found.incomplete), (300, vec![]));
}
