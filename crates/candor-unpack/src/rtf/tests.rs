//! Objects with honest and with scattered digits.

use candor_fixtures::document;
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn objects_are_given_without_their_header() {
    let bytes = document::rtf("Word.Document.8", b"the object");
    let found = Collected::of(FileType::Rtf, &bytes).children;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].member.name.as_str(), found[0].bytes.as_slice()),
        ("Word.Document.8", &b"the object"[..])
    );
}

#[test]
fn digits_may_be_scattered() {
    let bytes =
        b"{\\rt{\\object{\\*\\objdata 4 1\r\n4{\\*\\x ff}2\\foo12 4\\'ff3{4 4}\\bin2 }}45}}{\\objdata 5a}";
    let found = Collected::of(FileType::Rtf, bytes).children;
    assert_eq!(found[0].bytes, b"ABCD}}E");
    assert_eq!(found[1].bytes, b"Z");
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::Rtf, &document::rtf("Package", b"the object"));
}

#[test]
fn that_there_are_more_objects_than_are_given_is_said() {
    let objects = |count: usize| {
        // What stands in the digits of an object is none.
        let text = format!("{{\\rt{}}}", "{\\objdata 5{\\objdata }a}".repeat(count));
        let found = Collected::of(FileType::Rtf, text.as_bytes());
        (found.children.len(), found.incomplete)
    };
    assert_eq!(objects(4096), (4096, vec![]));
    assert_eq!(objects(4097), (4096, vec![Reason::Children]));
}

#[test]
fn objects_that_end_with_the_file_before_their_length_are_cut_short() {
    let whole = document::rtf("Word.Document.8", &[b'x'; 100]);
    let absent = |bytes: &[u8]| Collected::of(FileType::Rtf, bytes).children[0].absent.clone();
    assert_eq!(absent(&whole), None);
    let cut = Some(Reason::Malformed("an object is cut short".to_owned()));
    let digits = whole.windows(2).rposition(|pair| pair == b"78").unwrap();
    assert_eq!(absent(&whole[..digits]), cut);
    // Only its group is open.
    assert_eq!(absent(&whole[..digits + 2]), None);
    // What says a wrong length and has an end is all there is.
    assert_eq!(absent(&[&whole[..digits], b"}}}"].concat()), None);
    // Not even its header is there.
    assert_eq!(absent(b"{\\rtf1{\\object{\\*\\objdata 0105000002000000"), cut);
}

fn given(text: &str) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::Rtf, text.as_bytes()).children;
    found.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

#[test]
fn text_of_groups_that_begin_with_a_word_is_left_out_and_taken() {
    let objects = |text: &str| -> Vec<Vec<u8>> {
        given(&format!("{{\\rtf1{{\\objdata {text}}}}}")).into_iter().map(|(_, bytes)| bytes).collect()
    };
    assert_eq!(objects("41{\\staticval abc}42"), [b"AB".to_vec(), b"A\xab\xc4".to_vec()]);
    // What is inside of such a group belongs to it, and what follows does not.
    assert_eq!(objects("4{\r\n\\b 4{4}\\bin1 z}1{43}"), [b"AC".to_vec(), b"Dz\x14".to_vec()]);
    // Both say the same, or nobody reads it.
    for text in ["41{\\b}42", "41{\\*\\b 43}42", "41{42}", "4{\\bin0 }142", "41{\\*\\a {\\b 43}}42"] {
        assert_eq!(objects(text), [b"AB".to_vec()], "{text}");
    }
}

#[test]
fn objects_in_the_digits_of_another_are_objects() {
    let objects = |text: &str| -> Vec<Vec<u8>> { given(text).into_iter().map(|(_, bytes)| bytes).collect() };
    assert_eq!(objects("{\\rtf1{\\object{\\*\\objdata {\\*\\objdata 41}}}}"), [b"A"]);
    assert_eq!(
        objects("{\\rtf1{\\object{\\*\\objdata 41{\\object{\\*\\objdata 42}}43}}{\\objdata 44}}"),
        [b"AC".to_vec(), b"B".to_vec(), b"D".to_vec()]
    );
    // Bytes that are read again and again are paid for, and not read any number of times.
    let deep = |count: usize| {
        let text = format!("{{\\rtf1 {}{}", "{\\objdata ".repeat(count), "41".repeat(50_000));
        let price = Collected::work_of(FileType::Rtf, text.as_bytes());
        (price / 100_000, Collected::of(FileType::Rtf, text.as_bytes()).incomplete)
    };
    assert_eq!(deep(16), (15, vec![]));
    assert_eq!(deep(17), (15, vec![Reason::Children]));
}

#[test]
fn packages_give_their_file_and_what_is_none_is_given_as_it_is() {
    let file = b"\x02\0a.gz\0C:\\a.gz\0\0\0\x03\0\x02\0\0\0t\0\x07\0\0\0contentbehind";
    let mut bytes = document::rtf("Package", file);
    // What shows the object stands behind it.
    let end = bytes.len() - 3;
    bytes.splice(end..end, *b"0105000000000000");
    for (bytes, expected) in [
        (bytes, ("a.gz", &b"content"[..])),
        (document::rtf("Package", b"no package"), ("Package", b"no package")),
        (document::rtf("Package", &file[..5]), ("Package", &file[..5])),
    ] {
        let found = Collected::of(FileType::Rtf, &bytes).children;
        assert_eq!((found[0].member.name.as_str(), &found[0].bytes[..]), expected);
    }
}

#[test]
fn html_within_rtf_is_given() {
    let found = given(
        "{\\rtf1\\ansi\\fromhtml1 \\deff0{\\fonttbl{\\f0 Arial;}}{\\*\\generator x;}\r\n{\\*\\htmltag64 <p>}\\htmlrtf \\pard no\\htmlrtf0 \
         a\\par \\'e9\\{\\u-3913 ?\\u8364 \\'80b{\\uc0\\u65 c}{\\*\\mhtmltag 1}\\~{\\htmlrtf d}{\\*\\htmltag72 </p>\\par}\\bin3 }}}}x",
    );
    let expected = b"<p>a\r\n\xe9{&#61623;&#8364;b&#65;c&nbsp;</p>\r\n";
    assert_eq!(found, [("html".to_owned(), expected.to_vec())]);
    assert_eq!(given("{\\rtf1 {\\*\\htmltag64 <p>}}"), []);
    survives_damage(FileType::Rtf, b"{\\rtf1\\fromhtml1{\\*\\htmltag <a>}\\u-1 ?\\uc2\\'41\\bin1 {}}");
}
